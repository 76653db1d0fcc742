"""Straat (2018), slides 3 to 15: the ideal paramagnet, the spread of the order parameters, activation functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure

PARAMAGNETS = 400
PARAMAGNET_SIZES = np.array([10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000])


def _exponent(N: np.ndarray, spread: np.ndarray) -> float:
    """The slope of log spread against log N."""
    return float(np.polyfit(np.log(N), np.log(spread), 1)[0])


def _exponent_error(N: np.ndarray, runs: int) -> float:
    """Its standard error: that of one log spread is 1 / sqrt(2 (runs - 1))."""
    place = np.log(N) - np.log(N).mean()
    return float(1 / np.sqrt(2 * (runs - 1) * np.sum(place**2)))


def _draw_spread(ax: Any, N: np.ndarray, spread: np.ndarray, runs: int, **look: Any) -> None:
    """Standard deviations with their own standard errors, sigma / sqrt(2 (runs - 1))."""
    look = {"linestyle": "none", "markerfacecolor": "white"} | look
    ax.errorbar(N, spread, yerr=spread / np.sqrt(2 * (runs - 1)), **look)


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


METHOD_NAMES = {"overlaps": "exact chain", "weights": "weight vectors"}


@figure(
    "2018-order-parameter-spread",
    "standard deviation of R and Q at alpha = 20 against N, 100 runs (slide 12)",
    simulated=True,
)
def order_parameter_spread(simulation: Callable[[str], xr.Dataset]) -> Figure:
    """R and Q are self-averaging: their spread over runs falls as 1/sqrt(N)."""
    runs = {method: simulation(f"perceptron-spread-{method}").isel(alpha=-1) for method in METHOD_NAMES}
    chain = runs["overlaps"]
    limit = ld.fluctuations(ld.scenario_of(chain), ld.start_of(chain), 20, save_at=[20], rtol=1e-10).isel(alpha=-1)
    picture, (above, below) = panels(2, sharex=True, height_ratios=(1.5, 1.0))
    numbers: dict[str, float] = {}
    for order, name in enumerate(("R", "Q")):
        color, level = ld.plot.PALETTE[order], float(limit[f"{name}_std"].squeeze())
        line = np.array([20, 2.2e6])
        above.plot(line, level / np.sqrt(line), color=color, linestyle=("-", "--")[order], linewidth=0.8, zorder=1)
        numbers[f"limit_{name}"] = level
        for method, result in runs.items():
            N, spread = result.N.values, result[name].std("replica", ddof=1).values.reshape(-1)
            suffix = "" if method == "overlaps" else f"_{method}"
            numbers |= {f"std_{name}{suffix}({size})": float(x) for size, x in zip(N, spread, strict=True)}
            numbers |= {f"exponent_{name}{suffix}": _exponent(N, spread)}
            numbers |= {f"exponent_error{suffix}": _exponent_error(N, 100)}
            look = _look(order, method)
            # Beside each other, where they would hide one another.
            outer = np.isin(N, chain.N) & (method == "weights")
            beside = N * np.where(outer, 1.33, 1.09) ** (2 * order - 1)
            _draw_spread(above, N, spread, 100, **look)
            _draw_spread(below, beside, spread * np.sqrt(N) / level, 100, **look)
    _name_spread(above)
    above.set(xscale="log", yscale="log", ylabel=r"standard deviation at $\alpha=20$")
    below.axhline(1.0, color="0.4", linewidth=0.8, zorder=1)
    below.set(xlabel="$N$", ylabel="divided by the line", ylim=(0.72, 1.28), xlim=(15, 3e6))
    return Figure(
        picture,
        numbers,
        "ReLU perceptron: standard deviation of the order parameters R and Q at alpha = 20 over 100 runs, against N "
        "(error bars: one standard error). Filled: the exact process of the order parameters, fitted exponents "
        f"{numbers['exponent_R']:.3f} (R) and {numbers['exponent_Q']:.3f} (Q), standard error "
        f"{numbers['exponent_error']:.3f}; open: gradient descent on weight vectors, "
        f"{numbers['exponent_R_weights']:.3f} and {numbers['exponent_Q_weights']:.3f}, standard error "
        f"{numbers['exponent_error_weights']:.3f}. Lines, with nothing fitted: the leading fluctuations, "
        f"{numbers['limit_R']:.4f} N^(-1/2) (R) and {numbers['limit_Q']:.4f} N^(-1/2) (Q). Below: the same, divided by "
        "these lines (markers of one N moved apart). Slide 12 does not state eta, the start and the sizes: eta = 0.1, "
        "R(0) = 0, Q(0) = 0.25 as on slide 19.",
    )


def _look(order: int, method: str) -> dict[str, Any]:
    """Colour and marker tell the order parameter, the face of the marker tells the method."""
    color = ld.plot.PALETTE[order]
    face = color if method == "overlaps" else "white"
    return {"marker": ("o", "s")[order], "color": color, "markerfacecolor": face, "elinewidth": 0.8}


def _name_spread(ax: Any) -> None:
    """The legend of the spread: the order parameters, then the methods."""
    from matplotlib.lines import Line2D

    handles = []
    for order, name in enumerate(("R", "Q")):
        look: dict[str, Any] = {"color": ld.plot.PALETTE[order], "marker": ("o", "s")[order], "linewidth": 0.8}
        handles.append(Line2D([], [], linestyle=("-", "--")[order], label=f"${name}$", **look))
    for method, face in (("overlaps", "0.3"), ("weights", "white")):
        look = {"color": "0.3", "marker": "o", "linestyle": "none", "markerfacecolor": face}
        handles.append(Line2D([], [], label=METHOD_NAMES[method], **look))
    ax.legend(handles=handles)


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
