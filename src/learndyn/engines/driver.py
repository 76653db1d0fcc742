"""Runs independent replicas over threads, with progress, an honest Ctrl-C, early stops and checkpoints.

The driver knows rows and updates and nothing of what a replica computes. It promises:

- what is kept does not depend on the number of threads, unless the user interrupts;
- Ctrl-C keeps what is done: finished replicas whole, or, when none has finished, all running ones cut to the rows that
  every one of them has recorded;
- a replica that stops early (learning diverged) ends the whole run at the rows that it still recorded, because a mean
  over the replicas that survive would be biased. The others run just far enough to know that none stops earlier;
- an exception in one replica stops the others and is raised here;
- with a checkpoint, a run that was cut (Ctrl-C, a crash, a lost machine) goes on where it was, with any number of
  threads, to the result of a run that was never cut. The file vanishes when the run has come to its end.

For developers: an engine hands in its replicas as units (`Unit`), one or several replicas each. A unit's `advance`
makes a chunk of 0.1 to 0.2 s of work and must release the GIL while it computes; allocate in the first call and free at
the end, so that only units that run hold memory. What is left between two calls is the whole state of the unit:
`snapshot` is called there, by the thread that advances the unit, so that a checkpoint stops nobody: units are
independent, and each snapshot is consistent by itself.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

import numpy as np

from learndyn.engines.checkpoint import Checkpoint, Snapshot
from learndyn.errors import InputError, LearndynWarning

POLL_SECONDS = 0.1
Progress = bool | None | Callable[[int, int], None]


@dataclass(frozen=True)
class EarlyStop:
    """Why a replica stopped before its last row: a status for the result, a clause for its message, its number."""

    status: str
    reason: str
    replica: int


class Unit(Protocol):
    """One replica, or several in lockstep, driven chunk by chunk.

    How replicas are grouped must not depend on the number of threads: a checkpoint holds units.
    """

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of its replicas; an attribute does."""
        ...

    position: int  # updates made; when it stops early: a number that depends on that replica alone, not on its chunks
    rows: int  # rows recorded
    finished: bool  # nothing left to do: the last row is recorded, or a replica stopped early
    early_stop: EarlyStop | None  # of the replica that stopped first; of several, the one with the lowest number

    def advance(self) -> None:
        """Make one chunk of updates and record the rows that it reaches."""
        ...

    def snapshot(self) -> dict[str, np.ndarray]:
        """What `restore` needs beside the attributes above: state, random state, rows recorded so far.

        Called between two advances, also when the unit has finished, never before the first. The arrays must not
        change any more: copy the state; the rows recorded so far may be a view.
        """
        ...

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Take over a snapshot, before the first advance; the attributes above (the driver's) are already set."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What is left of a run: which replicas, how many rows of each, and how the run ended."""

    kept: np.ndarray  # numbers of replicas, ascending
    rows: int
    status: str  # "ok", "interrupted", or the status of the earliest early stop
    message: str


def thread_count(units: int, threads: int | None) -> int:
    """The number of threads to use: as asked, or one for each unit as far as this process has cores."""
    if threads is None:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(units, threads))


def run_replicas(
    units: Sequence[Unit],
    *,
    updates: int,
    threads: int | None = None,
    progress: Progress = None,
    description: str = "simulate",
    checkpoint: Checkpoint | None = None,
) -> Outcome:
    """Run replicas to their ends, several at a time.

    Parameters
    ----------
    units
        The replicas, not started.
    updates
        Updates that one replica makes; for the progress bar.
    threads
        Units that run at the same time; None: as many as this process has cores.
    progress
        True or False: with or without a bar on stderr. None: a bar when stderr is a terminal and the run takes longer
        than a second. A function: called as ``progress(updates made, all updates)`` about ten times a second; both
        count the updates of all replicas.
    description
        The bar's label.
    checkpoint
        Where to keep what is needed to go on. When the file is there, the run goes on from it.

    Returns
    -------
    Outcome
        The replicas and rows that are kept, with the status.

    Raises
    ------
    InputError
        When the checkpoint cannot be used; nothing has run then.
    KeyboardInterrupt
        When the user interrupts before any replica has recorded a row.
    """
    run = _Run(units, snapshots=None if checkpoint is None else _begun(units, checkpoint))
    keeper = None if checkpoint is None else _Keeper(run, checkpoint)
    total = updates * sum(len(unit.numbers) for unit in units)
    workers = thread_count(len(units), threads)
    interrupted = False
    with (
        ThreadPoolExecutor(workers, thread_name_prefix="learndyn") as executor,
        _reporter(progress, run.updates_made(), total, description) as report,
    ):
        futures: list[Future[None]] = []
        try:
            futures.extend(executor.submit(run.work) for _ in range(workers))
            while _working(futures):
                report(run.updates_made(), total)
                if keeper is not None:
                    keeper.tend()
            report(run.updates_made(), total)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            run.stop.set()
    for future in futures:
        future.result()  # raises what a replica raised
    if interrupted and not run.complete():
        return _interrupted(run, "" if keeper is None else keeper.last_words())
    if checkpoint is not None:
        _remove(checkpoint)
    return _finished(run)


