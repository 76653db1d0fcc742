"""The microscopic process of a scenario: what is repeated at finite N, as data for the simulation engines.

For update mu = 0, 1, ... at the time alpha = at + mu / N, from b inputs xi with the same weights:

    x = J xi,  y = A B xi,   (F, f) = `error_signal` of (x, y, own numbers u)
    J_i <- (1 - eta lambda / N) J_i + (eta / (N b)) sum_a F_i^a xi^a
    u_e <- u_e + rate_e s_e (1 / b) sum_a f_e^a,          s_e = 1 / N, or 1 for a fast number

eta is given, or itself an own number (a learning rate that adapts), which is set to 0 where it would become negative.
With momentum, the velocities V_i move first, and the weights with them:

    V_i <- (1 - gamma / N) V_i - (eta lambda / N) J_i + (eta / (N b)) sum_a F_i^a xi^a,      J_i <- J_i + V_i / N

Then the reference vectors B move, if the teacher walks at random with rate d: with e a random unit vector orthogonal to
B_n, independent for each n,

    B_n <- (1 - d / N) B_n + sqrt(1 - (1 - d / N)^2) |B_n| e.

`A(alpha)` (M, P) makes the teacher's M vectors from P reference vectors; absent, they are the reference vectors.

The input is standard normal; or xi = mu + a standard normal vector; or sum_l sqrt(lambda_l) xi_l with xi_l standard
normal in the l-th of L sectors, orthogonal subspaces of N_l dimensions each. In a tree, student unit i and teacher
unit i see branch i alone, a sector of N dimensions for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class OwnNumbers:
    """Numbers of the student that learn beside its weight vectors: a name, their start, their time scale."""

    name: str  # such as "w": of a result's variable, and in messages
    start: np.ndarray  # (n,)
    fast: bool = False  # whether they learn by their rate at every update, not by 1 / N of it
    remedy: str | None = None  # what to try when they grow without bound; None: a smaller learning rate of theirs


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Inputs whose covariance has a few distinct eigenvalues, and the share of the dimensions that each takes."""

    eigenvalues: np.ndarray  # (L,), positive
    shares: np.ndarray  # (L,), positive, their sum 1

    def dimensions(self, N: int) -> np.ndarray:
        """Dimensions N_l of the sectors, (L,): whole numbers that add up to N, each within 1 of share_l N."""
        edges = np.rint(np.cumsum(self.shares) * N).astype(np.int64)
        edges[-1] = N
        return np.diff(edges, prepend=0)


