"""A linear student that fits p noisy examples of a linear rule of n inputs: the scenario's data.

y = wbar . x + noise,   train = <(y - w . x)^2> / 2 over p examples,   dW_l/dt = -d train / dW_l - gamma W_l
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import choice, count, number
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.arrays import FrozenArray, frozen
from learndyn.scenarios.base import Flow, Quantity, fields_alone, replaced
from learndyn.scenarios.finite_sample.errors import OBSERVABLES, errors_of, slope_of_error, split
from learndyn.scenarios.finite_sample.flow import closed_states, drift_function, make_flow
from learndyn.scenarios.finite_sample.limits import best_ridge, ridge, unregularised
from learndyn.scenarios.finite_sample.spectrum import Spectrum, marchenko_pastur, of_eigenvalues
from learndyn.scenarios.finite_sample.start import RandomWeights
from learndyn.scenarios.shown import Shown

ORDER_PARAMETERS = {
    "A": Quantity(("direction",), "what the first layer holds of its start, direction by direction of the data"),
    "C": Quantity(("direction",), "how far the first layer has moved to the least-squares solution"),
}

# Options that are off.
OFF = {"weight_decay": 0.0, "depth": 1}


@dataclass(frozen=True)
class FiniteSample(Shown):
    """A linear student that learns by gradient descent on p noisy examples of a linear rule, n and p to infinity.

        y = wbar . x + sigma * noise,   x ~ N(0, I_n),   |wbar| = S,   a = n / p
        dw/dt = X (y - X^T w) / p - gamma w

    In the eigenbasis of X X^T / p, whose eigenvalues lambda have Marchenko & Pastur's law, each direction learns on its
    own at the rate lambda + gamma: strong directions first, weak ones later and mostly noise. Hence a best time to
    stop, and a peak of the final error at a = 1.

    Parameters
    ----------
    aspect
        a = n / p, inputs for each example, above 0. Above 1 there are directions that no example has seen.
    signal
        S, length of the rule: standard deviation of the noiseless output. At least 0.
    label_noise
        sigma, standard deviation of Gaussian noise on the outputs, in the sample and in test examples.
    weight_decay
        gamma: (gamma / 2) sum_l |W_l|^2 is added to the training error.
    depth
        D, number of layers, with balanced weights at the start: 1 for linear regression.
    learning_rate
        Of the steps that `ld.simulate` makes. Time is in units in which it is 1: t = learning_rate * steps.
    eigenvalues
        Of X X^T / p for one data set of yours with n inputs, in any order; curves are then exact at its finite size,
        averaged over rule, noise and start. None: Marchenko & Pastur's law.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Notes
    -----
    `ld.solve` gives ``eps_g``, ``test_error`` and ``train_error``, all with the factor 1/2: test_error = eps_g +
    sigma^2 / 2. Averages over the law are quadratures, exact to about 1e-14; at finite n the mean over samples differs
    by O(1/n), single samples by O(1/n) too in the bulk, more at the edge. `ld.optimal_stopping_time` and
    `ld.optimal_weight_decay` find the best regularisation, `final` the end of learning.
    At depth D layers are balanced at the start, W_{l+1}^T W_{l+1} = W_l W_l^T, which makes each a single direction of
    strength d; the widths of the hidden layers then play no part.
    References: Advani, Saxe & Sompolinsky (2020) Neural Networks 132, 428; Marchenko & Pastur (1967); Hastie,
    Montanari, Rosset & Tibshirani (2022) Ann. Statist. 50, 949.

    Examples
    --------
    >>> import learndyn as ld
    >>> sample = ld.FiniteSample(aspect=0.5, label_noise=0.5)
    >>> curve = ld.solve(sample, ld.RandomWeights(0.0), until=100, save_at=[0, 2, 100])
    >>> [round(float(x), 4) for x in curve.eps_g]
    [0.5, 0.1054, 0.125]
    """

    kind: ClassVar[str] = "finite_sample"
    time_name: ClassVar[str] = "t"
    gaussian_inputs: ClassVar[bool] = False
    time: ClassVar[Quantity] = Quantity((), "time: learning rate * steps of gradient descent")
    closed_forms: ClassVar[str] = "students of depth 1"
    verbs: ClassVar[tuple[str, ...]] = ("simulate", "optimal_stopping_time", "optimal_weight_decay", "error_surface")

    aspect: float
    signal: float = 1.0
    label_noise: float = 0.0
    _: KW_ONLY
    weight_decay: float = 0.0
    depth: int = 1
    learning_rate: float = 0.01
    eigenvalues: FrozenArray | Any = None

    def __post_init__(self) -> None:
        checked = {
            "aspect": number(self.aspect, "aspect", above=0.0),
            "signal": number(self.signal, "signal", minimum=0.0),
            "label_noise": number(self.label_noise, "label_noise", minimum=0.0),
            "weight_decay": number(self.weight_decay, "weight_decay", minimum=0.0),
            "depth": count(self.depth, "depth"),
            "learning_rate": number(self.learning_rate, "learning_rate", above=0.0),
            "eigenvalues": None if self.eigenvalues is None else _eigenvalues(self.eigenvalues),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def replace(self, **changes: Any) -> FiniteSample:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.FiniteSample(0.5).replace(label_noise=1.0).label_noise
        1.0
        """
        return replaced(self, changes)

    def to_plain(self) -> dict[str, Any]:
        """As a dict of numbers and lists; options that are off are not in it."""
        plain = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        if self.eigenvalues is None:
            del plain["eigenvalues"]
        else:
            plain["eigenvalues"] = self.eigenvalues.to_plain()
        return {name: value for name, value in plain.items() if name not in OFF or value != OFF[name]}

    def final(self, start: Any = 0.0) -> dict[str, float]:
        """Where learning ends, t to infinity: eps_g, test_error, train_error, R and Q in closed form, at depth 1.

        Raises
        ------
        InputError
            For a deep student, whose end depends on its whole path.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.FiniteSample(aspect=0.5, label_noise=0.5).final()["eps_g"]  # sigma^2 a / (2 (1 - a))
        0.125
        """
        start = self.as_start(start)
        self._require_shallow("final")
        if self.eigenvalues is not None:
            states = closed_states(np.array([np.inf]), start.length, self.values())
            return {name: float(row[0]) for name, row in self.rows(states).items()}
        if self.weight_decay > 0.0:
            return ridge(self.aspect, self.signal, self.label_noise, self.weight_decay)
        return unregularised(self.aspect, self.signal, self.label_noise, start.length)

    def best_ridge(self) -> float:
        """The weight decay whose end has the smallest eps_g, at depth 1: a sigma^2 / S^2, whatever the spectrum.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.FiniteSample(aspect=2.0, signal=2.0, label_noise=1.0).best_ridge()
        0.5
        """
        self._require_shallow("best_ridge")
        return best_ridge(self.aspect, self.signal, self.label_noise)

    def spectrum(self) -> Spectrum:
        """Eigenvalues and weights over which errors are averaged.

        Examples
        --------
        >>> import learndyn as ld
        >>> law = ld.FiniteSample(aspect=2.0).spectrum()
        >>> round(float(law.weights @ law.eigenvalues**2), 12)  # 1 + a
        3.0
        """
        return marchenko_pastur(self.aspect) if self.eigenvalues is None else of_eigenvalues(self.eigenvalues.values)

    def _require_shallow(self, what: str) -> None:
        if self.depth > 1:
            raise InputError(
                f"Argument `depth` must be 1 for {what}, but it is {self.depth}. Use ld.solve with a late `until`."
            )

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def as_start(self, start: Any) -> RandomWeights:
        """The start, checked against this scenario; its length alone will do."""
        found = RandomWeights.of(start)
        if self.depth > 1 and found.length == 0.0:
            raise InputError(
                f"Argument `length` of the start must be above 0 for a student of {self.depth} layers, which would "
                "stay at 0 for ever, but it is 0. Write ld.RandomWeights(0.01)."
            )
        return found

    def initial_state(self, start: Any) -> np.ndarray:
        """The flat state (A, C) of the first layer: A = L^(1/D) and C = 0 in every direction."""
        state = np.zeros(self.state_length)
        state[: self.state_length // 2] = self.as_start(start).length ** (1.0 / self.depth)
        return state

    @property
    def state_length(self) -> int:
        """Length of the flat state: two numbers a direction."""
        return 2 * len(self.values()["eigenvalues"])

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        law = self.spectrum()
        numbers = {name: getattr(self, name) for name in ("aspect", "signal", "label_noise", "weight_decay")}
        arrays = {"eigenvalues": law.eigenvalues, "weights": law.weights}
        return {name: np.asarray(value, dtype=float) for name, value in (numbers | arrays).items()}

    def __getstate__(self) -> dict[str, Any]:
        return fields_alone(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The flow of A and C in JAX."""
        if samples is not None:
            raise InputError(
                "Argument `samples` must be left out for an ld.FiniteSample, whose averages need no sampling, but it "
                f"is {samples}. Leave it out."
            )
        return make_flow(self.depth, self.state_length // 2)

    def closed_form(self, start: Any) -> Callable[[np.ndarray], np.ndarray] | None:
        """The function of times that gives flat states, at depth 1; None for deep students."""
        start = self.as_start(start)
        if self.depth > 1:
            return None
        return partial(self._states, start)

    def _states(self, start: RandomWeights, times: np.ndarray) -> np.ndarray:
        return closed_states(np.asarray(times) - start.at, start.length, self.values())

    def slope(self, states: np.ndarray) -> np.ndarray:
        """d eps_g / dt at flat states (..., n)."""
        slopes = drift_function(self.depth, NUMPY)(0.0, states, self.values())
        return slope_of_error(states, slopes, self.values(), self.depth)

    def reach(self, states: np.ndarray, times: Any = 0.0) -> None:
        """No quadrature here has a reach."""

    def quantities(self) -> dict[str, Quantity]:
        """Errors and overlaps, none with dims beside time; and the order parameters, one a direction."""
        return OBSERVABLES | ORDER_PARAMETERS

    def coordinates(self) -> dict[str, np.ndarray]:
        """No labels: results have time alone."""
        return {}

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Errors and overlaps of flat states (..., n)."""
        return errors_of(states, self.values(), self.depth)

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """A and C, of flat states (..., n)."""
        A, C = split(states)
        return {"A": A, "C": C}

    def parameter_names(self) -> list[str]:
        """A_1, ..., C_1, ...: the numbers of the flat state, in its order."""
        return [f"{name}_{i}" for name in ORDER_PARAMETERS for i in range(1, self.state_length // 2 + 1)]

    def observable(self, name: str, xp: Any) -> Any:
        """An observable(flat state, values, at=0.0) with the namespace `xp`."""
        choice(name, "quantity", list(OBSERVABLES))

        def found(flat: Any, values: dict[str, Any], at: Any = 0.0) -> Any:
            return errors_of(flat, values, self.depth, xp)[name]

        return found

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """All states are possible."""
        return len(states)

    def scale(self, state: Any) -> float:
        """The mean square of A and C that is natural here; C / d^(D-1) ends at 1."""
        drawn = max(self.signal**2, self.label_noise**2, 1e-12)
        return float(np.mean(np.asarray(state) ** 2)) + 1.0 + drawn ** ((1 - self.depth) / self.depth)

    def drawn_descent(self, start: Any) -> Any:
        """Gradient descent on drawn samples, for the engine that simulates it."""
        from learndyn.scenarios.finite_sample.process import descent_of

        return descent_of(self, self.as_start(start))

    # What it does not have.

    def require_plain(self, what: str) -> None:
        """Refused: there is no process of order parameters here."""
        raise _no_process(what)

    def process(self, start: Any) -> Any:
        """Refused, like `require_plain`."""
        raise _no_process("The process of on-line learning")

    def noise(self) -> Any:
        """Refused: examples are drawn once, not at every update."""
        raise _no_process("ld.fluctuations")


def _eigenvalues(value: Any) -> FrozenArray:
    found = frozen(value, "eigenvalues", "Write np.linalg.eigvalsh(X @ X.T / p).")
    if found.ndim != 1 or len(found) == 0:
        raise InputError(
            f"Argument `eigenvalues` must be a list of n numbers, but it has shape {found.shape}. "
            "Give one eigenvalue for each input."
        )
    smallest, largest = float(found.values.min()), float(found.values.max())
    if largest <= 0.0 or smallest < -1e-9 * largest:
        raise InputError(
            "Argument `eigenvalues` must be those of a correlation, none below 0 and not all 0, but they run from "
            f"{smallest:.3g} to {largest:.3g}. Write np.linalg.eigvalsh(X @ X.T / p)."
        )
    return found


def _no_process(what: str) -> InputError:
    return InputError(
        f"{what} is for scenarios that see each example once, but in an ld.FiniteSample a sample is drawn once and "
        "used again. Use ld.solve or ld.simulate, which draws samples."
    )
