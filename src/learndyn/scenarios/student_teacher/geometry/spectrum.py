"""Inputs whose covariance has a few distinct eigenvalues lambda_l: overlaps within each eigenspace, of N share_l dims.

xi = sum_l sqrt(lambda_l) xi_l,   C = sum_l lambda_l C^l,   C^l = [[Q^l, R^l], [R^l^T, T^l]]
dR^l_in/dalpha = eta <F_i y^l_n>,    y^l = B xi in the eigenspace, covariance with z: lambda_l C^l
dQ^l_ik/dalpha = eta (<F_i x^l_k> + <F_k x^l_i>) + eta^2 lambda_l share_l <F_i F_k>
"""

from __future__ import annotations

from typing import Any

from learndyn.scenarios.student_teacher.geometry.base import Moments, Parts, Units, decayed, joined, symmetric_sum
from learndyn.scenarios.student_teacher.layout import Block
from learndyn.scenarios.student_teacher.structure import Structure


class Spectrum:
    """See the module."""

    def __init__(self, structure: Structure) -> None:
        self.K, self.L = structure.K, structure.spectrum
        K, M, L = structure.K, structure.M, structure.spectrum
        self.blocks = (Block("R", (L, K, M)), Block("Q", (L, K, K), symmetric=True))

    def _spaces(self, parts: Parts, values: Parts, xp: Any) -> Any:
        """lambda_l C^l, shape (..., L, n, n)."""
        T = values["T"] * values["shares"][:, None, None]
        return joined(parts["Q"], parts["R"], T, xp) * values["eigenvalues"][:, None, None]

    def units(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Units:
        """The sum over eigenspaces."""
        return Units(self._spaces(parts, values, xp).sum(-3), None)

    def learning(self, parts: Parts, moments: Moments, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The equations of the module, divided by eta."""
        spaces, square = self._spaces(parts, values, xp), moments.square()
        dR, dQ = [], []
        for index in range(self.L):
            response = moments.on(spaces[index])
            dR.append(response[:, self.K :].reshape(-1))
            own = symmetric_sum(response[:, : self.K])
            if square is not None:
                own = own + eta * values["eigenvalues"][index] * values["shares"][index] * square
            dQ.append(own)
        return {"R": xp.concatenate(dR), "Q": xp.concatenate(dQ)}

    def motion(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """Nothing else moves."""
        return {}

    def decay(self, parts: Parts, xp: Any) -> Parts:
        """What J_i <- (1 - eta lambda / N) J_i changes, divided by eta lambda."""
        return decayed(parts, {"R": 1, "Q": 2}, self.blocks, xp)

    def overlaps(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """See `geometry.base`."""
        whole = {"R": parts["R"].sum(-3), "Q": parts["Q"].sum(-3), "T": values["T"]}
        return whole | {"R_space": parts["R"], "Q_space": parts["Q"]}
