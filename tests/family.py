"""The whole two-layer family at finite N, twice: the process that engines run, and descent on weight vectors in NumPy.

`Case` states a small problem; `process_of` hands it to an engine. `literal_descent` is the rule itself, written from
its definition with arrays of weight vectors (replicas, units, N) and nothing of the engines:

    sigma = sum_i w_i m_i g(x_i + theta_i),   tau = sum_n v_n g(y_n + phi_n) + noise,   e = tau - sigma
    delta_i = w_i m_i g'(x_i + theta_i) e,    J_i <- (1 - eta lambda / N) J_i + (eta / N) <delta_i xi>_batch
    w_i <- w_i + rate <e m_i g(x_i + theta_i) - lambda_w w_i>_batch,    theta_i <- theta_i + rate <delta_i>_batch
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from learndyn.activations import activation
from learndyn.gaussian.factor import root
from learndyn.scenarios.process import OwnNumbers, Process, Spectrum
from learndyn.scenarios.student_teacher.steps import luck_count, make_step


@dataclass(frozen=True)
class Case:
    """A scenario of the family, where it starts, and when it is looked at; what is None is off."""

    K: int
    M: int
    N: int
    steps: tuple[int, ...]
    student: str | tuple[str, ...] = "relu"
    teacher: str | tuple[str, ...] | None = None
    eta: float = 0.5
    schedule: Callable[[np.ndarray], np.ndarray] | None = None  # a factor of all rates at the times alpha
    w: tuple[float, ...] | None = None
    v: tuple[float, ...] | None = None
    theta: tuple[float, ...] | None = None
    phi: tuple[float, ...] | None = None
    eta_w: float | None = None
    fast: bool = False
    eta_theta: float | None = None
    noise: float | None = None
    keep: float | None = None
    decay: float | None = None
    w_decay: float | None = None
    batch: int = 1
    damping: float | None = None
    drift: float | None = None
    combination: Callable[[np.ndarray], np.ndarray] | None = None  # times -> (n, M, P)
    spectrum: tuple[tuple[float, ...], tuple[float, ...]] | None = None  # eigenvalues, shares
    mean: bool = False
    tree: bool = False
    at: float = 0.0

    @property
    def P(self) -> int:
        return self.M if self.combination is None else self.combination(np.zeros(1)).shape[-1]

    @property
    def sectors(self) -> int | None:
        if self.tree:
            return self.K
        return None if self.spectrum is None else len(self.spectrum[0])

    @property
    def dimensions(self) -> list[int]:
        """Of the sectors."""
        if self.tree:
            return [self.N] * self.K
        if self.spectrum is None:
            return [self.N]
        return [round(share * self.N) for share in self.spectrum[1]]  # cases choose N so that these are whole

    @property
    def overlaps(self) -> np.ndarray:
        """C at the start, of random vectors; velocities begin with some speed, too."""
        units, P = (1, 1) if self.tree else (self.K, self.P)
        rows = units * (1 if self.damping is None else 2) + P + self.mean
        rng = np.random.default_rng([self.K, self.M, rows])
        A = rng.standard_normal((self.sectors or 1, rows, 3 * rows)) / np.sqrt(3 * rows)
        if self.spectrum is not None:
            A *= np.sqrt(np.array(self.spectrum[1]))[:, None, None]
        C = A @ A.swapaxes(1, 2)
        return C[0] if self.sectors is None else C

    def rates(self, times: np.ndarray) -> np.ndarray:
        """eta, and the rates of w and theta where they learn, at the times: (n, 1 + E)."""
        row = [self.eta]
        row += [] if self.eta_w is None else [self.eta_w] * self.K
        row += [] if self.eta_theta is None else [self.eta_theta] * self.K
        factor = np.ones(len(times)) if self.schedule is None else self.schedule(times)
        return factor[:, None] * np.array(row)


def process_of(case: Case) -> Process:
    """The case for an engine."""
    layers = [
        activation(kind) if isinstance(kind, str) else [activation(one) for one in kind]
        for kind in (case.student, case.student if case.teacher is None else case.teacher)
    ]
    step = make_step(
        layers[0], case.eta, teacher=layers[1], v=case.v, phi=case.phi,
        w=None if case.eta_w is not None else case.w, theta=None if case.eta_theta is not None else case.theta,
        adaptive_w=case.eta_w is not None, adaptive_theta=case.eta_theta is not None,
        label_noise=case.noise, keep=case.keep, output_weight_decay=case.w_decay,
    )  # fmt: skip
    own = [
        OwnNumbers(name, np.array(start), fast)
        for name, rate, start, fast in (
            ("w", case.eta_w, case.w or (1.0,) * case.K, case.fast),
            ("theta", case.eta_theta, case.theta or (0.0,) * case.K, False),
        )
        if rate is not None
    ]
    return Process(
        step, case.K, case.M, case.overlaps,
        rates=case.rates(np.zeros(1))[0] if case.schedule is None else case.rates,
        own=tuple(own), luck=luck_count(step, case.K), weight_decay=case.decay, batch=case.batch, damping=case.damping,
        teacher_drift=case.drift, combination=case.combination,
        spectrum=None if case.spectrum is None else Spectrum(*(np.array(part) for part in case.spectrum)),
        mean=case.mean, tree=case.tree,
    )  # fmt: skip


def _layer(names: str | tuple[str, ...], part: str, z: np.ndarray) -> np.ndarray:
    """g or g' of each unit, on the last axis."""
    names = (names,) * z.shape[-1] if isinstance(names, str) else names
    return np.stack([getattr(activation(name), part)(z[..., i]) for i, name in enumerate(names)], axis=-1)


