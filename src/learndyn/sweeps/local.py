"""Chunks one after another in this process, each on all threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from learndyn.sweeps.chunk import run_chunk
from learndyn.sweeps.done import Done
from learndyn.sweeps.plan import Plan


def run_here(
    plan: Plan, numbers: Iterable[int], writer: Any, on_done: Callable[[Done], None], *, threads: int | None = None
) -> None:
    """Compute these chunks: to the store of a ``writer``, or handed to ``on_done`` where that is None.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C; what was told to ``on_done`` is finished.
    InputError
        When the store cannot take more.
    """
    for number in numbers:
        begin = perf_counter()
        arrays = run_chunk(plan, number, threads)
        seconds = perf_counter() - begin
        failures = int((arrays["status"] != 0).sum())
        record = None if writer is None else writer.write(plan, number, arrays, {"seconds": seconds})
        on_done(Done(number, seconds, failures, arrays if writer is None else None, record))
