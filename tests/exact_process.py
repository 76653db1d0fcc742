"""The exact process of the order parameters at finite N in plain NumPy, many replicas at once.

J is kept as [a, l], its components along an orthonormal frame of the teacher's span (T = B B^T, B lower triangular) and
a lower triangular rest: Q = a a^T + l l^T, R = a B^T. An input has normal components u_B, u_J along both, and chi^2 of
N - K - M further ones, so that with y = B u_B, x = a u_B + l u_J

    a += (eta / N) delta u_B^T,      [l + (eta / N) delta u_J^T, (eta / N) chi delta] rotated back to a triangle.
"""

import numpy as np

from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher import state


def final_states(scenario, flat, N, steps, replicas, rng):
    """States (replicas, n) after so many updates from the flat state."""
    K, M, eta = scenario.K, scenario.M, scenario.learning_rate
    g, dg = scenario.activation.functions["g"], scenario.activation.functions["dg"]
    R, Q = state.unpack(np.asarray(flat, dtype=float), K, M)
    B = np.linalg.cholesky(scenario.T)
    a = np.broadcast_to(R @ np.linalg.inv(B).T, (replicas, K, M)).copy()
    rest = np.linalg.cholesky(Q - a[0] @ a[0].T)
    rest = np.broadcast_to(rest, (replicas, K, K)).copy()
    for _ in range(steps):
        u_B, u_J = rng.standard_normal((replicas, M)), rng.standard_normal((replicas, K))
        chi = np.sqrt(rng.chisquare(N - K - M, replicas))
        x = (a * u_B[:, None]).sum(-1) + (rest * u_J[:, None]).sum(-1)
        y = u_B @ B.T
        error = g(y, NUMPY).sum(-1) - g(x, NUMPY).sum(-1)
        step = (eta / N) * dg(x, NUMPY) * error[:, None]
        a += step[:, :, None] * u_B[:, None]
        rest += step[:, :, None] * u_J[:, None]
        rest = _lower_factor(rest, chi[:, None] * step)
    Q = a @ a.swapaxes(1, 2) + rest @ rest.swapaxes(1, 2)
    return state.pack(a @ B.T, Q)


def _lower_factor(square, column):
    """Lower triangular L with L L^T = square square^T + column column^T, for squares (replicas, K, K)."""
    if square.shape[-1] == 1:
        return np.sqrt(square**2 + column[:, :, None] ** 2)
    wide = np.concatenate([square, column[:, :, None]], axis=2)
    return np.linalg.cholesky(wide @ wide.swapaxes(1, 2))
