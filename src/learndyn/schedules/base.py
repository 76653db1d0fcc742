"""What a schedule is: a rate eta(alpha) with a kind, numbers, and the times at which it jumps or has a corner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import array, did_you_mean, or_list, shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY

# By name; each kind enters itself.
KINDS: dict[str, Any] = {}


class Schedule:
    """A learning rate as a function of time, eta(alpha); see `learndyn.schedules` for the kinds there are.

    A schedule can be called: ``schedule(alpha)`` is the rate at a time, or at an array of them.

    For developers: a kind is a frozen dataclass of numbers with `key`, `numbers`, and two functions without a self,
    ``formula(shape, alpha, numbers, xp)`` and ``corners(shape, numbers)``, where ``shape`` is the key without the kind.

    Examples
    --------
    >>> from learndyn.schedules import PiecewiseConstant, Schedule
    >>> drop = PiecewiseConstant(rates=[0.5, 0.1], times=[100])
    >>> drop([0, 99.9, 100]).tolist()
    [0.5, 0.5, 0.1]
    >>> Schedule.from_plain(drop.to_plain()) == drop
    True
    """

    kind: ClassVar[str]
    writable: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        KINDS[cls.kind] = cls

    def __call__(self, alpha: Any) -> np.ndarray:
        """The rate at the times `alpha`, an array of any shape; finite and at least 0, or refused in a sentence."""
        times = array(alpha, "alpha")
        with np.errstate(all="ignore"):
            rates = np.broadcast_to(np.asarray(self.values(times, NUMPY, self.numbers()), dtype=float), times.shape)
        bad = ~(np.isfinite(rates) & (rates >= 0.0))
        if bad.any():
            raise InputError(
                f"Argument `alpha` must be a time at which the schedule gives a finite rate of at least 0, but at "
                f"{times[bad][0]:g} it gives {rates[bad][0]:g}. Correct the "
                f"schedule, {shown(self)}."
            )
        return rates.copy()

    def values(self, alpha: Any, xp: Any, numbers: Any) -> Any:
        """The rate with other `numbers`: pure, in NumPy or JAX, unchecked."""
        return rate(self.key(), alpha, numbers, xp)

    def key(self) -> tuple[Any, ...]:
        """What stays the same when numbers change: the kind and how many pieces there are; hashable."""
        return (self.kind,)

    def numbers(self) -> np.ndarray:
        """The numbers, in the order in which ``formula`` takes them."""
        raise NotImplementedError

    def knots(self) -> tuple[float, ...]:
        """Times at which the rate jumps or has a corner, increasing."""
        return tuple(knots_of(self.key(), self.numbers()).tolist())

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """eta(alpha)."""
        raise NotImplementedError

    @staticmethod
    def corners(shape: tuple[Any, ...], numbers: np.ndarray) -> np.ndarray:
        """The knots, from the numbers."""
        return np.empty(0)

    def to_plain(self) -> dict[str, Any]:
        """The schedule as a dict of numbers, strings and lists, as TOML and JSON hold it."""
        return {"kind": self.kind, **{entry.name: to_plain(getattr(self, entry.name)) for entry in fields(self)}}  # type: ignore[arg-type]

    @staticmethod
    def from_plain(plain: dict[str, Any], name: str = "schedule") -> Schedule:
        """The schedule of a dict; an InputError names what is missing, unknown or wrong."""
        plain = dict(plain)
        kind = plain.pop("kind", None)
        if kind == "function" and "token" in plain:
            from learndyn.schedules.function import by_token

            return by_token(plain)
        kinds = sorted(known for known, cls in KINDS.items() if cls.writable)
        if kind not in kinds:
            raise InputError(
                f"Key `{name}.kind` must be {or_list(kinds)}, but it is {shown(kind)}.{did_you_mean(kind, kinds)}"
            )
        known = fields(KINDS[kind])
        names = [entry.name for entry in known]
        unknown = [key for key in plain if key not in names]
        if unknown:
            raise InputError(
                f"Key `{name}.{unknown[0]}` is unknown; allowed are {', '.join(names)}."
                f"{did_you_mean(unknown[0], names)}"
            )
        missing = [e.name for e in known if e.default is e.default_factory and e.name not in plain]
        if missing:
            raise InputError(f"Key `{name}.{missing[0]}` is missing: add it to the schedule.")
        try:
            return KINDS[kind](**plain)
        except InputError as error:
            # The first name in the sentence is that of the argument or key.
            raise InputError(str(error).replace("`", f"`{name}.", 1)) from None

    @staticmethod
    def of(function: Callable[[Any, Any], Any], knots: Any = ()) -> Schedule:
        """Any function of time as a schedule; it cannot be written to a file.

        Parameters
        ----------
        function
            ``function(alpha, xp)``, elementwise, with `xp` NumPy or JAX's NumPy: ``xp.exp`` instead of ``np.exp``,
            ``xp.where`` instead of ``if``. Its rates must be finite and at least 0. Two schedules are equal when they
            have the same function (the object) and the same knots; another function compiles again.
        knots
            Times at which the function jumps or has a corner, increasing; at a jump it has the value that holds from
            there on. Without them a solver has to find such places by trial.

        Raises
        ------
        InputError
            When the function is not elementwise, or the knots do not increase.

        Examples
        --------
        >>> from learndyn.schedules import Schedule
        >>> to_zero = Schedule.of(lambda alpha, xp: 0.5 * xp.maximum(1 - alpha / 100, 0) ** 2, knots=[100])
        >>> to_zero([0, 50, 200]).tolist()
        [0.5, 0.125, 0.0]
        """
        from learndyn.schedules.function import Function, Identity

        return Function(Identity(function), knots)


def rate(key: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
    """The rate of a schedule with this key and these numbers: a pure function, in NumPy or JAX.

    Parameters
    ----------
    key
        What `Schedule.key` gives: hashable, the same for schedules that differ in numbers alone.
    alpha
        Times, of any shape.
    numbers
        What `Schedule.numbers` gives.
    xp
        NumPy, or JAX's NumPy.

    Returns
    -------
    array
        The rates, of the shape of `alpha`.

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.schedules import PowerLaw, rate
    >>> anneal = PowerLaw(0.5, alpha0=100)
    >>> float(rate(anneal.key(), 100.0, anneal.numbers(), np))
    0.25
    """
    return KINDS[key[0]].formula(key[1:], alpha, numbers, xp)


def knots_of(key: tuple[Any, ...], numbers: Any) -> np.ndarray:
    """The knots of a schedule with this key and these numbers, increasing.

    Parameters
    ----------
    key
        What `Schedule.key` gives.
    numbers
        What `Schedule.numbers` gives.

    Returns
    -------
    numpy.ndarray
        Times at which the rate jumps or has a corner.

    Examples
    --------
    >>> from learndyn.schedules import PiecewiseConstant, knots_of
    >>> steps = PiecewiseConstant([0.5, 0.1], times=[100])
    >>> knots_of(steps.key(), steps.numbers()).tolist()
    [100.0]
    """
    return KINDS[key[0]].corners(key[1:], np.asarray(numbers))


def to_plain(value: Any) -> Any:
    """A number, or a schedule, as a file holds it.

    Parameters
    ----------
    value
        A number, a list of numbers, or a `Schedule`.

    Returns
    -------
    float, list or dict
        What TOML and JSON hold.

    Examples
    --------
    >>> from learndyn.schedules import Constant, to_plain
    >>> to_plain(Constant(0.5))
    {'kind': 'constant', 'eta0': 0.5}
    """
    if isinstance(value, Schedule):
        return value.to_plain()
    return list(value) if isinstance(value, tuple) else value
