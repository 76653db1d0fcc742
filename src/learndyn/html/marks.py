"""Where the runs of a page stand still: plateaus, and the eigenvalues of the fixed point beside each.

A plateau is a stay near a height h of eps_g (`ld.plateaus`). The fixed point to which a search from its flattest row
comes is that of the plateau if its eps_g is within the plateau's own tolerance of h; else none is told.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError
from learndyn.html.members import Members
from learndyn.origin import arguments_of_sweep, is_sweep, start_of_sweep
from learndyn.results import is_simulation, scenario_of

# Eigenvalues that are told of each plateau.
EIGENVALUES = 6


def marks_of(members: Members, result: xr.Dataset, *, spectrum: bool = True) -> list[list[dict[str, Any]]]:
    """The plateaus of each member, in the order of its places; no plateaus where the result has no eps_g.

    ``result`` is the result as the verb gave it: a fixed point is sought from a whole row of it.
    """
    if not any("eps_g" in panel for panel in members.panels):
        return [[] for _ in members.places()]
    scenarios = _Scenarios(members, result) if spectrum and not is_simulation(result) else None
    return [_marks(members, place, scenarios) for place in members.places()]


def _marks(members: Members, place: dict[str, int], scenarios: _Scenarios | None) -> list[dict[str, Any]]:
    from learndyn.analysis.plateaus import plateaus

    run = members.result.isel(place)[["eps_g"]].assign_attrs(members.result.attrs)
    try:
        found = plateaus(run.drop_vars([name for name in run.coords if name not in run.dims]))
    except InputError:  # too few rows, or too noisy
        return []
    tolerance = json.loads(found.attrs["options"])["tolerance"]
    marks = []
    for number in range(found.sizes["plateau"]):
        mark = {name: found[name].values[number].item() for name in ("entry", "exit", "height", "left")}
        if scenarios is not None:
            mark |= _fixed_point(mark, run, place, scenarios, tolerance)
        marks.append(mark)
    return marks


def _fixed_point(
    mark: dict[str, Any], run: xr.Dataset, place: dict[str, int], scenarios: _Scenarios, tolerance: float
) -> dict[str, Any]:
    """Kind, eigenvalues and the direction of the exit of the fixed point beside a plateau; nothing where none is."""
    from learndyn.analysis.fixed_points import find_fixed_point

    try:
        scenario, row = scenarios.at(place, _flattest(run, mark))
        point = find_fixed_point(scenario, row)
    except InputError:
        return {}
    if abs(float(point["eps_g"]) - mark["height"]) > tolerance * mark["height"]:
        return {}
    real = point["eigenvalues"].values
    imaginary = point["frequencies"].values if "frequencies" in point else np.zeros_like(real)
    told = np.column_stack([real, imaginary])[:EIGENVALUES].tolist()
    direction = str(point["direction"].values[0]) if point.attrs["unstable"] else ""
    return {"kind": point.attrs["kind"], "eigenvalues": told, "modes": len(real), "direction": direction}


def _flattest(run: xr.Dataset, mark: dict[str, Any]) -> int:
    """The row between entry and exit at which ln eps_g changes least."""
    times, values = run[_time(run)].values, run["eps_g"].values
    inside = np.flatnonzero((times >= mark["entry"]) & (times <= mark["exit"]) & (values > 0))
    if not len(inside):
        return int(np.abs(times - mark["entry"]).argmin())
    rates = np.abs(np.gradient(np.log(np.where(values > 0, values, np.nan)), times))[inside]
    return int(inside[np.nanargmin(rates)])


def _time(run: xr.Dataset) -> str:
    return str(run["eps_g"].dims[0])


class _Scenarios:
    """The scenario of each member, and its rows as starts."""

    def __init__(self, members: Members, result: xr.Dataset) -> None:
        self._members, self._result = members, result
        self._builder = self._scenario = None
        if is_sweep(result):
            self._builder = _builder(result)
        else:
            self._scenario = scenario_of(result)

    def at(self, place: dict[str, int], row: int) -> tuple[Any, xr.Dataset]:
        """The scenario at a place and one row of its run, without units that it does not have."""
        scenario = self._scenario
        if self._builder is not None:
            scenario = self._builder.member(tuple(place.values())).scenario
        assert scenario is not None
        names = [name for name in scenario.quantities() if name in self._result]
        at = self._result[names].isel({**place, self._members.time: row})
        labels = {dim: own for dim, own in scenario.coordinates().items() if dim in at.dims}
        return scenario, at.sel(labels).assign_attrs(self._result.attrs).load()


def _builder(result: xr.Dataset) -> Any:
    """What makes the members of a sweep, from its own record."""
    from learndyn.sweeps.members import Builder
    from learndyn.sweeps.sweep import planned

    arguments = arguments_of_sweep(result)
    return Builder(planned(scenario_of(result), start_of_sweep(result), **arguments).work)