def _working(futures: list[Future[None]]) -> bool:
    """Wait a moment; whether work is left and no worker has failed. Here, in the main thread, Ctrl-C arrives."""
    done, pending = wait(futures, timeout=POLL_SECONDS, return_when=FIRST_EXCEPTION)
    return bool(pending) and not any(future.exception() for future in done)


class _Run:
    """The units of one run, shared by the threads that advance them.

    ``snapshots`` holds the newest ones by the unit's place: of units that have run or come from a checkpoint, brought
    up to date when the main thread asks (`ask`) and when a worker leaves a unit. None: nobody wants any.
    """

    def __init__(self, units: Sequence[Unit], snapshots: dict[int, Snapshot] | None) -> None:
        self.units = units
        self.stop = threading.Event()
        self.snapshots = snapshots
        self._lock = threading.Lock()
        self._next = iter(range(len(units)))
        self._running: set[int] = set()
        self._asked: set[int] = set()  # units whose snapshot is wanted and not yet there
        for place, snapshot in (snapshots or {}).items():
            _restore(units[place], snapshot)
        # The least position at which a replica has stopped early.
        self._horizon = min((unit.position for unit in units if unit.early_stop is not None), default=float("inf"))

    def work(self) -> None:
        """Take one unit after another and run it to its end."""
        while not self.stop.is_set():
            with self._lock:
                place = next(self._next, None)
                if place is None:
                    return
                self._running.add(place)
            self._drive(place)

    def _drive(self, place: int) -> None:
        unit, advanced = self.units[place], False
        while not self.stop.is_set() and not self._through(unit):
            unit.advance()
            advanced = True
            if unit.early_stop is not None:
                with self._lock:
                    self._horizon = min(self._horizon, unit.position)
            if place in self._asked:
                self._keep(place)
        if advanced:
            self._keep(place)
        with self._lock:
            self._running.discard(place)
            self._asked.discard(place)

    def _keep(self, place: int) -> None:
        if self.snapshots is None:
            return
        snapshot = _snapshot(self.units[place])
        with self._lock:
            self.snapshots[place] = snapshot
            self._asked.discard(place)

    def ask(self) -> None:
        """Want a new snapshot of every unit that runs."""
        with self._lock:
            self._asked = set(self._running)

    def answered(self) -> dict[int, Snapshot] | None:
        """The newest snapshots, when all that were asked for are there."""
        with self._lock:
            return dict(self.snapshots or {}) if not self._asked else None

    def _through(self, unit: Unit) -> bool:
        """Whether nothing that this unit may still do can change what is kept."""
        return unit.finished or unit.position > self._horizon

    def complete(self) -> bool:
        return all(self._through(unit) for unit in self.units)

    def through(self) -> list[Unit]:
        return [unit for unit in self.units if self._through(unit)]

    def updates_made(self) -> int:
        return sum(unit.position * len(unit.numbers) for unit in self.units)


class _Keeper:
    """Writes the checkpoint: now and then while the run goes on, and at Ctrl-C."""

    def __init__(self, run: _Run, checkpoint: Checkpoint) -> None:
        self._run, self._checkpoint = run, checkpoint
        self._asked, self._due = False, monotonic() + checkpoint.every

    def tend(self) -> None:
        """Ask for snapshots when a checkpoint is due, and write it when they are there; never waits."""
        if not self._asked:
            if monotonic() >= self._due:
                self._run.ask()
                self._asked = True
            return
        snapshots = self._run.answered()
        if snapshots is not None:
            self._write(snapshots)
            self._asked, self._due = False, monotonic() + self._checkpoint.every

    def last_words(self) -> str:
        """Write once more, after Ctrl-C, when no worker runs any more; what to tell the user."""
        written = self._write(self._run.snapshots or {})
        return f" The same call goes on from here ({self._checkpoint.path})." if written else ""

    def _write(self, snapshots: Mapping[int, Snapshot]) -> bool:
        """A run of days is not given up because a disk is full."""
        try:
            self._checkpoint.write(snapshots)
        except InputError as error:
            warnings.warn(f"No checkpoint was written. {error}", LearndynWarning, stacklevel=2)
            return False
        return True


