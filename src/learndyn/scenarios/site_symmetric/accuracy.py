"""How far the averages of four units are off at given states: what quadrature does to dQ/dalpha and dC/dalpha.

The error is eta^2 times that of <delta_1 delta_k>, estimated as the difference to a finer quadrature.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from learndyn.activations import activation
from learndyn.activations.averages.selection import JOINT, STANDARD_REACH, quadrature_nodes
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.site_symmetric.flow import rate
from learndyn.scenarios.site_symmetric.moments import SiteMoments, combined, signs
from learndyn.scenarios.site_symmetric.overlaps import covariance
from learndyn.scenarios.site_symmetric.structure import MOST_SITES, Structure

# How much finer the quadrature is that these are compared with.
FINER = 1.35


def drift_errors(structure: Structure, states: np.ndarray, values: dict[str, Any], times: np.ndarray) -> np.ndarray:
    """Largest error of dQ/dalpha and dC/dalpha at each of the flat states (rows, n), shape (rows,)."""
    if not structure.fours_by_quadrature:
        return np.zeros(len(states))
    K = float(values["units"])
    errors = [_square_error(structure, row, K) for row in states]
    etas = [float(rate(structure, values, time, NUMPY)) for time in times]
    return np.array([np.max(error) * eta**2 for error, eta in zip(errors, etas, strict=True)])


def _square_error(structure: Structure, flat: np.ndarray, K: float) -> np.ndarray:
    from learndyn.activations.averages import quadrature

    s = structure
    names, C, c = s.units(s.sites), covariance(flat, s.near, s.sites, NUMPY), signs(s.sites)
    activations = tuple(map(activation, names))
    if len(names) <= JOINT:
        nodes = quadrature_nodes(names, quadrature.JOINT_RADIUS, s.reach)
        return quadrature.error_estimate(activations, s.near, C, c, nodes=nodes)
    weights = c * np.tile(SiteMoments(s, flat, K, NUMPY).site_weights(), 2) if s.sites == MOST_SITES else c[None]
    found = []
    for factor in (1.0, FINER):
        table = quadrature.table_of_sets(activations, s.near, _joint_table(s.reach, factor))(C, None, NUMPY)
        sums = np.einsum("apq,cp,cq->ca", table, weights, weights)
        found.append(combined(sums, K, NUMPY) if s.sites == MOST_SITES else sums[0, : s.near])
    return np.abs(found[1] - found[0])


def _joint_table(reach: float, factor: float) -> Any:
    """The quadrature of one set of units, with ``factor`` times as many nodes along a line."""
    from learndyn.activations.averages import quadrature

    wider = max(1.0, reach / STANDARD_REACH)
    radii = {n: ceil(wider * radius) for n, radius in quadrature.SETS_RADIUS.items()}

    def joint_table(activations: Any, K: int) -> Any:
        return quadrature.joint_table(activations, K, ceil(factor * quadrature.default_nodes(activations, radii)))

    return joint_table
