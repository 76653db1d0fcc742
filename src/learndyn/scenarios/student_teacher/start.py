"""Where a student begins: its order parameters, and the ways to choose them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.arguments import Matrix, array, count, nested, number, positive_semidefinite, symmetric
from learndyn.errors import InputError

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher

# Rows of a result are starts: overlaps may be impossible by the error that a loosely solved run may have.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Start:
    """The order parameters with which learning begins.

    Parameters
    ----------
    Q
        Student-student overlaps Q_ik = J_i . J_k, shape (K, K), symmetric. A number will do for K = 1.
    R
        Student-teacher overlaps R_in = J_i . B_n, shape (K, M). A number will do for K = M = 1.
    at
        The time at which learning begins.

    Raises
    ------
    InputError
        When shapes disagree, numbers are not finite or Q is not positive semidefinite. Whether R is possible for Q
        and the teacher's T is checked when the start meets its scenario.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-3, 0.0], [0.0, 1e-3]]).at
    0.0
    """

    Q: Matrix | Any
    R: Matrix | Any
    at: float = 0.0

    def __post_init__(self) -> None:
        Q, R = (array(getattr(self, name), name) for name in ("Q", "R"))
        Q, R = (x.reshape(1, 1) if x.ndim == 0 else x for x in (Q, R))
        if Q.ndim != 2 or Q.shape[0] != Q.shape[1] or len(Q) == 0:
            raise InputError(
                f"Argument `Q` must have shape (K, K), but it has shape {Q.shape}. "
                "Q_ik = J_i . J_k: one row and one column for each student unit."
            )
        if R.ndim != 2 or R.shape[0] != Q.shape[0] or R.shape[1] == 0:
            raise InputError(
                f"Argument `R` must have shape (K, M) with K = {len(Q)} as in Q, but it has shape {R.shape}. "
                "R_in = J_i . B_n: one row for each student unit, one column for each teacher unit."
            )
        Q = symmetric(Q, "Q")
        positive_semidefinite(Q, "Q", "Q_ik = J_i . J_k, so that Q_ik^2 <= Q_ii Q_kk.", TOLERANCE)
        object.__setattr__(self, "Q", nested(Q))
        object.__setattr__(self, "R", nested(R))
        object.__setattr__(self, "at", number(self.at, "at"))

    def check(self, K: int, M: int, T: np.ndarray) -> None:
        """Refuse a start whose shapes or overlaps are impossible for K student units and a teacher with overlaps T."""
        Q, R = np.array(self.Q), np.array(self.R)
        for name, value, shape in (("Q", Q, (K, K)), ("R", R, (K, M))):
            if value.shape != shape:
                raise InputError(
                    f"Argument `{name}` of the start must have shape {shape}, but it has shape {value.shape}. "
                    f"The scenario has {K} student and {M} teacher unit(s)."
                )
        limit = np.sqrt(np.outer(np.diag(Q), np.diag(T)))
        excess = np.abs(R) - limit
        if (excess > TOLERANCE * max(1e-300, float(limit.max()))).any():
            i, n = np.unravel_index(np.argmax(excess), excess.shape)
            raise InputError(
                f"Argument `R` of the start must satisfy |R_in| <= sqrt(Q_ii T_nn), but |R[{i}][{n}]| = "
                f"{abs(R[i, n]):.6g} exceeds {limit[i, n]:.6g}. Make R[{i}][{n}] smaller or Q[{i}][{i}] larger."
            )
        joint = np.block([[Q, R], [R.T, T]])
        positive_semidefinite(
            joint,
            "R",
            "Here the matrix [[Q, R], [R^T, T]] of all overlaps is meant: check R against Q and T.",
        )

    @classmethod
    def of(cls, value: Any) -> Start:
        """A start from a `Start` or from one row of a result (``result.sel(alpha=100, method="nearest")``)."""
        if isinstance(value, cls):
            return value
        if all(hasattr(value, name) for name in ("data_vars", "coords", "attrs")):
            return cls._of_row(value)
        raise InputError(
            f"Argument `start` must be an ld.Start or one row of a result, but it is a {type(value).__name__}. "
            "Write ld.Start(Q=..., R=...) or result.sel(alpha=..., method='nearest')."
        )

    @classmethod
    def _of_row(cls, row: Any) -> Start:
        if "Q" not in row or "R" not in row:
            raise InputError("Argument `start` must hold R and Q, but this dataset has no such variables.")
        for dim, wanted in (("alpha", "alpha=..., method='nearest'"), ("replica", "replica=0"), ("N", "N=...")):
            if dim in row["Q"].dims:
                raise InputError(
                    f"Argument `start` must be one row of a result, but it still has the dim `{dim}`. "
                    f"Choose one: result.sel({wanted})."
                )
        at = float(row["alpha"]) if "alpha" in row.coords else 0.0
        return cls(
            Q=row["Q"].transpose("student", "student2").values,
            R=row["R"].transpose("student", "teacher").values,
            at=at,
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
        interval = array(Q, "Q", (2,), "Give the interval (low, high) of Q_ii.")
        if not 0.0 < interval[0] <= interval[1]:
            raise InputError(f"Argument `Q` must be an interval (low, high) with 0 < low <= high, but it is {Q!r}.")
        X = number(X, "X", minimum=0.0)
        rng = np.random.default_rng(None if seed is None else count(seed, "seed", 0))
        K, M = scenario.K, scenario.M
        R = rng.uniform(0.0, X, (K, M))
        overlaps = np.triu(rng.uniform(0.0, X, (K, K)), 1)
        overlaps = overlaps + overlaps.T + np.diag(rng.uniform(interval[0], interval[1], K))
        return scenario.as_start(cls(overlaps, R, at))

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
        return scenario.as_start(cls(np.diag(lengths), number(X, "X") * np.eye(scenario.K, scenario.M), at))

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
                f"Arguments `J` and `B` must have shapes (K, N) and (M, N), but they have {J.shape} and {B.shape}."
            )
        return cls(J @ J.T, J @ B.T, at)

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
        return scenario.as_start(cls(overlaps, along @ frame.T * np.sqrt(Q / N), at))
