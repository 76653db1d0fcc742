"""The values that the user has chosen on one page, what they stand for, and how a file becomes such values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from learndyn.arguments import number
from learndyn.errors import InputError
from learndyn.explore.controls import Values, filled
from learndyn.explore.families import FAMILIES, Family, family_of
from learndyn.explore.families.base import Kept
from learndyn.options import logspaced

# Rows of a curve: enough for a smooth line, and for the ends of plateaus.
ROWS = 401
RESULTS = (".nc", ".h5")


@dataclass(frozen=True)
class Setup:
    """One state of the controls. `scenario` and `start` are made when asked for, and may be refused then."""

    family: Family
    values: Values
    kept: dict[str, Kept] = field(default_factory=dict)
    title: str | None = None
    log_time: bool = False

    @classmethod
    def default(cls, kind: str = next(iter(FAMILIES))) -> Setup:
        """With what the page of a kind of scenario begins."""
        return cls(FAMILIES[kind], FAMILIES[kind].defaults())

    @classmethod
    def of(cls, scenario: Any, start: Any = None, until: float | None = None, title: str | None = None) -> Setup:
        """The setup that gives this scenario and this start, to the last digit."""
        family = family_of(scenario)
        values, kept = family.values_of(scenario, None if start is None else scenario.as_start(start))
        if until is not None:
            values["until"] = float(until)
        return cls(family, values, kept, title)

    def changed(self, **values: Any) -> Setup:
        """With other values of some controls."""
        for name, value in values.items():
            filled(self.family.controls[name], value)
        merged = {**self.values, **values}
        for name in values:
            merged = self.family.changed(name, merged)
        return replace(self, values=merged)

    def __hash__(self) -> int:
        return id(self)

    @cached_property
    def scenario(self) -> Any:
        """The scenario, or InputError."""
        return self.family.scenario(self.values, self.kept.get("scenario", {}))

    @cached_property
    def start(self) -> Any:
        """The start, or InputError."""
        return self.family.start(self.scenario, self.values, self.kept.get("start", {}))

    @property
    def options(self) -> dict[str, Any]:
        """The options of `ld.solve`."""
        until = number(self.values["until"], "until", above=self.start.at)
        return {"until": until, "save_at": logspaced(ROWS) if self.log_time else ROWS}

    @property
    def program(self) -> Any:
        """What setups share whose equations are compiled once."""
        return self.family.kind, getattr(self.scenario, "structure", type(self.scenario)), self.start_form

    @property
    def start_form(self) -> Any:
        """What the shape of the state depends on beside the scenario."""
        return getattr(self.start, "n", None), getattr(getattr(self.start, "cov", None), "form", None)

    def shows(self, name: str) -> bool:
        """Whether a control matters: with the values of the others, and beside what is kept."""
        replaced = {each for path, _, _ in self._kept_fields() for each in self.family.replaced.get(path, ())}
        return name not in replaced and self.family.controls[name].visible(self.values)

    def kept_words(self) -> list[str]:
        """What the file says and no control shows, in words."""
        return [f"{where}: {path} = {_short(value)}" for path, where, value in self._kept_fields()]

    def _kept_fields(self) -> list[tuple[str, str, Any]]:
        """(path, "scenario" or "start", value) of all that is kept: "learning_rate", "student.activation"."""
        found = []
        for where, fields in self.kept.items():
            for name, value in fields.items():
                inner = value if isinstance(value, dict) else {"": value}
                found += [(".".join(filter(None, (name, part))), where, each) for part, each in inner.items()]
        return found


def read_setup(path: Path) -> Setup:
    """The setup of a scenario file, or of a saved result.

    Raises
    ------
    InputError
        When the file has mistakes, or the explorer has no controls for its kind of scenario.
    """
    from learndyn.scenario_file import read_scenario_file

    try:
        if path.suffix in RESULTS:
            return _of_result(path)
        case = read_scenario_file(path)
        until = None if case.solve is None else case.solve["until"]
        setup = Setup.of(case.scenario, case.start, until, case.title)
        # Refused here and not in the browser.
        _ = setup.start
        return setup
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def _of_result(path: Path) -> Setup:
    import json

    from learndyn.results import load, scenario_of, start_of, time_of

    result = load(path)
    until = json.loads(result.attrs["options"]).get("until", float(result[time_of(result)][-1]))
    return Setup.of(scenario_of(result), start_of(result), until)


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
