"""Formulas of docs/theory on what follows from the equations of motion: a perceptron, plateaus, noise, rates, sites."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import root

import learndyn as ld
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher.flow import drift_function
from theory_formulas import ROUNDING, Nodes, drift, formula, joint

PI = np.pi


def close(found, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# ---- The ReLU perceptron


def relu_perceptron(R, Q, T, eta):
    s, A = np.sqrt(T * Q - R**2), np.arcsin(R / np.sqrt(T * Q))
    dR = eta * (T / 4 - R / 2 + T * A / (2 * PI) + R * s / (2 * PI * Q))
    square = T / 4 - R / 2 + Q / 2 + (R / Q - 2) * s / (2 * PI) + (T - 2 * R) * A / (2 * PI)
    return dR, eta * (R / 2 - Q + s / PI + R * A / PI) + eta**2 * square


def perceptron(eta, T=1.0, name="relu", **options):
    return ld.StudentTeacher(ld.Student(1, name), ld.Teacher(1, name, T=[[T]]), learning_rate=eta, **options)


def library(R, Q, eta, T=1.0):
    found = drift(perceptron(eta, T), ld.Start(Q=Q, R=R))
    return np.array([found["R"].item(), found["Q"].item()])


@formula("relu-perceptron-r", "relu-perceptron-q", "relu-perceptron-eps")
def test_perceptron():
    R, Q, T, eta = 0.4, 0.7, 1.3, 0.6
    close(library(R, Q, eta, T), relu_perceptron(R, Q, T, eta))
    s, A = np.sqrt(T * Q - R**2), np.arcsin(R / np.sqrt(T * Q))
    case = perceptron(eta, T)
    eps_g = case.error_function(NUMPY)(np.array([R, Q]), case.values())
    close(eps_g, (T + Q - R) / 4 - s / (2 * PI) - R * A / (2 * PI))


@formula("relu-perceptron-modes", "relu-perceptron-jacobian", "relu-perceptron-cubic", "relu-perceptron-large")
@pytest.mark.parametrize("eta", [0.5, 1.9])
def test_perceptron_near_and_far(eta):
    rho = 1e-3
    dR, dQ = library(1.0, 1.0 + rho**2, eta)
    lead = eta * (eta - 2) / 2 * rho**2 - eta * (2 * eta - 3) / (3 * PI) * rho**3
    assert abs(dQ - 2 * dR - lead) < 10 * rho**4
    # Along B: R = 1 + p, Q = R^2, s = 0.
    p = 1e-4
    along = library(1 + p, (1 + p) ** 2, eta)
    jacobian = np.array([[-eta / 2, 0.0], [-eta * (eta - 1), eta * (eta - 2) / 2]])
    close(along / p, jacobian @ [1.0, 2.0 + p], 1e-3)  # of order p
    case = perceptron(eta)
    eps_g = case.error_function(NUMPY)(np.array([1.0, 1.0 + rho**2]), case.values())
    close(eps_g / (rho**2 / 4), 1.0, 1e-2)  # of order rho
    Q = 1e8
    far = eta * (eta - 2) / 2 * Q - eta * (eta - 1) / PI * np.sqrt(Q)
    assert abs(library(0.5, Q, eta)[1] - far) < 10.0  # of order 1, beside 1e4


@formula("relu-perceptron-branch", "relu-perceptron-beyond")
def test_perceptron_beyond_the_critical_rate():
    for R, Q, digits in ((0.98595321, 1.15479641, 1e-8), (0.55796, 37.458, 1e-3)):
        found = root(lambda z: library(*z, 2.1), [R, Q], tol=1e-13)
        assert found.success
        np.testing.assert_allclose(found.x, [R, Q], rtol=0, atol=digits)
    eta = 2.001
    R, Q = root(lambda z: library(*z, eta), [1.0, 1.0 + (1.5 * PI * (eta - 2)) ** 2], tol=1e-13).x
    # The next order is of relative size eta - 2 (times some number below 10).
    close(np.sqrt(Q - R**2), 1.5 * PI * (eta - 2) / (2 * eta - 3), 1e-2)


# ---- Plateaus


def committee(K, name="erf", eta=1.0, **options):
    options = {"dynamics": "gradient_flow"} | options
    return ld.StudentTeacher(ld.Student(K, name), ld.Teacher(K, name), learning_rate=eta, **options)


@formula("erf-plateau", "erf-plateau-rate")
@pytest.mark.parametrize("K", [2, 3, 4])
def test_erf_plateau(K):
    case, ones = committee(K), np.ones((K, K))
    R, Q = 1 / np.sqrt(K * (2 * K - 1)), 1 / (2 * K - 1)
    still = drift(case, ld.Start(Q * ones, R * ones))
    close(np.abs(np.concatenate([still["R"], still["Q"]])).max(), 0.0)
    eps_g = case.error_function(NUMPY)(case.initial_state(case.as_start(ld.Start(Q * ones, R * ones))), case.values())
    close(eps_g, K / PI * (PI / 6 - K * np.arcsin(1 / (2 * K))))
    u, h = np.zeros((K, K)), 1e-4
    u[:2, :2] = [[0.5, -0.5], [-0.5, 0.5]]
    # The square of the deviation makes overlaps possible; central differences see nothing of it.
    more = 2 * h**2 * np.eye(K)
    plus, minus = (drift(case, ld.Start(Q * ones + more, R * ones + sign * h * u)) for sign in (1, -1))
    across = drift(case, ld.Start(Q * ones + 1e-4, R * ones))  # the square of a common part across the teacher decays
    assert (across["Q"] - 2 * K * R * across["R"][0, 0] < -1e-6).all()
    rate = 2 / PI * K / ((2 * K + 1) ** 1.5 * np.sqrt(2 * K - 1))
    close((plus["R"] - minus["R"]) / (2 * h), rate * u, 1e-6)  # h^2
    close(plus["Q"], minus["Q"])


@formula("erf-plateau-spectrum", "relu-plateau")
def test_plateaus_of_two_units():
    def jacobian(name, R, Q, C):
        case = committee(2, name)
        function, values = drift_function(case.structure, NUMPY), case.values()
        z, h = np.array([R, R, R, R, Q, C, Q]), 1e-5
        steps = h * np.eye(7)
        columns = [(function(0.0, z + e, values) - function(0.0, z - e, values)) / (2 * h) for e in steps]
        return function(0.0, z, values), np.linalg.eigvals(np.array(columns).T)

    # A double zero: eigenvalues know it to the root of the differences' error, 1e-10.
    _, found = jacobian("erf", 1 / np.sqrt(6), 1 / 3, 1 / 3)
    np.testing.assert_allclose(
        np.sort(found.real), np.array([-30, -15, -14, -9, 0, 0, 1]) * 4 / (5 * np.sqrt(15) * PI), rtol=0, atol=1e-4
    )
    still, found = jacobian("relu", 0.52457922, 0.71775610, 0.38297734)
    np.testing.assert_allclose(still, 0.0, rtol=0, atol=5e-8)  # eight digits, and slopes of order 1
    printed = [-1.35830, -0.95679, -0.64426, -0.43992, -0.23081, -0.00492, 0.23923670]
    np.testing.assert_allclose(np.sort(found.real), printed, rtol=0, atol=1e-5)


def test_the_zeros_of_the_erf_plateau_are_negative_at_second_order():
    eta = 0.1
    case = committee(2, "erf", eta, dynamics="sgd")

    def rates(z):
        return drift_function(case.structure, NUMPY)(0.0, z, case.values())

    def alike(R, Q, C):
        return np.array([R, R, R, R, Q, C, Q])

    at = alike(*root(lambda z: rates(alike(*z))[[0, 4, 5]], [0.41, 0.34, 0.33], tol=1e-13).x)
    assert at[4] - at[5] > 5e-3  # the fixed point at which units are not equal
    columns = [(rates(at + e) - rates(at - e)) / 2e-5 for e in 1e-5 * np.eye(7)]
    found = np.sort(np.linalg.eigvals(np.array(columns).T).real)[-3:-1] / eta**2
    np.testing.assert_allclose(found, [-0.013, -0.007], rtol=0, atol=5e-4)


# ---- Finite N and fluctuations


@formula("length-correlation", "length-term", "linear-rate")
def test_length_of_the_input():
    """`tests/engines/test_chain_law.py` has the law of the chain itself."""
    import jax

    from learndyn.scenarios.student_teacher.size_correction import make_length_term

    R, Q, eta = 0.3, 0.5, 0.8
    first = relu_perceptron(R, Q, 1.0, 1.0)[1] - relu_perceptron(R, Q, 1.0, 2.0)[1] / 4
    square = relu_perceptron(R, Q, 1.0, 1.0)[1] - 2 * first
    case = perceptron(eta)
    with jax.enable_x64(True):
        term = make_length_term(1, 1, ld.activation("relu"))
        close(np.asarray(term(0.0, np.array([R, Q]), case.values())), [0.0, 2 * eta**2 * square])
    # Linear units over u, n = 2 of N inputs: <(|u|^2 + N - n) delta^2> = (N + 2) <delta^2>.
    N, nodes = 6, Nodes(np.eye(2))
    delta = nodes.z @ np.linalg.cholesky([[Q, R], [R, 1.0]]).T @ [-1.0, 1.0]
    close(nodes(((nodes.z**2).sum(1) + N - 2) * delta**2), (N + 2) * nodes(delta**2))
    eta, N = 0.7, 1e5
    exact = N * np.log(1 - (2 * eta - eta**2) / N + 2 * eta**2 / N**2)
    lead = eta**2 - 2 * eta
    close(N * (exact - lead), 2 * eta**2 - lead**2 / 2, 1e-4)  # 1 / N


@formula("increments", "covariance-flow", "mean-flow", "diffusion-linear")
def test_linear_noise_of_a_linear_perceptron():
    import jax

    from learndyn.analysis.linear_noise import Layout, linear_noise
    from learndyn.scenarios.student_teacher.increments import make_increments

    R, Q, eta = 0.4, 0.6, 0.5
    case, layout = perceptron(eta, name="linear"), Layout(2, 0)
    P, m = np.array([[0.3, 0.1], [0.1, 0.2]]), np.array([0.05, -0.1])
    with jax.enable_x64(True):
        flow = linear_noise(case.flow(), case.noise(), layout, 0)
        change = np.asarray(jax.jit(flow.drift)(0.0, layout.first(np.array([R, Q]), P, m), case.values()))
    # F = (eta (1 - R), 2 eta (R - Q) + eta^2 (1 - 2 R + Q)) is linear: no second derivative.
    F = np.array([eta * (1 - R), 2 * eta * (R - Q) + eta**2 * (1 - 2 * R + Q)])
    J = np.array([[-eta, 0.0], [2 * eta - 2 * eta**2, eta**2 - 2 * eta]])
    # b = e w with e = y - x, w = (eta y, 2 eta x + eta^2 e), over (x, y).
    C, e = np.array([[Q, R], [R, 1.0]]), np.array([-1.0, 1.0])
    w = np.array([[0.0, eta], [2 * eta - eta**2, eta**2]])
    D = (e @ C @ e) * (w @ C @ w.T) + np.outer(w @ C @ e, w @ C @ e)
    c = np.array([0.0, 2 * eta**2 * (1 - 2 * R + Q)]) - 0.5 * J @ F
    expected = np.concatenate([F, (J @ P + P @ J.T + D)[np.triu_indices(2)], J @ m + c])
    close(change, expected, 1e-9)
    nodes = Nodes(np.eye(2), count=5)
    b = make_increments(1, 1, ld.activation("linear"), NUMPY)(np.array([R, Q]), case.values(), nodes.z)
    close(nodes(b), F)
    close(nodes(b[:, :, None] * b[:, None, :]) - np.outer(F, F), D)


@formula("quadrant-moments")
def test_quadrant_moments():
    from learndyn.gaussian.quadrant_moments import quadrant_moments

    r = 0.35
    rbar = np.sqrt(1 - r * r)
    P = 0.25 + np.arcsin(r) / (2 * PI)
    M20, M11 = P + r * rbar / (2 * PI), r * P + rbar / (2 * PI)
    M40 = 3 * M20 + r * rbar**3 / PI
    second, fourth = quadrant_moments(r, rbar, np.arcsin(r))
    close([*second[:2], *fourth[:3]], [M20, M11, M40, 2 * M11 + r * M20, M20 + 2 * r * M11])
    # In polar coordinates: x = rho cos t, y = rho cos(t - arccos r), over the sector in which both are positive.
    t, weight = np.polynomial.legendre.leggauss(40)
    ends = np.array([np.arccos(r) - PI / 2, PI / 2])
    t, weight = ends.mean() + np.ptp(ends) / 2 * t, weight * np.ptp(ends) / 2 / (2 * PI)
    x, y = np.cos(t), np.cos(t - np.arccos(r))
    close([weight @ (x**2 * y**2) * 8, weight @ (x * y) * 2, weight @ x**4 * 8], [fourth[2], second[1], fourth[0]])


# ---- Learning rates


@formula("contraction", "greedy", "linear-schedule", "erf-schedule")
def test_learning_rates():
    # <|xi|^2 theta (D xi)^2> = (N + 2) / 2: over N = 3 inputs by nodes, D along the first; theta halves it.
    nodes = Nodes(np.eye(3), count=4)
    close(nodes((nodes.z**2).sum(1) * nodes.z[:, 0] ** 2), 3 + 2)
    eta = np.linspace(0.5, 1.0, 50_001)
    assert abs(eta[np.argmin(-eta / 10 + eta**2 * 12 / 200)] - 10 / 12) < 1e-4
    s, E = 0.4, 0.3
    case = perceptron(1.0, name="linear", label_noise=s)

    def slope(eta):
        found = drift(case.replace(learning_rate=eta), ld.Start(Q=1 + E, R=1.0))
        return found["Q"].item() - 2 * found["R"].item()

    best = E / (E + s**2)
    close(slope(0.7), -(E**2) / (E + s**2) + (E + s**2) * (0.7 - best) ** 2)
    a, b = slope(1.0) - (slope(2.0) - 2 * slope(1.0)) / 2, (slope(2.0) - 2 * slope(1.0)) / 2
    close(-a / (2 * b), best)
    D, eta = 1e-6, 1e-5
    found = drift(perceptron(eta, name="erf", label_noise=s), ld.Start(Q=1 + D, R=1.0))
    a = 2 / (np.sqrt(3) * PI)
    # Of relative order D and eta.
    close((found["Q"].item() - 2 * found["R"].item()) / (eta * a * D), -2 + eta * s**2 / D, 1e-4)
    eps_g = perceptron(1.0, name="erf").error_function(NUMPY)(np.array([1.0, 1.0 + D]), {"T": np.eye(1)})
    close(eps_g / (0.5 * a * D), 1.0, 1e-4)  # of order D, and rounding over D


# ---- Alike sites


def sites(K, R, S, Q, C):
    eye, ones = np.eye(K), np.ones((K, K))
    return (Q - C) * eye + C * ones, (R - S) * eye + S * ones


@formula("sites", "site-drift", "site-blocks", "orbit-sum")
def test_sites():
    import jax

    K, eta, noise, decay = 5, 0.2, 0.3, 0.1
    R, S, Q, C = 0.4, 0.05, 0.6, 0.1
    case = ld.SiteSymmetric(K, "erf", eta, label_noise=noise, weight_decay=decay)
    start = ld.SymmetricStart(R, S, Q, C)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(case.flow().drift)(0.0, case.initial_state(start), case.values()))
    Q_full, R_full = sites(K, R, S, Q, C)
    full = committee(K, "erf", eta, dynamics="sgd", label_noise=noise, weight_decay=decay)
    slopes = drift(full, ld.Start(Q_full, R_full))
    expected = {"R": slopes["R"][0, 0], "S": slopes["R"][0, 1], "Q": slopes["Q"][0, 0], "C": slopes["Q"][0, 1]}
    names = case.parameter_names()
    close(found, [expected[name] for name in names], 1e-10)
    blocks = np.concatenate([
        np.linalg.eigvalsh([[Q + (K - 1) * C, R + (K - 1) * S], [R + (K - 1) * S, 1.0]]),
        np.tile(np.linalg.eigvalsh([[Q - C, R - S], [R - S, 1.0]]), K - 1),
    ])  # fmt: skip
    close(np.sort(blocks), np.linalg.eigvalsh(joint(Q_full, R_full, np.eye(K))))
    act, z = ld.activation("erf"), joint(Q_full, R_full, np.eye(K))
    # <delta_1 y_2>, by the table: units x_1, the other x, y_1, the other y.
    places, counts, signs = (0, 1, K, K + 1), (1, K - 1, 1, K - 1), (-1, -1, 1, 1)
    with_y2 = (S, R + (K - 2) * S, 0.0, 1.0)
    total = 0.0
    for place, number, sign, overlap in zip(places, counts, signs, with_y2, strict=True):
        one, other, both = 1 + z[0, 0], 1 + z[place, place], z[0, place]
        slope = 2 / PI / np.sqrt(one * other - both**2)
        # <g'' g> of erf, by a derivative of g' along its argument: -s12 / (1 + s11) <g' g'>.
        bent = -both / one * slope
        total += S * number * sign * bent + sign * slope * overlap
    assert act.name == "erf"
    noiseless = drift(committee(K, "erf", 1.0), ld.Start(Q_full, R_full))
    close(total, noiseless["R"][0, 1], 1e-10)


@formula("orbit-squares")
def test_sums_over_orbits():
    # Averages of products of errors of n sites that are alike: A for squares, B for products; f with f^2 and f e_s.
    rng = np.random.default_rng(7)
    A, B, ff, fe = rng.uniform(0.1, 1.0, 4)
    for n, r in ((4, 3), (9, 2)):
        whole = ff + 2 * n * fe + n * A + n * (n - 1) * B
        mean = ff + 2 * n * fe + n**2 * (A / r + (r - 1) / r * B)
        close(whole, mean - 0.5 * (n**2 / r - n) * 2 * (A - B))


@formula("site-relu")
def test_relu_sites():
    K, R, S, Q, C = 4, 0.4, 0.05, 0.6, 0.1

    def A(r, t, rho):
        return r * np.sqrt(Q - rho**2) / (2 * PI * Q) + t * (0.25 + np.arcsin(rho / np.sqrt(Q)) / (2 * PI))

    def B(r, q, rho):
        return r * np.sqrt(Q**2 - q**2) / (2 * PI * Q) + rho * (0.25 + np.arcsin(q / Q) / (2 * PI))

    dR = A(R, 1, R) + (K - 1) * A(R, 0, S) - R / 2 - (K - 1) * B(R, C, S)
    dS = A(S, 1, S) + A(S, 0, R) + (K - 2) * A(S, 0, S) - S / 2 - B(S, C, R) - (K - 2) * B(S, C, S)
    dQ = 2 * (A(Q, R, R) + (K - 1) * A(Q, S, S) - Q / 2 - (K - 1) * B(Q, C, C))
    dC = 2 * (A(C, S, R) + A(C, R, S) + (K - 2) * A(C, S, S) - C / 2 - B(C, C, Q) - (K - 2) * B(C, C, C))
    slopes = drift(committee(K, "relu"), ld.Start(*sites(K, R, S, Q, C)))
    for i, k in product(range(K), repeat=2):
        close([slopes["R"][i, k], slopes["Q"][i, k]], [dR, dQ] if i == k else [dS, dC])
