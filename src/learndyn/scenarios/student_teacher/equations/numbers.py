"""What formulas of a two-layer student are evaluated with: numbers at a start, averages without formulas, symbols."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from learndyn.activations.averages.tables import averages_of
from learndyn.formulas.walker import of_walker
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.increments import root_columns
from learndyn.scenarios.student_teacher.rules import rule_of

# Names of the state's blocks in the formulas, where they differ.
BLOCKS = {"spectrum": {"R": "R_space", "Q": "Q_space"}}
VALUES = {
    "learning_rate": "eta", "output_learning_rate": "eta_w", "bias_learning_rate": "eta_theta", "label_noise": "s",
    "weight_decay": "lambda", "output_weight_decay": "lambda_w", "dropout_keep": "p", "batch_size": "b",
    "teacher_drift": "d", "damping": "gamma", "mean_overlap": "e", "mean_square": "mu_square", "shares": "c_share",
}  # fmt: skip


def numbers_of(scenario: Any, rates: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    """A function of the start: arrays and numbers by the names of the formulas."""

    def numbers(start: Any) -> dict[str, Any]:
        s = scenario.structure
        parts = scenario.layout.unpack(scenario.initial_state(start))
        values = scenario.values()
        found: dict[str, Any] = {"T": values["T"], "alpha": start.at}
        found |= {VALUES[name]: value for name, value in values.items() if name in VALUES}
        if s.spectrum:
            found["lambda"] = _both(values.get("weight_decay"), values["eigenvalues"])
        found |= {_block_name(s, name): value for name, value in parts.items()}
        for name, (body, own) in rates.items():
            found |= own | {name: of_walker(lambda walker, body=body: walker(body, {}))}
        if s.adaptive:
            found |= _adaptive(scenario, parts)
        found |= coefficients(s, parts, values)
        if not isinstance(s.motion, str | None):
            found["A"] = s.motion.weights(start.at, s.M)
        found["unlike"] = 1.0 - np.eye(s.M)
        found["_reach"] = scenario.reach(scenario.initial_state(start)[None], start.at)
        found["_parts"], found["_values"], found["_at"] = parts, values, start.at
        return found | _solved(s)

    return numbers


class _Both(float):
    """A number that is also a list: weight decay lambda, and the eigenvalues lambda_l."""

    entries: Any

    def __getitem__(self, place: int) -> float:
        return float(self.entries[place])


def _both(decay: Any, eigenvalues: Any) -> _Both:
    found = _Both(0.0 if decay is None else float(decay))
    found.entries = eigenvalues
    return found


def _block_name(structure: Any, name: str) -> str:
    return BLOCKS["spectrum"].get(name, name) if structure.spectrum else name


def _adaptive(scenario: Any, parts: dict[str, Any]) -> dict[str, Any]:
    rule = scenario.learning_rate
    found: dict[str, Any] = {"eta": float(parts["eta"])}
    if rule.key()[0] == "murata":
        return found | {"a_eta": rule.h.a, "b_eta": rule.h.b, "epsilon_0": rule.h.floor}
    return found | {"h": lambda error, eta: float(rule.h.function(error, eta, NUMPY))}


def coefficients(structure: Any, parts: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """c = (-w, v), and v."""
    K, M = structure.K, structure.M
    v = np.asarray(values.get("v", np.ones(M)))
    found: dict[str, Any] = {"v": v}
    if structure.output_rule == "fast":
        found["w"] = of_walker(lambda walker: _slaved(structure, parts["w"], v, walker))
    keep = float(values.get("dropout_keep", 1.0))

    def joined(factor: float) -> Any:
        def of(walker: Any) -> Any:
            w = walker.number("w") if structure.weighted else np.ones(K)
            return np.concatenate([-factor * np.asarray(w), v])

        return of_walker(of)

    return found | {"c": joined(1.0), "c_bar": joined(keep)}


def _slaved(structure: Any, start: Any, v: Any, walker: Any) -> Any:
    """The w that solves its equation, nearest to that of the start."""
    K, n = structure.K, structure.n
    gram = np.array([[walker.mean((("g", i), ("g", q))) for q in range(1, n + 1)] for i in range(1, K + 1)])
    keep = float(walker.numbers.get("p", 1.0))
    matrix = gram[:, :K] * np.where(np.eye(K, dtype=bool), keep, keep**2)
    matrix = matrix + float(walker.numbers.get("lambda_w", 0.0)) * np.eye(K)
    target = keep * gram[:, K:] @ v
    return start + np.linalg.lstsq(matrix, target - matrix @ start, rcond=1e-12)[0]


def _solved(structure: Any) -> dict[str, Any]:
    """What natural gradient descent solves for."""
    if structure.rule != "natural_gradient":
        return {}
    K = structure.K
    one_to_K = range(1, K + 1)

    @of_walker
    def inverse(walker: Any) -> Any:
        return np.linalg.inv([[walker.entry("a", (i, k)) for k in one_to_K] for i in one_to_K])

    @of_walker
    def X(walker: Any) -> Any:
        G = np.array([
            [walker.entry("G", (i, p, k, q)) for k in one_to_K for q in one_to_K] for i in one_to_K for p in one_to_K
        ])  # fmt: skip
        force = np.array([walker.mean((("delta", i), ("x", p))) for i in one_to_K for p in one_to_K])
        return np.linalg.solve(G, force).reshape(K, K)

    @of_walker
    def of_Q(walker: Any) -> Any:
        return np.linalg.inv(walker.numbers["Q"])

    return {"a_inverse": inverse, "X": X, "Q_inverse": of_Q}


class Averages:
    """Averages that have no printed formula, from the library's own: quadratures and bivariate normal laws."""

    def __init__(self, structure: Any) -> None:
        self._s = structure

    def __call__(self, fields: tuple[tuple[Any, ...], ...], walker: Any) -> float:
        """The average of fields (name, unit)."""
        names = tuple(f[0] for f in fields)
        units = tuple(f[1] - 1 if len(f) > 1 else -1 for f in fields)
        if names[0] == "F":
            return self._rule(fields, walker)
        if names == ("step",) * 4:
            return self._orthant(units, walker)
        if names == ("g",):
            return float(self._table(walker, "means")[units[0]])
        if names == ("g", "g"):
            return float(self._table(walker, "outputs")[units])
        if len(names) == 4:
            return self._four(names, units, walker)
        part = {("ddg", "g"): "along", ("dg", "dg"): "both", ("dg", "g"): "first"}[names]
        return float(self._table(walker, part)[units])

    def _law(self, walker: Any) -> tuple[Any, Any]:
        """Covariance and means of all units, from the printed formulas."""
        if "_law" not in walker.numbers:
            s = self._s
            one_to_n = range(1, s.n + 1)
            C = np.array([[walker.entry("C", (a, b)) for b in one_to_n] for a in one_to_n])
            m = None
            if s.has_means:
                zeros = (np.zeros(s.K), np.zeros(s.M))
                values = walker.numbers["_values"]
                own = (walker.numbers["theta"], values["phi"]) if s.biased else zeros
                m = np.concatenate(own) + (
                    np.concatenate([walker.numbers["d"], values["mean_overlap"]]) if s.shifted else 0.0
                )
            walker.numbers["_law"] = C, m
        return walker.numbers["_law"]

    def _averages(self, walker: Any) -> Any:
        s, reach = self._s, walker.numbers["_reach"]
        return averages_of(s.activations, s.K, s.has_means, None, s.reach if reach is None else reach)

    def _table(self, walker: Any, part: str) -> Any:
        key = f"_{part}"
        if key in walker.numbers:
            return walker.numbers[key]
        C, m = self._law(walker)
        if part == "outputs":
            table = self._averages(walker).outputs(C, m, NUMPY)
        elif part == "means":
            table = self._means(C, m)
        else:
            slopes = self._averages(walker).slopes(C, m, NUMPY)
            table = getattr(slopes, part)
            if part == "along":
                table = table / np.sqrt(np.diagonal(C)[: self._s.K, None])
        walker.numbers[key] = table
        return table

    def _means(self, C: Any, m: Any) -> Any:
        """<g> of each unit: the slope of a linear unit beside it."""
        names = ("linear", *self._s.activations)
        own = averages_of(names, 1, m is not None)
        wider = np.block([[np.ones((1, 1)), np.zeros((1, len(C)))], [np.zeros((len(C), 1)), C]])
        shifted = None if m is None else np.concatenate([[0.0], m])
        return own.slopes(wider, shifted, NUMPY).first[0, 1:]

    def _four(self, names: tuple[str, ...], units: tuple[int, ...], walker: Any) -> float:
        C, m = self._law(walker)
        inside = names[2:] != ("g", "g")
        key = "_moments" if inside else "_fours"
        if key not in walker.numbers:
            averages = self._averages(walker)
            compute = averages.student_moments if inside else averages.square_table
            walker.numbers[key] = in_numpy(compute, C, m)
        pair = state.places(self._s.K)[units[0], units[1]]
        return float(walker.numbers[key][pair, units[2], units[3]])

    def _orthant(self, units: tuple[int, ...], walker: Any) -> float:
        """P(four variables > 0)."""
        import jax
        import jax.numpy as jnp

        from learndyn.gaussian.orthant import PAIRS, orthant_4

        r = [walker.entry("rho", (units[a] + 1, units[b] + 1)) for a, b in PAIRS]
        with jax.enable_x64(True):
            return float(_compiled(orthant_4)(jnp.array(r)[:, None])[0][0])

    def _rule(self, fields: Any, walker: Any) -> float:
        """A user's rule: the averages that its quadrature gives."""
        if "_rule" not in walker.numbers:
            walker.numbers["_rule"] = own_rule(self._s, *self._law(walker), walker.number("c"))
        along, mean, square, L = walker.numbers["_rule"]
        i = fields[0][1] - 1
        if len(fields) == 1:
            return float(mean[i])
        other = fields[1]
        if other[0] == "F":
            return float(square[i, other[1] - 1]) / float(walker.numbers.get("b", 1.0))
        covariances = np.array([walker.mean((other, ("z", a))) for a in range(1, self._s.n + 1)])
        # <F t> = <F u> . (L^-1 <z t>).
        return float(along[i] @ np.linalg.lstsq(L, covariances, rcond=1e-12)[0])


