"""Straat (2018), last slide, "Future research": the eta^2 term, and rules that change with time.

    "Include eta^2 term. [...] Time-dependent rule."

The slides show nothing of it: settings, starts and sizes are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import MARKERS, largest_z, mark, panels, union_of_times
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations_outlook import (
    COMMITTEE,
    COMMITTEE_START,
    COSINES,
    DRIFTS,
    PERCEPTRON,
    PERCEPTRON_START,
    RATES,
    SPANS,
    SWITCH_AT,
    drift_data,
    rate_data,
    switch_data,
    switching,
    wandering,
)

Loader = Callable[[str], xr.Dataset]
OURS = "The slides name this for future research and show nothing of it; all settings are ours."


def _solve(scenario: ld.StudentTeacher, start: ld.Start, until: float, times: Any, **options: Any) -> xr.Dataset:
    return ld.solve(scenario, start, until, save_at=times, rtol=1e-10, atol=1e-13, **options)


@figure(
    "2018-eta-squared-term",
    "learning curves with and without the eta^2 term, with simulations (outlook, last slide)",
    simulated=True,
)
def eta_squared_term(simulation: Loader) -> Figure:
    """Against eta alpha, the gradient flow is one curve for all eta; descent with steps of size eta is not."""
    picture, axes = panels(2, size=(ld.plot.COLUMN, 4.6))
    numbers: dict[str, float] = {}
    parts = (("perceptron", PERCEPTRON, PERCEPTRON_START), ("committee", COMMITTEE, COMMITTEE_START))
    for ax, (name, scenario, start) in zip(axes, parts, strict=True):
        span = SPANS[name]
        limit = _solve(scenario.replace(learning_rate=1.0, dynamics="gradient_flow"), start, span, 301)
        ax.plot(limit.alpha, limit.eps_g, "k--", label=r"$\eta\to0$: no $\eta^2$ term", zorder=4)
        numbers[f"{name}(0)"] = float(limit.eps_g[-1])
        for order, eta in enumerate(RATES[name]):
            runs, color = simulation(rate_data(name, eta)), ld.plot.PALETTE[order]
            times = union_of_times(runs.alpha, np.linspace(0.0, span / eta, 301))
            theory = _solve(scenario.replace(learning_rate=eta), start, times[-1], times)
            ax.plot(eta * theory.alpha, theory.eps_g, color=color, label=rf"$\eta={eta:g}$")
            mark(ax, runs, "eps_g", unit=eta, color=color, marker=MARKERS[order])
            numbers |= {f"{name}({eta:g})": float(theory.eps_g[-1]), f"z_{name}({eta:g})": largest_z(runs, theory)}
        lowest = {"perceptron": 3e-6, "committee": 1e-5}[name]
        ax.set(xlabel=r"$\eta\alpha$", ylabel=r"$\epsilon_g$", yscale="log", ylim=(lowest, 1.0), xlim=(0.0, span))
        ax.legend(ncols=3, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)
    rates = {name: ", ".join(f"{eta:g}" for eta in values) for name, values in RATES.items()}
    return Figure(
        picture,
        numbers,
        "The eta^2 term, off (broken line) and on (lines), against eta alpha. Above: ReLU perceptron, R(0) = 0, "
        f"Q(0) = 0.25, eta = {rates['perceptron']}, with the exact process at N = 1000 (markers: mean over 20 runs, "
        f"with standard errors). Below: ReLU soft committee machine, K = M = 2, R(0) = 0.1 I, Q(0) = 0.2 I, eta = "
        f"{rates['committee']}, N = 10^4. Without the term eta only sets the unit of time; with it, a larger eta needs "
        f"fewer examples, raises the plateau and slows learning per eta alpha. {OURS}",
    )


def stationary_error(eta: float, delta: float) -> float:
    """eps_g of the ReLU perceptron that follows a teacher on a random walk for ever.

    Both rates of the flow at R = Q = 1, eta / 2 and eta (2 - eta) / 2, are at least 0.1 for the eta of the figure:
    after alpha = 300 nothing is left of the start but e^(-30).
    """
    scenario = PERCEPTRON.replace(learning_rate=eta, teacher_drift=ld.RandomWalk(delta))
    return float(_solve(scenario, ld.Start(Q=1.0, R=0.9), 300.0, [300.0]).eps_g[-1])


@figure(
    "2018-random-walk",
    "tracking a teacher on a random walk: eps_g against time and eta (outlook)",
    simulated=True,
)
def random_walk(simulation: Loader) -> Figure:
    """The student follows at a distance that has an optimal learning rate."""
    from scipy.optimize import minimize_scalar

    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 4.6))
    rates, numbers = np.linspace(0.2, 1.8, 33), {}
    for order, delta in enumerate(DRIFTS):
        color = ld.plot.PALETTE[order]
        runs = simulation(drift_data(delta))
        times = union_of_times(runs.alpha, np.linspace(0.0, 30.0, 121))
        theory = _solve(wandering(delta), PERCEPTRON_START, times[-1], times)
        above.plot(theory.alpha, theory.eps_g, color=color, label=rf"$\delta={delta:g}$")
        mark(above, runs, "eps_g", color=color, marker=MARKERS[order])
        numbers[f"z({delta:g})"] = largest_z(runs, theory)
        numbers[f"z_late({delta:g})"] = largest_z(runs.isel(alpha=[0, -1]), theory)
        below.plot(rates, [stationary_error(eta, delta) for eta in rates], color=color)
        below.plot(rates, delta / (rates * (2.0 - rates)), color=color, linestyle=":", linewidth=0.9)
        best: Any = minimize_scalar(
            stationary_error, bounds=(0.6, 1.4), args=(delta,), method="bounded", options={"xatol": 1e-4}
        )
        below.plot(best.x, best.fun, "o", color=color)
        numbers |= {f"eta_opt({delta:g})": float(best.x), f"eps_g({delta:g})": float(best.fun)}
        numbers[f"eps_g({delta:g}, 0.3)"] = stationary_error(0.3, delta)
    below.plot([], [], "k:", linewidth=0.9, label=r"$\delta/\eta(2-\eta)$")
    above.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", yscale="log", ylim=(4e-4, 0.5), xlim=(0.0, 30.0))
    below.set(xlabel=r"$\eta$", ylabel=r"stationary $\epsilon_g$", yscale="log", ylim=(4e-4, 0.5), xlim=(0.2, 1.8))
    above.legend(ncols=3, loc="upper center")
    below.legend(loc="upper center")
    best_rates = ", ".join(f"{numbers[f'eta_opt({delta:g})']:.3f}" for delta in DRIFTS)
    return Figure(
        picture,
        numbers,
        "ReLU perceptron that learns from a teacher on a random walk, B(mu) . B(mu + 1) = 1 - delta / N. Above: "
        "learning curves at eta = 1 from R(0) = 0, Q(0) = 0.25, theory (lines) and the exact process at N = 1000 "
        "(markers: mean over 20 runs, with standard errors). Below: the error that stays, against eta (dotted: the "
        "leading order for small delta, delta / eta (2 - eta); dots: the best eta, "
        f"{best_rates} for delta = {', '.join(f'{delta:g}' for delta in DRIFTS)}). A small eta follows too slowly, a "
        f"large one makes noise. {OURS}",
    )


@figure(
    "2018-task-switch", "a committee learns one task, then another: transfer and forgetting (outlook)", simulated=True
)
def task_switch(simulation: Loader) -> Figure:
    """eps_g on the task at hand, and on the first task, which is forgotten."""
    picture, axes = panels(2, sharex=True)
    numbers: dict[str, float] = {}
    for order, cosine in enumerate(COSINES):
        scenario, observables = switching(cosine)
        runs, color = simulation(switch_data(cosine)), ld.plot.PALETTE[order]
        times = union_of_times(runs.alpha, np.linspace(0.0, 200.0, 201), SWITCH_AT + np.geomspace(0.05, 5.0, 40))
        theory = _solve(scenario, COMMITTEE_START, times[-1], times, observables=observables)
        for ax, name in zip(axes, ("eps_g", "eps_first"), strict=True):
            after = theory if order == 0 else theory.sel(alpha=slice(SWITCH_AT, None))
            seen = runs if order == 0 else runs.sel(alpha=slice(SWITCH_AT, None))
            ax.plot(after.alpha, after[name], color=color, label=rf"$\gamma={cosine:g}$")
            mark(ax, seen, name, color=color, marker=MARKERS[order])
            numbers[f"z_{name}({cosine:g})"] = largest_z(runs, theory, name)
            numbers[f"{name}({cosine:g})"] = float(theory[name][-1])
        numbers[f"jump({cosine:g})"] = float(theory.eps_g.sel(alpha=SWITCH_AT))
    for ax, label in zip(axes, (r"$\epsilon_g$, task at hand", r"$\epsilon_g$, first task"), strict=True):
        ax.axvline(SWITCH_AT, color="0.5", linewidth=0.6, linestyle=":")
        ax.set(ylabel=label, yscale="log", ylim=(1e-6, 2.0), xlim=(0.0, 200.0))
    axes[1].set_xlabel(r"$\alpha$")
    axes[0].legend(loc="lower left")
    return Figure(
        picture,
        numbers,
        f"ReLU soft committee machine, K = M = 2, eta = 0.3, R(0) = 0.1 I, Q(0) = 0.2 I; at alpha = {SWITCH_AT:g} the "
        "teacher is replaced by one whose vectors have the cosine gamma with the old ones. Above: eps_g on the task at "
        "hand; below: on the first task. Theory (lines) and the exact process at N = 10^4 (markers: mean over 20 runs, "
        "with standard errors). Where the tasks are related, units keep their specialisation and the new task is "
        "learned without a plateau; the first one is forgotten to the error of the new teacher on it. "
        f"{OURS}",
    )
