"""What the microscopic engines ask of a scenario's update, inside a compiled kernel.

The engines repeat, for one input xi after another,

    x = J xi,  y = B xi,  J_i <- J_i + (eta / N) delta_i xi,

and leave it to the scenario how delta follows from x and y. A scenario describes its update by a NamedTuple (the
*step*) with a field `learning_rate` and numba-typed fields, and registers `@overload(error_signal)` for it. An option
that is off is None in its field: the overload sees the type of None and leaves the option out of the program.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def error_signal(step: Any, x: np.ndarray, y: np.ndarray, delta: np.ndarray) -> None:
    """Write the back-propagated errors delta (K,) of one input into ``delta``, from x (K,) and y (M,)."""
    raise NotImplementedError("only inside numba kernels, for steps that register an overload")
