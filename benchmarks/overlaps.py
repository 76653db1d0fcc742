"""Speed of the exact finite-size process: its kernel against NumPy, weight vectors and two threads, and a table of N.

Value and peer were timed in turns in this run; all are medians.
"""

from __future__ import annotations

import math
import os
from time import perf_counter

import numpy as np
from scipy.special import erf
from threadpoolctl import threadpool_limits

import learndyn as ld
from learndyn.engines.overlaps import run_overlaps
from learndyn.engines.weights_kernels import advance_plain
from learndyn.scenarios.student_teacher.steps import make_step
from simulate import NEVER, medians, numpy_loop, stream, weights
from table import Row, show, show_sizes

N = 10_000
REPLICAS = 1000
ETA = 0.1


def committee(K: int, name: str) -> tuple[ld.StudentTeacher, ld.Start]:
    scenario = ld.StudentTeacher(ld.Student(K, name), ld.Teacher(K, name), ETA)
    return scenario, ld.Start.near_symmetric(scenario, Q=np.linspace(0.2, 0.3, K), X=0.1)


def chain(K: int, name: str, replicas: int, updates: int, threads: int = 1, size: int = N):
    """A call that makes so many updates of so many replicas."""
    scenario, start = committee(K, name)
    step, C = make_step(scenario.activation, ETA), scenario.covariance(start)
    return lambda: run_overlaps(
        step, C, K, size, np.array([updates]), replicas=replicas, threads=threads, seed=1, progress=False
    )


