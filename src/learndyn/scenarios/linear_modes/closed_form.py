"""Which closed form covers the modes of a scenario from a start, and what it gives.

| layers | start | weight decay | u(t) | time to reach u |
|---|---|---|---|---|
| 1 | any | any | yes | yes |
| 2 | balanced | any | yes | yes |
| 2 | any | none | yes | yes |
| 2 | out of balance | above 0 | no | no |
| 3 and more | balanced | none | no | yes |
| 3 and more | else | | no | no |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from learndyn.scenarios.linear_modes import curves, times
from learndyn.scenarios.linear_modes.start import ROUNDING, imbalance_of

COVERED = "one layer, two balanced layers, and two layers of any imbalance without weight_decay"


def strength(w: np.ndarray, s: np.ndarray, beta: np.ndarray, decay: float) -> Callable[[Any], np.ndarray] | None:
    """u as a function of times in units of tau since the start, (rows,) to (rows, m); None where there is none.

    ``w`` are the strengths at the start, (D, m).
    """
    u = w.prod(0)
    if len(w) == 1:
        return lambda t: curves.one_layer(u, np.asarray(t)[..., None], s, beta, decay)
    c = imbalance_of(w) if len(w) == 2 else None
    if c is None or (decay > 0.0 and c.any()):
        return None
    if not c.any():
        return lambda t: curves.balanced(u, np.asarray(t)[..., None], s, beta, decay)

    def mixed(t: Any) -> np.ndarray:
        t = np.asarray(t)[..., None]
        found = curves.unbalanced(u, c, t, s, beta)
        # Exact balance: right to the last digit also where the strength dies away.
        return found if c.all() else np.where(c == 0.0, curves.balanced(u, t, s, beta, decay), found)

    return mixed


def layers(w: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The strengths of all layers, (rows, D m), where those of the modes are u (rows, m) on the way from w (D, m)."""
    if len(w) == 1:
        return u
    first, second = (np.where(each < 0.0, -1.0, 1.0) for each in w)
    return np.concatenate(curves.weights_of(u, imbalance_of(w), (first, second)), axis=-1)


def time_to(w: np.ndarray, u: Any, s: np.ndarray, beta: np.ndarray, decay: float) -> np.ndarray | None:
    """Times in units of tau from the strengths w (D, m) to u, (m,); None where there is no closed form."""
    begin = w.prod(0)
    if len(w) == 1:
        return times.one_layer(begin, u, s, beta, decay)
    if len(w) > 2:
        even = np.ptp(np.abs(w), axis=0) <= ROUNDING * np.abs(w).max(0)
        return times.deep(begin, u, s, beta, len(w)) if even.all() and decay == 0.0 else None
    c = imbalance_of(w)
    if not c.any():
        return times.balanced(begin, u, s, beta, decay)
    if decay > 0.0:
        return None
    return np.where(c == 0.0, times.balanced(begin, u, s, beta, decay), times.unbalanced(begin, u, c, s, beta))
