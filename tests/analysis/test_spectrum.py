"""The spectrum of a matrix: order, kinds, degenerate directions that rounding does not turn, oscillating pairs."""

import numpy as np
import pytest

from learndyn.analysis.spectrum import spectrum_of


def made_of(values, vectors):
    return vectors @ np.diag(values) @ np.linalg.inv(vectors)


def test_modes_come_by_falling_real_part_with_their_left_vectors():
    vectors = np.random.default_rng(1).standard_normal((4, 4))
    found = spectrum_of(made_of([-2.0, 0.5, -1.0, 0.1], vectors))
    np.testing.assert_allclose(found.rates, [0.5, 0.1, -1.0, -2.0], atol=1e-12)
    np.testing.assert_allclose(found.left @ found.vectors, np.eye(4), atol=1e-12)
    expected = vectors[:, [1, 3, 2, 0]]
    cosine = (found.vectors * expected).sum(0) / np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(np.abs(cosine), 1.0, atol=1e-12)
    assert (found.kind, found.unstable, found.marginal) == ("saddle with 2 unstable directions", 2, 0)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([-1.0, -2.0, -0.1], "attractive"),
        ([-1.0, 0.0, -0.1], "marginal"),
        ([1.0, 2.0, 0.1], "repelling"),
        ([1.0, 0.0, -0.1], "saddle with 1 unstable direction"),
    ],
)
def test_kinds(values, kind):
    assert spectrum_of(np.diag(values)).kind == kind


def test_a_degenerate_space_has_the_same_directions_whatever_the_rounding():
    vectors = np.random.default_rng(2).standard_normal((4, 4))
    exact = made_of([0.3, 0.3, 0.3, -1.0], vectors)
    first, again = (spectrum_of(exact + 1e-14 * np.random.default_rng(k).standard_normal((4, 4))) for k in (0, 1))
    assert first.multiplicity.tolist() == [3, 3, 3, 1]
    # Rounding over the distance to the other eigenvalue, times the condition of the vectors.
    np.testing.assert_allclose(first.vectors, again.vectors, atol=1e-11 * np.linalg.cond(vectors))
    np.testing.assert_allclose(exact @ first.vectors[:, :3], 0.3 * first.vectors[:, :3], atol=1e-11)


def test_a_rotation_is_a_pair_with_a_plane():
    found = spectrum_of(np.array([[-0.1, 2.0, 0.0], [-2.0, -0.1, 0.0], [0.0, 0.0, -3.0]]))
    assert found.rates.tolist() == pytest.approx([-0.1, -0.1, -3.0])
    assert found.frequencies.tolist() == pytest.approx([2.0, -2.0, 0.0])
    # The plane of the first two coordinates.
    assert np.abs(found.vectors[2, :2]).max() < 1e-15
    assert np.abs(np.linalg.det(found.vectors[:2, :2])) > 0.1


def test_a_jordan_block_has_no_left_vectors():
    found = spectrum_of(np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert found.left is None
    assert found.multiplicity.tolist() == [2, 2]


def test_directions_in_words():
    found = spectrum_of(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert found.directions(["R_11", "R_12"]) == ["0.707 R_11 - 0.707 R_12", "0.707 R_11 + 0.707 R_12"]
