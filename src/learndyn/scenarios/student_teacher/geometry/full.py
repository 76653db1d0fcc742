"""The usual arrangement: every unit sees the whole input; R = J B^T, Q = J J^T.

    dR_in/dalpha = eta <F_i y_n>,   dQ_ik/dalpha = eta (<F_i x_k> + <F_k x_i>) + eta^2 <F_i F_k>

With a teacher that makes a random walk of rate d (and fixed lengths), each step of order 1 / sqrt(N) orthogonal to B_n:

    dR_in/dalpha -= d R_in,   dT_nm/dalpha = -2 d T_nm  (n != m)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.scenarios.student_teacher.geometry.base import Moments, Parts, Units, decayed, joined, symmetric_sum
from learndyn.scenarios.student_teacher.layout import Block
from learndyn.scenarios.student_teacher.structure import Structure


class Full:
    """See the module."""

    def __init__(self, structure: Structure) -> None:
        K, M = structure.K, structure.M
        self.K, self.M = K, M
        self._walks = structure.motion == "random_walk"
        T = (Block("T", (M, M), symmetric=True),) if self._walks and M > 1 else ()
        self.blocks = (Block("R", (K, M)), Block("Q", (K, K), symmetric=True), *T)

    def units(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Units:
        """[[Q, R], [R^T, T]]."""
        return Units(joined(parts["Q"], parts["R"], parts.get("T", values["T"]), xp), None)

    def learning(self, parts: Parts, moments: Moments, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The equations of the module, divided by eta."""
        response = moments.on_units()
        return {"R": response[:, self.K :].reshape(-1), "Q": with_square(response[:, : self.K], moments, eta)}

    def motion(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The teacher's random walk."""
        if not self._walks:
            return {}
        rate = values["teacher_drift"]
        moved = {"R": -rate * parts["R"].reshape(-1)}
        if "T" in parts:
            rows, columns = np.triu_indices(self.M)
            moved["T"] = -2.0 * rate * np.where(rows == columns, 0.0, 1.0) * parts["T"][rows, columns]
        return moved

    def decay(self, parts: Parts, xp: Any) -> Parts:
        """What J_i <- (1 - eta lambda / N) J_i changes, divided by eta lambda."""
        return decayed(parts, {"R": 1, "Q": 2}, self.blocks, xp)

    def overlaps(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """See `geometry.base`."""
        return {"R": parts["R"], "Q": parts["Q"], "T": parts.get("T", values["T"])}


def with_square(own: Any, moments: Moments, eta: Any) -> Any:
    """<F_i x_k> + <F_k x_i> + eta <F_i F_k>, i <= k."""
    square = moments.square()
    total = symmetric_sum(own)
    return total if square is None else total + eta * square
