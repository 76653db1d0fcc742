"""Where the derivative of an activation jumps: integrals over it are split there."""

from __future__ import annotations

import numpy as np

from learndyn.activations.base import Activation


def find_kinks(act: Activation) -> tuple[float, ...]:
    """Where g' jumps on [-10, 10]: intervals in which it changes, bisected until only jumps still change in them."""
    grid = np.linspace(-10.0, 10.0, 2000)
    slopes = act.dg(grid)
    spread = np.ptp(slopes)
    start = np.flatnonzero(np.abs(np.diff(slopes)) > 1e-3 * spread)
    low, high = grid[start], grid[start + 1]
    for _ in range(50):  # until the interval is a rounding error wide
        middle = (low + high) / 2
        left = np.abs(act.dg(middle) - act.dg(low)) >= np.abs(act.dg(high) - act.dg(middle))
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    found = low[np.abs(act.dg(high) - act.dg(low)) > 1e-3 * spread]
    # Bisection ends within 1e-14; what lies that close to a short decimal is meant to be that decimal.
    return tuple(sorted({float(round(k, 9)) if abs(k - round(k, 9)) < 1e-12 else float(k) for k in found}))
