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
from learndyn.errors import InputError

FOLDER = Path(__file__).parent / "data"

# Straat 2018, p. 12, does not say at which N; these are evenly spaced in log N.
SPREAD_SIZES = (25, 50, 100, 200, 400, 800, 1600)
# Straat & Biehl 2019: "learning in R^3", "in R^60", "in R^1000".
TRAJECTORY_SIZES = (3, 60, 1000)

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
COMMITTEE = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)


def perceptron_spread(N: int) -> xr.Dataset:
    """ReLU perceptron at alpha = 20, 100 runs [Straat 2018, p. 12]."""
    start = ld.Start(Q=0.25, R=0.0)
    return ld.simulate(PERCEPTRON, start, 20, N=N, replicas=100, save_at=[20], seed=12_000 + N, method="weights")


def perceptron_markers() -> xr.Dataset:
    """ReLU perceptron with N = 1000 up to alpha = 100, 10 runs [Straat 2018, p. 19, 20]."""
    start = ld.Start(Q=0.25, R=0.0)
    return ld.simulate(PERCEPTRON, start, 100, N=1000, replicas=10, save_at=41, seed=19, method="weights")


def perceptron_trajectories(N: int) -> xr.Dataset:
    """Five single runs of the ReLU perceptron up to alpha = 60 [Straat & Biehl 2019]."""
    start = ld.Start(Q=0.2, R=0.0)
    return ld.simulate(PERCEPTRON, start, 60, N=N, replicas=5, save_at=121, seed=2019, method="weights")


def committee_markers() -> xr.Dataset:
    """ReLU K = M = 2, N = 10^4, from R = 10^-3 I and Q = 0.2 I up to alpha = 400 [Straat & Biehl 2019]."""
    start = ld.Start(Q=0.2 * np.eye(2), R=1e-3 * np.eye(2))
    return ld.simulate(COMMITTEE, start, 400, N=10_000, replicas=2, save_at=81, seed=2019, method="weights")


DATA: dict[str, Callable[[], xr.Dataset]] = {
    **{f"perceptron-spread-n{N}": lambda N=N: perceptron_spread(N) for N in SPREAD_SIZES},
    "perceptron-n1000": perceptron_markers,
    **{f"perceptron-trajectories-n{N}": lambda N=N: perceptron_trajectories(N) for N in TRAJECTORY_SIZES},
    "relu-k2-m2-n10000": committee_markers,
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
            raise InputError(f"Argument `names` must hold names of data sets, but one is {name!r}: {', '.join(DATA)}.")
        path = ld.save(make(name), FOLDER / f"{name}.nc")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    import sys

    write(sys.argv[1:] or list(DATA))
