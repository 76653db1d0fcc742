"""The 1 / N part of the mean change of the state in one update: <z> follows F + c / N, up to the effect of its spread.

    c = (i) - 1/2 (dF/dt + (F . grad) F)          (i): from the fluctuating length of the input (`Noise.length_term`)

A map z -> z + F / N follows the flow of F - (dF/dt + (F . grad) F) / (2 N), to this order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Function = Callable[[Any, Any, dict[str, Any]], Any]


def size_correction(
    drift: Function, length_term: Function, time: Any, state: Any, slope: Any, values: dict[str, Any]
) -> Any:
    """c at one state, where the drift is ``slope``; in JAX."""
    import jax
    import jax.numpy as jnp

    time = jnp.asarray(time, dtype=float)
    _, along = jax.jvp(lambda at, z: drift(at, z, values), (time, state), (jnp.ones_like(time), slope))
    return length_term(time, state, values) - 0.5 * along
