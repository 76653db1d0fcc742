"""Straat (2018), slides 3 to 15: the ideal paramagnet, the spread of the order parameters, activation functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations import SPREAD_SIZES

PARAMAGNETS = 400
PARAMAGNET_SIZES = np.array([10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000])


def _exponent(N: np.ndarray, spread: np.ndarray) -> float:
    """The slope of log spread against log N."""
    return float(np.polyfit(np.log(N), np.log(spread), 1)[0])


def _draw_spread(ax: Any, N: np.ndarray, spread: np.ndarray, runs: int, **look: Any) -> None:
    """Standard deviations with their own standard errors, sigma / sqrt(2 (runs - 1))."""
    ax.errorbar(N, spread, yerr=spread / np.sqrt(2 * (runs - 1)), linestyle="none", markerfacecolor="white", **look)


@figure("2018-paramagnet", "magnetisation of the ideal paramagnet against N, and its spread (slides 3 to 5)")
def paramagnet() -> Figure:
    """M = sum_i S_i / N of independent spins: ever closer to 0 as N grows."""
    rng = np.random.default_rng(2018)
    ups = rng.binomial(PARAMAGNET_SIZES, 0.5, (PARAMAGNETS, len(PARAMAGNET_SIZES)))
    M = 2.0 * ups / PARAMAGNET_SIZES - 1.0
    spread = M.std(axis=0, ddof=1)
    picture, (above, below) = panels(2, sharex=True)
    above.fill_between(
        PARAMAGNET_SIZES, -1 / np.sqrt(PARAMAGNET_SIZES), 1 / np.sqrt(PARAMAGNET_SIZES),
        color=ld.plot.PALETTE[5], alpha=0.4, linewidth=0, label=r"$\pm 1/\sqrt{N}$",
    )  # fmt: skip
    above.plot(PARAMAGNET_SIZES, M[:12].T, "o", color=ld.plot.PALETTE[0], markersize=2, markeredgewidth=0)
    above.plot([], [], "o", color=ld.plot.PALETTE[0], markersize=2, label="12 paramagnets")
    above.set(xscale="log", ylabel="magnetisation $M$", ylim=(-0.7, 0.7))
    above.legend()
    below.plot(PARAMAGNET_SIZES, 1 / np.sqrt(PARAMAGNET_SIZES), color="black", label=r"$1/\sqrt{N}$")
    label = f"{PARAMAGNETS} paramagnets"
    _draw_spread(below, PARAMAGNET_SIZES, spread, PARAMAGNETS, marker="o", color=ld.plot.PALETTE[1], label=label)
    below.set(xscale="log", yscale="log", xlabel="number of spins $N$", ylabel=r"standard deviation of $M$")
    below.legend()
    numbers = {f"spread({N})": float(x) for N, x in zip(PARAMAGNET_SIZES, spread, strict=True)}
    numbers["exponent"] = _exponent(PARAMAGNET_SIZES, spread)
    return Figure(
        picture,
        numbers,
        "Ideal paramagnet: the magnetisation M of N independent spins, and its standard deviation over "
        f"{PARAMAGNETS} paramagnets (error bars: one standard error), which falls as 1/sqrt(N) "
        f"(fitted exponent {numbers['exponent']:.3f}). Slides 3 to 5 name no sizes; these are ours.",
    )


@figure(
    "2018-order-parameter-spread",
    "standard deviation of R and Q at alpha = 20 against N, 100 runs (slide 12)",
    simulated=True,
)
def order_parameter_spread(simulation: Callable[[str], xr.Dataset]) -> Figure:
    """R and Q are self-averaging: their spread over runs falls as 1/sqrt(N)."""
    N = np.array(SPREAD_SIZES)
    runs = [simulation(f"perceptron-spread-n{size}").isel(alpha=-1) for size in N]
    picture, ax = panels()
    numbers: dict[str, float] = {}
    for order, name in enumerate(("R", "Q")):
        spread = np.array([float(run[name].std("replica", ddof=1).squeeze()) for run in runs])
        numbers |= {f"std_{name}({size})": float(x) for size, x in zip(N, spread, strict=True)}
        numbers[f"exponent_{name}"] = _exponent(N, spread)
        color = ld.plot.PALETTE[order]
        marker = ("o", "s")[order]
        # Beside each other, where the two would hide one another.
        _draw_spread(ax, N * (0.97, 1.03)[order], spread, 100, marker=marker, color=color, label=f"${name}$")
        level = np.exp(np.mean(np.log(spread * np.sqrt(N))))
        ax.plot(N, level / np.sqrt(N), color=color, zorder=1)
    ax.plot([], [], color="black", label=r"$\propto N^{-1/2}$")
    ax.set(xscale="log", yscale="log", xlabel="$N$", ylabel=r"standard deviation at $\alpha=20$")
    ax.legend()
    return Figure(
        picture,
        numbers,
        "ReLU perceptron: standard deviation of the order parameters R and Q at alpha = 20 over 100 runs of gradient "
        "descent on weight vectors, against N (error bars: one standard error). Fitted exponents "
        f"{numbers['exponent_R']:.3f} and {numbers['exponent_Q']:.3f}; lines: N^(-1/2). Slide 12 does not state eta "
        "and the start: eta = 0.1, R(0) = 0, Q(0) = 0.25 as on slide 19.",
    )


J_SLIDE_14 = (2.5, -1.2)


@figure("2018-activation-surfaces", "perceptrons with different activations, J = (2.5, -1.2) (slide 14)")
def activation_surfaces() -> Figure:
    """The output g(J . xi) over a plane of inputs."""
    grid = np.linspace(-1.0, 1.0, 31)
    xi_1, xi_2 = np.meshgrid(grid, grid)
    x = J_SLIDE_14[0] * xi_1 + J_SLIDE_14[1] * xi_2
    size = (ld.plot.TEXT_WIDTH, 2.4)
    picture, axes = panels(1, 3, size=size, subplot_kw={"projection": "3d", "computed_zorder": False})
    titles = {"linear": "$g(x)=x$", "erf": r"$g(x)=\mathrm{erf}(x/\sqrt{2})$", "relu": r"$g(x)=x\,\theta(x)$"}
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        ax.plot_surface(xi_1, xi_2, ld.activation(name).g(x), cmap="cividis", linewidth=0, rcount=31, ccount=31)
        ax.set_title(title, y=0.97)
        ax.set(xticks=(-1, 0, 1), yticks=(-1, 0, 1))
        if name == "erf":
            ax.set_zticks((-1, 0, 1))
        ax.tick_params(pad=-3)
        ax.zaxis.set_tick_params(pad=0)
        ax.grid(False)
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.set_rotate_label(False)
        ax.set_xlabel(r"$\xi_1$", labelpad=-5)
        ax.set_ylabel(r"$\xi_2$", labelpad=-5)
        ax.set_zlabel(r"$\sigma$", labelpad=-5)
        ax.view_init(elev=24, azim=-125)
        ax.set_box_aspect((1.0, 1.0, 0.8), zoom=0.8)
    corner = J_SLIDE_14[0] - J_SLIDE_14[1]
    numbers = {f"{name}(1,-1)": float(ld.activation(name).g(corner)) for name in ("linear", "erf", "relu")}
    return Figure(
        picture,
        numbers,
        "Output sigma = g(J . xi) of perceptrons with J = (2.5, -1.2) and three activations. Slide 14 shows the "
        "activations in pictures only; these are the ones of this library.",
    )


@figure("2018-relu-and-derivative", "the ReLU activation function and its derivative (slide 15)")
def relu_and_derivative() -> Figure:
    """g(x) = x theta(x) and g'(x) = theta(x)."""
    relu = ld.activation("relu")
    picture, (left, right) = panels(1, 2, size=(ld.plot.COLUMN, 1.7))
    x = np.linspace(-2.0, 2.0, 401)
    left.plot(x, relu.g(x))
    left.set(xlabel="$x$", ylabel="$g(x)$", ylim=(-0.15, 2.05))
    for side in (x[x < 0], x[x > 0]):
        right.plot(side, relu.dg(side), color=ld.plot.PALETTE[1])
    right.plot(0.0, relu.dg(0.0), "o", color=ld.plot.PALETTE[1])
    right.set(xlabel="$x$", ylabel="$g'(x)$", ylim=(-0.1, 1.1))
    return Figure(
        picture,
        {"g(-2)": float(relu.g(-2.0)), "g(2)": float(relu.g(2.0)), "dg(-2)": float(relu.dg(-2.0)),
         "dg(0)": float(relu.dg(0.0)), "dg(2)": float(relu.dg(2.0))},
        "ReLU activation g(x) = x theta(x) and its derivative; at the kink the mean of both sides, 1/2, is used.",
    )  # fmt: skip
