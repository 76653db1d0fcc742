"""The smallest value of a function of one positive number of which nothing is known: a grid, then Brent's method.

The grid is even in the logarithm and grows while its smallest value is at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

GRID_FACTOR = 2.0**0.5
# Without bounds: from where to where the grid begins, and how far it may grow.
FIRST = (2.0**-6, 2.0**4)
LIMITS = (1e-8, 1e8)
# Of the logarithm.
ACCURACY = 1e-8


@dataclass
class Search:
    """The best place, its value, whether it is at a bound, and all that was tried."""

    best: float = np.nan
    value: float = np.inf
    at_bound: bool = False
    tried: dict[float, float] = field(default_factory=dict)


def search(function: Callable[[float], float], bounds: tuple[float, float], *, accuracy: float = ACCURACY) -> Search:
    """The smallest of `function` within bounds (0 and infinity: none); its value is infinite if there is none."""
    found = Search()

    def value(place: float) -> float:
        if place not in found.tried:
            result = function(place)
            found.tried[place] = result if np.isfinite(result) else np.inf
        return found.tried[place]

    grid = _grid(value, max(bounds[0], LIMITS[0]), min(bounds[1], LIMITS[1]))
    values = [value(place) for place in grid]
    if bounds[0] == 0.0 and grid[0] <= LIMITS[0] * 1.01:
        value(0.0)
    index = int(np.argmin(values))
    if np.isfinite(values[index]) and len(grid) > 1:
        low, high = grid[max(index - 1, 0)], grid[min(index + 1, len(grid) - 1)]
        _refine(value, low, high, accuracy)
    found.best = min(found.tried, key=lambda place: found.tried[place])
    found.value = found.tried[found.best]
    found.at_bound = bool(found.best <= grid[0] or found.best >= grid[-1])
    return found


def _grid(value: Callable[[float], float], low: float, high: float) -> list[float]:
    """Places that are even in their logarithm, with the smallest value inside, or at a bound."""
    if high / low <= FIRST[1] / FIRST[0]:
        return np.geomspace(low, high, max(int(np.log(high / low) / np.log(GRID_FACTOR)) + 2, 9)).tolist()
    first = max(low, min(FIRST[0], high / (FIRST[1] / FIRST[0])))
    last = min(high, first * FIRST[1] / FIRST[0])
    grid = np.geomspace(first, last, int(np.log(last / first) / np.log(GRID_FACTOR)) + 2).tolist()
    while True:
        index = int(np.argmin([value(place) for place in grid]))
        lowest = min(value(place) for place in grid)
        # Where nothing is finite, the numbers may be too large.
        if (index == 0 or not np.isfinite(lowest)) and grid[0] > low:
            grid.insert(0, max(low, grid[0] / GRID_FACTOR))
        elif index == len(grid) - 1 and grid[-1] < high:
            grid.append(min(high, grid[-1] * GRID_FACTOR))
        else:
            return grid


def _refine(value: Callable[[float], float], low: float, high: float, accuracy: float) -> None:
    """Brent's method between two neighbours of the best place of the grid; all that it tries is kept."""
    from scipy.optimize import minimize_scalar

    minimize_scalar(
        lambda place: value(float(np.exp(place))),
        bounds=(np.log(low), np.log(high)), method="bounded", options={"xatol": accuracy, "maxiter": 60},
    )  # fmt: skip
