"""The diffusion matrix Cov(b) of a perceptron, K = M = 1, of any activation, by quadrature in two dimensions.

    x = sqrt(Q) n_1,   y = m + s n_2,   m = R n_1 / sqrt(Q),   s^2 = T - R^2 / Q

Both integrals are split at the kinks of the activation (without kinks: at 0) and mapped by n = kink +- sinh(t) / a, so
that the nodes of Gauss and Legendre are dense where g changes, on the scale of g, and spread where only the Gaussian
does. A covariance that is singular is nothing special: s = 0 or Q = 0 leaves constants under the integral.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from learndyn.activations import Activation

# A Gaussian with a factor n^4 has 1e-13 of its mass beyond.
WIDTH = 8.5
NODES = 64


def make_perceptron_diffusion(activation: Activation, xp: Any, kinks: tuple[float, ...], nodes: int = NODES) -> Any:
    """``diffusion(flat, values)``: the covariance (2, 2) of the increments of (R, Q)."""
    g, dg = activation.functions["g"], activation.functions["dg"]
    kinks = kinks or (0.0,)

    def diffusion(flat: Any, values: dict[str, Any]) -> Any:
        eta, T = values["learning_rate"], values["T"].reshape(())
        R, Q = flat
        length = xp.root(Q)
        slope = xp.ratio(R, length)
        s = xp.root(T - slope * slope)
        # g' changes faster than g, and its fourth power is needed: twice the density for x.
        n, weight = _rule(xp.zeros(()), length, 2.0, kinks, nodes, xp)
        n_2, weight_2 = _rule(slope * n, s, 0.5, kinks, nodes, xp)
        x, y = (length * n)[:, None], (slope * n)[:, None] + s * n_2
        weight = weight[:, None] * weight_2
        delta = dg(x, xp) * (g(y, xp) - g(x, xp))
        b = [eta * delta * y, 2.0 * eta * delta * x + eta**2 * delta * delta]
        b = [one - (weight * one).sum() for one in b]
        products = [(weight * b[0] * b[0]).sum(), (weight * b[0] * b[1]).sum(), (weight * b[1] * b[1]).sum()]
        return xp.stack(products)[np.array([[0, 1], [1, 2]])]

    return diffusion


def _rule(mean: Any, deviation: Any, density: float, kinks: tuple[float, ...], nodes: int, xp: Any) -> tuple[Any, Any]:
    """Nodes n (..., nodes) and weights, the Gaussian in them, for f(mean + deviation n) with means of shape (...)."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    t = (1.0 + points) / 2
    at = [xp.clip((kink - mean) / xp.maximum(deviation, 1e-300), -WIDTH, WIDTH)[..., None] for kink in kinks]
    middles = [(a + b) / 2 for a, b in pairwise(at)]
    panels = list(zip(at, [-WIDTH, *middles], strict=True)) + list(zip(at, [*middles, WIDTH], strict=True))
    a = density * xp.maximum(deviation, 1e-3)
    all_n, all_weights = [], []
    for start, end in panels:
        extent = xp.arcsinh(a * (end - start))
        n = start + xp.sinh(extent * t) / a
        all_n.append(n)
        jacobian = extent * xp.cosh(extent * t) / a
        all_weights.append(0.5 * weights * xp.abs(jacobian) * xp.exp(-0.5 * n * n) / np.sqrt(2.0 * np.pi))
    return xp.concatenate(all_n, axis=-1), xp.concatenate(all_weights, axis=-1)
