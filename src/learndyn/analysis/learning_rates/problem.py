"""What is to be made small by choice of controls: eps_g at the time `until`, along the flow from a start.

dz/dalpha = F(z, u(alpha)),   z(at) given,   minimise eps_g(z(until)) over the controls u
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from learndyn import schedules
from learndyn.analysis.learning_rates.controls import KEYS
from learndyn.engines.theory import Integration, integrate
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.scenarios.base import Flow
from learndyn.schedules import Schedule
from learndyn.verbs.theory import DIVERGENCE

# Rounding leaves an error of this part of the first one: logarithms of smaller ones say nothing.
FLOOR = 1e-13
MAX_STEPS = 200_000


@dataclass
class Problem:
    """A scenario whose controls are constant numbers, a start, an end, and the flow with what it computes on.

    Quadratures hold up to the standard deviation ``reach`` (None: there are none), which grows with the runs.
    """

    scenario: Any
    start: Any
    until: float
    controls: tuple[str, ...]
    state: np.ndarray
    reach: float | None
    error: Callable[..., Any]  # eps_g(state, values, time) in JAX
    floor: float

    @classmethod
    def of(cls, scenario: Any, start: Any, until: float, controls: tuple[str, ...]) -> Problem:
        """Of checked arguments."""
        state = scenario.initial_state(start)
        first = float(scenario.error_function(NUMPY)(state, scenario.values(), start.at))
        reach = scenario.reach(state[None], start.at)
        error = scenario.error_function(jax_namespace())
        return cls(scenario, start, until, controls, state, reach, error, FLOOR * (1.0 + first))

    @property
    def flow(self) -> Flow:
        """The flow, with quadratures of the reach."""
        return self.scenario.flow(reach=self.reach)

    def outgrown(self, run: Integration) -> bool:
        """Whether a run goes beyond where the quadratures hold; they then hold up to there from now on."""
        needed = None if self.reach is None else self.scenario.reach(run.states, run.times)
        if self.reach is None or needed is None or needed <= self.reach:
            return False
        self.reach = needed
        return True

    def values(self, changes: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
        """The numbers of the drift, with some controls (by their names) changed."""
        changed = {KEYS[name]: np.asarray(value, dtype=float) for name, value in (changes or {}).items()}
        return {**self.scenario.values(), **changed}

    def constants(self) -> dict[str, float]:
        """The controls as the scenario has them."""
        return {name: float(self.scenario.values()[KEYS[name]]) for name in self.controls}

    def run(self, constants: dict[str, float], times: Any, *, rtol: float, atol: float) -> Integration:
        """The flow with these controls, by the adaptive solver, with quadratures that hold where it goes."""
        return self.run_flow(lambda flow: flow, self.values(constants), times, rtol, atol)

    def run_schedules(self, controls: dict[str, Schedule], times: Any, *, rtol: float, atol: float) -> Integration:
        """The flow with these schedules, all piecewise."""
        controls = {name: padded(schedule, self.until) for name, schedule in controls.items()}
        forms = tuple((KEYS[name], schedule.key()) for name, schedule in controls.items())
        numbers = self.values({name: schedule.numbers() for name, schedule in controls.items()})
        return self.run_flow(lambda flow: scheduled(flow, forms), numbers, times, rtol, atol)

    def run_flow(
        self, change: Callable[[Flow], Flow], values: dict[str, Any], times: Any, rtol: float, atol: float
    ) -> Integration:
        """A changed flow, with these numbers beside those of the scenario."""
        limit = DIVERGENCE * self.scenario.scale(self.state)
        while True:
            run = integrate(
                change(self.flow), self.state, {**self.values(), **values}, np.asarray(times, dtype=float),
                self.start.at, rtol=rtol, atol=atol, limit=limit, max_steps=MAX_STEPS,
            )  # fmt: skip
            if not self.outgrown(run):
                return run

    def errors(self, states: np.ndarray, times: Any, controls: Mapping[str, Any]) -> np.ndarray:
        """eps_g of states (rows, n) at times (rows,) with controls, numbers or of shape (rows,); not clipped."""
        eps_g = self.scenario.error_function(NUMPY)
        rows = np.broadcast_to(np.asarray(times, dtype=float), len(states))
        if all(np.ndim(value) == 0 for value in controls.values()):
            return np.asarray(eps_g(states, self.values(controls), rows), dtype=float)
        full = {name: np.broadcast_to(np.asarray(value, dtype=float), len(states)) for name, value in controls.items()}
        return np.array([
            float(eps_g(state, self.values({name: value[row] for name, value in full.items()}), rows[row]))
            for row, state in enumerate(states)
        ])  # fmt: skip

    def final_error(self, constants: dict[str, float], *, rtol: float, atol: float) -> float:
        """eps_g at the end with constant controls; infinity where learning does not get there."""
        run = self.run(constants, [self.until], rtol=rtol, atol=atol)
        if run.status != "ok":
            return np.inf
        return float(self.errors(run.states[-1:], run.times[-1:], dict(constants))[0])


@cache
def scheduled(flow: Flow, forms: tuple[tuple[str, Any], ...]) -> Flow:
    """The flow in which some numbers follow schedules, given by their keys; the numbers of these are the values."""

    def drift(alpha: Any, state: Any, values: dict[str, Any]) -> Any:
        now = {name: schedules.rate(form, alpha, values[name], jnp) for name, form in forms}
        return flow.drift(alpha, state, {**values, **now})

    def knots(values: dict[str, Any]) -> np.ndarray:
        own = [] if flow.knots is None else [np.asarray(flow.knots(values), dtype=float)]
        return np.concatenate([*own, *(schedules.knots_of(form, values[name]) for name, form in forms)])

    return replace(flow, key=(flow.key, forms), drift=drift, knots=knots)


def padded(schedule: Any, until: float) -> Any:
    """A piecewise schedule with knots after the end that change nothing: others rarely compile again."""
    count = max(64, 1 << len(schedule.times).bit_length()) - len(schedule.times)
    times = until + 1.0 + np.arange(count)
    return type(schedule)(rates=[*schedule.rates, *[schedule.rates[-1]] * count], times=[*schedule.times, *times])


def refuse_failure(problem: Problem, run: Integration) -> None:
    """Refuse where a run that everything else rests on did not come to its end."""
    if run.status != "ok":
        raise InputError(
            f"Argument `start` must let learning run to `until` = {problem.until:g}, but it ended at "
            f"{problem.scenario.time_name} = {run.end:.6g} ({run.status}). Use a smaller start, or bounds with smaller "
            "learning rates."
        )
