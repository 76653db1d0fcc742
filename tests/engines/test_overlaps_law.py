"""The chains of the whole family have the law of descent on weight vectors; one statistic, fixed before any number.

The statistic is that of `law`: mean, spread and law of every recorded number, at two times, against `literal_descent`
of `family`, which shares nothing with the engines. Right programs fail some test of this file with probability
FALSE_ALARM = 1e-3 at most. Sizes are as small as they can be, where |xi|^2, the factors of Bartlett and steps of
length eta / N matter most.
"""

import numpy as np
import pytest

from family import Case, literal_descent, process_of
from family_cases import GENERAL, LANES
from law import p_values, rejected
from learndyn.engines.overlaps import run_overlaps
from learndyn.engines.overlaps_general import GeneralPlan

REPLICAS = 4000
STILL = 1e-9  # a number that moves less than this is constant up to rounding


CASES = [*LANES.values(), *GENERAL.values()]


def numbers(record, names):
    """The recorded numbers (replicas, rows, parameters); of a symmetric matrix, each entry once."""
    parts = []
    for name in names:
        values = record[name]
        if name in ("Q", "T", "QV") and values.ndim > 3:
            i, k = np.triu_indices(values.shape[-1])
            values = values[..., i, k]
        parts.append(values.reshape(*values.shape[:2], -1))
    return np.concatenate(parts, axis=2)


def compared(case, record, seed):
    """p-values of the numbers that vary; those that do not are the same, up to rounding."""
    literal = literal_descent(case, len(record["R"]), seed)
    names = process_of(case).record_shapes()
    found, wanted = numbers(record, names), numbers(literal, names)
    moves = wanted.std(0).max(0) > STILL
    np.testing.assert_allclose(found[..., ~moves], wanted[..., ~moves], rtol=0, atol=STILL)
    return p_values(found[..., moves], wanted[..., moves])


def comparisons(case):
    """At most: three statistics of each number, in each row."""
    return 3 * len(case.steps) * sum(int(np.prod(shape)) for shape in process_of(case).record_shapes().values())


FAMILY = sum(map(comparisons, CASES)) + comparisons(LANES["no option"])  # the last one runs in both chains


def run(case, seed, replicas=REPLICAS, **options):
    found = run_overlaps(process_of(case), case.N, np.array(case.steps), replicas=replicas, seed=seed, at=case.at,
                         progress=False, **options)  # fmt: skip
    assert found.status == "ok"
    return found


@pytest.mark.parametrize("name", LANES)
def test_options_of_the_fast_chain_have_the_law_of_weight_vectors(name):
    case = LANES[name]
    assert process_of(case).plain
    p = compared(case, run(case, seed=1).record, seed=2)
    assert not rejected(p, FAMILY), p.min(axis=(1, 2))


@pytest.mark.parametrize("name", GENERAL)
def test_options_of_the_general_chain_have_the_law_of_weight_vectors(name):
    case = GENERAL[name]
    assert not process_of(case).plain
    p = compared(case, run(case, seed=3).record, seed=4)
    assert not rejected(p, FAMILY), p.min(axis=(1, 2))


def test_the_general_chain_has_the_law_of_the_fast_one(monkeypatch):
    monkeypatch.setattr("learndyn.engines.overlaps.LanePlan", GeneralPlan)
    p = compared(LANES["no option"], run(LANES["no option"], seed=5).record, seed=6)
    assert not rejected(p, FAMILY), p.min(axis=(1, 2))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("two inputs", {"batch": 1}),
        ("momentum", {"damping": 2.0}),
        ("a walking teacher", {"drift": 0.6}),
        ("two eigenvalues", {"spectrum": ((0.6, 1.9), (0.5, 0.5))}),
        ("a turning teacher", {"at": 0.9}),
    ],
)
def test_the_same_test_rejects_a_slightly_different_process(name, wrong):
    """The statistic has the power to see small changes of each option, at its own replicas and threshold."""
    case = Case(**{**GENERAL[name].__dict__, **wrong})
    p = compared(GENERAL[name], run(case, seed=7).record, seed=8)
    assert rejected(p, FAMILY), p.min(axis=(1, 2))
