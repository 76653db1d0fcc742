"""Where a formula is not smooth: candidates are where its abs, sign, maximum, minimum and where switch."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations.expressions.code import function_of
from learndyn.activations.expressions.derivative import derivative
from learndyn.activations.expressions.tree import Binary, Call, Node, Where, walk
from learndyn.gaussian.namespaces import NUMPY

# Ten standard deviations of a pre-activation of variance 9; two switches closer than the spacing can be overlooked.
WIDEST, SPACING = 30.0, 1.0 / 128.0
# How far from a place its two sides are looked at, and what counts as a jump beside values of order one.
SIDE, JUMP = 1e-9, 1e-6
# The same for the slope of g'.
FAR, BEND = 1e-5, 1e-3
GRID = np.arange(-WIDEST, WIDEST + SPACING, SPACING)


def kinks_and_jumps(formula: Node) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    """Where g', or its derivative, jumps; and where g does, with the heights. On [-30, 30]."""
    g, dg = (function_of(order, "f") for order in (formula, derivative(formula)))
    kinks, jumps = [], []
    for place in _switches(formula):
        height = _height(g, place, SIDE)
        if _is_jump(height, g, place):
            jumps.append((place, _clean(height, 1e-10)))
        bend = _bend(dg, place)
        if _is_jump(_height(dg, place, SIDE), dg, place) or abs(bend) > BEND * max(1.0, _size(dg, place)):
            kinks.append(place)
    return tuple(kinks), tuple(jumps)


def _at(f: Any, points: Any) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(f(np.asarray(points), NUMPY))


def _size(f: Any, place: float) -> float:
    return float(np.abs(_at(f, [place - FAR, place + FAR])).max())


def _height(f: Any, place: float, side: float) -> float:
    """f on the right less f on the left, with what the slopes add taken off."""
    left_far, left, right, right_far = _at(f, place + side * np.array([-2.0, -1.0, 1.0, 2.0]))
    return float(2.0 * (right - left) - (right_far - left_far))


def _is_jump(height: float, f: Any, place: float) -> bool:
    return not abs(height) <= JUMP * (1.0 + _size(f, place))


def _bend(f: Any, place: float) -> float:
    """The slope of f on the right less that on the left; of a smooth f, 4 FAR f''."""
    left_far, left, right, right_far = _at(f, place + FAR * np.array([-3.0, -1.0, 1.0, 3.0]))
    return float((right_far - right) - (left - left_far)) / (2.0 * FAR)


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
