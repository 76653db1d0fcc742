"""Where the second derivatives of the drift diverge: two student units with a kinked activation that coincide.

    d_ik = 2 |J_i - J_k|^2 / (|J_i|^2 + |J_k|^2),        s_ik = 1 - Q_ik^2 / (Q_ii Q_kk)

An input falls between two kinks with a probability of order s^(1/2), so that the drift is not smooth at s = 0. Units
that coincide (d = 0) get the same updates and stay together: a path that begins near there stays near. Units that are
parallel but of different lengths part at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.activations.kinks import find_kinks
from learndyn.scenarios.base import Closeness
from learndyn.scenarios.student_teacher import state


def make_closeness(K: int, M: int, activation: Activation) -> Any:
    """``closeness(states)`` of the closest two of K student units; None where second derivatives are finite."""
    if K < 2 or not find_kinks(activation):
        return None
    i, k = np.triu_indices(K, 1)

    def closeness(states: np.ndarray) -> Closeness:
        _, Q = state.unpack(states, K, M)
        first, second, both = Q[..., i, i], Q[..., k, k], Q[..., i, k]
        distance = _ratio(2.0 * (first + second - 2.0 * both), first + second)
        sine = _ratio(first * second - both**2, first * second)
        closest = np.argmin(distance, axis=-1)
        units = [f"student units {i[pair] + 1} and {k[pair] + 1}" for pair in closest]
        return Closeness(distance.min(-1), sine.min(-1), units)

    return closeness


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Two vectors of no length coincide."""
    return np.divide(np.maximum(above, 0.0), below, out=np.zeros_like(above), where=below > 0.0)
