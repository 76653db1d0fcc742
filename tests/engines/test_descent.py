"""Gradient descent on linear networks: the updates of the definition, the law of what is drawn, the same bits.

The literal loops are written from the objective, with matrices multiplied out in full; they get the engine's own
random numbers. A rejection of a true law has at most the probability FALSE_ALARM, over seeds.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import learndyn as ld
from learndyn.engines import descent as engine
from learndyn.engines.descent import BLOCK, run_descent
from learndyn.engines.streams import stream
from learndyn.scenarios.deep_linear.descent import descent_of as of_matrices
from learndyn.scenarios.deep_linear.descent import sampled
from learndyn.scenarios.linear_modes.descent import TOGETHER
from learndyn.scenarios.linear_modes.descent import descent_of as of_modes

FALSE_ALARM = 1e-4
EXAMPLES = Path(__file__).parents[2] / "examples"
SEED = 7
RNG = np.random.default_rng(0)
CORRELATION, FACTOR = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 4))
INPUTS = FACTOR @ FACTOR.T / 4 + 0.2 * np.eye(4)
ETA = 0.02


def matrices(hidden=3, **options):
    return ld.DeepLinear(CORRELATION, INPUTS, hidden, learning_rate=ETA, **options)


def random_start(scenario):
    return ld.LinearWeights.random(scenario, scale=0.5, seed=3)


def chain(layers):
    """W_1, W_2 W_1, ..., and the identity before."""
    found = [np.eye(layers[0].shape[1])]
    for layer in layers:
        found.append(layer @ found[-1])
    return found


# ---- Updates


def literal_modes(scenario, start, updates, luck):
    """d objective / dw_l of each mode, with the mask that the random numbers give."""
    w = scenario.as_start(start).layers(scenario.depth, scenario.m)
    beta = np.broadcast_to(scenario.beta.values, scenario.m) + scenario.input_noise**2
    path = [w]
    for step in range(updates):
        d = (luck[step] < scenario.dropout_keep).astype(float)
        slopes = []
        for layer in range(scenario.depth):
            others = np.delete(w, layer, axis=0).prod(0)
            slopes.append(-d * (scenario.s.values - beta * d * w.prod(0)) * d * others)
        w = w - scenario.learning_rate / scenario.time_scale * (np.array(slopes) + scenario.weight_decay * w)
        path.append(w)
    return np.array(path)


MODES = {
    "one layer": ld.LinearModes([2.0, 1.0], depth=1, learning_rate=ETA),
    "two layers": ld.LinearModes([2.0, 1.0], [1.5, 0.7], weight_decay=0.1, input_noise=0.3, learning_rate=ETA),
    "two layers, dropout": ld.LinearModes([2.0, 1.0], dropout_keep=0.6, weight_decay=0.1, learning_rate=ETA),
    "four layers, dropout": ld.LinearModes([2.0, 1.0], depth=4, dropout_keep=0.7, time_scale=2.0, learning_rate=ETA),
}


@pytest.mark.parametrize("case", MODES)
def test_updates_of_modes(case):
    """Over the ends of blocks and of masks that are drawn together."""
    scenario, updates = MODES[case], BLOCK + 100
    start = ld.ModeStart(strengths=0.3 + 0.1 * np.arange(2 * scenario.depth).reshape(scenario.depth, 2))
    run = run_descent(of_modes(scenario, start), np.arange(updates + 1), seed=SEED)
    luck = stream(SEED, "descent", scenario.state_length, 0).random((updates, 2))
    path = literal_modes(scenario, start, updates, luck)
    # Rounding: some 10 eps of |w| an update, which the stable ways to the solution do not enlarge.
    tolerance = 20 * updates * np.finfo(float).eps * np.abs(path).max()
    np.testing.assert_allclose(run.record["states"][0].reshape(path.shape), path, rtol=0, atol=tolerance)
    assert np.abs(path[-1] - path[0]).max() > 0.1


def test_masks_of_many_modes_are_drawn_in_parts_of_one_stream():
    m, steps = TOGETHER // 3, 8
    scenario = ld.LinearModes(np.ones(m), dropout_keep=0.5, learning_rate=ETA)
    run = run_descent(of_modes(scenario, 0.1), np.array([0, steps]), seed=SEED)
    kept = (stream(SEED, "descent", 2 * m, 0).random((steps, m)) < 0.5).sum(0)
    single, every_step = scenario.replace(s=1.0, dropout_keep=1.0), ETA * np.arange(steps + 1)
    ways = ld.simulate(single, 0.1, steps * ETA, save_at=every_step).u.values[0, :, 0]
    # As many steps of its one way as it was kept.
    np.testing.assert_allclose(run.record["states"][0, -1].reshape(2, m).prod(0), ways[kept], rtol=1e-13)


@pytest.mark.parametrize("hidden", [(), (3,), (2, 5, 3)])
@pytest.mark.parametrize(("method", "batch"), [("descent", 1), ("samples", 1), ("samples", 3)])
def test_updates_of_matrices(method, batch, hidden):
    scenario = matrices(hidden, weight_decay=0.1, input_noise=0.4, time_scale=1.5, batch_size=batch)
    updates = 60
    start = random_start(scenario)
    run = run_descent(of_matrices(scenario, start, method), np.arange(updates + 1), seed=SEED)
    rng, layers, path = stream(SEED, "descent", scenario.state_length, 0), start.matrices(), []
    root, best = scenario.inputs.root(4), CORRELATION @ np.linalg.inv(INPUTS)
    for _ in range(updates + 1):
        path.append(np.concatenate([layer.ravel() for layer in layers]))
        if method == "descent":
            G = CORRELATION - chain(layers)[-1] @ (INPUTS + 0.16 * np.eye(4))
        else:
            normals, noises = rng.standard_normal((batch, 4)), rng.standard_normal((batch, 4))
            G = 0.0
            for clean, noise in zip(normals @ root.T, noises, strict=True):
                x = clean + 0.4 * noise
                G = G + np.outer(best @ clean - chain(layers)[-1] @ x, x) / batch
        below, above = chain(layers), chain([layer.T for layer in reversed(layers)])[::-1]
        slopes = [above[l + 1] @ G @ below[l].T for l in range(len(layers))]
        layers = [W + ETA / 1.5 * (slope - 0.1 * W) for W, slope in zip(layers, slopes, strict=True)]
    # Rounding, and the inverse of INPUTS, whose condition is below 100.
    np.testing.assert_allclose(run.record["states"][0], path, rtol=0, atol=1e-14 * 100 * updates)
    assert np.abs(path[-1] - path[0]).max() > 0.1


# ---- Laws


def test_the_mean_over_examples_is_the_expected_gradient():
    scenario = matrices(input_noise=0.5)
    layers, rng, count = random_start(scenario).matrices(), np.random.default_rng(SEED), 20_000
    gradients = sampled(scenario)
    drawn = np.array([np.concatenate([g.ravel() for g in gradients(layers, rng)]) for _ in range(count)])
    below, above = layers[0], layers[1]
    G = CORRELATION - above @ below @ (INPUTS + 0.25 * np.eye(4))
    wanted = np.concatenate([(above.T @ G).ravel(), (G @ below.T).ravel()])
    z = (drawn.mean(0) - wanted) / (drawn.std(0, ddof=1) / np.sqrt(count))
    assert np.abs(z).max() < stats.norm.isf(FALSE_ALARM / 2 / z.size)


def second_order(drift, w, eta):
    """The drift f - (eta / 2) f' f, whose flow one step of w + eta f follows up to eta^3."""
    f, h = drift(w), 1e-4
    return f - eta / 2 * (drift(w + h * f) - drift(w - h * f)) / (2 * h)


