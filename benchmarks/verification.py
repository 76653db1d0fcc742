"""Verify theory and simulations at sizes that a test suite has no time for, and write docs/verification.md.

    .venv/bin/python benchmarks/verification.py                  # some half an hour on two cores
    .venv/bin/python benchmarks/verification.py --only family    # one section, in its place in the report
    .venv/bin/python benchmarks/verification.py --quick          # minutes, to see that it runs; writes no report

A section is a function of `Sizes` that returns a `Section`: what was compared, tables, and a verdict computed from
their numbers. The statistics, cases and thresholds are those of the suite (tests/law.py, tests/size_limit.py,
tests/long_double.py). The exit code is 1 when a verdict is not "holds".
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import law
import long_double
import size_limit
from learndyn.activations import activation
from learndyn.engines.overlaps_kernels import BLOCK
from learndyn.engines.streams import generator_state, stream
from learndyn.gaussian.factor import triangular
from learndyn.lanes.types import LANES
from learndyn.scenarios.student_teacher.steps import make_step
from report import Section, table, with_section, z_of
from verification_family import family_section
from verification_large import diffusion_section, fluctuations_section

REPORT = Path(__file__).parents[1] / "docs" / "verification.md"
PACKAGES = ("learndyn", "numpy", "scipy", "numba", "llvmlite", "jax", "diffrax")


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    law_replicas: int = 20_000  # up to N = 20; half as many for N = 100
    wrong_replicas: int = 20_000
    limit_replicas: int = 60_000
    limit_sizes: tuple[int, ...] = (25, 50, 100, 200, 400, 800, 1600)
    limit_error: float = 0.15  # of an exponent: larger ones say nothing
    rounding_updates: int = 1_000_000
    rounding_groups: int = 2
    large_work: float = 1.0  # of the comparisons at N = 1e3 to 1e6, in units of their full number of replicas
    family_work: float = 1.0  # of the options of two-layer networks, likewise


QUICK = Sizes(1000, 4000, 4000, (25, 50, 100, 200), 2.0, 8_000, 1, 0.05, 0.02)
Jobs = dict[str, Future[tuple[np.ndarray, np.ndarray]]]


# ---- The law


def chain_law(sizes: Sizes) -> Section:
    """The overlaps engine against the weights engine, by the statistic of tests/law.py."""
    cases = [*law.CASES, *law.SINGULAR.values()]
    comparisons = sum(case.comparisons for case in cases)
    names = [str(case) for case in law.CASES] + [f"{case}: {name}" for name, case in law.SINGULAR.items()]
    rows, worst = [], 1.0
    for name, case in zip(names, cases, strict=True):
        replicas = sizes.law_replicas if case.N <= 20 else sizes.law_replicas // 2
        p = law.p_values(law.chain(case, replicas, seed=11), law.descent(case, replicas, seed=12))
        smallest = p.min(axis=(1, 2))
        rows.append([name, f"{replicas}", *(f"{z_of(value):.2f}" for value in smallest[:2]), f"{smallest[2]:.2g}"])
        worst = float(np.minimum(worst, p.min()))  # NaN stays
    text = f"""The exact chain of the order parameters (`method="overlaps"`) against gradient descent on weight vectors
(`method="weights"`), for each order parameter at alpha = {", ".join(f"{a:g}" for a in law.ALPHAS)}: means, standard
deviations (as means of squared deviations, so that the standard error holds the kurtosis) and the two-sample test of
Kolmogorov and Smirnov. {len(cases)} cases, {comparisons} p-values, fixed before any number was seen. Learning rates:
erf {law.RATES["erf"]:g}, ReLU {law.RATES["relu"]:g} / K, linear {law.RATES["linear"]:g} / K. The last cases begin at
singular overlaps. The engine is rejected when the smallest p-value is below {law.FALSE_ALARM:g} / {comparisons} =
{law.FALSE_ALARM / comparisons:.1e}, which happens to a right engine with probability {law.FALSE_ALARM:g} at most.

