"""Where an activation or its derivative jumps, found from their values: integrals over it are split there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from learndyn.activations.base import Activation

LARGEST = 10.0


def find_kinks(act: Activation) -> tuple[float, ...]:
    """Where g' jumps on [-10, 10] by more than a thousandth of its range."""
    return _discontinuities(act.dg)


def find_jumps(act: Activation) -> tuple[float, ...]:
    """Where g itself jumps on [-10, 10] by more than a thousandth of its range."""
    return _discontinuities(act.g)


def _discontinuities(function: Callable[[np.ndarray], np.ndarray]) -> tuple[float, ...]:
    """Intervals in which a function changes, bisected until only jumps still change in them."""
    grid = np.linspace(-LARGEST, LARGEST, 2000)
    values = function(grid)
    spread = np.ptp(values)
    start = np.flatnonzero(np.abs(np.diff(values)) > 1e-3 * spread)
    low, high = grid[start], grid[start + 1]
    for _ in range(50):  # until the interval is a rounding error wide
        middle = (low + high) / 2
        left = np.abs(function(middle) - function(low)) >= np.abs(function(high) - function(middle))
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    found = low[np.abs(function(high) - function(low)) > 1e-3 * spread]
    # Bisection ends within 1e-14; what lies that close to a short decimal is meant to be that decimal.
    return tuple(sorted({float(round(k, 9) if abs(k - round(k, 9)) < 1e-12 else k) + 0.0 for k in found}))
