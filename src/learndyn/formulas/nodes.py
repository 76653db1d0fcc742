"""What formulas are made of, beyond SymPy's sums and products: entries, averages, sums over units.

R_in is ``entry("R", i, n)``, <delta_i y_n> is ``mean(field("delta", i), field("y", n))``, a sum over q = 1 ... K + M is
``total(q, K + M, ...)``. Formulas are built ``with written():``, which keeps terms in the order in which they stand.
"""

from __future__ import annotations

from typing import Any

import sympy as sp


class Node(sp.Function):
    """A part of a formula that SymPy leaves as it is."""

    @classmethod
    def eval(cls, *args: Any) -> None:
        """Nothing is to be simplified."""


class Entry(Node):
    """A number of an array: (name, indices)."""


class Field(Node):
    """A random variable of the inputs: (name, indices)."""


class Mean(Node):
    """An average of a product of fields over the inputs."""


class Total(Node):
    """A sum: (term, index, number of terms)."""


class Different(Node):
    """The number of different student units among the given ones."""


class Call(Node):
    """A function that is known by its name alone: (name, arguments)."""


class Chain(Node):
    """A product of matrices and vectors, in this order."""


class Transposed(Node):
    """The transpose of a matrix, or a row vector."""


def written() -> Any:
    """A context in which SymPy keeps terms and factors as they are written."""
    return sp.evaluate(False)


def entry(name: str, *indices: Any) -> Any:
    """A number of an array."""
    return Entry(sp.Symbol(name), *map(sp.sympify, indices))


def field(name: str, *indices: Any) -> Any:
    """A random variable."""
    return Field(sp.Symbol(name), *map(sp.sympify, indices))


def mean(*fields: Any) -> Any:
    """An average."""
    return Mean(*fields)


def total(index: Any, upper: Any, term: Any) -> Any:
    """A sum over ``index`` = 1 ... ``upper``."""
    return Total(term, index, sp.sympify(upper))


def call(name: str, *arguments: Any) -> Any:
    """A function of which no formula is printed."""
    return Call(sp.Symbol(name), *map(sp.sympify, arguments))


def chain(*factors: Any) -> Any:
    """A product of matrices."""
    return Chain(*factors)


def symbols(names: str) -> Any:
    """Symbols by their names, separated by spaces."""
    return sp.symbols(names)


def times(*factors: Any) -> Any:
    """The product of those factors that are not None."""
    present = [factor for factor in factors if factor is not None]
    return sp.Mul(*present, evaluate=False) if len(present) > 1 else present[0] if present else sp.Integer(1)


def plus(*terms: Any) -> Any:
    """The sum of those terms that are not None."""
    present = [term for term in terms if term is not None]
    return sp.Add(*present, evaluate=False) if len(present) > 1 else present[0] if present else sp.Integer(0)


def minus(term: Any) -> Any:
    """The term with the other sign; None for None."""
    return None if term is None else sp.Mul(-1, term, evaluate=False)
