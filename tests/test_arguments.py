"""Checks of arguments: the common case is fast, and decides like the full check."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.arguments import array, count, nested, number, positive_semidefinite, symmetric


def test_numbers_become_floats():
    for value in (2.0, np.float64(2.0), np.float32(2.0), 2, np.int8(2), np.array(2.0)):
        assert number(value, "x", above=0.0) == 2.0
        assert type(number(value, "x", above=0.0)) is float
    assert number(1.0, "x", minimum=1.0) == 1.0


@pytest.mark.parametrize(
    "value", [float("nan"), np.float64("inf"), 1.0, np.float64(0.5), True, "2", None, [2.0], 10**400]
)
def test_numbers_out_of_range_are_refused(value):
    with pytest.raises(ld.InputError, match=r"Argument `x` must be a finite number above 1, but it is"):
        number(value, "x", above=1.0)


def test_counts_are_whole():
    assert [count(value, "n") for value in (1, np.int64(3), 4.0)] == [1, 3, 4]
    for value in (0, True, 1.5, -2, "1"):
        with pytest.raises(ld.InputError, match=r"must be a whole number of at least 1"):
            count(value, "n")


def test_an_array_is_always_a_new_one():
    given = np.eye(2)
    for value in (given, given.tolist(), tuple(given), [given[0], given[1]]):
        found = array(value, "x")
        np.testing.assert_array_equal(found, np.eye(2))
        found[:] = 7.0
    np.testing.assert_array_equal(given, np.eye(2))
    # Also a symmetric one.
    symmetric(given, "x")[0, 0] = 7.0
    assert given[0, 0] == 1.0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, float("nan")], "must be finite"),
        (np.array([[np.inf]]), "must be finite"),
        ([float("nan"), 1e80], "must be finite"),
        ([1.0, -1e76], "must not exceed 1e[+]75 .* it contains 1e[+]76"),
        ([[1.0], [1.0, 2.0]], "must be an array of numbers"),
        ([True], "must be an array of numbers"),
        (["1"], "must be an array of numbers"),
    ],
)
def test_arrays_are_refused_in_a_sentence(value, message):
    with pytest.raises(ld.InputError, match=message):
        array(value, "x")


def test_tuples_hold_floats():
    for value in (np.ones((2, 3), dtype=int), np.ones((2, 3)), np.ones((2, 3, 1)), np.ones(2), np.ones((0, 2))):
        found, plain = nested(value), value.tolist()
        assert np.array_equal(np.array(found).reshape(value.shape), value)
        assert isinstance(found, tuple)
        assert hash(found) is not None
        assert len(found) == len(plain)
    assert type(nested(np.ones((1, 1), dtype=int))[0][0]) is float
    assert nested(np.float64(2.0)) == 2.0


def test_signs_of_zeros_do_not_break_the_symmetry():
    found = symmetric(np.array([[1.0, 0.0], [-0.0, 1.0]]), "x")
    assert found.tobytes() == np.eye(2).tobytes()


@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize("tolerance", [0.0, 1e-9, 1e-6])
def test_a_matrix_is_refused_for_an_eigenvalue_beyond_the_tolerance(n, tolerance):
    # The trace is 1; eigenvalues are known but for rounding, some n 1e-16, far less than 1e-13.
    axes = np.linalg.qr(np.random.default_rng(n).standard_normal((n, n)))[0]

    def check(least):
        values = np.full(n, (1.0 - least) / (n - 1))
        values[0] = least
        matrix = (axes * values) @ axes.T
        positive_semidefinite((matrix + matrix.T) / 2.0, "x", "Look again.", tolerance)

    check(0.01)
    check(1e-13)
    check(1e-13 - 0.5 * tolerance)
    with pytest.raises(ld.InputError, match=r"`x` must be positive semidefinite, but its smallest eigenvalue is -"):
        check(-1e-13 - 1.5 * tolerance)
