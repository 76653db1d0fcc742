"""Perceptrons with label noise of variance s^2, T = 1, written out: sources that share nothing with learndyn.

Linear, E = |J - B|^2 = 1 - 2 R + Q, eps_g = E / 2: the cost of a rate depends on E alone,

    dE/dalpha = (eta^2 - 2 eta) E + eta^2 s^2 = -E^2 / (E + s^2) + (E + s^2) (eta - E / (E + s^2))^2

so that eta = E / (E + s^2) is best at each moment and for each end. It leaves z + ln z = alpha + const, z = s^2 / E:
E falls as s^2 / alpha at last, and eta as 1 / alpha.

erf [Saad & Solla 1995, K = M = 1]: sums of the averages I2, I3, I4 over c = (-1, 1).
"""

import numpy as np
from scipy.special import wrightomega


def linear_error(eta, alpha, E0, s):
    """eps_g at alpha with a constant rate."""
    rate, noise = 2 * eta - eta**2, eta * s**2 / (2 - eta)
    return 0.5 * (noise + (E0 - noise) * np.exp(-rate * alpha))


def linear_optimum(alpha, E0, s):
    """E and eta at alpha under the best schedule; wrightomega(y) solves z + ln z = y."""
    if s == 0.0:
        return E0 * np.exp(-alpha), np.ones_like(alpha)
    z0 = s**2 / E0
    z = wrightomega(alpha + z0 + np.log(z0)).real
    return s**2 / z, 1 / (1 + z)


def linear_run(rate, until, E0, s, steps=4000):
    """E at the end under any schedule rate(alpha), by classical Runge-Kutta steps."""
    h, E = until / steps, E0

    def slope(alpha, E):
        eta = rate(alpha)
        return (eta**2 - 2 * eta) * E + eta**2 * s**2

    for alpha in h * np.arange(steps):
        k1 = slope(alpha, E)
        k2 = slope(alpha + h / 2, E + h / 2 * k1)
        k3 = slope(alpha + h / 2, E + h / 2 * k2)
        k4 = slope(alpha + h, E + h * k3)
        E += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return E


def erf_error(R, Q):
    """eps_g."""
    own, cross = np.arcsin(Q / (1 + Q)), np.arcsin(R / np.sqrt(2 * (1 + Q)))
    return (own + np.pi / 6 - 2 * cross) / np.pi


def erf_drift(R, Q, eta, s):
    """dR/dalpha and dQ/dalpha."""
    teacher, student = np.sqrt(2 * (1 + Q) - R**2), np.sqrt(1 + 2 * Q)
    dR = 2 / np.pi / (1 + Q) * (((1 + Q) - R**2) / teacher - R / student)
    dQ = 4 / np.pi / (1 + Q) * (R / teacher - Q / student)
    both = 1 + 2 * Q
    lengths = {"x": both * (1 + Q) - 2 * Q**2, "y": both * 2 - 2 * R**2}
    own = np.arcsin((both * Q - 2 * Q**2) / lengths["x"])
    theirs = np.arcsin((both - 2 * R**2) / lengths["y"])
    cross = np.arcsin((both * R - 2 * Q * R) / np.sqrt(lengths["x"] * lengths["y"]))
    square = 4 / np.pi**2 / student * (own + theirs - 2 * cross) + s**2 * 2 / np.pi / student
    return eta * dR, eta * dQ + eta**2 * square


def erf_pieces(rates, until, R, Q, s, steps=60):
    """eps_g at the end of equal pieces with the rates (..., pieces), by `steps` classical Runge-Kutta steps each."""
    rates = np.asarray(rates, dtype=float)
    h = until / rates.shape[-1] / steps
    z = np.stack(np.broadcast_arrays(R, Q, rates[..., 0])[:2]).astype(float)
    for piece in range(rates.shape[-1]):
        eta = rates[..., piece]
        for _ in range(steps):
            k1 = np.stack(erf_drift(*z, eta, s))
            k2 = np.stack(erf_drift(*(z + h / 2 * k1), eta, s))
            k3 = np.stack(erf_drift(*(z + h / 2 * k2), eta, s))
            k4 = np.stack(erf_drift(*(z + h * k3), eta, s))
            z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return erf_error(*z)
