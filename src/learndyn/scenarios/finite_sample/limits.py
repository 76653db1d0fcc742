"""Closed forms without a quadrature: where errors end, and the weight decay that makes them smallest.

The mean of 1 / (lambda + gamma) over Marchenko & Pastur's law of aspect a (its Stieltjes transform at -gamma) is

    m(gamma) = [r - (1 - a + gamma)] / (2 a gamma),   r = sqrt((1 - a + gamma)^2 + 4 a gamma)

and all that ridge regression needs follows from m and its derivative:

    eps_g = [S^2 <gamma^2 / (lambda + gamma)^2> + sigma^2 a <lambda / (lambda + gamma)^2>] / 2

Without decay eps_g ends at sigma^2 a / (2 (1 - a)) where a < 1; where a > 1 at sigma^2 / (2 (a - 1)) plus what is
never learned, (S^2 + L^2) (1 - 1/a) / 2; and it grows without bound at a = 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Averages(NamedTuple):
    """Averages over the law at gamma > 0."""

    share: float  # <lambda / (lambda + gamma)>
    kernel: float  # <lambda / (lambda + gamma)^2>
    left: float  # <gamma^2 / (lambda + gamma)^2> over n directions of inputs
    unfitted: float  # the same over p directions of examples: 1 - a + a left


def averages(aspect: float, decay: float) -> Averages:
    """The averages in forms in which nothing cancels.

    a gamma m^2 + (1 - a + gamma) m = 1, so that with s = <lambda / (lambda + gamma)> = m (1 - a + a gamma m),
    |m'| = (1 + a m) m / r and <lambda / (lambda + gamma)^2> = s / r. Above a = 1 the eigenvalues above 0 are those of
    X^T X / p, a times as large as in the law of aspect 1 / a, and inputs and examples change places.
    """
    if aspect <= 1.0:
        return _at_most_one(aspect, 1.0 - aspect, decay)
    other = _at_most_one(1.0 / aspect, (aspect - 1.0) / aspect, decay / aspect)
    return Averages(other.share / aspect, other.kernel / aspect**2, other.unfitted, other.left)


def _at_most_one(aspect: float, gap: float, decay: float) -> Averages:
    """The averages where a <= 1, with gap = 1 - a."""
    root = math.hypot(gap + decay, 2.0 * math.sqrt(aspect * decay))
    m = 2.0 / (root + gap + decay)
    share = m * (gap + aspect * decay * m)
    left = decay**2 * (1.0 + aspect * m) * m / root
    return Averages(share, share / root, left, gap + aspect * left)


def ridge(aspect: float, signal: float, noise: float, decay: float) -> dict[str, float]:
    """Errors at the end of learning with weight decay above 0, where the start is forgotten."""
    S, V = signal**2, noise**2
    share, kernel, left, unfitted = averages(aspect, decay)
    eps_g = 0.5 * (S * left + V * aspect * kernel)
    train = 0.5 * (S * decay**2 * kernel + V * unfitted)
    # <lambda^2 / (lambda + gamma)^2> = s - gamma <lambda / (lambda + gamma)^2> = s (r - gamma) / r.
    squared_gap = (1.0 - aspect) ** 2 + 2.0 * decay * (1.0 + aspect)  # r^2 - gamma^2
    root = math.hypot(1.0 - aspect + decay, 2.0 * math.sqrt(aspect * decay))
    Q = S * share * squared_gap / (root * (root + decay)) + V * aspect * kernel
    return _labelled(eps_g, train, S * share, Q, V)


def unregularised(aspect: float, signal: float, noise: float, length: float) -> dict[str, float]:
    """Errors at the end of learning without decay: least squares, and in unseen directions the start."""
    S, V, L = signal**2, noise**2, length**2
    unseen = max(1.0 - 1.0 / aspect, 0.0)
    if V == 0.0:
        fit = 0.0
    elif aspect == 1.0:
        fit = math.inf
    else:
        fit = V * (aspect / (1.0 - aspect) if aspect < 1.0 else 1.0 / (aspect - 1.0))
    R = S * (1.0 - unseen)
    return _labelled(0.5 * ((S + L) * unseen + fit), 0.5 * V * max(1.0 - aspect, 0.0), R, R + L * unseen + fit, V)


def _labelled(eps_g: float, train: float, R: float, Q: float, V: float) -> dict[str, float]:
    return {"eps_g": eps_g, "test_error": eps_g + 0.5 * V, "train_error": train, "R": R, "Q": Q}


def best_ridge(aspect: float, signal: float, noise: float) -> float:
    """The weight decay at which ridge regression's eps_g is smallest: a sigma^2 / S^2, in every direction at once.

    (S^2 gamma^2 + sigma^2 a lambda) / (lambda + gamma)^2 has its minimum over gamma there whatever lambda is. Infinite
    where there is no signal.
    """
    if noise == 0.0:
        return 0.0
    return math.inf if signal == 0.0 else aspect * noise**2 / signal**2
