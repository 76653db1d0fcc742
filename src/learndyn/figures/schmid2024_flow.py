"""Schmid & Murray (2024), figure 2: flow fields, learning curves with simulations, and the length of the fixed point.

Means +-mu with |mu| = 1, Sigma = sigma^2 I. Not given in the text: initial points, number of inputs, durations.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.schmid2024_settings import (
    COLORS,
    NAMES,
    mark_published,
    orthogonal_start,
    published,
    task,
)

Loader = Callable[[str], xr.Dataset]

# Our choice; the paper shows trajectories, but not where they begin.
STARTS = ((-2.5, 2.5), (-2.5, -1.0), (0.0, 2.7), (0.5, -2.5), (2.7, 1.5), (2.7, -2.0))
ARROW = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
DECAYS = np.geomspace(1e-6, 1.0, 31)
SIGMAS = (0.1, 1.0)
# Of the simulations; for isotropic classes the flow of alignment and length is the same for every number of inputs.
N_INPUTS, UNTIL = 10, 40.0


def simulated(rule: str, sigma: float) -> xr.Dataset:
    """Ten runs with the logistic function at eta = 1e-3, and what theory to order eta expects of their mean."""
    scenario = task(rule, sigma, n=N_INPUTS, activation="logistic", learning_rate=1e-3)
    times = np.linspace(0.0, UNTIL, 81)
    start = orthogonal_start(N_INPUTS)
    runs = ld.simulate(scenario, start, UNTIL, replicas=10, seed=2024, save_at=times, record_weights=False)
    moments = ld.moment_flow(scenario, start, UNTIL, finite_rate=True, save_at=runs.t.values)
    expected = mean_alignment(moments.w.values, moments.Cov.values)
    note = {"long_name": "mean alignment to order eta, logistic function", "units": "1"}
    return runs.assign(alignment_expected=("t", expected, note))


def mean_alignment(w: np.ndarray, C: np.ndarray) -> np.ndarray:
    """<w_1 / |w|> of weights with means w (..., n) and covariances C, to first order in C: a + (1/2) C : dd a."""
    q, C_w = (w**2).sum(-1), (C @ w[..., None])[..., 0]
    alignment, trace = w[..., 0] / np.sqrt(q), C.diagonal(axis1=-2, axis2=-1).sum(-1)
    # dd a = -(e w^T + w e^T) / |w|^3 - w_1 I / |w|^3 + 3 w_1 w w^T / |w|^5
    curvature = -2.0 * C_w[..., 0] - w[..., 0] * trace + 3.0 * w[..., 0] * (w * C_w).sum(-1) / q
    return alignment + 0.5 * curvature / q**1.5


def data_name(rule: str, sigma: float) -> str:
    """The name of the data set."""
    return f"schmid2024-{rule.lower()}-sigma{sigma:g}"


DATA: dict[str, Callable[[], xr.Dataset]] = {
    data_name(rule, sigma): partial(simulated, rule, sigma) for rule in NAMES for sigma in SIGMAS
}


def _flow_field(rule: str) -> tuple[Any, dict[str, float]]:
    picture, ax = panels(size=(ld.plot.COLUMN, 3.2))
    scenario, grid = task(rule, 0.0, 0.1), np.linspace(-3.0, 3.0, 31)
    field = ld.flow_field(scenario, [0.0, 0.0], x=("w_1", grid), y=("w_2", grid))
    runs = [ld.solve(scenario, start, 60) for start in STARTS]
    ld.plot.flow_field(field, *runs, ax=ax)
    point = ld.find_fixed_point(scenario, [2.0, 0.0])
    ax.plot(*point.w.values, marker="*", markersize=9, color="black", zorder=4)
    ax.annotate("", (1.0, 0.0), (0.0, 0.0), arrowprops=ARROW, zorder=4)
    ax.text(0.45, 0.15, r"$\mu$", zorder=4)
    ax.set(xlabel=r"$w_1=\mu\cdot w$", ylabel="$w_2$")
    ends = [float(np.linalg.norm(run.w.values[-1] - point.w.values)) for run in runs]
    numbers = {"w_star": float(point.w_norm), "farthest_end": max(ends)}
    return picture, numbers | {f"eigenvalue_{mode}": float(point.eigenvalues[mode - 1]) for mode in (1, 2)}


FIELD = (
    "Flow field of the weights, sigma = 0, lambda = 0.1, mu = (1, 0), with trajectories up to t = 60 from six points "
    "(our choice), which all go to the one fixed point (star)."
)


@figure("schmid2024/2a", "flow field of supervised learning, with trajectories")
def supervised_field() -> Figure:
    """sigma = 0, lambda = 0.1."""
    picture, numbers = _flow_field("SL")
    return Figure(picture, numbers, f"Supervised learning. {FIELD} 1 - phi(|w*|) = lambda |w*|.")


@figure("schmid2024/2b", "flow field of reinforcement learning, with trajectories")
def reinforcement_field() -> Figure:
    """sigma = 0, lambda = 0.1."""
    picture, numbers = _flow_field("RL")
    return Figure(
        picture,
        numbers,
        f"Reinforcement learning. {FIELD} 2 phi(|w*|) phi(-|w*|) = lambda |w*|. Where w points away from mu, weights "
        "decay first, since mistakes are then too sure to be explored.",
    )


def _learning_curves(rule: str, simulation: Loader) -> tuple[Any, dict[str, float]]:
    """Both sigmas: theory of both sigmoids, ten simulations, the authors' curves; below, what tells them apart."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 3.9), sharex=True, height_ratios=(1.5, 1.0))
    numbers: dict[str, float] = {}
    for order, (sigma, theirs) in enumerate(zip(SIGMAS, published()["alignment"][rule], strict=True)):
        runs, color = simulation(data_name(rule, sigma)), ld.plot.PALETTE[order]
        mean, deviation = runs.alignment.mean("replica").values, runs.alignment.std("replica", ddof=1).values
        erf, logistic = (
            ld.solve(
                task(rule, sigma, activation=name), orthogonal_start(), UNTIL, save_at=runs.t.values
            ).alignment.values
            for name in ("shifted_erf", "logistic")
        )
        above.plot(runs.t, erf, color=color, label=rf"$\sigma={sigma:g}$")
        above.fill_between(runs.t, mean - deviation, mean + deviation, color=color, alpha=0.35, linewidth=0)
        mark_published(above, theirs["t"], theirs["alignment"], color=color)
        gap = 1e3 * (mean - erf)
        below.fill_between(runs.t, gap - 1e3 * deviation, gap + 1e3 * deviation, color=color, alpha=0.25, linewidth=0)
        below.plot(runs.t, gap, color=color, linewidth=0.9)
        below.plot(runs.t, 1e3 * (logistic - erf), color=color, linestyle="--", linewidth=0.9)
        expected = runs.alignment_expected.values
        below.plot(runs.t, 1e3 * (expected - erf), color="black", linestyle=":", linewidth=0.9, zorder=3)
        again = ld.solve(task(rule, theirs["sigma"]), orthogonal_start(), UNTIL, save_at=theirs["t"])
        # Past the start, where all runs are one.
        error = deviation[1:] / np.sqrt(runs.sizes["replica"])
        numbers |= {
            f"published({sigma:g})": float(np.abs(again.alignment.values - theirs["alignment"]).max()),
            f"gap({sigma:g})": float(np.abs(mean - erf).max()),
            f"gap_of_theories({sigma:g})": float(np.abs(logistic - erf).max()),
            f"gap_logistic({sigma:g})": float(np.abs(mean - logistic).max()),
            f"deviation({sigma:g})": float(deviation.max()),
            f"gap_order_eta({sigma:g})": float(np.abs(mean - expected).max()),
            f"z({sigma:g})": float(np.abs((mean - erf)[1:] / error).max()),
            f"z_logistic({sigma:g})": float(np.abs((mean - logistic)[1:] / error).max()),
            f"z_order_eta({sigma:g})": float(np.abs((mean - expected)[1:] / error).max()),
        }
    mark_published(above, [], [], label="published")
    below.plot([], [], color="black", linewidth=0.9, label="10 simulations")
    below.plot([], [], color="black", linewidth=0.9, linestyle="--", label="theory, logistic")
    below.plot([], [], color="black", linewidth=0.9, linestyle=":", label=r"to order $\eta$")
    below.axhline(0.0, color="0.4", linewidth=0.6, linestyle=":")
    above.set(ylabel=r"alignment $\mu\cdot w/|w|$", ylim=(0, 1.03))
    below.set(xlabel="$t$", ylabel=r"difference $\times10^3$", xlim=(0, UNTIL))
    above.legend(loc="lower right")
    below.legend(ncols=3, columnspacing=0.8, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.1)
    return picture, numbers


