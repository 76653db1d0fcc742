"""Fixed points against the slides, closed forms and vectors; their spectra; what is refused."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.analysis.linearisation import LocalFlow
from reference_data import inputs_and_outputs


def committee(activation, K=2, M=None, eta=None):
    """In the limit of small rates where eta is None."""
    rule = {"learning_rate": 1.0, "dynamics": "gradient_flow"} if eta is None else {"learning_rate": eta}
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M or K, activation), **rule)


def symmetric(K, R, Q, C):
    return ld.Start(Q=np.full((K, K), C) + (Q - C) * np.eye(K), R=np.full((K, K), R))


ESCAPE = "0.5 R_11 - 0.5 R_12 - 0.5 R_21 + 0.5 R_22"


def test_the_relu_plateau_of_the_slides():
    """Straat 2018, slide 36: four printed digits."""
    plateau = ld.find_fixed_point(committee("relu"), symmetric(2, 0.5, 0.7, 0.35))
    assert np.abs(plateau.R.values - 0.5246).max() < 5e-5
    assert np.abs(plateau.Q.values - [[0.7178, 0.3830], [0.3830, 0.7178]]).max() < 5e-5
    slide = sorted((-1.3583, -0.9568, -0.6443, -0.4399, 0.2392, -0.2308, -0.0049), reverse=True)
    assert plateau.eigenvalues.values == pytest.approx(slide, abs=5e-5)
    assert plateau.attrs["kind"] == "saddle with 1 unstable direction"
    assert plateau.direction.values[0] == ESCAPE
    _, expected = inputs_and_outputs("plateau-001")
    # Newton and rounding: 1e-13 in the point; the vector's eigenvalues come from differences, good to 1e-11.
    assert plateau.R.values[0, 0] == pytest.approx(expected["R"], abs=1e-12)
    assert float(plateau.eps_g) == pytest.approx(expected["eps_g"], abs=1e-12)
    assert plateau.eigenvalues.values == pytest.approx(sorted(expected["eigenvalues_desc_abs"], reverse=True), abs=1e-9)


def test_the_erf_plateau_and_its_exact_spectrum():
    plateau = ld.find_fixed_point(committee("erf"), symmetric(2, 0.4, 0.36, 0.3))
    # A double root: known to the root of the rounding error.
    assert np.abs(plateau.R.values - 1 / np.sqrt(6)).max() < 1e-7
    assert np.abs(plateau.Q.values - 1 / 3).max() < 1e-7
    exact = np.array([1, 0, 0, -9, -14, -15, -30]) * 4 / (5 * np.sqrt(15) * np.pi)
    assert plateau.eigenvalues.values == pytest.approx(exact, abs=1e-7)
    assert plateau.multiplicity.values.tolist() == [1, 2, 2, 1, 1, 1, 1]
    assert (plateau.attrs["unstable"], plateau.attrs["marginal"]) == (1, 2)
    assert plateau.direction.values[0] == ESCAPE


def test_moving_both_vectors_apart_is_neutral_on_the_erf_plateau():
    """J_1 -> J_1 + d, J_2 -> J_2 - d leaves the output unchanged: the antisymmetric null vector, in closed form."""
    R, Q = 1 / np.sqrt(6), 1 / 3
    scenario = committee("erf")
    J = LocalFlow.of(scenario, np.array([R] * 4 + [Q] * 3)).at(np.array([R] * 4 + [Q] * 3))[1]
    # d along J: dR_1n = R, dR_2n = -R, dQ_11 = 2 Q, dQ_22 = -2 Q, dQ_12 = 0.
    assert np.abs(J @ np.array([R, R, -R, -R, 2 * Q, 0.0, -2 * Q])).max() < 1e-14


@pytest.mark.parametrize("name", ["plateau-006", "plateau-008", "plateau-009", "plateau-011"])
def test_plateaus_at_finite_rates_and_of_three_units(name):
    given, expected = inputs_and_outputs(name)
    K, eta = given["K"], given["eta"] or None
    start = symmetric(K, expected["R"] - 0.01, expected["Q_ii"] + 0.01, expected["Q_ij"])
    plateau = ld.find_fixed_point(committee(given["act"], K, eta=eta), start)
    off = np.eye(K) == 0
    # The vectors carry a residual of 1e-13; on a nearly double root (erf) that is 1e-13 / 7e-4.
    assert np.abs(plateau.R.values - expected["R"]).max() < 1e-8
    assert np.abs(np.diag(plateau.Q.values) - expected["Q_ii"]).max() < 1e-8
    assert np.abs(plateau.Q.values[off] - expected["Q_ij"]).max() < 1e-8
    found = plateau.eigenvalues.values / (eta or 1.0)
    wanted = sorted(expected["eigenvalues_sorted"], reverse=True)
    # Differences of second derivatives of order 10 with steps of 1e-5, and the eigenvalues of a double root.
    assert found[: len(wanted)] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("K", [2, 3])
def test_every_erf_plateau_has_its_closed_form(K):
    plateau = ld.find_fixed_point(committee("erf", K), symmetric(K, 0.9 / np.sqrt(K * (2 * K - 1)), 0.4, 0.2))
    assert np.abs(plateau.R.values - 1 / np.sqrt(K * (2 * K - 1))).max() < 1e-5
    assert np.abs(plateau.Q.values - 1 / (2 * K - 1)).max() < 1e-5
    # eps_g is stationary there, so that it is known to the square of the distance.
    assert float(plateau.eps_g) == pytest.approx(K / np.pi * (np.pi / 6 - K * np.arcsin(1 / (2 * K))), abs=1e-9)


@pytest.mark.parametrize("eta", [0.25, 0.5, 1.0, 1.9, 2.1])
def test_the_perfect_relu_perceptron(eta):
    """Straat 2018, slide 22: lambda_1 = -eta / 2, lambda_2 = eta (eta - 2) / 2."""
    perfect = ld.stability(committee("relu", 1, eta=eta), ld.Start(Q=1.0, R=1.0))
    expected = sorted((-eta / 2, eta * (eta - 2) / 2), reverse=True)
    assert perfect.eigenvalues.values == pytest.approx(expected, abs=1e-12)
    assert perfect.attrs["kind"] == ("attractive" if eta < 2 else "saddle with 1 unstable direction")
    assert "derivatives are those from the inside" in perfect.attrs["note"]


def test_one_sided_derivatives_of_two_relu_units_are_those_of_small_steps_inwards():
    scenario = committee("relu", eta=0.5)
    point = scenario.initial_state(scenario.as_start(ld.Start(Q=np.eye(2), R=np.eye(2))))
    J = LocalFlow.of(scenario, point).at(point)[1]
    rng = np.random.default_rng(3)
    for _ in range(5):
        # From J = B to J + h dJ: dR = h dJ B^T, dQ = h (dJ + dJ^T) + h^2 dJ dJ^T, all of it inside.
        dJ = np.concatenate([rng.standard_normal((2, 2)), np.eye(2)], axis=1)
        B = np.eye(2, 4)
        errors = []
        for h in (1e-3, 1e-4):
            start = scenario.as_start(ld.Start.from_weights(B + h * dJ, B))
            step = scenario.initial_state(start) - point
            F = LocalFlow.of(scenario, point).at(point + step)[0]
            errors.append(np.abs(F - J @ step).max() / h)
        # The next terms are of second order in the weights.
        assert errors[1] < 0.2 * errors[0] < 0.2


def test_all_fixed_points_of_the_relu_perceptron_above_its_critical_rate():
    found = ld.fixed_points(committee("relu", 1, eta=2.1), 32)
    # The printed digits of the stable point and its partner.
    assert found.R.values.ravel() == pytest.approx([1.0, 0.98595321, 0.55796], abs=5e-6)
    assert found.Q.values.ravel() == pytest.approx([1.0, 1.15479641, 37.458], abs=5e-4)
    assert found.unstable.values.tolist() == [1, 0, 1]
    assert found.starts.sum() + found.attrs["failed"] == 32
    assert found.how.values[0].startswith("from start 0")


def test_points_that_differ_by_an_exchange_of_units_are_one():
    scenario = committee("erf")
    perfect, exchanged = np.eye(2), np.eye(2)[::-1]
    starts = [ld.Start(Q=np.eye(2), R=0.98 * R) for R in (perfect, exchanged)]
    found = ld.fixed_points(scenario, [*starts, symmetric(2, 0.4, 0.36, 0.3)])
    assert found.sizes["point"] == 2
    assert found.starts.values.tolist() == [2, 1]
    # A teacher whose units differ: another student, but the same two of its units.
    unequal = scenario.replace(teacher=ld.Teacher(2, "erf", T=[[1.0, 0.0], [0.0, 2.0]]))
    T = np.diag([1.0, 2.0])
    roots = [ld.Start(Q=T, R=0.999 * T), ld.Start(Q=T[::-1, ::-1], R=0.999 * T[::-1])]
    assert ld.fixed_points(unequal, roots).sizes["point"] == 1


def test_a_point_is_a_start_and_survives_saving(tmp_path):
    scenario = committee("erf", eta=0.5)
    plateau = ld.find_fixed_point(scenario, symmetric(2, 0.4, 0.36, 0.3))
    again = ld.load(ld.save(plateau, tmp_path / "plateau.nc"))
    assert again.identical(plateau)
    # A saddle is left only by what rounding excites.
    later = ld.solve(scenario, again, until=20)
    assert float(abs(later.R - plateau.R).max()) < 1e-6


def test_given_output_weights_are_no_coordinates():
    scenario = ld.StudentTeacher(ld.Student(1, "erf"), ld.Teacher(1, "erf", output_weights=[2.0]), 0.1)
    found = ld.find_fixed_point(scenario, ld.Start(Q=0.9, R=0.9, w=2.0))
    assert found.parameter.values.tolist() == ["R_11", "Q_11"]
    assert found.R.item() == pytest.approx(1.0, abs=1e-9)
    learned = ld.find_fixed_point(scenario.replace(output_learning_rate=0.1), ld.Start(Q=0.9, R=0.9, w=1.8))
    assert learned.parameter.values.tolist() == ["R_11", "Q_11", "w_1"]
    assert learned.w.item() == pytest.approx(2.0, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: ld.stability(s, ld.Start(Q=0.5, R=0.2)), "`point` must be a fixed point"),
        (lambda s: ld.find_fixed_point(s, ld.Start(Q=0.5, R=0.2), tolerance=0), "`tolerance`"),
        (lambda s: ld.find_fixed_point(s, ld.Start(Q=0.5, R=0.2), max_steps=2), "No fixed point was found near"),
        (lambda s: ld.fixed_points(s, []), "`starts` must hold at least one"),
        (lambda s: ld.fixed_points(s, 0), "`starts`"),
        (
            lambda s: ld.stability(s.replace(learning_rate=ld.schedules.PowerLaw(1.0, 1.0)), ld.Start(0.5, 0.2)),
            "must have a drift that does not depend on time",
        ),
        (
            lambda s: ld.find_fixed_point(committee("relu", 1, eta=0.1), ld.Start(Q=0.0, R=0.0)),
            "No fixed point was found near",
        ),
    ],
)
def test_bad_input_is_one_sentence(call, words):
    with pytest.raises(ld.InputError, match=words):
        call(committee("erf", 1, eta=0.5))


def test_no_fixed_point_is_no_point():
    """At eta = 2.3 > 2.2465 and with label noise there is none: the search must not invent one."""
    scenario = committee("relu", 1, eta=2.3).replace(label_noise=0.5)
    with pytest.raises(ld.InputError, match="No fixed point was found"):
        ld.find_fixed_point(scenario, ld.Start(Q=0.25, R=0.1))
