"""Gradient descent on the strengths of modes, as an engine repeats it: the expected gradient, or masks of dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.scenarios.gradient_steps import Descent

if TYPE_CHECKING:
    from learndyn.scenarios.linear_modes.scenario import LinearModes


def descent_of(scenario: LinearModes, start: Any) -> Descent:
    """The descent of a scenario from a start."""
    begin, values = scenario.initial_state(start), scenario.values()
    rate, keep = scenario.learning_rate / scenario.time_scale, scenario.dropout_keep

    def update(state: np.ndarray, count: int, rng: np.random.Generator) -> None:
        from learndyn.scenarios.linear_modes.steps import descend

        w = state.reshape(scenario.depth, scenario.m)
        descend(w, count, values["s"], values["beta"], keep, scenario.weight_decay, rate, rng)

    # 2 ns a layer and mode, 5 ns a mask.
    seconds = 1e-9 * scenario.m * (2.0 * scenario.depth + (5.0 if keep < 1.0 else 1.0))
    return Descent(begin, update, scenario.learning_rate, keep < 1.0, seconds, scenario.scale(begin))
