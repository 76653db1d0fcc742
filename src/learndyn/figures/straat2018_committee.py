"""Straat (2018), slides 33 to 41: soft committee machines that can represent their teacher, K = M = 2 and 3.

All of them in the limit eta -> 0, in which the slides drop the eta^2 term: ``dynamics="gradient_flow"``, learning rate
1, so that time is eta alpha.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import at, draw_eps_g, draw_R_and_Q, end, panels
from learndyn.figures.registry import Figure, figure

# Straat 2018, p. 32.
R_0 = [[0.0, 1.2822e-3], [1.2822e-3, 0.0]]
Q_0 = [[0.2, 0.0], [0.0, 0.3]]
FLOW = "eta -> 0 (the eta^2 term dropped; time is eta alpha)"
START_32 = "R_12(0) = R_21(0) = 1.2822e-3, other R(0) = 0, Q(0) = diag(0.2, 0.3)"
RANDOM = "R_in(0) and Q_ij(0) uniform in [0, 1e-12], Q_ii(0) uniform in [0.1, 0.5] (one draw, seed 7)"
NO_ERF_START = "The slide does not state the start; that of the ReLU figure is used."


def flow(K: int, M: int, activation: str) -> ld.StudentTeacher:
    """The scenario in the limit eta -> 0."""
    return ld.StudentTeacher(
        ld.Student(K, activation), ld.Teacher(M, activation), learning_rate=1.0, dynamics="gradient_flow"
    )


def solve(scenario: ld.StudentTeacher, start: ld.Start, until: float, save_at: Any = None) -> xr.Dataset:
    """Theory, accurate enough for a start of 1e-12 to be followed off a plateau."""
    return ld.solve(scenario, start, until, save_at=save_at, rtol=1e-10, atol=1e-14)


def _two(activation: str, until: float) -> xr.Dataset:
    return solve(flow(2, 2, activation), ld.Start(Q_0, R_0), until, save_at=401)


def _three(activation: str, until: float) -> xr.Dataset:
    scenario = flow(3, 3, activation)
    return solve(scenario, ld.Start.random(scenario, seed=7), until, save_at=501)


@figure("2018-relu-k2-m2-order-parameters", "R and Q of the ReLU committee, K = M = 2 (slide 33)")
def relu_k2_m2_order_parameters() -> Figure:
    """The unspecialised plateau, and the escape from it."""
    theory = _two("relu", 80)
    picture, _ = draw_R_and_Q(theory.sel(alpha=slice(0, 60)))
    numbers = end(theory)
    for time in (10, 20, 30, 40):
        row = end(theory.sel(alpha=[time]))
        numbers |= {f"{name}({time})": row[name] for name in ("R_11", "R_12", "Q_11", "Q_12", "Q_22")}
    return Figure(picture, numbers, f"ReLU soft committee machine, K = M = 2, T = I, {FLOW}; {START_32}.")


@figure("2018-relu-k2-m2-generalisation-error", "eps_g of the ReLU committee, K = M = 2 (slide 34)")
def relu_k2_m2_generalisation_error() -> Figure:
    """The plateau in the learning curve."""
    theory = _two("relu", 80)
    picture, _ = draw_eps_g(theory.sel(alpha=slice(0, 60)), scale="linear")
    return Figure(
        picture,
        at(theory, 5, 10, 20, 30, 40, 60, 80),
        f"Generalisation error of the ReLU soft committee machine, K = M = 2, T = I, {FLOW}; {START_32}.",
    )


def escape_time(activation: str, X: float) -> float:
    """The time eta alpha at which |R_11 - R_12| = 0.1, from R = X I and Q = diag(0.2, 0.3)."""
    scenario = flow(2, 2, activation)
    start = ld.Start(Q_0, X * np.eye(2))

    def crossing(until: float, save_at: Any) -> tuple[np.ndarray, np.ndarray]:
        """The times of the rows before and after, and the gaps there."""
        curve = solve(scenario, start, until, save_at)
        gap = np.abs(curve.R.sel(student=1, teacher=1) - curve.R.sel(student=1, teacher=2)).values
        rows = int(np.argmax(gap > 0.1)) + np.array([-1, 0])
        return curve.alpha.values[rows], gap[rows]

    times, _ = crossing((30.0 if activation == "erf" else 10.0) * (1.0 - np.log(X)), 401)
    times, gaps = crossing(times[1], np.linspace(times[0], times[1], 101))
    return float(np.interp(np.log(0.1), np.log(gaps), times))


@figure("2018-relu-k2-m2-plateau-length", "length of the plateau against the asymmetry X of the start (slides 34, 35)")
def plateau_length() -> Figure:
    """The time to escape grows as ln(1 / X) / lambda_5."""
    picture, ax = panels()
    numbers: dict[str, float] = {}
    cases = (("relu", 8, 0.23923669828614813), ("erf", 5, 0.0657498073661108))
    for order, (activation, decades, rate) in enumerate(cases):
        X = 10.0 ** -np.arange(2, decades + 1)
        times = np.array([escape_time(activation, x) for x in X])
        color = ld.plot.PALETTE[order]
        name = {"relu": "ReLU", "erf": "erf"}[activation]
        slope = (times[-1] - times[-2]) / np.log(10.0)
        ax.plot(X, times, ("o", "s")[order], color=color, markerfacecolor="white", label=name, zorder=3)
        label = rf"slope $1/\lambda_5={1 / rate:.2f}$"
        ax.plot(X, times[-1] + np.log(X[-1] / X) / rate, color=color, linewidth=0.8, label=label)
        numbers |= {f"{activation}({x:.0e})": float(t) for x, t in zip(X, times, strict=True)}
        numbers[f"slope_{activation}"] = float(slope)
    ax.set(xscale="log", xlabel="$X$", ylabel=r"$\eta\alpha$ at which $|R_{11}-R_{12}|=0.1$")
    ax.legend()
    return Figure(
        picture,
        numbers,
        f"Time to leave the unspecialised plateau from R(0) = X I, Q(0) = diag(0.2, 0.3), {FLOW}. Slide 34 says that "
        "the plateau length increases logarithmically with X: it grows as ln(1/X)/lambda_5, with 1/X. For erf the "
        "slope approaches 1/lambda_5 slowly, since two directions relax algebraically.",
    )


def _symmetric_plateau(activation: str, until: float) -> xr.Dataset:
    """A run that never specialises: all R equal, both Q_ii equal."""
    start = ld.Start(0.2 * np.eye(2), np.full((2, 2), 1e-3))
    return solve(flow(2, 2, activation), start, until, ld.logspaced(300, first=0.1))


def _plateau_figure(activation: str, curve: xr.Dataset, point: ld.Start, slide: dict[str, Any]) -> Any:
    """The symmetric run with the slide's values, and the eigenvalues beside those of the slide; the fixed point."""
    plateau = ld.find_fixed_point(flow(2, 2, activation), point)
    # The slides order them by modulus.
    order = np.argsort(-np.abs(plateau.eigenvalues.values))
    values = plateau.eigenvalues.values[order]
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 4.6))
    symbols = {"$R_{in}$": (curve.R.mean(("student", "teacher")), slide["R"])}
    diagonal = (curve.Q.sel(student=1, student2=1) + curve.Q.sel(student=2, student2=2)) / 2
    symbols["$Q_{ii}$"] = (diagonal, slide["Q_ii"])
    symbols["$Q_{12}$"] = (curve.Q.sel(student=1, student2=2), slide["Q_12"])
    for order, (label, (values_of, printed)) in enumerate(symbols.items()):
        style = ("-", "-", "--")[order]
        above.plot(curve.alpha, values_of, color=ld.plot.PALETTE[order], label=label, linestyle=style)
        above.axhline(printed, color=ld.plot.PALETTE[order], linewidth=0.6, linestyle=":")
    above.plot([], [], color="0.3", linewidth=0.6, linestyle=":", label="slide")
    above.set(xlabel=r"$\eta\alpha$", ylabel="symmetric run", xscale="log", xlim=(0.1, float(curve.alpha[-1])))
    above.legend(ncols=2)
    number = np.arange(1, 8)
    below.axhline(0.0, color="0.6", linewidth=0.6)
    below.plot(number, values, "o", color=ld.plot.PALETTE[0], markerfacecolor="white", label="learndyn", ms=5)
    below.plot(number, slide["lambda"], "x", color=ld.plot.PALETTE[1], label="slide")
    below.set(xlabel="$k$", ylabel=r"eigenvalue $\lambda_k$", xticks=number)
    below.legend()
    numbers = {"R": float(plateau.R[0, 0]), "Q_ii": float(plateau.Q[0, 0]), "Q_12": float(plateau.Q[0, 1])}
    numbers |= {"eps_g": float(plateau.eps_g)}
    numbers |= {f"lambda({k})": float(value) for k, value in zip(number, values, strict=True)}
    escape = plateau.eigenvectors.sel(mode=1)
    return picture, numbers | {f"u_5({name})": float(escape.sel(parameter=name)) for name in plateau.parameter.values}


