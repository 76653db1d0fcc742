"""The numbers that the command line prints, from datasets whose answers are known by construction."""

import json
import re

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from learndyn import summary


def dataset(alpha, eps_g, cosine=None, engine="theory", **options):
    simulated = engine != "theory"
    lead = ("replica", "alpha") if simulated else ("alpha",)
    variables = {"eps_g": (lead, np.asarray(eps_g, dtype=float))}
    if cosine is not None:
        cosine = np.asarray(cosine, dtype=float)
        ordered = np.sort(np.abs(cosine), axis=-1)
        variables["cosine"] = ((*lead, "student", "teacher"), cosine)
        variables["specialisation"] = ((*lead, "student"), ordered[..., -1] - ordered[..., -2])
    attributes = {
        "engine": engine,
        "status": "ok",
        "message": "Done.",
        "options": json.dumps({"steps": 7, "N": 100, "replicas": 3} | options),
        "timings": json.dumps({"trace": 0.25, "compile": 1.0, "run": 0.002}),
        "seed": "5",
    }
    return xr.Dataset(variables, {"alpha": np.asarray(alpha, dtype=float)}, attributes)


def columns(text):
    return [line.split() for line in text.splitlines()[1:]]


def test_the_table_has_the_mean_its_standard_error_and_z():
    theory = dataset([0, 1, 2], [1.0, 0.5, 0.25])
    # Mean 0.6 with standard deviation 0.1 over 4 replicas: standard error 0.05, z = (0.6 - 0.5) / 0.05.
    spread = 0.1 * np.sqrt(3) / 2 * np.array([1, 1, -1, -1])
    simulation = dataset([0, 1], np.stack([np.ones(4), 0.6 + spread], axis=1), engine="weights")
    rows = columns(summary.table(theory, simulation))
    assert rows[0] == ["0", "1.000000e+00", "1.000000e+00", "0.0e+00", "-"]
    assert rows[1] == ["1", "5.000000e-01", "6.000000e-01", "5.0e-02", "+2.0"]
    assert rows[2] == ["2", "2.500000e-01", "-", "-", "-"]


def test_one_replica_has_no_standard_error():
    simulation = dataset([0, 1], [[1.0, 0.5]], engine="weights")
    assert columns(summary.table(dataset([0, 1], [1.0, 0.4]), simulation))[1] == [
        "1",
        "4.000000e-01",
        "5.000000e-01",
        "-",
        "-",
    ]


def test_eleven_rows_with_both_ends():
    alpha = np.linspace(0, 7, 201)
    rows = columns(summary.table(dataset(alpha, np.exp(-alpha))))
    assert len(rows) == 11
    assert (float(rows[0][0]), float(rows[-1][0])) == (0.0, 7.0)


@pytest.mark.parametrize(("shift", "said"), [(0.0, False), (1.0, True)])
def test_a_large_z_is_explained(shift, said):
    rng = np.random.default_rng(1)
    simulation = dataset([0, 1], 1.0 + shift + 0.01 * rng.standard_normal((50, 2)), engine="weights")
    note = summary.note_on_z(dataset([0, 1], [1.0, 1.0]), simulation)
    assert (note is not None) == said
    assert not said or "finite N = 100" in note


def test_the_plateau_of_a_curve_that_has_one():
    # Constant at 0.1 from 10 to 60. Outside, ln eps_g changes at the rate 0.5: a tenth more at ln(1.1) / 0.5 before,
    # a tenth less at -ln(0.9) / 0.5 after.
    alpha = np.linspace(0, 80, 8001)
    eps_g = 0.1 * np.exp(0.5 * np.maximum(10 - alpha, 0) - 0.5 * np.maximum(alpha - 60, 0))
    said = summary.stand_still(dataset(alpha, eps_g))
    assert said == "Plateau: eps_g stays within 10% of 0.1 from alpha = 9.809 to 60.21."


def test_the_plateau_is_the_one_of_the_verb():
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.5)
    for X, until in ((1e-4, 300), (1e-4, 60), (0.1, 300)):
        run = ld.solve(scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=X), until=until)
        numbers = re.findall(r"from alpha = (.*) to (.*)\.", summary.stand_still(run) or "")
        found = ld.plateaus(run)
        assert numbers == [(f"{a:.4g}", f"{b:.4g}") for a, b in zip(found.entry.values, found.exit.values, strict=True)]
        assert len(numbers) == (X < 0.1)


def test_a_level_that_is_not_left_is_told_from_a_plateau():
    alpha = np.linspace(0, 40, 201)
    said = summary.stand_still(dataset(alpha, 0.1 + np.exp(-alpha)))
    assert said == "Level to the end: eps_g stays within 10% of 0.1 from alpha = 4.606 to 40."


@pytest.mark.parametrize(
    "curve",
    [
        lambda x: np.exp(-x),
        lambda x: np.exp(-0.01 * x),
        lambda x: 0 * x + 1.0,
        lambda x: 0 * x,
        lambda x: np.full_like(x, np.nan),
    ],
    ids=["fast", "slow", "constant", "zero", "nan"],
)
def test_no_plateau_where_there_is_none(curve):
    alpha = np.linspace(0, 40, 201)
    assert summary.stand_still(dataset(alpha, curve(alpha))) is None


def test_who_follows_whom_and_since_when():
    mixed, split = [[0.5, 0.6], [0.6, 0.5]], [[0.1, 0.9], [-0.95, 0.0]]
    result = dataset([0, 1, 2], [1, 0.5, 0.1], cosine=[mixed, split, split])
    said = summary.followers(result)
    assert said == (
        "Closest teacher unit at the end: 1 -> 2 (cosine 0.9000, specialised since alpha = 1); "
        "2 -> 1 (cosine -0.9500, specialised since alpha = 1)."
    )


def test_replicas_that_went_elsewhere_are_counted():
    one, other = [[0.1, 0.9], [0.9, 0.1]], [[0.9, 0.1], [0.1, 0.9]]
    theory = dataset([0, 1], [1, 0.1], cosine=[one, one])
    same = dataset([0, 1], np.ones((3, 2)), cosine=[[one, one]] * 3, engine="weights")
    mixed = dataset([0, 1], np.ones((3, 2)), cosine=[[one, one], [one, other], [one, one]], engine="weights")
    assert summary.strays(theory, same) is None
    said = summary.strays(theory, mixed)
    assert said is not None
    assert said.startswith("In 1 of 3 replicas")


def test_the_status_tells_where_and_at_what_cost():
    assert summary.status(dataset([0, 3], [1, 1])) == (
        "theory: ok at alpha = 3. Done. (7 steps of the solver; compiling 1.2 s, running 2 ms)"
    )
    runs = dataset([0, 3], np.ones((2, 2)), engine="weights")
    assert "2 of 3 replicas at N = 100, seed 5" in summary.status(runs)
