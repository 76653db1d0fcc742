"""Learning rates as formulas of alpha that are printed and evaluated."""

from __future__ import annotations

from typing import Any

import sympy as sp

from learndyn.formulas.nodes import call, symbols, written
from learndyn.formulas.system import Meaning
from learndyn.schedules.base import Schedule
from learndyn.schedules.kinds import Constant, Exponential, PiecewiseConstant, PiecewiseLinear, PowerLaw
from learndyn.schedules.warm_up import WarmUp

alpha = sp.Symbol("alpha")
# Schedules of more pieces are not printed piece by piece.
MOST_PIECES = 6


def formula(schedule: Schedule, name: str) -> tuple[Any, list[Meaning], dict[str, Any]]:
    """The rate as a formula of alpha, its own symbols, and the numbers and functions that it is evaluated with.

    ``name`` is that of the rate: "eta", "eta_w" or "eta_theta"; its symbols are named after it.
    """
    rate = {"eta": "eta_0", "eta_w": "eta_w0", "eta_theta": "eta_theta0"}[name]
    time = {"eta": "alpha_0", "eta_w": "alpha_w", "eta_theta": "alpha_theta"}[name]
    eta0, alpha0 = symbols(f"{rate} {time}")
    match schedule:
        case Constant():
            return eta0, [_meaning(eta0, "rate", schedule.eta0)], {rate: schedule.eta0}
        case PowerLaw():
            with written():
                base = 1 + alpha / alpha0
                body = eta0 / (base if schedule.exponent == 1.0 else base ** sp.nsimplify(schedule.exponent))
            return _with(body, schedule, eta0, alpha0)
        case Exponential():
            with written():
                falling = eta0 * sp.exp(-alpha / alpha0)
                body = sp.Max(falling, _number(schedule.floor)) if schedule.floor else falling
            return _with(body, schedule, eta0, alpha0)
        case PiecewiseConstant() | PiecewiseLinear() | WarmUp() if len(schedule.knots()) <= MOST_PIECES:
            return sp.Piecewise(*_pieces(schedule, name)), [], _hidden(schedule, name)
    return call(f"h_{name}", alpha), [], {f"h_{name}": lambda at: float(schedule(at))}


def _with(body: Any, schedule: Any, eta0: Any, alpha0: Any) -> tuple[Any, list[Meaning], dict[str, Any]]:
    meanings = [_meaning(eta0, "rate at the beginning", schedule.eta0)]
    meanings += [_meaning(alpha0, "time in which the rate falls", schedule.alpha0)]
    return body, meanings, {eta0.name: schedule.eta0, alpha0.name: schedule.alpha0}


def _hidden(schedule: Any, name: str) -> dict[str, Any]:
    """Numbers of a schedule within a warm-up whose symbols stand in the pieces."""
    inner = schedule.then if isinstance(schedule, WarmUp) else None
    return formula(inner, name)[2] if isinstance(inner, Schedule) else {}


def _pieces(schedule: Any, name: str) -> list[tuple[Any, Any]]:
    """(formula, condition) from the first time on."""
    if isinstance(schedule, PiecewiseConstant):
        rates, times = (list(map(_number, values)) for values in (schedule.rates, schedule.times))
        return [*((rate, alpha < t) for rate, t in zip(rates, times, strict=False)), (rates[-1], True)]
    if isinstance(schedule, PiecewiseLinear):
        return _lines(schedule)
    inner = schedule.then
    time = _number(schedule.time)
    if isinstance(inner, Schedule):
        body = formula(inner, name)[0]
        at_the_end = body.subs(alpha, time)
    else:
        body = at_the_end = _number(inner)
    with written():
        rising = alpha / time * at_the_end
    later: list[Any] = list(body.args) if isinstance(body, sp.Piecewise) else [(body, True)]
    return [(sp.Integer(0), alpha < 0), (rising, alpha < time), *later]


def _lines(schedule: Any) -> list[tuple[Any, Any]]:
    rates, times = (list(map(_number, values)) for values in (schedule.rates, schedule.times))
    found = [(rates[0], alpha < times[0])]
    for n in range(len(times) - 1):
        slope = (rates[n + 1] - rates[n]) / (times[n + 1] - times[n])
        with written():
            found.append((rates[n] + slope * (alpha - times[n]), alpha < times[n + 1]))
    return [*found, (rates[-1], True)]


def _number(value: float) -> Any:
    return (
        sp.Rational(str(value))
        if abs(value) < 1e6 and len(str(value)) < 9 and "e" not in str(value)
        else sp.Float(value)
    )


def _meaning(symbol: Any, what: str, value: float) -> Meaning:
    return Meaning(sp.latex(symbol), what, f"{value:g}", value, symbol.name)
