"""REINFORCE: the answer yhat = +-1 is drawn with probability phi(yhat h), and the reward is y yhat.

    s = yhat (y yhat - b) phi(-yhat h)                                 Schmid & Murray (2024), equations (13), (20)
    A = 2 y <phi phibar>,   D = (1 + b^2) <phi phibar> + 2 y b <phi phibar (phi - phibar)>

The baseline b, the expected reward at the present w, drops out of A. It does not lower the variance here: s is the
larger the less likely the answer was, and unlikely answers are mostly the wrong ones. At zero input noise b = y (phi -
phibar), and D is 1 + 3 b^2 times that without a baseline; the least variance is at -b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.classification.rules.base import Projections, Rule
from learndyn.scenarios.classification.rules.sigmoids import sigmoid


@dataclass(frozen=True)
class Reinforce(Rule):
    """Policy gradient: the perceptron guesses, yhat = 1 with probability phi(w . x), and is told whether it was right.

    f = yhat (reward - b) phi(-yhat w . x) x with reward 1 or -1. Its loss is minus the expected reward.

    Parameters
    ----------
    baseline
        Whether b is the expected reward (in simulations a running mean of it) or 0. The mean update does not depend on
        it; fluctuations do, and a perceptron that is mostly right fluctuates more with it: without input noise, the
        variance of its updates is 1 + 3 b^2 times as large.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Reinforce(baseline=False)
    Reinforce(baseline=False)
    """

    name: ClassVar[str] = "reinforce"
    label: ClassVar[str] = "RL"

    baseline: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.baseline, bool):
            raise InputError(
                f"Argument `baseline` must be True or False, but it is {shown(self.baseline)}. Leave it out for True."
            )

    def key(self) -> tuple[Any, ...]:
        """With a baseline there are further terms."""
        return self.name, self.baseline

    def mean_response(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """A = 2 y <phi phibar>."""
        return 2.0 * y * sigmoid(activation).product(m, v, xp)

    def response(self, h: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """2 y phi phibar, without the quadrature of a logistic average."""
        phi = sigmoid(activation).phi
        return 2.0 * y * phi(h, xp) * phi(-h, xp)

    def square_response(
        self, m: Any, v: Any, y: Any, reward: Any, activation: str, numbers: dict[str, Any], xp: Any
    ) -> Any:
        """D; b is the reward given."""
        product = sigmoid(activation).product(m, v, xp)
        if not self.baseline:
            return product
        return (1.0 + reward * reward) * product + 2.0 * reward * sigmoid(activation).skew(y * m, v, xp)

    def expected_reward(self, seen: Projections, activation: str, xp: Any) -> Any:
        """b = sum_y p_y <2 phi(y h) - 1> with a baseline, else 0."""
        if not self.baseline:
            return 0.0
        right = sigmoid(activation).mean(seen.y * seen.m, seen.v, xp)
        return (seen.prior * (2.0 * right - 1.0)).sum()

    def loss(self, h: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """1 - 2 phi(y h): minus the expected reward."""
        return 2.0 * sigmoid(activation).phi(-y * h, NUMPY) - 1.0

    def mean_loss(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """Its average."""
        return 2.0 * sigmoid(activation).mean(-y * m, v, NUMPY) - 1.0
