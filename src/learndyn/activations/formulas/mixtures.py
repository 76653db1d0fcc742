"""Averages of two units of any kinds without biases, from the very formulas that compute them, in symbols.

Sums of x, |x| and (noisy) signs (`averages.pairs`), polynomials (`polynomial_averages`), and sines.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from math import pi, sqrt
from types import SimpleNamespace
from typing import Any

import sympy as sp

from learndyn.activations.averages import pairs
from learndyn.activations.averages.units import unit
from learndyn.activations.polynomial_averages import derivative
from learndyn.activations.registry import activation

# Constants that floats of formulas stand for, times a simple fraction.
CONSTANTS = [
    (1.0, sp.Integer(1)), (1.0 / pi, 1 / sp.pi), (sqrt(2.0 / pi), sp.sqrt(2 / sp.pi)), (1.0 / pi**2, 1 / sp.pi**2),
    (sqrt(2.0 / pi) / pi, sp.sqrt(2 / sp.pi) / sp.pi),
]  # fmt: skip
LARGEST_DENOMINATOR = 10_000
# Roundings of a product of a few factors.
CLOSE = 1e-15


class Pair(dict[str, Any]):
    """The averages of two units by name: outputs, along (<g'' g>), both (<g' g'>), first (<g' g>)."""


def _angle(s: Any, c: Any) -> Any:
    """atan2(s, c) for c >= 0, as an arcsine."""
    return sp.asin(s / sp.sqrt(s**2 + c**2))


NAMESPACE: Any = SimpleNamespace(root=sp.sqrt, sqrt=sp.sqrt, angle=_angle, ratio=lambda a, b: a / b)


@cache
def pair(first: str, second: str) -> Pair | None:
    """The formulas of <g_1 g_2> and its derivatives in s11, s12, s22; None where there is no closed form."""
    s11, s22 = sp.symbols("s11 s22", positive=True)
    s12 = sp.Symbol("s12", real=True)
    one, other = unit(first), unit(second)
    if one is not None and other is not None:
        outputs = pairs.outputs(one, other, s11, s12, s22, NAMESPACE)
        slopes = pairs.slopes(one, other, s11, s12, s22, NAMESPACE) if one.has_slope else None
    elif activation(first).coefficients and activation(second).coefficients:
        return _polynomials(activation(first).coefficients, activation(second).coefficients, ((s11, s12), (s12, s22)))
    elif {first, second} <= {"sine", "linear"}:
        return _sines(first, second, s11, s12, s22)
    else:
        return None
    found = {"outputs": outputs}
    if slopes is not None:
        found |= {"along": slopes.along / sp.sqrt(s11), "both": slopes.both, "first": slopes.first}
    return Pair({name: exact(sp.sympify(value)) for name, value in found.items()})


def _sines(first: str, second: str, s11: Any, s12: Any, s22: Any) -> Pair:
    """sin and x without biases: <sin u sin v> = exp(-(s11 + s22) / 2) sinh s12."""
    damped = sp.exp(-(s11 + s22) / 2)
    zero = sp.Integer(0)
    if first == second:
        outputs, both = damped * sp.sinh(s12), damped * sp.cosh(s12)
        return Pair(outputs=outputs, along=-outputs, both=both, first=zero)
    only = sp.exp(-(s11 if first == "sine" else s22) / 2)
    along = -s12 * only if first == "sine" else zero
    return Pair(outputs=s12 * only, along=along, both=only, first=zero)


def _polynomials(p: Any, g: Any, C: Any) -> Pair:
    """Wick's theorem for <p(u) g(v)> and its derivatives."""
    orders = {"outputs": (0, 0), "along": (2, 0), "both": (1, 1), "first": (1, 0)}
    return Pair({n: wick((derivative(p, j), derivative(g, k)), C) for n, (j, k) in orders.items()})


def wick(polynomials: tuple[Any, ...], C: Any) -> Any:
    """<p_1(z_1) p_2(z_2) ...> of polynomials with these coefficients, z Gaussian with the covariances C[i][j]."""
    total = sp.Integer(0)
    for powers in product(*(range(len(p)) for p in polynomials)):
        coefficient = sp.prod(_constant(float(p[n])) for p, n in zip(polynomials, powers, strict=True))
        total += coefficient * _moment(powers, C) if coefficient else 0
    return sp.expand(total)


def _moment(powers: tuple[int, ...], C: Any) -> Any:
    """<z_1^n_1 z_2^n_2 ...>: one variable is paired with each of the others, and with the rest of itself."""
    if sum(powers) % 2:
        return sp.Integer(0)
    first = next((i for i, n in enumerate(powers) if n), None)
    if first is None:
        return sp.Integer(1)
    left = [n - (i == first) for i, n in enumerate(powers)]
    return sum(
        n * C[first][j] * _moment(tuple(m - (i == j) for i, m in enumerate(left)), C) for j, n in enumerate(left) if n
    )


def exact(formula: Any) -> Any:
    """The formula with fractions and pi in place of floats."""
    return formula.xreplace({number: _constant(float(number)) for number in formula.atoms(sp.Float)})


def _constant(value: float) -> Any:
    for size, constant in CONSTANTS:
        fraction: Any = sp.Rational(value / size)
        fraction = fraction.limit_denominator(LARGEST_DENOMINATOR)
        if fraction != 0 and abs(float(fraction) * size - value) <= CLOSE * abs(value):
            return fraction * constant
    return sp.Float(value) if value else sp.Integer(0)
