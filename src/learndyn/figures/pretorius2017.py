"""Pretorius (2017), the slides on linear networks: loss surface, scalar learning, items and properties, modes.

The slides are pictures without numbers; the settings are ours. Loss surface and paths: scalar network of x = y = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.scenarios.deep_linear.tasks import ITEM_PROPERTIES, ITEMS, PROPERTIES

# Weights (w_1, w_2) at which the paths begin, and the learning rate of the steps: large enough to be seen.
STARTS = ((-1.3, 1.55), (1.15, -1.5), (0.05, 0.02))
SURFACE_RATE, SURFACE_UNTIL, EDGE = 0.1, 12.0, 1.7
# Inches of a square in the picture of matrices.
CELL = 0.265
# Learning rates of the scalar network, and u_0 (both weights its root).
RATES, U_0 = (0.01, 0.02, 0.05), 0.01


def scalar_paths(start: tuple[float, float]) -> tuple[Any, Any]:
    """(w_1, w_2) by descent (rows, 2) and along the flow at the same times."""
    task = ld.DeepLinear.scalar(1.0, 1.0, learning_rate=SURFACE_RATE)
    times = SURFACE_RATE * np.arange(round(SURFACE_UNTIL / SURFACE_RATE) + 1)
    begin = ld.LinearWeights([[start[0]]], [[start[1]]])
    runs = (
        ld.simulate(task, begin, SURFACE_UNTIL, save_at=times).isel(replica=0),
        ld.solve(task, begin, SURFACE_UNTIL, save_at=times),
    )
    descent, flow = (np.stack([run.W_1.values.ravel(), run.W_2.values.ravel()], axis=1) for run in runs)
    return descent, flow


def _loss(w_1: Any, w_2: Any) -> Any:
    return (1.0 - w_2 * w_1) ** 2


def _draw_path(plane: Any, surface: Any, path: np.ndarray, *, marker: str = "", label: str, **look: Any) -> None:
    plane.plot(*path.T, marker=marker, markersize=3, label=label, **look)
    surface.plot(*path.T, _loss(*path.T), zorder=5, **look | {"linewidth": 1.4})


@figure("pretorius2017/loss-surface", "the loss surface (1 - w2 w1)^2, gradient descent and the flow on it")
def loss_surface() -> Figure:
    """The surface in perspective, and as a map."""
    from matplotlib.figure import Figure as Picture

    picture = Picture(figsize=(ld.plot.TEXT_WIDTH, 3.1))
    surface: Any = picture.add_subplot(1, 2, 1, projection="3d", computed_zorder=False)
    plane = picture.add_subplot(1, 2, 2)
    w = np.linspace(-EDGE, EDGE, 103)
    X, Y = np.meshgrid(w, w)
    surface.plot_surface(X, Y, _loss(X, Y), cmap="Greys", alpha=0.75, rstride=3, cstride=3, lw=0.15, edgecolor="0.6")
    lines = plane.contour(X, Y, _loss(X, Y), [0.01, 0.1, 0.4, 1.0, 2.0, 4.0, 8.0], colors="0.7", linewidths=0.6)
    plane.clabel(lines, [0.4, 1.0, 2.0, 4.0, 8.0], fontsize=7, fmt="%g")
    for branch in (w[w > 0.3], w[w < -0.3]):
        plane.plot(branch, 1.0 / branch, color="0.3", linewidth=0.8, linestyle=":", scalex=False, scaley=False)
    numbers: dict[str, float] = {}
    for index, start in enumerate(STARTS, 1):
        descent, flow = scalar_paths(start)
        _draw_path(plane, surface, flow, color=ld.plot.PALETTE[2], linewidth=1.8, linestyle="-", label="the flow")
        rate = rf"descent, $\eta={SURFACE_RATE:g}$"
        _draw_path(
            plane, surface, descent, color=ld.plot.PALETTE[1], linewidth=1.0, linestyle=":", marker=".", label=rate
        )
        plane.plot(*start, color="black", marker="o", markersize=4)
        numbers |= {f"u_{index}": float(flow[-1].prod()), f"u_{index}_descent": float(descent[-1].prod())}
        numbers[f"distance_{index}"] = float(np.linalg.norm(descent - flow, axis=1).max())
        conserved = flow[:, 1] ** 2 - flow[:, 0] ** 2
        numbers[f"conserved_{index}"] = float(np.abs(conserved - conserved[0]).max())
    plane.plot(0.0, 0.0, color="black", marker="x", markersize=5)
    plane.set(xlabel="$w_1$", ylabel="$w_2$", xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), aspect="equal")
    plane.legend(*(found[:2] for found in plane.get_legend_handles_labels()), loc=(0.02, 0.3), frameon=True, fontsize=8)
    surface.set(xlabel="$w_1$", ylabel="$w_2$", zlabel="$(1-w_2w_1)^2$", xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE))
    surface.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1], zticks=[0, 5, 10, 15])
    surface.view_init(elev=38, azim=-118)
    surface.set_box_aspect((1, 1, 0.7), zoom=0.86)
    return Figure(
        picture,
        numbers,
        "The loss surface (1 - w_2 w_1)^2 of a scalar linear network, x = y = 1, in perspective and as a map with the "
        "valley w_2 w_1 = 1 (dotted) and the saddle at 0 (cross). Gradient descent (orange, a dot a step, learning "
        f"rate {SURFACE_RATE:g} on half of the squared error) and the flow (green) from three starts: two that pass "
        "the saddle, and a small one. The flow keeps w_2^2 - w_1^2; descent leaves it where the surface is steep. The "
        "slide does not say where its path begins: starts and rate are ours.",
    )


@figure("pretorius2017/scalar-dynamics", "a scalar network learns: gradient descent and u_f(t) in closed form")
def scalar_dynamics() -> Figure:
    """u over epochs at three rates, and what descent is off by, over the rate."""
    picture, (above, below) = panels(2, sharex=True, size=(ld.plot.COLUMN, 4.0), height_ratios=(1.5, 1.0))
    numbers: dict[str, float] = {}
    for rate, color in zip(RATES, ld.plot.PALETTE, strict=False):
        task = ld.DeepLinear.scalar(1.0, 1.0, learning_rate=rate)
        start = ld.LinearWeights.decoupled(task, u=U_0)
        epochs = np.arange(0, 501)
        run = ld.simulate(task, start, rate * 500, save_at=rate * epochs).u.values[0, :, 0]
        # Equation (2), in the units of the slide: t is measured in epochs.
        E = np.exp(2.0 * rate * epochs)
        theory = E / (E - 1.0 + 1.0 / U_0)
        above.plot(epochs, theory, color=color, label=rf"$\alpha={rate:g}$")
        shown = slice(None, None, 20)
        above.plot(epochs[shown], run[shown], color=color, marker="o", linestyle="none", markerfacecolor="white")
        below.plot(epochs, (run - theory) / rate, color=color)
        numbers |= {f"u({rate:g}, {at})": float(theory[at]) for at in (10, 50, 100, 200, 400)}
        numbers[f"gap({rate:g})"] = float(np.abs(run - theory).max())
    above.set(ylabel="$u=w_2w_1$", ylim=(-0.03, 1.08))
    above.legend(loc="lower right", title="line: $u_f(t)$\nmarkers: descent", title_fontsize=8.5)
    below.set(xlabel="$t$ (epochs)", ylabel=r"$(u_\mathrm{descent}-u_f)\,/\,\alpha$", xlim=(0, 500))
    below.axhline(0.0, color="0.6", linewidth=0.6, zorder=0)
    return Figure(
        picture,
        numbers,
        "A scalar linear network learns y = 1 from x = 1, from w_1 = w_2 = 0.1 (u_0 = 0.01): gradient descent "
        "(markers, every 20th epoch) against u_f(t) = y E / (x (E - 1) + y / u_0), E = exp(2 y x t alpha) (lines) at "
        "three learning rates alpha. Below, their difference over alpha: it is of first order; descent is behind "
        "first. Settings are ours; the slide gives none.",
    )


def decomposition(centred: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sigma, U, s, V of the items; of equal singular values the modes that tell items apart."""
    Sigma = np.array(ITEM_PROPERTIES)
    if centred:
        Sigma = Sigma - Sigma.mean(1, keepdims=True)
        V = np.array([[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]).T
    else:
        V = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]).T
    V /= np.linalg.norm(V, axis=0)
    image = Sigma @ V
    s = np.linalg.norm(image, axis=0)
    return Sigma, image / s, s, V


