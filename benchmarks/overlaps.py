"""Speed of the exact finite-size process: its kernel against NumPy, weight vectors and two threads, and a table of N.

Value and peer were timed in turns in this run, as medians. In the table of N a run that would take too long is
extrapolated from the difference of two shorter ones, so that what happens once in a run is counted once.
"""

from __future__ import annotations

import math
import os
from statistics import median
from time import perf_counter

import numpy as np
from scipy.special import erf
from threadpoolctl import threadpool_limits

import learndyn as ld
from learndyn.activations import activation
from learndyn.engines.overlaps import run_overlaps
from learndyn.engines.streams import lane_states
from learndyn.engines.weights_kernels import advance_plain
from learndyn.lanes.random import draw
from learndyn.lanes.types import LANES
from learndyn.scenarios.process import bare
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
    step, C = make_step(activation(name), ETA), scenario.covariance(start)
    return lambda: run_overlaps(
        bare(step, C, K), size, np.array([updates]), replicas=replicas, threads=threads, seed=1, progress=False
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
    words, numbers = lane_states(1, "overlaps", N, range(LANES), 2), np.empty((4000, 6, LANES))
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
            floor = medians(lambda: draw(words, 3, 4, N - 4, numbers))[0] / (len(numbers) * LANES)
            rows.append(Row("  likewise", 1e9 * per_step, "ns", "drawing its random numbers alone", per_step / floor))
        else:
            rows.append(Row(label, 1e9 * per_step, "ns", target=target))
        rows.append(
            Row("  an update of a single replica", 1e9 * (alone - begin) / (100 * updates), "ns", target=target)
        )
    return rows


def descent_rows() -> list[Row]:
    """At N = 1e4, one core: the process, one of 1000 replicas and a single one, against descent on weight vectors."""
    K, step = 2, make_step(activation("relu"), ETA)
    W, inputs = weights(K, K, N), np.empty((2, N))
    J = W[:K].copy()
    many, start, alone, begin, loop, own = medians(
        chain(K, "relu", REPLICAS, 401),
        chain(K, "relu", REPLICAS, 1),
        chain(K, "relu", 1, 40_001),
        chain(K, "relu", 1, 1),
        lambda: numpy_loop(J, W[K:], stream(), ETA, 100),
        lambda: advance_plain(step, W, K, inputs, stream(), 0, 500, NEVER, np.inf, np.array([[ETA]])),
    )
    per_step = (many - start) / (400 * REPLICAS)
    rows = []
    for label, seconds in (("one of 1000 replicas", per_step), ("a single replica", (alone - begin) / 40_000)):
        name = f"simulate, overlaps, relu K=M=2, N=1e4: an update of {label}"
        peers = (
            ("a NumPy loop on weight vectors", loop / 100, ">= 1000 x"),
            ('method="weights"', own / 500, ">= 300 x"),
        )
        rows += [Row(name, 1e9 * seconds, "ns", peer, time / seconds, target) for peer, time, target in peers]
    return rows


FAST = {
    "output weights that learn": {"output_learning_rate": 0.1},
    "label noise and dropout": {"label_noise": 0.1, "dropout_keep": 0.8},
    "weight decay": {"weight_decay": 0.1},
    "a learning rate that changes": {"learning_rate": ld.schedules.Exponential(0.1, 100.0)},
}
GENERAL = {
    "two inputs an update": {"batch_size": 2},
    "ten inputs an update": {"batch_size": 10},
    "momentum": {"rule": ld.Momentum(1.0)},
    "a walking teacher": {"teacher_drift": ld.RandomWalk(0.01)},
    "three eigenvalues": {"inputs": ld.Inputs([0.5, 1.0, 2.0], [0.5, 0.25, 0.25])},
}


def option_rows() -> list[Row]:
    """relu, K = M = 2, one core: an update with an option, against one without."""
    scenario, start = committee(2, "relu")
    steps = {"one of 1000 replicas": (FAST, REPLICAS, 200), "a single replica": ({**FAST, **GENERAL}, 1, 20_000)}
    rows = []
    for label, (options, replicas, updates) in steps.items():

        def run(some: dict[str, object], count: int, replicas: int = replicas):
            process = scenario.replace(**some).process(start)
            return lambda: run_overlaps(
                process, N, np.array([count]), replicas=replicas, threads=1, seed=1, progress=False
            )

        for name, some in options.items():
            plain, begin, long, short = medians(
                run({}, updates + 1), run({}, 1), run(some, updates + 1), run(some, 1)
            )  # fmt: skip
            value = (long - short) / (updates * replicas)
            row = f"simulate, overlaps, relu K=M=2, {label}: an update with {name}"
            rows.append(Row(row, 1e9 * value, "ns", "without", (long - short) / (plain - begin)))
    return rows


def thread_rows() -> list[Row]:
    """1000 replicas on two threads and on one."""
    if len(os.sched_getaffinity(0)) < 2:
        return [Row("two threads against one: not measured, there is one core", float("nan"))]
    one, two = medians(chain(2, "relu", REPLICAS, 16_000, 1), chain(2, "relu", REPLICAS, 16_000, 2))
    name = "simulate, overlaps, relu K=M=2, 1000 replicas, two threads: an update"
    return [Row(name, 1e9 * two / (16_000 * REPLICAS), "ns", "one thread", one / two, ">= 1.7 x")]


# ---- The table of N


def run_seconds(method: str, size: int, updates: int) -> float:
    """Median seconds of a compiled run of one replica, K = M = 2, relu."""
    scenario, start = committee(2, "relu")
    until = updates / size
    W = weights(2, 2, size) if method == "NumPy" else np.empty((4, 0))

    def run() -> float:
        J = W[:2].copy()
        clock = perf_counter()
        if method == "NumPy":
            numpy_loop(J, W[2:], stream(), ETA, updates)
        else:
            ld.simulate(
                scenario, start, until, N=size, method=method, save_at=[until], threads=1, seed=1, progress=False
            )
        return perf_counter() - clock

    run()
    return median(run() for _ in range(3))


def whole_run(method: str, size: int, until: float, longest: float) -> tuple[float, bool]:
    """Seconds of a run to ``until``, and whether they were measured; else from runs of ``longest`` s and a third."""
    updates = int(until * size)
    if method == "diffusion":
        return run_seconds(method, size, updates), True
    guess = {"overlaps": 1e-7, "weights": 5e-9 * size, "NumPy": 2.4e-8 * size}[method]
    if guess * updates <= longest:
        return run_seconds(method, size, updates), True
    long = max(3, int(longest / guess))
    short = long // 3
    slope = (run_seconds(method, size, long) - run_seconds(method, size, short)) / (long - short)
    return slope * updates, False


def size_table(until: float = 100.0, longest: float = 2.0) -> tuple[list[str], list[list[tuple[float, bool]]]]:
    """Seconds for one replica to alpha = 100, and whether they were measured."""
    sizes = [10**exponent for exponent in range(3, 8)]
    methods = ("overlaps", "diffusion", "weights", "NumPy")
    return [f"{N:.0e}" for N in sizes], [[whole_run(m, N, until, longest) for m in methods] for N in sizes]


# ---- Diffusion and fluctuations


def theory_rows() -> list[Row]:
    """One call of what needs no simulation step by step, once compiled."""
    rows = []
    for K, name in ((1, "relu"), (2, "erf"), (3, "erf"), (2, "relu")):
        scenario, start = committee(K, name)
        (call,) = medians(lambda scenario=scenario, start=start: ld.fluctuations(scenario, start, 100, seed=1))
        rows.append(Row(f"fluctuations, {name} K=M={K}, alpha 100, once compiled", 1e3 * call, "ms"))
    for K, name in ((2, "erf"), (2, "relu")):
        scenario, start = committee(K, name)
        (call,) = medians(
            lambda scenario=scenario, start=start: ld.simulate(
                scenario, start, 100, N=10**7, replicas=100, method="diffusion", seed=1, progress=False
            )
        )
        label = f"simulate, diffusion, {name} K=M={K}, N=1e7, alpha 100, 100 replicas, two threads"
        rows.append(Row(label, call, "s"))
    return rows


def rows() -> list[Row]:
    """All rows; about two minutes."""
    with threadpool_limits(limits=1, user_api="blas"):
        return [*kernel_rows(), *descent_rows(), *option_rows(), *thread_rows(), *theory_rows()]


def tables() -> None:
    """Print the table of N."""
    with threadpool_limits(limits=1, user_api="blas"):
        sizes, seconds = size_table()
    print("One replica to alpha = 100, relu K=M=2, one core, once compiled; ~: extrapolated from a shorter run")
    show_sizes(("overlaps", "diffusion", "weights", "NumPy loop"), sizes, seconds)


if __name__ == "__main__":
    show(rows())
    tables()
