"""The order-parameter equations of the soft committee machine in JAX.

    dR_in/dalpha = eta sum_q c_q I3(x_i, y_n, z_q)
    dQ_ik/dalpha = eta sum_q c_q [I3(x_i, x_k, z_q) + I3(x_k, x_i, z_q)] + eta^2 sum_pq c_p c_q I4(x_i, x_k, z_p, z_q)

over all units z = (x, y), with c = -1 for student and +1 for teacher units [Straat 2018, p. 28-31].
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Flow
from learndyn.scenarios.student_teacher import state


@cache
def make_flow(K: int, M: int, activation: Activation, dynamics: str) -> Flow:
    """The flow for K student and M teacher units; without the eta^2 term it is not computed at all."""
    drift = drift_function(K, M, activation, dynamics, jax_namespace())
    key = ("student_teacher", K, M, activation.name, activation.digest, dynamics)
    return Flow(key, drift, partial(state.squared_length, K, M))


def drift_function(K: int, M: int, activation: Activation, dynamics: str, xp: Any) -> Any:
    """drift(alpha, state, values) in NumPy or JAX."""
    gradient_sum, square_sum = activation.functions["gradient_sum"], activation.functions["square_sum"]
    places = state.covariance_places(K, M)
    c = np.concatenate([-np.ones(K), np.ones(M)])
    i, k = state.upper(K)

    def drift(alpha: Any, flat: Any, values: dict[str, Any]) -> Any:
        eta = values["learning_rate"]
        C = xp.concatenate([flat, values["T"].reshape(-1)])[places]
        response = gradient_sum(C, c, K, xp)
        own = response[:, :K]
        dQ = (own + own.T)[i, k]
        if dynamics == "sgd":
            dQ = dQ + eta * square_sum(C, c, K, xp)
        return eta * xp.concatenate([response[:, K:].reshape(-1), dQ])

    return drift
