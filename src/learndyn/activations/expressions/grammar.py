"""Read a formula: a recursive descent, one function a rule.

sum      = product { ("+" | "-") product }
product  = signed { ("*" | "/") signed }
signed   = ("-" | "+") signed | power
power    = atom [ ("^" | "**") signed ]                      the exponent must be a number
atom     = number | "x" | "pi" | "(" sum ")" | function "(" sum { "," sum } ")"
         | "where" "(" sum (">" | "<" | ">=" | "<=") sum "," sum "," sum ")"
         | "clip" "(" sum "," number "," number ")"          which is minimum(maximum(sum, low), high)
"""

from __future__ import annotations

import math
import re
from typing import NoReturn

from learndyn.activations.expressions.simplify import simplify
from learndyn.activations.expressions.tree import (
    COMPARISONS,
    ONE_ARGUMENT,
    TWO_ARGUMENTS,
    Binary,
    Call,
    Comparison,
    Negative,
    Node,
    Number,
    Power,
    Where,
    X,
    clipped,
)
from learndyn.arguments import did_you_mean, shown
from learndyn.errors import InputError

LONGEST = 500
DEEPEST = 30
# Other names of functions, as people write them.
ALIASES = {"max": "maximum", "min": "minimum", "atan": "arctan"}
FUNCTIONS = sorted((*ONE_ARGUMENT, *TWO_ARGUMENTS, "clip", "where"))

_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|>=|<=|\S))")


def parse(text: str) -> Node:
    """The formula that a text says; `InputError` with the place where it stops making sense."""
    if len(text) > LONGEST:
        raise InputError(
            f"Argument `activation` must be an expression of at most {LONGEST} characters, but it has {len(text)}. "
            "Give a Python function to ld.new_activation instead."
        )
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        matches = [m for m in _TOKEN.finditer(text) if m.group().strip()]
        self.tokens = [m.group().strip() for m in matches]
        self.places = [m.end() - len(token) for m, token in zip(matches, self.tokens, strict=True)]
        self.next, self.depth = 0, 0

    def refuse(self, expected: str) -> NoReturn:
        where = "at its end"
        if self.next < len(self.tokens):
            where = f"where {shown(self.tokens[self.next])} stands (character {self.places[self.next] + 1})"
        raise InputError(
            f"Argument `activation` must be a name or an expression in x, but {shown(self.text)} lacks {expected} "
            f"{where}. "
            'Write, for example, "x / (1 + abs(x))".'
        )

    def peek(self) -> str:
        return self.tokens[self.next] if self.next < len(self.tokens) else ""

    def take(self, *allowed: str) -> str:
        """The next token if it is one of these, else nothing."""
        token = self.peek()
        if token in allowed:
            self.next += 1
            return token
        return ""

    def need(self, token: str) -> None:
        if not self.take(token):
            self.refuse(repr(token))

    def whole(self) -> Node:
        formula = self.sum()
        if self.next < len(self.tokens):
            self.refuse("an operator")
        return formula

    def sum(self) -> Node:
        formula = self.product()
        while operator := self.take("+", "-"):
            formula = Binary(operator, formula, self.product())
        return formula

    def product(self) -> Node:
        formula = self.signed()
        while operator := self.take("*", "/"):
            formula = Binary(operator, formula, self.signed())
        return formula

    def signed(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise InputError(
                f"Argument `activation` must be an expression nested at most {DEEPEST} deep, but {shown(self.text)} is "
                "not. Leave out parentheses, or give a Python function to ld.new_activation."
            )
        formula = self.with_sign()
        self.depth -= 1
        return formula

    def with_sign(self) -> Node:
        if self.take("-"):
            return Negative(self.signed())
        if self.take("+"):
            return self.signed()
        return self.power()

    def power(self) -> Node:
        base = self.atom()
        if not self.take("^", "**"):
            return base
        exponent = simplify(self.signed())
        if not isinstance(exponent, Number):
            self.next -= 1
            self.refuse("an exponent without x (a^b is exp(b * log(a)))")
        return Power(base, exponent.value)

    def atom(self) -> Node:
        token = self.peek()
        if self.take("("):
            formula = self.sum()
            self.need(")")
            return formula
        if token[:1].isdigit() or (token[:1] == "." and token != "."):
            self.next += 1
            return Number(float(token))
        if self.take("x"):
            return X()
        if self.take("pi"):
            return Number(math.pi)
        if token[:1].isalpha() or token[:1] == "_":
            return self.call()
        self.refuse("a number, x or a function")

    def call(self) -> Node:
        name = ALIASES.get(self.peek(), self.peek())
        if name not in FUNCTIONS:
            hint = did_you_mean(name, FUNCTIONS, f" Use one of the functions {', '.join(FUNCTIONS)}.")
            raise InputError(
                f"Argument `activation` must be a name or an expression in x, but {shown(self.text)} contains "
                f"{shown(name)}, which is neither x nor a function.{hint}"
            )
        self.next += 1
        self.need("(")
        if name == "where":
            formula = self.choice()
        elif name == "clip":
            formula = self.clip()
        else:
            formula = Call(name, self.arguments(1 + (name in TWO_ARGUMENTS)))
        self.need(")")
        return formula

    def arguments(self, count: int) -> tuple[Node, ...]:
        found = [self.sum()]
        for _ in range(count - 1):
            self.need(",")
            found.append(self.sum())
        return tuple(found)

    def clip(self) -> Node:
        inner = self.sum()
        limits: list[float] = []
        for _ in range(2):
            self.need(",")
            limit = simplify(self.sum())
            # clip(-1, 1, x), or the upper limit first, would be another function without a word.
            if not isinstance(limit, Number) or limit.value < max(limits, default=limit.value):
                self.next -= 1
                self.refuse("numbers low <= high as the limits of clip(x, low, high)")
            limits.append(limit.value)
        return clipped(inner, *map(Number, limits))

    def choice(self) -> Node:
        a = self.sum()
        operator = self.take(*COMPARISONS)
        if not operator:
            self.refuse("a comparison (>, <, >= or <=)")
        condition = Comparison(operator, a, self.sum())
        self.need(",")
        yes, no = self.arguments(2)
        return Where(condition, yes, no)
