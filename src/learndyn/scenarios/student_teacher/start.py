"""Where a student begins: its order parameters, and the ways to choose them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.arguments import (
    LARGEST,
    Matrix,
    array,
    count,
    did_you_mean,
    nested,
    number,
    positive_semidefinite,
    shown,
    symmetric,
    type_shown,
)
from learndyn.errors import InputError
from learndyn.scenarios.base import fields_alone
from learndyn.scenarios.rows import time_of_row
from learndyn.scenarios.shown import Shown
from learndyn.scenarios.student_teacher.completion import TOLERANCE, are_overlaps, completed, parts
from learndyn.scenarios.student_teacher.networks import one_a_unit

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.frame import Frame
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher

# What an option adds to the order parameters, and a start may leave out.
MORE = ("T", "RV", "QJV", "QV", "d", "R_space", "Q_space", "R_reference", "eta")


@dataclass(frozen=True)
class Start(Shown):
    """The order parameters with which learning begins.

    Parameters
    ----------
    Q
        Student-student overlaps Q_ik = J_i . J_k, shape (K, K), symmetric. A number will do for K = 1.
    R
        Student-teacher overlaps R_in = J_i . B_n, shape (K, M). A number will do for K = M = 1.
    w
        Output weights of the student, one a unit or one for all; ones when not given.
    theta
        Biases of the student, one a unit or one for all; zeros when not given.
    at
        The time at which learning begins; schedules go by it.
    more
        What options add, by name, where they are not the natural ones: ``RV``, ``QJV``, ``QV`` of the velocities
        (zeros), ``d`` with the mean of the inputs (zeros), ``R_space`` and ``Q_space`` in each eigenspace of the
        inputs (shares of R and Q), ``R_reference`` with all reference vectors of a moving teacher (zeros beyond R),
        ``T`` of a teacher that walks at random (that of the teacher), ``eta`` of a learning rate that adapts (its
        initial value). A row of a result has them.

    Raises
    ------
    InputError
        When shapes disagree, numbers are not finite or Q is not positive semidefinite. Whether the start is possible
        for the scenario is checked when it meets it.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-3, 0.0], [0.0, 1e-3]]).at
    0.0
    """

    Q: Matrix | Any
    R: Matrix | Any
    w: tuple[float, ...] | Any = None
    theta: tuple[float, ...] | Any = None
    at: float = 0.0
    more: tuple[tuple[str, Any], ...] | Any = ()

    def __post_init__(self) -> None:
        Q, R = (array(getattr(self, name), name) for name in ("Q", "R"))
        Q, R = (x.reshape(1, 1) if x.ndim == 0 else x for x in (Q, R))
        if Q.ndim != 2 or Q.shape[0] != Q.shape[1] or len(Q) == 0:
            raise InputError(
                f"Argument `Q` must have shape (K, K), but it has shape {Q.shape}. "
                "Give Q_ik = J_i . J_k: one row and one column for each student unit."
            )
        if R.ndim != 2 or R.shape[0] != Q.shape[0] or R.shape[1] == 0:
            raise InputError(
                f"Argument `R` must have shape (K, M) with K = {len(Q)} as in Q, but it has shape {R.shape}. "
                "Give R_in = J_i . B_n: one row for each student unit, one column for each teacher unit."
            )
        Q = symmetric(Q, "Q")
        positive_semidefinite(Q, "Q", "Check it: Q_ik = J_i . J_k, so that Q_ik^2 <= Q_ii Q_kk.", TOLERANCE)
        object.__setattr__(self, "Q", nested(Q))
        object.__setattr__(self, "R", nested(R))
        for name in ("w", "theta"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, one_a_unit(getattr(self, name), name, len(Q)))
        object.__setattr__(self, "at", number(self.at, "at"))
        object.__setattr__(self, "more", _named(self.more))

    def __getstate__(self) -> dict[str, Any]:
        return fields_alone(self)

    def completed(self, scenario: StudentTeacher) -> Start:
        """This start with all that the scenario needs, or refused: shapes and overlaps must be possible for it.

        What has passed is not looked at again, by this scenario and by all that share its frame.
        """
        frame = scenario.frame
        known, found = self.__dict__.get("_completed", (None, None))
        if known is not frame:
            found = completed(self, scenario)
            found._remember(frame, None)
            if found is not self:
                self._remember(frame, found)
        return found or self

    def _remember(self, frame: Frame, found: Start | None) -> None:
        """What this start becomes for the scenarios of a frame; None: it is complete as it is.

        It does not refer to itself, so that the starts of a large sweep are gone at once when nobody needs them.
        """
        self.__dict__["_completed"] = (frame, found)

    def parts(self, scenario: StudentTeacher) -> dict[str, np.ndarray]:
        """The blocks of the state, of a start that is complete."""
        return parts(self, scenario)

    @classmethod
    def of(cls, value: Any, scenario: StudentTeacher) -> Start:
        """A start from a `Start` or from one row of a result (``result.sel(alpha=100, method="nearest")``)."""
        if isinstance(value, cls):
            return value
        if all(hasattr(value, name) for name in ("data_vars", "coords", "attrs")):
            return cls._of_row(value, scenario)
        raise InputError(
            f"Argument `start` must be an ld.Start or one row of a result, but it is {type_shown(value)}. "
            "Write ld.Start(Q=..., R=...) or result.sel(alpha=..., method='nearest')."
        )

    @classmethod
    def _of_row(cls, row: Any, scenario: StudentTeacher) -> Start:
        at = time_of_row(row)
        # What the scenario does not have is left behind: its numbers say nothing there.
        has = {block.name for block in scenario.layout.blocks} | set(scenario.quantities()) - {"T"}
        wanted = [name for name in MORE if name in has and name in row]
        quantities = scenario.quantities()
        return cls(
            Q=row["Q"].transpose("student", "student2").values,
            R=row["R"].transpose("student", "teacher").values,
            w=row["w"].values if "w" in row and "w" in has else None,
            theta=row["theta"].values if "theta" in row and "theta" in has else None,
            at=at,
            more={name: row[name].transpose(*quantities[name].dims).values for name in wanted},
        )

    @classmethod
    def random(
        cls,
        scenario: StudentTeacher,
        Q: tuple[float, float] = (0.1, 0.5),
        X: float = 1e-12,
        *,
        seed: int | None = None,
        at: float = 0.0,
    ) -> Start:
        """The slides' random start: Q_ii uniform in the interval Q, all other overlaps uniform in [0, X].

        Parameters
        ----------
        scenario
            The scenario, for K, M and T.
        Q
            Interval of the squared lengths, 0 < low <= high.
        X
            Largest initial overlap, at least 0 [Straat 2018, p. 39: 1e-12].
        seed
            Seed of ``numpy.random.default_rng``; ``None`` draws one afresh.
        at
            The time at which learning begins.

        Examples
        --------
        >>> import learndyn as ld
        >>> scenario = ld.StudentTeacher(ld.Student(3), ld.Teacher(3), learning_rate=0.1)
        >>> start = ld.Start.random(scenario, seed=1)
        >>> max(start.R[0]) <= 1e-12
        True
        """
        low, high = array(Q, "Q", (2,), "Give the interval (low, high) of Q_ii.").tolist()
        if not 0.0 < low <= high:
            raise InputError(
                f"Argument `Q` must be an interval (low, high) with 0 < low <= high, but it is {shown(Q)}. "
                "Write Q=(0.1, 0.5)."
            )
        X = number(X, "X", minimum=0.0)
        rng = np.random.default_rng(None if seed is None else count(seed, "seed", 0))
        K, M = scenario.K, scenario.M
        # The numbers of rng.uniform(0, X), first R, then the overlaps of all pairs (i, k) of which i < k count.
        drawn = X * rng.random(K * M + K * K)
        R, overlaps = drawn[: K * M].reshape(K, M), drawn[K * M :].take(_pairs(K))
        overlaps.reshape(-1)[:: K + 1] = rng.uniform(low, high, K)
        if type(at) is float and isfinite(at) and X <= LARGEST:
            start = cls._where_possible(overlaps, R, at, scenario)
            if start is not None:
                return start
        return scenario.as_start(cls(overlaps, R, at=at))

    @classmethod
    def _where_possible(cls, Q: np.ndarray, R: np.ndarray, at: float, scenario: StudentTeacher) -> Start | None:
        """The start, checked once, for numbers of the right shapes, with Q symmetric; None: they need a closer look."""
        frame = scenario.frame
        if not (frame.bare and are_overlaps(Q, R, frame.T)):
            return None
        start = object.__new__(cls)
        start.__dict__.update(Q=nested(Q), R=nested(R), w=None, theta=None, at=at, more=())
        start._remember(frame, None)
        return start

    @classmethod
    def near_symmetric(cls, scenario: StudentTeacher, Q: Any = 0.2, X: float = 1e-3, *, at: float = 0.0) -> Start:
        """A start that is unspecialised but for R_ii = X: Q = diag(Q), R_in = X delta_in.

        Parameters
        ----------
        scenario
            The scenario, for K, M and T.
        Q
            Squared lengths Q_ii: a number for all units or one a unit.
        X
            The small overlap that breaks the symmetry.
        at
            The time at which learning begins.

        Examples
        --------
        >>> import learndyn as ld
        >>> scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.1)
        >>> ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-3).R
        ((0.001, 0.0), (0.0, 0.001))
        """
        lengths = array(Q, "Q")
        if lengths.ndim == 0:
            lengths = np.full(scenario.K, float(lengths))
        lengths = array(lengths, "Q", (scenario.K,), "Give one number, or one for each student unit.")
        return scenario.as_start(cls(np.diag(lengths), number(X, "X") * np.eye(scenario.K, scenario.M), at=at))

    @classmethod
    def from_weights(cls, J: Any, B: Any, *, at: float = 0.0) -> Start:
        """The overlaps of given weight vectors: J of shape (K, N), B of shape (M, N).

        The teacher of the scenario must have T = B B^T: `Teacher.from_weights`.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.Start.from_weights(J=[[0.5, 0.0]], B=[[1.0, 0.0]]).R
        ((0.5,),)
        """
        J, B = array(J, "J"), array(B, "B")
        if J.ndim != 2 or B.ndim != 2 or J.shape[1] != B.shape[1]:
            raise InputError(
                f"Arguments `J` and `B` must have shapes (K, N) and (M, N), but they have {J.shape} and {B.shape}. "
                "Give one row of N numbers for each unit."
            )
        return cls(J @ J.T, J @ B.T, at=at)

    @classmethod
    def random_weights(
        cls, scenario: StudentTeacher, N: int, Q: float = 1.0, *, seed: int | None = None, at: float = 0.0
    ) -> Start:
        """The overlaps of random weights at input dimension N: components of J_i drawn from N(0, Q / N).

        R is of the order sqrt(Q T / N), as it is in practice. Drawn exactly for any N (Bartlett's decomposition): no
        vector of length N is held.

        Examples
        --------
        >>> import learndyn as ld
        >>> scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.1)
        >>> start = ld.Start.random_weights(scenario, N=10**9, seed=1)
        >>> abs(start.Q[0][0] - 1.0) < 1e-3
        True
        """
        K, M = scenario.K, scenario.M
        N, Q = count(N, "N", K + M), number(Q, "Q", above=0.0)
        rng = np.random.default_rng(None if seed is None else count(seed, "seed", 0))
        # Along the span of B the components are plain normals; the rest is a Wishart matrix of N - M degrees.
        along = rng.standard_normal((K, M))
        rest = np.tril(rng.standard_normal((K, K)), -1) + np.diag(np.sqrt(rng.chisquare(N - M - np.arange(K))))
        values, vectors = np.linalg.eigh(scenario.T)
        frame = vectors * np.sqrt(np.maximum(values, 0.0))
        overlaps = (along @ along.T + rest @ rest.T) * (Q / N)
        return scenario.as_start(cls(overlaps, along @ frame.T * np.sqrt(Q / N), at=at))


@cache
def _pairs(K: int) -> np.ndarray:
    """(K, K): where the pair of i and k, the smaller one first, stands among all pairs row by row."""
    i, k = np.indices((K, K))
    return K * np.minimum(i, k) + np.maximum(i, k)


def _named(value: Any) -> tuple[tuple[str, Any], ...]:
    """Further overlaps as sorted pairs of names and nested tuples."""
    pairs = dict(value)
    for name in pairs:
        if name not in MORE:
            raise InputError(
                f"Argument `more` of a start must name overlaps, {', '.join(MORE)}, but it has {shown(name)}."
                f"{did_you_mean(name, list(MORE))}"
            )
    return tuple(sorted((name, nested(array(entry, name))) for name, entry in pairs.items()))
