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

    For developers: an engine says how to begin, how to make updates, and how to measure a row. A replica that has grown
    is told by its index among ``numbers``, -1 stands for none.
    """

    def __init__(self, numbers: Sequence[int], steps: np.ndarray, N: int, chunk: int, block: int = 1) -> None:
        self.numbers = numbers
        self.position = 0
        self.rows = 0
        self.finished = False
        self.early_stop: EarlyStop | None = None
        self._steps, self._N, self._chunk, self._block = steps, N, chunk, block
        self._begun = False

    @abstractmethod
    def _begin(self) -> None:
        """Make the state at the start."""

    @abstractmethod
    def _update(self, target: int) -> tuple[int, int]:
        """Make updates up to ``target``; the count reached, and who has grown there."""

    @abstractmethod
    def _measure(self) -> int:
        """Write the row number ``self.rows``, unless a replica has grown; who that is."""

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
                if self._steps[0] == 0:
                    self._record()
            end = self.position + self._chunk
            end = -(-end // self._block) * self._block
            while self.position < end and not self.finished:
                self._advance_to(min(end, int(self._steps[self.rows])))
        if self.finished:
            self._release()

    def _advance_to(self, target: int) -> None:
        """Make updates up to ``target``, the next row or before; record the row, or notice divergence."""
        self.position, grown = self._update(target)
        if grown >= 0:
            self._diverged(grown)
        elif self.position == self._steps[self.rows]:
            self._record()

    def _record(self) -> None:
        grown = self._measure()
        if grown >= 0:
            self._diverged(grown)
            return
        self.rows += 1
        self.finished = self.rows == self._steps.size

    def _diverged(self, index: int) -> None:
        self.finished = True
        reason = (
            f"diverged at alpha = {self.position / self._N:.6g}: some |J_i|^2 exceeded {GROWTH_LIMIT:g} times the "
            "trace of the overlaps at the start. The rows before are kept; try a smaller learning rate."
        )
        self.early_stop = EarlyStop("diverged", reason, self.numbers[index])


def message(outcome: Outcome, steps: np.ndarray, N: int) -> str:
    """The driver's message, with the place of the last row where the user wants to know it."""
    if outcome.status != "interrupted" or outcome.rows == 0:
        return outcome.message
    return f"{outcome.message} The last row is at alpha = {steps[outcome.rows - 1] / N:.6g}."
