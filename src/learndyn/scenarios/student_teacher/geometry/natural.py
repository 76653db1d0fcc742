"""Natural gradient descent: steps along the inverse of the Fisher information A_ik = <d_i sigma d_k sigma>.

    J_i <- J_i + (eta / N) sum_k [A^-1]_ik delta_k xi,   A_ik = w_i w_k <g_i' g_k' xi xi^T>,  blocks of N x N

A maps the span of J to itself and acts as a_ik = w_i w_k <g_i' g_k'> beyond it [Rattray, Saad & Amari 1998]. With
G_(ip)(kq) = w_i w_k <g_i' g_k' x_p x_q> and s_ip = <delta_i x_p>, the mean step is

    sum_j X_ij J_j + sum_k (a^-1)_ik (<delta_k xi> beyond the span),   X = G^-1 s

    dR_in/dalpha = eta [sum_j X_ij R_jn + sum_k (a^-1)_ik (<delta_k y_n> - sum_j <delta_k x_j> (Q^-1 R)_jn)]
    dQ_ik/dalpha = eta sum_j (X_ij Q_jk + X_kj Q_ji) + eta^2 [a^-1 <delta delta^T> a^-1]_ik

It needs student vectors that are linearly independent.
"""

from __future__ import annotations

from typing import Any

from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.geometry.base import Parts, symmetric_sum
from learndyn.scenarios.student_teacher.geometry.full import Full
from learndyn.scenarios.student_teacher.structure import Structure


class Natural(Full):
    """See the module."""

    def __init__(self, structure: Structure) -> None:
        super().__init__(structure)
        self._places = state.places(structure.K)

    def learning(self, parts: Parts, moments: Any, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The equations of the module, divided by eta."""
        K, Q, R = self.K, parts["Q"], parts["R"]
        response = moments.on_units()
        own, beyond, information = response[:, :K], *moments.information()
        inverse = xp.linalg.inv(beyond)
        X = xp.linalg.solve(information.reshape(K * K, K * K), own.reshape(-1)).reshape(K, K)
        rest = response[:, K:] - xp.product(own, xp.linalg.solve(Q, R))
        dQ, square = symmetric_sum(xp.product(X, Q)), moments.square()
        if square is not None:
            full = xp.product(inverse, xp.product(square[self._places], inverse))
            dQ = dQ + eta * full[state.upper(K)]
        return {"R": (xp.product(X, R) + xp.product(inverse, rest)).reshape(-1), "Q": dQ}
