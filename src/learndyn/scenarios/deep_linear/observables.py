"""What is read off the weight matrices, in NumPy and in JAX.

loss = L_0 + tr[(W - W*) E[x x^T] (W - W*)^T] / 2,    W* = E[y x^T] E[x x^T]^+
objective = loss + sigma^2 |W|^2 / 2 + lambda sum_l |W_l|^2 / 2
u_a = (U^T W V)_aa,    imbalance_l = W_{l+1}^T W_{l+1} - W_l W_l^T
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.scenarios.deep_linear.flow import product, unpack

MEASURES = ("loss", "objective")


def transposed(X: Any) -> Any:
    """X^T of matrices (..., a, b)."""
    return X.swapaxes(-1, -2)


def loss(W: Any, values: dict[str, Any]) -> Any:
    """Half the mean squared error of the maps W (..., outputs, n) on clean inputs."""
    off = W - values["best"]
    if "matrix" in values or "factor" in values:
        return values["least_loss"] + ((off @ values["root"]) ** 2).sum((-1, -2)) / 2.0
    return values["least_loss"] + (values["diagonal"] * off**2).sum((-1, -2)) / 2.0


def penalty(flat: Any, W: Any, values: dict[str, Any]) -> Any:
    """What the objective has beyond the loss."""
    return (values["noise"] * (W**2).sum((-1, -2)) + values["weight_decay"] * (flat**2).sum(-1)) / 2.0


def strengths(W: Any, values: dict[str, Any]) -> Any:
    """u (..., m)."""
    return (values["U"] * (W @ values["V"])).sum(-2)


def imbalances(layers: list[Any]) -> list[Any]:
    """W_{l+1}^T W_{l+1} - W_l W_l^T of all hidden layers."""
    pairs = pairwise(layers)
    return [transposed(after) @ after - before @ transposed(before) for before, after in pairs]


def observable(widths: tuple[int, ...], m: int, name: str) -> Any:
    """An observable(flat state, values, at=0.0): a measure, or "u_1", "u_2", ... of m modes."""
    if name not in MEASURES and name not in (f"u_{mode}" for mode in range(1, m + 1)):
        of_modes = f' or "u_1" to "u_{m}"' if m else ""
        raise InputError(
            f'Argument `quantity` must be "loss", "objective"{of_modes}, but it is {shown(name)}. Choose one of these.'
        )
    return partial(_observable, widths, name)


def _observable(widths: tuple[int, ...], name: str, flat: Any, values: dict[str, Any], at: Any = 0.0) -> Any:
    W = product(unpack(widths, flat))
    if name == "loss":
        return loss(W, values)
    if name == "objective":
        return loss(W, values) + penalty(flat, W, values)
    return strengths(W, values)[..., int(name[2:]) - 1]
