"""Gradient descent on drawn samples: step by step against matrices, in the mean against theory, and its mistakes.

Four standard errors are a two-sided false-alarm rate of 6.3e-5 a comparison, 1e-3 for the sixteen of one test here.
"""

import numpy as np
import pytest

import learndyn as ld
from learndyn.engines import drawn_descent
from learndyn.engines.streams import stream
from learndyn.scenarios.finite_sample.process import DrawnSample

SEED, REPLICAS, N = 5, 400, 20


def discrete_rows(scenario, eigenvalues, length, steps):
    """The mean over rule, noise and start of the errors after k steps: (1 - eta (lambda + gamma))^k is left."""
    own = scenario.replace(eigenvalues=eigenvalues)
    values = own.values()
    rate = values["eigenvalues"] + scenario.weight_decay
    left = (1.0 - scenario.learning_rate * rate) ** np.asarray(steps)[:, None]
    learned = values["eigenvalues"] / np.where(rate > 0.0, rate, 1.0) * (1.0 - left)
    return own.rows(np.concatenate([length * left, learned], axis=-1))


@pytest.mark.parametrize(("aspect", "decay"), [(0.5, 0.0), (2.0, 0.1)])
def test_the_mean_is_exact_at_finite_size(aspect, decay):
    """Of every replica the theory with its own eigenvalues and discrete steps: the mean difference is 0 at any n."""
    scenario = ld.FiniteSample(aspect, 1.2, 0.6, weight_decay=decay, learning_rate=0.1)
    runs = ld.simulate(scenario, 0.5, until=8, N=N, replicas=REPLICAS, seed=SEED, save_at=[0, 0.5, 2, 8])
    process, steps = scenario.drawn_descent(ld.RandomWeights(0.5)), np.rint(runs.t.values / 0.1)
    theory = []
    for replica in range(REPLICAS):
        X = process.draw(N, stream(SEED, "descent", N, replica)).X
        theory.append(discrete_rows(scenario, np.linalg.eigvalsh(X @ X.T / X.shape[1]), 0.5, steps))
    for name in ("eps_g", "test_error", "train_error", "R"):
        difference = runs[name].values - np.array([rows[name] for rows in theory])
        error = difference.std(0, ddof=1) / np.sqrt(REPLICAS)
        assert (np.abs(difference.mean(0)) < 4 * error).all(), name


def test_the_limit_is_approached_as_one_over_n():
    """n (mean over samples - limit) is the same at n = 10 and 40, and not 0; simulations have that mean (above)."""
    t, noise, found, rng = 4.0, 0.5, {}, np.random.default_rng(7)
    scenario = ld.FiniteSample(0.5, 1.0, noise)
    limit = scenario.rows(scenario.closed_form(0.0)(np.array([t])))["eps_g"][0]
    for n, samples in ((10, 8000), (40, 1000)):
        X = rng.standard_normal((samples, n, 2 * n))
        x = np.linalg.eigvalsh(X @ X.transpose(0, 2, 1) / (2 * n))
        left = np.exp(-x * t)
        rows = 0.5 * (left**2 + noise**2 * 0.5 * (1 - left) ** 2 / x).mean(-1)
        found[n] = n * (rows.mean() - limit), n * rows.std(ddof=1) / np.sqrt(samples)
    (small, small_error), (large, large_error) = found[10], found[40]
    assert abs(small) > 4 * small_error
    # The next order is 1 / n of this one: at n = 10 by 4 / n, a generous constant.
    assert abs(small - large) < 4 * np.hypot(small_error, large_error) + 4 / 10 * abs(small)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_deep_simulations_follow_the_limit(depth):
    """n = 300: means over 20 replicas, the 1 / n of the mean and eta = 0.01 being far below a standard error."""
    scenario = ld.FiniteSample(0.5, 1.0, 0.5, depth=depth, learning_rate=0.01)
    runs = ld.mean_and_error(ld.simulate(scenario, 0.2, until=6, N=300, replicas=20, seed=2, save_at=[0, 2, 6]))
    theory = ld.solve(scenario, 0.2, until=6, save_at=[0, 2, 6])
    for name in ("eps_g", "train_error", "R"):
        z = (runs[name] - theory[name]) / runs[f"{name}_error"]
        assert (np.abs(z.values[1:]) < 4).all(), (name, z.values)


