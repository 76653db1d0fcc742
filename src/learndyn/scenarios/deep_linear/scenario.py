"""A linear network of any depth as matrices: the scenario's data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import count, number
from learndyn.errors import InputError
from learndyn.scenarios.arrays import FrozenArray, frozen
from learndyn.scenarios.base import Flow, Quantity, fields_alone, replaced, with_options
from learndyn.scenarios.covariance import Covariance, covariance_of
from learndyn.scenarios.deep_linear import closed_form, observables, tasks
from learndyn.scenarios.deep_linear.flow import make_flow, product, size, unpack
from learndyn.scenarios.deep_linear.modes import Modes, modes_of
from learndyn.scenarios.deep_linear.start import LinearWeights
from learndyn.scenarios.linear_modes.scenario import LinearModes
from learndyn.scenarios.shown import Shown

# Conserved matrices of up to so many numbers in all are part of a result row by row.
MOST_NUMBERS = 4 * 10**6
# Weights whose observables are computed at a time: as many as a processor has at hand.
AT_ONCE = 10**5


@dataclass(frozen=True)
class DeepLinear(Shown):
    """A linear network yhat = W_D ... W_2 W_1 x that learns by gradient descent, from any weights.

        tau dW_l/dt = (W_D ... W_{l+1})^T (E[y x^T] - W (E[x x^T] + sigma^2)) (W_{l-1} ... W_1)^T - lambda W_l

    Time is in units in which the learning rate is 1: after k steps of gradient descent at the rate eta, t = k eta.

    Parameters
    ----------
    correlation
        E[y x^T], shape (outputs, inputs).
    inputs
        E[x x^T]: a variance (white inputs), n variances, a matrix (n, n) or an `ld.Covariance`.
    hidden
        Units of the hidden layers: a number, a tuple of them, or () for none. None: one hidden layer that is as wide as
        the smaller of inputs and outputs.
    weight_decay
        lambda, at least 0: of the penalty (lambda / 2) sum_l |W_l|^2.
    input_noise
        sigma, the standard deviation of noise on each input, at least 0: of a denoising network.
    least_loss
        Loss of the best linear map, to which that of the network is added: label noise and what is not linear.
    time_scale
        tau, above 0.
    learning_rate
        Of gradient descent in simulations; the flow does not depend on it.
    batch_size
        Examples that are drawn for a step of ``ld.simulate(..., method="samples")``.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Notes
    -----
    In closed form (``ld.solve`` uses it where it exists): one layer; two layers from decoupled modes, balanced or
    without weight decay; two layers with white inputs and W_2^T W_2 - W_1 W_1^T = c 1, with weight decay for c = 0,
    where W_1 and W_2 (not W, nor anything else here) are known up to a rotation of the hidden units. All other starts,
    and all deeper networks, are integrated. Valid for a vanishing learning rate; gradient descent differs by O(eta).
    Cost: a right-hand side 3 D products of matrices; in closed form one eigendecomposition of the size of the hidden
    layer, or six products where times are close, for each time.
    References: Saxe, McClelland & Ganguli (2014) arXiv:1312.6120; Fukumizu (1998); Braun, Domine, Fitzgerald & Saxe
    (2022); Domine et al. (2024) arXiv:2409.14623; Pretorius, Kroon & Kamper (2018) arXiv:1806.05413.

    Examples
    --------
    >>> import learndyn as ld
    >>> task = ld.DeepLinear([[2.0, 0.0], [0.0, 1.0]])
    >>> curve = ld.solve(task, ld.LinearWeights.balanced(task, scale=0.01, seed=1), until=10, save_at=[10.0])
    >>> curve.u.values[0].round(3).tolist()
    [2.0, 1.0]
    """

    kind: ClassVar[str] = "deep_linear"
    time_name: ClassVar[str] = "t"
    gaussian_inputs: ClassVar[bool] = False
    time: ClassVar[Quantity] = Quantity((), "time: learning rate * steps")
    verbs: ClassVar[tuple[str, ...]] = ("time_to_reach",)
    closed_forms: ClassVar[str] = closed_form.COVERED

    correlation: Any
    inputs: Any = 1.0
    hidden: Any = None
    _: KW_ONLY
    weight_decay: float = 0.0
    input_noise: float = 0.0
    least_loss: float = 0.0
    time_scale: float = 1.0
    learning_rate: float = 1e-3
    batch_size: int = 1

    def __post_init__(self) -> None:
        correlation = _correlation(self.correlation)
        checked = {
            "correlation": correlation,
            "inputs": _inputs(self.inputs, correlation.shape[1]),
            "hidden": _hidden(self.hidden, min(correlation.shape)),
            "weight_decay": number(self.weight_decay, "weight_decay", minimum=0.0),
            "input_noise": number(self.input_noise, "input_noise", minimum=0.0),
            "least_loss": number(self.least_loss, "least_loss", minimum=0.0),
            "time_scale": number(self.time_scale, "time_scale", above=0.0),
            "learning_rate": number(self.learning_rate, "learning_rate", above=0.0),
            "batch_size": count(self.batch_size, "batch_size"),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        # Refused here, where the arguments are: an output that follows an input which does not vary.
        _ = self._best

    @classmethod
    def scalar(cls, x: float, y: float, **options: Any) -> DeepLinear:
        """One input x, one output y, one hidden unit: yhat = w_2 w_1 x.

        Examples
        --------
        >>> import learndyn as ld
        >>> task = ld.DeepLinear.scalar(x=1.0, y=1.0)
        >>> start = ld.LinearWeights([[0.1]], [[0.1]])
        >>> ld.solve(task, start, until=4, save_at=[1.0, 4.0]).W.values.ravel().round(4).tolist()
        [0.0695, 0.9679]
        """
        x, y = number(x, "x"), number(y, "y")
        return cls([[y * x]], x * x, hidden=options.pop("hidden", 1), **options)

    @classmethod
    def autoencoder(
        cls, covariance: Any, hidden: Any = None, *, input_noise: float = 0.0, **options: Any
    ) -> DeepLinear:
        """A network that learns its own (clean) inputs: E[y x^T] = E[x x^T]; with `input_noise` a denoising one.

        Parameters
        ----------
        covariance
            Of the inputs: n variances, a matrix (n, n) or an `ld.Covariance` that has a size.
        hidden, input_noise, **options
            As for `ld.DeepLinear`.

        Examples
        --------
        >>> import learndyn as ld
        >>> task = ld.DeepLinear.autoencoder([2.0, 1.0], input_noise=0.5)
        >>> curve = ld.solve(task, ld.LinearWeights.decoupled(task, u=0.01), until=10, save_at=[10.0])
        >>> curve.u.values[0].round(4).tolist()
        [0.8889, 0.8]
        """
        given = covariance_of(covariance, "covariance")
        if given.size is None:
            raise InputError(
                "Argument `covariance` must say how many inputs there are, but it is one variance. Give n variances or "
                "a matrix (n, n)."
            )
        return cls(given.dense(given.size), given, hidden, input_noise=input_noise, **options)

    @classmethod
    def of_data(cls, X: Any, Y: Any, hidden: Any = None, **options: Any) -> DeepLinear:
        """The task of rows of data: averages over the rows, without subtraction of means.

        Parameters
        ----------
        X, Y
            Inputs (rows, n) and outputs (rows, outputs).
        hidden, **options
            As for `ld.DeepLinear`. ``least_loss`` is computed: half the mean squared residual of linear regression.

        Examples
        --------
        >>> import learndyn as ld
        >>> task = ld.DeepLinear.of_data(X=[[1.0, 0.0], [0.0, 2.0]], Y=[[1.0], [1.0]])
        >>> task.correlation.values.tolist(), task.inputs.dense(2).tolist()
        ([[0.5, 1.0]], [[0.5, 0.0], [0.0, 2.0]])
        """
        correlation, covariance, least = tasks.averages(X, Y)
        return cls(correlation, covariance, hidden, least_loss=least, **options)

    @classmethod
    def items(cls, **options: Any) -> DeepLinear:
        """Four items and their five properties, as in the slides: a hierarchy that is learned mode by mode.

        Items (inputs, one-hot): canary, salmon, oak, rose. Properties (outputs): petals, bark, scales, flies, moves.
        The slide is a picture; the matrix of zeros and ones is inferred from it: singular values sqrt 3, 1, 1, 1.
        Names are in ``learndyn.scenarios.deep_linear.tasks.ITEMS`` and ``PROPERTIES``.
        Reference: Pretorius (2017), learning dynamics for deep linear networks.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.DeepLinear.items().modes().s.values.round(4).tolist()
        [1.7321, 1.0, 1.0, 1.0]
        """
        return cls(tasks.ITEM_PROPERTIES, **options)

    def replace(self, **changes: Any) -> DeepLinear:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.DeepLinear.items().replace(hidden=(3, 3)).depth
        3
        """
        return replaced(self, changes)

    def to_plain(self) -> dict[str, Any]:
        """As a dict of numbers and lists; options that are off are not in it."""
        plain: dict[str, Any] = {"correlation": self.correlation.to_plain(), "inputs": self.inputs.to_plain()}
        plain["hidden"] = list(self.hidden)
        return with_options(self, plain)

    def __getstate__(self) -> dict[str, Any]:
        return fields_alone(self)

    def descent(self, start: Any, method: str = "descent") -> Any:
        """Gradient descent on the matrices as data (`learndyn.scenarios.gradient_steps.Descent`)."""
        from learndyn.scenarios.deep_linear.descent import descent_of

        return descent_of(self, start, method)

    @property
    def n(self) -> int:
        """Number of inputs."""
        return self.correlation.shape[1]

    @property
    def depth(self) -> int:
        """Number of layers of weights."""
        return len(self.hidden) + 1

    @property
    def widths(self) -> tuple[int, ...]:
        """(inputs, h_1, ..., outputs)."""
        return (self.n, *self.hidden, self.correlation.shape[0])

    @cached_property
    def dense_inputs(self) -> np.ndarray:
        """E[x x^T] of clean inputs, (n, n)."""
        return self.inputs.dense(self.n)

    @cached_property
    def white(self) -> float | None:
        """The variance of white inputs, None where they are not white."""
        variance = float(self.dense_inputs[0, 0])
        off = np.abs(self.dense_inputs - variance * np.eye(self.n)).max()
        return variance if off <= closed_form.ROUNDING * variance else None

    @cached_property
    def _best(self) -> np.ndarray:
        return tasks.best_map(self.correlation.values, self.dense_inputs)

    @cached_property
    def known_modes(self) -> Modes | None:
        """U, s, V, beta of the modes with s above 0; None where the inputs mix them or nothing is to be learned."""
        return modes_of(self.correlation.values, self.dense_inputs)

    def modes(self) -> LinearModes:
        """The decoupled modes of this task, with s above 0 and the largest first, as a scenario of their own.

        Raises
        ------
        InputError
            When E[x x^T] mixes the right singular vectors of E[y x^T], or E[y x^T] is zero.

        Examples
        --------
        >>> import learndyn as ld
        >>> modes = ld.DeepLinear.autoencoder([2.0, 0.5]).modes()
        >>> modes.s.values.tolist(), modes.beta.values.tolist()
        ([2.0, 0.5], [2.0, 0.5])
        """
        known = self.known_modes
        if known is None:
            why = "mixes those directions" if self.correlation.values.any() else "is given, but `correlation` is zero"
            raise InputError(
                "Argument `inputs` must have the right singular vectors of `correlation` as eigenvectors for modes "
                f"that do not mix, but it {why}. Use ld.solve on the matrices, from ld.LinearWeights.random."
            )
        shared = ("weight_decay", "input_noise", "least_loss", "time_scale", "learning_rate")
        options = {name: getattr(self, name) for name in shared}
        return LinearModes(known.s, known.beta, depth=self.depth, **options)

    def closed_form(self, start: Any) -> Callable[[np.ndarray], np.ndarray] | None:
        """A function of times (rows,) that gives flat states (rows, n), or None where there is no closed form."""
        start = self.as_start(start)
        curve = closed_form.find(self, start.matrices())
        return None if curve is None else lambda at: curve((np.asarray(at) - start.at) / self.time_scale)

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def as_start(self, start: Any) -> LinearWeights:
        """The start, checked against this scenario; matrices or a row of a result will do."""
        return LinearWeights.of(start).fitting(self.widths)

    def initial_state(self, start: Any) -> np.ndarray:
        """The flat state: W_1 row by row, then W_2, ...."""
        return closed_form.flat(self.as_start(start).matrices())

    @property
    def state_length(self) -> int:
        """Length of the flat state."""
        return sum(before * after for before, after in pairwise(self.widths))

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        found: dict[str, Any] = {
            "correlation": self.correlation.values,
            "noise": self.input_noise**2,
            "weight_decay": self.weight_decay,
            "least_loss": self.least_loss,
            "time_scale": self.time_scale,
            "best": self._best,
            "root": self.inputs.root(self.n),
        }
        found |= self.inputs.numbers()
        if self.known_modes is not None:
            found |= {"U": self.known_modes.U, "V": self.known_modes.V}
        return {name: np.array(value, dtype=float) for name, value in found.items()}

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The flow of the matrices in JAX."""
        if samples is not None:
            raise InputError(
                f"Argument `samples` must be left out for an ld.DeepLinear, which averages nothing, but it is "
                f"{samples}. Leave it out."
            )
        return make_flow(self.widths, self.inputs.form)

    def reach(self, states: np.ndarray, times: Any = 0.0) -> None:
        """There is no quadrature here."""

    def _names(self) -> list[str]:
        """The dims of the layers: input, hidden (hidden_1, hidden_2, ...), output."""
        several = len(self.hidden) > 1
        inner = [f"hidden_{layer}" if several else "hidden" for layer in range(1, len(self.hidden) + 1)]
        return ["input", *inner, "output"]

    def quantities(self) -> dict[str, Quantity]:
        """All that a row may hold."""
        names = self._names()
        found = {
            "W": Quantity(("output", "input"), "the map W_D ... W_1"),
            "u": Quantity(("mode",), "strength of a mode in the map, (U^T W V)_aa"),
            "loss": Quantity((), "half the mean squared error on clean inputs"),
            "objective": Quantity((), "what the flow descends: with input noise and weight decay"),
        }
        for layer, (before, after) in enumerate(pairwise(names), 1):
            text = f"weights of layer {layer}; after a closed form up to a rotation of the hidden units"
            found[f"W_{layer}"] = Quantity((after, before), text)
        for layer, name in enumerate(names[1:-1], 1):
            text = "W_{l+1}^T W_{l+1} - W_l W_l^T, conserved without weight decay"
            found["imbalance" if len(names) == 3 else f"imbalance_{layer}"] = Quantity((name, f"{name}b"), text)
        return found

    def coordinates(self) -> dict[str, np.ndarray]:
        """The labels of inputs, hidden units, outputs and modes."""
        found = {name: np.arange(1, width + 1) for name, width in zip(self._names(), self.widths, strict=True)}
        found |= {f"{name}b": found[name] for name in self._names()[1:-1]}
        return found if self.known_modes is None else found | {"mode": np.arange(1, len(self.known_modes.s) + 1)}

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Matrices and observables of flat states (..., n); conserved matrices only of short runs."""
        lead, flat = states.shape[:-1], states.reshape(-1, states.shape[-1])
        whole = len(flat) * sum(width**2 for width in self.hidden) <= MOST_NUMBERS
        count = max(1, AT_ONCE // states.shape[-1])
        first = self._observed(flat[:count], whole)
        found = {name: np.empty((len(flat), *value.shape[1:])) for name, value in first.items()}
        for begin in range(0, len(flat), count):
            piece = slice(begin, begin + count)
            for name, value in (self._observed(flat[piece], whole) if begin else first).items():
                found[name][piece] = value
        return self.order_parameters(states) | {
            name: value.reshape(*lead, *value.shape[1:]) for name, value in found.items()
        }

    def _observed(self, states: np.ndarray, whole: bool) -> dict[str, np.ndarray]:
        """Observables of flat states (rows, n); with ``whole`` the conserved matrices too."""
        layers = unpack(self.widths, states)
        W = product(layers)
        loss = observables.loss(W, self._values)
        objective = loss + observables.penalty(states, W, self._values)
        found = {"W": W, "loss": loss, "objective": objective}
        if self.known_modes is not None:
            found["u"] = observables.strengths(W, self._values)
        if whole:
            names = ["imbalance"] if self.depth == 2 else [f"imbalance_{layer}" for layer in range(1, self.depth)]
            found |= dict(zip(names, observables.imbalances(layers), strict=True))
        return found

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """The matrices W_1, W_2, ... alone."""
        return {f"W_{layer}": each for layer, each in enumerate(unpack(self.widths, states), 1)}

    def parameter_names(self) -> list[str]:
        """W_1[1,1], W_1[1,2], ...: the numbers of the flat state."""
        pairs = enumerate(pairwise(self.widths), 1)
        return [f"W_{l}[{i},{j}]" for l, (n, m) in pairs for i in range(1, m + 1) for j in range(1, n + 1)]

    def observable(self, name: str, xp: Any) -> Any:
        """An observable(flat state, values, at=0.0): "loss", "objective", or "u_1", "u_2", ... of a mode."""
        modes = 0 if self.known_modes is None else len(self.known_modes.s)
        return observables.observable(self.widths, modes, name)

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """All weights are possible."""
        return len(states)

    def scale(self, state: Any) -> float:
        """The squared length that is natural here: that of the start and that of the solution."""
        return float(size(np.asarray(state)) + self.depth * (1.0 + (self._best**2).sum()))


def _correlation(value: Any) -> FrozenArray:
    found = frozen(value, "correlation", "Give E[y x^T], shape (outputs, inputs).")
    if found.ndim != 2 or 0 in found.shape:
        raise InputError(
            f"Argument `correlation` must have shape (outputs, inputs), but it has shape {found.shape}. "
            "Give E[y x^T] as a matrix."
        )
    return found


def _inputs(value: Any, n: int) -> Covariance:
    found = covariance_of(value, "inputs")
    if found.size not in (None, n):
        raise InputError(
            f"Argument `inputs` must be a covariance of {n} inputs, as many as `correlation` has columns, but it is "
            f"one of {found.size}. Give E[x x^T] of the same inputs."
        )
    return found


def _hidden(value: Any, widest: int) -> tuple[int, ...]:
    if value is None:
        return (widest,)
    several = isinstance(value, list | tuple | np.ndarray)
    return tuple(count(width, "hidden") for width in (value if several else (value,)))
