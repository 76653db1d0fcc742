"""Rules that change with time: how the teacher's weight vectors move while the student learns.

A teacher that leaves the span of its first vectors is a combination of fixed reference vectors E_p (the *basis*),

    B_n(alpha) = sum_p A_np(alpha) E_p,   y = A(alpha) e,   e = E xi,

and the order parameters are the overlaps of the student with the basis [Biehl & Schwarze 1992 for the random walk].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import array, nested, number, shown
from learndyn.errors import InputError


@dataclass(frozen=True)
class RandomWalk:
    """Each teacher vector makes a random step an update: B_n(mu) . B_n(mu + 1) = (1 - rate / N) |B_n|^2, |B_n| fixed.

        dR_in / dalpha -= rate R_in,   dT_nm / dalpha = -2 rate T_nm  (n != m)

    Parameters
    ----------
    rate
        delta, at least 0.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.RandomWalk(0.01).rate
    0.01
    """

    kind: ClassVar[str] = "random_walk"
    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number(self.rate, "rate", above=0.0))


@dataclass(frozen=True)
class Rotation:
    """Each teacher vector turns with constant speed, from B_n towards a vector of its own orthogonal to all others.

        B_n(alpha) = cos(speed alpha) B_n + sin(speed alpha) B'_n,   B'_n . B'_m = T_nm,   B'_n . B_m = 0

    Parameters
    ----------
    speed
        Radians per unit of alpha, above 0.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Rotation(0.05).weights(0.0, 1)
    array([[1., 0.]])
    """

    kind: ClassVar[str] = "rotation"
    speed: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "speed", number(self.speed, "speed", above=0.0))

    def references(self, M: int) -> int:
        """Number of reference vectors."""
        return 2 * M

    def overlaps(self, T: np.ndarray) -> np.ndarray:
        """E E^T."""
        return np.kron(np.eye(2), T)

    def weights(self, alpha: Any, M: int, xp: Any = np) -> Any:
        """A(alpha) of shape (..., M, 2 M)."""
        angle = self.speed * xp.asarray(alpha)[..., None, None]
        return xp.concatenate([xp.cos(angle) * np.eye(M), xp.sin(angle) * np.eye(M)], axis=-1)

    @property
    def knots(self) -> tuple[float, ...]:
        """Times at which A jumps."""
        return ()


@dataclass(frozen=True)
class Switch:
    """The teacher is replaced at given times, as in task switching: each new one has a given cosine with the last.

        B_n -> overlap B_n + sqrt(1 - overlap^2) B'_n,   B'_n fresh: B'_n . B'_m = T_nm, orthogonal to all before

    Parameters
    ----------
    times
        The times alpha of the changes, increasing.
    overlap
        Cosine of a teacher vector with its successor, in [-1, 1]; 0 is a new task.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Switch(times=[50], overlap=0.0).weights(60.0, 1)
    array([[0., 1.]])
    """

    kind: ClassVar[str] = "switch"
    times: tuple[float, ...] | Any
    overlap: float = 0.0

    def __post_init__(self) -> None:
        times = array(self.times, "times")
        if times.ndim != 1 or len(times) == 0 or (np.diff(times) <= 0).any():
            raise InputError(
                f"Argument `times` must be a list of increasing times, but it is {shown(self.times)}. "
                "Write times=[100, 200]."
            )
        overlap = number(self.overlap, "overlap")
        if abs(overlap) > 1.0:
            raise InputError(
                f"Argument `overlap` must be a cosine, from -1 to 1, but it is {overlap:g}. "
                "Divide it by the lengths of the two vectors."
            )
        object.__setattr__(self, "times", tuple(times.tolist()))
        object.__setattr__(self, "overlap", overlap)

    def references(self, M: int) -> int:
        """Number of reference vectors: those of all teachers."""
        return M * (len(self.times) + 1)

    def overlaps(self, T: np.ndarray) -> np.ndarray:
        """E E^T."""
        return np.kron(np.eye(len(self.times) + 1), T)

    def weights(self, alpha: Any, M: int, xp: Any = np) -> Any:
        """A(alpha) of shape (..., M, references); at the time of a change, that of the new teacher."""
        tasks = len(self.times) + 1
        rows = np.zeros((tasks, tasks))
        rows[0, 0] = 1.0
        for task in range(1, tasks):
            rows[task] = self.overlap * rows[task - 1]
            rows[task, task] = np.sqrt(1.0 - self.overlap**2)
        task = (xp.asarray(alpha)[..., None] >= np.array(self.times)).sum(-1)
        return xp.asarray(np.stack([np.kron(row, np.eye(M)) for row in rows]))[task]

    @property
    def knots(self) -> tuple[float, ...]:
        """Times at which A jumps."""
        return self.times


@dataclass(frozen=True)
class Lessons:
    """The first of several teachers, while all of them are references: one task of an `ld.TaskSequence`.

        B_n = E_n,   E E^T = cosines x T  (of the teachers, of the vectors within one)

    Parameters
    ----------
    cosines
        Cosines (tasks, tasks) of a teacher vector with the same one of the other teachers.
    """

    kind: ClassVar[str] = "lessons"
    cosines: tuple[tuple[float, ...], ...] | Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "cosines", nested(array(self.cosines, "cosines")))

    @property
    def form(self) -> LessonsForm:
        """What of it decides the shape of the computation."""
        return LessonsForm(self.kind, len(self.cosines))

    def references(self, M: int) -> int:
        """Number of reference vectors: those of all teachers."""
        return self.form.references(M)

    def overlaps(self, T: np.ndarray) -> np.ndarray:
        """E E^T."""
        return np.kron(np.array(self.cosines), T)

    def weights(self, alpha: Any, M: int, xp: Any = np) -> Any:
        """A of shape (..., M, references)."""
        return self.form.weights(alpha, M, xp)


@dataclass(frozen=True)
class LessonsForm:
    """`Lessons` without its numbers: tasks of any cosines share a compiled program."""

    kind: str
    tasks: int

    def references(self, M: int) -> int:
        """Number of reference vectors."""
        return M * self.tasks

    def weights(self, alpha: Any, M: int, xp: Any = np) -> Any:
        """A of shape (..., M, references)."""
        return xp.broadcast_to(xp.asarray(np.eye(M, M * self.tasks)), (*xp.shape(alpha), M, M * self.tasks))


# Those that combine fixed reference vectors.
COMBINATIONS = (Rotation, Switch, Lessons)
KINDS: dict[str, Any] = {cls.kind: cls for cls in (RandomWalk, *COMBINATIONS)}


def form_of(drift: Any) -> Any:
    """What of a teacher's motion decides the shape of the computation."""
    return RandomWalk.kind if isinstance(drift, RandomWalk) else drift.form if isinstance(drift, Lessons) else drift
