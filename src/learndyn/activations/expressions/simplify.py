"""Simplify a formula: operations on numbers are carried out, and what adds 0 or multiplies by 1 or 0 goes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from learndyn.activations.expressions.tree import (
    Binary,
    Call,
    Comparison,
    Negative,
    Node,
    Number,
    Power,
    Where,
    X,
    walk,
)

ZERO, ONE = Number(0.0), Number(1.0)
_OPERATORS: dict[str, Callable[[float, float], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "arctan": math.atan,
    "maximum": max,
    "minimum": min,
    "sign": lambda a: float((a > 0) - (a < 0)),
}


def simplify(formula: Node) -> Node:
    """The same function in fewer operations; what cannot be computed (1/0, log(-1)) stays as it is written."""
    match formula:
        case Negative(a):
            return negative(simplify(a))
        case Binary(symbol, a, b):
            return binary(symbol, simplify(a), simplify(b))
        case Power(a, exponent):
            return power(simplify(a), exponent)
        case Call(function, arguments):
            return call(function, *map(simplify, arguments))
        case Where(Comparison(symbol, a, b), yes, no):
            return where(Comparison(symbol, simplify(a), simplify(b)), simplify(yes), simplify(no))
    return formula


def without_value(formula: Node) -> Node | None:
    """A part of the formula that is made of numbers alone and has no finite value (1/0, log(-1)), if there is one."""
    for part in walk(formula):
        if not any(isinstance(piece, X) for piece in walk(part)) and not isinstance(simplify(part), Number):
            return part
    return None


def _computed(written: Node, function: Callable[..., Any], *numbers: float) -> Node:
    """The number that an operation on numbers gives, or the operation as it is written where it gives none."""
    try:
        value = function(*numbers)
    except (ArithmeticError, ValueError):
        return written
    return Number(float(value)) if isinstance(value, float | int) and math.isfinite(value) else written


def negative(a: Node) -> Node:
    """-a."""
    if isinstance(a, Number):
        return Number(0.0 - a.value)
    return a.a if isinstance(a, Negative) else Negative(a)


def binary(symbol: str, a: Node, b: Node) -> Node:
    """a + b, a - b, a * b or a / b."""
    if isinstance(a, Number) and isinstance(b, Number):
        return _computed(Binary(symbol, a, b), _OPERATORS[symbol], a.value, b.value)
    match symbol:
        case "+" if a == ZERO:
            return b
        case "+" | "-" if b == ZERO:
            return a
        case "-" if a == ZERO:
            return negative(b)
        case "*" if ZERO in (a, b):
            return ZERO
        case "*" if a == ONE:
            return b
        case "*" | "/" if b == ONE:
            return a
        case "/" if a == ZERO:
            return ZERO
    return Binary(symbol, a, b)


def power(a: Node, exponent: float) -> Node:
    """a^exponent."""
    if exponent == 0.0:
        return ONE
    if isinstance(a, Number):
        return _computed(Power(a, exponent), pow, a.value, exponent)
    return a if exponent == 1.0 else Power(a, exponent)


def call(function: str, *arguments: Node) -> Node:
    """f(a), f(a, b)."""
    if all(isinstance(a, Number) for a in arguments):
        compute = _FUNCTIONS.get(function) or getattr(math, function)
        values = [a.value for a in arguments if isinstance(a, Number)]
        return _computed(Call(function, arguments), compute, *values)
    return Call(function, arguments)


def where(condition: Comparison, yes: Node, no: Node) -> Node:
    """One formula or the other."""
    if yes == no:
        return yes
    a, b = condition.a, condition.b
    if isinstance(a, Number) and isinstance(b, Number):
        return yes if _OPERATORS[condition.operator](a.value, b.value) else no
    return Where(condition, yes, no)
