"""Where learning has diverged: some |J_i|^2 or some own number has grown without bound, or is not a number any more."""

from __future__ import annotations

import numpy as np

from learndyn.engines.simulation import GROWTH_LIMIT, own_limits
from learndyn.scenarios.process import OwnNumbers, Process


def limits(process: Process) -> np.ndarray:
    """The limit of |J_i|^2, and that of the magnitude of each own number, (1 + E,)."""
    trace = float(np.trace(process.C, axis1=-2, axis2=-1).sum())
    return np.concatenate([[GROWTH_LIMIT * trace], own_limits(process)])


def grown(process: Process, squares: np.ndarray, own: np.ndarray) -> tuple[bool, OwnNumbers | None]:
    """Whether something has grown, and which own numbers, if it is these.

    Where weight vectors have, too, fast numbers are the cause: weight vectors change by 1 / N of their rate.

    Parameters
    ----------
    process
        What is simulated.
    squares, own
        |J_i|^2 (K,) and the own numbers (E,).
    """
    most = limits(process)
    beyond = ~(np.abs(own) <= most[1:])
    edges = np.cumsum([0, *(len(part.start) for part in process.own)])
    large = [part for part, a, b in zip(process.own, edges[:-1], edges[1:], strict=True) if beyond[a:b].any()]
    weights = not np.all(squares <= most[0])
    suspects = [part for part in large if part.fast or not weights]
    return weights or bool(large), suspects[0] if suspects else None
