"""Runs a scenario file for a page: its sweep where it has one, else theory and the simulation that it asks for."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from learndyn.arguments import count
from learndyn.errors import InputError, LearndynWarning
from learndyn.html.members import panels_of
from learndyn.html.payload import refuse_too_large
from learndyn.results import TIMES

# Times of a curve where neither the file nor the user says.
POINTS = 201


@dataclass(frozen=True)
class Ran:
    """What a file gave: a result, and a simulation beside it or None."""

    result: Any
    simulation: Any
    title: str | None


def run_file(path: Path, *, points: int | None = None, simulate: bool = True, progress: Any = None) -> Ran:
    """Run what a scenario file asks for, with ``points`` times in place of the file's.

    Raises
    ------
    InputError
        When the file has mistakes, or what it asks for does not fit on a page; said before anything runs.
    """
    from learndyn.scenario_file import read_scenario_file

    points = None if points is None else count(points, "points", 2)
    case = read_scenario_file(path)
    if case.start is None and case.sweep_start is None:
        raise InputError(f"{path}: the table [start] is missing: add it.")
    if case.sweep is not None:
        return Ran(_sweep(case, points, progress), None, case.title)
    if case.solve is None:
        raise InputError(f"{path}: the table [solve] is missing: add it, with until = 100.")
    return _single(case, points, simulate, progress)


def _sweep(case: Any, points: int | None, progress: Any) -> Any:
    from learndyn.sweeps.sweep import computed, planned

    arguments = {key: value for key, value in case.sweep.items() if key not in ("observables", "chunk", "threads")}
    arguments["save_at"] = _times(arguments, points)
    whole = planned(case.scenario, case.sweep_start, **arguments)
    along = {each.name: each.dims for each in whole.variables}
    sizes = {dim: size for each in whole.variables for dim, size in zip(each.dims, each.shape, strict=True)}
    # The file may ask for less than a page shows: it is not written for one.
    panels = panels_of(along, sizes)
    names = [name for panel in panels for name in panel]
    curves = sum(_curves(along[name], sizes) for name in names)
    refuse_too_large(whole.members, len(whole.work.times), curves)
    needed = [name for name in along if name not in ("status", "message", "end", "steps", "seed")]
    plan = planned(case.scenario, case.sweep_start, **arguments, observables=_kept(needed, names, along))
    with _quietly():
        return computed(plan, threads=case.sweep.get("threads"), progress=progress)


def _kept(known: list[str], names: list[str], along: dict[str, tuple[str, ...]]) -> list[str]:
    """What is drawn, and constants: a fixed point is sought from a whole row."""
    return [name for name in known if name in names or not any(time in along[name] for time in TIMES)]


def _curves(dims: tuple[str, ...], sizes: dict[str, int]) -> int:
    """Curves of a variable, of a symmetric one each pair once."""
    own = [dim for dim in dims if dim not in (*TIMES, "replica", "N")]
    if len(own) == 2 and own[1] == f"{own[0]}2":
        return sizes[own[0]] * (sizes[own[0]] + 1) // 2
    return math.prod(sizes[dim] for dim in own)


def _times(options: dict[str, Any], points: int | None) -> Any:
    return POINTS if points is None and options.get("save_at") is None else points or options["save_at"]


def _single(case: Any, points: int | None, simulate: bool, progress: Any) -> Ran:
    from learndyn.verbs import simulate as run_simulation
    from learndyn.verbs import solve

    shown = progress if isinstance(progress, bool) else None
    with _quietly():
        theory = solve(
            case.scenario, case.start, **{**case.solve, "save_at": _times(case.solve, points)}, progress=shown
        )
        if case.simulate is None or not simulate or theory.attrs["status"] != "ok":
            return Ran(theory, None, case.title)
        options = {key: value for key, value in case.simulate.items() if key != "checkpoint"}
        if isinstance(options.get("N"), list):
            # Several sizes are a slider, and theory is the line that they tend to: the page shows the sizes.
            return Ran(_sizes(case, options, points, run_simulation, shown), None, case.title)
        simulation = run_simulation(case.scenario, case.start, **options, progress=shown)
    return Ran(theory, simulation, case.title)


def _sizes(case: Any, options: dict[str, Any], points: int | None, run_simulation: Any, progress: Any) -> Any:
    times = np.size(options.get("save_at", 0))
    if points is not None or times < 2:
        options = {**options, "save_at": _times({}, points)}
    return run_simulation(case.scenario, case.start, **options, progress=progress)


def _quietly() -> Any:
    """A page tells how each run ended: no warning repeats it."""
    return warnings.catch_warnings(action="ignore", category=LearndynWarning)
