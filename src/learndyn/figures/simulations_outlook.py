"""Simulations that go with the outlook of the 2018 slides: other learning rates, moving teachers, other rules.

Only means over the runs are kept, with their standard errors (`ld.mean_and_error`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
PERCEPTRON_START = ld.Start(Q=0.25, R=0.0)
# R(0) = 0.1 I: ten standard deviations of the overlaps of random vectors with N = 10^4, so that all runs go one way.
COMMITTEE = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.3)
COMMITTEE_START = ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2))

RATES = {"perceptron": (0.1, 0.5, 1.0, 1.5), "committee": (0.1, 0.5, 1.0)}
SPANS = {"perceptron": 12.0, "committee": 40.0}
DRIFTS = (0.001, 0.01, 0.1)
COSINES = (0.9, 0.6, 0.3)
SWITCH_AT = 100.0


def _averaged(scenario: ld.StudentTeacher, start: ld.Start, until: float, **options: Any) -> xr.Dataset:
    """Means and standard errors over 20 runs."""
    return ld.mean_and_error(ld.simulate(scenario, start, until, replicas=20, **options))


def rate_data(name: str, eta: float) -> str:
    """The name of the data set of one learning rate."""
    return f"relu-{name}-eta{eta:g}"


def rate_runs(name: str, eta: float) -> xr.Dataset:
    """ReLU perceptron (N = 1000) or committee (N = 10^4) up to eta alpha = 12 or 40."""
    scenario, start, N = {
        "perceptron": (PERCEPTRON, PERCEPTRON_START, 1000),
        "committee": (COMMITTEE, COMMITTEE_START, 10_000),
    }[name]
    scenario = scenario.replace(learning_rate=eta)
    return _averaged(scenario, start, SPANS[name] / eta, N=N, save_at=13, seed=18)


def wandering(delta: float) -> ld.StudentTeacher:
    """The ReLU perceptron with eta = 1 whose teacher walks at random."""
    return PERCEPTRON.replace(teacher_drift=ld.RandomWalk(delta))


def drift_data(delta: float) -> str:
    """The name of the data set of one drift rate."""
    return f"relu-perceptron-drift{delta:g}"


def drift_runs(delta: float) -> xr.Dataset:
    """N = 1000 up to alpha = 30."""
    return _averaged(wandering(delta), PERCEPTRON_START, 30, N=1000, save_at=13, seed=19)


def switching(cosine: float) -> tuple[ld.StudentTeacher, dict[str, Any]]:
    """The committee whose teacher is replaced at alpha = 100, and the error on the first task."""
    scenario = COMMITTEE.replace(teacher_drift=ld.Switch([SWITCH_AT], overlap=cosine))
    return scenario, {"eps_first": eps_first}


def eps_first(result: xr.Dataset) -> xr.DataArray:
    """eps_g against the first teacher, T = I: sum_pq c_p c_q I2(z_p, z_q) / 2 with c = -1 for students, 1 for it."""
    Q = result.Q.transpose(..., "student", "student2").values
    R = result.R_reference.transpose(..., "student", "reference").values[..., : Q.shape[-1]]
    T = np.broadcast_to(np.eye(R.shape[-1]), (*R.shape[:-2], R.shape[-1], R.shape[-1]))
    C = np.block([[Q, R], [np.swapaxes(R, -1, -2), T]])
    signs = np.repeat([-1.0, 1.0], [Q.shape[-1], R.shape[-1]])
    total, g = np.zeros(C.shape[:-2]), ld.activation("relu")
    for p, c in enumerate(signs):
        for q, d in enumerate(signs):
            total = total + 0.5 * c * d * g.I2(C[..., [[p], [q]], [[p, q]]])
    return xr.DataArray(total, dims=result.eps_g.dims, attrs={"long_name": "generalisation error on the first task"})


def switch_data(cosine: float) -> str:
    """The name of the data set of one cosine between the two teachers."""
    return f"relu-committee-switch{cosine:g}"


def switch_runs(cosine: float) -> xr.Dataset:
    """N = 10^4 up to alpha = 200."""
    scenario, observables = switching(cosine)
    times = [*np.arange(0, 100, 10), *(SWITCH_AT + np.array([0, 2, 5, *np.arange(10, 101, 10)]))]
    return _averaged(scenario, COMMITTEE_START, 200, N=10_000, save_at=times, seed=20, observables=observables)


# Three rules for one sign unit.
SIGN_RULES = ("hebb", "perceptron", "adatron")
SIGN_START = ld.Start(Q=1.0, R=0.0)


def sign_rule(rule: str) -> ld.StudentTeacher:
    """A sign unit learns from another, eta = 1."""
    return ld.StudentTeacher(ld.Student(1, "sign"), ld.Teacher(1, "sign"), learning_rate=1.0, rule=rule)


def sign_data(rule: str) -> str:
    """The name of the data set of one rule."""
    return f"sign-{rule}"


def sign_runs(rule: str) -> xr.Dataset:
    """N = 1000 up to alpha = 300."""
    return _averaged(sign_rule(rule), SIGN_START, 300, N=1000, save_at=[0, *np.geomspace(0.3, 300, 13)], seed=21)


NOISE = 0.3
NOISY_RATES = {"eta1": 1.0, "eta0.1": 0.1, "falling": ld.schedules.PowerLaw(1.0, alpha0=2.0)}


def noisy(key: str) -> ld.StudentTeacher:
    """The ReLU perceptron with label noise and one of the rates."""
    return PERCEPTRON.replace(learning_rate=NOISY_RATES[key], label_noise=NOISE)


def noisy_data(key: str) -> str:
    """The name of the data set of one rate."""
    return f"relu-perceptron-noisy-{key}"


def noisy_runs(key: str) -> xr.Dataset:
    """N = 1000 up to alpha = 300."""
    times = [0, *np.geomspace(0.3, 300, 13)]
    return _averaged(noisy(key), PERCEPTRON_START, 300, N=1000, save_at=times, seed=22)


DATA: dict[str, Callable[[], xr.Dataset]] = {
    **{rate_data(name, eta): partial(rate_runs, name, eta) for name, rates in RATES.items() for eta in rates},
    **{drift_data(delta): partial(drift_runs, delta) for delta in DRIFTS},
    **{switch_data(cosine): partial(switch_runs, cosine) for cosine in COSINES},
    **{sign_data(rule): partial(sign_runs, rule) for rule in SIGN_RULES},
    **{noisy_data(key): partial(noisy_runs, key) for key in NOISY_RATES},
}
