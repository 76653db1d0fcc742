"""The compiled loop of the exact finite-size process of the order parameters; any scenario's update, LANES replicas.

J is carried in triangular coordinates [a, l]: a (K, M) along an orthonormal frame of the teacher's span (B = F times
the frame, R = a F^T), l (K, K) lower triangular, Q = a a^T + l l^T. One update, with u ~ N(0, I_M), v ~ N(0, I_K) and
chi^2 of N - K - M degrees of freedom:

    y = F u,   x = a u + l v,   d = (eta / N) delta(x, y)
    a <- k a + d u^T,                                            k = 1 - eta lambda / N with weight decay, else 1
    l <- the lower factor of [k l + d v^T, chi d]

Q stays positive semidefinite by construction, and nothing is divided by what vanishes for a singular covariance.
The lower factor takes O(K^2), because d [v, chi] is of rank one. With q_m = chi^2 + v_{K-1}^2 + ... + v_m^2, q = q_0,
a rotation that takes (v, chi) to sqrt(q) times the first unit vector takes [l, 0] to a Hessenberg matrix,

    H_i0     = (l v)_i / sqrt(q),   H_{i,m+1} = [q_{m+1} l_im - v_m sum_{n>m} l_in v_n] / sqrt(q_m q_{m+1}),

to whose first column, after all is multiplied by k, sqrt(q) d is added; K rotations of neighbouring columns make it
triangular again.

Rows of arrays are lanes of replicas (`learndyn.lanes`): no operation mixes them, so that a replica's bits do not depend
on the others. The state of a group is one array: a row by row, then l row by row, each row up to its diagonal, then the
student's own numbers that learn, u_e <- u_e + rate_e change_e; eta may be one of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

from learndyn.lanes.functions import reciprocal_root, root
from learndyn.lanes.random import draw, draw_alone
from learndyn.lanes.types import LANES, get, put, select
from learndyn.scenarios.microscopic import error_signal

BLOCK = 16  # updates whose random numbers are drawn together: 22 numbers each at K = M = 10 fit the first-level cache
SMALLEST = 2.3e-308  # below, numbers lose digits, and what `reciprocal_root` gives is no rotation any more

# Kept on disk: the kernels themselves, whose arguments carry a digest of all sources (`activations.compiled`). Their
# parts are not: numba would find an old part there after a change of `learndyn.lanes`.
_kernel = njit(nogil=True, cache=True, error_model="numpy")
_inlined = njit(nogil=True, error_model="numpy", forceinline=True)


class Options(NamedTuple):
    """What an update has beside the weight vectors; None: it does not have it, and the compiled program neither."""

    own: bool | None = None  # True: own numbers that learn
    luck: int | None = None  # normals beside the input
    decay: float | None = None  # lambda
    adaptive: int | None = None  # which own number is the learning rate


def _if_on(option: Any, value: Any) -> Any:
    """The value, or None where the option is None."""
    raise NotImplementedError("only inside numba kernels")


@overload(_if_on)
def _choose_value(option, value):
    return (lambda option, value: None) if isinstance(option, types.NoneType) else (lambda option, value: value)


def _kept(decay: Any, rate: float, value: Any) -> Any:
    """(1 - rate decay) value."""
    raise NotImplementedError("only inside numba kernels")


@overload(_kept)
def _choose_decay(decay, rate, value):
    if isinstance(decay, types.NoneType):
        return lambda decay, rate, value: value
    return lambda decay, rate, value: (1.0 - rate * decay) * value


def _scale(adaptive: Any, own: Any, rate: float) -> Any:
    """eta / N: as given, or that times an own number."""
    raise NotImplementedError("only inside numba kernels")


@overload(_scale)
def _choose_scale(adaptive, own, rate):
    if isinstance(adaptive, types.NoneType):
        return lambda adaptive, own, rate: rate
    return lambda adaptive, own, rate: rate * get(own, adaptive)


def _hold(adaptive: Any, own: Any) -> None:
    """A learning rate that would be negative becomes 0."""
    raise NotImplementedError("only inside numba kernels")


@overload(_hold)
def _choose_hold(adaptive, own):
    if isinstance(adaptive, types.NoneType):
        return lambda adaptive, own: None
    return lambda adaptive, own: put(own, adaptive, select(get(own, adaptive) < 0.0, 0.0, get(own, adaptive)))


def _count(luck: Any) -> int:
    """Normals beside the input."""
    raise NotImplementedError("only inside numba kernels")


@overload(_count)
def _choose_count(luck):
    return (lambda luck: 0) if isinstance(luck, types.NoneType) else (lambda luck: luck)


def _learn_own(own: Any, change: Any, rates: np.ndarray) -> None:
    """u_e <- u_e + rate_e change_e; the first of the rates is that of the weight vectors."""
    raise NotImplementedError("only inside numba kernels")


@overload(_learn_own)
def _choose_own(own, change, rates):
    if isinstance(own, types.NoneType):
        return lambda own, change, rates: None
    return _add_change


def _add_change(own, change, rates):
    for index in range(own.shape[0]):
        put(own, index, get(own, index) + rates[1 + index] * get(change, index))


def _shrink(decay: Any, rate: float, H: np.ndarray, first: int, size: int) -> None:
    """Multiply so many entries of H from ``first`` on by 1 - rate decay."""
    raise NotImplementedError("only inside numba kernels")


@overload(_shrink)
def _choose_shrink(decay, rate, H, first, size):
    if isinstance(decay, types.NoneType):
        return lambda decay, rate, H, first, size: None
    return _shrink_entries


def _shrink_entries(decay, rate, H, first, size):
    for place in range(first, first + size):
        put(H, place, _kept(decay, rate, get(H, place)))


@_inlined
def _project(state, F, K, numbers, first, x, y):
    """y = F u and x = a u + l v from the row ``first`` of the random numbers on; the part l v of x is kept apart."""
    M = F.shape[0]
    for n in range(M):
        total = get(numbers, first) * F[n, 0]
        for m in range(1, n + 1):
            total += get(numbers, first + m) * F[n, m]
        put(y, n, total)
    for i in range(K):
        own = i * M
        total = get(state, own) * get(numbers, first)
        for m in range(1, M):
            total += get(state, own + m) * get(numbers, first + m)
        put(x, i, total)


@_inlined
def _prepare(numbers, first, K, q, weight):
    """q_m for m = 0 ... K, and weight_m = 1 / sqrt(q_m q_{m+1}), 0 where that is infinite; weight_K = 1 / sqrt(q_0)."""
    below = get(numbers, first + K)  # chi^2
    put(q, K, below)
    for m in range(K - 1, -1, -1):
        v = get(numbers, first + m)
        total = below + v * v
        product = below * total
        put(q, m, total)
        put(weight, m, select(product > 0.0, reciprocal_root(product), 0.0))
        below = total
    put(weight, K, reciprocal_root(below))


@_inlined
def _rotate_down(state, triangle, K, numbers, first, q, weight, H, x):
    """H without its addition to the first column; l v is added to x."""
    width = K + 1
    row = triangle
    for i in range(K):
        tail = 0.0 * get(numbers, first)
        for m in range(i, -1, -1):
            v, entry, scale = get(numbers, first + m), get(state, row + m), get(weight, m)
            put(H, i * width + m + 1, (get(q, m + 1) * scale) * entry - (v * scale) * tail)
            tail += entry * v
        put(H, i * width, tail)
        put(x, i, get(x, i) + tail)
        row += i + 1


@_inlined
def _rotate_up(state, triangle, K, H):
    """l from H: the entry H_{j,j+1} beside the diagonal is rotated away, for one column j after another."""
    width = K + 1
    row = triangle
    for j in range(K):
        f, g = get(H, j * width + j), get(H, j * width + j + 1)
        square = f * f + g * g
        inverse = reciprocal_root(square)
        whole = square > SMALLEST
        c, s = select(whole, f * inverse, 1.0), select(whole, g * inverse, 0.0)
        put(state, row + j, root(square))
        below = row + j + 1 + j
        for i in range(j + 1, K):
            p, r = get(H, i * width + j), get(H, i * width + j + 1)
            put(state, below, c * p + s * r)
            put(H, i * width + j + 1, c * r - s * p)
            below += i + 1
        row += j + 1


@_inlined
def _update(step, options, state, own, luck, F, K, rates, numbers, first, x, y, delta, change, q, weight, H):
    """One update of LANES replicas."""
    M = F.shape[0]
    triangle = K * M
    rest = first + M
    scale, decay = _scale(options.adaptive, own, rates[0]), options.decay
    _project(state, F, K, numbers, first, x, y)
    _prepare(numbers, rest, K, q, weight)
    _rotate_down(state, triangle, K, numbers, rest, q, weight, H, x)
    error_signal(step, x, y, own, luck, rest + K + 1, delta, change)
    whole, inverse = get(q, 0), get(weight, K)
    for i in range(K):
        d = get(delta, i) * scale
        for m in range(M):
            put(state, i * M + m, _kept(decay, scale, get(state, i * M + m)) + d * get(numbers, first + m))
        row = i * (K + 1)
        put(H, row, (_kept(decay, scale, get(H, row)) + d * whole) * inverse)
        _shrink(decay, scale, H, row + 1, i + 1)
    _rotate_up(state, triangle, K, H)
    _learn_own(own, change, rates)
    _hold(options.adaptive, own)


@_inlined
def _record(state, F, K, out, row):
    """R row by row, Q row by row up to the diagonal, then the own numbers; written into ``out`` from ``row`` on."""
    M = F.shape[0]
    for i in range(K):
        for n in range(M):
            total = get(state, i * M) * F[n, 0]
            for m in range(1, n + 1):
                total += get(state, i * M + m) * F[n, m]
            put(out, row, total)
            row += 1
    first_i = K * M
    for i in range(K):
        first_k = K * M
        for k in range(i + 1):
            total = get(state, i * M) * get(state, k * M)
            for m in range(1, M):
                total += get(state, i * M + m) * get(state, k * M + m)
            for j in range(k + 1):
                total += get(state, first_i + j) * get(state, first_k + j)
            put(out, row, total)
            row += 1
            first_k += k + 1
        first_i += i + 1
    for place in range(first_i, state.shape[0]):
        put(out, row, get(state, place))
        row += 1


@_inlined
def _grown(state, K, M, limits, active):
    """The first of the active replicas in which some Q_ii or own number exceeds its limit or is NaN; -1: none."""
    found = -1
    for lane in range(active - 1, -1, -1):
        row = K * M
        for i in range(K):
            total = 0.0
            for m in range(M):
                total += state[i * M + m, lane] ** 2
            for j in range(i + 1):
                total += state[row + j, lane] ** 2
            row += i + 1
            if not total <= limits[0]:
                found = lane
        for index in range(1, limits.size):
            if not abs(state[row + index - 1, lane]) <= limits[index]:
                found = lane
    return found


# ---- A group in lanes, or one replica alone: one text, with arrays of another shape


def _kind(alone: Any, group: Any, single: Any) -> Any:
    """The function for a group, or for one replica: ``alone`` is None, or not, when numba compiles."""
    raise NotImplementedError("only inside numba kernels")


@overload(_kind)
def _choose_kind(alone, group, single):
    if isinstance(alone, types.NoneType | types.Omitted):
        return lambda alone, group, single: group
    return lambda alone, group, single: single


@njit
def _as_it_is(array):
    return array


@njit
def _flat(array):
    return array.reshape(-1)


@njit
def _room_in_lanes(rows):
    return np.empty((rows, LANES))


@njit
def _room(rows):
    return np.empty(rows)


@njit
def _numbers_in_lanes(rows):
    return np.empty((BLOCK, rows, LANES))


@njit
def _numbers(rows):
    return np.empty((BLOCK, rows))


@njit
def _draw_in_lanes(words, pairs, place, freedom, out, bits, lanes):
    draw(words, pairs, place, freedom, out)


@_kernel
def advance(
    step: Any,
    options: Options,
    state: np.ndarray,
    F: np.ndarray,
    K: int,
    N: int,
    words: np.ndarray,
    rates: np.ndarray,
    base: int,
    first: int,
    last: int,
    interval: int,
    limits: np.ndarray,
    active: int,
    alone: bool | None = None,
) -> tuple[int, int]:
    """Make the updates from count ``first`` to count ``last``.

    Parameters
    ----------
    step
        The scenario's update.
    options
        What it has beside the weight vectors.
    state
        Coordinates of the replicas, then their own numbers, (K M + K (K + 1) / 2 + E, LANES).
    F
        Lower factor of T, (M, M).
    K, N
        Student units; dimension of the inputs, at least K + M.
    words
        State of the random streams, two of four words in each lane, (8, LANES).
    rates, base
        eta / N and the rate of each own number, (rows, 1 + E): one row for all updates, or one for each from count
        ``base`` on.
    first, last
        Counts of updates before and after.
    interval, limits
        At multiples of ``interval``, a replica has grown when some Q_ii exceeds the first of the limits (1 + E,), an
        own number its own, or one of them is NaN.
    active
        Lanes that hold replicas, from the first.
    alone
        Unless None: there is one replica, in arrays of one column. It then goes on numbers instead of lanes: with the
        same random numbers, and other rounding.

    Returns
    -------
    The count reached, and the first lane that has grown there, or -1.
    """
    M = F.shape[0]
    pairs = (K + M + 2 + _count(options.luck)) // 2
    freedom = N - K - M
    stride = 1 if rates.shape[0] > 1 else 0
    view, room = _kind(alone, _as_it_is, _flat), _kind(alone, _room_in_lanes, _room)
    fill, space = _kind(alone, _draw_in_lanes, draw_alone), _kind(alone, _numbers_in_lanes, _numbers)
    draws = space(2 * pairs)
    entries, numbers = view(state), view(draws)
    bits, lanes = np.empty((2 * pairs + 1, LANES), dtype=np.uint64), np.empty((2 * pairs, LANES))
    x, y, delta, q, weight, H = room(K), room(M), room(K), room(K + 1), room(K + 1), room(K * (K + 1))
    luck, change = _if_on(options.luck, numbers), _if_on(options.own, room(rates.shape[1] - 1))
    own = _if_on(options.own, entries[K * M + K * (K + 1) // 2 :])
    update = first
    while update < last:
        size = min(BLOCK, last - update, interval - update % interval)
        fill(words, pairs, K + M, freedom, draws[:size], bits, lanes)
        for index in range(size):
            row = rates[(update + index - base) * stride]
            _update(
                step, options, entries, own, luck, F, K, row, numbers, index * 2 * pairs,
                x, y, delta, change, q, weight, H,
            )  # fmt: skip
        update += size
        if update % interval == 0:
            lane = _grown(state, K, M, limits, active)
            if lane >= 0:
                return update, lane
    return last, -1


@_kernel
def advance_rows(
    step: Any,
    options: Options,
    state: np.ndarray,
    F: np.ndarray,
    K: int,
    N: int,
    words: np.ndarray,
    rates: np.ndarray,
    base: int,
    first: int,
    last: int,
    interval: int,
    limits: np.ndarray,
    active: int,
    steps: np.ndarray,
    row: int,
    out: np.ndarray,
    alone: bool | None,
) -> tuple[int, int, int]:
    """As `advance`, and records R, Q and the own numbers at the counts ``steps[row:]``.

    ``out`` has shape (rows, K M + K (K + 1) / 2 + E, LANES or 1). The updates end at ``last``, after the last of
    the steps, when ``out`` is full, or where a replica has grown. Returns the count, the lane that has grown or -1, and
    the rows made.
    """
    view = _kind(alone, _as_it_is, _flat)
    entries, flat = view(state), view(out)
    update, made = first, 0
    while update < last and made < out.shape[0] and row + made < steps.size:
        target = min(last, steps[row + made])
        update, lane = advance(
            step, options, state, F, K, N, words, rates, base, update, target, interval, limits, active, alone
        )
        if lane < 0 and update == steps[row + made]:
            lane = _grown(state, K, F.shape[0], limits, active)
            if lane < 0:
                _record(entries, F, K, flat, made * out.shape[1])
                made += 1
        if lane >= 0:
            return update, lane, made
    return update, -1, made
