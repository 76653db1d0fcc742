"""The figures by name: one function a figure, drawn in the look of `learndyn.plot.paper`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from learndyn.arguments import did_you_mean, shown
from learndyn.errors import InputError

_MODULES = (
    "straat2018_basics", "straat2018_perceptron", "straat2018_committee", "straat2018_mismatch", "straat2018_outlook",
    "straat2018_schemes", "straat2019", "straat2019_two_layers", "straat2019_complex", "straat2019_extensions",
    "adaptive_rates", "learning_rates", "fixed_points", "plateaus", "phase_diagram", "schmid2024", "schmid2024_flow",
    "schmid2024_noise", "schmid2024_data", "schmid2024_tasks", "pretorius2017", "pretorius2017_focus",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A redrawn figure with the numbers that it stands for.

    Parameters
    ----------
    figure
        The matplotlib Figure.
    numbers
        What can be read off it, by name.
    caption
        What it shows, with which settings, and where the source's own numbers do not hold.

    Examples
    --------
    >>> import learndyn as ld
    >>> relu = ld.figures.draw("2018-relu-and-derivative")
    >>> relu.numbers["g(2)"]
    2.0
    """

    figure: Any
    numbers: dict[str, float]
    caption: str

    def save(self, path: str | os.PathLike[str], *, dpi: float = 200) -> Path:
        """Save the picture; the ending chooses the format: ``.pdf``, ``.svg``, ``.png`` or ``.eps``."""
        from learndyn.plot import save

        return save(self.figure, path, dpi=dpi)

    def _repr_png_(self) -> bytes:
        """The picture, for a notebook."""
        from io import BytesIO

        buffer = BytesIO()
        self.figure.savefig(buffer, format="png")
        return buffer.getvalue()


@dataclass(frozen=True)
class Entry:
    """A registered figure: its function, one line about it, and whether it shows simulations."""

    function: Callable[..., Figure]
    description: str
    simulated: bool


_ENTRIES: dict[str, Entry] = {}


def figure(name: str, description: str, *, simulated: bool = False) -> Callable[[Callable[..., Figure]], Any]:
    """Register a function as the figure `name`; one with ``simulated=True`` is handed a loader of simulation data.

    For developers: a new figure is a function with this decorator, in a module that ``_MODULES`` names.
    """

    def register(function: Callable[..., Figure]) -> Callable[..., Figure]:
        if name in _ENTRIES:
            raise ValueError(f"Two figures are called {name}.")
        _ENTRIES[name] = Entry(function, description, simulated)
        return function

    return register


@cache
def _entries() -> dict[str, Entry]:
    for module in _MODULES:
        import_module(f"learndyn.figures.{module}")
    return dict(sorted(_ENTRIES.items()))


def names() -> list[str]:
    """The names of all figures, sorted; one that goes with a source document begins with its year.

    Returns
    -------
    list of str
        What `describe` and `draw` take.

    Examples
    --------
    >>> import learndyn as ld
    >>> "2018-relu-k2-m2-order-parameters" in ld.figures.names()
    True
    """
    return list(_entries())


def _entry(name: str) -> Entry:
    entries = _entries()
    if name not in entries:
        hint = did_you_mean(name, list(entries), " See ld.figures.names().")
        raise InputError(f"Argument `name` must be the name of a figure, but it is {shown(name)}.{hint}")
    return entries[name]


def describe(name: str) -> str:
    """One line about a figure: what it shows and which slide it redraws.

    Parameters
    ----------
    name
        One of `names`.

    Returns
    -------
    str
        The line.

    Raises
    ------
    InputError
        When there is no such figure.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.figures.describe("2018-relu-and-derivative")
    'the ReLU activation function and its derivative (slide 15)'
    """
    return _entry(name).description


def draw(name: str, *, recompute: bool = False) -> Figure:
    """Draw a figure.

    Parameters
    ----------
    name
        One of `names`.
    recompute
        Make simulation data anew instead of reading those that come with the package (seconds to minutes).

    Returns
    -------
    Figure
        ``.figure`` (matplotlib), ``.numbers``, ``.caption``, ``.save(path)``.

    Raises
    ------
    InputError
        When there is no figure of this name.

    Examples
    --------
    >>> import learndyn as ld
    >>> relu = ld.figures.draw("2018-relu-and-derivative")
    >>> relu.caption[:36]
    'ReLU activation g(x) = x theta(x) an'
    """
    from learndyn.figures import simulations
    from learndyn.plot import paper

    entry = _entry(name)
    with paper():
        if not entry.simulated:
            return entry.function()
        return entry.function(simulations.make if recompute else simulations.read)
