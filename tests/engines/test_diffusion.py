"""The diffusion engine: the law of the exact process, the order of its steps, the error it states, and its bits."""

import re
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import learndyn as ld
from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.diffusion import DEFAULT_TOLERANCE, LANES, run_diffusion
from learndyn.engines.diffusion_steps import DEVIATION_ERROR, DONE, STUCK, Model, advance, first_carry
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher import state

EPS = np.finfo(float).eps


def scenario_of(activation, K, M, eta, T=None):
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, T), eta)


PERCEPTRON = scenario_of("erf", 1, 1, 1.0)
START = ld.Start(Q=0.25, R=0.1)


# ---- The law


def exact_chain(scenario, start, N, updates, replicas, seed):
    """The exact finite-size process in triangular coordinates, vectorised over replicas: flat states at the end.

    J = [a, l] along an orthonormal frame of the teacher and beyond it; x = a u_B + l u_J, y = L_B u_B;
    a += (eta/N) delta u_B^T, l <- lower factor of [l + (eta/N) delta u_J^T, (eta/N) chi delta], chi^2 ~ chi^2_{N-K-M}.
    """
    K, M, eta, g = scenario.K, scenario.M, scenario.learning_rate, scenario.activation.functions["g"]
    dg, rng = scenario.activation.functions["dg"], np.random.default_rng(seed)
    LB = np.linalg.cholesky(scenario.T)
    Q, R = np.array(start.Q), np.array(start.R)
    a = np.linalg.solve(LB, R.T).T
    a, l = np.tile(a, (replicas, 1, 1)), np.tile(np.linalg.cholesky(Q - a @ a.T), (replicas, 1, 1))
    for _ in range(updates):
        uB, uJ = rng.standard_normal((replicas, M)), rng.standard_normal((replicas, K))
        x = np.einsum("rkm,rm->rk", a, uB) + np.einsum("rkj,rj->rk", l, uJ)
        error = g(uB @ LB.T, NUMPY).sum(-1) - g(x, NUMPY).sum(-1)
        step = (eta / N) * dg(x, NUMPY) * error[:, None]
        a += step[:, :, None] * uB[:, None]
        chi = np.sqrt(rng.chisquare(N - K - M, replicas))
        wide = np.concatenate([l + step[:, :, None] * uJ[:, None], (chi[:, None] * step)[:, :, None]], axis=-1)
        for i in range(K):
            for j in range(i + 1, K + 1):
                p, q = wide[:, i, i].copy(), wide[:, i, j].copy()
                r = np.hypot(p, q)
                p, q = p / r, q / r
                first, second = wide[:, :, i].copy(), wide[:, :, j].copy()
                wide[:, :, i] = p[:, None] * first + q[:, None] * second
                wide[:, :, j] = p[:, None] * second - q[:, None] * first
        l = wide[:, :, :K]
    return state.pack(a @ LB.T, a @ a.swapaxes(-1, -2) + l @ l.swapaxes(-1, -2))


def moments(sample):
    """Mean and standard deviation of each column with their standard errors; Var(s) = s^2 (kurtosis - 1) / (4 n)."""
    n = len(sample)
    deviation = sample - sample.mean(0)
    std = sample.std(0, ddof=1)
    kurtosis = (deviation**4).mean(0) / (deviation**2).mean(0) ** 2
    return sample.mean(0), std, std / np.sqrt(n), std * np.sqrt((kurtosis - 1) / (4 * n))


LAW = {
    "erf": (scenario_of("erf", 2, 1, 1.5), ld.Start(Q=[[0.3, 0.1], [0.1, 0.5]], R=[[0.1], [0.4]])),
    "relu": (scenario_of("relu", 1, 2, 0.8, [[1.0, 0.3], [0.3, 0.6]]), ld.Start(Q=0.6, R=[[0.1, 0.3]])),
    "linear": (scenario_of("linear", 1, 1, 1.2), ld.Start(Q=0.5, R=0.2)),
}


