"""Sampled averages of four units: exact to second order, and elsewhere as far from exact sums as their error says."""

from functools import cache

import jax
import numpy as np
import pytest
from scipy import stats

import learndyn as ld
from learndyn.activations import activation
from learndyn.activations.averages import sampled
from learndyn.activations.averages.sampled import RANDOMISATIONS, fewest_samples, sampled_square
from learndyn.engines import theory
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.scenarios.base import Flow

EPS = np.finfo(float).eps
# Over the seeds: the probability that right code fails one of the tests that compare with a standard error.
FALSE_ALARM = 1e-3


def covariance(K, M, seed=3):
    """Overlaps of a student that has learned a part of an orthonormal teacher."""
    rng = np.random.default_rng(seed)
    R = 0.4 * rng.standard_normal((K, M)) / np.sqrt(M)
    own = 0.7 * rng.standard_normal((K, K + 5)) / np.sqrt(K + 5)
    return np.block([[R @ R.T + own @ own.T, R], [R.T, np.eye(M)]])


def coefficients(K, M):
    return np.concatenate([-np.ones(K), np.ones(M)])


def exact(name, C, c, K):
    square_sum = activation(name).functions["square_sum"]
    if name == "erf":
        return square_sum(C, c, K, NUMPY)
    with jax.enable_x64(True):
        return np.asarray(jax.jit(lambda C: square_sum(C, c, K, jax_namespace()))(C))


SINGULAR = {
    "generic": covariance(2, 1),
    "perfect": np.kron(np.ones((2, 2)), np.array([[1.0, 0.3], [0.3, 0.5]])),
    "duplicated student": np.array([[0.3, 0.3, 0.1], [0.3, 0.3, 0.1], [0.1, 0.1, 1.0]]),
    "student at zero": np.diag([0.0, 0.5, 1.0]),
    "teacher at zero": np.diag([0.4, 0.5, 0.0]),
    "different lengths": np.diag([1e-12, 1.0, 1e12]),
    "all along one direction": np.outer([1.0, -2.0, 0.5], [1.0, -2.0, 0.5]),
    "a rounding error outside": np.array([[1.0, 1.0 + 2e-16, 0.5], [1.0 + 2e-16, 1.0, 0.5], [0.5, 0.5, 1.0]]),
}


@pytest.mark.parametrize("name", SINGULAR)
@pytest.mark.parametrize("biased", [False, True], ids=["zero means", "biases"])
def test_second_moments_are_exact(name, biased):
    # Linear units: <e^2> = c^T C c + (c m)^2, for all pairs. A pivot below n eps of a variance counts as zero, so that
    # each entry of L L^T is right to about n eps of the lengths; sums over points round as often.
    C = SINGULAR[name]
    n = len(C)
    c, m = np.linspace(-1.0, 1.5, n), np.linspace(-0.5, 2.0, n) if biased else None
    value, error = sampled_square([activation("linear")] * n, 2, fewest_samples(n))(C, m, c, NUMPY)
    wanted = c @ C @ c + (0.0 if m is None else (c @ m) ** 2)
    scale = (np.abs(c) @ (np.sqrt(np.diag(C)) + (0.0 if m is None else np.abs(m)))) ** 2
    np.testing.assert_allclose(value, wanted, rtol=0, atol=20 * n * EPS * scale)
    assert error.max() <= 20 * n * EPS * scale


CASES = [("erf", 5, 3, 512), ("erf", 10, 5, 1024), ("relu", 5, 3, 1024), ("relu", 7, 2, 1024)]
SEEDS = 40
PAIRS = 3  # which are compared: the first diagonal one, the one beside it, the last


@pytest.mark.parametrize(("name", "K", "M", "samples"), CASES)
def test_the_error_is_what_it_is_said_to_be(name, K, M, samples):
    # Squared errors over the seeds, divided by the stated variances, follow Fisher's law for normal estimates. The
    # exact second moments shift an estimate by about a quarter of its error, which adds a tenth to the squares.
    C, c = covariance(K, M), coefficients(K, M)
    truth = exact(name, C, c, K)[[0, 1, -1]]
    runs = [sampled_square([activation(name)] * (K + M), K, samples, seed)(C, None, c, NUMPY) for seed in range(SEEDS)]
    values, errors = (np.array(part)[:, [0, 1, -1]] for part in zip(*runs, strict=True))
    ratio = ((values - truth) ** 2).sum(0) / (errors**2).sum(0)
    level = FALSE_ALARM / (2 * PAIRS * len(CASES))
    law = stats.f(SEEDS, SEEDS * (RANDOMISATIONS - 1))
    assert (ratio < 1.1 * law.isf(level)).all()
    assert (ratio > law.ppf(level)).all()
    # It is no larger than that of plain random points, whose variance is known to the same law.
    z = np.random.default_rng(5).standard_normal((50_000, K + M)) @ np.linalg.cholesky(C).T
    act = activation(name)
    e = act.g(z) @ c
    plain = np.var(act.dg(z[:, [0, 0, K - 1]]) * act.dg(z[:, [0, 1, K - 1]]) * (e * e)[:, None], axis=0) / samples
    assert ((errors**2).mean(0) < plain * law.isf(level)).all()


