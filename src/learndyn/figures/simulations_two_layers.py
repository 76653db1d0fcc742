"""Simulations that go with the output weights of the 2019 slides: ReLU, K = M = 2, eta = 0.1.

Single runs where chance decides which unit takes which teacher unit, means with standard errors where it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld

STUDENT = ld.Student(2, "relu")
FIXED = ld.StudentTeacher(STUDENT, ld.Teacher(2, "relu", output_weights=[1.2, 3]), learning_rate=0.1)
# Straat & Biehl 2019 state R_11 = R_22 = 1e-3, and Q = 0.2 I for the committee before.
START = ld.Start(Q=0.2 * np.eye(2), R=1e-3 * np.eye(2), w=1.0)

# The slides state the first two; a third case is a picture only.
OUTPUT_WEIGHTS = {"positive": (1.2, 3.0), "negative": (-1.2, -3.0), "mixed": (1.2, -3.0)}
# Two starts of one rule: both output weights 0.5 or 2.
STARTS_OF_W = (0.5, 2.0)


def fixed_runs() -> xr.Dataset:
    """Eight runs with N = 1000 and w = 1 up to alpha = 1200."""
    return ld.simulate(FIXED, START, 1200, N=1000, replicas=8, save_at=61, seed=2019)


def adaptive(case: str) -> ld.StudentTeacher:
    """Output weights that learn with the rate of the first layer and without the factor 1 / N, as on the slides."""
    teacher = ld.Teacher(2, "relu", output_weights=OUTPUT_WEIGHTS[case])
    return ld.StudentTeacher(
        STUDENT, teacher, learning_rate=0.1, output_learning_rate=0.1, output_time_scale="fast"
    )  # fmt: skip


def adaptive_runs(case: str) -> xr.Dataset:
    """Eight runs with N = 1000 up to alpha = 300."""
    times = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, *np.arange(4, 61, 4), *np.arange(70, 301, 10)]
    return ld.simulate(adaptive(case), START, 300, N=1000, replicas=8, save_at=times, seed=2019)


def realising(w: float) -> tuple[ld.StudentTeacher, ld.Start]:
    """Output weights that learn at the speed of the first layer, and a start: R(0) = 0.1 I, Q(0) = 0.2 I, w(0) = w.

    R(0) is ten standard deviations of the overlaps of random vectors with N = 10^4, so that all runs go one way.
    """
    start = ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2), w=w)
    return FIXED.replace(output_learning_rate=0.1), start


def realisation_runs(w: float) -> xr.Dataset:
    """Means over 20 runs with N = 10^4 up to alpha = 300."""
    scenario, start = realising(w)
    times = [*np.arange(0, 60, 10), *np.arange(60, 301, 20)]
    return ld.mean_and_error(ld.simulate(scenario, start, 300, N=10_000, replicas=20, save_at=times, seed=2019))


def adaptive_data(case: str) -> str:
    """The name of the data set of one teacher."""
    return f"relu-output-weights-{case}"


def realisation_data(w: float) -> str:
    """The name of the data set of one start."""
    return f"relu-output-weights-from{w:g}"


DATA: dict[str, Callable[[], Any]] = {
    "relu-output-weights-fixed": fixed_runs,
    **{adaptive_data(case): partial(adaptive_runs, case) for case in OUTPUT_WEIGHTS},
    **{realisation_data(w): partial(realisation_runs, w) for w in STARTS_OF_W},
}
