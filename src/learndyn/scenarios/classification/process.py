"""What a perceptron's simulation repeats: its inputs, the rule, the start, and what is measured; data alone.

x = mu_y + sqrt(d_y) z + F_y u   with Sigma_y = diag(d_y) + F_y F_y^T;   or the rows of a table
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
from learndyn.scenarios.classification.steps import make_step
from learndyn.scenarios.covariance import Covariance
from learndyn.scenarios.samples import DataInputs, GaussianInputs, SampleProcess

# An update changes h = w . x of its own input by eta s |x|^2: where s = y - h, h is beyond the label from eta |x|^2 = 1
# on, and from 2 on further from it than before. In the mean over inputs updates of that rule diverge beyond 2.
MOST_OVERSHOOT = 2.0


def process_of(scenario: Any, start: Any) -> SampleProcess:
    """The process of an `ld.GaussianClassification` or `ld.DataClassification` from an `ld.GaussianWeights`."""
    start, rate = scenario.as_start(start), scenario.learning_rate
    inputs = _data(scenario) if hasattr(scenario, "X") else _gaussian(scenario)
    # The size of w that answers the difference of the means; that of its fluctuations, which the rules that see no more
    # than signs have alone; and that of the start.
    natural = (1.0 + (rate * _mean_square(scenario)) ** 2) / float(scenario.direction @ scenario.direction)
    spread = 0.0 if start.cov is None else start.cov.trace(start.n)
    return SampleProcess(
        step=make_step(scenario.rule, scenario.activation),
        inputs=inputs,
        learning_rate=rate,
        weight_decay=scenario.weight_decay,
        start=partial(_draw, start),
        memory=np.zeros(1),
        measure=partial(_measure, scenario),
        scale=natural + float(start.mean.values @ start.mean.values) + spread,
    )


def caution_of(scenario: Any) -> str:
    """A sentence where the learning rate is beyond the theory, whose limit it is that eta <|x|^2> is small; or "".

    Not for the rules in which eta is no size of a step: those that see signs alone, where it is a unit of w, and the
    one that divides by |x|^2.
    """
    rule, rate = scenario.rule, scenario.learning_rate
    if rule.steps or isinstance(rule, PassiveAggressive):
        return ""
    overshoot = rate * _mean_square(scenario)
    if overshoot <= MOST_OVERSHOOT:
        return ""
    return (
        f"The learning rate is beyond the limit of theory: learning_rate * <|x|^2> = {overshoot:.3g}, and from "
        f"{MOST_OVERSHOOT:g} on each update overshoots on its own input, so that runs need not follow ld.solve. Use a "
        f"learning_rate of {0.1 * rate / overshoot:.1g}, or scale the inputs: (X - X.mean(0)) / X.std(0)."
    )


def _draw(start: Any, rng: np.random.Generator) -> np.ndarray:
    return start.draw(1, rng)[0]


def _measure(scenario: Any, W: np.ndarray) -> dict[str, np.ndarray]:
    """The observables of weights (rows, n), without the weights themselves."""
    return {name: value for name, value in scenario.of_weights(W).items() if name != "w"}


def _data(scenario: Any) -> DataInputs:
    return DataInputs(scenario.X.values, scenario.y.values)


def _gaussian(scenario: Any) -> GaussianInputs:
    parts = [_parts(covariance, scenario.n) for covariance in scenario.covariances]
    scales, factors = (tuple(part[index] for part in parts) for index in (0, 1))
    both = np.stack([scales[0], scales[-1]])
    return GaussianInputs(
        means=np.array(scenario.means.values),
        prior=scenario.prior,
        scales=both if both.any() else None,
        factors=factors if any(factor.shape[1] for factor in factors) else (),
    )


def _parts(covariance: Covariance, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (n,) and a factor (n, r) whose squares add up to the covariance."""
    if covariance.form == "dense":
        return np.zeros(n), covariance.root(n)
    factor = np.empty((n, 0)) if covariance.factor is None else covariance.factor.values
    return np.sqrt(np.broadcast_to(covariance.diagonal.values, n)), factor


def _mean_square(scenario: Any) -> float:
    """<|x|^2>."""
    if hasattr(scenario, "X"):
        return float(np.einsum("ij,ij->", scenario.X.values, scenario.X.values)) / len(scenario.X.values)
    of_means = (scenario.means.values**2).sum(1)
    traces = [covariance.trace(scenario.n) for covariance in scenario.covariances]
    p = scenario.prior
    return float(p * (of_means[0] + traces[0]) + (1.0 - p) * (of_means[1] + traces[-1]))
