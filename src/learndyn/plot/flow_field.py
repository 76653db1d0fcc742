"""The flow field as streamlines, with the trajectories of runs on top."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import type_shown
from learndyn.errors import InputError
from learndyn.plot import data
from learndyn.plot.axes import makes_axes
from learndyn.plot.style import PALETTE


@makes_axes
def flow_field(result: xr.Dataset, *runs: xr.Dataset, ax: Any = None, density: float = 0.9) -> Any:
    """Draw a flow field as streamlines, grey, and runs through its plane as coloured lines from a dot on.

    Parameters
    ----------
    result
        A result of `ld.flow_field`.
    *runs
        Results of `ld.solve` or `ld.simulate` with the two numbers of the plane; of replicas each one is a line.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.
    density
        Of the streamlines, above 0.

    Returns
    -------
    matplotlib.axes.Axes
        Both axes have one scale.

    Raises
    ------
    InputError
        When it is no flow field, or a run does not have the two numbers.

    Examples
    --------
    >>> import numpy as np, learndyn as ld
    >>> task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised(), weight_decay=0.1)
    >>> grid = np.linspace(-2.0, 2.0, 9)
    >>> field = ld.flow_field(task, [0.0, 0.0], x=("w_1", grid), y=("w_2", grid))
    >>> ld.plot.flow_field(field, ld.solve(task, [-1.0, 1.0], until=10)).get_xlabel()
    '$w_{1}$'
    """
    x_name, y_name = _axes_of(result)
    x, y = result[x_name].values, result[y_name].values
    possible = result["possible"].transpose(y_name, x_name).values
    dx, dy = (
        np.ma.masked_where(~possible, result[name].transpose(y_name, x_name).values) for name in ("dx", "dy")
    )  # fmt: skip
    # streamplot wants evenly spaced points.
    if all(np.allclose(np.diff(grid), np.diff(grid)[0], rtol=1e-6) for grid in (x, y)):
        ax.streamplot(x, y, dx, dy, color="0.72", linewidth=0.6, arrowsize=0.7, density=density, zorder=1)
    else:
        ax.quiver(x, y, dx, dy, color="0.72", zorder=1)
    number = 0
    for run in data.check_results(runs, "runs") if runs else ():
        for one in [run.isel(replica=r) for r in range(run.sizes["replica"])] if "replica" in run.dims else [run]:
            color = PALETTE[number % len(PALETTE)]
            path_x, path_y = _component(one, x_name), _component(one, y_name)
            ax.plot(path_x, path_y, color=color, zorder=3)
            ax.plot(path_x[:1], path_y[:1], color=color, marker="o", linestyle="none", zorder=3)
            number += 1
    ax.set(xlabel=_symbol(x_name), ylabel=_symbol(y_name), xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), aspect="equal")
    return ax


def _axes_of(result: Any) -> tuple[str, str]:
    options = json.loads(result.attrs.get("options", "{}")) if isinstance(result, xr.Dataset) else {}
    if options.get("quantity") != "flow_field":
        raise InputError(
            "Argument `result` must be a result of ld.flow_field, but it is "
            f"{'another dataset' if isinstance(result, xr.Dataset) else type_shown(result)}. "
            "Use ld.plot.learning_curve for runs."
        )
    return options["x"], options["y"]


def _component(run: xr.Dataset, name: str) -> np.ndarray:
    """R_12 of a run as a column in time."""
    variable, indices = _parts(name)
    if variable not in run or len(run[variable].dims) != 1 + len(indices):
        raise InputError(
            f"Argument `runs` must hold runs with {name}, but one has {', '.join(map(str, run))}. "
            "Give runs of the same scenario."
        )
    units = [dim for dim in run[variable].dims if dim not in data.TIMES]
    return run[variable].sel(dict(zip(units, indices, strict=True))).values


def _parts(name: str) -> tuple[str, list[int]]:
    variable, _, index = name.partition("_")
    # Indices above 9 are written apart: R_1,12.
    numbers = index.split(",") if "," in index or variable == "w" else re.findall(r"\d", index)
    return variable, [int(number) for number in numbers]


def _symbol(name: str) -> str:
    variable, _, index = name.partition("_")
    return f"${variable}_{{{index}}}$" if index else f"${variable}$"
