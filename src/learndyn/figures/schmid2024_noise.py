"""Schmid & Murray (2024), figures 3 and 4: noise and the time to learn, and the variance of the weights.

lambda = 0 in figure 3, 0.1 in figure 4; starts as of the authors' published curves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.schmid2024_settings import (
    COLORS,
    DIAGONAL,
    LEVEL,
    NAMES,
    RULES,
    mark_published,
    orthogonal_start,
    published,
)

SIGMAS = np.linspace(0.0, 3.0, 61)
# Closer together where the time rises steeply.
EPSILONS = np.union1d(np.linspace(-0.9, 0.9, 37), np.linspace(0.7, 0.9, 17))
UNTIL = 200.0


def learning_times(rule: str, covariances: list[Any]) -> np.ndarray:
    """Times to 80 % alignment from w(0) orthogonal to mu, |w(0)| = 1, for one covariance of the inputs each."""
    tasks = [ld.GaussianClassification([1.0, 0.0], covariance, RULES[rule]) for covariance in covariances]
    return ld.time_to_reach(tasks, orthogonal_start(), LEVEL, until=UNTIL, threads=1).time.values


def _times_figure(name: str, key: str, values: np.ndarray, covariance: Any) -> tuple[Any, Any, dict[str, float]]:
    """Learning times of both rules against a parameter of the noise, with the authors' points."""
    picture, ax = panels(size=(ld.plot.COLUMN, 2.6))
    numbers: dict[str, float] = {}
    for rule, label in NAMES.items():
        theirs = published()[key][rule]
        grid = np.union1d(values, theirs[name])
        times = learning_times(rule, [covariance(value) for value in grid])
        ax.plot(grid, times, color=COLORS[rule], label=label)
        mark_published(ax, theirs[name], theirs["t"])
        late = np.array(theirs["t"]) - times[np.searchsorted(grid, theirs[name])]
        numbers |= {f"smallest_rounding_{rule}": float(late.min()), f"largest_rounding_{rule}": float(late.max())}
        numbers |= {
            f"{rule}({value:g})": float(times[np.argmin(abs(grid - value))]) for value in (values[0], 0.5, values[-1])
        }
        numbers[f"smallest_{rule}"] = float(times.min())
        numbers[f"at_smallest_{rule}"] = float(grid[times.argmin()])
    mark_published(ax, [], [], label="published")
    ax.set(ylabel=rf"time to alignment {LEVEL:g}", xlim=(values[0], values[-1]))
    return picture, ax, numbers


@figure("schmid2024/3a", "time to learn against isotropic noise")
def isotropic_noise() -> Figure:
    """Supervised learning gets faster with noise, reinforcement learning does not."""
    picture, ax, numbers = _times_figure("sigma", "time_to_80", SIGMAS, lambda sigma: sigma**2)
    ax.set(xlabel=r"noise $\sigma$", ylim=(0, 6))
    ax.legend(loc="lower left")
    return Figure(
        picture,
        numbers,
        "Time at which the alignment reaches 80 % against the noise, Sigma = sigma^2 I, lambda = 0, from w(0) "
        "orthogonal to mu with |w(0)| = 1. Noise makes supervised learning faster; reinforcement learning hardly "
        "notices up to sigma = 0.5 and gets slower then. Crosses: the times that the authors published, which are "
        "these rounded up to a multiple of 0.005. The range of sigma is our choice.",
    )


@figure("schmid2024/3b", "noise along and across the direction to be learned")
def directions() -> Figure:
    """Ellipses of the two classes for epsilon = 0.5 and -0.5."""
    picture, axes = panels(1, 2, size=(ld.plot.COLUMN, 2.2), sharex=True, sharey=True)
    angle = np.linspace(0.0, 2.0 * np.pi, 100)
    numbers: dict[str, float] = {}
    for ax, epsilon in zip(axes, (0.5, -0.5), strict=True):
        along, across = np.sqrt(1.0 + epsilon), np.sqrt(1.0 - epsilon)
        for y, color in ((1, COLORS["SL"]), (-1, COLORS["RL"])):
            ax.plot(y + along * np.cos(angle), across * np.sin(angle), color=color)
            ax.text(1.7 * y, 1.7, f"$y={y:+d}$", color=color, ha="center")
        arrow = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0, "linewidth": 0.8}
        ax.annotate("", (1.0 + along, 0.0), (1.0, 0.0), arrowprops=arrow)
        ax.annotate("", (1.0, -across), (1.0, 0.0), arrowprops=arrow)
        ax.text(1.1 + along, 0.0, r"$\sigma_\parallel$", va="center")
        ax.text(1.0, -0.15 - across, r"$\sigma_\perp$", ha="center", va="top")
        ax.plot([1, -1], [0, 0], color="black", marker="+", markersize=6, linestyle="none")
        ax.set(xlabel="$x_1$", title=rf"$\epsilon={epsilon:g}$", xlim=(-3.3, 3.3), ylim=(-2.5, 2.5), aspect="equal")
        scenario = ld.GaussianClassification([1.0, 0.0], [1.0 + epsilon, 1.0 - epsilon], RULES["SL"])
        # Of the best weights, w along mu.
        numbers[f"accuracy({epsilon:g})"] = float(scenario.of_weights(np.array([1.0, 0.0]))["accuracy"])
    axes[0].set(ylabel="$x_2$")
    axes[1].set(ylabel="$x_2$")
    axes[1].yaxis.label.set_visible(False)
    return Figure(
        picture,
        numbers,
        "One standard deviation of both classes with noise sigma_par^2 = 1 + epsilon along mu and sigma_perp^2 = 1 - "
        "epsilon across it, at a fixed sum. The numbers are the accuracies of weights along mu.",
    )