def _curves_caption(rule: str) -> str:
    return (
        f"Alignment of the weights with mu under {NAMES[rule]} learning from w(0) orthogonal to mu, |w(0)| = 1, lambda "
        "= 0. Above: theory with the shifted error function (lines), the standard deviation of 10 simulations with the "
        f"logistic function (bands, barely visible; eta = 1e-3, n = {N_INPUTS}) and the curves that the authors "
        "published (crosses). Below: mean and standard deviation of the simulations, less that theory, and theory with "
        "the logistic function, less that theory (dashed), with the terms of order eta (dotted): the sigmoid is the "
        "gap at sigma = 0.1, noise of order eta, across n - 1 directions, at sigma = 1; the rest is chance. The "
        "authors' files "
    )


@figure("schmid2024/2c", "learning curves of supervised learning, theory and simulation", simulated=True)
def supervised_curves(simulation: Loader) -> Figure:
    """lambda = 0, sigma = 0.1 and 1."""
    picture, numbers = _learning_curves("SL", simulation)
    caption = _curves_caption("SL") + "for sigma = 0.1 and 1 hold those of sigma = 0 and 0.857."
    return Figure(picture, numbers, caption)


@figure("schmid2024/2d", "learning curves of reinforcement learning, theory and simulation", simulated=True)
def reinforcement_curves(simulation: Loader) -> Figure:
    """lambda = 0, sigma = 0.1 and 1."""
    picture, numbers = _learning_curves("RL", simulation)
    caption = _curves_caption("RL") + "for sigma = 0.1 and 1 hold those of sigma = 0.1 and 0.99."
    return Figure(picture, numbers, caption)


