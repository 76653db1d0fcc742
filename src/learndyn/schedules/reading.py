"""From what a user writes for a rate (a number, a schedule, its plain form) to what a scenario keeps, and on."""

from __future__ import annotations

from typing import Any

from learndyn.arguments import number
from learndyn.errors import InputError
from learndyn.schedules.base import Schedule
from learndyn.schedules.kinds import Constant


def schedule_of(value: Any, name: str, *, zero: bool = False) -> float | Schedule:
    """A number, a schedule or its plain form as what a scenario keeps: a float where the rate is constant.

    Parameters
    ----------
    value
        A number, a `Schedule`, or the table of one as a file holds it.
    name
        Of the argument, for the sentence that refuses it.
    zero
        Whether a number may be 0; a schedule may always be 0 for a while.

    Returns
    -------
    float or Schedule
        A float where the rate is constant.

    Raises
    ------
    InputError
        When it is no rate.

    Examples
    --------
    >>> from learndyn.schedules import schedule_of
    >>> schedule_of({"kind": "power_law", "eta0": 0.5, "alpha0": 100}, "learning_rate")
    PowerLaw(eta0=0.5, alpha0=100.0, exponent=1.0)
    >>> schedule_of(1, "learning_rate")
    1.0
    """
    if isinstance(value, dict):
        value = Schedule.from_plain(value, name)
    if isinstance(value, Constant):
        value = value.eta0
    if isinstance(value, Schedule):
        return value
    if callable(value):
        raise InputError(
            f"Argument `{name}` must be a number or a schedule, but it is a function. "
            "Write learndyn.schedules.Schedule.of(function), where function(alpha, xp) gives the rate."
        )
    return number(value, name, minimum=0.0) if zero else number(value, name, above=0.0)


def as_schedule(value: float | Schedule) -> Schedule:
    """What `schedule_of` gives, as a schedule also where it is a number.

    Parameters
    ----------
    value
        A number or a `Schedule`.

    Returns
    -------
    Schedule
        A `Constant` of a number.

    Examples
    --------
    >>> from learndyn.schedules import as_schedule
    >>> as_schedule(0.5)
    Constant(eta0=0.5)
    """
    return value if isinstance(value, Schedule) else Constant(value)
