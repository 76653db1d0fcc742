"""How far a run is from a point: the observable `distance_to`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from learndyn.arguments import type_shown
from learndyn.errors import InputError
from learndyn.results import scenario_of


def distance_to(point: xr.Dataset) -> Callable[[xr.Dataset], xr.DataArray]:
    """An observable: the distance of the order parameters (or of the mean weights) to a point, such as a fixed point.

        sqrt(sum over all order parameters of (z - z*)^2),   each entry of R and Q counted

    Parameters
    ----------
    point
        A fixed point of `find_fixed_point`, or a row of a result, of a scenario with the same order parameters.

    Returns
    -------
    function
        Takes a result and gives a DataArray with the dims of its runs; for ``observables`` of `solve`, `simulate` and
        `moment_flow`, or for a finished result.

    Raises
    ------
    InputError
        When the point is no single point, or has not the order parameters of the result.

    Examples
    --------
    >>> import learndyn as ld
    >>> task = ld.GaussianClassification([1.0, 0.0], 1.0, ld.Supervised(), weight_decay=0.1)
    >>> point = ld.find_fixed_point(task, [1.0, 0.0])
    >>> curve = ld.solve(task, [0.0, 1.0], until=60, observables={"distance": ld.distance_to(point)})
    >>> bool(curve.distance[0] > 1), bool(curve.distance[-1] < 1e-6)
    (True, True)
    """
    if not isinstance(point, xr.Dataset):
        raise InputError(
            f"Argument `point` must be a fixed point or a row of a result, but it is {type_shown(point)}. Use "
            "ld.find_fixed_point(scenario, start)."
        )

    def distance(result: xr.Dataset) -> xr.DataArray:
        scenario = scenario_of(result)
        names = list(scenario.order_parameters(np.zeros((1, scenario.state_length))))
        total = xr.DataArray(0.0)
        for name in names:
            _check(point, result, name)
            own = tuple(point[name].dims)
            total = total + ((result[name].transpose(..., *own) - point[name].values) ** 2).sum(own)
        found = total**0.5
        found.attrs = {"long_name": f"distance of {', '.join(names)} to a point", "units": "1"}
        return found

    return distance


def _check(point: xr.Dataset, result: xr.Dataset, name: str) -> None:
    if name not in point or name not in result:
        where = "`point`" if name not in point else "`result`"
        raise InputError(
            f"Argument {where} must hold `{name}`, but it does not. Take a point of the result's own scenario, with "
            "all its variables."
        )
    shapes = {dim: (point.sizes[dim], result.sizes.get(str(dim))) for dim in point[name].dims}
    if any(own != other for own, other in shapes.values()):
        raise InputError(
            f"Argument `point` must be a single point with {name} of the result's shape, but it has "
            f"{dict(point[name].sizes)}. Choose one: points.isel(point=0)."
        )
