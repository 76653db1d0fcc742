"""A covariance as correlations, with the arcsines that orthant probabilities are made of, in NumPy or JAX (`xp`)."""

from __future__ import annotations

from math import pi
from typing import Any


def correlations(C: Any, xp: Any) -> tuple[Any, Any, Any, Any]:
    """(r, rbar, arc, scale) of a covariance (..., n, n): correlations, sqrt(1 - r^2), asin r, and standard deviations.

    A variable of zero variance is independent of all others. The diagonal is exact: r = 1, rbar = 0, arc = pi / 2.
    """
    diagonal = xp.diagonal(C, axis1=-2, axis2=-1)
    scale = xp.root(diagonal)
    inverse = xp.ratio(1.0, scale)
    eye = xp.eye(C.shape[-1], dtype=bool)
    r = xp.unit(C * inverse[..., :, None] * inverse[..., None, :])
    r = xp.where(eye, 1.0, r)
    rbar = xp.where(eye, 0.0, xp.root((1.0 - r) * (1.0 + r)))
    return r, rbar, xp.where(eye, pi / 2, xp.angle(r, rbar)), scale
