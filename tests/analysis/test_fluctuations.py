"""ld.fluctuations: against exact solutions, the exact finite-size process, and an independent integration."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy import integrate, stats

import learndyn as ld
from differences import central
from drift_programs import drift_of, jacobian_of, random_state, random_teacher
from exact_process import final_states
from learndyn.analysis import fluctuations as fluctuations_module
from learndyn.analysis import linear_noise
from learndyn.analysis.quasi_normals import quasi_normals
from learndyn.scenarios.student_teacher import state

LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.5)
START = ld.Start(Q=0.25, R=0.0)
PAIR = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
PAIR_STATE = [0.3, -0.1, 0.6, 0.1, 0.5]


def start_at(scenario, flat):
    R, Q = state.unpack(np.asarray(flat, dtype=float), scenario.K, scenario.M)
    return ld.Start(Q=Q, R=R)


def flat_row(scenario, row, ending=""):
    return state.pack(row[f"R{ending}"].values, row[f"Q{ending}"].values)


# ---- Exact solutions


@pytest.mark.parametrize("eta", [0.3, 1.0, 1.6])
def test_the_linear_perceptron_is_solved_exactly(eta):
    # r = T - R falls as exp(-eta t), E = T + Q - 2 R as exp(a t), a = eta^2 - 2 eta. An update changes R by eta e y and
    # E by a e^2 (e = y - x, <e^2> = E, <e y> = r), so that D_RR = eta^2 (E T + r^2), D_EE = 2 a^2 E^2, and
    #   P_RR = T (E - E_0 exp(-2 eta t)) + eta^2 t r^2,   P_EE = 2 a^2 t E^2.
    # Means: <r> = r_0 (1 - eta/N)^(N t), <E> = E_0 (1 + a/N + 2 eta^2/N^2)^(N t).
    T, R, Q = 1.3, 0.4, 0.7
    scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear", T), eta)
    found = ld.fluctuations(scenario, ld.Start(Q=Q, R=R), until=5, save_at=11, rtol=1e-10, atol=1e-12)
    t, a = found.alpha.values, eta**2 - 2 * eta
    r, E_0 = (T - R) * np.exp(-eta * t), T + Q - 2 * R
    E = E_0 * np.exp(a * t)
    P = found.covariance.values
    # Tolerance of one step, over some hundred steps that each keep it.
    close = {"rtol": 0, "atol": 1e-8}
    np.testing.assert_allclose(P[:, 0, 0], T * (E - E_0 * np.exp(-2 * eta * t)) + eta**2 * t * r**2, **close)
    np.testing.assert_allclose(P[:, 1, 1] - 4 * P[:, 0, 1] + 4 * P[:, 0, 0], 2 * a**2 * t * E**2, **close)
    m_R, m_Q = found.R_shift.values.ravel(), found.Q_shift.values.ravel()
    np.testing.assert_allclose(m_R, 0.5 * eta**2 * t * r, **close)
    np.testing.assert_allclose(m_Q - 2 * m_R, (2 * eta**2 - 0.5 * a**2) * t * E, **close)
    # eps_g = E / 2.
    np.testing.assert_allclose(found.eps_g_std, np.sqrt(0.5 * t) * abs(a) * E, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.eps_g_shift, 0.5 * (m_Q - 2 * m_R), rtol=0, atol=1e-12)


def test_a_start_that_is_not_sharp():
    # P_RR(0) of its own decays as exp(-2 eta t), beside what a sharp start gains.
    sharp = ld.fluctuations(LINEAR, START, until=2, save_at=[1, 2])
    spread = ld.fluctuations(LINEAR, START, until=2, save_at=[1, 2], covariance=[[0.4, 0.1], [0.1, 0.3]])
    gained = (spread.covariance - sharp.covariance).sel(parameter="R_11", parameter2="R_11")
    # 40 steps of relative error 1e-6.
    np.testing.assert_allclose(gained, 0.4 * np.exp(-2 * 0.5 * np.array([1.0, 2.0])), rtol=4e-5)


# ---- The exact process


@pytest.mark.parametrize(
    ("activation", "K", "M", "eta", "flat"),
    [
        ("relu", 1, 1, 1.2, [0.3, 0.6]),
        ("erf", 1, 1, 2.5, [0.2, 0.8]),
        ("linear", 1, 1, 1.0, [0.2, 0.8]),
        ("relu", 2, 1, 1.0, PAIR_STATE),
        ("erf", 2, 1, 1.5, PAIR_STATE),
    ],
)
def test_the_exact_process_has_these_fluctuations(activation, K, M, eta, flat):
    scenario = ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation), eta)
    theory = ld.fluctuations(scenario, start_at(scenario, flat), until=1, save_at=[1], seed=1).isel(alpha=0)
    limit = np.append(flat_row(scenario, theory), theory.eps_g)
    wanted = [np.append(flat_row(scenario, theory, kind), theory[f"eps_g{kind}"]) for kind in ("_std", "_shift")]
    found, groups = {}, 20
    for N in (25, 100):
        states = final_states(scenario, flat, N, N, 40_000, np.random.default_rng([K, N]))
        values = np.column_stack([states, scenario.rows(states)["eps_g"]]).reshape(groups, -1, len(limit))
        found[N] = np.array([np.sqrt(N) * values.std(1, ddof=1), N * (values.mean(1) - limit)])
    # The next order falls as 1/N and is extrapolated from two N; what is left, of order 1/N^2, is at most the square of
    # the relative correction at N = 25, tripled by the extrapolation.
    extrapolated = (100 * found[100] - 25 * found[25]) / 75
    error = extrapolated.std(1, ddof=1) / np.sqrt(groups)
    correction = extrapolated.mean(1) - found[25].mean(1)
    left = np.abs(correction) ** 2 / np.maximum(np.abs(np.array(wanted)), np.abs(correction))
    sampled = np.zeros_like(left)
    if "R_std_error" in theory:
        for row, kind in enumerate(("_std_error", "_shift_error")):
            sampled[row] = np.append(flat_row(scenario, theory, kind), theory[f"eps_g{kind}"])
    score = np.maximum(np.abs(extrapolated.mean(1) - wanted) - left, 0.0) / np.hypot(error, sampled)
    # Student's t with 19 degrees (7 for sampled parts, which are smaller); five cases of up to 12 comparisons: 1e-4 for
    # the false alarm of all together.
    critical = stats.t.isf(1e-4 / (2 * 5 * 12), 19)
    assert score.max() < critical
    # And the test can fail: it rejects a mean without a shift, and sees standard deviations to a few percent.
    assert (np.abs(wanted[1]) / error[1]).max() > critical
    assert (error[0] / wanted[0]).max() < 0.05


# ---- The same equations, by other means


def test_an_independent_integration_of_the_relu_perceptron():
    # D from Monte Carlo would be noisy; here it is the closed form, and all derivatives are difference quotients.
    scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), 0.8)
    noise, drift = scenario.noise(), drift_of(scenario)
    h = 1e-3
    with jax.enable_x64(True):
        D, length_term = jax.jit(noise.covariance), jax.jit(noise.length_term)

        def derivative(t, y):
            z, P, m = y[:2], y[2:6].reshape(2, 2), y[6:]
            steps = h * np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]])
            F, a, b, c, d, ab, cd, e, f = drift(z + steps)
            J = np.stack([a - b, c - d], axis=1) / (2 * h)
            second = [[a - 2 * F + b, (ab + cd - e - f) / 4], [(ab + cd - e - f) / 4, c - 2 * F + d]]
            H = np.array(second) / h**2
            shift = np.asarray(length_term(0.0, z, scenario.values())) - 0.5 * J @ F
            dP = J @ P + P @ J.T + np.asarray(D(z, scenario.values()))
            return np.concatenate([F, dP.ravel(), J @ m + 0.5 * np.einsum("ab,abi->i", P, H) + shift])

        start = np.array([0.2, 0.5, 0, 0, 0, 0, 0, 0])
        y = integrate.solve_ivp(derivative, (0.0, 3.0), start, rtol=1e-7, atol=1e-9).y[:, -1]
    found = ld.fluctuations(scenario, ld.Start(Q=0.5, R=0.2), until=3, save_at=[3], rtol=1e-9).isel(alpha=0)
    # Quotients of order 2 with h = 1e-3: h^2 / 6 times third and fourth derivatives of order 10, for three time units.
    np.testing.assert_allclose(found.covariance.values.ravel(), y[2:6], rtol=0, atol=1e-5)
    np.testing.assert_allclose(flat_row(scenario, found, "_shift"), y[6:], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("activation", "K", "M"), [("erf", 2, 2), ("relu", 2, 1)])
def test_derivatives_are_those_of_the_drift(activation, K, M):
    rng = np.random.default_rng(11)
    T = random_teacher(M, rng)
    scenario = ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, T), 0.7)
    z, flow = random_state(K, M, T, rng), scenario.flow()
    with jax.enable_x64(True):
        program = jax.jit(lambda z, values: linear_noise.derivatives(flow, 0.0, z, values))
        F, J, H = (np.asarray(x) for x in program(z, scenario.values()))
    np.testing.assert_allclose(F, drift_of(scenario)(z), rtol=0, atol=1e-13)
    jacobian = jacobian_of(scenario)
    np.testing.assert_allclose(J, jacobian(z), rtol=0, atol=1e-12)
    for b, unit in enumerate(np.eye(len(z))):
        quotient, allowed = central(jacobian, z, unit, 1e-3, 1e-13)
        np.testing.assert_array_less(np.abs(H[b] - quotient), allowed + 1e-12)


@pytest.mark.parametrize(("activation", "eta"), [("linear", 0.7), ("erf", 1.5)])
def test_averages_agree_with_the_exact_diffusion(activation, eta, monkeypatch):
    # With directions alone (linear) and with all of the normals (erf).
    scenario = ld.StudentTeacher(ld.Student(1, activation), ld.Teacher(1, activation), eta)
    exact = ld.fluctuations(scenario, ld.Start(Q=0.6, R=0.2), until=2, save_at=4)
    noise = replace(scenario.noise(), covariance=None, key=("sampled", activation), source="quasi-random averages")
    monkeypatch.setattr(type(scenario), "noise", lambda self: noise)
    sampled = ld.fluctuations(scenario, ld.Start(Q=0.6, R=0.2), until=2, save_at=4, seed=3)
    assert json.loads(sampled.attrs["options"])["diffusion"] == "quasi-random averages"
    for name in ("R_std", "Q_std", "R_shift", "Q_shift", "eps_g_std", "eps_g_shift", "covariance"):
        error = sampled[f"{name}_error"].values[1:]
        difference = (sampled[name] - exact[name]).values[1:]
        # Student's t with 7 degrees, some 60 comparisons: 1e-3 for the false alarm of all together. Tolerance 1e-6.
        assert np.abs(difference).max() <= 1e-5 + stats.t.isf(1e-3 / (2 * 60), 7) * error.max()
        assert 0 < error.max() < 0.02 * max(1.0, np.abs(exact[name]).max())


def test_quasi_normals():
    u = quasi_normals(3, 4, 2048, 5, directions=False)
    assert u.shape == (4, 2048, 3)
    # Independent sets of points that each are nearer to the moments than independent draws (1 / sqrt(2048) = 0.022).
    assert np.abs(u.mean(1)).max() < 0.005
    assert np.abs(u.swapaxes(1, 2) @ u / 2048 - np.eye(3)).max() < 0.02
    assert len({tuple(one[0]) for one in u}) == 4
    np.testing.assert_array_equal(u, quasi_normals(3, 4, 2048, 5, directions=False))
    on_sphere = quasi_normals(3, 2, 8, 5, directions=True)
    np.testing.assert_allclose((on_sphere**2).sum(-1), 3.0, rtol=1e-14)


# ---- The result


@pytest.fixture(scope="module")
def pair():
    return ld.fluctuations(PAIR, start_at(PAIR, PAIR_STATE), until=2, save_at=5, points=64, seed=2)


def test_the_path_is_that_of_solve(pair):
    curve = ld.solve(PAIR, start_at(PAIR, PAIR_STATE), until=2, save_at=5)
    for name in curve.data_vars:
        # Ten steps or so of relative error 1e-6.
        np.testing.assert_allclose(pair[name], curve[name], rtol=0, atol=1e-5, err_msg=name)


def test_labels_and_schema(pair):
    assert pair.parameter.values.tolist() == ["R_11", "R_21", "Q_11", "Q_12", "Q_22"]
    assert pair.covariance.dims == ("alpha", "parameter", "parameter2")
    assert pair.R_std.dims == pair.R.dims
    assert pair.Q_shift_error.dims == pair.Q.dims
    variance = pair.covariance.sel(parameter="Q_12", parameter2="Q_12")
    np.testing.assert_allclose(pair.Q_std.sel(student=2, student2=1) ** 2, variance, rtol=1e-14)
    np.testing.assert_array_equal(pair.covariance, pair.covariance.values.swapaxes(1, 2))
    for name, variable in pair.data_vars.items():
        assert variable.attrs["long_name"], name
        assert "units" in variable.attrs
    assert pair.R_std.attrs["long_name"] == "standard deviation of R times sqrt(N)"
    assert pair.attrs["seed"] == "2"
    # A start is sharp.
    assert not pair.covariance[0].any()
    assert not pair.R_shift[0].any()
    large = ld.StudentTeacher(ld.Student(2), ld.Teacher(10), 0.1).parameter_names()
    assert large[9:11] == ["R_1,10", "R_2,1"]
    assert len(large) == 23


def test_saving_loading_and_pictures(pair, tmp_path):
    assert ld.load(ld.save(pair, tmp_path / "spread.nc")).identical(pair)
    assert ld.scenario_of(pair) == PAIR
    assert ld.plot.learning_curve(pair).lines
    assert ld.plot.order_parameters(pair) is not None


def test_the_seed_decides(pair):
    start = start_at(PAIR, PAIR_STATE)
    again = ld.fluctuations(PAIR, start, until=2, save_at=5, points=64, seed=2)
    other = ld.fluctuations(PAIR, start, until=2, save_at=5, points=64, seed=3)
    assert again.drop_attrs().identical(pair.drop_attrs())
    assert not (other.R_std == pair.R_std)[1:].any()
    drawn = ld.fluctuations(PAIR, start, until=2, save_at=5, points=64)
    assert int(drawn.attrs["seed"]) >= 0


def test_a_row_continues():
    whole = ld.fluctuations(LINEAR, START, until=2, save_at=[1, 2])
    row = whole.isel(alpha=0)
    P, m = row.covariance.values, flat_row(LINEAR, row, "_shift")
    rest = ld.fluctuations(LINEAR, row, until=2, save_at=[2], covariance=P, shift=m)
    # 40 steps of relative error 1e-6 each.
    np.testing.assert_allclose(rest.covariance[0], whole.covariance[1], rtol=4e-5)
    for name in ("R_shift", "Q_shift", "eps_g_shift"):
        np.testing.assert_allclose(rest[name][0], whole[name][1], rtol=4e-5)
    # And it is a shift that a start of its own does not have.
    assert abs(whole.Q_shift[1].item() - whole.Q_shift[0].item()) > 0.01
    given = [json.loads(found.attrs["options"]) for found in (whole, rest)]
    assert [options["quantity"] for options in given] == ["fluctuations"] * 2
    assert [(options["covariance"], options["shift"]) for options in given] == [(False, False), (True, True)]
    assert "seed" not in whole.attrs
    assert "R_std_error" not in whole
    assert json.loads(whole.attrs["options"])["diffusion"] == "closed form"


def test_sampled_averages_continue_too():
    whole = ld.fluctuations(PAIR, start_at(PAIR, PAIR_STATE), until=2, save_at=[1, 2], points=64, seed=2)
    row = whole.isel(alpha=0)
    P, m = row.covariance.values, flat_row(PAIR, row, "_shift")
    rest = ld.fluctuations(PAIR, row, until=2, save_at=[2], points=64, seed=2, covariance=P, shift=m)
    # Both follow linear equations: the mean over the sets goes on as each of them does. 40 steps of 1e-6, and jumps of
    # the averages of D that other steps meet elsewhere, which are within the standard error.
    for name in ("R_shift", "Q_shift", "covariance"):
        allowed = 4e-5 * np.abs(whole[name][1]).max() + whole[f"{name}_error"][1]
        assert (np.abs(rest[name][0] - whole[name][1]) <= allowed).all(), name


# ---- Units that coincide


def pair_start(distance):
    """Two units of equal length with |J_1 - J_2|^2 = distance |J|^2, that is with Q_12 = Q_11 (1 - distance / 2)."""
    both = 0.25 * (1.0 - 0.5 * distance)
    return ld.Start(Q=[[0.25, both], [both, 0.25]], R=[[0.1], [0.1]])


@pytest.mark.parametrize("distance", [0.0, 1e-12, 0.9e-4])
def test_units_with_a_kink_that_coincide_are_refused(distance):
    with pytest.raises(ld.InputError, match=r"`start` must keep units apart.*student units 1 and 2.*'overlaps'"):
        ld.fluctuations(PAIR, pair_start(distance), until=0.5, rtol=1e-8)


def test_units_of_no_length_coincide():
    with pytest.raises(ld.InputError, match="student units 1 and 2 coincide"):
        ld.fluctuations(PAIR, ld.Start(Q=np.zeros((2, 2)), R=np.zeros((2, 1))), until=0.5)


@pytest.mark.parametrize("name", ["erf", "linear"])
def test_smooth_units_may_coincide(name):
    scenario = ld.StudentTeacher(ld.Student(2, name), ld.Teacher(1, name), 0.5)
    found = ld.fluctuations(scenario, pair_start(0.0), until=0.5, save_at=[0.5]).isel(alpha=0)
    # The units get the same updates: the four entries of Q are one number.
    assert np.ptp(found.Q_shift.values) < 1e-6 * abs(found.Q_shift.values[0, 0])


def test_parallel_units_of_different_lengths_part_at_once():
    # A lambda of 1e-4 in the distance changes nothing: against a start that is not parallel at all.
    exact, near = (
        ld.fluctuations(
            PAIR, ld.Start(Q=[[0.25, both], [both, 1.0]], R=[[0.1], [0.2]]), until=0.5, save_at=[0.5], seed=1
        ).isel(alpha=0)
        for both in (0.5, 0.5 * (1 - 1e-5))
    )
    # The parameters move by 1e-5 of themselves; the drift's smallest non-analytic power of s = 2e-5 is s^(1/2).
    np.testing.assert_allclose(exact.Q_std, near.Q_std, rtol=2 * np.sqrt(2e-5))


def test_a_path_on_which_units_come_to_coincide_warns(monkeypatch):
    monkeypatch.setattr(fluctuations_module, "COINCIDE", 0.5)
    with pytest.warns(ld.LearndynWarning, match=r"From alpha = 40 on.*student units 1 and 2.*do not rely"):
        # Two units that are 0.9 apart meet on the plateau, where d falls below 0.5.
        found = ld.fluctuations(
            PAIR.replace(learning_rate=0.3), pair_start(0.9), until=40, save_at=[0.1, 40], points=64, seed=1
        )
    assert found.attrs["status"] == "ok"
    assert "parallel" in found.attrs["message"]


def test_divergence_is_named_and_the_good_part_kept():
    fast = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=3.0)
    with pytest.warns(ld.LearndynWarning, match="Learning diverged"):
        found = ld.fluctuations(fast, START, until=100)
    assert found.attrs["status"] == "diverged"
    assert 0 < found.sizes["alpha"] < 201
    assert np.isfinite(found.covariance).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": 3}, "Argument `scenario` must be a scenario"),
        ({"scenario": LINEAR.replace(dynamics="gradient_flow")}, "must have dynamics='sgd' to fluctuate"),
        ({"until": 0}, "Argument `until` must be later than the start"),
        ({"rtol": 1e-15}, "`rtol` must be at least 1e-13 (rounding), but it is 1e-15."),
        ({"atol": 0}, "`atol` must be a finite number above 0"),
        ({"points": 100}, "`points` must be a power of two, at least 2, but it is 100. Use 128."),
        ({"points": 0}, "`points` must be a power of two, at least 2, but it is 0. Use 1024."),
        ({"shift": [1.0]}, "`shift` must have shape (2,), but it has shape (1,)."),
        ({"scrambles": 1}, "`scrambles` must be a whole number of at least 2"),
        ({"seed": -1, "scenario": PAIR, "start": start_at(PAIR, PAIR_STATE)}, "`seed` must be a whole number"),
        ({"covariance": [[1.0]]}, "`covariance` must have shape (2, 2), but it has shape (1, 1)."),
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "`covariance` must be positive semidefinite"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments, message):
    with pytest.raises(ld.InputError) as caught:
        ld.fluctuations(**{"scenario": LINEAR, "start": START, "until": 1.0, **arguments})
    assert message in str(caught.value)


def test_a_scenario_without_noise_is_refused():
    class Other:
        def __getattr__(self, name):
            if name == "noise":
                raise AttributeError(name)
            return getattr(LINEAR, name)

    with pytest.raises(ld.InputError, match="must be one whose fluctuations are known, but it is an Other"):
        ld.fluctuations(Other(), START, until=1)


def test_the_shift_of_the_error_has_its_slope_and_its_bend():
    """<eps_g> - eps_g(z) = g . m / N + tr(H P) / 2N, with g and H by central differences of the error itself."""
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.8)
    start = ld.Start(Q=[[0.4, 0.1], [0.1, 0.5]], R=[[0.3, 0.05], [0.1, 0.2]])
    found = ld.fluctuations(scenario, start, 6.0, save_at=[6.0]).isel(alpha=-1)
    z = flat(found.R.values, found.Q.values)

    program = jax.jit(ld.functional.eps_g(scenario))

    def error(z):
        with jax.enable_x64(True):
            return float(program(z, ld.functional.values(scenario)))

    h, steps = 1e-3, np.eye(7) * 1e-3
    gradient = np.array([(error(z + e) - error(z - e)) / (2 * h) for e in steps])
    hessian = np.array(
        [
            [(error(z + a + b) - error(z + a - b) - error(z - a + b) + error(z - a - b)) / (4 * h * h) for b in steps]
            for a in steps
        ]
    )
    slope = gradient @ flat(found.R_shift.values, found.Q_shift.values)
    bend = 0.5 * np.trace(hessian @ found.covariance.values)
    assert abs(bend) > 0.1 * abs(slope + bend)
    np.testing.assert_allclose(found.eps_g_shift, slope + bend, rtol=1e-4)


def flat(R, Q):
    """R row by row, then Q_ik with i <= k."""
    return np.concatenate([R.reshape(-1), Q[np.triu_indices(len(Q))]])
