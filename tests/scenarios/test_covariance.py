"""Covariances in their three forms do what the matrix does; arrays as fields are values."""

import pickle

import numpy as np
import pytest

from learndyn import Covariance, InputError
from learndyn.scenarios.arrays import FrozenArray, from_plain, frozen
from learndyn.scenarios.covariance import covariance_of, dense_of, times

N = 5


def forms() -> dict[str, Covariance]:
    rng = np.random.default_rng(1)
    F = rng.standard_normal((N, 2))
    return {
        "isotropic": Covariance(diagonal=0.3),
        "diagonal": Covariance(diagonal=[0.0, 0.1, 0.2, 0.3, 2.0]),
        "low rank": Covariance.low_rank(F, [0.1, 0.2, 0.0, 0.0, 1.0]),
        "singular": Covariance.low_rank(F),
        "dense": Covariance(matrix=F @ F.T + np.diag(rng.random(N))),
        "spectrum": Covariance.spectrum([3.0, 2.0, 1.0, 0.5, 0.1], seed=2),
        "few eigenvalues": Covariance.spectrum([3.0, 2.0], np.linalg.qr(F)[0], rest=0.5),
    }


@pytest.mark.parametrize("name", forms())
def test_each_form_multiplies_and_factorises_like_its_matrix(name: str):
    covariance = forms()[name]
    dense, rng = covariance.dense(N), np.random.default_rng(3)
    w = rng.standard_normal((4, N))
    product = times(covariance.numbers(), w, np)
    # Sums of at most N + r terms of order one in double precision.
    np.testing.assert_allclose(product, w @ dense, rtol=0, atol=1e-13)
    np.testing.assert_allclose(times(covariance.numbers(), w[0], np), dense @ w[0], rtol=0, atol=1e-13)
    np.testing.assert_allclose(dense_of(covariance.numbers(), N, np), dense, rtol=0, atol=0)
    L = covariance.root(N)
    assert L.shape == (N, np.linalg.matrix_rank(dense))
    np.testing.assert_allclose(L @ L.T, dense, rtol=0, atol=1e-13)
    np.testing.assert_allclose(covariance.trace(N), np.trace(dense), rtol=1e-14)


@pytest.mark.parametrize("name", forms())
def test_samples_have_the_covariance(name: str):
    # Each of 15 entries of 7 forms: |z| < 4.9 fails by chance once in 10^4 runs; the seed is fixed.
    covariance, count = forms()[name], 20_000
    drawn = covariance.sample(N, count, np.random.default_rng(4))
    dense = covariance.dense(N)
    found = drawn.T @ drawn / count
    error = np.sqrt((dense**2 + np.outer(np.diag(dense), np.diag(dense))) / count)
    assert (np.abs(found - dense) <= 4.9 * error + 1e-12).all()


def test_spectrum_has_its_eigenvalues_and_vectors():
    values = np.array([3.0, 2.0, 1.0, 0.5, 0.1])
    np.testing.assert_allclose(np.linalg.eigvalsh(forms()["spectrum"].dense(N)), values[::-1], rtol=1e-13)
    V = np.linalg.qr(np.random.default_rng(1).standard_normal((N, 2)))[0]
    dense = Covariance.spectrum([3.0, 2.0], V, rest=0.5).dense(N)
    np.testing.assert_allclose(dense @ V, V * [3.0, 2.0], atol=1e-13)
    np.testing.assert_allclose(np.linalg.eigvalsh(dense)[:3], 0.5, rtol=1e-12)


def test_forms_are_kept_cheap():
    assert [each.form for each in forms().values()] == [
        "diagonal", "diagonal", "low_rank", "low_rank", "dense", "dense", "low_rank"
    ]  # fmt: skip
    assert forms()["isotropic"].size is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "must be given, or `diagonal`"),
        ({"matrix": [[1.0, 2.0], [2.0, 1.0]]}, "positive semidefinite, but its smallest eigenvalue is -1"),
        ({"matrix": [[1.0, 2.0], [0.0, 1.0]]}, "`matrix` must be symmetric"),
        ({"matrix": [[1.0, np.nan], [np.nan, 1.0]]}, "contains NaN"),
        ({"matrix": [[1.0]], "diagonal": 1.0}, "must stand alone"),
        ({"matrix": [[1.0, 0.0]]}, "must be a square matrix"),
        ({"diagonal": -0.1}, "each at least 0"),
        ({"factor": [1.0, 2.0]}, "must have shape (n, r)"),
        ({"factor": [[1.0], [2.0]], "diagonal": [1.0, 1.0, 1.0]}, "as many rows as `diagonal`"),
    ],
)  # fmt: skip
def test_what_is_no_covariance_is_refused_in_a_sentence(given: dict, sentence: str):
    with pytest.raises(InputError) as error:
        Covariance(**given)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("eigenvalues", "vectors", "sentence"),
    [
        ([1.0, -1.0], None, "at least 0"),
        ([1.0, 1.0], [[1.0], [0.0]], "one column for each of 2"),
        ([1.0], [[1.0], [1.0]], "orthonormal columns, but they are off by 1"),
    ],
)
def test_spectra_that_cannot_be_are_refused(eigenvalues: list, vectors: list | None, sentence: str):
    with pytest.raises(InputError) as error:
        Covariance.spectrum(eigenvalues, vectors)
    assert sentence in str(error.value)


def test_plain_numbers_are_covariances_and_errors_name_the_callers_argument():
    assert covariance_of(0.5, "cov") == Covariance(diagonal=0.5)
    assert covariance_of([0.5, 0.1], "cov").form == "diagonal"
    assert covariance_of([[0.5, 0.0], [0.0, 0.1]], "cov").form == "dense"
    with pytest.raises(InputError, match="Argument `cov` must be positive semidefinite"):
        covariance_of([[0.0, 1.0], [1.0, 0.0]], "cov")
    with pytest.raises(InputError, match="but it has shape"):
        covariance_of(np.zeros((2, 2, 2)), "cov")
    with pytest.raises(InputError, match="but it has 'diagnoal'"):
        covariance_of({"diagnoal": 1.0}, "cov")


@pytest.mark.parametrize("name", forms())
def test_covariances_survive_plain_and_pickle(name: str):
    covariance = forms()[name]
    assert covariance_of(covariance.to_plain(), "cov") == covariance
    assert pickle.loads(pickle.dumps(covariance)) == covariance
    assert hash(covariance) == hash(covariance_of(covariance.to_plain(), "cov"))


def test_arrays_are_values():
    numbers = np.arange(600.0).reshape(20, 30)
    one, same, other = FrozenArray(numbers), FrozenArray(numbers), FrozenArray(numbers.T)
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "numbers"
    numbers[0, 0] = 7.0
    assert one.values[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        one.values[0, 0] = 1.0
    assert np.asarray(one) is one.values
    assert repr(one).startswith("<array 20 x 30, sha256 ")


@pytest.mark.parametrize("count", [3, 600, 2**22 + 1])
def test_arrays_as_text_lose_nothing_or_say_that_they_are_gone(count: int):
    numbers = FrozenArray(np.random.default_rng(1).standard_normal(count))
    plain = numbers.to_plain()
    if count > 2**22:
        with pytest.raises(InputError, match="holds only the digest of an array of shape"):
            from_plain(plain, "X")
    else:
        assert frozen(plain, "X") == numbers


def test_damaged_text_is_refused():
    with pytest.raises(InputError, match="Argument `X` must be an array in base64"):
        from_plain({"shape": [3], "float64": "AAAA"}, "X")