def flow_at(drift, w, until):
    from scipy.integrate import solve_ivp

    return solve_ivp(lambda t, w: drift(w), (0.0, until), w, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]


def test_the_rate_enters_in_first_order():
    """Descent minus the flow halves with the rate; minus the flow with the term of first order it is quartered."""
    scenario = matrices(weight_decay=0.05, input_noise=0.2)
    start, until = random_start(scenario), 2.0
    w = scenario.initial_state(start)

    def drift(flat):
        W_1, W_2 = flat[:12].reshape(3, 4), flat[12:].reshape(3, 3)
        G = CORRELATION - W_2 @ W_1 @ (INPUTS + 0.04 * np.eye(4))
        return np.concatenate([(W_2.T @ G).ravel(), (G @ W_1.T).ravel()]) - 0.05 * flat

    first, second = [], []
    for eta in (4e-3, 2e-3, 1e-3):
        run = ld.simulate(scenario.replace(learning_rate=eta), start, until, save_at=[until])
        found = np.concatenate([run.W_1.values.ravel(), run.W_2.values.ravel()])
        first.append(np.abs(found - flow_at(drift, w, until)).max())
        second.append(np.abs(found - flow_at(lambda w, eta=eta: second_order(drift, w, eta), w, until)).max())
    # The next term changes the ratios by the order of eta times the largest rate, 4e-3 * 10.
    np.testing.assert_allclose(np.divide(first[:-1], first[1:]), 2.0, rtol=0.04)
    np.testing.assert_allclose(np.divide(second[:-1], second[1:]), 4.0, rtol=0.08)


