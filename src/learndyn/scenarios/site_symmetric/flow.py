"""The order-parameter equations of alike sites in JAX.

    dR/dalpha = eta (<delta_1 y_1> - lambda R)        dQ/dalpha = 2 eta (<delta_1 x_1> - lambda Q) + eta^2 D_11
    dS/dalpha = eta (<delta_1 y_2> - lambda S)        dC/dalpha = 2 eta (<delta_1 x_2> - lambda C) + eta^2 D_12

with D_ik = <delta_i delta_k> + s^2 <g_i' g_k'> for label noise of standard deviation s; no D in a gradient flow.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from learndyn import schedules
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Flow
from learndyn.scenarios.site_symmetric.moments import SiteMoments
from learndyn.scenarios.site_symmetric.overlaps import unpack
from learndyn.scenarios.site_symmetric.structure import Structure


@cache
def make_flow(structure: Structure) -> Flow:
    """The flow of a scenario of this structure."""

    def size(states: Any) -> Any:
        """Q: it grows without bound exactly when the weights do."""
        return unpack(states, structure.near)[2]

    # Quadratures work on long vectors: their programs are worth a slower compilation.
    quick = False if structure.pairs_by_quadrature or structure.fours_by_quadrature else None
    knots = None if structure.schedule is None else partial(_knots, structure)
    return Flow(structure.key, drift_function(structure, jax_namespace()), size, quick, knots=knots)


def _knots(structure: Structure, values: dict[str, Any]) -> np.ndarray:
    return schedules.knots_of(structure.schedule, values["learning_rate"])


def rate(structure: Structure, values: dict[str, Any], alpha: Any, xp: Any) -> Any:
    """The learning rate at the time alpha."""
    numbers = values["learning_rate"]
    return numbers if structure.schedule is None else schedules.rate(structure.schedule, alpha, numbers, xp)


def drift_function(structure: Structure, xp: Any) -> Any:
    """drift(alpha, state, values)."""
    near = structure.near
    # R and S are overlaps of one student vector, Q and C of two.
    powers = np.repeat([1.0, 2.0], near)

    def drift(alpha: Any, flat: Any, values: dict[str, Any]) -> Any:
        moments = SiteMoments(structure, flat, values["units"], xp)
        on_units = moments.on_units()
        change = xp.concatenate([on_units[near:], on_units[:near]])
        if structure.decays:
            change = change - values["weight_decay"] * flat
        eta = rate(structure, values, alpha, xp)
        slopes = eta * powers * change
        if structure.dynamics != "sgd":
            return slopes
        square = moments.square()
        if structure.noisy:
            square = square + values["label_noise"] ** 2 * moments.derivatives()
        return slopes + eta * eta * xp.concatenate([xp.zeros(near), square])

    return drift
