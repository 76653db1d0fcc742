"""The derivative of a formula with respect to x; where it jumps, it is the mean of both sides."""

from __future__ import annotations

import math

from learndyn.activations.expressions.simplify import ONE, ZERO, binary, call, negative, power, where
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
)


def derivative(formula: Node) -> Node:
    """d/dx of a formula."""
    match formula:
        case X():
            return ONE
        case Negative(a):
            return negative(derivative(a))
        case Binary("+" | "-" as symbol, a, b):
            return binary(symbol, derivative(a), derivative(b))
        case Binary("*", a, b):
            return binary("+", binary("*", derivative(a), b), binary("*", a, derivative(b)))
        case Binary("/", a, b):
            # a'/b - (a/b) b'/b: no square of the denominator that could overflow.
            second = binary("*", binary("/", a, b), binary("/", derivative(b), b))
            return binary("-", binary("/", derivative(a), b), second)
        case Power(a, exponent):
            outer = binary("*", Number(exponent), power(a, exponent - 1.0))
            return binary("*", outer, derivative(a))
        case Call("maximum", (a, b)):
            return _by_order(a, b, derivative(a), derivative(b))
        case Call("minimum", (a, b)):
            return _by_order(a, b, derivative(b), derivative(a))
        case Call(function, (a,)):
            return binary("*", _outer(function, a), derivative(a))
        case Where(Comparison(symbol, a, b), yes, no):
            yes, no = derivative(yes), derivative(no)
            return _by_order(a, b, yes, no) if symbol[0] == ">" else _by_order(a, b, no, yes)
    return ZERO


def _by_order(a: Node, b: Node, greater: Node, less: Node) -> Node:
    """One formula where a > b, another where a < b, and their mean between."""
    mean = binary("*", Number(0.5), binary("+", greater, less))
    return where(Comparison(">", a, b), greater, where(Comparison("<", a, b), less, mean))


def _outer(function: str, a: Node) -> Node:
    """f'(a)."""
    match function:
        case "exp":
            return call("exp", a)
        case "expm1":
            return call("exp", a)
        case "log":
            return binary("/", ONE, a)
        case "log1p":
            return binary("/", ONE, binary("+", ONE, a))
        case "sqrt":
            return binary("/", Number(0.5), call("sqrt", a))
        case "sin":
            return call("cos", a)
        case "cos":
            return negative(call("sin", a))
        case "sinh":
            return call("cosh", a)
        case "cosh":
            return call("sinh", a)
        case "tanh":
            return binary("-", ONE, power(call("tanh", a), 2.0))
        case "arctan":
            return binary("/", ONE, binary("+", ONE, power(a, 2.0)))
        case "erf":
            return binary("*", Number(2.0 / math.sqrt(math.pi)), call("exp", negative(power(a, 2.0))))
        case "abs":
            return call("sign", a)
        case "sign":
            return ZERO
    raise NotImplementedError(function)
