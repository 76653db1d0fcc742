"""Straat & Biehl (2019): hidden-to-output weights w of the student and v of the teacher, ReLU, K = M = 2, eta = 0.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import MARKERS, mark, panels, union_of_times
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations_two_layers import (
    OUTPUT_WEIGHTS,
    STARTS_OF_W,
    adaptive_data,
    realisation_data,
    realising,
)

Loader = Callable[[str], xr.Dataset]

START = "R(0) = 1e-3 I, w(0) = 1; Q(0) = 0.2 I as for the committee before, the slides do not state it"
THIN: dict[str, Any] = {"linewidth": 0.4, "alpha": 0.7, "zorder": 1.5}


def in_order(runs: xr.Dataset) -> xr.Dataset:
    """The runs with student units 1 and 2 exchanged where 1 ends nearer to B_2; `swapped` (replica) tells where."""
    last = runs.R.isel(alpha=-1) / np.sqrt(runs.Q.isel(alpha=-1).values.diagonal(axis1=-2, axis2=-1))[..., None]
    gap = last.sel(student=1, teacher=1) - last.sel(student=1, teacher=2)
    gap = gap - last.sel(student=2, teacher=1) + last.sel(student=2, teacher=2)
    swapped = (gap < 0).drop_vars(("student", "teacher"), errors="ignore")
    names = [name for name in ("R", "Q", "w") if "replica" in runs[name].dims]
    other = runs[names].isel(student=[1, 0], student2=[1, 0])
    other = other.assign_coords(student=runs.student, student2=runs.student2)
    exchanged = {name: xr.where(swapped, other[name], runs[name], keep_attrs=True) for name in names}
    return runs.assign(exchanged | {"swapped": swapped})


# What is drawn of a variable: its entries (student, second index), and which palette colour and line each has.
R_CURVES = {(1, 1): (0, "-"), (1, 2): (0, "--"), (2, 1): (1, "--"), (2, 2): (1, "-")}
Q_CURVES = {(1, 1): (0, "-"), (1, 2): (2, "--"), (2, 2): (1, "-")}


def _entry(result: xr.Dataset, name: str, place: tuple[int, ...]) -> xr.DataArray:
    """One entry of R, Q or w."""
    second = {"R": "teacher", "Q": "student2"}.get(name)
    values = result[name].sel(student=place[0])
    return values if second is None else values.sel({second: place[1]})


def draw_entries(ax: Any, theory: xr.Dataset, runs: xr.Dataset, name: str, curves: dict[Any, Any]) -> None:
    """Entries of R, Q or w: theory as thick lines, every run as a thin one of the same colour."""
    for place, (color, style) in curves.items():
        look = {"color": ld.plot.PALETTE[color], "linestyle": style}
        label = f"${name}_{{{''.join(map(str, place))}}}$"
        ax.plot(theory.alpha, _entry(theory, name, place), label=label, **look)
        ax.plot(runs.alpha, _entry(runs, name, place).transpose("alpha", "replica"), color=look["color"], **THIN)
    ax.set_ylabel({"R": "$R_{in}$", "Q": "$Q_{ik}$", "w": "$w_i$"}[name])


def draw_errors(ax: Any, theory: xr.Dataset, runs: xr.Dataset, floor: float) -> None:
    """eps_g down to a floor, where it is no longer more than rounding."""
    ax.plot(theory.alpha, theory.eps_g.where(theory.eps_g > floor / 10), color="black")
    values = runs.eps_g.where(runs.eps_g > floor / 10).transpose("alpha", "replica")
    ax.plot(runs.alpha, values, color="0.4", **THIN)
    ax.set(ylabel=r"$\epsilon_g$", yscale="log", ylim=(floor, 10.0))


def _above(ax: Any, columns: int) -> None:
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, borderaxespad=0.2)


def _theory(runs: xr.Dataset, times: Any) -> xr.Dataset:
    return ld.solve(ld.scenario_of(runs), ld.start_of(runs), float(times[-1]), save_at=times, rtol=1e-10, atol=1e-13)


@figure("2019-output-weights-fixed", "output weights v = (1.2, 3) of the teacher, w = 1 of the student", simulated=True)
def output_weights_fixed(simulation: Loader) -> Figure:
    """The lengths of the student's vectors make up for the output weights."""
    runs = in_order(simulation("relu-output-weights-fixed"))
    theory = _theory(runs, np.linspace(0.0, 3000.0, 601))
    picture, axes = panels(3, sharex=True)
    seen = theory.sel(alpha=slice(0, 1200))
    draw_entries(axes[0], seen, runs, "R", R_CURVES)
    draw_entries(axes[1], seen, runs, "Q", Q_CURVES)
    draw_errors(axes[2], seen, runs, 1e-7)
    for n, v in enumerate((1.2, 3.0)):
        axes[1].axhline(v**2, color=ld.plot.PALETTE[n], linewidth=0.6, linestyle=":")
        axes[1].annotate(f"$v_{n + 1}^2$", (30, v**2), xytext=(0, -2), textcoords="offset points", va="top")
    _above(axes[0], 4)
    _above(axes[1], 3)
    axes[2].set(xlabel=r"$\alpha$", xlim=(0, 1200))
    last, ends = theory.isel(alpha=-1), runs.isel(alpha=-1)
    numbers = {f"Q_{i}{k}": float(last.Q.sel(student=i, student2=k)) for i, k in Q_CURVES}
    numbers |= {f"R_{i}{n}": float(last.R.sel(student=i, teacher=n)) for i, n in R_CURVES}
    numbers |= {f"runs_Q_{i}{i}": float(ends.Q.sel(student=i, student2=i).mean()) for i in (1, 2)}
    numbers |= {f"eps_g({t:g})": float(theory.eps_g.sel(alpha=t)) for t in (100, 1000, 3000)}
    numbers |= {"runs_eps_g": float(ends.eps_g.max()), "swapped": float(runs.swapped.sum())}
    return Figure(
        picture,
        numbers,
        "ReLU, K = M = 2, teacher with output weights v = (1.2, 3), student with w = 1 that do not learn, eta = 0.1, "
        f"{START}: theory (thick) and {runs.sizes['replica']} runs of the exact process with N = 1000 (thin). Q_11 and "
        "Q_22 make up for the output weights: they tend to v_1^2 = 1.44 and v_2^2 = 9 (dotted), and eps_g to 0. The "
        "noise of a run, of order 1/sqrt(N) = 0.03, is larger than the asymmetry 1e-3 of the start, so that runs leave "
        f"the plateau before the theory does; in {numbers['swapped']:.0f} of them unit 1 takes B_2, and the names of "
        "the two student units are exchanged.",
    )


