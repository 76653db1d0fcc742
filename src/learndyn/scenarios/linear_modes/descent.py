"""Gradient descent on the strengths of modes, as an engine repeats it: the expected gradient, or masks of dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.scenarios.gradient_steps import Descent

if TYPE_CHECKING:
    from learndyn.scenarios.linear_modes.scenario import LinearModes

# Masks that are drawn together.
TOGETHER = 2**13


def descent_of(scenario: LinearModes, start: Any) -> Descent:
    """The descent of a scenario from a start."""
    begin, values = scenario.initial_state(start), scenario.values()
    rate, keep, m = scenario.learning_rate / scenario.time_scale, scenario.dropout_keep, scenario.m
    masked = keep < 1.0
    most = max(1, TOGETHER // m)

    def update(state: np.ndarray, count: int, rng: np.random.Generator) -> None:
        from learndyn.scenarios.linear_modes.steps import descend

        w = state.reshape(scenario.depth, m)
        for first in range(0, max(count, 1), most):
            steps = min(count - first, most)
            luck = rng.random((steps if masked else 0, m))
            descend(w, steps, values["s"], values["beta"], luck, keep, scenario.weight_decay, rate)

    # 2 ns a layer and mode, 3 ns a mask; and a call.
    seconds = 1e-7 + 1e-9 * m * (2.0 * scenario.depth + (4.0 if masked else 1.0))
    return Descent(begin, update, scenario.learning_rate, masked, seconds, scenario.scale(begin))
