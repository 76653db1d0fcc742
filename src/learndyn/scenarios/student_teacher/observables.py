"""What is read off the order parameters: generalisation error, lengths, cosines, specialisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.base import Quantity

QUANTITIES = {
    "R": Quantity(("student", "teacher"), "student-teacher overlaps R_in = J_i . B_n"),
    "Q": Quantity(("student", "student2"), "student-student overlaps Q_ik = J_i . J_k"),
    "T": Quantity(("teacher", "teacher2"), "teacher-teacher overlaps T_nm = B_n . B_m"),
    "eps_g": Quantity((), "generalisation error <(tau - sigma)^2> / 2"),
    "length": Quantity(("student",), "lengths |J_i| = sqrt(Q_ii)"),
    "cosine": Quantity(("student", "teacher"), "cosines R_in / sqrt(Q_ii T_nn), 0 for a vector of length 0"),
    "specialisation": Quantity(
        ("student",),
        "largest minus second largest |cosine| of a student unit over the teacher units (|cosine| if M = 1)",
    ),
}


def generalisation_error(R: Any, Q: Any, T: Any, activation: Activation, xp: Any) -> Any:
    """eps_g = sum_pq c_p c_q I2(z_p, z_q) / 2 with c = (-1 for students, +1 for teachers).

    A difference of nearly equal numbers: its absolute error is about 1e-16 (K + M)^2 times the largest overlap.
    """
    I2 = activation.functions["I2"]
    q, t = xp.diagonal(Q, axis1=-2, axis2=-1), xp.diagonal(T)
    own = I2(q[..., :, None], Q, q[..., None, :], xp).sum((-2, -1))
    cross = I2(q[..., :, None], R, t[None, :], xp).sum((-2, -1))
    teacher = I2(t[:, None], T, t[None, :], xp).sum()
    return 0.5 * (own + teacher) - cross


def cosines(R: np.ndarray, Q: np.ndarray, T: np.ndarray) -> np.ndarray:
    """R_in / sqrt(Q_ii T_nn)."""
    lengths = NUMPY.root(np.diagonal(Q, axis1=-2, axis2=-1))[..., :, None] * NUMPY.root(np.diagonal(T))
    return NUMPY.ratio(R, lengths)


def specialisation(cosine: np.ndarray) -> np.ndarray:
    """Largest minus second largest |cosine| of each student unit: 0 on an unspecialised plateau, 1 when it is over."""
    ordered = np.sort(np.abs(cosine), axis=-1)
    return ordered[..., -1] - (ordered[..., -2] if cosine.shape[-1] > 1 else 0.0)


def rows(R: np.ndarray, Q: np.ndarray, T: np.ndarray, activation: Activation) -> dict[str, np.ndarray]:
    """All quantities for R (..., K, M) and Q (..., K, K)."""
    Q_diagonal = np.diagonal(Q, axis1=-2, axis2=-1)
    cosine = cosines(R, Q, T)
    return {
        "R": R,
        "Q": Q,
        "T": T,
        # Rounding leaves it slightly below zero at the perfect solution, at times.
        "eps_g": np.maximum(generalisation_error(R, Q, T, activation, NUMPY), 0.0),
        "length": np.sqrt(np.maximum(Q_diagonal, 0.0)),
        "cosine": cosine,
        "specialisation": specialisation(cosine),
    }
