"""Which averages are known in closed form, by the names of the activations: `base` says what the formulas are.

    units                                     without biases     with biases
    linear, relu, leaky_relu(s), erf          pairs, fours       pairs, fours
    step, sign beside those (teacher only)    pairs, fours       pairs, fours
    sine, linear                              pairs, fours       pairs, fours

What is not listed is left to quadrature.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from learndyn.activations.averages import pairs, pairs_with_biases, sine
from learndyn.activations.averages.units import Unit, unit
from learndyn.gaussian.namespaces import NUMPY, in_float64

Formula = Callable[..., Any]


@cache
def pair(first: str, second: str, biased: bool) -> tuple[Formula, Formula | None] | None:
    """The closed forms of a pair of activations.

    Parameters
    ----------
    first, second
        Names of activations: ``"erf"``, ``"relu"``, ``"leaky_relu(0.1)"``, ``"linear"``, ``"step"``, ``"sign"``,
        ``"sine"``.
    biased
        Whether there are biases. With ``False`` the formulas take ``None`` for m1 and m2.

    Returns
    -------
    tuple or None
        ``outputs(s11, s12, s22, m1, m2, xp)`` and ``slopes(s11, s12, s22, m1, m2, xp)`` (`base`); the second is None
        where the first activation is "step" or "sign". None where a pair has no closed form here.

    Examples
    --------
    >>> from learndyn.activations.averages.closed_forms import pair
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> outputs, slopes = pair("relu", "erf", False)
    >>> round(float(outputs(1.0, 0.5, 1.0, None, None, NUMPY)), 12)  # s12 / sqrt(2 pi (1 + s22))
    0.141047395887
    """
    if "sine" in (first, second):
        if first in sine.NAMES and second in sine.NAMES:
            return partial(sine.outputs, first, second), partial(sine.slopes, first, second)
        return None
    one, other = unit(first), unit(second)
    if one is None or other is None:
        return None
    outputs, slopes = _formulas(one, other, biased)
    return outputs, slopes if one.has_slope else None


def _formulas(one: Unit, other: Unit, biased: bool) -> tuple[Formula, Formula]:
    if biased:
        return partial(pairs_with_biases.outputs, one, other), partial(pairs_with_biases.slopes, one, other)

    def outputs(s11: Any, s12: Any, s22: Any, m1: None, m2: None, xp: Any) -> Any:
        return pairs.outputs(one, other, s11, s12, s22, xp)

    def slopes(s11: Any, s12: Any, s22: Any, m1: None, m2: None, xp: Any) -> Any:
        return pairs.slopes(one, other, s11, s12, s22, xp)

    return outputs, slopes


@cache
def fours(names: tuple[str, str, str, str], biased: bool) -> Formula | None:
    """The closed form of an average of four activations.

    Parameters
    ----------
    names
        Names of g1, g2, g3, g4, as in `pair`; neither of the first two "step" or "sign".
    biased
        Whether there are biases. With ``False`` the formula takes ``None`` for m.

    Returns
    -------
    callable or None
        ``average(C, m, xp)`` = <g1'(a + m_a) g2'(b + m_b) g3(c + m_c) g4(d + m_d)> for C of shape (..., 4, 4) and m of
        shape (..., 4). None where these four have no closed form here.

    Notes
    -----
    ReLU units: within 1e-10 times the standard deviations of c and d; nearly singular covariances within 1e-8; equal
    units are meant to be given as equal rows. In a batch 2 us without biases and 50 us with them. With biases, other
    units are sums of up to 16 such averages (two for each leaky unit, and for a step, sign, erf or linear unit as g3 or
    g4), with their errors and costs. Only first derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.activations.averages.closed_forms import fours
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> average = fours(("relu", "relu", "relu", "relu"), True)
    >>> round(float(average(np.eye(4), np.zeros(4), NUMPY)), 9)  # (1 / 2)^2 (1 / sqrt(2 pi))^2
    0.039788736
    """
    if "sine" in names:
        return sine.fours(names) if set(names) <= set(sine.NAMES) else None
    units = tuple(unit(name) for name in names)
    if any(u is None for u in units) or not all(u.has_slope for u in units[:2] if u):
        return None
    return _in_any_namespace(_orthants(units, biased), biased)


def _orthants(units: Any, biased: bool) -> Formula:
    """The average for a flat list of rows, in JAX."""
    # These import jax, which the command line's --help has no use for.
    from learndyn.activations.averages import fours as without_biases
    from learndyn.activations.averages import fours_with_biases

    if biased:
        return lambda C, m, xp: fours_with_biases.average(units, C, m, xp)
    return lambda C, m, xp: without_biases.average(units, C, xp)


def _in_any_namespace(average: Formula, biased: bool) -> Formula:
    """The formula for any leading axes; NumPy's arrays go through JAX and back."""

    def packed(rows: Any, xp: Any) -> Any:
        return average(rows[..., :4], rows[..., 4] if biased else None, xp)

    def any_shape(C: Any, m: Any, xp: Any) -> Any:
        flat = C.reshape(-1, 4, 4)
        means = m.reshape(-1, 4) if biased else None
        if xp is not NUMPY:
            return average(flat, means, xp).reshape(C.shape[:-2])
        rows = flat if means is None else np.concatenate([flat, means[..., None]], axis=-1)
        return in_float64(packed, rows).reshape(C.shape[:-2])

    return any_shape
