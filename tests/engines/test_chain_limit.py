"""The mean of the chain approaches the N to infinity theory as 1 / N."""

import numpy as np
import pytest

from size_limit import LIMITS, deviations, exponent

SIZES = [25, 50, 100, 200, 400]


def test_the_exponent_is_found_where_it_is_known():
    """The fit and its standard error, on deviations made by hand: exponents 1 and 1/2, each with a 1/N^2 part."""
    rng, N = np.random.default_rng(1), np.array(SIZES, dtype=float)
    for known in (1.0, 0.5):
        exact = 0.9 * N**-known * (1.0 - 2.0 / N)
        error = 0.02 * exact
        found = np.array([exponent(SIZES, exact + error * rng.standard_normal(N.size), error) for _ in range(200)])
        z = (found[:, 0] - known) / found[:, 1]
        # Mean and variance of 200 standard normals: four standard errors, four comparisons, false alarm 2.5e-4.
        assert abs(z.mean()) < 4 / np.sqrt(200)
        assert abs(z.var() - 1) < 4 * np.sqrt(2 / 200)


@pytest.fixture(scope="module")
def committee():
    return deviations(LIMITS["committee"], SIZES, [12_000] * len(SIZES), seed=1)


def test_the_mean_of_the_chain_approaches_theory_as_one_over_N(committee):
    """erf, K = 2, M = 1, eta = 2, alpha = 2, of Q11 and Q22, whose deviations of 0.9 / N can be resolved.

    The standard error comes from the fit; four of them, two comparisons: false alarm 1.3e-4, fixed seed.
    """
    off, error = committee
    for parameter in (2, 4):  # R11, R21, Q11, Q12, Q22
        p, p_error = exponent(SIZES, off[:, parameter], error[:, parameter])
        assert p_error < 0.12  # 1/2 and 2 are far away
        assert abs(p - 1.0) < 4 * p_error, (p, p_error)


def test_the_deviation_is_there(committee):
    """At N = 25 the mean lies more than ten standard errors away from theory: the limit is one."""
    off, error = committee
    assert (np.abs(off) / error)[0, [2, 4]].min() > 10
