"""Formulas of docs/theory on student and teacher, by hand: averages are sums over nodes, exact for polynomial units."""

from itertools import product

import numpy as np
import pytest

import learndyn as ld
from learndyn.gaussian.namespaces import NUMPY
from theory_formulas import ROUNDING, Nodes, drift, formula, joint

NAME = "polynomial(0.1, 1, 0.3, -0.2)"
ACT = ld.activation(NAME)
Q = np.array([[0.5, 0.1], [0.1, 0.4]])
R = np.array([[0.3, -0.1], [0.2, 0.25]])
T = np.array([[1.0, 0.2], [0.2, 0.8]])
W, V = np.array([0.9, 1.2]), np.array([1.1, 0.7])
ETA = 0.3
UPPER = np.triu_indices(2)


def close(found, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def scenario(**options):
    """Two units that learn from two, with all output weights given."""
    weights = options.pop("weights", False)
    student = ld.Student(2, NAME)
    teacher = ld.Teacher(2, NAME, T=T, output_weights=V if weights else None, biases=options.pop("biases", None))
    return ld.StudentTeacher(student, teacher, learning_rate=options.pop("eta", ETA), **options)


class Network:
    """Outputs and averages of the networks at their nodes."""

    def __init__(self, C, shift=None, w=(1.0, 1.0), v=(1.0, 1.0), masks=(1.0, 1.0)):
        self.mean = Nodes(C, shift, count=8)
        self.C, z = np.asarray(C), self.mean.z
        self.x, self.y = z[:, :2], z[:, 2:]
        self.w, self.g, self.dg = np.multiply(w, masks), ACT.g(self.x), ACT.dg(self.x)
        self.sigma, self.tau = self.g @ self.w, ACT.g(self.y) @ np.asarray(v)
        self.error = self.tau - self.sigma
        self.delta = self.w * self.dg * self.error[:, None]

    def response(self, F, t):
        """<F_i t>."""
        return self.mean(F[:, :, None] * t[:, None, :])

    def square(self, F):
        """<F_i F_k>."""
        return self.mean(F[:, :, None] * F[:, None, :])


def plain():
    return Network(joint(Q, R, T))


def expected_drift(net, F, eta=ETA, square=None):
    """The two equations."""
    own = net.response(F, net.x)
    square = net.square(F) if square is None else square
    return {"R": eta * net.response(F, net.y), "Q": eta * (own + own.T) + eta**2 * square}


def check(found, expected):
    for name in expected:
        close(found[name], expected[name])


# ---- The setting and the equations of motion


@formula("outputs", "covariance", "eps_g")
def test_generalisation_error():
    rng = np.random.default_rng(1)
    J, B = rng.standard_normal((2, 2, 6)) / 3.0
    start, teacher = ld.Start.from_weights(J, B), ld.Teacher.from_weights(B, NAME)
    student = ld.StudentTeacher(ld.Student(2, NAME), teacher, learning_rate=ETA)
    close([start.R, start.Q, teacher.T], [J @ B.T, J @ J.T, B @ B.T])
    C = joint(J @ J.T, J @ B.T, B @ B.T)
    c = np.array([-1.0, -1.0, 1.0, 1.0])
    I2 = np.array([[float(ACT.I2(C[np.ix_([p, q], [p, q])])) for q in range(4)] for p in range(4)])
    net = Network(C)
    close(0.5 * c @ I2 @ c, 0.5 * net.mean(net.error**2))
    rows = student.as_start(start)
    found = student.error_function(NUMPY)(student.initial_state(rows), student.values())
    close(found, 0.5 * c @ I2 @ c)


@formula("update")
def test_update_is_the_gradient():
    rng = np.random.default_rng(2)
    J, xi, h = rng.standard_normal((2, 5)), rng.standard_normal(5), 1e-6
    tau = 0.7

    def error(J):
        return 0.5 * (tau - W @ ACT.g(J @ xi)) ** 2

    delta = W * ACT.dg(J @ xi) * (tau - W @ ACT.g(J @ xi))
    moved = J.copy()
    moved[1, 3] += h
    back = J.copy()
    back[1, 3] -= h
    close((error(moved) - error(back)) / (2 * h), -delta[1] * xi[3], 1e-6)  # h^2, and rounding over h


@formula("one-update", "exact-update", "triangular", "triangular-update", "squared-length")
def test_one_update():
    rng, N, eta = np.random.default_rng(3), 9, 0.7
    J, B, xi = rng.standard_normal((2, N)), rng.standard_normal((2, N)), rng.standard_normal(N)
    x, y = J @ xi, B @ xi
    delta = ACT.dg(x) * (ACT.g(y).sum() - ACT.g(x).sum())
    new = J + eta / N * np.outer(delta, xi)
    close(new @ B.T, J @ B.T + eta / N * np.outer(delta, y), 1e-10)
    square = eta**2 / N**2 * (xi @ xi) * np.outer(delta, delta)
    after = J @ J.T + eta / N * (np.outer(delta, x) + np.outer(x, delta)) + square
    close(new @ new.T, after, 1e-10)
    # In triangular coordinates, with the components of this very input.
    L_B = np.linalg.cholesky(B @ B.T)
    e = np.linalg.solve(L_B, B)
    a = J @ e.T
    beyond = J - a @ e
    l = np.linalg.cholesky(beyond @ beyond.T)
    f = np.linalg.solve(l, beyond)
    close(a @ L_B.T, J @ B.T)
    close(a @ a.T + l @ l.T, J @ J.T)
    u, v = e @ xi, f @ xi
    chi = np.sqrt(xi @ xi - u @ u - v @ v)
    z = np.concatenate([x, y])
    C = joint(J @ J.T, J @ B.T, B @ B.T)
    close(z @ np.linalg.solve(C, z) + chi**2, xi @ xi, 1e-9)
    rows = np.concatenate([l + eta / N * np.outer(delta, v), (eta / N * chi * delta)[:, None]], axis=1)
    a = a + eta / N * np.outer(delta, u)
    lower = np.linalg.qr(rows.T)[1].T
    close(np.triu(lower, 1), 0.0)
    close(a @ L_B.T, new @ B.T, 1e-10)
    close(a @ a.T + lower @ lower.T, after, 1e-10)


@formula("drift", "drift-sums")
def test_drift():
    net = plain()
    check(drift(scenario(), ld.Start(Q, R)), expected_drift(net, net.delta))
    C, c = net.C, np.array([-1.0, -1.0, 1.0, 1.0])
    I3 = sum(c[q] * float(ACT.I3(C[np.ix_([0, 3, q], [0, 3, q])])) for q in range(4))
    close(net.mean(net.delta[:, 0] * net.y[:, 1]), I3)
    I4 = sum(c[p] * c[q] * float(ACT.I4(C[np.ix_([0, 1, p, q], [0, 1, p, q])])) for p, q in product(range(4), repeat=2))
    close(net.mean(net.delta[:, 0] * net.delta[:, 1]), I4)


@formula("gradient-flow")
def test_gradient_flow_descends():
    base, h = scenario(), 1e-5

    def eps(dQ, dR):
        net = Network(joint(Q + dQ, R + dR, T))
        return 0.5 * net.mean(net.error**2)

    def slope(matrix, i, k):
        step = np.zeros((2, 2))
        step[i, k] = h
        if matrix == "Q":
            step[k, i] = h
            return (eps(step, 0) - eps(-step, 0)) / (2 * h)
        return (eps(0, step) - eps(0, -step)) / (2 * h)

    C = joint(Q, R, T)
    found = drift(base.replace(dynamics="gradient_flow"), ld.Start(Q, R))
    for i, n in product(range(2), repeat=2):
        by_R = sum(slope("R", i, m) * C[2 + m, 2 + n] for m in range(2))
        by_Q = sum((1 + (i == k)) * slope("Q", i, k) * C[k, 2 + n] for k in range(2))
        close(found["R"][i, n] / ETA, -by_R - by_Q, 1e-8)  # h^2, and rounding over h


# ---- Options of the update


@formula("gradient-averages")
def test_biases_and_weights():
    theta, phi = np.array([0.2, -0.3]), np.array([0.1, 0.4])
    case = scenario(weights=True, biases=phi, bias_learning_rate=0.2)
    net = Network(joint(Q, R, T), np.concatenate([theta, phi]), W, V)
    # The vectors in R and Q do not contain the biases.
    net.x, net.y = net.x - theta, net.y - phi
    expected = expected_drift(net, net.delta) | {"theta": 0.2 * net.mean(net.delta)}
    check(drift(case, ld.Start(Q, R, w=W, theta=theta)), expected)


@formula("output-weights")
def test_output_weights():
    case = scenario(weights=True, output_learning_rate=0.4, output_weight_decay=0.05)
    net = Network(joint(Q, R, T), w=W, v=V)
    G = net.mean(net.g[:, :, None] * net.g[:, None, :])
    h = net.mean(net.g[:, :, None] * ACT.g(net.y)[:, None, :])
    expected = expected_drift(net, net.delta) | {"w": 0.4 * (h @ V - G @ W - 0.05 * W)}
    check(drift(case, ld.Start(Q, R, w=W)), expected)


@formula("fast-output-weights")
def test_fast_output_weights():
    case = scenario(weights=True, output_learning_rate=0.4, output_time_scale="fast")
    net = Network(joint(Q, R, T), w=W, v=V)
    G = net.mean(net.g[:, :, None] * net.g[:, None, :])
    h = net.mean(net.g[:, :, None] * ACT.g(net.y)[:, None, :])
    w = W + np.linalg.pinv(G) @ (h @ V - G @ W)
    slaved = Network(joint(Q, R, T), w=w, v=V)
    check(drift(case, ld.Start(Q, R, w=W)), expected_drift(slaved, slaved.delta))


@formula("label-noise")
def test_noise_batches_and_decay():
    net, s, b, decay = plain(), 0.6, 4, 0.1
    square = (net.square(net.delta) + s**2 * net.square(net.dg)) / b
    expected = expected_drift(net, net.delta, square=square)
    expected["R"] = expected["R"] - ETA * decay * R
    expected["Q"] = expected["Q"] - 2 * ETA * decay * Q
    check(drift(scenario(label_noise=s, batch_size=b, weight_decay=decay), ld.Start(Q, R)), expected)


@formula("dropout", "training-error")
def test_dropout():
    p, total = 0.7, {"R": 0.0, "Q": 0.0, "e": 0.0}
    for masks in product((0.0, 1.0), repeat=2):
        share = np.prod([p if mask else 1 - p for mask in masks])
        net = Network(joint(Q, R, T), masks=masks)
        one = expected_drift(net, net.delta) | {"e": 0.5 * net.mean(net.error**2)}
        total = {name: total[name] + share * one[name] for name in total}
    case = scenario(dropout_keep=p)
    check(drift(case, ld.Start(Q, R)), {"R": total["R"], "Q": total["Q"]})
    rate = ld.AdaptiveRate(ETA, h=lambda error, eta, xp: error - eta)
    adaptive = drift(scenario(eta=rate, dropout_keep=p), ld.Start(Q, R))
    close(adaptive["eta"], total["e"] - ETA)


@formula("murata")
def test_late_times_of_an_adaptive_rate():
    a, b, s = 3.0, 1.5, 0.4
    roots = np.roots([a * (4 - b * s**2), -(4 + 2 * a), 2])
    c = roots.real.max()
    d = c**2 * s**2 / (2 * c - 1)
    close(a * (c - b * d / 2), 1.0)
    alpha = 1e4
    linear = ld.StudentTeacher(
        ld.Student(1, "linear"),
        ld.Teacher(1, "linear"),
        learning_rate=ld.AdaptiveRate.murata(c / alpha, a=a, b=b, floor=s**2 / 2),
        label_noise=s,
    )
    found = drift(linear, ld.Start(Q=1 + d / alpha, R=1.0))
    # d(c / alpha) = -c / alpha^2, d(d / alpha) = -d / alpha^2, up to the next order in 1 / alpha.
    close(found["eta"] * alpha**2, -c, 1e-2)
    close((found["Q"] - 2 * found["R"]) * alpha**2, -d, 1e-2)


# ---- Inputs and teachers


@formula("spectrum-covariance", "spectrum-drift")
def test_inputs_with_two_variances():
    variances, shares = np.array([0.5, 2.0]), np.array([0.6, 0.4])
    Q_l, R_l = np.stack([0.7 * Q, 0.3 * Q]), np.stack([0.2 * R, 0.5 * R])
    numbers = (variances, Q_l, R_l, shares)
    spaces = [variance * joint(q, r, share * T) for variance, q, r, share in zip(*numbers, strict=True)]
    net = Network(sum(spaces))
    case = scenario(inputs=ld.Inputs(eigenvalues=variances, shares=shares))
    found = drift(case, ld.Start(Q_l.sum(0), R_l.sum(0), more={"R_space": R_l, "Q_space": Q_l}))
    for l in range(2):
        part = net.mean.partner(spaces[l])
        own = net.response(net.delta, part[:, :2])
        close(found["R"][l], ETA * net.response(net.delta, part[:, 2:]))
        square = ETA**2 * variances[l] * shares[l] * net.square(net.delta)
        close(found["Q"][l], ETA * (own + own.T) + square)


@formula("shifted-drift")
def test_inputs_with_a_mean():
    d, e, length = np.array([0.2, -0.1]), np.array([0.3, 0.1]), 0.8
    case = scenario(inputs=ld.Inputs(mean_length=length, mean_overlap=e))
    net = Network(joint(Q, R, T), np.concatenate([d, e]))
    along = net.mean.partner(np.concatenate([d, e])[:, None])
    expected = expected_drift(net, net.delta)  # x and y with their means: <F (y~ + e)>
    expected["d"] = ETA * (net.response(net.delta, along)[:, 0] + net.mean(net.delta) * length**2)
    check(drift(case, ld.Start(Q, R, more={"d": d})), expected)


@formula("random-walk", "random-walk-linear")
def test_random_walk():
    rate, net = 0.05, plain()
    expected = expected_drift(net, net.delta)
    expected["R"] = expected["R"] - rate * R
    expected["T"] = -2 * rate * (T - np.diag(np.diag(T)))
    check(drift(scenario(teacher_drift=ld.RandomWalk(rate)), ld.Start(Q, R)), expected)
    one = ld.StudentTeacher(
        ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=ETA, teacher_drift=ld.RandomWalk(rate)
    )
    still = ETA / (ETA + rate)
    found = drift(one, ld.Start(Q=(2 * still + ETA * (1 - 2 * still)) / (2 - ETA), R=still))
    close([found["R"].item(), found["Q"].item()], 0.0)


@formula("moving-teacher")
def test_moving_teacher():
    motion, alpha = ld.Rotation(0.3), 1.7
    one = ld.Teacher(1, NAME)
    case = ld.StudentTeacher(ld.Student(1, NAME), one, learning_rate=ETA, teacher_drift=motion)
    A = np.asarray(motion.weights(alpha, 1))
    refs = np.eye(A.shape[1])
    overlaps = np.array([[0.3, -0.2]])
    C = joint(np.array([[0.5]]), overlaps @ A.T, A @ refs @ A.T)
    nodes = Nodes(C, count=8)
    x, y = nodes.z.T
    F = ACT.dg(x) * (ACT.g(y) - ACT.g(x))
    e = nodes.partner(np.concatenate([overlaps, A @ refs]))
    found = drift(case, ld.Start(Q=0.5, R=overlaps @ A.T, more={"R_reference": overlaps}), alpha)
    close(found["R"], ETA * nodes(F[:, None] * e)[None])
    close(found["Q"].item(), 2 * ETA * nodes(F * x) + ETA**2 * nodes(F * F))


@formula("tree")
def test_tree():
    q, r, t = np.array([0.5, 0.4]), np.array([0.3, -0.2]), np.array([1.0, 0.8])
    student, teacher = ld.Student(2, NAME), ld.Teacher(2, NAME, T=np.diag(t))
    case = ld.StudentTeacher(student, teacher, learning_rate=ETA, connectivity="tree")
    net = Network(joint(np.diag(q), np.diag(r), np.diag(t)))
    full = expected_drift(net, net.delta)
    check(drift(case, ld.Start(np.diag(q), np.diag(r))), {name: np.diag(full[name]) for name in full})


# ---- Other rules


@formula("momentum")
def test_momentum():
    gamma, decay = 0.8, 0.1
    rng = np.random.default_rng(5)
    J, velocities = rng.standard_normal((2, 2, 7)) / 3
    B = rng.standard_normal((2, 7)) / 3
    Q, R, T = J @ J.T, J @ B.T, B @ B.T
    RV, QJV, QV = velocities @ B.T, J @ velocities.T, velocities @ velocities.T
    net = Network(joint(Q, R, T))
    u = net.mean.partner(np.concatenate([QJV, RV.T]))
    own, moving = net.response(net.delta, net.x), net.response(net.delta, u)
    expected = {
        "R": RV,
        "Q": QJV + QJV.T,
        "RV": -gamma * RV + ETA * (net.response(net.delta, net.y) - decay * R),
        "QJV": QV - gamma * QJV + ETA * (own.T - decay * Q),
        "QV": -2 * gamma * QV + ETA * (moving + moving.T - decay * (QJV + QJV.T)) + ETA**2 * net.square(net.delta),
    }
    case = ld.StudentTeacher(
        ld.Student(2, NAME), ld.Teacher(2, NAME, T=T), learning_rate=ETA, rule=ld.Momentum(gamma), weight_decay=decay
    )
    check(drift(case, ld.Start(Q, R, more={"RV": RV, "QJV": QJV, "QV": QV})), expected)


@formula("natural-gradient")
def test_natural_gradient():
    net = plain()
    slopes = net.dg[:, :, None] * net.dg[:, None, :]
    a = net.mean(slopes)
    products = net.x[:, :, None] * net.x[:, None, :]
    G = net.mean(slopes[:, :, :, None, None] * products[:, None, None]).transpose(0, 2, 1, 3).reshape(4, 4)
    own, to_teacher = net.response(net.delta, net.x), net.response(net.delta, net.y)
    X, inverse = np.linalg.solve(G, own.reshape(-1)).reshape(2, 2), np.linalg.inv(a)
    expected = {
        "R": ETA * (X @ R + inverse @ (to_teacher - own @ np.linalg.solve(Q, R))),
        "Q": ETA * (X @ Q + (X @ Q).T) + ETA**2 * inverse @ net.square(net.delta) @ inverse,
    }
    check(drift(scenario(rule="natural_gradient"), ld.Start(Q, R)), expected)


@formula("hebb")
def test_hebb():
    net = plain()
    F = np.repeat(net.tau[:, None], 2, axis=1)
    check(drift(scenario(rule="hebb"), ld.Start(Q, R)), expected_drift(net, F))
    close(net.mean(net.tau * net.x[:, 0]), sum(R[0, n] * net.mean(ACT.dg(net.y[:, n])) for n in range(2)))


@formula("perceptron-rule", "adatron")
@pytest.mark.parametrize("rule", ["perceptron", "adatron"])
def test_rules_for_signs(rule):
    q, r, t = 0.6, 0.3, 0.9
    phi = np.arccos(r / np.sqrt(q * t))
    case = ld.StudentTeacher(ld.Student(1, "sign"), ld.Teacher(1, "sign", T=[[t]]), learning_rate=ETA, rule=rule)
    if rule == "perceptron":
        y, x = np.sqrt([t, -q] * np.array([1, -1]) / (2 * np.pi)) * [1, -1] * (1 - np.cos(phi))
        square = phi / np.pi
    else:
        y = np.sqrt(q * t) / np.pi * (np.sin(phi) - phi * np.cos(phi))
        square = q / np.pi * (phi - np.sin(phi) * np.cos(phi))
        x = -square
    found = drift(case, ld.Start(Q=q, R=r))
    close([found["R"].item(), found["Q"].item()], [ETA * y, 2 * ETA * x + ETA**2 * square])


@formula("own-rule")
def test_rule_of_ones_own():
    rule = ld.Rule("cubic_error", lambda x, sigma, tau, xp: x * (tau - sigma))
    net = plain()
    F = net.x * net.error[:, None]
    check(drift(scenario(rule=rule), ld.Start(Q, R)), expected_drift(net, F))
    L = np.linalg.cholesky(net.C)
    u = net.mean.z @ np.linalg.inv(L).T
    t = np.array([0.1, -0.2, 0.3, 0.05])
    partner = net.mean.partner(t[:, None])
    close(net.response(F, partner)[:, 0], net.response(F, u) @ np.linalg.solve(L, t))


# ---- Fixed points


@formula("deviation-flow", "critical-rate")
def test_deviations_from_the_solution():
    D = np.array([[0.7, 0.2], [0.2, 0.5]])
    net = Network(joint(np.eye(2), np.eye(2), np.eye(2)))
    G = net.mean(net.dg[:, :, None] * net.dg[:, None, :])
    total = net.dg @ D
    four = net.mean((total * net.dg).sum(1)[:, None, None] * net.dg[:, :, None] * net.dg[:, None, :])
    expected = -ETA * (G @ D + D @ G) + ETA**2 * four
    case, h = scenario(eta=ETA), 1e-3
    case = case.replace(teacher=ld.Teacher(2, NAME))

    def moved(h):
        found = drift(case, ld.Start(np.eye(2) + h * D, np.eye(2)))
        return found["Q"] - found["R"] - found["R"].T

    # Forward differences of first and second order combined: h^2.
    close((4 * moved(h / 2) - moved(h)) / h - moved(0.0) * 3 / h, expected, 1e-4)
    for name, eta in (("linear", 2.0), ("relu", 2.0), ("erf", np.pi * np.sqrt(5 / 3))):
        one = ld.StudentTeacher(ld.Student(1, name), ld.Teacher(1, name), learning_rate=eta)
        found = drift(one, ld.Start(Q=1 + 1e-6, R=1.0))
        # D = 1e-6: what is left is of order D^(3/2) (ReLU).
        assert abs(found["Q"].item() - 2 * found["R"].item()) < 1e-8