@cache
def _compiled(function: Any) -> Any:
    import jax

    return jax.jit(function)


def own_rule(structure: Any, C: Any, m: Any, c: Any) -> Any:
    """<F u>, <F>, <F F> of z = L u, and L."""
    from learndyn.activations.registry import activation
    from learndyn.scenarios.student_teacher.modulation.general import _product_rule, _sectors

    K, rule = structure.K, rule_of(structure.rule)
    L = np.stack(root_columns(C, NUMPY), axis=-1)
    u, weight = _sectors(L, NUMPY) if rule.kinked else _product_rule(structure.n)
    z = u @ L.T + (0.0 if m is None else m)
    outputs = [c[q] * activation(name).g(z[:, q]) for q, name in enumerate(structure.activations)]
    sigma, tau = -sum(outputs[:K]), sum(outputs[K:])
    force = np.stack([rule.modulation(z[:, i], sigma, tau, NUMPY) + 0.0 * sigma for i in range(K)])
    return (force * weight) @ u, (force * weight).sum(-1), (force * weight) @ force.T, L


def in_numpy(compute: Any, C: Any, m: Any) -> Any:
    """A table of averages that needs JAX, as NumPy."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    with jax.enable_x64(True):
        return np.asarray(jax.jit(lambda C, m: compute(C, m, jax_namespace()))(C, m))


def symbolic(scenario: Any) -> dict[str, Any]:
    """Symbols in the place of all numbers of the state; T and v as numbers where they are 0 or 1."""
    s = scenario.structure
    found: dict[str, Any] = {name: sp.Symbol(name, positive=True) for name in SCALARS}
    for block in scenario.layout.blocks:
        name = _block_name(s, block.name)
        found[name] = _array(name, block.shape, block.symmetric)
    if "T" not in found:
        found["T"] = _constants("T", scenario.values()["T"])
    v = _constants("v", scenario.values()["v"]) if s.weighted else [sp.Integer(1)] * s.M
    w = found["w"] if s.weighted else [sp.Integer(1)] * s.K
    found["v"] = v
    for name, factor in (("c", 1), ("c_bar", found["p"])):
        found[name] = [-factor * one for one in w] + list(v)
    if s.spectrum:
        found["lambda"] = _both(None, None)
    found["unlike"] = [[sp.Integer(int(a != b)) for b in range(s.M)] for a in range(s.M)]
    found["varphi"] = sp.Symbol("varphi", positive=True)
    return found


SCALARS = ("eta", "eta_w", "eta_theta", "lambda", "lambda_w", "s", "p", "b", "d", "gamma", "mu_square", "alpha")


def _array(name: str, shape: tuple[int, ...], symmetric: bool) -> Any:
    """Nested lists of symbols R_11, ...; a squared length is positive; of a single number the symbol has no index."""
    text = {"QJV": "Q^{JV}", "RV": "R^V", "QV": "Q^V"}.get(name, name)

    def one(index: tuple[int, ...]) -> Any:
        place = tuple(sorted(index)) if symmetric else index
        positive = (symmetric and len(set(index)) == 1) or (name == "Q" and len(shape) == 1)
        lower = "".join(str(n + 1) for n in place)
        label = text if all(size == 1 for size in shape) else f"{text}_{{{lower}}}"
        return sp.Symbol(label, positive=True) if positive else sp.Symbol(label, real=True)

    def nested(index: tuple[int, ...]) -> Any:
        if len(index) == len(shape):
            return one(index)
        return [nested((*index, n)) for n in range(shape[len(index)])]

    return nested(())


def _constants(name: str, values: Any) -> Any:
    """Numbers 0, 1 and -1 as they are, and symbols for others."""
    values = np.asarray(values)

    def one(index: tuple[int, ...]) -> Any:
        value = float(values[index])
        if value in (0.0, 1.0, -1.0):
            return sp.Integer(int(value))
        lower = "".join(str(n + 1) for n in (sorted(index) if len(index) == 2 else index))
        label = name if values.size == 1 else f"{name}_{{{lower}}}"
        return sp.Symbol(label, positive=True) if len(set(index)) == 1 and name == "T" else sp.Symbol(label, real=True)

    def nested(index: tuple[int, ...]) -> Any:
        if len(index) == values.ndim:
            return one(index)
        return [nested((*index, n)) for n in range(values.shape[len(index)])]

    return nested(())
