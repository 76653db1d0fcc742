"""Rules of learning: how an example changes the student, beside gradient descent (`rule="gradient"`).

    J_i <- J_i + (eta / N) F_i xi

with a modulation F of what the learner sees: its pre-activations x, its output sigma, the label tau.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from learndyn.arguments import number, shown
from learndyn.errors import InputError

# Rules that are known by their name.
NAMED = ("gradient", "hebb", "perceptron", "adatron", "natural_gradient")


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with inertia: velocities V_i join the state.

        V_i <- (1 - damping / N) V_i + (eta / N) delta_i xi,   J_i <- J_i + V_i / N

    with friction of order 1 / N, so that inertia lasts a time of order 1 / damping. For large damping this is gradient
    descent with the rate eta / damping.

    Parameters
    ----------
    damping
        gamma, above 0.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Momentum(damping=2.0)
    Momentum(damping=2.0)
    """

    kind: ClassVar[str] = "momentum"
    damping: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "damping", number(self.damping, "damping", above=0.0))


_rules: dict[str, Rule] = {}


@dataclass(frozen=True)
class Rule:
    """A rule of one's own: F_i = modulation(x_i, sigma, tau, xp).

    Parameters
    ----------
    name
        Under which scenarios, files and results know it.
    modulation
        A function of a unit's pre-activation x, the student's output sigma and the label tau, elementwise, with the
        functions of ``xp`` (as for an activation); it runs in theory and in compiled simulations.
    kinked
        Whether it jumps or has kinks where x, sigma or tau changes sign; the quadrature is then split there.

    Examples
    --------
    >>> import learndyn as ld
    >>> clipped = ld.Rule("clipped", lambda x, sigma, tau, xp: xp.tanh(tau - sigma))
    >>> clipped.name
    'clipped'
    """

    name: str
    modulation: Callable[..., Any]
    kinked: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier() or self.name in (*NAMED, Momentum.kind):
            raise InputError(
                f"Argument `name` of a rule must be a word that no rule of learndyn has, but it is {shown(self.name)}. "
                "Choose another name."
            )
        if not callable(self.modulation):
            raise InputError(
                "Argument `modulation` must be a function modulation(x, sigma, tau, xp), but it is "
                f"{shown(self.modulation)}. "
                "Write modulation=lambda x, sigma, tau, xp: tau - sigma, say."
            )
        _rules[self.name] = self


def rule_of(value: Any) -> Any:
    """A rule's name, a `Momentum`, or a `Rule`; refused in a sentence otherwise."""
    if isinstance(value, Momentum | Rule):
        return value
    if isinstance(value, str) and value in NAMED:
        return value
    if isinstance(value, str) and value in _rules:
        return _rules[value]
    raise InputError(
        f"Argument `rule` must be {', '.join(map(repr, NAMED))}, an ld.Momentum or an ld.Rule, but it is "
        f"{shown(value)}. Choose one of these."
    )
