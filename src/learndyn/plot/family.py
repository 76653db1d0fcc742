"""A family of curves: a variable against time, one line for each value of a parameter of a sweep."""

from __future__ import annotations

from itertools import compress, cycle, islice, product
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError
from learndyn.plot import members
from learndyn.plot.axes import makes_axes
from learndyn.plot.parameters import Axis, axis_of, label, valued
from learndyn.plot.plane import LOOKS, WIDE, legend_above
from learndyn.plot.style import LINE_STYLES, PALETTE

# More lines than this are not told apart; more entries than this do not fit into a legend.
LINES, ENTRIES = 60, 5
# Viridis without its pale end.
DARK = 0.92


@makes_axes
def family(result: xr.Dataset, along: str, value: str = "eps_g", *, ax: Any = None, **where: Any) -> Any:
    """Draw a variable of a sweep against time, one line for each value of a parameter.

    Parameters
    ----------
    result
        A result of `ld.sweep`.
    along
        Name of the parameter, or of the dim. Its values are told by a colour bar; where they are words, or 5 at most,
        by a legend. Of more than 60 values 60 are drawn, evenly chosen from the smallest to the largest.
    value
        Name of the variable.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.
    **where
        Values of all other parameters and dims: ``seed=0``, ``student=1``, ``**{"start.X": 1e-3}``; a number may be
        a hundredth off. Dims of length 1 and replicas, of which the mean is drawn, need none.

    Returns
    -------
    matplotlib.axes.Axes
        A run that ended early is drawn to the last time that it reached, with a marker there, which the legend names.
        The axis of eps_g is logarithmic where it spans more than a factor 100; what is below the solver's rtol times
        the largest value of its line is then left out as noise.

    Raises
    ------
    InputError
        When it is no sweep, or it has no such variable, parameter or value, or other dims are not chosen.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> sweep = ld.sweep(
    ...     perceptron, ld.Start(Q=0.25, R=0.0), over={"learning_rate": [0.5, 1.0, 2.0]}, until=10, save_at=21
    ... )
    >>> ax = ld.plot.family(sweep, along="learning_rate")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['$\\\\eta=0.5$', '$\\\\eta=1$', '$\\\\eta=2$']
    """
    drawn = members.checked(result, value)
    time = members.time_dim(drawn, value)
    if time is None:
        raise InputError(
            f"Argument `value` must be a variable that goes along time, but `{value}` does not. "
            "Choose one that does, or use ld.plot.heat_map."
        )
    name = members.symbol(drawn, value, where)
    drawn = members.chosen(drawn, value, {"along": along, "time": time}, where)
    dim = members.dim_of(drawn, value, along, "along")
    axis = axis_of(along, members.labels_of(drawn, along))
    lines = axis.order[_evenly(len(axis.values))]
    curves = drawn[value].transpose(dim, time)[lines].values
    curves = np.where(np.isfinite(curves), curves, np.nan)
    words = members.endings(drawn).broadcast_like(drawn[dim]).values[lines]
    log = False
    if value == "eps_g":
        resolved = _resolved(curves, members.resolution(result))
        spans = [np.nanmax(each) / np.nanmin(each) for each in resolved if np.isfinite(each).any()]
        log = max(spans, default=1.0) > WIDE
        curves = resolved if log else curves
    colors, styles, entries = _looks(ax, axis, lines)
    times = drawn[time].values
    for curve, color, style, entry in zip(curves, colors, styles, entries, strict=True):
        ax.plot(times, curve, color=color, linestyle=style, label=entry, linewidth=_width(len(lines)))
    handles = _mark_endings(ax, times, curves, words, colors)
    ax.set_yscale("log" if log else "linear")
    ax.set_xlabel(label(time))
    ax.set_ylabel(name + (" (log scale)" if log else ""))
    if len(times) > 1:
        ax.set_xlim(times[0], times[-1])
    _legend(ax, handles)
    return ax


def _resolved(curves: np.ndarray, floor: float) -> np.ndarray:
    """The values, NaN where they are noise: below a part of the largest of their line."""
    largest = np.nanmax(np.where(np.isfinite(curves), curves, 0.0), axis=1, keepdims=True, initial=0.0)
    return np.where(curves > floor * largest, curves, np.nan)


def _evenly(count: int) -> np.ndarray:
    """Indices of at most `LINES` of so many lines, the first and the last among them."""
    return np.unique(np.rint(np.linspace(0, count - 1, min(count, LINES))).astype(int))


def _width(lines: int) -> float:
    return 1.2 if lines <= 2 * ENTRIES else 0.8


def _looks(ax: Any, axis: Axis, lines: np.ndarray) -> tuple[list[Any], list[Any], list[str]]:
    """Colours, styles and legend entries of the lines; a colour bar where there are many numbers."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    values = axis.values[lines]
    if axis.words or len(lines) <= ENTRIES:
        looks = list(islice(cycle(product(LINE_STYLES, PALETTE)), len(lines)))
        return [color for _, color in looks], [style for style, _ in looks], valued(axis.name, values.tolist())
    cmap = ListedColormap(colormaps["viridis"](np.linspace(0.0, DARK, 256)))
    norm = (LogNorm if axis.scale == "log" else Normalize)(values.min(), values.max())
    ax.figure.colorbar(ScalarMappable(norm, cmap), ax=ax, label=label(axis.name))
    return list(cmap(norm(values))), ["-"] * len(lines), [""] * len(lines)


def _mark_endings(ax: Any, times: np.ndarray, curves: np.ndarray, words: np.ndarray, colors: list[Any]) -> list[Any]:
    """A marker where a run ended early; entries for the legend, also for runs of which there is nothing to draw."""
    from matplotlib.lines import Line2D

    handles = []
    for word in dict.fromkeys(words[words != "ok"].tolist()):
        look = LOOKS.get(word, LOOKS["failed"])
        hidden = 0
        for curve, color in zip(curves[words == word], compress(colors, words == word), strict=True):
            known = np.flatnonzero(np.isfinite(curve))
            hidden += len(known) == 0
            if len(known):
                ax.plot(
                    times[known[-1]], curve[known[-1]], color=color, marker=look.marker, linestyle="none", zorder=3,
                    clip_on=False,
                )  # fmt: skip
        if hidden < (words == word).sum():
            handles.append(Line2D([], [], linestyle="none", color="0.35", marker=look.marker, label=look.word))
        if hidden:
            handles.append(Line2D([], [], linestyle="none", label=f"no line: {hidden} {look.word}"))
    return handles


def _legend(ax: Any, handles: list[Any]) -> None:
    named = [line for line in ax.get_lines() if not line.get_label().startswith("_") and line.get_label()]
    if named:
        ax.legend(handles=[*named, *handles], ncols=1 if len(named) <= 2 * ENTRIES else 2)
    else:
        legend_above(ax, handles)
