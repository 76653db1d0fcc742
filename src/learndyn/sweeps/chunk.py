"""One chunk of a sweep, computed: its members are made, run by the engine, and put in the arrays of the result.

A member that cannot be made, or that ends early, has its status and its message in its place; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from learndyn.sweeps.engines import STATUSES, Outcome, engine_of, failed
from learndyn.sweeps.members import Builder, Member
from learndyn.sweeps.plan import Plan


def run_chunk(
    plan: Plan, number: int, threads: int | None = None, *, stop: Callable[[], bool] | None = None
) -> dict[str, np.ndarray]:
    """All variables in a chunk, each of the shape of its block and then its own.

    Parameters
    ----------
    plan, number
        The sweep, and which chunk of it.
    threads
        Threads to compute with; None: all cores. The result does not depend on it.
    stop
        Asked now and then: whether to give up, as at Ctrl-C.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C, and when asked to stop: nothing of the chunk is kept.
    """
    block, work = plan.block(number), plan.work
    corner = tuple(part.start for part in block)
    arrays = {variable.name: variable.empty(plan.block_shape(number)) for variable in plan.variables}
    members: list[Member] = []
    builder = Builder(work)
    for place in work.places(block):
        try:
            members.append(builder.member(place))
        except Exception as error:
            _put(arrays, _inside(place, corner), failed(error))
    outcomes = engine_of(work.engine).run(work, members, threads, _teller(stop))
    for member, outcome in zip(members, outcomes, strict=True):
        _put(arrays, _inside(member.place, corner), outcome)
    return arrays


def _teller(stop: Callable[[], bool] | None) -> Callable[..., None]:
    """What an engine calls as it goes on, from the thread that called it; interrupts it when it is to stop."""

    def tell(*_: Any) -> None:
        if stop is not None and stop():
            raise KeyboardInterrupt

    return tell


def _inside(place: tuple[int, ...], corner: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(at - begin for at, begin in zip(place, corner, strict=True))


def _put(arrays: dict[str, np.ndarray], place: tuple[int, ...], outcome: Outcome) -> None:
    """Write what came of a member; rows that it did not reach, and units that it does not have, stay empty."""
    ending: dict[str, Any] = {
        "status": STATUSES.index(outcome.status) - 1,
        "message": outcome.message,
        "end": outcome.end,
        **outcome.more,
    }
    for name, value in ending.items():
        if name in arrays:
            arrays[name][place] = value
    for name, value in outcome.values.items():
        if name in arrays:
            arrays[name][place][tuple(slice(size) for size in value.shape)] = value
