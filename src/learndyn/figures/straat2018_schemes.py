"""Straat (2018), last slide, "Future research": "Learning dynamics of additional schemes or adaptations, learning rate
adaptation." The slides show nothing of it: settings, starts and sizes are ours.
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
    NOISE,
    NOISY_RATES,
    PERCEPTRON_START,
    SIGN_RULES,
    SIGN_START,
    noisy,
    noisy_data,
    sign_data,
    sign_rule,
)
from learndyn.figures.straat2018_outlook import OURS

Loader = Callable[[str], xr.Dataset]

ERF = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0)
ERF_START = ld.Start(Q=np.diag([0.2, 0.3]), R=1e-3 * np.eye(2))
LEFT = 5e-3  # eps_g, well below all plateaus of the figure (0.012 and more)


def descent(eta: float) -> ld.StudentTeacher:
    """Gradient descent."""
    return ERF.replace(learning_rate=eta)


def momentum(eta: float) -> ld.StudentTeacher:
    """Momentum with damping 0.2 and the rate eta in the long run."""
    return ERF.replace(learning_rate=0.2 * eta, rule=ld.Momentum(damping=0.2))


def natural(eta: float) -> ld.StudentTeacher:
    """Natural gradient descent."""
    return ERF.replace(learning_rate=eta, rule="natural_gradient")


def falling(eta: float) -> ld.StudentTeacher:
    """A rate that falls as 1 / alpha from the start on."""
    return ERF.replace(learning_rate=ld.schedules.PowerLaw(eta, alpha0=50.0))


# Name, how it is made, the best rate of a rough search (drawn above), the rates that are drawn below.
SCHEMES: tuple[tuple[str, Callable[[float], ld.StudentTeacher], float, Any], ...] = (
    ("gradient", descent, 1.5, np.linspace(0.4, 2.2, 10)),
    ("momentum", momentum, 1.0, np.linspace(0.4, 1.6, 7)),
    (r"$\eta\propto1/(1+\alpha/50)$", falling, 2.0, np.linspace(1.2, 2.6, 8)),
    ("natural gradient", natural, 0.15, np.array([0.06, 0.1, 0.15, 0.2, 0.3])),
)


def time_to_leave(scenario: ld.StudentTeacher, until: float = 600.0) -> float:
    """When eps_g falls below 0.005, interpolated in log eps_g between times 0.25 apart; infinite if it does not."""
    theory = ld.solve(scenario, ERF_START, until, save_at=int(4 * until) + 1, rtol=1e-7, atol=1e-10)
    below = theory.eps_g.values < LEFT
    row = int(np.argmax(below))
    if not below[row]:
        return float("inf")
    logs, times = np.log(theory.eps_g.values[row - 1 : row + 1]), theory.alpha.values[row - 1 : row + 1]
    return float(np.interp(np.log(LEFT), logs[::-1], times[::-1]))


@figure("2018-schemes", "gradient, momentum, natural gradient, a falling rate: leaving a plateau (outlook)")
def schemes() -> Figure:
    """How long the plateau holds a committee of erf units, by scheme and rate."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 4.8))
    numbers: dict[str, float] = {}
    for order, (name, make, best, rates) in enumerate(SCHEMES):
        color, key = ld.plot.PALETTE[order], make.__name__
        until = 90.0 if make is natural else 600.0
        theory = ld.solve(make(best), ERF_START, min(until, 250.0), save_at=251, rtol=1e-9, atol=1e-12)
        above.plot(theory.alpha, theory.eps_g, color=color, label=name)
        times = [time_to_leave(make(eta), until) for eta in rates]
        below.plot(rates, times, color=color, marker=MARKERS[order], markersize=2.5)
        numbers |= {f"{key}({eta:.2f})": time for eta, time in zip(rates, times, strict=True) if np.isfinite(time)}
        numbers[f"fastest_{key}"] = min(times)
    above.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", yscale="log", ylim=(1e-5, 1.0), xlim=(0.0, 250.0))
    above.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, borderaxespad=0.2)
    below.set(
        xlabel=r"$\eta$", ylabel=r"$\alpha$ at which $\epsilon_g=0.005$", yscale="log", xlim=(0.0, 2.7), ylim=(50, 500)
    )
    below.set_yticks((50, 100, 200, 500), labels=("50", "100", "200", "500"))
    below.minorticks_off()
    return Figure(
        picture,
        numbers,
        "erf soft committee machine, K = M = 2, R(0) = 1e-3 I, Q(0) = diag(0.2, 0.3), theory. Above: learning curves "
        "of gradient descent, of momentum with damping 0.2 (eta is the rate in the long run), of a rate that falls as "
        "eta / (1 + alpha / 50) from the start, and of natural gradient descent, with eta = "
        f"{', '.join(f'{best:g}' for _, _, best, _ in SCHEMES)}. "
        "Below: when eps_g falls below 0.005, against eta. Natural gradient descent, with the Fisher information of "
        "Gaussian inputs, leaves the plateau first; momentum and a falling rate do not shorten it. "
        f"{OURS}",
    )