def test_modes_approach_their_closed_form_in_first_order():
    """Unbalanced, noisy and deep modes; the next term changes the ratio by the order of eta s t = 1e-3 * 3 * 4."""
    starts = {2: ld.ModeStart(0.05, imbalance=0.2), 1: ld.ModeStart(0.05)}
    for depth, start in starts.items():
        modes = ld.LinearModes([3.0, 1.0, 0.4], [1.0, 1.2, 0.5], depth=depth, input_noise=0.3)
        errors = []
        for eta in (1e-3, 5e-4):
            run = ld.simulate(modes.replace(learning_rate=eta), start, 4.0, save_at=[1.0, 4.0])
            errors.append(run.u.values[0] - modes.strengths(start, [1.0, 4.0]))
        np.testing.assert_allclose(errors[0], 2.0 * errors[1], rtol=0.05)
        assert np.abs(errors[0]).max() > 1e-5


# ---- Dropout


def passages(scenario, epsilon, until):
    """The first number of steps after which each mode is at s - epsilon, and the run's rows."""
    run = ld.simulate(scenario, epsilon, until, save_at=np.arange(0, until, scenario.learning_rate), seed=SEED)
    reached = run.u.values[0] >= 1.0 - epsilon
    assert reached[-1].all()
    return reached.argmax(0)


def test_time_under_dropout_is_a_negative_binomial_number_of_steps():
    """2000 masked modes of one run: exact at any rate; and the mean of the slide as the rate goes to 0."""
    keep, epsilon, eta, count = 0.6, 0.01, 0.02, 2000
    every_step = eta * np.arange(601)
    single = ld.simulate(ld.LinearModes(1.0, learning_rate=eta), epsilon, 12.0, save_at=every_step).u.values[0, :, 0]
    needed = int((single >= 1.0 - epsilon).argmax())
    modes = ld.LinearModes(np.ones(count), dropout_keep=keep, learning_rate=eta)
    steps = passages(modes, epsilon, 14.0)
    variance = needed * (1 - keep) / keep**2
    z = (steps.mean() - needed / keep) / np.sqrt(variance / count)
    q = stats.chi2.cdf((count - 1) * steps.var(ddof=1) / variance, count - 1)
    assert min(stats.norm.sf(abs(z)), q, 1 - q) > FALSE_ALARM / 4
    # The whole law; it is discrete, for which this test is conservative.
    law = stats.nbinom(needed, keep, loc=needed)
    assert stats.kstest(steps, law.cdf).pvalue > FALSE_ALARM


