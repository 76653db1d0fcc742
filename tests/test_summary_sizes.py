"""Summaries and legends of simulations of several N, whole, in part, and without a row."""

import numpy as np
import pytest

import learndyn as ld
from learndyn import summary
from learndyn.results import size_of

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.5)
START = ld.Start(Q=0.25, R=0.0)


@pytest.fixture(scope="module")
def several():
    return ld.simulate(PERCEPTRON, START, 2, N=[20, 50], replicas=3, seed=1)


def test_a_chosen_size_is_that_size_everywhere(several):
    one = several.sel(N=50)
    assert size_of(several) == [20, 50]
    assert size_of(one) == 50
    assert "replicas at N = 50," in summary.status(one)
    legend = ld.plot.learning_curve(ld.solve(PERCEPTRON, START, 2), one).get_legend()
    assert legend.get_texts()[1].get_text() == "simulation, $N=50$, 3 runs"


def test_a_run_without_a_row_is_said_to_be_one():
    with pytest.warns(ld.LearndynWarning, match="diverged"):
        empty = ld.simulate(PERCEPTRON.replace(learning_rate=10.0), START, 100, N=[100, 200], save_at=[100], seed=1)
    assert empty.sizes["alpha"] == 0
    assert summary.table(None, empty) == "The simulation has no row."
    assert "diverged" in summary.status(empty)


def test_one_replica_has_no_spread(several):
    shown = summary.table(None, several.isel(replica=[0])).splitlines()[1].split()
    assert shown[0] == "20"
    assert shown[2:] == ["-", "-", "-", "-"]
    np.testing.assert_allclose(float(shown[1]), several.eps_g.sel(N=20).isel(replica=0, alpha=-1), rtol=1e-3)
