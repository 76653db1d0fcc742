"""One statistic for the law of the finite-size process: the chain of the order parameters against weight vectors.

For each order parameter at each time, from n independent replicas on either side: a two-sample test of

    the mean:     (m_a - m_b) / sqrt((v_a + v_b) / n),                   v the variance
    the spread:   the same for the squared deviations from the mean: its standard error holds the kurtosis
    the law:      Kolmogorov and Smirnov

Every p-value counts. A family of comparisons is rejected when the smallest p-value, times their number (Bonferroni),
is below FALSE_ALARM; right programs fail with at most this probability, over seeds. Cases, times and FALSE_ALARM are
fixed here, before any number was seen. Both sides have the same number of replicas: differences of independent copies
are then symmetric, and a sum over its own root of squares is sub-Gaussian, also for heavy tails (Efron 1969).

`numpy_chain` is the same process, written independently from its definition, and on demand with |xi|^2 = N, which is
wrong: a test that accepted it would see too little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from learndyn.activations import activation
from learndyn.engines.overlaps import run_overlaps
from learndyn.engines.weights import run_weights
from learndyn.scenarios.process import bare
from learndyn.scenarios.student_teacher.steps import make_step

FALSE_ALARM = 1e-3
STATISTICS = ("mean", "spread", "law")
ALPHAS = (0.5, 2.0, 8.0)
# As large as learning allows, so that the terms with eta^2 matter. Linear: K eta < 1, so that all moments decay.
RATES = {"erf": 1.5, "relu": 1.0, "linear": 0.7}


@dataclass(frozen=True)
class Case:
    """A scenario, a size, and where it starts."""

    activation: str
    K: int
    M: int
    N: int

    @property
    def eta(self) -> float:
        """The learning rate: of erf for any K, else divided by K."""
        rate = RATES[self.activation]
        return rate if self.activation == "erf" else rate / self.K

    @property
    def C(self) -> np.ndarray:
        """Overlaps of K + M vectors of random components: generic, lengths around 1."""
        size = self.K + self.M
        A = np.random.default_rng([self.K, self.M]).standard_normal((size, 3 * size))
        return A @ A.T / A.shape[1]

    @property
    def steps(self) -> np.ndarray:
        return np.array([round(alpha * self.N) for alpha in ALPHAS])

    @property
    def comparisons(self) -> int:
        """p-values: one for each statistic, time and order parameter."""
        return len(STATISTICS) * len(ALPHAS) * len(self.names)

    @property
    def names(self) -> list[str]:
        """The order parameters, in the order of `order_parameters`."""
        R = [f"R{i + 1}{n + 1}" for i in range(self.K) for n in range(self.M)]
        return R + [f"Q{i + 1}{k + 1}" for i in range(self.K) for k in range(i, self.K)]

    def __str__(self) -> str:
        return f"{self.activation} K={self.K} M={self.M} N={self.N}"


SIZES = ((1, 1), (2, 1), (1, 2), (3, 2), (2, 3))
CASES = [Case(name, K, M, N) for name in RATES for K, M in SIZES for N in (20, 100)]
# No chi-square number, and one degree of freedom.
CASES += [Case(name, K, M, N) for name in RATES for K, M, N in ((2, 1, 3), (1, 2, 4))]


@dataclass(frozen=True)
class Singular(Case):
    """A case with a start of its own."""

    overlaps: tuple[tuple[float, ...], ...] = ()

    @property
    def C(self) -> np.ndarray:
        return np.array(self.overlaps)


SINGULAR = {
    "student is the first teacher": Singular("relu", 1, 2, 20, ((1, 1, 0), (1, 1, 0), (0, 0, 1))),
    "student in the teacher's span": Singular("erf", 1, 2, 20, ((0.5, 0.5, 0.5), (0.5, 1, 0), (0.5, 0, 1))),
    "duplicated students": Singular("relu", 2, 1, 20, ((0.3, 0.3, 0.1), (0.3, 0.3, 0.1), (0.1, 0.1, 1))),
    "student at zero, relu": Singular("relu", 2, 1, 20, ((0, 0, 0), (0, 0.5, 0.2), (0, 0.2, 1))),
    "students at zero, erf": Singular("erf", 2, 1, 20, ((0, 0, 0), (0, 0, 0), (0, 0, 1))),
    "duplicated teacher": Singular("erf", 1, 2, 20, ((0.5, 0.3, 0.3), (0.3, 1, 1), (0.3, 1, 1))),
    "opposite teachers": Singular("relu", 1, 2, 20, ((0.5, 0.3, -0.3), (0.3, 1, -1), (-0.3, -1, 1))),
    "all along one direction": Singular("relu", 2, 1, 20, ((0.25, -0.5, 0.5), (-0.5, 1, -1), (0.5, -1, 1))),
    "no room beyond": Singular("relu", 2, 1, 3, ((0.3, 0.3, 0.1), (0.3, 0.3, 0.1), (0.1, 0.1, 1))),
}


def order_parameters(R: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """R row by row and the upper triangle of Q, side by side: (replicas, rows, K M + K (K + 1) / 2)."""
    above = np.triu_indices(Q.shape[-1])
    return np.concatenate([R.reshape(*R.shape[:2], -1), Q[..., above[0], above[1]]], axis=-1)


def chain(case: Case, replicas: int, seed: int, threads: int | None = 1) -> np.ndarray:
    """Order parameters of the overlaps engine, (replicas, rows, parameters)."""
    step = make_step(activation(case.activation), case.eta)
    run = run_overlaps(bare(step, case.C, case.K), case.N, case.steps, replicas=replicas, seed=seed, threads=threads)
    assert run.status == "ok"
    return order_parameters(run.R, run.Q)


def descent(case: Case, replicas: int, seed: int, threads: int | None = 1) -> np.ndarray:
    """Order parameters of gradient descent on weight vectors, (replicas, rows, parameters)."""
    step = make_step(activation(case.activation), case.eta)
    run = run_weights(bare(step, case.C, case.K), case.N, case.steps, replicas=replicas, seed=seed, threads=threads)
    assert run.status == "ok"
    return order_parameters(run.R, run.Q)


def numpy_chain(case: Case, replicas: int, seed: int, *, length_is_N: bool = False) -> np.ndarray:
    """The chain from its definition, all replicas at once; with |xi|^2 = N if asked, which is wrong."""
    rng, act = np.random.default_rng(seed), activation(case.activation)
    K, M, N = case.K, case.M, case.N
    C = np.repeat(case.C[None], replicas, axis=0)
    rows = []
    for update in range(1, case.steps[-1] + 1):
        u = rng.standard_normal((replicas, K + M, 1))
        z = (root(C) @ u)[..., 0]
        x, y = z[:, :K], z[:, K:]
        square = (u**2).sum((1, 2)) + rng.chisquare(N - K - M, replicas) if N > K + M else (u**2).sum((1, 2))
        if length_is_N:
            square = np.full(replicas, float(N))
        delta = act.dg(x) * (act.g(y).sum(-1) - act.g(x).sum(-1))[:, None]
        change = case.eta / N * delta
        C[:, :K] += change[:, :, None] * z[:, None, :]
        C[:, K:, :K] = C[:, :K, K:].swapaxes(1, 2)
        # C[:K, :K] has got delta x^T; here x delta^T and the square.
        C[:, :K, :K] += x[:, :, None] * change[:, None, :]
        C[:, :K, :K] += square[:, None, None] * change[:, :, None] * change[:, None, :]
        if update in case.steps:
            rows.append(C.copy())
    rows = np.array(rows).swapaxes(0, 1)
    return order_parameters(rows[:, :, :K, K:], rows[:, :, :K, :K])


def root(C: np.ndarray) -> np.ndarray:
    """Cholesky's lower factors of a stack of covariances; a pivot that is not positive counts as zero.

    The wrong chain needs it: with |xi|^2 = N, updates can leave the positive semidefinite matrices.
    """
    L = np.zeros_like(C)
    for j in range(C.shape[-1]):
        rest = C[:, j:, j] - (L[:, j:, :j] @ L[:, j, :j, None])[..., 0]
        pivot = np.sqrt(np.maximum(rest[:, :1], 0.0))
        L[:, j:, j] = np.divide(rest, pivot, out=np.zeros_like(rest), where=pivot > 0)
    return L


def p_values(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p-values of all comparisons of two samples (replicas, rows, parameters): (statistics, rows, parameters)."""
    assert a.shape == b.shape
    squares = [(sample - sample.mean(0)) ** 2 for sample in (a, b)]
    z = np.array([z_scores(a, b), z_scores(*squares)])
    return np.concatenate([2 * stats.norm.sf(np.abs(z)), kolmogorov_smirnov(a, b)[None]])


def kolmogorov_smirnov(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p-values of the two-sample test of laws, (rows, parameters); of numbers to ten digits.

    A replica that has not learned yet is at its start: but for rounding, which is not what is compared.
    """
    a, b = a.round(10), b.round(10)
    p = np.empty(a.shape[1:])
    for place in np.ndindex(p.shape):
        p[place] = stats.ks_2samp(a[:, *place], b[:, *place]).pvalue
    return p


def z_scores(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Differences of the means in standard errors."""
    error = np.sqrt((a.var(0) + b.var(0)) / len(a))
    return (a.mean(0) - b.mean(0)) / error


def rejected(p: np.ndarray, comparisons: int) -> bool:
    """Whether p-values of a family of so many comparisons speak against one law at the level FALSE_ALARM."""
    return not p.min() * comparisons >= FALSE_ALARM  # also where a statistic is NaN