@figure(
    "2019-output-weights-adaptive",
    "output weights that learn: v = (1.2, 3), (-1.2, -3) and (1.2, -3)",
    simulated=True,
)
def output_weights_adaptive(simulation: Loader) -> Figure:
    """w, Q and eps_g for three teachers."""
    picture, axes = panels(3, 3, size=(ld.plot.TEXT_WIDTH, 5.6), sharex=True, sharey="row")
    numbers: dict[str, float] = {}
    for column, (case, v) in enumerate(OUTPUT_WEIGHTS.items()):
        runs = in_order(simulation(adaptive_data(case)))
        theory = _theory(runs, union_of_times(np.linspace(0.0, 300.0, 301), np.geomspace(1e-3, 2.0, 30)))
        solved = (runs.eps_g.isel(alpha=-1) < 1e-3).values
        draw_entries(axes[0, column], theory, runs, "w", {(1,): (0, "-"), (2,): (1, "-")})
        draw_entries(axes[1, column], theory, runs, "Q", Q_CURVES)
        draw_errors(axes[2, column], theory, runs, 1e-6)
        axes[0, column].set_title(f"$v=({v[0]:g},{v[1]:g})$".replace("-", "{-}"))
        axes[0, column].axhline(0.0, color="0.6", linewidth=0.6)
        axes[2, column].set_xlabel(r"$\alpha$")
        numbers |= {f"{case}_solved": float(solved.sum()), f"{case}_swapped": float(runs.swapped.sum())}
        numbers |= _ends(case, theory, runs, solved)
        if case == "negative":
            _draw_crossing(axes[0, column], theory, runs)
    axes[2, 0].set_xlim(0, 300)
    axes[1, 0].set_ylim(-0.1, 2.15)
    axes[0, 0].legend(loc="lower left")
    axes[1, 0].legend(loc="upper center", ncols=3)
    return Figure(
        picture,
        numbers,
        "ReLU, K = M = 2, eta = 0.1, output weights of the student that learn without the factor 1/N, as on the slides "
        f"(rate 0.1), for three teachers; {START}: theory (thick; N to infinity, then the rate of w to 0: w has its "
        "least-squares value at all times) and 8 runs of the exact process with N = 1000 (thin). For v = (-1.2, -3) "
        "the weights w cross zero within two hundred examples (window), in which the first layer hardly moves. All "
        "runs realise the first two rules: |w_i| sqrt(Q_ii) tends to |v_i|. The slides show a third case as a picture "
        f"only; v = (1.2, -3) is ours. There {numbers['mixed_solved']:.0f} of the 8 runs find the rule; in the others, "
        "and in the theory, both units take the stronger teacher unit, both w stay negative, and eps_g stays near "
        "0.26. Units are named by the teacher unit that they end nearest to.",
    )


def _draw_crossing(ax: Any, theory: xr.Dataset, runs: xr.Dataset) -> None:
    """The first two hundred examples, in which w crosses zero, in a window."""
    window = ax.inset_axes((0.5, 0.62, 0.46, 0.34))
    first = {"alpha": slice(0, 0.2)}
    draw_entries(window, theory.sel(first), runs.sel(first), "w", {(1,): (0, "-"), (2,): (1, "-")})
    window.axhline(0.0, color="0.6", linewidth=0.6)
    window.set(xlim=(0, 0.2), ylim=(-3.0, 1.4), xticks=(0, 0.1, 0.2), yticks=(-2, 0), ylabel="")
    window.tick_params(labelsize=7, pad=2)


