"""The weights engine: gradient descent on real weight vectors, J_i <- J_i + (eta / N) delta_i xi, xi ~ N(0, I_N).

The overlaps R = J B^T and Q = J J^T are measured at the rows that are asked for. A running replica holds the K + M
weight vectors and the inputs at work and nothing that grows with the number of updates; the loops are in
`learndyn.engines.weights_kernels`, the threads in `learndyn.engines.driver`.

Random numbers: a replica draws its inputs from part 0 of its stream (`learndyn.engines.streams`), and the weight
vectors of its start from part 1. Same scenario, seed and kind of CPU: the same bits, for any number of threads, any
chunk, and when the run was cut and went on from a checkpoint. Results depend on which rows are recorded by rounding
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from learndyn.engines.checkpoint import Checkpoint, fingerprint
from learndyn.engines.driver import Progress, run_replicas
from learndyn.engines.simulation import CHUNK_SECONDS, GROWTH_LIMIT, Clock, RowUnit, SimulatedRun, message, require_room
from learndyn.engines.streams import generator_from, generator_state, stream
from learndyn.engines.weights_kernels import BLOCK, advance_blocks, advance_plain
from learndyn.gaussian.factor import root

INPUTS, START = 0, 1  # the parts of a replica's stream


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
    W = _draw_rows(np.asarray(C, dtype=float), N, rng)
    return W[:K], W[K:]


def _draw_rows(C: np.ndarray, N: int, rng: np.random.Generator) -> np.ndarray:
    """J and B of `draw_weights`, below each other in one array."""
    size = C.shape[0]
    require_room(size, N)
    columns, triangle = np.linalg.qr(rng.standard_normal((N, size)))
    frame = (columns * np.sign(np.diag(triangle))).T  # the sign makes the frame uniformly distributed
    return np.ascontiguousarray(root(C) @ frame)


def uses_blocks(K: int, M: int) -> bool:
    """Whether blocks of inputs are faster than one after another, for any N.

    Measured for N = 50 ... 1e5, time of the plain kernel over that of the blocks: K = M = 1: 0.8, 2: 0.9 to 1.04,
    3: 1.01 to 1.03, 4: 1.06 to 1.14, 5: 1.05, 10: 1.25 to 1.5, 20: 1.75.
    """
    return K + M >= 8


def run_weights(
    step: Any,
    C: np.ndarray,
    K: int,
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
    step
        The scenario's update: a NamedTuple with `learning_rate` and an overload of `error_signal`
        (`learndyn.scenarios.microscopic`).
    C
        Overlaps [[Q, R], [R^T, T]] at the start, shape (K + M, K + M), positive semidefinite; every replica starts
        with exactly these.
    K, N
        Number of student vectors; dimension of the inputs, at least K + M.
    steps
        Update counts at which a row is recorded, increasing; 0 is the start.
    replicas
        Number of independent runs.
    threads
        Replicas that run at the same time; None: as many as this process has cores.
    chunk
        Updates between two looks at Ctrl-C; None: about 0.1 s. Does not change the result.
    blocks
        The kernel; None: the faster one (`uses_blocks`). Changes the result by rounding.
    record_weights
        Whether the weight vectors are recorded too, K N numbers a row and replica.
    seed
        A non-negative integer.
    progress
        As in `learndyn.engines.driver.run_replicas`.
    checkpoint
        Where to keep what is needed to go on after an interruption; its identity gains all arguments here that fix
        the bits. The caller's part is what `step` holds, and versions.
    at, time_name
        Time of the start, and its name; for messages.

    Returns
    -------
    SimulatedRun
        With status ``"diverged"``, and the rows before, when some |J_i|^2 exceeded 1e6 trace(C) or became NaN; this is
        tested at every row and every N updates (rounded up to a multiple of 16).

    Raises
    ------
    InputError
        When N < K + M, or the checkpoint cannot be used.
    KeyboardInterrupt
        When interrupted before any row was recorded.
    """
    C = np.array(C, dtype=float)
    steps = np.array(steps, dtype=np.int64)
    M = C.shape[0] - K
    require_room(K + M, N)
    if blocks is None:
        blocks = uses_blocks(K, M)
    chunk = _chunk(K, M, N) if chunk is None else chunk
    plan = _Plan(step, C, K, N, steps, seed, blocks, chunk, Clock(N, at, time_name))
    with threadpool_limits(limits=1, user_api="blas"):
        begin = perf_counter()
        _compile(plan)
        compiled = perf_counter()
        record = _room(plan, replicas, record_weights)
        units = [
            _WeightsReplica(plan, index, {name: values[index] for name, values in record.items()})
            for index in range(replicas)
        ]
        if checkpoint is not None:
            checkpoint = checkpoint.including(**_identity(plan, replicas, record_weights))
        outcome = run_replicas(units, updates=int(steps[-1]), threads=threads, progress=progress, checkpoint=checkpoint)
        end = perf_counter()
    recorded = {
        name: values[outcome.kept] if name == "B" else values[outcome.kept, : outcome.rows]
        for name, values in record.items()
    }
    return SimulatedRun(
        **recorded,
        steps=steps[: outcome.rows],
        replicas=outcome.kept,
        status=outcome.status,
        message=message(outcome, plan.steps, plan.clock),
        timings={"compile": compiled - begin, "run": end - compiled},
    )


