"""Pretorius (2017), the slide "our current focus": weight decay, dropout, autoencoders, generalisation.

The slide has formulas for the first two and words for the others; all settings are ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure

U_0 = 0.01
DECAYS = (0.0, 0.3, 0.6, 0.9, 1.1)
# Dropout: modes that are runs of their own, share kept, distance from the ends, learning rate of the steps.
RUNS, KEEP, EPSILON, RATE = 1000, 0.6, 0.01, 2e-3
# Autoencoders: variances of the inputs and of the noise on them.
VARIANCES, NOISE, LATEST = (2.0, 1.0, 0.4), 0.5, 14.0
# A noisy sample: inputs, examples, variance of what is not signal.
N_INPUTS, EXAMPLES, CLUTTER = 20, 30, 0.5
ASPECTS = (0.25, 0.5, 1.0, 2.0)


@figure("pretorius2017/weight-decay", "modes under weight decay: u(t) of the slide, and the modes that die")
def weight_decay() -> Figure:
    """Strengths over time for several lambda, and at the end over s."""
    picture, (left, right) = panels(1, 2, size=(ld.plot.TEXT_WIDTH, 2.7))
    times, numbers = np.linspace(0.0, 12.0, 241), {}
    for decay, color in zip(DECAYS, ld.plot.PALETTE, strict=False):
        modes = ld.LinearModes(1.0, weight_decay=decay, learning_rate=0.01)
        theory = ld.solve(modes, 0.2, 12.0, save_at=times, method="closed_form").u.values[:, 0]
        descent = ld.simulate(modes, 0.2, 12.0, save_at=times[::10])
        left.plot(times, theory, color=color, label=rf"$\lambda={decay:g}$")
        look = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        left.plot(descent.t, descent.u[0, :, 0], color=color, **look)
        numbers[f"gap({decay:g})"] = float(np.abs(descent.u.values[0, :, 0] - theory[::10]).max())
        numbers |= {f"u({decay:g}, {at:g})": float(np.interp(at, times, theory)) for at in (1.0, 4.0, 12.0)}
    s = np.linspace(0.0, 2.0, 401)
    for decay, color in zip(DECAYS, ld.plot.PALETTE, strict=False):
        final = ld.LinearModes(s, weight_decay=decay).strengths(0.2, [2000.0])[0]
        right.plot(s, final, color=color)
        # Of what lives: modes right above the threshold take longer than any time.
        alive = s > decay + 0.02
        numbers[f"threshold({decay:g})"] = float(s[alive][0] - final[alive][0])
    left.set(xlabel=r"$t/\tau$", ylabel="strength $u$", xlim=(0, 12), ylim=(-0.03, 1.08))
    left.legend(loc="center right", bbox_to_anchor=(1.0, 0.79), ncols=3, fontsize=8)
    right.set(xlabel="singular value $s$", ylabel=r"strength at the end, $u(\infty)$", xlim=(0, 2), ylim=(-0.03, 2.0))
    return Figure(
        picture,
        numbers,
        "Left, a mode of s = 1 under weight decay lambda (lambda* on the slide) from u_0 = 0.2: closed form of the "
        "slide (lines) and gradient descent at the rate 0.01 (circles). Right, the strength at the end over the "
        "singular value: u = s - lambda, and a mode with s below lambda dies. Settings are ours.",
    )


def passage_times(u: np.ndarray, t: np.ndarray, level: float) -> np.ndarray:
    """When each column of u (rows, runs) first reaches a level, interpolated."""
    row, run = (u >= level).argmax(0), np.arange(u.shape[1])
    before, after = u[row - 1, run], u[row, run]
    return t[row] - (t[row] - t[row - 1]) * (after - level) / (after - before)


def shared_output(units: int, until: float) -> tuple[np.ndarray, np.ndarray]:
    """Times, and the mean output of units that share one mode (s = 1), each under a mask of its own; 200 runs."""
    rng, steps = np.random.Generator(np.random.SFC64(2017)), round(until / RATE)
    first = np.full((200, units), np.sqrt(EPSILON / units))
    second, output = first.copy(), np.empty(steps + 1)
    for step in range(steps + 1):
        output[step] = KEEP * (first * second).sum(1).mean()
        d = rng.random(first.shape) < KEEP
        push = RATE * d * (1.0 - (d * first * second).sum(1, keepdims=True))
        first, second = first + push * second, second + push * first
    return RATE * np.arange(steps + 1), output


@figure("pretorius2017/dropout-bound", "dropout: runs under masks, their mean learning time, the bound of the slide")
def dropout_bound() -> Figure:
    """Runs; mean time over p; how tight the bound is."""
    picture, (left, middle, right) = panels(1, 3, size=(ld.plot.TEXT_WIDTH, 2.7), width_ratios=(1.25, 1, 1))
    numbers = _draw_runs(left)
    keeps = np.array([0.2, 0.4, 0.6, 0.8])
    p = np.linspace(0.15, 1.0, 120)
    middle.plot(p, np.log(1.0 / EPSILON - 1.0) / p, label="mean, theory")
    middle.plot(p, np.log(1.0 / EPSILON) / p, linestyle="--", label="bound")
    for keep in keeps:
        numbers |= _mark_times(middle, keep, EPSILON, keep, 1.0, "p")
    middle.set(xlabel="share kept, $p$", ylabel=r"mean time $E[t]\,s/\tau$", xlim=(0.1, 1.0), ylim=(0, 33))
    middle.legend(loc="upper right", fontsize=8)
    epsilons = np.geomspace(0.003, 0.4, 100)
    right.semilogx(epsilons, np.log(1.0 / epsilons - 1.0))
    right.semilogx(epsilons, -np.log(epsilons), linestyle="--")
    for epsilon in (0.3, 0.2, 0.1, 0.03, 0.01):
        numbers |= _mark_times(right, KEEP, epsilon, epsilon, KEEP, "eps")
    right.set(xlabel=r"$\epsilon/s$", ylabel=r"$E[t]\,ps/\tau$", xlim=(0.003, 0.4), ylim=(0, 6))
    return Figure(
        picture,
        numbers,
        f"Learning under dropout: a mode (s = 1) is kept with probability p in each step. Left, p = {KEEP:g}: single "
        f"runs (grey) from u = {EPSILON:g}, the flow of their mean (blue) and the time without dropout (black). Four "
        "units that share the mode, each under its own mask (orange, mean output of 200 runs), settle at 0.857: terms "
        "p (1 - p) act as weight decay, and they never reach s - eps: the bound is for one path. Middle and right: "
        f"mean time from eps to s - eps over {RUNS} runs at the rate {RATE:g} (markers; standard errors are smaller), "
        "tau / (s p) ln((s - eps) / eps) (line) and the bound tau / (s p) ln(s / eps) (dashed), over p and over eps. "
        "The slide writes rho for p at one place. Settings are ours.",
    )


def _draw_runs(ax: Any) -> dict[str, float]:
    times = np.linspace(0.0, 14.0, 141)
    modes = ld.LinearModes(np.ones(RUNS), dropout_keep=KEEP, learning_rate=RATE)
    u = ld.simulate(modes, EPSILON, 14.0, save_at=times, seed=2017).u.values[0]
    ax.plot(times, u[:, :30], color="0.75", linewidth=0.4)
    ax.plot(times, modes.strengths(EPSILON, times)[:, 0], label=f"$p={KEEP:g}$")
    ax.plot(times, ld.LinearModes(1.0).strengths(EPSILON, times)[:, 0], color="black", linestyle=":", label="$p=1$")
    t, output = shared_output(4, 14.0)
    ax.plot(t, output, color=ld.plot.PALETTE[1], label="four units")
    ax.axvline(modes.dropout_bound(EPSILON)[0], color="0.4", linewidth=0.8, linestyle="--")
    ax.set(xlabel=r"$t/\tau$", ylabel="strength $u$", xlim=(0, 14), ylim=(-0.03, 1.08))
    ax.legend(loc="lower right", fontsize=8)
    return {"four_units": float(output[-1]), "bound": float(modes.dropout_bound(EPSILON)[0])}


def _mark_times(ax: Any, keep: float, epsilon: float, x: float, unit: float, name: str) -> dict[str, float]:
    """The mean time over runs, in units of 1 / unit; its standard errors from theory."""
    modes = ld.LinearModes(np.ones(RUNS), dropout_keep=float(keep), learning_rate=RATE)
    mean = modes.dropout_time(epsilon)[0]
    rows = np.linspace(0.5, 1.6, 111) * mean
    u = ld.simulate(modes, epsilon, rows[-1], save_at=rows, seed=2017).u.values[0]
    found = passage_times(u, RATE * np.rint(rows / RATE), 1.0 - epsilon)
    error = found.std(ddof=1) / np.sqrt(RUNS)
    ax.errorbar(x, unit * found.mean(), yerr=unit * error, **LOOK)
    at = f"{name}={x:g}"
    return {f"time({at})": float(found.mean()), f"error({at})": float(error), f"theory({at})": float(mean)}


LOOK = {"marker": "o", "color": "black", "markerfacecolor": "white", "linestyle": "none", "capsize": 1.5, "zorder": 4}


@figure("pretorius2017/autoencoders", "linear autoencoders: noise on the inputs against weight decay, the best noise")
def autoencoders() -> Figure:
    """Modes with the same limit, and the error on clean signals over noise and time."""
    picture, (left, right) = panels(1, 2, size=(ld.plot.TEXT_WIDTH, 2.9))
    numbers = _draw_noise_and_decay(left)
    numbers |= _draw_best(picture, right)
    return Figure(
        picture,
        numbers,
        "Left, modes of linear autoencoders for inputs of the variances 2, 1 and 0.4: with noise of the variance 0.5 "
        "on the inputs (lines; circles: descent by one noisy example a step, mean of 20 runs), and with the weight "
        "decay gamma = v sigma^2 / (v + sigma^2) of each mode (dashed). Their limits are the same; noise is faster. "
        f"Right, the error on clean signals of an autoencoder of {EXAMPLES} examples with {N_INPUTS} inputs, signals "
        "of variances 2 to 0.04 in clutter of the variance 0.5: over the noise on its inputs and the time of stopping. "
        "Star: the best of both; triangle: best time without noise; square: best noise at t = 20. With the best noise "
        "stopping gains nothing here. Settings are ours.",
    )


def _draw_noise_and_decay(ax: Any) -> dict[str, float]:
    times, v = np.linspace(0.0, LATEST, 561), np.array(VARIANCES)
    task = ld.DeepLinear.autoencoder(v, input_noise=np.sqrt(NOISE), learning_rate=5e-3)
    start = ld.LinearWeights.decoupled(task, u=U_0)
    runs = ld.simulate(task, start, LATEST, replicas=20, method="samples", save_at=times[::20], seed=2017)
    averaged = ld.mean_and_error(runs)
    gamma, numbers = ld.equivalent_weight_decay(v, np.sqrt(NOISE)), {}
    for mode, (variance, decay) in enumerate(zip(v, gamma, strict=True)):
        color = ld.plot.PALETTE[mode]
        noisy = ld.LinearModes(variance, variance, input_noise=np.sqrt(NOISE)).strengths(U_0, times)[:, 0]
        decayed = ld.LinearModes(variance, variance, weight_decay=decay).strengths(U_0, times)[:, 0]
        ax.plot(times, noisy, color=color, label=f"$v={variance:g}$")
        ax.plot(times, decayed, color=color, linestyle="--")
        u, error = averaged.u.values[:, mode], averaged.u_error.values[:, mode]
        ax.errorbar(averaged.t, u, yerr=error, **LOOK | {"color": color})
        numbers[f"limit({variance:g})"] = float(variance / (variance + NOISE))
        for name, curve in (("noise", noisy), ("decay", decayed)):
            numbers[f"half_{name}({variance:g})"] = float(np.interp(0.5 * variance / (variance + NOISE), curve, times))
        numbers[f"apart({variance:g})"] = float(np.abs(u - noisy[::20]).max())
    ax.set(xlabel=r"$t/\tau$", ylabel="strength $u$", xlim=(0, LATEST), ylim=(-0.03, 1.12))
    ax.legend(loc="upper left", title="line: noise, dashed: decay", title_fontsize=8, fontsize=8, ncols=3)
    return numbers


def noisy_sample() -> tuple[ld.LinearModes, ld.LinearModes]:
    """The modes of an autoencoder of noisy examples, and those of the population along the same directions."""
    rng = np.random.Generator(np.random.SFC64(2017))
    signal = 2.0 / np.arange(1, N_INPUTS + 1) ** 1.3
    X = rng.standard_normal((EXAMPLES, N_INPUTS)) * np.sqrt(signal + CLUTTER)
    variances, V = np.linalg.eigh(X.T @ X / EXAMPLES)
    s, beta = (V**2 * signal[:, None]).sum(0), (V**2 * (signal + CLUTTER)[:, None]).sum(0)
    least = 0.5 * float(signal.sum() - (s**2 / beta).sum())
    return ld.LinearModes(variances, variances), ld.LinearModes(s, beta, least_loss=least)


def _draw_best(picture: Any, ax: Any) -> dict[str, float]:
    sample, population = noisy_sample()
    best = ld.optimal_denoising(sample, U_0, until=20.0, population=population)
    times, noises = np.geomspace(0.5, 20.0, 90), np.linspace(0.0, 2.5, 76)
    beta, target = np.broadcast_to(population.beta.values, population.m), population.best
    losses = np.array([
        population.least_loss
        + (beta * (sample.replace(input_noise=sigma).strengths(U_0, times) - target) ** 2).sum(-1) / 2.0
        for sigma in noises
    ])  # fmt: skip
    smallest = float(best.loss.sel(strategy="both"))
    levels = smallest * np.array([1.0, 1.01, 1.03, 1.1, 1.2, 1.4, 1.7, 2.0, 2.5])
    mesh = ax.contourf(times, noises, losses, levels, cmap="viridis_r", extend="max")
    picture.colorbar(mesh, ax=ax, format="%.2f", label="error on clean signals")
    ax.set_xscale("log")
    for strategy, marker in (("both", "*"), ("stopping", "^"), ("noise", "s")):
        row = best.sel(strategy=strategy)
        look = {"marker": marker, "color": "white", "markeredgecolor": "black", "clip_on": False, "zorder": 5}
        ax.plot(float(row.t), float(row.input_noise), markersize=9 if marker == "*" else 5, **look)
    ax.set(xlabel=r"time of stopping, $t/\tau$", ylabel=r"noise $\sigma$", xticks=[0.5, 1, 2, 5, 10, 20])
    ax.set_xticklabels(["0.5", "1", "2", "5", "10", "20"])
    ax.minorticks_off()
    found: dict[str, float] = {"grid": float(losses.min())}
    for strategy in best.strategy.values:
        row = best.sel(strategy=strategy)
        found |= {f"{name}_{strategy}": float(row[name]) for name in ("loss", "input_noise", "t")}
    return found | {"plain": float(losses[0, -1])}


@figure(
    "pretorius2017/generalisation",
    "generalisation: training and test error over time and n / p; stopping, decay",
)
def generalisation() -> Figure:
    """Errors over time with simulations; over inputs for each example; what stopping and decay gain."""
    picture, (left, middle, right) = panels(1, 3, size=(ld.plot.TEXT_WIDTH, 2.8))
    numbers: dict[str, float] = {}
    times = np.geomspace(0.02, 200.0, 120)
    for aspect, color in zip(ASPECTS, ld.plot.PALETTE, strict=False):
        numbers |= _draw_errors(left, aspect, color, times)
    left.set(xlabel="$t$", ylabel="error", xscale="log", xlim=(0.02, 200), ylim=(0, 0.95))
    left.legend(loc="upper left", fontsize=8, title="$a=n/p$", title_fontsize=8, ncols=2)
    aspects = np.unique(np.concatenate([np.geomspace(0.1, 10.0, 61), 1.0 + np.array([-0.1, -0.05, 0.05, 0.1])]))
    aspects = aspects[np.abs(aspects - 1.0) > 0.02]
    ends, stopped, ridge = np.array([_best_errors(aspect) for aspect in aspects]).T
    middle.semilogx(aspects, ends, label="at the end")
    middle.semilogx(aspects, stopped, label="best time")
    middle.semilogx(aspects, ridge, linestyle="--", label="best decay")
    middle.set(xlabel="$a=n/p$", ylabel="test error", xlim=(0.1, 10), ylim=(0, 2))
    middle.legend(loc="upper right", fontsize=8)
    numbers["largest_gain"] = float((stopped / ridge).max())
    for decay, color in zip((0.0, 0.05, 0.25, 1.0), ld.plot.PALETTE, strict=False):
        sample = ld.FiniteSample(1.0, label_noise=0.5, weight_decay=decay)
        run = ld.solve(sample, 0.0, 200.0, save_at=times)
        right.semilogx(times, run.test_error, color=color, label=f"{decay:g}")
        numbers |= {f"end({decay:g})": float(run.test_error[-1]), f"least({decay:g})": float(run.test_error.min())}
    right.set(xlabel="$t$", ylabel="test error", xlim=(0.02, 200), ylim=(0.2, 0.95))
    right.legend(loc="upper left", fontsize=8, title=r"decay $\gamma$, $a=1$", title_fontsize=8)
    return Figure(
        picture,
        numbers,
        "A linear student of n inputs learns p examples of a linear rule with label noise 0.5 (signal 1), from w = 0. "
        "Left: test error (solid) and training error (dotted) over time for four n / p; circles: gradient descent on "
        "samples of n = 100, mean of 10; triangles: the best time to stop. Middle: test error at the end of learning, "
        "at its best time, and with the best weight decay: at the end it peaks where there are as many inputs as "
        "examples. Right: weight "
        "decay gamma at n = p; 0.25 is the best one, and then stopping gains nothing. Lines: Marchenko and Pastur's "
        "law. The slide names generalisation as future work: figure and settings are ours.",
    )


def _draw_errors(ax: Any, aspect: float, color: str, times: np.ndarray) -> dict[str, float]:
    sample = ld.FiniteSample(aspect, label_noise=0.5, learning_rate=0.05)
    run = ld.solve(sample, 0.0, 200.0, save_at=times)
    ax.plot(times, run.test_error, color=color, label=f"{aspect:g}")
    ax.plot(times, run.train_error, color=color, linestyle=":")
    runs = ld.simulate(sample, 0.0, 50.0, N=100, replicas=10, save_at=np.geomspace(0.1, 50.0, 9), seed=2017)
    averaged = ld.mean_and_error(runs)
    for name in ("test_error", "train_error"):
        ax.errorbar(averaged.t, averaged[name], yerr=averaged[f"{name}_error"], **LOOK | {"color": color})
    best = ld.optimal_stopping_time(sample)
    ax.plot(float(best.t), float(best.test_error), marker="v", color=color, markersize=5, zorder=6)
    theory = ld.solve(sample, 0.0, 50.0, save_at=runs.t.values)
    z = np.abs((averaged.test_error - theory.test_error) / averaged.test_error_error)
    found = {"t_best": best.t, "best": best.test_error, "z": z.max()}
    return {f"{name}({aspect:g})": float(value) for name, value in found.items()}


def _best_errors(aspect: float) -> tuple[float, float, float]:
    sample = ld.FiniteSample(float(aspect), label_noise=0.5)
    ridge = sample.replace(weight_decay=sample.best_ridge()).final()["test_error"]
    return sample.final()["test_error"], float(ld.optimal_stopping_time(sample).test_error), ridge
