"""The process of the whole family, one replica alone: what the replicas share, and how each of them runs.

The coordinates that are carried and the compiled loop are in `learndyn.engines.overlaps_general_kernels`. A replica
draws from part 0 of its stream "overlaps" (`learndyn.engines.streams`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from learndyn.engines.overlaps_general_kernels import Rule, advance_general
from learndyn.engines.overlaps_growth import grown, limits
from learndyn.engines.overlaps_times import Times
from learndyn.engines.simulation import CHUNK_SECONDS, Clock, RowUnit, sector_dimensions
from learndyn.engines.streams import generator_from, generator_state, stream
from learndyn.gaussian.factor import triangular
from learndyn.scenarios.process import OwnNumbers, Process


@dataclass(frozen=True)
class Rows:
    """Where the vectors of a sector stand among its rows: references first, then the mean, velocities, students."""

    B: slice
    mean: slice
    V: slice
    J: slice

    @classmethod
    def of(cls, process: Process) -> Rows:
        """The rows of this process."""
        edges = np.cumsum([0, *cls._counts(process)]).tolist()
        return cls(*(slice(first, last) for first, last in pairwise(edges)))

    @staticmethod
    def _counts(process: Process) -> list[int]:
        velocities = 0 if process.damping is None else process.students
        return [process.references, int(process.mean), velocities, process.students]

    @classmethod
    def order(cls, process: Process) -> np.ndarray:
        """Where each of these rows stands in `Process.C`: there J, V, B and the mean follow each other."""
        B, mean, V, J = cls._counts(process)
        return np.concatenate([J + V + np.arange(B + mean), J + np.arange(V), np.arange(J)])


@dataclass(frozen=True)
class GeneralPlan:
    """What all replicas of a run share."""

    process: Process
    N: int
    steps: np.ndarray
    seed: int
    chunk: int
    rule: Rule
    rows: Rows
    start: np.ndarray  # (L, r, r): W at the start
    limits: np.ndarray  # (1 + E,): of Q_ii and of each own number
    clock: Clock
    times: Times

    @classmethod
    def of(
        cls, process: Process, clock: Clock, steps: np.ndarray, seed: int, chunk: int | None, replicas: int
    ) -> GeneralPlan:
        """What follows from the process and the arguments of a run."""
        N, rows, order = clock.N, Rows.of(process), Rows.order(process)
        sizes = sector_dimensions(process, N)
        C = process.C[None] if process.sectors is None else process.C
        start = np.stack([triangular(part[np.ix_(order, order)]) for part in C])
        eigenvalues = np.ones(len(sizes)) if process.spectrum is None else process.spectrum.eigenvalues
        squares = np.einsum("lrc,lrc->r" if not process.tree else "lrc,lrc->lr", start, start)
        rule = Rule(
            sizes=sizes,
            roots=np.sqrt(np.array(eigenvalues, dtype=float)),
            K=process.K,
            references=process.references * (process.K if process.tree else 1),
            tree=process.tree,
            mean=process.mean,
            momentum=process.damping is not None,
            batch=process.batch,
            friction=(process.damping or 0.0) / N,
            decay=process.weight_decay or 0.0,
            gain=1.0 / N,
            walks=process.teacher_drift is not None,
            cosine=1.0 - (process.teacher_drift or 0.0) / N,
            lengths=np.sqrt(squares[..., rows.B]).reshape(-1),
            adaptive=-1 if process.adaptive_rate is None else process.adaptive_rate,
        )
        return cls(
            process=process,
            N=N,
            steps=steps,
            seed=seed,
            chunk=max(1, int(CHUNK_SECONDS / _seconds(rule, len(order)))) if chunk is None else chunk,
            rule=rule,
            rows=rows,
            start=start,
            limits=limits(process),
            clock=clock,
            times=Times(process, clock, int(steps[-1])),
        )

    def advance(self, W: np.ndarray, own: np.ndarray, rng: Any, first: int, last: int) -> tuple[int, bool]:
        """Make updates; with rates that may change with time: in pieces of which the bits know nothing."""
        stopped = False
        while first < last and not stopped:
            rates, matrices, end = self.times(first, last)
            first, stopped = advance_general(
                self.process.step, self.rule, W, own if own.size else None,
                np.empty(self.process.luck) if self.process.luck else None,
                rates, matrices, first, rng, first, end, self.N, self.limits,
            )  # fmt: skip
        return first, stopped

    def compile(self) -> None:
        """Compile the kernel, or load it from disk, by one update of the start."""
        self.advance(self.start.copy(), self.process.own_start, stream(0, "overlaps", self.N, 0), 0, 1)

    def identity(self) -> dict[str, Any]:
        """What of this fixes the bits, for a checkpoint."""
        return {"width": "general"}

    def units(self, replicas: int, record: Mapping[str, np.ndarray]) -> list[RowUnit]:
        """The replicas, which write into ``record``: by name, (replicas, rows, ...)."""
        return [GeneralReplica(self, index, record) for index in range(replicas)]

    def overlaps(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """What a row records of W (L, r, r), by name."""
        grams = np.stack([part @ part.T for part in W])
        at = self.rows
        pairs = {
            "R": (at.J, at.B), "Q": (at.J, at.J), "T": (at.B, at.B),
            "RV": (at.V, at.B), "QJV": (at.J, at.V), "QV": (at.V, at.V),
            "d": (at.J, at.mean), "dV": (at.V, at.mean), "e": (at.B, at.mean),
        }  # fmt: skip
        shapes = self.process.record_shapes()
        return {name: grams[:, i, j].reshape(shapes[name]) for name, (i, j) in pairs.items() if name in shapes}


def _seconds(rule: Rule, rows: int) -> float:
    """Of an update, roughly: 10 ns for a random number, 2 ns for a product of the reflections, 200 ns for the rest."""
    count = rule.batch + (rule.references if rule.walks else 0)
    return 2e-7 + len(rule.sizes) * (1e-8 * count * (rows + count) + 2e-9 * rows * rows * (rows + count))


class GeneralReplica(RowUnit):
    """One replica: coordinates, own numbers, a stream, and the rows so far."""

    def __init__(self, plan: GeneralPlan, index: int, record: Mapping[str, np.ndarray]) -> None:
        super().__init__((index,), plan.steps, plan.clock, plan.chunk)
        self._plan, self._index = plan, index
        self._record = {name: values[index] for name, values in record.items()}
        self._W = self._own = np.empty(0)
        self._rng: np.random.Generator | None = None

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far and, unless finished, coordinates, own numbers and the stream."""
        kept = {name: values[: self.rows] for name, values in self._record.items()}
        if self._rng is not None:
            kept |= {"W": self._W.copy(), "own": self._own.copy(), "stream": generator_state(self._rng)}
        return kept

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        for name, values in self._record.items():
            values[: self.rows] = snapshot[name]
        self._begun = True
        if not self.finished:
            self._W, self._own = snapshot["W"].copy(), snapshot["own"].copy()
            self._rng = generator_from(snapshot["stream"])

    def _begin(self) -> None:
        plan = self._plan
        self._W, self._own = plan.start.copy(), plan.process.own_start
        self._rng = stream(plan.seed, "overlaps", plan.N, self._index)

    def _release(self) -> None:
        self._W = self._own = np.empty(0)
        self._rng = None

    def _make(self, end: int) -> None:
        """Make updates up to ``end`` or the next row, and record that; or notice divergence."""
        row = int(self._plan.steps[self.rows])
        self.position, stopped = self._plan.advance(self._W, self._own, self._rng, self.position, min(end, row))
        # At no other place: where a chunk ends must not matter.
        diverged, own = self._grown() if stopped or self.position == row else (False, None)
        if diverged:
            self._diverged(0, own)
        elif self.position == row:
            self._keep()

    def _grown(self) -> tuple[bool, OwnNumbers | None]:
        """Whether something has grown, and which own numbers."""
        plan = self._plan
        students = self._W[:, plan.rows.J]
        squares = np.einsum("lic,lic->i" if not plan.process.tree else "lic,lic->l", students, students)
        return grown(plan.process, squares, self._own)

    def _keep(self) -> None:
        plan = self._plan
        for name, value in plan.overlaps(self._W).items():
            self._record[name][self.rows] = value
        place = 0
        for part in plan.process.own:
            self._record[part.name][self.rows] = self._own[place : place + len(part.start)]
            place += len(part.start)
        self._count(1)
