"""Speed of gradient descent on weight vectors, one core: the compiled kernels against NumPy, the floor and each other.

Value and peer were timed in turns in this run; both are medians.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

from learndyn.activations import activation
from learndyn.activations.compiled import ActivationTag, dg, g
from learndyn.engines.weights_kernels import BLOCK, advance_blocks, advance_plain, draw_normals
from learndyn.scenarios.student_teacher.steps import make_step
from table import Row, show

ROUNDS = 7
RATES = np.array([[0.1]])  # eta
NEVER = 10**12 * BLOCK  # updates between two tests for divergence


@njit(nogil=True, cache=True, error_model="numpy")
def draw_only(rng: np.random.Generator, xi: np.ndarray, updates: int) -> None:
    """The floor: the normals that the updates need, and nothing else."""
    for _ in range(updates):
        draw_normals(rng, xi)


def numpy_loop(J: np.ndarray, B: np.ndarray, rng: np.random.Generator, eta: float, updates: int) -> None:
    """Descent of a ReLU committee as one writes it in NumPy."""
    N = J.shape[1]
    xi = np.empty(N)
    for _ in range(updates):
        rng.standard_normal(N, out=xi)
        x, y = J @ xi, B @ xi
        delta = (x > 0) * (np.maximum(y, 0).sum() - np.maximum(x, 0).sum())
        J += np.outer(eta / N * delta, xi)


def medians(*functions: Callable[[], object]) -> list[float]:
    """Median seconds of each function; called in turns, so that a slow moment of the machine meets all."""
    for function in functions:
        function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(ROUNDS):
        for function, record in zip(functions, times, strict=True):
            begin = perf_counter()
            function()
            record.append(perf_counter() - begin)
    return [median(record) for record in times]


def stream() -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(1))


def weights(K: int, M: int, N: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((K + M, N)) / np.sqrt(N)


def plain_rows(N: int, numpy_target: str, updates: int) -> list[Row]:
    """K = M = 2: the plain kernel against the NumPy loop and against drawing the normals."""
    K, step = 2, make_step(activation("relu"), 0.1)
    W, inputs, xi = weights(K, K, N), np.empty((2, N)), np.empty(N)
    J = W[:K].copy()
    kernel, loop, floor = medians(
        lambda: advance_plain(step, W, K, inputs, stream(), 0, updates, NEVER, np.inf, RATES),
        lambda: numpy_loop(J, W[K:], stream(), 0.1, updates),
        lambda: draw_only(stream(), xi, updates),
    )
    name = f"simulate, weights, K=M=2, N={N:g}: an update, per dimension"
    value, unit = kernel / (updates * N) * 1e9, "ns"
    return [
        Row(name, value, unit, "a NumPy loop", loop / kernel, numpy_target),
        Row(name, value, unit, "drawing the normals alone", kernel / floor, "<= 1.7 x"),
    ]


def block_rows(K: int, N: int, target: str, updates: int) -> list[Row]:
    """Blocks of inputs against one input after another."""
    step, W, inputs = make_step(activation("relu"), 0.1), weights(K, K, N), np.empty((BLOCK, N))
    blocks, plain = medians(
        lambda: advance_blocks(step, W, K, inputs, stream(), 0, updates, NEVER, np.inf, RATES),
        lambda: advance_plain(step, W, K, inputs, stream(), 0, updates, NEVER, np.inf, RATES),
    )
    name = f"simulate, weights, K=M={K}, N={N:g}, blocks of inputs: likewise"
    return [Row(name, blocks / (updates * N) * 1e9, "ns", "one input after another", plain / blocks, target)]


@njit(error_model="numpy")
def through_tag(tag: ActivationTag, x: np.ndarray) -> float:
    total = 0.0
    for i in range(x.size):
        total += g(tag, x[i]) + dg(tag, x[i])
    return total


@njit(error_model="numpy")
def by_hand(x: np.ndarray) -> float:
    total = 0.0
    for i in range(x.size):
        total += math.erf(x[i] * math.sqrt(0.5)) + math.sqrt(2.0 / math.pi) * math.exp(-0.5 * x[i] * x[i])
    return total


def activation_rows() -> list[Row]:
    """erf and its derivative, written once for theory and simulation, against the same formulas written in a kernel."""
    x, tag = np.random.default_rng(0).standard_normal(200_000), ActivationTag(activation("erf"))
    tagged, hand = medians(lambda: through_tag(tag, x), lambda: by_hand(x))
    return [
        Row(
            "erf and its derivative in a kernel",
            tagged / x.size * 1e9,
            "ns",
            "written by hand",
            tagged / hand,
            "<= 1.05 x",
        )
    ]


def rows() -> list[Row]:
    """All rows; about half a minute."""
    with threadpool_limits(limits=1, user_api="blas"):
        return [
            *plain_rows(1_000, ">= 4 x", 20_000),
            *plain_rows(10_000, ">= 2.5 x", 2_000),
            *block_rows(10, 100_000, ">= 1.3 x", 96),
            *block_rows(10, 10_000, "", 960),
            *block_rows(4, 10_000, "", 1_600),
            *activation_rows(),
        ]


if __name__ == "__main__":
    show(rows())
