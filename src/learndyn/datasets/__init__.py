"""Real data for the scenarios that learn from it: images with labels, and what a bank of filters makes of them.

    load_digits      1797 digits of 8 x 8 pixels, from scikit-learn: always at hand
    load_mnist       70 000 digits of 28 x 28 pixels, from the four original files in a folder of yours
    gabor_features   the magnitudes of a bank of Gabor filters, sampled on a grid
    read_idx         any file in the format of those four

Nothing is bundled here and nothing is downloaded: `load_mnist` says where the files come from when they are missing.

>>> import learndyn as ld
>>> digits = ld.datasets.load_digits()
>>> X, y = digits.classes(1, 0)  # y = +1 for a one, -1 for a zero
>>> X.shape, int((y == 1).sum()), int((y == -1).sum())
((360, 64), 182, 178)
"""

from __future__ import annotations

from learndyn.datasets.digits import load_digits
from learndyn.datasets.gabor import gabor_bank, gabor_features
from learndyn.datasets.idx import read_idx
from learndyn.datasets.images import LabelledImages
from learndyn.datasets.mnist import load_mnist

__all__ = ["LabelledImages", "gabor_bank", "gabor_features", "load_digits", "load_mnist", "read_idx"]
