"""Student and teacher whose sites are all alike: states that vectors have, and the equations over all K units.

States: J_i = r B_i + s sum_n B_n + p E_i + q E_0, all B and E orthonormal. The equations are written out in NumPy from
printed formulas, with nothing of the package: for erf the averages of Saad & Solla (1995), for ReLU the four equations
of the gradient flow of Straat (2018), p. 41.
"""

import numpy as np

import learndyn as ld

EPSILON = np.finfo(float).eps


def start_of(r, s, p, q, K):
    both = 2 * r * s + K * s**2 + q**2
    if K == 1:
        return ld.SymmetricStart(R=r + s, S=0.0, Q=r**2 + both + s**2 - K * s**2 + p**2, C=0.0)
    return ld.SymmetricStart(R=r + s, S=s, Q=r**2 + p**2 + both, C=both)


def random_start(K, rng):
    """A generic one, in which R, Q and the sum of the other overlaps are of order 1."""
    r, p = rng.uniform(0.1, 0.8, 2)
    return start_of(r, rng.normal() / K, p, rng.normal() / np.sqrt(K), K)


def numbers(dataset):
    """The order parameters of a dataset of alike sites, in the order of the state."""
    return np.array([dataset[name].item() for name in ("R", "S", "Q", "C") if name in dataset])


def of_full(dataset):
    """The same numbers of a dataset of the full system: one of each kind."""
    R, Q = dataset.R.values, dataset.Q.values
    return np.array([R[0, 0], Q[0, 0]] if len(R) == 1 else [R[0, 0], R[0, 1], Q[0, 0], Q[0, 1]])


def rounding(K):
    """What rounding does to a sum of (2K)^2 averages of at most 1, each of some eight operations."""
    return 8 * EPSILON * (2 * K) ** 2


def covariance(R, S, Q, C, K):
    """[[Q, R], [R^T, 1]] of (x_1, ..., x_K, y_1, ..., y_K)."""
    eye = np.eye(K)
    same, cross = C + (Q - C) * eye, S + (R - S) * eye
    return np.block([[same, cross], [cross, eye]])


def erf_averages(s, K, units):
    """<delta_1 z_b> for b in units, <delta_1^2>, <delta_1 delta_2>, eps_g: sums over all 2K units."""
    c = np.repeat([-1.0, 1.0], K)
    d = np.diag(s)
    L3 = (1 + s[0, 0]) * (1 + d) - s[0] ** 2
    first = [
        np.sum(c * 2 / np.pi / np.sqrt(L3) * (s[b] * (1 + s[0, 0]) - s[0, b] * s[0]) / (1 + s[0, 0])) for b in units
    ]
    second = [c @ erf_I4(s, 0, k) @ c for k in (0, 1)]
    I2 = 2 / np.pi * np.arcsin(s / np.sqrt(np.outer(1 + d, 1 + d)))
    return np.array(first), np.array(second), 0.5 * c @ I2 @ c


def erf_I4(s, i, k):
    """<g'(x_i) g'(x_k) g(z_p) g(z_q)> for all p, q; (2K, 2K)."""
    a, b, e = 1 + s[i, i], 1 + s[k, k], s[i, k]
    L4 = a * b - e**2
    L0 = (
        L4 * s - a * np.outer(s[k], s[k]) - b * np.outer(s[i], s[i])
        + e * (np.outer(s[i], s[k]) + np.outer(s[k], s[i]))
    )  # fmt: skip
    L1 = L4 * (1 + np.diag(s)) - a * s[k] ** 2 - b * s[i] ** 2 + 2 * e * s[i] * s[k]
    return 4 / np.pi**2 / np.sqrt(L4) * np.arcsin(L0 / np.sqrt(np.outer(L1, L1)))


def erf_drift(R, S, Q, C, K, eta, s=0.0, decay=0.0):
    """d(R, S, Q, C)/dalpha, with label noise of standard deviation s."""
    z = covariance(R, S, Q, C, K)
    (y1, y2, x1, x2), (same, other), _ = erf_averages(z, K, [K, K + 1, 0, 1])
    # <g_1' g_k'> = (2 / pi) / sqrt(L4)
    same = same + s**2 * 2 / np.pi / np.sqrt((1 + Q) ** 2 - Q**2)
    other = other + s**2 * 2 / np.pi / np.sqrt((1 + Q) ** 2 - C**2)
    return eta * np.array([y1 - decay * R, y2 - decay * S, 2 * (x1 - decay * Q), 2 * (x2 - decay * C)]) + (
        eta**2 * np.array([0.0, 0.0, same, other])
    )


def relu_gradient_flow(R, S, Q, C, K):
    """d(R, S, Q, C)/dt with t = eta alpha."""

    def A(r, t, rho):
        return r * np.sqrt(Q - rho**2) / (2 * np.pi * Q) + t * (0.25 + np.arcsin(rho / np.sqrt(Q)) / (2 * np.pi))

    def B(r, q, rho):
        return r * np.sqrt(Q**2 - q**2) / (2 * np.pi * Q) + rho * (0.25 + np.arcsin(q / Q) / (2 * np.pi))

    return np.array(
        [
            A(R, 1, R) + (K - 1) * A(R, 0, S) - R / 2 - (K - 1) * B(R, C, S),
            A(S, 1, S) + A(S, 0, R) + (K - 2) * A(S, 0, S) - S / 2 - B(S, C, R) - (K - 2) * B(S, C, S),
            2 * (A(Q, R, R) + (K - 1) * A(Q, S, S) - Q / 2 - (K - 1) * B(Q, C, C)),
            2 * (A(C, S, R) + A(C, R, S) + (K - 2) * A(C, S, S) - C / 2 - B(C, C, Q) - (K - 2) * B(C, C, C)),
        ]
    )
