"""Where a formula is not smooth: candidates are where its abs, sign, maximum, minimum and where switch."""

from __future__ import annotations

import numpy as np

from learndyn.activations.expressions.code import function_of
from learndyn.activations.expressions.derivative import derivative
from learndyn.activations.expressions.tree import Binary, Call, Node, Where, walk
from learndyn.gaussian.namespaces import NUMPY

# Ten standard deviations of a pre-activation of variance 9; two switches closer than the spacing can be overlooked.
WIDEST, SPACING = 30.0, 1.0 / 128.0
# How far from a place its two sides are looked at, and what counts as a jump beside values of order one.
SIDE, JUMP = 1e-9, 1e-6
GRID = np.arange(-WIDEST, WIDEST + SPACING, SPACING)


def kinks_and_jumps(formula: Node) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    """Where g', or its derivative, jumps; and where g does, with the heights. On [-30, 30]."""
    orders = [formula, derivative(formula)]
    orders.append(derivative(orders[1]))
    functions = [function_of(order, "f") for order in orders]
    kinks, jumps = [], []
    for place in _switches(formula):
        near, far = (place + SIDE * np.array([-1.0, 1.0]), place + 2 * SIDE * np.array([-1.0, 1.0]))
        with np.errstate(all="ignore"):
            values, further = (np.array([f(sides, NUMPY) for f in functions]) for sides in (near, far))
        # At the place itself: the slopes on both sides are taken off.
        heights = 2 * np.diff(values)[:, 0] - np.diff(further)[:, 0]
        large = ~(np.abs(heights) <= JUMP * (1.0 + np.abs(values).max(axis=1)))
        if large[0]:
            jumps.append((place, _clean(float(heights[0]), 1e-10)))
        if large[1] or large[2]:
            kinks.append(place)
    return tuple(kinks), tuple(jumps)


def _switches(formula: Node) -> list[float]:
    places = set()
    for part in walk(formula):
        switch = _switch(part)
        if switch is not None:
            places.update(_zeros(switch))
    return sorted(places)


def _switch(part: Node) -> Node | None:
    """The formula at whose zeros this part of another changes from one formula to another."""
    match part:
        case Call("abs" | "sign", (a,)):
            return a
        case Call("maximum" | "minimum", (a, b)):
            return Binary("-", a, b)
        case Where(condition, _, _):
            return Binary("-", condition.a, condition.b)
    return None


def _zeros(formula: Node) -> list[float]:
    f = function_of(formula, "f")
    with np.errstate(all="ignore"):
        values = np.sign(f(GRID, NUMPY))
        zeros = GRID[values == 0.0]
        # A formula that vanishes on whole intervals switches at their ends.
        inner = np.isin(zeros - SPACING, zeros) & np.isin(zeros + SPACING, zeros)
        change = np.flatnonzero(values[1:] * values[:-1] < 0.0)
        low, high = GRID[change], GRID[change + 1]
        for _ in range(60):
            middle = (low + high) / 2
            same = np.sign(f(middle, NUMPY)) == values[change]
            low, high = np.where(same, middle, low), np.where(same, high, middle)
    return [_clean(float(place)) for place in (*zeros[~inner], *((low + high) / 2))]


def _clean(value: float, error: float = 1e-13) -> float:
    """What lies within its own error of a short decimal is meant to be that decimal."""
    return float(round(value, 9)) if abs(value - round(value, 9)) < error else value
