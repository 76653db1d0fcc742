"""Formulas in one variable x as trees: what they are made of, and how they are written.

    number   x   -a   a + b   a - b   a * b   a / b   a^number   f(a)   f(a, b)   where(a > b, c, d)

Trees are immutable and compare by value. The operators of Python build them, so that a Python function of (x, xp) can
be called with x = X() and the namespace of `tracing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from learndyn.activations.naming import shortest

# fmt: off
ONE_ARGUMENT: tuple[str, ...] = (
    "abs", "arctan", "cos", "cosh", "erf", "exp", "expm1", "log", "log1p", "sign", "sin", "sinh", "sqrt", "tanh",
)
# fmt: on
TWO_ARGUMENTS: tuple[str, ...] = ("maximum", "minimum")
COMPARISONS = (">", "<", ">=", "<=")

# How strongly parts hold together; what is written inside something stronger needs parentheses.
SUM, PRODUCT, NEGATION, POWER, ATOM = range(5)


class Node:
    """A formula in x."""

    # NumPy's numbers leave operators with a formula to the formula.
    __array_ufunc__ = None

    def __add__(self, other: Any) -> Node:
        return Binary("+", self, node(other))

    def __radd__(self, other: Any) -> Node:
        return Binary("+", node(other), self)

    def __sub__(self, other: Any) -> Node:
        return Binary("-", self, node(other))

    def __rsub__(self, other: Any) -> Node:
        return Binary("-", node(other), self)

    def __mul__(self, other: Any) -> Node:
        return other * self if isinstance(other, Condition) else Binary("*", self, node(other))

    def __rmul__(self, other: Any) -> Node:
        return Binary("*", node(other), self)

    def __truediv__(self, other: Any) -> Node:
        return Binary("/", self, node(other))

    def __rtruediv__(self, other: Any) -> Node:
        return Binary("/", node(other), self)

    def __pow__(self, exponent: Any) -> Node:
        return Power(self, float(exponent))

    def __neg__(self) -> Node:
        return Negative(self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return Call("abs", (self,))

    def __gt__(self, other: Any) -> Comparison:
        return Comparison(">", self, node(other))

    def __lt__(self, other: Any) -> Comparison:
        return Comparison("<", self, node(other))

    def __ge__(self, other: Any) -> Comparison:
        return Comparison(">=", self, node(other))

    def __le__(self, other: Any) -> Comparison:
        return Comparison("<=", self, node(other))

    def __bool__(self) -> bool:
        raise TypeError("a formula is neither true nor false")

    def parts(self) -> tuple[Node, ...]:
        """The formulas that this one is made of."""
        return ()


@dataclass(frozen=True)
class Number(Node):
    """A number."""

    value: float


@dataclass(frozen=True)
class X(Node):
    """The variable."""


@dataclass(frozen=True)
class Negative(Node):
    """-a."""

    a: Node

    def parts(self) -> tuple[Node, ...]:
        """The formula without the sign."""
        return (self.a,)


@dataclass(frozen=True)
class Binary(Node):
    """a + b, a - b, a * b or a / b."""

    operator: str
    a: Node
    b: Node

    def parts(self) -> tuple[Node, ...]:
        """Both sides."""
        return (self.a, self.b)


@dataclass(frozen=True)
class Power(Node):
    """a^exponent, the exponent a number."""

    a: Node
    exponent: float

    def parts(self) -> tuple[Node, ...]:
        """The base."""
        return (self.a,)


@dataclass(frozen=True)
class Call(Node):
    """A function of one or two formulas."""

    function: str
    arguments: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        """The arguments."""
        return self.arguments


class Condition:
    """What holds for some x and not for others; times a formula it is that formula or 0."""

    def __and__(self, other: Any) -> Condition:
        return Both(self, condition(other))

    def __or__(self, other: Any) -> Condition:
        return Not(Both(Not(self), Not(condition(other))))

    def __invert__(self) -> Condition:
        return Not(self)

    def __mul__(self, other: Any) -> Node:
        return choose(self, node(other), Number(0.0))

    __rmul__ = __mul__

    def __bool__(self) -> bool:
        raise TypeError("a condition on formulas is neither true nor false")


@dataclass(frozen=True)
class Comparison(Condition):
    """a > b and the like: the condition of a `Where`."""

    operator: str
    a: Node
    b: Node


@dataclass(frozen=True)
class Both(Condition):
    """Two conditions at once."""

    first: Condition
    second: Condition


@dataclass(frozen=True)
class Not(Condition):
    """The opposite of a condition."""

    of: Condition


@dataclass(frozen=True)
class Where(Node):
    """One formula where a comparison holds, another elsewhere."""

    condition: Comparison
    yes: Node
    no: Node

    def parts(self) -> tuple[Node, ...]:
        """Both sides of the condition, and both formulas."""
        return (self.condition.a, self.condition.b, self.yes, self.no)


def node(value: Any) -> Node:
    """A formula as it is, a number as a formula; TypeError for anything else."""
    if isinstance(value, Node):
        return value
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise TypeError(f"{type(value).__name__} is no number")
    return Number(float(value))


def condition(value: Any) -> Condition:
    """A condition as it is; TypeError for anything else."""
    if isinstance(value, Condition):
        return value
    raise TypeError(f"{type(value).__name__} is no condition on formulas")


def choose(wanted: Condition, yes: Node, no: Node) -> Node:
    """One formula where a condition holds, another elsewhere: one `Where` for each comparison in it."""
    match wanted:
        case Comparison():
            return Where(wanted, yes, no)
        case Both(first, second):
            return choose(first, choose(second, yes, no), no)
        case Not(of):
            return choose(of, no, yes)
    raise TypeError(f"{wanted!r} is no condition on formulas")


def clipped(formula: Node, low: Node, high: Node) -> Node:
    """A formula between two limits; of limits in the wrong order the upper one, as in NumPy."""
    return Call("minimum", (Call("maximum", (formula, low)), high))


def walk(formula: Node) -> Iterator[Node]:
    """The formula and all that it is made of, each different part once."""
    seen, waiting = {formula}, [formula]
    while waiting:
        current = waiting.pop()
        yield current
        new = [part for part in current.parts() if part not in seen]
        seen.update(new)
        waiting.extend(dict.fromkeys(new))


def written(formula: Node) -> str:
    """The formula as text that is read as the same formula."""
    return _written(formula)[0]


def _written(formula: Node) -> tuple[str, int]:
    match formula:
        case X():
            return "x", ATOM
        case Number(value):
            return shortest(value), (ATOM if value >= 0 else NEGATION)
        case Negative(a):
            return "-" + _inside(a, NEGATION), NEGATION
        case Power(a, exponent):
            return f"{_inside(a, ATOM)}^{shortest(exponent)}", POWER
        case Call(function, arguments):
            return f"{function}({', '.join(map(written, arguments))})", ATOM
        case Where(Comparison(operator, a, b), yes, no):
            return f"where({written(a)} {operator} {written(b)}, {written(yes)}, {written(no)})", ATOM
        case Binary(operator, a, b):
            level = SUM if operator in "+-" else PRODUCT
            # a - (b - c), a / (b * c): what stands on the right must hold together more strongly.
            return f"{_inside(a, level)} {operator} {_inside(b, level + 1)}", level
    raise TypeError(f"{formula!r} is no formula")


def _inside(formula: Node, level: int) -> str:
    text, own = _written(formula)
    return text if own >= level else f"({text})"
