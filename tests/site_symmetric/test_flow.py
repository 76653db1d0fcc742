"""The four equations of alike sites: against all equations of the full system, and sums written out over all units."""

import jax
import numpy as np
import pytest

import learndyn as ld
from alike_sites import (
    EPSILON,
    covariance,
    erf_averages,
    erf_drift,
    numbers,
    of_full,
    random_start,
    relu_gradient_flow,
    rounding,
    start_of,
)
from reference_data import entry, inputs_and_outputs

OPTIONS = {"label_noise": 0.3, "weight_decay": 0.2}


def drift(scenario, start):
    return numbers(ld.drift(scenario, start))


# Against the full system.


@pytest.mark.parametrize("K", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_the_drift_is_that_of_the_full_system(activation, K):
    # From four units on the sums are made of four sites; 6 has sites that are not among them.
    rng = np.random.default_rng(K)
    s = ld.SiteSymmetric(K, activation, 0.6, **OPTIONS)
    full = s.full()
    for _ in range(3):
        start = random_start(K, rng)
        wanted = ld.drift(full, start.full(K))
        np.testing.assert_allclose(drift(s, start), of_full(wanted), rtol=0, atol=rounding(K))
        error = full.rows(full.initial_state(full.as_start(start.full(K))))["eps_g"]
        assert s.rows(s.initial_state(start))["eps_g"] == pytest.approx(error, abs=rounding(K))


@pytest.mark.parametrize("dynamics", ["sgd", "gradient_flow"])
def test_options_that_are_off_are_absent(dynamics):
    start = random_start(3, np.random.default_rng(7))
    s = ld.SiteSymmetric(3, "erf", 0.6, dynamics)
    assert set(s.values()) == {"learning_rate", "units"}
    np.testing.assert_allclose(drift(s, start), of_full(ld.drift(s.full(), start.full(3))), rtol=0, atol=rounding(3))


@pytest.mark.parametrize(("activation", "K"), [("linear", 6), ("polynomial(0, 1, 0, -0.1)", 5)])
def test_other_closed_forms(activation, K):
    s = ld.SiteSymmetric(K, activation, 0.6, label_noise=0.3)
    start = random_start(K, np.random.default_rng(K))
    assert s.reach(s.initial_state(start)[None]) is None
    wanted = of_full(ld.drift(s.full(), start.full(K)))
    # <x^4> and the like are some ten times larger than 1.
    np.testing.assert_allclose(drift(s, start), wanted, rtol=0, atol=10 * rounding(K))


def test_quadrature_in_place_of_the_closed_form():
    # The text of erf is an activation without closed forms.
    start = start_of(0.3, 4e-4, 0.7, 0.01, 1000)
    for K in (3, 4, 1000):
        s = ld.SiteSymmetric(K, "erf(x / sqrt(2))", 0.6)
        state = s.initial_state(start)[None]
        # The estimate is the difference to a finer quadrature: what is left then is smaller by far.
        tolerance = 3 * s.drift_errors(state, np.zeros(1))[0] + rounding(K)
        assert 0 < tolerance < 1e-8
        np.testing.assert_allclose(drift(s, start), drift(s.replace(activation="erf"), start), rtol=0, atol=tolerance)
    assert s.reach(state) == 1.0
    assert s.reach(np.array([0.3, 0.0, 4.1, 0.0])[None]) == 3.0
    assert ld.SiteSymmetric(4, "erf", 0.6).drift_errors(state, np.zeros(1)).tolist() == [0.0]


def test_the_error_of_quadratures_of_two_units_is_that_of_the_full_system():
    s = ld.SiteSymmetric(2, "tanh", 0.6)
    start = start_of(0.4, 0.1, 0.6, 0.2, 2)
    state, full = s.initial_state(start)[None], s.full()
    wanted = full.drift_errors(full.initial_state(full.as_start(start.full(2)))[None], np.zeros(1))
    # An estimate is a difference of two sums: it rounds as they do.
    np.testing.assert_allclose(s.drift_errors(state, np.zeros(1)), wanted, rtol=0, atol=rounding(2))


# Against sums over all units.


@pytest.mark.parametrize("K", [2, 5, 50, 500])
def test_erf_sums_over_all_units(K):
    rng = np.random.default_rng([K, 1])
    start = random_start(K, rng)
    s = ld.SiteSymmetric(K, "erf", 0.6, **OPTIONS)
    x = start.R, start.S, start.Q, start.C
    wanted = erf_drift(*x, K, 0.6, s=0.3, decay=0.2)
    np.testing.assert_allclose(drift(s, start), wanted, rtol=0, atol=rounding(K))
    error = erf_averages(covariance(*x, K), K, [0])[2]
    assert s.rows(s.initial_state(start))["eps_g"] == pytest.approx(error, abs=rounding(K))


@pytest.mark.parametrize("K", [2, 3, 50, 1000])
def test_relu_equations_of_the_gradient_flow(K):
    # Straat (2018), p. 41. Each equation is a sum of K terms of at most 1.
    start = random_start(K, np.random.default_rng([K, 2]))
    s = ld.SiteSymmetric(K, "relu", 1.0, "gradient_flow")
    wanted = relu_gradient_flow(start.R, start.S, start.Q, start.C, K)
    np.testing.assert_allclose(drift(s, start), wanted, rtol=0, atol=16 * EPSILON * K)


def test_the_drift_of_many_relu_units_is_the_mean_of_updates():
    # 20 000 inputs of 100 units, as 40 batches: J_i = r B_i + s sum_n B_n + p E_i + q E_0 makes x from independent
    # normals. Averages over all sites and pairs of sites, since all are alike. Four numbers at 5 standard errors of 39
    # degrees of freedom: a false alarm of 5e-5.
    K, eta, (r, s, p, q) = 100, 0.03, (0.3, 4e-3, 0.7, 0.05)
    rng = np.random.default_rng(100)

    def alike(a, b):
        same = (a * b).sum(1)
        return same.mean() / K, ((a.sum(1) * b.sum(1) - same) / (K * (K - 1))).mean()

    batches = []
    for _ in range(40):
        y, own = rng.standard_normal((2, 500, K))
        x = r * y + s * y.sum(1, keepdims=True) + p * own + q * rng.standard_normal((500, 1))
        delta = (x > 0) * (np.maximum(y, 0) - np.maximum(x, 0)).sum(1, keepdims=True)
        first, second = np.array([*alike(delta, y), *alike(delta, x)]), np.array(alike(delta, delta))
        batches.append(eta * first * [1, 1, 2, 2] + eta**2 * np.array([0, 0, *second]))
    mean, error = np.mean(batches, axis=0), np.std(batches, axis=0, ddof=1) / np.sqrt(40)
    assert np.all(np.abs(drift(ld.SiteSymmetric(K, "relu", eta), start_of(r, s, p, q, K)) - mean) < 5 * error)


@pytest.mark.parametrize("name", ["site_symmetry-001", "site_symmetry-002"])
def test_right_hand_sides_of_another_algorithm(name):
    inputs, outputs = inputs_and_outputs(name)
    start = ld.SymmetricStart(*(inputs[key] for key in ("R", "S", "Q", "C")))
    for key, eta, dynamics in (("dt_eta0", 1.0, "gradient_flow"), ("dalpha_eta06", 0.6, "sgd")):
        s = ld.SiteSymmetric(inputs["K"], "relu", eta, dynamics)
        np.testing.assert_allclose(drift(s, start), outputs[key], rtol=0, atol=entry(name)["tolerance"])


@pytest.mark.parametrize("name", ["over_unrealizable-008", "over_unrealizable-009"])
def test_trajectories_of_another_algorithm(name):
    inputs, outputs = inputs_and_outputs(name)
    s = ld.SiteSymmetric(inputs["K"], inputs["act"], 1.0, "gradient_flow")
    curve = ld.solve(s, ld.SymmetricStart(*inputs["u0"]), until=inputs["t"][-1], save_at=inputs["t"])
    states = np.stack([curve[key] for key in ("R", "S", "Q", "C")], axis=-1)
    np.testing.assert_allclose(states, outputs["R_S_Q_C"], rtol=0, atol=entry(name)["tolerance"])
    np.testing.assert_allclose(curve.eps_g, outputs["eps_g"], rtol=0, atol=entry(name)["tolerance"])


@pytest.mark.parametrize("K", [2, 3, 10, 1000])
def test_the_erf_plateau_stands_still(K):
    # R = S = 1 / sqrt(K (2K - 1)), Q = C = 1 / (2K - 1), eps_g = (K / pi) (pi / 6 - K asin(1 / (2K))).
    R, Q = 1 / np.sqrt(K * (2 * K - 1)), 1 / (2 * K - 1)
    s, start = ld.SiteSymmetric(K, "erf", 1.0, "gradient_flow"), ld.SymmetricStart(R, R, Q, Q)
    # Sums of K terms of size R.
    assert np.abs(drift(s, start)).max() < 16 * EPSILON * K * R
    exact = K / np.pi * (np.pi / 6 - K * np.arcsin(1 / (2 * K)))
    assert s.rows(s.initial_state(start))["eps_g"] == pytest.approx(exact, abs=rounding(K))


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_the_perfect_solution_stands_still(activation):
    s = ld.SiteSymmetric(1000, activation, 1e-3)
    perfect = ld.SymmetricStart(R=1.0, S=0.0, Q=1.0, C=0.0)
    assert np.abs(drift(s, perfect)).max() < rounding(1000) * 1e-3
    assert s.rows(s.initial_state(perfect))["eps_g"] == pytest.approx(0.0, abs=rounding(1000))


# Derivatives.


def lifted(K):
    """The matrix that makes a state of the full system from (R, S, Q, C)."""
    i, n = (index.reshape(-1) for index in np.indices((K, K)))
    rows, columns = np.triu_indices(K)
    R, Q = np.eye(4)[np.where(i == n, 0, 1)], np.eye(4)[np.where(rows == columns, 2, 3)]
    return np.concatenate([R, Q])


def jacobian_of(scenario):
    program = jax.jit(jax.jacfwd(scenario.flow().drift, argnums=1))

    def jacobian(state):
        with jax.enable_x64(True):
            return np.asarray(program(0.0, state, scenario.values()))

    return jacobian


@pytest.mark.parametrize(("activation", "K"), [("erf", 5), ("relu", 2)])
def test_derivatives_are_those_of_the_full_system(activation, K):
    # J_full L = L J for the matrix L of `lifted`, also where students are perfect, coincide, or know nothing.
    s, L = ld.SiteSymmetric(K, activation, 0.6), lifted(K)
    jacobian, full_jacobian = jacobian_of(s), jacobian_of(s.full())
    plateau = 1 / np.sqrt(K * (2 * K - 1)), 1 / (2 * K - 1)
    states = {
        "generic": [0.4, 0.1, 0.6, 0.2],
        "perfect": [1.0, 0.0, 1.0, 0.0],
        "nothing": [0.0, 0.0, 0.25, 0.0],
        "coinciding": [plateau[0], plateau[0], plateau[1], plateau[1]],
    }
    for name, state in states.items():
        if (activation, name) == ("relu", "coinciding"):
            continue  # the drift has no derivative there
        state = np.array(state)
        reduced, full = jacobian(state), full_jacobian(L @ state)
        # Derivatives are some ten times larger than the averages, and the lifted columns add up K^2 of them.
        np.testing.assert_allclose(full @ L, L @ reduced, rtol=0, atol=10 * K**2 * rounding(K), err_msg=name)


def test_eps_g_has_the_gradient_of_its_differences():
    s = ld.SiteSymmetric(1000, "erf", 1e-3)
    state = s.initial_state(start_of(0.3, 4e-4, 0.7, 0.01, 1000))
    with jax.enable_x64(True):
        f, values = ld.functional.eps_g(s), ld.functional.values(s)
        gradient = np.asarray(jax.grad(f)(state, values))
        h = 1e-4 * np.array([1.0, 1e-3, 1.0, 1e-3])
        differences = np.array(
            [(float(f(state + d, values)) - float(f(state - d, values))) / d.sum() / 2 for d in np.diag(h)]
        )
    # Second-order differences of a function of K overlaps of relative size 1e-4: 1e-8 of its scale; rounding adds less.
    np.testing.assert_allclose(gradient, differences, rtol=1e-6)
