"""The mean update of the nonlinear perceptron in JAX, and the flow of its weights.

    d<w>/dt = <f>(w) = sum_y p_y <s x>_y - lambda w        Schmid & Murray (2024), equations (14), (15), (20)

with the averages over the inputs from the rule (`rules`), and, from a start with a covariance, equations (10), (11).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from learndyn.scenarios.base import Flow
from learndyn.scenarios.classification.rules.base import ClassInput, Rule
from learndyn.scenarios.covariance import dense_of, times
from learndyn.scenarios.moments import MeanUpdate, drift, size

# A mean of weights is at zero below this fraction of their standard deviation.
WITHIN_SPREAD = 0.01


@dataclass(frozen=True)
class Structure:
    """What decides the shape of the computation."""

    rule: Rule
    activation: str
    forms: tuple[str, ...]  # of the covariance(s); one: both classes share it
    decays: bool

    @property
    def key(self) -> Hashable:
        """Names all of it."""
        return ("classification", self.rule.key(), self.activation, self.forms, self.decays)


@cache
def make_flow(structure: Structure) -> Flow:
    """The flow of the weights' mean and, where the state is longer, of a factor of their covariance."""
    ends = ends_at_zero if structure.rule.end else None
    return Flow(structure.key, partial(_drift, structure), size, ends=ends)


def ends_at_zero(flat: Any, slope: Any, values: dict[str, Any], least: Any) -> Any:
    """Whether the weights are at zero and moving there at a speed, which is not how weight decay alone comes near it.

    d|w|/dt = -c - lambda |w|, and it is c that comes to zero in a finite time. Of a distribution of weights the mean is
    at zero well within their spread, where no second order holds any longer.
    """
    n = values["means"].shape[-1]
    w, f, factor = flat[:n], slope[:n], flat[n:]
    length2, spread2 = (w * w).sum(), (factor * factor).sum()
    small = (length2 <= least * least) | (length2 <= WITHIN_SPREAD**2 * spread2)
    return small & (-(w * f).sum() > 2.0 * values.get("weight_decay", 0.0) * length2)


def _drift(structure: Structure, t: Any, flat: Any, values: dict[str, Any]) -> Any:
    n = values["means"].shape[-1]
    if flat.shape[-1] == n:
        return mean_update(structure)(flat, values)
    rank = flat.shape[-1] // n - 1
    return drift(make_update(structure), n, rank)(t, flat, values)


@cache
def make_update(structure: Structure) -> MeanUpdate:
    """<f> and Cov_L(f) of a scenario of this structure."""
    return MeanUpdate(structure.key, mean_update(structure), update_covariance(structure))


@cache
def mean_update(structure: Structure) -> Any:
    """<f>(w, values)."""

    def mean(w: Any, values: dict[str, Any]) -> Any:
        update = structure.rule.mean_update(w, classes(structure, values), structure.activation, numbers_of(values))
        return update - values["weight_decay"] * w if structure.decays else update

    return mean


@cache
def update_covariance(structure: Structure) -> Any:
    """Cov_L(f)(w, values) = <f f^T> - <f> <f>^T, over inputs and the noise of the rule; weight decay adds nothing."""
    rule = structure.rule

    def covariance(w: Any, values: dict[str, Any]) -> Any:
        given, numbers = classes(structure, values), numbers_of(values)
        first = rule.mean_update(w, given, structure.activation, numbers)
        second = rule.second_moment(w, given, structure.activation, numbers)
        return second - first[:, None] * first

    return covariance


def numbers_of(values: dict[str, Any]) -> dict[str, Any]:
    """The rule's own numbers among the values."""
    return {name.removeprefix("rule_"): value for name, value in values.items() if name.startswith("rule_")}


def classes(structure: Structure, values: dict[str, Any]) -> tuple[ClassInput, ClassInput]:
    """Both classes as a rule sees them, +1 first."""
    import jax.numpy as jnp

    n = values["means"].shape[-1]
    both = []
    for index, y in enumerate((1.0, -1.0)):
        form = min(index, len(structure.forms) - 1)
        numbers = {name: values[f"{name}_{form}"] for name in NAMES if f"{name}_{form}" in values}
        spectrum = None
        if f"eigenvalues_{form}" in values:
            spectrum = partial(_spectrum, values, form, n)
        both.append(
            ClassInput(
                y=y,
                prior=values["prior"] if y > 0 else 1.0 - values["prior"],
                mean=values["means"][index],
                times=lambda w, numbers=numbers: times(numbers, w, jnp),
                matrix=lambda numbers=numbers: dense_of(numbers, n, jnp),
                **({} if spectrum is None else {"spectrum": spectrum}),
            )
        )
    return both[0], both[1]


NAMES = ("matrix", "diagonal", "factor")


def _spectrum(values: dict[str, Any], form: int, n: int) -> tuple[Any, Any]:
    import jax.numpy as jnp

    return jnp.broadcast_to(values[f"eigenvalues_{form}"], (n,)), values.get(f"eigenvectors_{form}")
