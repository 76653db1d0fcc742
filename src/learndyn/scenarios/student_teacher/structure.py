"""What decides the shape of the computation: units, activations, rule, and which options are on.

Numbers are not in it (they are traced, and changing them never compiles again), except where they are part of the form.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

from learndyn.activations import activation
from learndyn.activations.averages.selection import STANDARD_REACH, has_closed_pairs, has_closed_square, is_closed


@dataclass(frozen=True)
class Structure:
    """The static part of a scenario; ``None`` and False are options that are off."""

    K: int
    M: int
    activations: tuple[str, ...]  # of all units, students first
    dynamics: str
    rule: str  # "gradient", ..., "momentum", or the name of a user's rule
    weighted: bool  # output weights w are in the state, v among the values
    output_rule: str | None  # how w learns: "N", "fast", or not at all
    biased: bool  # theta is in the state, phi among the values
    learned_biases: bool
    noisy: bool
    decays: bool
    output_decays: bool
    dropout: bool
    batched: bool
    tree: bool
    spectrum: int  # number of distinct eigenvalues of the inputs; 0: standard inputs
    shifted: bool  # inputs have a mean
    motion: Any  # RandomWalk without its rate ("random_walk"), Rotation, Switch, LessonsForm
    schedules: tuple[Any, ...]  # keys of the schedules of J, w, theta; None where a rate is constant
    adaptive: tuple[Any, ...] | None = None  # key of the rule that the rate of J follows; eta is in the state
    samples: int | None = None
    reach: float = STANDARD_REACH  # standard deviations up to which quadratures hold

    @property
    def n(self) -> int:
        """All units."""
        return self.K + self.M

    @property
    def has_means(self) -> bool:
        """Whether pre-activations have a mean, be it a bias or the input's."""
        return self.biased or self.shifted

    @cached_property
    def plain(self) -> bool:
        """A soft committee machine with one activation that knows its sums, and no option."""
        off = (
            self.weighted, self.output_rule, self.biased, self.noisy, self.decays, self.dropout, self.batched,
            self.tree, self.spectrum, self.shifted, self.motion, *self.schedules, self.adaptive,
        )  # fmt: skip
        single = len(set(self.activations)) == 1
        return self.rule == "gradient" and not any(off) and single and knows_sums(self.activations[0])

    @cached_property
    def pairs_by_quadrature(self) -> bool:
        """Whether averages of two units are quadratures."""
        sums = knows_sums(self.activations[0]) and len(set(self.activations)) == 1 and not self.has_means
        return not sums and not has_closed_pairs(self.activations, self.K, self.has_means)

    @cached_property
    def fours_by_quadrature(self) -> bool:
        """Whether averages of four units are quadratures."""
        exact = has_closed_square(self.activations, self.K, self.has_means) and not self.dropout
        exact = exact or is_closed(self.activations, self.K, self.has_means)
        learns = self.rule in ("gradient", "momentum", "natural_gradient")
        return self.dynamics == "sgd" and self.samples is None and learns and not exact

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Stands for everything that a compiled program depends on."""
        digests = tuple(activation(name).digest for name in dict.fromkeys(self.activations))
        return ("student_teacher", *astuple(self), digests)


def knows_sums(name: str) -> bool:
    """Whether an activation has its sums over all units in closed form."""
    return {"I2", "gradient_sum", "square_sum"} <= set(activation(name).functions)
