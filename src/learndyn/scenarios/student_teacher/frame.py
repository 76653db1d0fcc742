"""What scenarios have alike that differ in numbers alone: made once, however many of them a sweep has."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from learndyn.activations import activation
from learndyn.scenarios.base import Flow, Quantity
from learndyn.scenarios.student_teacher import observables
from learndyn.scenarios.student_teacher.flow import layout_of, make_flow
from learndyn.scenarios.student_teacher.layout import Layout
from learndyn.scenarios.student_teacher.plain_rows import PlainRows
from learndyn.scenarios.student_teacher.structure import Structure


class Frame:
    """The structure of a scenario, the overlaps of its teacher, and what follows from both.

    A start that is complete for a scenario is so for all that share its frame.
    """

    def __init__(self, structure: Structure, T: np.ndarray) -> None:
        self.structure = structure
        self.T = T.copy()
        self.T.flags.writeable = False

    @cached_property
    def layout(self) -> Layout:
        """The blocks of the flat state."""
        return layout_of(self.structure)

    @cached_property
    def flow(self) -> Flow:
        """The order-parameter equations (imports jax)."""
        return make_flow(self.structure)

    @cached_property
    def trace(self) -> float:
        """The squared lengths of the teacher, together."""
        return float(np.trace(self.T))

    @cached_property
    def plain_rows(self) -> PlainRows:
        """Quantities of states, where there are no options."""
        return PlainRows(self.structure.K, self.T, activation(self.structure.activations[0]))

    @cached_property
    def bare(self) -> bool:
        """Whether R and Q are all that a start has, free but for being the overlaps of vectors."""
        s = self.structure
        names = [block.name for block in self.layout.blocks]
        return names == ["R", "Q"] and not (s.tree or s.spectrum) and isinstance(s.motion, str | None)

    @cached_property
    def quantities(self) -> dict[str, Quantity]:
        """Order parameters and observables with their dims."""
        names = {block.name for block in self.layout.blocks}
        names |= {"R_space", "Q_space"} if self.structure.spectrum else set()
        names |= {"R_reference"} if not isinstance(self.structure.motion, str | None) else set()
        further = {name: quantity for name, quantity in observables.FURTHER.items() if name in names}
        return {**observables.QUANTITIES, **further} if further else observables.QUANTITIES
