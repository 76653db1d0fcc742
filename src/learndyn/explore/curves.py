"""What of a result is drawn, as plain arrays: lines with a name, a colour and a style, panel by panel."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.explore.families.base import Family
from learndyn.plot.curves import curves_of
from learndyn.plot.style import LINE_STYLES
from learndyn.results import is_simulation, time_of

# More lines than these cannot be told apart.
MOST = 72
DASHES: dict[Any, list[int]] = dict(
    zip(LINE_STYLES, ([], [7, 3], [2, 2], [8, 3, 2, 3], [8, 3, 2, 3, 2, 3]), strict=True)
)
# Below this part of its largest value, eps_g of a simulation is a difference of nearly equal numbers; that of theory
# is an error of its solver below its tolerance.
SIMULATION_FLOOR = 1e-12
# Curves that cannot be negative, whose axis is logarithmic.
POSITIVE = ("eps_g", "loss")
# Single runs that a panel shows at most.
MOST_RUNS = 160
_SUBSCRIPTS = str.maketrans("0123456789,ink", "₀₁₂₃₄₅₆₇₈₉,ᵢₙₖ")


@dataclass(frozen=True)
class Line:
    """One curve: y at the times of its panel; of replicas their mean."""

    name: str
    color: str
    dash: list[int]
    y: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """All lines of a result: the main curve, panels by variable; and of replicas each run: (colour, y) by panel, that
    of the main curve under the name "".

    ``floor`` is what the main curve is not known below, 0 where it may be negative.
    """

    time: np.ndarray
    main: Line
    panels: dict[str, list[Line]]
    runs: dict[str, list[tuple[str, np.ndarray]]]
    floor: float


def drawn(result: xr.Dataset, family: Family) -> Drawn:
    """The lines of a run."""
    time = result[time_of(result)].values
    panels = {name: _lines(result, name) for name, _ in family.panels if name in result}
    panels = {name: lines for name, lines in panels.items() if lines}
    main = _lines(result, family.main)[0]
    runs = {"" if name == family.main else name: _runs(result, name) for name in (family.main, *panels)}
    return Drawn(time, main, panels, runs, _floor(result, family.main))


def _lines(result: xr.Dataset, name: str) -> list[Line]:
    """The components of a variable that change with time."""
    found = result[name]
    if time_of(result) not in found.dims:
        return []
    mean = found.mean("replica") if "replica" in found.dims else found
    curves, floor = curves_of(result, (name,))[:MOST], _floor(result, name)
    # With arrays alone: a selection of xarray for each of many components takes longer than the curve may.
    values = mean.values
    dims = [str(dim) for dim in mean.dims]
    places = {dim: {label: at for at, label in enumerate(mean[dim].values.tolist())} for dim in dims}
    lines = []
    for curve in curves:
        at = tuple(places[dim][curve.select[dim]] if dim in curve.select else slice(None) for dim in dims)
        y = resolved(values[at], floor)
        lines.append(Line(plain_name(curve.label), curve.color, DASHES[curve.style], y))
    return lines


def _runs(result: xr.Dataset, name: str) -> list[tuple[str, np.ndarray]]:
    """Each replica of each component."""
    if "replica" not in result[name].dims:
        return []
    curves, floor = curves_of(result, (name,))[:MOST], _floor(result, name)
    runs = [(curve.color, resolved(run, floor)) for curve in curves for run in result[name].sel(curve.select).values]
    return runs[:: max(1, -(-len(runs) // MOST_RUNS))]


def _floor(result: xr.Dataset, name: str) -> float:
    """What a curve is not known below."""
    if name not in POSITIVE:
        return 0.0
    part = (
        SIMULATION_FLOOR if is_simulation(result) else json.loads(result.attrs["options"]).get("rtol", SIMULATION_FLOOR)
    )
    return part * float(np.nanmax(result[name].values, initial=0.0))


def resolved(y: np.ndarray, floor: float) -> np.ndarray:
    """NaN from the first row on that is not above the floor; all rows where there is none."""
    below = ~(y > floor) if floor > 0.0 else np.zeros(len(y), dtype=bool)
    return np.where(np.logical_or.accumulate(below), np.nan, y)


def plain_name(label: str) -> str:
    r"""A label of `learndyn.plot` in Unicode: ``$R_{12}$`` is R₁₂."""
    text = label.strip("$").replace(r"\epsilon_g", "ε_g")
    text = re.sub(r"\\mathrm\{(\w+)\}", r"\1", text)
    return re.sub(r"_\{([^}]*)\}", lambda match: match[1].translate(_SUBSCRIPTS), text)


def end_names(lines: list[Line], apart: float) -> list[tuple[str, float, str]]:
    """Names for the right ends of lines, of those that end together one for all: (names, height, colour)."""
    ends = [(float(line.y[np.isfinite(line.y)][-1]), line) for line in lines if np.isfinite(line.y).any()]
    ends.sort(key=lambda end: end[0])
    groups: list[list[tuple[float, Line]]] = []
    for end in ends:
        if groups and end[0] - groups[-1][-1][0] < apart:
            groups[-1].append(end)
        else:
            groups.append([end])
    found = []
    for group in groups:
        names = sorted(line.name for _, line in group)
        text = ", ".join(names[:2]) + (" …" if len(names) > 2 else "")
        same = len({line.color for _, line in group}) == 1
        found.append((text, float(np.mean([y for y, _ in group])), group[0][1].color if same else "#555555"))
    return found
