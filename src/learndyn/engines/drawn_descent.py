"""The engine of gradient descent on objectives that replicas draw: w <- w - eta d objective / dw, t = at + eta steps.

It runs any `learndyn.scenarios.drawn_descent.DrawnDescent`, replicas over the threads of `learndyn.engines.driver`, and
records what the process measures, where weights of different replicas have nothing to do with one another. A replica's
objective and start are drawn from its stream (`learndyn.engines.streams`), and again when it goes on from a checkpoint:
the same process, N and seed give the same bits on one kind of CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from learndyn.engines.checkpoint import Checkpoint, fingerprint
from learndyn.engines.driver import Progress
from learndyn.engines.simulation import CHUNK_SECONDS, GROWTH_LIMIT, RateClock, RowUnit, SimulatedRun, run_units
from learndyn.engines.streams import stream
from learndyn.scenarios.drawn_descent import DrawnDescent, Objective

# Steps between two looks at the size of the weights.
LOOK = 1000


def run_drawn_descents(
    process: DrawnDescent,
    N: int,
    steps: np.ndarray,
    *,
    replicas: int = 1,
    threads: int | None = None,
    seed: int,
    progress: Progress = None,
    checkpoint: Checkpoint | None = None,
    at: float = 0.0,
    time_name: str = "t",
) -> SimulatedRun:
    """Descend in every replica, and record what the process measures at these counts of steps, increasing.

    Returns
    -------
    SimulatedRun
        ``record`` holds the observables, (replicas, rows) each. With status ``"diverged"``, and the rows before, when
        some |w|^2 exceeded 1e6 times the process's scale or became NaN; this is tested at every row and every thousand
        steps.

    Raises
    ------
    InputError
        When the checkpoint cannot be used.
    KeyboardInterrupt
        When interrupted before any row was recorded.
    """
    steps = np.array(steps, dtype=np.int64)
    chunk = max(1, int(CHUNK_SECONDS / process.cost(N)))
    plan = _Plan(process, N, steps, seed, chunk, RateClock(1, at, time_name, process.learning_rate))
    with threadpool_limits(limits=1, user_api="blas"):
        record = {name: np.empty((replicas, steps.size)) for name in process.names}
        units = [
            _Replica(plan, index, {name: values[index] for name, values in record.items()}) for index in range(replicas)
        ]
        if checkpoint is not None:
            identity = {"engine": "drawn_descent", "N": N, "rows": fingerprint(steps)}
            checkpoint = checkpoint.including(**identity, replicas=replicas, seed=seed)
        return run_units(
            units, record, steps, plan.clock, threads=threads, progress=progress, checkpoint=checkpoint, compiling=0.0
        )  # fmt: skip


@dataclass(frozen=True)
class _Plan:
    """What all replicas of a run share."""

    process: DrawnDescent
    N: int
    steps: np.ndarray
    seed: int
    chunk: int
    clock: RateClock


class _Replica(RowUnit):
    """One replica: its objective, its weights, and the rows so far."""

    def __init__(self, plan: _Plan, index: int, record: Mapping[str, np.ndarray]) -> None:
        super().__init__((index,), plan.steps, plan.clock, plan.chunk)
        self._plan, self._recorded = plan, record
        self._drawn: Objective | None = None
        self._w = np.empty(0)

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far and, unless finished, the weights."""
        kept = {name: values[: self.rows] for name, values in self._recorded.items()}
        return kept if self._drawn is None else kept | {"weights": self._w.copy()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken, with the same objective, drawn anew."""
        for name, values in self._recorded.items():
            values[: len(snapshot[name])] = snapshot[name]
        self._begun = True
        if not self.finished:
            self._begin()
            self._w = snapshot["weights"].copy()

    def _begin(self) -> None:
        plan = self._plan
        self._drawn = plan.process.draw(plan.N, stream(plan.seed, "descent", plan.N, self.numbers[0]))
        self._w = self._drawn.start

    def _release(self) -> None:
        self._drawn, self._w = None, np.empty(0)

    def _make(self, end: int) -> None:
        """Descend to ``end``, a row or the next look; or notice divergence."""
        drawn, row = self._drawn, int(self._plan.steps[self.rows])
        assert drawn is not None
        if self.position < row:
            last = min(end, row, (self.position // LOOK + 1) * LOOK)
            self._w = drawn.descend(self._w, last - self.position)
            self.position = last
        at_row = self.position == row
        if (at_row or self.position % LOOK == 0) and not self._w @ self._w <= GROWTH_LIMIT * self._plan.process.scale:
            self._beyond("|w|^2", self._plan.process.scale, "a smaller learning_rate")
        elif at_row:
            for name, value in drawn.measure(self._w).items():
                self._recorded[name][self.rows] = value
            self._count(1)