@pytest.mark.parametrize("name", ["erf", "relu"])
def test_the_error_falls_with_the_number_of_points(name):
    # Sixteen times the points: at most a 16th of the variance (scrambled nets are never much worse than plain points),
    # up to the law of the ratio of two estimated variances of a single pair over the seeds.
    K, M = 4, 2
    C, c, seeds = covariance(K, M), coefficients(K, M), 12

    def variance(samples):
        make = (sampled_square([activation(name)] * 6, K, samples, seed) for seed in range(seeds))
        return np.mean([f(C, None, c, NUMPY)[1][0] ** 2 for f in make])

    degrees = seeds * (RANDOMISATIONS - 1)
    assert variance(16 * 256) < variance(256) / 16 * stats.f(degrees, degrees).isf(FALSE_ALARM / 2)


MIXED = ("erf", "relu", "linear", "relu", "erf")


@pytest.mark.parametrize("biased", [False, True], ids=["zero means", "biases"])
def test_mixed_units_agree_with_plain_monte_carlo(biased):
    K, n = 3, len(MIXED)
    C, c = covariance(K, n - K, seed=8), np.array([-1.0, -0.5, -2.0, 1.5, 0.7])
    m = np.array([0.3, -0.4, 0.0, 0.8, -1.0]) if biased else None
    value, error = sampled_square(list(map(activation, MIXED)), K, 16_384)(C, m, c, NUMPY)
    rng, batches = np.random.default_rng(21), []
    for _ in range(40):
        z = rng.standard_normal((10_000, n)) @ np.linalg.cholesky(C).T + (0.0 if m is None else m)
        e = sum(c[j] * activation(name).g(z[:, j]) for j, name in enumerate(MIXED))
        D = np.stack([activation(name).dg(z[:, j]) * e for j, name in enumerate(MIXED[:K])], axis=1)
        batches.append((D.T @ D / len(z))[np.triu_indices(K)])
    batches = np.array(batches)
    z = (value - batches.mean(0)) / np.hypot(error, batches.std(0, ddof=1) / np.sqrt(len(batches)))
    # Student's law of the fewest degrees of freedom among the two is the widest.
    assert np.abs(z).max() < stats.t(RANDOMISATIONS - 1).isf(FALSE_ALARM / (2 * 2 * len(z)))


@pytest.mark.parametrize("biased", [False, True], ids=["zero means", "biases"])
def test_jax_and_numpy_agree(biased):
    K, n = 3, len(MIXED)
    C, c = covariance(K, n - K, seed=8), np.array([-1.0, -0.5, -2.0, 1.5, 0.7])
    m = np.array([0.3, -0.4, 0.0, 0.8, -1.0]) if biased else None
    f = sampled_square(list(map(activation, MIXED)), K, 512)
    with jax.enable_x64(True):
        found = [np.asarray(x) for x in jax.jit(lambda C, c: f(C, m, c, jax_namespace()))(C, c)]
    for one, other in zip(found, f(C, m, c, NUMPY), strict=True):
        # Sums of 512 points in another order, of numbers of order 10.
        np.testing.assert_allclose(one, other, rtol=0, atol=10 * 512 * EPS)


def test_blocks_change_nothing_but_the_memory(monkeypatch):
    K, M = 4, 2
    C, c = covariance(K, M), coefficients(K, M)

    def run():
        sampled._blocks.cache_clear()
        return sampled_square([activation("erf")] * 6, K, 4096)(C, None, c, NUMPY)

    whole = run()
    monkeypatch.setattr(sampled, "BLOCK_NUMBERS", 6 * 100)
    assert sampled._blocks.__wrapped__(6, 512, 0).shape == (64, 64, 6)
    for one, other in zip(run(), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=10 * 512 * EPS)
    sampled._blocks.cache_clear()


