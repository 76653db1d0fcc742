"""The pure functions of a perceptron that learns classes: drifts, observables, and what it does not have."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import learndyn as ld

TASK = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised(), weight_decay=0.1)
START = ld.GaussianWeights([0.3, -0.8], cov=[[0.2, 0.1], [0.1, 0.4]])


def test_the_drift_goes_on_with_a_factor_of_the_covariance():
    f = ld.functional.drift(TASK)
    with jax.enable_x64(True):
        values = ld.functional.values(TASK)
        whole, point = ld.functional.state(TASK, START), ld.functional.state(TASK, START.mean)
        dL = np.asarray(f(whole, values))[2:].reshape(2, 2)
        A = np.asarray(jax.jacfwd(f)(point, values))
    L = START.factor()
    # Equation (11), dC/dt = A C + C A^T; rounding.
    dC = dL @ L.T + L @ dL.T
    np.testing.assert_allclose(dC, A @ L @ L.T + L @ L.T @ A.T, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["alignment", "w_norm", "accuracy"])
def test_observables_are_those_of_results_and_have_derivatives(name):
    f = ld.functional.observable(TASK, name)
    with jax.enable_x64(True):
        values, state = ld.functional.values(TASK), ld.functional.state(TASK, START)
        found, slope = float(f(state, values)), np.asarray(jax.grad(f)(state, values))[:2]
    w = START.mean.values
    assert found == pytest.approx(float(TASK.of_weights(w)[name]), rel=1e-14)
    # Central differences: h^2 / 6 times a third derivative of order 10.
    h = 1e-5
    differences = [
        float(TASK.of_weights(w + h * e)[name] - TASK.of_weights(w - h * e)[name]) / (2 * h) for e in np.eye(2)
    ]
    np.testing.assert_allclose(slope, differences, rtol=0, atol=1e-9)


def test_a_state_of_another_length_is_refused():
    f = ld.functional.drift(TASK)
    with jax.enable_x64(True), pytest.raises(ld.InputError, match="must have 2 numbers"):
        f(np.zeros(3), ld.functional.values(TASK))


@pytest.mark.parametrize(
    "call", [lambda: ld.functional.eps_g(TASK), lambda: ld.functional.final_eps_g(TASK, until=1.0)]
)
def test_there_is_no_eps_g(call):
    with pytest.raises(ld.InputError, match="must be one with order parameters and eps_g"):
        call()
