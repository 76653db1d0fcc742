"""Errors of a student that fits p examples of n inputs, from what it holds of its start and of the rule.

In the eigenbasis of the sample correlation a weight is, direction by direction of eigenvalue lambda,

    w = A' + C' (wbar + e),   <e^2> = sigma^2 / (p lambda)

with A' what is left of its random start and C' how far it has moved to the least-squares solution wbar + e; in sums,
with |wbar|^2 = S^2, the number of examples p = n / a, and averages < > over the spectrum,

    eps_g = <S^2 (1 - C')^2 + A'^2 + sigma^2 a C'^2 / lambda> / 2,          test = eps_g + sigma^2 / 2
    train = <lambda (S^2 (1 - C')^2 + A'^2)> / 2 + sigma^2 [a <(1 - C')^2>_{lambda > 0} + 1 - a <1>_{lambda > 0}] / 2
    R = wbar . w = S^2 <C'>,    Q = |w|^2 = <A'^2 + (S^2 + sigma^2 a / lambda) C'^2>

At depth D the state holds A and C of one layer, with the strength d of the others: A' = d^(D-1) A, C' = d^(D-1) C.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.scenarios.base import Quantity

OBSERVABLES = {
    "eps_g": Quantity((), "generalisation error <(wbar x - w x)^2> / 2, without the noise of a test example"),
    "test_error": Quantity((), "test error <(y - w x)^2> / 2 on a new noisy example"),
    "train_error": Quantity((), "training error <(y - w x)^2> / 2 over the sample"),
    "R": Quantity((), "overlap wbar . w of student and rule"),
    "Q": Quantity((), "squared length |w|^2 of the student"),
}


def split(states: Any) -> tuple[Any, Any]:
    """A and C of flat states (..., 2 k)."""
    k = states.shape[-1] // 2
    return states[..., :k], states[..., k:]


def variance(values: dict[str, Any], xp: Any) -> Any:
    """n <(wbar + e)^2> = S^2 + sigma^2 a / lambda of each direction; 0 where lambda = 0, which nothing draws."""
    eigenvalues = values["eigenvalues"]
    seen = eigenvalues > 0.0
    noise = values["label_noise"] ** 2 * values["aspect"] / xp.where(seen, eigenvalues, 1.0)
    return xp.where(seen, values["signal"] ** 2 + noise, 0.0)


def strength(states: Any, values: dict[str, Any], depth: int, xp: Any) -> Any:
    """d^(D-1) (..., 1), with d^2 = <A^2 + (S^2 + sigma^2 a / lambda) C^2> the squared length of the first layer."""
    if depth == 1:
        return 1.0
    A, C = split(states)
    squared = (values["weights"] * (A * A + variance(values, xp) * C * C)).sum(-1, keepdims=True)
    return squared ** ((depth - 1) / 2)


def errors_of(states: Any, values: dict[str, Any], depth: int, xp: Any = np) -> dict[str, Any]:
    """All observables at flat states (..., 2 k)."""
    eigenvalues, weights = values["eigenvalues"], values["weights"]
    signal, noise, aspect = values["signal"] ** 2, values["label_noise"] ** 2, values["aspect"]
    factor = strength(states, values, depth, xp)
    A, C = (factor * part for part in split(states))
    seen = xp.where(eigenvalues > 0.0, weights, 0.0)
    left, moved = signal * (1.0 - C) ** 2 + A * A, _over(C * C, eigenvalues, xp)
    fitted = (1.0 - C) ** 2 @ seen
    unfitted = xp.maximum(1.0 - aspect * seen.sum(), 0.0)
    eps_g = 0.5 * ((left + noise * aspect * moved) @ weights)
    return {
        "eps_g": eps_g,
        "test_error": eps_g + 0.5 * noise,
        "train_error": 0.5 * ((eigenvalues * left) @ weights) + 0.5 * noise * (aspect * fitted + unfitted),
        "R": signal * (C @ weights),
        "Q": (A * A + signal * C * C + noise * aspect * moved) @ weights,
    }


def slope_of_error(states: np.ndarray, slopes: np.ndarray, values: dict[str, np.ndarray], depth: int) -> np.ndarray:
    """d eps_g / dt at flat states (..., 2 k) that change at these rates."""
    weights, eigenvalues = values["weights"], values["eigenvalues"]
    (A, C), (dA, dC) = split(states), split(slopes)
    factor = strength(states, values, depth, np)
    growth = 0.0  # d' / d times D - 1
    if depth > 1:
        drawn = variance(values, np)
        squared = (weights * (A * A + drawn * C * C)).sum(-1, keepdims=True)
        growth = (depth - 1) * (weights * (A * dA + drawn * C * dC)).sum(-1, keepdims=True) / squared
    A, C, dA, dC = factor * A, factor * C, factor * (dA + growth * A), factor * (dC + growth * C)
    noise = values["label_noise"] ** 2 * values["aspect"]
    return (-(values["signal"] ** 2) * (1.0 - C) * dC + A * dA + noise * _over(C * dC, eigenvalues, np)) @ weights


def _over(moved: Any, eigenvalues: Any, xp: Any) -> Any:
    """moved / lambda; nothing moves where lambda = 0."""
    return moved / xp.where(eigenvalues > 0.0, eigenvalues, 1.0)
