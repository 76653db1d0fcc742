"""What a family of scenarios tells the explorer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from learndyn.explore.controls import Control, Group, Values

Kept = dict[str, Any]


class Family(ABC):
    """A kind of scenario on the page.

    For developers: name it, list its `groups` of controls, and make a scenario and a start of their values and back.
    What a file says and no control shows is *kept*: a dict by field, under "scenario" and "start".
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    until: ClassVar[float]
    # Variables of a result below its main curve, a panel each, with the words of the panel.
    panels: ClassVar[tuple[tuple[str, str], ...]]
    main: ClassVar[str]
    # Controls that have no say where a field is kept.
    replaced: ClassVar[dict[str, tuple[str, ...]]] = {}
    groups: tuple[Group, ...]

    @property
    def controls(self) -> dict[str, Control]:
        """All controls by name."""
        return {control.name: control for group in self.groups for control in group.controls}

    def defaults(self) -> Values:
        """The values with which the page begins."""
        return {name: control.default for name, control in self.controls.items()}

    @abstractmethod
    def scenario(self, values: Values, kept: Kept) -> Any:
        """The scenario of the values."""

    @abstractmethod
    def start(self, scenario: Any, values: Values, kept: Kept) -> Any:
        """Where learning begins."""

    @abstractmethod
    def values_of(self, scenario: Any, start: Any) -> tuple[Values, dict[str, Kept]]:
        """The values that give this scenario and this start, and what has to be kept beside them."""

    def changed(self, name: str, values: Values) -> Values:
        """The values after the control `name` was changed, where others have to follow."""
        return values

    def plane(self, scenario: Any, paths: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
        """The part of the plane of a state of two numbers that the flow field shows: an interval by name."""
        return {name: interval(path) for name, path in paths.items()}

    def has_plateaus(self) -> bool:
        """Whether the main curve is eps_g, whose plateaus are looked for."""
        return self.main == "eps_g"

    def has_spectrum(self) -> bool:
        """Whether learning is looked at where it stands still."""
        return True

    def has_critical_rate(self, scenario: Any) -> bool:
        """Whether a critical learning rate is worth the time that it takes."""
        return False


def interval(path: np.ndarray, *more: float) -> tuple[float, float]:
    """Rounded limits with some room around a path and further points."""
    points = np.concatenate([path[np.isfinite(path)], more])
    low, high = float(points.min()), float(points.max())
    room = 0.15 * max(high - low, 0.1)
    grain = 10.0 ** np.floor(np.log10(high - low + 2 * room)) / 2.0
    return float(np.floor((low - room) / grain) * grain), float(np.ceil((high + room) / grain) * grain)


def kept_fields(value: Any, shown: tuple[str, ...]) -> Kept:
    """The fields of a dataclass that no control shows and that are not at their defaults."""
    return {
        entry.name: getattr(value, entry.name)
        for entry in fields(value)
        if entry.name not in shown and getattr(value, entry.name) != entry.default
    }
