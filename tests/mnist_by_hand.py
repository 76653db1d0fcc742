"""The two classes of MNIST by programs of their own: equation (15) in NumPy and SciPy, gradient descent in a loop.

Rows are shifted by the midpoint of the class means, so that these are mu and -mu; S_1, S_0 are the covariances of the
classes, u = sqrt(pi / 8), and both classes are equally likely in the theory:

    dw/dt = (1/2) sum_c [mu (1 - Phi(z_c)) - u S_c w pdf(z_c) / V_c] - lambda w
    V_c^2 = 1 + u^2 w.S_c w,   z_c = u mu.w / V_c,   accuracy = (1/2) sum_c Phi(mu.w / sqrt(w.S_c w))
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import expit, ndtr

ETA = 1e-3
U = np.sqrt(np.pi / 8)


def pdf(z):
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


class ByHand:
    """Training and test rows with labels 1 and 0, and what is computed from them."""

    def __init__(self, X, digits, X_test, digits_test):
        shift = (X[digits == 1].mean(0) + X[digits == 0].mean(0)) / 2
        self.X, self.digits = X - shift, digits.astype(float)
        self.X_test, self.digits_test = X_test - shift, digits_test
        self.mu = self.X[digits == 1].mean(0)
        self.S = [np.cov(self.X[digits == digit].T, bias=True) for digit in (1, 0)]

    def drift(self, w):
        total = -w
        for S in self.S:
            V = np.sqrt(1 + U**2 * w @ S @ w)
            z = U * (self.mu @ w) / V
            total = total + (self.mu * ndtr(-z) - U * (S @ w) * pdf(z) / V) / 2
        return total

    def theory(self, w, times):
        """Weights at times, (times, n), by the eighth-order method of Dormand and Prince."""
        run = solve_ivp(lambda t, w: self.drift(w), (0, times[-1]), w, "DOP853", t_eval=times, rtol=1e-9, atol=1e-11)
        return run.y.T

    def flow_on_rows(self, w, times):
        """The same on the rows themselves, with the logistic phi."""

        def drift(t, w):
            return (self.digits - expit(self.X @ w)) @ self.X / len(self.X) - w

        return solve_ivp(drift, (0, times[-1]), w, "DOP853", t_eval=times, rtol=1e-8, atol=1e-10).y.T

    def shuffle(self, w, updates, seed):
        """Weights after some numbers of updates, (updates, n): one order of the rows."""
        order, kept = np.random.default_rng(seed).permutation(len(self.X)), []
        for count in range(max(updates) + 1):
            if count in updates:
                kept.append(w)
            if count < len(order):
                x, digit = self.X[order[count]], self.digits[order[count]]
                w = w + ETA * ((digit - expit(w @ x)) * x - w)
        return np.array(kept)

    def alignment(self, W):
        return W @ self.mu / np.linalg.norm(W, axis=-1) / np.linalg.norm(self.mu)

    def gaussian_accuracy(self, W):
        return np.mean([ndtr(W @ self.mu / np.sqrt(((W @ S) * W).sum(-1))) for S in self.S], axis=0)

    def test_accuracy(self, W):
        return ((W @ self.X_test.T > 0) == (self.digits_test == 1)).mean(-1)
