"""The integrated flow of the matrices, its observables, and the tangent kernel."""

from itertools import pairwise

import numpy as np
import pytest

import learndyn as ld
from learndyn.results import main_curve
from learndyn.scenarios.deep_linear.modes import modes_of
from linear_networks import ODE, flow, orthogonal, product

RNG = np.random.default_rng(1)
A = RNG.standard_normal((3, 3))
# Every option on, three layers, inputs that mix the singular vectors.
DEEP = ld.DeepLinear(
    RNG.standard_normal((2, 3)), A @ A.T / 3, (4, 2), weight_decay=0.1, input_noise=0.4, least_loss=0.05, time_scale=1.5
)
START = ld.LinearWeights.random(DEEP, 0.6, seed=1, at=1.0)
TIMES = [1.0, 2.0, 5.0]


@pytest.fixture(scope="module")
def run():
    return ld.solve(DEEP, START, 5.0, save_at=TIMES, rtol=1e-11, atol=1e-13)


def layers_of(run, row):
    return [run[f"W_{layer}"].values[row] for layer in (1, 2, 3)]


def written(layers):
    """Loss and objective from their definition."""
    W, correlation, inputs = product(layers), DEEP.correlation.values, A @ A.T / 3
    best = correlation @ np.linalg.inv(inputs)
    loss = 0.05 + np.trace((W - best) @ inputs @ (W - best).T) / 2
    return loss, loss + 0.4**2 * (W**2).sum() / 2 + 0.1 * sum((each**2).sum() for each in layers) / 2


def test_the_flow_is_the_definition(run):
    inputs = A @ A.T / 3 + 0.4**2 * np.eye(3)
    rows = flow(START.matrices(), DEEP.correlation.values, inputs, (np.array(TIMES) - 1.0) / 1.5, 0.1)
    for row in range(3):
        for found, expected in zip(layers_of(run, row), rows[row], strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=ODE)


def test_rows(run):
    assert main_curve(run) == "loss"
    assert DEEP.known_modes is None
    assert "u" not in run
    assert run.W_2.dims == ("t", "hidden_2", "hidden_1")
    assert run.W.dims == ("t", "output", "input")
    for row in range(3):
        layers = layers_of(run, row)
        np.testing.assert_allclose(run.W[row], product(layers), rtol=0, atol=1e-14)
        np.testing.assert_allclose([run.loss[row], run.objective[row]], written(layers), rtol=1e-12)
        for l, (before, after) in enumerate(pairwise(layers), 1):
            found = run[f"imbalance_{l}"].values[row]
            np.testing.assert_allclose(found, after.T @ after - before @ before.T, rtol=0, atol=1e-14)


def test_the_flow_descends_the_objective():
    # Derivatives by a complex step of 1e-30, which nothing is lost in: the objective is a polynomial.
    slopes = ld.drift(DEEP, START)
    for l, (i, j) in ((0, (1, 2)), (1, (1, 3)), (2, (0, 1))):
        moved = [layer.astype(complex) for layer in START.matrices()]
        moved[l][i, j] += 1e-30j
        np.testing.assert_allclose(-1.5 * slopes[f"W_{l + 1}"].values[i, j], written(moved)[1].imag / 1e-30, rtol=1e-9)


def test_imbalances_decay_at_twice_the_rate_of_the_weights(run):
    factor = np.exp(-2 * 0.1 * 4.0 / 1.5)
    for name in ("imbalance_1", "imbalance_2"):
        np.testing.assert_allclose(run[name].values[2], factor * run[name].values[0], rtol=0, atol=ODE)


def test_a_row_is_a_start(run):
    row = run.sel(t=2.0)
    assert DEEP.as_start(row).at == 2.0
    np.testing.assert_array_equal(DEEP.initial_state(row), np.concatenate([W.ravel() for W in layers_of(run, 1)]))
    with pytest.raises(ld.InputError, match="must be one row of a result, but W_1 has the dims"):
        DEEP.as_start(run)


def test_observables_are_those_of_rows(run):
    states = np.concatenate([run[f"W_{l}"].values.reshape(3, -1) for l in (1, 2, 3)], axis=1)
    for name in ("loss", "objective"):
        np.testing.assert_allclose(DEEP.observable(name, np)(states, DEEP.values()), run[name], rtol=1e-14)
    with pytest.raises(ld.InputError, match='must be "loss", "objective", but it is \'u_1\''):
        DEEP.observable("u_1", np)
    items = ld.DeepLinear.items()
    state = items.initial_state(ld.LinearWeights.decoupled(items, [0.4, 0.3, 0.2, 0.1]))
    found = [items.observable(f"u_{mode}", np)(state, items.values()) for mode in (1, 2, 3, 4)]
    np.testing.assert_allclose(found, [0.4, 0.3, 0.2, 0.1], rtol=1e-14)