@pytest.mark.parametrize("name", LAW)
def test_mean_and_spread_are_those_of_the_exact_process(name):
    """20 comparisons in the three cases at 4 combined standard errors: false alarm 20 * 6.3e-5 = 0.13 %, fixed seed.

    The exact chain has 1000 replicas; the terms that the diffusion leaves out are of order 1 / N of a deviation.
    """
    scenario, start = LAW[name]
    N, alpha = 10_000, 0.5
    exact = exact_chain(scenario, start, N, round(alpha * N), 1000, seed=1)
    run = run_diffusion(scenario, start, N, np.array([alpha]), replicas=2000, seed=1, threads=1)
    assert run.status == "ok"
    mean, std, mean_error, std_error = moments(exact)
    mine, my_std, my_mean_error, my_std_error = moments(run.states[:, 0])
    z = (mine - mean) / np.hypot(mean_error, my_mean_error)
    assert np.abs(z).max() < 4, z
    z = (my_std - std) / np.hypot(std_error, my_std_error)
    assert np.abs(z).max() < 4, z


def test_the_linear_perceptron_has_its_exact_mean_and_spread_at_moderate_N():
    """E = |J - B|^2 is multiplied by f = 1 - 2 eta u^2 / N + eta^2 u^2 |xi|^2 / N^2 in each update, u ~ N(0, 1).

    <f> = 1 - 2 eta/N + eta^2 (N + 2)/N^2 and <f^2> are exact, with <u^4 |xi|^2> = 3 (N + 4) and
    <u^4 |xi|^4> = 105 + 30 (N - 1) + 3 (N - 1)(N + 1). Over alpha the 1/N term of the rate,
    [2 eta^2 - (eta^2 - 2 eta)^2 / 2] / N, makes 3.4 % of the mean, 20 standard errors. What the diffusion leaves out
    is of order alpha / N^2 = 8e-6 of the mean; for the second moment the coefficient is eta^4 <u^4> 2 N = O(1/N) of the
    rate's 1/N term: alpha * 2 * 3 * eta^4 / N^2 = 2.4e-4 of a second moment that is known to 0.3 %.
    Two comparisons at 4 standard errors: false alarm 1.3e-4.
    """
    N, eta, alpha, replicas = 1000, 1.5, 8.0, 4000
    run = run_diffusion(
        scenario_of("linear", 1, 1, eta), START, N, np.array([alpha]), replicas=replicas, seed=3, threads=1
    )
    R, Q = run.states[:, 0].T
    E, E0 = 1 + Q - 2 * R, 1 + 0.25 - 2 * 0.1
    mean = 1 - 2 * eta / N + eta**2 * (N + 2) / N**2
    fourth = 105 + 30 * (N - 1) + 3 * (N - 1) * (N + 1)
    square = 1 - 4 * eta / N + 2 * eta**2 * (N + 2) / N**2 + 12 * eta**2 / N**2
    square += -4 * eta**3 * 3 * (N + 4) / N**3 + eta**4 * fourth / N**4
    for sample, exact in ((E / E0, mean ** (alpha * N)), ((E / E0) ** 2, square ** (alpha * N))):
        assert abs(sample.mean() - exact) < 4 * sample.std(ddof=1) / np.sqrt(replicas)
    # The test can fail: without the 1/N part of the rate the mean would lie far outside.
    assert abs((E / E0).mean() - np.exp((eta**2 - 2 * eta) * alpha)) > 10 * (E / E0).std() / np.sqrt(replicas)


def test_at_large_N_the_spread_is_that_of_the_linear_noise_theory():
    """8 comparisons at 4 standard errors (Gaussian: std / sqrt(2 n)): false alarm 5e-4, fixed seed."""
    scenario, times, N, replicas = scenario_of("relu", 1, 1, 0.8), [0.5, 2.0, 5.0, 20.0], 10**9, 2000
    run = run_diffusion(scenario, START, N, times, replicas=replicas, seed=4, threads=1)
    theory = ld.fluctuations(scenario, START, until=20.0, save_at=times)
    wanted = np.column_stack([theory.R_std.values.ravel(), theory.Q_std.values.ravel()])
    ratio = run.states.std(0, ddof=1) * np.sqrt(N) / wanted
    assert np.abs(ratio - 1).max() < 4 / np.sqrt(2 * replicas), ratio


