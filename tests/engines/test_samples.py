"""The engine of weights that learn from samples: its updates as literal loops, the law of its inputs, the same bits.

The literal loop gets the inputs, labels and random numbers of the engine's own sources; that these have the law that
they should have is tested by itself. A rejection of a true law has at most the probability FALSE_ALARM, over seeds.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.special import erf, expit

import learndyn as ld
from learndyn.engines import driver, samples
from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.samples import run_samples
from learndyn.engines.samples_sources import LONGEST, START, block_length, source_of
from learndyn.engines.simulation import GROWTH_LIMIT
from learndyn.engines.streams import stream
from learndyn.scenarios.classification.process import process_of
from learndyn.scenarios.samples import DataInputs, GaussianInputs

FALSE_ALARM = 1e-4
SEED = 5
RNG = np.random.default_rng(0)
MEANS = np.array([[1.0, 0.2, -0.3], [-0.5, 0.4, 0.1]])
A, B = RNG.standard_normal((2, 3, 3))
F = RNG.standard_normal((3, 2))
X, Y = RNG.standard_normal((37, 3)), np.where(np.arange(37) % 3 == 0, 1, -1)
FORMS = {
    "isotropic": 0.25,
    "a point": 0.0,
    "diagonals": ([1.0, 0.5, 0.0], 2.0),
    "one factor": ld.Covariance(factor=F),
    "factor and diagonal": ld.Covariance(diagonal=[0.1, 0.0, 0.5], factor=F),
    "matrix": A @ A.T,
    "two matrices": (A @ A.T, B @ B.T),
    "matrix and diagonal": (A @ A.T, [1.0, 2.0, 3.0]),
}


def gaussian(covariances=0.25, rule=None, **options):
    options = {"learning_rate": 0.1, "prior": 0.3} | options
    return ld.GaussianClassification(MEANS, covariances, ld.Supervised() if rule is None else rule, **options)


def data(rule=None, **options):
    options = {"learning_rate": 0.1, "activation": "shifted_erf"} | options
    return ld.DataClassification(X, Y, ld.Supervised() if rule is None else rule, **options)


def process(scenario, start=(0.3, -0.2, 0.5)):
    return process_of(scenario, start if isinstance(start, ld.GaussianWeights) else list(start))


# ---- Updates

PHI = {"shifted_erf": lambda h: (1 + erf(np.sqrt(np.pi) * h / 4)) / 2, "logistic": expit}
SLOPE = {
    "shifted_erf": lambda h: np.exp(-np.pi * h**2 / 16) / 4,
    "logistic": lambda h: expit(h) * expit(-h),
}


def literal(scenario, w, inputs):
    """The definition of each rule, an update after another; all weights on the way."""
    phi, slope = PHI[scenario.activation], SLOPE[scenario.activation]
    name, mean_reward, path = scenario.rule.name, 0.0, [w]
    for x, y, luck in inputs:
        h, target = w @ x, (1 + y) / 2
        if name == "supervised":
            s = target - phi(h)
        elif name == "reinforce":
            answer = 1 if luck < phi(h) else -1
            probability = phi(h) if answer == 1 else 1 - phi(h)
            s = answer * (y * answer - mean_reward) * (1 - probability)
            mean_reward += (y * answer - mean_reward) / 100 if scenario.rule.baseline else 0.0
        elif name == "perceptron":
            s = y if y * h <= 0 else 0.0
        elif name == "squared_error":
            s = y - h if scenario.rule.linear else (target - phi(h)) * slope(h)
        else:
            s = y * max(0.0, scenario.rule.margin - y * h) / (x @ x)
        w = w + scenario.learning_rate * (s * x - scenario.weight_decay * w)
        path.append(w)
    return np.array(path)


def drawn(scenario, updates, replica=0):
    """The inputs, labels and uniform numbers that a replica meets."""
    source = source_of(process(scenario).inputs, SEED, replica)
    for update in range(updates):
        source.seek(update)
        row = source.rows(update, update + 1)[0]
        yield source.X[row].copy(), float(source.y[row]), float(source.luck[update % source.block])


CASES = {
    "supervised": gaussian(),
    "supervised logistic with decay": gaussian(A @ A.T, activation="logistic", weight_decay=0.5),
    "reinforce": gaussian(rule=ld.Reinforce()),
    "reinforce without baseline": gaussian(rule=ld.Reinforce(baseline=False)),
    "reinforce logistic": gaussian(rule=ld.Reinforce(), activation="logistic"),
    "perceptron": gaussian(rule=ld.Perceptron()),
    "squared error": gaussian(rule=ld.SquaredError()),
    "squared error logistic": gaussian(rule=ld.SquaredError(), activation="logistic"),
    "linear squared error": gaussian(rule=ld.SquaredError(linear=True)),
    "passive-aggressive": gaussian(rule=ld.PassiveAggressive(margin=0.7), weight_decay=0.1),
    "rows of data": data(),
}


@pytest.mark.parametrize("case", CASES)
def test_updates_are_those_of_the_definition(case):
    """Over 3 epochs of data; over the end of a block of drawn inputs."""
    scenario, updates = CASES[case], 3 * len(Y) if case == "rows of data" else LONGEST + 100
    run = run_samples(process(scenario), np.arange(updates + 1), seed=SEED, record_weights=True)
    path = literal(scenario, np.array([0.3, -0.2, 0.5]), drawn(scenario, updates))
    # Rounding: some 10 eps of |w| + eta |x| an update, which no later update enlarges (at eta |x|^2 < 2); a decision
    # (an answer, a margin) between two neighbouring numbers has the probability eps.
    tolerance = 20 * updates * np.finfo(float).eps * max(1.0, np.abs(path).max())
    np.testing.assert_allclose(run.record["w"][0], path, rtol=0, atol=tolerance)
    assert np.abs(path[-1] - path[0]).max() > 1e-2


def test_what_is_measured_is_the_scenario_s_of_these_weights():
    scenario = gaussian(FORMS["two matrices"])
    run = run_samples(process(scenario), np.arange(0, 200), replicas=2, seed=SEED, record_weights=True)
    wanted = scenario.of_weights(run.record["w"])
    assert run.record.keys() == wanted.keys()
    for name, value in run.record.items():
        # Scalar products and functions of them, in other groups of rows.
        np.testing.assert_allclose(value, wanted[name], rtol=1e-12, atol=1e-13)


def test_every_replica_draws_its_own_start():
    start = ld.GaussianWeights([1.0, 2.0, 3.0], cov=[0.0, 0.01, 1.0])
    run = run_samples(process(gaussian(), start), np.array([0]), replicas=200, seed=SEED, record_weights=True)
    w = run.record["w"][:, 0]
    assert (w[:, 0] == 1.0).all()
    # chi^2 with 199 degrees of freedom, and a normal mean, of two independent weights.
    for value, mean, variance in ((w[:, 1], 2.0, 0.01), (w[:, 2], 3.0, 1.0)):
        q = stats.chi2.cdf(199 * value.var(ddof=1) / variance, 199)
        z = (value.mean() - mean) / np.sqrt(variance / 200)
        assert min(q, 1 - q, stats.norm.sf(abs(z))) > FALSE_ALARM / 8
    expected = start.draw(1, stream(SEED, "weights", 3, 7, START))[0]
    np.testing.assert_array_equal(w[7], expected)


# ---- The law of inputs


@pytest.mark.parametrize("form", FORMS)
def test_drawn_inputs_have_means_covariances_and_labels_of_the_classes(form):
    scenario, blocks = gaussian(FORMS[form]), 10
    source = source_of(process(scenario).inputs, SEED, 0)
    assert source.block == LONGEST
    inputs, labels, luck = [], [], []
    for block in range(blocks):
        assert source.seek(block * source.block) == (block + 1) * source.block
        rows = source.rows(block * source.block, (block + 1) * source.block)
        inputs.append(source.X[rows])
        labels.append(source.y[rows])
        luck.append(source.luck)
    x, y = np.concatenate(inputs), np.concatenate(labels)
    p = [stats.binomtest(int((y > 0).sum()), len(y), 0.3).pvalue, stats.kstest(np.concatenate(luck), "uniform").pvalue]
    # Labels of one update and the next are independent.
    p.append(stats.fisher_exact(np.histogram2d(y[:-1], y[1:], 2)[0].astype(int)).pvalue)
    for index, label in enumerate((1.0, -1.0)):
        of_class = x[y == label] - MEANS[index]
        p += law_of_class(of_class, scenario.covariances[min(index, len(scenario.covariances) - 1)].dense(3))
    assert min(p) > FALSE_ALARM / (len(p) * len(FORMS))


def law_of_class(d, Sigma):
    """p-values that vectors d (m, 3) are independent N(0, Sigma); directions without variance must be 0."""
    values, vectors = np.linalg.eigh(Sigma)
    values = np.where(values > 1e-12 * max(values[-1], 1e-300), values, 0.0)
    z = d @ vectors
    # Rounding of numbers of order 1 to 10.
    assert np.abs(z[:, values == 0.0]).max(initial=0.0) < 1e-13
    z = z[:, values > 0.0] / np.sqrt(values[values > 0.0])
    m, rank = z.shape
    if rank == 0:
        return []
    p = [stats.kstest(column, "norm").pvalue for column in z.T]
    # The entries of S = z^T z / m for white normals have the variances 1 / m, and 2 / m on the diagonal.
    S = z.T @ z / m
    scaled = (S - np.eye(rank)) * np.sqrt(m / (1 + np.eye(rank)))
    p += list(2 * stats.norm.sf(np.abs(scaled[np.triu_indices(rank)])))
    after = (z[:-1] * z[1:]).sum(0) / np.sqrt(m - 1)
    return [*p, *(2 * stats.norm.sf(np.abs(after)))]


def test_the_law_rejects_a_wrong_covariance():
    """Able to fail: at 7000 samples a standard deviation that is 10 % off is 12 standard errors away."""
    d = np.random.default_rng(1).standard_normal((7000, 3)) * [1.1, 1.0, 1.0]
    assert min(law_of_class(d, np.eye(3))) < 1e-10


def test_every_epoch_takes_each_row_once_in_an_order_of_its_own():
    orders = []
    for replica in (0, 1):
        source = source_of(DataInputs(X, Y.astype(float)), SEED, replica)
        for epoch in range(40):
            begin = epoch * len(Y)
            assert source.seek(begin) <= begin + len(Y)
            orders.append([int(source.rows(u, u + 1)[0]) for u in range(begin, begin + len(Y)) if source.seek(u)])
    assert all(sorted(order) == list(range(len(Y))) for order in orders)
    assert len({tuple(order) for order in orders}) == 80
    # Where row 0 stands, spread over the width of a place, is uniform.
    spread = np.random.default_rng(1).random(80)
    places = (np.array([order.index(0) for order in orders]) + spread) / len(Y)
    assert stats.kstest(places, "uniform").pvalue > FALSE_ALARM


# ---- The same bits

SOURCES = {
    "diagonal": gaussian(FORMS["diagonals"], rule=ld.Reinforce()),
    "factor and diagonal": gaussian(FORMS["factor and diagonal"], rule=ld.Reinforce()),
    "two matrices": gaussian(FORMS["two matrices"], rule=ld.Reinforce()),
    "data": data(rule=ld.Reinforce()),
}


@pytest.mark.parametrize("source", SOURCES)
def test_threads_chunks_and_rows_change_nothing(source):
    one, end = process(SOURCES[source]), 2 * LONGEST + 100
    steps = np.array([0, 1, 700, LONGEST, end])
    whole = run_samples(one, steps, replicas=3, threads=1, seed=SEED, record_weights=True)
    for options in ({"threads": 3, "chunk": 13}, {"chunk": 10**6}):
        other = run_samples(one, steps, replicas=3, seed=SEED, record_weights=True, **options)
        for name, value in whole.record.items():
            np.testing.assert_array_equal(other.record[name], value)
    last = run_samples(one, np.array([end]), replicas=3, seed=SEED, record_weights=True)
    np.testing.assert_array_equal(last.record["w"][:, 0], whole.record["w"][:, -1])
    first = run_samples(one, steps, replicas=1, seed=SEED)
    assert "w" not in first.record
    np.testing.assert_array_equal(first.record["alignment"], whole.record["alignment"][:1])
    assert len(np.unique(whole.record["w"][:, -1, 0])) == 3


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("source", SOURCES)
def test_a_replica_goes_on_from_a_snapshot(source, keeps):
    """In the middle of blocks, epochs, and groups of rows that are measured together."""
    one, steps = process(SOURCES[source]), np.arange(0, LONGEST + 201, 10)

    def replica():
        room = samples._room(one, 1, steps.size, keeps)
        plan = samples._Plan(one, steps, SEED, 333, samples.RateClock(1, 0.0, "t", 0.1))
        return room, samples._Replica(plan, 0, {name: values[0] for name, values in room.items()})

    wanted, through = replica()
    while not through.finished:
        through.advance()
    for cut in range(1, 5):
        _, before = replica()
        for _ in range(cut):
            before.advance()
        found, after = replica()
        after.position, after.rows, after.finished = before.position, before.rows, before.finished
        after.restore(before.snapshot())
        while not after.finished:
            after.advance()
        for name, values in wanted.items():
            np.testing.assert_array_equal(found[name], values)


def test_a_run_goes_on_after_ctrl_c(tmp_path, monkeypatch):
    """Cut twice; the rows that were reached before are measured, though no replica has finished."""
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.002)
    one, steps = process(SOURCES["diagonal"]), np.arange(0, 600_001, 3_000)
    options = {"replicas": 2, "seed": SEED, "chunk": 5_000}

    def press(done, total):
        if done > pressed[-1] + 50_000:
            pressed.append(done)
            raise KeyboardInterrupt

    pressed = [0]
    for _ in range(2):
        checkpoint = Checkpoint(tmp_path / "run.npz", {}, every=0.0)
        cut = run_samples(one, steps, **options, checkpoint=checkpoint, progress=press)
        assert cut.status == "interrupted"
        assert 0 < cut.steps.size < steps.size
    whole = run_samples(one, steps, **options, checkpoint=Checkpoint(tmp_path / "run.npz", {}))
    assert not (tmp_path / "run.npz").exists()
    uncut = run_samples(one, steps, **options)
    for name, value in uncut.record.items():
        np.testing.assert_array_equal(whole.record[name], value)
        # Rows of the last, broken group are measured in other company, which may round otherwise.
        np.testing.assert_allclose(cut.record[name], value[cut.replicas, : cut.steps.size], rtol=1e-12)


# ---- How it ends


def test_divergence_is_told_with_its_time_and_keeps_the_rows_before():
    """w <- w + eta (y - h) x with eta |x|^2 = 10 > 2 turns over and grows ninefold an update."""
    scenario = ld.GaussianClassification([1.0, 3.0], 0.0, ld.SquaredError(linear=True), learning_rate=1.0)
    run = run_samples(process_of(scenario, [1.0, 1.0]), np.array([0, 1, 2, 3, 400]), seed=SEED, at=2.0, replicas=2)
    assert run.status == "diverged"
    assert run.steps.tolist() == [0, 1, 2, 3]
    assert "Replica 0 diverged at t = 402: |w|^2 exceeded 1e+06 times its natural scale" in run.message
    assert "try a smaller learning rate" in run.message
    assert all(np.isfinite(values).all() for values in run.record.values())


def test_large_weights_that_do_not_grow_are_no_divergence():
    """Inputs in small units have large weights: mu = 1e-6 is separated by |w| = 1e6 or more."""
    scenario = ld.GaussianClassification([1e-6, 0.0], 1e-14, ld.SquaredError(linear=True), learning_rate=1e10)
    run = run_samples(process_of(scenario, [0.0, 0.0]), np.array([0, 5000]), seed=SEED)
    assert run.status == "ok"
    # The fixed point is mu_1 / (mu_1^2 + sigma^2) = 0.99e6.
    assert 5e5 < run.record["w_norm"][0, -1] < 2e6
    assert run.record["w_norm"][0, -1] ** 2 > GROWTH_LIMIT


@pytest.mark.parametrize(("n", "factors", "wanted"), [(3, 0, LONGEST), (784, 0, 83), (784, 1, 128), (10**6, 0, 1)])
def test_blocks_fit_the_cache(n, factors, wanted):
    inputs = GaussianInputs(np.zeros((2, n)), 0.5, np.ones((2, n)), (np.zeros((n, 1)),) * factors)
    assert block_length(inputs) == wanted
