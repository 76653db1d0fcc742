"""Straat & Biehl (2019), future work: "Complex students (large K) learning a simple rule (small M). Regularization
techniques." The slides show nothing of it: settings, starts and sizes are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import MARKERS, panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations_extensions import (
    NOISE_LEVELS,
    PENALTIES,
    REGULARISERS,
    complex_student,
    penalised,
)

Loader = Callable[[str], xr.Dataset]
OURS = "The slides name this for future work and show nothing of it; all settings are ours."

# The cases of the large students: without noise, and with noise held back by nothing, by decay, by dropout.
NAMES = {
    "noiseless": "no noise",
    "none": "noise",
    "decay": r"noise, decay $\lambda=0.01$",
    "dropout": "noise, dropout $p=0.5$",
}


def _complex_students(simulation: Loader, K: int, M: int) -> tuple[Any, dict[str, float]]:
    """Learning curves without noise, and with noise under each way of holding the student back."""
    picture, ax = panels(size=(ld.plot.COLUMN, 3.0))
    numbers: dict[str, float] = {}
    cases: dict[str, dict[str, float]] = {"noiseless": {}, **REGULARISERS}
    for order, (name, options) in enumerate(cases.items()):
        scenario, start = complex_student(K, M, **options)
        theory = ld.solve(scenario, start, 5000, save_at=[0, *np.geomspace(0.3, 5000, 160)], rtol=1e-6, atol=1e-9)
        later, color = theory.isel(alpha=slice(1, None)), ld.plot.PALETTE[order]
        ax.plot(later.alpha, later.eps_g, color=color, label=NAMES[name])
        if K == 5 and name in REGULARISERS:
            runs = simulation(f"erf-k5-m1-{name}").isel(alpha=slice(1, None))
            ax.plot(runs.alpha, runs.eps_g.transpose("alpha", "replica"), color=color, linewidth=0.4, zorder=1.5)
            numbers |= _early(name, runs, theory)
        numbers |= {f"{name}({t:g})": float(np.interp(t, theory.alpha, theory.eps_g)) for t in (300, 5000)}
        last = theory.isel(alpha=-1)
        numbers |= {f"spread_{name}": float(last.R.std("student").max()), f"Q_{name}": float(last.length.max() ** 2)}
    ax.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", xscale="log", yscale="log")
    ax.set(xlim=(0.3, 5000), ylim=(1e-4 * M, 1.5))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderaxespad=0.2)
    return picture, numbers


STUDENTS = (
    "eta = 0.2, from random weights (those of N = 1000, Q_ii near 0.2): theory without label noise, and with noise of "
    "standard deviation 1, alone, with weight decay, and with dropout"
)


@figure("2019-complex-students-k5-m1", "five erf units that learn one: noise, weight decay, dropout", simulated=True)
def complex_students_k5(simulation: Loader) -> Figure:
    """Without noise the rule is found; under strong noise dropout helps for long, and hinders specialisation."""
    picture, numbers = _complex_students(simulation, 5, 1)
    return Figure(
        picture,
        numbers,
        f"erf student with K = 5 units that learns M = 1 unit, {STUDENTS}; and six runs of the exact process with "
        "N = 1000 for each of these three (thin). Without noise the student leaves the plateau and finds the rule. "
        "Under this noise eps_g is lowest with dropout for long, while all units stay alike; without dropout one unit "
        "specialises at last, and the surplus units grow so long that they are steps, which cancel in pairs. "
        f"{OURS}",
    )


@figure("2019-complex-students-k10-m2", "ten erf units that learn two: noise, weight decay, dropout")
def complex_students_k10() -> Figure:
    """The same with a larger student; theory alone."""
    picture, numbers = _complex_students(lambda name: xr.Dataset(), 10, 2)
    return Figure(
        picture,
        numbers,
        f"erf student with K = 10 units that learns M = 2 units, {STUDENTS}. Without noise the student leaves the "
        "plateau and finds the rule; under this noise only the student that nothing holds back does, late. "
        f"{OURS}",
    )


def _early(name: str, runs: xr.Dataset, theory: xr.Dataset) -> dict[str, float]:
    """Mean of the runs and theory at the time nearest to 30, before runs differ, with the standard error."""
    row = runs.eps_g.sel(alpha=30.0, method="nearest")
    expected = float(np.interp(float(row.alpha), theory.alpha, theory.eps_g))
    error = float(row.std(ddof=1)) / np.sqrt(row.sizes["replica"])
    return {f"z_{name}": abs(float(row.mean()) - expected) / error}


SURPLUS = (1, 2, 3, 5, 8)
SMALL_RATES = (0.2, 0.05, 0.0125)


def noise_floor(K: int, eta: float) -> float:
    """eps_g of K erf units that learn one at eta alpha = 150, from a specialised start, label noise 0.3."""
    scenario = ld.StudentTeacher(ld.Student(K, "erf"), ld.Teacher(1, "erf"), learning_rate=eta, label_noise=0.3)
    R = np.zeros((K, 1))
    R[0] = 0.99
    start = ld.Start(Q=np.diag([1.0] + [0.02] * (K - 1)), R=R)
    return float(ld.solve(scenario, start, 150 / eta, save_at=[150 / eta], rtol=1e-8, atol=1e-12).eps_g[-1])


@figure("2019-complex-students-noise", "what label noise leaves behind, against the size K of the student, M = 1")
def complex_students_noise() -> Figure:
    """Every unit too many fits noise."""
    picture, ax = panels(size=(ld.plot.COLUMN, 2.6))
    numbers: dict[str, float] = {}
    K = np.array(SURPLUS)
    law = (K - 1 + 1 / np.sqrt(3.0)) / (2 * np.pi)
    for order, eta in enumerate(SMALL_RATES):
        floors = np.array([noise_floor(k, eta) for k in SURPLUS]) / (eta * 0.09)
        look: dict[str, Any] = {"color": ld.plot.PALETTE[order], "marker": MARKERS[order], "markerfacecolor": "white"}
        ax.plot(K, floors, linestyle="none", label=rf"$\eta={eta:g}$", **look)
        numbers |= {f"floor({k},{eta:g})": float(x) for k, x in zip(SURPLUS, floors, strict=True)}
    ax.plot(K, law, color="black", linewidth=0.9, zorder=1, label=r"$(K-M+M/\sqrt{3})/2\pi$")
    numbers |= {f"law({k})": float(x) for k, x in zip(SURPLUS, law, strict=True)}
    ax.set(xlabel="$K$", ylabel=r"$\epsilon_g/\eta s^2$", xlim=(0.5, 8.5), ylim=(0, None), xticks=K)
    ax.legend(loc="upper left")
    return Figure(
        picture,
        numbers,
        "erf students with K units that learn one unit under label noise, s = 0.3: eps_g at eta alpha = 150 from a "
        "specialised start, in units of eta s^2, for three learning rates (theory), and the law of Goldt et al. (2019) "
        "for small eta (line). Every unit too many adds noise, more than the units that are needed. At times ten and "
        "a hundred times as long, surplus units may grow in pairs that cancel, and eps_g falls again (not shown). "
        f"{OURS}",
    )


DECAYS = (0.0, 0.003, 0.01, 0.03)
KEEPS = (1.0, 0.99, 0.95, 0.8)
NOISES = tuple(np.geomspace(0.03, 2.0, 13).tolist())


def residual(noise: float, **options: float) -> float:
    """eps_g of the erf committee, K = M = 2, eta = 0.2, at alpha = 1000."""
    scenario, start = penalised(noise, **options)
    return float(ld.solve(scenario, start, 1000, save_at=[1000]).eps_g[-1])


@figure("2019-regularisation", "residual eps_g against label noise under weight decay and dropout", simulated=True)
def regularisation(simulation: Loader) -> Figure:
    """What holds the student back costs where there is little noise, and pays where there is much."""
    picture, axes = panels(2, size=(ld.plot.COLUMN, 4.6), sharex=True)
    numbers: dict[str, float] = {}
    parts = (("weight_decay", DECAYS, r"\lambda"), ("dropout_keep", KEEPS, "p"))
    for ax, (option, values, symbol) in zip(axes, parts, strict=True):
        for order, value in enumerate(values):
            options = {} if value in (0.0, 1.0) else {option: value}
            curve = [residual(noise, **options) for noise in NOISES]
            color, style = ld.plot.PALETTE[order], ("-", "--", "-.", ":")[order]
            scaled = np.divide(curve, np.square(NOISES))
            ax.plot(NOISES, scaled, color=color, label=f"${symbol}={value:g}$", linestyle=style)
            numbers |= {f"{option}({value:g}, {s:.3g})": x for s, x in zip(NOISES, curve, strict=True)}
            for name in (key for key, chosen in PENALTIES.items() if chosen == options):
                numbers |= _stationary_marks(ax, simulation, name, color, MARKERS[order])
        ax.set(ylabel=r"$\epsilon_g/s^2$", xscale="log", yscale="log", xlim=(0.03, 2), ylim=(0.02, 1.0))
        ax.legend(loc="upper right")
    axes[1].set_xlabel("label noise $s$")
    return Figure(
        picture,
        numbers,
        "erf committee, K = M = 2, eta = 0.2, from a specialised start: eps_g at alpha = 1000 over s^2, against the "
        "standard deviation s of the label noise, under weight decay lambda (above) and dropout, keep probability p "
        "(below). Theory (lines) and the exact process with N = 1000 (markers: mean over 20 runs and five times from "
        "600 to 1000). Without either, eps_g goes as s^2; decay and dropout leave an error of their own, and lower it "
        f"only where the noise is strong. {OURS}",
    )


def _stationary_marks(ax: Any, simulation: Loader, name: str, color: str, marker: str) -> dict[str, float]:
    """Stored runs at both noise levels: the mean over the times; the error is that of one time, larger than it is."""
    numbers = {}
    for noise in NOISE_LEVELS:
        runs = simulation(f"erf-noise{noise:g}-{name}").isel(alpha=slice(1, None))
        mean, error = float(runs.eps_g.mean()), float(runs.eps_g_error.mean())
        ax.plot(noise, mean / noise**2, marker=marker, color=color, markerfacecolor="white", linestyle="none", zorder=3)
        scenario, start = penalised(noise, **PENALTIES[name])
        expected = float(ld.solve(scenario, start, 1000, save_at=runs.alpha.values).eps_g.mean())
        numbers[f"z({noise:g}, {name})"] = float(abs(mean - expected) / error)
        numbers[f"bias({noise:g}, {name})"] = mean / expected - 1.0
    return numbers