def _ends(case: str, theory: xr.Dataset, runs: xr.Dataset, solved: np.ndarray) -> dict[str, float]:
    """What is reached: eps_g, w and the products w_i sqrt(Q_ii), in theory and, as a range, in the runs that solve."""
    last, ends = theory.isel(alpha=-1), runs.isel(alpha=-1).isel(replica=np.flatnonzero(solved))
    numbers = {f"{case}_eps_g": float(last.eps_g), f"{case}_w(0)": float(runs.w.isel(alpha=0).mean())}
    numbers[f"{case}_runs_eps_g"] = float(runs.eps_g.isel(alpha=-1).max())
    for i in (1, 2):
        numbers[f"{case}_w_{i}"] = float(last.w.sel(student=i))
        for prefix, rows in (("", last), ("runs_", ends)):
            product = rows.w.sel(student=i) * np.sqrt(rows.Q.sel(student=i, student2=i))
            numbers |= {f"{case}_{prefix}{end}_{i}": float(getattr(product, end)()) for end in ("min", "max")}
    return numbers


@figure("2019-two-realisations", "one rule, two ways of realising it: lower |w| and higher Q, and back", simulated=True)
def two_realisations(simulation: Loader) -> Figure:
    """Where the output weights start decides which of the equivalent networks is found."""
    picture, axes = panels(3, sharex=True)
    numbers: dict[str, float] = {}
    for order, w in enumerate(STARTS_OF_W):
        scenario, start = realising(w)
        runs = simulation(realisation_data(w))
        times = union_of_times(runs.alpha, np.linspace(0.0, 300.0, 151))
        theory = ld.solve(scenario, start, 300.0, save_at=times, rtol=1e-10, atol=1e-13)
        color, last = ld.plot.PALETTE[order], theory.isel(alpha=-1)
        for unit, style in ((1, "--"), (2, "-")):
            for ax, name, place in ((axes[0], "w", (unit,)), (axes[1], "Q", (unit, unit))):
                ax.plot(theory.alpha, _entry(theory, name, place), color=color, linestyle=style)
                mark(ax, runs, name, _columns(name, place), color=color, marker=MARKERS[order])
                numbers[f"z_{name}_{unit}({w:g})"] = _z(runs, theory, name, place)
            numbers |= {f"w_{unit}({w:g})": float(last.w.sel(student=unit))}
            numbers |= {f"Q_{unit}{unit}({w:g})": float(last.Q.sel(student=unit, student2=unit))}
        axes[2].plot(theory.alpha, theory.eps_g, color=color)
        mark(axes[2], runs, "eps_g", color=color, marker=MARKERS[order])
        numbers |= {f"eps_g({w:g})": float(last.eps_g), f"runs_eps_g({w:g})": float(runs.eps_g[-1])}
    for order, w in enumerate(STARTS_OF_W):
        axes[0].plot([], [], color=ld.plot.PALETTE[order], label=f"$w_i(0)={w:g}$")
    for unit, style in ((1, "--"), (2, "-")):
        axes[0].plot([], [], color="black", linestyle=style, label=f"$i={unit}$")
    _above(axes[0], 4)
    axes[0].set_ylabel("$w_i$")
    axes[1].set_ylabel("$Q_{ii}$")
    axes[2].set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", yscale="log", ylim=(1e-6, 10.0), xlim=(0.0, 300.0))
    return Figure(
        picture,
        numbers,
        "ReLU, K = M = 2, v = (1.2, 3), eta = 0.1, output weights that learn with the rate 0.1 and the factor 1/N, "
        "R(0) = 0.1 I, Q(0) = 0.2 I: two starts of w. Theory (lines) and the exact process with N = 10^4 (markers: "
        "mean over 20 runs, with standard errors). Both realise the rule, w_i sqrt(Q_ii) = v_i and eps_g to 0, one "
        "with smaller w and larger Q. (The slide shows this for runs that differ in an unknown way; where w is at its "
        "least-squares value at all times, its start cannot matter.)",
    )


def _columns(name: str, place: tuple[int, ...]) -> Callable[[xr.Dataset], tuple[xr.DataArray, xr.DataArray]]:
    """A function that takes one entry and its standard error out of averaged runs."""

    def columns(runs: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
        errors = runs.rename({f"{name}_error": name, name: "mean"})
        return _entry(runs, name, place), _entry(errors, name, place)

    return columns


def _z(runs: xr.Dataset, theory: xr.Dataset, name: str, place: tuple[int, ...]) -> float:
    """The largest distance of one entry from theory after the start, in standard errors."""
    later = runs.isel(alpha=slice(1, None))
    mean, error = _columns(name, place)(later)
    expected = _entry(theory, name, place).sel(alpha=later.alpha, method="nearest", tolerance=1e-6)
    return float(np.abs((mean.values - expected.values) / error.values).max())
