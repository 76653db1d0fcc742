"""The verb that measures how accurate the averages behind a result of theory are."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from learndyn.arguments import count
from learndyn.errors import InputError
from learndyn.results import is_simulation, scenario_of
from learndyn.scenarios.offers import require


def accuracy(result: xr.Dataset, rows: int = 5) -> xr.DataArray:
    """How far the averages of four units are off along a result of `solve`: the error of dQ_ik/dalpha.

    Averages in closed form are exact up to rounding, and the error is 0. Averages by quadrature are compared with a
    quadrature about 1.35 times as fine; averages from sample points come with their standard error.

    Parameters
    ----------
    result
        What `solve` gave.
    rows
        At how many rows, evenly spaced and the last one among them.

    Returns
    -------
    xarray.DataArray
        The largest error over all Q_ik at each of these rows, by time. The effect on a curve is that of a drift that is
        wrong by so much.

    Raises
    ------
    InputError
        When it is no result of `solve`.

    Notes
    -----
    Costs up to a second a row for four units without closed forms.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(1, "tanh"), ld.Teacher(1, "tanh"), learning_rate=0.5)
    >>> curve = ld.solve(scenario, ld.Start(Q=0.25, R=0.0), until=10)
    >>> bool(ld.accuracy(curve).max() < 1e-8)
    True
    """
    if "scenario" not in getattr(result, "attrs", {}) or is_simulation(result):
        raise InputError(
            "Argument `result` must be a result of ld.solve, but it is not. Pass one: a simulation has no averages to "
            "be off."
        )
    scenario = scenario_of(result)
    require(scenario, "drift_errors", "accuracy")
    name = scenario.time_name
    if name not in result.dims:
        raise InputError(
            f"Argument `result` must have the dim `{name}`, but it has none. Give the whole result, not one row of it."
        )
    size = result.sizes[name]
    places = np.unique(np.linspace(0, size - 1, min(count(rows, "rows"), size)).round().astype(int))
    chosen = result.isel({name: places})
    states = [scenario.initial_state(scenario.as_start(chosen.isel({name: row}))) for row in range(len(places))]
    samples = json.loads(result.attrs["options"]).get("samples")
    errors = scenario.drift_errors(np.array(states), chosen[name].values, samples)
    label = {"long_name": "largest error of dQ_ik/dalpha by quadrature or sampling", "units": f"1 / {name}"}
    return xr.DataArray(errors, dims=(name,), coords={name: chosen[name]}, name="drift_error", attrs=label)
