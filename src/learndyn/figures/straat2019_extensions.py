"""Straat & Biehl (2019), future work: tree architectures, different activations in student and teacher, biases.

The slides define them and show no results: settings, starts and sizes are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import MARKERS, largest_z, mark, panels, union_of_times
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations_extensions import (
    FREEDOMS,
    TREE_ACTIVATIONS,
    biased,
    other_activation,
    other_data,
    tree,
)
from learndyn.figures.straat2019_complex import OURS

Loader = Callable[[str], xr.Dataset]


def _solve(scenario: ld.StudentTeacher, start: ld.Start, times: Any, rtol: float = 1e-6) -> xr.Dataset:
    return ld.solve(scenario, start, float(times[-1]), save_at=times, rtol=rtol, atol=1e-3 * rtol)


@figure("2019-tree", "tree architectures beside fully connected ones, K = M = 2: no plateau", simulated=True)
def trees(simulation: Loader) -> Figure:
    """Each unit has inputs of its own, so that nothing has to be shared out."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 4.6), sharex=True)
    numbers: dict[str, float] = {}
    for order, activation in enumerate(TREE_ACTIVATIONS):
        runs, color = simulation(f"{activation}-tree"), ld.plot.PALETTE[order]
        scenario, start = tree(activation)
        times = union_of_times(runs.alpha, np.linspace(0.0, 120.0, 241))
        name = {"relu": "ReLU", "erf": "erf"}[activation]
        theory = _solve(scenario, start, times, rtol=1e-8)
        above.plot(theory.alpha, theory.eps_g, color=color, label=f"{name}, tree")
        mark(above, runs, "eps_g", color=color, marker=MARKERS[order])
        full = _solve(scenario.replace(connectivity="full"), ld.Start(start.Q, 1e-3 * np.eye(2)), times)
        above.plot(full.alpha, full.eps_g, color=color, linestyle="--", label=f"{name}, full")
        for unit, style in ((1, "-"), (2, ":")):
            below.plot(theory.alpha, theory.R.sel(student=unit, teacher=unit), color=color, linestyle=style)
        numbers |= {f"tree_{activation}": float(theory.eps_g[-1]), f"full_{activation}": float(full.eps_g[-1])}
        numbers |= {f"tree_{activation}({t})": float(theory.eps_g.sel(alpha=t)) for t in (20, 60)}
        numbers[f"z_{activation}"] = largest_z(runs, theory)
        numbers[f"R_{activation}"] = float(theory.R.sel(student=1, teacher=1)[-1])
    for unit, style in ((1, "-"), (2, ":")):
        below.plot([], [], color="black", linestyle=style, label=f"$R_{{{unit}{unit}}}$")
    above.set(ylabel=r"$\epsilon_g$", yscale="log", ylim=(2e-5, 1.0))
    below.set(xlabel=r"$\alpha$", ylabel="$R_{ii}$ of the trees", xlim=(0, 120), ylim=(0, 1.05))
    above.legend(ncols=2, loc="lower left")
    below.legend(loc="lower right")
    return Figure(
        picture,
        numbers,
        "Trees, in which each hidden unit sees a part of the input of its own, beside fully connected networks; "
        "K = M = 2, eta = 0.1, Q(0) = diag(0.2, 0.3), R(0) = 0 for the trees and 1e-3 I otherwise. Theory (lines) and, "
        "for the trees, the exact process with N = 1000 inputs a branch (markers: mean over 20 runs, with standard "
        "errors); alpha counts updates over the dimension of a branch. R and Q are diagonal, each student unit has its "
        f"teacher unit from the start, and there is no plateau. {OURS}",
    )


LABELS = {
    "first layer": "$J$ alone, $w=1$",
    "and w": "$J$ and $w$",
    "and w, biases": r"$J$, $w$ and $\theta$",
}


def _other_activations(simulation: Loader, student: str, teacher: str) -> tuple[Any, dict[str, float]]:
    """Learning curves of two units that learn one of another kind."""
    picture, ax = panels(size=(ld.plot.COLUMN, 2.7))
    numbers: dict[str, float] = {}
    for order, freedom in enumerate(FREEDOMS):
        runs, color = simulation(other_data(student, teacher, freedom)), ld.plot.PALETTE[order]
        times = union_of_times([0.0], runs.alpha, np.geomspace(1.0, 3000.0, 81))
        theory = _solve(*other_activation(student, teacher, freedom), times)
        later = theory.isel(alpha=slice(1, None))
        ax.plot(later.alpha, later.eps_g, color=color, label=LABELS[freedom])
        mark(ax, runs.isel(alpha=slice(1, None)), "eps_g", color=color, marker=MARKERS[order])
        numbers |= {f"eps_g({freedom})": float(theory.eps_g[-1]), f"z({freedom})": largest_z(runs, theory)}
    ax.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", xscale="log", yscale="log", xlim=(1, 3000), ylim=(8e-4, 0.5))
    ax.legend(loc="lower left")
    return picture, numbers


