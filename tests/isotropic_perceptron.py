"""The perceptron between classes N(+-mu, sigma^2 I), |mu| = 1, as Schmid & Murray print it: a program of its own.

p = mu . w, q = |w|^2; equations (18), (19) for SL, (22), (23) for RL, with the weight decay added; and the general mean
update (15) for two inputs. SciPy throughout; nothing of learndyn.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import erf, ndtr, owens_t

U = np.sqrt(np.pi / 8)


def phi(z):
    """The shifted error function."""
    return ndtr(U * z)


def d_phi(z):
    """Its derivative."""
    return U * np.exp(-((U * z) ** 2) / 2) / np.sqrt(2 * np.pi)


def drift(rule, p, q, sigma, decay=0.0):
    """dp/dt and dq/dt."""
    V = 1 + sigma**2 * U**2 * q
    z, k = U * p / np.sqrt(V), 1 / np.sqrt(1 + 2 * sigma**2 * U**2 * q)
    bump = np.exp(-(z**2) / 2)
    if rule == "SL":
        dp = ndtr(-z) - sigma**2 * U * p / np.sqrt(2 * np.pi * V) * bump
        dq = 2 * p * ndtr(-z) - sigma**2 * q / (2 * np.sqrt(V)) * bump
    else:
        push = 2 * sigma**2 * U / np.sqrt(2 * np.pi * V) * bump * erf(z * k / np.sqrt(2))
        dp = 4 * owens_t(z, k) - push * p
        dq = 8 * p * owens_t(z, k) - 2 * push * q
    return dp - decay * p, dq - 2 * decay * q


def integrated(rule, sigma, times, p=0.0, q=1.0, decay=0.0):
    """p and q at increasing times above 0, (2, len(times))."""
    run = solve_ivp(
        lambda t, state: drift(rule, state[0], state[1], sigma, decay), (0, times[-1]), [p, q],
        method="DOP853", rtol=1e-11, atol=1e-13, t_eval=times,
    )  # fmt: skip
    return run.y


def general_drift(w, mu, variances, decay=0.0):
    """Equation (15) for means +-mu and one diagonal covariance; w of shape (..., n)."""
    w = np.asarray(w, dtype=float)
    a = U * (w @ mu)
    b2 = U**2 * (w**2 * variances).sum(-1)
    z = a / np.sqrt(1 + b2)
    X = U * w * variances * (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi * (1 + b2)))[..., None]
    return mu * ndtr(-z)[..., None] - X - decay * w


def general_path(start, mu, variances, times, decay=0.0):
    """Weights at increasing times above 0 from each of the starts (m, n): (len(times), m, n)."""
    start = np.atleast_2d(start)
    run = solve_ivp(
        lambda t, w: general_drift(w.reshape(start.shape), mu, variances, decay).ravel(), (0, times[-1]), start.ravel(),
        method="DOP853", rtol=1e-10, atol=1e-12, t_eval=times,
    )  # fmt: skip
    return np.moveaxis(run.y.reshape(*start.shape, -1), -1, 0)