def test_mean_time_under_dropout_and_its_bound():
    """At a small rate: tau / (p s) ln((s - eps) / eps); four standard errors below the bound of the source."""
    epsilon, eta, count = 0.01, 1e-3, 2000
    modes = ld.LinearModes(np.ones(count), dropout_keep=0.6, learning_rate=eta)
    run = ld.simulate(modes, epsilon, 13.0, save_at=np.arange(6.5, 9.5, 0.01), seed=SEED)
    u, t = run.u.values[0], run.t.values
    place = (u >= 1.0 - epsilon).argmax(0)
    assert place.min() > 0
    before, after, modes_ = u[place - 1, np.arange(count)], u[place, np.arange(count)], t[place]
    times = modes_ - 0.01 * (after - (1.0 - epsilon)) / (after - before)
    expected, bound = float(modes.dropout_time(epsilon)[0]), float(modes.dropout_bound(epsilon)[0])
    assert [expected, bound] == pytest.approx([7.65853308355765, 7.675283643313486], abs=1e-10)
    error = times.std(ddof=1) / np.sqrt(count)
    # The rate adds eta / p times a number of order 1; rows are interpolated between changes of u of 1e-4.
    assert abs(times.mean() - expected) < 4 * error + eta / 0.6
    # One path: the mean over runs, less what its error allows for, is below the bound.
    assert times.mean() - 4 * error < bound
    # How tight: tau / (p s) |ln(1 - eps / s)|, 0.2 %.
    assert bound - expected == pytest.approx(-np.log1p(-epsilon) / 0.6, rel=1e-12)


def test_the_bound_is_of_one_path_alone():
    """Four units that share a mode, each with its own mask: p (1 - p) cross terms keep the mean output from s - eps.

    E[dw_j/dt] = p (s - p U - (1 - p) u_j) v_j with U = sum u_k: U settles at s / (p + (1 - p) / 4), and the mean
    output p U at s p / (p + (1 - p) / 4) = 0.857 s, at which the bound has long passed.
    """
    keep, s, epsilon, eta, units, runs = 0.6, 1.0, 0.01, 2e-3, 4, 200
    rng = np.random.default_rng(SEED)
    first = np.full((runs, units), np.sqrt(epsilon / units))
    second = first.copy()
    bound = np.log(s / epsilon) / (keep * s)
    for _ in range(int(3 * bound / eta)):
        d = rng.random((runs, units)) < keep
        error = (s - (d * first * second).sum(1, keepdims=True)) * d
        first, second = first + eta * error * second, second + eta * error * first
    output = keep * (first * second).sum(1)
    limit = s * keep / (keep + (1 - keep) / units)
    assert limit < s - epsilon
    # The masks' noise moves single runs by sqrt(eta); the mean is off by O(eta), of the order of 10 eta.
    assert output.mean() == pytest.approx(limit, abs=4 * output.std(ddof=1) / np.sqrt(runs) + 10 * eta)


# ---- The same bits


@pytest.mark.parametrize("kind", ["modes", "samples"])
def test_bits_do_not_depend_on_how_a_run_is_cut(kind):
    scenario = MODES["two layers, dropout"] if kind == "modes" else matrices(input_noise=0.4)
    start = 0.1 if kind == "modes" else random_start(scenario)
    descent = of_modes(scenario, start) if kind == "modes" else of_matrices(scenario, start, "samples")
    steps = np.array([0, 3, 500, 2 * BLOCK + 7])
    run = run_descent(descent, steps, replicas=3, seed=SEED, threads=2)
    for options in ({"threads": 1, "chunk": 1}, {"chunk": 333}):
        again = run_descent(descent, steps, replicas=3, seed=SEED, **options)
        np.testing.assert_array_equal(again.record["states"], run.record["states"])
    fewer = run_descent(descent, steps[[0, 3]], replicas=1, seed=SEED)
    np.testing.assert_array_equal(fewer.record["states"][0], run.record["states"][0, [0, 3]])
    others = run.record["states"][:, -1]
    assert np.abs(others[0] - others[1]).max() > 1e-3


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_replica_goes_on_from_a_snapshot(cut):
    """In the middle of blocks, and between rows."""
    descent, steps = of_modes(MODES["two layers, dropout"], 0.1), np.array([0, 10, 700, 2 * BLOCK + 7])

    def replica():
        room = np.full((steps.size, descent.start.size), np.nan)
        plan = engine._Plan(descent, steps, SEED, 333, engine.RateClock(1, 0.0, "t", ETA))
        return room, engine._Replica(plan, 0, room)

    _, before = replica()
    for _ in range(cut):
        before.advance()
    found, after = replica()
    after.position, after.rows, after.finished = before.position, before.rows, before.finished
    after.restore(before.snapshot())
    assert not after.finished
    while not after.finished:
        after.advance()
    np.testing.assert_array_equal(found, run_descent(descent, steps, seed=SEED).record["states"][0])


