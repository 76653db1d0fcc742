"""From a place on the axes to what is run there: `Work`, all that the members of a sweep have alike, and `Member`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from learndyn.scenarios.start_recipe import StartRecipe
from learndyn.scenarios.targets import Target, target_of
from learndyn.sweeps.axes import Axes


@dataclass
class Member:
    """One scenario of a sweep: its place, and what is run."""

    place: tuple[int, ...]
    scenario: Any
    start: Any
    options: dict[str, Any]


@dataclass(frozen=True)
class Work:
    """What is to be computed at each place of the axes, and by which engine (`learndyn.sweeps.engines`).

    ``start`` is a start or a `StartRecipe`, ``times`` where a member is recorded, ``variables`` the names that are
    kept, ``swept_options`` the names of the options that can be swept.
    """

    scenario: Any
    start: Any
    axes: Axes
    engine: str
    until: float
    times: np.ndarray
    options: dict[str, Any]
    swept_options: tuple[str, ...]
    variables: tuple[str, ...] = field(default=())

    @cached_property
    def targets(self) -> dict[str, Target]:
        """What each parameter changes."""
        options = list(self.swept_options)
        return {name: target_of(name, self.scenario, self.start, options) for name in self.axes.names}

    def member(self, place: tuple[int, ...]) -> Member:
        """The member at a place; an InputError where its numbers are not possible together."""
        return Builder(self).member(place)

    def places(self, block: tuple[slice, ...]) -> Iterator[tuple[int, ...]]:
        """All places of a block, the last dim fastest."""
        return product(*(range(part.start, part.stop) for part in block))


class Builder:
    """Makes the members of a block: a scenario is changed once for all members that have the same numbers of it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._scenarios: dict[tuple[Any, ...], Any] = {}
        self._starts: dict[tuple[Any, ...], Any] = {}
        targets = work.targets.items()
        self._of = {
            owner: [(name, target) for name, target in targets if target.owner == owner]
            for owner in ("scenario", "start", "option")
        }

    def member(self, place: tuple[int, ...]) -> Member:
        """See `Work.member`."""
        values = self._work.axes.at(place)
        key = tuple(values[name] for name, _ in self._of["scenario"])
        if key not in self._scenarios:
            self._scenarios.clear()  # neighbours have the same one, others hardly ever
            self._scenarios[key] = self._changed("scenario", self._work.scenario, values)
        scenario = self._scenarios[key]
        own = {name: values[name] for name, _ in self._of["option"]}
        return Member(place, scenario, self._start(scenario, values), {**self._work.options, **own})

    def _changed(self, owner: str, subject: Any, values: dict[str, Any]) -> Any:
        targets = self._of[owner]
        plain = {target.paths[0][0]: values[name] for name, target in targets if _is_plain(target)}
        if plain:
            subject = subject.replace(**plain) if hasattr(subject, "replace") else replace(subject, **plain)
        for name, target in targets:
            if not _is_plain(target):
                subject = target.changed(subject, values[name])
        return subject

    def _start(self, scenario: Any, values: dict[str, Any]) -> Any:
        start = self._work.start
        if isinstance(start, StartRecipe):
            plain = {target.paths[0][0]: values[name] for name, target in self._of["start"] if _is_plain(target)}
            others = [(name, target) for name, target in self._of["start"] if not _is_plain(target)]
            for name, target in others:
                start = target.changed(start, values[name])
            return scenario.as_start(start.made(scenario, plain))
        return scenario.as_start(self._changed("start", start, values))


def _is_plain(target: Target) -> bool:
    """Whether it is a field itself: several of them are changed in one go."""
    return len(target.paths) == 1 and len(target.paths[0]) == 1 and not target.entry
