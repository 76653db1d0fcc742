"""The time to escape: linear flows in closed form, subspaces that grow, the erf plateau, and what is refused."""

import numpy as np
import pytest
from scipy.linalg import expm

import learndyn as ld
from learndyn.analysis.escape import _Saddle, growing

LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=2.5)
PERFECT = ld.Start(Q=1.0, R=1.0)


@pytest.mark.parametrize(("R", "Q"), [(1.0, 1.001), (0.99, 0.99), (0.97, 1.0)])
def test_a_linear_flow_escapes_when_its_closed_form_says(R, Q):
    # Above eta = 2, E = 1 - 2 R + Q grows from the perfect solution as exp((eta^2 - 2 eta) t), while 1 - R decays with
    # eta. The direction that grows is that of Q, of length 1: |c| = E. The flow is linear: the prediction is exact.
    E = 1 - 2 * R + Q
    exact = np.log(0.1 / E) / 1.25
    found = ld.escape_time(LINEAR, ld.Start(Q=Q, R=R), PERFECT)
    assert float(found.projection) == pytest.approx(E, abs=1e-12)
    assert found.rates.values == pytest.approx([1.25], rel=1e-12)
    # Rounding of 1e-14 in z*, over E.
    assert float(found.predicted) == pytest.approx(exact, abs=1e-9)
    # 1e-10 a step in E, some 100 steps, over its slope at the threshold.
    for name in ("measured", "refined"):
        assert float(found[name]) == pytest.approx(exact, abs=1e-7)
    later = ld.escape_time(LINEAR, ld.Start(Q=Q, R=R, at=7.0), PERFECT)
    assert float(later.measured) == pytest.approx(float(found.measured), abs=1e-9)


def test_a_start_that_has_escaped_takes_no_time():
    found = ld.escape_time(LINEAR, ld.Start(Q=1.3, R=1.0), PERFECT)
    assert [float(found[name]) for name in ("measured", "predicted", "refined")] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "block",
    [np.diag([0.3, 0.1]), np.array([[0.2, 5.0], [0.0, 0.2]]), np.array([[0.1, 0.7], [-0.7, 0.1]])],
    ids=["two rates", "Jordan block", "spiral"],
)
def test_what_grows_is_split_from_the_rest(block):
    # Any J with this block and a stable one, in random coordinates.
    rng = np.random.default_rng(3)
    stable = np.array([[-0.4, 0.3, 0.0], [-0.3, -0.4, 0.0], [0.0, 0.0, 0.0]])
    S = rng.standard_normal((5, 5))
    J = S @ np.block([[block, np.zeros((2, 3))], [np.zeros((3, 2)), stable]]) @ np.linalg.inv(S)
    L, A = growing(J, 1e-6)
    rounding = 1e-13 * np.linalg.cond(S)
    np.testing.assert_allclose(L @ J, A @ L, rtol=0, atol=rounding)
    np.testing.assert_allclose(L @ S[:, 2:], 0.0, rtol=0, atol=rounding)
    # Lengths in the space that grows are kept.
    r = S[:, :2] @ rng.standard_normal(2)
    assert np.linalg.norm(L @ r) == pytest.approx(np.linalg.norm(r), rel=rounding)
    z = 1e-5 * rng.standard_normal(5)
    saddle = _Saddle(np.zeros(5), np.arange(5), L, A, np.sort(np.linalg.eigvals(block).real)[::-1])
    t = saddle.time_to(saddle.project(z), 0.1)
    assert np.linalg.norm(L @ expm(J * t) @ z) == pytest.approx(0.1, rel=1e-9)


def test_everything_may_grow():
    L, A = growing(np.diag([2.0, 1.0]), 1e-6)
    np.testing.assert_allclose(L.T @ A @ L, np.diag([2.0, 1.0]), atol=1e-15)


ERF = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), 1.0, "gradient_flow")


def near_symmetric(X):
    return ld.Start.near_symmetric(ERF, Q=[0.2, 0.3], X=X)


