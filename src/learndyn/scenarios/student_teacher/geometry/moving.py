"""A teacher that is a moving combination of fixed reference vectors, y = A(alpha) e, e = E xi (`motion`).

R = J E^T,   dR_ip/dalpha = eta <F_i e_p>;   the student sees [[Q, R A^T], [A R^T, A T A^T]], T = E E^T
"""

from __future__ import annotations

from typing import Any

from learndyn.scenarios.student_teacher.geometry.base import Moments, Parts, Units, decayed, joined
from learndyn.scenarios.student_teacher.geometry.full import with_square
from learndyn.scenarios.student_teacher.layout import Block
from learndyn.scenarios.student_teacher.structure import Structure


class Moving:
    """See the module."""

    def __init__(self, structure: Structure) -> None:
        self.K, self.M, self._motion = structure.K, structure.M, structure.motion
        self.P = structure.motion.references(structure.M)
        self.blocks = (Block("R", (self.K, self.P)), Block("Q", (self.K, self.K), symmetric=True))

    def _teacher(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> tuple[Any, Any]:
        """A T, and the covariance of the units."""
        A = self._motion.weights(alpha, self.M, xp)
        from_references = A @ values["T"]
        R = parts["R"] @ xp.swapaxes(A, -1, -2)
        return from_references, joined(parts["Q"], R, from_references @ xp.swapaxes(A, -1, -2), xp)

    def units(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Units:
        """What the teacher of the moment makes of the references."""
        return Units(self._teacher(parts, values, alpha, xp)[1], None)

    def learning(self, parts: Parts, moments: Moments, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The equations of the module, divided by eta."""
        from_references, C = self._teacher(parts, values, alpha, xp)
        references = xp.concatenate([parts["R"], from_references], axis=0)
        response = moments.on(xp.concatenate([references, C[:, : self.K]], axis=-1))
        return {
            "R": response[:, : self.P].reshape(-1),
            "Q": with_square(response[:, self.P :], moments, eta),
        }

    def motion(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """The references rest."""
        return {}

    def decay(self, parts: Parts, xp: Any) -> Parts:
        """What J_i <- (1 - eta lambda / N) J_i changes, divided by eta lambda."""
        return decayed(parts, {"R": 1, "Q": 2}, self.blocks, xp)

    def overlaps(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """See `geometry.base`."""
        C = self._teacher(parts, values, alpha, xp)[1]
        of_teacher = {"R": C[..., : self.K, self.K :], "Q": parts["Q"], "T": C[..., self.K :, self.K :]}
        return of_teacher | {"R_reference": parts["R"]}