SETTING = (
    "eta = 0.1 for all that learns, Q(0) = diag(0.3, 0.25), R(0) = (0.1, 0.05) where w = 1, and R(0) = (0.1, -0.1), "
    "w(0) = (1, -1), theta(0) = (0.3, -0.2) where these learn. Theory (lines) and the exact process with N = 10^4 "
    "(markers: mean over 20 runs, with standard errors)"
)


@figure("2019-relu-learns-erf", "two ReLU units learn one erf unit: w and biases lower the residual", simulated=True)
def relu_learns_erf(simulation: Loader) -> Figure:
    """An odd function needs ReLU units of both signs."""
    picture, numbers = _other_activations(simulation, "relu", "erf")
    return Figure(
        picture,
        numbers,
        f"Two ReLU units learn one erf unit, {SETTING}. With w = 1 the student is never negative, and no number of "
        "units helps; with weights of both signs it becomes linear, g(x) - g(-x) = x; with biases it bends at both "
        f"ends. {OURS}",
    )


@figure("2019-erf-learns-relu", "two erf units learn one ReLU unit: w and biases lower the residual", simulated=True)
def erf_learns_relu(simulation: Loader) -> Figure:
    """An odd student has no mean."""
    picture, numbers = _other_activations(simulation, "erf", "relu")
    return Figure(
        picture,
        numbers,
        f"Two erf units learn one ReLU unit, {SETTING}. Without biases the student is odd and takes no more than the "
        "odd part of the rule, y / 2; with biases it learns the mean first, and the bend after a plateau. "
        f"{OURS}",
    )


@figure("2019-biases", "a ReLU student with biases learns a teacher with biases, K = M = 2", simulated=True)
def biases(simulation: Loader) -> Figure:
    """Thresholds are learned with the weights; without them an error remains."""
    picture, axes = panels(2, size=(ld.plot.COLUMN, 4.4), sharex=True)
    numbers: dict[str, float] = {}
    for order, (learns, key) in enumerate(((True, "learned"), (False, "absent"))):
        runs, color = simulation(f"relu-biases-{key}"), ld.plot.PALETTE[order]
        times = union_of_times(runs.alpha, np.linspace(0.0, 1000.0, 201), np.linspace(0.0, 20.0, 21))
        theory = _solve(*biased(learns), times)
        label = {"learned": "biases learn", "absent": "no biases"}[key]
        axes[0].plot(theory.alpha, theory.eps_g, color=color, label=label)
        mark(axes[0], runs, "eps_g", color=color, marker=MARKERS[order])
        numbers |= {f"eps_g({key})": float(theory.eps_g[-1]), f"z({key})": largest_z(runs, theory)}
        if learns:
            for unit, style in ((1, "-"), (2, "--")):
                axes[1].plot(
                    theory.alpha, theory.theta.sel(student=unit), color=color, linestyle=style,
                    label=rf"$\theta_{unit}$",
                )  # fmt: skip
                mark(axes[1], runs, "theta", _one_bias(unit), color=color, marker=MARKERS[0])
                numbers[f"theta_{unit}"] = float(theory.theta.sel(student=unit)[-1])
    for bias in (0.5, -0.5):
        axes[1].axhline(bias, color="0.4", linewidth=0.6, linestyle=":")
    axes[0].set(ylabel=r"$\epsilon_g$", yscale="log", ylim=(1e-5, 1.0))
    axes[1].set(xlabel=r"$\alpha$", ylabel=r"biases $\theta_i$", xlim=(0, 1000), ylim=(-0.65, 0.65))
    axes[0].legend(loc="upper right")
    axes[1].legend(loc="center right")
    return Figure(
        picture,
        numbers,
        "ReLU, K = M = 2, w = v = 1, a teacher with biases phi = (1/2, -1/2), eta = 0.1, Q(0) = 0.2 I, R(0) = 0.1 I, "
        "theta(0) = 0: theory (lines) and the exact process with N = 10^4 (markers: mean over 20 runs, with standard "
        "errors). Biases that learn with the rate of the weights tend to those of the teacher (dotted) and eps_g to 0; "
        f"without them an error remains. {OURS}",
    )


def _one_bias(unit: int) -> Callable[[xr.Dataset], tuple[xr.DataArray, xr.DataArray]]:
    return lambda runs: (runs.theta.sel(student=unit), runs.theta_error.sel(student=unit))
