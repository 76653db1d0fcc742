"""How to learn fastest: the best constant learning rate of the ReLU perceptron, and the best schedule on a plateau.

near the solution, at finite N:   <|J - B|^2> -> (1 - eta / N + eta^2 (N + 2) / (2 N^2)) <|J - B|^2>   per update
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations_learning_rates import PERCEPTRON

START = ld.Start(Q=0.25, R=0.0)
SLIDE = 0.83
TARGETS = np.geomspace(1e-1, 1e-7, 7)
ENDS = np.array([2.0, 3.0, 5.0, 7.0, 10.0, 14.0, 20.0, 27.0])


@figure(
    "2018-optimal-learning-rate",
    "the best constant learning rate of the ReLU perceptron, by criterion and at finite N (slide 25)",
    simulated=True,
)
def optimal_learning_rate(simulation: Callable[[str], xr.Dataset]) -> Figure:
    """No criterion gives less than one in the limit; a finite N does."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 4.6))
    numbers = _draw_limit(above) | _draw_finite_size(below, simulation("relu-perceptron-contraction"))
    for ax in (above, below):
        ax.axhline(SLIDE, color="0.5", linewidth=0.8, linestyle=":")
        ax.set_ylabel(r"best $\eta$")
    above.annotate("0.83", (0.1, SLIDE), xytext=(0, 3), textcoords="offset points")
    picture.align_ylabels()
    return Figure(
        picture,
        numbers,
        "ReLU perceptron, R(0) = 0, Q(0) = 0.25: the constant learning rate that is best. Above, N to infinity: that "
        "which comes to an error first, that with the least error at alpha = "
        + ", ".join(f"{alpha:g}" for alpha in ENDS)
        + " (against that error), and that with the fastest decay at last, eta = 1. Below, close to the solution at "
        "finite N: N / (N + 2), from the linearised update (line), and measured with the exact process over one unit "
        "of alpha (markers: minimum of a parabola through 9 rates, standard errors). The slide's 0.83 (dotted) follows "
        "from its equations by none of the criteria; N = 10 gives it.",
    )


def _draw_limit(ax: Any) -> dict[str, float]:
    """The best rate against the error that it reaches, N to infinity."""
    first = [ld.optimal_learning_rate(PERCEPTRON, START, 60, criterion="time", target=target) for target in TARGETS]
    least = [ld.optimal_learning_rate(PERCEPTRON, START, end) for end in ENDS]
    last = ld.optimal_learning_rate(PERCEPTRON, START, criterion="rate", bounds=(0.5, 1.5))
    ax.plot(TARGETS, [best.learning_rate for best in first], label=r"first at $\epsilon_g$")
    errors = np.array([float(best.value) for best in least])
    ax.plot(errors, [best.learning_rate for best in least], "o", markerfacecolor="white", label=r"least $\epsilon_g$")
    ax.axhline(float(last.learning_rate), color=ld.plot.PALETTE[2], linestyle="--", label="last decay")
    ax.set(xscale="log", xlim=(0.2, 1e-7), ylim=(0.75, 1.4), xlabel=r"$\epsilon_g$")
    ax.legend(loc="upper right")
    numbers = {f"time({target:.0e})": float(best.learning_rate) for target, best in zip(TARGETS, first, strict=True)}
    numbers |= {f"error({end:g})": float(best.learning_rate) for end, best in zip(ENDS, least, strict=True)}
    return numbers | {"rate": float(last.learning_rate)}


def _draw_finite_size(ax: Any, runs: xr.Dataset) -> dict[str, float]:
    """N / (N + 2), and measured."""
    N = np.geomspace(3, 300, 200)
    ax.plot(N, N / (N + 2), label=r"$N/(N+2)$")
    ax.axhline(1.0, color=ld.plot.PALETTE[2], linestyle="--")
    numbers: dict[str, float] = {}
    for size in runs.N.values.tolist():
        best, error = measured_optimum(runs.left.sel(N=size))
        ax.errorbar(size, best, yerr=error, color=ld.plot.PALETTE[1], marker="o", markerfacecolor="white", capsize=1.5)
        numbers |= {f"N={size}": best, f"N={size}_error": error}
    ax.plot([], [], "o", color=ld.plot.PALETTE[1], markerfacecolor="white", label="exact process")
    ax.set(xscale="log", xlim=(3, 300), ylim=(0.55, 1.1), xlabel="$N$")
    ax.legend(loc="lower right")
    return numbers


def measured_optimum(left: xr.DataArray) -> tuple[float, float]:
    """The rate at which <|J - B|^2> falls fastest, with its standard error, from what is left of it (offset, part).

    The N-th root of what is left after N updates is a parabola in eta.
    """
    N = float(left.N)
    a, b, _ = np.polyfit(left.offset, left.values ** (1.0 / N), 2)
    places = N / (N + 2) - b / (2.0 * a)
    return float(places.mean()), float(places.std(ddof=1) / np.sqrt(len(places)))


COMMITTEE = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0)
COMMITTEE_START = ld.Start.near_symmetric(COMMITTEE, Q=[0.2, 0.3], X=1e-3)
COMMITTEE_END, PIECES = 100.0, 50


@figure("2018-optimal-schedule", "the best learning rate as a function of time on a plateau, erf, K = M = 2 (outlook)")
def optimal_schedule() -> Figure:
    """The best schedule bears a high plateau for a fast escape and anneals at the end; the greedy one stays."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 4.4), sharex=True)
    best = ld.optimal_schedule(COMMITTEE, COMMITTEE_START, COMMITTEE_END, knots=PIECES)
    greedy = ld.greedy_schedule(COMMITTEE, COMMITTEE_START, COMMITTEE_END)
    constant = best.constant.item()
    above.stairs(best.numbers.values[0], [*best.knot.values, COMMITTEE_END], baseline=None, label="best schedule")
    above.axhline(constant, color=ld.plot.PALETTE[1], linestyle="--", label="best constant")
    above.plot(greedy.alpha, greedy.learning_rate, color=ld.plot.PALETTE[2], linestyle="-.", label="greedy")
    below.plot(best.alpha, best.eps_g)
    below.plot(best.alpha, best.eps_g_constant, color=ld.plot.PALETTE[1], linestyle="--")
    below.plot(greedy.alpha, greedy.eps_g, color=ld.plot.PALETTE[2], linestyle="-.")
    above.set(ylabel=r"$\eta$", ylim=(0.0, None))
    below.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", yscale="log", xlim=(0.0, COMMITTEE_END))
    above.legend(ncols=3, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)
    picture.align_ylabels()
    numbers = {f"eta_{piece}": float(rate) for piece, rate in enumerate(best.numbers.values[0])}
    numbers |= {"constant": constant, "eps_g_best": float(best.eps_g[-1])}
    numbers |= {"eps_g_constant": float(best.eps_g_constant[-1]), "eps_g_greedy": float(greedy.eps_g[-1])}
    numbers |= {"eta_greedy": float(greedy.learning_rate[-1]), "gradient_norm": best.gradient_norm}
    return Figure(
        picture,
        numbers,
        "Erf soft committee machine, K = M = 2, Q(0) = diag(0.2, 0.3), R(0) = 10^-3 I: the learning rate with which "
        f"eps_g is least at alpha = {COMMITTEE_END:g}, in {PIECES} equal pieces, beside the best constant and the "
        "greedy one, which lowers eps_g fastest at each moment. The best schedule bears a plateau three times as "
        "high as that of small rates, because its escape takes less time, and anneals at the end; the greedy rate "
        "tends to zero on the plateau and stays there. The slide names time-dependent rules for future research; all "
        "settings are ours.",
    )
