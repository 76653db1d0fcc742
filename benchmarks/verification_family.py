"""A section of the verification report: every option of two-layer networks, theory against both simulations.

The suite holds a small part of it (tests/two_layers/test_simulation.py); statistics are those of tests/agreement.py.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "two_layers"))

from test_flow import CASES as FLOW

import agreement
import law
import learndyn as ld
from report import Section, table, z_of

TITLE = "Every option of two-layer networks"
LARGE_N = 1000  # and RATIO times as much, for theory
LANE_REPLICAS, GENERAL_REPLICAS = 8000, 400
SMALL_N, SMALL_REPLICAS = 60, 4000  # against weight vectors
FEWEST = 100
# Theory takes the rate of fast output weights to 0: tests/two_layers/test_second_layer.py lets it fall.
NO_LIMIT = ("fast output weights",)
FAILS = "FAILS"
HEAD = ["case", "replicas", "numbers", "largest z, theory", "1/N term", f"replicas, N = {SMALL_N}", "largest z, means",
        "largest z, spreads", "smallest p, laws", "verdict"]  # fmt: skip


@cache
def cases() -> dict[str, agreement.Case]:
    """The options alone (those of tests/two_layers/test_flow.py), further ones, and more of them together."""
    found = {name: agreement.Case(*case) for name, case in FLOW.items()}
    (erf, START), (every, OWN) = FLOW["momentum"], FLOW["all"]
    erf, START = erf.replace(rule="gradient", weight_decay=0.0), FLOW["mixed"][1]

    def add(name: str, scenario: ld.StudentTeacher, start: ld.Start, **changes) -> None:
        found[name] = agreement.Case(scenario.replace(**changes), start)

    schedules = ld.schedules.PowerLaw(0.9, alpha0=2.0), ld.schedules.PiecewiseConstant([0.6, 0.2], [1.0])
    add("no option", erf, START)
    add("schedules", every, OWN, learning_rate=schedules[0], output_learning_rate=schedules[1], batch_size=1)
    add("a switch on the way", erf, START, teacher_drift=ld.Switch([1.0], 0.4))
    add("power-law inputs", erf, START, inputs=ld.Inputs.power_law(0.5, N=60, bins=2))
    weighted, W = FLOW["output weights"]
    add("fast output weights", weighted, W, output_time_scale="fast", output_learning_rate=0.1)
    add("hebb", erf, START, rule="hebb")
    signs = ld.StudentTeacher(ld.Student(1, "sign"), ld.Teacher(1, "sign"), 0.5, rule="hebb")
    for rule in ("perceptron", "adatron"):
        add(rule, signs, ld.Start(0.5, 0.2), rule=rule)
    add("a rule of one's own", erf, START, rule=ld.Rule("saturating", lambda x, sigma, tau, xp: xp.tanh(tau - sigma)))
    add("random walk and all", every, OWN, teacher_drift=ld.RandomWalk(0.1))
    add("rotation and all", every, OWN, teacher_drift=ld.Rotation(0.3))
    add("spectrum and all", every, OWN, inputs=ld.Inputs([0.5, 2.0], [0.6, 0.4]))
    add("mean and all", every, OWN, inputs=ld.Inputs(mean_length=0.8, mean_overlap=[0.3, -0.2]))
    add("momentum and all", every, OWN, rule=ld.Momentum(0.7))
    return found


@dataclass(frozen=True)
class Measured:
    """What came out for one case."""

    replicas: int
    z: np.ndarray  # theory: of the numbers that move
    p: np.ndarray
    shift: float  # largest term of order 1 / N at the larger N, in its standard errors
    small_replicas: int
    law_p: np.ndarray  # chain against weight vectors: (statistics, 1, numbers)


def measure(name: str, work: float) -> Measured:
    """One case, on one core."""
    case = cases()[name]
    count, small = (
        max(FEWEST, int(work * full))
        for full in (LANE_REPLICAS if case.lanes else GENERAL_REPLICAS, SMALL_REPLICAS)
    )  # fmt: skip
    law_p = agreement.against_weights(case, SMALL_N, small, seed=52, threads=1)
    if name in NO_LIMIT:
        return Measured(0, np.empty(0), np.empty(0), np.nan, small, law_p)
    limit = agreement.limit_of_chain(case, LARGE_N, count, seed=51, threads=1)
    theory = agreement.theory(case)
    moves = limit.error > agreement.STILL
    shift = float(np.abs(limit.shift[moves] / limit.error[moves]).max())
    return Measured(count, limit.z(theory), limit.p_values(theory), shift, small, law_p)


def family_section(work: float = 1.0) -> Section:
    """All cases, in two processes; `work` scales the numbers of replicas."""
    names = list(cases())
    # Half of it is compilation, which threads of one process would not share.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        found = dict(zip(names, pool.map(measure, names, [work] * len(names)), strict=True))
    families = [[m.p for m in found.values()], [m.law_p for m in found.values()]]
    counts = [sum(p.size for p in family) for family in families]
    smallest = [float(np.min([p.min() for p in family if p.size])) for family in families]  # NaN stays
    lines = {name: _line(m, counts) for name, m in found.items()}
    failed = [name for name, line in lines.items() if line[-1] == FAILS]
    z = np.concatenate([m.z for m in found.values()])
    text = f"""{_explanation(counts)}