@figure("schmid2024/3c", "time to learn against the direction of the noise")
def anisotropic_noise() -> Figure:
    """Noise along mu slows learning down."""

    def covariance(epsilon: float) -> list[float]:
        return [1.0 + epsilon, 1.0 - epsilon]

    picture, ax, numbers = _times_figure("epsilon", "time_to_80_anisotropic", EPSILONS, covariance)
    ax.set(xlabel=r"anisotropy $\epsilon$", ylim=(0, 10))
    ax.legend(loc="upper left")
    return Figure(
        picture,
        numbers,
        "Time at which the alignment reaches 80 % against epsilon: noise sigma_par^2 = 1 + epsilon along mu and "
        "sigma_perp^2 = 1 - epsilon across it, two inputs, lambda = 0, from w(0) orthogonal to mu with |w(0)| = 1. "
        "Noise along mu slows both rules down. At epsilon = 0.9 supervised learning takes 16.3, beyond the frame. "
        "Crosses: the times that the authors published, rounded up to a multiple of 0.005.",
    )


VARIANCE_SIGMAS = (0.0, 0.5, 1.0)
DECAY = 0.1
COV = 0.1


def variance_task(rule: str, sigma: float) -> tuple[ld.GaussianClassification, ld.GaussianWeights]:
    """The task and the start of the published curves."""
    scenario = ld.GaussianClassification(DIAGONAL, sigma**2, RULES[rule], DECAY)
    return scenario, ld.GaussianWeights([DIAGONAL[0], -DIAGONAL[1]], COV)


def _total_variance(rule: str) -> tuple[Any, dict[str, float]]:
    picture, ax = panels(size=(ld.plot.COLUMN, 2.6))
    numbers: dict[str, float] = {}
    for order, (sigma, theirs) in enumerate(zip(VARIANCE_SIGMAS, published()["trace_cov"][rule], strict=True)):
        scenario, start = variance_task(rule, sigma)
        times = np.union1d(np.linspace(0.0, 40.0, 201), theirs["t"])
        flow = ld.moment_flow(scenario, start, 40, save_at=times)
        color = ld.plot.PALETTE[order]
        ax.plot(flow.t, flow.trace_cov, color=color, label=rf"$\sigma={sigma:g}$")
        mark_published(ax, theirs["t"], theirs["trace_cov"], color=color)
        at_theirs = flow.trace_cov.sel(t=theirs["t"]).values
        numbers[f"published({sigma:g})"] = float(np.abs(at_theirs - theirs["trace_cov"]).max())
        numbers |= {f"trace_cov({sigma:g}, {t:g})": float(flow.trace_cov.sel(t=t)) for t in (1, 5, 20)}
    mark_published(ax, [], [], label="published")
    ax.set(xlabel="$t$", ylabel=r"$\mathrm{tr\,Cov}(w)$", xlim=(0, 20), ylim=(0, 0.21))
    ax.legend()
    return picture, numbers


def _variance_caption(rule: str) -> str:
    return (
        f"Total variance of the weights under {NAMES[rule]} learning, equations (10) and (11): lambda = 0.1, mu = (1, "
        "1) / sqrt 2, <w>(0) = (1, -1) / sqrt 2, Cov(0) = 0.1 I. Crosses: the curves that the authors published, which "
        "were made with the coefficient 1 instead of 1/2 in the second term of equation (10): the two differ by "
    )


@figure("schmid2024/4a", "total variance of the weights under supervised learning")
def supervised_variance() -> Figure:
    """sigma = 0, 0.5, 1."""
    picture, numbers = _total_variance("SL")
    return Figure(picture, numbers, _variance_caption("SL") + "less than 2e-4.")


@figure("schmid2024/4b", "total variance of the weights under reinforcement learning")
def reinforcement_variance() -> Figure:
    """sigma = 0, 0.5, 1."""
    picture, numbers = _total_variance("RL")
    return Figure(picture, numbers, _variance_caption("RL") + "less than 2e-3. The more noise, the faster it falls.")
