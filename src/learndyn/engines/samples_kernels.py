"""The compiled loops of a weight vector that learns from samples: updates, and the normals that inputs are made of.

    w <- (1 - eta lambda) w + eta s x,   s = `signal`(w . x, x, y, luck)

An update depends on nothing but the state before it, so the bits do not depend on how a run is cut into calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from learndyn.activations import activation
from learndyn.activations.compiled import ActivationTag
from learndyn.engines import weights_kernels
from learndyn.engines.weights_kernels import compiled, dot
from learndyn.lanes.random import next_bits, normal_pair
from learndyn.lanes.types import load, store
from learndyn.scenarios.samples import signal

# numba watches this file alone: the type of this tag has a digest of the others whose text is in these kernels, those
# of the lanes among them. Any activation will do.
PARTS = ActivationTag(activation("linear"), weights_kernels.__file__)


@compiled
def learn(
    parts: ActivationTag,
    step: Any,
    w: np.ndarray,
    X: np.ndarray,
    y: Any,
    rows: np.ndarray,
    luck: np.ndarray,
    rate: float,
    decay: float,
    memory: np.ndarray,
) -> None:
    """One update for each entry of ``rows``, with that row of X (m, n) and entry of y (m,), which are not written to.

    ``luck`` has a number for each update; ``rate`` is eta, ``decay`` lambda.
    """
    kept = 1.0 - rate * decay
    for update in range(rows.size):
        row = rows[update]
        x = X[row]
        change = rate * signal(step, dot(w, x), x, y[row], luck[update], memory)
        for j in range(w.size):
            w[j] = kept * w[j] + change * x[j]


# Exact: the polynomials of the normals must not be reordered.
_exact = njit(nogil=True, cache=True, error_model="numpy", fastmath=False)


@_exact
def fill_normals(parts: ActivationTag, state: np.ndarray, out: np.ndarray) -> None:
    """Fill ``out`` (m, LANES), m even, with standard normals from the streams ``state`` (4, LANES), which advance."""
    a, b, c, counter = load(state, 0), load(state, 1), load(state, 2), load(state, 3)
    for pair in range(out.shape[0] // 2):
        first, a, b, c, counter = next_bits(a, b, c, counter)
        second, a, b, c, counter = next_bits(a, b, c, counter)
        x, y = normal_pair(first, second)
        store(out, 2 * pair, x)
        store(out, 2 * pair + 1, y)
    store(state, 0, a)
    store(state, 1, b)
    store(state, 2, c)
    store(state, 3, counter)


@_exact
def draw_inputs(
    parts: ActivationTag,
    state: np.ndarray,
    room: np.ndarray,
    means: np.ndarray,
    scales: np.ndarray,
    count: int,
    X: np.ndarray,
    add: bool,
) -> None:
    """Rows of X (m, n) become mu + d z, or gain it where ``add``: the first ``count`` of class +1, the others of -1.

    ``means`` and ``scales`` are (2, n), ``room`` (k, LANES) has at least n entries, k even; all of them are drawn for
    each row, a row at a time because that stays in the first-level cache.
    """
    z = room.reshape(-1)
    for row in range(X.shape[0]):
        fill_normals(parts, state, room)
        x, index = X[row], 0 if row < count else 1
        mean, scale = means[index], scales[index]
        if add:
            for j in range(x.size):
                x[j] += mean[j] + scale[j] * z[j]
        else:
            for j in range(x.size):
                x[j] = mean[j] + scale[j] * z[j]