@dataclass(frozen=True, eq=False)
class Process:
    """One scenario's microscopic process from one start; it knows no engine.

    Parameters
    ----------
    step
        The update: a NamedTuple with an overload of `error_signal` (`learndyn.scenarios.microscopic`).
    K, M
        Student vectors; teacher vectors, the length of y.
    C
        Overlaps at the start. Rows and columns, in this order: J (K), with momentum V (K), B (P), with a mean mu (1).
        With L sectors of the input (a spectrum, a tree) one matrix for each, (L, rows, rows); in branch i of a tree
        the rows are J_i, V_i and B_i alone.
    rates
        eta and the rate of each own number, (1 + E,); or a function of times (n,) that gives rows (n, 1 + E). Where eta
        is an own number, the first of the rates is a factor of it.
    own
        The student's numbers that learn, E in all, in the order in which the step has them.
    luck
        Standard normals that an input needs beside itself.
    weight_decay
        lambda; None: no decay.
    batch
        Inputs in one update, b.
    damping
        gamma, with momentum; None: without.
    teacher_drift
        Rate d of the teacher's random walk; None: it stands still.
    combination
        The function of times (n,) that gives A (n, M, P); None: P = M, y = B xi. Not in a tree.
    spectrum
        Of the inputs; None: white.
    mean
        Whether the inputs have the mean whose overlaps are the last row of C.
    tree
        Whether every unit sees its own branch.
    adaptive_rate
        Which of the own numbers is eta; None: none of them.
    """

    step: Any
    K: int
    M: int
    C: np.ndarray
    rates: np.ndarray | Function
    own: tuple[OwnNumbers, ...] = ()
    luck: int = 0
    weight_decay: float | None = None
    batch: int = 1
    damping: float | None = None
    teacher_drift: float | None = None
    combination: Function | None = None
    spectrum: Spectrum | None = None
    mean: bool = False
    tree: bool = False
    adaptive_rate: int | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing moves but weights and own numbers, by one white, centred input an update."""
        return (
            self.batch == 1
            and not (self.mean or self.tree)
            and self.damping is None
            and self.teacher_drift is None
            and self.combination is None
            and self.spectrum is None
        )

    @property
    def plain_at_given_rates(self) -> bool:
        """Whether it is plain, and eta none of the own numbers."""
        return self.plain and self.adaptive_rate is None

    @property
    def sectors(self) -> int | None:
        """L, or None where C is a single matrix."""
        return None if self.C.ndim == 2 else len(self.C)

    @property
    def rows(self) -> int:
        """Rows of C: the vectors in a sector."""
        return self.C.shape[-1]

    @property
    def students(self) -> int:
        """Students in a sector: K, in a tree 1."""
        return 1 if self.tree else self.K

    @property
    def branches(self) -> int:
        """Spaces that hold one set of vectors each: 1, in a tree K."""
        return self.K if self.tree else 1

    @property
    def references(self) -> int:
        """P, the reference vectors in a sector."""
        return self.rows - self.students * (1 if self.damping is None else 2) - self.mean

    @property
    def own_start(self) -> np.ndarray:
        """The own numbers at the start, (E,)."""
        return np.concatenate([np.zeros(0), *(np.asarray(part.start, dtype=float) for part in self.own)])

    @property
    def fast(self) -> np.ndarray:
        """Which own numbers are fast, (E,)."""
        return np.concatenate([np.zeros(0, dtype=bool), *(np.full(len(part.start), part.fast) for part in self.own)])

    @cached_property
    def places(self) -> dict[str, slice]:
        """Where the vectors stand among the rows of C, by name: "J", "V", "B", "mu"."""
        S, momentum = self.students, self.damping is not None
        counts = {"J": S, "V": S if momentum else 0, "B": self.references, "mu": int(self.mean)}
        ends = np.cumsum(list(counts.values())).tolist()
        return {name: slice(end - count, end) for (name, count), end in zip(counts.items(), ends, strict=True)}

    def own_part(self, index: int) -> OwnNumbers:
        """The part that an own number belongs to."""
        for part in self.own:
            if index < len(part.start):
                return part
            index -= len(part.start)
        raise IndexError(index)

    def record_shapes(self) -> dict[str, tuple[int, ...]]:
        """What a simulation records, by name, and the shape of one row of it.

        R, Q; the own numbers by their names; with momentum RV = V B^T, QJV = J V^T, QV = V V^T; T, where the teacher
        walks and an entry of T can change; with a mean d = J mu, dV = V mu and, where the teacher walks, e = B mu.
        In a tree there is one number a branch; with a spectrum the sectors come first.
        """
        return dict(self._record_shapes)

    @cached_property
    def _record_shapes(self) -> dict[str, tuple[int, ...]]:
        S, P, momentum, walks = self.students, self.references, self.damping is not None, self.teacher_drift is not None
        shapes: dict[str, tuple[int, ...]] = {"R": (S, P), "Q": (S, S)}
        if momentum:
            shapes |= {"RV": (S, P), "QJV": (S, S), "QV": (S, S)}
        if walks and not self.tree and (P > 1 or self.spectrum is not None):
            shapes["T"] = (P, P)
        if self.mean:
            shapes |= {"d": (S,)} | ({"dV": (S,)} if momentum else {}) | ({"e": (P,)} if walks else {})
        if self.tree:
            shapes = dict.fromkeys(shapes, (self.K,))
        elif self.sectors is not None:
            shapes = {name: (self.sectors, *shape) for name, shape in shapes.items()}
        return shapes | {part.name: (len(part.start),) for part in self.own}


def bare(step: Any, C: np.ndarray, K: int) -> Process:
    """The process of a step with a `learning_rate` and no options: plain on-line learning from overlaps C."""
    C = np.array(C, dtype=float)
    return Process(step, K, len(C) - K, C, np.array([step.learning_rate]))
