"""The error function g(x) = erf(x / sqrt 2) of Saad & Solla (1995); every average is an arcsine."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from learndyn.activations.base import Activation

INVERSE_SQRT_2 = 1.0 / sqrt(2.0)
SQRT_2_OVER_PI = sqrt(2.0 / pi)
TWO_OVER_PI = 2.0 / pi
# Up to this many units together the whole square of (p, q) at once is cheaper than half of it in blocks of rows.
WHOLE_SQUARE = 8
# Up to this many it is half of the square, its rows one after another.
HALF_SQUARE = 6
# In a large system: rows of (p, q) at a time, and angles evaluated at once.
ROWS = 10
BATCH_ELEMENTS = 100_000


def g(x: Any, xp: Any) -> Any:
    """g(x) = erf(x / sqrt 2)."""
    return xp.erf(x * INVERSE_SQRT_2)


def dg(x: Any, xp: Any) -> Any:
    """g'(x) = sqrt(2 / pi) exp(-x^2 / 2)."""
    return SQRT_2_OVER_PI * xp.exp(-0.5 * x * x)


def I2(s11: Any, s12: Any, s22: Any, xp: Any) -> Any:
    """<g(u) g(v)> = (2/pi) asin(s12 / sqrt((1 + s11)(1 + s22)))  [Saad & Solla 1995]."""
    return TWO_OVER_PI * xp.angle(s12, xp.root((1.0 + s11) * (1.0 + s22) - s12 * s12))


def I3(C: Any, xp: Any) -> Any:
    """<g'(u) v g(w)> = (2/pi) [s23 (1 + s11) - s12 s13] / [(1 + s11) sqrt(L3)], L3 = (1 + s11)(1 + s33) - s13^2."""
    a = 1.0 + C[..., 0, 0]
    L3 = a * (1.0 + C[..., 2, 2]) - C[..., 0, 2] ** 2
    return TWO_OVER_PI * (C[..., 1, 2] - C[..., 0, 1] * C[..., 0, 2] / a) / xp.sqrt(L3)


def I4(C: Any, xp: Any) -> Any:
    """<g'(a) g'(b) g(c) g(d)>: the weight g'(a) g'(b) is a Gaussian factor that tilts the covariance of (c, d)."""
    s, s_cd = C[..., 0, 1], C[..., 2, 3]
    a, b = 1.0 + C[..., 0, 0], 1.0 + C[..., 1, 1]
    L4 = a * b - s * s

    def removed(p: int, q: int) -> Any:
        to_a = C[..., 0, p] * (b * C[..., 0, q] - s * C[..., 1, q])
        to_b = C[..., 1, p] * (a * C[..., 1, q] - s * C[..., 0, q])
        return (to_a + to_b) / L4

    tilted = s_cd - removed(2, 3)
    product = (1.0 + C[..., 2, 2] - removed(2, 2)) * (1.0 + C[..., 3, 3] - removed(3, 3))
    return TWO_OVER_PI**2 * xp.angle(tilted, xp.root(product - tilted * tilted)) / xp.sqrt(L4)


def gradient_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
    """sum_q c_q I3(x_i, z_b, z_q): one matrix product with the weights c_q / sqrt(L3)."""
    one_plus = 1.0 + xp.diagonal(C)
    S, a = C[:K], one_plus[:K, None]
    weight = TWO_OVER_PI * c / xp.sqrt(a * one_plus - S * S)
    return xp.product(weight, C) - S * ((weight * S).sum(-1, keepdims=True) / a)


