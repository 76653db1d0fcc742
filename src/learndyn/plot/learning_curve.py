"""The learning curve: how far learning is against time, theory as lines, simulations as markers."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count, did_you_mean, or_list, shown
from learndyn.errors import InputError
from learndyn.plot import data
from learndyn.plot.axes import makes_axes
from learndyn.plot.curves import label_of, unit_dims
from learndyn.plot.style import MARKERS, PALETTE
from learndyn.results import is_simulation, main_curve, time_of

# Of these the axis begins at 0, or below where they do.
FROM_ZERO = ("eps_g", "alignment", "w_norm", "loss")


@makes_axes
def learning_curve(
    *results: xr.Dataset,
    value: str | None = None,
    ax: Any = None,
    labels: list[str] | None = None,
    scale: str = "auto",
    markers: int = 16,
) -> Any:
    """Draw eps_g against alpha: theory as lines, simulations as markers with the standard error over their replicas.

    Of results without eps_g, the alignment, or else the length of the weights, against t; or any other ``value``.

    Parameters
    ----------
    *results
        Results of `ld.solve` and `ld.simulate`, as many as wanted.
    value
        Name of the variable, such as ``"accuracy"``; eps_g, the alignment or the length when not given.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.
    labels
        Names for the legend, one a result; engine and N when not given, and what else tells them apart.
    scale
        Of eps_g: ``"linear"``, ``"log"``, or ``"auto"``: logarithmic when it falls by more than a factor 100. On a
        logarithmic axis values of theory below rtol times the largest are left out, because they are noise, and the
        legend says that the line is drawn to its tolerance.
    markers
        Largest number of markers of one simulation.

    Returns
    -------
    matplotlib.axes.Axes
        The time axis is eta alpha when a result with ``dynamics="gradient_flow"`` is among them, alpha otherwise.

    Raises
    ------
    InputError
        When there is no result, it has no such variable, or there is not one label for each.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
    >>> curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), until=20)
    >>> ld.plot.learning_curve(curve).get_xlabel()
    '$\\\\alpha$'
    """
    results = data.check_results(results, "results", () if value is None else None)
    curve = main_curve(results[0]) if value is None else _checked(results, value)
    names = data.legend_labels(results) if labels is None else list(labels)
    if len(names) != len(results):
        raise InputError(
            f"Argument `labels` must hold one name for each of the {len(results)} result(s), but it holds "
            f"{len(names)}. Give as many names as results."
        )
    markers = count(markers, "markers")
    choice(scale, "scale", ["auto", "linear", "log"])
    log = scale == "log" or (scale == "auto" and curve == "eps_g" and _falls_far(results, curve))
    scaled = data.in_units_of_the_rate(results)
    colors = _colors(results)
    for number, (result, name) in enumerate(zip(results, names, strict=True)):
        if is_simulation(result):
            order = sum(is_simulation(before) for before in results[:number])
            mean, error = data.mean_with_error(result, curve)
            values = data.resolved(result, mean.values) if log else mean.values
            time, bars = data.times(result, scaled), None if error is None else error.values
            _draw_markers(ax, time, values, bars, name, colors[number], order, markers)
        else:
            values = data.resolved(result, result[curve].values) if log else result[curve].values
            # A line that ends while markers go on would look like another result.
            ends = labels is None and np.isnan(values[result[curve].values >= 0.0]).any()
            label = f"{name}, to its tolerance" if ends else name
            ax.plot(data.times(result, scaled), values, color=colors[number], label=label)
    ax.set_xlabel(data.time_label(results[0], scaled))
    ax.set_ylabel(label_of(curve) + (" (log scale)" if log else ""))
    if log:
        ax.set_yscale("log")
    elif curve in FROM_ZERO:
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]) if curve == "alignment" else 0.0)
    if curve == "alignment":
        ax.set_ylim(top=1.03)
    ax.margins(x=0.0)
    ax.legend()
    return ax


def _checked(results: tuple[xr.Dataset, ...], value: Any) -> str:
    """The variable, refused unless all results have it, as one number at each time."""
    first, *others = map(_single, results)
    common = [name for name in first if all(name in each for each in others)]
    if not common:
        raise InputError(
            "Argument `results` must have a variable in common with one number at each time, but they have none. "
            "Draw them apart."
        )
    if value not in common:
        raise InputError(
            f"Argument `value` must be {or_list(common)}, a variable of all results with one number at each time, but "
            f"it is {shown(value)}.{did_you_mean(value, common)}"
        )
    return value


def _single(result: xr.Dataset) -> list[str]:
    """The variables with one number at each time."""
    return [
        str(name)
        for name, each in result.data_vars.items()
        if each.dtype.kind in "iuf"
        and not str(name).endswith("_error")
        and time_of(result) in each.dims
        and not unit_dims(result, str(name))
    ]


def _draw_markers(
    ax: Any, time: np.ndarray, values: np.ndarray, bars: Any, name: str, color: str, order: int, markers: int
) -> None:
    rows = data.thinned(len(time), markers, order, order + 1)
    ax.errorbar(
        time[rows], values[rows], yerr=None if bars is None else bars[rows], label=name, color=color,
        linestyle="none", capsize=1.5, elinewidth=0.8, marker=MARKERS[order % len(MARKERS)], markerfacecolor="white",
        zorder=3,
    )  # fmt: skip


def _falls_far(results: tuple[xr.Dataset, ...], curve: str) -> bool:
    """Whether some curve spans more than a factor 100."""
    for result in results:
        values = data.resolved(result, data.mean_with_error(result, curve)[0].values)
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
