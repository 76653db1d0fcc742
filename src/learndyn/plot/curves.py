"""Which curves a variable has, how they are called and how they look: colour by student unit, style by teacher unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import Any

import xarray as xr

from learndyn.plot.style import LINE_STYLES, PALETTE
from learndyn.results import time_of

_SYMBOLS = {
    "eps_g": r"\epsilon_g", "length": "|J|", "cosine": r"\cos\phi", "specialisation": "S", "w_norm": "|w|",
    "trace_cov": r"\mathrm{tr\,Cov}(w)", "Cov": r"\mathrm{Cov}", "theta": r"\theta", "eta": r"\eta",
}  # fmt: skip
_INDEX = {"student": "i", "student2": "k", "teacher": "n", "teacher2": "m", "input": "i", "input2": "k"}
SOLID, DASHED, DOTTED, DASH_DOT, DASH_DOT_DOT = LINE_STYLES


@dataclass(frozen=True)
class Curve:
    """One component of a variable: what to select, and how it looks."""

    variable: str
    select: dict[str, int]
    label: str
    color: str
    style: Any


def unit_dims(result: xr.Dataset, name: str) -> list[str]:
    """The dims of a variable that number units."""
    return [str(dim) for dim in result[name].dims if dim not in (time_of(result), "replica")]


def symbol(result: xr.Dataset, name: str) -> str:
    """The label of a variable with general indices, $R_{in}$; without indices where it has one component."""
    dims = unit_dims(result, name)
    if all(result.sizes[dim] == 1 for dim in dims):
        return label_of(name)
    return label_of(name, "".join(_INDEX.get(dim, dim[:1]) for dim in dims))


def label_of(name: str, index: str = "") -> str:
    """The label of a variable: its symbol, $R_{12}$, or "test accuracy" where it has none; all pictures ask here."""
    known = _SYMBOLS.get(name, name if len(name) == 1 or re.fullmatch(r"[A-Za-z]_\d+", name) else "")
    if not known:
        # As mathematics, an underscore would lower a letter. Dollars of a user's own name are no mathematics.
        words = name.replace("_", " ").replace("$", r"\$")
        if not index:
            return words
        spaced = r"\ "
        known = rf"\mathrm{{{words.replace(' ', spaced)}}}"
    # W_1 with an index of its own has one index of two parts: mathematics takes no second.
    letter, _, own = known.partition("_")
    indices = ",".join(part for part in (own, index) if part)
    return f"${letter}_{{{indices}}}$" if len(indices) > 1 or index else f"${known}$"


def curves_of(result: xr.Dataset, names: tuple[str, ...]) -> list[Curve]:
    """All curves of the variables in the order of their indices; of a symmetric variable those with i <= k."""
    curves = []
    for order, name in enumerate(names):
        dims = unit_dims(result, name)
        indices = list(product(*([int(x) for x in result[dim].values] for dim in dims)))
        symmetric = len(dims) == 2 and dims[1] == dims[0] + "2"
        if symmetric:
            indices = [(i, k) for i, k in indices if i <= k]
        for index in indices:
            if len(indices) == 1:
                label, color, style = label_of(name), order, SOLID
            else:
                label = label_of(name, "".join(map(str, index)))
                color, style = _look(index, indices, symmetric, alone=len(names) == 1)
            select = dict(zip(dims, index, strict=True))
            curves.append(Curve(name, select, label, PALETTE[color % len(PALETTE)], style))
    return curves


def _look(index: tuple[int, ...], indices: list[tuple[int, ...]], symmetric: bool, *, alone: bool) -> tuple[int, Any]:
    """The colour (of the unit, or of the pair of units) and the style of one component."""
    if not symmetric:
        return index[0] - 1, (SOLID, DASHED, DOTTED)[(index[1] - 1) % 3 if len(index) > 1 else 0]
    if index[0] == index[1]:
        return index[0] - 1, SOLID if alone else DASH_DOT
    pairs = [pair for pair in indices if pair[0] != pair[1]]
    units = len(indices) - len(pairs)
    return units + pairs.index(index), DASHED if alone else DASH_DOT_DOT
