"""The chain of the order parameters in 80-bit arithmetic, on the random numbers of the engine: a measure of rounding.

    y = F u,   x = a u + l v,   d = (eta / N) delta,   a' = a + d u^T,
    l' l'^T = (l + d v^T)(l + d v^T)^T + chi^2 d d^T

by Cholesky's method instead of the engine's rotations, with erf of its own: 1e-19 a step instead of 1e-16, but for the
digits that l' l'^T loses where l is nearly singular. Arrays carry the replicas in their last axis.
"""

import runpy
from functools import cache
from pathlib import Path

import mpmath
import numpy as np

from learndyn.engines.overlaps_kernels import BLOCK, Options, advance
from learndyn.lanes.random import draw
from learndyn.lanes.types import LANES

LONG = np.longdouble
AVAILABLE = np.finfo(LONG).nmant >= 63
SCRIPT = Path(__file__).parent / "data" / "make_lane_coefficients.py"


@cache
def _series():
    """Coefficients of erf as in learndyn.lanes.functions, with terms enough for 20 digits."""
    script = runpy.run_path(str(SCRIPT))
    with mpmath.workdps(script["DIGITS"]):
        parts = script["small"](18), script["large"](22)
        return tuple([LONG(mpmath.nstr(c, 30)) for c in part] for part in parts)


def _horner(coefficients, t):
    total = coefficients[-1] * np.ones_like(t)
    for c in coefficients[-2::-1]:
        total *= t
        total += c
    return total


def erf(x):
    """The error function to about 1e-18, and 2e-17 beyond 6, where it is 1."""
    small, large = _series()
    a = np.minimum(np.abs(x), LONG(6))
    near = x * _horner(small, np.minimum(a * a, LONG(1)))
    a = np.maximum(a, LONG(1))
    far = LONG(1) - _horner(large, (a - 3) / (a + 3)) * np.exp(-a * a)
    return np.where(np.abs(x) < 1, near, np.copysign(far, x))


def _relu(x):
    return np.maximum(x, LONG(0)), np.where(x > 0, LONG(1), np.where(x < 0, LONG(0), LONG(0.5)))


def _erf(x):
    return erf(x * np.sqrt(LONG(0.5))), np.sqrt(2 / LONG(mpmath.nstr(mpmath.pi, 30))) * np.exp(-x * x / 2)


ACTIVATIONS = {"relu": _relu, "erf": _erf}


class LongChain:
    """Replicas of the chain in 80 bits; a (K, M, replicas), l (K, K, replicas), F (M, M)."""

    def __init__(self, activation, eta, N, F, a, l):
        self.values_and_slopes, self.scale = ACTIVATIONS[activation], LONG(eta) / LONG(N)
        self.F, self.a, self.l = (np.array(part, dtype=LONG) for part in (F, a, l))

    def update(self, u, v, chi_square):
        """One update with normals u (M, replicas), v (K, replicas) and chi-square numbers (replicas,)."""
        K, M = self.a.shape[:2]
        u, v = u.astype(LONG), v.astype(LONG)
        y = [sum(self.F[n, m] * u[m] for m in range(n + 1)) for n in range(M)]
        x = (self.a * u).sum(1) + (self.l * v).sum(1)
        values, slopes = self.values_and_slopes(np.concatenate([x, y]))
        change = self.scale * slopes[:K] * (values[K:].sum(0) - values[:K].sum(0))
        self.a += change[:, None] * u
        wide = self.l + change[:, None] * v
        self.l = np.zeros_like(wide)
        for j in range(K):
            # Column j of l' l'^T from row j on, less what the columns before give.
            column = (wide[j:] * wide[j]).sum(1) + chi_square * change[j:] * change[j]
            column -= (self.l[j:, :j] * self.l[j, :j]).sum(1)
            pivot = np.sqrt(np.maximum(column[0], LONG(0)))
            self.l[j:, j] = np.divide(column, pivot, out=np.zeros_like(column), where=pivot > 0)

    @property
    def R(self):
        return np.einsum("imr,nm->inr", self.a, self.F)

    @property
    def Q(self):
        return np.einsum("imr,kmr->ikr", self.a, self.a) + np.einsum("ijr,kjr->ikr", self.l, self.l)


def split(state, K, M):
    """a (K, M, LANES) and l (K, K, LANES) of an engine's state."""
    a = state[: K * M].reshape(K, M, -1).copy()
    l = np.zeros((K, K, state.shape[1]))
    l[np.tril_indices(K)] = state[K * M :]
    return a, l


def rounding(step, name, F, start, K, N, words, marks):
    """Largest differences |R - R_80|, |Q - Q_80| over the entries, root mean square over replicas, at update counts.

    Parameters
    ----------
    step, name
        The engine's update, and its activation's name.
    F, start
        Lower factor of T (M, M); coordinates of the start (length,).
    words
        Streams of groups of LANES replicas, (groups, 8, LANES).
    marks
        Update counts, increasing, multiples of BLOCK.

    Returns
    -------
    Array (marks, 2).
    """
    M, groups = len(F), len(words)
    rates, limits = np.array([[step.learning_rate / N]]), np.array([np.inf])
    pairs = (K + M + 2) // 2
    states = np.repeat(np.repeat(start[None, :, None], LANES, axis=2), groups, axis=0)
    drawn, walked = words.copy(), words.copy()
    everywhere = np.concatenate(list(states), axis=-1)
    exact = LongChain(name, step.learning_rate, N, F, *split(everywhere, K, M))
    found, position = [], 0
    numbers = np.empty((groups, BLOCK, 2 * pairs, LANES))
    for mark in marks:
        for first in range(position, mark, BLOCK):
            for group in range(groups):
                draw(drawn[group], pairs, K + M, N - K - M, numbers[group])
            side = numbers.transpose(1, 2, 0, 3).reshape(BLOCK, 2 * pairs, -1)
            for row in side[: mark - first]:
                exact.update(row[:M], row[M : M + K], row[M + K])
        for group in range(groups):
            advance(
                step, Options(), states[group], F, K, N, walked[group], rates, 0, position, mark, mark, limits, LANES
            )
        position = mark
        a, l = split(np.concatenate(list(states), axis=-1), K, M)
        R = np.einsum("imr,nm->inr", a.astype(LONG), F)
        Q = np.einsum("imr,kmr->ikr", a.astype(LONG), a) + np.einsum("ijr,kjr->ikr", l.astype(LONG), l)
        off = [np.sqrt(((x - y) ** 2).mean(-1)).max() for x, y in ((R, exact.R), (Q, exact.Q))]
        found.append([float(value) for value in off])
    return np.array(found)
