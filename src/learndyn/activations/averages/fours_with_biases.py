"""Averages <g1'(a + m_a) g2'(b + m_b) g3(c + m_c) g4(d + m_d)>, each unit a sum of 1, x, x_+ and (noisy) steps.

A derivative of a noisy step is a Gaussian factor that tilts covariance and means of the rest (`fours.tilted`). The
other factors are 1 and theta(a), theta(b); 1, theta(c), c_+ and (-c)_+, as x = x_+ - (-x)_+; d likewise. Their products
are the moments of `learndyn.gaussian.moments_with_means`; a factor 1 is theta of a variable of its own that is never
negative. Where neither theta(a) nor theta(b) is left, the average is one of two units (`pairs_with_biases`).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any, NamedTuple

from learndyn.activations.averages import pairs_with_biases
from learndyn.activations.averages.fours import tilted
from learndyn.activations.averages.units import Unit
from learndyn.gaussian.moments_with_means import moment_with_means
from learndyn.gaussian.normal import FAR
from learndyn.gaussian.orthant import PAIRS

ONE, STEP, POSITIVE = 0, 1, 2


class _Factor(NamedTuple):
    """coefficient times 1, theta(side x) or (side x)_+."""

    coefficient: float
    kind: int
    side: float = 1.0


def average(units: tuple[Unit, ...], C: Any, m: Any, xp: Any) -> Any:
    """The average for C of shape (rows, 4, 4) and m of shape (rows, 4); JAX only."""
    factor, total = 1.0, 0.0
    for place in (0, 1):
        if units[place].sign:
            C, m, weight = tilted(C, m, place, units[place].noise, xp)
            factor = factor * units[place].sign * weight
    slopes = [_slope_factors(unit) for unit in units[:2]]
    if any(kind == STEP for choices in slopes for _, kind, _ in choices):
        total = total + _moments([*slopes, *map(_factors, units[2:])], units, C, m, xp)
    # The product of both constants in front of the average of the two units c and d.
    constant = 1.0
    for choices in slopes:
        constant = constant * sum(f.coefficient for f in choices if f.kind == ONE)
    if constant:
        s33, s34, s44 = C[..., 2, 2], C[..., 2, 3], C[..., 3, 3]
        pair = pairs_with_biases.outputs(units[2], units[3], s33, s34, s44, m[..., 2], m[..., 3], xp)
        total = total + constant * pair
    return factor * total


def _slope_factors(unit: Unit) -> list[_Factor]:
    """g' without the weight of a noisy step, which is done."""
    if unit.sign:
        return [_Factor(1.0, ONE)]
    return _present(_Factor(unit.linear - unit.modulus, ONE), _Factor(2.0 * unit.modulus, STEP))


def _factors(unit: Unit) -> list[_Factor]:
    """linear x + modulus |x| = (linear + modulus) x_+ + (modulus - linear) (-x)_+, and sign(x) = 2 theta(x) - 1."""
    return _present(
        _Factor(unit.constant - unit.sign, ONE),
        _Factor(2.0 * unit.sign, STEP),
        _Factor(unit.linear + unit.modulus, POSITIVE),
        _Factor(unit.modulus - unit.linear, POSITIVE, -1.0),
    )


def _present(*factors: _Factor) -> list[_Factor]:
    return [factor for factor in factors if factor.coefficient]


def _moments(choices: list[list[_Factor]], units: tuple[Unit, ...], C: Any, m: Any, xp: Any) -> Any:
    """The sum over all products with theta(a) or theta(b), the moments of one kind in one call."""
    noise = xp.array([0.0, 0.0, units[2].noise, units[3].noise])
    variance = xp.diagonal(C, axis1=-2, axis2=-1) + noise
    # A mean beyond FAR standard deviations decides alone: a variance that makes it FAR changes nothing.
    scale = xp.maximum(xp.root(variance), xp.abs(m) / FAR)
    inverse = xp.ratio(1.0, scale)
    h = (m * inverse).T
    r = xp.stack([xp.unit(C[..., i, j] * inverse[..., i] * inverse[..., j]) for i, j in PAIRS])
    calls: Any = defaultdict(list)
    for factors in product(*choices):
        if factors[0].kind == factors[1].kind == ONE:
            continue
        kind, rows = _arranged(factors, r, h, scale, xp)
        calls[kind].append(rows)
    total, count = 0.0, len(C)
    for kind, rows in calls.items():
        coefficients, correlations, means = zip(*rows, strict=True)
        values = moment_with_means(kind, xp.concatenate(correlations, axis=1), xp.concatenate(means, axis=1))
        total = total + sum(c * values[n * count : (n + 1) * count] for n, c in enumerate(coefficients))
    return total


def _arranged(factors: tuple[_Factor, ...], r: Any, h: Any, scale: Any, xp: Any) -> tuple[str, tuple[Any, Any, Any]]:
    """The kind of a moment, and its coefficient, correlations and means."""
    coefficient = 1.0
    for place, factor in enumerate(factors):
        coefficient = coefficient * factor.coefficient
        if factor.kind == POSITIVE:
            coefficient = coefficient * scale[..., place]
    present = [0.0 if factor.kind == ONE else factor.side for factor in factors]
    h = xp.stack([FAR + 0.0 * h[i] if side == 0.0 else side * h[i] for i, side in enumerate(present)])
    r = xp.stack([present[i] * present[j] * r[n] for n, (i, j) in enumerate(PAIRS)])
    positive = [factor.kind == POSITIVE for factor in factors[2:]]
    if positive == [False, True]:
        # "F1" has the positive part in the third place.
        r, h = r[xp.array([0, 2, 1, 4, 3, 5])], h[xp.array([0, 1, 3, 2])]
    return ("P4", "F1", "F2")[sum(positive)], (coefficient, r, h)
