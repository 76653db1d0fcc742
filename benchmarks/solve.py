"""Rows of `make bench` for the theory: speed of `solve`, its accuracy, the first result, and the cost against K."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

import learndyn as ld
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.student_teacher.flow import drift_function
from table import Row, show

RTOL, ATOL = 1e-8, 1e-10


def committee(K: int, activation: str, learning_rate: float, **options) -> ld.StudentTeacher:
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(K, activation), learning_rate, **options)


def seconds(call, repeats: int) -> float:
    """Median seconds of a call."""
    taken = []
    for _ in range(repeats):
        clock = time.perf_counter()
        call()
        taken.append(time.perf_counter() - clock)
    return median(taken)


def solve_rows() -> list[Row]:
    """The verb, its compiled program alone, and SciPy's LSODA on the same problem, in turn."""
    from scipy.integrate import solve_ivp

    scenario = committee(2, "erf", 0.5)
    start = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-3, 0.0], [0.0, 1e-3]])
    times = np.linspace(0.0, 200.0, 201)
    drift = drift_function(scenario.structure, NUMPY)
    values, state = scenario.values(), scenario.initial_state(start)
    program: list[float] = []

    def ours() -> None:
        import json

        program.append(json.loads(ld.solve(scenario, start, 200.0, progress=False).attrs["timings"])["run"])

    def lsoda() -> None:
        solve_ivp(
            lambda t, y: drift(t, y, values), (0.0, 200.0), state, "LSODA", times, rtol=RTOL, atol=ATOL
        )  # fmt: skip

    ours()
    own, peer = [], []
    for _ in range(9):
        own.append(seconds(ours, 20))
        peer.append(seconds(lsoda, 1))
    ratio = median(p / o for o, p in zip(own, peer, strict=True))
    return [
        Row("solve, erf K=M=2, alpha 200, rtol 1e-8: the whole call", 1e3 * median(own), "ms", target="<= 2 ms"),
        Row("  of it the compiled program", 1e3 * median(program), "ms"),
        Row("  LSODA of SciPy, NumPy right-hand side", 1e3 * median(peer), "ms", "the whole call", ratio, ">= 12 x"),
    ]


def accuracy_rows(count: int = 1000) -> list[Row]:
    """True error along the path, against a run at rtol 1e-12, over random erf scenarios."""
    rng = np.random.default_rng(2018)
    errors = []
    for number in range(count):
        K, M = [(1, 1), (2, 2), (3, 2), (2, 3), (3, 3)][number % 5]
        scenario, start = random_problem(rng, K, M)
        loose = ld.solve(scenario, start, 200.0, progress=False)
        tight = ld.solve(scenario, start, 200.0, rtol=1e-12, atol=1e-14, progress=False)
        errors.append(max(float(abs(loose[name] - tight[name]).max()) for name in ("R", "Q")))
    return [
        Row(f"solve at rtol 1e-8: largest error of R, Q over {count} random scenarios", max(errors), target="<= 1e-6"),
        Row("  median over the scenarios of the largest error along the path", median(errors), target="<= 1e-8"),
    ]


def random_problem(rng: np.random.Generator, K: int, M: int) -> tuple[ld.StudentTeacher, ld.Start]:
    """A correlated teacher, a random learning rate in [0.1, 1.6], and a start with small overlaps."""
    A = rng.standard_normal((M, M + 2))
    scenario = ld.StudentTeacher(
        ld.Student(K), ld.Teacher(M, T=A @ A.T / (M + 2)), learning_rate=float(10 ** rng.uniform(-1.0, 0.2))
    )
    A = rng.standard_normal((K, K + 3))
    R = rng.standard_normal((K, M)) * 10 ** rng.uniform(-3.0, -1.0)
    while True:
        try:
            return scenario, scenario.as_start(ld.Start(A @ A.T / (K + 3), R))
        except ld.InputError:
            R = 0.7 * R


