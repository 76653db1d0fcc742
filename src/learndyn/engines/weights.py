"""The weights engine: gradient descent on real weight vectors, J_i <- J_i + (eta / N) F_i xi, xi ~ N(0, I_N).

It runs any `learndyn.scenarios.process.Process`: the literal updates that are written there. The overlaps R = J B^T and
Q = J J^T, and what options add, are measured at the rows that are asked for. A running replica holds its vectors and
the inputs at work and nothing that grows with the number of updates; the loops are in
`learndyn.engines.weights_kernels` and `learndyn.engines.weights_general`, the state of a replica in
`learndyn.engines.weights_state`, the threads in `learndyn.engines.driver`.

Random numbers: a replica draws its inputs from part 0 of its stream (`learndyn.engines.streams`), the weight vectors of
its start from part 1, the luck of its updates from part 2 and the teacher's walk from part 3. Same scenario, seed and
kind of CPU: the same bits, for any number of threads, any chunk, and when the run was cut and went on from a
checkpoint. Results depend on which rows are recorded by rounding only.
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
from learndyn.engines.simulation import (
    CHUNK_SECONDS,
    GROWTH_LIMIT,
    TABLE,
    Clock,
    RowUnit,
    SimulatedRun,
    require_room,
    run_units,
    sector_dimensions,
)
from learndyn.engines.weights_kernels import BLOCK, NOT_GROWN, WEIGHTS_GREW
from learndyn.engines.weights_state import State, draw_rows
from learndyn.scenarios.process import Process


def draw_weights(C: np.ndarray, K: int, N: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Random weight vectors with given overlaps, in a uniformly random orientation.

    W = S F with F a random orthonormal frame and S S^T = C (`learndyn.gaussian.factor.root`); so W W^T = C, also for a
    singular C.

    Parameters
    ----------
    C
        Overlaps [[Q, R], [R^T, T]], shape (K + M, K + M), positive semidefinite.
    K
        Number of student vectors.
    N
        Dimension of the vectors, at least K + M.
    rng
        Source of the orientation.

    Returns
    -------
    J, B
        Student (K, N) and teacher (M, N) vectors, views of one array. Each overlap is met to 1e-14 times the lengths of
        the two vectors.

    Raises
    ------
    InputError
        When N < K + M.
    """
    C = np.asarray(C, dtype=float)
    require_room(len(C), N)
    W = draw_rows(C, N, rng)
    return W[:K], W[K:]


def uses_blocks(K: int, M: int) -> bool:
    """Whether blocks of inputs are faster than one after another, for any N.

    Measured for N = 50 ... 1e5, time of the plain kernel over that of the blocks: K = M = 1: 0.8, 2: 0.9 to 1.04,
    3: 1.01 to 1.03, 4: 1.06 to 1.14, 5: 1.05, 10: 1.25 to 1.5, 20: 1.75.
    """
    return K + M >= 8


def run_weights(
    process: Process,
    N: int,
    steps: np.ndarray,
    *,
    replicas: int = 1,
    threads: int | None = None,
    chunk: int | None = None,
    blocks: bool | None = None,
    record_weights: bool = False,
    seed: int,
    progress: Progress = None,
    checkpoint: Checkpoint | None = None,
    at: float = 0.0,
    time_name: str = "alpha",
) -> SimulatedRun:
    """Simulate gradient descent on weight vectors and record the overlaps.

    Parameters
    ----------
    process
        What is repeated, and from which overlaps; every replica starts with exactly these. Of a step without options:
        `learndyn.scenarios.process.bare`.
    N
        Dimension of the inputs, of a branch in a tree; at least the number of vectors (in each sector of the inputs).
    steps
        Update counts at which a row is recorded, increasing; 0 is the start.
    replicas
        Number of independent runs.
    threads
        Replicas that run at the same time; None: as many as this process has cores.
    chunk
        Updates between two looks at Ctrl-C; None: about 0.1 s. Does not change the result.
    blocks
        The kernel of a plain process; None: the faster one (`uses_blocks`). Changes the result by rounding.
    record_weights
        Whether the weight vectors are recorded too, K N numbers a row and replica.
    seed
        A non-negative integer.
    progress
        As in `learndyn.engines.driver.run_replicas`.
    checkpoint
        Where to keep what is needed to go on after an interruption; its identity gains all arguments here that fix
        the bits. The caller's part is what the process holds beside C and own numbers, and versions.
    at, time_name
        Time of the start, from which functions of time go on; and its name, for messages.

    Returns
    -------
    SimulatedRun
        With status ``"diverged"``, and the rows before, when some |J_i|^2 exceeded 1e6 trace(C), or an own number 1e6
        times 1 + the largest of its kind at the start, or became NaN; this is tested at every row and every N updates
        (rounded up to a multiple of 16).

    Raises
    ------
    InputError
        When N is too small, or the checkpoint cannot be used.
    KeyboardInterrupt
        When interrupted before any row was recorded.
    """
    steps = np.array(steps, dtype=np.int64)
    sector_dimensions(process, N)
    if blocks is None:
        blocks = process.plain_at_given_rates and uses_blocks(process.K, process.M)
    chunk = _chunk(process, N) if chunk is None else chunk
    plan = _Plan(process, N, steps, seed, blocks, chunk, Clock(N, at, time_name))
    with threadpool_limits(limits=1, user_api="blas"):
        begin = perf_counter()
        State.compile(process, blocks)
        compiling = perf_counter() - begin
        record = _room(plan, replicas, record_weights)
        units = [
            _WeightsReplica(plan, index, {name: values[index] for name, values in record.items()})
            for index in range(replicas)
        ]
        if checkpoint is not None:
            checkpoint = checkpoint.including(**_identity(plan, replicas, record_weights))
        return run_units(
            units, record, steps, plan.clock, threads=threads, progress=progress, checkpoint=checkpoint,
            compiling=compiling, fixed=plan.fixed,
        )  # fmt: skip


