"""Steps of gradient descent on the strengths of modes, compiled.

    w_l <- (1 - r lambda) w_l + r d (s - beta u) prod_{k != l} w_k,   u = w_1 ... w_D,   d ~ Bernoulli(p)

with r = eta / tau. All layers take the step together. The mask d is drawn anew for each mode and step: the path of a
mode is there in whole or not at all, in the output and so in the gradient; weight decay acts in every step.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, error_model="numpy", fastmath=False)
def descend(
    w: np.ndarray,
    count: int,
    s: np.ndarray,
    beta: np.ndarray,
    luck: np.ndarray,
    keep: float,
    decay: float,
    rate: float,
) -> None:
    """Make ``count`` steps of the strengths w (D, m) in place.

    ``luck`` (count, m) holds uniform numbers: a mode is kept where they are below ``keep``; (0, m) where keep = 1.
    """
    depth, m = w.shape
    below = np.ones(depth)
    kept, masked = 1.0 - rate * decay, luck.shape[0] > 0
    for step in range(count):
        if depth == 2 and masked:  # the same, several modes at a time
            drawn = luck[step]
            for mode in range(m):
                first, second = w[0, mode], w[1, mode]
                d = rate if drawn[mode] < keep else 0.0
                pull = d * (s[mode] - beta[mode] * first * second)
                w[0, mode] = kept * first + pull * second
                w[1, mode] = kept * second + pull * first
            continue
        if depth == 2:
            for mode in range(m):
                first, second = w[0, mode], w[1, mode]
                pull = rate * (s[mode] - beta[mode] * first * second)
                w[0, mode] = kept * first + pull * second
                w[1, mode] = kept * second + pull * first
            continue
        for mode in range(m):
            d = 1.0 if not masked or luck[step, mode] < keep else 0.0
            u = 1.0
            for layer in range(depth):
                below[layer] = u
                u *= w[layer, mode]
            pull, above = d * rate * (s[mode] - beta[mode] * u), 1.0
            for layer in range(depth - 1, -1, -1):
                old = w[layer, mode]
                w[layer, mode] = kept * old + pull * below[layer] * above
                above *= old
