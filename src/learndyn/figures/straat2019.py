"""Straat & Biehl (2019): single runs of the ReLU perceptron in growing dimension, and K = M = 2 at eta = 0.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import draw_R_and_Q, end, panels
from learndyn.figures.registry import Figure, figure

Loader = Callable[[str], xr.Dataset]

SETTING = (
    "ReLU perceptron, R(0) = 0, Q(0) = 0.2: five runs of gradient descent on weight vectors (thin lines) and theory "
    "(black). The slides do not state eta: 0.1, with which R and Q rise within their range of alpha, 0 to 60."
)


def _theory(until: float = 60) -> xr.Dataset:
    perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
    return ld.solve(perceptron, ld.Start(Q=0.2, R=0.0), until, save_at=121, rtol=1e-10, atol=1e-12)


def _draw_runs(ax: Any, runs: xr.Dataset, theory: xr.Dataset) -> None:
    """Every run as a thin line, R and Q in one colour each."""
    for name, color, style in (("R", ld.plot.PALETTE[0], "-"), ("Q", ld.plot.PALETTE[1], "--")):
        values = runs[name].squeeze(drop=True).transpose("alpha", "replica").values
        lines = ax.plot(runs.alpha, values, color=color, linewidth=0.5, alpha=0.8)
        lines[0].set_label(f"${name}$")
        ax.plot(theory.alpha, theory[name].squeeze(), "k", linestyle=style, label=rf"${name}$, $N\to\infty$")
    ax.set(xlabel=r"$\alpha$", xlim=(0, 60))


def _spread(runs: xr.Dataset, theory: xr.Dataset) -> dict[str, float]:
    """Root mean square distance of the runs from theory, over runs and the times 5 to 60."""
    late = slice(5, 60)
    return {
        f"distance_{name}": float(np.sqrt(((runs[name] - theory[name]).sel(alpha=late) ** 2).mean()))
        for name in ("R", "Q")
    }


@figure("2019-perceptron-r3", "R and Q of a ReLU perceptron that learns in R^3", simulated=True)
def perceptron_r3(simulation: Loader) -> Figure:
    """In three dimensions the order parameters fluctuate from run to run."""
    runs, theory = simulation("perceptron-trajectories-n3"), _theory()
    picture, ax = panels()
    _draw_runs(ax, runs, theory)
    ax.set_ylabel("$R$, $Q$")
    ax.legend(ncols=2, loc="lower right")
    return Figure(picture, _spread(runs, theory), f"Learning in R^3. {SETTING}")


@figure("2019-perceptron-high-dimensions", "R and Q of a ReLU perceptron in R^60 and in R^1000", simulated=True)
def perceptron_high_dimensions(simulation: Loader) -> Figure:
    """Self-averaging: the runs approach the theory as N grows."""
    theory = _theory()
    picture, axes = panels(2, sharex=True)
    numbers: dict[str, float] = {}
    for ax, N in zip(axes, (60, 1000), strict=True):
        runs = simulation(f"perceptron-trajectories-n{N}")
        _draw_runs(ax, runs, theory)
        ax.set(ylabel="$R$, $Q$", ylim=(-0.05, 1.1))
        ax.text(0.03, 0.88, f"$N={N}$", transform=ax.transAxes)
        numbers |= {f"{name}({N})": value for name, value in _spread(runs, theory).items()}
    axes[0].set_xlabel("")
    axes[0].legend(ncols=2, loc="lower right")
    return Figure(picture, numbers, f"Learning in R^60 (above) and R^1000 (below). {SETTING}")


@figure(
    "2019-relu-k2-m2-order-parameters",
    "R and Q of the ReLU committee, K = M = 2, eta = 0.1, with simulations at N = 10^4",
    simulated=True,
)
def relu_k2_m2_order_parameters(simulation: Loader) -> Figure:
    """The full equations, eta^2 term included, against gradient descent."""
    runs = simulation("relu-k2-m2-n10000")
    theory = ld.solve(ld.scenario_of(runs), ld.start_of(runs), 500, save_at=501, rtol=1e-10, atol=1e-12)
    picture, _ = draw_R_and_Q(theory.sel(alpha=slice(0, 400)), runs)
    numbers = end(theory)
    numbers |= {f"eps_g({t})": float(theory.eps_g.sel(alpha=t)) for t in (10, 30, 60, 100, 200, 300, 500)}
    return Figure(
        picture,
        numbers,
        "ReLU soft committee machine, K = M = 2, T = I, eta = 0.1, R(0) = 1e-3 I, Q(0) = 0.2 I: theory with the eta^2 "
        "term (lines) and gradient descent on weight vectors with N = 10^4 (markers: mean over 2 runs, with standard "
        "errors; the slide does not say how many). When a run leaves the plateau is a matter of chance: its noise, of "
        "order 1/sqrt(N) = 0.01, is larger than the asymmetry 1e-3 of the start.",
    )
