"""The overlaps engine has the law of gradient descent on weight vectors; one statistic, fixed before any number."""

import numpy as np
import pytest

from law import CASES, chain, descent, numpy_chain, p_values, rejected

# The whole family of this file: right programs fail one of its tests with probability FALSE_ALARM = 1e-3 at most.
COMPARISONS = sum(case.comparisons for case in CASES)
REPLICAS = {20: 4000, 100: 2000, 3: 4000, 4: 4000}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_chain_has_the_law_of_weight_vectors(case):
    replicas = REPLICAS[case.N]
    p = p_values(chain(case, replicas, seed=1), descent(case, replicas, seed=2))
    assert p.size == case.comparisons
    assert not rejected(p, COMPARISONS), p.min(axis=(1, 2))


@pytest.mark.parametrize("name", ["erf", "relu", "linear"])
def test_the_same_test_rejects_a_chain_with_the_mean_length_of_inputs(name):
    """The cases at N = 20, with the same replicas and threshold: |xi|^2 = N is seen, and the right chain passes."""
    wrong, right = [], []
    for case in (case for case in CASES if case.activation == name and case.N == 20):
        engine = chain(case, REPLICAS[20], seed=1)
        wrong.append(p_values(engine, numpy_chain(case, REPLICAS[20], seed=3, length_is_N=True)).min())
        right.append(p_values(engine, numpy_chain(case, REPLICAS[20], seed=4)).min())
    assert rejected(np.array(wrong), COMPARISONS), wrong
    assert not rejected(np.array(right), COMPARISONS), right
