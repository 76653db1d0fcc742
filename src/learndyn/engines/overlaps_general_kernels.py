"""The compiled loop of the exact finite-size process of the whole family; any scenario's update, one replica a call.

All vectors (references B, velocities V, students J: r rows) are W times an orthonormal frame of r directions, W lower
triangular. The inputs of an update, and the directions in which a teacher walks, are n isotropic Gaussian vectors: n
rows of r normals along the frame and, beyond it, n vectors in N - r dimensions of which only the scalar products
matter: Wishart distributed, S S^T with the lower factor of Bartlett,

    S_aa ~ chi(N - r - a),   S_ac ~ N(0, 1) for c < a          (counted from 0; columns beyond N - r do not exist)

in n further directions of the frame. With G = [normals, S] an update is linear in the rows,

    W <- the lower factor of [A W + D G_W, D S],

A W holding decay, friction and J + V / N, D the rates times the error signals (Bartlett 1933; LQ by Householder's
reflections). W W^T is all overlaps; nothing is divided by what vanishes for singular ones. Needs N >= r.

Inputs with a few variances are several such blocks, x the sum of their parts, the error signal shared; in a tree each
block holds one student and one reference vector. A mean of the inputs is one more reference vector, added to them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

from learndyn.scenarios.microscopic import error_signal

# Kept on disk: the kernel itself alone, whose arguments carry a digest of all sources (`activations.compiled`).
_kernel = njit(nogil=True, cache=True, error_model="numpy")
_compile = njit(nogil=True, error_model="numpy")


class Rule(NamedTuple):
    """What does not change during a run: how the rows of a block are arranged, and the numbers of the update.

    Rows of a block: reference vectors, the mean (if ``mean``), velocities (if ``momentum``), students. In a tree, block
    l holds those of unit l alone; else each block holds parts of all.
    """

    sizes: np.ndarray  # (L,): dimensions N_l of the blocks
    roots: np.ndarray  # (L,): square roots of the variances
    K: int
    references: int  # P, without the mean
    tree: bool
    mean: bool
    momentum: bool
    batch: int
    friction: float  # gamma / N
    decay: float  # lambda
    gain: float  # 1 / N: students move by this times their velocities
    walks: bool
    cosine: float  # of the angle by which each reference vector turns in an update
    lengths: np.ndarray  # (P,): lengths of the reference vectors, which stay
    adaptive: int  # which own number is the learning rate; -1: none


@_compile
def draw_directions(rng: np.random.Generator, free: int, r: int, G: np.ndarray) -> None:
    """G = [normals along the r directions of the frame, Bartlett's factor of what lies in ``free`` dimensions more]."""
    G[:] = 0.0
    for a in range(G.shape[0]):
        for c in range(r):
            G[a, c] = rng.standard_normal()
        for c in range(min(a, free)):
            G[a, r + c] = rng.standard_normal()
        if a < free:
            G[a, r + a] = math.sqrt(rng.chisquare(free - a))


@_compile
def _first_unit(rule: Rule, block: int) -> int:
    return block if rule.tree else 0


@_compile
def _units(rule: Rule) -> tuple[int, int]:
    """Reference vectors and students in a block."""
    return (1, 1) if rule.tree else (rule.references, rule.K)


@_compile
def _project(rule: Rule, W: np.ndarray, G: np.ndarray, x: np.ndarray, e: np.ndarray) -> None:
    """Make the first rows of G inputs; x (b, K) and e (b, P): their products with students and reference vectors."""
    references, students = _units(rule)
    r = W.shape[1]
    x[:] = 0.0
    e[:] = 0.0
    for block in range(W.shape[0]):
        first = _first_unit(rule, block)
        for a in range(rule.batch):
            xi = G[block, a]
            xi *= rule.roots[block]
            if rule.mean:
                xi[:r] += W[block, references]
            for n in range(references):
                for c in range(n + 1):
                    e[a, first + n] += W[block, n, c] * xi[c]
            for i in range(students):
                row = r - students + i
                for c in range(row + 1):
                    x[a, first + i] += W[block, row, c] * xi[c]


@_compile
def _learn(
    rule: Rule, block: int, W: np.ndarray, G: np.ndarray, rate: float, delta: np.ndarray, new: np.ndarray
) -> None:
    """[A W + D G_W, D S] of one block into ``new`` (r, r + n); ``rate`` is eta / N."""
    students = _units(rule)[1]
    r = W.shape[0]
    new[:] = 0.0
    new[:, :r] = W
    for i in range(students):
        student = r - students + i
        # What learns: the velocity, which the student follows, or the student itself.
        learner = student - students if rule.momentum else student
        if rule.momentum:
            new[learner] *= 1.0 - rule.friction
        for c in range(r):
            new[learner, c] -= rate * rule.decay * W[student, c]
        for a in range(rule.batch):
            change = rate / rule.batch * delta[a, _first_unit(rule, block) + i]
            for c in range(new.shape[1]):
                new[learner, c] += change * G[a, c]
        if rule.momentum:
            for c in range(new.shape[1]):
                new[student, c] += rule.gain * new[learner, c]


@_compile
def _walk(rule: Rule, W: np.ndarray, G: np.ndarray, new: np.ndarray) -> None:
    """Turn each reference vector B by the angle in a random direction e orthogonal to it: cos B + sin |B| e.

    With a Gaussian vector g, e is along g - (g . B) B / |B|^2; both may have parts in several blocks.
    """
    references = _units(rule)[0]
    r = W.shape[1]
    sine = math.sqrt((1.0 - rule.cosine) * (1.0 + rule.cosine))
    for n in range(rule.references):
        first = n if rule.tree else 0
        last = n + 1 if rule.tree else W.shape[0]
        row = 0 if rule.tree else n
        square, along, whole = 0.0, 0.0, 0.0
        for block in range(first, last):
            g, B = G[block, G.shape[1] - references + row], W[block, row]
            for c in range(r):
                square += B[c] * B[c]
                along += g[c] * B[c]
            for c in range(g.size):
                whole += g[c] * g[c]
        if square > 0.0:
            part = along / square
            stretch = sine * rule.lengths[n] / math.sqrt(whole - part * along)
            for block in range(first, last):
                g = G[block, G.shape[1] - references + row]
                for c in range(g.size):
                    new[block, row, c] = stretch * g[c]
                for c in range(r):
                    new[block, row, c] += (rule.cosine - stretch * part) * W[block, row, c]


@_compile
def _triangle(new: np.ndarray, W: np.ndarray) -> None:
    """W = the lower triangular factor of ``new`` (r, columns), with a diagonal that is not negative; ``new`` is lost.

    Row i is reflected on its first entry, which leaves the rows before it alone. Rows are scaled: squares of small
    entries would vanish.
    """
    r, columns = new.shape
    for i in range(r):
        row = new[i]
        largest = 0.0
        for c in range(i + 1, columns):
            largest = max(largest, abs(row[c]))
        if largest > 0.0:
            _reflect(new, i, max(largest, abs(row[i])))
        elif row[i] < 0.0:
            new[i:, i] *= -1.0
        W[i] = 0.0
        W[i, : i + 1] = row[: i + 1]


@_compile
def _reflect(new: np.ndarray, i: int, scale: float) -> None:
    """Reflect the rows from i on so that row i ends at its entry i, which becomes its length."""
    r = new.shape[0]
    normal = new[i, i:]
    length = 0.0
    for c in range(normal.size):
        normal[c] /= scale
        length += normal[c] * normal[c]
    length = math.sqrt(length)
    # The mirror stands on row +- length e_0, with the sign that adds; the first column is turned where that is needed.
    sign = 1.0 if normal[0] >= 0.0 else -1.0
    normal[0] += sign * length
    weight = 1.0 / (length * abs(normal[0]))
    for k in range(i + 1, r):
        product = 0.0
        for c in range(normal.size):
            product += normal[c] * new[k, i + c]
        product *= weight
        for c in range(normal.size):
            new[k, i + c] -= product * normal[c]
        new[k, i] *= -sign
    new[i, i] = length * scale


@_compile
def _grown(rule: Rule, W: np.ndarray, own: Any, limits: np.ndarray) -> bool:
    """Whether some |J_i|^2 or own number exceeds its limit or is NaN."""
    students = _units(rule)[1]
    r = W.shape[1]
    for i in range(rule.K):
        square = 0.0
        for block in range(W.shape[0]):
            if not rule.tree or block == i:
                for c in range(r):
                    square += W[block, r - students + (0 if rule.tree else i), c] ** 2
        if not square <= limits[0]:
            return True
    if own is not None:
        for index in range(own.size):
            if not abs(own[index]) <= limits[1 + index]:
                return True
    return False


def _if_on(option: Any, value: Any) -> Any:
    """The value, or None where the option is None."""
    raise NotImplementedError("only inside numba kernels")


@overload(_if_on)
def _choose_value(option, value):
    return (lambda option, value: None) if isinstance(option, types.NoneType) else (lambda option, value: value)


@_compile
def _signals(step, own, luck, rng, x, y, delta, change):
    """delta (b, K) and change (b, E) of all inputs of a batch; each with luck of its own."""
    for a in range(x.shape[0]):
        if luck is not None:
            for index in range(luck.size):
                luck[index] = rng.standard_normal()
        error_signal(step, x[a], y[a], own, luck, 0, delta[a], _if_on(own, change[a]))


@_compile
def _learn_own(own, rates, change, adaptive):
    """u_e <- u_e + rate_e times the mean of the changes of a batch; the learning rate ends at 0 at the lowest."""
    if own is not None:
        for index in range(own.size):
            total = 0.0
            for a in range(change.shape[0]):
                total += change[a, index]
            own[index] += rates[1 + index] / change.shape[0] * total
        if adaptive >= 0 and own[adaptive] < 0.0:
            own[adaptive] = 0.0


@_compile
def _rate(own, rate, adaptive):
    """eta / N of this update: as given, or that times an own number."""
    if own is None:
        return rate
    return rate * own[adaptive] if adaptive >= 0 else rate


@_compile
def _combined(matrices, index, e, y):
    """y = A e for each input, or e where nothing is combined."""
    if matrices is None:
        y[:] = e
    else:
        A = matrices[index if matrices.shape[0] > 1 else 0]
        for a in range(e.shape[0]):
            for n in range(A.shape[0]):
                y[a, n] = 0.0
                for p in range(A.shape[1]):
                    y[a, n] += A[n, p] * e[a, p]


@_kernel
def advance_general(
    step: Any,
    rule: Rule,
    W: np.ndarray,
    own: np.ndarray | None,
    luck: np.ndarray | None,
    rates: np.ndarray,
    matrices: np.ndarray | None,
    base: int,
    rng: np.random.Generator,
    first: int,
    last: int,
    interval: int,
    limits: np.ndarray,
) -> tuple[int, bool]:
    """Make the updates from count ``first`` to count ``last``.

    Parameters
    ----------
    step
        The scenario's update.
    rule
        What does not change.
    W
        Coordinates of the rows, (L, r, r), lower triangular.
    own
        The student's own numbers (E,), or None.
    luck
        Working space for the normals that an update needs beside its input, or None.
    rates
        eta / N and the rates of the own numbers, (rows, 1 + E): one row for all updates, or one for each from count
        ``base`` on.
    matrices
        What makes y from the reference vectors, (rows, M, P), likewise; or None: y belongs to these vectors themselves.
    base
        The count of the first row of ``rates`` and ``matrices``.
    rng
        The replica's stream.
    first, last
        Counts of updates before and after.
    interval, limits
        At multiples of ``interval``, a replica has grown when some Q_ii exceeds the first of the limits (1 + E,), an
        own number its own, or one of them is NaN.

    Returns
    -------
    The count reached, and whether the replica has grown there.
    """
    blocks, r = W.shape[0], W.shape[1]
    batch, K = rule.batch, rule.K
    count = batch + (_units(rule)[0] if rule.walks else 0)
    M = rule.references if matrices is None else matrices.shape[1]
    G, new = np.empty((blocks, count, r + count)), np.empty((blocks, r, r + count))
    x, e, y = np.empty((batch, K)), np.empty((batch, rule.references)), np.empty((batch, M))
    delta, change = np.empty((batch, K)), np.empty((batch, rates.shape[1] - 1))
    for update in range(first, last):
        row = rates[update - base if rates.shape[0] > 1 else 0]
        for block in range(blocks):
            draw_directions(rng, rule.sizes[block] - r, r, G[block])
        _project(rule, W, G, x, e)
        _combined(matrices, update - base, e, y)
        _signals(step, own, luck, rng, x, y, delta, change)
        rate = _rate(own, row[0], rule.adaptive)
        for block in range(blocks):
            _learn(rule, block, W[block], G[block], rate, delta, new[block])
        if rule.walks:
            _walk(rule, W, G, new)
        for block in range(blocks):
            _triangle(new[block], W[block])
        _learn_own(own, row, change, rule.adaptive)
        if (update + 1) % interval == 0 and _grown(rule, W, own, limits):
            return update + 1, True
    return last, False
