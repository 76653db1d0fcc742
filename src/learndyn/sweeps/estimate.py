"""What a sweep will cost, found before it runs: bytes of its results, memory of a chunk, and time by a small pilot.

A sweep that does not fit is refused with what would.
"""

from __future__ import annotations

import shutil
from collections.abc import Set
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from learndyn.engines.driver import thread_count
from learndyn.errors import InputError
from learndyn.sweeps.engines import engine_of
from learndyn.sweeps.members import Builder
from learndyn.sweeps.plan import Plan
from learndyn.sweeps.reporting import duration

# Smaller sweeps are done before a pilot would be.
PILOT_FROM = 200
# Members of a pilot, spread over the sweep.
PILOT = 16
# Bytes beside its arrays that a member takes while it runs: its scenario, its start, its state on the way.
OBJECTS = 6_000
# Text of a result, on average: most members have none.
TEXT = 8


@dataclass(frozen=True)
class Estimate:
    """What is left to do, and what it takes. ``seconds`` is CPU time, None where there was no pilot."""

    members: int
    chunks: int
    there: int  # chunks that are done
    largest: int  # members of a chunk
    result_bytes: int
    chunk_bytes: int
    seconds: float | None
    cores: int | None

    def sentence(self) -> str:
        """All of it in a line."""
        parts = [f"{self.members} scenarios in {_counted(self.chunks, 'chunk')} of up to {self.largest}"]
        if self.there:
            parts.append(f"{self.there} chunks are there already")
        parts.append(f"results {size(self.result_bytes)}, {size(self.chunk_bytes)} of memory a chunk")
        if self.seconds is not None:
            left = self.seconds * (self.chunks - self.there) / max(self.chunks, 1)
            on = f"about {duration(left)} of CPU time"
            if self.cores:
                on = f"about {duration(left / self.cores)} on {_counted(self.cores, 'core')}"
            parts.append(on)
        return "Sweep: " + "; ".join(parts) + "."


def estimate(
    plan: Plan, there: Set[int], *, store: Any, workers: int | None, threads: int | None, cluster: bool, pilot: bool
) -> Estimate:  # fmt: skip
    """The estimate of a plan of which some chunks are there.

    Raises
    ------
    InputError
        When the results do not fit into memory, or on the disk of a local store, or a chunk does not fit into memory.
    """
    member = member_bytes(plan)
    result_bytes = member * plan.members
    chunk_bytes = chunk_memory(plan)
    cores = None if cluster else workers or thread_count(10**6, threads)
    left = result_bytes * (len(plan) - len(there)) // max(len(plan), 1)
    _refuse_too_large(plan, result_bytes if store is None else 0, left, chunk_bytes * (workers or 1), store)
    seconds = _seconds(plan) if pilot and plan.members >= PILOT_FROM and len(there) < len(plan) else None
    return Estimate(
        plan.members, len(plan), len(there), prod(plan.chunk), result_bytes, chunk_bytes, seconds, cores
    )  # fmt: skip


def member_bytes(plan: Plan) -> int:
    """Bytes of the results of one member, not compressed."""
    return sum(
        prod(each.shape) * (TEXT if each.dtype == "str" else np.dtype(each.dtype).itemsize) for each in plan.variables
    )


def chunk_memory(plan: Plan) -> int:
    """Bytes that a process holds while it computes a chunk: its results twice, its states, and its members."""
    work = plan.work
    replicas = int(work.options.get("replicas") or 1)
    states = 8 * work.scenario.state_length * len(work.times) * replicas
    return prod(plan.chunk) * (2 * member_bytes(plan) + states + OBJECTS)


def _refuse_too_large(plan: Plan, in_memory: int, left: int, at_work: int, store: Any) -> None:
    free = _free_memory()
    advice = "Keep fewer `observables`, or fewer times (`save_at`)"
    if in_memory + at_work > free:
        if in_memory > at_work:
            raise InputError(
                f"The results of this sweep take {size(in_memory)} of memory, but {size(free)} are free. Name a "
                f"`store`, which is written as chunks are done. {advice} where the store would be too large."
            )
        raise InputError(
            f"The chunks of this sweep take {size(at_work)} of memory at a time, but {size(free)} are free. Ask for "
            f"smaller ones: chunk={max(1, int(prod(plan.chunk) * free / at_work / 2))}. {advice} if that is not enough."
        )
    folder = _local(store)
    if folder is not None:
        space = shutil.disk_usage(folder).free
        if left > space:
            raise InputError(
                f"The results that are left take up to {size(left)}, but {size(space)} are free at {folder}. {advice}, "
                "or choose another place."
            )


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _local(store: Any) -> Path | None:
    """The folder that holds a local store, as far as it is there."""
    if store is None or (isinstance(store, str) and "://" in store and not store.startswith("file://")):
        return None
    path = Path(str(store).removeprefix("file://")).absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _seconds(plan: Plan) -> float | None:
    """CPU time of all members, from some that are spread over the sweep."""
    work, builder, members = plan.work, Builder(plan.work), []
    for flat in np.unique(np.linspace(0, plan.members - 1, PILOT).astype(int)).tolist():
        try:
            members.append(builder.member(tuple(int(i) for i in np.unravel_index(flat, plan.shape))))
        except InputError:
            continue
    if not members:
        return None
    return plan.members * engine_of(work.engine).seconds(work, members)


def size(number: float) -> str:
    """Bytes in words."""
    for unit, length in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= length:
            return f"{number / length:.3g} {unit}"
    return f"{number / 1e3:.3g} kB"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
