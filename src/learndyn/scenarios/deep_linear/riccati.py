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
is narrower than the rank of Sigma loses no digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

LONGEST = 3.0


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


def out_of(frame: Frame, Z: np.ndarray) -> np.ndarray:
    """The flat state (W_1, W_2) of Q in the frame."""
    r, n = len(frame.cos), len(frame.V)
    growing, shrinking, X, Y = Z[:r], Z[r : 2 * r], Z[2 * r : r + n], Z[r + n :]
    X = np.concatenate([frame.cos * growing - frame.sin * shrinking, X])
    Y = np.concatenate([frame.sin * growing + frame.cos * shrinking, Y])
    return np.concatenate([(X.T @ frame.V.T).ravel(), (frame.U @ Y).ravel()])


def step(Z: np.ndarray, rates: np.ndarray, beta: float, t: float) -> np.ndarray:
    """Q in the frame after the time t, in units of tau."""
    safe = np.where(rates == 0.0, 1.0, rates)
    gain = beta * np.where(rates == 0.0, t, np.expm1(2.0 * rates * t) / (2.0 * safe))
    growth = np.exp(rates * t)[:, None]
    if Z.shape[1] <= Z.shape[0]:
        return (growth * Z) @ _inverse_root(Z.T @ (gain[:, None] * Z))
    # Q (1 + Q^T D^2 Q)^{-1/2} = D^{-1} (1 + D Q Q^T D)^{-1/2} D Q: the smaller matrix of the two.
    D = np.sqrt(gain)[:, None]
    return growth / D * (_inverse_root(D * (Z @ Z.T) * D.T) @ (D * Z))


def _inverse_root(S: np.ndarray) -> np.ndarray:
    """(1 + S)^{-1/2} of a positive semidefinite S."""
    values, vectors = np.linalg.eigh(S)
    return (vectors / np.sqrt(1.0 + np.maximum(values, 0.0))) @ vectors.T


def solution(
    W_1: np.ndarray, W_2: np.ndarray, Sigma: np.ndarray, beta: float, c: float, decay: float
) -> Callable[[np.ndarray], np.ndarray]:
    """A function of increasing times since the start, in units of tau, (rows,), that gives flat states (rows, n)."""
    frame = frame_of(Sigma, beta, c, decay)
    start = into(frame, W_1, W_2)
    fastest = float(frame.rates.max())

    def states(times: np.ndarray) -> np.ndarray:
        rows, Z, now = np.empty((len(times), W_1.size + W_2.size)), start, 0.0
        for row, time in enumerate(times):
            pieces = max(1, int(np.ceil(fastest * (time - now) / LONGEST)))
            for _ in range(pieces if time > now else 0):
                Z = step(Z, frame.rates, beta, (time - now) / pieces)
            now = time
            rows[row] = out_of(frame, Z)
        return rows

    return states
