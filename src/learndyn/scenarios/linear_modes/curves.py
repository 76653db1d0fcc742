"""The strength of a mode as a function of time, in closed form.

    depth 1                tau du/dt = s - (beta + lambda) u
    depth 2, w_1^2 = w_2^2     tau du/dt = 2 |u| (s - beta u) - 2 lambda u
    depth 2, lambda = 0    tau du/dt = (s - beta u) sqrt(c^2 + 4 u^2),   c = w_2^2 - w_1^2 is conserved

Times are in units of tau; all arguments broadcast. Exponentials are of negative numbers alone: nothing overflows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Where there is neither strength nor imbalance, and the exponential has underflown: 0 / 0 is 0.
SMALLEST = np.finfo(float).tiny


def one_layer(u0: Any, t: Any, s: Any, beta: Any, decay: Any) -> np.ndarray:
    """u(t) = u0 e^{-b t} + s (1 - e^{-b t}) / b,  b = beta + lambda."""
    b = np.asarray(beta + decay)
    E, gain = _exponentials(b, t)
    return u0 * E + s * gain


def balanced(u0: Any, t: Any, s: Any, beta: Any, decay: Any) -> np.ndarray:
    """|u|(t) = a E / (beta (E - 1) + a / |u0|),  E = e^{2 a t},  a = sign(u0) s - lambda; u keeps its sign.

    Pretorius (2017), weight decay (beta = 1, u0 > 0). A negative strength decays: the way to s leads through u = 0,
    where both weights are zero.
    """
    u0 = np.asarray(u0, dtype=float)
    size, a = np.abs(u0), np.sign(u0) * s - decay
    E, gain = _exponentials(2.0 * np.abs(a), t)
    # Multiplied through by e^{-2 a t} where a >= 0; the gain times 2 is (1 - e^{-2 |a| t}) / |a|.
    grows = a >= 0.0
    numerator = u0 if grows.all() else np.where(grows, u0, u0 * E)
    gain *= 2.0 * beta * size
    gain += E if grows.all() else np.where(grows, E, 1.0)
    return numerator / np.maximum(gain, SMALLEST)


def unbalanced(u0: Any, c: Any, t: Any, s: Any, beta: Any) -> np.ndarray:
    """u(t) = (u0 + s P) / (1 + beta P),  P = S sinh(2 f t) / (2 f) + k (sinh(f t) / f)^2, for any c.

    S = sqrt(c^2 + 4 u0^2),  k = beta c^2 / 2 + 2 u0 s,  f = sqrt(s^2 + beta^2 c^2 / 4). It is the one-mode case of the
    matrix Riccati solution, and t(u) of Saxe, McClelland & Ganguli (2014) inverted.
    """
    f, plus, minus = ends(np.asarray(u0, dtype=float), c, s, beta)
    E, gain = _exponentials(2.0 * f, t)
    PE = 0.5 * gain * (plus + minus * E)  # P e^{-2 f t}
    return (u0 * E + s * PE) / np.maximum(E + beta * PE, SMALLEST)


def _exponentials(rate: Any, t: Any) -> tuple[np.ndarray, np.ndarray]:
    """E = e^{-rate t} and (1 - E) / rate, which is t where the rate is 0."""
    x = np.asarray(rate * np.asarray(t, dtype=float))
    E = np.exp(-x)
    gain = np.asarray(1.0 - E)
    # Where digits cancel. (expm1 takes ten times as long as exp.)
    near = x < 0.5
    gain[near] = -np.expm1(-x[near])
    gain /= np.where(rate > 0.0, rate, 1.0)
    if not np.all(rate > 0.0):
        gain = np.where(rate > 0.0, gain, t)
    return E, gain


def ends(u0: np.ndarray, c: Any, s: Any, beta: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """f, S + kappa and S - kappa with kappa = k / f.

    P = sinh(f t) [(S + kappa) e^{f t} + (S - kappa) e^{-f t}] / (2 f). They are twice the squared components of
    (w_1, w_2) along the growing and the shrinking direction. The smaller of them follows from
    (S + kappa)(S - kappa) = c^2 (s - beta u0)^2 / f^2, which does not cancel.
    """
    f, S = np.hypot(s, beta * c / 2.0), np.hypot(c, 2.0 * u0)
    safe = np.where(f > 0.0, f, 1.0)
    kappa = (beta * c * c / 2.0 + 2.0 * u0 * s) / safe
    larger = S + np.abs(kappa)
    smaller = (c * (s - beta * u0) / safe) ** 2 / np.where(larger > 0.0, larger, 1.0)
    smaller = np.where(f > 0.0, smaller, S)
    return f, np.where(kappa >= 0.0, larger, smaller), np.where(kappa >= 0.0, smaller, larger)


# From u and c to the weights.


def weights_of(u: np.ndarray, c: Any, signs: tuple[Any, Any] = (None, 1.0)) -> tuple[np.ndarray, np.ndarray]:
    """(w_1, w_2) with w_1 w_2 = u and w_2^2 - w_1^2 = c; ``signs`` are those at the start.

    The weight that is larger in size never passes through zero; with c = 0 neither does.
    """
    first, second = signs
    first = np.sign(u) * second + (u == 0.0) if first is None else first
    larger = np.sqrt((np.hypot(c, 2.0 * u) + np.abs(c)) / 2.0)
    smaller = np.abs(u) / np.where(larger > 0.0, larger, 1.0)
    # With the sign of the larger one, the other has that of u times it.
    w_1 = np.where(c < 0.0, first * larger, np.sign(u) * second * smaller)
    w_2 = np.where(c < 0.0, np.sign(u) * first * smaller, second * larger)
    return np.where(c == 0.0, first * larger, w_1), np.where(c == 0.0, second * larger, w_2)