@figure(
    "pretorius2017/items-and-properties", "items and their properties: the singular value decomposition as a picture"
)
def items_and_properties() -> Figure:
    """Sigma = U S V^T, as it is and less its mean over items."""
    from matplotlib.figure import Figure as Picture

    picture, numbers = Picture(figsize=(ld.plot.TEXT_WIDTH, 4.5)), dict[str, float]()
    picture.set_layout_engine("none")
    items, properties = [item[0].upper() for item in ITEMS], [word[0].upper() for word in PROPERTIES]
    mesh: Any = None
    for name, middle in (("", 3.3), ("centred_", 1.05)):
        Sigma, U, s, V = decomposition(bool(name))
        modes = [str(mode) for mode in range(1, len(s) + 1)]
        drawn = (
            (Sigma, items, properties, "items", "properties", r"$\Sigma^{31}$" + (", centred" if name else "")),
            (U, modes, properties, "modes", "properties", "$U$: features"),
            (np.diag(s) / s[0], modes, modes, "modes", "modes", "$S$"),
            (V.T, items, modes, "items", "modes", "$V^T$: objects"),
        )
        left = 0.55
        for matrix, columns, rows, below, beside, title in drawn:
            size = np.array(matrix.shape)[::-1] * CELL
            place = np.array([left, middle - size[1] / 2.0, *size]) / np.tile(picture.get_size_inches(), 2)
            ax = picture.add_axes(tuple(place))
            mesh = _matrix(ax, matrix, columns, rows)
            ax.set(xlabel=below, ylabel=beside)
            ax.set_title(title, fontsize=9)
            if title == "$S$":
                for mode, value in enumerate(s):
                    color = "white" if mode == 0 else "black"
                    ax.text(mode, mode, f"{value:.2f}", ha="center", va="center", color=color, fontsize=7.5)
            left += size[0] + 0.5
        numbers |= {f"{name}s_{mode}": float(value) for mode, value in enumerate(s, 1)}
        numbers[f"{name}error"] = float(np.abs(U * s @ V.T - Sigma).max())
        numbers[f"{name}off"] = float(max(np.abs(X.T @ X - np.eye(len(s))).max() for X in (U, V)))
    bar = picture.colorbar(mesh, cax=picture.add_axes((0.93, 0.29, 0.012, 0.45), label="<colorbar>"), ticks=[-1, 0, 1])
    bar.set_label("entry ($S$: over $s_1$)")
    return Figure(
        picture,
        numbers,
        "The correlation of items (canary, salmon, oak, rose) with their properties (petals, bark, scales, flies, "
        "moves) and its singular value decomposition U S V^T. Above, as it is: singular values sqrt 3, 1, 1, 1. Below, "
        "less the mean over items, which leaves three modes as on the slide: animals and plants, canary and salmon, "
        "oak and rose. The slide is a picture: the matrix of zeros and ones is inferred from its labels, and that it "
        "was centred from the number of its modes. Among equal singular values the choice of modes is ours.",
    )


