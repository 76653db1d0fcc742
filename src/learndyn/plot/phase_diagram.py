"""The phase diagram: the time to learn as a colour, and flat colours for what was not learned."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import number, type_shown
from learndyn.errors import InputError
from learndyn.plot import members
from learndyn.plot.axes import makes_axes
from learndyn.plot.parameters import axis_of, label
from learndyn.plot.plane import Look, Plane, legend_above, norm_of, plane_of
from learndyn.results import words_of

# What came of members that did not learn; the words of a sweep's status that are not here are failures.
LOOKS = {
    "not_learned": Look("not learned", "", "o", "0.8", "0.85"),
    "diverged": Look("diverged", "", "^", "#D55E00", "#D55E00"),
    "failed": Look("failed", "", "X", "#CC79A7", "#CC79A7"),
    "interrupted": Look("not run", "", "o", "white", "white"),
}
OUTCOMES = {"ok": "not_learned", "diverged": "diverged", "interrupted": "interrupted", "missing": "interrupted"}
# Times that span more than this factor are drawn in their logarithm.
WIDE = 10.0


@makes_axes
def phase_diagram(
    result: xr.Dataset,
    x: str | None = None,
    y: str | None = None,
    *,
    threshold: float | None = None,
    ax: Any = None,
    **where: Any,
) -> Any:
    """Draw a phase diagram: where learning succeeded, the time that it took, and what happened elsewhere.

    Parameters
    ----------
    result
        A result of `ld.phase_diagram`, or of `ld.sweep` with the variable ``eps_g``.
    x, y
        Of a sweep: names of parameters, which may go along one dim together.
    threshold
        Of a sweep: learned is what has this eps_g or less, above 0, at some saved time; 1e-3 when not given. The time
        is interpolated between saved ones, linearly in log eps_g.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.
    **where
        Of a sweep: values of all other parameters and dims: ``seed=0``, ``**{"start.X": 1e-3}``; a number may be a
        hundredth off. Dims of length 1 and replicas, of which the mean is drawn, need none.

    Returns
    -------
    matplotlib.axes.Axes
        An axis is logarithmic where the values of its parameter are spaced more evenly in their logarithm.

    Raises
    ------
    InputError
        When it is neither a phase diagram nor a sweep with ``eps_g``; for a sweep, when it has no such parameters, or
        other dims are not chosen.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    >>> diagram = ld.phase_diagram(
    ...     scenario, ld.Start(Q=0.25, R=0.0), until=20, x=("learning_rate", [0.5, 1.0, 1.5]),
    ...     y=("label_noise", [0.0, 0.1]),
    ... )
    >>> ld.plot.phase_diagram(diagram).get_xlabel()
    '$\\\\eta$'

    A sweep has the runs themselves:

    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> sweep = ld.sweep(
    ...     perceptron, ld.Start(Q=0.25, R=0.0), over={"learning_rate": [0.5, 1.0, 2.0], "start.R[1,1]": [0.0, 0.1]},
    ...     until=10, save_at=21,
    ... )
    >>> ax = ld.plot.phase_diagram(sweep, x="learning_rate", y="start.R[1,1]", threshold=0.01)
    """
    clock = "alpha"
    if members.is_sweep(result):
        clock = members.time_dim(result, "eps_g") or clock if "eps_g" in result else clock
        level = number(1e-3 if threshold is None else threshold, "threshold", above=0.0)
        plane, time, outcome = _of_sweep(result, x, y, level, where)
    else:
        plane, time, outcome = _of_diagram(result)
        level = json.loads(result.attrs["options"])["threshold"]
        for name, given in {"x": x, "y": y, "threshold": threshold, **where}.items():
            if given is not None:
                raise InputError(
                    f"Argument `{name}` must be left out for a result of ld.phase_diagram, which has its own. "
                    "Leave it out."
                )
    plane.prepare(ax)
    seen = time[np.isfinite(time)]
    if seen.size:
        wide = bool(seen.min() > 0.0 and seen.max() > WIDE * seen.min())
        mesh = plane.numbers(ax, time, norm_of(time, wide), "viridis_r")
        ax.figure.colorbar(mesh, ax=ax, label=rf"{label(clock)} at which $\epsilon_g={level:g}$")
    handles = [plane.flat(ax, outcome == name, look) for name, look in LOOKS.items() if (outcome == name).any()]
    if members.is_sweep(result):
        legend_above(ax, handles)
    elif handles:
        ax.legend(handles=handles, frameon=True, framealpha=0.9, edgecolor="none")
    return ax


def _of_diagram(result: Any) -> tuple[Plane, np.ndarray, np.ndarray]:
    """The plane, the times and the outcomes, in words, of a result of ld.phase_diagram."""
    options = json.loads(result.attrs.get("options", "{}")) if isinstance(result, xr.Dataset) else {}
    if options.get("quantity") != "phase_diagram":
        raise InputError(
            "Argument `result` must be a result of ld.phase_diagram or ld.sweep, but it is "
            f"{'another dataset' if isinstance(result, xr.Dataset) else type_shown(result)}. "
            "Use ld.plot.learning_curve for runs."
        )
    x, y = options["x"], options["y"]
    plane = Plane(axis_of(x, result[x].values), axis_of(y, result[y].values), (y, x))
    outcome = result["outcome"]
    names = words_of(outcome.attrs)
    words = np.array([names[code] for code in plane.array(outcome).ravel()]).reshape(outcome.shape)
    return plane, plane.array(result["time"]), words


def _of_sweep(
    result: xr.Dataset, x: Any, y: Any, threshold: float, where: dict[str, Any]
) -> tuple[Plane, np.ndarray, np.ndarray]:
    """The plane of a sweep, the times at which its members learned, and in words what came of the others."""
    drawn = members.checked(result, "eps_g")
    time = members.time_dim(drawn, "eps_g")
    if time is None:
        raise InputError(
            "Argument `result` must be a sweep of whole runs, but it holds a single time of each. "
            "Pass the sweep before .sel(...)."
        )
    drawn = members.chosen(drawn, "eps_g", {"x": x, "y": y, "time": time}, where)
    plane = plane_of(drawn, "eps_g", x, y)
    curves = drawn["eps_g"].transpose(..., time)
    reached = curves.isel({time: 0}).copy(data=times_reached(drawn[time].values, curves.values, threshold))
    words = members.endings(drawn).broadcast_like(reached)
    times, words = plane.array(reached), plane.array(words)
    outcome = np.array([OUTCOMES.get(word, "failed") for word in words.ravel()], dtype=object).reshape(words.shape)
    return plane, times, np.where(np.isfinite(times), "learned", outcome)


def times_reached(times: np.ndarray, curves: np.ndarray, threshold: float) -> np.ndarray:
    """The first time at which each curve (..., times) is at most the threshold; NaN where it never is.

    Between saved times a and b, with ln e = ln eps_g - ln threshold:  time = a + (b - a) ln e_a / (ln e_a - ln e_b).
    """
    below = curves <= threshold
    row = below.argmax(-1)
    before = np.maximum(row - 1, 0)
    high, low = (np.take_along_axis(curves, at[..., None], -1)[..., 0] for at in (before, row))
    # eps_g may be 0, or below it by rounding: then it was the line in eps_g itself that came down.
    positive = low > 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        above, beneath = np.log(high / threshold), np.log(np.where(positive, low, threshold) / threshold)
        part = np.where(positive, above / (above - beneath), (high - threshold) / (high - low))
    # A curve that begins there has no time before, nor has one without a number there.
    known = (row > 0) & np.isfinite(part)
    found = np.where(known, times[before] + (times[row] - times[before]) * np.where(known, part, 0.0), times[row])
    return np.where(below.any(-1), found, np.nan)