@dataclass(frozen=True)
class _Plan:
    """What all replicas of a run share."""

    step: Any
    C: np.ndarray
    K: int
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
        return GROWTH_LIMIT * float(np.trace(self.C))

    def working_space(self, N: int) -> np.ndarray:
        return np.empty((BLOCK if self.blocks else 2, N))

    def advance(self, W: np.ndarray, inputs: np.ndarray, rng: Any, first: int, last: int) -> tuple[int, bool]:
        kernel = advance_blocks if self.blocks else advance_plain
        return kernel(self.step, W, self.K, inputs, rng, first, last, self.interval, self.limit)


def _room(plan: _Plan, replicas: int, record_weights: bool) -> dict[str, np.ndarray]:
    """Where the replicas, on the first axis, record their rows, on the second; B has no rows."""
    K, N, rows = plan.K, plan.N, plan.steps.size
    M = plan.C.shape[0] - K
    room = {"R": np.empty((replicas, rows, K, M)), "Q": np.empty((replicas, rows, K, K))}
    if record_weights:
        room |= {"J": np.empty((replicas, rows, K, N)), "B": np.empty((replicas, M, N))}
    return room


def _identity(plan: _Plan, replicas: int, record_weights: bool) -> dict[str, Any]:
    """All arguments that fix the bits, for a checkpoint; not the chunk."""
    return {
        "engine": "weights",
        "C": fingerprint(plan.C),
        "K": plan.K,
        "N": plan.N,
        "rows": fingerprint(plan.steps),
        "replicas": replicas,
        "blocks": plan.blocks,
        "record_weights": record_weights,
        "seed": plan.seed,
    }


class _WeightsReplica(RowUnit):
    """One replica: weight vectors, a stream, and the rows so far."""

    def __init__(self, plan: _Plan, index: int, record: Mapping[str, np.ndarray]) -> None:
        super().__init__((index,), plan.steps, plan.clock, plan.chunk, BLOCK)
        self._plan, self._index, self._recorded = plan, index, record
        self._W: np.ndarray | None = None  # rows: J, then B
        self._inputs: np.ndarray | None = None
        self._rng: np.random.Generator | None = None

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far and, unless finished, the weight vectors and the stream."""
        kept = {name: values if name == "B" else values[: self.rows] for name, values in self._recorded.items()}
        if self._W is not None:
            assert self._rng is not None
            kept |= {"W": self._W.copy(), "stream": generator_state(self._rng)}
        return kept

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        for name, values in self._recorded.items():
            values[: len(snapshot[name])] = snapshot[name]
        self._begun = True
        if not self.finished:
            self._W, self._rng = snapshot["W"], generator_from(snapshot["stream"])
            self._inputs = self._plan.working_space(self._plan.N)

    def _begin(self) -> None:
        plan = self._plan
        self._rng = stream(plan.seed, "weights", plan.N, self._index, INPUTS)
        self._W = _draw_rows(plan.C, plan.N, stream(plan.seed, "weights", plan.N, self._index, START))
        self._inputs = plan.working_space(plan.N)
        if "B" in self._recorded:
            self._recorded["B"][:] = self._W[plan.K :]

    def _release(self) -> None:
        self._W = self._inputs = self._rng = None

    def _make(self, end: int) -> None:
        """Make updates up to ``end`` or the next row, and record that; or notice divergence."""
        assert self._W is not None
        assert self._inputs is not None
        row = int(self._plan.steps[self.rows])
        self.position, grown = self._plan.advance(self._W, self._inputs, self._rng, self.position, min(end, row))
        if grown:
            self._diverged(0)
        elif self.position == row:
            self._record()

    def _record(self) -> None:
        assert self._W is not None
        J, B = self._W[: self._plan.K], self._W[self._plan.K :]
        Q = J @ J.T
        if not np.all(np.diag(Q) <= self._plan.limit):  # also when NaN
            self._diverged(0)
            return
        for name, value in {"R": J @ B.T, "Q": Q, "J": J}.items():
            if name in self._recorded:
                self._recorded[name][self.rows] = value
        self._count(1)


def _chunk(K: int, M: int, N: int) -> int:
    """Updates in a chunk of about 0.1 s: some 4 ns for each normal, 0.4 ns for each weight, 0.1 us for the rest."""
    return max(1, int(CHUNK_SECONDS / (1e-7 + 1e-9 * N * (4.0 + 0.4 * (K + M)))))


def _compile(plan: _Plan) -> None:
    """Compile the kernel, or load it from disk, by one update of tiny weight vectors."""
    plan.advance(np.zeros((plan.C.shape[0], 1)), plan.working_space(1), stream(0, "weights", 1, 0), 0, 1)
