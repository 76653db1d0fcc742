"""Rows of `make bench` for the two-layer family: what options cost, on and off, and averages by quadrature."""

from __future__ import annotations

import json
import resource
from statistics import median
from typing import Any

import numpy as np

import learndyn as ld
from learndyn.engines.theory import integrate
from learndyn.scenarios.base import Flow
from learndyn.scenarios.student_teacher import state
from solve import ATOL, RTOL, committee, seconds
from table import Row, show

START = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-3, 0.0], [0.0, 1e-3]])


def bare_flow(scenario: ld.StudentTeacher) -> Flow:
    """The soft committee machine written out, as it was before there were options: the floor for what is off."""
    from learndyn.gaussian.namespaces import jax_namespace

    K, M, xp, act = scenario.K, scenario.M, jax_namespace(), scenario.activation
    places, (i, k) = state.covariance_places(K, M), state.upper(K)
    c = np.concatenate([-np.ones(K), np.ones(M)])

    def drift(alpha: Any, flat: Any, values: dict[str, Any]) -> Any:
        eta = values["learning_rate"]
        C = xp.concatenate([flat, values["T"].reshape(-1)])[places]
        response = act.functions["gradient_sum"](C, c, K, xp)
        own = response[:, :K]
        dQ = (own + own.T)[i, k] + eta * act.functions["square_sum"](C, c, K, xp)
        return eta * xp.concatenate([response[:, K:].reshape(-1), dQ])

    return Flow(("bare", K, M, act.name), drift, lambda states: states[..., K * M + state.diagonal(K)].sum(-1))


def program_seconds(flow: Flow, scenario: ld.StudentTeacher, until: float) -> Any:
    """A call that returns the seconds that the compiled program of a flow takes."""
    values = scenario.values()
    begin, times = scenario.initial_state(scenario.as_start(START)), np.linspace(0.0, until, 201)

    def run() -> float:
        options = {"rtol": RTOL, "atol": ATOL, "limit": 1e9, "max_steps": 10**6}
        return integrate(flow, begin, values, times, 0.0, **options).timings["run"]

    return run


def off_rows() -> list[Row]:
    """The flow with all options off against the flow without options in its text."""
    found = []
    for activation in ("erf", "relu"):
        scenario = committee(2, activation, 0.5)
        ours = program_seconds(scenario.flow(), scenario, 200.0)
        floor = program_seconds(bare_flow(scenario), scenario, 200.0)
        own, peer = [], []
        for _ in range(40):
            own.append(min(ours() for _ in range(5)))
            peer.append(min(floor() for _ in range(5)))
        ratio = median(a / b for a, b in zip(own, peer, strict=True))
        name = f"solve with all options off, {activation} K=M=2, the program"
        found.append(Row(name, 1e3 * median(own), "ms", "the flow written without options", ratio, "<= 1.05 x"))
    return found


def output_weight_rows() -> list[Row]:
    """Adaptive output weights against the plain solve, the whole call."""
    plain = committee(2, "erf", 0.5)
    adaptive = plain.replace(output_learning_rate=0.1)
    calls = [lambda s=s: ld.solve(s, START, 200.0, progress=False) for s in (adaptive, plain)]
    own, peer = [], []
    for call in calls:
        call()
    for _ in range(15):
        own.append(seconds(calls[0], 10))
        peer.append(seconds(calls[1], 10))
    ratio = median(a / b for a, b in zip(own, peer, strict=True))
    name = "solve with adaptive output weights, erf K=M=2, alpha 200"
    return [Row(name, 1e3 * median(own), "ms", "the plain solve", ratio, "<= 2 x")]


def quadrature_rows() -> list[Row]:
    """K = M = 2 to alpha = 100 with activations that have no closed form, once compiled, and their measured error."""
    found = []
    for activation in ("tanh", "logistic", "gelu", "silu", "softplus"):
        scenario, start = committee(2, activation, 0.5), START
        run = ld.solve(scenario, start, 100.0, progress=False)
        taken = seconds(lambda s=scenario, b=start: ld.solve(s, b, 100.0, progress=False), 3)
        error = float(ld.accuracy(run).max())
        found.append(Row(f"solve, {activation} K=M=2, alpha 100, by quadrature", taken, "s", target="< 2 s"))
        found.append(Row("  largest error of dQ/dalpha by the quadrature", error, "", target="<= 1e-8"))
    return found


def large_rows() -> list[Row]:
    """A student of 50 units and a teacher of 5, the exact eta^2 term."""
    scenario = ld.StudentTeacher(ld.Student(50, "erf"), ld.Teacher(5, "erf"), 0.1)
    start = ld.Start.random(scenario, X=1e-3, seed=1)
    run = ld.solve(scenario, start, 100.0, save_at=11, progress=False)
    timings = json.loads(run.attrs["timings"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    sampled = ld.solve(scenario, start, 100.0, save_at=11, samples=8192, progress=False)
    return [
        Row("solve, erf K=50 M=5, alpha 100, exact, with compiling", sum(timings.values()), "s", target="< 60 s"),
        Row("  memory of the whole process at its peak", peak, "MB"),
        Row("  estimated from 8192 samples instead", sum(json.loads(sampled.attrs["timings"]).values()), "s"),
        Row("  its largest relative error of eps_g", float(abs(sampled.eps_g / run.eps_g - 1).max()), ""),
    ]  # fmt: skip


def rows() -> list[Row]:
    return off_rows() + output_weight_rows() + quadrature_rows() + large_rows()


if __name__ == "__main__":
    show(rows())
