"""Gradient descent on a squared error, of the output or of h itself.

(ytilde - phi(h))^2 / 2:   s = (ytilde - phi) phi' = y phi(-y h) phi'(h),   ytilde = (1 + y) / 2
                           A = y <phi phi'>,   D = <phi^2 phi'^2>   at -y h ~ N(-y m, v)
(y - h)^2 / 2:             s = y - h                                    Widrow & Hoff (1960)
                           A = y - m,   D = (y - m)^2 + v
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.classification.rules.base import Rule
from learndyn.scenarios.classification.rules.sigmoids import sigmoid


@dataclass(frozen=True)
class SquaredError(Rule):
    """Least squares: f = (ytilde - phi(h)) phi'(h) x with the label ytilde = 1 or 0; or, linear, f = (y - h) x.

    Its loss is half the squared error.

    Parameters
    ----------
    linear
        Whether the error is that of h = w . x against y = +-1 (Adaline, LMS), without the activation.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.SquaredError(linear=True)
    SquaredError(linear=True)
    """

    name: ClassVar[str] = "squared_error"
    label: ClassVar[str] = "squared error"

    linear: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.linear, bool):
            raise InputError(
                f"Argument `linear` must be True or False, but it is {shown(self.linear)}. Leave it out for False."
            )

    def key(self) -> tuple[Any, ...]:
        """Two different programs."""
        return self.name, self.linear

    def mean_response(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """A."""
        return y - m if self.linear else y * sigmoid(activation).with_slope(-y * m, v, xp)

    def square_response(
        self, m: Any, v: Any, y: Any, reward: Any, activation: str, numbers: dict[str, Any], xp: Any
    ) -> Any:
        """D."""
        return (y - m) ** 2 + v if self.linear else sigmoid(activation).square_with_slope(-y * m, v, xp)

    def loss(self, h: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """Half the squared error."""
        return 0.5 * (y - h) ** 2 if self.linear else 0.5 * sigmoid(activation).phi(-y * h, NUMPY) ** 2

    def mean_loss(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """Its average."""
        return 0.5 * ((y - m) ** 2 + v if self.linear else sigmoid(activation).square(-y * m, v, NUMPY))
