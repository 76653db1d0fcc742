"""Schmid & Murray (2024), figure 1: the perceptron, its two classes of inputs, and the flow of a distribution.

The figure of the paper is a drawing without numbers; the settings are ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.schmid2024_settings import COLORS, RULES

INPUTS = 4


@figure("schmid2024/1a", "the perceptron, and its two sigmoid functions")
def perceptron() -> Figure:
    """A drawing, and what the output unit does."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 3.9), height_ratios=(1.0, 1.1))
    _draw_network(above)
    z = np.linspace(-6.0, 6.0, 2401)
    curves = {"shifted_erf": _shifted_erf(z), "logistic": 1.0 / (1.0 + np.exp(-z))}
    labels = {"shifted_erf": "shifted erf (theory)", "logistic": "logistic (simulation)"}
    for (name, values), style in zip(curves.items(), ("-", "--"), strict=True):
        below.plot(z, values, linestyle=style, label=labels[name])
    below.set(xlabel="$z=w\\cdot x$", ylabel=r"$\phi(z)$", xlim=(-6, 6), ylim=(-0.03, 1.03))
    below.legend(loc="upper left")
    apart = np.abs(curves["shifted_erf"] - curves["logistic"])
    return Figure(
        picture,
        {"largest_difference": float(apart.max()), "at_z": float(abs(z[apart.argmax()]))},
        "A perceptron maps an input x to phi(w . x), by weights w that it learns. phi(z) = (1 + erf(sqrt(pi) z / 4)) / "
        "2, for which all averages over Gaussian inputs have closed forms, beside the logistic function 1 / (1 + "
        "exp(-z)): one slope at 0, and at most 0.018 apart.",
    )


def _shifted_erf(z: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(np.sqrt(np.pi / 8) * z)


def _draw_network(ax: Any) -> None:
    from matplotlib.patches import Circle

    heights = np.linspace(3.0, 0.0, INPUTS)
    output = (3.6, 1.5)
    for index, height in enumerate(heights, start=1):
        ax.annotate(
            "", output, (0.0, height), zorder=1, arrowprops={"arrowstyle": "-|>", "color": "0.35", "shrinkB": 13}
        )
        ax.add_patch(Circle((0.0, height), 0.3, facecolor="white", edgecolor=COLORS["SL"], zorder=2))
        ax.text(0.0, height - 0.02, f"$x_{index}$", ha="center", va="center", zorder=3)
        # Beside the arrow, two fifths of its way.
        ax.text(1.25, height + 0.35 * (1.5 - height) + 0.16, f"$w_{index}$", ha="center", va="bottom", color="0.2")
    ax.add_patch(Circle(output, 0.42, facecolor="white", edgecolor=COLORS["RL"], zorder=2))
    ax.text(*output, r"$\phi$", ha="center", va="center", zorder=3)
    ax.annotate("", (5.1, 1.5), (4.02, 1.5), arrowprops={"arrowstyle": "-|>", "color": "0.35"})
    ax.text(5.15, 1.5, r"$\hat y=\phi(w\cdot x)$", va="center")
    ax.set(xlim=(-0.6, 7.6), ylim=(-0.5, 3.6), aspect="equal")
    ax.set_axis_off()


@figure("schmid2024/1b", "the two classes of inputs; w is orthogonal to the boundary")
def inputs() -> Figure:
    """Draws from both classes, and the perceptron of a moment in learning."""
    picture, ax = panels(size=(ld.plot.COLUMN, 3.2))
    mu = np.array([1.0, 0.6])
    scenario = ld.GaussianClassification(mu, 0.35, RULES["SL"])
    run = ld.solve(scenario, ld.GaussianWeights([-0.5, 1.0]), 4, save_at=[0.0, 4.0])
    w, rng = run.w.values[-1], np.random.Generator(np.random.SFC64(24))
    right = 0
    for y, color, marker in ((1, COLORS["SL"], "o"), (-1, COLORS["RL"], "s")):
        x = y * mu + scenario.covariances[0].sample(2, 150, rng)
        right += int((y * (x @ w) > 0.0).sum())
        ax.plot(*x.T, color=color, marker=marker, markersize=2.0, linestyle="none", alpha=0.6)
        ax.plot(*(y * mu), color="black", marker="+", markersize=8, markeredgewidth=1.4)
        ax.text(*(y * np.array([2.5, 2.3])), f"$y={y:+d}$", color=color, ha="center", va="center")
    across = np.array([-w[1], w[0]]) / np.linalg.norm(w)
    ax.plot(*np.outer(across, [-5.0, 5.0]), color="black", linestyle="--", linewidth=0.9)
    ax.annotate("", w, (0.0, 0.0), arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0})
    ax.text(*(w + np.array([0.1, 0.15])), "$w$", ha="left")
    ax.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-3, 3), ylim=(-2.8, 2.8), aspect="equal")
    last = run.isel(t=-1)
    return Figure(
        picture,
        {"accuracy": float(last.accuracy), "right": float(right), "drawn": 300.0, "alignment": float(last.alignment)},
        "Inputs of the classes y = +1 (circles) and y = -1 (squares), 150 each, from normal distributions with means "
        "+-(1, 0.6) (crosses) and sigma^2 = 0.35. The weights w (arrow; supervised learning at t = 4 from w(0) "
        "= (-0.5, 1)) are orthogonal to the boundary between the answers (dashed). Settings are ours.",
    )


