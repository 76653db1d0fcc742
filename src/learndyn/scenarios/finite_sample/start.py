"""Where a student of a finite sample begins: weights in a random direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import number, type_shown
from learndyn.errors import InputError


@dataclass(frozen=True)
class RandomWeights:
    """Weights that know nothing: a random direction, independent of rule and data, and a length.

    Parameters
    ----------
    length
        |w(0)| of the whole student, at least 0. In a deep student it is the product of the layers' strengths, which are
        all alike, and has to be above 0: a student of zeros never learns.
    at
        The time at which learning begins.

    Raises
    ------
    InputError
        When the length is negative or not finite.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.RandomWeights(0.5)
    RandomWeights(length=0.5, at=0.0)
    """

    kind: ClassVar[str] = "random_weights"

    length: float
    at: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", number(self.length, "length", minimum=0.0))
        object.__setattr__(self, "at", number(self.at, "at"))

    @classmethod
    def of(cls, start: Any) -> RandomWeights:
        """A start, or its length."""
        if isinstance(start, cls):
            return start
        if isinstance(start, int | float | np.integer | np.floating) and not isinstance(start, bool):
            return cls(float(start))
        if all(hasattr(start, name) for name in ("data_vars", "coords", "attrs")):
            raise InputError(
                "Argument `start` must be an ld.RandomWeights or its length, but it is a row of a result, which does "
                "not hold what the student has learned of each direction of its data. Ask for a later `until`."
            )
        raise InputError(
            f"Argument `start` must be an ld.RandomWeights or its length, but it is {type_shown(start)}. Write "
            "ld.RandomWeights(0.0)."
        )
