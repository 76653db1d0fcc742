"""How far the averages of four units may be off at given states: what quadrature and sampling do to dQ_ik/dalpha.

The error of dQ_ik/dalpha is eta^2 w_i w_k / b times that of sum_pq c_p c_q <g_i' g_k' g_p g_q>: for a quadrature the
difference to a finer one, for a sample its standard error, for closed forms zero.
"""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import Any

import numpy as np

from learndyn.activations import Activation, activation
from learndyn.activations.averages.selection import JOINT, STANDARD_REACH, quadrature_nodes
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.flow import layout_of, learning_rate, output_weights
from learndyn.scenarios.student_teacher.geometry import arrangement_of
from learndyn.scenarios.student_teacher.gradient import biases, coefficients
from learndyn.scenarios.student_teacher.structure import Structure

# How much finer the quadrature is that a network of more than four units is compared with.
FINER = 1.35


def drift_errors(structure: Structure, flat: np.ndarray, values: dict[str, Any], times: np.ndarray) -> np.ndarray:
    """Largest error of dQ_ik/dalpha at each of the flat states (rows, state), shape (rows,)."""
    if structure.samples is None and not structure.fours_by_quadrature:
        return np.zeros(len(flat))
    return np.array([_error(structure, row, values, time) for row, time in zip(flat, times, strict=True)])


def _error(structure: Structure, flat: np.ndarray, values: dict[str, Any], alpha: float) -> float:
    parts = layout_of(structure).unpack(flat)
    units = arrangement_of(structure).units(parts, values, alpha, NUMPY)
    w = output_weights(structure, parts, units, values, NUMPY)
    m = biases(structure, units, parts, values, NUMPY)
    c = coefficients(structure, w, values, NUMPY)
    error = _square_error(structure, units.C, m, c)
    if w is not None:
        i, k = state.upper(structure.K)
        error = error * np.abs(w[i] * w[k])
    eta = float(np.asarray(learning_rate(structure, parts, values, alpha, NUMPY)))
    return float(np.max(error, initial=0.0)) * eta**2 / float(values.get("batch_size", 1.0))


def _square_error(structure: Structure, C: np.ndarray, m: Any, c: np.ndarray) -> np.ndarray:
    activations, K = tuple(map(activation, structure.activations)), structure.K
    if structure.samples is not None:
        from learndyn.activations.averages.sampled import sampled_square

        return sampled_square(activations, K, structure.samples)(C, m, c, NUMPY)[1]
    from learndyn.activations.averages import quadrature

    if structure.n <= JOINT:
        nodes = quadrature_nodes(structure.activations, quadrature.JOINT_RADIUS, structure.reach)
        return quadrature.error_estimate(activations, K, C, c, m, nodes=nodes)
    sums = []
    for factor in (1.0, FINER):
        table = quadrature.table_of_sets(activations, K, partial(_table_of_set, structure.reach, factor))
        sums.append(((table(C, m, NUMPY) * c).sum(-1) * c).sum(-1))
    return np.abs(sums[1] - sums[0])


def _table_of_set(reach: float, factor: float, activations: tuple[Activation, ...], students: int) -> Any:
    """The averages of a set of up to four units, with `factor` times the nodes that the flow takes."""
    from learndyn.activations.averages.quadrature import joint_table

    return joint_table(activations, students, set_nodes(activations, reach, factor))


def set_nodes(activations: tuple[Activation, ...], reach: float, factor: float) -> int:
    """How many nodes that is; with or without kinks, which the radii alone would not reach."""
    from learndyn.activations.averages.quadrature import SETS_RADIUS, default_nodes

    radii = {n: ceil(radius * max(1.0, reach / STANDARD_REACH)) for n, radius in SETS_RADIUS.items()}
    return ceil(factor * default_nodes(activations, radii))
