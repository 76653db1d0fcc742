"""The flow field: the drift on a grid in a plane of the state.

(d x / d t, d y / d t) at the points (x_i, y_j), all other numbers of the state as at the start
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import array, did_you_mean, shown
from learndyn.errors import InputError
from learndyn.results import attributes
from learndyn.scenarios.base import checked_scenario


def flow_field(scenario: Any, start: Any, *, x: tuple[str, Any], y: tuple[str, Any]) -> xr.Dataset:
    """How learning moves at each point of a plane: the drift of two numbers of the state, on a grid of their values.

    Parameters
    ----------
    scenario
        Any, such as an `ld.GaussianClassification` or an `ld.StudentTeacher`.
    start
        A start, or one row of a result: all numbers of the state but the two.
    x, y
        (name, values): a number of the state, and its values, increasing. Names are ``"w_1"``, ``"w_2"``, ... for
        weights and ``"R_11"``, ``"Q_11"``, ``"Q_12"``, ... for overlaps.

    Returns
    -------
    xarray.Dataset
        With the two names as dims, y first: ``dx`` and ``dy``, the two drifts, and ``possible``: whether a network can
        have this state (where not, as for R^2 > T Q, both drifts are 0).

    Raises
    ------
    InputError
        When a name is none of the state, values do not increase, or the drift is not finite at a possible point.

    Notes
    -----
    Cost: one right-hand side a point, compiled once. For a state of two numbers this is the whole flow; for others a
    cut through it, in which the other numbers move too.

    Examples
    --------
    >>> import learndyn as ld
    >>> task = ld.GaussianClassification([1.0, 0.0], 0.0, ld.Supervised(), weight_decay=0.1)
    >>> field = ld.flow_field(task, [0.0, 0.0], x=("w_1", [-1.0, 0.0, 1.0]), y=("w_2", [0.0, 1.0]))
    >>> field.dx.sel(w_1=0.0, w_2=1.0).item(), field.dy.sel(w_1=0.0, w_2=1.0).item()
    (0.5, -0.1)
    """
    from learndyn.engines.theory import drift_at

    scenario = checked_scenario(scenario)
    start = scenario.as_start(start)
    state = scenario.initial_state(start)
    names = scenario.parameter_names()
    (x_name, x_values), (y_name, y_values) = (_axis(value, name, names) for value, name in ((x, "x"), (y, "y")))
    if x_name == y_name:
        raise InputError(
            f"Argument `y` must be another number of the state than `x`, but both are {shown(x_name)}. Change one."
        )
    places = [names.index(x_name), names.index(y_name)]
    states = np.tile(state, (len(y_values), len(x_values), 1))
    states[..., places[0]], states[..., places[1]] = x_values, y_values[:, None]
    flat = states.reshape(-1, len(state))
    possible = np.array([scenario.first_impossible(one[None], 0.0, start.at) > 0 for one in flat])
    flow, values = scenario.flow(reach=scenario.reach(flat[possible], start.at)), scenario.values()
    drifts = np.zeros((len(flat), 2))
    for index in np.flatnonzero(possible):
        drifts[index] = drift_at(flow, start.at, flat[index], values)[places]
        if not np.isfinite(drifts[index]).all():
            raise InputError(
                f"Arguments `x` and `y` must be values where the drift is finite, but it is not at {x_name} = "
                f"{flat[index, places[0]]:g}, {y_name} = {flat[index, places[1]]:g}. Leave this point out."
            )
    return _dataset(scenario, start, (x_name, x_values), (y_name, y_values), drifts, possible)


def _axis(value: Any, name: str, known: list[str]) -> tuple[str, np.ndarray]:
    if not isinstance(value, tuple) or len(value) != 2 or value[0] not in known:
        given = value[0] if isinstance(value, tuple) and value else value
        few = known if len(known) <= 12 else [*known[:12], "..."]
        raise InputError(
            f"Argument `{name}` must be a pair (name, values) with a number of the state, {', '.join(few)}, but it is "
            f"{shown(value)}.{did_you_mean(given, known)}"
        )
    values = array(value[1], name, hint='Write x=("w_1", np.linspace(-2, 2, 21)).')
    if values.ndim != 1 or len(values) < 2 or (np.diff(values) <= 0).any():
        raise InputError(
            f"Argument `{name}` must have two or more increasing values for {shown(value[0])}, but it has "
            f"{shown(value[1])}. Sort them: sorted(set(values))."
        )
    return value[0], values


def _dataset(scenario: Any, start: Any, x: Any, y: Any, drifts: np.ndarray, possible: np.ndarray) -> xr.Dataset:
    (x_name, x_values), (y_name, y_values) = x, y
    shape, dims = (len(y_values), len(x_values)), (y_name, x_name)
    per_time = f"1 / ({scenario.time.units})"
    variables = {
        name: xr.Variable(
            dims, column.reshape(shape), {"long_name": f"d {of} / d {scenario.time_name}", "units": per_time}
        )
        for name, of, column in (("dx", x_name, drifts[:, 0]), ("dy", y_name, drifts[:, 1]))
    }
    variables["possible"] = xr.Variable(dims, possible.reshape(shape), {"long_name": "a network can have this state"})
    options = {"quantity": "flow_field", "x": x_name, "y": y_name}
    attrs = attributes(scenario, start, status="ok", message="The drift is finite at all points.", options=options)
    return xr.Dataset(variables, {x_name: x_values, y_name: y_values}, attrs)