def test_the_points_are_fixed_and_the_seed_changes_them():
    K, M = 4, 2
    C, c = covariance(K, M), coefficients(K, M)
    units = [activation("relu")] * 6
    first, again, other = (sampled_square(units, K, 512, seed)(C, None, c, NUMPY)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    # Rounded up to a power of two in each copy.
    np.testing.assert_array_equal(sampled_square(units, K, 400)(C, None, c, NUMPY)[0], first)


@pytest.mark.parametrize("name", ["erf", "relu"])
def test_the_estimate_is_positive_semidefinite(name):
    K, M = 6, 2
    C, c = covariance(K, M), coefficients(K, M)
    value, _ = sampled_square([activation(name)] * 8, K, 256)(C, None, c, NUMPY)
    D = np.zeros((K, K))
    D[np.triu_indices(K)] = value
    D = D + np.triu(D, 1).T
    assert np.linalg.eigvalsh(D)[0] >= -K * 256 * EPS * np.trace(D)


@cache
def value_and_slope(kind, n):
    f, c = sampled_square([activation(kind)] * n, 2, fewest_samples(n)), coefficients(2, n - 2)
    return jax.jit(lambda C, direction: jax.jvp(lambda C: f(C, None, c, jax_namespace())[0], (C,), (direction,)))


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_covariances_have_finite_estimates_and_derivatives(name):
    C = SINGULAR[name]
    n = len(C)
    for kind in ("erf", "relu"):
        with jax.enable_x64(True):
            value, slope = value_and_slope(kind, n)(C, C @ C / np.trace(C) + np.eye(n))
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()
        if name == "perfect":
            # x = y, up to the rounding of the rows of L: e^2 is that of n units, squared.
            assert np.abs(value).max() <= (n * n * EPS) ** 2


def test_the_derivative_agrees_with_differences():
    # Units without kinks: the estimate is smooth, third derivatives in the direction are of the order of the estimate.
    K, M, h = 4, 2, 1e-4
    C, c = covariance(K, M), coefficients(K, M)
    f = sampled_square([activation("erf")] * 6, K, 256)
    direction = 0.1 * covariance(K, M, seed=9)
    with jax.enable_x64(True):
        along = jax.jit(lambda C: jax.jvp(lambda C: f(C, None, c, jax_namespace())[0], (C,), (direction,)))
        _, slope = along(C)
    up, down = (f(C + s * h * direction, None, c, NUMPY)[0] for s in (1, -1))
    np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=0, atol=10 * h**2 + 1e-14 / h)


def test_a_run_on_estimates_takes_as_many_steps_as_one_on_exact_sums():
    # A drift of fixed points is smooth; one with new points each time would never meet a tolerance of 1e-8.
    K, M = 6, 2
    scenario = ld.StudentTeacher(ld.Student(K, "erf"), ld.Teacher(M, "erf"), 0.3)
    start = ld.Start.random(scenario, Q=(0.1, 0.5), X=0.1, seed=4)
    act, c, (i, k) = activation("erf"), coefficients(K, M), np.triu_indices(K)
    runs = {}
    for name in ("exact", "sampled"):
        f = sampled_square([act] * (K + M), K, 1024)

        def drift(at, z, values, f=f, sampled=name == "sampled"):
            xp = jax_namespace()
            R, Q = z[: K * M].reshape(K, M), xp.zeros((K, K)).at[i, k].set(z[K * M :]).at[k, i].set(z[K * M :])
            C = xp.block([[Q, R], [R.T, np.eye(M)]])
            response = act.functions["gradient_sum"](C, c, K, xp)
            square = f(C, None, c, xp)[0] if sampled else act.functions["square_sum"](C, c, K, xp)
            dQ = (response[:, :K] + response[:, :K].T)[i, k] + 0.3 * square
            return 0.3 * xp.concatenate([response[:, K:].reshape(-1), dQ])

        z = scenario.initial_state(scenario.as_start(start))
        flow = Flow(("test", "sampled", name), drift, lambda z: (z * z).sum(-1))
        runs[name] = theory.integrate(
            flow, z, {}, np.array([50.0]), 0.0, rtol=1e-8, atol=1e-10, limit=1e6, max_steps=10_000
        )
        assert runs[name].status == "ok"
    assert runs["sampled"].steps < 2 * runs["exact"].steps
    # It is an estimate all the same.
    assert np.abs(runs["sampled"].states - runs["exact"].states).max() > 1e-6


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (100, "`samples` must be at least 128 for 6 units, but it is 100. Ask for more: each of the 8 copies"),
        (0, "`samples` must be a whole number of at least 1, but it is 0."),
        (1e3 + 0.5, "`samples` must be a whole number of at least 1, but it is 1000.5."),
    ],
)
def test_bad_input_is_refused_in_a_sentence(samples, message):
    with pytest.raises(ld.InputError) as caught:
        sampled_square([activation("erf")] * 6, 4, samples)
    assert message in str(caught.value)
