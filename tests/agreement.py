"""Theory against the exact finite-size process, and that against weight vectors, for any scenario of two layers.

*Theory.* Means over n replicas of the overlaps engine at N and r N, r = 4, without their terms of order 1 / N:

    m = (r m(r N) - m(N)) / (r - 1),   Var m = (r^2 s^2(r N) + s^2(N)) / ((r - 1)^2 n),   s^2 of order 1 / N

what remains is of order 1 / (r N^2). The error depends on n N alone and not on N, so that N is chosen large enough for
the remainder to be far below it. Of all ratios r, for a given number of updates, 4 leaves a third of the variance that
2 leaves. Each number of the state is one comparison, by Student's t with n - 1 degrees of freedom.

*Weights.* Replicas of both engines at one small N by the statistics of `law`: mean, spread and law of each number.

A family of comparisons is rejected when the smallest p-value, times their number (Bonferroni), is below FALSE_ALARM:
with right programs this happens with at most that probability, over seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

import law
import learndyn as ld

RATIO = 4
STILL = 1e-9  # a number that moves less than this is constant up to rounding
# Functions of the other numbers, which are compared; what is listed second stands for what is listed first.
DERIVED = {"eps_g", "length", "cosine", "specialisation"}
IN_PARTS = {"R": ("R_space", "R_reference"), "Q": ("Q_space",)}


@dataclass(frozen=True)
class Case:
    """A scenario and its start; it is looked at a time `duration` later."""

    scenario: ld.StudentTeacher
    start: ld.Start
    duration: float = 2.0

    @property
    def until(self) -> float:
        return self.start.at + self.duration

    @property
    def lanes(self) -> bool:
        """Whether the overlaps engine has its fast chain for this."""
        return self.scenario.process(self.start).plain

    @property
    def numbers(self) -> int:
        """Numbers of the state, an upper limit to the comparisons of one statistic."""
        return self.scenario.state_length


def numbers(result) -> np.ndarray:
    """The numbers of the state in the last row, (..., numbers), each entry of a symmetric matrix once."""
    row, parts = result.isel(alpha=-1), []
    for name in sorted(result.data_vars):
        variable = result[name]
        in_parts = any(part in result for part in IN_PARTS.get(name, ()))
        if name in DERIVED or in_parts or "alpha" not in variable.dims:
            continue
        values = row[name].values
        if variable.dims[-2:] in (("student", "student2"), ("teacher", "teacher2")) and name != "QJV":
            i, k = np.triu_indices(values.shape[-1])
            values = values[..., i, k]
        lead = row[name].dims.count("replica")
        parts.append(values.reshape(*values.shape[:lead], -1))
    return np.concatenate(parts, axis=-1)


def theory(case: Case) -> np.ndarray:
    """The numbers for N to infinity; the solver's error is far below any standard error here."""
    run = ld.solve(case.scenario, case.start, case.until, save_at=[case.until], rtol=1e-9, atol=1e-11)
    assert run.attrs["status"] == "ok"
    return numbers(run)


def replicas(case: Case, N: int, count: int, seed: int, method: str = "overlaps", threads: int | None = None):
    """The numbers of each replica, (replicas, numbers)."""
    run = ld.simulate(
        case.scenario, case.start, case.until, N=N, replicas=count, save_at=[case.until], method=method, seed=seed,
        threads=threads, progress=False,
    )  # fmt: skip
    assert run.attrs["status"] == "ok"
    return numbers(run)


@dataclass(frozen=True)
class Limit:
    """Means of the chain for N to infinity, with their errors; and how far those at the larger N are from there."""

    mean: np.ndarray
    error: np.ndarray
    shift: np.ndarray
    count: int

    def z(self, expected: np.ndarray) -> np.ndarray:
        """Deviations in standard errors of the numbers that move; the others must be equal."""
        moves = self.error > STILL
        np.testing.assert_allclose(self.mean[~moves], expected[~moves], rtol=0, atol=STILL)
        return (self.mean - expected)[moves] / self.error[moves]

    def p_values(self, expected: np.ndarray) -> np.ndarray:
        """Two-sided, of the numbers that move."""
        return 2.0 * stats.t.sf(np.abs(self.z(expected)), self.count - 1)


def limit_of_chain(case: Case, N: int, count: int, seed: int, threads: int | None = None) -> Limit:
    """From so many replicas each at N and RATIO N."""
    small, large = (replicas(case, size, count, seed, threads=threads) for size in (N, RATIO * N))
    variance = (RATIO**2 * large.var(0, ddof=1) + small.var(0, ddof=1)) / ((RATIO - 1) ** 2 * count)
    shift = (large.mean(0) - small.mean(0)) / (RATIO - 1)
    return Limit(large.mean(0) + shift, np.sqrt(variance), shift, count)


def against_weights(case: Case, N: int, count: int, seed: int, threads: int | None = None) -> np.ndarray:
    """p-values of `law.p_values` for the numbers that move, (statistics, 1, numbers); the others must be equal."""
    chain, weights = (
        replicas(case, N, count, seed + index, method, threads) for index, method in enumerate(("overlaps", "weights"))
    )
    moves = chain.std(0) > STILL
    np.testing.assert_allclose(chain[:, ~moves], weights[:, ~moves], rtol=0, atol=STILL)
    return law.p_values(chain[:, None, moves], weights[:, None, moves])
