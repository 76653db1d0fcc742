"""One update of the perceptron, compiled: the factor s of the input, by the rule, and the running mean of the reward.

    s = `modulation`(h, y, ...),   b <- b + (r - b) / 100 after the update with reward r, for a rule with a baseline

The mean reward is over some `MEMORY` updates, with exponential weights, and begins at 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types
from numba.extending import overload

from learndyn.activations import activation
from learndyn.activations.compiled import ActivationTag
from learndyn.scenarios.classification.rules.compiled import ModulationTag, modulation, reward
from learndyn.scenarios.samples import signal

# Updates over which the reward is averaged.
MEMORY = 100


class PerceptronStep(NamedTuple):
    """The data of one update."""

    tag: ModulationTag
    numbers: Any  # the rule's numbers, (count,)
    forgets: float  # share of the newest reward in the baseline; 0: there is none
    text: ActivationTag  # its type carries a digest of this file, which is in the compiled kernel


def make_step(rule: Any, name: str) -> PerceptronStep:
    """The update of a rule (`rules.base.Rule`) with an activation."""
    tag = ModulationTag(rule, name)
    return PerceptronStep(
        tag=tag,
        numbers=tag.numbers,
        forgets=1.0 / MEMORY if tag.compares else 0.0,
        text=ActivationTag(activation("linear"), __file__),
    )


# (numba wants the same annotations on a template and on its implementation; hence none here.)
@overload(signal)
def _compile_signal(step, h, x, y, luck, memory):
    if not isinstance(step, types.NamedTuple) or step.instance_class is not PerceptronStep:
        return None
    rule = step.types[step.fields.index("tag")].rule
    if rule == "passive_aggressive":
        return _by_length
    return _by_reward if rule == "reinforce" else _plain


def _plain(step, h, x, y, luck, memory):
    return modulation(step.tag, h, y, 1.0, luck, 0.0, step.numbers)


def _by_length(step, h, x, y, luck, memory):
    length2 = 0.0
    for j in range(x.size):
        length2 += x[j] * x[j]
    return modulation(step.tag, h, y, length2, luck, 0.0, step.numbers)


def _by_reward(step, h, x, y, luck, memory):
    s = modulation(step.tag, h, y, 1.0, luck, memory[0], step.numbers)
    memory[0] += step.forgets * (reward(step.tag, h, y, luck) - memory[0])
    return s
