"""Where the ReLU perceptron stands still above its critical learning rate: beyond slides 23 and 24 of Straat (2018)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.straat2018_perceptron import PERCEPTRON


def _draw(axes: Any, branch: xr.Dataset, color: str, label: str) -> None:
    """R, Q and eps_g along a branch: full lines where it is stable, dashed ones where it is not."""
    eta = branch.learning_rate.values
    curves = (branch.R.values.ravel(), branch.Q.values.ravel(), branch.eps_g.values)
    stable = branch.unstable.values == 0
    for ax, values in zip(axes, curves, strict=True):
        for style, chosen in (("-", stable), ("--", ~stable)):
            # Each line goes on to the first point of the other kind, so that nothing is left open at a fold.
            shown = chosen | np.append(chosen[1:], False) | np.append(False, chosen[:-1])
            name = label if style == "-" else "_"
            ax.plot(eta, np.where(shown, values, np.nan), color=color, linestyle=style, label=name)


@figure("2018-relu-perceptron-fixed-points", "all fixed points of the ReLU perceptron against eta (goes with slide 23)")
def fixed_points() -> Figure:
    """Beyond eta_c = 2 another point is stable, up to a saddle-node; only beyond that learning diverges."""
    picture, axes = panels(3, size=(ld.plot.COLUMN, 5.6), sharex=True)
    perfect = ld.continue_fixed_point(PERCEPTRON, "learning_rate", (1.9, 2.3))
    start = ld.Start(Q=1.15, R=0.98)
    down = ld.continue_fixed_point(PERCEPTRON, "learning_rate", (2.1, 1.9), start=start)
    up = ld.continue_fixed_point(PERCEPTRON, "learning_rate", (2.1, 2.3), start=start)
    _draw(axes, perfect, ld.plot.PALETTE[0], "perfect")
    _draw(axes, down, ld.plot.PALETTE[1], "_")
    _draw(axes, up, ld.plot.PALETTE[1], "imperfect")
    eta_c, fold = perfect.event_learning_rate.item(), up.event_learning_rate.item()
    for ax, values in zip(axes, (up.event_R.item(), up.event_Q.item(), None), strict=True):
        ax.axvline(eta_c, color="0.6", linewidth=0.6, linestyle=":")
        ax.axvline(fold, color="0.6", linewidth=0.6, linestyle=":")
        if values is not None:
            ax.plot(fold, values, "o", color=ld.plot.PALETTE[1], markerfacecolor="white", zorder=3)
    axes[0].set(ylabel="$R$", ylim=(0.5, 1.05))
    axes[1].set(ylabel="$Q$", yscale="log", ylim=(0.8, 60))
    axes[2].set(ylabel=r"$\epsilon_g$", xlabel=r"$\eta$", yscale="log", ylim=(1e-5, 30), xlim=(1.9, 2.3))
    axes[0].annotate(r"$\eta_c$", (eta_c, 0.53), xytext=(3, 0), textcoords="offset points")
    axes[0].annotate(r"$\eta_{sn}$", (fold, 0.53), xytext=(3, 0), textcoords="offset points")
    axes[0].legend(loc="center left")
    ends = up.isel(point=0), up.isel(point=-1)
    numbers = {"eta_c": eta_c, "eta_sn": fold, "R_sn": up.event_R.item(), "Q_sn": up.event_Q.item()}
    for name, row in zip(("stable", "partner"), ends, strict=True):
        numbers |= {f"R_{name}": row.R.item(), f"Q_{name}": row.Q.item(), f"eps_g_{name}": float(row.eps_g)}
        numbers[f"lambda_{name}"] = float(row.eigenvalues[0])
    return Figure(
        picture,
        numbers,
        "ReLU perceptron: all fixed points against eta; stable (full) and unstable (dashed). The perfect solution "
        f"R = Q = 1 (eps_g = 0, not shown below) loses its stability at eta_c = {eta_c:.4g}, where a second parts "
        f"from it. That is stable up to a saddle-node at eta = {fold:.5f} with its partner. At eta = 2.1 it "
        f"is where learning from R = 0, Q = 0.25 ends (slides 23 and 24): R = {numbers['R_stable']:.6f}, "
        f"Q = {numbers['Q_stable']:.6f}. Starts beyond the partner, and all starts for larger eta, diverge.",
    )
