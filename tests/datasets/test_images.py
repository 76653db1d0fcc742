"""Images with labels: what goes together, two classes as +1 and -1, and parts drawn at random."""

import sys

import numpy as np
import pytest

from learndyn.datasets import LabelledImages, load_digits
from learndyn.errors import InputError

FOUR = {"images": np.arange(24.0).reshape(4, 6), "labels": [3, 1, 3, 2], "shape": (2, 3)}


def test_two_classes():
    X, y = LabelledImages(**FOUR).classes(3, 1)
    assert X.tolist() == [FOUR["images"][row].tolist() for row in (0, 1, 2)]
    assert y.tolist() == [1, -1, 1]
    X[0] = 0.0  # a copy: free to be shifted in place
    assert LabelledImages(**FOUR).picture(0).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_images_cannot_be_changed():
    images = LabelledImages(**FOUR)
    with pytest.raises(ValueError, match="read-only"):
        images.images[0, 0] = 1.0


def test_images_stay_when_their_source_changes():
    source = FOUR["images"].copy()
    images = LabelledImages(source, FOUR["labels"], FOUR["shape"])
    source[0, 0] = 7.0
    assert images.images[0, 0] == 0.0


def test_only():
    images = LabelledImages(**FOUR)
    assert images.only(3).labels.tolist() == [3, 3]
    assert images.only([1, 3]).labels.tolist() == [3, 1, 3]
    assert repr(images.only([2])) == "LabelledImages('images': 1 images of 2 x 3 pixels, labels 2 to 2)"


def test_parts():
    whole = load_digits([0, 1, 2])
    training, test = whole.split(0.2, seed=3)
    for label in (0, 1, 2):
        count = int((whole.labels == label).sum())
        assert int((test.labels == label).sum()) == round(0.2 * count)
    # Every image is in one of the two, once: the sorted rows of both are those of the whole.
    together = np.concatenate([training.images, test.images])
    assert sorted(together.tolist()) == sorted(whole.images.tolist())
    again = whole.split(0.2, seed=3)[1]
    other = whole.split(0.2, seed=4)[1]
    assert np.array_equal(test.images, again.images)
    assert not np.array_equal(test.images, other.images)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": np.zeros((4, 5))}, r"`images` must have shape \(count, 6\)"),
        ({"images": np.full((4, 6), np.nan)}, "`images` must be finite"),
        ({"images": np.zeros(6)}, r"`images` must have shape \(count, 6\)"),
        ({"labels": [1, 2, 3]}, r"`labels` must have shape \(4,\)"),
        ({"labels": [1, 2, 3, 0.5]}, "`labels` must hold whole numbers, but one is 0.5"),
        ({"shape": 6}, "`shape` must be two numbers"),
        ({"shape": (2, 0)}, "`shape` must be a whole number of at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        LabelledImages(**(FOUR | change))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda images: images.classes(3, 3), "must be two labels, but both are 3"),
        (lambda images: images.classes(3, 7), r"must name labels among 1, 2, 3, but it is \(3, 7\)"),
        (lambda images: images.only([]), r"must name labels among 1, 2, 3, but it is \[\]"),
        (lambda images: images.only("13"), "`labels` must be a whole number"),
        (lambda images: images.split(1.0, seed=0), "`test` must lie between 0 and 1"),
        (lambda images: images.split(0, seed=0), "`test` must be a finite number above 0"),
    ],
)
def test_bad_requests_are_refused(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call(LabelledImages(**FOUR))


def test_digits_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(InputError, match=r'load_digits needs sklearn, .* Install: pip install "learndyn\[data\]"\.'):
        load_digits()


def test_digits():
    digits = load_digits()
    assert (len(digits), digits.shape, digits.name) == (1797, (8, 8), "digits")
    assert (digits.images.min(), digits.images.max()) == (0.0, 1.0)
    # UCI's table for the test set of the optical digits.
    assert np.bincount(digits.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