def per_step(activation: str, learning_rate: float, until: float, K: int = 2) -> float:
    """Microseconds of one solver step of a compiled program."""
    import json

    scenario = committee(K, activation, learning_rate)
    start = ld.Start(Q=np.diag(np.linspace(0.2, 0.3, K)), R=1e-3 * np.eye(K))
    ld.solve(scenario, start, until, progress=False)
    taken = []
    for _ in range(15):
        attributes = ld.solve(scenario, start, until, progress=False).attrs
        taken.append(json.loads(attributes["timings"])["run"] / json.loads(attributes["options"])["steps"])
    return 1e6 * median(taken)


def relu_rows() -> list[Row]:
    """What the exact ReLU eta^2 term costs."""
    erf, relu = [], []
    for _ in range(5):
        erf.append(per_step("erf", 0.5, 200.0))
        relu.append(per_step("relu", 0.1, 300.0))
    ratio = median(r / e for r, e in zip(relu, erf, strict=True))
    scenario = committee(5, "relu", 0.1)
    start = ld.Start.random(scenario, X=1e-3, seed=1)
    ld.solve(scenario, start, 100.0, progress=False)
    whole = seconds(lambda: ld.solve(scenario, start, 100.0, progress=False), 3)
    rows = [
        Row("solver step, relu with its exact eta^2 term, K=M=2", median(relu), "us", "erf", ratio, "<= 10 x"),
        Row("solver step, erf K=M=2", median(erf), "us"),
        Row("solve, relu K=M=5, alpha 100", 1e3 * whole, "ms"),
    ]
    return rows + [right_hand_side("relu", K) for K in (10, 20)]


def right_hand_side(activation: str, K: int) -> Row:
    """One drift, and the memory of its temporaries as XLA reports it."""
    import jax

    scenario = committee(K, activation, 0.1)
    state = scenario.initial_state(ld.Start.random(scenario, X=1e-2 / K, seed=1))
    arguments = (np.float64(0.0), state, scenario.values())
    with jax.enable_x64(True):
        program = jax.jit(scenario.flow().drift).lower(*arguments).compile()
        megabytes = program.memory_analysis().temp_size_in_bytes / 1e6
        jax.block_until_ready(program(*arguments))
        taken = seconds(lambda: jax.block_until_ready(program(*arguments)), 7)
    target = "<= 30 ms, 50 MB" if (activation, K) == ("erf", 50) else ""
    return Row(
        f"right-hand side, {activation} K=M={K}, temporaries {megabytes:.1f} MB", 1e3 * taken, "ms", target=target
    )


def first_result_rows() -> list[Row]:
    """`learndyn run` in a fresh process, without and with its compilation cache."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.toml"
        file.write_text(
            "[scenario]\nlearning_rate = 0.5\n[scenario.student]\nunits = 2\n[scenario.teacher]\nunits = 2\n"
            "[start]\nQ = [[0.2, 0.0], [0.0, 0.3]]\nR = [[1e-3, 0.0], [0.0, 1e-3]]\n[solve]\nuntil = 200\n"
        )

        def run(cache: str) -> float:
            environment = {**os.environ, "LEARNDYN_CACHE_DIR": cache}
            clock = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "learndyn", "run", str(file)], check=True, capture_output=True, env=environment
            )
            return time.perf_counter() - clock

        cold = [run(f"{folder}/cold{number}") for number in range(5)]
        warm = [run(f"{folder}/cold0") for _ in range(5)]
    return [
        Row("first result, fresh process, cold (learndyn run, erf K=M=2)", median(cold), "s", target="<= 2.5 s"),
        Row("  with the compilation cache", median(warm), "s", target="<= 1.5 s"),
    ]


def rows() -> list[Row]:
    """All rows of this file."""
    table = solve_rows() + first_result_rows() + relu_rows()
    table += [right_hand_side("erf", K) for K in (2, 5, 10, 20, 50)]
    return table + accuracy_rows()


if __name__ == "__main__":
    show(rows())
