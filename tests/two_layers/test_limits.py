"""Limits of the two-layer family whose answers are known: what an option becomes at its ends, and linear units.

Drifts are compared to rounding. Trajectories of two programs are compared to SOLVER: each has rtol = 1e-11, and its
error after some hundred steps, none of which learning amplifies here, stays below a hundred times that.
"""

import numpy as np
import pytest

import learndyn as ld

RTOL, SOLVER = 1e-11, 1e-9
ROUNDING = 1e-13
Q, R = [[0.7, 0.15], [0.15, 0.5]], [[0.3, -0.2], [0.1, 0.25]]
T = [[1.0, 0.2], [0.2, 0.8]]
START = ld.Start(Q, R)


def committee(activation="erf", teacher=None, eta=0.9, T=T, **options):
    return ld.StudentTeacher(ld.Student(2, activation), ld.Teacher(2, teacher or activation, T=T), eta, **options)


def perceptron(activation="linear", eta=0.5, **options):
    return ld.StudentTeacher(ld.Student(1, activation), ld.Teacher(1, activation), eta, **options)


def solve(scenario, start, until, **options):
    run = ld.solve(scenario, start, until, rtol=RTOL, atol=1e-13, **options)
    assert run.attrs["status"] == "ok"
    return run


def assert_equal(found, wanted, tolerance, names=("R", "Q")):
    for name in names:
        np.testing.assert_allclose(found[name].values, wanted[name].values, rtol=0, atol=tolerance)


# ---- What an option becomes at its ends


def test_momentum_with_large_damping_is_gradient_descent():
    """gamma to infinity at fixed eta / gamma: the gap is a / gamma + b / gamma^2 + ...

    2 z(2 gamma) - z(gamma) is free of a; doubling gamma once more divides what is left by four, so that the change
    between the two extrapolations is three times the error of the finer one. The change itself is allowed.
    """
    times, z = [1.0, 3.0], []
    for damping in (100.0, 200.0, 400.0):
        run = solve(committee(rule=ld.Momentum(damping), eta=0.9 * damping), START, 3, save_at=times)
        z.append(np.concatenate([run.R.values, run.Q.values], axis=-1))
    descent = solve(committee(), START, 3, save_at=times)
    limit = np.concatenate([descent.R.values, descent.Q.values], axis=-1)
    coarse, fine = 2 * z[1] - z[0], 2 * z[2] - z[1]
    assert (np.abs(fine - limit) <= np.abs(fine - coarse) + SOLVER).all()
    # There is a gap to close: the largest damping here is far from enough.
    assert np.abs(z[-1] - limit).max() > 10 * np.abs(fine - coarse).max()


def test_batch_divides_the_noise_of_single_examples():
    """Exactly: the drift at b is that of the gradient flow plus a b-th part of the rest."""
    one, flow = ld.drift(committee(), START), ld.drift(committee(dynamics="gradient_flow"), START)
    for b in (2, 10**9):
        drift = ld.drift(committee(batch_size=b), START)
        assert_equal(drift, flow + (one - flow) / b, ROUNDING)


def test_an_infinite_batch_is_the_gradient_flow():
    large = solve(committee(batch_size=10**9), START, 20)
    # The eta^2 term, of order 1 at b = 1, is 1e-9 of itself; over alpha = 20 that adds up to 1e-8 at most.
    assert_equal(large, solve(committee(dynamics="gradient_flow"), START, 20), 2e-8)


# Averages of four ReLU units are known to 1e-8; 16 of them times eta^2 = 0.81 make <delta delta>.
@pytest.mark.parametrize(
    ("activation", "accuracy"), [("erf", ROUNDING), ("relu", 16 * 0.81 * 1e-8)], ids=["erf", "relu"]
)
def test_dropout_of_almost_nothing_is_none(activation, accuracy):
    """The drift is a polynomial in the keep probability, 1 - off: linear in small steps, once more to first order."""
    none = ld.drift(committee(activation), START)
    far, near = (ld.drift(committee(activation, dropout_keep=1.0 - off), START) for off in (1e-3, 1e-9))
    change = max(float(abs(far - none)[name].max()) for name in ("R", "Q"))
    assert change > 1e-4
    # Masks multiply a term by keep^4 at most: the step of 1e-3 is linear within 1 %.
    assert_equal(near, none + 1e-6 * (far - none), 1e-2 * 1e-6 * change + accuracy)


