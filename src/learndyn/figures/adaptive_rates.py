"""Learning rates that adapt while a perceptron learns from noisy labels: the outlook of Straat (2018).

eta <- eta + (a / N) eta (b (e - floor) - eta),   e = (tau - sigma)^2 / 2 of the example at hand
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import MARKERS, largest_z, mark, panels, union_of_times
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations_adaptive import CONSTANT, NOISE, RATES, START, A, B, data, noisy
from learndyn.figures.straat2018_outlook import OURS

Loader = Callable[[str], xr.Dataset]
LABELS = {"floor": "floor $s^2/2$", "no-floor": "floor 0", "constant": "constant"}
END = 3000.0


def late_rate() -> float:
    """c of eta = c / alpha at late times, where the perceptron is linear in the half space in which it is active.

    With D = |J - B|^2 = 4 eps_g: D' = -eta D + eta^2 s^2 / 2 and eta' = a eta (b D / 4 - eta), up to higher orders,
    have the solution eta = c / alpha, D = d / alpha with (c - 1) d = c^2 s^2 / 2, a (c - b d / 4) = 1.
    """
    return float(max(np.roots([A * (4 - B * NOISE**2 / 2), -4 * (1 + A), 4]).real))


@figure("2018-adaptive-learning-rate", "a learning rate that follows the error, with and without a floor (outlook)",
        simulated=True)  # fmt: skip
def adaptive_learning_rate(simulation: Loader) -> Figure:
    """With the noise taken off, the rate vanishes with the error; otherwise noise keeps it up."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 4.4), sharex=True)
    numbers: dict[str, float] = {"c": late_rate()}
    for order, key in enumerate(RATES):
        runs, color = simulation(data(key)), ld.plot.PALETTE[order]
        times = union_of_times(runs.alpha, np.geomspace(0.1, END, 121))
        theory = ld.solve(noisy(key), START, END, save_at=times, rtol=1e-11, atol=1e-14)
        later, marked = theory.sel(alpha=slice(0.1, None)), runs.sel(alpha=slice(0.1, None))
        above.plot(later.alpha, later.eps_g, color=color, label=LABELS[key])
        mark(above, marked, "eps_g", color=color, marker=MARKERS[order])
        numbers |= {f"eps_g({key})": float(theory.eps_g[-1]), f"z_eps_g({key})": largest_z(runs, theory)}
        if "eta" not in theory:
            below.axhline(CONSTANT, color=color)
            continue
        below.plot(later.alpha, later.eta, color=color)
        mark(below, marked, "eta", color=color, marker=MARKERS[order])
        numbers |= {f"eta({key})": float(theory.eta[-1]), f"z_eta({key})": largest_z(runs, theory, "eta")}
    late = np.array([20.0, END])
    below.plot(late, late_rate() / late, "k:", linewidth=0.9, zorder=1, label=r"$c/\alpha$")
    above.set(ylabel=r"$\epsilon_g$", yscale="log", ylim=(1e-5, 0.5))
    below.set(xlabel=r"$\alpha$", ylabel=r"$\eta$", xscale="log", yscale="log", xlim=(0.1, END), ylim=(2e-4, 3.0))
    above.legend(loc="lower left")
    below.legend(loc="lower left")
    return Figure(
        picture,
        numbers,
        f"ReLU perceptron with label noise of standard deviation s = {NOISE:g}, R(0) = 0, Q(0) = 0.25, whose learning "
        f"rate follows the error of each example, eta + (a / N) eta (b (error - floor) - eta) with a = {A:g}, b = "
        f"{B:g}, from eta = 1, beside the constant rate {CONSTANT:g}: theory (lines) and the exact process at N = 1000 "
        "(markers: mean over 20 runs, with standard errors). With the floor s^2 / 2 the rate falls as c / alpha "
        "(dotted) and eps_g with it; without, the noise keeps both from falling, as at a constant rate [Barkai, Seung "
        f"& Sompolinsky 1995; Murata et al. 1997]. {OURS}",
    )
