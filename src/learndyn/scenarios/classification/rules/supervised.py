"""Logistic regression: gradient descent on the cross entropy -log phi(y h).

    s = ytilde - phi(h) = y phi(-y h),   ytilde = (1 + y) / 2          Schmid & Murray (2024), equations (12), (15)
    A = y <phi>,   D = <phi^2>           at -y h ~ N(-y m, v)

For the logistic phi this is the gradient itself; for the shifted error function s is kept, as in the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from learndyn.scenarios.classification.rules.base import Rule
from learndyn.scenarios.classification.rules.graded import graded_average
from learndyn.scenarios.classification.rules.sigmoids import sigmoid


@dataclass(frozen=True)
class Supervised(Rule):
    """Logistic regression, f = (ytilde - phi(w . x)) x with the label ytilde = 1 or 0.

    Its loss is the cross entropy, -log phi(y h). Schmid & Murray (2024), equation (15).

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Supervised()
    Supervised()
    """

    name: ClassVar[str] = "supervised"
    label: ClassVar[str] = "SL"

    def mean_response(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """A = y <phi>."""
        return y * sigmoid(activation).mean(-y * m, v, xp)

    def response(self, h: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """y phi(-y h), without the quadrature of a logistic average."""
        return y * sigmoid(activation).phi(-y * h, xp)

    def square_response(
        self, m: Any, v: Any, y: Any, reward: Any, activation: str, numbers: dict[str, Any], xp: Any
    ) -> Any:
        """D = <phi^2>."""
        return sigmoid(activation).square(-y * m, v, xp)

    def loss(self, h: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """The cross entropy."""
        return -sigmoid(activation).log_phi(y * h)

    def mean_loss(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """Its average, by quadrature."""
        return graded_average(lambda h: -sigmoid(activation).log_phi(-h), -y * m, v)