def test_equal_eigenvalues_are_isotropic_inputs():
    plain = ld.drift(committee(weight_decay=0.1), START)
    split = ld.drift(committee(weight_decay=0.1, inputs=ld.Inputs([1.0, 1.0], [0.3, 0.7])), START)
    assert_equal(split, plain, ROUNDING)
    np.testing.assert_allclose(split.R_space, np.array([0.3, 0.7])[:, None, None] * plain.R.values, atol=ROUNDING)
    # In every later state, too, and when the vectors lie in the spaces otherwise.
    more = {"Q_space": [[[0.5, 0.1], [0.1, 0.2]], [[0.2, 0.05], [0.05, 0.3]]],
            "R_space": [[[0.2, -0.1], [0.0, 0.1]], [[0.1, -0.1], [0.1, 0.15]]]}  # fmt: skip
    run = solve(committee(inputs=ld.Inputs([1.0, 1.0], [0.3, 0.7])), ld.Start(Q, R, more=more), 10)
    assert_equal(run, solve(committee(), START, 10), SOLVER)


def test_inputs_of_variance_two_are_longer_vectors_and_a_larger_rate():
    """xi = sqrt(2) zeta: J sqrt(2) learns from zeta with the rate 2 eta and the teacher B sqrt(2)."""
    scaled = ld.drift(committee(inputs=ld.Inputs([2.0], [1.0])), START)
    double = ld.Start(2 * np.array(Q), 2 * np.array(R))
    plain = ld.drift(committee(eta=1.8, T=2 * np.array(T)), double)
    assert_equal(2 * scaled, plain, ROUNDING)


def test_a_mean_of_length_zero_is_none():
    none = solve(committee(), START, 5)
    assert_equal(solve(committee(inputs=ld.Inputs(mean_length=0.0)), START, 5), none, 0.0)
    tiny = committee(inputs=ld.Inputs(mean_length=1e-9), bias_learning_rate=0.4)
    assert_equal(ld.drift(tiny, START), ld.drift(committee(bias_learning_rate=0.4), START), ROUNDING)


def test_a_mean_that_no_vector_knows_moves_nothing_but_d():
    with_mean = ld.drift(committee(inputs=ld.Inputs(mean_length=0.8)), START)
    assert_equal(with_mean, ld.drift(committee(), START), ROUNDING)
    assert float(abs(with_mean.d).max()) < ROUNDING  # erf is odd: without biases <F> = 0


def test_a_tree_of_one_branch_is_a_perceptron():
    options = {
        "label_noise": 0.3, "weight_decay": 0.1, "dropout_keep": 0.8, "batch_size": 2, "output_learning_rate": 0.6,
        "bias_learning_rate": 0.4,
    }  # fmt: skip
    start = ld.Start(0.5, 0.2, w=0.8, theta=0.3)
    full, tree = (ld.drift(perceptron("erf", connectivity=kind, **options), start) for kind in ("full", "tree"))
    assert_equal(tree, full, ROUNDING, ("R", "Q", "w", "theta"))


def test_units_of_one_activation_are_a_layer_of_it():
    one, many = committee("erf", eta=0.5), committee(["erf", "erf"], ["erf", "erf"], eta=0.5)
    assert_equal(solve(many, START, 5), solve(one, START, 5), 0.0)
    runs = [ld.simulate(s, START, 2, N=50, replicas=9, save_at=[2], seed=1) for s in (one, many)]
    assert_equal(*runs, 0.0)