@figure("schmid2024/2e", "length of the weights at the fixed point against weight decay")
def fixed_point() -> Figure:
    """sigma = 0: the fixed point that the analysis finds, and the closed equations."""
    picture, ax = panels(size=(ld.plot.COLUMN, 2.6))
    numbers: dict[str, float] = {}
    for rule, label in NAMES.items():
        found = np.array([_length(rule, decay) for decay in DECAYS])
        closed = np.array([_closed_length(rule, decay) for decay in DECAYS])
        ax.plot(DECAYS, closed, color=COLORS[rule], label=label)
        ax.plot(DECAYS[::2], found[::2], color=COLORS[rule], marker="o", linestyle="none", markerfacecolor="white")
        numbers[f"difference_{rule}"] = float(np.abs(found - closed).max())
        numbers |= {f"w_star_{rule}({decay:g})": _length(rule, decay) for decay in (0.1, 0.01, 1e-4)}
        # Per factor of e in lambda, about lambda = 1e-4.
        slope = np.polyfit(np.log(DECAYS[8:13]), found[8:13], 1)[0]
        numbers[f"slope_{rule}"] = float(slope)
    ax.set(xlabel=r"weight decay $\lambda$", ylabel="$|w^*|$", xscale="log", xlim=(1e-6, 1), ylim=(0, 7.6))
    ax.legend()
    return Figure(
        picture,
        numbers,
        "Length of the weights at the fixed point against weight decay, sigma = 0: ld.find_fixed_point (circles) and "
        "the roots of 1 - phi(W) = lambda W (SL) and 2 phi(W) phi(-W) = lambda W (RL) (lines). |w*| falls nearly "
        "linearly in ln lambda, as sqrt(ln(1/lambda)) for the shifted error function when lambda goes to 0. The "
        "range of lambda is our choice.",
    )


def _length(rule: str, decay: float) -> float:
    """|w*| from Newton's method on the flow."""
    # Close to where the logarithm puts it; Newton does the rest.
    return float(ld.find_fixed_point(task(rule, 0.0, decay), [max(0.4, 0.35 - 0.55 * np.log(decay)), 0.0]).w_norm)


def _closed_length(rule: str, decay: float) -> float:
    """|w*| from the equation of the paper's limit of vanishing noise, by bisection."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    u = np.sqrt(np.pi / 8)

    def excess(W: float) -> float:
        pull = ndtr(-u * W) if rule == "SL" else 2.0 * ndtr(u * W) * ndtr(-u * W)
        return float(pull - decay * W)

    root: Any = brentq(excess, 0.0, 40.0, xtol=1e-13)  # type: ignore[arg-type]
    return float(root)
