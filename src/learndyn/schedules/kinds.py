"""Schedules of a few numbers.

Constant            eta0
PowerLaw            eta0 / (1 + alpha / alpha0)^exponent
Exponential         max(eta0 exp(-alpha / alpha0), floor)
PiecewiseConstant   rates[j] from times[j - 1] on
PiecewiseLinear     straight lines through the points (times[j], rates[j])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import array, number, shown
from learndyn.errors import InputError
from learndyn.schedules.base import Schedule


def rates_of(values: Any, name: str) -> tuple[float, ...]:
    """A list of rates of at least 0, not empty."""
    result = array(values, name, hint="Give a list of rates.")
    if result.ndim != 1 or len(result) == 0:
        raise InputError(
            f"Argument `{name}` must be a list of rates, but it is {shown(values)}. Write {name}=[0.5, 0.1]."
        )
    return tuple(number(value, name, minimum=0.0) for value in result.tolist())


def times_of(values: Any, name: str) -> tuple[float, ...]:
    """A list of increasing times."""
    result = array(values, name, hint="Give a list of times.")
    if result.ndim != 1 or (np.diff(result) <= 0.0).any():
        raise InputError(
            f"Argument `{name}` must be a list of increasing times, but it is {shown(values)}. Write {name}=[100, 200]."
        )
    return tuple(result.tolist())


def set_fields(schedule: Any, **values: Any) -> None:
    """Put checked values into a frozen dataclass."""
    for name, value in values.items():
        object.__setattr__(schedule, name, value)


@dataclass(frozen=True)
class Constant(Schedule):
    """eta(alpha) = eta0; a plain number is the same.

    Parameters
    ----------
    eta0
        The rate, at least 0.

    Examples
    --------
    >>> from learndyn.schedules import Constant
    >>> Constant(0.5)([0, 10]).tolist()
    [0.5, 0.5]
    """

    kind: ClassVar[str] = "constant"
    eta0: float

    def __post_init__(self) -> None:
        set_fields(self, eta0=number(self.eta0, "eta0", minimum=0.0))

    def numbers(self) -> np.ndarray:
        """eta0, as an array without axes."""
        return np.asarray(self.eta0)

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """eta0."""
        return xp.reshape(numbers, ())


@dataclass(frozen=True)
class PowerLaw(Schedule):
    """eta(alpha) = eta0 / (1 + alpha / alpha0)^exponent, for alpha above -alpha0.

    With exponent 1 the rate falls as 1 / alpha at last, which averages the noise of single examples out.

    Parameters
    ----------
    eta0
        The rate at alpha = 0, above 0.
    alpha0
        The time over which the rate begins to fall, above 0.
    exponent
        At least 0.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Examples
    --------
    >>> from learndyn.schedules import PowerLaw
    >>> PowerLaw(0.5, alpha0=100, exponent=2)([0, 100]).tolist()
    [0.5, 0.125]
    """

    kind: ClassVar[str] = "power_law"
    eta0: float
    alpha0: float
    exponent: float = 1.0

    def __post_init__(self) -> None:
        set_fields(
            self,
            eta0=number(self.eta0, "eta0", above=0.0),
            alpha0=number(self.alpha0, "alpha0", above=0.0),
            exponent=number(self.exponent, "exponent", minimum=0.0),
        )

    def numbers(self) -> np.ndarray:
        """eta0, alpha0, exponent."""
        return np.array([self.eta0, self.alpha0, self.exponent])

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """eta0 / (1 + alpha / alpha0)^exponent."""
        eta0, alpha0, exponent = numbers
        return eta0 * (1.0 + alpha / alpha0) ** -exponent


@dataclass(frozen=True)
class Exponential(Schedule):
    """eta(alpha) = max(eta0 exp(-alpha / alpha0), floor).

    Parameters
    ----------
    eta0
        The rate at alpha = 0, above 0.
    alpha0
        The time in which the rate falls to 1 / e, above 0.
    floor
        The smallest rate, from 0 to `eta0`.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Examples
    --------
    >>> from learndyn.schedules import Exponential
    >>> Exponential(0.5, alpha0=100, floor=0.01)([0, 1000]).tolist()
    [0.5, 0.01]
    """

    kind: ClassVar[str] = "exponential"
    eta0: float
    alpha0: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        set_fields(
            self,
            eta0=number(self.eta0, "eta0", above=0.0),
            alpha0=number(self.alpha0, "alpha0", above=0.0),
            floor=number(self.floor, "floor", minimum=0.0),
        )
        if self.floor > self.eta0:
            raise InputError(
                f"Argument `floor` must be at most eta0 = {self.eta0:g}, but it is {self.floor:g}. Exchange the two."
            )

    def key(self) -> tuple[Any, ...]:
        """The kind, and whether there is a floor."""
        return (self.kind, self.floor > 0.0)

    def numbers(self) -> np.ndarray:
        """eta0, alpha0, floor."""
        return np.array([self.eta0, self.alpha0, self.floor])

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """max(eta0 exp(-alpha / alpha0), floor)."""
        eta0, alpha0, floor = numbers
        falling = eta0 * xp.exp(-alpha / alpha0)
        return xp.maximum(falling, floor) if shape[0] else falling

    @staticmethod
    def corners(shape: tuple[Any, ...], numbers: np.ndarray) -> np.ndarray:
        """Where the floor is reached."""
        eta0, alpha0, floor = numbers
        return np.array([alpha0 * np.log(eta0 / floor)]) if shape[0] else np.empty(0)


@dataclass(frozen=True)
class PiecewiseConstant(Schedule):
    """eta(alpha) = rates[j] for times[j - 1] <= alpha < times[j]: one rate more than there are times.

    Parameters
    ----------
    rates
        At least 0 each; 0 switches a layer off for a while.
    times
        The times of the jumps, increasing.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Examples
    --------
    >>> from learndyn.schedules import PiecewiseConstant
    >>> PiecewiseConstant(rates=[0.5, 0.1, 0.02], times=[100, 200])([99, 100, 250]).tolist()
    [0.5, 0.1, 0.02]
    """

    kind: ClassVar[str] = "piecewise_constant"
    rates: tuple[float, ...] | Any
    times: tuple[float, ...] | Any

    def __post_init__(self) -> None:
        set_fields(self, rates=rates_of(self.rates, "rates"), times=times_of(self.times, "times"))
        if len(self.rates) != len(self.times) + 1:
            raise InputError(
                f"Argument `rates` must have one rate more than there are times, {len(self.times) + 1}, but it has "
                f"{len(self.rates)}. Add the rate before the first time, or that after the last."
            )

    def key(self) -> tuple[Any, ...]:
        """The kind, and how many times."""
        return (self.kind, len(self.times))

    def numbers(self) -> np.ndarray:
        """The rates, then the times."""
        return np.array([*self.rates, *self.times])

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """rates[j], j the number of times up to alpha."""
        rates, times = numbers[: shape[0] + 1], numbers[shape[0] + 1 :]
        return rates[xp.searchsorted(times, alpha, side="right")]

    @staticmethod
    def corners(shape: tuple[Any, ...], numbers: np.ndarray) -> np.ndarray:
        """The times."""
        return numbers[shape[0] + 1 :]


@dataclass(frozen=True)
class PiecewiseLinear(Schedule):
    """eta(alpha) on straight lines through the points (times[j], rates[j]); level before the first and after the last.

    Parameters
    ----------
    rates
        Two or more, at least 0 each.
    times
        One for each rate, increasing.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Examples
    --------
    >>> from learndyn.schedules import PiecewiseLinear
    >>> PiecewiseLinear(rates=[0.5, 0.1], times=[100, 200])([0, 150, 300]).tolist()
    [0.5, 0.3, 0.1]
    """

    kind: ClassVar[str] = "piecewise_linear"
    rates: tuple[float, ...] | Any
    times: tuple[float, ...] | Any

    def __post_init__(self) -> None:
        set_fields(self, rates=rates_of(self.rates, "rates"), times=times_of(self.times, "times"))
        if len(self.rates) < 2:
            raise InputError(
                f"Argument `rates` must have at least two rates, but it is {shown(self.rates)}. Give a "
                "number for a level rate."
            )
        if len(self.rates) != len(self.times):
            raise InputError(
                f"Argument `rates` must have one rate for each of the {len(self.times)} time(s), but it has "
                f"{len(self.rates)}. Give pairs, the points of the curve."
            )

    def key(self) -> tuple[Any, ...]:
        """The kind, and how many points."""
        return (self.kind, len(self.times))

    def numbers(self) -> np.ndarray:
        """The rates, then the times."""
        return np.array([*self.rates, *self.times])

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """Linear interpolation."""
        return xp.interp(alpha, numbers[shape[0] :], numbers[: shape[0]])

    @staticmethod
    def corners(shape: tuple[Any, ...], numbers: np.ndarray) -> np.ndarray:
        """The times."""
        return numbers[shape[0] :]