def test_all_depths_of_decoupled_modes_are_those_of_modes_alone():
    # Three layers through matrices and as modes: the same equations, two programs.
    task = ld.DeepLinear.autoencoder([1.5, 0.8], (2, 2), input_noise=0.2, weight_decay=0.05)
    whole = ld.solve(task, ld.LinearWeights.decoupled(task, [0.2, 0.3], seed=1), 4.0, save_at=5)
    alone = ld.solve(task.modes(), [0.2, 0.3], 4.0, save_at=5)
    np.testing.assert_allclose(whole.u, alone.u, rtol=0, atol=1e-6)
    for name in ("loss", "objective"):
        np.testing.assert_allclose(whole[name], alone[name], rtol=0, atol=1e-6)


def test_the_loss_is_the_error_on_data():
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((50, 3)), rng.standard_normal((50, 2))
    task = ld.DeepLinear.of_data(X, Y, 2)
    start = ld.LinearWeights.random(task, 0.5, seed=3)
    W = product(start.matrices())
    rows = task.rows(task.initial_state(start)[None])
    np.testing.assert_allclose(rows["loss"], ((Y - X @ W.T) ** 2).sum() / 50 / 2, rtol=1e-12)


# Modes.


def test_equal_singular_values_take_the_directions_of_the_inputs():
    rng = np.random.default_rng(3)
    U, V = orthogonal(rng, 5), orthogonal(rng, 4)
    s, beta = np.array([2.0, 1.0, 1.0, 1.0]), np.array([0.5, 0.1, 3.0, 1.0])
    found = modes_of((U[:, :4] * s) @ V.T, (V * beta) @ V.T)
    np.testing.assert_allclose(found.s, s, rtol=1e-13)
    np.testing.assert_allclose(np.sort(found.beta[1:]), [0.1, 1.0, 3.0], rtol=1e-12)
    np.testing.assert_allclose((found.U * found.s) @ found.V.T, (U[:, :4] * s) @ V.T, rtol=0, atol=1e-13)
    np.testing.assert_allclose((V * beta) @ V.T @ found.V, found.V * found.beta, rtol=0, atol=1e-12)


def test_modes_that_mix_are_refused():
    with pytest.raises(ld.InputError, match="for modes that do not mix, but it mixes those directions"):
        DEEP.modes()
    with pytest.raises(ld.InputError, match="but it is given, but `correlation` is zero"):
        ld.DeepLinear([[0.0]]).modes()


# The tangent kernel.


def test_the_kernel_is_that_of_its_definition(run):
    def theta(layers):
        total = 0.0
        for l in range(3):
            above, below = np.eye(layers[l].shape[0]), np.eye(layers[l].shape[1])
            for layer in layers[l + 1 :]:
                above = layer @ above
            for layer in reversed(layers[:l]):
                below = below @ layer
            jacobian = np.kron(above, below.T)  # of vec(W) by vec(W_l), row by row
            total = total + jacobian @ jacobian.T
        return total

    kernels = [theta(layers_of(run, row)) for row in range(3)]
    found = ld.kernel_change(run)
    size = np.linalg.norm(kernels[0])
    np.testing.assert_allclose(found.change, [np.linalg.norm(k - kernels[0]) / size for k in kernels], rtol=1e-10)
    cosines = [(k * kernels[0]).sum() / size / np.linalg.norm(k) for k in kernels]
    np.testing.assert_allclose(found.cosine, cosines, rtol=1e-12)


@pytest.mark.parametrize("c", [0.3, 3.0, 30.0])
def test_rich_and_lazy_are_one_number(c):
    # All modes alike: the kernel grows as that of one mode does, sqrt(1 + (2 s / c)^2), from a small start.
    task = ld.DeepLinear(orthogonal(np.random.default_rng(4), 4))
    run = ld.solve(task, ld.LinearWeights.lambda_balanced(task, 1e-6, c, seed=1), 60.0 / c + 20.0, save_at=5)
    growth = ld.LinearModes(1.0).kernel_growth(ld.ModeStart(0.0, c))[0]
    assert growth == pytest.approx(np.sqrt(1 + (2 / c) ** 2), rel=1e-14)
    # The start is 1e-6 beside c.
    assert ld.kernel_change(run).change[-1].item() == pytest.approx(growth - 1, rel=1e-4)


def test_no_kernel_without_weights():
    with pytest.raises(
        ld.InputError, match=r"must be a run of an ld\.DeepLinear with the weights W_1, W_2, \.\.\. along t"
    ):
        ld.kernel_change(ld.solve(ld.LinearModes(1.0), 0.1, 1.0))
