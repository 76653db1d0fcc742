"""The perceptron rule: on mistakes alone, the label.

    s = y 1(y h <= 0)                                                              Rosenblatt (1958)
    A = y P,   D = P,   P = Phi(-y m / sqrt v)

Without input noise (v = 0) it is a step, 1 where y m <= 0, whose derivatives are taken as 0; w = 0 counts as a mistake,
so that learning can begin there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.classification.rules.base import Rule
from learndyn.scenarios.classification.rules.hinge import hinge, step


@dataclass(frozen=True)
class Perceptron(Rule):
    """Rosenblatt's rule, f = y x where the sign of w . x is wrong (or w . x = 0), else 0.

    Its loss is the perceptron criterion, max(0, -y h). The activation of the scenario plays no part in it.

    Notes
    -----
    The mean update depends on the direction of w alone. Where classes overlap it points inwards in the end: for means
    +-mu and sigma^2 I, d|w|/dt = |mu| Phi(-x) - sigma phi(x) < 0 along mu, x = |mu| / sigma and phi the normal density.
    The flow for small eta then comes to w = 0 in a finite time and ends there (status ``"not_finite"``): the minimum of
    the loss is at 0, where no direction is left. Simulations stay at |w| = O(eta). Over rows of data the mean update is
    a staircase, which `ld.solve` refuses.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Perceptron()
    Perceptron()
    """

    name: ClassVar[str] = "perceptron"
    label: ClassVar[str] = "perceptron"
    end: ClassVar[str] = "the weights of the perceptron rule reached zero"
    steps: ClassVar[bool] = True

    def mean_response(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """A = y P."""
        return y * step(-y * m, v, xp)

    def square_response(
        self, m: Any, v: Any, y: Any, reward: Any, activation: str, numbers: dict[str, Any], xp: Any
    ) -> Any:
        """D = P."""
        return step(-y * m, v, xp)

    def loss(self, h: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """The perceptron criterion."""
        return np.maximum(-y * h, 0.0)

    def mean_loss(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """Its average."""
        return hinge(-y * m, v, NUMPY)