class NumpyChain:
    """The same process in NumPy, all replicas at once: arrays (units, replicas), rotations as in the kernel."""

    def __init__(self, K: int, name: str, replicas: int) -> None:
        self.K, self.name = K, name
        self.rng = stream()
        self.a = np.zeros((K, K, replicas))
        self.a[np.arange(K), np.arange(K)] = 0.1
        self.l = np.zeros((K, K + 1, replicas))
        self.l[np.arange(K), np.arange(K)] = 0.45

    def error_signal(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if self.name == "relu":
            return (x > 0) * (np.maximum(y, 0.0).sum(0) - np.maximum(x, 0.0).sum(0))
        root = math.sqrt(0.5)
        return math.sqrt(2 / math.pi) * np.exp(-0.5 * x * x) * (erf(y * root).sum(0) - erf(x * root).sum(0))

    def advance(self, updates: int, N: int) -> None:
        K, a, l, rng = self.K, self.a, self.l, self.rng
        n, scale = a.shape[-1], ETA / N
        for _ in range(updates):
            u, v = rng.standard_normal((K, n)), rng.standard_normal((K, n))
            chi = np.sqrt(rng.chisquare(N - 2 * K, n))
            x = (a * u).sum(1) + (l[:, :K] * v).sum(1)
            delta = scale * self.error_signal(x, u)  # T = 1: y = u
            a += delta[:, None] * u
            l[:, :K] += delta[:, None] * v
            l[:, K] = delta * chi
            for j in range(K):  # rows of l become lower triangular again, entry by entry
                for m in range(K, j, -1):
                    f, g = l[j, j], l[j, m]
                    r = np.hypot(f, g)
                    c, s = f / r, g / r
                    p, q = l[j:, j].copy(), l[j:, m]
                    l[j:, j] = c * p + s * q
                    l[j:, m] = c * q - s * p


def kernel_rows() -> list[Row]:
    """One core: nanoseconds of an update of one of 1000 replicas, and of a replica alone; against NumPy."""
    rows = []
    for K, name, updates, target in (
        (2, "relu", 400, "<= 110 ns"),
        (2, "erf", 300, "<= 110 ns"),
        (10, "relu", 100, "<= 900 ns"),
        (10, "erf", 80, "<= 900 ns"),
    ):
        # One update alone is taken off: it stands for starting 1000 replicas.
        many, start = medians(chain(K, name, REPLICAS, updates + 1), chain(K, name, REPLICAS, 1))
        alone, begin = medians(chain(K, name, 1, 100 * updates + 1), chain(K, name, 1, 1))
        per_step = (many - start) / (updates * REPLICAS)
        label = f"simulate, overlaps, {name} K=M={K}, N=1e4, one core: an update of one of 1000 replicas"
        if K == 2:
            peer = NumpyChain(K, name, REPLICAS)
            (numpy_time,) = medians(lambda peer=peer: peer.advance(50, N))
            ratio = numpy_time / (50 * REPLICAS) / per_step
            rows.append(Row(label, 1e9 * per_step, "ns", target=target))
            rows.append(Row("  likewise", 1e9 * per_step, "ns", "NumPy, 1000 replicas at once", ratio, ">= 4 x"))
        else:
            rows.append(Row(label, 1e9 * per_step, "ns", target=target))
        rows.append(
            Row("  an update of a single replica", 1e9 * (alone - begin) / (100 * updates), "ns", target=target)
        )
    return rows


def descent_rows() -> list[Row]:
    """At N = 1e4, one core: the process against descent on weight vectors."""
    K, step = 2, make_step(committee(2, "relu")[0].activation, ETA)
    W, inputs = weights(K, K, N), np.empty((2, N))
    J = W[:K].copy()
    many, start, loop, own = medians(
        chain(K, "relu", REPLICAS, 401),
        chain(K, "relu", REPLICAS, 1),
        lambda: numpy_loop(J, W[K:], stream(), ETA, 100),
        lambda: advance_plain(step, W, K, inputs, stream(), 0, 500, NEVER, np.inf),
    )
    per_step = (many - start) / (400 * REPLICAS)
    name, value = "simulate, overlaps, relu K=M=2, N=1e4: an update", 1e9 * per_step
    return [
        Row(name, value, "ns", "a NumPy loop on weight vectors", loop / 100 / per_step, ">= 1000 x"),
        Row(name, value, "ns", 'method="weights"', own / 500 / per_step, ">= 300 x"),
    ]


def thread_rows() -> list[Row]:
    """1000 replicas on two threads and on one."""
    if len(os.sched_getaffinity(0)) < 2:
        return []
    one, two = medians(chain(2, "relu", REPLICAS, 4000, 1), chain(2, "relu", REPLICAS, 4000, 2))
    name = "simulate, overlaps, relu K=M=2, 1000 replicas, two threads: an update"
    return [Row(name, 1e9 * two / (4000 * REPLICAS), "ns", "one thread", one / two, ">= 1.7 x")]


# ---- The table of N


def run_seconds(method: str, size: int, until: float) -> float:
    """Seconds of a compiled run of one replica, K = M = 2, relu."""
    scenario, start = committee(2, "relu")

    def run() -> float:
        clock = perf_counter()
        ld.simulate(scenario, start, until, N=size, method=method, save_at=[until], threads=1, seed=1, progress=False)
        return perf_counter() - clock

    run()
    return min(run() for _ in range(2))


def numpy_seconds(size: int, updates: int) -> float:
    W = weights(2, 2, size)
    J = W[:2].copy()
    clock = perf_counter()
    numpy_loop(J, W[2:], stream(), ETA, updates)
    return perf_counter() - clock


def size_table(until: float = 100.0, longest: float = 4.0) -> tuple[list[str], list[list[tuple[float, bool]]]]:
    """Seconds for one replica to alpha = 100; the second entry tells whether they were measured or extrapolated.

    A shorter run is measured, and multiplied, where the whole one would take more than ``longest`` seconds.
    """
    table = []
    guess = {"overlaps": 1e-7, "weights": 5e-9, "NumPy": 2.4e-8}
    for size in 10 ** np.arange(3, 8):
        line = []
        for method in ("overlaps", "diffusion", "weights", "NumPy"):
            cost = (
                0.0 if method == "diffusion" else guess[method] * until * size * (1 if method == "overlaps" else size)
            )
            part = min(1.0, longest / cost) if cost else 1.0
            updates = max(1, int(part * until * size))
            if method == "NumPy":
                seconds = numpy_seconds(int(size), updates)
            else:
                seconds = run_seconds(method, int(size), until if part == 1.0 else updates / size)
            line.append((seconds * (until * size / updates if part < 1.0 else 1.0), part == 1.0))
        table.append(line)
    return [f"1e{exponent}" for exponent in range(3, 8)], table


def rows() -> list[Row]:
    """All rows; about a minute."""
    with threadpool_limits(limits=1, user_api="blas"):
        return [*kernel_rows(), *descent_rows(), *thread_rows()]


def tables() -> None:
    """Print the table of N."""
    with threadpool_limits(limits=1, user_api="blas"):
        sizes, seconds = size_table()
    print("One replica to alpha = 100, relu K=M=2, one core, once compiled; ~: extrapolated from a shorter run")
    show_sizes(("overlaps", "diffusion", "weights", "NumPy loop"), sizes, seconds)


if __name__ == "__main__":
    show(rows())
    tables()
