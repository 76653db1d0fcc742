"""Options of the two-layer family, theory against the exact process and that against weight vectors.

Statistics, sizes and the false-alarm rate (0.1 % for each of the two families) are those of `agreement`, fixed before
any number was seen. The cases take one path of the code each: own numbers, luck and schedules in the fast chain; every
arrangement of the weight vectors in the general one. They share few compiled kernels; all options alone and more of
them together are compared by benchmarks/verification.py.
"""

import numpy as np
import pytest
from test_flow import CASES as FLOW

import learndyn as ld
from agreement import Case, against_weights, limit_of_chain, theory
from law import STATISTICS, rejected
from learndyn.engines.streams import stream

N, REPLICAS = 400, 200  # and 4 N, to remove what is of order 1 / N
SMALL_N, MANY = 60, 1000
FALLING = ld.schedules.PowerLaw(0.9, alpha0=4.0, exponent=0.5)


def case(name, **changes):
    scenario, start = FLOW[name]
    return Case(scenario.replace(**changes) if changes else scenario, start)


CASES = {
    "all, one by one": case("all", batch_size=1, learning_rate=FALLING),
    "momentum": case("momentum"),
    "spectrum": case("spectrum"),
    "random walk": case("random walk"),
    "mean": case("mean"),
    "tree, two inputs": Case(
        ld.StudentTeacher(ld.Student(2), ld.Teacher(2, T=[[1.0, 0.0], [0.0, 0.7]]), 0.9, connectivity="tree",
                          batch_size=2),
        ld.Start(np.diag([0.5, 0.3]), np.diag([0.2, -0.3])),
    ),
    "rotation": case("rotation"),
}  # fmt: skip
BY_WEIGHTS = ("spectrum", "mean")
COMPARISONS = sum(case.numbers for case in CASES.values())
LAW_COMPARISONS = len(STATISTICS) * sum(CASES[name].numbers for name in BY_WEIGHTS)
# The same, slightly otherwise: as far off as a mistake would be.
WRONG = {
    "momentum": {"rule": ld.Momentum(0.8)},
    "spectrum": {"inputs": ld.Inputs([0.5, 2.0, 1.0], [0.55, 0.2, 0.25])},
    "random walk": {"teacher_drift": ld.RandomWalk(0.12)},
    "tree, two inputs": {"batch_size": 3},
}


@pytest.fixture(scope="module")
def limit():
    """The limit of the chain of a case, simulated once."""
    found = {}

    def of(name):
        if name not in found:
            found[name] = limit_of_chain(CASES[name], N, REPLICAS, seed=1)
        return found[name]

    return of


@pytest.mark.parametrize("name", CASES)
def test_means_of_the_chain_tend_to_theory(limit, name):
    p = limit(name).p_values(theory(CASES[name]))
    assert 0 < p.size <= CASES[name].numbers
    assert not rejected(p, COMPARISONS), p


@pytest.mark.parametrize("name", WRONG)
def test_the_same_statistic_rejects_a_slightly_different_theory(limit, name):
    wrong = Case(CASES[name].scenario.replace(**WRONG[name]), CASES[name].start)
    p = limit(name).p_values(theory(wrong))
    assert rejected(p, COMPARISONS), p


@pytest.mark.parametrize("name", BY_WEIGHTS)
def test_the_chain_has_the_law_of_weight_vectors(name):
    p = against_weights(CASES[name], SMALL_N, MANY, seed=2)
    assert 0 < p.size <= len(STATISTICS) * CASES[name].numbers
    assert not rejected(p, LAW_COMPARISONS), p


@pytest.mark.parametrize("name", ["erf", "tanh"])
def test_updates_of_weight_vectors_are_those_of_the_definition(name):
    """J gains (eta / N) delta xi, with the inputs drawn again: whatever compiled code makes of functions."""
    size, start = 20, FLOW["tanh"][1]
    s = ld.StudentTeacher(ld.Student(2, name), ld.Teacher(2, name), 0.9)
    run = ld.simulate(s, start, 3 / size, N=size, seed=1, method="weights", record_weights=True)
    act, J, B, rng = ld.activation(name), run.J.values[0], run.B.values[0], stream(1, "weights", size, 0, 0)
    for update in range(3):
        xi = rng.standard_normal(size)
        x, y = J[update] @ xi, B @ xi
        delta = act.dg(x) * (act.g(y).sum() - act.g(x).sum())
        # Sums of 20 products in another order, and functions right to some units of 2^-52.
        np.testing.assert_allclose(J[update + 1], J[update] + 0.9 / size * delta[:, None] * xi, rtol=0, atol=1e-14)