@figure("2018-relu-k2-m2-plateau", "fixed point and eigenvalues of the ReLU plateau, K = M = 2 (slide 36)")
def relu_plateau() -> Figure:
    """All numbers of the slide hold."""
    curve = _symmetric_plateau("relu", 100)
    slide: dict[str, Any] = {"R": 0.5246, "Q_ii": 0.7178, "Q_12": 0.3830}
    slide["lambda"] = [-1.3583, -0.9568, -0.6443, -0.4399, 0.2392, -0.2308, -0.0049]
    last = curve.isel(alpha=-1)
    picture, numbers = _plateau_figure(
        "relu", curve.sel(alpha=slice(0, 20)), ld.Start(last.Q.values, last.R.values), slide
    )
    return Figure(
        picture,
        numbers,
        f"ReLU soft committee machine, K = M = 2, {FLOW}. Above: a run from R(0) = 1e-3, Q(0) = 0.2 I, which stays "
        "symmetric, ends in the fixed point that makes the plateau. Below: eigenvalues of the flow there. All values "
        "that the slide prints are reproduced; the one positive eigenvalue has the direction "
        "(1, -1, -1, 1, 0, 0, 0)/2 in (R_11, R_12, R_21, R_22, Q_11, Q_12, Q_22).",
    )


@figure("2018-erf-k2-m2-order-parameters", "R and Q of the erf committee, K = M = 2 (slide 37)")
def erf_k2_m2_order_parameters() -> Figure:
    """The same with the sigmoidal activation: a longer plateau."""
    theory = _two("erf", 200)
    picture, _ = draw_R_and_Q(theory)
    return Figure(
        picture,
        end(theory),
        f"erf soft committee machine, K = M = 2, T = I, {FLOW}; {START_32}. {NO_ERF_START}",
    )


