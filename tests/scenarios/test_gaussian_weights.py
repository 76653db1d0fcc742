"""Where a perceptron begins."""

import numpy as np
import pytest
import xarray as xr

import learndyn as ld


def test_a_point_has_no_factor_and_a_zero_covariance_is_a_point():
    assert ld.GaussianWeights([1.0, 2.0]).factor().shape == (2, 0)
    assert ld.GaussianWeights([1.0, 2.0], cov=0.0) == ld.GaussianWeights([1.0, 2.0])


@pytest.mark.parametrize("cov", [0.1, [0.1, 0.0], [[0.2, 0.1], [0.1, 0.2]]])
def test_the_factor_is_one_of_the_covariance(cov):
    start = ld.GaussianWeights([1.0, 2.0], cov)
    L = start.factor()
    wanted = np.array(cov) if np.ndim(cov) == 2 else np.diag(np.broadcast_to(cov, 2))
    np.testing.assert_allclose(L @ L.T, wanted, atol=1e-15)


def test_low_rank_starts_keep_their_rank():
    F = np.random.default_rng(1).standard_normal((50, 3))
    assert ld.GaussianWeights(np.zeros(50), ld.Covariance.low_rank(F)).factor().shape == (50, 3)


def test_draws_have_mean_and_covariance():
    # Five numbers: |z| < 4.5 fails by chance once in 30 000 runs; the seed is fixed.
    start, count = ld.GaussianWeights([1.0, -2.0], [[0.2, 0.1], [0.1, 0.3]]), 40_000
    drawn = start.draw(count, np.random.default_rng(5))
    C = np.array([[0.2, 0.1], [0.1, 0.3]])
    assert (np.abs(drawn.mean(0) - [1.0, -2.0]) < 4.5 * np.sqrt(np.diag(C) / count)).all()
    error = np.sqrt((C**2 + np.outer(np.diag(C), np.diag(C))) / count)
    assert (np.abs(np.cov(drawn.T) - C) < 4.5 * error).all()


def test_random_starts_have_their_length_and_are_orthogonal():
    away = np.arange(1.0, 8.0)
    start = ld.GaussianWeights.random(7, 2.0, orthogonal_to=away, seed=3)
    assert abs(np.linalg.norm(start.mean.values) - 2.0) < 1e-14
    assert abs(start.mean.values @ away) < 1e-13 * np.linalg.norm(away)
    assert start == ld.GaussianWeights.random(7, 2.0, orthogonal_to=away, seed=3)


def test_a_row_of_a_result_is_a_start():
    row = xr.Dataset({"w": ("input", [1.0, 2.0]), "Cov": (("input", "input2"), np.eye(2))}, {"t": 3.0})
    start = ld.GaussianWeights.of(row)
    assert start.at == 3.0
    assert start == ld.GaussianWeights([1.0, 2.0], np.eye(2), at=3.0)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ld.GaussianWeights([[1.0]]), "`mean` must be a list of n weights"),
        (lambda: ld.GaussianWeights([1.0, np.inf]), "`mean` must be finite"),
        (lambda: ld.GaussianWeights([1.0, 2.0], np.eye(3)), "of 2 weights, as `mean` has, but it is one of 3"),
        (lambda: ld.GaussianWeights([1.0, 2.0], [[1.0, 2.0], [2.0, 1.0]]), "`cov` must be positive semidefinite"),
        (lambda: ld.GaussianWeights([1.0], at="now"), "`at` must be a finite number"),
        (lambda: ld.GaussianWeights.random(1, orthogonal_to=[1.0], seed=1), "with n at least 2"),
        (lambda: ld.GaussianWeights.of(3), "but it is an int"),
        (lambda: ld.GaussianWeights.of(xr.Dataset({"w": (("t", "input"), np.ones((2, 2)))})), "must be one row"),
        (lambda: ld.GaussianWeights.of(xr.Dataset({"w": ("input", [1.0]), "trace_cov": 1.0})), "record='Cov'"),
    ],
)  # fmt: skip
def test_bad_starts_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(ld.InputError) as error:
        make()
    assert sentence in str(error.value)