class Descent:
    """All replicas at once. Vectors are (replicas, units, sectors * dimensions); sectors lie one after another."""

    def __init__(self, case: Case, replicas: int, rng: np.random.Generator) -> None:
        self.case, self.n, self.rng = case, replicas, rng
        self.edges = np.cumsum([0, *case.dimensions])
        total, K, P = self.edges[-1], case.K, case.P
        self.J, self.V, self.B = (np.zeros((replicas, units, total)) for units in (K, K, P))
        self.mu = np.zeros(total)
        for sector, C in enumerate(np.atleast_3d(case.overlaps.T).T):
            self._start(sector, root(C))
        self.lengths = np.linalg.norm(self.B, axis=2)
        ones, zeros = (1.0,) * K, (0.0,) * K
        self.w = np.tile(np.array(case.w or ones), (replicas, 1))
        self.theta = np.tile(np.array(case.theta or zeros), (replicas, 1))

    def _start(self, sector: int, W: np.ndarray) -> None:
        """Write rows J, V, B, mu of a sector's start; any orientation serves, the inputs are isotropic in it."""
        case = self.case
        units = [sector] if case.tree else list(range(case.K))
        references = [sector] if case.tree else list(range(case.P))
        place = slice(self.edges[sector], self.edges[sector] + W.shape[1])
        rows = list(W)
        self.J[:, units, place] = [rows.pop(0) for _ in units]
        if case.damping is not None:
            self.V[:, units, place] = [rows.pop(0) for _ in units]
        self.B[:, references, place] = [rows.pop(0) for _ in references]
        if case.mean:
            self.mu[place] = rows.pop(0)

    def inputs(self) -> np.ndarray:
        """(replicas, batch, dimensions)."""
        case = self.case
        xi = self.rng.standard_normal((self.n, case.batch, self.edges[-1]))
        if case.spectrum is not None:
            for sector, eigenvalue in enumerate(case.spectrum[0]):
                xi[..., self.edges[sector] : self.edges[sector + 1]] *= np.sqrt(eigenvalue)
        return xi + self.mu

    def update(self, count: int) -> None:
        """The update of this count, from 0."""
        case, n, N = self.case, self.n, self.case.N
        alpha = np.array([case.at + count / N])
        rates = case.rates(alpha)[0]
        xi = self.inputs()
        x = np.einsum("rij,rbj->rbi", self.J, xi)
        y = np.einsum("rpj,rbj->rbp", self.B, xi)
        if case.combination is not None:
            y = y @ case.combination(alpha)[0].T
        v, phi = np.array(case.v or (1.0,) * case.M), np.array(case.phi or (0.0,) * case.M)
        teacher = case.student if case.teacher is None else case.teacher
        m = np.ones(x.shape) if case.keep is None else (self.rng.random(x.shape) < case.keep).astype(float)
        z = x + self.theta[:, None]
        outputs, slopes = m * _layer(case.student, "g", z), m * _layer(case.student, "dg", z)
        tau = _layer(teacher, "g", y + phi) @ v
        if case.noise is not None:
            tau = tau + case.noise * self.rng.standard_normal((n, case.batch))
        error = (tau - (self.w[:, None] * outputs).sum(-1))[..., None]
        delta = self.w[:, None] * slopes * error
        self._learn(rates[0], np.einsum("rbi,rbj->rij", delta, xi) / case.batch)
        place = 1
        w = self.w
        if case.eta_w is not None:
            direction = (error * outputs).mean(1) - (case.w_decay or 0.0) * w
            self.w = w + rates[place] * (1.0 if case.fast else 1.0 / N) * direction
            place += case.K
        if case.eta_theta is not None:
            self.theta = self.theta + rates[place] / N * delta.mean(1)
        if case.drift is not None:
            self._walk()

    def _learn(self, eta: float, gradient: np.ndarray) -> None:
        case, N = self.case, self.case.N
        if case.tree:  # unit i has weights in branch i only
            for i in range(case.K):
                gradient[:, i, : self.edges[i]] = 0.0
                gradient[:, i, self.edges[i + 1] :] = 0.0
        gradient = gradient - (case.decay or 0.0) * self.J
        if case.damping is None:
            self.J = self.J + eta / N * gradient
        else:
            self.V = (1.0 - case.damping / N) * self.V + eta / N * gradient
            self.J = self.J + self.V / N

    def _walk(self) -> None:
        cosine = 1.0 - self.case.drift / self.case.N
        e = self.rng.standard_normal(self.B.shape)
        if self.case.tree:
            e *= np.repeat(np.eye(self.case.K), np.diff(self.edges), axis=1)  # the dimensions that each unit sees
        unit = self.B / np.linalg.norm(self.B, axis=2, keepdims=True)
        e -= (e * unit).sum(2, keepdims=True) * unit
        e /= np.linalg.norm(e, axis=2, keepdims=True)
        self.B = cosine * self.B + np.sqrt(1.0 - cosine**2) * self.lengths[..., None] * e

    def record(self) -> dict[str, np.ndarray]:
        """The overlaps by sector, each (replicas, sectors, ...) or, in a tree, (replicas, K)."""
        case = self.case
        J, V, B = ([A[..., a:b] for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]
                   for A in (self.J, self.V, self.B))  # fmt: skip
        mu = [self.mu[None, None, a:b] for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]
        pairs = {"R": (J, B), "Q": (J, J), "T": (B, B), "RV": (V, B), "QJV": (J, V), "QV": (V, V),
                 "d": (J, mu), "dV": (V, mu), "e": (B, mu)}  # fmt: skip
        if case.tree:
            pairs = {name: pair for name, pair in pairs.items() if pair[1] is not mu}
        found: dict[str, Any] = {}
        for name, (left, right) in pairs.items():
            sectors = np.stack([a @ b.swapaxes(1, 2) for a, b in zip(left, right, strict=True)], axis=1)
            if name in ("d", "dV", "e"):
                sectors = sectors[..., 0]
            if case.tree:
                sectors = np.stack([sectors[:, i, i, i] for i in range(case.K)], axis=1)
            elif case.sectors is None:
                sectors = sectors[:, 0]
            found[name] = sectors
        return found | {"w": self.w, "theta": self.theta}


def literal_descent(case: Case, replicas: int, seed: int) -> dict[str, np.ndarray]:
    """What descent on weight vectors gives at the steps: by name, (replicas, rows, ...)."""
    descent = Descent(case, replicas, np.random.default_rng(seed))
    rows = []
    for count in range(case.steps[-1]):
        descent.update(count)
        if count + 1 in case.steps:
            rows.append(descent.record())
    return {name: np.stack([row[name] for row in rows], axis=1) for name in rows[0]}
