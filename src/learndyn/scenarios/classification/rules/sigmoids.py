"""The activations phi of the perceptron, by name; each is a module of the same functions.

    phi(h, xp), log_phi(h), and of h ~ N(m, v)   mean <phi>,   square <phi^2>,   product <phi phibar>,
    with_slope <phi phi'>,   square_with_slope <phi^2 phi'^2>,   skew <phi phibar (phi - phibar)>      (m, v, xp)

elementwise, phibar = 1 - phi = phi(-h).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

ACTIVATIONS = ("shifted_erf", "logistic")


def sigmoid(activation: str) -> Any:
    """The functions of an activation."""
    assert activation in ACTIVATIONS
    return import_module(f"learndyn.scenarios.classification.rules.{activation}")
