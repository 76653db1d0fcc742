"""What decides the shape of the computation; the number of units enters as a number, from four of them on."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

from learndyn.activations import activation
from learndyn.activations.averages.selection import STANDARD_REACH, has_closed_pairs, has_closed_square

# An average of four units meets at most so many sites.
MOST_SITES = 4


@dataclass(frozen=True)
class Structure:
    """The static part of a scenario."""

    sites: int  # min(K, MOST_SITES): sites of which averages are taken
    activation: str
    dynamics: str
    noisy: bool
    decays: bool
    schedule: Any  # key of the schedule; None where the rate is constant
    reach: float = STANDARD_REACH  # standard deviations up to which quadratures hold

    @property
    def near(self) -> int:
        """Sites that an order parameter is about: two, or one where there is no other."""
        return min(self.sites, 2)

    @property
    def names(self) -> tuple[str, ...]:
        """The order parameters, in the order of the flat state."""
        return ("R", "S", "Q", "C") if self.near == 2 else ("R", "Q")

    def units(self, sites: int) -> tuple[str, ...]:
        """The activations of (x_1, ..., x_m, y_1, ..., y_m)."""
        return (self.activation,) * (2 * sites)

    @property
    def pairs_by_quadrature(self) -> bool:
        """Whether averages of two units are quadratures."""
        return not has_closed_pairs(self.units(1), 1, False)

    @property
    def fours_by_quadrature(self) -> bool:
        """Whether averages of four units are quadratures."""
        return self.dynamics == "sgd" and not has_closed_square(self.units(self.sites), self.near, False)

    @property
    def key(self) -> tuple[Any, ...]:
        """Stands for everything that a compiled program depends on."""
        return ("site_symmetric", *astuple(self), activation(self.activation).digest)
