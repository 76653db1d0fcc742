"""What the microscopic engines ask of a scenario's update, inside a compiled kernel.

The engines repeat, for one input xi after another,

    x = J xi,  y = B xi,  J_i <- J_i + (eta / N) F_i xi,

and leave it to the scenario how the modulation F follows from x and y. For gradient descent F_i is the error delta_i
that unit i receives. A student may have further numbers of its own that learn (`own`: output weights, biases), and an
update may need random numbers beside the input (`luck`: label noise, dropout). How often an update is made, with which
rates, and what else moves is told by a `learndyn.scenarios.process.Process`.

A scenario describes its update by a NamedTuple (the *step*) with numba-typed fields, and registers
`@overload(error_signal)` for it. An option that is off is None in its field: the overload sees the type of None and
leaves the option out of the program.

One definition serves single inputs and several replicas in lanes: entries are read with `learndyn.lanes.types.get` and
written with `put`, and what lies between is arithmetic and `xp` functions, without branches on the numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def error_signal(
    step: Any,
    x: np.ndarray,
    y: np.ndarray,
    own: np.ndarray | None,
    luck: np.ndarray | None,
    place: int,
    delta: np.ndarray,
    change: np.ndarray | None,
) -> None:
    """Write the modulation F of one input into ``delta``, and the direction of the own numbers into ``change``.

    Parameters
    ----------
    step
        The scenario's update.
    x, y
        Projections of the input on student and teacher vectors, without biases, (K,) and (M,).
    own
        The student's own numbers that learn, (E,); None where there are none.
    luck
        Independent standard normals; those of this input begin at ``place``. None where the step needs none.
    place
        The first entry of ``luck`` that belongs to this input.
    delta
        Written: F, (K,).
    change
        Written: the direction of each own number, (E,), which the engine multiplies by its rate. None like ``own``.

    Each array has the shape given here; or has a last axis of `LANES` replicas, each with an input of its own.
    """
    raise NotImplementedError("only inside numba kernels, for steps that register an overload")
