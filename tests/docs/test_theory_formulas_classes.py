"""Formulas of docs/theory on two classes, moments of weights, tasks, linear networks and finite samples, by hand."""

import jax
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm
from scipy.special import erf, hyp2f1, ndtr

import learndyn as ld
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.classification.rules import shifted_erf
from learndyn.scenarios.finite_sample import limits
from learndyn.scenarios.finite_sample.errors import errors_of
from learndyn.scenarios.finite_sample.flow import closed_states, drift_function
from learndyn.scenarios.finite_sample.spectrum import marchenko_pastur
from learndyn.scenarios.linear_modes import curves, times
from learndyn.scenarios.moments.base import MeanUpdate
from learndyn.scenarios.moments.flow import drift as moment_drift
from theory_formulas import ROUNDING, Nodes, formula

PI = np.pi
U = np.sqrt(PI / 8)


def close(found, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def density(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * PI)


def owen(z, k):
    return quad(lambda r: np.exp(-z * z * (1 + r * r) / 2) / (1 + r * r), 0, k, epsabs=1e-13)[0] / (2 * PI)


def in_float64(function, *arguments):
    with jax.enable_x64(True):
        return np.asarray(jax.jit(function)(*arguments))


# ---- The nonlinear perceptron


@formula("sigmoid-averages", "sigmoid-slopes")
def test_averages_of_the_sigmoid():
    m, v = 0.7, 1.3
    V = 1 + U**2 * v
    z, k = U * m / np.sqrt(V), 1 / np.sqrt(1 + 2 * U**2 * v)
    close(shifted_erf.mean(m, v, NUMPY), ndtr(z))
    close(shifted_erf.square(m, v, NUMPY), ndtr(z) - 2 * owen(z, k))

    def average(f):
        return quad(lambda n: density(n) * f(ndtr(U * (m + np.sqrt(v) * n))), -10, 10, epsabs=1e-13)[0]

    close([average(lambda p: p), average(lambda p: p * p)], [ndtr(z), ndtr(z) - 2 * owen(z, k)], 1e-10)
    close(average(lambda p: p * (1 - p)), 2 * owen(z, k), 1e-10)
    h = 1e-4

    def slope(f):
        return (f(m + h) - f(m - h)) / (2 * h)

    first = U / np.sqrt(V) * density(z)
    close(slope(lambda m: shifted_erf.mean(m, v, NUMPY)), first, 1e-8)  # h^2
    close(slope(lambda m: shifted_erf.square(m, v, NUMPY)), 2 * first * ndtr(k * z), 1e-8)
    close(slope(lambda m: 4 * owen(U * m / np.sqrt(V), k)), -2 * first * erf(k * z / np.sqrt(2)), 1e-8)


MU = np.array([0.6, 0.8, 0.0])
WEIGHTS = np.array([0.5, 0.2, -0.7])
SIGMA = 0.8


@formula("mean-update", "supervised-pq", "reinforce-pq", "alignment", "great-circle")
@pytest.mark.parametrize("rule", [ld.Supervised(), ld.Reinforce()])
def test_two_classes(rule):
    task = ld.GaussianClassification(MU, SIGMA**2, rule)
    change = in_float64(task.flow().drift, 0.0, WEIGHTS, task.values())
    p, q = MU @ WEIGHTS, WEIGHTS @ WEIGHTS
    V = 1 + SIGMA**2 * U**2 * q
    z, k = U * p / np.sqrt(V), 1 / np.sqrt(1 + 2 * U**2 * SIGMA**2 * q)
    tail = np.exp(-z * z / 2)
    if rule == ld.Supervised():
        A, slope = 1 - ndtr(z), -U / np.sqrt(V) * density(z)
        dp = A - SIGMA**2 * U * p / np.sqrt(2 * PI * V) * tail
        dq = 2 * p * A - SIGMA**2 * q / (2 * np.sqrt(V)) * tail
    else:
        A, late = 4 * owen(z, k), erf(z * k / np.sqrt(2))
        slope = -2 * U / np.sqrt(V) * density(z) * late
        dp = A - 2 * SIGMA**2 * U * p / np.sqrt(2 * PI * V) * tail * late
        dq = 2 * p * A - SIGMA**2 * q / np.sqrt(V) * tail * late
    close(change, MU * A + SIGMA**2 * WEIGHTS * slope, 1e-10)
    close([MU @ change, 2 * WEIGHTS @ change], [dp, dq], 1e-10)
    close(dp / p - dq / (2 * q), (1 / p - p / q) * A, 1e-10)


@formula("second-moments")
def test_second_moments_of_an_update():
    covariance = np.array([[0.6, 0.2], [0.2, 0.9]])
    mean, w = np.array([0.5, -0.3]), np.array([0.7, 0.4])
    nodes = Nodes(covariance, mean)
    h, m, v = nodes.z @ w, mean @ w, w @ covariance @ w
    s = h + 0.5 * h**2
    # D of m, by its derivatives: s^2 = h^2 + h^3 + h^4 / 4 at h ~ N(m, v).
    D = m**2 + v + m**3 + 3 * m * v + (m**4 + 6 * m**2 * v + 3 * v**2) / 4
    D1 = 2 * m + 3 * m**2 + 3 * v + m**3 + 3 * m * v
    D2 = 2 + 6 * m + 3 * m**2 + 3 * v
    u = covariance @ w
    expected = D * (covariance + np.outer(mean, mean)) + D1 * (np.outer(mean, u) + np.outer(u, mean))
    close(nodes((s**2)[:, None, None] * nodes.z[:, :, None] * nodes.z[:, None, :]), expected + D2 * np.outer(u, u))


# ---- Moments


def one_weight():
    """b(w) = w - w^3 + 0.2 w^2, with the scatter 0.3 + 0.1 w^2."""
    return MeanUpdate("by hand", lambda w, _: w - w**3 + 0.2 * w**2, lambda w, _: (0.3 + 0.1 * w**2)[None])


@formula("moment-flow", "generator", "third-cumulants")
def test_moments():
    m, C, S, eta = 0.4, 0.05, 0.01, 0.1
    b, b1, b2, b3 = m - m**3 + 0.2 * m**2, 1 - 3 * m**2 + 0.4 * m, -6 * m + 0.4, -6.0
    root = np.sqrt(C)
    second = in_float64(moment_drift(one_weight(), 1), 0.0, np.array([m, root]), {})
    close(second, [b + C * b2 / 2, b1 * root])
    finite = moment_drift(one_weight(), 1, finite_rate=True)
    found = in_float64(finite, 0.0, np.array([m, C]), {"learning_rate": eta})
    # (b b')' and (b b')'' by the product rule.
    slope, curved = b1**2 + b * b2, 3 * b1 * b2 + b * b3
    expected = b - eta / 2 * b * b1 + C / 2 * (b2 - eta / 2 * curved)
    close(found, [expected, 2 * C * (b1 - eta / 2 * slope) + eta * (0.3 + 0.1 * m**2)])
    third = in_float64(moment_drift(one_weight(), 1, order=3), 0.0, np.array([m, C, S]), {})
    mean = b + C * b2 / 2 + S * b3 / 6
    spread = 2 * (b1 * C + S * b2 / 2 + C * C * b3 / 2)
    close(third, [mean, spread, 3 * (b1 * S + C * C * b2)])
    # A step of the moments is the exponential of the generator, up to eta^3: phi = w^2.
    step, w = 1e-3, m
    exact = (w + step * b) ** 2 + step**2 * (0.3 + 0.1 * w**2)
    G0 = 2 * w * b
    G1 = (0.3 + 0.1 * w**2) - b * b1 * w
    assert abs(exact - (w**2 + step * G0 + step**2 * (G1 + 0.5 * (2 * b * (b + w * b1))))) < 1e-12


@formula("finite-rate")
def test_rate_of_steps():
    eta, s = 0.01, 0.5
    close(np.log(1 - eta) / eta, -(1 + eta / 2 + eta**2 / 3), eta**3)
    variance = eta * s**2 / (2 - eta)
    close((1 - eta) ** 2 * variance + eta**2 * s**2, variance)


# ---- Tasks


@formula("forgetting", "noisy-alignment")
def test_forgetting():
    c, axes = 0.8, np.eye(5)
    w = c * axes[0] + np.sqrt(1 - c**2) * axes[4]
    for k in range(1, 4):
        # To the alignment c with task k, along a great circle.
        rest = w - (w @ axes[k]) * axes[k]
        w = c * axes[k] + np.sqrt(1 - c**2) * rest / np.linalg.norm(rest)
        close(w @ axes[0], c * (1 - c**2) ** (k / 2))
    close(-0.5 * np.log(1 - c**2), -np.log(0.6))
    N, eta, decay, sigma = 500, 0.01, 10.0, 0.5
    variance = eta**2 * sigma**2 / 4 / (1 - (1 - decay * eta) ** 2)
    found = 1 / np.sqrt(1 + N * variance * (2 * decay) ** 2)
    close(found, (1 + N * sigma**2 * eta * decay / (2 - decay * eta)) ** -0.5)
    assert round(float(found), 2) == 0.36


# ---- Linear networks


@formula("linear-flow", "mode-flow")
def test_flow_of_linear_networks():
    rng = np.random.default_rng(4)
    W1, W2 = rng.standard_normal((2, 3)), rng.standard_normal((2, 2))
    correlation, inputs = rng.standard_normal((2, 3)), np.diag([1.0, 0.5, 2.0])
    noise, decay = 0.4, 0.1
    net = ld.DeepLinear(correlation, inputs, hidden=2, weight_decay=decay, input_noise=noise)
    flat = np.concatenate([W1.ravel(), W2.ravel()])
    change = in_float64(net.flow().drift, 0.0, flat, net.values())
    error = correlation - W2 @ W1 @ (inputs + noise**2 * np.eye(3))
    close(change, np.concatenate([(W2.T @ error - decay * W1).ravel(), (error @ W1.T - decay * W2).ravel()]))
    w, s, beta, keep = np.array([0.3, 0.5, 0.7]), 1.2, 0.8, 0.9
    mode = ld.LinearModes([s], beta, depth=3, weight_decay=decay, dropout_keep=keep, input_noise=noise)
    u = w.prod()
    expected = keep * (s - (beta + noise**2) * u) * u / w - decay * w
    close(in_float64(mode.flow().drift, 0.0, w, mode.values()), expected)


@formula("mode-balanced", "mode-unbalanced", "mode-unbalanced-flow", "mode-time", "autoencoder")
def test_modes():
    s, beta, decay, u0, t = 1.5, 0.7, 0.4, 0.05, 1.3
    a = s - decay
    E = np.exp(2 * a * t)
    close(curves.balanced(u0, t, s, beta, decay), a * E / (beta * (E - 1) + a / u0))

    def integrated(f):
        return solve_ivp(lambda t, u: f(u), (0, t), [u0], rtol=1e-12, atol=1e-14).y[0, -1]

    close(integrated(lambda u: 2 * u * (s - decay - beta * u)), a * E / (beta * (E - 1) + a / u0), 1e-9)
    c = 0.6
    f, S, k = np.sqrt(s**2 + beta**2 * c**2 / 4), np.sqrt(c**2 + 4 * u0**2), beta * c**2 / 2 + 2 * u0 * s
    P = S * np.sinh(2 * f * t) / (2 * f) + k * (np.sinh(f * t) / f) ** 2
    close(curves.unbalanced(u0, c, t, s, beta), (u0 + s * P) / (1 + beta * P))
    close(integrated(lambda u: (s - beta * u) * np.sqrt(c**2 + 4 * u**2)), (u0 + s * P) / (1 + beta * P), 1e-9)
    for depth, start, end in ((3, 0.1, 1.5), (4, 3.0, 2.3)):
        p = 1 - 2 / depth

        def A(v, p=p):
            if v < s / beta:
                return -(v**-p) / (s * p) * hyp2f1(1, -p, 1 - p, beta * v / s)
            return v ** (-p - 1) / (beta * (p + 1)) * hyp2f1(1, p + 1, p + 2, s / (beta * v))

        found = times.deep(np.array(start), np.array(end), np.array(s), np.array(beta), depth)
        close(found, (A(end) - A(start)) / depth, 1e-9)
        by_hand = quad(lambda v, d=depth: 1 / (d * v ** (2 - 2 / d) * (s - beta * v)), start, end, epsabs=1e-12)[0]
        close(found, by_hand, 1e-9)
    ell, noise = 1.1, 0.6
    u = (ell - decay) / (ell + noise**2)
    auto = ld.LinearModes([ell], ell, weight_decay=decay, input_noise=noise)
    still = in_float64(auto.flow().drift, 0.0, np.full(2, np.sqrt(u)), auto.values())
    close(still, 0.0)


@formula("riccati-flow", "riccati")
def test_riccati():
    rng = np.random.default_rng(8)
    correlation, beta, t = rng.standard_normal((2, 3)), 1.0, 0.8
    net = ld.DeepLinear(correlation, beta, hidden=2)
    start = ld.LinearWeights.balanced(net, 0.3, seed=1)
    W1, W2 = (np.asarray(layer) for layer in start.matrices())
    close(W2.T @ W2, W1 @ W1.T, 1e-10)
    F = np.block([[np.zeros((3, 3)), correlation.T], [correlation, np.zeros((2, 2))]])
    Q0 = np.concatenate([W1.T, W2])
    flow = F @ Q0 - beta / 2 * Q0 @ Q0.T @ Q0
    error = correlation - beta * W2 @ W1
    close(flow, np.concatenate([(W2.T @ error).T, error @ W1.T]), 1e-10)
    # int_0^t exp(2 F r) dr by a block exponential.
    big = expm(t * np.block([[2 * F, np.eye(5)], [np.zeros((5, 10))]]))[:5, 5:]
    inner = np.linalg.inv(np.eye(2) + beta * Q0.T @ big @ Q0)
    M = expm(F * t) @ Q0 @ inner @ Q0.T @ expm(F * t)
    found = ld.solve(net, start, until=t, save_at=[t], method="closed_form").isel(t=-1)
    close(found.W.values, M[3:, :3], 1e-9)


@formula("kernel-growth", "dropout-time", "equivalent-decay", "modified-flow")
def test_laziness_dropout_noise_and_steps():
    s, beta, c = 1.5, 0.7, 0.4
    growth = ld.LinearModes([s], beta).kernel_growth(ld.ModeStart([0.0], imbalance=[c]))
    close(growth, np.sqrt(1 + (2 * s / (beta * c)) ** 2))
    keep, epsilon = 0.6, 0.02
    modes = ld.LinearModes([s], dropout_keep=keep)
    mean, bound = np.log((s - epsilon) / epsilon) / (keep * s), np.log(s / epsilon) / (keep * s)
    close([modes.dropout_time(epsilon).item(), modes.dropout_bound(epsilon).item()], [mean, bound])
    ell, noise = 1.3, 0.5
    close(ld.equivalent_weight_decay(ell, noise), ell * noise**2 / (ell + noise**2))
    # Two steps against the flow of the corrected drift, f = u - u^2: eta^2 and what is left of it.
    gaps = []
    for eta in (0.02, 0.01):
        u = 0.3
        for _ in range(round(1 / eta)):
            u = u + eta * (u - u * u)
        flow = solve_ivp(
            lambda t, u, eta=eta: (u - u * u) * (1 - eta / 2 * (1 - 2 * u)), (0, 1), [0.3], rtol=1e-12, atol=1e-14
        )
        gaps.append(abs(u - flow.y[0, -1]))
    assert gaps[1] / gaps[0] == pytest.approx(0.25, abs=0.01)


# ---- A finite sample


@formula("sample-flow", "sample-modes", "sample-errors")
def test_errors_of_a_sample():
    rng, n, p, t = np.random.default_rng(6), 4, 7, 1.1
    X = rng.standard_normal((n, p))
    S, L, sigma, gamma = 1.2, 0.5, 0.7, 0.2
    H = X @ X.T / p
    scenario = ld.FiniteSample(n / p, S, sigma, weight_decay=gamma, eigenvalues=np.linalg.eigvalsh(H))
    values = scenario.values()
    found = errors_of(closed_states(np.array([t]), L, values), values, 1)
    # The whole linear system: w(t) = A w(0) + G (H wbar + X sigma eps / p), averaged over the three by their variances.
    A = expm(-(H + gamma * np.eye(n)) * t)
    G = np.linalg.solve(H + gamma * np.eye(n), np.eye(n) - A)
    noise = sigma**2 / p**2 * G @ X @ X.T @ G.T
    left = np.eye(n) - G @ H
    deviation = S**2 / n * left @ left.T + L**2 / n * A @ A.T + noise
    close(found["eps_g"], [0.5 * np.trace(deviation)])
    residual = np.eye(p) - X.T @ G @ X / p
    train = S**2 / n * np.trace(left.T @ H @ left) + L**2 / n * np.trace(A.T @ H @ A)
    close(found["train_error"], [0.5 * (train + sigma**2 / p * np.trace(residual @ residual.T))])
    # The gradient of the training error is what the flow descends.
    y, w, h = rng.standard_normal(p), rng.standard_normal(n), 1e-6
    up = ((y - X.T @ (w + h * np.eye(n)[0])) ** 2).sum() / (2 * p)
    down = ((y - X.T @ (w - h * np.eye(n)[0])) ** 2).sum() / (2 * p)
    close(-(up - down) / (2 * h), (X @ (y - X.T @ w) / p)[0], 1e-7)


@formula("marchenko-pastur", "sample-ends", "ridge", "best-ridge")
@pytest.mark.parametrize("a", [0.4, 2.5])
def test_ends_of_learning(a):
    low, high, gamma = (1 - np.sqrt(a)) ** 2, (1 + np.sqrt(a)) ** 2, 0.3

    def average(f):
        def rho(x):
            return np.sqrt((high - x) * (x - low)) / (2 * PI * a * x) * f(x)

        return quad(rho, low, high, epsabs=1e-12, limit=200)[0] + max(1 - 1 / a, 0.0) * f(0.0)

    law = marchenko_pastur(a)
    for f in (lambda x: np.exp(-x), lambda x: 1 / (x + gamma)):
        close(law.weights @ f(law.eigenvalues), average(f), 1e-8)
    S, sigma, L = 1.2, 0.7, 0.5
    end = limits.unregularised(a, S, sigma, L)
    unseen = 0.5 * (S**2 + L**2) * (1 - 1 / a) if a > 1 else 0.0
    close(end["eps_g"], unseen + (sigma**2 * a / (2 * (1 - a)) if a < 1 else sigma**2 / (2 * (a - 1))))
    close(end["train_error"], max(sigma**2 * (1 - a) / 2, 0.0))

    def m(gamma):
        return (np.sqrt((1 - a + gamma) ** 2 + 4 * a * gamma) - (1 - a + gamma)) / (2 * a * gamma)

    h = 1e-5

    def eps_g(gamma):
        slope = (m(gamma - h) - m(gamma + h)) / (2 * h)
        return 0.5 * (S**2 * gamma**2 * slope + sigma**2 * a * (m(gamma) - gamma * slope))

    close(m(gamma), average(lambda x: 1 / (x + gamma)), 1e-8)
    close(limits.ridge(a, S, sigma, gamma)["eps_g"], eps_g(gamma), 1e-7)  # h^2
    best = a * sigma**2 / S**2
    assert limits.best_ridge(a, S, sigma) == best
    close(limits.ridge(a, S, sigma, best)["eps_g"], 0.5 * S**2 * best * m(best), 1e-9)


@formula("best-time", "deep-sample")
def test_best_times_and_deep_students():
    a, S, sigma, L, gamma, x = 0.5, 1.2, 0.7, 0.5, 0.05, 0.8

    def error(t):
        left = np.exp(-(x + gamma) * t)
        C = x / (x + gamma) * (1 - left)
        return S**2 * (1 - C) ** 2 + L**2 * left**2 + sigma**2 * a * C**2 / x

    ratio = (a * sigma**2 - gamma * S**2) / (x * S**2 + L**2 * (x + gamma) ** 2 / x + a * sigma**2)
    t, h = -np.log(ratio) / (x + gamma), 1e-5
    close((error(t + h) - error(t - h)) / (2 * h), 0.0, 1e-9)
    D, A, C = 3, np.array([0.4, 0.6]), np.array([0.2, 0.1])
    eigenvalues = np.array([0.7, 1.9])
    scenario = ld.FiniteSample(a, S, sigma, weight_decay=gamma, depth=D, eigenvalues=eigenvalues)
    values = scenario.values()
    order = np.argsort(values["eigenvalues"])
    close(values["eigenvalues"][order], eigenvalues)
    squared = np.mean(A**2 + (S**2 + sigma**2 * a / eigenvalues) * C**2)
    rate = eigenvalues * squared ** (D - 1) + gamma
    expected = np.concatenate([-rate * A, eigenvalues * squared ** ((D - 1) / 2) - rate * C])
    close(drift_function(D, NUMPY)(0.0, np.concatenate([A, C]), values), expected)
