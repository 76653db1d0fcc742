"""The curves in Bokeh: one figure for the main curve, one for each panel, one for the flow field."""

from __future__ import annotations

from math import log10
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from learndyn.explore.compute import Details, Field, Theory
from learndyn.explore.curves import POSITIVE, Line, end_names
from learndyn.explore.families import Family
from learndyn.explore.replicas import Replicas

INK, SOFT, GRID = "#222222", "#667077", "#eceff2"
MARK = "#e8f1f8"
ACCENT, WARM, PATH = "#0072B2", "#D55E00", "#0072B2"
# Names of curves stand to the right of them, in this part of the width for each letter; a single curve needs none.
LETTER, LITTLE = 0.028, 0.02
NAMES = {"eps_g": "generalisation error", "alignment": "alignment with the class means", "loss": "loss"}
MOST_NAMED = 12
_EMPTY_LINES: dict[str, list[Any]] = {"xs": [], "ys": [], "color": [], "dash": [], "name": []}


def _styled(title: str, height: int, **options: Any) -> Any:
    plot: Any = figure(
        height=height, sizing_mode="stretch_width", toolbar_location="above", title=title, outline_line_color=None,
        tools="pan,box_zoom,reset", min_border_right=6, min_width=200, background_fill_color="#ffffff", **options,
    )  # fmt: skip
    plot.toolbar.update(logo=None, autohide=True)
    plot.title.update(text_font="system-ui", text_font_size="13px", text_font_style="bold", text_color=INK)
    for axis in (*plot.xaxis, *plot.yaxis):
        axis.update(
            axis_label_text_font="system-ui", axis_label_text_font_style="normal", axis_label_text_font_size="12px",
            axis_label_text_color=SOFT, major_label_text_font="system-ui", major_label_text_font_size="11px",
            major_label_text_color=SOFT, axis_line_color="#b9c1c8", major_tick_line_color="#b9c1c8",
            minor_tick_line_color=None, axis_label_standoff=6,
        )  # fmt: skip
    for grid in (*plot.xgrid, *plot.ygrid):
        grid.grid_line_color = GRID
    return plot


