"""What the microscopic engines ask of a scenario's update, inside a compiled kernel.

The engines repeat, for one input xi after another,

    x = J xi,  y = B xi,  J_i <- J_i + (eta / N) delta_i xi,

and leave it to the scenario how delta follows from x and y. A scenario describes its update by a NamedTuple (the
*step*) with a field `learning_rate` and numba-typed fields, and registers `@overload(error_signal)` for it. An option
that is off is None in its field: the overload sees the type of None and leaves the option out of the program.

One definition serves single inputs and several replicas in lanes: entries are read with `learndyn.lanes.types.get` and
written with `put`, and what lies between is arithmetic and `xp` functions, without branches on the numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def error_signal(step: Any, x: np.ndarray, y: np.ndarray, delta: np.ndarray) -> None:
    """Write the back-propagated errors delta of one input into ``delta``, from x and y.

    The shapes are (K,), (K,) and (M,); or with a last axis of `LANES` replicas, each with an input of its own.
    """
    raise NotImplementedError("only inside numba kernels, for steps that register an overload")