def square_sum(C: Any, c: Any, K: int, xp: Any) -> Any:
    """sum_pq c_p c_q I4(x_i, x_k, z_p, z_q): for each pair (i, k) the arcsines of one tilted covariance.

    A small system takes the square of (p, q), or half of it, for all pairs at once. A large one goes through the pairs
    in batches, and through (p, q) in blocks of rows from the diagonal on: half the square, and no index table.
    """
    n = C.shape[-1]
    one_plus = 1.0 + xp.diagonal(C)
    i, k = np.triu_indices(K)
    if n <= WHOLE_SQUARE:
        weights = c[:, None] * c
        return _tilted_sums(C, one_plus, C[i], C[k], one_plus[i], one_plus[k], C[i, k], weights, xp)

    def one_pair(pair: Any) -> Any:
        ci, ck, a, b, s = pair
        inverse = 1.0 / (a * b - s * s)
        vi, vk = (b * ci - s * ck) * inverse, (a * ck - s * ci) * inverse
        scale = 1.0 / xp.sqrt(one_plus - ci * vi - ck * vk)
        ci, ck, vi, vk = ci * scale, ck * scale, vi * scale, vk * scale
        total = 0.0
        for first in range(0, n, ROWS):
            rows, columns = slice(first, min(first + ROWS, n)), slice(first, n)
            tilted = (scale[rows, None] * C[rows, columns]) * scale[columns]
            tilted = tilted - ci[rows, None] * vi[columns] - ck[rows, None] * vk[columns]
            # Columns beyond the block stand for both (p, q) and (q, p).
            weight = c[columns] * np.where(np.arange(first, n) < first + ROWS, 1.0, 2.0)
            total = total + (xp.arcsine(tilted) @ weight) @ c[rows]
        return TWO_OVER_PI**2 * xp.sqrt(inverse) * total

    pairs = (C[i], C[k], one_plus[i], one_plus[k], C[i, k])
    return xp.batched_map(one_pair, pairs, max(1, BATCH_ELEMENTS // (n * n)))


def _tilted_sums(C: Any, one_plus: Any, ci: Any, ck: Any, a: Any, b: Any, s: Any, weights: Any, xp: Any) -> Any:
    inverse = (1.0 / (a * b - s * s))[:, None]
    a, b, s = a[:, None], b[:, None], s[:, None]
    vi, vk = (b * ci - s * ck) * inverse, (a * ck - s * ci) * inverse
    scale = 1.0 / xp.sqrt(one_plus - ci * vi - ck * vk)
    root = TWO_OVER_PI**2 * xp.sqrt(inverse[:, 0])
    if (n := C.shape[-1]) <= HALF_SQUARE:
        rows = [
            (C[p, p:] - ci[:, p, None] * vi[:, p:] - ck[:, p, None] * vk[:, p:]) * (scale[:, p, None] * scale[:, p:])
            for p in range(n)
        ]
        # An entry beyond the diagonal stands for both (p, q) and (q, p).
        weights = (weights * np.where(np.eye(n), 1.0, 2.0))[np.triu_indices(n)]
        return root * (xp.arcsine(xp.concatenate(rows, axis=-1)) * weights).sum(-1)
    tilted = C - ci[:, :, None] * vi[:, None, :] - ck[:, :, None] * vk[:, None, :]
    return root * (xp.arcsine(tilted * scale[:, :, None] * scale[:, None, :]) * weights).sum((-2, -1))


def diffusion(C: Any, K: int, eta: Any, xp: Any) -> Any:
    """Cov(b): `learndyn.activations.erf_diffusion` (JAX only); None for systems in which it would cost too much."""
    from learndyn.activations.erf_diffusion import MOST_UNITS, second_moments

    n = C.shape[-1]
    if n > MOST_UNITS:
        return None
    c = np.concatenate([-np.ones(K), np.ones(n - K)])
    response, i_k = gradient_sum(C, c, K, xp), np.triu_indices(K)
    own = response[:, :K]
    mean_Q = (own + own.T)[i_k] + eta * square_sum(C, c, K, xp)
    mean = eta * xp.concatenate([response[:, K:].reshape(-1), mean_Q])
    return second_moments(C, K, eta, xp) - mean[:, None] * mean


ACTIVATION = Activation.from_module("erf", "erf(x / sqrt 2)", globals())