def _matrix(ax: Any, matrix: np.ndarray, columns: list[str], rows: list[str]) -> Any:
    """Coloured squares from -1 (blue) to 1 (red)."""
    mesh = ax.imshow(matrix, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    for edge in np.arange(0.5, max(matrix.shape) - 1):
        if edge < matrix.shape[1] - 1:
            ax.axvline(edge, color="0.8", linewidth=0.5)
        if edge < matrix.shape[0] - 1:
            ax.axhline(edge, color="0.8", linewidth=0.5)
    return mesh


def hierarchy(levels: int) -> np.ndarray:
    """Nodes of a binary tree by its 2^levels leaves: 1 where the leaf is below the node, the leaf itself included."""
    leaves = 2**levels
    rows = [np.repeat(np.eye(2**level), leaves // 2**level, axis=1) for level in range(levels + 1)]
    return np.concatenate(rows)


@figure("pretorius2017/modes", "modes are learned one after another: items and properties, and a deeper hierarchy")
def modes() -> Figure:
    """Closed forms against matrices that descend, from small decoupled and from random weights."""
    picture, axes = panels(1, 2, size=(ld.plot.TEXT_WIDTH, 2.8), sharey=False)
    numbers: dict[str, float] = {}
    tasks = {"items": ld.DeepLinear.items(learning_rate=0.01), "tree": ld.DeepLinear(hierarchy(3), learning_rate=0.002)}
    for ax, (name, task), until in zip(axes, tasks.items(), (6.0, 6.0), strict=True):
        start, times = ld.LinearWeights.decoupled(task, u=U_0), np.linspace(0.0, until, 241)
        theory = ld.solve(task, start, until, save_at=times, method="closed_form")
        descent = ld.simulate(task, start, until, save_at=times[::12])
        s = task.modes().s.values
        random = ld.simulate(task, ld.LinearWeights.random(task, scale=0.05, seed=2017), until, save_at=times)
        for order, value in enumerate(sorted(set(s.round(9)), reverse=True)):
            first, color = int(np.argmax(s.round(9) == value)), ld.plot.PALETTE[order]
            count = int((s.round(9) == value).sum())
            label = f"$s={_root(value)}$" + (f" ({count} modes)" if count > 1 else "")
            ax.plot(times, theory.u[:, first], color=color, label=label)
            ax.plot(
                descent.t, descent.u[0, :, first], color=color, marker="o", markerfacecolor="white", linestyle="none"
            )
            for mode in range(first, first + count):
                ax.plot(times, random.u[0, :, mode], color=color, linewidth=0.5, alpha=0.6, zorder=0)
            half = float(np.interp(s[first] / 2.0, theory.u.values[:, first], times))
            numbers |= {f"{name}_s_{order + 1}": float(s[first]), f"{name}_half_{order + 1}": half}
        gap = np.abs(descent.u.values[0] - theory.u.values[::12])
        numbers[f"{name}_gap"] = float(gap.max())
        numbers[f"{name}_random"] = float(np.abs(random.u.values[0, -1] / s - 1.0).max())
        ax.set(xlabel="$t$", ylabel="strength $u$", xlim=(0, until), ylim=(-0.1, 1.12 * s[0]))
        ax.set_title({"items": "four items, five properties", "tree": "binary tree, eight items"}[name])
        place = {"loc": "center right", "bbox_to_anchor": (1.0, 0.755), "ncols": 2} if name == "tree" else {}
        ax.legend(fontsize=8, **({"loc": "lower right"} | place))
    return Figure(
        picture,
        numbers,
        "A two-layer linear network learns the modes of its task one after another, at times close to ln(s / u_0) / (2 "
        "s). Lines: closed form from decoupled weights with u_0 = 0.01; circles: gradient descent on the matrices from "
        "the same start; thin lines: descent from small random weights (standard deviation 0.05), whose modes mix at "
        "first. Left, the items of the slide (matrix inferred); right, eight items at the leaves of a binary tree with "
        "a property for each node, of our own: broad distinctions come first, and fine ones last.",
    )


def _root(value: float) -> str:
    square = round(value**2)
    return f"{value:g}" if abs(value - round(value)) < 1e-9 else rf"\sqrt{{{square}}}"
