"""The flow of the layer strengths of decoupled modes.

tau dw_l/dt = p (s - beta u) prod_{k != l} w_k - lambda w_l,   u = w_1 ... w_D
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from learndyn.scenarios.base import Flow


@cache
def make_flow(depth: int) -> Flow:
    """The flow of modes of this depth."""
    return Flow(("linear_modes", depth), partial(drift, depth), size)


def size(states: Any) -> Any:
    """The sum of squares of all strengths."""
    return (states**2).sum(-1)


def others(w: Any) -> list[Any]:
    """For each layer the product of all other layers' strengths; w of shape (D, ...)."""
    products = []
    for layer in range(len(w)):
        product = 1.0
        for other in range(len(w)):
            if other != layer:
                product = product * w[other]
        products.append(product)
    return products


def drift(depth: int, t: Any, flat: Any, values: dict[str, Any]) -> Any:
    """d state / dt of a flat state (D m)."""
    import jax.numpy as jnp

    w = flat.reshape(depth, -1)
    products = others(w)
    push = values["keep"] * (values["s"] - values["beta"] * w[0] * products[0])
    change = jnp.stack([push * product for product in products]) - values["weight_decay"] * w
    return (change / values["time_scale"]).reshape(-1)