@dataclass(frozen=True)
class _Plan:
    """What all replicas of a run share."""

    process: Process
    N: int
    steps: np.ndarray
    seed: int
    blocks: bool
    chunk: int
    clock: Clock

    @property
    def interval(self) -> int:
        """Updates between two tests for divergence: N, as a multiple of the block."""
        return -(-self.N // BLOCK) * BLOCK

    @property
    def limit(self) -> float:
        return GROWTH_LIMIT * float(np.trace(self.process.C, axis1=-2, axis2=-1).sum())

    @property
    def fixed(self) -> tuple[str, ...]:
        """What is recorded once and not in rows: the reference vectors, unless they walk."""
        return ("B",) if self.process.teacher_drift is None else ()


def _room(plan: _Plan, replicas: int, record_weights: bool) -> dict[str, np.ndarray]:
    """Where the replicas, on the first axis, record their rows, on the second; what is fixed has no rows."""
    process, rows = plan.process, (plan.steps.size,)
    room = {name: np.empty((replicas, *rows, *shape)) for name, shape in process.record_shapes().items()}
    if record_weights:
        vectors = process.branches * process.references
        room["J"] = np.empty((replicas, *rows, process.K, plan.N))
        room["B"] = np.empty((replicas, *(() if "B" in plan.fixed else rows), vectors, plan.N))
    return room


def _identity(plan: _Plan, replicas: int, record_weights: bool) -> dict[str, Any]:
    """All arguments that fix the bits, for a checkpoint; not the chunk."""
    own = {"own": fingerprint(plan.process.own_start)} if plan.process.own else {}
    return {
        "engine": "weights",
        "C": fingerprint(plan.process.C),
        "K": plan.process.K,
        "N": plan.N,
        "rows": fingerprint(plan.steps),
        "replicas": replicas,
        "blocks": plan.blocks,
        "record_weights": record_weights,
        "seed": plan.seed,
        **own,
    }


class _WeightsReplica(RowUnit):
    """One replica: its state, and the rows so far."""

    def __init__(self, plan: _Plan, index: int, record: Mapping[str, np.ndarray]) -> None:
        super().__init__((index,), plan.steps, plan.clock, plan.chunk, BLOCK)
        self._plan, self._index, self._recorded = plan, index, record
        self._state: State | None = None

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far and, unless finished, the state."""
        fixed = self._plan.fixed
        kept = {name: values if name in fixed else values[: self.rows] for name, values in self._recorded.items()}
        return kept | ({} if self._state is None else self._state.snapshot())

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        for name, values in self._recorded.items():
            values[: len(snapshot[name])] = snapshot[name]
        self._begun = True
        if not self.finished:
            self._state = self._new_state()
            self._state.restore(snapshot)

    def _new_state(self) -> State:
        plan = self._plan
        return State(plan.process, plan.N, plan.blocks, plan.seed, self._index, plan.clock.at)

    def _begin(self) -> None:
        self._state = self._new_state()
        self._state.begin()
        for name in self._plan.fixed:
            if name in self._recorded:
                self._recorded[name][:] = self._state.vectors(name)

    def _release(self) -> None:
        self._state = None

    def _make(self, end: int) -> None:
        """Make updates up to ``end`` or the next row, and record that; or notice divergence."""
        assert self._state is not None
        plan, row = self._plan, int(self._plan.steps[self.rows])
        last = min(end, row, TABLE * (self.position // TABLE + 1)) if self._state.scheduled else min(end, row)
        self.position, who = self._state.advance(self.position, last, plan.interval, plan.limit)
        if who != NOT_GROWN:
            self._tell_divergence(who)
        elif self.position == row:
            self._record()

    def _record(self) -> None:
        assert self._state is not None
        who = self._state.grown(self._plan.limit)
        if who != NOT_GROWN:
            self._tell_divergence(who)
            return
        for name, value in self._state.measured().items():
            self._recorded[name][self.rows] = value
        for name in {"J", "B"}.intersection(self._recorded).difference(self._plan.fixed):
            self._recorded[name][self.rows] = self._state.vectors(name)
        self._count(1)

    def _tell_divergence(self, who: int) -> None:
        self._diverged(0, None if who == WEIGHTS_GREW else self._plan.process.own_part(who))


def _chunk(process: Process, N: int) -> int:
    """Updates in a chunk of about 0.1 s: some 4 ns for each normal, 0.4 ns for each weight, 0.1 us for the rest."""
    inputs = process.batch * (process.K if process.tree else 1) + (process.teacher_drift is not None) * process.M
    weights = process.rows * (1 if process.plain_at_given_rates else process.batch + 3)
    return max(1, int(CHUNK_SECONDS / (1e-7 + 1e-9 * N * (4.0 * inputs + 0.4 * weights))))
