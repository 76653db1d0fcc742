"""The matrix solutions: against integration from the definition, on long ways, and what they leave unchanged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learndyn as ld
from learndyn.scenarios.deep_linear import riccati
from learndyn.scenarios.deep_linear.flow import product, unpack
from linear_networks import ODE, descend, flow, orthogonal

TIMES = np.array([0.0, 0.3, 1.0, 4.0])


def matrices(task, start, times):
    """W_1, W_2, ... at the times by the closed form, (rows, ...)."""
    curve = task.closed_form(start)
    assert curve is not None
    return unpack(task.widths, curve(np.asarray(times)))


def integrated(task, start, times):
    """The same from the definition."""
    inputs = task.dense_inputs + task.input_noise**2 * np.eye(task.n)
    scaled = np.asarray(times) / task.time_scale
    rows = flow(start.matrices(), task.correlation.values, inputs, scaled, task.weight_decay)
    return [np.array(layer) for layer in zip(*rows, strict=True)]


# Wide and narrow hidden layers, more inputs than outputs and fewer; balanced with and without decay; c of both signs.
CASES = [
    (4, 5, 4, 0.0, 0.3), (5, 4, 2, 0.0, 0.0), (3, 4, 9, 0.0, 0.3), (3, 3, 3, 0.7, 0.0), (2, 6, 4, -0.9, 0.0),
    (6, 2, 4, 0.7, 0.0), (4, 4, 2, -1.5, 0.0), (1, 3, 1, 0.0, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("outputs", "inputs", "hidden", "c", "decay"), CASES)
def test_white_inputs_and_one_imbalance(outputs, inputs, hidden, c, decay):
    rng = np.random.default_rng(outputs)
    correlation = rng.standard_normal((outputs, inputs))
    task = ld.DeepLinear(correlation, 0.8, hidden, weight_decay=decay, input_noise=0.3, time_scale=1.5)
    start = ld.LinearWeights.lambda_balanced(task, scale=0.3, imbalance=c, seed=3)
    found, expected = matrices(task, start, TIMES), integrated(task, start, TIMES)
    np.testing.assert_allclose(product(found), product(expected), rtol=0, atol=ODE)
    # All of Q Q^T: what the layers are up to a rotation of the hidden units.
    Q, P = (np.concatenate([W_1.swapaxes(1, 2), W_2], axis=1) for W_1, W_2 in (found, expected))
    np.testing.assert_allclose(Q @ Q.swapaxes(1, 2), P @ P.swapaxes(1, 2), rtol=0, atol=ODE)
    for W_1, W_2 in zip(*found, strict=True):
        kept = W_2.T @ W_2 - W_1 @ W_1.T
        np.testing.assert_allclose(kept, c * np.eye(hidden), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("c", "decay"), [(0.0, 0.0), (0.0, 0.3), (0.7, 0.0), (-0.9, 0.0)])
def test_decoupled_modes_and_their_layers(c, decay):
    # Inputs that are not white, modes of both signs, one without strength; here each layer is exact.
    A = orthogonal(np.random.default_rng(1), 4)
    covariance = (A * [2.0, 1.0, 0.5, 0.1]) @ A.T
    task = ld.DeepLinear.autoencoder(covariance, 5, input_noise=0.3, weight_decay=decay)
    imbalance = [c, -c, c, 0.0]
    start = ld.LinearWeights.decoupled(task, [0.01, 0.02, -0.01, 0.0], imbalance, seed=2, at=0.0)
    for found, expected in zip(matrices(task, start, TIMES), integrated(task, start, TIMES), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=ODE)


def test_one_layer_with_any_inputs():
    rng = np.random.default_rng(2)
    A = rng.standard_normal((4, 3))
    task = ld.DeepLinear(rng.standard_normal((2, 4)) @ A @ A.T, A @ A.T, (), weight_decay=0.1, time_scale=2.0)
    start = ld.LinearWeights.random(task, 1.0, seed=1)
    np.testing.assert_allclose(matrices(task, start, TIMES)[0], integrated(task, start, TIMES)[0], rtol=0, atol=ODE)


def test_the_slides_bound_of_rank():
    # A hidden layer narrower than the rank ends at the best map of its rank (Eckart & Young), also after a long way
    # from a small start, in which the strongest modes win.
    rng = np.random.default_rng(3)
    U, V = orthogonal(rng, 6), orthogonal(rng, 6)
    s = np.array([3.0, 2.0, 1.5, 1.0, 0.5, 0.2])
    task = ld.DeepLinear((U * s) @ V.T, hidden=2)
    start = ld.LinearWeights.balanced(task, scale=1e-8, seed=1)
    W = product(matrices(task, start, [300.0]))[0]
    np.testing.assert_allclose(W, (U[:, :2] * s[:2]) @ V[:, :2].T, rtol=0, atol=1e-12)


def test_times_do_not_disturb_one_another():
    # More rows on the way: other steps, the same map to rounding, grown by the way out of the start, 1e2 here.
    task = ld.DeepLinear(np.random.default_rng(4).standard_normal((5, 5)))
    start = ld.LinearWeights.balanced(task, scale=0.1, seed=1)
    few, many = (product(matrices(task, start, times))[-1] for times in ([6.0], np.linspace(0.0, 6.0, 300)))
    np.testing.assert_allclose(few, many, rtol=0, atol=1e-12)


@pytest.mark.parametrize("largest", [1e-8, 0.03, 0.25, 0.4, 0.5])
@pytest.mark.parametrize("share", [0.01, 1.0])
def test_roots_by_polynomials_are_those_by_eigenvalues(largest, share):
    # S may be far smaller than its bound, and is singular here.
    A = orthogonal(np.random.default_rng(8), 7)
    s = share * largest * np.array([0.0, 1e-9, 0.1, 0.4, 0.4, 0.9, 1.0])
    expected = (A / np.sqrt(1.0 + s)) @ A.T
    for bound in (largest, 2.0 * riccati.WIDEST):
        np.testing.assert_allclose(riccati._inverse_root((A * s) @ A.T, bound), expected, rtol=0, atol=3e-15)


@pytest.mark.parametrize(("scale", "beta"), [(1e-3, 1.0), (3.0, 0.4), (0.0, 1.0)])
def test_the_norm_of_the_weights_stays_below_its_bound(scale, beta):
    correlation = np.random.default_rng(9).standard_normal((4, 4))
    task = ld.DeepLinear(correlation, beta)
    start = ld.LinearWeights.balanced(task, scale=scale, seed=1)
    times, fastest = np.linspace(0.0, 5.0, 51), np.linalg.norm(correlation, 2)
    W_1, W_2 = matrices(task, start, times)
    lengths = np.linalg.norm(np.concatenate([W_1.swapaxes(1, 2), W_2], axis=1), 2, axis=(1, 2)) ** 2
    bound = lengths[0]
    for length in lengths[1:]:
        bound = riccati.longest(bound, fastest, beta, 0.1)
        assert length <= bound
    # Close to the end, where the strongest mode has learned; and never far above it.
    assert bound <= 1.001 * max(lengths[-1], 2.0 * fastest / beta)


def test_hidden_units_turn_in_second_order():
    # One step or many: the layers differ by a rotation that shrinks with the square of the step.
    task = ld.DeepLinear(np.random.default_rng(5).standard_normal((3, 3)))
    start = ld.LinearWeights.balanced(task, scale=0.5, seed=1)
    exact = integrated(task, start, [0.0, 1.0])[0][-1]
    off = [np.abs(matrices(task, start, np.linspace(0.0, 1.0, n))[0][-1] - exact).max() for n in (21, 41, 81)]
    ratios = np.array(off[:-1]) / off[1:]
    assert (np.abs(ratios - 4.0) < 0.4).all()


def test_gradient_descent_comes_to_it_in_first_order():
    rng = np.random.default_rng(6)
    task = ld.DeepLinear(rng.standard_normal((3, 4)), 0.7, 2, weight_decay=0.1)
    start = ld.LinearWeights.balanced(task, scale=0.2, seed=1)
    exact = product(matrices(task, start, [2.0]))[0]
    errors = []
    for rate in (0.01, 0.005, 0.0025):
        layers = descend(start.matrices(), task.correlation.values, 0.7 * np.eye(4), rate, round(2.0 / rate), 0.1)
        errors.append(product(layers) - exact)
    # e(eta) = a eta + b eta^2: halving the rate halves it, and what is left of that is halved too.
    rest = [np.abs(errors[k] - 2 * errors[k + 1]).max() / np.abs(errors[k]).max() for k in (0, 1)]
    assert rest[1] < 0.6 * rest[0] < 0.1


# What changes nothing.


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.floats(0.0, 1.0), st.integers(0, 10**6))
def test_turned_inputs_and_outputs_turn_the_map(outputs, inputs, hidden, decay, seed):
    rng = np.random.default_rng(seed)
    correlation = rng.standard_normal((outputs, inputs))
    A, B, C = orthogonal(rng, outputs), orthogonal(rng, inputs), orthogonal(rng, hidden)
    task = ld.DeepLinear(correlation, 1.3, hidden, weight_decay=decay)
    turned = ld.DeepLinear(A @ correlation @ B.T, 1.3, hidden, weight_decay=decay)
    W_1, W_2 = ld.LinearWeights.balanced(task, scale=0.3, seed=seed).matrices()
    W = product(matrices(task, ld.LinearWeights(W_1, W_2), [0.5, 2.0]))
    turned_W = product(matrices(turned, ld.LinearWeights(C @ W_1 @ B.T, A @ W_2 @ C.T), [0.5, 2.0]))
    np.testing.assert_allclose(turned_W, A @ W @ B.T, rtol=0, atol=1e-11)
    np.testing.assert_allclose(turned.modes().s.values, task.modes().s.values, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(turned.modes().beta.values, task.modes().beta.values, rtol=1e-12)


@settings(max_examples=20)
@given(st.integers(2, 5), st.floats(-2.0, 2.0), st.integers(0, 10**6))
def test_the_imbalance_is_conserved_and_the_loss_falls(n, c, seed):
    task = ld.DeepLinear(np.random.default_rng(seed).standard_normal((n, n)))
    start = ld.LinearWeights.lambda_balanced(task, scale=0.3, imbalance=c, seed=seed)
    rows = task.rows(task.closed_form(start)(np.linspace(0.0, 5.0, 11)))
    np.testing.assert_allclose(rows["imbalance"], np.broadcast_to(c * np.eye(n), (11, n, n)), rtol=0, atol=1e-12)
    assert (np.diff(rows["loss"]) <= 1e-13 * rows["loss"][0]).all()


def test_both_forms_agree_where_both_hold():
    # Decoupled, white, of one imbalance: modes one by one, and the matrix Riccati equation.
    task = ld.DeepLinear(np.diag([2.0, 1.0]), 0.9)
    start = ld.LinearWeights.decoupled(task, [0.1, -0.2], 0.4)
    by_modes = task.closed_form(start)(TIMES)
    whole = riccati.solution(*start.matrices(), task.correlation.values, 0.9, 0.4, 0.0)(TIMES)
    np.testing.assert_allclose(whole, by_modes, rtol=0, atol=1e-13)


def test_what_is_not_covered():
    rng = np.random.default_rng(7)
    task = ld.DeepLinear(rng.standard_normal((3, 3)))
    balanced = ld.LinearWeights.balanced(task, 0.1, seed=1)
    lazy = ld.LinearWeights.lambda_balanced(task, 0.1, 1.0, seed=1)
    assert task.closed_form(balanced) is not None
    assert task.closed_form(ld.LinearWeights.random(task, 0.1, seed=1)) is None
    assert task.replace(inputs=[1.0, 1.0, 2.0]).closed_form(balanced) is None
    assert task.replace(weight_decay=0.1).closed_form(lazy) is None
    deep = task.replace(hidden=(3, 3))
    assert deep.closed_form(ld.LinearWeights.balanced(deep, 0.1, seed=1)) is None
    for refused, start in ((task.replace(weight_decay=0.1), lazy), (deep, ld.LinearWeights.random(deep, 0.1, seed=1))):
        with pytest.raises(ld.InputError, match="which covers one layer; two layers from decoupled modes, balanced or"):
            ld.solve(refused, start, 1.0, method="closed_form")
