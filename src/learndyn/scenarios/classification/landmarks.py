"""What is known of the weights of a perceptron: where to look for fixed points, and where there are none.

Far out the drift vanishes without being zero: the perceptron is so sure that its updates underflow, or so steep that
the averages, differences of order |w|^2 times their value, lose their digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.scenarios.base import Landmarks
from learndyn.scenarios.classification.observables import fields
from learndyn.scenarios.gaussian_weights import GaussianWeights

# Phi(-37) is the smallest number that float64 has.
SURE = 37.0
# With w^T Sigma w as large as this the averages keep six digits.
STEEP = 1e10
# Of random starts: lengths from this part of the natural one, 1 / |scale of the inputs|, to its inverse.
SHORTEST = 0.05


def landmarks_of(scenario: Any) -> Landmarks:
    """Of a perceptron between two classes of inputs."""
    n = scenario.n

    def tip(state: np.ndarray) -> str:
        w = state[:n]
        m, v = fields(w, scenario.means.values, scenario.covariances)
        # u^2 = pi / 8: phi(h) = Phi(u h).
        z = m * [1.0, -1.0] / np.sqrt(8.0 / np.pi + v)
        length = np.linalg.norm(w)
        why = "updates underflow" if z.min() > SURE else "averages lose their digits" if v.max() > STEEP else ""
        remedy = "With weight_decay = 0 the weights may grow for ever; give a weight_decay"
        return f"the weights are so long, |w| = {length:.3g}, that {why}. {remedy}" if why else ""

    def scattered(count: int, seed: int) -> list[GaussianWeights]:
        rng = np.random.Generator(np.random.SFC64(seed))
        variance = sum(each.trace(n) for each in scenario.covariances) / len(scenario.covariances) / n
        natural = 1.0 / np.sqrt((scenario.direction**2).sum() + variance)
        directions = rng.standard_normal((count, n))
        # The first goes along what is to be learned.
        directions[0] = scenario.direction
        lengths = natural * np.exp(rng.uniform(np.log(SHORTEST), -np.log(SHORTEST), count))
        unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return [GaussianWeights(w) for w in unit * lengths[:, None]]

    return Landmarks(np.arange(n)[None], None, lambda state: "", tip, scattered)
