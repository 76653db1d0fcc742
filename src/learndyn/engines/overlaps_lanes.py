"""The process of one plain input an update: what its replicas share, and groups of them that advance in lockstep.

The coordinates that are carried and the compiled loop are in `learndyn.engines.overlaps_kernels`. Up to `LANES`
replicas advance in the lanes of vector registers; one or two alone, which is faster then and differs by rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from learndyn.engines.overlaps_growth import grown, limits
from learndyn.engines.overlaps_kernels import Options, advance_rows
from learndyn.engines.overlaps_times import Times
from learndyn.engines.simulation import CHUNK_SECONDS, Clock, RowUnit, require_room
from learndyn.engines.streams import lane_states
from learndyn.gaussian.factor import triangular
from learndyn.lanes.types import LANES
from learndyn.scenarios.process import OwnNumbers, Process

STREAMS = 2  # of one replica; the second one settles what the first leaves open (`learndyn.lanes.random`)
WORDS = 4  # of the state of a stream
# Up to so many replicas run alone: a group takes 1.7 (ReLU) to 2.3 times (erf) as long as one replica by itself.
FEW = 2
MOST_ROWS = 1024  # that a kernel records in one go


def groups(replicas: int, width: int) -> list[range]:
    """The numbers of the replicas that advance together: as few groups as possible, of equal sizes but for one."""
    count = -(-replicas // width)
    edges = [replicas * index // count for index in range(count + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


@dataclass(frozen=True)
class LanePlan:
    """What all replicas of a run share."""

    process: Process
    N: int
    steps: np.ndarray
    seed: int
    chunk: int
    F: np.ndarray  # (M, M): lower factor of T
    start: np.ndarray  # the state at the start: coordinates, then own numbers
    width: int  # columns of the arrays of a group
    limits: np.ndarray  # (1 + E,): of Q_ii and of each own number
    places: np.ndarray  # (K, K): where Q_ik stands among the entries up to the diagonal
    clock: Clock
    times: Times
    options: Options

    @classmethod
    def of(
        cls, process: Process, clock: Clock, steps: np.ndarray, seed: int, chunk: int | None, replicas: int
    ) -> LanePlan:  # fmt: skip
        """What follows from the process and the arguments of a run."""
        C, K, size = process.C, process.K, process.rows
        M, own = size - K, process.own_start
        require_room(size, clock.N)
        order = np.concatenate([np.arange(K, size), np.arange(K)])  # the teacher first: its frame comes first
        W = triangular(C[np.ix_(order, order)])
        lower = np.tril_indices(K)
        # About 40 ns for each random number and 16 ns for each entry of K (K + M), in all lanes together.
        seconds = 1e-9 * (40.0 * (size + process.luck) + 16.0 * K * size)
        places = np.zeros((K, K), dtype=int)
        places[lower] = places.T[lower] = np.arange(len(lower[0]))
        return cls(
            process=process,
            N=clock.N,
            steps=steps,
            seed=seed,
            chunk=max(1, int(CHUNK_SECONDS / seconds)) if chunk is None else chunk,
            F=np.ascontiguousarray(W[:M, :M]),
            start=np.concatenate([W[M:, :M].reshape(-1), W[M:, M:][lower], own]),
            width=1 if replicas <= FEW else LANES,
            limits=limits(process),
            places=places,
            clock=clock,
            times=Times(process, clock, int(steps[-1])),
            options=Options(
                True if own.size else None, process.luck or None, process.weight_decay, process.adaptive_rate
            ),
        )

    @property
    def M(self) -> int:
        """Teacher vectors."""
        return len(self.F)

    @property
    def length(self) -> int:
        """Of the state."""
        return len(self.start)

    def buffer(self) -> np.ndarray:
        """Room for rows that a kernel records in one go."""
        return np.empty((min(MOST_ROWS, self.steps.size), self.length, self.width))

    def advance(
        self, state: np.ndarray, words: np.ndarray, active: int, first: int, last: int, row: int, out: np.ndarray
    ) -> tuple[int, int, int]:
        """`advance_rows`, with rates that may change with time: in pieces of which the bits know nothing."""
        made, lane = 0, -1
        while first < last and made < len(out) and row + made < self.steps.size and lane < 0:
            rates, _, end = self.times(first, last)
            first, lane, more = advance_rows(
                self.process.step, self.options, state, self.F, self.process.K, self.N, words, rates, first, first,
                end, self.N, self.limits, active, self.steps, row + made, out[made:], None if self.width > 1 else True,
            )  # fmt: skip
            made += more
        return first, lane, made

    def compile(self) -> None:
        """Compile the kernel, or load it from disk, by one update of zeros."""
        words = np.zeros((STREAMS * WORDS, self.width), dtype=np.uint64)
        self.advance(np.zeros((self.length, self.width)), words, 0, 0, 1, 0, self.buffer())

    def identity(self) -> dict[str, Any]:
        """What of this fixes the bits, for a checkpoint."""
        return {"width": self.width}

    def units(self, replicas: int, record: Mapping[str, np.ndarray]) -> list[RowUnit]:
        """The groups, which write into ``record``: by name, (replicas, rows, ...)."""
        return [Group(self, numbers, record) for numbers in groups(replicas, self.width)]


class Group(RowUnit):
    """Replicas that advance together, one in each lane; or one alone."""

    def __init__(self, plan: LanePlan, numbers: range, record: Mapping[str, np.ndarray]) -> None:
        super().__init__(numbers, plan.steps, plan.clock, plan.chunk)
        self._plan = plan
        self._record = {name: values[numbers.start : numbers.stop] for name, values in record.items()}
        self._state = np.empty((0, 0))  # (length, width)
        self._words = np.empty((0, 0), dtype=np.uint64)  # (STREAMS * WORDS, width)
        self._out = np.empty((0, 0, 0))  # rows that the kernel has just recorded: (rows, length, width)

    def snapshot(self) -> dict[str, np.ndarray]:
        """The rows so far, the coordinates and the streams."""
        rows = {name: values[:, : self.rows] for name, values in self._record.items()}
        return rows | {"state": self._state.copy(), "words": self._words.copy()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        for name, values in self._record.items():
            values[:, : self.rows] = snapshot[name]
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
            self._diverged(lane, self._grown(lane))

    def _grown(self, lane: int) -> OwnNumbers | None:
        """The own numbers that have grown in a lane, if not the weight vectors."""
        plan = self._plan
        own = len(plan.limits) - 1
        coordinates, numbers = np.split(self._state[:, lane], [plan.length - own])
        a, l = np.split(coordinates, [plan.process.K * plan.M])
        squares = (a.reshape(plan.process.K, -1) ** 2).sum(1)
        np.add.at(squares, np.tril_indices(plan.process.K)[0], l**2)
        return grown(plan.process, squares, numbers)[1]

    def _keep(self, out: np.ndarray) -> None:
        """Copy rows (rows, length, width) to their places."""
        plan, active = self._plan, len(self.numbers)
        K, M = plan.process.K, plan.M
        rows = slice(self.rows, self.rows + len(out))
        values = out[:, :, :active].transpose(2, 0, 1)
        self._record["R"][:, rows] = values[..., : K * M].reshape(active, len(out), K, M)
        self._record["Q"][:, rows] = values[..., K * M :][..., plan.places]
        place = K * M + K * (K + 1) // 2
        for part in plan.process.own:
            self._record[part.name][:, rows] = values[..., place : place + len(part.start)]
            place += len(part.start)
        self._count(len(out))
