"""The flow of the weight matrices.

    tau dW_l/dt = (W_D ... W_{l+1})^T (E[y x^T] - W (E[x x^T] + sigma^2)) (W_{l-1} ... W_1)^T - lambda W_l

The flat state holds W_1 (h_1, n) row by row, then W_2, ...; ``widths`` = (n, h_1, ..., outputs).
"""

from __future__ import annotations

from functools import cache, partial
from itertools import pairwise
from typing import Any

from learndyn.scenarios.base import Flow
from learndyn.scenarios.covariance import times


@cache
def make_flow(widths: tuple[int, ...], form: str) -> Flow:
    """The flow of a network of these widths with an input correlation of this form."""
    return Flow(("deep_linear", widths, form), partial(drift, widths), size)


def size(states: Any) -> Any:
    """The sum of squares of all weights."""
    return (states**2).sum(-1)


def unpack(widths: tuple[int, ...], flat: Any) -> list[Any]:
    """W_1, W_2, ... of flat states (..., n)."""
    layers, place = [], 0
    for before, after in pairwise(widths):
        layers.append(flat[..., place : place + after * before].reshape(*flat.shape[:-1], after, before))
        place += after * before
    return layers


def product(layers: list[Any]) -> Any:
    """W = W_D ... W_1."""
    W = layers[0]
    for layer in layers[1:]:
        W = layer @ W
    return W


def drift(widths: tuple[int, ...], t: Any, flat: Any, values: dict[str, Any]) -> Any:
    """d state / dt of a flat state."""
    import jax.numpy as jnp

    layers = unpack(widths, flat)
    W = product(layers)
    inputs = {name: values[name] for name in ("matrix", "diagonal", "factor") if name in values}
    error = values["correlation"] - times(inputs, W, jnp) - values["noise"] * W
    # From the outputs down: error^(l) = W_{l+1}^T error^(l+1); from the inputs up: what is below each layer.
    below = [None]
    for layer in layers[:-1]:
        below.append(layer if below[-1] is None else layer @ below[-1])
    changes = []
    for layer, under in zip(reversed(layers), reversed(below), strict=True):
        changes.append(error if under is None else error @ under.T)
        error = layer.T @ error
    flat_changes = jnp.concatenate([change.reshape(-1) for change in reversed(changes)])
    return (flat_changes - values["weight_decay"] * flat) / values["time_scale"]
