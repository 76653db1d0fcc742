"""Two layers, white inputs E[x x^T] + sigma^2 = beta 1, W_2^T W_2 - W_1 W_1^T = c 1: the matrix solution.

With Q = [W_1^T; W_2] and F = [[-beta c / 2, Sigma^T], [Sigma, beta c / 2]] - lambda, Sigma = E[y x^T], the flow is

    tau dQ/dt = F Q - (beta / 2) Q Q^T Q     (lambda = 0, or c = 0, which then stays)

and M = Q Q^T obeys a Riccati equation, whose solution in terms of Q is, for a step from Q_0 of the length t,

    Q(t) = e^{F t} Q_0 (1 + S)^{-1/2} O,    S = beta Q_0^T (int_0^t e^{2 F s} ds) Q_0

(Fukumizu 1998; Braun, Domine, Fitzgerald & Saxe 2022; Domine et al. 2024.) The rotation O of the hidden units is not
known in closed form. W = W_2 W_1 and all of M do not depend on it; here O = 1 in each step, which is exact where the S
of all times commute, as for decoupled modes, and of second order in the step otherwise.

F is diagonal in the singular vectors of Sigma, up to 2 x 2 blocks. In one step the eigenvalues of 1 + S spread over
e^{2 f t}: long ways are made of steps with f t <= `LONGEST`, f the largest eigenvalue of F, so that a hidden layer that
is narrower than the rank of Sigma loses no digits. Where steps are short, as between the many rows of a curve, S is
small, and the root is a polynomial in it; how small follows from the norm of Q Q^T, which no solution exceeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

LONGEST = 3.0
# Roots of 1 + S are polynomials for |S| up to this: six products of matrices, half the time of a decomposition.
WIDEST = 0.5
# Where a series ends: at rho^-k below this, with coefficients that are ten times smaller.
ROUNDING = 2e-15


class Frame(NamedTuple):
    """The eigenvectors of F: singular vectors of Sigma, and a rotation in each pair of them."""

    U: np.ndarray
    V: np.ndarray
    cos: np.ndarray  # (r, 1), r = min(outputs, inputs)
    sin: np.ndarray
    rates: np.ndarray  # eigenvalues of F: r growing, r shrinking, the inputs without partner, the outputs without


def frame_of(Sigma: np.ndarray, beta: float, c: float, decay: float) -> Frame:
    """The frame of F."""
    U, s, Vt = np.linalg.svd(Sigma, full_matrices=True)
    half = beta * c / 2.0
    f, angle = np.hypot(s, half), np.arctan2(s, -half) / 2.0
    alone = [np.full(len(Vt) - len(s), -half), np.full(len(U) - len(s), half)]
    rates = np.concatenate([f, -f, *alone]) - decay
    return Frame(U, Vt.T, np.cos(angle)[:, None], np.sin(angle)[:, None], rates)


def into(frame: Frame, W_1: np.ndarray, W_2: np.ndarray) -> np.ndarray:
    """Q in the frame, (n + outputs, h)."""
    X, Y, r = frame.V.T @ W_1.T, frame.U.T @ W_2, len(frame.cos)
    growing = frame.cos * X[:r] + frame.sin * Y[:r]
    shrinking = frame.cos * Y[:r] - frame.sin * X[:r]
    return np.concatenate([growing, shrinking, X[r:], Y[r:]])


def out_of(frame: Frame, Z: np.ndarray, row: np.ndarray) -> None:
    """Fill in the flat state (W_1, W_2) of Q in the frame."""
    r, n, h = len(frame.cos), len(frame.V), Z.shape[1]
    growing, shrinking, X, Y = Z[:r], Z[r : 2 * r], Z[2 * r : r + n], Z[r + n :]
    X = np.concatenate([frame.cos * growing - frame.sin * shrinking, X])
    Y = np.concatenate([frame.sin * growing + frame.cos * shrinking, Y])
    np.matmul(X.T, frame.V.T, out=row[: h * n].reshape(h, n))
    np.matmul(frame.U, Y, out=row[h * n :].reshape(len(frame.U), h))


def step(Z: np.ndarray, rates: np.ndarray, beta: float, t: float, length: float = math.inf) -> np.ndarray:
    """Q in the frame after the time t, in units of tau; ``length`` is an upper bound on the norm of Q Q^T."""
    safe = np.where(rates == 0.0, 1.0, rates)
    gain = beta * np.where(rates == 0.0, t, np.expm1(2.0 * rates * t) / (2.0 * safe))
    growth, D = np.exp(rates * t)[:, None], np.sqrt(gain)[:, None]
    largest, weighted = length * float(gain.max()), D * Z
    if Z.shape[1] <= Z.shape[0]:
        return (growth * Z) @ _inverse_root(weighted.T @ weighted, largest)
    # Q (1 + Q^T D^2 Q)^{-1/2} = D^{-1} (1 + D Q Q^T D)^{-1/2} D Q: the smaller matrix of the two.
    return growth / D * (_inverse_root(weighted @ weighted.T, largest) @ weighted)


def _inverse_root(S: np.ndarray, largest: float) -> np.ndarray:
    """(1 + S)^{-1/2} of a positive semidefinite S whose eigenvalues are at most ``largest``."""
    if not largest <= WIDEST:
        values, vectors = np.linalg.eigh(S)
        return (vectors / np.sqrt(1.0 + np.maximum(values, 0.0))) @ vectors.T
    # One polynomial for each power of two.
    width = 2.0 ** math.ceil(math.log2(max(largest, 2.0**-60)))
    coefficients, n = _coefficients(width), len(S)
    below = coefficients.shape[1]
    powers = np.empty((below + 1, n, n))
    powers[0], powers[1] = np.eye(n), 2.0 / width * S
    powers[1].flat[:: n + 1] -= 1.0
    for k in range(2, below + 1):
        np.matmul(powers[k - 1], powers[1], out=powers[k])
    # Horner's scheme in the highest power (Paterson & Stockmeyer).
    flat = powers[:below].reshape(below, n * n)
    root = (coefficients[-1] @ flat).reshape(n, n)
    for row in coefficients[-2::-1]:
        root = root @ powers[below]
        root += (row @ flat).reshape(n, n)
    return root


@cache
def _coefficients(width: float) -> np.ndarray:
    """Of X^0, X^1, ... in (1 + x)^{-1/2}, 0 <= x <= width, X = 2 x / width - 1; in rows of one block each."""
    # The series falls as rho^-k: the ellipse through the branch point x = -1.
    rho = math.exp(math.acosh(1.0 + 2.0 / width))
    degree = max(2, math.ceil(math.log(1.0 / ROUNDING, rho)))
    angles = (np.arange(64) + 0.5) * np.pi / 64
    values = (1.0 + width * (np.cos(angles) + 1.0) / 2.0) ** -0.5
    series = np.cos(np.outer(np.arange(degree + 1), angles)) @ values / 32
    series[0] /= 2.0
    plain = chebyshev.cheb2poly(series)
    below = math.ceil(math.sqrt(len(plain)))
    return np.pad(plain, (0, -len(plain) % below)).reshape(-1, below)


def solution(
    W_1: np.ndarray, W_2: np.ndarray, Sigma: np.ndarray, beta: float, c: float, decay: float
) -> Callable[[np.ndarray], np.ndarray]:
    """A function of increasing times since the start, in units of tau, (rows,), that gives flat states (rows, n)."""
    frame = frame_of(Sigma, beta, c, decay)
    start = into(frame, W_1, W_2)
    fastest = float(frame.rates.max())

    def states(times: np.ndarray) -> np.ndarray:
        rows, Z, now = np.empty((len(times), W_1.size + W_2.size)), start, 0.0
        length = float(np.linalg.norm(Z, 2)) ** 2
        for row, time in enumerate(times):
            pieces = max(1, int(np.ceil(fastest * (time - now) / LONGEST)))
            t = (time - now) / pieces
            for _ in range(pieces if time > now else 0):
                Z, length = step(Z, frame.rates, beta, t, length), longest(length, fastest, beta, t)
            now = time
            out_of(frame, Z, rows[row])
        return rows

    return states


def longest(length: float, fastest: float, beta: float, t: float) -> float:
    """What bounds the norm q of Q Q^T after the time t, if ``length`` does now: dq/dt <= 2 f q - beta q^2.

    A little more than that, for rounding.
    """
    x = 2.0 * fastest * t
    gain = t if x == 0.0 else math.expm1(x) / (2.0 * fastest)
    return 1.0001 * length * math.exp(x) / (1.0 + beta * length * gain)
