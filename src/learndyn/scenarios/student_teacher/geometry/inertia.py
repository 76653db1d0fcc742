"""Momentum: velocities V_i with friction gamma / N, and their overlaps, join the state.

V_i <- (1 - gamma / N) V_i + (eta / N) F_i xi,   J_i <- J_i + V_i / N
dR = RV,   dQ = QJV + QJV^T                                          RV = V B^T, QJV = J V^T, QV = V V^T
dRV_in  = -gamma RV_in + eta <F_i y_n>
dQJV_ik = QV_ik - gamma QJV_ik + eta <F_k x_i>
dQV_ik  = -2 gamma QV_ik + eta (<F_i u_k> + <F_k u_i>) + eta^2 <F_i F_k>,   u = V xi
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.geometry.base import Moments, Parts, Units, joined, symmetric_sum
from learndyn.scenarios.student_teacher.geometry.full import with_square
from learndyn.scenarios.student_teacher.layout import Block
from learndyn.scenarios.student_teacher.structure import Structure


class Inertia:
    """See the module."""

    def __init__(self, structure: Structure) -> None:
        self.K = structure.K
        K, M = structure.K, structure.M
        self.blocks = (
            Block("R", (K, M)),
            Block("Q", (K, K), symmetric=True),
            Block("RV", (K, M)),
            Block("QJV", (K, K)),
            Block("QV", (K, K), symmetric=True),
        )

    def units(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Units:
        """[[Q, R], [R^T, T]]: velocities have no part in the outputs."""
        return Units(joined(parts["Q"], parts["R"], values["T"], xp), None)

    def learning(self, parts: Parts, moments: Moments, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """What the examples add to the velocities, divided by eta."""
        K = self.K
        response = moments.on_units()
        velocities = xp.concatenate([parts["QJV"], xp.swapaxes(parts["RV"], -1, -2)], axis=0)
        return {
            "R": np.zeros(parts["R"].size),
            "Q": np.zeros(K * (K + 1) // 2),
            "RV": response[:, K:].reshape(-1),
            "QJV": response[:, :K].T.reshape(-1),
            "QV": with_square(moments.on(velocities), moments, eta),
        }

    def motion(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """What velocities do: they move J, and friction slows them."""
        damping, i_k = values["damping"], state.upper(self.K)
        return {
            "R": parts["RV"].reshape(-1),
            "Q": symmetric_sum(parts["QJV"]),
            "RV": -damping * parts["RV"].reshape(-1),
            "QJV": (parts["QV"] - damping * parts["QJV"]).reshape(-1),
            "QV": -2.0 * damping * parts["QV"][i_k],
        }

    def decay(self, parts: Parts, xp: Any) -> Parts:
        """What J_i <- (1 - eta lambda / N) J_i changes, divided by eta lambda."""
        return {
            "R": np.zeros(parts["R"].size),
            "Q": np.zeros(self.K * (self.K + 1) // 2),
            "RV": -parts["R"].reshape(-1),
            "QJV": -parts["Q"].reshape(-1),
            "QV": -symmetric_sum(parts["QJV"]),
        }

    def overlaps(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """See `geometry.base`."""
        more = {name: parts[name] for name in ("RV", "QJV", "QV")}
        return {"R": parts["R"], "Q": parts["Q"], "T": values["T"]} | more
