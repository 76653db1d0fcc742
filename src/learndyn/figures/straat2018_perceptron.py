"""Straat (2018), slides 19 to 25: on-line learning of the ReLU perceptron."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import at, draw_eps_g, end, panels
from learndyn.figures.registry import Figure, figure

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
START = ld.Start(Q=0.25, R=0.0)
ETA_C = 2.0


def _solve(rate: float, until: float, points: Any) -> xr.Dataset:
    scenario = PERCEPTRON.replace(learning_rate=rate)
    return ld.solve(scenario, START, until, save_at=points, rtol=1e-12, atol=1e-14)


def _z(runs: xr.Dataset, theory: xr.Dataset, name: str) -> float:
    """The largest distance of mean and theory, in standard errors, over the saved times after the start."""
    averaged = ld.mean_and_error(runs[[name]]).isel(alpha=slice(1, None))
    expected = theory[name].interp(alpha=averaged.alpha, method="linear")
    return float(np.abs((averaged[name] - expected) / averaged[f"{name}_error"]).max())


@figure(
    "2018-relu-perceptron-order-parameters",
    "R and Q of the ReLU perceptron, eta = 0.1, with simulations at N = 1000 (slide 19)",
    simulated=True,
)
def order_parameters(simulation: Callable[[str], xr.Dataset]) -> Figure:
    """Theory and gradient descent on weight vectors."""
    runs = simulation("perceptron-n1000")
    theory = _solve(0.1, 100, 401)
    picture, ax = panels()
    ld.plot.order_parameters(theory, runs, ax=ax)
    numbers = end(theory) | {f"max_z_{name}": _z(runs, theory, name) for name in ("R", "Q")}
    return Figure(
        picture,
        numbers,
        "ReLU perceptron, eta = 0.1, R(0) = 0, Q(0) = 0.25: theory (lines) and gradient descent on weight vectors with "
        "N = 1000 (markers: mean over 10 runs, with standard errors; the slide shows one run). The slide's caption "
        'says both "eta = 0.25" and "eta = 0.1": Q(0) = 0.25, eta = 0.1 is meant. Its range of alpha is not known.',
    )


@figure(
    "2018-relu-perceptron-generalisation-error",
    "eps_g of the ReLU perceptron, eta = 0.1, with simulations at N = 1000 (slide 20)",
    simulated=True,
)
def generalisation_error(simulation: Callable[[str], xr.Dataset]) -> Figure:
    """The learning curve of the same runs."""
    runs = simulation("perceptron-n1000")
    theory = _solve(0.1, 100, 401)
    picture, _ = draw_eps_g(theory, runs, scale="linear")
    numbers = at(theory, 0, 20, 50, 100) | {"max_z": _z(runs, theory, "eps_g")}
    return Figure(
        picture,
        numbers,
        "ReLU perceptron, eta = 0.1, R(0) = 0, Q(0) = 0.25: generalisation error in theory (line) and of gradient "
        "descent with N = 1000 (markers: mean over 10 runs, with standard errors).",
    )


@figure("2018-relu-perceptron-eigenvalues", "stability of the perfect solution against eta (slide 22)")
def eigenvalues() -> Figure:
    """lambda_1 = -eta / 2, lambda_2 = eta (eta - 2) / 2."""
    eta = np.linspace(0.0, 2.5, 251)
    picture, ax = panels()
    ax.axhline(0.0, color="0.6", linewidth=0.6)
    ax.axvline(ETA_C, color="0.6", linewidth=0.6, linestyle=":")
    ax.plot(eta, -eta / 2, label=r"$\lambda_1=-\eta/2$")
    ax.plot(eta, eta * (eta - 2) / 2, label=r"$\lambda_2=\eta(\eta-2)/2$")
    numbers = {"eta_c": float(ld.critical_learning_rate(PERCEPTRON).learning_rate)}
    for number, rate in enumerate(np.arange(0.25, 2.5, 0.25)):
        found = ld.stability(PERCEPTRON.replace(learning_rate=rate), ld.Start(Q=1.0, R=1.0)).eigenvalues.values
        # Which is which: the eigenvalue nearer to -eta / 2 is the first.
        first = int(np.argmin(np.abs(found + rate / 2)))
        for order, value in ((0, found[first]), (1, found[1 - first])):
            ax.plot(rate, value, ("o", "s")[order], color=ld.plot.PALETTE[order], markerfacecolor="white")
            numbers[f"lambda_{order + 1}({rate:g})"] = float(value)
        if number == 0:
            ax.plot([], [], "o", color="black", markerfacecolor="white", label="ld.stability")
    ax.annotate(r"$\eta_c=2$", (ETA_C, -0.6), xytext=(3, 0), textcoords="offset points")
    ax.set(xlabel=r"$\eta$", ylabel=r"$\lambda$", xlim=(0, 2.5))
    ax.legend(loc="upper left")
    return Figure(
        picture,
        numbers,
        "ReLU perceptron: eigenvalues of the flow at the perfect solution R = Q = 1 against eta; lines: the slide's "
        "formulas, markers: automatic derivatives of the drift. The solution loses its stability at eta_c = 2.",
    )


STATIONARY = (
    "At eta = 2.1, above eta_c = 2, the perfect solution is unstable, but learning does not diverge: it settles at a "
    "second, stable fixed point"
)


@figure("2018-relu-perceptron-eta2.1-order-parameters", "R and Q of the ReLU perceptron, eta = 2.1 (slide 23)")
def unstable_order_parameters() -> Figure:
    """Above eta_c learning ends in an imperfect stationary state."""
    theory = _solve(2.1, 500, [*np.linspace(0, 100, 401), 200, 500])
    picture, ax = panels()
    ld.plot.order_parameters(theory.sel(alpha=slice(0, 100)), ax=ax)
    numbers = end(theory)
    return Figure(
        picture,
        numbers,
        f"ReLU perceptron, R(0) = 0, Q(0) = 0.25. {STATIONARY}, R = {numbers['R_11']:.6f}, Q = {numbers['Q_11']:.6f} "
        "(at alpha = 500).",
    )


@figure("2018-relu-perceptron-eta2.1-generalisation-error", "eps_g of the ReLU perceptron, eta = 2.1 (slide 24)")
def unstable_generalisation_error() -> Figure:
    """The error above eta_c ends above zero."""
    theory = _solve(2.1, 500, [*np.linspace(0, 100, 401), 200, 500])
    picture, _ = draw_eps_g(theory.sel(alpha=slice(0, 100)), scale="linear")
    numbers = at(theory, 1, 10, 50, 100, 500)
    return Figure(
        picture,
        numbers,
        f"ReLU perceptron, R(0) = 0, Q(0) = 0.25. {STATIONARY} with eps_g = {numbers['eps_g(500)']:.6f}.",
    )


THRESHOLDS = (1e-2, 1e-4, 1e-6)


def time_to_reach(rate: float, threshold: float) -> float:
    """The time at which eps_g falls to the threshold, by linear interpolation of log eps_g within steps of 0.0025."""
    coarse = _solve(rate, 60, 241)
    below = int(np.argmax(coarse.eps_g.values < threshold))
    before, after = (float(x) for x in coarse.alpha.values[[below - 1, below]])
    fine = _solve(rate, after, np.linspace(before, after, 101))
    # Increasing, as np.interp wants it: from late to early.
    return float(np.interp(np.log(threshold), np.log(fine.eps_g.values[::-1]), fine.alpha.values[::-1]))


@figure("2018-relu-perceptron-learning-rates", "which learning rate is best for the ReLU perceptron (slide 25)")
def learning_rates() -> Figure:
    """Learning curves for several eta, and the time to reach an error against eta."""
    from scipy.optimize import minimize_scalar

    picture, (above, below) = panels(2)
    curves = [_solve(rate, 40, 401) for rate in (0.3, 0.83, 1.0, 1.5)]
    labels = [rf"$\eta={rate:g}$" for rate in (0.3, 0.83, 1.0, 1.5)]
    ld.plot.learning_curve(*curves, ax=above, scale="log", labels=labels)
    above.set_ylim(1e-8, 0.5)
    rates = np.linspace(0.5, 1.6, 23)
    numbers: dict[str, float] = {}
    for order, threshold in enumerate(THRESHOLDS):
        times = [time_to_reach(rate, threshold) for rate in rates]
        label = rf"$\epsilon_g=10^{{{round(np.log10(threshold))}}}$"
        below.plot(rates, times, color=ld.plot.PALETTE[order], label=label)
        best: Any = minimize_scalar(
            time_to_reach, bounds=(0.9, 1.4), args=(threshold,), method="bounded", options={"xatol": 1e-5}
        )
        below.plot(best.x, best.fun, "o", color=ld.plot.PALETTE[order])
        numbers[f"eta_opt({threshold:g})"] = float(best.x)
        numbers[f"time({threshold:g})"] = float(best.fun)
    below.axvline(0.83, color="0.5", linewidth=0.8, linestyle=":")
    below.annotate("0.83", (0.83, 2), xytext=(3, 0), textcoords="offset points")
    below.set(xlabel=r"$\eta$", ylabel=r"$\alpha$ to reach $\epsilon_g$", xlim=(0.5, 1.6), ylim=(0, None))
    below.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)
    return Figure(
        picture,
        numbers,
        "ReLU perceptron, R(0) = 0, Q(0) = 0.25: learning curves, and the time to reach three errors against eta "
        "(dots: the best eta, "
        + ", ".join(f"{numbers[f'eta_opt({threshold:g})']:.4f}" for threshold in THRESHOLDS)
        + "; it tends to 1 for small errors). The slide's eta_opt = 0.83 (dotted) does not follow from its equations: "
        "each criterion that was tried gives at least 1. At finite N the best rate is N/(N+2) near the solution, "
        "0.83 for N = 10, which may explain it.",
    )
