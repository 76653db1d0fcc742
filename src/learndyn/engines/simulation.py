"""What the simulation engines share: the run that they return, the way from row to row, and how they tell its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.driver import EarlyStop, Outcome, Progress, Unit, run_replicas
from learndyn.errors import InputError
from learndyn.scenarios.process import Function, OwnNumbers, Process

CHUNK_SECONDS = 0.1
GROWTH_LIMIT = 1e6  # learning has diverged when some |J_i|^2 exceeds this multiple of the trace of C at the start
TABLE = 1024  # updates whose rates are evaluated together


@dataclass(frozen=True)
class SimulatedRun:
    """What a simulation recorded.

    ``record`` holds arrays of shape (replicas, rows, ...) by name: R (..., K, P) and Q (..., K, K), and what options
    add (`learndyn.scenarios.process.Process.record_shapes`). Where weight vectors were recorded, it holds
    J (..., K, N) and B (replicas, P, N), which has rows only when the teacher walks.

    ``steps`` (rows,) are the update counts of the rows, ``replicas`` the numbers of the replicas that are kept.
    ``status`` is ``"ok"``, ``"interrupted"`` or ``"diverged"``; in the last two cases rows or replicas are missing, as
    ``message`` says, and there may be no row. ``timings`` holds seconds: ``"compile"`` (or load from disk), ``"run"``.
    """

    steps: np.ndarray
    record: dict[str, np.ndarray]
    replicas: np.ndarray
    status: str
    message: str
    timings: dict[str, float]

    @property
    def R(self) -> np.ndarray:
        """Overlaps of the students with the reference vectors."""
        return self.record["R"]

    @property
    def Q(self) -> np.ndarray:
        """Overlaps of the students."""
        return self.record["Q"]

    @property
    def J(self) -> np.ndarray | None:
        """The students' weight vectors, if they were recorded."""
        return self.record.get("J")

    @property
    def B(self) -> np.ndarray | None:
        """The reference vectors, if they were recorded."""
        return self.record.get("B")


@dataclass(frozen=True)
class Clock:
    """The time of an update count, in words: it begins at the start's own time."""

    N: int
    at: float = 0.0
    name: str = "alpha"

    def __call__(self, updates: int) -> str:
        """Such as 'alpha = 2.5'."""
        return f"{self.name} = {self.at + updates / self.N:.6g}"


@dataclass(frozen=True)
class RateClock(Clock):
    """The time of an update count that runs by the learning rate: t = at + eta mu."""

    rate: float = 1.0

    def __call__(self, updates: int) -> str:
        """Such as 't = 2.5'."""
        return f"{self.name} = {self.at + self.rate * updates:.6g}"


def require_room(vectors: int, N: int) -> None:
    """Refuse an input dimension with no room for K + M weight vectors of any overlaps."""
    if vectors > N:
        raise InputError(
            f"Argument `N` must be at least K + M = {vectors}, but it is {N}. "
            "Use a larger N: in fewer dimensions the weight vectors cannot have arbitrary overlaps."
        )


def sector_dimensions(process: Process, N: int) -> np.ndarray:
    """Dimensions of the sectors of the input, (L,), refused where they have no room for the vectors in them."""
    if process.spectrum is None:
        if process.plain:
            require_room(process.rows, N)
        dimensions = np.full(process.sectors or 1, N)
    else:
        dimensions = process.spectrum.dimensions(N)
    if dimensions.min() < process.rows:
        where = "" if process.spectrum is None else " for each eigenvalue of the inputs"
        raise InputError(
            f"Argument `N` must leave at least {process.rows} dimensions{where}, one for each vector there (weights, "
            f"velocities, references, mean), but N = {N} leaves {dimensions.min()}. Use a larger N."
        )
    return dimensions


def own_limits(process: Process) -> np.ndarray:
    """Beyond which moduli own numbers have grown without bound, (E,)."""
    parts = [np.full(len(part.start), GROWTH_LIMIT * (1.0 + np.abs(part.start).max())) for part in process.own]
    return np.concatenate([np.zeros(0), *parts])


def own_scales(process: Process, N: int) -> np.ndarray:
    """s_e: 1 / N, or 1 for a fast number, (E,)."""
    return np.where(process.fast, 1.0, 1.0 / N)


