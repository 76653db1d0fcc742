"""Images with their labels, and two of their classes as a matrix X with labels y = +1 and -1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from learndyn import arguments
from learndyn.arguments import shown
from learndyn.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """Grey images, one a row, with a label each.

    Parameters
    ----------
    images
        Shape (count, pixels), float64; those that the loaders of this module give lie in [0, 1].
    labels
        Shape (count,), whole numbers.
    shape
        Rows and columns of one image; their product is `pixels`.
    name
        What a legend calls them.

    Raises
    ------
    InputError
        When these do not fit together, or a pixel is NaN.

    Examples
    --------
    >>> import learndyn as ld
    >>> digits = ld.datasets.load_digits()
    >>> digits
    LabelledImages('digits': 1797 images of 8 x 8 pixels, labels 0 to 9)
    >>> len(digits), digits.images.shape, digits.picture(0).shape
    (1797, (1797, 64), (8, 8))
    """

    images: np.ndarray
    labels: np.ndarray
    shape: tuple[int, int]
    name: str = "images"

    def __post_init__(self) -> None:
        images = arguments.array(self.images, "images")
        labels = _labels(self.labels)
        rows, columns = rows_and_columns(self.shape)
        if images.ndim != 2 or images.shape[1] != rows * columns:
            raise InputError(
                f"Argument `images` must have shape (count, {rows * columns}), one image of {rows} x {columns} pixels "
                f"a row, but it has shape {images.shape}. Reshape it: images.reshape(len(images), -1)."
            )
        if labels.shape != (len(images),):
            raise InputError(
                f"Argument `labels` must have shape ({len(images)},), one label an image, but it has shape "
                f"{labels.shape}. Check that both come from the same files."
            )
        for name, value in (("images", images), ("labels", labels)):
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        object.__setattr__(self, "shape", (rows, columns))

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        rows, columns = self.shape
        present = np.unique(self.labels)
        labels = f", labels {present[0]} to {present[-1]}" if len(present) else ""
        return f"LabelledImages({self.name!r}: {len(self)} images of {rows} x {columns} pixels{labels})"

    def picture(self, index: int) -> np.ndarray:
        """One image as rows and columns, shape `self.shape`."""
        return self.images[index].reshape(self.shape)

    def only(self, labels: int | Iterable[int]) -> LabelledImages:
        """The images with one of these labels, in their order.

        Raises
        ------
        InputError
            When a label is not there.

        Examples
        --------
        >>> import learndyn as ld
        >>> len(ld.datasets.load_digits().only([0, 1]))
        360
        """
        chosen = wanted(labels, self.labels, "labels")
        return self._rows(np.flatnonzero(np.isin(self.labels, chosen)))

    def classes(self, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
        """Two labels as the two classes of a perceptron.

        Parameters
        ----------
        first
            The label that becomes y = +1: the class whose mean comes first in `ld.GaussianClassification`.
        second
            The label that becomes y = -1.

        Returns
        -------
        X, y
            Shapes (count, pixels) and (count,): the images with one of the two labels, in their order, and +-1.0.

        Raises
        ------
        InputError
            When a label is not there, or both are the same.

        Examples
        --------
        >>> import learndyn as ld
        >>> X, y = ld.datasets.load_digits().classes(1, 0)
        >>> y[:4].tolist()
        [-1.0, 1.0, -1.0, 1.0]
        """
        chosen = wanted((first, second), self.labels, "first, second")
        if len(chosen) < 2:
            raise InputError(
                f"Arguments `first` and `second` must be two labels, but both are {shown(first)}. Name the two classes."
            )
        two = self.only(chosen)
        return np.array(two.images), np.where(two.labels == chosen[0], 1.0, -1.0)

    def split(self, test: float, seed: int) -> tuple[LabelledImages, LabelledImages]:
        """Two parts drawn at random: one to learn from, and one to test on.

        Parameters
        ----------
        test
            The part of the images of each label that is held back, between 0 and 1; rounded to whole images.
        seed
            Of the draw: the same seed gives the same parts.

        Returns
        -------
        training, test
            Each in the order of the whole.

        Examples
        --------
        >>> import learndyn as ld
        >>> training, test = ld.datasets.load_digits().only([0, 1]).split(0.25, seed=1)
        >>> len(training), len(test)
        (270, 90)
        """
        test = arguments.number(test, "test", above=0.0)
        if test >= 1:
            raise InputError(f"Argument `test` must lie between 0 and 1, but it is {test}. Write 0.25 for a quarter.")
        rng = np.random.default_rng(arguments.count(seed, "seed", minimum=0))
        held = np.zeros(len(self), dtype=bool)
        for label in np.unique(self.labels):
            places = np.flatnonzero(self.labels == label)
            held[rng.permutation(places)[: round(test * len(places))]] = True
        return self._rows(np.flatnonzero(~held)), self._rows(np.flatnonzero(held))

    def _rows(self, rows: np.ndarray) -> LabelledImages:
        return LabelledImages(self.images[rows], self.labels[rows], self.shape, self.name)


def wanted(labels: Any, present: np.ndarray, name: str) -> list[int]:
    """The labels asked for, each once and in their order; those that are nowhere are refused."""
    asked = list(labels) if isinstance(labels, Iterable) and not isinstance(labels, str) else [labels]
    whole = [arguments.count(label, name, minimum=0) for label in asked]
    there = sorted({int(label) for label in np.unique(present)})
    missing = [label for label in whole if label not in there]
    if missing or not whole:
        given = ", ".join(map(str, there)) or "none"
        raise InputError(
            f"Argument `{name}` must name labels among {given}, but it is {shown(labels)}. Choose from these."
        )
    return list(dict.fromkeys(whole))


def _labels(value: Any) -> np.ndarray:
    labels = arguments.array(value, "labels")
    if (labels != np.round(labels)).any():
        raise InputError(
            f"Argument `labels` must hold whole numbers, but one is {labels[labels != np.round(labels)][0]}. "
            "Number the classes: 0, 1, 2, ..."
        )
    return labels.astype(np.int64)


def rows_and_columns(shape: Any) -> tuple[int, int]:
    """The size of an image."""
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise InputError(
            f"Argument `shape` must be two numbers, rows and columns, but it is {shown(shape)}. Write (28, 28)."
        )
    return arguments.count(shape[0], "shape"), arguments.count(shape[1], "shape")
