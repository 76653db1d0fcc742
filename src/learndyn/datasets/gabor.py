r"""The magnitudes of a bank of Gabor filters: what cells of the visual cortex, or a first layer, make of an image.

    f_u = f_max / sqrt(2)^u,  theta_v = v pi / V,   u = 0, ..., U - 1,  v = 0, ..., V - 1
    x' =  x cos theta_v + y sin theta_v            x counts rows and y columns from the centre of the filter
    y' = -x sin theta_v + y cos theta_v
    h_uv(x, y) = f_u^2 / (pi gamma eta) exp(-(f_u^2 / gamma^2) x'^2 - (f_u^2 / eta^2) y'^2) exp(2 pi i f_u x')

with f_max = 1/4 and gamma = eta = sqrt 2. The features are |sum_ab image(r + a, c + b) h_uv(a, b)| at every `step`-th
row r and column c, where the image is zero outside [Haghighat, Zonouz & Abdel-Mottaleb 2015].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from learndyn import arguments
from learndyn.datasets.images import rows_and_columns
from learndyn.errors import InputError

LARGEST_FREQUENCY = 0.25
GAMMA = ETA = np.sqrt(2.0)

# Images that are filtered at a time.
BLOCK = 1024
# Bytes of the matrix of a whole bank, up to which it is made: it is the fastest way for small images.
LARGEST_MATRIX = 2**28


def gabor_bank(scales: int = 5, orientations: int = 8, size: int = 39) -> np.ndarray:
    """The filters h_uv of the head of this module.

    Parameters
    ----------
    scales
        U, the number of frequencies f_u = (1/4) / sqrt(2)^u, in periods a pixel.
    orientations
        V, the number of angles theta_v = v pi / V.
    size
        Rows and columns of a filter, an odd number.

    Returns
    -------
    numpy.ndarray
        Shape (scales, orientations, size, size), complex128.

    Raises
    ------
    InputError
        When `size` is even: such a filter has no centre.

    References
    ----------
    Haghighat, Zonouz & Abdel-Mottaleb: CloudID, Expert Systems with Applications 42, 7905 (2015).

    Examples
    --------
    >>> import learndyn as ld
    >>> bank = ld.datasets.gabor_bank()
    >>> bank.shape, complex(bank[0, 0, 19, 19].round(6))  # in the centre f_max^2 / (2 pi)
    ((5, 8, 39, 39), (0.009947+0j))
    """
    scales = arguments.count(scales, "scales")
    orientations = arguments.count(orientations, "orientations")
    size = arguments.count(size, "size")
    if size % 2 == 0:
        raise InputError(
            f"Argument `size` must be odd, so that a filter has a centre, but it is {size}. Take {size + 1}."
        )
    f = LARGEST_FREQUENCY / np.sqrt(2.0) ** np.arange(scales)[:, None, None, None]
    theta = np.arange(orientations)[:, None, None] * np.pi / orientations
    from_centre = np.arange(size) - (size - 1) / 2
    x, y = from_centre[:, None], from_centre[None, :]
    along = x * np.cos(theta) + y * np.sin(theta)
    across = -x * np.sin(theta) + y * np.cos(theta)
    envelope = np.exp(-((f / GAMMA * along) ** 2) - (f / ETA * across) ** 2)
    return f**2 / (np.pi * GAMMA * ETA) * envelope * np.exp(2j * np.pi * f * along)


def gabor_features(
    images: Any,
    shape: tuple[int, int],
    *,
    scales: int = 5,
    orientations: int = 8,
    size: int = 39,
    step: int = 5,
    normalise: bool = True,
) -> np.ndarray:
    """What a bank of Gabor filters makes of images: magnitudes of the responses on a grid of every `step`-th pixel.

    Parameters
    ----------
    images
        Shape (count, pixels).
    shape
        Rows and columns of an image.
    scales, orientations, size
        The bank: see `gabor_bank`.
    step
        Every how many-th row and column is kept, from the first on.
    normalise
        Shift and scale the kept magnitudes of each image and filter to mean 0 and variance 1, as the authors' program
        does. A response that is the same everywhere (of an empty image) becomes 0.

    Returns
    -------
    numpy.ndarray
        Shape (count, scales x orientations x kept rows x kept columns), float64: scale by scale, orientation by
        orientation, row by row. An image of 28 x 28 pixels has 5 x 8 x 6 x 6 = 1440 features by default.

    Raises
    ------
    InputError
        When the shapes do not fit, or a pixel is NaN.

    Notes
    -----
    Cost: for small images one matrix product, 0.2 ms an image of 28 x 28 pixels; where that matrix would exceed 256 MB,
    a Fourier transform for each image and filter.

    The program of Haghighat et al. takes the factors of downsampling as arguments, and its example has 4, which gives
    1960 features of a 28 x 28 image. The 1440 of Schmid & Murray (2024) are 40 x 36: a grid of 6 x 6, `step` 5.

    References
    ----------
    Haghighat, Zonouz & Abdel-Mottaleb: CloudID, Expert Systems with Applications 42, 7905 (2015).

    Examples
    --------
    >>> import learndyn as ld
    >>> digits = ld.datasets.load_digits([0, 1])
    >>> ld.datasets.gabor_features(digits.images, digits.shape, size=9, step=2).shape  # 40 filters, a grid of 4 x 4
    (360, 640)
    """
    images = arguments.array(images, "images")
    rows, columns = rows_and_columns(shape)
    if images.ndim != 2 or images.shape[1] != rows * columns:
        raise InputError(
            f"Argument `images` must have shape (count, {rows * columns}) for images of {rows} x {columns} pixels, but "
            f"it has shape {images.shape}. Reshape it: images.reshape(len(images), -1)."
        )
    bank = gabor_bank(scales, orientations, size).reshape(-1, size, size)
    step = arguments.count(step, "step")
    kept = len(range(0, rows, step)) * len(range(0, columns, step))
    features = np.empty((len(images), len(bank), kept))
    by = _by_matrix if 16 * len(bank) * kept * rows * columns <= LARGEST_MATRIX else _by_fourier
    for first, responses in by(images, (rows, columns), bank, step):
        features[first : first + len(responses)] = np.abs(responses)
    if normalise:
        _normalise(features)
    return features.reshape(len(images), -1)


def _by_matrix(
    images: np.ndarray, shape: tuple[int, int], bank: np.ndarray, step: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Responses (images of a block, filters, kept), as the product of the images and one matrix of the bank.

    The response at (r, c) takes the pixel (p, q) with the entry (p - r, q - c) of the filter, counted from its centre.
    """
    rows, columns = shape
    half = bank.shape[-1] // 2
    beyond = max(rows, columns)
    # Zeros around the filters: where a pixel lies outside of what a filter sees.
    padded = np.pad(bank, ((0, 0), (beyond, beyond), (beyond, beyond)))
    along = half + beyond + np.arange(rows)[:, None] - np.arange(0, rows, step)
    across = half + beyond + np.arange(columns)[:, None] - np.arange(0, columns, step)
    # (filters, rows, columns, kept rows, kept columns) -> (pixels, filters x kept)
    matrix = padded[:, along[:, None, :, None], across[None, :, None, :]]
    matrix = np.moveaxis(matrix, 0, 2).reshape(rows * columns, -1)
    real, imaginary = np.real(matrix), np.imag(matrix)
    for first in range(0, len(images), BLOCK):
        block = images[first : first + BLOCK]
        responses = block @ real + 1j * (block @ imaginary)
        yield first, responses.reshape(len(block), len(bank), -1)


def _by_fourier(
    images: np.ndarray, shape: tuple[int, int], bank: np.ndarray, step: int
) -> Iterator[tuple[int, np.ndarray]]:
    """The same by Fourier transforms, for images whose matrix would be too large."""
    from scipy.signal import fftconvolve

    block_size = max(1, BLOCK * 28 * 28 // (shape[0] * shape[1]))
    for first in range(0, len(images), block_size):
        block = images[first : first + block_size].reshape(-1, *shape)
        responses = [
            fftconvolve(block, kernel[None, ::-1, ::-1], mode="same", axes=(1, 2))[:, ::step, ::step].reshape(
                len(block), -1
            )
            for kernel in bank
        ]
        yield first, np.stack(responses, axis=1)


def _normalise(features: np.ndarray) -> None:
    """Mean 0 and variance 1 along the last axis, in place."""
    features -= features.mean(axis=-1, keepdims=True)
    spread = features.std(axis=-1, keepdims=True)
    features /= np.where(spread > 0, spread, 1.0)
