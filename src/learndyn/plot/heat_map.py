"""The heat map: a number as a colour over two parameters of a sweep, and patterns where runs did not end well."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import number, shown
from learndyn.errors import InputError
from learndyn.plot import members
from learndyn.plot.axes import makes_axes
from learndyn.plot.parameters import label
from learndyn.plot.plane import LOOKS, WIDE, Plane, legend_above, norm_of, plane_of
from learndyn.results import TIMES


@makes_axes
def heat_map(
    result: xr.Dataset,
    x: str,
    y: str,
    value: str = "eps_g",
    *,
    at: float | None = None,
    log: bool | None = None,
    ax: Any = None,
    **where: Any,
) -> Any:
    """Draw a variable of a sweep as colours over two of its parameters.

    Parameters
    ----------
    result
        A result of `ld.sweep`.
    x, y
        Names of parameters or dims: of the sweep, or any other of the variable's (``"alpha"``, ``"student"``).
        Parameters that go along one dim together are drawn as points.
    value
        Name of the variable.
    at
        The time; the nearest saved one is drawn, the last when not given.
    log
        Whether colours go with the logarithm. None: where all values are above 0 and they span more than a factor
        100. Of eps_g, what is below the solver's rtol times the first saved value is noise: it has the lowest colour.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.
    **where
        Values of all other parameters and dims: ``seed=0``, ``student=1``, ``**{"start.X": 1e-3}``; a number may be
        a hundredth off. Dims of length 1 and replicas, of which the mean is drawn, need none.

    Returns
    -------
    matplotlib.axes.Axes
        An axis is logarithmic where the values of its parameter are spaced more evenly in their logarithm. A member
        that did not end well has a pattern, which the legend names; below it the value at that time where there is
        one, else grey. Of more than 10 000 members it has a flat colour, and points have a marker.

    Raises
    ------
    InputError
        When it is no sweep, or it has no such variable, parameter, value or time, or other dims are not chosen.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> sweep = ld.sweep(
    ...     perceptron, ld.Start(Q=0.25, R=0.0), over={"learning_rate": [0.5, 1.0, 2.0], "start.R[1,1]": [0.0, 0.1]},
    ...     until=10, save_at=[0, 5, 10],
    ... )
    >>> ax = ld.plot.heat_map(sweep, x="learning_rate", y="start.R[1,1]", at=5)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('$\\\\eta$', '$R_{11}$')
    """
    drawn = members.checked(result, value)
    time = members.time_dim(drawn, value)
    if value == "eps_g":
        first = drawn[value] if time is None else drawn[value].isel({time: 0}, drop=True)
        drawn = drawn.assign(noise=members.resolution(result) * first)
    drawn, when = _at(drawn, value, at, (x, y))
    name = members.symbol(drawn, value, where) + when
    drawn = members.chosen(drawn, value, {"x": x, "y": y}, where)
    plane = plane_of(drawn, value, x, y)
    values, words = plane.array(drawn[value]), plane.array(members.endings(drawn).broadcast_like(drawn[value]))
    plane.prepare(ax)
    if np.isfinite(values).any():
        noise = plane.array(drawn["noise"].broadcast_like(drawn[value])) if value == "eps_g" else None
        shown, log, low = _on_scale(values, log, noise, value)
        mesh = plane.numbers(ax, shown, norm_of(shown, log), "viridis")
        ax.figure.colorbar(mesh, ax=ax, label=name, extend="min" if low else "neither")
    _draw_endings(ax, plane, values, words, along_time=any(each in TIMES for each in (x, y)))
    return ax


def _at(result: xr.Dataset, value: str, at: float | None, axes: tuple[str, str]) -> tuple[xr.Dataset, str]:
    """The variable at one time, and that time in words; as it is where time is an axis, or it has none."""
    time = members.time_dim(result, value)
    if time is None or time in axes:
        if at is not None:
            why = f"`{value}` has no time" if time is None else "time is an axis of the picture"
            raise InputError(f"Argument `at` must be left out, because {why}, but it is {shown(at)}. Leave it out.")
        chosen = next((each for each in TIMES if each in result.coords and result[each].ndim == 0), None)
    else:
        times = result[time].values
        at = float(times[-1]) if at is None else number(at, "at")
        if not times[0] - 1e-9 * abs(times[-1]) <= at <= times[-1] * (1 + 1e-9):
            raise InputError(
                f"Argument `at` must be a time of the sweep, {times[0]:g} to {times[-1]:g}, but it is {at:g}. "
                "Choose one between."
            )
        result, chosen = result.isel({time: int(np.argmin(np.abs(times - at)))}), time
    return result, "" if chosen is None else f" at {label(chosen)[:-1]}={float(result[chosen]):g}$"


def _on_scale(
    values: np.ndarray, log: bool | None, noise: np.ndarray | None, value: str
) -> tuple[np.ndarray, bool, bool]:
    """The values, whether they are drawn in their logarithm, and whether some are below what a colour can show.

    Those, up to ``noise``, are given the lowest colour. None: the values are no differences of nearly equal numbers.
    """
    finite = np.isfinite(values)
    floor = np.zeros_like(values) if noise is None else np.fmax(noise, 0.0)
    above, hidden = values[finite & (values > floor)], finite & (values <= floor)
    if log is None:
        positive = noise is not None or values[finite].min() > 0.0
        log = bool(positive and len(above) and above.max() > WIDE * above.min())
    if not log:
        return values, False, False
    if not len(above):
        raise InputError(f"Argument `log` must be False, because `{value}` is nowhere above 0. Write log=False.")
    lowest = above.min()
    if hidden.any() and (level := floor[hidden].max()) > 0.0:
        lowest = min(lowest, level)
    return np.where(hidden, lowest, values), True, bool(hidden.any())


def _draw_endings(ax: Any, plane: Plane, values: np.ndarray, words: np.ndarray, *, along_time: bool) -> None:
    """Patterns where members did not end well, in time after they ended, and where there is no number."""
    known = np.isfinite(values)
    handles = []
    for word, look in LOOKS.items():
        where = words == word if word != "nothing" else (words == "ok") & ~known
        if along_time:
            where = where & ~known
        if not where.any():
            continue
        handle = plane.flat(ax, where & known, look, over=True) if (where & known).any() else None
        handles.append(plane.flat(ax, where & ~known, look) if (where & ~known).any() else handle)
    legend_above(ax, handles)
