"""The 1 / N part of the drift of the order parameters: <z> follows F + c / N, up to the effect of its own spread.

    c = (i) - 1/2 (dF/dalpha + (F . grad) F)

    (i)_ik = eta^2 <(|xi|^2 - N) delta_i delta_k> = 2 eta^2 d/dt <delta_i delta_k>_{(1 + t) C} at t = 0   in the Q block

The first term: (x, y) = L u with |xi|^2 = |u|^2 + chi^2_{N-K-M}, and d/dt of a Gaussian average under (1 + t) I is
<(|u|^2 - n) f> / 2, so that all of C is scaled, the teacher's part too. The second: a map z -> z + F / N follows the
flow of F - (F . grad) F / (2 N), to this order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.flow import drift_function


def make_size_correction(K: int, M: int, activation: Activation) -> Any:
    """``c(alpha, flat, values)`` of a soft committee machine, in JAX."""
    import jax

    xp = jax_namespace()
    drift = drift_function(K, M, activation, "sgd", xp)
    length_term = make_length_term(K, M, activation)

    def correction(alpha: Any, flat: Any, values: dict[str, Any]) -> Any:
        F = drift(alpha, flat, values)
        at = xp.asarray(alpha, dtype=float)
        _, along = jax.jvp(lambda a, z: drift(a, z, values), (at, flat), (xp.ones_like(at), F))
        return length_term(alpha, flat, values) - 0.5 * along

    return correction


def make_length_term(K: int, M: int, activation: Activation) -> Any:
    """The first term of c, (i), for all order parameters: ``term(alpha, flat, values)``."""
    import jax

    xp = jax_namespace()
    square_sum = activation.functions["square_sum"]
    places = state.covariance_places(K, M)
    signs = np.concatenate([-np.ones(K), np.ones(M)])

    def squares(C: Any) -> Any:
        return square_sum(C, signs, K, xp)

    def term(alpha: Any, flat: Any, values: dict[str, Any]) -> Any:
        C = xp.concatenate([flat, values["T"].reshape(-1)])[places]
        # Of g(r x) = r g(x) the average is linear in C.
        growth = squares(C) if activation.homogeneous else jax.jvp(squares, (C,), (C,))[1]
        return xp.concatenate([xp.zeros(K * M), 2.0 * values["learning_rate"] ** 2 * growth])

    return term
