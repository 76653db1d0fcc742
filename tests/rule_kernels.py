"""A compiled loop over examples: the update f of each, by a rule's own code for simulations."""

import numpy as np
from numba import njit

from learndyn.scenarios.classification.rules.compiled import ModulationTag, modulation, reward


@njit(cache=True)
def _updates(tag, w, x, y, uniform, baseline, numbers, f, rewards):
    for i in range(len(x)):
        h, length2 = 0.0, 0.0
        for j in range(len(w)):
            h += w[j] * x[i, j]
            length2 += x[i, j] ** 2
        s = modulation(tag, h, y[i], length2, uniform[i], baseline, numbers)
        rewards[i] = reward(tag, h, y[i], uniform[i])
        for j in range(len(w)):
            f[i, j] = s * x[i, j]


def updates(rule, activation, w, x, y, uniform, baseline=0.0):
    """f (examples, n) and rewards (examples,), for one w."""
    tag = ModulationTag(rule, activation)
    f, rewards = np.empty_like(x), np.empty(len(x))
    _updates(tag, w, x, y, uniform, float(baseline), tag.numbers, f, rewards)
    return f, rewards
