"""Small problems of the whole two-layer family: each option alone, at sizes where it matters most, and all together."""

from __future__ import annotations

import numpy as np

from family import Case


def turning(times):
    """Two teacher vectors that turn, from times[0] = 0, each towards a vector of its own."""
    angle = 0.7 * np.asarray(times)[:, None, None]
    return np.concatenate([np.cos(angle) * np.eye(2), np.sin(angle) * np.eye(2)], axis=2)


def switching(times):
    """A perceptron's teacher that is replaced at alpha = 1.5 by one with cosine 0.6 to the first of two vectors."""
    return np.where(np.asarray(times)[:, None, None] < 1.5, [[[1.0, 0.0]]], [[[0.6, 0.8]]])


def slowing(times):
    return 1.0 / (1.0 + 0.5 * times)


WHOLE = {
    "student": ("relu", "erf"), "teacher": ("erf", "relu"), "eta": 0.6, "schedule": slowing, "eta_w": 0.4,
    "w": (0.8, -0.5), "v": (1.2, -0.7), "eta_theta": 0.3, "theta": (0.2, -0.1), "phi": (0.3, 0.0), "noise": 0.4,
    "keep": 0.7, "decay": 0.5, "w_decay": 0.3,
}  # fmt: skip
LANES = {
    "no option": Case(2, 2, 6, (2, 30)),
    "output weights": Case(2, 2, 6, (2, 30), eta_w=0.4, v=(1.2, -0.5)),
    "fast output weights": Case(2, 1, 20, (2, 100), eta_w=0.05, v=(1.5,), fast=True),
    "biases": Case(1, 2, 6, (2, 30), "erf", eta=1.0, eta_theta=0.8, theta=(0.3,), phi=(0.5, -0.2)),
    "all at once": Case(2, 2, 6, (2, 30), **WHOLE),
    "all at once, no room": Case(2, 2, 4, (2, 20), **WHOLE),
}
GENERAL = {
    "two inputs": Case(2, 2, 6, (2, 30), batch=2, eta=1.0),
    "more inputs than dimensions are left": Case(2, 2, 5, (2, 25), batch=4, eta=1.0),
    "momentum": Case(2, 2, 6, (2, 30), damping=1.5, eta=0.8),
    "momentum with decay": Case(1, 2, 6, (2, 30), damping=1.0, decay=0.5, batch=2),
    "a walking teacher": Case(2, 2, 6, (2, 30), drift=0.8),
    "a walking teacher, no room": Case(1, 1, 2, (2, 10), drift=0.5),
    "two eigenvalues": Case(1, 2, 12, (2, 60), spectrum=((0.5, 2.0), (0.5, 0.5))),
    "a mean": Case(2, 1, 6, (2, 30), mean=True),
    "a tree": Case(3, 3, 4, (2, 24), tree=True),
    "a tree with all that moves": Case(2, 2, 5, (2, 25), tree=True, damping=1.0, drift=0.4, batch=2, decay=0.2),
    "a mean and all that moves": Case(1, 2, 8, (2, 40), mean=True, damping=1.0, drift=0.3, batch=2),
    "a turning teacher": Case(2, 2, 6, (2, 30), combination=turning, at=0.5),
    "a new teacher": Case(1, 1, 6, (6, 30), combination=switching),
    "all at once": Case(2, 2, 16, (2, 56), **WHOLE, batch=2, damping=1.0, spectrum=((0.5, 1.5), (0.5, 0.5)),
                        combination=turning),
}  # fmt: skip
