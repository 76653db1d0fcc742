"""The decoupled modes of a linear network: the scenario's data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import array, count, number, shown
from learndyn.errors import InputError
from learndyn.scenarios.arrays import FrozenArray, frozen
from learndyn.scenarios.base import Flow, Quantity, fields_alone, replaced, with_options
from learndyn.scenarios.linear_modes import closed_form, dropout, observables
from learndyn.scenarios.linear_modes.flow import make_flow, size
from learndyn.scenarios.linear_modes.start import ModeStart, imbalance_of
from learndyn.scenarios.shown import Shown

QUANTITIES = {
    "w": Quantity(("layer", "mode"), "strength of a layer in a mode"),
    "u": Quantity(("mode",), "strength of a mode, the product of its layers"),
    "imbalance": Quantity(("mode",), "w_2^2 - w_1^2, conserved without weight decay"),
    "loss": Quantity((), "half the mean squared error on clean inputs"),
    "objective": Quantity((), "what the flow descends: with input noise, dropout and weight decay"),
}


@dataclass(frozen=True)
class LinearModes(Shown):
    """The modes of a deep linear network that learns from decoupled starts, each on its own.

        tau dw_l/dt = p (s - (beta + sigma^2) u) u / w_l - lambda w_l,    u = w_1 w_2 ... w_D

    for each mode of the input-output correlation E[y x^T] = U S V^T, with singular value s, and beta = v^T E[x x^T] v.
    Time is in units in which the learning rate is 1: after k steps of gradient descent at the rate eta, t = k eta.

    Parameters
    ----------
    s
        Singular values: a number or (m,), at least 0. Thousands of modes cost what one costs, times their number.
    beta
        Variance of the (clean) input along each mode, a number or (m,); above 0 where s is.
    depth
        D, the number of layers, at least 1.
    weight_decay
        lambda, at least 0: of the penalty (lambda / 2) sum_l w_l^2.
    dropout_keep
        p, above 0 and at most 1: the share of steps in which a mode is kept; the flow is the mean over the masks.
    input_noise
        sigma, the standard deviation of noise on each input, at least 0: of a denoising network.
    least_loss
        Loss of the best linear map, to which that of the modes is added: label noise and what is not linear.
    time_scale
        tau, above 0.
    learning_rate
        Of gradient descent in simulations; the flow does not depend on it.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Notes
    -----
    In closed form: one layer; two balanced layers (|w_1| = |w_2|), weight decay included; two layers of any imbalance
    without weight decay. All other starts are integrated. A mode whose p s is at most lambda dies.
    Valid for a vanishing learning rate; gradient descent at the rate eta differs by O(eta).
    Cost in closed form: some 30 ns for each mode and time.
    References: Saxe, McClelland & Ganguli (2014) arXiv:1312.6120; Pretorius (2017); Pretorius, Kroon & Kamper (2018)
    arXiv:1806.05413.

    Examples
    --------
    >>> import learndyn as ld
    >>> modes = ld.LinearModes(s=[3.0, 1.0, 0.2], weight_decay=0.3)
    >>> curve = ld.solve(modes, ld.ModeStart(u=0.01), until=20, save_at=[1.0, 20.0])
    >>> curve.u.values.round(4).tolist()
    [[1.219, 0.0389, 0.008], [2.7, 0.7, 0.0002]]
    """

    kind: ClassVar[str] = "linear_modes"
    time_name: ClassVar[str] = "t"
    gaussian_inputs: ClassVar[bool] = False
    time: ClassVar[Quantity] = Quantity((), "time: learning rate * steps")
    verbs: ClassVar[tuple[str, ...]] = ("time_to_reach",)
    closed_forms: ClassVar[str] = "one layer, two balanced layers, and two layers of any imbalance without weight_decay"

    s: Any
    beta: Any = 1.0
    depth: int = 2
    _: KW_ONLY
    weight_decay: float = 0.0
    dropout_keep: float = 1.0
    input_noise: float = 0.0
    least_loss: float = 0.0
    time_scale: float = 1.0
    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        s = _singular_values(self.s)
        checked = {
            "s": s,
            "beta": _variances(self.beta, s),
            "depth": count(self.depth, "depth"),
            "weight_decay": number(self.weight_decay, "weight_decay", minimum=0.0),
            "dropout_keep": number(self.dropout_keep, "dropout_keep", above=0.0),
            "input_noise": number(self.input_noise, "input_noise", minimum=0.0),
            "least_loss": number(self.least_loss, "least_loss", minimum=0.0),
            "time_scale": number(self.time_scale, "time_scale", above=0.0),
            "learning_rate": number(self.learning_rate, "learning_rate", above=0.0),
        }
        if checked["dropout_keep"] > 1.0:
            raise InputError(
                "Argument `dropout_keep` must be a probability above 0 and at most 1, but it is "
                f"{shown(self.dropout_keep)}. Write dropout_keep=0.8."
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def replace(self, **changes: Any) -> LinearModes:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.LinearModes([2.0, 1.0]).replace(depth=3).depth
        3
        """
        return replaced(self, changes)

    def to_plain(self) -> dict[str, Any]:
        """As a dict of numbers and lists; options that are off are not in it."""
        plain: dict[str, Any] = {"s": self.s.to_plain(), "beta": self.beta.to_plain()}
        return with_options(self, plain)

    def __getstate__(self) -> dict[str, Any]:
        return fields_alone(self)

    @property
    def m(self) -> int:
        """Number of modes."""
        return len(self.s)

    @cached_property
    def _rates(self) -> tuple[np.ndarray, np.ndarray, float]:
        """p s, p (beta + sigma^2) and lambda, as the closed forms take them."""
        keep, noisy = self.dropout_keep, self.beta.values + self.input_noise**2
        return keep * self.s.values, keep * np.broadcast_to(noisy, self.m), self.weight_decay

    @property
    def best(self) -> np.ndarray:
        """s / beta, the strengths of the best linear map on clean inputs; 0 for what does not vary. Shape (m,)."""
        beta = np.broadcast_to(self.beta.values, self.m)
        return np.where(beta > 0.0, self.s.values / np.where(beta > 0.0, beta, 1.0), 0.0)

    def descent(self, start: Any, method: str = "descent") -> Any:
        """Gradient descent on the modes as data (`learndyn.scenarios.gradient_steps.Descent`); there is one method."""
        from learndyn.scenarios.linear_modes.descent import descent_of

        return descent_of(self, start)

    # Closed forms.

    def closed_form(self, start: Any) -> Callable[[np.ndarray], np.ndarray] | None:
        """A function of times (rows,) that gives flat states (rows, n), or None where there is no closed form."""
        start = self.as_start(start)
        w = start.layers(self.depth, self.m)
        strength = closed_form.strength(w, *self._rates)
        if strength is None:
            return None
        return lambda at: closed_form.layers(w, strength((np.asarray(at) - start.at) / self.time_scale))

    def strengths(self, start: Any, at: Any) -> np.ndarray:
        """u at the times `at` (rows,), shape (rows, m), in closed form and nothing else.

        Raises
        ------
        InputError
            Where there is no closed form, or a time is before the start or not finite.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.LinearModes([3.0, 1.0]).strengths(0.01, [0.5, 1.0]).round(4).tolist()
        [[0.1888, 0.0267], [1.723, 0.0695]]
        """
        start, at = self.as_start(start), array(at, "at", hint="Give times.")
        if at.min(initial=np.inf) < start.at:
            raise InputError(
                f"Argument `at` must hold no time before the start, which is at {start.at:g}, but its smallest is "
                f"{at.min():g}. Leave earlier times out."
            )
        strength = closed_form.strength(start.layers(self.depth, self.m), *self._rates)
        if strength is None:
            raise self._no_closed_form("ld.solve")
        return strength((at - start.at) / self.time_scale)

    def time_to(self, start: Any, u: Any) -> np.ndarray:
        """The time that each mode takes to the strength `u`, in closed form; infinity where it never gets there.

        Parameters
        ----------
        start
            An `ld.ModeStart`, or strengths.
        u
            A number for all modes or (m,).

        Returns
        -------
        numpy.ndarray
            (m,): times since the start.

        Raises
        ------
        InputError
            Where there is no closed form: three and more layers with weight decay or out of balance, two layers with
            both weight decay and an imbalance.

        Notes
        -----
        Three and more balanced layers without decay: by hypergeometric functions.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.LinearModes([3.0, 1.0, 0.3]).time_to(0.01, 0.5).round(4).tolist()
        [0.6818, 2.2976, inf]
        """
        start = self.as_start(start)
        w, u = start.layers(self.depth, self.m), frozen(u, "u", "Give a strength, or one for each mode.").values
        if u.ndim and u.shape != (self.m,):
            raise InputError(
                f"Argument `u` must be a number or have {self.m} numbers, but it has shape {u.shape}. "
                "Give one strength for each mode."
            )
        found = closed_form.time_to(w, u, *self._rates)
        if found is None:
            raise self._no_closed_form("ld.time_to_reach")
        return self.time_scale * found

    def _no_closed_form(self, verb: str) -> InputError:
        decay = f"weight_decay {self.weight_decay:g}" if self.weight_decay > 0.0 else "no weight_decay"
        return InputError(
            f"Argument `start` must be one with a closed form ({closed_form.COVERED}), but it has {self.depth} layers, "
            f"{decay}, and is not covered. Use {verb}, which integrates the flow."
        )

    def dropout_time(self, epsilon: float) -> np.ndarray:
        """E[t] = tau / (p s) ln((s - eps) / eps): the mean time from u = eps to s - eps over the masks of dropout.

        Parameters
        ----------
        epsilon
            Above 0 and below half of every mode's final strength.

        Returns
        -------
        numpy.ndarray
            (m,). With weight decay and beta, a = p s - lambda and u_inf = a / (p beta):
            tau / a ln(u_inf / eps - 1).

        Raises
        ------
        InputError
            When the modes do not have two layers, or a mode dies or is learned from the start.

        Notes
        -----
        Exact for a vanishing learning rate, one path and two balanced layers; the spread over masks is of the order of
        the root of the rate. Reference: Pretorius (2017), dropout.

        Examples
        --------
        >>> import learndyn as ld
        >>> modes = ld.LinearModes(1.0, dropout_keep=0.6)
        >>> [round(float(time[0]), 4) for time in (modes.dropout_time(0.01), modes.dropout_bound(0.01))]
        [7.6585, 7.6753]
        """
        return dropout.mean_time(*self._dropout(epsilon))

    def dropout_bound(self, epsilon: float) -> np.ndarray:
        """tau / (p s) ln(s / eps), the bound on `dropout_time` of Pretorius (2017), (m,).

        Examples
        --------
        See `dropout_time`.
        """
        return dropout.bound(*self._dropout(epsilon))

    def _dropout(self, epsilon: Any) -> tuple[Any, ...]:
        epsilon = number(epsilon, "epsilon", above=0.0)
        if self.depth != 2:
            raise InputError(
                f"Argument `scenario` must have two layers for the time under dropout, but it has {self.depth}. "
                "Use ld.solve."
            )
        s, beta, decay = self._rates
        last = (s - decay) / np.maximum(beta, np.finfo(float).tiny)
        if last.min() <= 2.0 * epsilon:
            raise InputError(
                "Argument `epsilon` must be below half of every mode's final strength, but it is "
                f"{epsilon:g} and the smallest final strength is {last.min():.3g}. Make it smaller, or leave out modes "
                "that die."
            )
        return epsilon, self.s.values, beta / self.dropout_keep, decay, self.dropout_keep, self.time_scale

    def kernel_growth(self, start: Any) -> np.ndarray:
        """How much the tangent kernel of each mode grows while it is learned: rich and lazy by number.

            sqrt(c^2 + 4 u_inf^2) / sqrt(c^2 + 4 u_0^2),   u_inf = s / beta (two layers, no weight decay)

        w_1^2 + w_2^2 = sqrt(c^2 + 4 u^2) is the kernel of a mode, the rate at which it learns. A lazy mode has nearly
        the same all the time: a growth near 1, |c| far above s / beta. A rich one starts with next to none.

        Returns
        -------
        numpy.ndarray
            (m,), infinity from u = 0 and c = 0.

        Raises
        ------
        InputError
            When the modes do not have two layers, or there is weight decay, under which c is not conserved.

        References
        ----------
        Braun, Domine, Fitzgerald & Saxe (2022); Domine et al. (2024) arXiv:2409.14623.

        Examples
        --------
        >>> import learndyn as ld
        >>> modes = ld.LinearModes([1.0, 1.0, 1.0])
        >>> modes.kernel_growth(ld.ModeStart(u=0.0, imbalance=[0.1, 2.0, 20.0])).round(3).tolist()
        [20.025, 1.414, 1.005]
        """
        start = self.as_start(start)
        if self.depth != 2 or self.weight_decay > 0.0:
            raise InputError(
                f"Argument `scenario` must have two layers and no weight_decay for the growth of the kernel, but it "
                f"has {self.depth} and {self.weight_decay:g}. Compare `w` along a run of ld.solve."
            )
        w, (s, beta, _) = start.layers(2, self.m), self._rates
        last = np.where(beta > 0.0, s / np.where(beta > 0.0, beta, 1.0), w.prod(0))
        before = (w**2).sum(0)
        after = np.hypot(imbalance_of(w), 2.0 * last)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(after == before, 1.0, after / before)

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def as_start(self, start: Any) -> ModeStart:
        """The start, checked against this scenario; strengths u or a row of a result will do."""
        return ModeStart.of(start).fitting(self)

    def initial_state(self, start: Any) -> np.ndarray:
        """The flat state: w of layer 1, then of layer 2, ...."""
        return self.as_start(start).layers(self.depth, self.m).reshape(-1)

    @property
    def state_length(self) -> int:
        """Length of the flat state."""
        return self.depth * self.m

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        found = {
            "s": self.s.values,
            "beta": np.broadcast_to(self.beta.values + self.input_noise**2, self.m),
            "clean": np.broadcast_to(self.beta.values, self.m),
            "best": self.best,
            "keep": self.dropout_keep,
            "weight_decay": self.weight_decay,
            "least_loss": self.least_loss,
            "time_scale": self.time_scale,
        }
        return {name: np.array(value, dtype=float) for name, value in found.items()}

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The flow of the strengths in JAX."""
        if samples is not None:
            raise InputError(
                f"Argument `samples` must be left out for an ld.LinearModes, which averages nothing, but it is "
                f"{samples}. Leave it out."
            )
        return make_flow(self.depth)

    def reach(self, states: np.ndarray, times: Any = 0.0) -> None:
        """There is no quadrature here."""

    def quantities(self) -> dict[str, Quantity]:
        """All that `rows` returns."""
        return {name: quantity for name, quantity in QUANTITIES.items() if name != "imbalance" or self.depth == 2}

    def coordinates(self) -> dict[str, np.ndarray]:
        """The labels of layers and modes."""
        return {"layer": np.arange(1, self.depth + 1), "mode": np.arange(1, self.m + 1)}

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Strengths and observables of flat states (..., D m)."""
        found = self.order_parameters(states)
        w = found["w"]
        found["u"] = w.prod(-2)
        if self.depth == 2:
            found["imbalance"] = (w[..., 1, :] - w[..., 0, :]) * (w[..., 1, :] + w[..., 0, :])
        return found | {
            name: observables.measure(self.depth, name, states, self._values) for name in observables.MEASURES
        }

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """The strengths alone."""
        return {"w": states.reshape(*states.shape[:-1], self.depth, self.m)}

    def parameter_names(self) -> list[str]:
        """w_11, w_12, ...: the numbers of the flat state, layer before mode."""
        return [f"w_{layer},{mode}" for layer in range(1, self.depth + 1) for mode in range(1, self.m + 1)]

    def observable(self, name: str, xp: Any) -> Any:
        """An observable(flat state, values, at=0.0): "loss", "objective", or "u_1", "u_2", ... of a mode."""
        return observables.observable(self.depth, self.m, name)

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """All strengths are possible."""
        return len(states)

    def scale(self, state: Any) -> float:
        """The squared length that is natural here: that of the start and that of the solution."""
        return float(size(np.asarray(state)) + self.depth * (1.0 + np.abs(self.best)).sum())


