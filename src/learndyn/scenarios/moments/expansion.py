"""The moments to second order, by derivatives along directions.

    dm/dt = b + (1/2) sum_kl C_kl d_k d_l b,    dC/dt = A C + C A^T,    A_ik = d_k b_i,   all at m

[Schmid & Murray 2024, equations 10 and 11], b = <f>. With C = L L^T the second is dL/dt = A L, and the sum in the first
is that of b'' [l, l] over the columns l of L: two nested derivatives along each column give both, and there is no array
beyond L itself.

At a learning rate eta that is not small, to first order in it: b = <f> - (eta/2) (<f> . d) <f>, for steps of length eta
overtake the flow, and dC/dt gains eta Cov_L(f), what one update scatters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.errors import InputError
from learndyn.scenarios.moments.base import MeanUpdate

# Numbers that are at work at once where derivatives are taken along many directions.
BLOCK_NUMBERS = 4_000_000
Drift = Callable[[Any, Any, dict[str, Any]], Any]


def over_directions(function: Any, directions: Any, update: MeanUpdate) -> Any:
    """The function of each row of `directions` (all of them, side by side in blocks)."""
    first = jax.tree.leaves(directions)[0]
    block = max(1, BLOCK_NUMBERS // max(first.shape[-1], update.work))
    if first.shape[0] <= block:
        return jax.vmap(function)(directions)
    return jax.lax.map(function, directions, batch_size=block)


def factor_drift(update: MeanUpdate, n: int, rank: int | None, second: float) -> Drift:
    """The drift of m and L."""

    def drift(at: Any, flat: Any, values: dict[str, Any]) -> Any:
        m, L = flat[:n], flat[n:].reshape(n, (flat.shape[-1] // n - 1) if rank is None else rank)

        def f(w: Any) -> Any:
            return update.mean(w, values)

        if L.shape[1] == 0:
            return f(m)
        steps, curved = over_directions(lambda l: along(f, m, l, l)[1:], L.T, update)
        return jnp.concatenate([f(m) + second * curved.sum(0), steps.T.reshape(-1)])

    return drift


def along(f: Any, m: Any, k: Any, l: Any) -> tuple[Any, Any, Any]:
    """f' k, f' l and f'' [k, l] at m."""
    (_, to_k), (to_l, curved) = jax.jvp(lambda w: jax.jvp(f, (w,), (k,)), (m,), (l,))
    return to_k, to_l, curved


def matrix_drift(update: MeanUpdate, n: int, second: float) -> Drift:
    """The drift of m and C with the terms of order eta."""
    if update.covariance is None:
        raise InputError(
            "Argument `finite_rate` must be False for a rule whose scatter Cov_L(f) is not known, but it is True. "
            "Leave it out."
        )
    scatter: Any = update.covariance
    i, j = np.triu_indices(n)

    def drift(at: Any, flat: Any, values: dict[str, Any]) -> Any:
        eta = values["learning_rate"]
        m, C = flat[:n], symmetric(flat[n:], n)

        def b(w: Any) -> Any:
            value, step = jax.jvp(lambda w: update.mean(w, values), (w,), (update.mean(w, values),))
            return value - 0.5 * eta * step

        # Along e_k and C e_k for each k: no root of C is needed, which may be singular.
        _, steps, curved = over_directions(lambda kl: along(b, m, *kl), (jnp.eye(n), C), update)
        change = steps.T + steps + eta * scatter(m, values)
        return jnp.concatenate([b(m) + second * curved.sum(0), change[i, j]])

    return drift


def symmetric(upper: Any, n: int) -> Any:
    """The symmetric matrix of C_ij, i <= j."""
    i, j = np.triu_indices(n)
    places = np.zeros((n, n), dtype=int)
    places[i, j] = places[j, i] = np.arange(len(i))
    return upper[places]
