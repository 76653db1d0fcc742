"""A learning rate that adapts while it learns: a rule for eta, driven by what the learner sees.

    eta <- max(eta + h(e, eta) / N, 0),   e = (tau - sigma)^2 / 2 of the example at hand, with its label noise

eta is a number of the state. With h(e, eta) = h_0(eta) + h_1(eta) e it is self-averaging, and for N to infinity

    d eta / d alpha = <h(e, eta)> = h(<e>, eta),

where <e> is the mean error on examples (`training_error`). h(e, 0) >= 0, so that eta never becomes negative there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import did_you_mean, number, or_list, shown
from learndyn.errors import InputError, first_line
from learndyn.gaussian.namespaces import NUMPY
from learndyn.schedules import Schedule, schedule_of
from learndyn.schedules.base import KINDS
from learndyn.schedules.function import Identity

Rule = Callable[[Any, Any, Any], Any]  # h(error, eta, xp)

# Where a user's rule is looked at: rates as multiples of the initial one, and errors.
RATES = np.array([0.0, 0.01, 0.1, 0.5, 1.0, 2.0, 10.0])
ERRORS = np.array([1e-3, 0.1, 0.3, 3.0, 10.0, 1e3, 1e6])
# Rounding inside a rule, relative to its values at errors 0 and 1.
ROUNDING = 1e-9


def murata(error: Any, eta: Any, numbers: Any, xp: Any) -> Any:
    """a eta (b (e - floor) - eta), numbers = (a, b, floor)."""
    return numbers[0] * eta * (numbers[1] * (error - numbers[2]) - eta)


@dataclass(frozen=True)
class Murata:
    """The numbers of the rule of `AdaptiveRate.murata`."""

    kind: ClassVar[str] = "murata"
    a: float
    b: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", number(self.a, "a", above=0.0))
        for name in ("b", "floor"):
            object.__setattr__(self, name, number(getattr(self, name), name, minimum=0.0))


@dataclass(frozen=True)
class AdaptiveRate:
    """A learning rate that follows a rule of its own while the student learns: eta <- eta + h(error, eta) / N.

        error = (tau - sigma)^2 / 2 of the example at hand, as the learner sees it: with label noise and dropout; the
                mean over a minibatch

    eta joins the state: a result has it as ``eta``, and a row of it goes on with the rate that was reached. In theory
    d eta / d alpha = h(<error>, eta), which is exact because h is affine in the error.

    Parameters
    ----------
    initial
        eta at the start, above 0, where the start itself says nothing else.
    h
        A function ``h(error, eta, xp)``, elementwise, with the functions of ``xp`` (as for a schedule that is a
        function), affine in the error: h_0(eta) + h_1(eta) error; and h(error, 0) >= 0. It cannot be written to a file.
        Two rules are equal when they have the same function (the object); another function compiles again.

    Raises
    ------
    InputError
        When h is not elementwise, not finite, not affine in the error (the theory would need the whole distribution of
        the error, and not its mean alone), or would make the rate negative.

    Notes
    -----
    At finite N a single step may be longer than eta: a rate that would become negative is set to 0. Simulations cost
    about as much as with a constant rate. The rule changes the rate of the first layer; those of output weights and
    biases stay numbers or schedules.

    Examples
    --------
    >>> import learndyn as ld
    >>> follow = ld.AdaptiveRate(0.5, h=lambda error, eta, xp: 0.1 * (2 * error - eta))
    >>> scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=follow)
    >>> curve = ld.solve(scenario, ld.Start(Q=1.0, R=0.0), until=100, save_at=[0, 100])
    >>> [round(float(eta), 3) for eta in curve.eta]
    [0.5, 0.0]
    """

    initial: float
    h: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", number(self.initial, "initial", above=0.0))
        if not isinstance(self.h, Murata | Identity):
            _check_rule(self.h, self.initial)
            object.__setattr__(self, "h", Identity(self.h))

    @classmethod
    def murata(cls, initial: float, a: float, b: float, floor: float = 0.0) -> AdaptiveRate:
        """The rule of Barkai, Seung & Sompolinsky and of Murata et al.: eta follows the error.

            eta <- eta + (a / N) eta (b (error - floor) - eta)

        Without errors eta falls as 1 / (a alpha). With label noise of standard deviation s the error does not fall
        below s^2 / 2: with this floor (in practice an estimate of it) eta still vanishes as 1 / alpha, which averages
        the noise out, and with a lower one it settles at a constant.

        Parameters
        ----------
        initial
            eta at the start, above 0.
        a
            How fast the rate changes, above 0.
        b
            The rate that an error of 1 beyond the floor asks for, at least 0. With b = 0 the rate is
            initial / (1 + a initial alpha) whatever happens.
        floor
            The error that is there in any case, at least 0.

        References
        ----------
        Barkai, Seung & Sompolinsky (1995) Phys. Rev. Lett. 75, 1415; Murata, Mueller, Ziehe & Amari (1997) NIPS 9, 599.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.AdaptiveRate.murata(0.5, a=4, b=1, floor=0.125)
        AdaptiveRate.murata(0.5, a=4.0, b=1.0, floor=0.125)
        """
        return cls(initial, Murata(a, b, floor))

    def __repr__(self) -> str:
        if isinstance(self.h, Murata):
            return f"AdaptiveRate.murata({self.initial}, a={self.h.a}, b={self.h.b}, floor={self.h.floor})"
        return f"AdaptiveRate({self.initial}, h={self.h.function!r})"

    def key(self) -> tuple[Any, ...]:
        """What stays the same when numbers change; hashable."""
        return (Murata.kind,) if isinstance(self.h, Murata) else ("function", self.h)

    def numbers(self) -> np.ndarray:
        """The numbers of the rule, three for each, in the order in which `murata` takes them."""
        return np.array([self.h.a, self.h.b, self.h.floor]) if isinstance(self.h, Murata) else np.zeros(3)

    def to_plain(self) -> dict[str, Any]:
        """The rule as a dict of numbers; one that is a function by a token that this process knows alone."""
        if isinstance(self.h, Murata):
            numbers = {entry.name: getattr(self.h, entry.name) for entry in fields(self.h)}
            return {"kind": Murata.kind, "initial": self.initial, **numbers}
        _BY_TOKEN[self.h.token, self.initial] = self
        return {"kind": "adaptive", "initial": self.initial, "token": self.h.token}


# Rules that are functions, which a result of this process refers to.
_BY_TOKEN: dict[tuple[str, float], AdaptiveRate] = {}
_TABLE = ("initial", *(entry.name for entry in fields(Murata)))


def speed(key: tuple[Any, ...], error: Any, eta: Any, numbers: Any, xp: Any) -> Any:
    """h(error, eta) of a rule with this key and these numbers: a pure function, in NumPy or JAX."""
    if key[0] == Murata.kind:
        return murata(error, eta, numbers, xp)
    return _called(key[1].function, error, eta, xp)


def rate_of(value: Any, name: str) -> float | Schedule | AdaptiveRate:
    """What a scenario keeps of a learning rate: a number, a schedule, or for the first layer a rule; refused if not."""
    plain = value if isinstance(value, dict) else {}
    rule = isinstance(value, AdaptiveRate) or plain.get("kind") == Murata.kind or "initial" in plain
    if rule and name != "learning_rate":
        raise InputError(
            f"Argument `{name}` must be a number or a schedule, but it is an ld.AdaptiveRate, which is known for the "
            "rate of the first layer alone. Give it as learning_rate, or a schedule here."
        )
    if isinstance(value, AdaptiveRate):
        return value
    return _from_plain(plain, name) if rule else _schedule_of(value, name)


def _schedule_of(value: Any, name: str) -> float | Schedule:
    kinds = sorted([Murata.kind, *(known for known, cls in KINDS.items() if cls.writable)])
    kind = value.get("kind") if isinstance(value, dict) and "token" not in value else kinds[0]
    if name == "learning_rate" and kind not in kinds:
        raise InputError(
            f"Key `{name}.kind` must be {or_list(kinds)}, but it is {shown(kind)}.{did_you_mean(kind, kinds)}"
        )
    return schedule_of(value, name)


def _from_plain(plain: dict[str, Any], name: str) -> AdaptiveRate:
    """The rule of a dict; an InputError names what is missing, unknown or wrong."""
    if "token" in plain:
        if (plain["token"], plain.get("initial")) not in _BY_TOKEN:
            raise InputError(
                "The learning rate of this scenario follows a Python function of another process, and results keep "
                "numbers and text alone. Build the scenario anew, with the same function."
            )
        return _BY_TOKEN[plain["token"], plain["initial"]]
    if plain.get("kind") != Murata.kind:
        raise InputError(
            f'Key `{name}.kind` must be "{Murata.kind}" where there is an `initial`, but it is '
            f"{shown(plain.get('kind'))}."
            f"{did_you_mean(plain.get('kind'), [Murata.kind])}"
        )
    given = {key: value for key, value in plain.items() if key != "kind"}
    for key in given:
        if key not in _TABLE:
            raise InputError(
                f"Key `{name}.{key}` is unknown; allowed are {', '.join(_TABLE)}.{did_you_mean(key, list(_TABLE))}"
            )
    for key in _TABLE[:3]:
        if key not in given:
            raise InputError(f"Key `{name}.{key}` is missing: add it to the rule.")
    try:
        return AdaptiveRate.murata(**given)
    except InputError as error:
        # The first name in the sentence is that of the argument or key.
        raise InputError(str(error).replace("`", f"`{name}.", 1)) from None


def _check_rule(h: Any, initial: float) -> None:
    """Refuse a function that is no rule: called at seven rates and at nine errors each."""
    if not callable(h):
        raise InputError(
            f"Argument `h` must be a function h(error, eta, xp), but it is {shown(h)}. "
            "Write ld.AdaptiveRate(0.5, h=lambda error, eta, xp: 0.1 * (error - eta)), or use ld.AdaptiveRate.murata."
        )
    eta = initial * RATES[:, None]
    zero, one, values = (_values(h, errors, eta) for errors in (np.zeros(1), np.ones(1), ERRORS))
    finite = np.isfinite(values) & np.isfinite(zero) & np.isfinite(one)
    if not finite.all():
        raise InputError(
            "Argument `h` must be finite for all errors and rates of at least 0, but it is not for eta = "
            f"{eta[~finite.all(1), 0][0]:g}. Rewrite it where it divides by 0 or takes the root or logarithm of 0."
        )
    allowed = ROUNDING * (1.0 + ERRORS) * (np.abs(zero) + np.abs(one))
    bent = np.abs(values - zero - ERRORS * (one - zero)) > allowed
    if bent.any():
        rate, error = np.argwhere(bent)[0]
        raise InputError(
            f"Argument `h` must be affine in the error, h_0(eta) + h_1(eta) error, but at eta = {eta[rate, 0]:g} and "
            f"error = {ERRORS[error]:g} it is {values[rate, error]:g} instead of the "
            f"{(zero + ERRORS * (one - zero))[rate, error]:g} that its values at the errors 0 and 1 give: for another "
            "function the theory would need the whole distribution of the error, and not its mean alone. Use a "
            "function such as lambda error, eta, xp: eta * (error - eta)."
        )
    if zero[0, 0] < 0.0 or one[0, 0] < zero[0, 0]:
        raise InputError(
            "Argument `h` must be at least 0 at eta = 0 for all errors, so that the rate never becomes negative, but "
            f"at the errors 0 and 1 it is {zero[0, 0]:g} and {one[0, 0]:g}. Let it vanish with eta, as in "
            "lambda error, eta, xp: eta * (error - eta)."
        )


def _values(h: Rule, errors: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """h at all rates (rows) and errors (columns), elementwise or refused."""
    shape = (len(eta), len(errors))
    with np.errstate(all="ignore"):
        found = np.asarray(_called(h, np.broadcast_to(errors, shape), np.broadcast_to(eta, shape), NUMPY))
    if found.shape not in ((), shape) or found.dtype.kind not in "iuf":
        raise InputError(
            f"Argument `h` must give one number for each error and rate, but for arrays of shape {shape} it gives "
            f"{shown(found)}. Write it elementwise, with xp.where instead of if."
        )
    return np.broadcast_to(found.astype(float), shape)


def _called(h: Rule, error: Any, eta: Any, xp: Any) -> Any:
    try:
        return h(error, eta, xp)
    except (TypeError, ValueError) as failure:
        # Also what JAX raises where its numbers are taken for NumPy's, or in an `if`.
        reason = first_line(failure)
        raise InputError(
            "Argument `h` must be a function h(error, eta, xp), elementwise and with the functions of `xp`, but it "
            f"failed: {reason}. Write it with xp.exp instead of math.exp or np.exp, and xp.where instead of if."
        ) from failure
