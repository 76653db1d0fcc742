"""The Gabor bank against its formula in plain Python, and the features against a literal correlation and Fourier's."""

import cmath
import math

import numpy as np
import pytest
from scipy.ndimage import correlate

from learndyn.datasets import gabor, gabor_bank, gabor_features
from learndyn.errors import InputError

# A response is a sum of at most 39 x 39 products, each of them and each entry of a filter rounded: 1521 relative errors
# of 2^-52 at the very most, of the sum of the magnitudes |image h| <= sum |h|.
ROUNDING = 1521 * 2.0**-52


def literal(u, v, orientations, x, y):
    """One entry of a filter, x rows and y columns from its centre: equation at the head of the module."""
    f, theta = 0.25 / math.sqrt(2) ** u, v * math.pi / orientations
    along = x * math.cos(theta) + y * math.sin(theta)
    across = -x * math.sin(theta) + y * math.cos(theta)
    # pi gamma eta = 2 pi; f^2 / gamma^2 = f^2 / 2
    return f**2 / (2 * math.pi) * cmath.exp(-(f**2) / 2 * (along**2 + across**2) + 2j * math.pi * f * along)


def test_the_bank():
    bank = gabor_bank(3, 4, 7)
    assert bank.shape == (3, 4, 7, 7)
    expected = [literal(u, v, 4, x, y) for u in range(3) for v in range(4) for x in range(-3, 4) for y in range(-3, 4)]
    # Numbers below 0.01, some ten roundings each.
    np.testing.assert_allclose(bank.ravel(), expected, rtol=0, atol=0.01 * 10 * 2.0**-52)


def test_the_default_bank_has_the_mass_of_its_gaussian():
    """The integral of the envelope over the plane is 1; the finest filters fit into 39 x 39 pixels."""
    bank = gabor_bank()
    # The trapezoidal sum of a Gaussian of standard deviation s = 1/f is exact to 2 exp(-2 pi^2 s^2) < 1e-130, and what
    # lies beyond 19.5 pixels is below erfc(19.5 f / sqrt 2) in each direction: f = 1/4.
    np.testing.assert_allclose(np.abs(bank[0]).sum((-1, -2)), 1, atol=2 * math.erfc(19.5 / 4 / math.sqrt(2)))


@pytest.mark.parametrize(
    ("shape", "step", "size"), [((28, 28), 5, 39), ((8, 8), 2, 9), ((7, 10), 3, 5), ((5, 4), 1, 39)]
)
def test_two_sources(monkeypatch, shape, step, size):
    """A correlation with zeros outside the image, by SciPy's ndimage, filter by filter; then by Fourier transforms."""
    rng = np.random.default_rng(7)
    images = rng.uniform(0, 1, (3, math.prod(shape)))
    options = {"scales": 2, "orientations": 3, "size": size, "step": step}
    found = gabor_features(images, shape, normalise=False, **options)
    bank = gabor_bank(2, 3, size).reshape(-1, size, size)
    expected = [
        [
            np.hypot(
                correlate(image, kernel.real, mode="constant")[::step, ::step],
                correlate(image, kernel.imag, mode="constant")[::step, ::step],
            ).ravel()
            for kernel in bank
        ]
        for image in images.reshape(-1, *shape)
    ]
    tolerance = 2 * ROUNDING * np.abs(bank).sum((1, 2)).max()
    np.testing.assert_allclose(found, np.reshape(expected, (3, -1)), rtol=0, atol=tolerance)
    monkeypatch.setattr(gabor, "LARGEST_MATRIX", 0)
    # A Fourier transform of n points is good to some log2(n) 2^-52 of the norm of the image, below 28 here.
    by_fourier = gabor_features(images, shape, normalise=False, **options)
    np.testing.assert_allclose(by_fourier, found, rtol=0, atol=tolerance)


def test_blocks_do_not_matter(monkeypatch):
    images = np.random.default_rng(2).uniform(0, 1, (7, 64))
    whole = gabor_features(images, (8, 8), size=9, step=2, normalise=False)
    monkeypatch.setattr(gabor, "BLOCK", 3)
    parts = gabor_features(images, (8, 8), size=9, step=2, normalise=False)
    # Sums of 64 products, perhaps in another order; the sum of |image h| is below 1.
    np.testing.assert_allclose(parts, whole, rtol=0, atol=64 * 2.0**-52)


def test_there_are_1440():
    images = np.random.default_rng(3).uniform(0, 1, (2, 784))
    features = gabor_features(images, (28, 28))
    assert features.shape == (2, 1440)
    responses = features.reshape(2, 40, 36)
    # Mean 0 and variance 1 in each image and filter: 36 numbers of order one, a few roundings each.
    np.testing.assert_allclose(responses.mean(-1), 0, atol=100 * 2.0**-52)
    np.testing.assert_allclose((responses**2).mean(-1), 1, atol=100 * 2.0**-52)
    plain = gabor_features(images, (28, 28), normalise=False).reshape(2, 40, 36)
    spread = plain.std(-1, keepdims=True)
    np.testing.assert_allclose(responses * spread + plain.mean(-1, keepdims=True), plain, atol=100 * 2.0**-52)


def test_an_empty_image_has_no_features():
    assert not gabor_features(np.zeros((1, 64)), (8, 8), size=9, step=2).any()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"shape": (8, 7)}, r"`images` must have shape \(count, 56\) for images of 8 x 7 pixels"),
        ({"shape": 8}, "`shape` must be two numbers, rows and columns, but it is 8"),
        ({"shape": (8, 8, 1)}, "`shape` must be two numbers, rows and columns"),
        ({"shape": (8, -8)}, "`shape` must be a whole number of at least 1"),
        ({"images": np.full((1, 64), np.nan)}, "`images` must be finite"),
        ({"size": 4}, "`size` must be odd, so that a filter has a centre, but it is 4. Take 5."),
        ({"step": 0}, "`step` must be a whole number of at least 1"),
        ({"scales": 0}, "`scales` must be a whole number of at least 1"),
        ({"orientations": 2.5}, "`orientations` must be a whole number"),
    ],
)
def test_bad_requests_are_refused(change, sentence):
    arguments = {"images": np.zeros((1, 64)), "shape": (8, 8)} | change
    with pytest.raises(InputError, match=sentence):
        gabor_features(arguments.pop("images"), arguments.pop("shape"), **arguments)
