"""The equations of the nonlinear perceptron as formulas: Gaussian classes, or rows of data.

    dw/dt = sum_y p_y (A_y mu_y + A'_y Sigma_y w) - lambda w,   A_y = <s> at h ~ N(m_y, v_y), a prime for d/dm

A and A' are written from the definitions of the rules, apart from `rules`, which compute with derivatives by JAX.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from learndyn.formulas.nodes import Transposed, call, chain, entry, minus, plus, symbols, times, total, written
from learndyn.formulas.system import Definition, Equation, Line, Meaning, System
from learndyn.formulas.walker import of_walker

y, mu_index, decay, w, margin, h, label = symbols("y mu lambda weights kappa h y_data")
# The updates f = s x of the rules, as LaTeX.
UPDATES = {
    "supervised": r"y \, \varphi(-y h)",
    "reinforce": r"\hat{y} \, (y \hat{y} - b) \, \varphi(-\hat{y} h), \quad P(\hat{y} = \pm 1) = \varphi(\pm h)",
    "perceptron": r"y \, \Theta(-y h)",
    "squared_error": r"y \, \varphi(-y h) \, \varphi'(h)",
    "linear": r"y - h",
    "passive_aggressive": r"\frac{y}{|x|^2} \max \left(0, \kappa - y h \right)",
}
SIGMOIDS = {
    "shifted_erf": r"\frac{1}{2} \left( 1 + \mathrm{erf}(\sqrt{\pi} h / 4) \right)",
    "logistic": r"\frac{1}{1 + e^{-h}}",
}


def system_of(scenario: Any) -> System:
    """The equations of Gaussian classes."""
    A, slope = entry("A", y), entry("A_slope", y)
    direct = _word(scenario) == "passive_aggressive"
    with written():
        pulled = A * entry("mu", y) + slope * chain(entry("Sigma", y), w)
        learned = call("mean_update", w) if direct else total(y, sp.Integer(2), entry("prior", y) * pulled)
        right = plus(learned, minus(times(decay, w)) if scenario.weight_decay else None)
    return System(
        title=f"A perceptron learns two Gaussian classes in {scenario.n} dimensions ({scenario.rule.label})",
        time="t",
        update=(*_update(scenario), Line("x", r"\mu_y + \Sigma_y^{1/2} \zeta, \quad \mathrm{with\ label}\ y = \pm 1")),
        equations=(Equation("w", w, (), (), right, note="from a point"),),
        definitions=() if direct else tuple(_averages(scenario)),
        error=(),
        meanings=tuple(_meanings(scenario)),
        numbers=lambda start: _numbers(scenario, start),
        remarks=("From a distribution of weights, ld.moment_flow has their mean and covariance.",),
    )


def system_of_data(scenario: Any) -> System:
    """The equations of rows of data."""
    with written():
        mean = chain(Transposed(entry("X")), call("s", call("rows", entry("X"), w)))
        right = plus(times(1 / sp.Symbol("P"), mean), minus(times(decay, w)) if scenario.weight_decay else None)
    rows = len(scenario.X)
    return System(
        title=f"A perceptron learns {rows} rows of data in {scenario.n} dimensions ({scenario.rule.label})",
        time="t",
        update=_update(scenario),
        equations=(Equation("w", w, (), (), right),),
        definitions=(),
        error=(),
        meanings=(
            Meaning("X", "rows of data", f"{rows} x {scenario.n} numbers"), Meaning("P", "number of rows", str(rows)),
            Meaning("s_{\\mu}", "the factor s at row mu, averaged over the answers of the rule"),
            Meaning(r"\varphi(h)", "sigmoid", scenario.activation), *_scalars(scenario),
        ),
        numbers=lambda start: _data_numbers(scenario, start),
    )  # fmt: skip


def _word(scenario: Any) -> str:
    return "linear" if getattr(scenario.rule, "linear", False) else scenario.rule.name


def _update(scenario: Any) -> tuple[Line, ...]:
    word = _word(scenario)
    baseline = word == "reinforce" and not scenario.rule.baseline
    factor = UPDATES[word].replace(" - b)", ")") if baseline else UPDATES[word]
    shrink = r" - \eta \lambda \mathbf{w}" if scenario.weight_decay else ""
    found = [
        Line(r"\mathbf{w}", rf"\mathbf{{w}} + \eta \, s \, x{shrink}", "", r"\leftarrow"),
        Line("s", factor + r", \quad h = \mathbf{w} \cdot x"),
    ]
    if word not in ("linear", "perceptron", "passive_aggressive"):
        found.append(Line(r"\varphi(h)", SIGMOIDS[scenario.activation]))
    return tuple(found)


def _averages(scenario: Any) -> list[Definition]:
    """A_y, A'_y and what they are written with."""
    word, m, v = _word(scenario), entry("m", y), entry("v", y)
    sign, z, k, scale = entry("sign", y), entry("z", y), entry("k", y), entry("u", y)
    with written():
        law = [
            Definition(m, chain(Transposed(entry("mu", y)), w)),
            Definition(v, chain(Transposed(w), entry("Sigma", y), w)),
        ]
        if word == "linear":
            return [Definition(entry("A", y), sign - m), Definition(entry("A_slope", y), sp.Integer(-1)), *law]
        if word == "perceptron":
            z = m / sp.sqrt(v)
            A, slope = sign * _Phi(-sign * z), -_pdf(z) / sp.sqrt(v)
            return [Definition(entry("A", y), A), Definition(entry("A_slope", y), slope), *law]
        if scenario.activation == "logistic":
            words = "averages of the logistic function over h ~ N(m_y, v_y), by quadrature"
            return [Definition(entry("A", y), None, words), *law]
        A, slope = _closed(word, sign, z, k, scale)
        return [
            Definition(entry("A", y), A), Definition(entry("A_slope", y), slope),
            Definition(z, scale * m), Definition(scale, sp.sqrt(sp.pi / 8) / sp.sqrt(1 + sp.pi * v / 8)),
            Definition(k, 1 / sp.sqrt(1 + sp.pi * v / 4)), *law,
        ]  # fmt: skip


