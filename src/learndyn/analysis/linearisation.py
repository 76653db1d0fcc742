"""The flow at one state: its drift F and the Jacobian J_ij = dF_i / dz_j, compiled once for flows of one shape.

All that looks for points where learning stands still works on `LocalFlow`; it knows of scenarios only what
`learndyn.scenarios.base` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from learndyn.engines.programs import compile_program, shapes_of
from learndyn.engines.theory import SMALL_STATE
from learndyn.errors import InputError
from learndyn.scenarios.base import Flow

# How far inside of the possible states derivatives are taken where they are limits from there. Their error is of the
# order of it: that of its root is extrapolated away.
INSIDE = 1e-7
# Two times at which the drift of a rule that changes with time differs.
LATER = 1.6180339887


@dataclass(frozen=True)
class LocalFlow:
    """Drift and Jacobian of a scenario that does not depend on time, with these numbers, for states near one."""

    scenario: Any
    flow: Flow
    values: dict[str, np.ndarray]

    @classmethod
    def of(cls, scenario: Any, state: np.ndarray, **changes: float) -> LocalFlow:
        """The flow near `state`, with some of the scenario's numbers changed; refused where it depends on time."""
        values = {name: np.asarray(value, dtype=float) for name, value in scenario.values().items()}
        local = cls(scenario, flow_near(scenario, state), values).with_values(**changes)
        _refuse_time(local, state)
        return local

    def with_values(self, **changes: float) -> LocalFlow:
        """The same with other numbers."""
        changed = {name: np.full_like(self.values[name], value) for name, value in changes.items()}
        return LocalFlow(self.scenario, self.flow, {**self.values, **changed})

    @property
    def free(self) -> np.ndarray:
        """Places of the state that can change."""
        return free_places(self.scenario, self.flow)

    def at(self, state: np.ndarray, time: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """F (n,) and J (n, n). At the edge of the possible states J is the limit from the inside.

        Where units with kinks are averaged by quadrature (``scenario.inward``), J = J_0 + a s^(1/2) + O(s) at a
        distance s inside, and its value at the edge itself lacks a part.
        """
        state = np.asarray(state, dtype=float)
        F, J = self.drift_and_jacobian(state, time)
        direction = getattr(self.scenario, "inward", _nowhere)(state)
        if direction is not None:
            near, far = (self.drift_and_jacobian(state + s * direction, time)[1] for s in (INSIDE, 4.0 * INSIDE))
            J = 2.0 * near - far
        return F, J

    def drift_and_jacobian(self, state: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        """The same as the program has it, at the edge too."""
        arguments = (np.float64(time), state, self.values)
        with jax.enable_x64(True):
            F, J = _program(self.flow, *arguments)(*arguments)
            return np.asarray(F), np.asarray(J)

    def free_at(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F and J of the numbers that can change alone."""
        F, J = self.at(state)
        return F[self.free], J[np.ix_(self.free, self.free)]


def _nowhere(state: np.ndarray) -> None:
    """Scenarios that do not say otherwise have derivatives at all states."""


def free_places(scenario: Any, flow: Flow) -> np.ndarray:
    """Places of the state that can change under a flow of the scenario."""
    return np.setdiff1d(np.arange(scenario.state_length), flow.frozen)


def flow_near(scenario: Any, state: np.ndarray) -> Flow:
    """The scenario's flow, with quadratures that hold for states like this one."""
    reach = scenario.reach(state[None], 0.0)
    return scenario.flow() if reach is None else scenario.flow(None, reach)


def jacobian(scenario: Any, state: np.ndarray) -> np.ndarray:
    """J (n, n) at a flat state, n = ``scenario.state_length``."""
    return LocalFlow.of(scenario, state).at(state)[1]


def _refuse_time(local: LocalFlow, state: np.ndarray) -> None:
    now, later = (local.drift_and_jacobian(state, time)[0] for time in (0.0, LATER))
    if local.flow.knots is not None or not np.array_equal(now, later):
        raise InputError(
            "Argument `scenario` must have a drift that does not depend on time, but its learning rates or its teacher "
            "change with time: learning stands still nowhere. Give it constant ones, with scenario.replace(...)."
        )


_programs: dict[Any, Any] = {}


def _program(flow: Flow, *arguments: Any) -> Any:
    _, state, values = arguments
    key = (flow, len(state), shapes_of(values))
    if key not in _programs:
        small = len(state) <= SMALL_STATE if flow.quick is None else flow.quick
        name = "linearisation"
        _programs[key] = compile_program(name, flow.key, lambda: partial(_both, flow), arguments, {}, small=small)
    return _programs[key]


def _both(flow: Flow, time: Any, state: Any, values: dict[str, Any]) -> tuple[Any, Any]:
    def twice(z: Any) -> tuple[Any, Any]:
        F = flow.drift(time, z, values)
        return F, F

    J, F = jax.jacfwd(twice, has_aux=True)(state)
    return F, J
