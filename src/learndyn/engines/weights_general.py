"""The compiled loop of gradient descent on weight vectors with everything that a process may hold.

    x = J xi,  y = A B xi                                                for b inputs xi with the same weights
    J_i <- (1 - eta lambda / N) J_i + (eta / (N b)) sum_a F_i^a xi^a     or with velocities V, and the teacher walks

as `learndyn.scenarios.process` says, one replica a call, written plainly: the fast kernels of
`learndyn.engines.weights_kernels` make what most runs need. Here every update reads its vectors several times.

In a tree, unit i sees the i-th of K inputs: rows of `Xi` are the inputs that rows of J and B see in turn, one for all
or one for each. The kernel stops at absolute update counts, like the others.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from learndyn.activations.compiled import ActivationTag
from learndyn.engines.weights_kernels import (
    NOT_GROWN,
    Luck,
    Own,
    add_and_dot,
    compiled,
    direction_of,
    dot,
    draw_luck,
    draw_normals,
    grown,
    move_own,
    numbers_of,
    values_of,
)
from learndyn.scenarios.microscopic import error_signal


class Vectors(NamedTuple):
    """The weight vectors of one replica; rows of one array."""

    J: np.ndarray  # (K, N)
    V: np.ndarray  # (K, N) with momentum, (0, N) without
    B: np.ndarray  # (P, N)


class Inputs(NamedTuple):
    """How inputs are drawn: their stream, and what makes them of standard normals; and room for them."""

    rng: np.random.Generator
    roots: np.ndarray  # sqrt(lambda) of each dimension, (N,); (0,) when all are 1
    mean: np.ndarray  # mu, (N,); (0,) without
    Xi: np.ndarray  # (b, 1, N); in a tree (b, K, N)


class Learning(NamedTuple):
    """Constants of the update; 0 is off."""

    decay: float  # lambda
    damping: float  # gamma, with momentum
    walk: float  # rate of the teacher's random walk
    adaptive: int = -1  # which own number is the learning rate; -1: none


class Walk(NamedTuple):
    """The teacher's random walk: its stream, the lengths |B_n|, which stay, and room for a direction."""

    rng: np.random.Generator
    lengths: np.ndarray  # (P,)
    direction: np.ndarray  # (N,)


@compiled
def _draw_input(inputs: Inputs, a: int) -> None:
    for branch in range(inputs.Xi.shape[1]):
        xi = inputs.Xi[a, branch]
        draw_normals(inputs.rng, xi)
        for j in range(inputs.roots.size):
            xi[j] *= inputs.roots[j]
        for j in range(inputs.mean.size):
            xi[j] += inputs.mean[j]


@compiled
def _project(vectors: Vectors, A: np.ndarray, seen: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """x = J xi and y = A B xi; row i sees the i-th input, in turn."""
    for i in range(x.size):
        x[i] = dot(vectors.J[i], seen[i % seen.shape[0]])
    y[:] = 0.0
    for p in range(vectors.B.shape[0]):
        e = dot(vectors.B[p], seen[p % seen.shape[0]])
        for n in range(y.size):
            y[n] += A[n, p] * e


@compiled
def _learn(vectors: Vectors, learning: Learning, scale: float, delta: np.ndarray, Xi: np.ndarray) -> None:
    """J, or V and then J, by one update; ``scale`` is eta / N, ``delta`` (b, K)."""
    batch, K = delta.shape
    N = vectors.J.shape[1]
    momentum = vectors.V.shape[0] > 0
    for i in range(K):
        J = vectors.J[i]
        moved = vectors.V[i] if momentum else J
        if momentum:
            for j in range(N):
                moved[j] = (1.0 - learning.damping / N) * moved[j] - (scale * learning.decay) * J[j]
        elif learning.decay != 0.0:
            for j in range(N):
                J[j] *= 1.0 - scale * learning.decay
        for a in range(batch):
            xi = Xi[a, i % Xi.shape[1]]
            add_and_dot(moved, scale / batch * delta[a, i], xi, xi)
        if momentum:
            add_and_dot(J, 1.0 / N, moved, moved)


@compiled
def _rate(own: Own | None, rate: float, adaptive: int) -> float:
    """eta of this update: as given, or that times an own number."""
    if own is None:
        return rate
    return rate * own.values[adaptive] if adaptive >= 0 else rate


@compiled
def _hold(own: Own, adaptive: int) -> None:
    """A learning rate that would be negative becomes 0."""
    if adaptive >= 0 and own.values[adaptive] < 0.0:
        own.values[adaptive] = 0.0


@compiled
def _walk(B: np.ndarray, rate: float, walk: Walk) -> None:
    """B_n <- cos B_n + sin |B_n| e, cos = 1 - rate / N, e of length 1, at random and orthogonal to B_n."""
    N, e = B.shape[1], walk.direction
    cos = 1.0 - rate / N
    sin = sqrt(max(1.0 - cos * cos, 0.0))
    for n in range(B.shape[0]):
        length = walk.lengths[n]
        if length == 0.0:
            continue
        draw_normals(walk.rng, e)
        add_and_dot(e, -dot(B[n], e) / (length * length), B[n], e)
        step = sin * length / sqrt(dot(e, e))
        for j in range(N):
            B[n, j] = cos * B[n, j] + step * e[j]
        correction = length / sqrt(dot(B[n], B[n]))  # of rounding, which would add up
        for j in range(N):
            B[n, j] *= correction


@compiled
def advance_general(
    step: Any,
    vectors: Vectors,
    inputs: Inputs,
    learning: Learning,
    walk: Walk,
    first: int,
    last: int,
    interval: int,
    limit: float,
    rates: np.ndarray,
    A: np.ndarray,
    own: Own | None,
    luck: Luck | None,
    parts: ActivationTag,
) -> tuple[int, int]:
    """Make the updates from count ``first`` to count ``last``; returns the count reached and who has grown (`grown`).

    ``rates`` (eta and rate_e s_e) and ``A`` (M, P) have a row for each update, or a single one. ``parts`` has no
    content: its type carries a digest of the file that this kernel takes its parts from, which numba's disk cache does
    not watch.
    """
    (K, N), M, batch = vectors.J.shape, A.shape[1], inputs.Xi.shape[0]
    x, y, delta = np.empty(K), np.empty(M), np.empty((batch, K))
    for update in range(first + 1, last + 1):
        rate = rates[min(update - first, rates.shape[0]) - 1]
        combination = A[min(update - first, A.shape[0]) - 1]
        if own is not None:
            own.total[:] = 0.0
        for a in range(batch):
            _draw_input(inputs, a)
            _project(vectors, combination, inputs.Xi[a], x, y)
            if luck is not None:
                draw_luck(luck)
            error_signal(step, x, y, values_of(own), numbers_of(luck), 0, delta[a], direction_of(own))
            if own is not None:
                own.total[:] += own.change / batch
        eta = _rate(own, rate[0], learning.adaptive)
        if own is not None:
            move_own(own, rate, own.total)
            _hold(own, learning.adaptive)
        _learn(vectors, learning, eta / N, delta, inputs.Xi)
        if learning.walk != 0.0:
            _walk(vectors.B, learning.walk, walk)
        if update % interval == 0:
            who = grown(vectors.J, limit, own)
            if who != NOT_GROWN:
                return update, who
    return last, NOT_GROWN
