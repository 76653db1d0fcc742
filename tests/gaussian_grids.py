"""Averages of two to four units by quadrature on a grid of panels: what the closed forms are compared with."""

import numpy as np
from scipy.special import erf

KINKED = {"relu", "step", "sign"}


def g(name, x):
    """The activation of this name, written independently of the library."""
    if name.startswith("leaky_relu("):
        return np.where(x > 0, x, float(name[11:-1]) * x)
    return {
        "erf": lambda: erf(x / np.sqrt(2)),
        "relu": lambda: np.maximum(x, 0.0),
        "linear": lambda: x,
        "sine": lambda: np.sin(x),
        "step": lambda: (x > 0) * 1.0,
        "sign": lambda: np.sign(x),
    }[name]()


def dg(name, x):
    """Its derivative."""
    if name.startswith("leaky_relu("):
        return np.where(x > 0, 1.0, float(name[11:-1]))
    return {
        "erf": lambda: np.sqrt(2 / np.pi) * np.exp(-x * x / 2),
        "relu": lambda: (x > 0) * 1.0,
        "linear": lambda: np.ones_like(x),
        "sine": lambda: np.cos(x),
    }[name]()


def line(m, sigma, nodes=40):
    """Nodes and weights of the centred variable u on +-9.5 sigma, split where u + m = 0 and twice on each side."""
    ends = np.array([-9.5 * sigma, 9.5 * sigma])
    zero = np.clip(-m, *ends)
    breaks = np.unique(np.concatenate([np.linspace(ends[0], zero, 4), np.linspace(zero, ends[1], 4)]))
    x, w = np.polynomial.legendre.leggauss(nodes)
    low, high = breaks[:-1, None], breaks[1:, None]
    return (low + (high - low) * (1 + x) / 2).ravel(), ((high - low) * w / 2).ravel()


def plane(s11, s12, s22, m1, m2):
    """Nodes u (n, 1), v (1, k), and the Gaussian weights (n, k): kinks of both units are lines of the grid."""
    u, wu = line(m1, np.sqrt(s11))
    v, wv = line(m2, np.sqrt(s22))
    u, v = u[:, None], v[None, :]
    D = s11 * s22 - s12**2
    exponent = (s22 * u * u - 2 * s12 * u * v + s11 * v * v) / (2 * D)
    return u, v, np.exp(-exponent) / (2 * np.pi * np.sqrt(D)) * wu[:, None] * wv


def pair_averages(first, second, s11, s12, s22, m1=0.0, m2=0.0):
    """<g1 g2>, <g1' g2>, <g1' u g2>, <g1' v g2> (the last three None without g1')."""
    u, v, weight = plane(s11, s12, s22, m1, m2)
    right = g(second, v + m2)
    total = (weight * g(first, u + m1) * right).sum()
    if first in ("step", "sign"):
        return total, None, None, None
    slope = weight * dg(first, u + m1) * right
    return total, slope.sum(), (slope * u).sum(), (slope * v).sum()
