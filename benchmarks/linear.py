"""Rows of `make bench` for linear networks: the closed forms of modes and of matrices, beside their peers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from threadpoolctl import threadpool_limits

import learndyn as ld
from solve import seconds
from table import Row, show

MODES, TIMES, SIZE = 1000, 1000, 200


def mode_rows() -> list[Row]:
    """1000 modes at 1000 times, beside the exponentials alone and SciPy's DOP853 on all modes at once."""
    s, at = np.linspace(0.05, 3.0, MODES), np.linspace(0.0, 30.0, TIMES)
    modes, start = ld.LinearModes(s, weight_decay=0.1), ld.ModeStart(0.01)
    lazy, uneven = ld.LinearModes(s), ld.ModeStart(0.01, 0.5)

    def integrated() -> np.ndarray:
        u0, tolerances = np.full(MODES, 0.01), {"rtol": 1e-8, "atol": 1e-10}
        return solve_ivp(lambda t, u: 2 * u * (s - 0.1 - u), (0.0, 30.0), u0, "DOP853", at, **tolerances).y.T

    assert np.allclose(modes.strengths(start, at), integrated(), atol=1e-5)
    own = seconds(lambda: modes.strengths(start, at), 9)
    floor = seconds(lambda: np.exp(np.multiply.outer(at, -s)), 9)
    return [
        Row(f"{MODES} modes x {TIMES} times, balanced with decay", own, "s", "exponentials", own / floor, "<= 0.05 s"),
        Row("  out of balance", seconds(lambda: lazy.strengths(uneven, at), 9), "s", target="<= 0.05 s"),
        Row("  as a whole run of ld.solve", seconds(lambda: ld.solve(modes, start, 30.0, save_at=TIMES), 5), "s"),
        Row("  the same by SciPy's DOP853", other := seconds(integrated, 3), "s", "the closed form", other / own),
    ]


def by_hand(task: Any, start: Any, until: float) -> np.ndarray:
    """The map at the end by SciPy's DOP853 on both matrices."""
    correlation, (W_1, W_2) = task.correlation.values, start.matrices()
    cut = W_1.size

    def drift(t: float, y: np.ndarray) -> np.ndarray:
        first, second = y[:cut].reshape(W_1.shape), y[cut:].reshape(W_2.shape)
        error = correlation - second @ first
        return np.concatenate([(second.T @ error).ravel(), (error @ first.T).ravel()])

    y = solve_ivp(drift, (0.0, until), task.initial_state(start), "DOP853", [until], rtol=1e-8, atol=1e-10).y[:, -1]
    return y[cut:].reshape(W_2.shape) @ y[:cut].reshape(W_1.shape)


def matrix_rows() -> list[Row]:
    """The matrix solution of a random task, small balanced start to the end of learning."""
    rng = np.random.default_rng(1)
    task = ld.DeepLinear(rng.standard_normal((SIZE, SIZE)) / np.sqrt(SIZE))
    start = ld.LinearWeights.balanced(task, scale=1e-3, seed=1)

    def closed(points: int) -> Any:
        return ld.solve(task, start, 20.0, save_at=np.linspace(20.0 / points, 20.0, points))

    with threadpool_limits(limits=1, user_api="blas"):
        assert np.allclose(closed(20).W.values[-1], by_hand(task, start, 20.0), atol=1e-6)
        other = seconds(lambda: by_hand(task, start, 20.0), 1)
    own = seconds(lambda: closed(20), 5)
    return [
        Row(f"matrix solution {SIZE} x {SIZE}, 20 times", own, "s", target="<= 1 s"),
        Row("  50 times", seconds(lambda: closed(50), 3), "s"),
        Row("  as ld.solve saves by default, 201 times", seconds(lambda: ld.solve(task, start, 20.0), 5), "s"),
        Row("  the end by SciPy's DOP853", other, "s", "20 times", other / own),
    ]


def masked_by_hand(modes: Any, steps: int) -> np.ndarray:
    """Descent of two-layer modes under masks, as one writes it in NumPy."""
    rng, first = np.random.default_rng(1), np.full(modes.m, 0.1)
    second, s, eta = first.copy(), modes.s.values, modes.learning_rate
    for _ in range(steps):
        push = eta * (rng.random(modes.m) < modes.dropout_keep) * (s - first * second)
        first, second = first + push * second, second + push * first
    return first * second


def descended_by_hand(task: Any, start: Any, steps: int) -> np.ndarray:
    """Descent along the expected gradient in NumPy, white inputs."""
    W_1, W_2 = start.matrices()
    for _ in range(steps):
        error = task.correlation.values - W_2 @ W_1
        W_1, W_2 = W_1 + task.learning_rate * W_2.T @ error, W_2 + task.learning_rate * error @ W_1.T
    return W_2 @ W_1


def descent_rows() -> list[Row]:
    """Steps of simulations on one core: modes under masks, and matrices, beside plain NumPy."""
    modes = ld.LinearModes(np.linspace(0.5, 3.0, MODES), dropout_keep=0.6, learning_rate=1e-3)
    single = modes.replace(dropout_keep=1.0)
    steps, few = 4000, 400
    until = {"until": steps * 1e-3, "save_at": [steps * 1e-3], "threads": 1, "seed": 1}
    masked = seconds(lambda: ld.simulate(modes, 0.01, **until), 5)
    loop = seconds(lambda: masked_by_hand(modes, steps), 3)
    whole = seconds(lambda: ld.simulate(single, 0.01, **until), 5)
    rng = np.random.default_rng(1)
    task = ld.DeepLinear(rng.standard_normal((SIZE, SIZE)) / np.sqrt(SIZE), learning_rate=1e-2)
    start = ld.LinearWeights.balanced(task, scale=1e-3, seed=1)
    with threadpool_limits(limits=1, user_api="blas"):
        own = seconds(lambda: ld.simulate(task, start, few * 1e-2, save_at=[few * 1e-2]), 3)
        by_loop = seconds(lambda: descended_by_hand(task, start, few), 3)
    each = 1e9 / (MODES * steps)
    return [
        Row("descent of modes under masks, a mode and step", masked * each, "ns", "NumPy", loop / masked, ">= 2 x"),
        Row("  without masks", whole * each, "ns"),
        Row(f"descent of matrices {SIZE} x {SIZE}, a step", 1e6 * own / few, "us", "NumPy", by_loop / own),
    ]


def rows() -> list[Row]:
    """All rows of this file."""
    return [*mode_rows(), *matrix_rows(), *descent_rows()]


if __name__ == "__main__":
    show(rows())
