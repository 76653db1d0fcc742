"""Difference quotients that come with the error that they may have."""

from itertools import pairwise

import numpy as np


def central(function, points, along, h, accuracy):
    """The derivative along a direction to order 4, and what it may be off by; h: one step, or one for each point.

    Truncation: the quotients with h and 2h differ by 15 times the error of the finer one. Rounding: values that are off
    by `accuracy` move it by (8 + 8 + 1 + 1) / 12 of that over h.
    """
    points, along, h = np.asarray(points, dtype=float), np.asarray(along, dtype=float), np.asarray(h, dtype=float)
    step = (h[..., None] if h.ndim else h) * along
    at = {k: function(points + k * step) for k in (-4, -2, -1, 1, 2, 4)}
    width = h.reshape(*h.shape, *[1] * (at[1].ndim - h.ndim))
    fine = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * width)
    coarse = (8 * (at[2] - at[-2]) - (at[4] - at[-4])) / (24 * width)
    return fine, 2 * np.abs(coarse - fine) / 15 + 1.5 * accuracy / width


def one_sided(function, point, along, h=1e-3, count=8):
    """The derivative at a border point into the interior, and what it may be off by.

    The function is f + a h + b h^(3/2) + c h^2 + ...: the quotients at h, h/2, h/4, ... are extrapolated in powers of
    the root of h. The estimate of the error is the change by the last halving, five times over.
    """
    first = function(point)
    values = [(function(point + h / 2**k * along) - first) * (2**k / h) for k in range(count)]

    def extrapolated(ladder):
        power = 0.5
        while len(ladder) > 1:
            ladder = [(2**power * b - a) / (2**power - 1) for a, b in pairwise(ladder)]
            power += 0.5
        return ladder[0]

    best, before = extrapolated(values), extrapolated(values[:-1])
    return best, 5 * np.abs(best - before).max()
