"""The state of one replica of the weights engine: vectors, own numbers, streams; how they move and what is seen.

The vectors are the rows of one array W: J (K), with momentum V (K), the references B (P; in a tree one a branch), with
a mean mu (1). In a tree, rows i of J, V and B live in branch i; otherwise all rows live in one space, whose columns
fall into the sectors of the input, if it has some.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from learndyn.activations import activation
from learndyn.activations.compiled import ActivationTag
from learndyn.engines import weights_kernels
from learndyn.engines.simulation import TimeTable, own_limits
from learndyn.engines.streams import generator_from, generator_state, stream
from learndyn.engines.weights_general import Inputs, Learning, Vectors, Walk, advance_general
from learndyn.engines.weights_kernels import (
    BLOCK,
    Luck,
    Own,
    advance_blocks,
    advance_plain,
    grown,
)
from learndyn.gaussian.factor import root
from learndyn.scenarios.process import Process

INPUTS, START, LUCK, WALK = 0, 1, 2, 3  # the parts of a replica's stream
_STREAMS = {INPUTS: "stream", LUCK: "stream of luck", WALK: "stream of the walk"}  # in a checkpoint
# See `advance_general`; any activation will do.
_PARTS = ActivationTag(activation("linear"), weights_kernels.__file__)


def draw_rows(C: np.ndarray, N: int, rng: np.random.Generator) -> np.ndarray:
    """Vectors of N dimensions with overlaps C, below each other, in a uniformly random orientation."""
    columns, triangle = np.linalg.qr(rng.standard_normal((N, len(C))))
    frame = (columns * np.sign(np.diag(triangle))).T  # the sign makes the frame uniformly distributed
    return np.ascontiguousarray(root(C) @ frame)


class State:
    """One replica; `begin` or `restore` gives it its vectors."""

    def __init__(self, process: Process, N: int, blocks: bool, seed: int, replica: int, at: float) -> None:
        self._process, self._N, self._blocks = process, N, blocks
        self._seed, self._replica = seed, replica
        self._rates = TimeTable(process.rates, at, N)
        identity = np.eye(process.M, process.branches * process.references)
        self._combination = TimeTable(identity if process.combination is None else process.combination, at, N)
        self._divisors = np.concatenate([[1.0], np.where(process.fast, 1.0, N)])  # of the rates: 1 / s_e
        self._W = np.empty((0, N))
        self._streams = {part: stream(seed, "weights", N, replica, part) for part in _parts(process)}
        self._own = _own_numbers(process, N)
        self._luck = Luck(np.empty(process.luck), self._streams[LUCK]) if process.luck else None
        space = (
            (process.batch, process.branches, N) if not process.plain_at_given_rates else (BLOCK if blocks else 2, N)
        )
        self._space = np.empty(space)
        dimensions = None if process.spectrum is None else process.spectrum.dimensions(N)
        self._sectors = (
            None
            if dimensions is None
            else [slice(b - n, b) for n, b in zip(dimensions, np.cumsum(dimensions), strict=True)]
        )

    @property
    def scheduled(self) -> bool:
        """Whether updates need functions of time."""
        return not (self._rates.constant and self._combination.constant)

    # ---- How it begins and goes on

    @classmethod
    def compile(cls, process: Process, blocks: bool) -> None:
        """Compile the kernel, or load it from disk, by one update of tiny vectors."""
        state = cls(process, 1, blocks, 0, 0, 0.0)
        state._W = np.zeros((process.rows * process.branches, 1))
        state.advance(0, 1, 1, np.inf)

    def begin(self) -> None:
        """Draw the vectors of the start."""
        process, N = self._process, self._N
        rng = stream(self._seed, "weights", N, self._replica, START)
        if process.tree:
            branches = [draw_rows(C, N, rng) for C in process.C]
            self._W = np.ascontiguousarray(np.stack(branches, axis=1).reshape(-1, N))
        elif self._sectors is None:
            self._W = draw_rows(process.C, N, rng)
        else:
            parts = [draw_rows(C, s.stop - s.start, rng) for C, s in zip(process.C, self._sectors, strict=True)]
            self._W = np.ascontiguousarray(np.concatenate(parts, axis=1))

    def snapshot(self) -> dict[str, np.ndarray]:
        """What `restore` needs; copies."""
        kept = {_STREAMS[part]: generator_state(rng) for part, rng in self._streams.items()}
        if self._own is not None:
            kept["own"] = self._own.values.copy()
        return kept | {"W": self._W.copy()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where `snapshot` was taken."""
        self._W = snapshot["W"].copy()
        self._streams = {part: generator_from(snapshot[_STREAMS[part]]) for part in self._streams}
        if self._own is not None:
            self._own.values[:] = snapshot["own"]
        if self._luck is not None:
            self._luck = self._luck._replace(rng=self._streams[LUCK])

    # ---- How it moves

    def advance(self, first: int, last: int, interval: int, limit: float) -> tuple[int, int]:
        """Make the updates from count ``first`` to count ``last``: see `advance_plain`."""
        process, rates = self._process, self._rates.rows(first, last) / self._divisors
        if not process.plain_at_given_rates:
            return self._advance_general(first, last, interval, limit, rates)
        kernel = advance_blocks if self._blocks else advance_plain
        return kernel(
            process.step, self._W, process.K, self._space, self._streams[INPUTS], first, last, interval, limit,
            rates, process.weight_decay, self._own, self._luck,
        )  # fmt: skip

    def _advance_general(
        self, first: int, last: int, interval: int, limit: float, rates: np.ndarray
    ) -> tuple[int, int]:
        process, nothing = self._process, np.empty(0)
        roots = nothing
        if process.spectrum is not None:
            roots = np.repeat(np.sqrt(process.spectrum.eigenvalues), process.spectrum.dimensions(self._N))
        mean = self.vectors("mu")[0] if process.mean else nothing
        rng = self._streams[INPUTS]
        walk = Walk(self._streams.get(WALK, rng), self._lengths(), np.empty(self._N))
        numbers = process.weight_decay or 0.0, process.damping or 0.0, process.teacher_drift or 0.0
        learning = Learning(*numbers, adaptive=-1 if process.adaptive_rate is None else process.adaptive_rate)
        return advance_general(
            process.step, Vectors(*map(self.vectors, "JVB")), Inputs(rng, roots, mean, self._space), learning, walk,
            first, last, interval, limit, rates, self._combination.rows(first, last), self._own, self._luck, _PARTS,
        )  # fmt: skip

    def _lengths(self) -> np.ndarray:
        """|B_n| at the start."""
        process = self._process
        squares = np.diagonal(process.C, axis1=-2, axis2=-1)[..., process.places["B"]]
        return np.sqrt(squares.reshape(-1) if process.tree or process.sectors is None else squares.sum(axis=0))

    def grown(self, limit: float) -> int:
        """Who has grown without bound, as the kernels tell it."""
        return grown(self.vectors("J"), limit, self._own)

    # ---- What is seen

    def vectors(self, name: str) -> np.ndarray:
        """The rows "J", "V", "B" or "mu" of W."""
        rows, branches = self._process.places[name], self._process.branches
        return self._W[rows.start * branches : rows.stop * branches]

    def measured(self) -> dict[str, np.ndarray]:
        """One row of the record."""
        named = {"R": "JB", "Q": "JJ", "RV": "VB", "QJV": "JV", "QV": "VV", "T": "BB", "d": "Jm", "dV": "Vm", "e": "Bm"}
        vectors = {"J": self.vectors("J"), "V": self.vectors("V"), "B": self.vectors("B"), "m": self.vectors("mu")}
        row: dict[str, np.ndarray] = {}
        for name, shape in self._process.record_shapes().items():
            if name in named:
                a, b = (vectors[one] for one in named[name])
                row[name] = self._overlaps(a, b).reshape(shape)
        if self._own is not None:
            at = 0
            for part in self._process.own:
                row[part.name] = self._own.values[at : at + len(part.start)]
                at += len(part.start)
        return row

    def _overlaps(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """a b^T, in each sector; in a tree, of the vectors of one branch."""
        if self._process.tree:
            return (a * b).sum(axis=1)
        if self._sectors is None:
            return a @ b.T
        return np.stack([a[:, sector] @ b[:, sector].T for sector in self._sectors])


def _parts(process: Process) -> list[int]:
    """The streams that updates draw from."""
    needed = {INPUTS: True, LUCK: process.luck > 0, WALK: process.teacher_drift is not None}
    return [part for part, on in needed.items() if on]


def _own_numbers(process: Process, N: int) -> Own | None:
    start = process.own_start
    if not process.own:
        return None
    return Own(start, process.fast, own_limits(process), np.empty(start.size), np.empty(start.size))
