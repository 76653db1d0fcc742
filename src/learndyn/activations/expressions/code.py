"""A Python function from a formula: ``f(x, xp)``, for NumPy, JAX and compiled steps alike.

The function is put together as a syntax tree, never as text. What occurs more than once is computed once.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from typing import Any

from learndyn.activations.expressions.simplify import simplify
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

_OPERATORS: dict[str, Any] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "/": ast.Div,
    ">": ast.Gt,
    "<": ast.Lt,
    ">=": ast.GtE,
    "<=": ast.LtE,
}


def function_of(formula: Node, name: str) -> Callable[[Any, Any], Any]:
    """The function of (x, xp) with this name that a formula says; of the shape of x also where it is constant."""
    formula = simplify(formula)
    if not any(isinstance(part, X) for part in walk(formula)):
        formula = Binary("+", Binary("*", Number(0.0), X()), formula)
    body, result = _Writer(formula).written()
    definition = ast.parse(f"def {name}(x, xp):\n    return x").body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.body = [*body, ast.Return(result)]
    module = ast.fix_missing_locations(ast.Module([definition], []))
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(compile(module, "<activation>", "exec"), namespace)
    return namespace[name]


class _Writer:
    def __init__(self, formula: Node) -> None:
        self.formula = formula
        uses = Counter(part for whole in walk(formula) for part in whole.parts())
        self.shared = {part for part, times in uses.items() if times > 1 and not isinstance(part, X | Number)}
        self.names: dict[Node, str] = {}
        self.body: list[ast.stmt] = []

    def written(self) -> tuple[list[ast.stmt], ast.expr]:
        result = self.expression(self.formula)
        return self.body, result

    def expression(self, formula: Node) -> ast.expr:
        if formula not in self.shared:
            return self.operation(formula)
        if formula not in self.names:
            value = self.operation(formula)
            self.names[formula] = name = f"part_{len(self.names)}"
            self.body.append(ast.Assign([ast.Name(name, ast.Store())], value))
        return ast.Name(self.names[formula], ast.Load())

    def operation(self, formula: Node) -> ast.expr:
        match formula:
            case X():
                return ast.Name("x", ast.Load())
            case Number(value):
                return ast.Constant(value)
            case Negative(a):
                return ast.UnaryOp(ast.USub(), self.expression(a))
            case Binary(operator, a, b):
                return ast.BinOp(self.expression(a), _OPERATORS[operator](), self.expression(b))
            case Power(a, exponent):
                # A whole power is a product in every namespace.
                exponent = int(exponent) if exponent.is_integer() else exponent
                return ast.BinOp(self.expression(a), ast.Pow(), ast.Constant(exponent))
            case Call(function, arguments):
                return self.call(function, *map(self.expression, arguments))
            case Where(Comparison(operator, a, b), yes, no):
                condition = ast.Compare(self.expression(a), [_OPERATORS[operator]()], [self.expression(b)])
                return self.call("where", condition, self.expression(yes), self.expression(no))
        raise TypeError(f"{formula!r} is no formula")

    def call(self, function: str, *arguments: ast.expr) -> ast.expr:
        return ast.Call(ast.Attribute(ast.Name("xp", ast.Load()), function, ast.Load()), list(arguments), [])