@figure("schmid2024/1c", "the flow of a distribution of weights, p(w, t)")
def distribution() -> Figure:
    """Members of an ensemble, and the ellipses of the moment flow."""
    picture, ax = panels(size=(ld.plot.COLUMN, 3.0))
    scenario = ld.GaussianClassification([1.0, 0.0], 0.25, RULES["SL"], 0.1)
    start = ld.GaussianWeights([-1.2, 1.6], 0.12)
    shown = (0.0, 2.0, 6.0, 20.0)
    cloud = ld.ensemble(scenario, start, shown[-1], members=1024, seed=24, save_at=shown, quasi_random=True)
    moments = ld.moment_flow(scenario, start, shown[-1], save_at=np.union1d(shown, np.linspace(0.0, 20.0, 101)))
    ax.plot(moments.w.sel(input=1), moments.w.sel(input=2), color="black", linewidth=0.8)
    numbers: dict[str, float] = {}
    for order, t in enumerate(shown):
        color, members, row = ld.plot.PALETTE[order], cloud.w.sel(t=t).values, moments.sel(t=t)
        ax.plot(*members[:256].T, color=color, marker=".", markersize=1.6, linestyle="none", alpha=0.6)
        ax.plot(*_ellipse(row.w.values, row.Cov.values).T, color=color, linewidth=1.0)
        x, y = row.w.values
        ax.text(x + 0.02, y + 0.2 + 2.0 * np.sqrt(row.Cov.values[1, 1]), f"$t={t:g}$", color=color)
        numbers |= {f"trace_cov({t:g})": float(row.trace_cov), f"ensemble({t:g})": float(cloud.trace_cov.sel(t=t))}
        numbers[f"error({t:g})"] = float(cloud.trace_cov_error.sel(t=t))
    ax.set(xlabel="$w_1$", ylabel="$w_2$", xlim=(-2.4, 2.4), ylim=(-0.5, 3.1), aspect="equal")
    return Figure(
        picture,
        numbers,
        "The distribution p(w, t) of the weights of many perceptrons that learn the same task (supervised, mu = (1, "
        "0), sigma = 0.5, lambda = 0.1): 256 of 1024 members that follow w' = <f>(w), at four times, and the ellipses "
        "of two standard deviations about the mean from equations (10) and (11), with the path of the mean. Settings "
        "are ours.",
    )


def _ellipse(mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Points (100, 2) two standard deviations from the mean."""
    values, vectors = np.linalg.eigh(covariance)
    angle = np.linspace(0.0, 2.0 * np.pi, 100)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return mean + 2.0 * (circle * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