def test_what_no_update_changes_stays_the_same():
    """Linear units all receive the same error: J_1 - J_2 is kept, in each noisy step too, up to rounding."""
    scenario = scenario_of("linear", 2, 1, 0.5)
    start = ld.Start(Q=[[0.3, 0.1], [0.1, 0.5]], R=[[0.1], [0.4]])
    run = run_diffusion(scenario, start, 1000, np.linspace(0, 2, 5), seed=1, replicas=3)
    R, Q = state.unpack(run.states, 2, 1)
    assert np.ptp(Q[:, -1, 0, 0]) > 1e-3
    # Some hundred steps, each rounding numbers below 1 in a handful of sums.
    tolerance = 1000 * 10 * EPS
    np.testing.assert_allclose(R[..., 0, 0] - R[..., 1, 0], -0.3, rtol=0, atol=tolerance)
    np.testing.assert_allclose(Q[..., 0, 0] - 2 * Q[..., 0, 1] + Q[..., 1, 1], 0.6, rtol=0, atol=tolerance)


def test_at_huge_N_every_replica_follows_the_theory():
    """Deviations are 1 / sqrt N = 3e-8; with the loosest steps the mean is off by what the run states, and no more."""
    scenario, start = LAW["erf"]
    times = np.array([0.5, 2.0, 20.0])
    run = run_diffusion(scenario, start, 10**15, times, replicas=64, seed=2, tolerance=0.1)
    theory = ld.solve(scenario, start, until=20.0, save_at=times, rtol=1e-13, atol=1e-13)
    exact = state.pack(theory.R.values, theory.Q.values)
    deviation = run.states.std(0, ddof=1)
    # 4 standard errors for 15 comparisons: false alarm 1e-3; 1e-13: error of the theory, some steps at its tolerance.
    allowed = deviation * (run.errors["mean_step_error"] + 4 / np.sqrt(64)) + 20 * 1e-13
    assert np.all(np.abs(run.states.mean(0) - exact) < allowed)
    assert 0 < run.errors["mean_step_error"] < 0.1
    assert 1e-9 < deviation.min() < deviation.max() < 1e-6


# ---- The order of the steps: a linear model, whose moments are known


# N is so large that the second order in 1 / N, which c's own derivative brings, is out of sight.
RATE, SPREAD, FORCE, SIZE = 1.0, 0.7, 2.0, 1e10


@cache
def linear_program():
    """dz = (-rate z + c / N) d alpha + N^(-1/2) spread dW, c = force - rate^2 z / 2."""
    model = Model(
        drift=lambda at, z, values: -RATE * z,
        length_term=lambda at, z, values: FORCE + 0.0 * z,
        increments=lambda z, values, u: SPREAD * u,
        size=lambda z: abs(z[..., 0]),
    )
    return jax.jit(partial(advance, model))


