"""ld.simulate of perceptrons: against the theory, what its results hold, what it refuses.

Means of n replicas are compared with the flow in standard errors: each of the differences that follow exceeds four of
them with probability 6e-5, so that a right program fails one of the 30 or so with probability 2e-3, over seeds. The
flow is the limit of small eta: means at eta are off by terms of order eta, which `ld.moment_flow` has; a test of the
thorough run holds that they are at most eta at the times looked at.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

import learndyn as ld
from learndyn.verbs import simulation

ETA = 1e-3
TIMES = [1.0, 3.0, 10.0]
# N = 10, mu = e1, w(0) = e2, sigma = 1, lambda = 0 (Figures 2C and 2D of the source).
TASK = ld.GaussianClassification(np.eye(10)[0], 1.0, ld.Supervised(), learning_rate=ETA)
START = np.eye(10)[1]
RULES = {"SL": ld.Supervised(), "RL": ld.Reinforce()}
VECTORS = Path(__file__).parents[2] / "data" / "nonlinear_perceptron.json"

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)) + np.outer(np.where(np.arange(60) < 25, 1, -1), [0.8, 0.0, 0.0, 0.3])
Y = np.where(np.arange(60) < 25, 1, -1)
DATA = ld.DataClassification(X[::2], Y[::2], ld.Supervised(), learning_rate=0.1, test=(X[1::2], Y[1::2]))


def vector(name):
    return next(entry for entry in json.loads(VECTORS.read_text())["entries"] if entry["id"] == name)


def run(task=TASK, start=START, until=0.02, **options):
    return ld.simulate(task, start, until, **({"seed": 1, "progress": False} | options))


def off(result, wanted):
    """How many standard errors the mean weights are off, beyond eta."""
    averaged = ld.mean_and_error(result)
    difference = np.abs(averaged.w - wanted).values
    assert (averaged.w_error > 0).all()
    return np.maximum(difference - ETA, 0.0) / averaged.w_error.values


# ---- Theory


@pytest.mark.parametrize("rule", RULES)
def test_means_follow_the_flow(rule):
    task = TASK.replace(rule=RULES[rule])
    result = run(task, until=10, replicas=400, save_at=TIMES)
    flow = ld.solve(task, START, 10, save_at=TIMES, rtol=1e-10)
    assert off(result, flow.w.values).max() < 4
    if rule == "SL":
        p, q = isotropic_supervised()
        # Two solvers, each to 1e-10 a step.
        np.testing.assert_allclose(flow.w[:, 0], p, rtol=1e-7)
        np.testing.assert_allclose(flow.w[:, 1] ** 2, q - p**2, rtol=1e-7)


def isotropic_supervised():
    """mu . w and |w|^2 at `TIMES` by equations (18) and (19), without the library."""
    u = np.sqrt(np.pi / 8)

    def flow(t, state):
        p, q = state
        V = 1 + u**2 * q
        z = u * p / np.sqrt(V)
        wrong, bell = stats.norm.sf(z), np.exp(-(z**2) / 2)
        dp = wrong - u * p * bell / np.sqrt(2 * np.pi * V)
        return [dp, 2 * p * wrong - q * bell / (2 * np.sqrt(V))]

    return solve_ivp(flow, (0, 10), [0.0, 1.0], "DOP853", TIMES, rtol=1e-10, atol=1e-12).y


def test_the_logistic_function_follows_its_own_flow():
    task = TASK.replace(activation="logistic")
    result = run(task, until=10, replicas=200, save_at=TIMES)
    assert off(result, ld.solve(task, START, 10, save_at=TIMES).w.values).max() < 4
    # Able to fail: the other sigmoid function is 0.063 away at the end, 20 standard errors and more.
    assert off(result, ld.solve(TASK, START, 10, save_at=TIMES).w.values).max() > 20


def test_mean_and_variance_have_the_terms_of_order_eta():
    """Covariances that are not diagonal, classes of unequal share, decay; the mean without an allowance for eta."""
    G = RNG.standard_normal((4, 4))
    means, covariances = [[1.0, 0.0, 0.5, 0.0], [0.0, -0.5, 0.0, 0.0]], (G @ G.T / 4, [0.2, 0.5, 1.0, 2.0])
    rule = ld.Reinforce(baseline=False)
    task = ld.GaussianClassification(means, covariances, rule, 0.1, learning_rate=5e-3, prior=0.3)
    replicas, times = 2000, [1.0, 5.0]
    result = run(task, [0.0, 1.0, 0.0, 0.5], until=5, replicas=replicas, save_at=times)
    flow = ld.moment_flow(task, [0.0, 1.0, 0.0, 0.5], 5, save_at=times, finite_rate=True)
    error = result.w.std("replica", ddof=1) / np.sqrt(replicas)
    assert (np.abs(result.w.mean("replica") - flow.w) / error).max() < 4
    # What is neglected is eta times the time, relative; a sample variance scatters by sqrt(2 / n) of itself.
    ratio = result.w.var("replica", ddof=1) / flow.variance
    assert np.abs(ratio - 1).max() < 4 * np.sqrt(2 / replicas) + task.learning_rate * times[-1]


def test_terms_of_order_eta_are_at_most_eta_where_means_are_compared():
    for rule in RULES.values():
        task = TASK.replace(rule=rule)
        flow = ld.solve(task, START, 10, save_at=TIMES)
        better = ld.moment_flow(task, START, 10, save_at=TIMES, finite_rate=True)
        assert 0.05 * ETA < np.abs(better.w - flow.w).max() < ETA


def test_the_stationary_covariance():
    """A C + C A^T = -eta Cov_L(f) at the fixed point of SL, eta = 0.02, lambda = 0.5."""
    wanted = vector("036")
    eta, decay, mu = (wanted["inputs"][name] for name in ("eta", "lam", "mu"))
    task = ld.GaussianClassification(mu, 1.0, ld.Supervised(), decay, learning_rate=eta)
    replicas = 2000
    # 20 is ten times the slowest time of decay, 1 / (2 lambda) for the covariance, and more.
    w = run(task, wanted["outputs"]["w_star"], until=20, replicas=replicas, save_at=[20]).w.values[:, 0]
    variances, C = w.var(0, ddof=1), np.diag(wanted["outputs"]["Cov"])
    # To relative order eta (some 0.02), and 4 standard errors of a variance.
    assert np.abs(variances / C - 1).max() < 4 * np.sqrt(2 / replicas) + 2 * eta


# ---- Results


def test_a_result_holds_each_replica_s_observables_and_what_made_it(tmp_path):
    result = run(replicas=3, save_at=[0.0, 0.0104, 0.02], until=0.02)
    assert set(result.data_vars) == {"w", "w_norm", "alignment", "accuracy", "loss"}
    assert result.w.dims == ("replica", "t", "input")
    assert result.alignment.dims == ("replica", "t")
    assert set(result.coords) == {"replica", "t", "input"}
    np.testing.assert_allclose(result.t, [0, 0.01, 0.02])  # whole updates
    wanted = TASK.of_weights(result.w.values)
    for name in set(wanted) - {"w"}:
        np.testing.assert_allclose(result[name], wanted[name], rtol=1e-12)
    options = json.loads(result.attrs["options"])
    assert (result.attrs["engine"], result.attrs["seed"], result.attrs["status"]) == ("weights", "1", "ok")
    assert (options["learning_rate"], options["updates"], options["N"], options["replicas"]) == (ETA, 20, 10, 3)
    assert ld.scenario_of(result) == TASK
    assert ld.start_of(result) == ld.GaussianWeights(START)
    ld.save(result, tmp_path / "run.nc")
    assert ld.load(tmp_path / "run.nc").identical(result)


def test_the_method_and_the_number_of_inputs_may_be_named():
    assert run(N=10, method="weights").equals(run())


def test_weights_are_kept_where_they_fit():
    assert "w" not in run(record_weights=False)
    assert "record_weights" in json.loads(run(record_weights=False).attrs["options"])
    large = ld.GaussianClassification(np.eye(2000)[0], 0.9, ld.Supervised(), learning_rate=ETA)
    # 1 replica, 11 rows and 1000 replicas, 11 rows of 2000 inputs.
    assert "w" in run(large, np.ones(2000), until=0.01)
    request = simulation.request_of(**arguments(large, np.ones(2000), until=0.01, replicas=1000))
    assert not request.record_weights


def arguments(scenario, start, until, **options):
    names = ("N", "method", "save_at", "threads", "tolerance", "record_weights", "checkpoint", "seed", "progress")
    given = dict.fromkeys(names) | {"replicas": 1, "checkpoint_every": 60.0} | options
    return {"scenario": scenario, "start": start, "until": until, **given}


def test_a_row_goes_on():
    first = run(until=0.02)
    onward = ld.simulate(TASK, first.isel(replica=0, t=-1), 0.05, seed=2)
    assert onward.t.values[[0, -1]].tolist() == pytest.approx([0.02, 0.05])
    np.testing.assert_array_equal(onward.w[0, 0], first.w[0, -1])


def test_a_distribution_of_starts_is_drawn_from():
    result = run(start=ld.GaussianWeights(START, cov=0.25), replicas=100, save_at=[0.0])
    # chi^2 with 1000 degrees of freedom; 1e-6 on either side.
    q = stats.chi2.cdf((((result.w - START) ** 2) / 0.25).sum(), 1000)
    assert 1e-6 < q < 1 - 1e-6


def test_user_observables():
    result = run(observables={"first": lambda d: d.w.sel(input=1)})
    np.testing.assert_array_equal(result["first"], result.w.sel(input=1))


def test_data_are_measured_on_their_rows_and_on_those_held_out():
    kept = run(DATA, np.zeros(4), until=15, replicas=2, save_at=[0, 3, 15])
    w = kept.w.values[:, 1:]
    for name, (rows, labels) in {"accuracy": (DATA.X, DATA.y), "test_accuracy": DATA.test}.items():
        share = ((w @ rows.values.T) * labels.values > 0).mean(-1)
        np.testing.assert_allclose(kept[name][:, 1:], share)
        assert (kept[name][:, 0] == 0.5).all()
    alone = run(DATA, np.zeros(4), until=15, replicas=2, save_at=[0, 3, 15], record_weights=False)
    assert set(alone.data_vars) == set(kept.data_vars) - {"w"}
    assert alone.equals(kept[list(alone.data_vars)])
    # 5 epochs; chance is 0.5 with a standard error of 0.09 for 30 rows.
    assert (kept.test_accuracy[:, -1] > 0.65).all()


def test_a_learning_rate_beyond_the_theory_is_told():
    """<|x|^2> = 11 of Gaussian classes, of rows the mean square; not for rules in which eta is no size of a step."""
    wide = DATA.replace(X=100.0 * X[::2], test=None)
    found = 0.1 * (100.0 * X[::2]) ** 2
    for task, overshoot in ((TASK.replace(learning_rate=0.2), 2.2), (wide, found.sum(1).mean())):
        with pytest.warns(ld.LearndynWarning, match=re.escape(f"<|x|^2> = {overshoot:.3g}, and from 2")) as told:
            run(task, np.zeros(task.n), until=1.0)
        assert len(told) == 1
        for rule in ("perceptron", "passive_aggressive"):
            run(task.replace(rule=rule), np.zeros(task.n), until=1.0)
    run(TASK.replace(learning_rate=0.18), until=1.0)


def test_divergence_is_told():
    task = TASK.replace(rule=ld.SquaredError(linear=True), learning_rate=1.0)
    beyond = pytest.warns(ld.LearndynWarning, match="beyond the limit of theory")
    with beyond, pytest.warns(ld.LearndynWarning, match=r"diverged at t = \d+: \|w\|\^2 exceeded"):
        result = run(task, until=1000, save_at=[0, 1, 1000])
    assert result.attrs["status"] == "diverged"
    assert result.sizes["t"] == 2


def test_a_checkpoint_belongs_to_one_call(tmp_path):
    path = tmp_path / "run.npz"
    cut = {"until": 2000.0, "save_at": [0, 2000], "checkpoint": path}

    def press(done, total):
        if done > 0:
            raise KeyboardInterrupt

    with pytest.warns(ld.LearndynWarning, match="The same call goes on from here"):
        run(**cut, progress=press)
    for change in ({"seed": 2}, {"replicas": 2}, {"record_weights": False}):
        with pytest.raises(ld.InputError, match=next(iter(change))):
            run(**cut, **change)
    with pytest.raises(ld.InputError, match=r"scenario\.weight_decay"):
        run(TASK.replace(weight_decay=0.1), **cut)
    with pytest.raises(ld.InputError, match="start"):
        run(start=2 * START, **cut)


# ---- Refusals


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"N": 11}, r"`N` must be 10 here, the number of inputs of the scenario, but it is 11\."),
        ({"N": [10]}, r"`N` must be 10 here, .* but it is \[10\]\."),
        ({"method": "overlaps"}, r"`method` must be \"weights\", but it is 'overlaps'"),
        ({"method": "diffusion"}, r"`method` must be \"weights\", but it is 'diffusion'"),
        ({"tolerance": 0.1}, r"`tolerance` is for method='diffusion'"),
        ({"replicas": 0}, r"`replicas` must be a whole number of at least 1, but it is 0\."),
        ({"replicas": 10**12}, r"`replicas` must leave room in memory"),
        ({"until": 1e-4}, r"`until` must be one update \(the learning rate, 0\.001\) or more after the start"),
        ({"until": 1e16}, r"at most 1e\+18 updates"),
        ({"until": -1.0}, r"`until` must be later than the start"),
        ({"start": [1.0, 0.0]}, r"`start` must have 10 weights"),
        ({"seed": -1}, r"`seed` must be"),
        ({"threads": 0}, r"`threads` must be"),
        ({"checkpoint": 3}, r"`checkpoint` must be the name of a file"),
        ({"save_at": [0.02, 0.01]}, r"`save_at` must increase"),
    ],
)
def test_bad_arguments_are_refused(options, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        run(**options)


def test_a_student_needs_its_number_of_inputs():
    perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    with pytest.raises(ld.InputError, match=r"`N` must be given, the input dimension"):
        ld.simulate(perceptron, ld.Start(Q=0.25, R=0.0), 1)
