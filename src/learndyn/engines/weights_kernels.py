"""The compiled loops of gradient descent on real weight vectors; any scenario's update, one replica a call.

    x = J xi,  y = B xi,  J_i <- (1 - eta lambda / N) J_i + (eta / N) delta_i xi,  xi ~ N(0, I_N)
                                                                                            [Straat 2018, p. 28]

and the student's own numbers (output weights, biases) move along. These are the processes that are `plain`
(`learndyn.scenarios.process`); all others run in `learndyn.engines.weights_general`.

The rows of J (K, N) and B (M, N) lie below each other in one array `W`. Two kernels make the same updates from the
same stream of random numbers (N normals an update, in the order of the updates), in different order of arithmetic:

- `advance_plain` takes one input after another. It adds the update of the input before while it reads J for the new
  one, tile by tile, so that J is read and written once an update.
- `advance_blocks` takes up to `BLOCK` inputs Xi at once. X = J Xi^T, Y = B Xi^T and G = Xi Xi^T are products of
  matrices, which work on registers instead of memory; what the updates inside the block change is then put right
  exactly, one update after another: x^mu = X^mu + (eta / N) sum_{nu < mu} delta^nu G_{nu mu}, with decay each term
  times the factors of the updates since. At last J gains (eta / N) Delta^T Xi. (A BLAS library does these thin products
  no better: 9 to 10 ns for each dimension of an input at K = M = 10, N = 1e5, against 8 for the loops here and 11.5 for
  the plain kernel.)

Both stop at absolute update counts only (rows to record, checks for divergence, ends of blocks), so the bits do not
depend on how the run is cut into calls. NaN and infinity keep their meaning (no `nnan`, `ninf`). What is None (decay,
own numbers, luck) is not in the compiled program.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

from learndyn.scenarios.microscopic import error_signal

BLOCK = 16  # inputs in a block: the least time over K + M = 8 ... 40, N = 1e3 ... 1e5 (8 to 32 differ by 10 %)
TILE = 512  # columns worked on together: BLOCK rows of them are 64 KiB, a few rows fit the first-level cache

# Sums may be reordered and products fused, which vectorises the loops; nothing is assumed about NaN or infinity.
compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
_ABSENT = types.NoneType | types.Omitted

NOT_GROWN = -1
WEIGHTS_GREW = -2  # otherwise: the index of the own number that grew


class Own(NamedTuple):
    """The student's own numbers of one replica, (E,) each; which of them are fast; their limits.

    Their directions are written to ``change`` for one input, and added up in ``total`` where there are several.
    """

    values: np.ndarray
    fast: np.ndarray
    limits: np.ndarray
    change: np.ndarray
    total: np.ndarray


class Luck(NamedTuple):
    """Random numbers beside the inputs: room for those of one input, and their stream."""

    numbers: np.ndarray
    rng: np.random.Generator


def values_of(own: Any) -> Any:
    """The own numbers, or None."""
    raise NotImplementedError("only inside numba kernels")


@overload(values_of)
def _compile_values_of(own):
    return (lambda own: None) if isinstance(own, _ABSENT) else lambda own: own.values


def direction_of(own: Any) -> Any:
    """Where the direction of the own numbers is written, or None."""
    raise NotImplementedError("only inside numba kernels")


@overload(direction_of)
def _compile_direction_of(own):
    return (lambda own: None) if isinstance(own, _ABSENT) else lambda own: own.change


def numbers_of(luck: Any) -> Any:
    """The random numbers beside the input, or None."""
    raise NotImplementedError("only inside numba kernels")


@overload(numbers_of)
def _compile_numbers_of(luck):
    return (lambda luck: None) if isinstance(luck, _ABSENT) else lambda luck: luck.numbers


@compiled
def draw_normals(rng: np.random.Generator, out: np.ndarray) -> None:
    """Fill a vector with independent standard normals."""
    for j in range(out.size):
        out[j] = rng.standard_normal()


@compiled
def dot(a: np.ndarray, b: np.ndarray) -> float:
    """a . b."""
    total = 0.0
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@compiled
def add_and_dot(w: np.ndarray, change: float, old: np.ndarray, new: np.ndarray) -> float:
    """w += change * old; returns w . new."""
    total = 0.0
    for j in range(w.size):
        value = w[j] + change * old[j]
        w[j] = value
        total += value * new[j]
    return total


@compiled
def _shrink_add_and_dot(w: np.ndarray, shrink: float, change: float, old: np.ndarray, new: np.ndarray) -> float:
    """w <- shrink w + change * old; returns w . new."""
    total = 0.0
    for j in range(w.size):
        value = shrink * w[j] + change * old[j]
        w[j] = value
        total += value * new[j]
    return total


@compiled
def move_own(own: Any, rates: np.ndarray, direction: np.ndarray) -> None:
    """u_e <- u_e + rate_e s_e f_e; ``rates`` holds rate_e s_e after that of the weights."""
    for e in range(own.values.size):
        own.values[e] += rates[1 + e] * direction[e]


@compiled
def draw_luck(luck: Any) -> None:
    """The random numbers beside one input."""
    draw_normals(luck.rng, luck.numbers)


@compiled
def grown(J: np.ndarray, limit: float, own: Any) -> int:
    """Who has grown without bound, or is not finite: `NOT_GROWN`, `WEIGHTS_GREW`, or the index of an own number.

    Weights and own numbers drag each other along: a fast own number is named first, a slow one last.
    """
    found = NOT_GROWN
    if own is not None:
        for e in range(own.values.size):
            if not abs(own.values[e]) <= own.limits[e]:
                if own.fast[e]:
                    return e
                found = e
    for i in range(J.shape[0]):
        if not dot(J[i], J[i]) <= limit:
            return WEIGHTS_GREW
    return found


@compiled
def advance_plain(
    step: Any,
    W: np.ndarray,
    K: int,
    inputs: np.ndarray,
    rng: np.random.Generator,
    first: int,
    last: int,
    interval: int,
    limit: float,
    rates: np.ndarray,
    decay: float | None = None,
    own: Own | None = None,
    luck: Luck | None = None,
) -> tuple[int, int]:
    """Make the updates from count ``first`` to count ``last``; returns the count reached and who has grown (`grown`).

    J has grown when some |J_i|^2 exceeds ``limit`` or is NaN at a multiple of ``interval``; the run stops there.
    ``inputs`` is working space of at least 2 rows (here) or `BLOCK` rows (`advance_blocks`) of N numbers. ``rates`` has
    a row for each update, or a single one: eta, and rate_e s_e of the own numbers. ``decay`` is lambda.
    """
    N = W.shape[1]
    M = W.shape[0] - K
    J, B = W[:K], W[K:]
    x, y, delta = np.empty(K), np.empty(M), np.empty(K)
    change = np.zeros(K)  # (eta / N) delta of the input `old`, not yet added to J
    shrink = 1.0  # 1 - eta lambda / N, likewise
    old, new = inputs[0], inputs[1]
    old[:] = 0.0
    for update in range(first + 1, last + 1):
        x[:] = 0.0
        y[:] = 0.0
        for start in range(0, N, TILE):
            stop = min(start + TILE, N)
            draw_normals(rng, new[start:stop])
            for i in range(K):
                if decay is None:
                    x[i] += add_and_dot(J[i, start:stop], change[i], old[start:stop], new[start:stop])
                else:
                    x[i] += _shrink_add_and_dot(J[i, start:stop], shrink, change[i], old[start:stop], new[start:stop])
            for n in range(M):
                y[n] += dot(B[n, start:stop], new[start:stop])
        if luck is not None:
            draw_luck(luck)
        error_signal(step, x, y, values_of(own), numbers_of(luck), 0, delta, direction_of(own))
        rate = rates[min(update - first, rates.shape[0]) - 1]
        scale = rate[0] / N
        if own is not None:
            move_own(own, rate, own.change)
        for i in range(K):
            change[i] = scale * delta[i]
        if decay is not None:
            shrink = 1.0 - scale * decay
        old, new = new, old
        if update % interval == 0 or update == last:
            # The same function as above, for the same rounding: bits do not depend on `last`.
            for i in range(K):
                if decay is None:
                    add_and_dot(J[i], change[i], old, old)
                else:
                    _shrink_add_and_dot(J[i], shrink, change[i], old, old)
                change[i] = 0.0
            shrink = 1.0
            if update % interval == 0:
                who = grown(J, limit, own)
                if who != NOT_GROWN:
                    return update, who
    return last, NOT_GROWN


@compiled
def _products_4x2(
    a0: np.ndarray, a1: np.ndarray, a2: np.ndarray, a3: np.ndarray, b0: np.ndarray, b1: np.ndarray
) -> tuple[float, ...]:
    """The eight scalar products of four vectors with two: six loads for eight products, all sums in registers."""
    s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = 0.0
    for j in range(a0.size):
        s00 += a0[j] * b0[j]
        s01 += a0[j] * b1[j]
        s10 += a1[j] * b0[j]
        s11 += a1[j] * b1[j]
        s20 += a2[j] * b0[j]
        s21 += a2[j] * b1[j]
        s30 += a3[j] * b0[j]
        s31 += a3[j] * b1[j]
    return s00, s01, s10, s11, s20, s21, s30, s31


@compiled
def _add_products(A: np.ndarray, B: np.ndarray, start: int, stop: int, out: np.ndarray) -> None:
    """out += A[:, start:stop] B[:, start:stop]^T, in register tiles of 4 x 2 and what is left one by one."""
    rows, columns = A.shape[0], B.shape[0]
    even = 0
    if rows == 4:
        even = columns - columns % 2
        a0, a1, a2, a3 = A[0, start:stop], A[1, start:stop], A[2, start:stop], A[3, start:stop]
        for i in range(0, even, 2):
            s = _products_4x2(a0, a1, a2, a3, B[i, start:stop], B[i + 1, start:stop])
            for m in range(4):
                out[m, i] += s[2 * m]
                out[m, i + 1] += s[2 * m + 1]
    for i in range(even, columns):
        for m in range(rows):
            out[m, i] += dot(A[m, start:stop], B[i, start:stop])


@compiled
def _project(W: np.ndarray, Xi: np.ndarray, Z: np.ndarray, G: np.ndarray) -> None:
    """Z = Xi W^T and the lower triangle of G = Xi Xi^T, tile by tile of columns."""
    N, size = W.shape[1], Xi.shape[0]
    Z[:] = 0.0
    G[:] = 0.0
    for start in range(0, N, TILE):
        stop = min(start + TILE, N)
        for m in range(0, size, 4):
            end = min(m + 4, size)
            _add_products(Xi[m:end], W, start, stop, Z[m:end])
            _add_products(Xi[m:end], Xi[:end], start, stop, G[m:end])


@compiled
def _correct(
    step: Any,
    rates: np.ndarray,
    scales: np.ndarray,
    row: int,
    decay: float | None,
    own: Own | None,
    luck: Luck | None,
    Z: np.ndarray,
    G: np.ndarray,
    K: int,
    Delta: np.ndarray,
) -> float:
    """Delta so that J gains Delta^T Xi over a block, from Z = Xi W^T before it; returns the factor that J decays by.

    The rates are those from ``row`` on; ``scales`` are eta / N.
    """
    x = np.empty(K)
    kept = 1.0  # product of 1 - eta lambda / N
    for mu in range(Z.shape[0]):
        for i in range(K):
            x[i] = Z[mu, i]
            if decay is not None:
                x[i] *= kept
            for nu in range(mu):
                x[i] += Delta[nu, i] * G[mu, nu]
        if luck is not None:
            draw_luck(luck)
        error_signal(step, x, Z[mu, K:], values_of(own), numbers_of(luck), 0, Delta[mu], direction_of(own))
        at = min(row + mu, rates.shape[0] - 1)
        if own is not None:
            move_own(own, rates[at], own.change)
        for i in range(K):
            Delta[mu, i] *= scales[at]
        if decay is not None:
            shrink = 1.0 - scales[at] * decay
            kept *= shrink
            for nu in range(mu):
                for i in range(K):
                    Delta[nu, i] *= shrink
    return kept


@compiled
def _add_4x2(
    v: np.ndarray,
    w: np.ndarray,
    c: np.ndarray,
    a0: np.ndarray,
    a1: np.ndarray,
    a2: np.ndarray,
    a3: np.ndarray,
) -> None:
    """v += sum_m c[m, 0] a_m and w += sum_m c[m, 1] a_m: each vector is loaded once for two sums."""
    c00, c10, c20, c30 = c[0, 0], c[1, 0], c[2, 0], c[3, 0]
    c01, c11, c21, c31 = c[0, 1], c[1, 1], c[2, 1], c[3, 1]
    for j in range(v.size):
        v[j] += (c00 * a0[j] + c10 * a1[j]) + (c20 * a2[j] + c30 * a3[j])
        w[j] += (c01 * a0[j] + c11 * a1[j]) + (c21 * a2[j] + c31 * a3[j])


@compiled
def _add_block(J: np.ndarray, Delta: np.ndarray, Xi: np.ndarray) -> None:
    """J += Delta^T Xi, tile by tile of columns, in groups of 4 inputs x 2 units and what is left one by one."""
    K, N = J.shape
    fours = Xi.shape[0] - Xi.shape[0] % 4
    twos = K - K % 2
    for start in range(0, N, TILE):
        stop = min(start + TILE, N)
        for m in range(0, fours, 4):
            a0, a1 = Xi[m, start:stop], Xi[m + 1, start:stop]
            a2, a3 = Xi[m + 2, start:stop], Xi[m + 3, start:stop]
            for i in range(0, twos, 2):
                v, w = J[i, start:stop], J[i + 1, start:stop]
                _add_4x2(v, w, Delta[m : m + 4, i : i + 2], a0, a1, a2, a3)
        for i in range(K):
            for m in range(fours if i < twos else 0, Xi.shape[0]):
                add_and_dot(J[i, start:stop], Delta[m, i], Xi[m, start:stop], Xi[m, start:stop])


@compiled
def advance_blocks(
    step: Any,
    W: np.ndarray,
    K: int,
    inputs: np.ndarray,
    rng: np.random.Generator,
    first: int,
    last: int,
    interval: int,
    limit: float,
    rates: np.ndarray,
    decay: float | None = None,
    own: Own | None = None,
    luck: Luck | None = None,
) -> tuple[int, int]:
    """As `advance_plain`, with blocks that start at multiples of `BLOCK`, or at ``first``, and end before ``last``.

    ``interval`` must be a multiple of `BLOCK`. So must ``last``, unless it is the same in all runs that are to have
    the same bits.
    """
    scales = rates[:, 0] / W.shape[1]
    Z, G, Delta = np.empty((BLOCK, W.shape[0])), np.empty((BLOCK, BLOCK)), np.empty((BLOCK, K))
    update = first
    while update < last:
        size = min(BLOCK - update % BLOCK, last - update)
        Xi = inputs[:size]
        draw_normals(rng, Xi.reshape(-1))
        _project(W, Xi, Z[:size], G[:size])
        kept = _correct(step, rates, scales, update - first, decay, own, luck, Z[:size], G[:size], K, Delta[:size])
        if decay is not None:
            W[:K] *= kept
        _add_block(W[:K], Delta[:size], Xi)
        update += size
        if update % interval == 0:
            who = grown(W[:K], limit, own)
            if who != NOT_GROWN:
                return update, who
    return last, NOT_GROWN