def test_a_run_leaves_no_checkpoint_behind(tmp_path):
    run = ld.simulate(MODES["one layer"], 0.1, 1.0, checkpoint=tmp_path / "run.npz", checkpoint_every=0.0)
    assert run.attrs["status"] == "ok"
    assert not list(tmp_path.iterdir())


# ---- Results and refusals


def test_a_run_that_diverges_says_so():
    with pytest.warns(UserWarning, match="diverged at t = .*smaller learning_rate"):
        run = ld.simulate(ld.LinearModes(1.0, learning_rate=1.5), 3.0, until=100)
    assert run.attrs["status"] == "diverged"
    assert 1 <= run.sizes["t"] < 60


def test_a_result_is_saved_and_goes_on(tmp_path):
    scenario = matrices(input_noise=0.3)
    run = ld.simulate(scenario, random_start(scenario), 2.0, replicas=2, method="samples", save_at=5, seed=SEED)
    assert dict(run.W.sizes) == {"replica": 2, "t": 5, "output": 3, "input": 4}
    assert ld.load(ld.save(run, tmp_path / "run.nc")).identical(run)
    row = run.sel(replica=0).isel(t=-1)
    assert ld.simulate(scenario, row, 3.0, seed=1).t.values[[0, -1]] == pytest.approx([2.0, 3.0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replicas": 2}, "`replicas` must be 1 where nothing is drawn.*dropout_keep"),
        ({"N": 10}, "`N` must be left out"),
        ({"tolerance": 0.1}, "`tolerance` must be left out"),
        ({"record_weights": True}, "`record_weights` must be left out"),
        ({"method": "samples"}, '`method` must be "descent"'),
        ({"until": 1e-6}, "`until` must be one update"),
        ({"seed": -1}, "`seed` must be"),
    ],
)
def test_refusals(options, words):
    with pytest.raises(ld.InputError, match=words):
        ld.simulate(ld.LinearModes(1.0), 0.1, **({"until": 1.0} | options))


def test_too_many_rows_are_refused():
    modes = ld.LinearModes(np.ones(10**5), dropout_keep=0.5, learning_rate=1e-6)
    with pytest.raises(ld.InputError, match="`replicas` must leave room in memory"):
        ld.simulate(modes, 0.1, until=10.0, replicas=10**6)


@pytest.mark.parametrize("name", ["linear", "linear_network"])
def test_the_examples_run_as_they_stand(name):
    """Theory is a closed form, and descent is off it by O(eta), by up to 0.46 s^2 eta for u_0 = 0.01 and s = 3.

    Steps are behind by the time (eta / 2) ln(f / f_0): the distance is s^2 eta times 0.33 + 0.28 log10(0.01 s / u_0).
    """
    case = ld.read_scenario_file(EXAMPLES / f"{name}.toml", require=("start", "solve", "simulate"))
    theory = ld.solve(case.scenario, case.start, **case.solve, method="closed_form")
    runs = ld.simulate(case.scenario, case.start, **case.simulate | {"seed": 1})
    s_1 = float(theory.u.max())
    masks = 4 * runs.u.std("replica", ddof=1) / np.sqrt(runs.sizes["replica"]) if runs.sizes["replica"] > 1 else 0.0
    # The part of the rate is twice what it is without masks, which make their own terms of this order.
    assert (np.abs(runs.u.mean("replica") - theory.u) <= masks + 2 * 0.46 * s_1**2 * case.scenario.learning_rate).all()


def test_a_file_cannot_ask_for_inputs(tmp_path):
    text = (EXAMPLES / "linear.toml").read_text().replace("replicas = 200", "N = 200")
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(ld.InputError, match="N"):
        ld.read_scenario_file(tmp_path / "wrong.toml")
