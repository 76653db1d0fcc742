"""One update of a soft committee machine, compiled: the error signal that each hidden unit of the student receives.

delta_i = g'(x_i) (tau - sigma),   sigma = sum_i g(x_i),   tau = sum_n g(y_n)         [Straat 2018, p. 28]
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types
from numba.extending import overload

from learndyn.activations import Activation
from learndyn.activations.compiled import ActivationTag, dg, g
from learndyn.lanes.types import get, put
from learndyn.scenarios.microscopic import error_signal

__all__ = ["CommitteeStep", "error_signal", "make_step"]


class CommitteeStep(NamedTuple):
    """The data of one update; a field that is None is an option that the compiled program does not contain."""

    activation: ActivationTag
    learning_rate: float


def make_step(activation: Activation, learning_rate: float) -> CommitteeStep:
    """The update of a soft committee machine.

    Parameters
    ----------
    activation
        The activation of the hidden units of student and teacher.
    learning_rate
        eta in J_i <- J_i + (eta / N) delta_i xi.

    Returns
    -------
    CommitteeStep
        To be passed to `learndyn.engines.overlaps.run_overlaps` or `learndyn.engines.weights.run_weights`.
    """
    return CommitteeStep(ActivationTag(activation, __file__), float(learning_rate))


@overload(error_signal)
def _committee_error_signal(step: Any, x: Any, y: Any, delta: Any) -> Any:
    if not (isinstance(step, types.NamedTuple) and step.instance_class is CommitteeStep):
        return None

    def implementation(step: Any, x: Any, y: Any, delta: Any) -> None:
        error = g(step.activation, get(y, 0))  # tau - sigma
        for n in range(1, y.shape[0]):
            error += g(step.activation, get(y, n))
        for i in range(x.shape[0]):
            error -= g(step.activation, get(x, i))
        for i in range(x.shape[0]):
            put(delta, i, dg(step.activation, get(x, i)) * error)

    return implementation
