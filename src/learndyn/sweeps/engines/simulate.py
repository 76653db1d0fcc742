"""Simulations for the members of a sweep: each is what `ld.simulate` gives with the seed that stands beside it.

Where the seed is not swept, each member has one of its own, drawn from the seed of the sweep and from what the member
is, so that it does not depend on what else is swept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import count, shown
from learndyn.engines.driver import thread_count
from learndyn.errors import InputError
from learndyn.results import time_of
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain
from learndyn.sweeps.engines import Outcome, Tell, failed, silent
from learndyn.sweeps.members import Member, Work
from learndyn.verbs.request_parts import DIFFUSION_PACKAGES, PACKAGES
from learndyn.verbs.simulation import request_of

OPTIONS: dict[str, Any] = {"N": None, "replicas": 1, "method": None, "tolerance": None, "seed": 0}
SWEPT = ("N", "tolerance", "seed", "method")
COUNTS = {"seed": "seed of the simulation"}
# A chunk takes about a second: so many updates times order parameters, at 4 ns each.
CHUNK_NUMBERS, CHUNK = 250_000_000, 256
# A pilot makes so many updates.
PILOT_UPDATES = 20_000


def check(work: Work) -> None:
    """Refuse options that no member can have."""
    count(work.options["seed"], "seed", 0)
    sizes = work.options["N"]
    if isinstance(sizes, list | tuple | np.ndarray):
        raise InputError(
            f"Argument `N` must be one number, but it is {shown(sizes)}. Sweep it: over={{'N': {shown(sizes)}}}."
        )


def packages(options: dict[str, Any]) -> tuple[str, ...]:
    """What computes, and what makes starts."""
    return PACKAGES + DIFFUSION_PACKAGES if options["method"] == "diffusion" else (*PACKAGES, "scipy")


def chunk_members(plan: Any) -> int:
    """How many members make a chunk of about a second."""
    work = plan.work
    rate = getattr(work.scenario, "learning_rate", 1.0)
    per_time = work.options["N"] or 1.0 / (float(rate) if isinstance(rate, int | float) else 1.0)
    updates = (work.until - work.times[0]) * per_time
    numbers = updates * work.options["replicas"] * work.scenario.state_length
    return int(np.clip(CHUNK_NUMBERS / max(numbers, 1.0), 1, CHUNK))


def seconds(work: Work, members: Sequence[Member]) -> float:
    """CPU time of a member, on average over a few, by the first part of their runs: updates cost alike."""
    begin, updates = perf_counter(), 0.0
    whole = work.until - members[0].start.at
    part = min(1.0, PILOT_UPDATES * _update(members[0]) / whole)
    for member in members[:3]:
        request = _request(member, seed_of(work, member), until=member.start.at + part * whole, save_at=None, threads=1)
        request.run(request.sizes[0])
        updates += part
    return (perf_counter() - begin) / updates


def template(work: Work, member: Member) -> xr.Dataset:
    """A run of few updates, as far as the first row after the start, with the rows of the whole."""
    request = _request(member, seed_of(work, member), until=_soon(work, member), save_at=None, threads=1)
    short = request.run(request.sizes[0])
    time = time_of(short)
    return short.isel({time: [0] * len(work.times)}).assign_coords({time: (time, work.times, short[time].attrs)})


def _soon(work: Work, member: Member) -> float:
    """A time after a few updates."""
    return float(min(work.until, member.start.at + 4.0 * _update(member)))


def _update(member: Member) -> float:
    """The time of an update; a tenth of a unit where steps have no size of their own."""
    if member.options["method"] == "diffusion":
        return 0.1
    rate = getattr(member.scenario, "learning_rate", None)
    return 1.0 / member.options["N"] if member.options["N"] else rate if isinstance(rate, float) else 0.1


def run(work: Work, members: Sequence[Member], threads: int | None, tell: Tell = silent) -> list[Outcome]:
    """What came of the members: side by side where each has few replicas, else one after another on all threads."""
    workers = thread_count(len(members), threads)
    replicas = int(work.options["replicas"])
    if replicas >= 4 * workers or workers == 1:
        return [_outcome(work, member, threads, tell) for member in members]
    with ThreadPoolExecutor(workers, thread_name_prefix="learndyn-sweep") as pool:
        return list(pool.map(lambda member: _outcome(work, member, 1, tell), members))


def _outcome(work: Work, member: Member, threads: int | None, tell: Tell) -> Outcome:
    seed = seed_of(work, member)
    try:
        request = _request(member, seed, until=work.until, save_at=work.times, threads=threads, progress=tell)
        result = request.run(request.sizes[0])
    except Exception as error:
        return replace(failed(error), more={"seed": seed})
    if result.attrs["status"] == "interrupted":
        raise KeyboardInterrupt
    time = time_of(result)
    made = result[time].values
    # Rows are made at whole updates: of each time that was asked for the nearest one.
    ok = result.attrs["status"] == "ok"
    times = work.times if ok else work.times[: _reached(work.times, made)]
    rows = np.abs(made[None, :] - times[:, None]).argmin(1) if len(times) else np.empty(0, int)
    values = {
        str(name): entry.values.take(rows, entry.dims.index(time)) if time in entry.dims else entry.values
        for name, entry in result.variables.items()
        if name in result.data_vars
    }
    end = float(made[-1]) if len(made) else member.start.at
    status, message = result.attrs["status"], "" if ok else result.attrs["message"]
    return Outcome(values, status, message, end, {"seed": seed})


def _reached(times: np.ndarray, made: np.ndarray) -> int:
    """How many of the times a run has that ended at the last of those that were made, if any were."""
    return int(np.searchsorted(times, made[-1], side="right")) if len(made) else 0


def _request(
    member: Member, seed: int, *, until: float, save_at: Any, threads: int | None, progress: Any = False
) -> Any:  # fmt: skip
    return request_of(
        scenario=member.scenario, start=member.start, until=until, save_at=save_at, threads=threads,
        record_weights=False, checkpoint=None, checkpoint_every=60.0, progress=progress,
        **{**member.options, "seed": seed},
    )  # fmt: skip


def seed_of(work: Work, member: Member) -> int:
    """The seed of a member's simulation."""
    if "seed" in work.axes.names:
        return int(member.options["seed"])
    options = {name: value for name, value in member.options.items() if name != "seed"}
    what = [scenario_to_plain(member.scenario), start_to_plain(member.start), options, int(member.options["seed"])]
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