def run_linear(normals, rows, N, *, first, tolerance, z=0.0):
    """The lanes and what they recorded, for normals of shape (lanes, injections): one draw of the pair, the other 0."""
    lanes, injections = normals.shape
    draws = np.zeros((lanes, injections, 1, 2, 1))
    draws[..., 0, 0, 0] = normals
    asleep = np.zeros(lanes, dtype=bool)
    carry = first_carry(
        np.full(1, z), 0.0, rows[0], first=first, tolerance=np.full(lanes, tolerance), loudness=1.0, asleep=asleep
    )
    carry["scale"][:] = 1.0  # as if the noise were known: most lanes hear none
    windows = np.tile(np.append(rows, [np.inf] * (injections // 2 + 2 - len(rows))), (lanes, 1))
    with jax.enable_x64(True):
        carry, reached = linear_program()(carry, draws, windows, {}, np.array([N, 1e9]))
    assert np.all(np.asarray(carry["status"]) == DONE)
    return {name: np.asarray(value) for name, value in carry.items()}, np.asarray(reached)[:, : len(rows), 0]


def scheme_moments(h, end):
    """Mean shift and variance that the scheme itself gives at ``end`` with rows every h, without any sampling error.

    z is linear in the normals: one lane for each normal shows what it contributes, and a silent one the mean.
    """
    injections = 120
    rows = np.arange(1, round(end / h) + 1) * h
    # No step is ever refused: rows alone set the intervals.
    carry, reached = run_linear(np.eye(128, injections), rows, SIZE, first=h, tolerance=1e12)
    silent = reached[-1, -1]
    # The other normal of a pair contributes as much as the first.
    return silent, 2 * ((reached[:injections, -1] - silent) ** 2).sum(), carry["worst"][0]


def test_noise_and_correction_are_integrated_to_fourth_order():
    """Gauss's rule on exp(-r s): relative error (r h)^4 / 4320, r = 2 rate for the variance and rate for the mean.

    The next order is (r h)^2 / 12 of it, and Tsitouras' steps of 0.58 h add (0.58 rate h)^6 / 1000: 10 % covers both.
    """
    end = 10.0
    mean, variance = FORCE / SIZE * (1 - np.exp(-RATE * end)), SPREAD**2 / (2 * SIZE) * (1 - np.exp(-2 * end))
    for h in (0.5, 0.25):
        shift, spread, worst = scheme_moments(h, end)
        assert abs(spread / variance - 1) == pytest.approx((2 * RATE * h) ** 4 / 4320, rel=0.1)
        assert abs(shift / mean - 1) == pytest.approx((RATE * h) ** 4 / 4320, rel=0.1)
        # The stated error of the standard deviation is half that of the variance: it saw the rate in its injections.
        assert worst == pytest.approx(DEVIATION_ERROR * (RATE * h) ** 4, rel=1e-6)
        assert worst == pytest.approx(0.5 * abs(spread / variance - 1), rel=0.1)


def test_the_mean_decays_as_one_update_after_another_makes_it():
    """(1 - rate / N)^(N alpha) = exp(-rate alpha - rate^2 alpha / 2 N + O(1 / N^2)): the second term is in c.

    At N = 1e6 and alpha = 5 it is 2.5e-6. Tsitouras' steps of 0.15 add some 40 times 0.15^6 / 1e4 = 5e-8 at most, and
    Gauss's rule 1e-6 of the term itself; the force is taken away by a lane that starts at 0.
    """
    N, rows = 1e6, np.arange(1, 21) * 0.25
    silent = np.zeros((1, 60))
    (_, start), (_, rest) = (run_linear(silent, rows, N, first=0.25, tolerance=1e12, z=z) for z in (1.0, 0.0))
    shift = np.log((start - rest)[0, -1]) + RATE * rows[-1]
    assert shift == pytest.approx(-(RATE**2) * rows[-1] / (2 * N), rel=0.03)


def test_the_rate_at_which_noise_decays_sets_the_intervals():
    """z stays as small as the noise, so that the flow alone would allow longer ones: rate * h = 0.43 at 1e-3.

    The rule leaves a margin of 1 / 0.5 in the interval, 1 / 0.5^4 in the error; whole intervals fit up to the row.
    """
    normals = np.random.default_rng(1).standard_normal((8, 400))
    for tolerance in (1e-3, 1e-2):
        carry, _ = run_linear(normals, [40.0], 1e8, first=1e-3, tolerance=tolerance)
        assert np.all(carry["worst"] <= 0.5**4 * tolerance * (1 + 1e-4))
        assert np.all(carry["worst"] >= 0.5**5 * tolerance)


def test_steps_whose_error_is_not_small_beside_the_noise_are_taken_again():
    """A pulse of the drift, after steps had time to grow: z gains its integral sqrt(pi), to the error of the steps.

    Each step may err by tolerance * sqrt(step / N) = 1e-7 at most, and the estimate is that of the lower order.
    """
    model = Model(
        drift=lambda at, z, values: jnp.exp(-((at - 40.0) ** 2)) + 0.0 * z,
        length_term=lambda at, z, values: 0.0 * z,
        increments=lambda z, values, u: u,
        size=lambda z: abs(z[..., 0]),
    )
    carry = first_carry(
        np.zeros(1), 0.0, 80.0, first=1.0, tolerance=np.full(1, 1e-2), loudness=0.0, asleep=np.zeros(1, dtype=bool)
    )
    with jax.enable_x64(True):
        normals = np.random.default_rng(1).standard_normal((1, 200, 16, 2, 1))
        windows = np.append(80.0, [np.inf] * 101)[None]
        carry, rows = jax.jit(partial(advance, model))(carry, normals, windows, {}, np.array([1e10, 1e9]))
    assert abs(float(rows[0, 0, 0]) - np.sqrt(np.pi)) < int(carry["tries"][0]) * 1e-2 * np.sqrt(8.0 / 1e10)


def test_a_tighter_tolerance_takes_smaller_intervals():
    """The rate of decay sets the interval: its error, as stated, falls with the tolerance that was asked for."""
    runs = [
        run_diffusion(PERCEPTRON, START, 10**6, np.array([30.0]), replicas=2, seed=1, tolerance=tolerance)
        for tolerance in (1e-1, 1e-3, 1e-5)
    ]
    steps, stated = zip(*((run.errors["steps"], run.errors["std_step_error"]) for run in runs), strict=True)
    assert steps[0] < steps[1] < steps[2]
    # The rate may rise within an interval: at most by 2 here, the margin of the rule is 1 / 0.5^4.
    assert all(error < run.errors["tolerance"] for error, run in zip(stated, runs, strict=True))


# ---- The bits


def test_bits_do_not_depend_on_threads_chunks_or_other_replicas():
    times = np.linspace(0.0, 20.0, 41)

    def run(replicas, **options):
        return run_diffusion(PERCEPTRON, START, 10**7, times, replicas=replicas, seed=5, **options).states

    first = run(2 * LANES + 5)
    assert np.ptp(first[:, -1], axis=0).min() > 0
    np.testing.assert_array_equal(run(2 * LANES + 5, threads=3, chunk=1), first)
    np.testing.assert_array_equal(run(LANES + 1, threads=1, chunk=100), first[: LANES + 1])
    np.testing.assert_array_equal(run(1), first[:1])
    other = run_diffusion(PERCEPTRON, START, 10**7, times, replicas=1, seed=6).states
    assert not np.array_equal(other[:, -1], first[:1, -1])


def test_stated_errors_do_not_depend_on_the_number_of_replicas():
    runs = [run_diffusion(PERCEPTRON, START, 10**7, [0.0, 5.0], replicas=n, seed=5) for n in (1, LANES + 3)]
    assert runs[0].errors["mean_step_error"] == runs[1].errors["mean_step_error"]
    assert 0 < runs[0].errors["mean_step_error"] < 0.01
    assert runs[0].errors["tolerance"] == DEFAULT_TOLERANCE


def test_the_start_is_a_row_and_runs_begin_at_its_time():
    later = ld.Start(Q=0.25, R=0.1, at=3.0)
    run = run_diffusion(PERCEPTRON, later, 10**6, [3.0, 3.5], seed=1)
    early = run_diffusion(PERCEPTRON, START, 10**6, [0.0, 0.5], seed=1)
    np.testing.assert_array_equal(run.states[:, 0], [[0.1, 0.25]])
    # The drift does not know the time; only the rounding of times differs.
    np.testing.assert_allclose(run.states, early.states, rtol=0, atol=1e-12)
    alone = run_diffusion(PERCEPTRON, START, 10**6, [0.0], seed=1)
    assert (alone.status, alone.states.tolist(), alone.errors["mean_step_error"]) == ("ok", [[[0.1, 0.25]]], None)


def test_the_perfect_student_stays():
    run = run_diffusion(PERCEPTRON, ld.Start(Q=1.0, R=1.0), 1000, [0.0, 50.0], seed=1, replicas=2)
    # The drift is zero up to rounding, and contracts.
    np.testing.assert_allclose(run.states, 1.0, rtol=0, atol=1e-14)


# ---- Ends


def test_divergence_keeps_the_rows_before_and_says_where():
    """Linear, eta = 5: |J - B|^2 grows by exp(15 alpha), to 1e6 times its scale at alpha = 0.92."""
    scenario = scenario_of("linear", 1, 1, 5.0)

    def run(replicas=LANES + 2, **options):
        return run_diffusion(scenario, START, 10**4, np.linspace(0, 2, 21), replicas=replicas, seed=1, **options)

    first = run()
    rows = len(first.times)
    assert (first.status, first.states.shape) == ("diverged", (LANES + 2, rows, 2))
    assert 5 < rows < 12
    assert np.isfinite(first.states).all()
    assert first.states[..., 1].max() <= 1e6 * 1.25
    alpha = float(first.message.split("diverged at alpha = ")[1].split(":")[0])
    assert first.times[-1] < alpha <= 0.1 * rows
    again = run(threads=1, chunk=1)
    assert again.message == first.message
    np.testing.assert_array_equal(again.states, first.states)


def test_rows_that_are_no_covariance_are_reported_and_not_handed_out():
    """A tenth of an update after the start at Q = 0: the noise of a diffusion makes Q negative, a real update never."""
    times = np.array([0.0, 1e-4, 1.0])
    run = run_diffusion(PERCEPTRON, ld.Start(Q=0.0, R=0.0), 1000, times, seed=1, replicas=20)
    assert (run.status, run.times.tolist()) == ("lost_positivity", [0.0])
    assert re.match(r"Replica \d+ was no longer a covariance at alpha = 0\.0001: ", run.message)
    assert "method='overlaps'" in run.message
    fine = run_diffusion(PERCEPTRON, ld.Start(Q=0.0, R=0.0), 10**6, times, seed=1, replicas=20)
    assert fine.status == "ok"


def test_a_drift_that_is_not_finite_ends_the_lane():
    model = Model(
        drift=lambda at, z, values: z / 0.0,
        length_term=lambda at, z, values: z,
        increments=lambda z, values, u: u,
        size=lambda z: abs(z[..., 0]),
    )
    with jax.enable_x64(True):
        carry = first_carry(
            np.ones(1), 0.0, 1.0, first=1.0, tolerance=np.ones(2), loudness=1.0,
            asleep=np.array([False, True]),
        )  # fmt: skip
        windows = np.array([[1.0, np.inf]] * 2)
        carry, _ = jax.jit(partial(advance, model))(carry, np.zeros((2, 4, 1, 2, 1)), windows, {}, np.full(2, 1e9))
    assert np.asarray(carry["status"]).tolist() == [STUCK, DONE]
    assert np.asarray(carry["state"])[0, 0] == 1.0


def interrupt_after(updates):
    def progress(done, total):
        if done > updates:
            raise KeyboardInterrupt

    return progress


def test_an_interrupt_keeps_the_rows_that_were_recorded_and_a_checkpoint_goes_on(tmp_path):
    times, N = np.linspace(0.0, 1000.0, 2001), 10**8

    def run(replicas=LANES + 2, **options):
        return run_diffusion(PERCEPTRON, START, N, times, replicas=replicas, seed=1, threads=1, **options)

    def checkpoint():
        return Checkpoint(tmp_path / "run.npz", {"seed": 1})

    whole = run()
    cut = run(progress=interrupt_after(0), chunk=1, checkpoint=checkpoint())
    rows = len(cut.times)
    assert (cut.status, cut.replicas.tolist()) == ("interrupted", list(range(LANES)))
    assert 1 < rows < len(times)
    assert f"The last row is at alpha = {cut.times[-1]:g}." in cut.message
    np.testing.assert_array_equal(cut.states, whole.states[:LANES, :rows])
    resumed = run(checkpoint=checkpoint())
    assert resumed.status == "ok"
    np.testing.assert_array_equal(resumed.states, whole.states)
    assert resumed.errors == whole.errors


# ---- Refusals


def test_bad_arguments_are_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"`N` must be at least 1000 for method='diffusion'.*but it is 100\. Use"):
        run_diffusion(PERCEPTRON, START, 100, [1.0], seed=1)
    with pytest.raises(InputError, match=r"`tolerance` must be above 0 and at most 0\.1, but it is 0\.5"):
        run_diffusion(PERCEPTRON, START, 10**6, [1.0], seed=1, tolerance=0.5)
    with pytest.raises(InputError, match=r"`tolerance` must be a finite number above 0, but it is 0"):
        run_diffusion(PERCEPTRON, START, 10**6, [1.0], seed=1, tolerance=0)
    with pytest.raises(InputError, match=r"`scenario` must say how its runs fluctuate.*but object does not"):
        run_diffusion(object(), START, 10**6, [1.0], seed=1)
