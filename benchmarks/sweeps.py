"""Rows of `make bench` for sweeps: CPU time of a scenario, against a loop over SciPy's solver; processes; overheads."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher.flow import drift_function
from table import Row, show

MEMBERS = 10_000
UNTIL, POINTS, RTOL, ATOL = 300.0, 51, 1e-8, 1e-10
SCENARIO = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)
STARTS = ld.StartRecipe(ld.Start.random, Q=(0.1, 0.5), X=1e-3)
LOOPED = 24


def over(members: int = MEMBERS) -> dict[str, xr.DataArray]:
    """Learning rates log-uniform in 0.1 to 3, and a random start for each."""
    rates = np.exp(np.random.default_rng(1995).uniform(np.log(0.1), np.log(3.0), members))
    return {
        "learning_rate": xr.DataArray(rates, dims="member"),
        "start.seed": xr.DataArray(np.arange(members), dims="member"),
    }


def swept(members: int = MEMBERS, **options) -> tuple[float, float, xr.Dataset]:
    """Seconds and CPU seconds of this process for the whole call, and its result."""
    clock, cpu = time.perf_counter(), time.process_time()
    result = ld.sweep(
        SCENARIO, STARTS, over(members), until=UNTIL, save_at=POINTS, rtol=RTOL, atol=ATOL, progress=False, **options
    )
    return time.perf_counter() - clock, time.process_time() - cpu, result


def looped(numbers: list[int]) -> float:
    """Seconds of a member in a loop over LSODA of SciPy with the right-hand side in NumPy."""
    from scipy.integrate import solve_ivp

    values = over()
    drift, times = drift_function(SCENARIO.structure, NUMPY), np.linspace(0.0, UNTIL, POINTS)
    clock = time.perf_counter()
    for number in numbers:
        scenario = SCENARIO.replace(learning_rate=float(values["learning_rate"][number]))
        state = scenario.initial_state(STARTS.made(scenario, {"seed": number}))
        own = scenario.values()
        solve_ivp(
            lambda t, y, own=own: drift(t, y, own), (0.0, UNTIL), state, "LSODA", times, rtol=RTOL, atol=ATOL
        )  # fmt: skip
    return (time.perf_counter() - clock) / len(numbers)


def scenario_rows() -> list[Row]:
    """CPU time of a scenario in one process, on one thread and on all cores."""
    swept(200)
    one, all_cores, wall, loop = [], [], [], []
    for number in range(5):
        one.append(1e3 * swept(threads=1)[1] / MEMBERS)
        taken = swept()
        all_cores.append(1e3 * taken[1] / MEMBERS)
        wall.append(1e3 * taken[0] / MEMBERS)
        loop.append(1e3 * looped(list(range(number, MEMBERS, MEMBERS // LOOPED))))
    ratio = median(a / b for a, b in zip(loop, one, strict=True))
    return [
        Row("sweep, 10^4 x erf K=M=2, alpha 300: CPU time each, one thread", median(one), "ms", target="<= 0.9 ms"),
        Row("  the same on all cores, CPU time each", median(all_cores), "ms", target="<= 0.9 ms"),
        Row("  the same on all cores, time that passes each", median(wall), "ms"),
        Row("  a loop over SciPy's LSODA, each", median(loop), "ms", "the sweep on one thread", ratio, ">= 30 x"),
    ]


def process_rows() -> list[Row]:
    """Two processes of one thread each against one, their start-up and compilation apart."""
    from learndyn.sweeps.cluster import cluster_client

    taken: dict[int, list[float]] = {1: [], 2: []}
    with cluster_client(None, workers=1) as first, cluster_client(None, workers=2) as second:
        clients = {1: first, 2: second}
        with tempfile.TemporaryDirectory() as folder:
            for number in range(4):
                for workers, client in clients.items():
                    place = Path(folder) / f"{workers}-{number}.zarr"
                    clock = time.perf_counter()
                    ld.sweep(
                        SCENARIO, STARTS, over(), until=UNTIL, save_at=POINTS, progress=False, client=client,
                        store=place, chunk=500,
                    )  # fmt: skip
                    if number:  # the first one compiles
                        taken[workers].append(time.perf_counter() - clock)
    ratio = median(one / two for one, two in zip(taken[1], taken[2], strict=True))
    return [
        Row("sweep to a store, 20 tasks, one process", median(taken[1]), "s"),
        Row("  two processes", median(taken[2]), "s", "one process", ratio, ">= 1.7 x"),
    ]


def store_rows() -> list[Row]:
    """What a store adds, and how large it is."""
    with tempfile.TemporaryDirectory() as folder:
        in_memory, stored = [], []
        for number in range(3):
            in_memory.append(swept()[0])
            place = Path(folder) / f"{number}.zarr"
            stored.append(swept(store=place, chunk=500)[0])
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        opened = []
        for _ in range(5):
            clock = time.perf_counter()
            ld.open_sweep(place).eps_g.isel(alpha=-1).values.mean()
            opened.append(time.perf_counter() - clock)
    chunks = MEMBERS // 500
    added = 1e3 * median(b - a for a, b in zip(in_memory, stored, strict=True)) / chunks
    return [
        Row("store, what a chunk of 500 adds to the sweep in memory", added, "ms"),
        Row("  bytes of a scenario: R, Q, T, eps_g, ... at 51 times", size / MEMBERS, "B"),
        Row("  open it and read the last eps_g of all", 1e3 * median(opened), "ms"),
    ]


def rows() -> list[Row]:
    """All rows."""
    return scenario_rows() + process_rows() + store_rows()


if __name__ == "__main__":
    show(rows())
