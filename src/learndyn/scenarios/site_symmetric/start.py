"""Where a student of alike sites begins: four overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.arguments import count, number, shown, type_shown
from learndyn.errors import InputError
from learndyn.scenarios.rows import time_of_row
from learndyn.scenarios.site_symmetric.overlaps import matrix
from learndyn.scenarios.student_teacher.start import Start

if TYPE_CHECKING:
    from learndyn.scenarios.site_symmetric.scenario import SiteSymmetric

# Overlaps of alike sites may differ by so much, relative to the largest.
ROUNDING = 1e-9
# Rows of a result are starts: overlaps may be impossible by the error that a loosely solved run may have.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class SymmetricStart:
    """The order parameters with which learning begins where all sites are alike.

        R_in = R delta_in + S (1 - delta_in),   Q_ik = Q delta_ik + C (1 - delta_ik)

    Parameters
    ----------
    R
        Overlap of a student vector with the teacher vector of its own site.
    S
        Overlap with each other teacher vector; 0 for a single unit.
    Q
        Squared length of a student vector, at least 0.
    C
        Overlap of two student vectors; 0 for a single unit.
    at
        The time at which learning begins; schedules go by it.

    Raises
    ------
    InputError
        When a number is not finite or Q is negative. Whether the start is possible for K units is checked when it
        meets a scenario.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.SymmetricStart(R=1e-3, S=0.0, Q=0.25, C=0.0).full(2).R
    ((0.001, 0.0), (0.0, 0.001))
    """

    R: float
    S: float
    Q: float
    C: float
    at: float = 0.0

    def __post_init__(self) -> None:
        for name in ("R", "S", "C", "at"):
            object.__setattr__(self, name, number(getattr(self, name), name))
        object.__setattr__(self, "Q", number(self.Q, "Q", minimum=0.0))

    def full(self, K: int) -> Start:
        """The same start as an `ld.Start` of K units: R and Q of shape (K, K).

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.SymmetricStart(R=0.4, S=0.1, Q=0.6, C=0.2).full(2).Q
        ((0.6, 0.2), (0.2, 0.6))
        """
        K = count(K, "K")
        return Start(Q=matrix(self.Q, self.C, K), R=matrix(self.R, self.S, K), at=self.at)

    @classmethod
    def of(cls, start: Any) -> SymmetricStart:
        """The reduction of a full start: the one number of each kind of overlap.

        Parameters
        ----------
        start
            An `ld.Start` with K = M, or one row of a result, of this scenario or of an `ld.StudentTeacher`.

        Raises
        ------
        InputError
            When overlaps of one kind differ by more than 1e-9 of the largest, or K is not M, or units have output
            weights, biases or further overlaps that alike sites do not have.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.SymmetricStart.of(ld.Start(Q=[[0.6, 0.2], [0.2, 0.6]], R=[[0.4, 0.1], [0.1, 0.4]]))
        SymmetricStart(R=0.4, S=0.1, Q=0.6, C=0.2, at=0.0)
        """
        if isinstance(start, cls):
            return start
        if isinstance(start, Start):
            _refuse_more(start)
            return cls._of_matrices(np.array(start.R), np.array(start.Q), start.at)
        if all(hasattr(start, name) for name in ("data_vars", "coords", "attrs")):
            return cls._of_row(start)
        raise InputError(
            f"Argument `start` must be an ld.SymmetricStart, a symmetric ld.Start or one row of a result, but it is "
            f"{type_shown(start)}. Write ld.SymmetricStart(R=..., S=..., Q=..., C=...)."
        )

    @classmethod
    def _of_row(cls, row: Any) -> SymmetricStart:
        at = time_of_row(row)
        if "student" in row["Q"].dims:
            R, Q = row["R"].transpose("student", "teacher"), row["Q"].transpose("student", "student2")
            return cls._of_matrices(R.values, Q.values, at)
        # A single unit has no S and C.
        numbers = {name: float(row[name]) if name in row else 0.0 for name in ("R", "S", "Q", "C")}
        return cls(**numbers, at=at)

    @classmethod
    def _of_matrices(cls, R: np.ndarray, Q: np.ndarray, at: float) -> SymmetricStart:
        if R.shape != Q.shape:
            raise InputError(
                f"Argument `start` must have as many student units as teacher units, but R has shape {R.shape}. Use "
                "ld.StudentTeacher for others: only with as many does each unit have a site of its own."
            )
        return cls(*_kinds(R, "R"), *_kinds(Q, "Q"), at=at)

    def numbers(self) -> np.ndarray:
        """(R, S, Q, C)."""
        return np.array([self.R, self.S, self.Q, self.C])

    def completed(self, scenario: SiteSymmetric) -> SymmetricStart:
        """This start, refused where it is not possible for K units."""
        K = scenario.units
        if K == 1 and (self.S != 0.0 or self.C != 0.0):
            raise InputError(
                f"Arguments `S` and `C` of the start must be 0 for a single unit, which has no other site, but they "
                f"are {self.S:g} and {self.C:g}. Leave them out."
            )
        state = self.numbers() if K > 1 else self.numbers()[[0, 2]]
        if scenario.first_impossible(state[None], TOLERANCE) == 0:
            others = f", (R + {K - 1} S)^2 <= Q + {K - 1} C" if K > 1 else ""
            raise InputError(
                f"Argument `start` must hold overlaps that {K} vectors can have, "
                f"{'(R - S)^2 <= Q - C' if K > 1 else 'R^2 <= Q'}{others}, but it is {shown(self)}. Make Q larger, or "
                "R, S and C smaller."
            )
        return self


def _kinds(overlaps: np.ndarray, name: str) -> tuple[float, float]:
    """The mean on the diagonal and that beside it (0 where there is none), refused unless all are alike."""
    K = len(overlaps)
    diagonal = np.eye(K, dtype=bool)
    same, other = float(overlaps[diagonal].mean()), float(overlaps[~diagonal].mean()) if K > 1 else 0.0
    difference = float(np.abs(overlaps - matrix(same, other, K)).max())
    if difference > ROUNDING * float(np.abs(overlaps).max()):
        raise InputError(
            f"Argument `start` must have alike sites, {name} with one number on its diagonal and one beside it, but "
            f"its entries differ from that by {difference:.3g}. Use ld.StudentTeacher with the full start, or average "
            "each kind of overlap."
        )
    return same, other


def _refuse_more(start: Start) -> None:
    """What a full start may have and alike sites here do not."""
    extra = {
        "w": start.w is not None and set(start.w) != {1.0},
        "theta": start.theta is not None and set(start.theta) != {0.0},
        "more": bool(start.more),
    }
    for name, there in extra.items():
        if there:
            raise InputError(
                f"Argument `start` must have no `{name}`, but it is {getattr(start, name)}: alike sites are soft "
                "committees with overlaps R, S, Q, C alone. Use ld.StudentTeacher."
            )
