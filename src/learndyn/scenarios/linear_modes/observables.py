"""What is read off the strengths of modes, in NumPy and in JAX.

    loss = L_0 + sum beta (u - s / beta)^2 / 2
    objective = L_0 + sum [p beta (u - s / beta)^2 + (1 - p) s^2 / beta + p sigma^2 u^2 + lambda sum_l w_l^2] / 2

The flow descends the objective: it is the mean, over masks and noise, of the loss on what the network is shown.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from learndyn.arguments import shown
from learndyn.errors import InputError

MEASURES = ("loss", "objective")


def measure(depth: int, name: str, states: Any, values: dict[str, Any]) -> Any:
    """Loss or objective of flat states (..., D m)."""
    u = states.reshape(*states.shape[:-1], depth, -1).prod(-2)
    square = values["clean"] * (u - values["best"]) ** 2
    if name == "loss":
        return values["least_loss"] + square.sum(-1) / 2.0
    keep, noise = values["keep"], values["beta"] - values["clean"]
    data = keep * (square + noise * u**2) + (1.0 - keep) * values["s"] * values["best"]
    return values["least_loss"] + (data.sum(-1) + values["weight_decay"] * (states**2).sum(-1)) / 2.0


def observable(depth: int, m: int, name: str) -> Any:
    """An observable(flat state, values, at=0.0): a measure, or "u_1", "u_2", ... of a mode."""
    if name not in MEASURES and name not in (f"u_{mode}" for mode in range(1, m + 1)):
        raise InputError(
            f'Argument `quantity` must be "loss", "objective" or "u_1" to "u_{m}", but it is {shown(name)}. '
            "Choose one of these."
        )
    return partial(_observable, depth, name)


def _observable(depth: int, name: str, flat: Any, values: dict[str, Any], at: Any = 0.0) -> Any:
    if name in MEASURES:
        return measure(depth, name, flat, values)
    return flat.reshape(*flat.shape[:-1], depth, -1).prod(-2)[..., int(name[2:]) - 1]