{table(["case", "replicas", "largest z, means", "largest z, spreads", "smallest p, laws"], rows)}"""
    reason = f"The smallest p-value, {worst:.2g}, times {comparisons} is {min(1.0, worst * comparisons):.2g}"
    holds = not law.rejected(np.array(worst), comparisons)
    return Section("Chain against weight vectors", text, holds, f"{reason}; the threshold is {law.FALSE_ALARM:g}.")


def wrong_chain(sizes: Sizes) -> Section:
    """The same statistic on a chain with |xi|^2 = N: it must be rejected, and a right chain in NumPy accepted."""
    comparisons = sum(case.comparisons for case in law.CASES)
    rows, smallest = [], {"wrong": {}, "right": {}}
    for case in law.CASES:
        if case.N != 20:
            continue
        engine = law.chain(case, sizes.wrong_replicas, seed=21)
        line = [str(case)]
        for kind in smallest:
            other = law.numpy_chain(case, sizes.wrong_replicas, seed=22, length_is_N=kind == "wrong")
            p = float(law.p_values(engine, other).min())
            line.append(f"{p:.1e}")
            smallest[kind][case.activation] = min(p, smallest[kind].get(case.activation, 1.0))
        rows.append(line)
    threshold = law.FALSE_ALARM / comparisons
    rejected = [name for name, p in smallest["wrong"].items() if p < threshold]
    accepted = [name for name, p in smallest["right"].items() if p >= threshold]
    text = f"""The same statistic and threshold ({threshold:.1e}), {sizes.wrong_replicas} replicas, N = 20, between the
engine and a plain NumPy chain written from the definition of the process; and a deliberately wrong one, in which
|xi|^2 is replaced by its mean N.

{table(["case", "smallest p, wrong chain", "smallest p, right chain"], rows)}"""
    reason = f"Rejected with |xi|^2 = N: {', '.join(rejected) or 'none'}; accepted as it is: {', '.join(accepted)}."
    return Section("What the statistic sees", text, len(rejected) == len(accepted) == len(law.RATES), reason)


# ---- N to infinity


def size_limit_section(sizes: Sizes) -> Section:
    """The exponent of |mean of the chain - theory|."""
    names = {"perceptron": ["R", "Q"], "committee": ["R11", "R21", "Q11", "Q12", "Q22"], "relu": ["R", "Q"]}
    fitted = {"perceptron": [0, 1], "committee": [2, 4], "relu": [1]}
    N = list(sizes.limit_sizes)
    rows, found, uncertainty = [], [], 0.0
    for name, limit in size_limit.LIMITS.items():
        off, error = size_limit.deviations(limit, N, [sizes.limit_replicas] * len(N), seed=31)
        for index in fitted[name]:
            p, p_error = size_limit.exponent(N, off[:, index], error[:, index])
            found.append((p - 1.0) / p_error)
            uncertainty = max(uncertainty, p_error)
            scaled = [f"{n * d:.3f} ± {n * e:.3f}" for n, d, e in zip(N, off[:, index], error[:, index], strict=True)]
            rows.append([f"{limit}: {names[name][index]}", *scaled, f"{p:.3f} ± {p_error:.3f}"])
    allowed = float(stats.norm.isf(law.FALSE_ALARM / (2 * len(found))))
    text = f"""Mean of the chain over {sizes.limit_replicas} replicas less `ld.solve` (rtol 1e-11), times N, with one
standard error, and p in a fit of a N^-p (1 + b / N). Order parameters whose 1/N term the replicas resolve.

