"""learndyn.functional: the same numbers as the public verbs, under JAX's transformations, with refusals that help."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import learndyn as ld

SCENARIO = ld.StudentTeacher(ld.Student(2), ld.Teacher(2, T=[[1.0, 0.3], [0.3, 2.0]]), learning_rate=0.7)
START = ld.Start(Q=[[0.4, 0.1], [0.1, 0.5]], R=[[0.2, -0.1], [0.05, 0.3]])


@pytest.fixture(scope="module")
def point():
    with jax.enable_x64(True):
        return ld.functional.state(SCENARIO, START), ld.functional.values(SCENARIO)


def test_drift_and_error_are_those_of_the_verbs(point):
    labelled = ld.drift(SCENARIO, START)
    expected = np.concatenate([labelled.R.values.ravel(), labelled.Q.values[np.triu_indices(2)]])
    error = ld.solve(SCENARIO, START, until=1.0, save_at=[0.0, 1.0]).eps_g[0]
    with jax.enable_x64(True):
        # The same formulas in another program: rounding only.
        np.testing.assert_allclose(ld.functional.drift(SCENARIO)(*point), expected, rtol=0, atol=1e-14)
        assert float(ld.functional.eps_g(SCENARIO)(*point)) == pytest.approx(float(error), abs=1e-14)


def test_gradients_agree_with_central_differences(point):
    """Fourth-order central differences with h = 1e-3: truncation h^4 f'''''/30 ~ 1e-12, rounding 1e-16 / h = 1e-13."""
    state, values = point
    h = 1e-3
    with jax.enable_x64(True):
        error = ld.functional.eps_g(SCENARIO)
        gradient = jax.grad(error)(state, values)
        for k, unit in enumerate(np.eye(len(state))):

            def along(step, unit=unit):
                return float(error(state + step * unit, values))

            difference = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
            assert float(gradient[k]) == pytest.approx(difference, abs=1e-10)


def test_learning_rates_are_mapped_over(point):
    """dR is linear and dQ quadratic in the learning rate."""
    state, values = point
    with jax.enable_x64(True):
        rates = np.array([0.5, 1.0, 2.0])
        f = ld.functional.drift(SCENARIO)
        half, one, two = np.asarray(jax.vmap(lambda eta: f(state, values | {"learning_rate": eta}))(rates))
    np.testing.assert_allclose(two[:4], 2 * one[:4], rtol=1e-14)
    # a eta + b eta^2 at 1/2, 1 and 2: f(2) = 6 f(1) - 8 f(1/2).
    np.testing.assert_allclose(two[4:], 6 * one[4:] - 8 * half[4:], rtol=1e-12)


def test_float32_is_refused(point):
    with pytest.raises(ld.InputError, match=r"needs float64.*enable_x64\(True\)"):
        ld.functional.state(SCENARIO, START)
    with pytest.raises(ld.InputError, match="needs float64"):
        ld.functional.drift(SCENARIO)(np.zeros(7, np.float32), {"learning_rate": 1.0, "T": np.eye(2, dtype=np.float32)})


def test_what_is_no_state_or_scenario_is_refused(point):
    with jax.enable_x64(True):
        with pytest.raises(ld.InputError, match="`state` must have 7 numbers"):
            ld.functional.drift(SCENARIO)(point[0][:6], point[1])
        with pytest.raises(ld.InputError, match="`state` must have 7 numbers"):
            ld.functional.eps_g(SCENARIO)(point[0][:6], point[1])
    for function in (ld.functional.drift, ld.functional.eps_g):
        with pytest.raises(ld.InputError, match="`scenario` must be a scenario"):
            function(3)
