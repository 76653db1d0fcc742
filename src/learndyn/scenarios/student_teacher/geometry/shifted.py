"""Inputs with a mean mu, |mu|^2 of order one: the projections d_i = J_i . mu join the state.

xi = mu + zeta,   <x_i> = d_i,   <y_n> = e_n = B_n . mu;   Q, R, T are the covariance of the fluctuations
dR_in/dalpha = eta (<F_i ~y_n> + <F_i> e_n),    ~y = y - e
dQ_ik/dalpha = eta (<F_i ~x_k> + <F_i> d_k + (i <-> k)) + eta^2 <F_i F_k>
dd_i/dalpha  = eta (<F_i ~m> + <F_i> |mu|^2),   ~m = mu . zeta, with <~x_i ~m> = d_i and <~y_n ~m> = e_n
"""

from __future__ import annotations

from typing import Any

from learndyn.scenarios.student_teacher.geometry.base import Moments, Parts, Units, decayed, joined
from learndyn.scenarios.student_teacher.geometry.full import with_square
from learndyn.scenarios.student_teacher.layout import Block
from learndyn.scenarios.student_teacher.structure import Structure


class Shifted:
    """See the module."""

    def __init__(self, structure: Structure) -> None:
        self.K = structure.K
        K, M = structure.K, structure.M
        self.blocks = (Block("R", (K, M)), Block("Q", (K, K), symmetric=True), Block("d", (K,)))

    def units(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Units:
        """Covariance of the fluctuations, and the means (d, e)."""
        d = parts["d"]
        e = xp.broadcast_to(values["mean_overlap"], (*d.shape[:-1], values["T"].shape[-1]))
        return Units(joined(parts["Q"], parts["R"], values["T"], xp), xp.concatenate([d, e], axis=-1))

    def learning(self, parts: Parts, moments: Moments, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The equations of the module, divided by eta."""
        C, shift = self.units(parts, values, alpha, xp)
        assert shift is not None
        fluctuating, mean = moments.on(xp.concatenate([C, shift[:, None]], axis=-1)), moments.mean()
        along = fluctuating[:, -1] + mean * values["mean_square"]
        response = fluctuating[:, :-1] + mean[:, None] * shift
        return {
            "R": response[:, self.K :].reshape(-1),
            "Q": with_square(response[:, : self.K], moments, eta),
            "d": along,
        }

    def motion(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """Nothing else moves."""
        return {}

    def decay(self, parts: Parts, xp: Any) -> Parts:
        """What J_i <- (1 - eta lambda / N) J_i changes, divided by eta lambda."""
        return decayed(parts, {"R": 1, "Q": 2, "d": 1}, self.blocks, xp)

    def overlaps(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """See `geometry.base`."""
        return {"R": parts["R"], "Q": parts["Q"], "T": values["T"], "d": parts["d"]}
