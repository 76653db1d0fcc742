"""Simulations of a ReLU perceptron close to its solution: what is left of |J - B|^2 at learning rates near the best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

import learndyn as ld

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
# N, and the rates beside N / (N + 2).
SIZES = (5, 10, 20, 50, 100)
AROUND = np.linspace(-0.4, 0.4, 9)
# Updates in all runs of one rate; the runs are averaged in so many parts, from which errors come.
UPDATES = 300_000
PARTS = 20
# |J - B| at the start: the update is linear in J - B up to this.
DISTANCE = 1e-3


def contraction() -> xr.Dataset:
    """|J - B|^2 after N updates over that before, in averages over parts of the runs; all rates see the same inputs."""
    start = ld.Start(Q=1.0 + DISTANCE**2, R=1.0)
    left, record = np.empty((len(SIZES), len(AROUND), PARTS)), {}
    for row, N in enumerate(SIZES):
        replicas = PARTS * (UPDATES // N // PARTS)
        for column, offset in enumerate(AROUND):
            scenario = PERCEPTRON.replace(learning_rate=N / (N + 2) + float(offset))
            end = ld.simulate(scenario, start, 1.0, N=N, replicas=replicas, save_at=[1.0], seed=25 + row)
            E = 1.0 - 2.0 * end.R.values.reshape(PARTS, -1) + end.Q.values.reshape(PARTS, -1)
            left[row, column], record = E.mean(1) / DISTANCE**2, end.attrs
    return xr.Dataset(
        {"left": (("N", "offset", "part"), left, {"long_name": "|J - B|^2 at alpha = 1 over that at the start"})},
        {"N": list(SIZES), "offset": AROUND},
        record,
    )


DATA: dict[str, Callable[[], xr.Dataset]] = {"relu-perceptron-contraction": contraction}
