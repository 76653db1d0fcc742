"""The letters of the formulas: indices, entries, fields."""

from __future__ import annotations

from typing import Any

from learndyn.formulas.nodes import Mean, entry, field, symbols

i, k, j, n, m, q, r, a, b, l, p = symbols("i k j n m q r a b l p")
eta, eta_w, eta_theta, decay, decay_w = symbols("eta eta_w eta_theta lambda lambda_w")
noise, keep, batch, walk, damping = symbols("s p b d gamma")
K, M, L, P = symbols("K M L P")


def F(structure: Any, index: Any) -> Any:
    """The modulation of unit i: delta_i of gradient descent, F_i of other rules."""
    return field("delta" if descends(structure) else "F", index)


def descends(structure: Any) -> bool:
    """Whether the rule goes along the gradient in some way."""
    return structure.rule in ("gradient", "momentum", "natural_gradient")


def on(structure: Any, index: Any, variable: Any) -> Any:
    """<F_i t>."""
    return Mean(F(structure, index), variable)


def square(structure: Any, first: Any, second: Any) -> Any:
    """<F_i F_k>."""
    return Mean(F(structure, first), F(structure, second))


def w(structure: Any, index: Any) -> Any:
    """The output weight, None where all are one."""
    return entry("w", index) if structure.weighted else None
