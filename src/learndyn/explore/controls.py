"""A control of the page as data: what it sets, its limits, and the arguments whose refusals belong to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from learndyn.arguments import shown
from learndyn.errors import InputError

Values = dict[str, Any]
_ARGUMENT = re.compile(r"Arguments? `(\w+)`")


def always(values: Values) -> bool:
    """A control that is there whatever the others say."""
    return True


@dataclass(frozen=True)
class Control:
    """One control.

    ``kind``: "number", "log" (a slider that runs in decades), "count", "range" (two numbers), "choice", "text" (a row
    of numbers) or "matrix" (rows of numbers).
    ``arguments`` are the names by which a sentence of refusal may call it, its own name beside them.
    """

    name: str
    label: str
    kind: str
    default: Any
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    choices: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    help: str = ""
    visible: Callable[[Values], bool] = always

    def answers_for(self, argument: str) -> bool:
        """Whether a sentence about this argument is about this control."""
        return argument == self.name or argument in self.arguments


@dataclass(frozen=True)
class Group:
    """Controls under one heading."""

    title: str
    controls: tuple[Control, ...]
    open: bool = True


def argument_of(sentence: str) -> str:
    """The argument that a sentence of refusal names, or nothing."""
    found = _ARGUMENT.search(sentence)
    return found[1] if found else ""


def filled(control: Control, value: Any) -> Any:
    """The value of a control, unless its field was emptied or is no number."""
    if value is None:
        raise InputError(f"Argument `{control.name}` must be a number, but it is empty. Write {control.default}.")
    return value


def numbers_of(text: str, name: str) -> list[float]:
    """The numbers of "1.2, -3"."""
    try:
        return [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        raise InputError(
            f"Argument `{name}` must be numbers with commas between them, but it is {shown(text)}. Write 1.2, -3."
        ) from None


def matrix_of(text: str, name: str) -> list[list[float]]:
    """The rows of "0.2, 0; 0, 0.3": rows end at a semicolon or a line break."""
    rows = [numbers_of(row, name) for row in re.split(r"[;\n]", text) if row.strip()]
    if not rows or len({len(row) for row in rows}) > 1:
        raise InputError(
            f"Argument `{name}` must be rows of equally many numbers, but it is {shown(text)}. Write 0.2, 0; 0, 0.3."
        )
    return rows


def text_of(value: Any) -> str:
    """A row or a matrix as `numbers_of` and `matrix_of` read it, to the last digit."""
    rows = [list(value)] if not hasattr(value[0], "__len__") else [list(row) for row in value]
    return "\n".join(", ".join(short(number) for number in row) for row in rows)


def short(number: float) -> str:
    """A number with all its digits, without a needless ".0"."""
    text = repr(float(number))
    return text.removesuffix(".0")
