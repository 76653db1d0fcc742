"""Simulations for the future work of the 2019 slides: trees, large students, regularisation, other activations, biases.

Single runs of large students, whose escape from a plateau is a matter of chance; means with standard errors elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld


def averaged(scenario: ld.StudentTeacher, start: ld.Start, until: float, **options: Any) -> xr.Dataset:
    """Means and standard errors over 20 runs."""
    return ld.mean_and_error(ld.simulate(scenario, start, until, replicas=20, seed=2019, **options))


TREE_ACTIVATIONS = ("relu", "erf")


def tree(activation: str) -> tuple[ld.StudentTeacher, ld.Start]:
    """A tree of two units, eta = 0.1, from R = 0."""
    scenario = ld.StudentTeacher(
        ld.Student(2, activation), ld.Teacher(2, activation), learning_rate=0.1, connectivity="tree"
    )
    return scenario, ld.Start(Q=np.diag([0.2, 0.3]), R=np.zeros((2, 2)))


def tree_runs(activation: str) -> xr.Dataset:
    """N = 1000 inputs a branch, up to alpha = 120."""
    return averaged(*tree(activation), 120, N=1000, save_at=13)


# How a complex student is held back, label noise 1.
REGULARISERS: dict[str, dict[str, Any]] = {
    "none": {"label_noise": 1.0},
    "decay": {"label_noise": 1.0, "weight_decay": 0.01},
    "dropout": {"label_noise": 1.0, "dropout_keep": 0.5},
}


def complex_student(K: int, M: int, **options: Any) -> tuple[ld.StudentTeacher, ld.Start]:
    """Many erf units that learn few, eta = 0.2, from random weights with N = 1000."""
    scenario = ld.StudentTeacher(ld.Student(K, "erf"), ld.Teacher(M, "erf"), learning_rate=0.2, **options)
    return scenario, ld.Start.random_weights(scenario, 1000, Q=0.2, seed=1)


def complex_runs(name: str) -> xr.Dataset:
    """K = 5, M = 1, N = 1000, six runs up to alpha = 2000."""
    scenario, start = complex_student(5, 1, **REGULARISERS[name])
    return ld.simulate(scenario, start, 2000, N=1000, replicas=6, save_at=[0, *np.geomspace(0.5, 2000, 40)], seed=2019)


NOISE_LEVELS = (0.1, 1.0)
PENALTIES: dict[str, dict[str, Any]] = {
    "none": {},
    "decay": {"weight_decay": 0.01},
    "dropout": {"dropout_keep": 0.95},
}


def penalised(noise: float, **options: Any) -> tuple[ld.StudentTeacher, ld.Start]:
    """erf, K = M = 2, eta = 0.2 with label noise, from units that are specialised already."""
    scenario = ld.StudentTeacher(
        ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=0.2, label_noise=noise, **options
    )
    return scenario, ld.Start(Q=np.eye(2), R=0.95 * np.eye(2))


def penalised_runs(noise: float, name: str) -> xr.Dataset:
    """N = 1000 at alpha = 600, 700, ..., 1000."""
    scenario, start = penalised(noise, **PENALTIES[name])
    return averaged(scenario, start, 1000, N=1000, save_at=[0, 600, 700, 800, 900, 1000])


# What of the student learns beside its first layer; two units of opposite sign where w learns.
FREEDOMS = ("first layer", "and w", "and w, biases")


def other_activation(student: str, teacher: str, freedom: str) -> tuple[ld.StudentTeacher, ld.Start]:
    """Two units that learn one of another kind, eta = 0.1 for everything that learns."""
    learns = FREEDOMS.index(freedom)
    scenario = ld.StudentTeacher(
        ld.Student(2, student),
        ld.Teacher(1, teacher),
        learning_rate=0.1,
        output_learning_rate=0.1 if learns > 0 else None,
        bias_learning_rate=0.1 if learns > 1 else None,
    )
    if learns == 0:
        return scenario, ld.Start(Q=np.diag([0.3, 0.25]), R=[[0.1], [0.05]])
    more: dict[str, Any] = {"theta": [0.3, -0.2]} if learns > 1 else {}
    return scenario, ld.Start(Q=np.diag([0.3, 0.25]), R=[[0.1], [-0.1]], w=[1.0, -1.0], **more)


def other_data(student: str, teacher: str, freedom: str) -> str:
    """The name of the data set of one pair of activations."""
    return f"{student}-learns-{teacher}-{FREEDOMS.index(freedom)}"


def other_runs(student: str, teacher: str, freedom: str) -> xr.Dataset:
    """N = 10^4 up to alpha = 1000."""
    times = [0, *np.geomspace(1, 1000, 19)]
    scenario, start = other_activation(student, teacher, freedom)
    return averaged(scenario, start, 1000, N=10_000, save_at=times)


def biased(learns: bool) -> tuple[ld.StudentTeacher, ld.Start]:
    """ReLU, K = M = 2, eta = 0.1: teacher with biases 1/2 and -1/2, student with biases that learn or stay 0."""
    scenario = ld.StudentTeacher(
        ld.Student(2, "relu"),
        ld.Teacher(2, "relu", biases=[0.5, -0.5]),
        learning_rate=0.1,
        bias_learning_rate=0.1 if learns else None,
    )
    return scenario, ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2))


def biased_runs(learns: bool) -> xr.Dataset:
    """N = 10^4 up to alpha = 400."""
    return averaged(*biased(learns), 400, N=10_000, save_at=[*np.arange(0, 60, 10), *np.arange(60, 401, 20)])


PAIRS = (("relu", "erf"), ("erf", "relu"))

DATA: dict[str, Callable[[], xr.Dataset]] = {
    **{f"{activation}-tree": partial(tree_runs, activation) for activation in TREE_ACTIVATIONS},
    **{f"erf-k5-m1-{name}": partial(complex_runs, name) for name in REGULARISERS},
    **{
        f"erf-noise{noise:g}-{name}": partial(penalised_runs, noise, name)
        for noise in NOISE_LEVELS
        for name in PENALTIES
    },
    **{other_data(*pair, freedom): partial(other_runs, *pair, freedom) for pair in PAIRS for freedom in FREEDOMS},
    "relu-biases-learned": partial(biased_runs, True),
    "relu-biases-absent": partial(biased_runs, False),
}
