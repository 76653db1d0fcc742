"""Runs independent replicas over threads, with a progress bar, an honest Ctrl-C and early stops.

The driver knows rows and updates and nothing of what a replica computes. It promises:

- what is kept does not depend on the number of threads, unless the user interrupts;
- Ctrl-C keeps what is done: finished replicas whole, or, when none has finished, all running ones cut to the rows that
  every one of them has recorded;
- a replica that stops early (learning diverged) ends the whole run at the rows that it still recorded, because a mean
  over the replicas that survive would be biased. The others run just far enough to know that none stops earlier;
- an exception in one replica stops the others and is raised here.

For developers: a replica implements `Replica`. Its `advance` makes a chunk of 0.1 to 0.2 s of work and must release the
GIL while it computes; allocate in the first call and free at the end, so that only replicas that run hold memory. What
is left between two calls is the whole state of the replica: a checkpoint is taken there.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

POLL_SECONDS = 0.1
Progress = bool | None | Callable[[int, int], None]


@dataclass(frozen=True)
class EarlyStop:
    """Why a replica stopped before its last row: a status for the result and a clause for its message."""

    status: str
    reason: str


class Replica(Protocol):
    """One independent run, driven chunk by chunk."""

    position: int  # updates made; when it stops early: a number that depends on the replica alone, not on its chunks
    rows: int  # rows recorded
    finished: bool  # nothing left to do: the last row is recorded, or it stopped early
    early_stop: EarlyStop | None

    def advance(self) -> None:
        """Make one chunk of updates and record the rows that it reaches."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What is left of a run: which replicas, how many rows of each, and how the run ended."""

    kept: np.ndarray  # indices of replicas, ascending
    rows: int
    status: str  # "ok", "interrupted", or the status of the earliest early stop
    message: str


def thread_count(replicas: int, threads: int | None) -> int:
    """The number of threads to use: as asked, or one for each replica as far as this process has cores."""
    if threads is None:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(replicas, threads))


def run_replicas(
    replicas: Sequence[Replica],
    *,
    updates: int,
    threads: int | None = None,
    progress: Progress = None,
    description: str = "simulate",
) -> Outcome:
    """Run replicas to their ends, several at a time.

    Parameters
    ----------
    replicas
        The replicas, not started.
    updates
        Updates that one replica makes; for the progress bar.
    threads
        Replicas that run at the same time; None: as many as this process has cores.
    progress
        True or False: with or without a bar on stderr. None: a bar when stderr is a terminal and the run takes longer
        than a second. A function: called as ``progress(updates made, all updates)`` about ten times a second.
    description
        The bar's label.

    Returns
    -------
    Outcome
        The replicas and rows that are kept, with the status.

    Raises
    ------
    KeyboardInterrupt
        When the user interrupts before any replica has recorded a row.
    """
    run = _Run(replicas)
    total = updates * len(replicas)
    workers = thread_count(len(replicas), threads)
    interrupted = False
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="learndyn") as executor,
        _reporter(progress, total, description) as report,
    ):
        futures = [executor.submit(run.work) for _ in range(workers)]
        try:
            _watch(futures, lambda: report(run.updates_made(), total))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            run.stop.set()
    for future in futures:
        future.result()  # raises what a replica raised
    return _interrupted(run) if interrupted and not run.complete() else _finished(run)


def _watch(futures: list[Future[None]], report: Callable[[], object]) -> None:
    """Report until all work is done or a worker fails; here, in the main thread, Ctrl-C arrives."""
    working = True
    while working:
        done, pending = wait(futures, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
        working = bool(pending) and not any(future.exception() for future in done)
        report()


class _Run:
    """The replicas of one run, shared by the threads that advance them."""

    def __init__(self, replicas: Sequence[Replica]) -> None:
        self.replicas = replicas
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._next = iter(range(len(replicas)))
        self._horizon = float("inf")  # the least position at which a replica has stopped early

    def work(self) -> None:
        """Take one replica after another and run it to its end."""
        while not self.stop.is_set():
            with self._lock:
                index = next(self._next, None)
            if index is None:
                return
            self._drive(self.replicas[index])

    def _drive(self, replica: Replica) -> None:
        while not self.stop.is_set() and not self._through(replica):
            replica.advance()
            if replica.early_stop is not None:
                with self._lock:
                    self._horizon = min(self._horizon, replica.position)

    def _through(self, replica: Replica) -> bool:
        """Whether nothing that this replica may still do can change what is kept."""
        return replica.finished or replica.position > self._horizon

    def complete(self) -> bool:
        return all(self._through(replica) for replica in self.replicas)

    def through(self) -> list[int]:
        return [i for i, replica in enumerate(self.replicas) if self._through(replica)]

    def updates_made(self) -> int:
        return sum(replica.position for replica in self.replicas)


def _finished(run: _Run) -> Outcome:
    return _whole(run, list(range(len(run.replicas))), "ok", "All rows were reached.")


def _interrupted(run: _Run) -> Outcome:
    """What Ctrl-C leaves."""
    kept, count = run.through(), len(run.replicas)
    if kept:
        message = f"Interrupted: {len(kept)} of {count} replicas had finished and are kept."
        return _whole(run, kept, "interrupted", message)
    running = [i for i, replica in enumerate(run.replicas) if replica.rows > 0]
    if not running:
        raise KeyboardInterrupt
    rows = min(run.replicas[i].rows for i in running)
    message = (
        f"Interrupted: none of {count} replicas had finished; {len(running)} are kept, cut to the rows all reached."
    )
    return Outcome(np.array(running), rows, "interrupted", message)


def _whole(run: _Run, kept: list[int], status: str, message: str) -> Outcome:
    """The replicas `kept` with all their rows, or those before the earliest early stop among them."""
    replicas = run.replicas
    stopped = [(replicas[i].position, i) for i in kept if replicas[i].early_stop is not None]
    if stopped:
        _, first = min(stopped)
        stop = replicas[first].early_stop
        assert stop is not None
        ending = f"Replica {first} {stop.reason}"
        message = ending if status == "ok" else f"{ending} {message}"
        status = stop.status
    return Outcome(np.array(kept), min(replicas[i].rows for i in kept), status, message)


@contextmanager
def _reporter(progress: Progress, total: int, description: str) -> Iterator[Callable[[int, int], object]]:
    """A function that shows how far the run is."""
    if callable(progress):
        yield progress
        return
    wanted = sys.stderr.isatty() if progress is None else progress
    if not wanted:
        yield lambda done, total: None
        return
    from tqdm import tqdm

    form = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} updates [{elapsed}<{remaining}, {rate_fmt}]"
    bar = tqdm(
        total=total,
        desc=description,
        delay=1.0 if progress is None else 0.0,
        bar_format=form,
        unit_scale=True,
        leave=False,
        file=sys.stderr,
    )
    with bar:
        yield lambda done, total: bar.update(done - bar.n)
