"""The conformance tests that extensions of learndyn pass: one call, no knowledge of how the extension is written.

`check_activation` holds an activation's derivative and its Gaussian averages against sources that share none of its
formulas: finite differences, nested Gauss-Legendre quadrature over conditional distributions, and Monte Carlo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.activations import activation as find_activation
from learndyn.activations.kinks import find_kinks

__all__ = ["ActivationReport", "Check", "check_activation"]

# Probability that a correct activation fails one call, by chance of the Monte Carlo draws.
FALSE_ALARM = 1e-6
SAMPLES = 200_000
# What the averages must reach at variances of order one; I4 is harder to compute, and so is its quadrature.
ACCURACY_2, ACCURACY_3, ACCURACY_4 = 1e-10, 1e-10, 1e-9
# Coinciding variables make the covariance of I4 singular: half of the 16 digits is what its entries determine.
ACCURACY_SINGULAR = 1e-8
# Gauss-Legendre nodes between two kinks (coarse, fine), over WIDTH standard deviations: 20 integrate a Gaussian to
# 3e-10, 24 to 2e-13, 32 to rounding, and 6e-16 of it is left outside. The difference of the two is the error of the
# coarse one; four nested integrals can afford fewer nodes.
NODES = {"I2": (28, 32), "I3": (28, 32), "I4": (20, 24)}
WIDTH = 8.0
# Spacing of the difference quotient of order 4: its error is h^4 g'''''/30 + 1.5 eps |g| / h.
SPACING = 1e-3
ACCURACY_DERIVATIVE = 1e-10
# g and g' in NumPy and in compiled code: two libraries that each round to one unit in the last place or so.
ACCURACY_COMPILED = 1e-14


@dataclass(frozen=True)
class Check:
    """One comparison: the largest error that was measured, and the largest that is allowed."""

    name: str
    error: float
    allowed: float


@dataclass(frozen=True)
class ActivationReport:
    """What `check_activation` measured.

    Examples
    --------
    >>> import learndyn as ld
    >>> report = ld.testing.check_activation("linear")
    >>> report.name, report.kinks
    ('linear', ())
    >>> all(check.error <= check.allowed for check in report.checks)
    True
    """

    name: str
    seed: int
    kinks: tuple[float, ...]
    checks: tuple[Check, ...]

    def __str__(self) -> str:
        lines = [f"{c.name:<44} {c.error:9.2e}  of {c.allowed:.2e}" for c in self.checks]
        return "\n".join([f"activation {self.name!r}, seed {self.seed}", *lines])


def check_activation(activation: str | Activation, *, seed: int = 0) -> ActivationReport:
    """Check that an activation's derivative, averages and compiled form agree with independent calculations.

    - ``g`` is continuous, ``dg`` is its derivative (difference quotients of order 4), at a kink the mean of both sides.
    - ``I2`` = <g(u) g(v)>, ``I3`` = <g'(u) v g(w)> and ``I4`` = <g'(a) g'(b) g(c) g(d)> agree with nested quadrature
      that is split at the kinks, at random covariances.
    - They agree with Monte Carlo, also at singular covariances: equal, opposite and constant variables.
    - ``I2`` is symmetric, ``I3`` linear in v, ``I4`` symmetric in (a, b) and in (c, d).
    - ``gradient_sum`` (NumPy and JAX) and ``square_sum`` (JAX) are the sums of I3 and I4 that they stand for.
    - ``diffusion``, where the activation has it, agrees with quadrature for the perceptron.
    - ``g`` and ``dg`` give the same numbers in NumPy and inside compiled simulation steps.

    Parameters
    ----------
    activation
        A name, or an `Activation`.
    seed
        Seed of the covariances, weights and samples: the same seed is the same check.

    Returns
    -------
    ActivationReport
        The measured error and the allowed one of each comparison.

    Raises
    ------
    AssertionError
        One sentence that names the first part that is wrong, and by how much.

    Notes
    -----
    Kinks are found on [-10, 10] by bisection of jumps of ``dg``. Accuracy asked of the averages at variances of order
    one: 1e-10 for I2 and I3, 1e-9 for I4, 1e-8 where variables coincide. A correct activation fails the Monte Carlo
    part of one call with probability 1e-6 over seeds. Cost: 2 to 10 s, most of it compilation.

    Examples
    --------
    >>> import learndyn as ld
    >>> report = ld.testing.check_activation("erf")
    >>> report.checks[0].name
    "g' against differences of g"
    """
    act = find_activation(activation)
    kinks = find_kinks(act)
    checks = []
    for name, error, allowed in _comparisons(act, kinks, np.random.default_rng(seed)):
        error = float(error)
        # Not `error > allowed`: that would let NaN pass.
        if not error <= allowed:
            raise AssertionError(
                f"Activation {act.name!r}: {name}: the error is {error:.3g}, but at most {allowed:.3g} is allowed."
            )
        checks.append(Check(name, error, allowed))
    return ActivationReport(act.name, seed, kinks, tuple(checks))


Comparison = tuple[str, Any, float]


def _comparisons(act: Activation, kinks: tuple[float, ...], rng: np.random.Generator) -> Iterator[Comparison]:
    yield from _derivative(act, kinks, rng)
    yield from _compiled_form(act, kinks, rng)
    yield from _symmetries(act, rng)
    yield from _quadrature(act, kinks, rng)
    yield from _monte_carlo(act, rng)
    yield from _sums(act, rng)
    yield from _diffusion(act, kinks, rng)


# ---- g and g'


def _away(points: np.ndarray, kinks: tuple[float, ...], distance: float) -> np.ndarray:
    near = [np.abs(points - kink) < distance for kink in kinks]
    return points[~np.any(near, axis=0)] if near else points


def _derivative(act: Activation, kinks: tuple[float, ...], rng: np.random.Generator) -> Iterator[Comparison]:
    h = SPACING
    x = _away(rng.uniform(-6.0, 6.0, 2000), kinks, 3 * h)
    quotient = (8 * (act.g(x + h) - act.g(x - h)) - (act.g(x + 2 * h) - act.g(x - 2 * h))) / (12 * h)
    yield "g' against differences of g", np.abs(quotient - act.dg(x)).max(), ACCURACY_DERIVATIVE
    if kinks:
        at, side = np.array(kinks), 1e-9
        jump = np.abs(act.g(at + side) - act.g(at - side)).max()
        yield "continuity of g at its kinks", jump, 10 * side
        mean = (act.dg(at + side) + act.dg(at - side)) / 2
        yield "g' at a kink against the mean of both sides", np.abs(act.dg(at) - mean).max(), 10 * side


def _compiled_form(act: Activation, kinks: tuple[float, ...], rng: np.random.Generator) -> Iterator[Comparison]:
    from learndyn.activations.compiled import ActivationTag

    x = np.concatenate([rng.uniform(-8.0, 8.0, 500), kinks, [0.0, 30.0, -30.0]])
    values, slopes = np.empty_like(x), np.empty_like(x)
    _kernel()(ActivationTag(act), x, values, slopes)
    for name, compiled, plain in (("g", values, act.g(x)), ("g'", slopes, act.dg(x))):
        error = np.abs(compiled - plain) / np.maximum(1.0, np.abs(plain))
        yield f"{name} compiled against NumPy", error.max(), ACCURACY_COMPILED


@cache
def _kernel() -> Callable[..., None]:
    from numba import njit

    from learndyn.activations.compiled import dg, g

    @njit
    def evaluate(tag, x, values, slopes):
        for i in range(x.size):
            values[i] = g(tag, x[i])
            slopes[i] = dg(tag, x[i])

    return evaluate


# ---- The averages


def _covariance(rng: np.random.Generator, n: int) -> np.ndarray:
    """A covariance with variances between 0.4 and 2 and no correlation near 1: what every activation must do well."""
    factor = rng.standard_normal((n, 2 * n))
    C = factor @ factor.T + n * np.eye(n)
    scale = np.sqrt(rng.uniform(0.4, 2.0, n) / np.diagonal(C))
    return C * scale[:, None] * scale


def _parts(act: Activation) -> dict[str, tuple[Callable[..., Any], tuple[Any, ...], float]]:
    """For each average: its closed form, the factors whose product is averaged, and the accuracy."""

    def own(x: Any) -> Any:
        return x

    return {
        "I2": (act.I2, (act.g, act.g), ACCURACY_2),
        "I3": (act.I3, (act.dg, own, act.g), ACCURACY_3),
        "I4": (act.I4, (act.dg, act.dg, act.g, act.g), ACCURACY_4),
    }


def _symmetries(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    C = np.array([_covariance(rng, 4) for _ in range(8)])
    swap = [1, 0]
    error = np.abs(act.I2(C[:, :2, :2]) - act.I2(C[:, :2, :2][:, swap][:, :, swap]))
    yield "I2 symmetric", error.max(), ACCURACY_2
    # v = 2 v_1 - 3 v_2 in <g'(u) v g(w)>, for (u, v_1, v_2, w) with covariance C.
    mix = np.array([[1.0, 0, 0, 0], [0, 2.0, -3.0, 0], [0, 0, 0, 1.0]])
    one, two = C[:, [0, 1, 3]][:, :, [0, 1, 3]], C[:, [0, 2, 3]][:, :, [0, 2, 3]]
    error = np.abs(act.I3(mix @ C @ mix.T) - 2 * act.I3(one) + 3 * act.I3(two))
    yield "I3 linear in v", error.max(), 6 * ACCURACY_3
    for name, order in (("(a, b)", [1, 0, 2, 3]), ("(c, d)", [0, 1, 3, 2])):
        error = np.abs(act.I4(C) - act.I4(C[:, order][:, :, order]))
        yield f"I4 symmetric in {name}", error.max(), 2 * ACCURACY_4


def _quadrature(act: Activation, kinks: tuple[float, ...], rng: np.random.Generator) -> Iterator[Comparison]:
    for name, (closed_form, factors, accuracy) in _parts(act).items():
        coarse, fine = NODES[name]
        C = [_covariance(rng, len(factors)) for _ in range(2)]
        values = np.array([expectation(factors, matrix, kinks, fine) for matrix in C])
        # The error of the coarse rule; that of the fine one is smaller by orders.
        doubt = abs(values[0] - expectation(factors, C[0], kinks, coarse))
        yield f"quadrature of {name} in itself", doubt, accuracy
        yield f"{name} against quadrature", np.abs(values - closed_form(np.array(C))).max(), accuracy


def expectation(factors: tuple[Any, ...], C: np.ndarray, kinks: tuple[float, ...], nodes: int) -> float:
    """<f_1(z_1) f_2(z_2) ...> by nested Gauss-Legendre quadrature, each integral split at the kinks.

    z_k = m_k + L_kk n_k with m_k = sum_{j<k} L_kj n_j, C = L L^T: given the outer variables an integral over z_k is a
    smooth function of m_k, however many kinks f_k has.
    """
    L = np.linalg.cholesky(C)

    def inner(k: int, chosen: list[Any]) -> Any:
        # chosen: n_0 .. n_{k-1}, arrays with one axis for each level so far.
        if k == len(factors):
            return 1.0
        mean = sum((L[k, j] * chosen[j] for j in range(k)), np.zeros(()))[..., None]
        n, weight = _nodes(mean, L[k, k], kinks, nodes)
        rest = inner(k + 1, [*(x[..., None] for x in chosen), n])
        return (weight * factors[k](mean + L[k, k] * n) * rest).sum(-1)

    # The outermost variable one node at a time: memory for the others alone.
    n, weight = _nodes(np.zeros(1), L[0, 0], kinks, nodes)
    values = np.array([inner(1, [np.asarray(x)]) for x in n])
    return float((weight * factors[0](L[0, 0] * n) * values).sum())


def _nodes(mean: np.ndarray, deviation: float, kinks: tuple[float, ...], nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in units of the standard deviation and weights (with the Gaussian in them), panel after panel."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    inside = [np.clip((kink - mean) / deviation, -WIDTH, WIDTH) for kink in kinks] or [np.zeros_like(mean)]
    borders = [np.full_like(mean, -WIDTH), *inside, np.full_like(mean, WIDTH)]
    points, weights = [], []
    for low, high in pairwise(borders):
        half = (high - low) / 2
        point = low + half * (1 + x)
        points.append(point)
        weights.append(half * w * np.exp(-0.5 * point * point) / np.sqrt(2 * np.pi))
    return np.concatenate(points, -1), np.concatenate(weights, -1)


def _monte_carlo(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """Means over draws, in standard errors; the threshold shares FALSE_ALARM out to all comparisons."""
    from scipy.special import ndtri

    cases = {"random": [_covariance(rng, 4) for _ in range(2)], "singular": _singular(rng)}
    parts = _parts(act)
    count = len(parts) * sum(map(len, cases.values()))
    threshold = -float(ndtri(FALSE_ALARM / (2 * count)))
    for kind, covariances in cases.items():
        worst = dict.fromkeys(parts, 0.0)
        for C in covariances:
            values, vectors = np.linalg.eigh(C)
            z = (vectors * np.sqrt(np.maximum(values, 0.0))) @ rng.standard_normal((4, SAMPLES))
            # Variables that are equal, opposite or constant are so in every draw, not up to rounding.
            z = _exact_copies(z, C)
            for name, (closed_form, factors, accuracy) in parts.items():
                n = len(factors)
                draws = np.prod([f(x) for f, x in zip(factors, z[4 - n :], strict=True)], axis=0)
                error = abs(draws.mean() - float(closed_form(C[4 - n :, 4 - n :])))
                accuracy = accuracy if kind == "random" else ACCURACY_SINGULAR
                score = max(0.0, error - accuracy) / max(draws.std() / np.sqrt(SAMPLES), 1e-300)
                worst[name] = score if not score <= worst[name] else worst[name]
        for name, score in worst.items():
            yield f"{name} against Monte Carlo, {kind} (standard errors)", score, threshold


def _singular(rng: np.random.Generator) -> list[np.ndarray]:
    """Covariances of four variables of which some are equal, opposite, combinations of the others, or constant."""
    C = _covariance(rng, 4)
    members = ([0, 0, 2, 3], [0, 1, 0, 3], [0, 1, 2, 2], [0, 1, 0, 1], [0, 0, 0, 0])
    equal = [C[np.ix_(m, m)] for m in members]
    sign = np.array([1.0, -1.0, -1.0, 1.0])
    opposite = [matrix * np.outer(sign, sign) for matrix in equal]
    constant = []
    for which in ([0], [1], [2], [0, 1], [0, 1, 2, 3]):
        matrix = C.copy()
        matrix[which], matrix[:, which] = 0.0, 0.0
        constant.append(matrix)
    combination = [A @ A.T for A in (rng.standard_normal((4, 3)), rng.standard_normal((4, 2)))]
    return [*equal, *opposite, *constant, *combination]


def _exact_copies(z: np.ndarray, C: np.ndarray) -> np.ndarray:
    z = z.copy()
    for i in range(4):
        if C[i, i] == 0.0:
            z[i] = 0.0
        for j in range(i):
            if C[i, i] > 0.0 and abs(C[i, j]) == C[i, i] == C[j, j]:
                z[i] = np.sign(C[i, j]) * z[j]
    return z


# ---- The sums over units that a theory needs


def _sums(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    import jax

    from learndyn.gaussian.namespaces import NUMPY, jax_namespace

    for K, M in ((1, 1), (2, 2), (3, 2)):
        n = K + M
        C, c = _covariance(rng, n), rng.standard_normal(n)
        unit = range(n)
        rows = np.array([[i, b, q] for i in range(K) for b in unit for q in unit])
        third = act.I3(C[rows[:, :, None], rows[:, None, :]]).reshape(K, n, n)
        gradient = third @ c
        rows = np.array([[i, k, p, q] for i in range(K) for k in range(i, K) for p in unit for q in unit])
        fourth = act.I4(C[rows[:, :, None], rows[:, None, :]]).reshape(-1, n, n)
        square = fourth @ c @ c
        with jax.enable_x64(True):
            program = jax.jit(
                lambda C, c, K=K: [
                    act.functions[part](C, c, K, jax_namespace()) for part in ("gradient_sum", "square_sum")
                ]
            )
            sums = [np.asarray(x) for x in program(C, c)]
        size = float(np.abs(c).sum())
        plain = act.functions["gradient_sum"](C, c, K, NUMPY)
        yield f"gradient_sum in NumPy, K={K} M={M}", np.abs(plain - gradient).max(), size * ACCURACY_3
        yield f"gradient_sum in JAX, K={K} M={M}", np.abs(sums[0] - gradient).max(), size * ACCURACY_3
        yield f"square_sum in JAX, K={K} M={M}", np.abs(sums[1] - square).max(), size**2 * ACCURACY_SINGULAR


# ---- The covariance of single updates


def _diffusion(act: Activation, kinks: tuple[float, ...], rng: np.random.Generator) -> Iterator[Comparison]:
    import jax

    from learndyn.gaussian.namespaces import jax_namespace
    from learndyn.scenarios.student_teacher.perceptron_quadrature import make_perceptron_diffusion

    closed_form = act.functions.get("diffusion")
    if closed_form is None:
        return
    xp = jax_namespace()
    by_quadrature = make_perceptron_diffusion(act, xp, kinks)
    for eta in (0.3, 1.5):
        C = _covariance(rng, 2)
        values = {"learning_rate": np.asarray(eta), "T": C[1:, 1:]}
        with jax.enable_x64(True):
            wanted = np.asarray(jax.jit(by_quadrature)(np.array([C[0, 1], C[0, 0]]), values))
            # A perceptron's is known wherever any is.
            found = np.asarray(jax.jit(lambda C, eta: closed_form(C, 1, eta, xp))(C, values["learning_rate"]))
        yield f"diffusion against quadrature, eta={eta}", np.abs(found - wanted).max(), ACCURACY_4 * np.trace(wanted)