class TimeTable:
    """A constant, or a function of time, at the times of updates: alpha = at + mu / N for mu = 0, 1, ...

    A function is asked for `TABLE` updates at once, from multiples of it on, so that what it gives for an update does
    not depend on how a run is cut.
    """

    def __init__(self, value: np.ndarray | Function, at: float, N: int) -> None:
        self._value, self._at, self._N = value, at, N
        self._newest: tuple[int, np.ndarray] | None = None

    @property
    def constant(self) -> bool:
        """Whether it is the same at all times."""
        return not callable(self._value)

    def rows(self, first: int, last: int) -> np.ndarray:
        """The values before the updates first + 1 ... last, one below the other; a single row of a constant."""
        if not callable(self._value):
            return np.array(self._value, dtype=float)[None]
        blocks = range(first // TABLE, max(last - 1, first) // TABLE + 1)
        rows = np.concatenate([self._block(block) for block in blocks])
        return np.ascontiguousarray(rows[first - TABLE * blocks.start : last - TABLE * blocks.start])

    def _block(self, block: int) -> np.ndarray:
        newest = self._newest
        if newest is None or newest[0] != block:
            assert callable(self._value)
            times = self._at + np.arange(TABLE * block, TABLE * (block + 1)) / self._N
            newest = self._newest = block, np.asarray(self._value(times), dtype=float)
        return newest[1]


class RowUnit(ABC):
    """A unit of the driver (`learndyn.engines.driver.Unit`) that makes updates from one row to the next, in chunks.

    It ends early where the weights of one of its replicas have grown without bound. Chunks end at multiples of
    ``block``, so that nothing that works in blocks of updates depends on them.

    For developers: an engine says how to begin, and how to make updates and rows.
    """

    def __init__(
        self, numbers: Sequence[int], steps: np.ndarray, clock: Clock, chunk: int, block: int = 1
    ) -> None:  # fmt: skip
        self.numbers = numbers
        self.position = 0
        self.rows = 0
        self.finished = False
        self.early_stop: EarlyStop | None = None
        self._steps, self._clock, self._chunk, self._block = steps, clock, chunk, block
        self._begun = False

    @abstractmethod
    def _begin(self) -> None:
        """Make the state at the start."""

    @abstractmethod
    def _make(self, end: int) -> None:
        """Make updates to ``end`` or to a row: set ``position`` and `_count` rows, or tell who has `_diverged`."""

    @abstractmethod
    def _release(self) -> None:
        """Forget the state."""

    @abstractmethod
    def snapshot(self) -> dict[str, np.ndarray]:
        """See `learndyn.engines.driver.Unit`."""

    @abstractmethod
    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """See `learndyn.engines.driver.Unit`; sets ``_begun``."""

    def advance(self) -> None:
        """One chunk."""
        with np.errstate(all="ignore"):  # a diverging run overflows before it is noticed
            if not self._begun:
                self._begin()
                self._begun = True
            end = self.position + self._chunk
            end = -(-end // self._block) * self._block
            while self.position < end and not self.finished:
                self._make(end)
        if self.finished:
            self._release()

    def _count(self, rows: int) -> None:
        """So many rows more have been recorded."""
        self.rows += rows
        self.finished = self.rows == self._steps.size

    def _diverged(self, index: int, own: OwnNumbers | None = None) -> None:
        """The replica of this index among ``numbers`` has grown without bound: its weights, or these own numbers."""
        what = f"some |J_i|^2 exceeded {GROWTH_LIMIT:g} times the trace of the overlaps at the start"
        rate = "a smaller learning rate"
        if own is not None:
            what = f"some |{own.name}_i| exceeded {GROWTH_LIMIT:g} times 1 + its largest value at the start"
            rate = own.remedy or f"a smaller learning rate of {own.name}"
            if own.fast:
                rate += ", which on the fast time scale acts undivided at every update"
        self._end_early(what, rate, index)

    def _beyond(self, what: str, scale: float, rate: str) -> None:
        """The one replica has grown without bound: ``what``, beyond `GROWTH_LIMIT` times its natural ``scale``."""
        self._end_early(f"{what} exceeded {GROWTH_LIMIT:g} times its natural scale, {scale:.3g}", rate, 0)

    def _end_early(self, what: str, remedy: str, index: int) -> None:
        self.finished = True
        reason = f"diverged at {self._clock(self.position)}: {what}. The rows before are kept; try {remedy}."
        self.early_stop = EarlyStop("diverged", reason, self.numbers[index])


def run_units(
    units: Sequence[Unit],
    record: Mapping[str, np.ndarray],
    steps: np.ndarray,
    clock: Clock,
    *,
    threads: int | None,
    progress: Progress,
    checkpoint: Checkpoint | None,
    compiling: float,
    fixed: Sequence[str] = (),
    finish: Callable[[int], None] | None = None,
) -> SimulatedRun:
    """Run units to their ends; the run, with what the replicas that are kept have recorded.

    ``record`` are the arrays (replicas, rows, ...) that the units write to, those in ``fixed`` without rows;
    ``compiling`` the seconds that the engine has taken for it; ``finish`` is called with the number of each replica
    that is kept.
    """
    begin = perf_counter()
    outcome = run_replicas(units, updates=int(steps[-1]), threads=threads, progress=progress, checkpoint=checkpoint)
    if finish is not None:
        for number in outcome.kept.tolist():
            finish(number)
    end = perf_counter()
    return SimulatedRun(
        record={
            name: values[outcome.kept] if name in fixed else values[outcome.kept, : outcome.rows]
            for name, values in record.items()
        },
        steps=steps[: outcome.rows],
        replicas=outcome.kept,
        status=outcome.status,
        message=message(outcome, steps, clock),
        timings={"compile": compiling, "run": end - begin},
    )


def message(outcome: Outcome, steps: np.ndarray, clock: Clock) -> str:
    """The driver's message, with the place of the last row where the user wants to know it."""
    if outcome.status != "interrupted" or outcome.rows == 0:
        return outcome.message
    return f"{outcome.message} The last row is at {clock(steps[outcome.rows - 1])}."
