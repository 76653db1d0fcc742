"""The nonlinear perceptron that learns to tell two classes of real data apart: the rows themselves as a scenario."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cache, cached_property
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import array, choice, number, type_shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.arrays import FrozenArray, from_plain, frozen
from learndyn.scenarios.base import Flow, Quantity, replaced, with_options
from learndyn.scenarios.classification import observables
from learndyn.scenarios.classification.flow import numbers_of
from learndyn.scenarios.classification.rules.base import Rule
from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
from learndyn.scenarios.classification.scenario import ACTIVATIONS, GaussianClassification
from learndyn.scenarios.covariance import Covariance
from learndyn.scenarios.moments import size
from learndyn.scenarios.weight_vector import WeightVector

CENTERS = ["mean", "midpoint", "none"]
# Numbers w . x that are held at a time.
BLOCK = 2**24
# A result keeps the rows up to so many numbers, those held out included: 5 MB of text.
STORED = 2**19

# Rows that a sentence names, and characters of a label in one.
FIRST_ROWS, LABEL = 3, 30

QUANTITIES = {
    "w": Quantity(("input",), "weight w_i"),
    "w_norm": Quantity((), "length |w| of the weight vector"),
    "alignment": Quantity((), "cosine of w and the difference of the class means"),
    "accuracy": Quantity((), "fraction of the rows that are classified right"),
    "loss": Quantity((), "loss of the rule averaged over the rows, without weight decay"),
    "test_accuracy": Quantity((), "fraction of the held-out rows that are classified right"),
}


@dataclass(frozen=True)
class DataClassification(WeightVector):
    """A perceptron yhat = phi(w . x) that learns to tell two classes of data apart, row by row.

        w <- w + eta f(w; x, y),   f = s(w . x, y) x - lambda w,   (x, y) a row of X with its label

    An epoch of `ld.simulate` takes each row once, in an order drawn anew. `ld.solve` is the limit of small eta on these
    very rows, in the time t = eta * updates,

        d w/dt = (1 / rows) sum_i s(w . x_i, y_i) x_i - lambda w,

    and `gaussian()` the same task with Gaussian classes of the same means and covariances: what differs between its
    theory and this flow is what the rows have beyond two moments.

    Parameters
    ----------
    X
        Shape (rows, n), any numbers.
    y
        Shape (rows,), +1 or -1.
    rule
        As for `ld.GaussianClassification`.
    weight_decay
        lambda, at least 0.
    activation
        phi: ``"logistic"``, 1 / (1 + exp(-z)), or ``"shifted_erf"``, (1 + erf(sqrt(pi) z / 4)) / 2.
    learning_rate
        eta: an update takes the time eta.
    test
        Rows (X, y) that are held out, on which `test_accuracy` is measured; None: there are none.
    center
        What is subtracted from all rows, those of `test` as well, since the perceptron has no threshold: the ``"mean"``
        of X; the ``"midpoint"`` of the means of the two classes, so that these are +mu and -mu; or ``"none"``, nothing.
        Afterwards `X` and `test` hold the shifted rows, and `center` is "none".

    Raises
    ------
    InputError
        When shapes do not fit, a number is NaN, a label is neither +1 nor -1, or there is one class alone.

    Notes
    -----
    Cost: a right-hand side of the flow takes two products with X. Memory: 8 bytes a number of X. A result keeps the
    rows themselves where there are at most half a million numbers, else their digest: then the scenario cannot be built
    again from the result.
    Reference: Schmid & Murray (2024) arXiv:2409.03749, Figures 5 and 7.

    Examples
    --------
    >>> import learndyn as ld
    >>> training, test = ld.datasets.load_digits([0, 1]).split(0.25, seed=1)
    >>> task = ld.DataClassification(*training.classes(1, 0), ld.Supervised(), test=test.classes(1, 0))
    >>> task.rows_of(+1), task.rows_of(-1), task.gaussian().prior
    (136, 134, 0.5037037037037037)
    """

    kind: ClassVar[str] = "data_classification"
    gaussian_inputs: ClassVar[bool] = False

    X: Any
    y: Any
    rule: Rule | Any = None
    weight_decay: float = 0.0
    _: KW_ONLY
    activation: str = "logistic"
    learning_rate: float = 1e-3
    test: Any = None
    center: str = "mean"

    def __post_init__(self) -> None:
        from learndyn.scenarios.classification.rules.registry import rule_of

        X, y = _rows(self.X, self.y, "X", "y")
        _require_both(y)
        test = None if self.test is None else _test(self.test, X.shape[1])
        shift = self._shift(X.values, y.values)
        if shift is not None:
            X = FrozenArray(X.values - shift)
            test = None if test is None else (FrozenArray(test[0].values - shift), test[1])
        checked = {
            "X": X,
            "y": y,
            "rule": rule_of(self.rule),
            "weight_decay": number(self.weight_decay, "weight_decay", minimum=0.0),
            "activation": choice(self.activation, "activation", ACTIVATIONS),
            "learning_rate": number(self.learning_rate, "learning_rate", above=0.0),
            "test": test,
            "center": "none",
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        _require_direction(*self._means)

    def _shift(self, X: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        """What `center` subtracts from each row, (n,)."""
        center = choice(self.center, "center", CENTERS)
        if center == "none":
            return None
        return X.mean(0) if center == "mean" else (X[y > 0].mean(0) + X[y < 0].mean(0)) / 2.0

    def replace(self, **changes: Any) -> DataClassification:
        """A changed copy, checked like a new one; its rows are not shifted again unless `center` is given.

        Examples
        --------
        >>> import learndyn as ld
        >>> task = ld.DataClassification([[1.0, 0.0], [0.0, 1.0]], [1, -1], ld.Supervised())
        >>> task.replace(learning_rate=0.1).learning_rate
        0.1
        """
        return replaced(self, changes)

    def to_plain(self) -> dict[str, Any]:
        """As a dict of numbers, words and lists; options that are off are not in it."""
        whole = self.X.values.size + (0 if self.test is None else self.test[0].values.size)
        plain: dict[str, Any] = {
            "X": _plain_rows(self.X, whole),
            "y": _plain_rows(self.y, whole),
            "rule": self.rule.to_plain(),
        }
        plain = with_options(self, plain, "test")
        if self.test is not None:
            plain["test"] = {"X": _plain_rows(self.test[0], whole), "y": _plain_rows(self.test[1], whole)}
        return plain

    def sample_process(self, start: Any) -> Any:
        """What a simulation repeats (`learndyn.scenarios.samples.SampleProcess`)."""
        from learndyn.scenarios.classification.process import process_of

        return process_of(self, start)

    @property
    def n(self) -> int:
        """Number of inputs."""
        return self.X.shape[1]

    def rows_of(self, label: int) -> int:
        """Number of rows with the label +1 or -1."""
        return int((self.y.values == label).sum())

    @cached_property
    def _means(self) -> np.ndarray:
        """The means of class +1 and of class -1, (2, n)."""
        X, y = self.X.values, self.y.values
        return np.stack([X[y == label].mean(0) for label in (1.0, -1.0)])

    @property
    def direction(self) -> np.ndarray:
        """(mu_+ - mu_-) / 2, the direction that alignment refers to, (n,)."""
        return (self._means[0] - self._means[1]) / 2.0

    def caution(self) -> str:
        """What is to be said before a simulation; empty where there is nothing."""
        from learndyn.scenarios.classification.process import caution_of

        return caution_of(self)

    def gaussian(self) -> GaussianClassification:
        """The same task with Gaussian classes: means, covariances and shares of the classes are those of the rows.

        A covariance is the mean of (x - mu)(x - mu)^T over the rows of a class, that is, with 1 / rows: the rows are
        what is learned from, not a sample of something else. A class of few rows gets a covariance of low rank.

        Returns
        -------
        GaussianClassification
            With the rule, the activation and all else of this scenario. Theory needs some time for quadratures with
            ``activation="logistic"``; ``.replace(activation="shifted_erf")`` has closed forms.

        Examples
        --------
        >>> import learndyn as ld
        >>> X, y = ld.datasets.load_digits().classes(1, 0)
        >>> task = ld.DataClassification(X, y, ld.Supervised(), center="midpoint").gaussian()
        >>> task.n, [covariance.form for covariance in task.covariances]
        (64, ['dense', 'dense'])
        """
        X, y, means = self.X.values, self.y.values, self._means
        covariances = tuple(_covariance(X[y == label] - mean) for label, mean in zip((1.0, -1.0), means, strict=True))
        return GaussianClassification(
            means,
            covariances,
            self.rule,
            self.weight_decay,
            activation=self.activation,
            learning_rate=self.learning_rate,
            prior=self.rows_of(+1) / len(y),
        )

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def initial_state(self, start: Any) -> np.ndarray:
        """The n weights of a point."""
        start = self.as_start(start)
        if start.cov is not None:
            raise InputError(
                "Argument `start` must be a point for the flow of an ld.DataClassification, but it has a covariance. "
                "Pass scenario.gaussian(), whose covariances follow the moment flow, or use ld.simulate."
            )
        return start.mean.values

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again, the rows among them."""
        found: dict[str, Any] = {"X": self.X.values, "y": self.y.values}
        if self.weight_decay > 0.0:
            found["weight_decay"] = self.weight_decay
        found |= {f"rule_{name}": value for name, value in self.rule.numbers().items()}
        return {name: np.asarray(value, dtype=float) for name, value in found.items()}

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The flow of the weights for eta to 0, averaged over the rows, in JAX."""
        self.refuse_samples(samples, "whose averages are those over its rows")
        return make_flow(self.rule, self.activation, self.weight_decay > 0.0)

    def quantities(self) -> dict[str, Quantity]:
        """All that a row holds."""
        return {name: entry for name, entry in QUANTITIES.items() if self.test is not None or name != "test_accuracy"}

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Weights and observables of weight vectors (..., n)."""
        return self.of_weights(states)

    def of_weights(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """The observables of weight vectors (..., n); `test_accuracy` where rows are held out."""
        flat = np.ascontiguousarray(W, dtype=float).reshape(-1, self.n)
        found = {"accuracy": np.empty(len(flat)), "loss": np.empty(len(flat))}
        numbers, X, y = self.rule.numbers(), self.X.values, self.y.values
        for part in _parts(len(flat), len(X)):
            h = flat[part] @ X.T
            found["accuracy"][part] = _right(h, y)
            total = sum(
                self.rule.loss(h[:, y == label], label, self.activation, numbers).sum(1) for label in (1.0, -1.0)
            )
            found["loss"][part] = total / len(X)
        if self.test is not None:
            found["test_accuracy"] = np.empty(len(flat))
            held_out, labels = self.test[0].values, self.test[1].values
            for part in _parts(len(flat), len(held_out)):
                found["test_accuracy"][part] = _right(flat[part] @ held_out.T, labels)
        return {
            "w": W,
            "w_norm": np.sqrt((W**2).sum(-1)),
            "alignment": observables.alignment(W, self._means, np),
            **{name: value.reshape(W.shape[:-1]) for name, value in found.items()},
        }


@cache
def make_flow(rule: Rule, activation: str, decays: bool) -> Flow:
    """d w/dt = (1 / rows) sum_i s(w . x_i, y_i) x_i - lambda w; s is a rule's mean response to an h that is sure."""
    by_length = isinstance(rule, PassiveAggressive)

    def drift(t: Any, w: Any, values: dict[str, Any]) -> Any:
        xp, X, y = jax_namespace(), values["X"], values["y"]
        h = X @ w
        s = rule.response(h, y, activation, numbers_of(values), xp)
        if by_length:  # f = s x / |x|^2; an empty row changes nothing
            length2 = (X**2).sum(-1)
            s = s / xp.where(length2 > 0.0, length2, 1.0)
        update = s @ X / len(X)
        return update - values["weight_decay"] * w if decays else update

    key = ("data_classification", rule.key(), activation, decays)
    return Flow(key, drift, size, refused=_staircase(rule) if rule.steps else "")


def _staircase(rule: Rule) -> str:
    """Why no flow is integrated: the drift is constant between steps, and along most of them it points back from both
    sides, so that a solver would go to and fro in steps of its tolerance.
    """
    return (
        f"Argument `scenario` must have a continuous drift to be integrated, but that of the {rule.label} rule over "
        "rows is a staircase in the weights. Use ld.simulate with a small learning_rate, or scenario.gaussian()."
    )


def _rows(X: Any, y: Any, name: str, labels: str) -> tuple[FrozenArray, FrozenArray]:
    """Rows and labels, checked against each other."""
    _require_finite(X, name)
    X = frozen(X, name, "Leave out or fill in what is missing.")
    if X.ndim != 2 or 0 in X.shape:
        raise InputError(
            f"Argument `{name}` must have shape (rows, n), one input a row, but it has shape {X.shape}. "
            f"Reshape it: {name}.reshape(len({name}), -1)."
        )
    given = y.values if isinstance(y, FrozenArray) else array(_labels(from_plain(y, labels), labels), labels)
    if given.shape != (len(X),):
        raise InputError(
            f"Argument `{labels}` must have shape ({len(X)},), one label for each row of `{name}`, but it has shape "
            f"{given.shape}. Give one label for each row."
        )
    other = given[(given != 1) & (given != -1)]
    if len(other):
        raise InputError(
            f"Argument `{labels}` must hold the labels +1 and -1 alone, but {len(other)} of them are others, such as "
            f"{other[0]:g}. Make 2 * {labels} - 1 of labels 0 and 1; of images take images.classes(1, 0)."
        )
    return X, y if isinstance(y, FrozenArray) else FrozenArray(given)


def _require_finite(X: Any, name: str) -> None:
    """Refuse rows with NaN or infinity by their numbers, and say how to leave them out."""
    try:
        table = np.asarray(X, dtype=float)
    except (TypeError, ValueError, OverflowError):  # refused in a sentence of its own
        return
    if table.ndim != 2:
        return
    bad = np.flatnonzero(~np.isfinite(table).all(1))
    if len(bad):
        first = ", ".join(map(str, bad[:FIRST_ROWS])) + (", ..." if len(bad) > FIRST_ROWS else "")
        raise InputError(
            f"Argument `{name}` must be finite, but {len(bad)} of its {len(table)} rows, counted from 0, have NaN or "
            f"infinity: {first}. Leave them out, with their labels, by {name}[np.isfinite({name}).all(1)], or fill "
            "them in."
        )


def _labels(y: Any, labels: str) -> Any:
    """The labels; booleans, words and unsigned integers that wrapped around are refused by what they are."""
    if isinstance(y, FrozenArray) or np.ndim(y) != 1 or not len(y):
        return y
    given = np.asarray(y)
    first, kind = given.tolist()[0], given.dtype.kind
    if kind == "b" or isinstance(first, str | bytes):
        condition = labels if kind == "b" else f"{labels} == {first[:LABEL]!r}"
        raise InputError(
            f"Argument `{labels}` must hold the labels +1 and -1 alone, but it has the dtype {given.dtype}. Make them "
            f"numbers, such as np.where({condition}, 1, -1)."
        )
    if kind == "u" and (given == np.iinfo(given.dtype).max).any():
        raise InputError(
            f"Argument `{labels}` must hold the labels +1 and -1 alone, but some of them are {given.max()}, since its "
            f"dtype {given.dtype} has no -1. Make them int first: 2 * y.astype(int) - 1 of labels 0 and 1."
        )
    return y


def _plain_rows(rows: FrozenArray, whole: int) -> Any:
    """Rows of tables of `whole` numbers, or their labels; or what tells them from others."""
    return rows.to_plain() if whole <= STORED else {"shape": list(rows.shape), "sha256": rows.digest}


def _require_both(y: FrozenArray) -> None:
    if (y.values == y.values[0]).all():
        raise InputError(
            f"Argument `y` must hold both labels, +1 and -1, but all of its {len(y)} labels are {y.values[0]:+g}. Add "
            "rows of the other class: with one alone there is nothing to tell apart."
        )


def _require_direction(first: np.ndarray, second: np.ndarray) -> None:
    if (first == second).all():
        raise InputError(
            "Argument `X` must have classes with different means, but the rows of both have the same mean. Choose "
            "other inputs: no direction is to be learned from these."
        )


def _test(test: Any, n: int) -> tuple[FrozenArray, FrozenArray]:
    """The held-out rows and their labels."""
    if isinstance(test, dict) and set(test) == {"X", "y"}:
        test = (test["X"], test["y"])
    if not isinstance(test, tuple | list) or len(test) != 2:
        raise InputError(
            f"Argument `test` must be a pair (X, y) of rows and labels, but it is {type_shown(test)}. Write "
            "test=(X_test, y_test)."
        )
    X, y = _rows(test[0], test[1], "test[0]", "test[1]")
    if X.shape[1] != n:
        raise InputError(
            f"Argument `test` must have rows of {n} inputs, as `X` has, but they have {X.shape[1]}. Treat both alike."
        )
    return X, y


def _covariance(deviations: np.ndarray) -> Covariance:
    """The mean of d d^T over rows d, in the cheaper form: a product with it costs 2 n rows, or n^2."""
    rows, n = deviations.shape
    if 2 * rows < n:
        # The triangle of D = Q R has R^T R = D^T D and tells, unlike the rows D, no more than the covariance does.
        return Covariance(factor=np.asarray(np.linalg.qr(deviations, mode="r")).T / np.sqrt(rows))
    matrix = deviations.T @ deviations / rows
    return Covariance(matrix=(matrix + matrix.T) / 2.0)


def _parts(count: int, rows: int) -> list[slice]:
    """Consecutive slices of `count` weight vectors, each small enough for its products with all rows."""
    size = max(1, BLOCK // rows)
    return [slice(first, first + size) for first in range(0, count, size)]


def _right(h: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fraction of rows on the right side, h of shape (count, rows); those with h = 0 count half."""
    side = h * y
    return (side > 0).mean(1) + 0.5 * (side == 0).mean(1)
