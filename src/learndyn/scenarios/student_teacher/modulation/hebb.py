"""Hebb's rule: F_i = tau, whatever the student says.

<F_i t> = sum_n v_n <t y_n> <g_n'>,   <F_i> = sum_n v_n <g_n>,   <F_i F_k> = <tau^2> + s^2
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations.averages.tables import averages_of
from learndyn.scenarios.student_teacher.gradient import biases
from learndyn.scenarios.student_teacher.structure import Structure


class HebbMoments:
    """Averages of tau."""

    def __init__(self, structure: Structure, units: Any, parts: Any, values: dict[str, Any], xp: Any) -> None:
        K, M = structure.K, structure.M
        self._s, self._values, self._C, self._xp = structure, values, units.C, xp
        m = biases(structure, units, parts, values, xp)
        self._v = values["v"] if structure.weighted else np.ones(M)
        # A linear student's slopes are <g_n'> and <g_n>: its own slope is 1.
        names = ("linear", *structure.activations[K:])
        rows = np.array([0, *range(K, K + M)])
        own = averages_of(names, 1, structure.has_means)
        self._slopes = own.slopes(units.C[rows[:, None], rows], None if m is None else m[rows], xp)
        teacher = averages_of(structure.activations[K:], 1, structure.has_means)
        self._outputs = teacher.outputs(units.C[K:, K:], None if m is None else m[K:], xp)

    def on_units(self) -> Any:
        """<tau (z_b - <z_b>)>, the same for every unit."""
        return self.on(self._C)

    def on(self, targets: Any) -> Any:
        """<tau t>."""
        along = self._v * self._slopes.both[0, 1:]
        return self._xp.broadcast_to(self._xp.product(along, targets[self._s.K :]), (self._s.K, targets.shape[1]))

    def mean(self) -> Any:
        """<tau>."""
        return (self._v * self._slopes.first[0, 1:]).sum() * np.ones(self._s.K)

    def square(self) -> Any:
        """<tau^2> and the noise, over the size of a minibatch."""
        if self._s.dynamics != "sgd":
            return None
        total = ((self._outputs * self._v).sum(-1) * self._v).sum()
        if self._s.noisy:
            total = total + self._values["label_noise"] ** 2
        if self._s.batched:
            total = total / self._values["batch_size"]
        return total * np.ones(self._s.K * (self._s.K + 1) // 2)
