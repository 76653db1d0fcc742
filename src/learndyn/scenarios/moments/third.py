"""The moments to third order: third cumulants S_ijk join mean and covariance.

With C = O(eps), S = O(eps^2), and fourth moments those of a Gaussian, all terms to order eps^2 are

    dm_i/dt    = b_i + (1/2) C_kl d_kl b_i + (1/6) S_klm d_klm b_i + (1/8) C_kl C_mn d_klmn b_i
    dC_ij/dt   = A_jk C_ki + (1/2) S_ikl d_kl b_j + (1/2) C_ik d_k (C_lm d_lm b_j)  + the same with i and j exchanged
    dS_ijk/dt  = A_kl S_ijl + C_il C_jm d_lm b_k  + the same with k exchanged for i, and for j

With h = (1/2) C_kl d_kl b, a function of w at fixed C, the terms in C C are (1/4) C_kl d_kl h and C_ik d_k h_j.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.scenarios.moments.base import MeanUpdate, places, triples
from learndyn.scenarios.moments.expansion import Drift, along, over_directions, symmetric


def cumulant_drift(update: MeanUpdate, n: int) -> Drift:
    """The drift of m, C and S."""
    pairs = np.triu_indices(n)
    chosen = triples(n)
    where, weights = places(n), _multiplicities(chosen)
    basis = np.eye(n)
    corners = tuple(basis[column] for column in chosen.T)

    def drift(at: Any, flat: Any, values: dict[str, Any]) -> Any:
        m, C = flat[:n], symmetric(flat[n : n + len(pairs[0])], n)
        packed = flat[n + len(pairs[0]) :]
        S = packed[where]

        def b(w: Any) -> Any:
            return update.mean(w, values)

        def h(w: Any) -> Any:
            return 0.5 * over_directions(lambda kl: along(b, w, *kl)[2], (jnp.asarray(basis), C), update).sum(0)

        # A (n, n) and H_ikl = d_kl b_i (n, n, n).
        A, H = jax.jacfwd(b)(m), jax.jacfwd(jax.jacfwd(b))(m)
        _, steps, spread = jax.lax.map(lambda kl: along(h, m, *kl), (jnp.asarray(basis), C))
        by_third = over_directions(lambda klm: _third(b, m, *klm), corners, update)
        change_m = b(m) + h(m) + (weights * packed) @ by_third / 6.0 + 0.25 * spread.sum(0)
        half_C = C @ A.T + 0.5 * jnp.einsum("ikl,jkl->ij", S, H) + steps
        one_S = jnp.einsum("kl,ijl->ijk", A, S) + jnp.einsum("il,jm,klm->ijk", C, C, H)
        change_S = one_S + one_S.transpose(2, 1, 0) + one_S.transpose(0, 2, 1)
        return jnp.concatenate([change_m, (half_C + half_C.T)[pairs], change_S[tuple(chosen.T)]])

    return drift


def _third(b: Any, m: Any, k: Any, l: Any, o: Any) -> Any:
    """b''' [k, l, o] at m."""
    return jax.jvp(lambda w: along(b, w, k, l)[2], (m,), (o,))[1]


def _multiplicities(chosen: np.ndarray) -> np.ndarray:
    """How many triples have the same indices in any order."""
    i, j, k = chosen.T
    distinct = 1 + (i != j) + (j != k)
    return np.array([0, 1, 3, 6])[distinct]
