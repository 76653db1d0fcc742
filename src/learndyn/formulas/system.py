"""The equations of a scenario as data: what is printed, and what the printed formulas are evaluated with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Line:
    """A line that is printed: left side, right side, and a remark in words. The right side is a formula or LaTeX."""

    left: str
    right: Any
    note: str = ""
    relation: str = "="


@dataclass(frozen=True)
class Equation:
    """d block / d time = right side, for each of the indices 1 ... size."""

    block: str
    left: Any  # the entry that changes, a formula
    indices: tuple[Any, ...]
    sizes: tuple[int, ...]
    right: Any
    symmetric: bool = False  # in its last two indices
    note: str = ""


@dataclass(frozen=True)
class Definition:
    """What an average or an abbreviation is.

    ``head`` is an entry or a mean whose indices are symbols; ``body`` its formula, or None where a quadrature gives it.
    ``when(indices)`` says for which concrete indices it holds. One that is not ``shown`` serves evaluation alone.
    """

    head: Any
    body: Any
    note: str = ""
    when: Callable[[tuple[int, ...]], bool] | None = None
    shown: bool = True
    ordered: bool = False  # in SymPy's order of terms, where the formula was not written by hand


@dataclass(frozen=True)
class Meaning:
    """A line of the legend: a symbol in LaTeX, what it is, and its value in this scenario."""

    symbol: str
    what: str
    value: str = ""
    number: float | None = None  # of a symbol that is a number, so that it can be inserted
    name: str = ""  # of that symbol in formulas

    @classmethod
    def of(cls, symbol: str, what: str, number: float, name: str) -> Meaning:
        """Of a symbol that is a number."""
        return cls(symbol, what, f"{number:.10g}", number, name)


@dataclass(frozen=True)
class System:
    """All that is known of a scenario's equations.

    ``numbers(start)`` gives the arrays and numbers of the formulas by name; an entry may be a function of the walker,
    for what follows from averages by linear algebra. ``numeric(fields, numbers)`` is the value of an average that has
    no formula: fields are (name, index, ...). ``units`` is K where fields z_1 ... z_K+M stand for x and y, else 0.
    """

    title: str
    time: str  # LaTeX
    update: tuple[Line, ...]
    equations: tuple[Equation, ...]
    definitions: tuple[Definition, ...]
    error: tuple[Line, ...]
    meanings: tuple[Meaning, ...]
    numbers: Callable[[Any], dict[str, Any]]
    numeric: Callable[[tuple[tuple[Any, ...], ...], Any], float] | None = None
    symbolic: Callable[[], dict[str, Any]] | None = None
    units: int = 0
    layers: tuple[str, str] = ("x", "y")
    sizes: dict[str, int] = field(default_factory=dict)
    error_name: str = "eps_g"
    remarks: tuple[str, ...] = ()


def whole(block: np.ndarray, symmetric: bool) -> np.ndarray:
    """The block, its lower triangle filled in from the upper one where it is symmetric."""
    if not symmetric:
        return block
    i, k = np.triu_indices(block.shape[-1])
    filled = block.copy()
    filled[..., k, i] = block[..., i, k]
    return filled