@pytest.fixture(scope="module")
def escapes():
    return {X: ld.escape_time(ERF, near_symmetric(X)) for X in (1e-3, 1e-5)}


def test_the_erf_plateau_is_left_in_the_known_direction(escapes):
    # Straat (2018) p. 38: u_5 = (1, -1, -1, 1, 0, 0, 0) / 2; lambda_5 = 4 / (5 sqrt(15) pi).
    for X, found in escapes.items():
        assert found.rates.values == pytest.approx([4 / (5 * np.sqrt(15) * np.pi)], abs=1e-7)
        assert float(found.projection) == pytest.approx(X, rel=1e-6)
        t = float(found.measured)
        R = ld.solve(ERF, near_symmetric(X), t, save_at=[t], rtol=1e-10, atol=1e-14).R.values[0]
        # The slope of |c| there is 0.1 lambda: 1e-6 in time is 1e-8; the rest is the error of z*, a point of a family.
        assert abs(R[0, 0] - R[0, 1] - R[1, 0] + R[1, 1]) / 2 == pytest.approx(0.1, abs=1e-7)


def test_prediction_and_measurement_grow_with_the_logarithm_of_the_asymmetry(escapes):
    few, many = escapes[1e-3], escapes[1e-5]
    rate = float(few.rates[0])
    assert float(many.predicted - few.predicted) == pytest.approx(np.log(100) / rate, rel=1e-5)
    # Neutral directions relax algebraically: 17.2 to 16.2 instead of 15.2 for each factor e.
    assert 15.2 < float(many.measured - few.measured) / np.log(100) < 17.2
    for found in escapes.values():
        assert float(found.approach) < float(found.measured)
        # Of second order in the distance and the threshold: a part of 0.1 or so of an e-folding time.
        assert abs(float(found.refined - found.measured)) < 0.2 / rate


def test_a_given_point_is_the_one_that_is_found(escapes):
    # The plateau, given by a start near it. It is one of a family: where on it makes a difference of that order.
    near = ld.Start(Q=[[0.34, 0.33], [0.33, 0.34]], R=[[0.4, 0.4], [0.4, 0.4]])
    found = ld.escape_time(ERF, near_symmetric(1e-3), near)
    assert float(found.measured) == pytest.approx(float(escapes[1e-3].measured), abs=1e-3)


def test_a_run_that_does_not_escape_warns():
    # It goes to the perfect solution instead, where R_11 - R_12 = 1.
    with pytest.warns(ld.LearndynWarning, match=r"does not escape within .* reaches (0\.9\d+|1) at most, of 2\."):
        found = ld.escape_time(ERF, near_symmetric(0.1), threshold=2.0)
    assert np.isnan(found.measured)
    assert found.attrs["status"] == "not_escaped"


def test_an_escape_is_saved_and_loaded(escapes, tmp_path):
    assert ld.load(ld.save(escapes[1e-3], tmp_path / "escape.nc")).identical(escapes[1e-3])


def test_what_is_refused():
    stable = LINEAR.replace(learning_rate=0.5)
    with pytest.raises(ld.InputError, match="must be an unstable fixed point, but the one there is attractive"):
        ld.escape_time(stable, ld.Start(Q=0.5, R=0.5), PERFECT)
    with pytest.raises(ld.InputError, match=r"must be given here: .* does not become slow near an unstable fixed poi"):
        ld.escape_time(stable, ld.Start(Q=0.5, R=0.5))
    plateau = ld.Start(Q=np.full((2, 2), 1 / 3), R=np.full((2, 2), 0.408))
    with pytest.raises(ld.InputError, match="must have a part along the unstable directions"):
        ld.escape_time(ERF, ld.Start.near_symmetric(ERF, X=0.0), plateau)
    with pytest.raises(ld.InputError, match="Argument `threshold` must be a finite number above 0"):
        ld.escape_time(stable, PERFECT, threshold=0.0)