def _closed(word: str, sign: Any, z: Any, k: Any, scale: Any) -> tuple[Any, Any]:
    """A and A' for the shifted error function [Schmid & Murray 2024, (38), (39)], T Owen's function."""
    if word == "supervised":
        return sign * _Phi(-sign * z), -scale * _pdf(z)
    if word == "reinforce":
        owen = 4 * sign * call("OwenT", z, k)
        return owen, -4 * sign * scale * _pdf(z) * (_Phi(k * z) - sp.Rational(1, 2))
    inner = _Phi(-sign * k * z)
    return (
        sign * scale * _pdf(z) * inner,
        -(scale**2) * _pdf(z) * plus(sign * z * inner, k * _pdf(k * z)),
    )


def _Phi(z: Any) -> Any:
    return call("Phi", z)


def _pdf(z: Any) -> Any:
    return call("normal_density", z)


def _scalars(scenario: Any) -> list[Meaning]:
    found = [Meaning(r"\eta", "learning rate; t = eta times updates", f"{scenario.learning_rate:.10g}")]
    if scenario.weight_decay:
        found.append(Meaning.of(r"\lambda", "weight decay", scenario.weight_decay, "lambda"))
    if _word(scenario) == "passive_aggressive":
        found.append(Meaning.of(r"\kappa", "margin", scenario.rule.margin, "kappa"))
    return found


def _meanings(scenario: Any) -> list[Meaning]:
    def shown(values: Any) -> str:
        return np.array2string(values, precision=6, separator=", ") if values.size <= 8 else f"{values.size} numbers"

    return [
        Meaning(r"\mu_{\pm}", "means of the classes", "; ".join(shown(mean) for mean in scenario.means.values)),
        Meaning(
            r"\Sigma_{\pm}",
            "covariances of the classes",
            "; ".join(shown(each.dense(scenario.n)) for each in scenario.covariances) if scenario.n <= 2 else "",
        ),
        Meaning("p_y", "probabilities of the classes", f"{scenario.prior:g} and {1 - scenario.prior:g}"),
        Meaning(r"\Phi, \phi", "normal distribution function and density"),
        *([Meaning(r"\mathrm{T}", "Owen's function")] if _word(scenario) == "reinforce" else []),
        *_scalars(scenario),
    ]


def _functions() -> dict[str, Any]:
    from scipy.special import ndtr, owens_t

    return {"Phi": ndtr, "OwenT": owens_t, "normal_density": lambda z: np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)}


def _numbers(scenario: Any, start: Any) -> dict[str, Any]:
    covariances = [each.dense(scenario.n) for each in scenario.covariances]
    found: dict[str, Any] = {
        "weights": scenario.initial_state(start)[: scenario.n], "mu": list(scenario.means.values),
        "Sigma": covariances * 2 if len(covariances) == 1 else covariances,
        "prior": [scenario.prior, 1.0 - scenario.prior], "sign": [1.0, -1.0], "lambda": scenario.weight_decay,
    }  # fmt: skip
    if _word(scenario) == "passive_aggressive":
        found["mean_update"] = lambda weights: _by_quadrature(scenario, weights)
    elif scenario.activation == "logistic":
        found |= {"A": of_walker(lambda walker: _logistic(scenario, walker, 0))}
        found |= {"A_slope": of_walker(lambda walker: _logistic(scenario, walker, 1))}
    return found | _functions()


def _by_quadrature(scenario: Any, weights: Any) -> Any:
    """The rule's own mean update, an integral over tilts, without decay."""
    import jax

    with jax.enable_x64(True):
        found = np.asarray(scenario.mean_update().mean(jax.numpy.asarray(weights), scenario.values()))
    return found + scenario.weight_decay * np.asarray(weights)


def _logistic(scenario: Any, walker: Any, order: int) -> list[float]:
    """A or A' of both classes, by the rule's own quadrature."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace
    from learndyn.scenarios.classification.rules.base import with_slope

    rule, numbers = scenario.rule, scenario.rule.numbers()
    with jax.enable_x64(True):
        xp = jax_namespace()
        m, v = (xp.asarray([walker.entry(name, (index,)) for index in (1, 2)]) for name in ("m", "v"))
        labels = xp.asarray([1.0, -1.0])
        found = with_slope(lambda m: rule.mean_response(m, v, labels, scenario.activation, numbers, xp), m)[order]
        return np.asarray(found).tolist()


def _data_numbers(scenario: Any, start: Any) -> dict[str, Any]:
    from learndyn.gaussian.namespaces import NUMPY

    X, labels, rule = scenario.X.values, scenario.y.values, scenario.rule
    divided = (X**2).sum(1) if _word(scenario) == "passive_aggressive" else 1.0

    def factor(h: Any) -> Any:
        return rule.response(h, labels, scenario.activation, rule.numbers(), NUMPY) / divided

    return {
        "weights": scenario.initial_state(start), "X": X, "P": float(len(X)), "lambda": scenario.weight_decay,
        "s": factor, "rows": lambda rows, weights: rows @ weights,
    }  # fmt: skip