@figure("2018-erf-k2-m2-generalisation-error", "eps_g of the erf committee, K = M = 2 (goes with slide 37)")
def erf_k2_m2_generalisation_error() -> Figure:
    """The learning curve of the same run."""
    theory = _two("erf", 200)
    picture, _ = draw_eps_g(theory, scale="log")
    return Figure(
        picture,
        at(theory, 20, 50, 100, 150, 200),
        f"Generalisation error of the erf soft committee machine, K = M = 2, {FLOW}; {START_32}. {NO_ERF_START}",
    )


@figure("2018-erf-k2-m2-plateau", "fixed point and eigenvalues of the erf plateau, K = M = 2 (slide 38)")
def erf_plateau() -> Figure:
    """The fixed point holds, the printed eigenvalues do not."""
    curve = _symmetric_plateau("erf", 1e4)
    last = curve.isel(alpha=-1)
    slide: dict[str, Any] = {"R": 0.4082, "Q_ii": 0.3333, "Q_12": 0.3333}
    slide["lambda"] = [-1.4682, -0.6922, -0.6108, -0.4086, 0.0682, -0.0192, 0.0103]
    picture, numbers = _plateau_figure("erf", curve, ld.Start(last.Q.values, last.R.values), slide)
    # Q_ii - Q_12 vanishes algebraically in time.
    numbers |= {"R_run": float(last.R.mean()), "Q_run": float(last.Q.mean())}
    return Figure(
        picture,
        numbers,
        f"erf soft committee machine, K = M = 2, {FLOW}. Above: a run from R(0) = 1e-3, Q(0) = 0.2 I, which stays "
        "symmetric, tends to the fixed point R = 1/sqrt(6), Q_ik = 1/3 of the slide. Below: the eigenvalues that the "
        "slide prints are not reproduced; the correct ones are (-30, -15, -14, -9, 1, 0, 0) 4/(5 sqrt(15) pi). The "
        "escape direction is that of the slide.",
    )


