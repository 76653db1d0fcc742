"""Eigenvalues of the sample correlation X X^T / p and their weights: all that averages over rule and noise depend on.

For p examples of n independent inputs of variance 1, n and p to infinity at n / p = a, Marchenko & Pastur's density is

    rho(lambda) = sqrt((lambda_+ - lambda) (lambda - lambda_-)) / (2 pi a lambda),   lambda_+- = (1 +- sqrt a)^2

and, where a > 1, a point mass 1 - 1/a at 0: directions that no example has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# Gauss-Legendre nodes of a panel, and the most panels: the last one ends at pi / 2^MOST_PANELS = 3e-12.
NODES, MOST_PANELS = 16, 40
# Panels go so far below the angle at which the lower edge begins to be felt.
BELOW_EDGE = 16.0


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues (k,), increasing, and their weights (k,), whose sum is 1: the average of f is weights @ f."""

    eigenvalues: np.ndarray
    weights: np.ndarray

    @property
    def seen(self) -> float:
        """Weight of the eigenvalues above 0."""
        return float(self.weights[self.eigenvalues > 0.0].sum())


@lru_cache(maxsize=64)
def marchenko_pastur(aspect: float) -> Spectrum:
    """A quadrature of Marchenko & Pastur's law for n / p = aspect, with the point mass at 0 as an eigenvalue.

    With lambda = (1 - sqrt a)^2 + 4 sqrt a sin^2(phi / 2), phi in [0, pi],

        rho dlambda = (2 / pi) sin^2 phi / lambda dphi

    has no singular edge left; what remains are poles of 1 / lambda at sinh(|Im phi| / 2) = |1 - sqrt a| / (2 a^(1/4)),
    near the real axis where a is near 1. Panels [h, 2h] towards phi = 0, each half as long as the one before, keep
    these at a distance of three half-lengths from the centre of a panel, and so they do with the scale 1 / sqrt t of
    exp(-lambda t): the error of 16 Gauss-Legendre nodes is of the order (3 + sqrt 8)^-32 = 3e-25 of the integrand,
    below rounding.
    """
    root = np.sqrt(aspect)
    gap = abs(1.0 - aspect) / (1.0 + root)  # |1 - sqrt a| without cancellation
    edge = gap / np.sqrt(root)
    panels = MOST_PANELS if edge == 0.0 else int(np.ceil(np.log2(BELOW_EDGE * np.pi / edge)))
    panels = min(max(panels, 2), MOST_PANELS)
    ends = np.concatenate([[0.0], np.pi * 2.0 ** np.arange(-panels, 1)])
    x, w = np.polynomial.legendre.leggauss(NODES)
    half = np.diff(ends) / 2.0
    phi = (ends[:-1] + half)[:, None] + half[:, None] * x
    # Angles beyond pi / 2 through the other edge: sin^2 phi = 4 sin^2(phi/2) cos^2(phi/2) is exact at both.
    sine, cosine = np.sin(phi / 2.0) ** 2, np.cos(phi / 2.0) ** 2
    eigenvalues = gap**2 + 4.0 * root * sine
    weights = (2.0 / np.pi) * (half[:, None] * w) * 4.0 * sine * cosine / eigenvalues
    eigenvalues, weights = eigenvalues.ravel(), weights.ravel()
    if aspect > 1.0:
        eigenvalues = np.concatenate([[0.0], eigenvalues])
        weights = np.concatenate([[(aspect - 1.0) / aspect], weights])
    return Spectrum(eigenvalues, weights)


def of_eigenvalues(eigenvalues: np.ndarray) -> Spectrum:
    """The spectrum of one data set, n eigenvalues of weight 1 / n; what is 0 up to rounding is 0."""
    n = len(eigenvalues)
    ordered = np.sort(eigenvalues)
    rounding = n * np.finfo(float).eps * max(float(ordered[-1]), 0.0)
    return Spectrum(np.where(ordered <= rounding, 0.0, ordered), np.full(n, 1.0 / n))
