"""The standard normal distribution in NumPy or JAX (`xp`), and mean values in units of their standard deviation.

    pdf(h) = exp(-h^2 / 2) / sqrt(2 pi),   cdf(h) = [1 + erf(h / sqrt 2)] / 2

`None` stands for h = 0 where there are no biases: the constants then need no evaluation.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

INVERSE_SQRT_2 = 1.0 / sqrt(2.0)
INVERSE_SQRT_2_PI = 1.0 / sqrt(2.0 * pi)
# Beyond this many standard deviations the distribution is 0 or 1 to the smallest number that float64 has.
FAR = 40.0


def pdf(h: Any, xp: Any) -> Any:
    """The density at h."""
    return INVERSE_SQRT_2_PI if h is None else INVERSE_SQRT_2_PI * xp.exp(-0.5 * h * h)


def cdf(h: Any, xp: Any) -> Any:
    """P(u < h), to 1e-16 absolute."""
    return 0.5 if h is None else 0.5 + 0.5 * xp.erf(INVERSE_SQRT_2 * h)


def standardised(m: Any, sigma: Any, xp: Any) -> Any:
    """m / sigma, held to [-FAR, FAR]; 0 where m = sigma = 0. A quotient that is held has the derivative 0."""
    return None if m is None else xp.ratio(m, xp.maximum(sigma, xp.abs(m) / FAR))


def positive_part(m: Any, sigma: Any, xp: Any) -> Any:
    """<x_+> = m cdf(m / sigma) + sigma pdf(m / sigma) for x of mean m and standard deviation sigma."""
    h = standardised(m, sigma, xp)
    return (0.0 if m is None else m * cdf(h, xp)) + sigma * pdf(h, xp)
