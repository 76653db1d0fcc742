"""What is read off the order parameters: generalisation error, lengths, cosines, specialisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.base import Quantity
from learndyn.scenarios.student_teacher.flow import layout_of, output_weights
from learndyn.scenarios.student_teacher.geometry import arrangement_of
from learndyn.scenarios.student_teacher.geometry.base import diagonal_matrix
from learndyn.scenarios.student_teacher.gradient import biases, coefficients, network_averages
from learndyn.scenarios.student_teacher.structure import Structure

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
# What options add; a result has those that its scenario has.
FURTHER = {
    "w": Quantity(("student",), "output weights w_i of the student"),
    "theta": Quantity(("student",), "biases theta_i of the student"),
    "eta": Quantity((), "learning rate eta, which adapts"),
    "d": Quantity(("student",), "overlaps d_i = J_i . mu with the mean of the inputs"),
    "R_space": Quantity(("space", "student", "teacher"), "overlaps J_i . B_n within each eigenspace of the inputs"),
    "Q_space": Quantity(("space", "student", "student2"), "overlaps J_i . J_k within each eigenspace of the inputs"),
    "R_reference": Quantity(("student", "reference"), "overlaps J_i . E_p with the reference vectors of the teacher"),
    "RV": Quantity(("student", "teacher"), "overlaps V_i . B_n of the velocities with the teacher"),
    "QJV": Quantity(("student", "student2"), "overlaps J_i . V_k of weights and velocities"),
    "QV": Quantity(("student", "student2"), "overlaps V_i . V_k of the velocities"),
}


def generalisation_error(R: Any, Q: Any, T: Any, activation: Activation, xp: Any) -> Any:
    """eps_g = sum_pq c_p c_q I2(z_p, z_q) / 2 with c = (-1 for students, +1 for teachers).

    A difference of nearly equal numbers: its absolute error is about 1e-16 (K + M)^2 times the largest overlap.
    """
    I2 = activation.functions["I2"]
    q, t = xp.diagonal(Q, axis1=-2, axis2=-1), xp.diagonal(T, axis1=-2, axis2=-1)
    own = I2(q[..., :, None], Q, q[..., None, :], xp).sum((-2, -1))
    cross = I2(q[..., :, None], R, t[None, :], xp).sum((-2, -1))
    teacher = I2(t[:, None], T, t[None, :], xp).sum()
    return 0.5 * (own + teacher) - cross


def cosines(R: np.ndarray, Q: np.ndarray, T: np.ndarray) -> np.ndarray:
    """R_in / sqrt(Q_ii T_nn)."""
    lengths = (
        NUMPY.root(np.diagonal(Q, axis1=-2, axis2=-1))[..., :, None]
        * NUMPY.root(np.diagonal(T, axis1=-2, axis2=-1))[..., None, :]
    )
    return NUMPY.ratio(R, lengths)


def specialisation(cosine: np.ndarray) -> np.ndarray:
    """Largest minus second largest |cosine| of each student unit: 0 on an unspecialised plateau, 1 when it is over."""
    ordered = np.sort(np.abs(cosine), axis=-1)
    return ordered[..., -1] - (ordered[..., -2] if cosine.shape[-1] > 1 else 0.0)


def rows(R: np.ndarray, Q: np.ndarray, T: np.ndarray, eps_g: np.ndarray) -> dict[str, np.ndarray]:
    """The quantities that every scenario has, for R (..., K, M) and Q (..., K, K)."""
    Q_diagonal = np.diagonal(Q, axis1=-2, axis2=-1)
    cosine = cosines(R, Q, T)
    return {
        "R": R,
        "Q": Q,
        "T": T,
        # Rounding leaves it slightly below zero at the perfect solution, at times.
        "eps_g": np.maximum(eps_g, 0.0),
        "length": np.sqrt(np.maximum(Q_diagonal, 0.0)),
        "cosine": cosine,
        "specialisation": specialisation(cosine),
    }


def rows_of(structure: Structure, flat: np.ndarray, values: dict[str, Any], times: Any) -> dict[str, np.ndarray]:
    """All quantities of flat states (..., state) at ``times``, which broadcast against the leading axes."""
    parts, arrangement = layout_of(structure).unpack(flat), arrangement_of(structure)
    overlaps = arrangement.overlaps(parts, values, times, NUMPY)
    own = {name: parts[name] for name in ("w", "theta") if name in parts}
    own |= {"eta": np.maximum(parts["eta"], 0.0)} if "eta" in parts else {}
    units = arrangement.units(parts, values, times, NUMPY)
    if "w" in own:
        own["w"] = output_weights(structure, parts, units, values, NUMPY)
    found = rows(
        overlaps.pop("R"), overlaps.pop("Q"), overlaps.pop("T"), error(structure, parts, units, own, values, NUMPY)
    )
    return found | overlaps | own


def rows_of_one(structure: Structure, flat: np.ndarray, values: dict[str, Any], time: np.ndarray) -> dict[str, Any]:
    """`rows_of` for a single state, of any leading axes: with the bits that it has among others.

    It goes twice: alone, NumPy would add up its terms in another order.
    """
    known = QUANTITIES | FURTHER
    found = rows_of(structure, np.stack([flat.reshape(-1)] * 2), values, np.repeat(time, 2))
    return {
        name: entry if entry.ndim == len(known[name].dims) else entry[0].reshape(time.shape + entry.shape[1:])
        for name, entry in found.items()
    }


def error(structure: Structure, parts: Any, units: Any, own: Any, values: dict[str, Any], xp: Any) -> Any:
    """eps_g = sum_pq c_p c_q <g_p g_q> / 2, c = (-w, v), against the noiseless teacher; under dropout with p w for w.

    A difference of nearly equal numbers: its absolute error is about 1e-16 (K + M)^2 times the largest output.
    """
    w = own.get("w")
    if structure.dropout:
        w = values["dropout_keep"] * (xp.ones(structure.K) if w is None else w)
    c = coefficients(structure, w, values | ({} if "v" in values else {"v": np.ones(structure.M)}), xp)
    outputs = network_averages(structure).outputs(units.C, biases(structure, units, parts, values, xp), xp)
    return 0.5 * ((outputs * c[..., None, :]).sum(-1) * c).sum(-1)


def error_at(structure: Structure, parts: Any, values: dict[str, Any], at: Any, xp: Any) -> Any:
    """eps_g of the blocks of a state at the time `at`."""
    units = arrangement_of(structure).units(parts, values, at, xp)
    own = {} if "w" not in parts else {"w": output_weights(structure, parts, units, values, xp)}
    return error(structure, parts, units, own, values, xp)


def labelled_blocks(structure: Structure, flat: np.ndarray) -> dict[str, np.ndarray]:
    """The blocks of flat states by the names that a result has for them; linear, hence right for derivatives too."""
    parts = layout_of(structure).unpack(flat)
    if structure.tree:
        parts = parts | {name: diagonal_matrix(parts[name], NUMPY) for name in ("R", "Q")}
    if structure.spectrum:
        parts = parts | {"R_space": parts["R"], "Q_space": parts["Q"]}
        parts = parts | {name: parts[name].sum(-3) for name in ("R", "Q")}
    if not isinstance(structure.motion, str | None):
        parts["R_reference"] = parts.pop("R")
    if structure.output_rule == "fast":
        del parts["w"]
    return parts
