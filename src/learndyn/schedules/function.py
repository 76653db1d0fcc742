"""Any function of time as a schedule: eta(alpha) = function(alpha, xp)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import shown
from learndyn.errors import InputError, first_line
from learndyn.gaussian.namespaces import NUMPY
from learndyn.schedules.base import Schedule
from learndyn.schedules.kinds import set_fields, times_of


@dataclass(frozen=True, eq=False)
class Identity:
    """A function that is equal to itself alone.

    Its text is another one in every process: traced programs are kept on disk by the text of their key, and the address
    of a function may come back as that of another.
    """

    function: Callable[[Any, Any], Any]
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.function is other.function

    def __hash__(self) -> int:
        return hash(("learndyn.schedule", id(self.function)))


# Functions that a result of this process refers to.
_BY_TOKEN: dict[str, Function] = {}


# What cannot be written, by the word of its key `kind`, and what can be done.
_IN_FILES = {
    "function": (
        "A schedule that is a function",
        "Use one of the schedules in learndyn.schedules, such as PiecewiseLinear through points of the function.",
    ),
    "update_rule": (
        "An ld.UpdateRule, which is made of functions,",
        "Keep the Python file that builds it; results of it can be saved.",
    ),
    "": ("A learning rate that adapts by a function", "Use ld.AdaptiveRate.murata."),
}


def by_token(plain: dict[str, Any]) -> Function:
    """The schedule that `Function.to_plain` has named, in the same process."""
    if plain.get("token") not in _BY_TOKEN:
        raise InputError(
            "A schedule of this scenario is a Python function of another process, and results keep numbers and text "
            "alone. Build the scenario anew, with the same function."
        )
    return _BY_TOKEN[plain["token"]]


def refuse_functions(plain: Any) -> None:
    """Refuse the plain form of a scenario in which a rate is a function: a file could not give it back.

    Parameters
    ----------
    plain
        A dict of numbers, text, lists and dicts.

    Raises
    ------
    InputError
        When a schedule in it is a function.

    Examples
    --------
    >>> from learndyn.schedules import refuse_functions
    >>> refuse_functions({"learning_rate": 0.5})
    """
    if isinstance(plain, dict):
        if "token" in plain:
            what, remedy = _IN_FILES.get(plain.get("kind", ""), _IN_FILES[""])
            raise InputError(f"{what} cannot be written to a file, which holds numbers and text. {remedy}")
        for entry in plain.values():
            refuse_functions(entry)


@dataclass(frozen=True)
class Function(Schedule):
    """What `Schedule.of` makes of a function.

    Parameters
    ----------
    identity
        The function, comparable by the object that it is.
    times
        Its knots.

    Examples
    --------
    >>> from learndyn.schedules import Schedule
    >>> Schedule.of(lambda alpha, xp: 1 / (1 + xp.sqrt(alpha)))([0, 4, 9]).tolist()
    [1.0, 0.3333333333333333, 0.25]
    """

    kind: ClassVar[str] = "function"
    writable: ClassVar[bool] = False
    identity: Identity
    times: tuple[float, ...] | Any = ()

    def __post_init__(self) -> None:
        set_fields(self, times=times_of(self.times, "knots") if np.size(self.times) else ())
        if not callable(self.identity.function):
            raise InputError(
                f"Argument `function` must be a function of alpha and xp, but it is {shown(self.identity.function)}. "
                "Write Schedule.of(lambda alpha, xp: 0.5 * xp.exp(-alpha / 100))."
            )
        two = np.array([1.0, 2.0])
        with np.errstate(all="ignore"):
            result = np.asarray(_checked(self.identity.function, two, NUMPY))
        if result.shape not in ((), two.shape) or result.dtype.kind not in "iuf":
            raise InputError(
                f"Argument `function` must give one rate for each time, but for two times it gives {shown(result)}. "
                "Write it elementwise, with xp.where instead of if."
            )

    def __repr__(self) -> str:
        return f"Schedule.of({self.identity.function!r}, knots={self.times})"

    def key(self) -> tuple[Any, ...]:
        """The kind, and the function."""
        return (self.kind, self.identity)

    def numbers(self) -> np.ndarray:
        """The knots."""
        return np.array(self.times, dtype=float)

    def to_plain(self) -> dict[str, Any]:
        """A token by which this process finds the function again; no file can hold it (`refuse_functions`)."""
        _BY_TOKEN[self.identity.token] = self
        return {"kind": self.kind, "token": self.identity.token}

    @staticmethod
    def formula(shape: tuple[Any, ...], alpha: Any, numbers: Any, xp: Any) -> Any:
        """function(alpha, xp)."""
        return _checked(shape[0].function, alpha, xp)

    @staticmethod
    def corners(shape: tuple[Any, ...], numbers: np.ndarray) -> np.ndarray:
        """The knots as given."""
        return numbers


def _checked(function: Callable[[Any, Any], Any], alpha: Any, xp: Any) -> Any:
    try:
        return function(alpha, xp)
    except (TypeError, ValueError) as error:
        # Also what JAX raises where its numbers are taken for NumPy's, or in an `if`.
        reason = first_line(error)
        raise InputError(
            "Argument `function` of a schedule must be elementwise in alpha with the functions of `xp`, but it failed: "
            f"{reason}. Write function(alpha, xp) with xp.exp instead of math.exp or np.exp, and xp.where instead of "
            "if."
        ) from error
