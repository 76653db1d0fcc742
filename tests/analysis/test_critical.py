"""Critical learning rates against closed forms, quadrature and the flow itself; the largest rate that learns."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.analysis.linearisation import LocalFlow

# R = Q = T of two units, flat.
SOLVED = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0])


def committee(activation, K=1, eta=0.5, **options):
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(K, activation), learning_rate=eta, **options)


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(120)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@pytest.mark.parametrize("activation", ["relu", "linear", "erf", "tanh"])
def test_perceptrons(activation):
    """J = B + d with d across B: d|d|^2/dalpha = (-2 eta <g'^2> + eta^2 <g'^4>) |d|^2, so eta_c = 2 <g'^2> / <g'^4>.

    ReLU and linear 2; erf pi sqrt(5/3) = 4.0558, the 4.06 of Biehl, Riegler & Woehler (1996); tanh by quadrature.
    """
    found = float(ld.critical_learning_rate(committee(activation)).learning_rate)
    slope = ld.activation(activation).dg(NODES)
    expected = 2 * (WEIGHTS * slope**2).sum() / (WEIGHTS * slope**4).sum()
    # Averages of tanh by quadrature are good to 1e-8; those here to rounding (relu: nodes lie symmetrically).
    assert found == pytest.approx(expected, abs=1e-6 if activation == "tanh" else 1e-8)
    if activation == "erf":
        assert found == pytest.approx(np.pi * np.sqrt(5 / 3), abs=1e-8)


def across(activation, K):
    """eta_c of a committee for deviations d_i across all B, where nothing else matters: an eigenvalue problem.

    With D_ik = d_i . d_k and e = -sum_k g'_k d_k . xi:
        dD_ik = -eta sum_l (G_il D_lk + D_il G_lk) + eta^2 sum_lm <g'_i g'_k g'_l g'_m> D_lm,    G_ik = <g'_i g'_k>
    for independent y: a linear map on symmetric D.
    """
    slope = ld.activation(activation).dg(NODES)
    moment = [float((WEIGHTS * slope**k).sum()) for k in range(5)]

    def average(*units):
        return np.prod([moment[units.count(unit)] for unit in range(K)])

    pairs = [(i, k) for i in range(K) for k in range(i, K)]

    def matrix(eta):
        found = np.zeros((len(pairs), len(pairs)))
        for column, (l, m) in enumerate(pairs):
            D = np.zeros((K, K))
            D[l, m] = D[m, l] = 1.0
            for row, (i, k) in enumerate(pairs):
                first = sum(average(i, a) * D[a, k] + D[i, a] * average(a, k) for a in range(K))
                second = sum(average(i, k, a, b) * D[a, b] for a in range(K) for b in range(K))
                found[row, column] = -eta * first + eta**2 * second
        return np.linalg.eigvals(found).real.max()

    low, high = 0.1, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if matrix(middle) < 0 else (low, middle)
    return low


@pytest.mark.parametrize(
    ("activation", "expected"),
    [("maximum(x, 0)", 2.0), ("minimum(maximum(x, -1), 1)", 2.0), ("x / (1 + abs(x))", 4.111761872605375)],
)
def test_kinks_by_quadrature(activation, expected):
    """2 <g'^2> / <g'^4>, by adaptive quadrature for the last: derivatives at the edge are limits from the inside."""
    found = ld.critical_learning_rate(committee(activation))
    assert float(found.learning_rate) == pytest.approx(expected, rel=1e-5)
    assert found.attrs["event"] == "crossing"


@pytest.mark.parametrize("eta", [0.1, 1.5])
@pytest.mark.parametrize("activation", ["x * exp(-x^2 / 2)", "tanh", "gelu"])
def test_committees_by_quadrature(activation, eta):
    """The same whatever rate the search begins at: the solution is followed, not a branch that crosses it.

    To five digits: what a branch that crosses it gave was off in the first.
    """
    found = ld.critical_learning_rate(committee(activation, 2, eta))
    assert float(found.learning_rate) == pytest.approx(across(activation, 2), abs=1e-5)
    assert found.attrs["event"] == "crossing"


def test_the_end_of_a_run_by_quadrature_is_attractive():
    """The search ends a little outside of the possible overlaps, where derivatives are those of the edge."""
    scenario = committee("tanh", 2)
    L = LocalFlow.of(scenario, SOLVED)
    outside = SOLVED - 1e-10 * np.array([0.0, 0.3, 0.0, 0.0, 1.0, 0.0, 2.0])
    np.testing.assert_allclose(L.at(outside)[1], L.at(SOLVED)[1], atol=1e-6)
    run = ld.solve(scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-2), until=400, save_at=[400])
    assert ld.find_fixed_point(scenario, run.isel(alpha=-1)).attrs["kind"] == "attractive"


@pytest.mark.parametrize(("activation", "K"), [("erf", 2), ("erf", 3), ("relu", 2)])
def test_committees(activation, K):
    """The independent eigenvalue problem; ReLU K = 2 has 3 - sqrt(3)."""
    found = ld.critical_learning_rate(committee(activation, K))
    assert float(found.learning_rate) == pytest.approx(across(activation, K), abs=1e-7)
    assert found.attrs["event"] == "crossing"
    assert abs(found.eigenvalues.values[0]) < 1e-7
    if activation == "relu":
        assert float(found.learning_rate) == pytest.approx(3 - np.sqrt(3), abs=1e-7)


def test_the_search_goes_down_where_the_rate_is_too_large_already():
    found = ld.critical_learning_rate(committee("relu", eta=7.0))
    assert float(found.learning_rate) == pytest.approx(2.0, abs=1e-8)


def test_the_flow_decays_below_and_grows_above():
    """From a small deviation across B, Q = 1 + d: the flow itself, on both sides of eta_c."""
    eta_c = float(ld.critical_learning_rate(committee("erf")).learning_rate)
    for factor, smaller in ((0.98, True), (1.02, False)):
        run = ld.solve(committee("erf", eta=factor * eta_c), ld.Start(Q=1.0 + 1e-6, R=1.0), 20, save_at=[0, 20])
        assert bool(run.eps_g[1] < run.eps_g[0]) == smaller


def test_an_imperfect_point_may_cease_to_exist():
    found = ld.critical_learning_rate(committee("relu", eta=2.1), ld.Start(Q=1.15, R=0.98))
    assert found.attrs["event"] == "fold"
    assert float(found.learning_rate) == pytest.approx(2.2464992231451273, abs=1e-8)  # vector perceptron-018


def test_the_largest_rate_that_learns_is_that_of_the_flow():
    """R(0) = 0, Q(0) = 1/4, linear: E = 1 - 2R + Q shrinks with exp((eta^2 - 2 eta) alpha), in closed form."""
    until, target = 40.0, 1e-3
    found = ld.largest_learning_rate(committee("linear", eta=1.0), ld.Start(Q=0.25, R=0.0), until, target=target)
    rate = np.log(2 * target / 1.25) / until  # eps_g = E / 2
    assert float(found.learning_rate) == pytest.approx(1 + np.sqrt(1 + rate), rel=1e-5)
    assert found.sizes["rate"] >= 33
    assert bool((np.diff(found.tried) > 0).all())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: ld.critical_learning_rate(s.replace(dynamics="gradient_flow")), "must have dynamics='sgd'"),
        (lambda s: ld.critical_learning_rate(s.replace(learning_rate=ld.schedules.PowerLaw(1.0, 1.0))), "constant"),
        (lambda s: ld.critical_learning_rate(s.replace(teacher=ld.Teacher(2, "erf"))), "`point` must be given"),
        (lambda s: ld.largest_learning_rate(s, ld.Start(0.25, 0.0), 10, bounds=(1, 0.5)), "`bounds` must be"),
        (lambda s: ld.largest_learning_rate(s, ld.Start(0.25, 0.0), 10, bounds=(1e-4, 1e-3)), "holds no rate"),
        (lambda s: ld.largest_learning_rate(s, ld.Start(0.25, 0.0), 99, bounds=(0.5, 1.0)), "must reach beyond"),
    ],
)
def test_bad_input_is_one_sentence(call, words):
    with pytest.raises(ld.InputError, match=words):
        call(committee("erf"))


def test_a_plateau_has_no_critical_rate():
    plateau = ld.Start(Q=np.full((2, 2), 1 / 3) + 1e-2 * np.eye(2), R=np.full((2, 2), 0.41))
    with pytest.raises(ld.InputError, match="unstable also at"):
        ld.critical_learning_rate(committee("erf", 2), plateau)
