"""What the simulation engines share: the run that they return, the way from row to row, and how they tell its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from learndyn.engines.driver import EarlyStop, Outcome
from learndyn.errors import InputError

CHUNK_SECONDS = 0.1
GROWTH_LIMIT = 1e6  # learning has diverged when some |J_i|^2 exceeds this multiple of the trace of C at the start


@dataclass(frozen=True)
class SimulatedRun:
    """What a simulation recorded.

    ``R`` has shape (replicas, rows, K, M), ``Q`` (replicas, rows, K, K), ``steps`` (rows,): the update counts of the
    rows. ``replicas`` are the numbers of the replicas that are kept. ``status`` is ``"ok"``, ``"interrupted"`` or
    ``"diverged"``; in the last two cases rows or replicas are missing, as ``message`` says, and there may be no row.
    ``timings`` holds seconds: ``"compile"`` (or load from disk) and ``"run"``. Where weight vectors were recorded,
    ``J`` has shape (replicas, rows, K, N) and ``B`` (replicas, M, N).
    """

    steps: np.ndarray
    R: np.ndarray
    Q: np.ndarray
    replicas: np.ndarray
    status: str
    message: str
    timings: dict[str, float]
    J: np.ndarray | None = None
    B: np.ndarray | None = None


@dataclass(frozen=True)
class Clock:
    """The time of an update count, in words: it begins at the start's own time."""

    N: int
    at: float = 0.0
    name: str = "alpha"

    def __call__(self, updates: int) -> str:
        """Such as 'alpha = 2.5'."""
        return f"{self.name} = {self.at + updates / self.N:.6g}"


def require_room(vectors: int, N: int) -> None:
    """Refuse an input dimension with no room for K + M weight vectors of any overlaps."""
    if vectors > N:
        raise InputError(
            f"Argument `N` must be at least K + M = {vectors}, but it is {N}. "
            "With fewer dimensions the weight vectors cannot have arbitrary overlaps."
        )


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

    def _diverged(self, index: int) -> None:
        """The replica of this index among ``numbers`` has grown without bound."""
        self.finished = True
        reason = (
            f"diverged at {self._clock(self.position)}: some |J_i|^2 exceeded {GROWTH_LIMIT:g} times the trace of the "
            "overlaps at the start. The rows before are kept; try a smaller learning rate."
        )
        self.early_stop = EarlyStop("diverged", reason, self.numbers[index])


def message(outcome: Outcome, steps: np.ndarray, clock: Clock) -> str:
    """The driver's message, with the place of the last row where the user wants to know it."""
    if outcome.status != "interrupted" or outcome.rows == 0:
        return outcome.message
    return f"{outcome.message} The last row is at {clock(steps[outcome.rows - 1])}."
