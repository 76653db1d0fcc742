"""A plane of two parameters: cells where they make a grid, points where they go along one dim together.

In it numbers have a colour, and members that did not end well a pattern, or a flat colour, with a word in the legend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.plot import members
from learndyn.plot.parameters import Axis, axis_of

# Points fill about this part of a picture of so many square points, between these areas each.
FILLED, PICTURE, SMALLEST, LARGEST = 0.5, 25_000, 1.5, 25.0
# Numbers that span more than this factor are drawn in their logarithm.
WIDE = 100.0
# More cells than this have no patterns.
CELLS = 10_000
# Points of less than this area have no border.
CROWDED = 8.0
# An entry of a legend, in small print, is about so many inches wide, and each letter of it so many.
ENTRY, LETTER = 0.33, 0.045


@dataclass(frozen=True)
class Look:
    """How a word that stands for no number looks: in the legend, as cells (a pattern on grey), and as points.

    Many cells have the colour of points.
    """

    word: str
    hatch: str
    marker: str
    point: str
    color: str = "0.88"


# By the words of a sweep's status; "nothing" is a run that ended well and has no number. Viridis has no such colours.
LOOKS = {
    "diverged": Look("diverged", "//////", "^", "#D55E00"),
    "not_finite": Look("not finite", "xxxxx", "X", "black"),
    "max_steps": Look("too many steps", "......", "s", "#E69F00"),
    "lost_positivity": Look("lost positivity", "\\\\\\\\\\\\", "D", "#8B4513"),
    "refused": Look("refused", "+++", "P", "0.6"),
    "failed": Look("failed", "ooo", "v", "#CC79A7"),
    "interrupted": Look("interrupted", "-----", "o", "white", "white"),
    "missing": Look("not run", "", "o", "white", "white"),
    "nothing": Look("no value", "", "p", "0.75", "0.75"),
}


@dataclass(frozen=True)
class Plane:
    """Two axes; numbers have the shape (y, x) on a grid, else that of the points."""

    x: Axis
    y: Axis
    dims: tuple[str, ...]

    @property
    def is_grid(self) -> bool:
        """Whether there is a number for each pair of values."""
        return len(self.dims) == 2

    def array(self, values: xr.DataArray) -> np.ndarray:
        """The numbers in the order in which they are drawn."""
        found = values.transpose(*self.dims).values
        return found[np.ix_(self.y.order, self.x.order)] if self.is_grid else found

    def prepare(self, ax: Any) -> None:
        """Scales, ticks and names of both axes."""
        self.x.prepare(ax, "x")
        self.y.prepare(ax, "y")

    def numbers(self, ax: Any, values: np.ndarray, norm: Any, cmap: Any) -> Any:
        """Draw numbers, NaN left out; what a colour bar is made for."""
        shown = np.ma.masked_invalid(values)
        if self.is_grid:
            return ax.pcolormesh(self.x.edges, self.y.edges, shown, cmap=cmap, norm=norm, rasterized=True)
        at, area = ~np.ma.getmaskarray(shown), self._area
        return ax.scatter(
            self.x.places[at], self.y.places[at], c=shown[at].data, s=area, cmap=cmap, norm=norm, linewidths=0,
            rasterized=at.sum() > PICTURE / 10,
        )  # fmt: skip

    def flat(self, ax: Any, where: np.ndarray, look: Look, *, over: bool = False) -> Any:
        """Draw one word where `where` is true, over numbers or in place of them; its entry in the legend."""
        from matplotlib.colors import ListedColormap
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        edge = "0.35" if look.hatch else "0.6"
        if not self.is_grid:
            # Among many points a border would be all that is seen.
            border = 0.5 if self._area > CROWDED else 0.0
            ax.scatter(
                self.x.places[where], self.y.places[where], s=self._area, marker=look.marker, facecolors=look.point,
                edgecolors=edge, linewidths=border, zorder=3, rasterized=where.sum() > PICTURE / 10,
            )  # fmt: skip
            face = {"markerfacecolor": look.point, "markeredgecolor": edge, "markeredgewidth": 0.5, "markersize": 5.0}
            return Line2D([], [], linestyle="none", marker=look.marker, label=look.word, **face)
        # Cells of some two points are too small for a pattern, which would also take minutes to draw.
        fine = bool(look.hatch) and where.size > CELLS
        hatch, color = ("", look.point) if fine else (look.hatch, look.color)
        if fine or not over:
            shown = np.ma.masked_where(~where, where)
            ax.pcolormesh(self.x.edges, self.y.edges, shown, cmap=ListedColormap([color]), rasterized=True)
        if hatch:
            ax.add_collection(self._hatched(where, hatch, edge), autolim=False)
        return Patch(facecolor=color, edgecolor=edge, hatch=hatch, linewidth=0.4, label=look.word)

    def _hatched(self, where: np.ndarray, hatch: str, color: str) -> Any:
        """A pattern over cells; neighbours in a row are one rectangle, without borders, so that it goes on."""
        from matplotlib.collections import PolyCollection

        x, y = self.x.edges, self.y.edges
        padded = np.pad(where.astype(np.int8), ((0, 0), (1, 1)))
        # Row by row, each beginning and the end that follows it.
        rows, first = np.nonzero(np.diff(padded, axis=1) == 1)
        _, last = np.nonzero(np.diff(padded, axis=1) == -1)
        corners = np.array([[x[first], x[last], x[last], x[first]], [y[rows], y[rows], y[rows + 1], y[rows + 1]]])
        return PolyCollection(
            list(corners.transpose(2, 1, 0)), facecolor="none", edgecolor=color, hatch=hatch, linewidth=0.0,
            rasterized=len(rows) > PICTURE / 10,
        )  # fmt: skip

    @property
    def _area(self) -> float:
        return float(np.clip(FILLED * PICTURE / max(len(self.x.places), 1), SMALLEST, LARGEST))


def plane_of(result: xr.Dataset, value: str, x: Any, y: Any) -> Plane:
    """The plane of two parameters of a sweep."""
    x_dim, y_dim = members.dim_of(result, value, x, "x"), members.dim_of(result, value, y, "y")
    axes = [axis_of(name, members.labels_of(result, name)) for name in (x, y)]
    if x_dim == y_dim:
        return Plane(axes[0], axes[1], (x_dim,))
    for name, axis in zip((x, y), axes, strict=True):
        if len(np.unique(axis.places)) < len(axis.places):
            raise InputError(
                f"Argument `{name}` must have different values along its dim, but it has one twice. "
                f"Draw its dim instead, {shown(members.dim_of(result, value, name, name))}."
            )
    return Plane(axes[0], axes[1], (y_dim, x_dim))


def norm_of(values: np.ndarray, log: bool) -> Any:
    """From numbers to colours: the whole range, linear or in the logarithm."""
    from matplotlib.colors import LogNorm, Normalize

    seen = values[np.isfinite(values)]
    return (LogNorm if log else Normalize)(seen.min(), seen.max())


def legend_above(ax: Any, handles: list[Any]) -> None:
    """A legend above the picture, as wide as it: on the picture it would hide members."""
    if handles:
        entry = ENTRY + LETTER * max(len(handle.get_label()) for handle in handles)
        inches = ax.get_window_extent().width / ax.figure.dpi
        ax.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2, fontsize="small",
            handlelength=1.5, ncols=max(1, min(len(handles), int(inches / entry))),
        )  # fmt: skip
