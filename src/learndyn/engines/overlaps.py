"""The overlaps engine: the exact finite-size process of the order parameters, without weight vectors.

For Gaussian inputs (R, Q) is a Markov chain at every N >= K + M: an update needs x = J xi and y = B xi, which are
Gaussian with the covariance [[Q, R], [R^T, T]], and |xi|^2 beyond them, which is chi-square. So

    R' = R + (eta / N) delta y^T,   Q' = Q + (eta / N) (delta x^T + x delta^T) + (eta / N)^2 |xi|^2 delta delta^T

is drawn in O(K (K + M)), whatever N is, with the law of gradient descent on weight vectors. The coordinates that are
carried and the compiled loop are in `learndyn.engines.overlaps_kernels`, the threads in `learndyn.engines.driver`.

Random numbers: replica r at N draws from the streams "overlaps" of `learndyn.engines.streams`. Up to `LANES` replicas
advance in lockstep, in the lanes of vector registers; one or two alone, which is faster then and differs by rounding.
Same scenario, seed, number of replicas and kind of CPU: the same bits, for any number of threads, any chunks and rows.

Rounding: an update is a rotation and an addition, each correct to some 1e-16 of the lengths. Over a run these errors
add up as in a random walk (`benchmarks/verification.py` measures them against 80-bit arithmetic), far below 1 / N.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from learndyn.engines.checkpoint import Checkpoint, fingerprint
from learndyn.engines.driver import Progress, run_replicas
from learndyn.engines.overlaps_kernels import advance_rows
from learndyn.engines.simulation import CHUNK_SECONDS, GROWTH_LIMIT, Clock, RowUnit, SimulatedRun, message, require_room
from learndyn.engines.streams import lane_states
from learndyn.gaussian.factor import triangular
from learndyn.lanes.types import LANES

STREAMS = 2  # of one replica; the second one settles what the first leaves open (`learndyn.lanes.random`)
WORDS = 4  # of the state of a stream
# Up to so many replicas run alone: a group takes 1.7 (ReLU) to 2.3 times (erf) as long as one replica by itself.
FEW = 2
MOST_ROWS = 1024  # that a kernel records in one go


def run_overlaps(
    step: Any,
    C: np.ndarray,
    K: int,
    N: int,
    steps: np.ndarray,
    *,
    replicas: int = 1,
    threads: int | None = None,
    chunk: int | None = None,
    seed: int,
    progress: Progress = None,
    checkpoint: Checkpoint | None = None,
    at: float = 0.0,
    time_name: str = "alpha",
) -> SimulatedRun:
    """Simulate the chain of the order parameters and record them.

    Parameters
    ----------
    step
        The scenario's update: a NamedTuple with `learning_rate` and an overload of `error_signal`
        (`learndyn.scenarios.microscopic`).
    C
        Overlaps [[Q, R], [R^T, T]] at the start, shape (K + M, K + M), positive semidefinite; it may be singular.
    K, N
        Number of student vectors; dimension of the inputs, at least K + M and below 2^53.
    steps
        Update counts at which a row is recorded, increasing; 0 is the start.
    replicas
        Number of independent runs.
    threads
        Groups of replicas that run at the same time; None: as many as this process has cores.
    chunk
        Updates between two looks at Ctrl-C; None: about 0.1 s. Does not change the result.
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
        With status ``"diverged"``, and the rows before, when some Q_ii exceeded 1e6 trace(C) or became NaN; this is
        tested at every row and every N updates.

    Raises
    ------
    InputError
        When N < K + M, or the checkpoint cannot be used.
    KeyboardInterrupt
        When interrupted before any row was recorded.
    """
    width = 1 if replicas <= FEW else LANES
    clock = Clock(N, at, time_name)
    plan = _Plan.of(step, np.array(C, dtype=float), K, clock, np.array(steps, dtype=np.int64), seed, chunk, width)
    begin = perf_counter()
    words = np.zeros((STREAMS * WORDS, width), dtype=np.uint64)
    plan.advance(np.zeros((plan.length, width)), words, 0, 0, 1, 0, plan.buffer())
    compiled = perf_counter()
    R, Q = (np.empty((replicas, plan.steps.size, K, n)) for n in (plan.M, K))
    units = [_Group(plan, numbers, R, Q) for numbers in groups(replicas, width)]
    if checkpoint is not None:
        checkpoint = checkpoint.including(**plan.identity(replicas))
    with threadpool_limits(limits=1, user_api="blas"):
        outcome = run_replicas(
            units, updates=int(plan.steps[-1]), threads=threads, progress=progress, checkpoint=checkpoint
        )
    return SimulatedRun(
        steps=plan.steps[: outcome.rows],
        R=R[outcome.kept, : outcome.rows],
        Q=Q[outcome.kept, : outcome.rows],
        replicas=outcome.kept,
        status=outcome.status,
        message=message(outcome, plan.steps, plan.clock),
        timings={"compile": compiled - begin, "run": perf_counter() - compiled},
    )


def groups(replicas: int, width: int) -> list[range]:
    """The numbers of the replicas that advance together: as few groups as possible, of equal sizes but for one."""
    count = -(-replicas // width)
    edges = [replicas * index // count for index in range(count + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


@dataclass(frozen=True)
class _Plan:
    """What all replicas of a run share."""

    step: Any
    C: np.ndarray
    K: int
    N: int
    steps: np.ndarray
    seed: int
    chunk: int
    F: np.ndarray  # (M, M): lower factor of T
    start: np.ndarray  # the coordinates of the start, (K M + K (K + 1) / 2,)
    width: int  # columns of the arrays of a group
    limit: float  # of Q_ii
    places: np.ndarray  # (K, K): where Q_ik stands among the entries up to the diagonal
    clock: Clock

    @classmethod
    def of(
        cls, step: Any, C: np.ndarray, K: int, clock: Clock, steps: np.ndarray, seed: int, chunk: int | None, width: int
    ) -> _Plan:
        size = len(C)
        M = size - K
        require_room(size, clock.N)
        order = np.concatenate([np.arange(K, size), np.arange(K)])  # the teacher first: its frame comes first
        W = triangular(C[np.ix_(order, order)])
        start = np.concatenate([W[M:, :M].reshape(-1), W[M:, M:][np.tril_indices(K)]])
        # About 40 ns for each random number and 16 ns for each entry of K (K + M), in all lanes together.
        seconds = 1e-9 * (40.0 * size + 16.0 * K * size)
        chunk = max(1, int(CHUNK_SECONDS / seconds)) if chunk is None else chunk
        limit = GROWTH_LIMIT * float(np.trace(C))
        F = np.ascontiguousarray(W[:M, :M])
        lower = np.tril_indices(K)
        places = np.zeros((K, K), dtype=int)
        places[lower] = places.T[lower] = np.arange(len(lower[0]))
        return cls(step, C, K, clock.N, steps, seed, chunk, F, start, width, limit, places, clock)

    @property
    def M(self) -> int:
        return len(self.F)

    @property
    def length(self) -> int:
        return len(self.start)

    def buffer(self) -> np.ndarray:
        """Room for rows that a kernel records in one go."""
        return np.empty((min(MOST_ROWS, self.steps.size), self.length, self.width))

    def advance(
        self, state: np.ndarray, words: np.ndarray, active: int, first: int, last: int, row: int, out: np.ndarray
    ) -> tuple[int, int, int]:
        return advance_rows(
            self.step, state, self.F, self.K, self.N, words, first, last, self.N, self.limit, active,
            self.steps, row, out, None if self.width > 1 else True,
        )  # fmt: skip

    def identity(self, replicas: int) -> dict[str, Any]:
        """All arguments that fix the bits, for a checkpoint; not the chunk."""
        return {
            "engine": "overlaps",
            "C": fingerprint(self.C),
            "K": self.K,
            "N": self.N,
            "rows": fingerprint(self.steps),
            "replicas": replicas,
            "width": self.width,
            "seed": self.seed,
        }


class _Group(RowUnit):
    """Replicas that advance together, one in each lane; or one alone."""

    def __init__(self, plan: _Plan, numbers: range, R: np.ndarray, Q: np.ndarray) -> None:
        super().__init__(numbers, plan.steps, plan.clock, plan.chunk)
        self._plan = plan
        self._R, self._Q = R[numbers.start : numbers.stop], Q[numbers.start : numbers.stop]
        self._state = np.empty((0, 0))  # (length, width)
        self._words = np.empty((0, 0), dtype=np.uint64)  # (STREAMS * WORDS, width)
        self._out = np.empty((0, 0, 0))  # rows that the kernel has just recorded: (rows, length, width)

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far, the coordinates and the streams."""
        rows = {"R": self._R[:, : self.rows], "Q": self._Q[:, : self.rows]}
        return rows | {"state": self._state.copy(), "words": self._words.copy()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        self._R[:, : self.rows], self._Q[:, : self.rows] = snapshot["R"], snapshot["Q"]
        self._state, self._words = snapshot["state"].copy(), snapshot["words"].copy()
        self._out = self._plan.buffer()
        self._begun = True

    def _begin(self) -> None:
        plan = self._plan
        self._state = np.repeat(plan.start[:, None], plan.width, axis=1)
        # Lanes without a replica repeat the last one; nobody reads them.
        replicas = [self.numbers[min(lane, len(self.numbers) - 1)] for lane in range(plan.width)]
        self._words = lane_states(plan.seed, "overlaps", plan.N, replicas, STREAMS)
        self._out = plan.buffer()

    def _release(self) -> None:
        self._state, self._words, self._out = self._state[:0], self._words[:0], self._out[:0]

    def _make(self, end: int) -> None:
        """Make updates up to ``end``, recording rows on the way; or notice divergence."""
        self.position, lane, made = self._plan.advance(
            self._state, self._words, len(self.numbers), self.position, end, self.rows, self._out
        )  # fmt: skip
        self._keep(self._out[:made])
        if lane >= 0:
            self._diverged(lane)

    def _keep(self, out: np.ndarray) -> None:
        """Copy rows (rows, length, width) to their places."""
        plan, active = self._plan, len(self.numbers)
        rows = slice(self.rows, self.rows + len(out))
        values = out[:, :, :active].transpose(2, 0, 1)
        self._R[:, rows] = values[..., : plan.K * plan.M].reshape(active, len(out), plan.K, plan.M)
        self._Q[:, rows] = values[..., plan.K * plan.M :][..., plan.places]
        self._count(len(out))
