"""The engine of gradient descent on a flat state of weights, in the time t = at + eta mu.

It runs any `learndyn.scenarios.gradient_steps.Descent`, replicas over the threads of `learndyn.engines.driver`, and
records the state at the rows that are asked for.

Random numbers: one stream a replica (`learndyn.engines.streams`). Same descent, seed and kind of CPU: the same bits,
for any number of threads, any chunk, whichever rows are recorded, and when the run was cut and went on from a
checkpoint.
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
from learndyn.engines.simulation import CHUNK_SECONDS, GROWTH_LIMIT, Clock, RateClock, RowUnit, SimulatedRun, run_units
from learndyn.engines.streams import generator_from, generator_state, stream
from learndyn.scenarios.gradient_steps import Descent

# Updates between two looks at whether the weights have grown without bound, at multiples of this.
BLOCK = 1024


def run_descent(
    descent: Descent,
    steps: np.ndarray,
    *,
    replicas: int = 1,
    threads: int | None = None,
    chunk: int | None = None,
    seed: int,
    progress: Progress = None,
    checkpoint: Checkpoint | None = None,
    at: float = 0.0,
    time_name: str = "t",
) -> SimulatedRun:
    """Repeat a gradient descent, and record its state.

    Parameters
    ----------
    descent
        What is repeated, and from where.
    steps
        Update counts at which a row is recorded, increasing; 0 is the start.
    replicas
        Number of independent runs.
    threads
        Replicas that run at the same time; None: as many as this process has cores.
    chunk
        Updates between two looks at Ctrl-C; None: about 0.1 s. Does not change the result.
    seed
        A non-negative integer.
    progress
        As in `learndyn.engines.driver.run_replicas`.
    checkpoint
        Where to keep what is needed to go on after an interruption; its identity gains all arguments here that fix
        the bits. The caller's part is the descent, and versions.
    at, time_name
        Time of the start and its name, for messages.

    Returns
    -------
    SimulatedRun
        ``record`` holds ``states`` (replicas, rows, n). With status ``"diverged"``, and the rows before, when the sum
        of squares of some state exceeded 1e6 times the descent's scale or became NaN; this is tested at every row and
        at multiples of `BLOCK` updates.

    Raises
    ------
    InputError
        When the checkpoint cannot be used.
    KeyboardInterrupt
        When interrupted before any row was recorded.
    """
    steps = np.array(steps, dtype=np.int64)
    chunk = max(1, int(CHUNK_SECONDS / descent.seconds)) if chunk is None else chunk
    plan = _Plan(descent, steps, seed, chunk, RateClock(1, at, time_name, descent.learning_rate))
    with threadpool_limits(limits=1, user_api="blas"):
        begin = perf_counter()
        descent.update(descent.start.copy(), 0, stream(seed, "descent", descent.start.size, 0))
        compiling = perf_counter() - begin
        record = np.empty((replicas, steps.size, descent.start.size))
        units = [_Replica(plan, index, record[index]) for index in range(replicas)]
        if checkpoint is not None:
            checkpoint = checkpoint.including(**_identity(plan, replicas))
        return run_units(
            units, {"states": record}, steps, plan.clock, threads=threads, progress=progress, checkpoint=checkpoint,
            compiling=compiling,
        )  # fmt: skip


@dataclass(frozen=True)
class _Plan:
    """What all replicas of a run share."""

    descent: Descent
    steps: np.ndarray
    seed: int
    chunk: int
    clock: Clock


def _identity(plan: _Plan, replicas: int) -> dict[str, Any]:
    """All arguments that fix the bits, for a checkpoint; not the chunk."""
    return {
        "engine": "descent",
        "n": plan.descent.start.size,
        "rows": fingerprint(plan.steps),
        "replicas": replicas,
        "seed": plan.seed,
    }


class _Replica(RowUnit):
    """One replica: its state, its stream, and the rows so far."""

    def __init__(self, plan: _Plan, index: int, record: np.ndarray) -> None:
        super().__init__((index,), plan.steps, plan.clock, plan.chunk)
        self._plan, self._recorded = plan, record
        self._state = np.empty(0)
        self._rng: np.random.Generator | None = None

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far and, unless finished, the state."""
        kept = {"rows": self._recorded[: self.rows]}
        if self._rng is None:
            return kept
        return kept | {"state": self._state.copy(), "stream": generator_state(self._rng)}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        self._recorded[: len(snapshot["rows"])] = snapshot["rows"]
        self._begun = True
        if not self.finished:
            self._state, self._rng = snapshot["state"].copy(), generator_from(snapshot["stream"])

    def _begin(self) -> None:
        descent = self._plan.descent
        self._state = np.array(descent.start, dtype=float)
        self._rng = stream(self._plan.seed, "descent", descent.start.size, self.numbers[0])

    def _release(self) -> None:
        self._state, self._rng = np.empty(0), None

    def _make(self, end: int) -> None:
        """Make updates up to ``end``, a row or a multiple of `BLOCK`; or notice divergence."""
        row = int(self._plan.steps[self.rows])
        if self.position < row:
            assert self._rng is not None
            last = min(end, row, (self.position // BLOCK + 1) * BLOCK)
            self._plan.descent.update(self._state, last - self.position, self._rng)
            self.position = last
        if (self.position % BLOCK == 0 or self.position == row) and self._grown():
            self._beyond("the sum of squares of all weights", self._plan.descent.scale, "a smaller learning_rate")
        elif self.position == row:
            self._recorded[self.rows] = self._state
            self._count(1)

    def _grown(self) -> bool:
        return not float(self._state @ self._state) <= GROWTH_LIMIT * self._plan.descent.scale
