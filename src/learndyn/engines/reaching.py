"""The first times at which an observable reaches a level, for many runs of theory at once.

    rising:  inf { t >= at : O(state(t)) >= level },        falling:  inf { t >= at : O(state(t)) <= level }

Runs of one structure share one compiled program (`batch`); the time is a root on the solver's continuous extension.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from learndyn.engines.batch import integrate_many
from learndyn.engines.batch_lanes import Event
from learndyn.engines.programs import shapes_of
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.reached import value_of

# Where averages are quadratures, how far a run goes is seen at so many times.
LOOKS = 8
# What the engine's words mean here.
MEANING = {"event": "reached", "ok": "not_reached", "diverged": "diverged", "interrupted": "interrupted"}


@dataclass
class Course:
    """One run: a scenario from a flat state, the level it is to reach and from which side; and what came of it.

    ``outcome`` is "reached", "not_reached", "diverged", "failed" or "interrupted"; ``end`` is where the run ended, the
    time asked for where it was reached.
    """

    scenario: Any
    at: float
    state: np.ndarray
    level: float
    rising: bool
    outcome: str = ""
    end: float = field(default=np.nan)
    reach: float | None = None

    def __post_init__(self) -> None:
        self.end, self.reach = self.at, self.scenario.reach(self.state[None], self.at)

    @property
    def values(self) -> dict[str, np.ndarray]:
        """The numbers of the scenario, and what the event looks for."""
        sign = -1.0 if self.rising else 1.0
        return {**self.scenario.values(), "reached_level": np.array(self.level), "reached_sign": np.array(sign)}


def run_until_reached(
    courses: Sequence[Course],
    quantity: str,
    until: float,
    *,
    rtol: float,
    atol: float,
    max_steps: int,
    divergence: float,
    lost_positivity: float,
    threads: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> None:
    """Run each course until its `quantity` is at its level, or to `until`; what comes of it is written into it.

    A course diverges beyond ``divergence`` times its natural scale. ``on_progress`` is told how many are done. What
    becomes of a course depends on nothing but itself. Ctrl-C keeps what is done: all other courses are "interrupted".
    """
    options = {"rtol": rtol, "atol": atol, "max_steps": max_steps, "threads": threads}
    waiting = [course for course in courses if not _is_there(course, quantity)]
    while waiting:
        groups: dict[Any, list[Course]] = {}
        for course in waiting:
            flow, shapes = course.scenario.flow(reach=course.reach), (len(course.state), shapes_of(course.values))
            groups.setdefault((flow, course.at, shapes), []).append(course)
        waiting = []
        for (flow, at, _), group in groups.items():
            done = sum(bool(course.outcome) for course in courses)
            tell = None if on_progress is None else lambda now, done=done, tell=on_progress: tell(done + now)
            limits = divergence * np.array([course.scenario.scale(course.state) for course in group])
            waiting += _run_group(flow, at, group, quantity, until, limits, lost_positivity, tell, options)
            if any(course.outcome == "interrupted" for course in group):
                for course in courses:
                    course.outcome = course.outcome or "interrupted"
                return


def _is_there(course: Course, quantity: str) -> bool:
    """Whether the level is reached at the start already."""
    value = value_of(course.scenario, quantity, course.state, course.at)
    if value >= course.level if course.rising else value <= course.level:
        course.outcome = "reached"
    return bool(course.outcome)


def _run_group(
    flow: Any, at: float, group: list[Course], quantity: str, until: float, limits: np.ndarray, lost_positivity: float,
    on_progress: Any, options: dict[str, Any],
) -> list[Course]:  # fmt: skip
    """Run courses of one flow; those that must go again, with finer quadratures."""
    # With quadratures the way is looked at as well, not the end alone.
    times = np.array([until]) if group[0].reach is None else np.linspace(at, until, LOOKS + 1)[1:]
    run = integrate_many(
        flow, np.array([course.state for course in group]), [course.values for course in group], times, at,
        limits=limits, event=_event(group[0].scenario, flow, quantity), level=0.0, on_progress=on_progress, **options,
    )  # fmt: skip
    again = []
    for member, course in enumerate(group):
        status = str(run.status[member])
        if course.reach is not None and status != "interrupted":
            seen = np.concatenate([run.states[member], run.last[member][None]])
            needed = course.scenario.reach(seen[np.isfinite(seen).all(-1)], at)
            if needed is not None and needed > course.reach:
                course.reach = needed
                again.append(course)
                continue
        course.outcome = MEANING.get(status, "failed")
        course.end, course.state = float(run.end[member]), run.last[member]
        if course.scenario.first_impossible(course.state[None], max(lost_positivity, options["rtol"]), course.end) < 1:
            course.outcome = "failed"
    return again


def _event(scenario: Any, flow: Any, quantity: str) -> Event:
    """The event that the quantity is at the level, or beyond."""
    value = scenario.observable(quantity, jax_namespace())

    def distance(at: Any, state: Any, values: dict[str, Any]) -> Any:
        return values["reached_sign"] * (value(state, values, at) - values["reached_level"])

    return Event(("reaching", quantity, flow.key), distance)