class Curves:
    """A figure of curves against time with their names at the right, and the means of replicas as circles."""

    def __init__(self, title: str, name: str, *, log_time: bool, log_y: bool, height: int, time: str) -> None:
        self._log_time = log_time
        self.figure = _styled(
            title, height, x_axis_type="log" if log_time else "linear", y_axis_type="log" if log_y else "linear",
            x_range=Range1d(start=1e-3, end=1.0), name=name,
        )  # fmt: skip
        self.figure.xaxis.axis_label = "α = updates / N" if time == "alpha" else "time t"
        self._log_y = log_y
        self._single = ColumnDataSource({"xs": [], "ys": [], "color": []}, name=f"{name}-runs")
        self.lines = ColumnDataSource(dict(_EMPTY_LINES), name=f"{name}-lines")
        self._points = ColumnDataSource({"x": [], "y": [], "color": []})
        self._names = ColumnDataSource({"x": [], "y": [], "text": [], "color": []})
        plot = self.figure
        plot.multi_line("xs", "ys", source=self._single, line_color="color", line_alpha=0.3, line_width=0.8)
        drawn = plot.multi_line("xs", "ys", source=self.lines, line_color="color", line_dash="dash", line_width=1.8)
        plot.scatter("x", "y", source=self._points, size=5, fill_color="#ffffff", line_color="color", line_width=1.1)
        plot.text(
            "x", "y", "text", source=self._names, x_offset=5, text_color="color", text_baseline="middle",
            text_font=value("system-ui"), text_font_size="12px",
        )  # fmt: skip
        form = "@name<br>α = $x{0.[0000]}<br>$y{0.[0000]}" if not log_y else "@name<br>α = $x{0.[0000]}<br>$y{0.00e+0}"
        form = form if time == "alpha" else form.replace("α", "t")
        plot.add_tools(HoverTool(renderers=[drawn], tooltips=form, line_policy="nearest"))

    def show(self, time: np.ndarray, lines: list[Line]) -> None:
        """Draw these lines."""
        named = self._named(lines)
        self._set_range(time, LITTLE + LETTER * max((len(text) for text, _, _ in named), default=0))
        shown = time > 0.0 if self._log_time else np.ones(len(time), dtype=bool)
        self.lines.data = {
            "xs": [time[shown]] * len(lines),
            "ys": [line.y[shown] for line in lines],
            "color": [line.color for line in lines],
            "dash": [line.dash for line in lines],
            "name": [line.name for line in lines],
        }
        texts, heights, colors = (list(column) for column in zip(*named, strict=True)) if named else ([], [], [])
        self._names.data = {"x": [float(time[-1])] * len(texts), "y": heights, "text": texts, "color": colors}

    def _named(self, lines: list[Line]) -> list[tuple[str, float, str]]:
        """The names at the right ends of not too many lines."""
        if not 1 < len(lines) <= MOST_NAMED:
            return []
        values = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
        return end_names(lines, 0.075 * float(np.ptp(values))) if len(values) else []

    def _set_range(self, time: np.ndarray, room: float) -> None:
        first, last = float(time[0]), float(time[-1])
        span = self.figure.x_range
        if self._log_time:
            first = float(time[time > 0.0][0])
            end = last * 10.0 ** (room * log10(last / first))
        else:
            end = last + room * (last - first)
        # The room at the right is for names: no time is beyond the last.
        self.figure.xaxis.bounds = (first, last)
        if (span.start, span.end) != (first, end):
            span.update(start=first, end=end, reset_start=first, reset_end=end)

    def show_replicas(self, time: np.ndarray, lines: list[Line], runs: list[tuple[str, np.ndarray]]) -> None:
        """Draw means as circles, and single runs as thin lines."""
        shown = np.flatnonzero(time > 0.0) if self._log_time else np.arange(len(time))
        self._single.data = {
            "xs": [time[shown]] * len(runs),
            "ys": [run[shown] for _, run in runs],
            "color": [color for color, _ in runs],
        }
        some = shown[:: max(1, len(shown) // 20)]
        self._points.data = {
            "x": np.tile(time[some], len(lines)),
            "y": np.concatenate([line.y[some] for line in lines]) if lines else [],
            "color": [line.color for line in lines for _ in some],
        }


class MainCurve(Curves):
    """The learning curve, with plateaus marked: their span, their height, and the rate at which they are left."""

    def __init__(self, family: Family, *, log_time: bool, time: str) -> None:
        name = family.main
        super().__init__(
            f"Learning curve: {NAMES[name]}", "main", log_time=log_time, log_y=name in POSITIVE, height=275, time=time
        )
        self._spans = ColumnDataSource({"x0": [], "x1": []})
        self._marks = ColumnDataSource({"x0": [], "x1": [], "y": [], "text": []}, name="plateaus")
        plot = self.figure
        strip = plot.vstrip("x0", "x1", source=self._spans, fill_color=MARK, line_color=None)
        strip.level = "underlay"
        plot.segment("x0", "y", "x1", "y", source=self._marks, line_color=SOFT, line_dash=[3, 3], line_width=1)
        plot.text(
            "x0", "y", "text", source=self._marks, x_offset=6, y_offset=-6, text_color=SOFT,
            text_font=value("system-ui"), text_font_size="12px", text_baseline="bottom",
        )  # fmt: skip

    def mark(self, theory: Theory, details: Details | None) -> None:
        """Mark the plateaus of a curve."""
        left = [plateau for plateau in theory.plateaus if plateau.left]
        rates = {}
        for plateau, spectrum in zip(left, (details.spectra if details else None) or (), strict=False):
            if spectrum.rates and spectrum.rates[0] > 0.0:
                rates[plateau] = f",  λ = {spectrum.rates[0]:.3g}"
        self._spans.data = {"x0": [p.entry for p in theory.plateaus], "x1": [p.exit for p in theory.plateaus]}
        self._marks.data = {
            "x0": [p.entry for p in theory.plateaus],
            "x1": [p.exit for p in theory.plateaus],
            "y": [p.height for p in theory.plateaus],
            "text": [f"plateau{rates.get(p, '')}" for p in theory.plateaus],
        }


class Plane:
    """The flow field as arrows, longer where learning is faster, with the path of the run."""

    def __init__(self) -> None:
        self.figure = _styled(
            "Flow field", 250, name="plane", x_range=Range1d(start=0.0, end=1.0), y_range=Range1d(start=0.0, end=1.0)
        )
        self._arrows = ColumnDataSource({"x0": [], "y0": [], "x1": [], "y1": [], "angle": []}, name="arrows")
        self._path = ColumnDataSource({"x": [], "y": []})
        self._ends = ColumnDataSource({"x": [], "y": [], "fill": []})
        plot = self.figure
        plot.segment("x0", "y0", "x1", "y1", source=self._arrows, line_color="#a9b4bd", line_width=1)
        plot.scatter(
            "x1", "y1", source=self._arrows, marker="triangle", angle="angle", size=4, color="#a9b4bd", line_color=None
        )
        plot.line("x", "y", source=self._path, line_color=PATH, line_width=2)
        plot.scatter("x", "y", source=self._ends, size=7, line_color=PATH, fill_color="fill", line_width=1.5)

    def show(self, field: Field | None) -> None:
        """Draw a field; without one the figure is hidden."""
        self.figure.visible = field is not None
        if field is None:
            return
        x, y = np.meshgrid(field.x, field.y)
        widths = np.array([field.x[-1] - field.x[0], field.y[-1] - field.y[0]])
        # In units of the frame, so that arrows point along the path that is drawn.
        flow = np.stack([field.dx / widths[0], field.dy / widths[1]])
        speed = np.hypot(*flow)
        there = field.possible & (speed > 0.0)
        cell = 0.85 / (len(field.x) - 1)
        length = cell * (speed / max(float(speed.max()), 1e-300)) ** 0.3
        unit = flow / np.where(there, speed, 1.0)
        dx, dy = (unit[0] * length * widths[0])[there], (unit[1] * length * widths[1])[there]
        self._arrows.data = {
            "x0": x[there] - dx / 2,
            "y0": y[there] - dy / 2,
            "x1": x[there] + dx / 2,
            "y1": y[there] + dy / 2,
            "angle": np.arctan2(unit[1], unit[0])[there] - np.pi / 2,
        }
        path_x, path_y = field.path
        self._path.data = {"x": path_x, "y": path_y}
        self._ends.data = {"x": path_x[[0, -1]], "y": path_y[[0, -1]], "fill": ["#ffffff", PATH]}
        labels = (self.figure.xaxis, self.figure.yaxis)
        for axis, span, grid, name in zip(
            labels, (self.figure.x_range, self.figure.y_range), (field.x, field.y), field.names, strict=True
        ):
            axis.axis_label = _symbol(name)
            low, high = float(grid[0]), float(grid[-1])
            span.update(start=low, end=high, reset_start=low, reset_end=high)


def _symbol(name: str) -> str:
    return name.replace("_", "").translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")).replace(",", "")


class Charts:
    """All figures of one family."""

    def __init__(self, family: Family, time: str, *, log_time: bool) -> None:
        self.main = MainCurve(family, log_time=log_time, time=time)
        self.panels = {
            name: Curves(title, f"panel-{name}", log_time=log_time, log_y=False, height=250, time=time)
            for name, title in family.panels
        }
        self.plane = Plane()
        self.plane.figure.visible = False

    def show(self, theory: Theory, details: Details | None) -> None:
        """Draw a curve; panels that it does not have are hidden."""
        drawn = theory.drawn
        self.main.show(drawn.time, [drawn.main])
        for name, curves in self.panels.items():
            curves.figure.visible = name in drawn.panels
            if name in drawn.panels:
                curves.show(drawn.time, drawn.panels[name])
        self.main.mark(theory, details)

    def show_details(self, theory: Theory, details: Details) -> None:
        """What came later."""
        self.main.mark(theory, details)
        self.plane.show(details.field)

    def show_replicas(self, replicas: Replicas | None) -> None:
        """Draw replicas, or take them away."""
        nothing = np.zeros(0)
        for name, curves in {"": self.main, **self.panels}.items():
            if replicas is None:
                curves.show_replicas(nothing, [], [])
            else:
                drawn = replicas.drawn
                # Replicas may specialise each in its own way: of their overlaps no mean is drawn.
                lines = [] if name else [drawn.main]
                curves.show_replicas(drawn.time, lines, drawn.runs.get(name, []))
