"""From what a user asks for to a plan: the arguments checked, the arrays of the result found, the chunks chosen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from math import ceil, prod
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import count, did_you_mean, number, shown
from learndyn.errors import InputError
from learndyn.options import save_times
from learndyn.results import attributes, versions
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain
from learndyn.scenarios.start_recipe import StartRecipe
from learndyn.scenarios.student_teacher.start import Start
from learndyn.scenarios.task_sequence.sequence import TaskSequence
from learndyn.sweeps.axes import Axes, axes_of
from learndyn.sweeps.engines import STATUSES, engine_of
from learndyn.sweeps.members import Builder, Work
from learndyn.sweeps.plan import Plan, Variable
from learndyn.verbs.request_parts import asked_times, digests

# Values of a dim that are looked at to find what arrays the result needs.
LOOKED_AT = 64
# Bytes of results that a chunk may hold.
CHUNK_BYTES = 64_000_000
OWN = ("status", "message", "end")


def work_of(
    scenario: Any, start: Any, over: Any, engine: str, until: Any, save_at: Any, options: dict[str, Any]
) -> Work:  # fmt: skip
    """What is to be computed, checked as far as that can be without a member."""
    scenario = checked_scenario(scenario)
    if isinstance(scenario, TaskSequence):
        raise InputError(
            "Argument `scenario` must be a single scenario, but it is an ld.TaskSequence. Sweep its parts."
        )
    module = engine_of(engine)
    for name in options:
        if name not in module.OPTIONS:
            known = sorted(module.OPTIONS)
            raise InputError(
                f"Argument `{name}` of a sweep must be an option of its engine {shown(engine)}: {', '.join(known)}."
                f"{did_you_mean(name, known)}"
            )
    start, axes = start_of(scenario, start), axes_of(over)
    at = start.arguments.get("at", 0.0) if isinstance(start, StartRecipe) else start.at
    if until is None:
        raise InputError("Argument `until` must say at what time the runs end, but it is missing. Write until=300.")
    until = number(until, "until")
    times = save_times(save_at, float(at), until)
    work = Work(scenario, start, axes, engine, until, times, {**module.OPTIONS, **options}, tuple(module.SWEPT))
    _check_targets(work, asked=set(options))
    module.check(work)
    return work


def start_of(scenario: Any, start: Any) -> Any:
    """The start of all members, or the recipe of their starts."""
    if isinstance(start, StartRecipe):
        return start
    if isinstance(start, dict) and "kind" in start and hasattr(Start, str(start["kind"])):
        words = {name: value for name, value in start.items() if name != "kind"}
        return StartRecipe(getattr(Start, start["kind"]), **words)
    if callable(start):
        raise InputError(
            "Argument `start` must be data, so that it can be stored and sent to other processes, but it is a "
            "function. Write ld.StartRecipe(ld.Start.near_symmetric, Q=0.2), and sweep 'start.X'."
        )
    return scenario.as_start(start)


def _check_targets(work: Work, asked: set[str]) -> None:
    """Refuse parameters that change nothing, or what another one changes."""
    taken: dict[Any, str] = {}
    for name, target in work.targets.items():
        if target.owner == "option" and name in asked:
            raise InputError(
                f"Argument `{name}` must be left out, because `over` sweeps it. Leave it out here or there."
            )
        for path in target.paths or ((name,),):
            first = taken.setdefault((target.owner, path, target.entry), name)
            if first != name:
                raise InputError(
                    f"Argument `over` must name each number once, but {shown(first)} and {shown(name)} are the same. "
                    "Leave one out."
                )
    start = work.start
    if isinstance(start, StartRecipe):
        start.refuse_missing([name.removeprefix("start.") for name in work.axes.names if name.startswith("start.")])
    seeded = not isinstance(start, StartRecipe) or not start.drawn or start.arguments.get("seed") is not None
    if not seeded and "start.seed" not in work.axes.names:
        raise InputError(
            f"Argument `start` must have a seed, so that its numbers can be drawn again, but {shown(start)} has none. "
            "Add seed=1, or sweep 'start.seed'."
        )


def plan_of(work: Work, observables: Any, chunk: Any, *, processes: int = 0) -> Plan:
    """The plan of a sweep: its arrays, its chunks, and what fixes its bits."""
    template = _template(work)
    names = _observables(observables, template)
    own = _endings(work, template)
    kept = {name: template[name].variable for name in names}
    variables = tuple(
        _variable(name, entry, "<f8" if name in kept else "str" if name == "message" else entry.dtype.str)
        for name, entry in {**kept, **own}.items()
    )
    axes, sizes = work.axes, work.axes.sizes
    labels = _labels(axes, template, variables)
    work = replace(work, variables=tuple(names))
    plan = Plan(
        work, tuple(sizes), tuple(sizes.values()), tuple(sizes.values()), variables, labels, _identity(work), {}
    )  # fmt: skip
    plan = replace(plan, chunk=chunk_shape(plan, chunk, processes))
    return replace(plan, attrs=_attributes(work, plan))


def _variable(name: str, entry: xr.Variable, dtype: str) -> Variable:
    return Variable(name, tuple(map(str, entry.dims)), entry.shape, dtype, dict(entry.attrs))


def _template(work: Work) -> xr.Dataset:
    """A result with the names, dims and longest labels of all members, as far as they were looked at."""
    module, found, refused = engine_of(work.engine), [], None
    builder = Builder(work)
    for place in _looked_at(work.axes):
        try:
            found.append(module.template(work, builder.member(place)))
        except InputError as error:
            refused = refused or error
    if not found:
        raise refused or InputError("Argument `over` must name some values. Write over={'learning_rate': [0.1, 0.2]}.")
    widest: dict[str, xr.DataArray] = {}
    for each in found:
        for dim in each.dims:
            if dim in each.coords and (dim not in widest or len(widest[str(dim)]) < each.sizes[dim]):
                widest[str(dim)] = each[dim]
    merged: dict[str, xr.Variable] = {}
    for each in found:
        for name, entry in each.data_vars.items():
            sizes = [len(widest[str(dim)]) if dim in widest else each.sizes[dim] for dim in entry.dims]
            merged.setdefault(str(name), xr.Variable(entry.dims, np.broadcast_to(0.0, sizes), entry.attrs))
    return xr.Dataset(merged, {name: entry.variable for name, entry in widest.items()})


def _looked_at(axes: Axes) -> Iterator[tuple[int, ...]]:
    """Places that show all structures: each dim on its own, from the corner at the beginning of all others.

    Of a dim of fractions the ends are enough: what is off at 0 is on elsewhere.
    """
    sizes = axes.sizes
    yield (0,) * len(sizes)
    for place, (dim, size) in enumerate(sizes.items()):
        whole = any(each.values.dtype.kind != "f" for each in axes.parameters if each.dim == dim)
        looks = min(size, LOOKED_AT if whole else 2)
        for step in sorted(set(np.linspace(0, size - 1, looks).astype(int).tolist()) - {0}):
            yield tuple(step if each == place else 0 for each in range(len(sizes)))


def _observables(observables: Any, template: xr.Dataset) -> list[str]:
    known = [str(name) for name in template.data_vars if name not in OWN]
    if observables is None:
        return known
    listed = isinstance(observables, list | tuple | set | frozenset | np.ndarray)
    if not listed or not all(isinstance(name, str) for name in observables):
        raise InputError(
            f"Argument `observables` must be a list of names of variables, but it is {shown(observables)}. "
            f"Write observables={known[:1]}."
        )
    for name in observables:
        if name not in known:
            raise InputError(
                f"Argument `observables` must have names of variables, {', '.join(known)}, but it has {shown(name)}."
                f"{did_you_mean(name, known)}"
            )
    return [name for name in known if name in observables]


def _endings(work: Work, template: xr.Dataset) -> dict[str, xr.Variable]:
    """How each member ended."""
    codes = np.arange(-1, len(STATUSES) - 1, dtype=np.int8)
    status = {"long_name": "how the run ended", "flag_values": codes.tolist(), "flag_meanings": " ".join(STATUSES)}
    end = {"long_name": "time that was reached", "units": "1"}
    found = {
        "status": xr.Variable((), np.int8(-1), status),
        "message": xr.Variable((), "", {"long_name": "why the run ended early"}),
        "end": xr.Variable((), np.nan, end),
    }
    more = engine_of(work.engine).COUNTS
    found |= {name: xr.Variable((), np.int64(-1), {"long_name": text}) for name, text in more.items()}
    return {name: entry for name, entry in found.items() if name not in work.axes.names}


def _labels(axes: Axes, template: xr.Dataset, variables: tuple[Variable, ...]) -> dict[str, Any]:
    used = {dim for variable in variables for dim in variable.dims}
    own = {str(dim): ((str(dim),), template[dim].values, dict(template[dim].attrs)) for dim in template.coords}
    labels = {dim: label for dim, label in own.items() if dim in used}
    for name in {*axes.names, *axes.sizes}:
        if name in labels or any(name == variable.name for variable in variables):
            raise InputError(
                f"Argument `over` must not use the name {shown(name)}, which the result has for itself. "
                + (
                    f"Keep `observables` without {shown(name)}, or sweep other parameters, once for each value of this "
                    "one."
                    if name in axes.names
                    else "Go along a dim with another name: xarray.DataArray(values, dims='member')."
                )
            )
    return {**axes.coordinates(), **labels}


def chunk_shape(plan: Plan, chunk: Any, processes: int) -> tuple[int, ...]:
    """How many values of each dim are computed together: the last dims whole, as far as the chunk reaches.

    Words and switches are programs of their own, one a chunk.
    """
    if isinstance(chunk, tuple | list):
        if len(chunk) != len(plan.shape):
            raise InputError(
                f"Argument `chunk` must be a number of members, or one number for each dim of {', '.join(plan.dims)}, "
                f"but it is {shown(chunk)}. Leave it out: a good one is chosen."
            )
        return tuple(min(count(size, "chunk"), whole) for size, whole in zip(chunk, plan.shape, strict=True))
    single = sum(prod(v.shape) * 8 for v in plan.variables)
    target = engine_of(plan.work.engine).chunk_members(plan) if chunk is None else count(chunk, "chunk")
    if chunk is None:
        target = max(1, min(target, CHUNK_BYTES // max(single, 1)))
        if processes:
            # Enough of them that no process waits long for the last.
            target = min(target, max(32, ceil(plan.members / (4 * processes))))
    categories = {each.dim for each in plan.work.axes.parameters if each.is_category}
    shape = []
    for dim, size in reversed(list(zip(plan.dims, plan.shape, strict=True))):
        part = 1 if dim in categories else min(size, target)
        if part < size and part > 1:
            part = ceil(size / ceil(size / part))  # of nearly equal lengths
        shape.append(part)
        target = max(1, target // part)
    return tuple(reversed(shape))


def _identity(work: Work) -> dict[str, Any]:
    start = work.start.to_plain() if isinstance(work.start, StartRecipe) else start_to_plain(work.start)
    return {
        "scenario": digests(scenario_to_plain(work.scenario)),
        "start": digests(start),
        "engine": work.engine,
        "until": work.until,
        "save_at": hashlib.sha256(np.ascontiguousarray(work.times).tobytes()).hexdigest()[:16],
        "options": work.options,
        "observables": list(work.variables),
        "versions": versions(engine_of(work.engine).packages(work.options)),
    }


def _attributes(work: Work, plan: Plan) -> dict[str, Any]:
    recipe = isinstance(work.start, StartRecipe)
    asked = asked_times(work.times)
    options = {
        "quantity": "sweep",
        "engine": work.engine,
        "over": {each.name: each.dim for each in work.axes.parameters},
        "until": work.until,
        **{name: value for name, value in work.options.items() if value is not None},
        **({} if asked is None else {"save_at": asked}),
        "plan": plan.digest,
    }
    found = attributes(
        work.scenario, None if recipe else work.start,
        engine="theory" if work.engine == "solve" else str(work.options["method"] or "simulation"),
        status="interrupted", message="", options=options,
    )  # fmt: skip
    return found | ({"start_recipe": json.dumps(work.start.to_plain())} if recipe else {})
