"""The right-hand sides: against published and verified numbers, Monte Carlo, and under permuting the units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import learndyn as ld
from drift_programs import drift_of, random_state, random_teacher
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher import flow, state
from reference_data import ids, inputs_and_outputs

# The eta^2 term of ReLU is made of orthant moments, right to 1e-10 where the covariance is generic and 1e-8 where it is
# nearly singular; everything else is elementary.
GENERIC, SINGULAR, ELEMENTARY = 1e-10, 1e-8, 1e-13


@pytest.mark.parametrize("name", ids("integrals", "full ODE"))
def test_drift_and_error_agree_with_the_reference(name):
    inputs, outputs = inputs_and_outputs(name)
    act, eta = inputs["act"], inputs["eta"]
    student, teacher = ld.Student(inputs["K"], act), ld.Teacher(inputs["M"], act, inputs["T"])
    s, start = ld.StudentTeacher(student, teacher, eta), ld.Start(inputs["Q"], inputs["R"])
    derivative = ld.drift(s, start)
    assert np.abs(derivative.R - outputs["dR"]).max() <= ELEMENTARY
    singular = np.linalg.eigvalsh(s.covariance(start))[0] < 1e-3
    moments = (
        ELEMENTARY if act == "erf" else eta**2 * (SINGULAR if singular else GENERIC) * np.trace(s.covariance(start))
    )
    assert np.abs(derivative.Q - outputs["dQ"]).max() <= ELEMENTARY + eta**2 * moments
    error = s.rows(s.initial_state(start))["eps_g"]
    assert abs(error - outputs["eps_g"]) <= ELEMENTARY


@pytest.mark.parametrize("name", [f"perceptron-00{k}" for k in range(1, 6)])
def test_the_perceptron_agrees_with_the_reference(name):
    inputs, outputs = inputs_and_outputs(name)
    s = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu", inputs["T"]), inputs["eta"])
    start = ld.Start(inputs["Q"], inputs["R"])
    derivative = ld.drift(s, start)
    assert abs(derivative.R.item() - outputs["dR"]) <= ELEMENTARY
    assert abs(derivative.Q.item() - outputs["dQ"]) <= ELEMENTARY
    assert abs(s.rows(s.initial_state(start))["eps_g"] - outputs["eps_g"]) <= ELEMENTARY


@pytest.mark.parametrize("name", ["site_symmetry-001", "site_symmetry-002"])
def test_site_symmetric_states(name):
    # Straat (2018) p. 41: R_in = R on the diagonal and S off it, Q_ij = Q and C.
    inputs, outputs = inputs_and_outputs(name)
    K = inputs["K"]

    def site(diagonal, other):
        return diagonal * np.eye(K) + other * (1 - np.eye(K))

    start = ld.Start(Q=site(inputs["Q"], inputs["C"]), R=site(inputs["R"], inputs["S"]))
    for key, eta, dynamics in (("dt_eta0", 1.0, "gradient_flow"), ("dalpha_eta06", 0.6, "sgd")):
        s = ld.StudentTeacher(ld.Student(K, "relu"), ld.Teacher(K, "relu"), eta, dynamics)
        derivative = ld.drift(s, start)
        for value, diagonal, other in ((derivative.R, 0, 1), (derivative.Q, 2, 3)):
            wanted = site(outputs[key][diagonal], outputs[key][other])
            assert np.abs(value - wanted).max() <= (ELEMENTARY if dynamics != "sgd" else eta**2 * K * GENERIC)


@pytest.mark.parametrize(("K", "M"), [(1, 4), (4, 1), (5, 3), (3, 5)])
@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_the_drift_is_the_mean_of_single_updates(activation, K, M):
    # Correlated, graded teacher; students with a part outside its span. 400 000 inputs (x, y), as 20 batches of
    # 20 000 of which means and standard errors are taken; delta_i = g'(x_i) (tau - sigma).
    rng = np.random.default_rng([K, M])
    T = random_teacher(M, rng)
    eta = 0.7
    s = ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, T), eta)
    flat = random_state(K, M, T, rng)
    R, Q = state.unpack(flat, K, M)
    derivative = ld.drift(s, ld.Start(Q, R))
    C = state.covariance(flat, K, M, T)
    root = np.linalg.cholesky(C)
    act = ld.activation(activation)
    batches = []
    for _ in range(20):
        z = root @ rng.standard_normal((K + M, 20_000))
        x, y = z[:K], z[K:]
        difference = act.g(y).sum(0) - act.g(x).sum(0)
        delta = act.dg(x) * difference
        dQ = eta * (delta @ x.T + x @ delta.T) + eta**2 * delta @ delta.T
        half = np.array([0.5 * (difference**2).mean()])
        batches.append(np.concatenate([eta * (delta @ y.T).ravel(), dQ[np.triu_indices(K)]]) / z.shape[1])
        batches[-1] = np.concatenate([batches[-1], half])
    batches = np.array(batches)
    theory = np.concatenate([state.pack(derivative.R.values, derivative.Q.values), [s.rows(flat)["eps_g"]]])
    z = (batches.mean(0) - theory) / (batches.std(0, ddof=1) / np.sqrt(len(batches)))
    # Student's t with 19 degrees; eight cases of up to 31 comparisons: 1e-6 for the false alarm of all together.
    assert np.abs(z).max() < stats.t.isf(1e-6 / (2 * 8 * 31), 19)
    # And the test can fail: the eta^2 term alone stands out by far more.
    without = ld.drift(s.replace(dynamics="gradient_flow"), ld.Start(Q, R))
    missing = state.pack(derivative.R.values, without.Q.values)
    shift = (batches.mean(0)[:-1] - missing) / (batches.std(0, ddof=1)[:-1] / np.sqrt(len(batches)))
    assert np.abs(shift).max() > 40


def test_the_teacher_alone_and_the_learned_rule():
    # eps_g = sum_nm I2(y_n, y_m) / 2 for a student of length 0; 0 at the perfect solution, never below.
    for activation in ("relu", "erf", "linear"):
        act = ld.activation(activation)
        T = np.array([[1.0, 0.3], [0.3, 2.0]])
        s = ld.StudentTeacher(ld.Student(2, activation), ld.Teacher(2, activation, T), 0.5)
        nothing = s.rows(state.pack(np.zeros((2, 2)), np.zeros((2, 2))))
        pairs = [act.I2([[T[n, n], T[n, m]], [T[n, m], T[m, m]]]) for n in range(2) for m in range(2)]
        assert nothing["eps_g"] == pytest.approx(sum(pairs) / 2, rel=1e-15)
        assert nothing["cosine"].tolist() == [[0, 0], [0, 0]]
        assert ld.drift(s, ld.Start(np.zeros((2, 2)), np.zeros((2, 2)))).Q.notnull().all()
        perfect = s.rows(state.pack(T, T))
        assert 0.0 <= perfect["eps_g"] < 1e-15 * 16


def test_observables():
    s = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(3, "relu", np.diag([1.0, 4.0, 0.25])), 0.5)
    R = np.array([[0.3, -1.2, 0.05], [0.0, 0.0, 0.0]])
    Q = np.array([[0.64, 0.1], [0.1, 0.09]])
    rows = s.rows(state.pack(R, Q))
    cosine = R / np.sqrt(np.outer(np.diag(Q), [1, 4, 0.25]))
    np.testing.assert_allclose(rows["cosine"], cosine, rtol=1e-15)
    np.testing.assert_allclose(rows["length"], [0.8, 0.3], rtol=1e-15)
    # |cosine| of unit 1: 0.375, 0.75, 0.125.
    np.testing.assert_allclose(rows["specialisation"], [0.375, 0.0], rtol=0, atol=1e-15)
    single = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), 0.5).rows(np.array([-0.3, 0.25]))
    assert single["specialisation"] == pytest.approx([0.6])


SMALL = [("relu", 3, 2, "sgd"), ("erf", 3, 2, "sgd"), ("linear", 3, 2, "sgd")]


@given(case=st.sampled_from(SMALL), seed=st.integers(0, 10**6), data=st.data())
def test_permuting_units_permutes_the_drift(case, seed, data):
    activation, K, M, dynamics = case
    rng = np.random.default_rng(seed)
    T = random_teacher(M, rng)
    of_student, of_teacher = data.draw(st.permutations(range(K))), data.draw(st.permutations(range(M)))

    def system(T, flat):
        s = ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, T), 0.8, dynamics)
        R, Q = state.unpack(drift_of(s)(flat), K, M)
        return R, Q, s.rows(flat)["eps_g"]

    flat = random_state(K, M, T, rng)
    R, Q = state.unpack(flat, K, M)
    dR, dQ, error = system(T, flat)
    permuted = state.pack(R[np.ix_(of_student, of_teacher)], Q[np.ix_(of_student, of_student)])
    dR2, dQ2, error2 = system(T[np.ix_(of_teacher, of_teacher)], permuted)
    # Five units, overlaps of order 10 at most: the moments' accuracy times their number.
    tolerance = (SINGULAR if activation == "relu" else ELEMENTARY) * 25 * (1 + np.abs(flat).max())
    np.testing.assert_allclose(
        dR2, dR[np.ix_(of_student, of_teacher)], rtol=0, atol=25 * ELEMENTARY * (1 + np.abs(flat).max())
    )
    np.testing.assert_allclose(dQ2, dQ[np.ix_(of_student, of_student)], rtol=0, atol=tolerance)
    assert error2 == pytest.approx(error, abs=25 * ELEMENTARY * (1 + np.abs(flat).max()))
    assert error >= 0.0


@pytest.mark.parametrize(("activation", "K", "M"), [("relu", 5, 4), ("erf", 5, 4), ("erf", 3, 20)])
def test_large_systems_take_the_same_sums(activation, K, M):
    # The ways of large systems (batches of sets of four, blocks of rows) against sums of single averages.
    rng = np.random.default_rng(8)
    n = K + M
    A = rng.standard_normal((n, n + 3)) / np.sqrt(n)
    C = A @ A.T
    c = np.concatenate([-np.ones(K), np.ones(M)])
    act = ld.activation(activation)
    unit = range(n)
    rows = np.array([[i, k, p, q] for i in range(K) for k in range(i, K) for p in unit for q in unit])
    wanted = act.I4(C[rows[:, :, None], rows[:, None, :]]).reshape(-1, n * n) @ np.outer(c, c).ravel()
    s = ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, C[K:, K:]), 1.0)
    flat = state.pack(C[:K, K:], C[:K, :K])
    sgd, gradient_flow = (ld.drift(x, ld.Start(C[:K, :K], C[:K, K:])) for x in (s, s.replace(dynamics="gradient_flow")))
    square = (sgd.Q - gradient_flow.Q).values[np.triu_indices(K)]
    # Sums of n^2 moments of variables with variances below 2; coinciding indices are singular covariances for I4.
    allowed = n**2 * (2 * SINGULAR if activation == "relu" else ELEMENTARY)
    np.testing.assert_allclose(square, wanted, rtol=0, atol=allowed)
    if activation == "erf":
        plain = flow.drift_function(s.structure, NUMPY)(0.0, flat, s.values())
        np.testing.assert_allclose(plain, state.pack(sgd.R.values, sgd.Q.values), rtol=0, atol=n**2 * ELEMENTARY)
