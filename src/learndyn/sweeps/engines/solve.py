"""Theory for the members of a sweep: those of one flow in one batch, lanes side by side (`learndyn.engines.batch`)."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import count
from learndyn.options import save_times, tolerances
from learndyn.results import labelled
from learndyn.sweeps.engines import Outcome, Tell, failed, silent
from learndyn.sweeps.engines.reading import Ending, read_off
from learndyn.sweeps.members import Member, Work
from learndyn.verbs.closed_form import closed_form, one_thread
from learndyn.verbs.theory import DIVERGENCE, LOST_POSITIVITY, MAX_STEPS

OPTIONS: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-10, "max_steps": MAX_STEPS, "method": None, "samples": None}
SWEPT = ("rtol", "atol", "max_steps", "samples")
COUNTS = {"steps": "steps of the solver"}
# Members that take a second or so together, at 7 numbers a state; a larger drift costs about its length squared.
CHUNK, OF_NUMBERS = 2048, 7


def check(work: Work) -> None:
    """Refuse options that no member can have."""
    _checked(work.options)


def packages(options: dict[str, Any]) -> tuple[str, ...]:
    """What computes."""
    return ("learndyn", "numpy", "scipy", "jax", "jaxlib", "diffrax")


def chunk_members(plan: Any) -> int:
    """How many members make a chunk of about a second."""
    larger = max(1.0, plan.work.scenario.state_length / OF_NUMBERS)
    return int(max(16, CHUNK / larger**2))


def seconds(work: Work, members: Sequence[Member]) -> float:
    """CPU time of a member, on average over these, when lanes are full."""
    run(work, members, 1)  # compiles
    begin = perf_counter()
    run(work, members, 1)
    return (perf_counter() - begin) / len(members)


def template(work: Work, member: Member) -> xr.Dataset:
    """The start in every row."""
    scenario, start = member.scenario, member.start
    states = np.repeat(scenario.initial_state(start)[None], len(work.times), axis=0)
    return labelled(scenario, scenario.rows(states, work.times), work.times, None)


def run(work: Work, members: Sequence[Member], threads: int | None, tell: Tell = silent) -> list[Outcome]:
    """What came of the members."""
    found: dict[int, Outcome] = {}
    waiting: list[_Course] = []
    for number, member in enumerate(members):
        try:
            options = _checked(member.options)
            if member.start.at > work.times[0]:
                save_times(work.times, member.start.at, work.until)  # refuses rows before the start
            curve = closed_form(member.scenario, member.start, options["method"], options["samples"])
            if curve is None:
                waiting.append(_Course(number, member, options))
            else:
                found[number] = _of_formula(member, curve, work.times)
        except Exception as error:
            found[number] = failed(error)
    while waiting:
        groups = _groups(waiting, found)
        waiting = [course for group in groups for course in _run_group(group, work, threads, tell, found)]
    return [found[number] for number in range(len(members))]


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    rtol, atol = tolerances(options["rtol"], options["atol"])
    samples = options["samples"]
    return {
        "rtol": rtol,
        "atol": atol,
        "max_steps": count(options["max_steps"], "max_steps"),
        "method": options["method"],
        "samples": None if samples is None else count(samples, "samples", 2),
    }


class _Course:
    """A member on its way: its flat state and numbers, and how far its quadratures reach."""

    def __init__(self, number: int, member: Member, options: dict[str, Any]) -> None:
        self.number, self.member, self.options = number, member, options
        self.scenario, self.at = member.scenario, member.start.at
        self.state = self.scenario.initial_state(member.start)
        self.values = self.scenario.values()
        self.limit = DIVERGENCE * self.scenario.scale(self.state)
        self.reach = self.scenario.reach(self.state[None], self.at)
        self.flow: Any = None

    def structure(self) -> Any:
        """What members that run together have alike."""
        from learndyn.engines.programs import shapes_of

        self.flow = self.scenario.flow(self.options["samples"], self.reach)
        options = self.options
        return (
            self.flow, self.at, len(self.state), shapes_of(self.values), options["rtol"], options["atol"],
            options["max_steps"],
        )  # fmt: skip


def _groups(courses: list[_Course], found: dict[int, Outcome]) -> list[list[_Course]]:
    groups: dict[Any, list[_Course]] = {}
    for course in courses:
        try:
            structure = course.structure()
        except Exception as error:
            found[course.number] = failed(error)
        else:
            groups.setdefault(structure, []).append(course)
    return list(groups.values())


def _run_group(
    group: list[_Course], work: Work, threads: int | None, tell: Tell, found: dict[int, Outcome]
) -> list[_Course]:  # fmt: skip
    """Run members of one flow; those that must go again, with finer quadratures."""
    from learndyn.engines.batch import integrate_many

    first = group[0]
    try:
        run = integrate_many(
            first.flow, np.array([course.state for course in group]), [course.values for course in group], work.times,
            first.at, rtol=first.options["rtol"], atol=first.options["atol"],
            limits=np.array([course.limit for course in group]), max_steps=first.options["max_steps"], threads=threads,
            on_progress=tell, expected=_expected(group),
        )  # fmt: skip
    except Exception as error:
        found |= {course.number: failed(error) for course in group}
        return []
    if (run.status == "interrupted").any():
        raise KeyboardInterrupt
    again = [course for place, course in enumerate(group) if _outgrown(course, run, place)]
    waiting = set(map(id, again))
    done = [(place, course) for place, course in enumerate(group) if id(course) not in waiting]
    endings = [
        Ending(course.scenario, str(run.status[place]), float(run.end[place]), int(run.steps[place]))
        for place, course in done
    ]
    states = run.states if not again else run.states[[place for place, _ in done]]
    tolerance = max(LOST_POSITIVITY, first.options["rtol"])
    for (_, course), outcome in zip(done, read_off(endings, states, work.times, tolerance), strict=True):
        found[course.number] = outcome
    return again


def _expected(group: list[_Course]) -> np.ndarray | None:
    """What the steps of members grow with: the learning rate. Those that take long begin first and hold up no other."""
    rates = [getattr(course.scenario, "learning_rate", None) for course in group]
    return np.array(rates) if all(isinstance(rate, float) for rate in rates) else None


def _outgrown(course: _Course, run: Any, place: int) -> bool:
    """Whether the run has left the reach of its quadratures, which is then widened."""
    if course.reach is None:
        return False
    seen = np.concatenate([run.states[place], run.last[place][None]])
    needed = course.scenario.reach(seen[np.isfinite(seen).all(-1)], course.at)
    if needed is None or needed <= course.reach:
        return False
    course.reach = needed
    return True


def _of_formula(member: Member, curve: Any, times: np.ndarray) -> Outcome:
    with one_thread():
        return Outcome(member.scenario.rows(curve(times), times), end=float(times[-1]), more={"steps": 0})
