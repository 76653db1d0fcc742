"""Learning rates that change with time: eta(alpha), as data that a file can hold.

    PowerLaw            eta0 / (1 + alpha / alpha0)^exponent
    Exponential         max(eta0 exp(-alpha / alpha0), floor)
    PiecewiseConstant   rates[j] from times[j - 1] on
    PiecewiseLinear     straight lines through the points (times[j], rates[j]), level before and after them
    WarmUp              min(alpha / time, 1) then(max(alpha, time))
    Schedule.of(f)      f(alpha, xp), any function

Time is absolute, in every schedule and in a schedule within a schedule: a run that is continued at ``at`` goes on where
its schedule is. At a jump the new rate holds.

For engines: `key` says what a schedule is made of and `numbers` holds its numbers; ``rate(key, alpha, numbers, xp)`` is
a pure function in NumPy or JAX, so that other numbers never compile again. `knots_of` gives the times at which a rate
jumps or has a corner, where an integrator must begin anew.
"""

from __future__ import annotations

from learndyn.schedules.base import Schedule, knots_of, rate, to_plain
from learndyn.schedules.function import Function, refuse_functions
from learndyn.schedules.kinds import Constant, Exponential, PiecewiseConstant, PiecewiseLinear, PowerLaw
from learndyn.schedules.reading import as_schedule, schedule_of
from learndyn.schedules.warm_up import WarmUp

__all__ = [
    "Constant",
    "Exponential",
    "Function",
    "PiecewiseConstant",
    "PiecewiseLinear",
    "PowerLaw",
    "Schedule",
    "WarmUp",
    "as_schedule",
    "knots_of",
    "rate",
    "refuse_functions",
    "schedule_of",
    "to_plain",
]
