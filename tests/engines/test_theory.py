"""The theory engine: trajectories against verified ones, tolerances, and every way in which a run ends."""

import json
import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learndyn as ld
from drift_programs import random_state, random_teacher
from learndyn.engines import theory
from learndyn.engines.integrator import SEGMENT_STEPS
from learndyn.scenarios.base import Flow
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.scenario import StudentTeacher
from reference_data import entry, inputs_and_outputs

TIGHT = {"rtol": 1e-12, "atol": 1e-14}
PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
START = ld.Start(Q=0.25, R=0.0)


def scenario(K, M, activation, eta, dynamics="sgd", T=None):
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, T), eta, dynamics)


def steps_of(result):
    return json.loads(result.attrs["options"])["steps"]


# ---- Trajectories


@pytest.mark.parametrize("name", ["perceptron-011", "perceptron-012", "perceptron-013"])
def test_perceptron_trajectories_agree_with_the_reference(name):
    inputs, outputs = inputs_and_outputs(name)
    s = PERCEPTRON.replace(learning_rate=inputs["eta"])
    start, times = ld.Start(inputs["Q0"], inputs["R0"]), inputs["alpha"]
    # At the default tolerance (1e-8 a step: a few 1e-8 in all) and at 1e-12 a step.
    for options, allowed in (({}, max(entry(name)["tolerance"], 3e-8)), (TIGHT, 1e-11)):
        run = ld.solve(s, start, until=times[-1], save_at=times, **options)
        for variable in ("R", "Q", "eps_g"):
            np.testing.assert_allclose(run[variable].values.ravel(), outputs[variable], rtol=0, atol=allowed)


def in_own_time(inputs, dynamics):
    """Entries give t = eta alpha: for the gradient flow eta is 1 without loss of generality."""
    eta = inputs["eta"] if dynamics == "sgd" else 1.0
    return eta, np.array(inputs["t"]) / eta


