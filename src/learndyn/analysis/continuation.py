"""The verb `continue_fixed_point`: a fixed point as a number of the scenario changes, through folds, with its spectrum.

Between two points of the branch that differ in how many directions are unstable, the place is located where an
eigenvalue crosses zero; where the branch turns back, the fold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis import points
from learndyn.analysis.branch import Branch, Node, follow
from learndyn.analysis.fixed_points import IMPOSSIBLE, TOLERANCE, landmarks_of, search, solution_of
from learndyn.analysis.linearisation import LocalFlow
from learndyn.analysis.spectrum import spectrum_of
from learndyn.arguments import array, choice, count, shown
from learndyn.errors import InputError
from learndyn.scenarios.base import checked_scenario

MOST_POINTS = 2000
ENDS = {
    "end": "The branch was followed through the range.",
    "edge": "The branch ends at the edge of the possible overlaps, where derivatives are one-sided. See its last "
    "point.",
    "lost": "The branch could not be followed any further: its Jacobian is not smooth there, or nearly singular twice. "
    "Begin beyond that place.",
    "closed": "The branch is a closed curve.",
    "max_points": "The branch was followed to max_points; raise it to go on.",
}


@dataclass(frozen=True)
class Event:
    """A fold, or the place where the number of unstable directions changes."""

    kind: str
    node: Node


def continue_fixed_point(
    scenario: Any,
    parameter: str,
    range: Any,
    *,
    start: Any = None,
    max_points: int = MOST_POINTS,
) -> xr.Dataset:
    """Follow a fixed point as a number of the scenario changes, by pseudo-arclength, through folds.

        F(z, p) = 0,    with the eigenvalues of dF/dz all along

    Parameters
    ----------
    scenario
        Any scenario with a drift that does not depend on time.
    parameter
        Which number changes: a single number of ``scenario.values()``, such as ``"learning_rate"``, ``"label_noise"``,
        ``"weight_decay"``, ``"dropout_keep"``, ``"output_learning_rate"``. An option must be on (above 0) to be there.
    range
        (from, to): the branch begins at the first value, and ends where it leaves the range. With from > to it goes
        down.
    start
        A point near the branch at the first value, from which `find_fixed_point` finds it; the perfect solution when
        not given.
    max_points
        Give up after so many points.

    Returns
    -------
    xarray.Dataset
        As `fixed_points`, with the dim ``point`` in the order along the branch and the coordinate of the parameter's
        name on it; and with the dim ``event`` what happens on it: ``event_<parameter>``, ``event_kind`` ("fold",
        "crossing", "oscillating crossing" for a pair of complex eigenvalues) and the order parameters there,
        ``event_R``, ``event_Q``, ... ``attrs["message"]`` says how it ended, ``attrs["status"]``: "ok", or "edge",
        "lost", "max_points".

    Raises
    ------
    InputError
        When there is no such number, no fixed point at the first value, or the drift depends on time.

    Notes
    -----
    Events are located to 1e-8 in the parameter. Branches that cross at an event are not followed: start again from a
    point on them. A branch that comes to where derivatives are one-sided ends there. Steps are at most 0.05 (1 + |z|)
    in z and p over the length of the range: features of the branch that are finer can be missed.
    Cost: some 20 evaluations of drift and Jacobian a point, a second for 100 points of K = M = 2.
    Reference: Keller (1977), in: Applications of Bifurcation Theory, Academic Press.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=2.1)
    >>> branch = ld.continue_fixed_point(perceptron, "learning_rate", (2.1, 2.3), start=ld.Start(Q=1.15, R=0.98))
    >>> branch.event_kind.values.tolist(), branch.event_learning_rate.values.round(4).tolist()
    (['fold'], [2.2465])
    """
    scenario = checked_scenario(scenario)
    _check_parameter(scenario, parameter)
    begin, end = array(range, "range", (2,), "Give (from, to).").tolist()
    if begin == end or min(begin, end) < 0.0:
        raise InputError(
            f"Argument `range` must be two different numbers of at least 0, but it is {shown(range)}. "
            "Write range=(0.1, 1)."
        )
    start = scenario.as_start(
        start if start is not None else solution_of(scenario, "start", "Give a point near the branch.")
    )
    state = scenario.initial_state(start)
    local = LocalFlow.of(scenario, state, **{parameter: begin})
    found, _ = search(local, state, TOLERANCE, 400)
    branch = _branch(local, state, found.state, parameter, begin, end)
    nodes, lengths, why = _nodes(scenario, branch, begin, end, count(max_points, "max_points", 2))
    events = _events(branch, nodes, lengths)
    options = {"quantity": "branch", "parameter": parameter, "range": [begin, end]}
    result = _labelled(scenario, start, branch, nodes, options)
    status = "ok" if why in ("end", "closed") else why
    return result.assign(_event_variables(scenario, branch, events)).assign_attrs(status=status, message=ENDS[why])


def first_event(
    scenario: Any, parameter: str, begin: float, end: float, start: Any
) -> tuple[float, str, np.ndarray] | None:
    """Where a fixed point first loses its stability on the way from `begin` to `end`: (parameter, kind, state).

    The way is taken decade by decade, so that steps suit it. None where it is unstable from the beginning; the kind is
    "none" where it stays stable to the end.
    """
    state = scenario.initial_state(start)
    local = LocalFlow.of(scenario, state, **{parameter: begin})
    point, _ = search(local, state, TOLERANCE, 400)
    if point.spectrum.unstable:
        return None
    given, state, p = state, point.state, begin
    while p < end:
        branch = _branch(local, given, state, parameter, p, min(10.0 * p, end))
        nodes, lengths, why = _nodes(scenario, branch, p, min(10.0 * p, end), MOST_POINTS)
        events = _events(branch, nodes, lengths)
        if events:
            state, p = branch.full(events[0].node.u)
            return p, events[0].kind, state
        state, p = branch.full(nodes[-1].u)
        given = state
        if why != "end":
            break
    return p, "none", state


def _branch(local: LocalFlow, given: np.ndarray, found: np.ndarray, parameter: str, begin: float, end: float) -> Branch:
    """The branch of the point as it was given, if it stands still all along, else of that which was found."""
    branch = Branch(local, given, parameter, begin, end)
    return branch if branch.stands or given is found else Branch(local, found, parameter, begin, end)


def _check_parameter(scenario: Any, parameter: str) -> None:
    numbers = [name for name, value in scenario.values().items() if np.ndim(value) == 0]
    choice(parameter, "parameter", numbers)


def _nodes(scenario: Any, branch: Branch, begin: float, end: float, most: int) -> tuple[list[Node], list[float], str]:
    u = np.append(branch.state[branch.free], begin / branch.width)
    along = np.zeros(len(u))
    along[-1] = np.sign(end - begin)
    first = branch.node(u, along)
    if first is None:
        raise InputError(
            "Argument `range` must begin where the branch has a direction, but at its first value the branch is "
            "vertical or its Jacobian is not finite. Begin a little further on."
        )
    low, high = sorted((begin / branch.width, end / branch.width))

    edge = landmarks_of(scenario).edge
    along_edge = bool(edge(branch.state))

    def possible(u: np.ndarray) -> bool:
        state, _ = branch.full(u)
        return scenario.first_impossible(state[None], IMPOSSIBLE) == 1 and (along_edge or not edge(state))

    return follow(branch, first, low, high, possible, most)


def _events(branch: Branch, nodes: list[Node], lengths: list[float]) -> list[Event]:
    found = []
    for node, after, s in zip(nodes[:-1], nodes[1:], lengths, strict=True):
        before, later = spectrum_of(node.J), spectrum_of(after.J)
        fold = node.tangent[-1] * after.tangent[-1] < 0.0
        if fold:
            there = branch.between(node, s, lambda point: float(point.tangent[-1]))
            found += [Event("fold", there)] if there is not None else []
        # At a fold one real eigenvalue crosses zero: that is no event of its own.
        changes = before.unstable - later.unstable
        if changes == 0 or (fold and abs(changes) == 1):
            continue
        place = min(before.unstable, later.unstable)
        there = branch.between(node, s, lambda point, place=place: float(spectrum_of(point.J).rates[place]))
        if there is not None:
            kind = "oscillating crossing" if spectrum_of(there.J).frequencies[place] else "crossing"
            found.append(Event(kind, there))
    return found


def _labelled(scenario: Any, start: Any, branch: Branch, nodes: list[Node], options: dict[str, Any]) -> xr.Dataset:
    found, numbers = [], []
    for node in nodes:
        state, p = branch.full(node.u)
        F, _ = branch.at(node.u)
        found.append(points.Point(state, points.residual(F), points.newton_step(F, node.J), spectrum_of(node.J)))
        numbers.append(p)
    result = points.labelled(scenario, start, found, options)
    name = branch.name
    label = {"long_name": f"{name} along the branch", "units": "1"}
    if name in getattr(scenario, "__dataclass_fields__", {}):
        # Observables may depend on the number itself, as eps_g on dropout_keep.
        given = [scenario.replace(**{name: p}).rows(point.state[None]) for p, point in zip(numbers, found, strict=True)]
        for each in [each for each, variable in result.data_vars.items() if variable.dims == ("point",)]:
            if each in given[0]:
                result[each] = result[each].copy(data=np.array([rows[each][0] for rows in given]))
    return result.assign_coords({name: ("point", np.array(numbers), label)})


def _event_variables(scenario: Any, branch: Branch, events: list[Event]) -> dict[str, xr.Variable]:
    states = np.array([branch.full(event.node.u)[0] for event in events]).reshape(len(events), scenario.state_length)
    quantities = scenario.quantities()
    found = {
        f"event_{branch.name}": xr.Variable(("event",), np.array([branch.full(e.node.u)[1] for e in events])),
        "event_kind": xr.Variable(("event",), np.array([event.kind for event in events], dtype=str)),
    }
    for name, value in scenario.order_parameters(states).items():
        if value.ndim == 1 + len(quantities[name].dims):
            found[f"event_{name}"] = xr.Variable(("event", *quantities[name].dims), value)
    return found
