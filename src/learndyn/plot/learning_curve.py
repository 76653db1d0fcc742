"""The learning curve: how far learning is against time, theory as lines, simulations as markers."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count
from learndyn.errors import InputError
from learndyn.plot import data
from learndyn.plot.axes import makes_axes
from learndyn.plot.curves import base
from learndyn.plot.style import MARKERS, PALETTE
from learndyn.results import is_simulation, main_curve


@makes_axes
def learning_curve(
    *results: xr.Dataset,
    ax: Any = None,
    labels: list[str] | None = None,
    scale: str = "auto",
    markers: int = 16,
) -> Any:
    """Draw eps_g against alpha: theory as lines, simulations as markers with the standard error over their replicas.

    Of results without eps_g, the alignment, or else the length of the weights, against t.

    Parameters
    ----------
    *results
        Results of `ld.solve` and `ld.simulate`, as many as wanted.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.
    labels
        Names for the legend, one a result; engine and N when not given, and what else tells them apart.
    scale
        Of eps_g: ``"linear"``, ``"log"``, or ``"auto"``: logarithmic when it falls by more than a factor 100. On a
        logarithmic axis values below rtol times the largest are left out: they are noise.
    markers
        Largest number of markers of one simulation.

    Returns
    -------
    matplotlib.axes.Axes
        The time axis is eta alpha when a result with ``dynamics="gradient_flow"`` is among them, alpha otherwise.

    Raises
    ------
    InputError
        When there is no result, or not one label for each.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
    >>> curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), until=20)
    >>> ld.plot.learning_curve(curve).get_xlabel()
    '$\\\\alpha$'
    """
    results = data.check_results(results, "results")
    curve = main_curve(results[0])
    names = data.legend_labels(results) if labels is None else list(labels)
    if len(names) != len(results):
        raise InputError(
            f"Argument `labels` must hold one name for each of the {len(results)} result(s), but it holds "
            f"{len(names)}. Give as many names as results."
        )
    markers = count(markers, "markers")
    choice(scale, "scale", ["auto", "linear", "log"])
    log = scale == "log" or (scale == "auto" and curve == "eps_g" and _falls_far(results))
    scaled = data.in_units_of_the_rate(results)
    colors = _colors(results)
    for number, (result, name) in enumerate(zip(results, names, strict=True)):
        if is_simulation(result):
            order = sum(is_simulation(before) for before in results[:number])
            _draw_markers(ax, result, name, colors[number], order, scaled, log, markers)
        else:
            values = result[curve].values
            ax.plot(
                data.times(result, scaled),
                data.resolved(result, values) if log else values,
                color=colors[number],
                label=name,
            )
    ax.set_xlabel(data.time_label(results[0], scaled))
    ax.set_ylabel((curve if curve == "alignment" else f"${base(curve)}$") + (" (log scale)" if log else ""))
    if log:
        ax.set_yscale("log")
    else:
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]) if curve == "alignment" else 0.0)
    if curve == "alignment":
        ax.set_ylim(top=1.03)
    ax.margins(x=0.0)
    ax.legend()
    return ax


def _draw_markers(
    ax: Any, result: xr.Dataset, name: str, color: str, order: int, scaled: bool, log: bool, markers: int
) -> None:
    mean, error = data.mean_with_error(result, main_curve(result))
    values = data.resolved(result, mean.values) if log else mean.values
    time = data.times(result, scaled)
    rows = data.thinned(len(time), markers, order, order + 1)
    bars = None if error is None else error.values[rows]
    ax.errorbar(
        time[rows], values[rows], yerr=bars, label=name, color=color, linestyle="none", capsize=1.5, elinewidth=0.8,
        marker=MARKERS[order % len(MARKERS)], markerfacecolor="white", zorder=3,
    )  # fmt: skip


def _falls_far(results: tuple[xr.Dataset, ...]) -> bool:
    """Whether some curve spans more than a factor 100."""
    for result in results:
        values = data.resolved(result, data.mean_with_error(result, main_curve(result))[0].values)
        if np.isfinite(values).any() and np.nanmax(values) > 100.0 * np.nanmin(values):
            return True
    return False


def _colors(results: tuple[xr.Dataset, ...]) -> list[str]:
    """One colour a scenario; with a single scenario, theory in black and one colour a simulation."""
    scenarios = [result.attrs["scenario"] for result in results]
    distinct = list(dict.fromkeys(scenarios))
    if len(distinct) > 1:
        return [PALETTE[distinct.index(scenario) % len(PALETTE)] for scenario in scenarios]
    if not any(is_simulation(result) for result in results):
        return [PALETTE[number % len(PALETTE)] for number in range(len(results))]
    return [PALETTE[number % (len(PALETTE) - 1)] if is_simulation(r) else "black" for number, r in enumerate(results)]
