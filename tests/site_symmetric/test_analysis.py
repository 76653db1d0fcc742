"""Where learning of alike sites stands still: known points, those of the full system, and the critical rate."""

import numpy as np
import pytest

import learndyn as ld
from alike_sites import numbers
from learndyn.scenarios.site_symmetric.landmarks import landmarks_of
from reference_data import entry, inputs_and_outputs


def points(scenario, starts=24):
    found = ld.fixed_points(scenario, starts)
    return np.stack([found[name] for name in scenario.parameter_names()], axis=-1)


def distance(state, found):
    return np.abs(found - state).max(-1).min()


def test_a_single_unit_has_its_three_points_above_the_critical_rate():
    # Straat (2018), p. 22: beside the perfect solution a stable and an unstable one at eta = 2.1.
    found = points(ld.SiteSymmetric(1, "relu", 2.1))
    _, stable = inputs_and_outputs("perceptron-016")
    assert distance([1.0, 1.0], found) < 1e-9
    assert distance([stable["R"], stable["Q"]], found) < entry("perceptron-016")["tolerance"]
    assert len(found) == 3


def test_points_of_two_units_are_those_of_the_full_system():
    # Exchanging the two units exchanges R and S: of each such pair of points one is told.
    s = ld.SiteSymmetric(2, "erf", 0.3)
    found = points(s)
    assert distance([1.0, 0.0, 1.0, 0.0], found) < 1e-9
    assert distance([0.0, 1.0, 1.0, 0.0], found) > 0.1
    for state in found:
        full = ld.find_fixed_point(s.full(), ld.SymmetricStart(*state).full(2))
        assert abs(full.R.values - [[state[0], state[1]], [state[1], state[0]]]).max() < 1e-9
    # eta -> 0 turns the unspecialised ones into R = 1 / sqrt(6), Q = C = 1 / 3, and moves them by O(eta) of it.
    assert distance([6**-0.5, 6**-0.5, 1 / 3, 1 / 3], found) < 0.3 / 3


@pytest.mark.parametrize("K", [100, 1000])
def test_the_critical_rate_of_many_erf_units(K):
    # Saad & Solla (1995): sqrt(3) pi / K for K to infinity; corrections are of relative order 1 / K.
    found = ld.critical_learning_rate(ld.SiteSymmetric(K, "erf", 0.5 / K))
    assert found.learning_rate.item() * K == pytest.approx(np.sqrt(3) * np.pi, rel=2 / K)
    np.testing.assert_allclose(numbers(found), [1.0, 0.0, 1.0, 0.0], rtol=0, atol=1e-9)


def test_edges_and_random_starts_are_those_of_possible_overlaps():
    for K in (1, 2, 1000):
        s = ld.SiteSymmetric(K, "relu", 0.3)
        marks = landmarks_of(s)
        starts = marks.scattered(20, 1)
        assert len(starts) == 20
        assert all(s.as_start(start) == start for start in starts)
        states = [s.initial_state(start) for start in starts]
        assert "linearly dependent" in marks.edge(states[0])
        assert not any(marks.edge(state) for state in states[1:])
        assert "have no length" in marks.tip(np.zeros(s.state_length))
        assert not marks.tip(states[1])
    assert landmarks_of(ld.SiteSymmetric(3, "erf", 0.3)).edge(np.array([1.0, 0.0, 1.0, 0.0])) == ""
