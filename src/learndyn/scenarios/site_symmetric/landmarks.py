"""What alike sites know of their own state space: the solution, the edges, and where to look for more.

Random starts are the overlaps of vectors

    J_i = r B_i + s sum_n B_n + p E_i + q E_0,       B and E orthonormal,

with s of the order 1 / K and q of the order 1 / sqrt(K), so that also sums over all sites are of order one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from learndyn.activations import activation
from learndyn.scenarios.base import Landmarks
from learndyn.scenarios.site_symmetric.overlaps import is_possible, unpack
from learndyn.scenarios.site_symmetric.start import SymmetricStart
from learndyn.scenarios.student_teacher.landmarks import SINGULAR, TIP

if TYPE_CHECKING:
    from learndyn.scenarios.site_symmetric.scenario import SiteSymmetric

SOLUTION = SymmetricStart(R=1.0, S=0.0, Q=1.0, C=0.0)
# Overlaps with all others of units that nearly know nothing.
SMALL = 1e-3


def landmarks_of(scenario: SiteSymmetric) -> Landmarks:
    """The landmarks of a scenario."""
    s = scenario.structure
    kinked = bool(activation(s.activation).kinks)

    def edge(state: np.ndarray) -> str:
        if not kinked or is_possible(state, s.near, scenario.units, -SINGULAR):
            return ""
        return (
            f"Units with a kink ({s.activation}) are linearly dependent here, at the edge of the possible overlaps: "
            "derivatives are those from the inside, and terms of order 3/2 come before the second order."
        )

    def tip(state: np.ndarray) -> str:
        if not kinked or unpack(state, s.near)[2] > TIP:
            return ""
        return f"student units ({s.activation}) have no length, and the drift no derivative there"

    return Landmarks(_permutations(scenario), SOLUTION, edge, tip, partial(_scattered, scenario))


def inward(scenario: SiteSymmetric, state: np.ndarray) -> np.ndarray | None:
    """A direction from the edge into the possible states where derivatives are to be limits from there; else None."""
    if not scenario.structure.fours_by_quadrature or not landmarks_of(scenario).edge(state):
        return None
    return state * np.array([0.0, 0.0, 1.0, 0.0])


def _permutations(scenario: SiteSymmetric) -> np.ndarray:
    """Of two units each may be the other's own: R and S change places."""
    identity = np.arange(scenario.state_length)
    return np.array([identity, [1, 0, 2, 3]]) if scenario.units == 2 else identity[None]


def _scattered(scenario: SiteSymmetric, count: int, seed: int) -> list[SymmetricStart]:
    """The solution; then, in turn, overlaps of order one with lengths over two decades, and units nearly orthogonal."""
    rng, K = np.random.default_rng(seed), scenario.units
    starts = [SOLUTION]
    for number in range(count - 1):
        r, s, p, q = rng.normal(size=4) * np.array([1.0, 1.0 / K, 1.0, 1.0 / np.sqrt(K)])
        if number % 2 == 0:
            r, s, p, q = np.sqrt(np.exp(rng.uniform(np.log(0.05), np.log(10.0)))) * np.array([r, s, p, q])
        else:
            r, s, q = SMALL * np.array([r, s, q])
        starts.append(_start(float(r), float(s), float(p), float(q), K))
    return starts


def _start(r: float, s: float, p: float, q: float, K: int) -> SymmetricStart:
    if K == 1:
        return SymmetricStart(R=r, S=0.0, Q=r * r + p * p, C=0.0)
    both = 2.0 * r * s + K * s * s + q * q
    return SymmetricStart(R=r + s, S=s, Q=r * r + p * p + both, C=both)
