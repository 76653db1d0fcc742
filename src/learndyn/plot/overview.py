"""One picture of a run: its learning curve and what lies under it, below each other."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from learndyn.plot import data
from learndyn.plot.curves import curves_of
from learndyn.plot.learning_curve import learning_curve
from learndyn.plot.order_parameters import name_curves, order_parameters
from learndyn.plot.style import COLUMN, paper
from learndyn.results import main_curve

# What is drawn below the main curve, of modes and of weights; more modes than these cannot be told apart.
BELOW = ("u", "w_norm", "accuracy", "trace_cov")
MODES = 8


def overview(theory: xr.Dataset, simulation: xr.Dataset | None = None) -> Any:
    """Draw a run in panels below each other; the simulation, if given, as markers on top.

    eps_g, R and Q of a network with a teacher; alignment, |w|, accuracy and, where it is known, the total variance of
    the weights of a perceptron that learns classes; loss and, of up to 8 of them, strengths u of the modes of a linear
    network.

    Parameters
    ----------
    theory
        A result of `ld.solve` (or of `ld.simulate`, whose mean is then drawn).
    simulation
        A result of `ld.simulate` for the same scenario.

    Returns
    -------
    matplotlib.figure.Figure
        One column wide. eps_g is on a logarithmic axis, and its label says so, when it falls by more than 100.

    Raises
    ------
    InputError
        When an argument is no result, or their units differ.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
    >>> curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), until=20)
    >>> len(ld.plot.overview(curve).axes)
    3
    """
    simulations = () if simulation is None else (simulation,)
    data.check_results((theory, *simulations), "theory")
    curve = main_curve(theory)
    below = [name for name in BELOW if name != curve and all(name in result for result in (theory, *simulations))]
    below = [name for name in below if theory[name].sizes.get("mode", 0) <= MODES]
    names = ("R", "Q") if curve == "eps_g" else tuple(below)
    data.check_results((theory, *simulations), "theory", (curve, *names))
    rows = 1 + len(names)
    with paper():
        size = (COLUMN, 2.3 + 1.85 * len(names))
        figure, axes = plt.subplots(rows, 1, figsize=size, sharex=True, height_ratios=(1.2, *[1.0] * len(names)))
        axes = np.atleast_1d(axes)
        try:
            learning_curve(theory, *simulations, ax=axes[0])
            for ax, name in zip(axes[1:], names, strict=True):
                order_parameters(theory, *simulations, names=(name,), ax=ax, legend=False)
                # The legend of the learning curve tells what the markers are, the axis the one curve of weights.
                if curve == "eps_g" or name == "u":
                    name_curves(ax, curves_of(theory, (name,)))
        except BaseException:
            plt.close(figure)
            raise
        axes[0].set_title(data.title(theory))
        for ax in axes[:-1]:
            ax.set_xlabel("")
        return figure