{table(HEAD, [[name, *line] for name, line in lines.items()])}

The {z.size} deviations from theory have mean square {np.mean(z**2):.2f}, where 1 is expected; those of one case are
correlated."""
    theory, weights = (
        f"the smallest p-value, {p:.2g}, times {count} is {min(1.0, p * count):.2g}"
        for p, count in zip(smallest, counts, strict=True)
    )  # fmt: skip
    reason = f"Theory: {theory}; weights: {weights}; the threshold is {law.FALSE_ALARM:g} for each."
    return Section(TITLE, text, not failed, reason + (f" Not in agreement: {', '.join(failed)}." if failed else ""))


def _line(m: Measured, counts: list[int]) -> list[str]:
    """A case in the table, after its name."""
    theory = ["", "", "", ""]
    if m.p.size:
        theory = [f"{m.replicas}", f"{m.p.size}", f"{np.abs(m.z).max():.2f}", f"{m.shift:.1f}"]
    means, spreads, laws = m.law_p.min(axis=(1, 2))
    fails = (m.p.size and law.rejected(m.p, counts[0])) or law.rejected(m.law_p, counts[1])
    return [*theory, f"{m.small_replicas}", f"{z_of(means):.2f}", f"{z_of(spreads):.2f}", f"{laws:.2g}",
            FAILS if fails else "holds"]  # fmt: skip


def _explanation(counts: list[int]) -> str:
    large, thresholds = agreement.RATIO * LARGE_N, [law.FALSE_ALARM / count for count in counts]
    return f"""Erf, ReLU or other units, K = M = 2 (signs: 1), learning rates near 1, a time alpha = 2 after the start.

*Theory:* `ld.solve` against means of the exact chain without their term of order 1/N, from N = {LARGE_N} and {large}
with the same number of replicas, for every number of the state. "1/N term" is the largest one at N = {large} in
standard errors; what comes after it is smaller by a factor of order N. Student's t, {counts[0]} p-values; a case fails
below {law.FALSE_ALARM:g} / {counts[0]} = {thresholds[0]:.1e}, beyond {z_of(thresholds[0]):.2f} standard errors.

*Weights:* the chain against descent on weight vectors at N = {SMALL_N}: means, spreads and laws as above, {counts[1]}
p-values; a case fails below {thresholds[1]:.1e}, beyond {z_of(thresholds[1]):.2f} standard errors.

Right programs fail with probability {law.FALSE_ALARM:g} at most in either comparison; seeds and sizes were fixed before
any number was seen. Fast output weights have no theory at a finite rate: the test suite lets their rate fall."""
