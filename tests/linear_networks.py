"""Linear networks written down plainly: their flow by SciPy, gradient descent, and the numbers of data/linear.json."""

import json
from functools import cache

import numpy as np
from scipy.integrate import solve_ivp

from reference_data import DATA

# What the integrations below are off by: local errors of 1e-13 a step, some hundred steps, grown by e^(rate * time) on
# the way out of small starts, 1e3 at most here.
ODE = 1e-9


@cache
def _all():
    return json.loads((DATA / "linear.json").read_text())


def vectors(topic):
    return _all()[topic]


def products_of_others(layers, l):
    """W_D ... W_{l+1} and W_{l-1} ... W_1."""
    above, below = np.eye(layers[l].shape[0]), np.eye(layers[l].shape[1])
    for layer in layers[l + 1 :]:
        above = layer @ above
    for layer in reversed(layers[:l]):
        below = below @ layer
    return above, below


def slopes(layers, correlation, inputs, decay):
    """tau dW_l/dt of all layers, from the definition."""
    found = []
    for l, W in enumerate(layers):
        above, below = products_of_others(layers, l)
        error = correlation - above @ W @ below @ inputs
        found.append(above.T @ error @ below.T - decay * W)
    return found


def flow(layers, correlation, inputs, times, decay=0.0):
    """The matrices at the times: a list of lists."""
    shapes = [W.shape for W in layers]
    cuts = np.cumsum([W.size for W in layers])[:-1]

    def split(y):
        return [part.reshape(shape) for part, shape in zip(np.split(y, cuts), shapes, strict=True)]

    def drift(_, y):
        return np.concatenate([d.ravel() for d in slopes(split(y), correlation, inputs, decay)])

    y0 = np.concatenate([W.ravel() for W in layers])
    run = solve_ivp(drift, (0.0, times[-1]), y0, "DOP853", times, rtol=1e-13, atol=1e-15)
    return [split(y) for y in run.y.T]


def descend(layers, correlation, inputs, rate, steps, decay=0.0):
    """Gradient descent."""
    for _ in range(steps):
        layers = [W + rate * d for W, d in zip(layers, slopes(layers, correlation, inputs, decay), strict=True)]
    return layers


def product(layers):
    W = layers[0]
    for layer in layers[1:]:
        W = layer @ W
    return W


def orthogonal(rng, n):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]
