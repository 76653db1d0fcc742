"""`ld.ensemble`: exact distributions of flows in closed form, moments with errors, and equations (10) and (11)."""

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import multivariate_normal, norm

import learndyn as ld

K = np.array([[-1.0, 0.5], [-0.5, -0.2]])
START = ld.GaussianWeights([1.0, -0.5], cov=[[0.2, 0.05], [0.05, 0.1]])
MATRIX = np.array([[0.2, 0.05], [0.05, 0.1]])


def linear(w):
    import jax.numpy as jnp

    return jnp.asarray(K) @ w


LINEAR = ld.UpdateRule(2, mean=linear)
# w' = -w^2: w(t) = w0 / (1 + t w0), and dw / dw0 = (w / w0)^2.
SQUARE = ld.UpdateRule(1, mean=lambda w: -(w**2))


def test_a_gaussian_stays_one():
    """Members, density and moments of a linear flow; false alarm 1e-3 in all of the moments."""
    cloud = ld.ensemble(LINEAR, START, until=2, members=1000, seed=3, save_at=2, density=True)
    E = expm(2.0 * K)
    mean, C = E @ START.mean.values, E @ MATRIX @ E.T
    np.testing.assert_allclose(cloud.w[:, -1], cloud.w.values[:, 0] @ E.T, atol=1e-7)
    exact = multivariate_normal(mean, C).logpdf(cloud.w.values[:, -1])
    # d log p / dw = 3 of a standard deviation of 0.1 and more, times the error of w.
    np.testing.assert_allclose(cloud.log_density[:, -1], exact, atol=1e-5)
    last = cloud.isel(t=-1)
    z = [(last.w_mean - mean) / last.w_mean_error, (last.variance - C.diagonal()) / last.variance_error]
    assert (np.abs(z) < norm.isf(1e-3 / 2 / 4)).all()
    trace = cloud.w.var("member", ddof=1).sum("input")
    np.testing.assert_allclose(cloud.trace_cov, trace, rtol=1e-12)


def test_a_density_that_is_bent():
    start = ld.GaussianWeights([1.0], cov=0.04)
    cloud = ld.ensemble(SQUARE, start, until=3, members=64, seed=3, save_at=[0, 1, 3], density=True)
    w0 = cloud.w.values[:, :1, 0]
    t = cloud.t.values
    np.testing.assert_allclose(cloud.w[..., 0], w0 / (1 + t * w0), rtol=1e-6)
    exact = norm(1.0, 0.2).logpdf(w0) + 2.0 * np.log1p(t * w0)
    np.testing.assert_allclose(cloud.log_density, exact, atol=1e-6)


@pytest.mark.parametrize("quasi_random", [False, True])
def test_moments_have_honest_errors(quasi_random):
    """Against quadrature over the first weights: z-scores over 10 seeds, false alarm 1e-3 in all."""
    from scipy.stats import t as student

    start = ld.GaussianWeights([1.0], cov=0.04)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    w0 = 1.0 + 0.2 * nodes
    w = w0 / (1 + w0)
    p = weights / weights.sum()
    mean = p @ w
    variance = p @ (w - mean) ** 2
    z, errors = [], []
    for seed in range(10):
        cloud = ld.ensemble(
            SQUARE, start, until=1, members=256, seed=seed, save_at=2, quasi_random=quasi_random
        ).isel(t=-1, input=0)  # fmt: skip
        z.append([(cloud.w_mean - mean) / cloud.w_mean_error, (cloud.variance - variance) / cloud.variance_error])
        errors.append([cloud.w_mean_error, cloud.variance_error])
    # Seven degrees of freedom of 8 copies; many of independent members. The variance of few members is skewed, so that
    # its scores are too: the limit of a t distribution with few degrees leaves room for it.
    assert np.abs(z).max() < student.isf(1e-3 / 2 / 20, 7)
    # Errors are not too large either: scores scatter like 1 (like sqrt(7/5) for 7 degrees of freedom).
    assert 0.5 < np.sqrt(np.mean(np.square(z))) < 2.0
    assert (np.mean(errors) < 1e-3) == quasi_random


def test_the_moment_equations_hold_while_it_is_narrow():
    """Supervised learning, sigma = 0: third cumulants bring the equations nearer by more than 5 times."""
    mu, w0 = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    task = ld.GaussianClassification(mu, 0.25, "supervised", weight_decay=0.1)
    start = ld.GaussianWeights(w0, cov=0.1)
    cloud = ld.ensemble(task, start, until=2, members=1024, seed=1, save_at=[0, 1, 2], quasi_random=True)
    off = []
    for order in (2, 3):
        flow = ld.moment_flow(task, start, until=2, save_at=[0, 1, 2], order=order)
        off.append([np.abs(flow.trace_cov - cloud.trace_cov).max(), np.abs(flow.w - cloud.w_mean).max()])
    # The equations of order 2 leave out C^2 = 1e-2 times derivatives of <f> below 1/10.
    assert np.max(off[0]) < 1e-3
    assert (np.array(off[1]) < np.array(off[0]) / 5).all()
    assert {"alignment", "accuracy"} <= set(cloud.data_vars)
    assert cloud.alignment.dims == ("member", "t")


def test_members_do_not_depend_on_threads():
    one, two = (ld.ensemble(LINEAR, START, 2, members=64, seed=3, save_at=2, threads=k).w for k in (1, 2))
    assert one.identical(two)


def test_what_becomes_of_members_that_diverge():
    with pytest.warns(ld.LearndynWarning, match=r"of 64 members did not reach the end"):
        cloud = ld.ensemble(SQUARE, ld.GaussianWeights([0.0], cov=1.0), until=3, members=64, seed=1, save_at=3)
    lost = np.isnan(cloud.w[:, -1, 0])
    assert cloud.attrs["failed"] == lost.sum() > 0
    # w0 < -1/3 is infinite before t = 3.
    np.testing.assert_array_equal(lost, cloud.w[:, 0, 0] < -1 / 3)


def test_seeds_and_files(tmp_path):
    cloud = ld.ensemble(LINEAR, START, 1, members=16, save_at=2)
    again = ld.ensemble(LINEAR, START, 1, members=16, save_at=2, seed=int(cloud.attrs["seed"]))
    np.testing.assert_array_equal(cloud.w, again.w)
    assert ld.load(ld.save(cloud, tmp_path / "cloud.nc")).identical(cloud)


MISTAKES = {
    "a point": ((LINEAR, [1.0, 0.0]), {}, "`start` must have a covariance"),
    "flat": (
        (LINEAR, ld.GaussianWeights([1.0, 0.0], cov=[1.0, 0.0])),
        {"density": True},
        "fills 1 of 2 dimensions",
    ),
    "members": ((LINEAR, START), {"members": 1}, "`members` must be a whole number of at least 2"),
    "size": ((LINEAR, START), {"members": 10**8}, "`members` must be at most 497512 for 201 times and 2 weights"),
    "no rule": ((K, START), {}, "`rule` must be an ld.UpdateRule"),
}


@pytest.mark.parametrize(("given", "options", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
def test_each_mistake_has_its_sentence(given, options, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.ensemble(*given, 1, **options)
