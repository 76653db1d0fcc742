"""How the fluctuating length of the input moves the mean of the order parameters: the term (i) of order 1 / N.

    (i)_ik = eta^2 <(|xi|^2 - N) delta_i delta_k> = 2 eta^2 d/dt <delta_i delta_k>_{(1 + t) C} at t = 0   in the Q block

(x, y) = L u with |xi|^2 = |u|^2 + chi^2_{N-K-M}, and d/dt of a Gaussian average under (1 + t) I is <(|u|^2 - n) f> / 2,
so that all of C is scaled, the teacher's part too. `learndyn.scenarios.size_correction` adds the other term of c.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.student_teacher import state


def make_length_term(K: int, M: int, activation: Activation) -> Any:
    """(i) for all order parameters, 0 for R: ``term(alpha, flat, values)``, in JAX."""
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
