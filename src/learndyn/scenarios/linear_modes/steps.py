"""Steps of gradient descent on the strengths of modes, compiled.

    w_l <- (1 - r lambda) w_l + r d (s - beta u) prod_{k != l} w_k,   u = w_1 ... w_D,   d ~ Bernoulli(p),   r = eta / tau

All layers take the step together. The mask d is drawn anew for each mode and step: the path of a mode is there in
whole or not at all, in the output and so in the gradient; weight decay acts in every step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, error_model="numpy", fastmath=False)
def descend(
    w: np.ndarray, count: int, s: np.ndarray, beta: np.ndarray, keep: float, decay: float, rate: float, rng: Any
) -> None:
    """Make ``count`` steps of the strengths w (D, m) in place; ``rng`` is asked for masks where keep < 1."""
    depth, m = w.shape
    below = np.ones(depth)
    kept = 1.0 - rate * decay
    for _ in range(count):
        for mode in range(m):
            if keep < 1.0 and rng.random() >= keep:
                for layer in range(depth):
                    w[layer, mode] *= kept
                continue
            u = 1.0
            for layer in range(depth):
                below[layer] = u
                u *= w[layer, mode]
            pull, above = rate * (s[mode] - beta[mode] * u), 1.0
            for layer in range(depth - 1, -1, -1):
                old = w[layer, mode]
                w[layer, mode] = kept * old + pull * below[layer] * above
                above *= old
