"""Straat (2018), slides 43 to 50: students with a unit too many (K = 3, M = 2) and a unit too few (K = 2, M = 3)."""

from __future__ import annotations

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import at, draw_eps_g, draw_R_and_Q, end
from learndyn.figures.registry import Figure, figure
from learndyn.figures.straat2018_committee import FLOW, flow, solve

START_43 = "R_11(0) = 1e-3, other R(0) = 0, Q(0) = diag(0.2, 0.3, 0.25)"
START_47 = "R_11(0) = R_22(0) = 1e-3, other R(0) = 0, Q(0) = diag(0.2, 0.3)"
SILENT_45 = "The slide does not state the start; that of slide 43 is used."
SILENT_47 = "The slides do not state the start; this one is ours."


def _over(activation: str, until: float, save_at: int) -> xr.Dataset:
    R = np.zeros((3, 2))
    R[0, 0] = 1e-3
    return solve(flow(3, 2, activation), ld.Start(np.diag([0.2, 0.3, 0.25]), R), until, save_at)


def _under(activation: str, until: float, save_at: object = 401) -> xr.Dataset:
    scenario = flow(2, 3, activation)
    return solve(scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-3), until, save_at)


@figure("2018-relu-k3-m2-order-parameters", "R and Q of an overrealizable ReLU student, K = 3, M = 2 (slide 43)")
def relu_k3_m2_order_parameters() -> Figure:
    """One unit takes one teacher unit, the two others share the other."""
    theory = _over("relu", 120, 481)
    picture, _ = draw_R_and_Q(theory.sel(alpha=slice(0, 80)))
    numbers = end(theory)
    return Figure(
        picture,
        numbers,
        f"ReLU soft committee machine, K = 3, M = 2, T = I, {FLOW}; {START_43}. Unit 1 specialises to B_1; units 2 and "
        "3 become collinear with B_2 and share it, R_22 + R_32 = 1, in a proportion that depends on the start. (The "
        'slide says "Two of the student hidden units specialize to one teacher hidden unit".)',
    )


@figure("2018-relu-k3-m2-generalisation-error", "eps_g of an overrealizable ReLU student, K = 3, M = 2 (slide 44)")
def relu_k3_m2_generalisation_error() -> Figure:
    """It tends to zero, algebraically."""
    theory = _over("relu", 120, 481)
    picture, _ = draw_eps_g(theory.sel(alpha=slice(0, 80)), scale="linear")
    caption = f"Generalisation error of the ReLU student, K = 3, M = 2, {FLOW}; {START_43}. It tends to 0."
    return Figure(picture, at(theory, 20, 60, 120), caption)


@figure("2018-erf-k3-m2-order-parameters", "R and Q of an overrealizable erf student, K = 3, M = 2 (slide 45)")
def erf_k3_m2_order_parameters() -> Figure:
    """The surplus unit shrinks to nothing."""
    theory = _over("erf", 500, 501)
    picture, _ = draw_R_and_Q(theory.sel(alpha=slice(0, 400)))
    return Figure(
        picture,
        end(theory),
        f"erf soft committee machine, K = 3, M = 2, T = I, {FLOW}; {START_43}. {SILENT_45} Units 1 and 3 specialise, "
        "the surplus unit 2 shrinks to 0.",
    )


@figure("2018-erf-k3-m2-generalisation-error", "eps_g of an overrealizable erf student, K = 3, M = 2 (slide 46)")
def erf_k3_m2_generalisation_error() -> Figure:
    """It tends to zero."""
    theory = _over("erf", 500, 501)
    picture, _ = draw_eps_g(theory.sel(alpha=slice(0, 400)), scale="log")
    caption = f"Generalisation error of the erf student, K = 3, M = 2, {FLOW}; {START_43}. {SILENT_45}"
    return Figure(picture, at(theory, 20, 60, 120, 250, 500), caption)


LOG_TIME = "Time is drawn logarithmically: unit 2 takes up B_3 beside B_2 only between 100 and 1000."


@figure("2018-relu-k2-m3-order-parameters", "R and Q of an unrealizable ReLU rule, K = 2, M = 3 (slide 47)")
def relu_k2_m3_order_parameters() -> Figure:
    """One unit takes one teacher unit, the other takes two."""
    theory = _under("relu", 3000, ld.logspaced(400, first=0.1))
    picture, axes = draw_R_and_Q(theory.isel(alpha=slice(1, None)))
    for ax in axes:
        ax.set_xscale("log")
    return Figure(
        picture,
        end(theory),
        f"ReLU soft committee machine, K = 2, M = 3, T = I, {FLOW}; {START_47}. {SILENT_47} {LOG_TIME}",
    )


@figure("2018-relu-k2-m3-generalisation-error", "eps_g of an unrealizable ReLU rule, K = 2, M = 3 (slide 48)")
def relu_k2_m3_generalisation_error() -> Figure:
    """It stays above zero."""
    times = sorted({*np.geomspace(0.1, 3000, 400), 20.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 3000.0})
    theory = _under("relu", 3000, times)
    picture, ax = draw_eps_g(theory, scale="linear")
    ax.set_xscale("log")
    numbers = at(theory, 20, 60, 120, 250, 500, 1000, 3000)
    return Figure(
        picture,
        numbers,
        f"Generalisation error of the ReLU student, K = 2, M = 3, {FLOW}; {START_47}. {SILENT_47} It ends at "
        f"{numbers['eps_g(3000)']:.6f} > 0, after a shoulder at 0.0776. {LOG_TIME} The slide's caption calls this "
        "overrealizable; unrealizable is meant.",
    )


@figure("2018-erf-k2-m3-order-parameters", "R and Q of an unrealizable erf rule, K = 2, M = 3 (slide 49)")
def erf_k2_m3_order_parameters() -> Figure:
    """Two units take two teacher units and share the third."""
    theory = _under("erf", 300)
    picture, _ = draw_R_and_Q(theory)
    return Figure(
        picture,
        end(theory),
        f"erf soft committee machine, K = 2, M = 3, T = I, {FLOW}; {START_47}. {SILENT_47} Two units take B_1 and B_2 "
        "and share B_3. The values at the end drift on very slowly along a nearly flat valley.",
    )


@figure("2018-erf-k2-m3-generalisation-error", "eps_g of an unrealizable erf rule, K = 2, M = 3 (slide 50)")
def erf_k2_m3_generalisation_error() -> Figure:
    """It stays above zero."""
    theory = _under("erf", 500, 501)
    picture, ax = draw_eps_g(theory.sel(alpha=slice(0, 300)), scale="log")
    ax.set_ylim(0.01, 1.0)
    numbers = at(theory, 20, 60, 120, 250, 500)
    return Figure(
        picture,
        numbers,
        f"Generalisation error of the erf student, K = 2, M = 3, {FLOW}; {START_47}. {SILENT_47} It ends at "
        f"{numbers['eps_g(500)']:.5f} > 0.",
    )
