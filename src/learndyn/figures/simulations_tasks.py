"""Simulations of tasks learned one after another, for figure 6 of Schmid & Murray (2024).

N = 500, lambda = 10, eta = 0.01, 50 initialisations and 80 % alignment are those of the paper. Not in it: |mu_k| = 1 in
directions drawn uniformly for each initialisation, w(0) ~ N(0, I / N), the noise, that later tasks end at 80 % as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.schmid2024_settings import LEVEL, RULES
from learndyn.scenarios.plain import scenario_to_plain

N, TASKS, DECAY = 500, 10, 10.0
# Initialisations; rows of each task that are kept, of how many tasks and of how many initialisations.
RUNS, ROWS, SHOWN, SINGLE = 50, 20, 2, 8
# rule, sigma, eta; the last one shows what of the noise's effect is left at a small learning rate.
CASES = (("SL", 0.05, 0.01), ("RL", 0.05, 0.01), ("SL", 0.1, 0.01), ("RL", 0.1, 0.01), ("SL", 0.1, 0.001))
NAME = "schmid2024-tasks"


def label(rule: str, sigma: float, eta: float) -> str:
    """The name of a case."""
    return f"{rule} sigma={sigma:g} eta={eta:g}"


def directions(run: int) -> np.ndarray:
    """mu_0, mu_1, ... of an initialisation, (tasks, N): unit vectors in random directions."""
    means = np.random.Generator(np.random.SFC64([2024, run])).standard_normal((TASKS, N))
    return means / np.linalg.norm(means, axis=1)[:, None]


def first_weights(run: int) -> ld.GaussianWeights:
    """w(0) of an initialisation."""
    return ld.GaussianWeights(np.random.Generator(np.random.SFC64([2025, run])).standard_normal(N) / np.sqrt(N))


def sequence(run: int, rule: str, sigma: float, eta: float, activation: str) -> ld.TaskSequence:
    """The tasks of an initialisation."""
    tasks = [
        ld.GaussianClassification(mu, sigma**2, RULES[rule], DECAY, activation=activation, learning_rate=eta)
        for mu in directions(run)
    ]
    # Looked at after every update.
    return ld.TaskSequence(tasks, ld.Reached("alignment", LEVEL, at_most=1.0, looks=round(1.0 / eta)))


def case_runs(rule: str, sigma: float, eta: float) -> xr.Dataset:
    """All initialisations of a case: ends of all tasks, and the rows of the first two of some."""
    found = []
    for run in range(RUNS):
        tasks = sequence(run, rule, sigma, eta, "logistic")
        one = ld.simulate(tasks, first_weights(run), replicas=1, save_at=ROWS, seed=run + 1)
        found.append(one[["end", "alignment_at_end", "alignment"]].assign_coords(replica=[run]))
    return _stacked(found, "replica")


def task_runs() -> xr.Dataset:
    """All cases. What the attributes tell is that of the first initialisation, and of its scenario the first task."""
    cases = xr.Variable("case", [label(*case) for case in CASES])
    runs = _stacked([case_runs(*case) for case in CASES], cases)
    shown = runs[["alignment"]].isel(case=0, replica=slice(SINGLE), measured_task=slice(SHOWN))
    shown = shown.isel(row=slice(1 + SHOWN * ROWS)).rename(replica="single", measured_task="shown_task")
    ends = runs[["end", "alignment_at_end"]].drop_vars(["t", "input"], errors="ignore")
    data = xr.merge([ends, shown.drop_vars(["case", "input"], errors="ignore")], compat="equals", join="outer")
    first = sequence(0, *CASES[0], "logistic").tasks[0]
    small = {name: values.astype("float32") for name, values in data.data_vars.items()}
    return data.assign(small).assign_attrs(runs.attrs | {"scenario": json.dumps(scenario_to_plain(first))})


def _stacked(parts: list[xr.Dataset], dim: Any) -> xr.Dataset:
    return xr.concat(
        parts, dim, data_vars="all", coords="different", compat="equals", join="override", combine_attrs="override"
    )


DATA: dict[str, Callable[[], xr.Dataset]] = {NAME: task_runs}
