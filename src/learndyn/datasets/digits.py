"""The digits that come with scikit-learn: 1797 images of 8 x 8 pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from learndyn.datasets.images import LabelledImages
from learndyn.extras import require


def load_digits(digits: int | Iterable[int] | None = None) -> LabelledImages:
    """Handwritten digits, 8 x 8 pixels each, from scikit-learn: small, and always at hand.

    Parameters
    ----------
    digits
        Only these digits, as in ``[0, 1]``; by default all ten.

    Returns
    -------
    LabelledImages
        1797 images when all are taken, some 180 of each digit. Pixels from 0 (paper) to 1 (ink): counts of 0 to 16
        divided by 16.

    Raises
    ------
    InputError
        When scikit-learn is not installed: ``pip install "learndyn[data]"``.

    References
    ----------
    Alpaydin & Kaynak: Optical recognition of handwritten digits, UCI Machine Learning Repository (the test set).

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.datasets.load_digits([0, 1])
    LabelledImages('digits': 360 images of 8 x 8 pixels, labels 0 to 1)
    """
    require("data", "load_digits")
    from sklearn import datasets

    counts, labels = datasets.load_digits(return_X_y=True)
    every = LabelledImages(np.asarray(counts) / 16.0, np.asarray(labels), (8, 8), "digits")
    return every if digits is None else every.only(digits)