@pytest.mark.parametrize("number", ["001", "002", "003", "004", "012", "013", "015", "016"])
def test_committee_trajectories_agree_with_the_reference(number):
    # Straat (2018) p. 39-50, Straat & Biehl (2019): over- and unrealizable, ReLU and erf, with and without eta^2.
    name = f"over_unrealizable-{number}"
    inputs, outputs = inputs_and_outputs(name)
    dynamics = "sgd" if inputs["eta2_term"] else "gradient_flow"
    eta, times = in_own_time(inputs, dynamics)
    s = scenario(inputs["K"], inputs["M"], inputs["act"], eta, dynamics)
    run = ld.solve(s, ld.Start(inputs["Q0"], inputs["R0"]), until=times[-1], save_at=times)
    assert run.attrs["status"] == "ok"
    tolerance = entry(name)["tolerance"]
    np.testing.assert_allclose(run.eps_g, outputs["eps_g"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(run.R[-1], outputs["R_end"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(run.Q[-1], outputs["Q_end"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("number", ["008", "009"])
def test_site_symmetric_trajectories_agree_with_the_reference(number):
    name = f"over_unrealizable-{number}"
    inputs, outputs = inputs_and_outputs(name)
    K, (R, S, Q, C) = inputs["K"], inputs["u0"]
    eta, times = in_own_time(inputs, "gradient_flow")

    def site(diagonal, other):
        return diagonal * np.eye(K) + other * (1 - np.eye(K))

    s = scenario(K, K, inputs["act"], eta, "gradient_flow")
    run = ld.solve(s, ld.Start(site(Q, C), site(R, S)), until=times[-1], save_at=times)
    four = np.stack([run.R[:, 0, 0], run.R[:, 0, 1], run.Q[:, 0, 0], run.Q[:, 0, 1]], axis=-1)
    np.testing.assert_allclose(four, outputs["R_S_Q_C"], rtol=0, atol=entry(name)["tolerance"])


def test_the_slides_trajectory_agrees_with_the_reference():
    # Straat (2018) p. 33-35.
    inputs, outputs = inputs_and_outputs("plateau-016")
    s = scenario(2, 2, "relu", 1.0, "gradient_flow")
    run = ld.solve(s, ld.Start(inputs["Q0"], inputs["R0"]), until=120, save_at=inputs["t"])
    z = state.pack(run.R.values, run.Q.values)
    tolerance = entry("plateau-016")["tolerance"]
    np.testing.assert_allclose(z, outputs["z_R11_R12_R21_R22_Q11_Q12_Q22"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(run.eps_g, outputs["eps_g"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["plateau-014", "plateau-015"])
def test_escape_times_agree_with_the_reference(name):
    # The time t at which |R_11 - R_12| = 0.1: it grows there as exp(lambda t), so that an error of dt in time is one of
    # 0.1 lambda dt (lambda = 1 / slope) in the difference, and the saturation only lowers that.
    inputs, outputs = inputs_and_outputs(name)
    s = scenario(2, 2, inputs["act"], 1.0, "gradient_flow")
    allowed = 0.1 / outputs["asymptotic_slope_dt_dln_invX"] * entry(name)["tolerance"]
    for X, t in zip(inputs["X"], outputs["t"], strict=True):
        start = ld.Start.near_symmetric(s, Q=[0.2, 0.3], X=X)
        # A relative error rtol in the small difference is one of rtol at the end: 1e-12 a step.
        run = ld.solve(s, start, until=t, save_at=[t], **TIGHT)
        assert abs(abs(run.R[0, 0, 0] - run.R[0, 0, 1]) - 0.1) <= allowed


def test_linear_units_have_a_solution_in_closed_form():
    # K = M = 1: dR = eta (1 - R), dQ = 2 eta (R - Q) + eta^2 (1 - 2R + Q), linear with constant coefficients:
    # 1 - R decays with eta, E = 1 - 2R + Q = |J - B|^2 with 2 eta - eta^2.
    eta, times = 0.7, [0.5, 3.0, 10.0]
    run = ld.solve(scenario(1, 1, "linear", eta), START, until=10, save_at=times, **TIGHT)
    t = np.array(times)
    np.testing.assert_allclose(run.R.values.ravel(), 1 - np.exp(-eta * t), rtol=0, atol=1e-11)
    np.testing.assert_allclose(run.eps_g, 0.5 * 1.25 * np.exp(-(2 * eta - eta**2) * t), rtol=0, atol=1e-11)


# ---- Accuracy


def random_runs(count, activation):
    """Random scenarios and starts for K = M = 2 (one compiled program), at rates that do not lead to divergence."""
    rng = np.random.default_rng(12)
    largest = {"relu": 0.5, "erf": 1.5}[activation]
    for _ in range(count):
        T = random_teacher(2, rng)
        s = scenario(2, 2, activation, rng.uniform(0.1, largest), T=T)
        R, Q = state.unpack(random_state(2, 2, T, rng) * 0.5, 2, 2)
        yield s, ld.Start(Q, R), rng.uniform(5, 60)


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_tolerances_are_met(activation):
    # The issue: at rtol 1e-8 the largest error along the path is at most 1e-6, in the median 1e-8, against 1e-12.
    errors = []
    for s, start, until in random_runs(100, activation):
        fine, run = (ld.solve(s, start, until, save_at=20, **options) for options in (TIGHT, {}))
        assert fine.attrs["status"] == run.attrs["status"] == "ok"
        errors.append(max(float(np.abs(fine[name] - run[name]).max()) for name in ("R", "Q")))
    assert np.median(errors) <= 1e-8
    assert max(errors) <= 1e-6
    # They are not met by accident: a looser tolerance gives a larger error.
    loose = ld.solve(s, start, until, save_at=20, rtol=1e-5, atol=1e-7)
    assert float(np.abs(fine.R - loose.R).max()) > 10 * max(errors)


def test_the_overlaps_stay_a_covariance_and_the_error_positive():
    for activation in ("relu", "erf"):
        for s, start, until in random_runs(30, activation):
            run = ld.solve(s, start, until, save_at=20)
            z = state.pack(run.R.values, run.Q.values)
            C = state.covariance(z, 2, 2, s.T)
            # The solver's error, of the order of 1e-8 times the overlaps (test_tolerances_are_met: at most 1e-6).
            assert np.linalg.eigvalsh(C)[:, 0].min() >= -1e-6
            np.testing.assert_array_equal(run.Q, run.Q.values.swapaxes(1, 2))
            assert (run.eps_g >= 0).all()
            assert (np.abs(run.cosine) <= 1 + 1e-6).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), data=st.data())
def test_permuting_units_permutes_the_trajectory(seed, data):
    rng = np.random.default_rng(seed)
    K, M = 3, 2
    of_student, of_teacher = data.draw(st.permutations(range(K))), data.draw(st.permutations(range(M)))
    T = random_teacher(M, rng)
    R, Q = state.unpack(random_state(K, M, T, rng), K, M)
    run = ld.solve(scenario(K, M, "erf", 0.5, T=T), ld.Start(Q, R), until=20, save_at=5)
    T2, R2, Q2 = T[np.ix_(of_teacher, of_teacher)], R[np.ix_(of_student, of_teacher)], Q[np.ix_(of_student, of_student)]
    run2 = ld.solve(scenario(K, M, "erf", 0.5, T=T2), ld.Start(Q2, R2), until=20, save_at=5)
    # Both are within 1e-6 of the solution (see above); rounding alone would be far less.
    np.testing.assert_allclose(run2.R, run.R.values[:, of_student][:, :, of_teacher], rtol=0, atol=2e-6)
    np.testing.assert_allclose(run2.Q, run.Q.values[:, of_student][:, :, of_student], rtol=0, atol=2e-6)
    np.testing.assert_allclose(run2.eps_g, run.eps_g, rtol=0, atol=2e-6)


def test_a_row_continues_the_run():
    inputs, _ = inputs_and_outputs("plateau-016")
    s = scenario(2, 2, "relu", 1.0, "gradient_flow")
    start = ld.Start(inputs["Q0"], inputs["R0"])
    whole = ld.solve(s, start, until=60, save_at=61)
    rest = ld.solve(s, whole.sel(alpha=25), until=60, save_at=whole.alpha[25:].values)
    np.testing.assert_array_equal(rest.alpha, whole.alpha[25:])
    np.testing.assert_array_equal(rest.R[0], whole.R[25])
    # The escape amplifies what differs at 25 by exp(0.24 * 35) = 4000 at most: errors of 1e-9 a run.
    np.testing.assert_allclose(rest.R, whole.R[25:], rtol=0, atol=4000 * 2e-9)
    tight = [ld.solve(s, start, until=60, save_at=61, **TIGHT)]
    tight.append(ld.solve(s, tight[0].sel(alpha=25), until=60, save_at=whole.alpha[25:].values, **TIGHT))
    np.testing.assert_allclose(tight[1].R, tight[0].R[25:], rtol=0, atol=4000 * 2e-13)


def test_saved_times_do_not_change_the_path():
    few = ld.solve(PERCEPTRON, START, until=100, save_at=[50, 100])
    many = ld.solve(PERCEPTRON, START, until=100, save_at=np.linspace(0, 100, 401))
    # The steps are the same; the continuous extension is evaluated by the same program for another padding.
    np.testing.assert_allclose(many.R.sel(alpha=[50, 100]), few.R, rtol=0, atol=1e-15)
    assert steps_of(few) == steps_of(many)
    # Between steps the extension is of order 4, below the tolerance of a step.
    exact = ld.solve(PERCEPTRON, START, until=100, save_at=np.linspace(0, 100, 401), **TIGHT)
    np.testing.assert_allclose(many.R, exact.R, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(many.R[0], [[0.0]])
    one = ld.solve(PERCEPTRON, START, until=100, save_at=[0.0])
    assert (one.R.item(), one.Q.item(), one.attrs["status"]) == (0.0, 0.25, "ok")


# ---- How a run ends


def test_divergence_is_named_and_the_good_part_kept():
    s = PERCEPTRON.replace(learning_rate=2.4)
    with pytest.warns(ld.LearndynWarning, match=r"Learning diverged at alpha = 4\d\.\d+: ") as caught:
        run = ld.solve(s, START, until=1000, save_at=1001)
    assert run.attrs["status"] == "diverged"
    assert run.attrs["message"] == str(caught[0].message)
    assert "Use a smaller learning_rate" in run.attrs["message"]
    # It stops within a step of where Q passes a million times Q(0) + T; for large Q, dQ ~ (eta^2/2 - eta) Q at last.
    Q = run.Q.values.ravel()
    assert Q[-1] > 1.25e6 > Q[-2]
    assert np.isfinite(run.to_array()).all()
    late = run.sel(alpha=slice(30, 40)).Q.values.ravel()
    assert np.diff(np.log(late)).mean() == pytest.approx(2.4**2 / 2 - 2.4, rel=0.02)
    # What is kept is right.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ld.LearndynWarning)
        tight = ld.solve(s, START, until=1000, save_at=1001, **TIGHT)
    np.testing.assert_allclose(run.Q[:40], tight.Q[:40], rtol=1e-6)


def test_losing_the_perfect_solution_is_not_divergence():
    run = ld.solve(PERCEPTRON.replace(learning_rate=2.1), START, until=2000, save_at=[2000])
    _, outputs = inputs_and_outputs("perceptron-016")
    assert run.attrs["status"] == "ok"
    assert run.attrs["message"] == "The run reached its end."
    assert run.R.item() == pytest.approx(0.985953, abs=5e-7)
    assert run.Q.item() == pytest.approx(1.154796, abs=5e-7)
    assert run.eps_g.item() == pytest.approx(outputs["eps_g"], abs=1e-7)


def flow_of(name, drift):
    """A flow of two numbers with a drift of its own."""
    return Flow(("test", name), drift, lambda states: abs(states).sum(-1))


def integrate(flow, until=3.0, **changes):
    options = {"rtol": 1e-8, "atol": 1e-10, "limit": 1e6, "max_steps": 100_000, **changes}
    return theory.integrate(flow, np.ones(2), {}, np.linspace(0, until, 7), 0.0, **options)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf])
def test_a_drift_that_is_not_finite_ends_the_run_where_it_begins(bad):
    run = integrate(flow_of(f"bad {bad}", lambda at, z, values: jnp.where(at > 1.0, bad, -z)))
    assert run.status == "not_finite"
    # Steps shrink until they are 1e-13: the run comes that close.
    assert run.end == pytest.approx(1.0, abs=1e-12)
    assert np.isfinite(run.states).all()
    np.testing.assert_allclose(run.states[:, 0], np.exp(-run.times), rtol=0, atol=1e-7)
    np.testing.assert_allclose(run.times, [0, 0.5, 1.0], atol=1e-12)


def test_a_trial_step_beyond_the_domain_is_repeated_with_a_smaller_one():
    # z' = sqrt(z - 1) has NaN below 1; z' = -sqrt(z - 1) reaches 1 from 2 at t = 2 without leaving the domain.
    run = integrate(flow_of("root", lambda at, z, values: -jnp.sqrt(z)), until=1.9)
    assert run.status == "ok"
    np.testing.assert_allclose(run.states[:, 0], (1 - run.times / 2) ** 2, rtol=0, atol=1e-7)


def test_a_singularity_in_finite_time_is_divergence():
    # z' = z^2 from 1 is 1/(1 - t).
    run = integrate(flow_of("square", lambda at, z, values: z * z))
    assert run.status == "diverged"
    assert run.end == pytest.approx(1.0, abs=1e-5)
    assert run.states[-1].sum() > 1e6
    np.testing.assert_allclose(run.states[1], 2.0, rtol=1e-6)


def test_solve_says_where_a_drift_is_not_finite(monkeypatch):
    flow = PERCEPTRON.flow()

    def broken(at, z, values):
        return jnp.where(at > 1.0, jnp.nan, flow.drift(at, z, values))

    own = replace(flow, key=("test", "broken"), drift=broken)
    monkeypatch.setattr(StudentTeacher, "flow", lambda self, *options, **more: own)
    with pytest.warns(ld.LearndynWarning, match=r"The drift was not finite, .* at alpha = 1\."):
        run = ld.solve(PERCEPTRON, START, until=5, save_at=6)
    assert run.attrs["status"] == "not_finite"
    assert np.isfinite(run.to_array()).all()
    assert run.alpha.values[-1] == pytest.approx(1.0, abs=1e-12)


def test_a_drift_that_is_not_finite_at_a_point_is_refused(monkeypatch):
    flow = PERCEPTRON.flow()
    own = replace(flow, key=("test", "nowhere"), drift=lambda at, z, values: z * jnp.nan)
    monkeypatch.setattr(StudentTeacher, "flow", lambda self, *options, **more: own)
    with pytest.raises(ld.InputError, match="Argument `start` must be a point where the drift is finite"):
        ld.drift(PERCEPTRON, START)
    with pytest.warns(ld.LearndynWarning, match=r"at alpha = 0\. "):
        run = ld.solve(PERCEPTRON, START, until=5, save_at=6)
    assert run.alpha.values.tolist() == [0.0]


@pytest.mark.parametrize("rtol", [1e-2, 1e-4])
def test_a_loose_run_may_leave_the_covariances_by_its_error(rtol):
    """At the perfect solution the covariance is singular: an error of the order of rtol leaves the closed set."""
    start = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-3, 0.0], [0.0, 1e-3]])
    run = ld.solve(scenario(2, 2, "erf", 0.5), start, 2000, rtol=rtol, atol=rtol / 100)
    assert run.attrs["status"] == "ok"
    assert float(run.eps_g[-1]) < rtol


def test_lost_positivity_is_named(monkeypatch):
    # A drift that is no average of anything: R grows and Q does not.
    flow = PERCEPTRON.flow()
    own = replace(flow, key=("test", "impossible"), drift=lambda at, z, values: jnp.array([0.1, 0.0]))
    monkeypatch.setattr(StudentTeacher, "flow", lambda self, *options, **more: own)
    with pytest.warns(ld.LearndynWarning, match=r"stopped being a covariance at alpha = 6: the tolerance is too loose"):
        run = ld.solve(PERCEPTRON, START, until=20, save_at=21)
    # R = 0.1 alpha <= sqrt(Q) = 0.5.
    assert run.attrs["status"] == "lost_positivity"
    assert run.alpha.values.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("most", [1, 5, 300])
def test_the_number_of_steps_is_bounded(most):
    s, options = PERCEPTRON.replace(learning_rate=1.0), {"until": 1e4, "save_at": 3, "rtol": 1e-12}
    with pytest.warns(ld.LearndynWarning, match=r"The run stopped at alpha = .* after \d+ steps. Raise max_steps"):
        run = ld.solve(s, START, max_steps=most, **options)
    assert run.attrs["status"] == "max_steps"
    # Steps that are tried count; most of them are taken.
    assert 0.5 * most <= steps_of(run) <= most
    # The last state reached is kept.
    assert 0 < run.alpha.values[-1] < 1e4
    assert len(run.alpha) == 2


def test_a_long_run_goes_through_many_segments():
    # More tries than a segment may take, and saved times in each of some hundred segments.
    flow = flow_of("turning", lambda at, z, values: jnp.stack([z[1], -z[0]]) * 20.0)
    times = np.linspace(0, 100, 1001)
    run = theory.integrate(
        flow, np.array([1.0, 0.0]), {}, times, 0.0, rtol=1e-10, atol=1e-12, limit=10.0, max_steps=10**6
    )
    assert run.status == "ok"
    assert run.steps > 50 * SEGMENT_STEPS > 4096
    # An error of rtol a step adds up over so many steps.
    np.testing.assert_allclose(run.states[:, 0], np.cos(20 * times), rtol=0, atol=run.steps * 1e-10)


def test_the_host_does_not_wait_for_a_program_that_has_no_way_on():
    # A size that the compiled loop and the host see differently, as rounding might make it at the limit.
    flow = replace(
        flow_of("undecided", lambda at, z, values: -z),
        size=lambda states: 0.0 if isinstance(states, np.ndarray) else abs(states).sum() + 1e9,
    )
    run = integrate(flow)
    assert (run.status, run.end, run.steps) == ("not_finite", 0.0, 0)


def test_what_is_left_may_be_a_rounding_error():
    # At the perfect solution steps grow by ten: 0.001 + 0.01 + 0.1 + 1 ends a rounding error before 1.111.
    perfect = ld.Start(Q=1.0, R=1.0)
    for until in (0.011, 0.111, 1.111, 11.111, np.nextafter(1.111, 2), np.nextafter(1.111, 1)):
        assert ld.solve(PERCEPTRON, perfect, until=until, save_at=2).attrs["status"] == "ok"


def test_an_interruption_keeps_what_is_done():
    flow = flow_of("stiff", lambda at, z, values: -1000.0 * (z - jnp.cos(at)))
    seen = []

    def stop(now):
        seen.append(now)
        if now > 1.0:
            raise KeyboardInterrupt

    run = integrate(flow, until=30.0, on_progress=stop)
    assert run.status == "interrupted"
    assert run.end == seen[-1] == run.times[-1]
    assert run.times.tolist() == [0.0, seen[-1]]
    # The solution follows cos(t) with a lag of 1/1000.
    np.testing.assert_allclose(run.states[-1], np.cos(run.end) + np.sin(run.end) / 1000, rtol=0, atol=1e-5)
    assert seen == sorted(seen)


def test_an_interrupted_solve_warns(monkeypatch):
    def interrupt(progress, begin, end, name):
        from contextlib import nullcontext

        def advance(now):
            raise KeyboardInterrupt

        return nullcontext(advance)

    monkeypatch.setattr("learndyn.engines.progress.time_bar", interrupt)
    with pytest.warns(ld.LearndynWarning, match=r"The run was interrupted at alpha = .*; the part up to there is kept"):
        run = ld.solve(PERCEPTRON, START, until=1e6, save_at=3, rtol=1e-12)
    assert run.attrs["status"] == "interrupted"
    assert len(run.alpha) == 2


def test_progress_is_shown_on_request(capsys):
    ld.solve(PERCEPTRON, START, until=10, save_at=3, progress=True)
    assert "alpha" in capsys.readouterr().err
    ld.solve(PERCEPTRON, START, until=10, save_at=3)  # standard error is no terminal here
    assert capsys.readouterr().err == ""


# ---- JAX


def test_float64_whatever_the_flag():
    assert not jax.config.jax_enable_x64
    run = ld.solve(PERCEPTRON, START, until=20, save_at=[20], **TIGHT)
    inputs, outputs = inputs_and_outputs("perceptron-011")
    assert inputs["alpha"][0] == 20
    assert run.R.item() == pytest.approx(outputs["R"][0], abs=1e-11)  # float32 has 1e-7
    assert run.R.dtype == np.float64
    # The user's flag is as it was, and so are the user's numbers.
    assert not jax.config.jax_enable_x64
    assert jnp.asarray(1.0).dtype == jnp.float32
    with jax.enable_x64(True):
        again = ld.solve(PERCEPTRON, START, until=20, save_at=[20], **TIGHT)
        assert jnp.asarray(1.0).dtype == jnp.float64
    np.testing.assert_array_equal(again.R, run.R)


def test_other_numbers_never_compile_again():
    s = scenario(2, 2, "erf", 0.5)
    start = ld.Start(Q=[[0.2, 0], [0, 0.3]], R=np.zeros((2, 2)))
    ld.solve(s, start, until=10)
    before = dict(theory._programs)
    others = [
        ld.solve(s.replace(learning_rate=1), start, until=10),
        ld.solve(s.replace(learning_rate=np.float32(0.3)), start, until=7, save_at=150, rtol=1e-6, atol=1e-7),
        ld.solve(scenario(2, 2, "erf", 0.5, T=[[1, 0.2], [0.2, 2]]), start, until=10, max_steps=99),
        ld.solve(s, ld.Start(np.eye(2), 0.1 * np.eye(2), at=3), until=10),
    ]
    assert all(json.loads(x.attrs["timings"])["compile"] == 0.0 for x in others)
    assert theory._programs == before
    # Another shape does; so does leaving out the eta^2 term.
    ld.solve(s.replace(dynamics="gradient_flow"), start, until=10)
    assert len(theory._programs) >= len(before)
    assert any(key[0] == s.replace(dynamics="gradient_flow").flow() for key in theory._programs)


def test_times_of_tracing_compiling_and_running_are_told():
    s = scenario(1, 2, "linear", 0.1)
    first = ld.solve(s, ld.Start(Q=0.1, R=[[0.0, 0.0]]), until=1)
    timings = json.loads(first.attrs["timings"])
    assert set(timings) == {"trace", "compile", "run"}
    assert all(value > 0 for value in timings.values())


# ---- Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "relu"}, "`scenario` must be a scenario such as ld.StudentTeacher(...), but it is 'relu'."),
        ({"start": None}, "`start` must be an ld.Start or one row of a result, but it is None."),
        (
            {"start": ld.Start(np.eye(2), np.eye(2))},
            "`Q` of the start must have shape (1, 1), but it has",
        ),
        ({"until": -1}, "`until` must be later than the start, which is at 0, but it is -1."),
        ({"save_at": [2, 1]}, "`save_at` must increase, but it does not."),
        ({"rtol": 0}, "`rtol` must be a finite number above 0, but it is 0."),
        ({"rtol": 1e-15}, "`rtol` must be at least 1e-13 (rounding), but it is 1e-15."),
        ({"atol": -1e-3}, "`atol` must be a finite number above 0, but it is -0.001."),
        ({"max_steps": 0}, "`max_steps` must be a whole number of at least 1, but it is 0."),
        ({"max_steps": 1.5}, "`max_steps` must be a whole number of at least 1, but it is 1.5."),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments, message):
    given = {"scenario": PERCEPTRON, "start": START, "until": 10, **arguments}
    with pytest.raises(ld.InputError) as caught:
        ld.solve(**given)
    assert message in str(caught.value)
    assert str(caught.value).startswith("Argument `")


def test_values_of_another_shape_are_another_program():
    # One variance and n of them: the same equations on arrays of another shape.
    task = ld.GaussianClassification([1.0, 0.0], 0.25, "supervised")
    ends = [ld.solve(task.replace(covariances=v), [0.0, 1.0], 1, save_at=2).w[-1] for v in (0.25, [0.25, 0.25])]
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-14)
