"""A tree: each hidden unit sees its own part of the input, of dimension N; K = M, and there are no other overlaps.

    dR_i/dalpha = eta <F_i y_i>,   dQ_i/dalpha = 2 eta <F_i x_i> + eta^2 <F_i^2>

Units of different branches are independent, but learn from one error: <F_i x_i> involves all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.geometry.base import Moments, Parts, Units, decayed, diagonal_matrix, joined
from learndyn.scenarios.student_teacher.layout import Block
from learndyn.scenarios.student_teacher.structure import Structure


class Tree:
    """See the module."""

    def __init__(self, structure: Structure) -> None:
        self.K = structure.K
        self.blocks = (Block("R", (self.K,)), Block("Q", (self.K,)))

    def units(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Units:
        """The three blocks are diagonal."""
        return Units(joined(diagonal_matrix(parts["Q"], xp), diagonal_matrix(parts["R"], xp), values["T"], xp), None)

    def learning(self, parts: Parts, moments: Moments, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The equations of the module, divided by eta."""
        response, units = moments.on_units(), np.arange(self.K)
        dQ, square = 2.0 * response[units, units], moments.square()
        if square is not None:
            dQ = dQ + eta * square[state.diagonal(self.K)]
        return {"R": response[units, self.K + units], "Q": dQ}

    def motion(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """Nothing else moves."""
        return {}

    def decay(self, parts: Parts, xp: Any) -> Parts:
        """What J_i <- (1 - eta lambda / N) J_i changes, divided by eta lambda."""
        return decayed(parts, {"R": 1, "Q": 2}, self.blocks, xp)

    def overlaps(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """See `geometry.base`."""
        return {"R": diagonal_matrix(parts["R"], xp), "Q": diagonal_matrix(parts["Q"], xp), "T": values["T"]}
