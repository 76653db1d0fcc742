"""Schmid & Murray (2024), figure 6: tasks learned one after another, and how the first one is forgotten.

Means +-mu_k and isotropic noise move the weights along mu_k and shrink them as a whole, dw/dt = a mu_k + b w: their
direction goes along a great circle towards mu_k, and ends where the alignment is c. In theory the rule, the noise and
the weight decay have no part in that; with orthogonal mu_k it gives c (1 - c^2)^(k/2) for task 0 after k others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import MARKERS, panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.schmid2024_settings import COLORS, LEVEL, NAMES
from learndyn.figures.simulations_tasks import (
    CASES,
    NAME,
    RUNS,
    SHOWN,
    SINGLE,
    TASKS,
    directions,
    first_weights,
    label,
    sequence,
)

Loader = Callable[[str], xr.Dataset]
QUIET = 0.05
OURS = "|mu_k| = 1 in random directions, w(0) ~ N(0, I / N), the noise and the length of each task are our choice."


@cache
def theory(run: int, sigma: float) -> xr.Dataset:
    """The flow of an initialisation, supervised; that of the shifted error function, which does not know of eta."""
    return ld.solve(sequence(run, "SL", sigma, 0.01, "shifted_erf"), first_weights(run), save_at=25)


def on_great_circles(run: int) -> np.ndarray:
    """Alignment with mu_0 after each task of an initialisation, in theory, (tasks,)."""
    means, w, found = directions(run), first_weights(run).mean.values, []
    for mu in means:
        across = w - (w @ mu) * mu
        w = LEVEL * mu + np.sqrt(1.0 - LEVEL**2) * across / np.linalg.norm(across)
        found.append(float(w @ means[0]))
    return np.array(found)


@figure("schmid2024/6a", "a second task is learned and the first one forgotten", simulated=True)
def learning_curves(simulation: Loader) -> Figure:
    """Single runs on their own clocks, and the theory."""
    picture, ax = panels(size=(ld.plot.COLUMN, 2.6))
    runs = simulation(NAME)
    curve = theory(0, QUIET).isel(task=slice(SHOWN))
    until = float(curve.end[-1])
    curve = curve.isel(t=curve.t.values <= until)
    for task, color in enumerate((ld.plot.PALETTE[2], ld.plot.PALETTE[3])):
        ax.plot(curve.t, curve.alignment.sel(measured_task=task), color=color, zorder=3, label=rf"with $\mu_{task}$")
        for run in range(SINGLE):
            one = runs.isel(single=run)
            ax.plot(one.t, one.alignment.sel(shown_task=task), color=color, linewidth=0.5, alpha=0.5)
    ax.axhline(LEVEL, color="0.5", linewidth=0.6, linestyle=":")
    ax.axvline(float(curve.end[0]), color="0.5", linewidth=0.6, linestyle=":")
    ax.set(xlabel=r"$t=\eta\,\times$ updates", ylabel="alignment", xlim=(0.0, 1.08 * until), ylim=(-0.1, 0.9))
    ax.legend(loc="center left", bbox_to_anchor=(0.02, 0.62))
    ends = runs.end.sel(case=label("SL", QUIET, 0.01)).isel(task=slice(SHOWN)).values
    return Figure(
        picture,
        {
            "theory_end_0": float(curve.end[0]),
            "theory_end_1": until,
            "runs_end_0": float(ends[:, 0].mean()),
            "runs_end_1": float(ends[:, 1].mean()),
            "updates_of_task_1": float((ends[:, 1] - ends[:, 0]).mean() / 0.01),
        },
        f"Alignment of w with mu_0 and mu_1: task 0 is trained to {LEVEL:g}, then task 1. Supervised learning, "
        f"N = 500, lambda = 10, eta = 0.01, sigma = {QUIET:g}. Thick: theory; thin: {SINGLE} single runs, logistic "
        f"output. At lambda eta = 0.1 the second task takes a handful of updates. {OURS}",
    )


@figure("schmid2024/6b", "forgetting: what is left of task 0 after tasks 1 to 9", simulated=True)
def forgetting(simulation: Loader) -> Figure:
    """Simulations, their exponentials, and the theory."""
    picture, ax = panels(size=(ld.plot.COLUMN, 3.0))
    runs, numbers = simulation(NAME).astype(float), {}
    k, fine = np.arange(TASKS), np.linspace(0, TASKS - 1, 200)
    for order, (rule, sigma, eta) in enumerate(CASES):
        name = label(rule, sigma, eta)
        curve = ld.forgetting_curve(runs.sel(case=name))
        color, small = COLORS[rule], eta < 0.01
        looks: dict[str, Any] = {"color": "0.4" if small else color, "marker": MARKERS[order % len(MARKERS)]}
        text = rf"{rule}, $\sigma={sigma:g}$" + (rf", $\eta={eta:g}$" if small else "")
        # One beside the other, so that both rules are seen.
        beside = k + 0.12 * (order - 2)
        ax.errorbar(
            beside, curve.value, yerr=curve.error, linestyle="none", markerfacecolor="white", markersize=4,
            elinewidth=0.8, capsize=1.5, label=text, zorder=3, **looks,
        )  # fmt: skip
        fit = float(curve.amplitude) * np.exp(-float(curve.decay) * fine)
        ax.plot(fine, fit, color=looks["color"], linewidth=0.7, linestyle="--")
        numbers |= {f"decay({name})": float(curve.decay), f"error({name})": float(curve.decay_error)}
        own = runs.sel(case=name).alignment_at_end.values[:, k, k]
        numbers[f"level({name})"] = float(own[:, 1:].mean())
    same = np.mean([on_great_circles(run) for run in range(RUNS)], axis=0)
    ax.plot(fine, LEVEL * (1.0 - LEVEL**2) ** (fine / 2.0), color="black", linewidth=1.2, label="theory, orthogonal")
    ax.plot(k, same, color="black", linewidth=1.0, linestyle=":", label="theory, the same tasks")
    for sigma in (QUIET, 0.1):
        pair = [numbers[f"decay({label(rule, sigma, 0.01)})"] for rule in NAMES]
        errors = [numbers[f"error({label(rule, sigma, 0.01)})"] for rule in NAMES]
        numbers[f"z_of_rules({sigma:g})"] = abs(pair[0] - pair[1]) / float(np.hypot(*errors))
    flows = [theory(0, sigma).alignment_at_end.sel(measured_task=0) for sigma in (QUIET, 0.1)]
    numbers["theory_off"] = float(max(np.abs(flow - on_great_circles(0)).max() for flow in flows))
    ax.axhline(0.0, color="0.5", linewidth=0.6)
    ax.set(xlabel="later tasks", ylabel=r"alignment with $\mu_0$", xticks=k, ylim=(-0.06, 0.88), xlim=(-0.5, 9.5))
    ax.legend(loc="upper right", fontsize=7)
    return Figure(picture, numbers, _told(numbers))


def _told(numbers: dict[str, float]) -> str:
    """The caption."""
    rates = "; ".join(
        f"{rule}, sigma = {sigma:g}, eta = {eta:g}: {numbers[f'decay({label(rule, sigma, eta)})']:.3f} +- "
        f"{numbers[f'error({label(rule, sigma, eta)})']:.3f}"
        for rule, sigma, eta in CASES
    )
    exact = -0.5 * np.log(1.0 - LEVEL**2)
    return (
        f"Alignment with mu_0 after later tasks, each trained to {LEVEL:g}: N = 500, lambda = 10, 50 initialisations "
        "(means, with standard errors), logistic output, eta = 0.01 where nothing else is said. Broken: exponentials; "
        f"decay per task: {rates}. Dotted: theory for the means of the runs. That the rule does not matter holds, and "
        f"exactly so in theory: {exact:.3f} for orthogonal tasks, by any rule. That noise forgets faster holds at a "
        "finite learning rate alone: noise is part of what is not aligned with the task at hand, and leaves less room "
        "for older tasks; in theory, the limit of small eta, the noise does not matter either. At eta = 0.01 w "
        "fluctuates so much that beyond sigma = 0.146 the alignment of single runs tends to less than "
        f"{LEVEL:g}. {OURS}"
    )