@pytest.mark.parametrize(("depth", "p"), [(1, 6), (2, 30), (3, 6)])
def test_steps_are_those_of_matrices(depth, p):
    """Hidden layers of one unit do what layers of four do, if these are balanced: 40 steps by backpropagation."""
    rng, n, eta, decay = np.random.default_rng(depth), 10, 0.05, 0.1
    scenario = ld.FiniteSample(n / p, 1.0, 0.3, weight_decay=decay, depth=depth, learning_rate=eta)
    X, rule = rng.standard_normal((n, p)), rng.standard_normal(n)
    y = rule @ X + 0.3 * rng.standard_normal(p)
    strength, first = 0.7, rng.standard_normal(n)
    first *= strength / np.linalg.norm(first)
    sample = DrawnSample(scenario, X, y, rule, np.append(first, np.full(depth - 1, strength)))
    hidden = [direction / np.linalg.norm(direction) for direction in rng.standard_normal((depth - 1, 4))]
    ends = [first / strength, *hidden, np.ones(1)]
    layers = [strength * np.outer(ends[l + 1], ends[l]) for l in range(depth)]
    for _ in range(40):
        signals = [X]
        for W in layers:
            signals.append(W @ signals[-1])
        back = (signals[-1] - y) / p
        for l in reversed(range(depth)):
            gradient, back = back @ signals[l].T, layers[l].T @ back
            layers[l] = (1 - eta * decay) * layers[l] - eta * gradient
    w = layers[0]
    for W in layers[1:]:
        w = W @ w
    found = sample.product(sample.descend(sample.descend(sample.start, 15), 25))
    assert np.allclose(found, w[0], rtol=1e-11, atol=1e-13)


def test_bits_do_not_depend_on_threads_or_rows():
    scenario = ld.FiniteSample(2.0, 1.0, 0.5, depth=2)
    one = ld.simulate(scenario, 0.2, until=1, N=30, replicas=3, seed=1, save_at=[1], threads=1)
    two = ld.simulate(scenario, 0.2, until=1, N=30, replicas=5, seed=1, save_at=11, threads=2)
    assert (two.eps_g.values[:3, -1] == one.eps_g.values[:, 0]).all()
    assert one.attrs["engine"] == "weights"
    assert ld.scenario_of(one) == scenario


def test_a_replica_goes_on_where_it_was():
    """A snapshot between two chunks, and a replica that goes on from it: the same bits as without."""
    process = ld.FiniteSample(0.5, 1.0, 0.5, depth=2).drawn_descent(ld.RandomWeights(0.1))
    steps = np.array([0, 7, 40, 60])
    plan = drawn_descent._Plan(process, 30, steps, 3, 11, drawn_descent.RateClock(1, 0.0, "t", 0.01))
    records = [{name: np.zeros(4) for name in process.names} for _ in range(2)]
    whole = drawn_descent._Replica(plan, 0, records[0])
    whole.advance()
    whole.advance()
    other = drawn_descent._Replica(plan, 0, records[1])
    other.position, other.rows, other.finished = whole.position, whole.rows, whole.finished
    other.restore({name: array.copy() for name, array in whole.snapshot().items()})
    for unit in (whole, other):
        while not unit.finished:
            unit.advance()
    assert all((records[0][name] == records[1][name]).all() for name in process.names)
    assert (records[0]["eps_g"] > 0).all()


def test_divergence_is_told():
    with pytest.warns(ld.LearndynWarning, match="smaller learning_rate"):
        runs = ld.simulate(ld.FiniteSample(1.0, learning_rate=1.0), 0.1, until=500, N=20, seed=1)
    assert runs.attrs["status"] == "diverged"
    assert np.isfinite(runs.eps_g).all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"N": None}, "Argument `N` must be one whole number here"),
        ({"N": [10, 20]}, "Argument `N` must be one whole number here"),
        ({"N": 2}, "must be large enough for one example to 10 inputs"),
        ({"method": "overlaps"}, 'Argument `method` must be "weights"'),
        ({"tolerance": 0.1}, "Argument `tolerance` must be left out"),
        ({"record_weights": True}, "Argument `record_weights` must be left out"),
        ({"until": 1e-4}, "must be one update"),
    ],
)
def test_mistakes(options, sentence):
    scenario = ld.FiniteSample(10.0)
    with pytest.raises(ld.InputError, match=sentence):
        ld.simulate(scenario, 0.1, **({"until": 1, "N": 20} | options))


def test_a_given_spectrum_is_not_simulated():
    with pytest.raises(ld.InputError, match="which draws its samples"):
        ld.simulate(ld.FiniteSample(1.0, eigenvalues=[1.0, 2.0]), 0.1, until=1, N=2)