def test_units_can_be_listed_in_any_order():
    one = ld.drift(committee(["linear", "erf"], ["erf", "linear"]), START)
    other = ld.drift(committee(["erf", "linear"], ["linear", "erf"], T=np.array(T)[::-1, ::-1]),
                     ld.Start(np.array(Q)[::-1, ::-1], np.array(R)[::-1, ::-1]))  # fmt: skip
    np.testing.assert_allclose(other.R, one.R.values[::-1, ::-1], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(other.Q, one.Q.values[::-1, ::-1], rtol=0, atol=ROUNDING)


# ---- Runs in parts


@pytest.mark.parametrize(
    "rate",
    [
        ld.schedules.Exponential(0.9, 5.0),
        ld.schedules.PiecewiseConstant([0.9, 0.2, 0.5], [3.0, 4.0]),
    ],
)
def test_a_schedule_goes_on_from_a_row(rate):
    s = committee(eta=rate, output_learning_rate=0.3)
    whole = solve(s, START, 8, save_at=[4, 6, 8])
    rest = solve(s, whole.sel(alpha=4), 8, save_at=[6, 8])
    assert_equal(rest, whole.isel(alpha=slice(1, 3)), SOLVER, ("R", "Q", "w"))


def test_a_change_of_teacher_is_two_runs_one_after_another():
    """At the change R becomes the overlap with a teacher that keeps a part of the old one; Q knows nothing of it."""
    overlap, at, until = 0.4, 3.0, 7.0
    switched = solve(committee(teacher_drift=ld.Switch([at], overlap)), START, until, save_at=[2.0, at, until])
    first = solve(committee(), START, at, save_at=[2.0, at])
    assert_equal(switched.sel(alpha=2.0), first.sel(alpha=2.0), SOLVER)
    after = ld.Start(first.Q.values[-1], overlap * first.R.values[-1], at=at)
    second = solve(committee(), after, until, save_at=[at, until])
    assert_equal(switched.isel(alpha=[1, 2]), second, SOLVER)


# ---- Linear units: stationary values in closed form


@pytest.mark.parametrize(
    ("eta", "walk", "decay", "noise", "batch"),
    [(0.5, 0.1, 0.0, 0.0, 1), (1.2, 0.02, 0.3, 0.4, 1), (0.8, 0.3, 0.1, 0.5, 4)],
)
def test_a_linear_perceptron_follows_a_walking_teacher(eta, walk, decay, noise, batch):
    """F = y - x + s zeta, so that with T = 1

        dR = eta (1 - R) - walk R - eta decay R
        dQ = 2 eta (R - Q) - 2 eta decay Q + (eta^2 / b) (1 - 2 R + Q + s^2)

    R stands still at 1 / (1 + decay + walk / eta), and Q where 2 (1 + decay) Q - (eta / b) Q = 2 R +
    (eta / b) (1 - 2 R + s^2).
    """
    s = perceptron(
        eta=eta, teacher_drift=ld.RandomWalk(walk), weight_decay=decay, label_noise=noise, batch_size=batch
    )  # fmt: skip
    R = 1.0 / (1.0 + decay + walk / eta)
    Q = (2.0 * R + eta / batch * (1.0 - 2.0 * R + noise**2)) / (2.0 * (1.0 + decay) - eta / batch)
    slowest = min(eta * (1.0 + decay) + walk, 2.0 * eta * (1.0 + decay) - eta**2 / batch)
    until = 30.0 / slowest  # exp(-30) = 1e-13
    end = solve(s, ld.Start(0.25, 0.0), until, save_at=[until]).isel(alpha=0)
    assert end.R.item() == pytest.approx(R, abs=SOLVER)
    assert end.Q.item() == pytest.approx(Q, abs=SOLVER)
    assert end.eps_g.item() == pytest.approx(0.5 * (1.0 - 2.0 * R + Q), abs=SOLVER)


def test_the_error_of_tracking_a_walk_is_least_at_the_known_rate():
    """Of the closed form above: a slow student lags behind, a fast one forgets; theory has its minimum there, too."""
    walk, rates = 0.05, np.linspace(0.3, 1.5, 7)
    found, known = [], []
    for eta in rates:
        s = perceptron(eta=float(eta), teacher_drift=ld.RandomWalk(walk))
        found.append(solve(s, ld.Start(0.25, 0.0), 120.0, save_at=[120.0]).eps_g.item())
        R = 1.0 / (1.0 + walk / eta)
        known.append(0.5 * (1.0 - 2.0 * R + (2.0 * R + eta * (1.0 - 2.0 * R)) / (2.0 - eta)))
    np.testing.assert_allclose(found, known, rtol=0, atol=SOLVER)
    assert 0 < np.argmin(found) < len(rates) - 1


@pytest.mark.parametrize(("eta", "speed"), [(0.5, 0.3), (1.2, 1.0)])
def test_a_linear_perceptron_follows_a_turning_teacher(eta, speed):
    """B = cos(speed alpha) E_1 + sin(speed alpha) E_2 and r = R_1 + i R_2 = J . (E_1 + i E_2):

        dr = eta (exp(i speed alpha) - r),   r = eta / (eta + i speed) exp(i speed alpha)

    J . B is its real part beside the exponential, eta^2 / (eta^2 + speed^2); Q stands still as above, without decay.
    """
    s = perceptron(eta=eta, teacher_drift=ld.Rotation(speed))
    until = 30.0 / min(eta, 2.0 * eta - eta**2)
    end = solve(s, ld.Start(0.25, 0.0), until, save_at=[until]).isel(alpha=0)
    r = eta / (eta + 1j * speed) * np.exp(1j * speed * until)
    np.testing.assert_allclose(end.R_reference.values[0], [r.real, r.imag], rtol=0, atol=SOLVER)
    R = eta**2 / (eta**2 + speed**2)
    Q = (2.0 * R + eta * (1.0 - 2.0 * R)) / (2.0 - eta)
    assert end.R.item() == pytest.approx(R, abs=SOLVER)
    assert end.Q.item() == pytest.approx(Q, abs=SOLVER)
    assert end.eps_g.item() == pytest.approx(0.5 * (1.0 - 2.0 * R + Q), abs=SOLVER)


def test_a_linear_perceptron_learns_each_eigenspace_at_its_own_rate():
    """F = y - x + s zeta with eigenvalues lambda_l of shares s_l, T = 1, E2 = <F^2>:

        dR^l = eta lambda_l (s_l - R^l),   dQ^l = 2 eta lambda_l (R^l - Q^l) + eta^2 lambda_l s_l E2

    R^l = s_l (1 - exp(-eta lambda_l alpha)); at last Q^l = s_l (1 + eta E2 / 2) and E2 = s^2 / (1 - eta <lambda> / 2).
    """
    eta, noise, eigenvalues, shares = 0.5, 0.4, np.array([0.5, 2.0]), np.array([0.6, 0.4])
    s = perceptron(eta=eta, label_noise=noise, inputs=ld.Inputs(eigenvalues, shares))
    run = solve(s, ld.Start(0.25, 0.0), 200.0, save_at=[2.0, 200.0])
    R = shares * (1.0 - np.exp(-eta * eigenvalues * 2.0))
    np.testing.assert_allclose(run.R_space.values[0, :, 0, 0], R, rtol=0, atol=SOLVER)
    E2 = noise**2 / (1.0 - 0.5 * eta * (eigenvalues @ shares))
    np.testing.assert_allclose(run.R_space.values[1, :, 0, 0], shares, rtol=0, atol=SOLVER)
    np.testing.assert_allclose(run.Q_space.values[1, :, 0, 0], shares * (1.0 + 0.5 * eta * E2), rtol=0, atol=SOLVER)
    assert run.eps_g[-1].item() == pytest.approx(0.5 * (E2 - noise**2), abs=SOLVER)


def test_a_linear_perceptron_learns_the_mean_of_its_inputs():
    """<xi xi^T> = 1 + mu mu^T, and <F xi> = (B - J) <xi xi^T> for F = y - x, so that with e = B . mu, d = J . mu

    dR = eta (1 - R + (e - d) e),   dd = eta (e - d) (1 + |mu|^2)
    dQ = 2 eta (R - Q + (e - d) d) + eta^2 (1 - 2 R + Q + (e - d)^2)
    """
    eta, length, e, Q, R, d = 0.5, 0.8, 0.3, 0.25, 0.1, -0.2
    s = perceptron(eta=eta, inputs=ld.Inputs(mean_length=length, mean_overlap=e))
    start = ld.Start(Q, R, more={"d": [d]})
    drift = ld.drift(s, start)
    assert drift.R.item() == pytest.approx(eta * (1.0 - R + (e - d) * e), abs=ROUNDING)
    assert drift.d.item() == pytest.approx(eta * (e - d) * (1.0 + length**2), abs=ROUNDING)
    square = eta**2 * (1.0 - 2.0 * R + Q + (e - d) ** 2)
    assert drift.Q.item() == pytest.approx(2.0 * eta * (R - Q + (e - d) * d) + square, abs=ROUNDING)
    run = solve(s, start, 3.0, save_at=[3.0])
    assert run.d.item() == pytest.approx(e + (d - e) * np.exp(-eta * (1.0 + length**2) * 3.0), abs=SOLVER)


@pytest.mark.parametrize("damping", [0.3, 4.0])
def test_momentum_of_a_linear_perceptron_is_a_linear_system(damping):
    """The five equations of docs/theory/other-rules.md with F = y - x are A z + c; stationary: -A^-1 c.

    With the states z = (R, Q, RV, QJV, QV) and T = 1: <F y> = 1 - R, <F x> = R - Q, <F u> = RV - QJV.
    """
    eta = 0.2
    s = perceptron(eta=eta, rule=ld.Momentum(damping), label_noise=0.3)
    square = eta**2 * np.array([-2.0, 1.0])
    A = np.array(
        [
            [0.0, 0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 2.0, 0.0],
            [-eta, 0.0, -damping, 0.0, 0.0],
            [eta, -eta, 0.0, -damping, 1.0],
            [square[0], square[1], 2.0 * eta, -2.0 * eta, -2.0 * damping],
        ]
    )
    c = np.array([0.0, 0.0, eta, 0.0, eta**2 * (1.0 + 0.3**2)])
    stationary = -np.linalg.solve(A, c)
    # z(alpha) = stationary + exp(A alpha) (z(0) - stationary), from R = 0, Q = 1/4 and no velocity.
    values, vectors = np.linalg.eig(A)
    assert values.real.max() < 0.0
    off = np.linalg.solve(vectors, np.array([0.0, 0.25, 0.0, 0.0, 0.0]) - stationary)
    times = [1.0, 5.0, 30.0]
    run = solve(s, ld.Start(0.25, 0.0), 30.0, save_at=times)
    found = np.stack([run[name].values.reshape(3) for name in ("R", "Q", "RV", "QJV", "QV")], axis=1)
    wanted = stationary + np.real((np.exp(np.outer(times, values)) * off) @ vectors.T)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=SOLVER)
