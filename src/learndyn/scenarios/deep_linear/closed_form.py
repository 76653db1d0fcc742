"""Which closed form covers a linear network from a start.

| layers | inputs | start | weight decay | form |
|---|---|---|---|---|
| 1 | any | any | any | linear |
| 2 | modes exist | decoupled and balanced | any | `linear_modes` |
| 2 | modes exist | decoupled | none | `linear_modes` |
| 2 | white | W_2^T W_2 = W_1 W_1^T | any | `riccati` |
| 2 | white | W_2^T W_2 - W_1 W_1^T = c 1 | none | `riccati` |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.scenarios.deep_linear import riccati
from learndyn.scenarios.deep_linear.modes import Modes
from learndyn.scenarios.linear_modes import closed_form as of_modes
from learndyn.scenarios.linear_modes.curves import one_layer

if TYPE_CHECKING:
    from learndyn.scenarios.deep_linear.scenario import DeepLinear

COVERED = (
    "one layer; two layers from decoupled modes, balanced or without weight_decay; two layers with white inputs and "
    "W_2^T W_2 - W_1 W_1^T = c 1, with weight_decay for c = 0"
)
# What rounding leaves of a condition on the weights, relative to the largest of them.
ROUNDING = 1e-12

Curve = Callable[[np.ndarray], np.ndarray]


def find(scenario: DeepLinear, layers: list[np.ndarray]) -> Curve | None:
    """Flat states (rows, n) as a function of times since the start in units of tau, (rows,); None: no closed form."""
    if len(layers) == 1:
        return _one_layer(scenario, layers[0])
    if len(layers) > 2:
        return None
    return _decoupled(scenario, *layers) or _white(scenario, *layers)


def _one_layer(scenario: DeepLinear, W: np.ndarray) -> Curve:
    """Each direction of the inputs on its own: tau dW/dt = E[y x^T] - W (E[x x^T] + sigma^2 + lambda)."""
    variances, directions = np.linalg.eigh(scenario.dense_inputs)
    variances = np.maximum(variances, 0.0) + scenario.input_noise**2
    begin, drive = W @ directions, scenario.correlation.values @ directions

    def states(t: np.ndarray) -> np.ndarray:
        found = one_layer(begin, t[:, None, None], drive, variances, scenario.weight_decay)
        return (found @ directions.T).reshape(len(t), -1)

    return states


def _decoupled(scenario: DeepLinear, W_1: np.ndarray, W_2: np.ndarray) -> Curve | None:
    modes = scenario.known_modes
    found = None if modes is None else decoupled_strengths(modes, W_1, W_2)
    if found is None:
        return None
    w, R = found
    assert modes is not None
    s, beta = modes.s, modes.beta + scenario.input_noise**2
    strength = of_modes.strength(w, s, beta, scenario.weight_decay)
    if strength is None:
        return None

    def states(t: np.ndarray) -> np.ndarray:
        first, second = np.split(of_modes.layers(w, strength(t)), 2, axis=-1)
        lower = (R * first[:, None, :]) @ modes.V.T
        upper = (modes.U * second[:, None, :]) @ R.T
        return np.concatenate([lower.reshape(len(t), -1), upper.reshape(len(t), -1)], axis=-1)

    return states


def decoupled_strengths(modes: Modes, W_1: np.ndarray, W_2: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """w (2, m) and orthonormal R (h, m) with W_1 = R diag(w_1) V^T and W_2 = U diag(w_2) R^T; None: there are none.

    A column of R is 0 where a mode has no strength, and then it never gets any.
    """
    A, B = W_1 @ modes.V, W_2.T @ modes.U
    scale = max(np.abs(A).max(), np.abs(B).max())
    tolerance = ROUNDING * scale
    if np.abs(W_1 - A @ modes.V.T).max() > tolerance or np.abs(W_2 - modes.U @ B.T).max() > tolerance:
        return None
    longer = np.where((A**2).sum(0) > (B**2).sum(0), A, B)
    lengths = np.sqrt((longer**2).sum(0))
    active = lengths > tolerance
    R = np.where(active, longer / np.where(active, lengths, 1.0), 0.0)
    w = np.stack([(R * A).sum(0), (R * B).sum(0)])
    apart = np.abs(R.T @ R - np.diag(active.astype(float))).max()
    if max(np.abs(A - R * w[0]).max(), np.abs(B - R * w[1]).max()) > tolerance or apart > ROUNDING * len(A):
        return None
    # Strengths that are equal up to what the products above round are equal.
    size, same = np.abs(w).mean(0), np.ptp(np.abs(w), axis=0) <= 16.0 * np.finfo(float).eps * scale
    return np.where(same, np.sign(w) * size, w), R


def _white(scenario: DeepLinear, W_1: np.ndarray, W_2: np.ndarray) -> Curve | None:
    variance = scenario.white
    if variance is None:
        return None
    beta = variance + scenario.input_noise**2
    above, below = W_2.T @ W_2, W_1 @ W_1.T
    imbalance, scale = above - below, max(np.abs(above).max(), np.abs(below).max())
    c = float(np.trace(imbalance)) / len(imbalance)
    c = 0.0 if abs(c) <= ROUNDING * scale else c
    if np.abs(imbalance - c * np.eye(len(imbalance))).max() > ROUNDING * scale or (scenario.weight_decay and c):
        return None
    return riccati.solution(W_1, W_2, scenario.correlation.values, beta, c, scenario.weight_decay)


def flat(layers: list[np.ndarray]) -> Any:
    """The flat state of matrices."""
    return np.concatenate([layer.ravel() for layer in layers])