{table(["scenario", *(f"N = {n}" for n in N), "p"], rows)}"""
    worst = float(np.abs(found).max())
    reason = (
        f"The largest deviation of p from 1 is {worst:.2f} standard errors, where {allowed:.2f} are allowed "
        f"({law.FALSE_ALARM:g} in all); the largest standard error is {uncertainty:.2f} (below {sizes.limit_error:g} "
        "was asked)."
    )
    return Section("N to infinity", text, worst < allowed and uncertainty < sizes.limit_error, reason)


# ---- Rounding


def rounding_of(name: str, updates: int, group_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Update counts and rms errors (counts, 2) of R and Q against 80-bit arithmetic, K = M = 2, N = 1e5."""
    K, M, N = 2, 2, 100_000
    C = np.array([[0.4, 0.1, 0.3, 0.0], [0.1, 0.5, 0.1, 0.2], [0.3, 0.1, 1.0, 0.0], [0.0, 0.2, 0.0, 1.0]])
    order = [2, 3, 0, 1]
    W = triangular(C[np.ix_(order, order)])
    start = np.concatenate([W[M:, :M].ravel(), W[M:, M:][np.tril_indices(K)]])
    streams = [stream(41, "overlaps", N, replica, part) for replica in range(group_count * LANES) for part in (0, 1)]
    words = np.array([generator_state(rng)[:4] for rng in streams]).reshape(group_count, LANES, 8).swapaxes(1, 2)
    marks = np.unique(np.geomspace(1000, updates, 13).round() // BLOCK * BLOCK).astype(int)
    step = make_step(activation(name), 0.5)
    F = np.ascontiguousarray(W[:M, :M])
    return marks, long_double.rounding(step, name, F, start, K, N, np.ascontiguousarray(words), list(marks))


def rounding(sizes: Sizes, jobs: Jobs) -> Section:
    """Growth of the engine's rounding errors with the number of updates."""
    if not long_double.AVAILABLE:
        return Section("Rounding", "There are no 80-bit numbers on this machine.", False, "Nothing was measured.")
    rows, exponents, largest = [], [], 0.0
    for name, job in jobs.items():
        marks, off = job.result()
        growth = [np.polyfit(np.log(marks), np.log(off[:, part]), 1)[0] for part in (0, 1)]
        exponents += growth
        largest = max(largest, float(off.max()))
        for part, label in enumerate(("R", "Q")):
            cells = [f"{off[index, part]:.1e}" for index in range(0, len(marks), 3)]
            rows.append([f"{name}: {label}", *cells, f"{growth[part]:.2f}"])
        head = ["", *(f"{marks[index]} updates" for index in range(0, len(marks), 3)), "exponent"]
    replicas = sizes.rounding_groups * LANES
    text = f"""The kernel against the same chain in 80-bit arithmetic, by Cholesky's method instead of rotations and
with an error function of its own, on the same random numbers: K = M = 2, N = 1e5, eta = 0.5, {replicas}
replicas. Root mean square over replicas of the worst entry, and the exponent of its growth with the updates. A random
walk of roundings grows with exponent 1/2, a systematic error with 1; learning itself amplifies or draws back errors.

{table(head, rows)}"""
    reason = (
        f"The largest exponent is {max(exponents):.2f} (below 3/4 was asked), "
        f"the largest error {largest:.1e} (below 1e-12 was asked)."
    )
    return Section("Rounding over long runs", text, max(exponents) < 0.75 and largest < 1e-12, reason)


# ---- The report


def header(seconds: float) -> str:
    """Title, date, machine and versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""# Verification of theory and simulations

Made by `benchmarks/verification.py` on {datetime.now(UTC):%Y-%m-%d} in {seconds / 60:.0f} minutes; Python
{platform.python_version()}, {versions}, {platform.machine()}. All seeds are fixed, and every verdict below is computed
from the numbers beside it. The test suite holds the same statements at smaller sizes.
"""


PARTS: dict[str, Callable[[Sizes, Jobs], Section]] = {
    "law": lambda sizes, _: chain_law(sizes),
    "wrong": lambda sizes, _: wrong_chain(sizes),
    "limit": lambda sizes, _: size_limit_section(sizes),
    "diffusion": lambda sizes, _: diffusion_section(sizes.large_work),
    "fluctuations": lambda sizes, _: fluctuations_section(sizes.large_work),
    "rounding": rounding,
    "family": lambda sizes, _: family_section(sizes.family_work),
}


def run(names: list[str], sizes: Sizes) -> list[Section]:
    """These sections, printed as they come."""
    kinds = ("relu", "erf") if "rounding" in names else ()
    # The 80-bit chains take one core for themselves, meanwhile.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        jobs = {
            name: pool.submit(rounding_of, name, sizes.rounding_updates, sizes.rounding_groups) for name in kinds
        }  # fmt: skip
        sections = []
        for name in names:
            sections.append(PARTS[name](sizes, jobs))
            print(sections[-1].markdown(), flush=True)
    return sections


def main(arguments: list[str] | None = None) -> int:
    """Run all sections or one, print the report, and write it unless the run is a quick one."""
    parser = argparse.ArgumentParser(description="Verify theory and simulations and write docs/verification.md.")
    parser.add_argument("--quick", action="store_true", help="small sizes, minutes; prints only")
    parser.add_argument("--only", choices=PARTS, help="one section: replaces that of the report")
    options = parser.parse_args(arguments)
    sizes, begin = QUICK if options.quick else Sizes(), perf_counter()
    sections = run([options.only] if options.only else list(PARTS), sizes)
    seconds = perf_counter() - begin
    print(f"{seconds:.0f} s")
    if not options.quick:
        if options.only:
            anew = f"\n(Made anew on {datetime.now(UTC):%Y-%m-%d} in {seconds / 60:.0f} minutes.)\n"
            report = with_section(REPORT.read_text(encoding="utf-8"), sections[0].markdown() + anew)
        else:
            report = "\n".join([header(seconds), *(section.markdown() for section in sections)])
        REPORT.write_text(report, encoding="utf-8")
    return 0 if all(section.holds for section in sections) else 1


if __name__ == "__main__":
    sys.exit(main())
