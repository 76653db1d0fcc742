"""Averages <g(m + sqrt(v) t)> over a standard normal t in NumPy, of functions that grow, for any m and v >= 0.

Gauss-Legendre quadrature on panels of t in [-9.5, 9.5]: equal ones, split further at the places where h = m + sqrt(v) t
is 0, +-1, +-2, +-4, ... Functions that are analytic in a strip around the real axis and change on a scale that grows
with |h| (-log phi is of this kind) are resolved on every panel, however wide the distribution of h is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from learndyn.gaussian.namespaces import NUMPY
from learndyn.gaussian.normal import pdf

# exp(-9.5^2 / 2) = 2e-20.
REACH = 9.5
EQUAL = np.linspace(-REACH, REACH, 9)
# Up to |h| = 2^15; beyond, panels in t alone resolve what is left: for v < 1e9, 30000 is a standard deviation.
GRADED = np.concatenate([-(2.0 ** np.arange(15, -1, -1)), [0.0], 2.0 ** np.arange(16)])
_POSITIONS, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_NODES, _WEIGHTS = (1.0 + _POSITIONS) / 2.0, _WEIGHTS / 2.0
# So many values of the function are held at a time.
AT_ONCE = 2**20


def graded_average(g: Callable[[Any], Any], m: Any, v: Any) -> np.ndarray:
    """<g(h)>, h ~ N(m, v), elementwise; relative error some 1e-14 of <|g|>."""
    m, v = np.broadcast_arrays(np.asarray(m, dtype=float), np.asarray(v, dtype=float))
    flat_m, flat_root = m.ravel(), np.sqrt(np.maximum(v.ravel(), 0.0))
    rows = max(1, AT_ONCE // ((len(EQUAL) + len(GRADED)) * len(_NODES)))
    parts = [
        _average(g, flat_m[start : start + rows], flat_root[start : start + rows])
        for start in range(0, len(flat_m), rows)
    ]
    return np.concatenate([np.empty(0), *parts]).reshape(m.shape)


def _average(g: Callable[[Any], Any], m: np.ndarray, root: np.ndarray) -> np.ndarray:
    m, root = m[:, None], root[:, None]
    # Places out of reach, all of them for v = 0, fall on the ends and make empty panels.
    splits = np.clip((GRADED - m) / np.maximum(root, 1e-300), -REACH, REACH)
    ends = np.sort(np.concatenate([np.broadcast_to(EQUAL, (len(m), len(EQUAL))), splits], axis=1), axis=1)
    width = np.diff(ends, axis=1)
    t = ends[:, :-1, None] + width[:, :, None] * _NODES
    values = g(m[:, :, None] + root[:, :, None] * t) * pdf(t, NUMPY)
    return ((values @ _WEIGHTS) * width).sum(1)
