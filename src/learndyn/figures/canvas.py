"""What the figures share: empty panels, and the two standard pictures of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld

# Of the first simulation, the second, ...
MARKERS = ("o", "s", "^", "D", "v")


def panels(rows: int = 1, columns: int = 1, *, size: tuple[float, float] | None = None, **options: Any) -> Any:
    """A matplotlib Figure without a window, and its Axes; 3.4 inches (one column) wide when no size is given."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=size or (ld.plot.COLUMN, 0.6 + 1.9 * rows))
    return picture, picture.subplots(rows, columns, **options)


def draw_R_and_Q(theory: xr.Dataset, *simulations: xr.Dataset) -> tuple[Any, Any]:
    """A Figure with R_in above Q_ik, and its two Axes; the simulations are named in the upper one."""
    picture, axes = panels(2, sharex=True)
    for ax, name in zip(axes, ("R", "Q"), strict=True):
        ld.plot.order_parameters(theory, *simulations, names=(name,), ax=ax)
    if simulations:
        # The first legend of an Axes with simulations names the curves, the last one the simulations.
        axes[1].get_legend().remove()
    axes[0].set_xlabel("")
    return picture, axes


def draw_eps_g(*results: xr.Dataset, **options: Any) -> tuple[Any, Any]:
    """A Figure with the learning curve, and its Axes."""
    picture, ax = panels()
    ld.plot.learning_curve(*results, ax=ax, **options)
    return picture, ax


def at(result: xr.Dataset, *times: float) -> dict[str, float]:
    """eps_g at times that the result holds, by name."""
    return {f"eps_g({time:g})": float(result.eps_g.sel(alpha=time, method="nearest", tolerance=1e-6)) for time in times}


def end(result: xr.Dataset) -> dict[str, float]:
    """The order parameters and eps_g of the last row, by name: R_11, ..., Q_11, ..., eps_g."""
    last = result.isel(alpha=-1)
    numbers = {}
    for i in last.student.values:
        numbers |= {f"R_{i}{n}": float(last.R.sel(student=i, teacher=n)) for n in last.teacher.values}
        numbers |= {f"Q_{i}{k}": float(last.Q.sel(student=i, student2=k)) for k in last.student2.values if k >= i}
    return numbers | {"eps_g": float(last.eps_g)}


def mark(ax: Any, runs: xr.Dataset, name: str, values: Any = None, **look: Any) -> None:
    """Means of a variable of simulations over their runs, as markers with standard errors.

    ``values`` takes what is to be drawn out of a dataset, a function of one with the variables ``name`` and
    ``name_error`` to its two columns; the variable itself when not given. ``runs`` may be averaged already.
    """
    averaged = ld.mean_and_error(runs) if "replica" in runs.dims else runs
    mean, error = (averaged[name], averaged[f"{name}_error"]) if values is None else values(averaged)
    look = {"linestyle": "none", "marker": "o", "markerfacecolor": "white", "elinewidth": 0.8, "capsize": 1.5} | look
    ax.errorbar(averaged.alpha * look.pop("unit", 1.0), mean, yerr=error, zorder=3, **look)


def largest_z(runs: xr.Dataset, theory: xr.Dataset, name: str = "eps_g") -> float:
    """The largest distance of the mean over runs from theory, in standard errors, over the times after the start."""
    averaged = (ld.mean_and_error(runs) if "replica" in runs.dims else runs).isel(alpha=slice(1, None))
    expected = theory[name].sel(alpha=averaged.alpha, method="nearest", tolerance=1e-6)
    distance = averaged[name].values - expected.transpose(*averaged[name].dims).values
    return float(np.abs(distance / averaged[f"{name}_error"].values).max())


def union_of_times(*times: Any) -> np.ndarray:
    """Times at which lines and markers are wanted, sorted, each once."""
    return np.unique(np.concatenate([np.asarray(part, dtype=float) for part in times]))
