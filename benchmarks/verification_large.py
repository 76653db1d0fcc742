"""Sections of the verification report at large N: the diffusion and the theory of fluctuations against the chain.

The suite holds the same at smaller sizes (tests/engines/test_diffusion.py, tests/analysis/test_agreement.py).
"""

from __future__ import annotations

import numpy as np

import law
import learndyn as ld
from report import Section, table, z_of

# N, times, replicas: at each size about a second of chain a case and 10^9 updates.
SIZES = [(10**4, (0.5, 2.0, 10.0), 4000), (10**5, (0.5, 4.0), 1000), (10**6, (0.5, 2.0), 300)]
FLUCTUATION_SIZES = [(10**3, 20_000), (10**4, 8000), (10**5, 1500)]


def cases() -> dict[str, tuple[ld.StudentTeacher, ld.Start]]:
    """Scenarios and starts, all off the plateau, where leading fluctuations say enough."""

    def case(name: str, K: int, M: int, eta: float) -> tuple[ld.StudentTeacher, ld.Start]:
        scenario = ld.StudentTeacher(ld.Student(K, name), ld.Teacher(M, name), learning_rate=eta)
        return scenario, ld.Start.near_symmetric(scenario, Q=np.linspace(0.2, 0.4, K), X=0.15)

    return {
        "relu K=1 M=1": case("relu", 1, 1, 0.5),
        "erf K=2 M=2": case("erf", 2, 2, 0.5),
        "relu K=2 M=2": case("relu", 2, 2, 0.3),
        "linear K=2 M=1": case("linear", 2, 1, 0.2),
    }


def samples(result) -> np.ndarray:
    """R row by row, then the upper triangle of Q: (replicas, rows, parameters)."""
    Q = result.Q.values[:, :, *np.triu_indices(result.sizes["student"])]
    return np.concatenate([result.R.values.reshape(*Q.shape[:2], -1), Q], axis=-1)


def simulated(scenario, start, N: int, times: tuple[float, ...], replicas: int, method: str, seed: int):
    return ld.simulate(
        scenario,
        start,
        times[-1],
        N=N,
        replicas=replicas,
        save_at=list(times),
        method=method,
        seed=seed,
        progress=False,
    )


def diffusion_section(work: float) -> Section:
    """The stochastic differential equation against the chain at N = 1e4, 1e5, 1e6, by the statistic of tests/law.py."""
    rows, worst, comparisons = [], 1.0, 0
    for N, times, full in SIZES:
        replicas = max(100, int(full * work))
        for name, (scenario, start) in cases().items():
            chain, diffusion = (
                samples(simulated(scenario, start, N, times, replicas, method, seed))
                for method, seed in (("overlaps", 31), ("diffusion", 32))
            )
            p = law.p_values(chain, diffusion)
            smallest = p.min(axis=(1, 2))
            rows.append(
                [
                    name,
                    f"{N:.0e}",
                    f"{replicas}",
                    *(f"{z_of(value):.2f}" for value in smallest[:2]),
                    f"{smallest[2]:.2g}",
                ]
            )
            worst, comparisons = float(np.minimum(worst, p.min())), comparisons + p.size  # NaN stays
    text = f"""`method="diffusion"` at its default tolerance against the exact chain, for each order parameter at two or
three times: means, standard deviations and laws as above, {comparisons} p-values at the family-wise false-alarm rate
{law.FALSE_ALARM:g}.

{table(["case", "N", "replicas", "largest z, means", "largest z, spreads", "smallest p, laws"], rows)}"""
    reason = f"The smallest p-value, {worst:.2g}, times {comparisons} is {min(1.0, worst * comparisons):.2g}"
    holds = not law.rejected(np.array(worst), comparisons)
    return Section("Diffusion against chain", text, holds, f"{reason}; the threshold is {law.FALSE_ALARM:g}.")


def fluctuations_section(work: float) -> Section:
    """sqrt(N) times the standard deviations of the chain, and N times the shift of its means, against the theory."""
    rows, largest, comparisons, slopes = [], 0.0, 0, []
    until = 2.0
    for name, (scenario, start) in cases().items():
        theory = ld.fluctuations(scenario, start, until, save_at=[until], seed=1, points=4096)
        std, shift = (flat(theory, suffix) for suffix in ("_std", "_shift"))
        sampled = [flat(theory, f"{suffix}_error") if "R_std_error" in theory else 0.0 for suffix in ("_std", "_shift")]
        limit = flat(ld.solve(scenario, start, until, save_at=[until], rtol=1e-11, atol=1e-13), "")
        logs = []
        for N, full in FLUCTUATION_SIZES:
            x = samples(simulated(scenario, start, N, (until,), max(200, int(full * work)), "overlaps", 41))[:, 0]
            deviation = x - x.mean(0)
            measured = x.std(0, ddof=1)
            kurtosis = (deviation**4).mean(0) / (deviation**2).mean(0) ** 2
            error = measured * np.sqrt((kurtosis - 1) / (4 * len(x)))
            z_std = (measured * np.sqrt(N) - std) / np.hypot(error * np.sqrt(N), sampled[0])
            z_mean = (N * (x.mean(0) - limit) - shift) / np.hypot(N * measured / np.sqrt(len(x)), sampled[1])
            ratio = measured * np.sqrt(N) / std
            rows.append(
                [name, f"{N:.0e}", f"{len(x)}", f"{ratio.min():.4f} to {ratio.max():.4f}"]
                + [f"{np.abs(z).max():.2f}" for z in (z_std, z_mean)]
            )
            largest = float(np.maximum(largest, np.abs([z_std, z_mean]).max()))  # NaN stays
            comparisons += 2 * len(std)
            logs.append((np.log(measured), error / measured))
        span = np.log(FLUCTUATION_SIZES[-1][0] / FLUCTUATION_SIZES[0][0])
        slopes.append(((logs[-1][0] - logs[0][0]) / span, np.hypot(logs[-1][1], logs[0][1]) / span))
    slope, error = (np.concatenate(part) for part in zip(*slopes, strict=True))
    z_slope = float(np.abs((slope + 0.5) / error).max())
    comparisons += len(slope)
    threshold = z_of(law.FALSE_ALARM / comparisons)
    text = f"""`ld.fluctuations` at alpha = {until:g} against the exact chain: standard deviation times sqrt(N) over its
theory, and the largest deviations in standard errors of the standard deviations and of N (mean - limit) - shift over
all order parameters. The exponents of the standard deviations between N = {FLUCTUATION_SIZES[0][0]:.0e} and
{FLUCTUATION_SIZES[-1][0]:.0e} lie between {slope.min():.4f} and {slope.max():.4f}, with standard errors of at most
{error.max():.4f}. {comparisons} comparisons; threshold {threshold:.2f} standard errors, false-alarm rate
{law.FALSE_ALARM:g}.

{table(["case", "N", "replicas", "std over theory", "largest z, std", "largest z, shift"], rows)}"""
    reason = (
        f"The largest deviation is {largest:.2f} standard errors, of the exponents from -1/2 {z_slope:.2f}; "
        f"the threshold is {threshold:.2f}."
    )
    return Section("Theory of fluctuations against chain", text, max(largest, z_slope) < threshold, reason)


def flat(result, suffix: str) -> np.ndarray:
    """R row by row, then the upper triangle of Q, of the last row."""
    row = result.isel(alpha=-1)
    Q = row[f"Q{suffix}"].values[np.triu_indices(row.sizes["student"])]
    return np.concatenate([row[f"R{suffix}"].values.ravel(), Q])
