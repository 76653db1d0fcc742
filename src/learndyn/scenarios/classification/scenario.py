"""The nonlinear perceptron that learns to tell two Gaussian classes apart: the scenario's data."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import array, choice, number, shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.arrays import FrozenArray, from_plain
from learndyn.scenarios.base import Flow, Landmarks, Quantity, replaced, with_options
from learndyn.scenarios.classification import observables
from learndyn.scenarios.classification.flow import Structure, make_flow, make_update
from learndyn.scenarios.classification.rules.base import Rule
from learndyn.scenarios.covariance import Covariance, covariance_of
from learndyn.scenarios.weight_vector import MEAN, MOMENTS, WeightVector

ACTIVATIONS = ["shifted_erf", "logistic"]
QUANTITIES = {
    **MEAN,
    "alignment": Quantity((), "cosine of <w> and the difference of the class means"),
    "accuracy": Quantity((), "probability to classify a new input right"),
    "loss": Quantity((), "expected loss of the rule, without weight decay"),
    **MOMENTS,
}


@dataclass(frozen=True)
class GaussianClassification(WeightVector):
    """A perceptron yhat = phi(w . x) that learns to tell two Gaussian classes apart, by any of several rules.

        x ~ N(mu_y, Sigma_y) with label y = +-1,   w <- w + eta f(w; x, y),   f = s(w . x, y) x - lambda w

    Theory is the flow of the weights for small eta, in the time t = eta * updates: d<w>/dt = <f>(<w>) from a point, and
    mean and covariance by equations (10) and (11) from a Gaussian distribution (`ld.GaussianWeights`).

    Parameters
    ----------
    means
        (2, n): the mean of class +1, then that of class -1; or one vector mu (n,), for means mu and -mu.
    covariances
        One for both classes, or a tuple of two. Each is a variance sigma^2 (isotropic), n variances, a matrix (n, n),
        or an `ld.Covariance` (low rank, or a spectrum).
    rule
        ``ld.Supervised()``, ``ld.Reinforce()``, ``ld.Perceptron()``, ``ld.SquaredError()``,
        ``ld.PassiveAggressive()``, or its name.
    weight_decay
        lambda, at least 0.
    activation
        phi: ``"shifted_erf"``, (1 + erf(sqrt(pi) z / 4)) / 2, which has closed forms; or ``"logistic"``,
        1 / (1 + exp(-z)), whose averages are quadratures with an error below 1e-12.
    learning_rate
        eta, for simulations and for the terms of order eta in `ld.moment_flow`; the flow itself does not depend on it.
    prior
        Probability of the class +1, between 0 and 1.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Notes
    -----
    Cost of a right-hand side: two products with Sigma, each n, 2 n r or n^2 operations (`ld.Covariance`); from a start
    with a covariance of rank r, r times as much. Valid for eta to 0; single runs differ by O(sqrt eta).
    Reference: Schmid & Murray (2024) arXiv:2409.03749, equations (10)-(23), (38)-(40).

    Examples
    --------
    >>> import learndyn as ld
    >>> task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised(), weight_decay=0.1)
    >>> curve = ld.solve(task, ld.GaussianWeights([0.0, 1.0]), until=10)
    >>> round(float(curve.alignment[-1]), 3)
    0.987
    """

    kind: ClassVar[str] = "gaussian_classification"

    verbs: ClassVar[tuple[str, ...]] = ("simulate", "moment_flow", "ensemble", "time_to_reach")

    means: Any
    covariances: Any
    rule: Rule | Any = None
    weight_decay: float = 0.0
    _: KW_ONLY
    activation: str = "shifted_erf"
    learning_rate: float = 1e-3
    prior: float = 0.5

    def __post_init__(self) -> None:
        from learndyn.scenarios.classification.rules.registry import rule_of

        means = _means(self.means)
        checked = {
            "means": means,
            "covariances": _covariances(self.covariances, means.shape[1]),
            "rule": rule_of(self.rule),
            "weight_decay": number(self.weight_decay, "weight_decay", minimum=0.0),
            "activation": choice(self.activation, "activation", ACTIVATIONS),
            "learning_rate": number(self.learning_rate, "learning_rate", above=0.0),
            "prior": number(self.prior, "prior", above=0.0),
        }
        if checked["prior"] >= 1.0:
            raise InputError(
                f"Argument `prior` must be a number between 0 and 1, but it is {shown(self.prior)}. Write prior=0.5: "
                "with one class alone there is nothing to tell apart."
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def replace(self, **changes: Any) -> GaussianClassification:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised())
        >>> task.replace(rule=ld.Reinforce()).rule.label
        'RL'
        """
        return replaced(self, changes)

    def to_plain(self) -> dict[str, Any]:
        """As a dict of numbers, words and lists; options that are off are not in it."""
        plain: dict[str, Any] = {
            "means": self.means.to_plain(),
            "covariances": [each.to_plain() for each in self.covariances],
            "rule": self.rule.to_plain(),
        }
        return with_options(self, plain)

    def sample_process(self, start: Any) -> Any:
        """What a simulation repeats (`learndyn.scenarios.samples.SampleProcess`)."""
        from learndyn.scenarios.classification.process import process_of

        return process_of(self, start)

    def caution(self) -> str:
        """What is to be said before a simulation; empty where there is nothing."""
        from learndyn.scenarios.classification.process import caution_of

        return caution_of(self)

    @property
    def n(self) -> int:
        """Number of inputs."""
        return self.means.shape[1]

    @property
    def direction(self) -> np.ndarray:
        """(mu_+ - mu_-) / 2, the direction that alignment refers to, (n,)."""
        return (self.means.values[0] - self.means.values[1]) / 2.0

    @cached_property
    def structure(self) -> Structure:
        """What decides the shape of the computation."""
        forms = tuple(each.form for each in self.covariances)
        return Structure(self.rule, self.activation, forms, self.weight_decay > 0.0)

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        found: dict[str, Any] = {"means": self.means.values, "prior": self.prior, "learning_rate": self.learning_rate}
        if self.weight_decay > 0.0:
            found["weight_decay"] = self.weight_decay
        for index, covariance in enumerate(self.covariances):
            found |= {f"{name}_{index}": value for name, value in covariance.numbers().items()}
            if self.rule.needs_spectrum:
                found |= _spectrum(covariance, index)
        for index, mean in enumerate(self.means.values if self.rule.needs_spectrum else ()):
            form = min(index, len(self.covariances) - 1)
            spectrum = found[f"eigenvalues_{form}"], found.get(f"eigenvectors_{form}")
            self.rule.require_finite(1, mean, *spectrum)
        found |= {f"rule_{name}": value for name, value in self.rule.numbers().items()}
        return {name: np.asarray(value, dtype=float) for name, value in found.items()}

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The flow of the weights in JAX."""
        self.refuse_samples(samples, "whose averages need no sampling")
        return make_flow(self.structure)

    def end_of_flow(self) -> str:
        """In words, what ends the flow before its time; empty where nothing does."""
        return self.rule.end

    def mean_update(self) -> Any:
        """<f> and Cov_L(f) as the moment engine takes them (`learndyn.scenarios.moments.MeanUpdate`)."""
        return make_update(self.structure)

    def quantities(self) -> dict[str, Quantity]:
        """All that a row may hold."""
        return QUANTITIES

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Weights and observables of flat states (..., n + n r)."""
        return self.of_weights(states[..., : self.n]) | self.moments(states)

    def of_weights(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """The observables of weight vectors (..., n)."""
        m, v = observables.fields(W, self.means.values, self.covariances)
        numbers, shares = self.rule.numbers(), (self.prior, 1.0 - self.prior)
        loss = sum(
            share * self.rule.mean_loss(m[index], v[index], y, self.activation, numbers)
            for index, (y, share) in enumerate(zip((1.0, -1.0), shares, strict=True))
        )
        return {
            "w": W,
            "w_norm": np.sqrt((W**2).sum(-1)),
            "alignment": observables.alignment(W, self.means.values, np),
            "accuracy": observables.accuracy(m, v, self.prior, NUMPY),
            "loss": np.asarray(loss),
        }

    def observable(self, name: str, xp: Any) -> Any:
        """An observable(flat state, values, at=0.0) with the namespace `xp`: "alignment", "w_norm" or "accuracy"."""
        n, structure = self.n, self.structure
        choice(name, "quantity", ["alignment", "w_norm", "accuracy"])

        def found(flat: Any, values: dict[str, Any], at: Any = 0.0) -> Any:
            w = flat[..., :n]
            if name == "w_norm":
                return xp.sqrt((w**2).sum(-1))
            if name == "alignment":
                return observables.alignment(w, values["means"], xp)
            given = _fields(structure, w, values)
            return observables.accuracy(*given, values["prior"], xp)

        return found

    def landmarks(self) -> Landmarks:
        """What is known of the space of weights (`learndyn.scenarios.base.Landmarks`)."""
        from learndyn.scenarios.classification.landmarks import landmarks_of

        return landmarks_of(self)


def _fields(structure: Structure, w: Any, values: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Mean and variance of w . x in both classes, in JAX."""
    from learndyn.scenarios.classification.flow import classes

    given = classes(structure, values)
    return [w @ each.mean for each in given], [(w * each.times(w)).sum(-1) for each in given]


def _spectrum(covariance: Covariance, index: int) -> dict[str, np.ndarray]:
    """Eigenvalues and, where they are not the axes, eigenvectors, for a rule that asks for them."""
    if covariance.form == "diagonal":
        return {f"eigenvalues_{index}": covariance.numbers()["diagonal"]}
    n = covariance.size
    assert n is not None
    values, vectors = np.linalg.eigh(covariance.dense(n))
    return {f"eigenvalues_{index}": np.maximum(values, 0.0), f"eigenvectors_{index}": vectors}


def _means(value: Any) -> FrozenArray:
    if isinstance(value, FrozenArray):
        return value
    means = array(from_plain(value, "means"), "means", hint="Give (2, n) numbers, or one vector mu for means +-mu.")
    if means.ndim == 1 and len(means):
        means = np.stack([means, 0.0 - means])  # without -0.0
    if means.ndim != 2 or len(means) != 2 or means.shape[1] == 0:
        raise InputError(
            f"Argument `means` must have shape (2, n), the means of class +1 and -1, or (n,) for means mu and -mu, but "
            f"it has shape {means.shape}. Give one row for each class."
        )
    if (means[0] == means[1]).all():
        raise InputError(
            "Argument `means` must be different for the two classes, but they are the same, so that no direction is to "
            "be learned. Move one of them."
        )
    return FrozenArray(means)


def _covariances(value: Any, n: int) -> tuple[Covariance, ...]:
    """One or two covariances of n inputs."""
    pair = isinstance(value, tuple) or (isinstance(value, np.ndarray) and value.ndim == 3)
    pair = pair or (isinstance(value, list) and any(isinstance(each, dict | Covariance) for each in value))
    given = tuple(value) if pair else (value,)
    if not 1 <= len(given) <= 2:
        raise InputError(
            f"Argument `covariances` must be one covariance for both classes or a tuple of two, but it is a tuple of "
            f"{len(given)}. Write covariances=(first, second)."
        )
    found = tuple(covariance_of(each, "covariances") for each in given)
    for each in found:
        if each.size not in (None, n):
            raise InputError(
                f"Argument `covariances` must be for {n} inputs, as many as `means` has, but there is one for "
                f"{each.size}. Write a pair of variances, one a class, as a tuple of two (in a file, two tables)."
            )
    return found[:1] if len(found) == 2 and found[0] == found[1] else found
