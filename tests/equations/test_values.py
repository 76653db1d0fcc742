"""The printed formulas have the values of the flow that `ld.solve` integrates, for every kind of scenario and option.

Both are sums of up to some hundred terms of order one, each right to some roundings: 1e-13 bounds their difference, for
values below ten. Beyond that stand averages of four ReLU units, right to 1e-10 in sums over units and to 1e-8 in tables
where units coincide (`closed_forms.fours`), and quadratures, which both sides take from the library.
"""

import numpy as np
import pytest

import learndyn as ld
from equations.cases import CASES
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher.flow import drift_function

ROUNDING = 1e-13
# Averages of four different ReLU units by orthant probabilities, and tables with coinciding ones.
OF_FOUR = (
    "relu", "noise, batch, decay", "relu output weights", "relu sites", "tree", "K = 1, M = 2", "K = 2, M = 1",
)  # fmt: skip
ORTHANTS = dict.fromkeys(OF_FOUR, 1e-9)
TABLES = {"long run: mixed": 1e-7, "long run: relu biases": 1e-6, "long run: relu dropout": 1e-7}


def flow_of(scenario, start):
    """The derivatives that `ld.solve` integrates, by name; of students in NumPy, which compiles nothing."""
    task = first_task(scenario)
    start = scenario.as_start(start)
    if task.kind != "student_teacher" or task.structure.samples or not computes_in_numpy(task):
        return {name: value.values for name, value in ld.drift(task, start).items()}
    state = task.initial_state(start)
    structure = task._with(None, task.reach(state[None], start.at))
    flow = drift_function(structure, NUMPY)(start.at, state, task.values())
    return task.order_parameters(np.asarray(flow))


def computes_in_numpy(task):
    """Not where four ReLU units meet, nor where averages of four units are tables."""
    s = task.structure
    if s.dynamics == "gradient_flow":
        return s.rule != "natural_gradient"
    return (
        set(s.activations) <= {"erf", "linear", "sign"}
        and not s.has_means
        and not s.dropout
        and not s.pairs_by_quadrature
    )


def first_task(scenario):
    return getattr(scenario.family, "stages", scenario.tasks)[0] if hasattr(scenario, "tasks") else scenario


@pytest.mark.parametrize("name", CASES)
def test_printed_formulas_are_the_flow(name):
    scenario, start = CASES[name]
    found = ld.equations(scenario).evaluate(start)
    drift = flow_of(scenario, start)
    tolerance = (ORTHANTS | TABLES).get(name, ROUNDING)
    compared = [block for block in found if block in drift]
    assert compared
    # What a drift has beyond are sums of its own blocks, and numbers that the fast scale fixes.
    assert set(drift) - set(found) <= {"R", "Q", "w"}
    for block in compared:
        expected = drift[block]
        value = np.asarray(found[block])
        if value.ndim < expected.ndim:  # the diagonal of a tree's
            value = np.diag(value)
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance, err_msg=block)


@pytest.mark.parametrize("name", ["relu", "all", "sites", "dropout", "sample", "adaptive"])
def test_the_printed_error_is_that_of_a_result(name):
    scenario, start = CASES[name]
    found = ld.equations(scenario).evaluate(start)["eps_g"]
    row = ld.solve(scenario, start, until=scenario.as_start(start).at + 1e-6, save_at=2).isel({scenario.time_name: 0})
    # Both are right to 1e-16 times the number of pairs of units.
    assert found == pytest.approx(float(row.eps_g), abs=1e-13)


def test_a_wrong_start_is_refused():
    scenario, _ = CASES["erf"]
    with pytest.raises(ld.InputError, match="of the start must satisfy"):
        ld.equations(scenario).evaluate(ld.Start(Q=[[1.0, 0.0], [0.0, 1.0]], R=[[2.0, 0.0], [0.0, 0.0]]))
