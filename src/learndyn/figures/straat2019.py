"""Straat & Biehl (2019): a ReLU perceptron in R^3, R^60 and R^1000, and a committee machine, K = M = 2, eta = 0.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import draw_R_and_Q, end, panels
from learndyn.figures.registry import Figure, figure

Loader = Callable[[str], xr.Dataset]

PERCEPTRON = "ReLU perceptron, R(0) = 0, Q(0) = 0.2"
ETA = "The slides do not state eta: 0.1, with which R and Q rise within their range of alpha, 0 to 60."


def _theory(runs: xr.Dataset, points: int = 121) -> xr.Dataset:
    until = float(runs.alpha[-1])
    scenario, start = ld.scenario_of(runs), ld.start_of(runs)
    return ld.solve(scenario, start, until, save_at=points, rtol=1e-10, atol=1e-12)


def in_frame_of_start(runs: xr.Dataset) -> np.ndarray:
    """The weight vectors J in R^3 (replica, alpha, 3) along J(0) / |J(0)|, B x J(0) / |J(0)| and B.

    Each run has vectors J(0) and B of its own, orthogonal to each other (R(0) = 0) and |B| = 1. The inputs are
    isotropic, so that to turn all runs into one frame changes nothing.
    """
    J, B = runs.J.squeeze("student").transpose("replica", "alpha", "input").values, runs.B.squeeze("teacher").values
    first = J[:, 0] / np.linalg.norm(J[:, 0], axis=1, keepdims=True)
    frame = np.stack([first, np.cross(B, first), B], axis=1)
    return np.einsum("rai,rci->rac", J, frame)


def _draw_path(ax: Any, paths: np.ndarray) -> None:
    """J(alpha) as a path in space, from its common start to B, with its shadow on the floor R = 0."""
    for run, path in enumerate(paths):
        color = ld.plot.PALETTE[run]
        ax.plot(path[:, 0], path[:, 1], np.zeros(len(path)), color=color, linewidth=0.6, alpha=0.4)
        ax.plot(*path.T, color=color, linewidth=0.9)
        ax.plot(*path[-1], "o", color=color, markersize=3)
    ax.quiver(0, 0, 0, 0, 0, 1, color="black", linewidth=1.2, arrow_length_ratio=0.1)
    ax.plot(*paths[0, 0], "o", color="black", markersize=3)
    ax.text(0.0, 0.0, 1.05, "$B$", ha="center")
    ax.text(*(paths[0, 0] + (0.06, 0.0, 0.0)), "$J(0)$", va="top")
    ax.set(xlim=(-0.3, 0.7), ylim=(-0.5, 0.5), zlim=(0, 1.1), xticks=(0, 0.5), yticks=(-0.5, 0, 0.5), zticks=(0.5, 1))
    ax.set_xlabel("$J_1$", labelpad=-6)
    ax.set_ylabel("$J_2$", labelpad=-4)
    ax.set_zlabel("$J_3=R$", labelpad=-1)
    ax.tick_params(pad=-2)
    ax.zaxis.set_tick_params(pad=1)
    ax.grid(False)
    ax.view_init(elev=22, azim=-70)
    ax.set_box_aspect((1, 1, 1.1), zoom=0.98)


@figure("2019-perceptron-r3", "path of the weight vector of a ReLU perceptron in R^3, and its R and Q", simulated=True)
def perceptron_r3(simulation: Loader) -> Figure:
    """In three dimensions one can watch the weight vector, and runs differ from each other."""
    from matplotlib.figure import Figure as Picture

    runs = simulation("perceptron-n3-weights")
    theory, paths = _theory(runs), in_frame_of_start(runs)
    picture = Picture(figsize=(ld.plot.TEXT_WIDTH, 3.1))
    grid = picture.add_gridspec(2, 2, width_ratios=(0.9, 1.0))
    _draw_path(picture.add_subplot(grid[:, 0], projection="3d", computed_zorder=False), paths)
    above = picture.add_subplot(grid[0, 1])
    below = picture.add_subplot(grid[1, 1], sharex=above)
    for ax, name in ((above, "R"), (below, "Q")):
        for run, values in enumerate(runs[name].squeeze(drop=True).transpose("replica", "alpha").values):
            ax.plot(runs.alpha, values, color=ld.plot.PALETTE[run], linewidth=0.8)
        ax.plot(theory.alpha, theory[name].squeeze(), color="black", linewidth=1.6, label=r"theory, $N\to\infty$")
        ax.set(ylabel=f"${name}$", xlim=(0, float(runs.alpha[-1])))
    above.legend(loc="lower right")
    above.tick_params(labelbottom=False)
    below.set_xlabel(r"$\alpha$")
    distances = np.linalg.norm(paths - (0.0, 0.0, 1.0), axis=-1)
    numbers = {f"distance_to_B({run})": float(path[-1]) for run, path in enumerate(distances, 1)}
    numbers["largest_step_away"] = float(np.diff(distances, axis=1).max())
    return Figure(
        picture,
        numbers,
        f"Learning in R^3. {PERCEPTRON}: the path of the weight vector J in {len(paths)} runs of gradient descent (one "
        f"colour each; every update up to alpha = {float(runs.alpha[-1]):g}; faint: the shadow on the floor R = 0; all "
        "runs are turned so that they start from one J(0) and B points up), and R = J . B and Q = J . J of the same "
        f"runs beside the theory for N to infinity (black). No update leads away from B. {ETA}",
    )


@figure(
    "2019-perceptron-high-dimensions", "R and Q of single runs of a ReLU perceptron in R^60 and R^1000", simulated=True
)
def perceptron_high_dimensions(simulation: Loader) -> Figure:
    """Self-averaging: the runs approach the theory as N grows."""
    runs = simulation("perceptron-n60-n1000")
    theory = ld.fluctuations(
        ld.scenario_of(runs), ld.start_of(runs), float(runs.alpha[-1]), save_at=121, rtol=1e-10, atol=1e-12
    )
    picture, axes = panels(2, sharex=True)
    numbers: dict[str, float] = {}
    for ax, single in zip(axes, (runs.sel(N=N) for N in runs.N), strict=True):
        N = int(single.N)
        _draw_runs(ax, single, theory)
        ax.set(ylabel="$R$, $Q$", ylim=(-0.05, 1.1), xlim=(0, 60))
        ax.text(0.03, 0.88, f"$N={N}$", transform=ax.transAxes)
        for name in ("R", "Q"):
            numbers |= _distances(single, theory, name, N)
    # At N = 1000 the spread is as wide as a line: a part of R, six times as large.
    window = axes[1].inset_axes((0.52, 0.08, 0.44, 0.36))
    _draw_runs(window, runs.isel(N=-1), theory)
    middle = float(theory.R.sel(alpha=30).squeeze())
    window.set(xlim=(28, 32), ylim=(middle - 0.035, middle + 0.035), xticks=(), yticks=())
    axes[1].indicate_inset_zoom(window, edgecolor="0.3", alpha=1.0, linewidth=0.6)
    axes[1].set_xlabel(r"$\alpha$")
    axes[0].legend(loc="lower right")
    return Figure(
        picture,
        numbers,
        f"Learning in R^60 (above) and R^1000 (below). {PERCEPTRON}: {runs.sizes['replica']} runs of the exact "
        "process of the order parameters (thin lines), theory for N to infinity (black), and one standard deviation to "
        f"both sides of it (dotted; the leading fluctuations, nothing fitted). Inset: a part of R. {ETA}",
    )


def _draw_runs(ax: Any, runs: xr.Dataset, theory: xr.Dataset) -> None:
    """R and Q of every run as thin lines, theory on top, one standard deviation to both sides of it."""
    for order, name in enumerate(("R", "Q")):
        values = runs[name].squeeze(drop=True).transpose("alpha", "replica")
        line, spread = (theory[key].squeeze().values for key in (name, f"{name}_std"))
        ax.plot(runs.alpha, values, color=ld.plot.PALETTE[order], linewidth=0.3)
        ax.plot(theory.alpha, line, color="black", linestyle=("-", "--")[order], linewidth=1.0, label=f"${name}$")
        for edge in (-1.0, 1.0):
            ax.plot(theory.alpha, line + edge * spread / np.sqrt(float(runs.N)), "k:", linewidth=0.8)


def _distances(runs: xr.Dataset, theory: xr.Dataset, name: str, N: int) -> dict[str, float]:
    """Root mean square distance of runs from theory over the times 5 to 60, as found and as expected from theory."""
    late = slice(5, 60)
    found = ((runs[name] - theory[name]).sel(alpha=late) ** 2).mean()
    expected = (theory[f"{name}_std"].sel(alpha=runs.alpha).sel(alpha=late) ** 2).mean() / N
    return {f"distance_{name}({N})": float(found**0.5), f"expected_{name}({N})": float(expected**0.5)}


@figure(
    "2019-relu-k2-m2-order-parameters",
    "R and Q of the ReLU committee, K = M = 2, eta = 0.1, with runs at N = 10^4",
    simulated=True,
)
def relu_k2_m2_order_parameters(simulation: Loader) -> Figure:
    """The full equations, eta^2 term included, against single runs."""
    runs = renamed_as_theory(simulation("relu-k2-m2-n10000"))
    theory = ld.solve(ld.scenario_of(runs), ld.start_of(runs), 500, save_at=501, rtol=1e-10, atol=1e-12)
    picture, axes = draw_R_and_Q(theory.sel(alpha=slice(0, 400)))
    for ax, curve in zip(axes, ("R", "Q"), strict=True):
        _draw_thin(ax, runs, curve)
    numbers = end(theory)
    numbers |= {f"eps_g({t})": float(theory.eps_g.sel(alpha=t)) for t in (10, 30, 60, 100, 200, 300, 500)}
    times = escape_times(runs)
    numbers |= {
        "runs": float(len(times)),
        "left": float(np.isfinite(times).sum()),
        "swapped": float(runs.swapped.sum()),
    }
    numbers |= {
        "leaves": float(escape_times(theory)[0]),
        "first": float(times.min()),
        "median": float(np.median(times)),
    }
    return Figure(
        picture,
        numbers,
        "ReLU soft committee machine, K = M = 2, T = I, eta = 0.1, R(0) = 1e-3 I, Q(0) = 0.2 I: theory with the eta^2 "
        f"term (thick) and {len(times)} runs of the exact process of the order parameters with N = 10^4 (thin; on the "
        "slide, symbols of an unknown number of runs). When a run leaves the plateau, and which unit takes which "
        "teacher unit, is a matter of chance: the noise, of order 1/sqrt(N) = 0.01, is larger than the asymmetry 1e-3 "
        f"of the start. The theory has |R_11 - R_12| = 1/2 at alpha = {numbers['leaves']:.0f}, the first run at "
        f"{numbers['first']:.0f}, the median run at {numbers['median']:.0f}. In {numbers['swapped']:.0f} runs unit 1 "
        "takes B_2; there the names of the two student units are exchanged.",
    )


def gap(result: xr.Dataset) -> xr.DataArray:
    """(R_11 - R_12 - R_21 + R_22) / 2: zero on the plateau, 1 or -1 for specialised units."""
    R = result.R
    unit = [[R.sel(student=i, teacher=n, drop=True) for n in (1, 2)] for i in (1, 2)]
    return (unit[0][0] - unit[0][1] - unit[1][0] + unit[1][1]) / 2.0


def escape_times(result: xr.Dataset) -> np.ndarray:
    """When each run leaves the plateau: |gap| = 1/2; infinite for one that does not."""
    found = []
    for values in np.atleast_2d(abs(gap(result)).transpose(..., "alpha").values):
        row = int(np.argmax(values > 0.5))
        time = np.interp(0.5, values[row - 1 : row + 1], result.alpha[row - 1 : row + 1]) if row else np.inf
        found.append(float(time))
    return np.array(found)


def renamed_as_theory(runs: xr.Dataset) -> xr.Dataset:
    """The runs with student units 1 and 2 exchanged where 1 specialises to B_2; `swapped` (replica) tells where."""
    swapped = gap(runs).isel(alpha=-1) < 0
    other = (
        runs[["R", "Q"]]
        .isel(student=[1, 0], student2=[1, 0])
        .assign_coords(student=runs.student, student2=runs.student2)
    )
    return runs.assign(
        {name: xr.where(swapped, other[name], runs[name], keep_attrs=True) for name in ("R", "Q")}
        | {"swapped": swapped}
    )


def _draw_thin(ax: Any, runs: xr.Dataset, name: str) -> None:
    """Every run as thin lines in the colours of the theory."""
    for line in list(ax.get_lines()):
        i, k = (int(digit) for digit in line.get_label() if digit.isdigit())
        second = {"R": "teacher", "Q": "student2"}[name]
        values = runs[name].sel(student=i).sel({second: k}).transpose("alpha", "replica")
        ax.plot(runs.alpha, values, color=line.get_color(), linewidth=0.4, alpha=0.6, zorder=1.5)