@figure("2018-relu-k3-m3-order-parameters", "R and Q of the ReLU committee, K = M = 3 (slide 40)")
def relu_k3_m3_order_parameters() -> Figure:
    """From a start with almost no asymmetry."""
    theory = _three("relu", 250)
    picture, _ = draw_R_and_Q(theory)
    numbers = end(theory)
    plateau = end(theory.sel(alpha=[90]))
    numbers |= {f"{name}(90)": plateau[name] for name in ("R_11", "Q_11", "Q_12")}
    return Figure(picture, numbers, f"ReLU soft committee machine, K = M = 3, T = I, {FLOW}; {RANDOM}.")


@figure("2018-relu-k3-m3-generalisation-error", "eps_g of the ReLU committee, K = M = 3 (goes with slide 40)")
def relu_k3_m3_generalisation_error() -> Figure:
    """Its learning curve."""
    theory = _three("relu", 250)
    picture, _ = draw_eps_g(theory, scale="linear")
    caption = f"Generalisation error of the ReLU soft committee machine, K = M = 3, {FLOW}; {RANDOM}."
    return Figure(picture, at(theory, 50, 100, 150, 200, 250), caption)


@figure("2018-erf-k3-m3-order-parameters", "R and Q of the erf committee, K = M = 3 (counterpart of slide 40)")
def erf_k3_m3_order_parameters() -> Figure:
    """The counterpart for erf; the slides have none."""
    theory = _three("erf", 1000)
    picture, _ = draw_R_and_Q(theory)
    caption = f"erf soft committee machine, K = M = 3, T = I, {FLOW}; {RANDOM}. The slides show ReLU only."
    return Figure(picture, end(theory), caption)


@figure("2018-erf-k3-m3-generalisation-error", "eps_g of the erf committee, K = M = 3 (counterpart of slide 40)")
def erf_k3_m3_generalisation_error() -> Figure:
    """Its learning curve."""
    theory = _three("erf", 1000)
    picture, _ = draw_eps_g(theory, scale="log")
    caption = f"Generalisation error of the erf soft committee machine, K = M = 3, {FLOW}; {RANDOM}."
    return Figure(picture, at(theory, 100, 500, 1000), caption)


@figure(
    "2018-relu-k3-m3-site-symmetry", "the four order parameters of the site-symmetric ReLU run, K = M = 3 (slide 41)"
)
def site_symmetry() -> Figure:
    """R_in = R delta_in + S (1 - delta_in), Q_ij = Q delta_ij + C (1 - delta_ij) stays so."""
    reduced = ld.SiteSymmetric(3, "relu", learning_rate=1.0, dynamics="gradient_flow")
    start = ld.SymmetricStart(R=1e-3, S=0.0, Q=0.25, C=0.0)
    options: dict[str, Any] = {"save_at": 241, "rtol": 1e-10, "atol": 1e-14}
    theory = ld.solve(reduced, start, 60, **options)
    full = ld.solve(reduced.full(), start.full(3), 60, **options)
    picture, ax = panels()
    numbers: dict[str, float] = {}
    for order, (diagonal, off) in enumerate((("R", "S"), ("Q", "C"))):
        entries = full[diagonal].values
        for style, marker, name, mask in (("-", "o", diagonal, np.eye(3) == 1), ("--", "s", off, np.eye(3) == 0)):
            color, values = ld.plot.PALETTE[order], theory[name].values
            ax.plot(theory.alpha, values, style, color=color, label=f"${name}$")
            shown = slice(None, None, 24)
            ax.plot(full.alpha[shown], entries[shown, mask], marker, color=color, markerfacecolor="white", ms=3)
            numbers |= {f"{name}({t})": float(np.interp(t, theory.alpha.values, values)) for t in (10, 30, 60)}
            # The full equations, each entry of one kind, against the one number that stands for them.
            numbers[f"difference_{name}"] = float(np.abs(entries[:, mask] - values[:, None]).max())
    ax.set(xlabel=r"$\eta\alpha$", ylabel="order parameters", xlim=(0, 60))
    ax.legend(ncols=2)
    return Figure(
        picture,
        numbers | at(theory, 10, 30, 60),
        f"ReLU soft committee machine, K = M = 3, {FLOW}, from R(0) = 1e-3 I, Q(0) = 0.25 I: R = R_ii, S = R_in "
        "(i != n), Q = Q_ii, C = Q_ij (i != j). Lines: the slide's four equations; markers: all entries of the full "
        "equations, which keep the symmetry. The slide does not state its start.",
    )
