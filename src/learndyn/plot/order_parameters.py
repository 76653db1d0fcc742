"""Order parameters against time: each R_in and Q_ik as one curve, named as in the papers."""

from __future__ import annotations

from math import ceil
from typing import Any

import xarray as xr
from matplotlib.lines import Line2D

from learndyn.arguments import count
from learndyn.errors import InputError
from learndyn.plot import data
from learndyn.plot.axes import makes_axes
from learndyn.plot.curves import SOLID, Curve, curves_of, label_of, symbol, unit_dims
from learndyn.plot.style import MARKERS
from learndyn.results import time_of

# More curves than this get no names of their own: a legend of so many is not readable.
MOST_NAMES = 16


@makes_axes
def order_parameters(
    result: xr.Dataset,
    *simulations: xr.Dataset,
    names: tuple[str, ...] = ("R", "Q"),
    ax: Any = None,
    markers: int = 12,
    legend: bool = True,
) -> Any:
    """Draw order parameters against alpha: R_in and Q_ik (i <= k) each as a curve, simulations as markers.

    The colour tells the student unit (or the pair of student units), the style of the line the teacher unit.

    Parameters
    ----------
    result
        A result of `ld.solve` or `ld.simulate`; of a simulation, the mean over the replicas is drawn.
    *simulations
        Results of `ld.simulate`, drawn on top as markers with the standard error over their replicas.
    names
        Which variables: ``"R"``, ``"Q"``, or any other of the result (``"cosine"``, ``"length"``, ...).
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.
    markers
        Largest number of markers a curve and simulation.
    legend
        Whether to draw the legend; with more than 16 curves they get one name for each variable.

    Returns
    -------
    matplotlib.axes.Axes
        The time axis is eta alpha for ``dynamics="gradient_flow"``, alpha otherwise.

    Raises
    ------
    InputError
        When a result lacks a variable, or the units of the simulations are not those of the result.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5)
    >>> curve = ld.solve(scenario, ld.Start.near_symmetric(scenario), until=20)
    >>> [text.get_text() for text in ld.plot.order_parameters(curve, names=("Q",)).get_legend().get_texts()]
    ['$Q_{11}$', '$Q_{12}$', '$Q_{22}$']
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    results = data.check_results((result, *simulations), "simulations" if simulations else "result", names)
    result, *others = results
    simulations = tuple(others)
    _check_names(result, names)
    _check_units(results, names)
    markers = count(markers, "markers")
    scaled = data.in_units_of_the_rate(results)
    curves = curves_of(result, names)
    time = data.times(result, scaled)
    for number, curve in enumerate(curves):
        mean, _ = data.mean_with_error(result, curve.variable)
        values = mean.sel(curve.select).values
        # Broken lines lie on solid ones, so that curves that coincide are all seen.
        zorder = 2.0 if curve.style == SOLID else 2.5
        label = _label(curve, number, curves)
        ax.plot(time, values, color=curve.color, linestyle=curve.style, zorder=zorder, label=label)
        for order, simulation in enumerate(simulations):
            _draw_markers(ax, simulation, curve, order, number, len(curves), scaled, markers)
    ax.set_xlabel(data.time_label(result, scaled))
    ax.set_ylabel(", ".join(symbol(result, name) for name in names))
    ax.margins(x=0.0)
    if legend:
        names_of_curves = name_curves(ax, curves)
        if simulations:
            _name_simulations(ax, names_of_curves, simulations)
    return ax


def _check_names(result: xr.Dataset, names: tuple[str, ...]) -> None:
    time = time_of(result)
    constant = [name for name in names if time not in result[name].dims]
    if constant:
        raise InputError(
            f"Argument `names` must hold variables that change with time, but `{constant[0]}` is constant. "
            "Leave it out."
        )


def _check_units(results: tuple[xr.Dataset, ...], names: tuple[str, ...]) -> None:
    for other in results[1:]:
        for name in names:
            dims = unit_dims(results[0], name)
            if any(other.sizes.get(dim) != results[0].sizes[dim] for dim in dims):
                raise InputError(
                    "Argument `simulations` must have the student and teacher units of `result`, but one differs in "
                    f"`{name}`. Draw it on an Axes of its own."
                )


def _draw_markers(
    ax: Any, simulation: xr.Dataset, curve: Curve, order: int, number: int, total: int, scaled: bool, markers: int
) -> None:
    mean, error = data.mean_with_error(simulation, curve.variable)
    time = data.times(simulation, scaled)
    rows = data.thinned(len(time), markers, number, total)
    bars = None if error is None else error.sel(curve.select).values[rows]
    ax.errorbar(
        time[rows], mean.sel(curve.select).values[rows], yerr=bars, color=curve.color, linestyle="none", capsize=1.5,
        elinewidth=0.8, marker=MARKERS[order % len(MARKERS)], markerfacecolor="white", zorder=3,
    )  # fmt: skip


def _label(curve: Curve, number: int, curves: list[Curve]) -> str | None:
    if len(curves) <= MOST_NAMES:
        return curve.label
    first = next(i for i, other in enumerate(curves) if other.variable == curve.variable)
    several = sum(other.variable == curve.variable for other in curves)
    return f"{label_of(curve.variable)} ({several} curves)" if number == first else None


def name_curves(ax: Any, curves: list[Curve]) -> Any:
    """The names of the curves: inside the Axes where there are two at most, else above it."""
    if len(curves) <= 2:
        return ax.legend()
    handles = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    # At most five fit beside each other; where two or three rows do, a column is a student unit.
    columns = ceil(len(handles) / ceil(len(handles) / 5))
    students = len({curve.select.get("student") for curve in curves})
    if 6 <= len(handles) <= 9 and 2 <= students <= 3 and len({curve.variable for curve in curves}) == 1:
        columns = students
    return ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, borderaxespad=0.2)


def _name_simulations(ax: Any, names: Any, simulations: tuple[xr.Dataset, ...]) -> None:
    """One black marker for each simulation, in a legend of its own."""
    handles = [
        Line2D([], [], color="black", linestyle="none", marker=marker, markerfacecolor="white")
        for marker, _ in zip(MARKERS, simulations, strict=False)
    ]
    ax.legend(handles=handles, labels=data.legend_labels(simulations), loc="best")
    # A second legend takes the place of the first, which is added again; unclipped, so that the layout leaves it room.
    ax.add_artist(names)
    names.set_clip_on(False)
