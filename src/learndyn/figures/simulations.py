"""The simulations that the figures show: one function a data set, committed as netCDF files in `data/`.

``python -m learndyn.figures.simulations`` makes all files anew, with names of data sets as arguments only those.
data/README.md tells how long that takes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.figures import (
    schmid2024_flow,
    simulations_adaptive,
    simulations_extensions,
    simulations_learning_rates,
    simulations_mnist,
    simulations_outlook,
    simulations_tasks,
    simulations_two_layers,
)

FOLDER = Path(__file__).parent / "data"

# Straat 2018, p. 12, does not say at which N; these are evenly spaced in log N: 25 to 1.6 * 10^6, and 25 to 1600.
SPREAD_SIZES = {"overlaps": tuple(25 * 4**k for k in range(9)), "weights": tuple(25 * 2**k for k in range(7))}
# Straat & Biehl 2019: "learning in R^60", "in R^1000".
HIGH_DIMENSIONS = (60, 1000)

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
COMMITTEE = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)


def perceptron_spread(method: str) -> xr.Dataset:
    """ReLU perceptron at alpha = 20, 100 runs for each N [Straat 2018, p. 12]."""
    start, sizes = ld.Start(Q=0.25, R=0.0), SPREAD_SIZES[method]
    return ld.simulate(PERCEPTRON, start, 20, N=sizes, replicas=100, save_at=[20], seed=12, method=method)


def perceptron_markers() -> xr.Dataset:
    """Weight vectors of the ReLU perceptron with N = 1000 up to alpha = 100, 10 runs [Straat 2018, p. 19, 20]."""
    start = ld.Start(Q=0.25, R=0.0)
    return ld.simulate(PERCEPTRON, start, 100, N=1000, replicas=10, save_at=41, seed=19, method="weights")


def perceptron_paths() -> xr.Dataset:
    """The weight vector of the ReLU perceptron in R^3, four runs, every update up to alpha = 60 [S. & B. 2019]."""
    start = ld.Start(Q=0.2, R=0.0)
    return ld.simulate(
        PERCEPTRON, start, 60, N=3, replicas=4, save_at=181, seed=2019, method="weights", record_weights=True
    )


def perceptron_runs() -> xr.Dataset:
    """Twenty single runs of the ReLU perceptron in R^60 and in R^1000, up to alpha = 60 [Straat & Biehl 2019]."""
    start = ld.Start(Q=0.2, R=0.0)
    return ld.simulate(PERCEPTRON, start, 60, N=HIGH_DIMENSIONS, replicas=20, save_at=61, seed=2019)


def committee_runs() -> xr.Dataset:
    """ReLU K = M = 2, N = 10^4, from R = 10^-3 I and Q = 0.2 I up to alpha = 400, 20 runs [Straat & Biehl 2019]."""
    start = ld.Start(Q=0.2 * np.eye(2), R=1e-3 * np.eye(2))
    times = [*np.arange(0, 40, 2.5), *np.arange(40, 401, 10)]  # closer together while R and Q rise
    return ld.simulate(COMMITTEE, start, 400, N=10_000, replicas=20, save_at=times, seed=2019)


DATA: dict[str, Callable[[], xr.Dataset]] = {
    "perceptron-spread-overlaps": lambda: perceptron_spread("overlaps"),
    "perceptron-spread-weights": lambda: perceptron_spread("weights"),
    "perceptron-n1000": perceptron_markers,
    "perceptron-n3-weights": perceptron_paths,
    "perceptron-n60-n1000": perceptron_runs,
    "relu-k2-m2-n10000": committee_runs,
    **simulations_outlook.DATA,
    **simulations_two_layers.DATA,
    **simulations_extensions.DATA,
    **simulations_adaptive.DATA,
    **simulations_learning_rates.DATA,
    **schmid2024_flow.DATA,
    **simulations_mnist.DATA,
    **simulations_tasks.DATA,
}


def make(name: str) -> xr.Dataset:
    """Simulate a data set anew."""
    return DATA[name]()


def read(name: str) -> xr.Dataset:
    """Read a data set that comes with the package."""
    return ld.load(FOLDER / f"{name}.nc")


def write(names: list[str]) -> None:
    """Make data sets anew and save them in `data/`."""
    for name in names:
        if name not in DATA:
            raise InputError(
                f"Argument `names` must hold names of data sets, but one is {shown(name)}. Choose from these: "
                f"{', '.join(DATA)}."
            )
        path = ld.save(make(name), FOLDER / f"{name}.nc")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    import sys

    write(sys.argv[1:] or list(DATA))
