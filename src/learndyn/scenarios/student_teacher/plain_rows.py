"""All quantities of soft committee machines without options, for many flat states at once.

Each quantity is a row of numbers, one for each state, so that every operation runs along the states: a hundred of them
cost little more than one. A state has the same numbers, to the last bit, in any company.
"""

from __future__ import annotations

import numpy as np

from learndyn.activations import Activation
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher import state


class PlainRows:
    """What the rows of all scenarios with these units and this teacher have alike.

    Numbers are looked up in a table: a flat state, then the T_nn. ``first``, ``both`` and ``second`` are the places of
    <u u>, <u v> and <v v> for all (x_i, x_k), then all (x_i, y_n).
    """

    def __init__(self, K: int, T: np.ndarray, activation: Activation) -> None:
        M, t = len(T), np.diagonal(T)
        self.K, self.M, self.T, self.t = K, M, T, t
        self.I2 = activation.functions["I2"]
        self.places, self.lengths = K * M + state.places(K), K * M + state.diagonal(K)
        teacher = K * M + K * (K + 1) // 2 + np.arange(M)
        self.both = np.concatenate([self.places.reshape(-1), np.arange(K * M)])
        self.first = np.concatenate([np.repeat(self.lengths, K), np.repeat(self.lengths, M)])
        self.second = np.concatenate([np.tile(self.lengths, K), np.tile(teacher, K)])
        self.of_teacher = self.I2(t[:, None], T, t[None, :], NUMPY).sum()
        self.teacher_lengths = NUMPY.root(t)[:, None]

    def rows(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """The quantities that every scenario has, of flat states (..., state)."""
        flat = states.reshape(-1, states.shape[-1])
        count, n = flat.shape
        # A single state goes twice: alone, NumPy would add up its terms in another order.
        table = np.empty((n + self.M, 2 if count == 1 else count))
        table[:n] = flat.T
        table[n:] = self.t[:, None]
        R = table[: self.K * self.M].reshape(self.K, self.M, -1)
        length = NUMPY.root(table[self.lengths])
        limits = length[:, None] * self.teacher_lengths
        cosine = R / limits if limits.all() else NUMPY.ratio(R, limits)
        lead = states.shape[:-1]
        return {
            "R": _by_state(R, count, lead),
            "Q": _by_state(table[self.places], count, lead),
            "T": self.T,
            # Rounding leaves it slightly below zero at the perfect solution, at times.
            "eps_g": np.maximum(self._errors(table), 0.0)[:count].reshape(lead),
            "length": _by_state(length, count, lead),
            "cosine": _by_state(cosine, count, lead),
            "specialisation": _by_state(_specialisation(cosine), count, lead),
        }

    def _errors(self, table: np.ndarray) -> np.ndarray:
        """eps_g = sum_ik I2(x_i, x_k) / 2 + sum_nm I2(y_n, y_m) / 2 - sum_in I2(x_i, y_n) of each state."""
        averages = self.I2(table[self.first], table[self.both], table[self.second], NUMPY)
        squares = self.K * self.K
        own = averages[:squares].sum(0)
        # Along each state, where NumPy adds in pairs: the bits that this sum has always had.
        cross = np.ascontiguousarray(averages[squares:].T).sum(1)
        return 0.5 * (own + self.of_teacher) - cross


def _by_state(entry: np.ndarray, count: int, lead: tuple[int, ...]) -> np.ndarray:
    """(..., states) as (*lead, ...)."""
    by_state = entry.T if entry.ndim == 2 else entry.transpose(2, 0, 1)
    return by_state[:count].reshape(lead + entry.shape[:-1])


def _specialisation(cosine: np.ndarray) -> np.ndarray:
    """Largest minus second largest |cosine|, of (K, M, states)."""
    sizes = np.abs(cosine)
    if sizes.shape[1] == 1:
        return sizes[:, 0]
    if sizes.shape[1] == 2:
        return np.maximum(sizes[:, 0], sizes[:, 1]) - np.minimum(sizes[:, 0], sizes[:, 1])
    ordered = np.sort(sizes, axis=1)
    return ordered[:, -1] - ordered[:, -2]