def _remove(checkpoint: Checkpoint) -> None:
    """A finished run is not given up because its checkpoint stays."""
    try:
        checkpoint.remove()
    except OSError as error:
        warnings.warn(
            f"Checkpoint {checkpoint.path} is no longer needed, but cannot be removed "
            f"({error.strerror or error}). Remove it.",
            LearndynWarning,
            stacklevel=3,
        )


def _begun(units: Sequence[Unit], checkpoint: Checkpoint) -> dict[int, Snapshot]:
    """The snapshots in the file, by the unit's place, when they are of these units."""
    snapshots = checkpoint.read()
    for place, snapshot in snapshots.items():
        if place >= len(units) or list(units[place].numbers) != snapshot["numbers"].tolist():
            raise checkpoint.refusal("it holds other replicas, or the same in other groups")
    return snapshots


def _snapshot(unit: Unit) -> Snapshot:
    """A unit between two advances: the driver's attributes and what the unit adds."""
    stop = unit.early_stop
    driven = {
        "numbers": np.asarray(unit.numbers, dtype=np.int64),
        "progress": np.array([unit.position, unit.rows, unit.finished], dtype=np.int64),
        "early_stop": np.array([] if stop is None else [stop.status, stop.reason, str(stop.replica)], dtype=str),
    }
    return driven | {f"unit {name}": array for name, array in unit.snapshot().items()}


def _restore(unit: Unit, snapshot: Snapshot) -> None:
    position, rows, finished = snapshot["progress"].tolist()
    unit.position, unit.rows, unit.finished = position, rows, bool(finished)
    if snapshot["early_stop"].size:
        status, reason, replica = snapshot["early_stop"].tolist()
        unit.early_stop = EarlyStop(status, reason, int(replica))
    mine = "unit "
    unit.restore({name.removeprefix(mine): array for name, array in snapshot.items() if name.startswith(mine)})


def _numbers(units: Iterable[Unit]) -> np.ndarray:
    return np.array(sorted(number for unit in units for number in unit.numbers), dtype=np.int64)


def _finished(run: _Run) -> Outcome:
    return _whole(run.units, "ok", "All rows were reached.")


def _interrupted(run: _Run, last_words: str) -> Outcome:
    """What Ctrl-C leaves."""
    count = _numbers(run.units).size
    through = run.through()
    if through:
        message = f"Interrupted: {_numbers(through).size} of {count} replicas had finished and are kept.{last_words}"
        return _whole(through, "interrupted", message)
    running = [unit for unit in run.units if unit.rows > 0]
    if not running:
        raise KeyboardInterrupt
    kept = _numbers(running)
    message = (
        f"Interrupted: none of {count} replicas had finished; {kept.size} are kept, cut to the rows all reached."
        f"{last_words}"
    )
    return Outcome(kept, min(unit.rows for unit in running), "interrupted", message)


def _whole(kept: Sequence[Unit], status: str, message: str) -> Outcome:
    """The units `kept` with all their rows, or those before the earliest early stop among them."""
    stops = [(unit.position, unit.early_stop.replica, unit.early_stop) for unit in kept if unit.early_stop is not None]
    if stops:
        _, replica, stop = min(stops, key=lambda stopped: stopped[:2])
        ending = f"Replica {replica} {stop.reason}"
        message = ending if status == "ok" else f"{ending} {message}"
        status = stop.status
    return Outcome(_numbers(kept), min(unit.rows for unit in kept), status, message)


@contextmanager
def _reporter(progress: Progress, begin: int, total: int, description: str) -> Iterator[Callable[[int, int], object]]:
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
        initial=begin,
        desc=description,
        delay=1.0 if progress is None else 0.0,
        bar_format=form,
        unit_scale=True,
        leave=False,
        file=sys.stderr,
    )
    with bar:
        yield lambda done, total: bar.update(done - bar.n)
