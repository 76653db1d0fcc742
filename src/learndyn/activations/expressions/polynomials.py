"""The coefficients of a formula that is a polynomial in x."""

from __future__ import annotations

import numpy as np

from learndyn.activations.expressions.tree import Binary, Negative, Node, Number, Power, X

Coefficients = tuple[float, ...]


def coefficients_of(formula: Node, highest: int) -> Coefficients:
    """(c_0, c_1, ...) of a polynomial of degree `highest` at most; () of any other formula."""
    found = _coefficients(formula, highest)
    return () if found is None else tuple(float(c) + 0.0 for c in found)  # no -0


def _coefficients(formula: Node, highest: int) -> np.ndarray | None:
    match formula:
        case X():
            found = np.array([0.0, 1.0])
        case Number(value):
            found = np.array([value])
        case Negative(a):
            part = _coefficients(a, highest)
            found = None if part is None else -part
        case Binary(operator, a, b):
            found = _combined(operator, _coefficients(a, highest), _coefficients(b, highest))
        case Power(a, exponent):
            found = _power(_coefficients(a, highest), exponent, highest)
        case _:
            return None
    if found is None:
        return None
    used = np.flatnonzero(found)
    found = found[: used[-1] + 1] if used.size else found[:1]
    return found if len(found) <= highest + 1 else None


def _combined(operator: str, a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return None
    match operator:
        case "*":
            return np.convolve(a, b)
        case "/":
            return a / b[0] if len(b) == 1 and b[0] != 0.0 else None
    both = np.zeros(max(len(a), len(b)))
    both[: len(a)] += a
    both[: len(b)] += b if operator == "+" else -b
    return both


def _power(a: np.ndarray | None, exponent: float, highest: int) -> np.ndarray | None:
    if a is None or not exponent.is_integer() or exponent < 0 or (len(a) - 1) * exponent > highest:
        return None
    found = np.array([1.0])
    for _ in range(int(exponent)):
        found = np.convolve(found, a)
    return found
