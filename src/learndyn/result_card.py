"""A result at a glance: its status, scenario, end and error, with a small curve; for notebooks and terminals."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from learndyn.arguments import type_shown
from learndyn.errors import InputError
from learndyn.results import is_simulation, main_curve, scenario_of, time_of
from learndyn.scenarios.card import card, words

# Points and size of the small curve.
POINTS, WIDTH, HEIGHT = 120, 240, 60


class ResultCard:
    """What `describe` gives: ``print`` it, or leave it as the last line of a notebook's cell."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def lines(self) -> dict[str, str]:
        """What is said, by its name."""
        result = self.result
        time, curve = time_of(result), main_curve(result)
        times, values = result[time].values, _mean(result[curve], time)
        found = {"scenario": _scenario(result), "engine": str(result.attrs.get("engine", ""))}
        found["status"] = f"{result.attrs['status']}. {result.attrs['message']}".strip()
        if len(times):
            found["time"] = f"{time} = {times[0]:g} to {times[-1]:g}, {len(times)} rows"
            found[curve] = f"{values[0]:.4g} at the start, {values[-1]:.4g} at the end"
        if is_simulation(result) and "replica" in result.sizes:
            found["replicas"] = f"{result.sizes['replica']}, seed {result.attrs['seed']}; means over them are shown"
        return found

    def __str__(self) -> str:
        return "\n".join(f"{name + ':':<10} {words}" for name, words in self.lines().items())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        cell = "<td style='text-align:left'>"
        lines = self.lines()
        try:
            above = card(scenario_of(self.result))
            del lines["scenario"]
        except InputError:
            above = ""
        rows = "".join(f"<tr>{cell}{escape(name)}</td>{cell}{escape(words)}</td></tr>" for name, words in lines.items())
        table = f"<div>{above}<table>{rows}</table></div>"
        return f"<div style='display:flex;flex-wrap:wrap;gap:2em;align-items:center'>{table}{self._curve()}</div>"

    def _curve(self) -> str:
        """The main curve as a line, logarithmic where it is positive and falls far."""
        result, time, name = self.result, time_of(self.result), main_curve(self.result)
        times, values = result[time].values, _mean(result[name], time)
        if len(times) < 2 or not np.isfinite(values).all():
            return ""
        chosen = np.unique(np.linspace(0, len(times) - 1, POINTS).round().astype(int))
        x, y = times[chosen], values[chosen]
        logarithmic = bool(y.min() > 0.0 and y.max() > 30.0 * y.min())
        y = np.log(y) if logarithmic else y
        across = (x - x[0]) / (x[-1] - x[0]) * (WIDTH - 4) + 2
        down = HEIGHT - 2 - (y - y.min()) / max(float(np.ptp(y)), 1e-300) * (HEIGHT - 4)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
        label = f"{name} against {time}{', logarithmic' if logarithmic else ''}"
        return (
            f"<svg width='{WIDTH}' height='{HEIGHT}' role='img' aria-label='{escape(label)}'><title>{escape(label)}"
            f"</title><polyline points='{points}' fill='none' stroke='currentColor' stroke-width='1.5'/></svg>"
        )


def describe(result: Any) -> ResultCard:
    """A result at a glance: status, scenario, end and error, and in a notebook a small curve.

    Parameters
    ----------
    result
        A result of `ld.solve` or `ld.simulate` with one size N, also one from `ld.load`.

    Returns
    -------
    ResultCard
        ``print`` it, or leave it as the last line of a notebook's cell.

    Raises
    ------
    InputError
        When the argument is no such result.

    Examples
    --------
    >>> import learndyn as ld
    >>> linear = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.1)
    >>> ld.describe(ld.solve(linear, ld.Start(Q=0.25, R=0.0), until=10, save_at=[0, 10])).lines()["time"]
    'alpha = 0 to 10, 2 rows'
    """
    import xarray as xr

    if not isinstance(result, xr.Dataset) or "status" not in result.attrs or "N" in result.dims:
        raise InputError(
            f"Argument `result` must be a result of ld.solve or ld.simulate at one size N, but it is "
            f"{type_shown(result)}. Choose one size by result.sel(N=...)."
        )
    return ResultCard(result)


def _mean(values: Any, time: str) -> np.ndarray:
    """The values over time, averaged over replicas."""
    others = [dim for dim in values.dims if dim != time]
    return values.mean(others).values if others else values.values


def _scenario(result: Any) -> str:
    """What learned, in a line."""
    try:
        return words(scenario_of(result))
    except InputError as error:
        return str(error)
