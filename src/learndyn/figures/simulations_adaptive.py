"""Simulations of a ReLU perceptron under label noise whose learning rate adapts, beside a constant rate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr

import learndyn as ld

NOISE = 0.3
# The rate follows the error, with and without knowledge of the part of it that is noise.
A, B = 2.0, 6.0
CONSTANT = 0.5
RATES: dict[str, float | ld.AdaptiveRate] = {
    "floor": ld.AdaptiveRate.murata(1.0, A, B, floor=NOISE**2 / 2),
    "no-floor": ld.AdaptiveRate.murata(1.0, A, B),
    "constant": CONSTANT,
}
START = ld.Start(Q=0.25, R=0.0)


def noisy(key: str) -> ld.StudentTeacher:
    """The perceptron with one of the rates."""
    return ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), RATES[key], label_noise=NOISE)


def runs(key: str) -> xr.Dataset:
    """N = 1000 up to alpha = 300: means over 20 runs with standard errors."""
    times = [0, *np.geomspace(0.1, 300, 22)]
    return ld.mean_and_error(ld.simulate(noisy(key), START, 300, N=1000, replicas=20, save_at=times, seed=2018))


def data(key: str) -> str:
    """The name of the data set of one rate."""
    return f"relu-perceptron-rate-{key}"


DATA: dict[str, Callable[[], xr.Dataset]] = {data(key): partial(runs, key) for key in RATES}
