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

from learndyn.activations.averages import pairs, pairs_with_biases, sine
from learndyn.activations.averages.units import Unit, unit

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
