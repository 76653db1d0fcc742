"""Gradient descent on a flat state of weights, as data for the engine that repeats it.

state <- state + eta * (minus the gradient of what is drawn in this step),   mu = 0, 1, ...,   t = at + eta mu
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Update = Callable[[np.ndarray, int, np.random.Generator], None]


@dataclass(frozen=True, eq=False)
class Descent:
    """What is repeated, and from where; it knows no engine.

    Parameters
    ----------
    start
        The flat state, (n,).
    update
        A function of a flat state, a number of updates and a random stream that makes these updates in place. The same
        bits must come out when the number is cut into several calls.
    learning_rate
        eta.
    random
        Whether anything is drawn; if not, all replicas would be the same.
    seconds
        What an update takes, roughly.
    scale
        The sum of squares that is natural here; learning has diverged far beyond it.
    """

    start: np.ndarray
    update: Update
    learning_rate: float
    random: bool
    seconds: float
    scale: float
