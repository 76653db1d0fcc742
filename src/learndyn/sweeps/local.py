"""Chunks in this process: one on each core, or few of them on all cores.

Chunks beside each other do not wait for one another: a member that takes long holds no core but its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from threading import Event
from time import perf_counter
from typing import Any

from learndyn.engines.driver import thread_count
from learndyn.sweeps.chunk import run_chunk
from learndyn.sweeps.done import Done, done_with
from learndyn.sweeps.plan import Plan


def run_here(
    plan: Plan, numbers: Sequence[int], writer: Any, on_done: Callable[[Done], None], *, threads: int | None = None
) -> None:
    """Compute these chunks: to the store of a ``writer``, or handed to ``on_done`` where that is None.

    ``on_done`` is called in this thread.

    Raises
    ------
    KeyboardInterrupt
        At Ctrl-C; what was told to ``on_done`` is finished, and of the rest nothing is kept.
    InputError
        When the store cannot take more.
    """
    cores = thread_count(10**6, threads)
    beside = max(1, min(cores, len(numbers)))
    waiting = iter(numbers)
    stop = Event()
    with ThreadPoolExecutor(beside, thread_name_prefix="learndyn-chunk") as pool:

        def submitted(count: int) -> Iterator[Future[Done]]:
            for number in islice(waiting, count):
                yield pool.submit(_one, plan, number, writer, cores // beside, stop)

        try:
            running = set(submitted(beside))
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    on_done(future.result())
                running |= set(submitted(len(done)))
        except BaseException:
            # Those that run come to an end at once, and are not kept.
            stop.set()
            raise


def _one(plan: Plan, number: int, writer: Any, threads: int, stop: Event) -> Done:
    begin = perf_counter()
    arrays = run_chunk(plan, number, threads, stop=stop.is_set)
    return done_with(plan, number, arrays, writer, perf_counter() - begin)
