"""What the simulation engines share: the run that they return, and how they speak of its end."""

from __future__ import annotations

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


def diverged(position: int, N: int, replica: int) -> EarlyStop:
    """The early stop of a replica whose weights have grown without bound."""
    reason = (
        f"diverged at alpha = {position / N:.6g}: some |J_i|^2 exceeded {GROWTH_LIMIT:g} times the trace of the "
        "overlaps at the start. The rows before are kept; try a smaller learning rate."
    )
    return EarlyStop("diverged", reason, replica)


def message(outcome: Outcome, steps: np.ndarray, N: int) -> str:
    """The driver's message, with the place of the last row where the user wants to know it."""
    if outcome.status != "interrupted" or outcome.rows == 0:
        return outcome.message
    return f"{outcome.message} The last row is at alpha = {steps[outcome.rows - 1] / N:.6g}."
