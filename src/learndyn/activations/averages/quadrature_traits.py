"""What quadrature must know of an activation: where it is not smooth, how fast it changes, how fast it grows.

All of it is found on the host, once, from values of g and g': nothing has to be declared but kinks and jumps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from learndyn.activations.base import Activation
from learndyn.gaussian.namespaces import NUMPY

# A function that a polynomial of this degree fits to rounding on [-SPAN, SPAN] is taken for that polynomial.
HIGHEST_DEGREE = 10
SPAN = 4.0
# The decay of a Fourier transform is read off where it has fallen to this part of its largest value.
DECAY = 1e-9


class Traits(NamedTuple):
    """What a rule depends on; equal traits give equal rules."""

    odd: bool  # g(-x) = -g(x)
    degree: int | None  # of a polynomial, else None
    growth: float  # g grows like |x|^growth
    strip_2: float  # the Fourier transform of g'^2 falls like exp(-strip_2 |k|); at a distant k: pi / 2 for tanh
    strip_4: float  # the same of (g' g)^2
    breaks: tuple[float, ...]  # the places where g or g' jumps, sorted


def traits(activation: Activation) -> Traits:
    """The traits of an activation.

    Examples
    --------
    >>> from learndyn.activations import activation
    >>> traits(activation("relu")).breaks
    (0.0,)
    >>> traits(activation("linear")).degree
    1
    """
    functions = activation.functions
    places = (*activation.kinks, *(place for place, _ in activation.jumps))
    return _traits(functions["g"], functions["dg"], tuple(sorted(set(places))))


@cache
def _traits(g: Callable[..., Any], dg: Callable[..., Any], breaks: tuple[float, ...]) -> Traits:
    def value(x: np.ndarray) -> np.ndarray:
        return np.asarray(g(x, NUMPY), dtype=float)

    def slope(x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(np.asarray(dg(x, NUMPY), dtype=float), x.shape)

    degree = None if breaks else _degree(value)
    growth = float(degree) if degree is not None else _growth(value)
    if breaks or degree is not None:
        return Traits(_is_odd(value), degree, growth, np.inf, np.inf, breaks)
    x = np.arange(-30.0, 30.0, 1.0 / 64.0)
    strips = _strip(slope(x) ** 2, x), _strip((slope(x) * value(x)) ** 2, x)
    return Traits(_is_odd(value), None, growth, *strips, breaks)


def _is_odd(value: Callable[..., Any]) -> bool:
    x = np.concatenate([[0.0], np.geomspace(1e-3, 30.0, 101)])
    positive = value(x)
    return bool(np.all(np.abs(value(-x) + positive) <= 1e-15 * (1.0 + np.abs(positive))))


def _degree(value: Callable[..., Any]) -> int | None:
    """The degree of a polynomial of at most HIGHEST_DEGREE, None for any other function."""
    x = SPAN * np.cos(np.pi * (np.arange(24) + 0.5) / 24)
    series = np.polynomial.chebyshev.chebfit(x / SPAN, value(x), 23)
    present = np.flatnonzero(np.abs(series) > 1e-13 * np.abs(series).max(initial=1e-300))
    degree = int(present.max(initial=0))
    return degree if degree <= HIGHEST_DEGREE else None


def _growth(value: Callable[..., Any]) -> float:
    """The larger of log2 |g(2x) / g(x)| at x = +-20, between 0 and 8."""
    near, far = np.abs(value(np.array([-20.0, 20.0]))), np.abs(value(np.array([-40.0, 40.0])))
    return float(np.clip(np.log2(np.maximum(far, 1e-6) / np.maximum(near, 1e-6)).max(), 0.0, 8.0))


def _strip(values: np.ndarray, x: np.ndarray) -> float:
    """The rate at which the Fourier transform of a function decays, through a Gaussian window of width 3.

    A pole at distance a gives exp(-a |k|) and powers of k; for entire functions it is the mean rate down to DECAY.
    """
    spectrum = np.abs(np.fft.rfft(values * np.exp(-x * x / 18.0)))
    k = 2.0 * np.pi * np.fft.rfftfreq(x.size, x[1] - x[0])
    last = k[np.flatnonzero(spectrum > DECAY * spectrum.max(initial=1e-300)).max(initial=1)]
    return float(-np.log(DECAY) / last)
