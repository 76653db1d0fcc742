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

from learndyn.errors import InputError
from learndyn.sweeps.engines import engine_of
from learndyn.sweeps.members import Builder
from learndyn.sweeps.plan import Plan
from learndyn.sweeps.progress import duration

# Smaller sweeps are done before a pilot would be.
PILOT_FROM = 200
# Members of a pilot, spread over the sweep.
PILOT = 16
# Bytes beside its arrays that a member takes while it runs: its scenario, its start, its state on the way.
OBJECTS = 6_000
# Chunks that a client can keep an account of, and files that a folder can hold.
MOST_CHUNKS = 10_000_000
ADVICE = "Keep fewer `observables`, or fewer times (`save_at`)"
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
        parts = [f"{_counted(self.members, 'scenario')} in {_counted(self.chunks, 'chunk')} of up to {self.largest}"]
        if self.there:
            parts.append(f"{_counted(self.there, 'chunk')} {'is' if self.there == 1 else 'are'} there already")
        parts.append(f"results {size(self.result_bytes)}, {size(self.chunk_bytes)} of memory a chunk")
        if self.seconds is not None:
            left = self.seconds * (self.chunks - self.there) / max(self.chunks, 1)
            on = f"on {_counted(self.cores, 'core')}" if self.cores else "of CPU time"
            parts.append(f"{duration(left / (self.cores or 1))} {on}")
        return "Sweep: " + "; ".join(parts) + "."


def estimate(plan: Plan, there: Set[int], *, cores: int | None, pilot: bool, smallest: int = PILOT_FROM) -> Estimate:
    """The estimate of a plan of which some chunks are there; ``cores`` is None where they are not known.

    The ``pilot`` is left out for sweeps of less than ``smallest`` members.
    """
    seconds = _seconds(plan) if pilot and plan.members >= smallest and len(there) < len(plan) else None
    result_bytes = member_bytes(plan) * plan.members
    return Estimate(
        plan.members, len(plan), len(there), prod(plan.chunk), result_bytes, chunk_memory(plan), seconds, cores
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


def refuse_too_large(plan: Plan, there: Set[int] | None, *, store: Any, workers: int | None) -> None:
    """Refuse what fits neither into memory nor on the disk of a local store.

    ``there`` are the chunks that are in the store already; None: it has not been looked at, and what it may lack is
    not known where it is there.

    Raises
    ------
    InputError
        With what would fit.
    """
    if len(plan) > MOST_CHUNKS:
        raise InputError(
            f"Argument `chunk` must be larger: {plan.members} scenarios are then {len(plan)} chunks, of which there "
            f"may be {MOST_CHUNKS}. Leave it out, or make several sweeps."
        )
    whole = member_bytes(plan) * plan.members
    in_memory, at_work, free = whole if store is None else 0, chunk_memory(plan) * (workers or 1), _free_memory()
    if in_memory + at_work > free:
        if in_memory > at_work:
            raise InputError(
                f"The results of this sweep take {size(in_memory)} of memory, but {size(free)} are free. Name a "
                f"`store`, which is written as chunks are done. {ADVICE} where the store would be too large."
            )
        raise InputError(
            f"The chunks of this sweep take {size(at_work)} of memory at a time, but {size(free)} are free. Ask for "
            f"smaller ones: chunk={max(1, int(prod(plan.chunk) * free / at_work / 2))}. {ADVICE} if that is not enough."
        )
    folder = _local(store)
    if folder is None or (there is None and folder == _path(store)):
        return
    left = whole * (len(plan) - len(there or ())) // max(len(plan), 1)
    space = shutil.disk_usage(folder).free
    if left > space:
        raise InputError(
            f"The results that are left take up to {size(left)}, but {size(space)} are free at {folder}. {ADVICE}, "
            "or choose another place."
        )


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _local(store: Any) -> Path | None:
    """The folder that holds a local store, as far as it is there."""
    if store is None or (isinstance(store, str) and "://" in store and not store.startswith("file://")):
        return None
    path = _path(store)
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _path(store: Any) -> Path:
    return Path(str(store).removeprefix("file://")).absolute()


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
