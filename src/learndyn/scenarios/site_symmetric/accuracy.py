"""How far the averages of four units are off at given states: what quadrature does to dQ/dalpha and dC/dalpha.

The error is eta^2 times that of <delta_1 delta_k>, estimated as the difference to a finer quadrature.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations import activation
from learndyn.activations.averages.selection import quadrature_nodes
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.site_symmetric.flow import rate
from learndyn.scenarios.site_symmetric.orbits import orbit_sums
from learndyn.scenarios.site_symmetric.overlaps import covariance, signs
from learndyn.scenarios.site_symmetric.structure import Structure

# How much finer the quadrature is that this one is compared with.
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
    s = structure
    if s.sites > 2:
        return np.abs(orbit_sums(s, flat, K, NUMPY, FINER) - orbit_sums(s, flat, K, NUMPY))
    from learndyn.activations.averages import quadrature

    names, C = s.units(s.sites), covariance(flat, s.near, s.sites, NUMPY)
    nodes = quadrature_nodes(names, quadrature.JOINT_RADIUS, s.reach)
    return quadrature.error_estimate(tuple(map(activation, names)), s.near, C, signs(s.sites), nodes=nodes)