def _singular_values(value: Any) -> FrozenArray:
    s = frozen(value, "s", "Give the singular values of E[y x^T].")
    if s.ndim == 0:
        s = FrozenArray(s.values[None])
    if s.ndim != 1 or len(s) == 0:
        raise InputError(
            f"Argument `s` must be a number or a list of singular values, but it has shape {s.shape}. "
            "Give one number for each mode."
        )
    if s.values.min() < 0.0:
        raise InputError(
            f"Argument `s` must hold singular values of at least 0, but its smallest is {s.values.min():g}. Give "
            "its size: a negative correlation has a positive singular value, and its sign belongs to u."
        )
    return s


def _variances(value: Any, s: FrozenArray) -> FrozenArray:
    beta = frozen(value, "beta", "Give the variance of the input along each mode.")
    if beta.ndim > 1 or (beta.ndim and len(beta) != len(s)):
        raise InputError(
            f"Argument `beta` must be a number or have {len(s)} numbers, one for each mode, but it has shape "
            f"{beta.shape}. Give one variance for each mode."
        )
    if beta.values.min() < 0.0 or ((np.broadcast_to(beta.values, len(s)) == 0.0) & (s.values > 0.0)).any():
        raise InputError(
            f"Argument `beta` must be above 0 for every mode with s above 0, but its smallest is "
            f"{beta.values.min():g}: an input without variance has no correlation with an output. Set s to 0 there."
        )
    return beta