ASYMPTOTES = {
    "hebb": (1.0 / np.sqrt(2.0 * np.pi), 1 / 2, r"\alpha^{-1/2}"),
    "perceptron": ((2.0 / 3.0) ** (1 / 3) / np.pi, 1 / 3, r"\alpha^{-1/3}"),
    "adatron": (1.5, 1.0, r"\alpha^{-1}"),
}


@figure("2018-sign-rules", "Hebb, perceptron and AdaTron rule for a sign perceptron (outlook)", simulated=True)
def sign_rules(simulation: Loader) -> Figure:
    """The probability to err falls as a power of alpha, another for each rule."""
    picture, ax = panels(size=(ld.plot.COLUMN, 2.9))
    numbers: dict[str, float] = {}
    for order, rule in enumerate(SIGN_RULES):
        runs, color = simulation(sign_data(rule)), ld.plot.PALETTE[order]
        times = union_of_times(runs.alpha, np.geomspace(0.1, 1e3, 121))
        theory = ld.solve(sign_rule(rule), SIGN_START, 1e3, save_at=times, rtol=1e-12, atol=1e-14)
        later = theory.sel(alpha=slice(0.1, None))
        name = {"hebb": "Hebb", "perceptron": "perceptron", "adatron": "AdaTron"}[rule]
        ax.plot(later.alpha, later.eps_g / 2, color=color, label=name)
        mark(ax, runs.sel(alpha=slice(0.1, None)), "eps_g", _halves, color=color, marker=MARKERS[order])
        prefactor, power, text = ASYMPTOTES[rule]
        late = np.array([10.0, 1e3])
        ax.plot(late, prefactor * late**-power, "k:", linewidth=0.9, zorder=1)
        place = (-6, -18) if rule == "hebb" else (0, 6)
        ax.annotate(f"${text}$", (3e2, prefactor * 3e2**-power), xytext=place, textcoords="offset points", color=color)
        error = float(theory.eps_g[-1]) / 2
        numbers |= {f"{rule}(1000)": error, f"prefactor_{rule}": error * 1e3**power}
        numbers[f"z_{rule}"] = largest_z(runs, theory)
    ax.set(xlabel=r"$\alpha$", ylabel="probability to err", xscale="log", yscale="log", xlim=(0.1, 1e3))
    ax.set_ylim(8e-4, 0.9)
    ax.legend(loc="lower left")
    return Figure(
        picture,
        numbers,
        "One sign unit that learns from another by three rules, eta = 1, R(0) = 0, Q(0) = 1: the probability that the "
        "two disagree, eps_g / 2; theory (lines) and the exact process at N = 1000 (markers: mean over 20 runs, with "
        "standard errors). Dotted: the known asymptotes (2 pi alpha)^(-1/2), (2/3)^(1/3)/pi alpha^(-1/3) and "
        f"3/(2 alpha). {OURS}",
    )


def _halves(runs: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    return runs.eps_g / 2, runs.eps_g_error / 2


@figure("2018-learning-rate-adaptation", "a constant and a falling learning rate under label noise (outlook)",
        simulated=True)  # fmt: skip
def learning_rate_adaptation(simulation: Loader) -> Figure:
    """A constant rate stays at a distance; the rate 2 / alpha averages the noise out as fast as is possible."""
    picture, ax = panels(size=(ld.plot.COLUMN, 2.7))
    numbers: dict[str, float] = {}
    for order, (key, rate) in enumerate(NOISY_RATES.items()):
        runs, color = simulation(noisy_data(key)), ld.plot.PALETTE[order]
        times = union_of_times(runs.alpha, np.geomspace(0.1, 1e4, 151))
        theory = ld.solve(noisy(key), PERCEPTRON_START, 1e4, save_at=times, rtol=1e-11, atol=1e-14)
        later = theory.sel(alpha=slice(0.1, None))
        label = rf"$\eta={rate:g}$" if isinstance(rate, float) else r"$\eta=1/(1+\alpha/2)$"
        ax.plot(later.alpha, later.eps_g, color=color, label=label)
        mark(ax, runs.sel(alpha=slice(0.1, None)), "eps_g", color=color, marker=MARKERS[order])
        numbers |= {f"eps_g({key})": float(theory.eps_g[-1]), f"z({key})": largest_z(runs, theory)}
    late = np.array([2.0, 1e4])
    ax.plot(late, NOISE**2 / (2 * late), "k:", linewidth=0.9, label=r"$s^2/2\alpha$", zorder=1)
    ax.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", xscale="log", yscale="log", xlim=(0.1, 1e4), ylim=(2e-6, 0.5))
    ax.legend(loc="lower left")
    return Figure(
        picture,
        numbers,
        f"ReLU perceptron with label noise of standard deviation s = {NOISE:g}, R(0) = 0, Q(0) = 0.25: theory (lines) "
        "and the exact process at N = 1000 (markers: mean over 20 runs, with standard errors). A constant rate ends at "
        "eps_g = eta s^2 / 4 (2 - eta) to leading order in s^2; the rate 2 / alpha at late times reaches s^2 / (2 "
        "alpha) (dotted), the Cramer-Rao bound: the Fisher information of one example is 1/2 xi xi^T / s^2 on average. "
        f"{OURS}",
    )
