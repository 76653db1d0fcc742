"""What is read off the weights of a perceptron, in NumPy and in JAX.

alignment = d . w / (|d| |w|),  d = (mu_+ - mu_-) / 2      accuracy = sum_y p_y Phi(y mu_y . w / sqrt(w^T Sigma_y w))
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.gaussian.normal import FAR, INVERSE_SQRT_2
from learndyn.scenarios.covariance import Covariance, times


def alignment(W: Any, means: Any, xp: Any) -> Any:
    """Cosine of w (..., n) and the difference of the class means; 0 for w = 0."""
    direction = (means[0] - means[1]) / 2.0
    length = xp.sqrt((W**2).sum(-1) * (direction**2).sum())
    return xp.where(length > 0.0, W @ direction / xp.where(length > 0.0, length, 1.0), 0.0)


def fields(W: np.ndarray, means: np.ndarray, covariances: tuple[Covariance, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of h = w . x in each class, both of shape (2, ...), for w (..., n)."""
    m = np.stack([W @ mean for mean in means])
    v = np.stack([(W * times(each.numbers(), W, np)).sum(-1) for each in covariances])
    return m, np.maximum(np.broadcast_to(v, m.shape), 0.0)


def accuracy(m: Any, v: Any, prior: Any, xp: Any) -> Any:
    """Probability that the sign of h is the label; half where h = 0 for sure."""
    total = 0.0
    for index, (y, share) in enumerate(((1.0, prior), (-1.0, 1.0 - prior))):
        # m / sqrt(v), held where it is certain.
        z = y * m[index] / xp.maximum(xp.sqrt(v[index]), xp.abs(m[index]) / FAR + 1e-300)
        total = total + share * (0.5 + 0.5 * xp.erf(INVERSE_SQRT_2 * z))
    return total
