"""The engine of a single weight vector that learns from samples, w <- w + eta (s x - lambda w), in the time eta mu.

It runs any `learndyn.scenarios.samples.SampleProcess`: the literal updates that are written there, on inputs of
`learndyn.engines.samples_sources`, by the loop of `learndyn.engines.samples_kernels`, replicas over the threads of
`learndyn.engines.driver`. At the rows that are asked for the process measures the weights, by the thread that runs the
replica; the weights themselves are kept where that is asked for.

Random numbers: the parts of a replica's stream (`learndyn.engines.streams`) that the sources name. Same process, seed
and kind of CPU: the same bits, for any number of threads, any chunk, and when the run was cut and went on from a
checkpoint. The updates do not depend on which rows are recorded either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from learndyn.engines.checkpoint import Checkpoint, fingerprint
from learndyn.engines.driver import Progress
from learndyn.engines.samples_kernels import PARTS, learn
from learndyn.engines.samples_sources import START, Source, source_of
from learndyn.engines.simulation import CHUNK_SECONDS, GROWTH_LIMIT, Clock, RateClock, RowUnit, SimulatedRun, run_units
from learndyn.engines.streams import stream
from learndyn.engines.weights_kernels import dot
from learndyn.scenarios.samples import DataInputs, SampleProcess

# Rows that are measured together, from multiples of this on.
TOGETHER = 64


def run_samples(
    process: SampleProcess,
    steps: np.ndarray,
    *,
    replicas: int = 1,
    threads: int | None = None,
    chunk: int | None = None,
    record_weights: bool = False,
    seed: int,
    progress: Progress = None,
    checkpoint: Checkpoint | None = None,
    at: float = 0.0,
    time_name: str = "t",
) -> SimulatedRun:
    """Simulate the learning of one weight vector, and record what the process measures.

    Parameters
    ----------
    process
        What is repeated, and from where.
    steps
        Update counts at which a row is recorded, increasing; 0 is the start.
    replicas
        Number of independent runs.
    threads
        Replicas that run at the same time; None: as many as this process has cores.
    chunk
        Updates between two looks at Ctrl-C; None: about 0.1 s. Does not change the result.
    record_weights
        Whether ``w`` is recorded too, n numbers a row and replica.
    seed
        A non-negative integer.
    progress
        As in `learndyn.engines.driver.run_replicas`.
    checkpoint
        Where to keep what is needed to go on after an interruption; its identity gains all arguments here that fix
        the bits. The caller's part is the process, and versions.
    at, time_name
        Time of the start and its name, for messages.

    Returns
    -------
    SimulatedRun
        ``record`` holds the observables, (replicas, rows) each, and ``w`` (replicas, rows, n) where it is asked for.
        With status ``"diverged"``, and the rows before, when some |w|^2 exceeded 1e6 times the process's scale or
        became NaN; this is tested at every row and at the end of every block of inputs.

    Raises
    ------
    InputError
        When the checkpoint cannot be used.
    KeyboardInterrupt
        When interrupted before any row was recorded.
    """
    steps = np.array(steps, dtype=np.int64)
    chunk = _chunk(process) if chunk is None else chunk
    plan = _Plan(process, steps, seed, chunk, RateClock(1, at, time_name, process.learning_rate))
    with threadpool_limits(limits=1, user_api="blas"):
        begin = perf_counter()
        _compile(process)
        compiling = perf_counter() - begin
        record = _room(process, replicas, steps.size, record_weights)
        units = [
            _Replica(plan, index, {name: values[index] for name, values in record.items()}) for index in range(replicas)
        ]
        if checkpoint is not None:
            checkpoint = checkpoint.including(**_identity(plan, replicas, record_weights))
        return run_units(
            units, record, steps, plan.clock, threads=threads, progress=progress, checkpoint=checkpoint,
            compiling=compiling, finish=lambda number: units[number].measure(),
        )  # fmt: skip


@dataclass(frozen=True)
class _Plan:
    """What all replicas of a run share."""

    process: SampleProcess
    steps: np.ndarray
    seed: int
    chunk: int
    clock: Clock


def _compile(process: SampleProcess) -> None:
    """Compile the loops, or load them from disk, by no update of two inputs, and by drawing some."""
    source_of(process.inputs, 0, 0).seek(0)
    X, y = np.zeros((1, 2)), np.ones(1)
    X.setflags(write=False)
    y.setflags(write=False)
    nothing = np.empty(0, dtype=np.int64)
    learn(PARTS, process.step, np.zeros(2), X, y, nothing, np.empty(0), 0.0, 0.0, process.memory.copy())


def _room(process: SampleProcess, replicas: int, rows: int, record_weights: bool) -> dict[str, np.ndarray]:
    """Where the replicas, on the first axis, record their rows, on the second."""
    n = process.inputs.n
    room: dict[str, np.ndarray] = {name: np.empty((replicas, rows)) for name in process.measure(np.ones((1, n)))}
    if record_weights:
        room["w"] = np.empty((replicas, rows, n))
    return room


def _identity(plan: _Plan, replicas: int, record_weights: bool) -> dict[str, Any]:
    """All arguments that fix the bits, for a checkpoint; not the chunk."""
    return {
        "engine": "samples",
        "n": plan.process.inputs.n,
        "rows": fingerprint(plan.steps),
        "replicas": replicas,
        "record_weights": record_weights,
        "seed": plan.seed,
    }


class _Replica(RowUnit):
    """One replica: its weights, its source, and the rows so far.

    Weights of the newest rows wait in ``_pending`` until they are measured; where all weights are kept, that is their
    place in the record.
    """

    def __init__(self, plan: _Plan, index: int, record: Mapping[str, np.ndarray]) -> None:
        super().__init__((index,), plan.steps, plan.clock, plan.chunk)
        self._plan, self._recorded = plan, record
        self._keeps = "w" in record
        self._measured = 0  # rows
        self._w, self._memory = np.empty(0), np.empty(0)
        self._pending = np.empty((0, 0))
        self._source: Source | None = None

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far and, unless finished, the state."""
        kept = {name: values[: self.rows] for name, values in self._recorded.items()}
        kept["measured"] = np.array([self._measured])
        if self._source is None:
            return kept
        state = {"state w": self._w.copy(), "state memory": self._memory.copy(), **self._source.snapshot()}
        return kept | state | ({} if self._keeps else {"pending": self._pending.copy()})

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        for name, values in self._recorded.items():
            values[: len(snapshot[name])] = snapshot[name]
        self._measured = int(snapshot["measured"][0])
        self._begun = True
        if self.finished:
            return
        self._open()
        assert self._source is not None
        self._w, self._memory = snapshot["state w"].copy(), snapshot["state memory"].copy()
        if not self._keeps:
            self._pending[:] = snapshot["pending"]
        self._source.restore(snapshot)

    def measure(self) -> None:
        """Measure the rows that have not been."""
        first, last = self._measured, self.rows
        if first == last:
            return
        place = slice(first, last) if self._keeps else slice(first % TOGETHER, first % TOGETHER + last - first)
        for name, values in self._plan.process.measure(self._pending[place]).items():
            self._recorded[name][first:last] = values
        self._measured = last

    def _open(self) -> None:
        """Streams and room."""
        plan = self._plan
        inputs = plan.process.inputs
        self._source = source_of(inputs, plan.seed, self.numbers[0])
        self._pending = self._recorded["w"] if self._keeps else np.zeros((TOGETHER, inputs.n))

    def _begin(self) -> None:
        process = self._plan.process
        self._open()
        rng = stream(self._plan.seed, "weights", process.inputs.n, self.numbers[0], START)
        self._w, self._memory = np.array(process.start(rng), dtype=float), process.memory.copy()

    def _release(self) -> None:
        self.measure()
        self._source, self._w = None, np.empty(0)

    def _make(self, end: int) -> None:
        """Make updates up to ``end``, a row or the end of what the source has; or notice divergence."""
        source, process, row = self._source, self._plan.process, int(self._plan.steps[self.rows])
        assert source is not None
        if self.position < row:
            first, last = self.position, min(end, row, source.seek(self.position))
            place = first % source.block
            learn(
                PARTS, process.step, self._w, source.X, source.y, source.rows(first, last), source.luck[place:],
                process.learning_rate, process.weight_decay, self._memory,
            )  # fmt: skip
            self.position = last
        if (self.position % source.block == 0 or self.position == row) and self._grown():
            self._beyond("|w|^2", self._plan.process.scale, "a smaller learning rate")
        elif self.position == row:
            self._pending[self.rows if self._keeps else self.rows % TOGETHER] = self._w
            self._count(1)
            if self.rows % TOGETHER == 0:
                self.measure()

    def _grown(self) -> bool:
        return not dot(self._w, self._w) <= GROWTH_LIMIT * self._plan.process.scale


def _chunk(process: SampleProcess) -> int:
    """Updates in a chunk of about 0.1 s: 3 ns a normal, 0.5 ns a weight, 0.03 ns a product of matrices, and 0.2 us."""
    inputs = process.inputs
    seconds = 2e-7 + 5e-10 * inputs.n
    if not isinstance(inputs, DataInputs):
        columns = max((factor.shape[1] for factor in inputs.factors), default=0)
        seconds += 3e-9 * inputs.normals + 3e-11 * inputs.n * columns
    return max(1, int(CHUNK_SECONDS / seconds))
