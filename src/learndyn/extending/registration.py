"""Make a scenario of one's own known by its word, to results that are loaded, scenario files and the command line."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar

from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.scenario_keys import SCENARIOS, STARTS_OF, TABLES, Key, Kind
from learndyn.scenario_keys import _word as word
from learndyn.scenarios.base import Scenario
from learndyn.scenarios.plain import KINDS, STARTS

S = TypeVar("S", bound=type)

# What files can hold; whether a value is right, the class says when it is built.
_ANYTHING = Kind("a number, text, a list or a table", lambda value: True, "1.0")


def register_scenario(scenario: S, start: type) -> S:
    """Make a scenario and its start known by their ``kind``: `ld.load`, scenario files and `learndyn run` find them.

    The keys of the tables [scenario] and [start] of a file are the fields of the two classes; a field without a default
    is required. What a value must be, the class says when it is built.

    Parameters
    ----------
    scenario
        A frozen dataclass that has all that `learndyn.scenarios.base.Scenario` asks for; its class variable ``kind`` is
        a word of its own.
    start
        The frozen dataclass of its starts, with a ``kind`` of its own and a field ``at``, the time.

    Returns
    -------
    type
        The scenario's class. A second call with a class of the same module and name takes the place of the first, so
        that a cell of a notebook may run twice.

    Raises
    ------
    InputError
        When a class is no frozen dataclass, lacks something, or its word belongs to another class.

    Notes
    -----
    A package registers when it is imported, and tells the command line that it is there by an entry point of the group
    ``learndyn.extensions``, which names its module (`learndyn.entry_points`).

    Examples
    --------
    >>> from learndyn.extending import register_scenario
    >>> register_scenario(dict, dict)
    Traceback (most recent call last):
    learndyn.errors.InputError: Argument `scenario` must be a frozen dataclass, but it is <class 'dict'>. Write \
@dataclass(frozen=True) above it.
    """
    for name, cls, known in (("scenario", scenario, KINDS), ("start", start, STARTS)):
        _check_data(name, cls)
        _check_word(name, cls, known)
    missing = [member for member in _members() if not hasattr(scenario, member)]
    if missing:
        raise InputError(
            f"Argument `scenario` must have all that learndyn.scenarios.base.Scenario asks for, but "
            f"{scenario.__name__} lacks {', '.join(missing)}. Add them."
        )
    kind, start_kind = _kind(scenario), _kind(start)
    KINDS[kind], STARTS[start_kind] = scenario, start
    TABLES["scenario"]["kind"] = Key(word(sorted(KINDS)))
    SCENARIOS[kind] = {"kind": Key(word([kind])), **_keys(scenario)}
    STARTS_OF[kind] = {"kind": Key(word([start_kind])), **_keys(start)}
    return scenario


def _kind(cls: Any) -> str:
    return cls.kind


def _members() -> list[str]:
    """What the protocol asks for."""
    return sorted({*Scenario.__annotations__, *(name for name in vars(Scenario) if not name.startswith("_"))})


def _check_data(name: str, cls: Any) -> None:
    if not (isinstance(cls, type) and is_dataclass(cls) and cls.__dataclass_params__.frozen):  # pyright: ignore
        raise InputError(
            f"Argument `{name}` must be a frozen dataclass, but it is {shown(cls)}. Write @dataclass(frozen=True) "
            "above it."
        )


def _check_word(name: str, cls: type, known: dict[str, Any]) -> None:
    kind = getattr(cls, "kind", None)
    if not isinstance(kind, str) or not kind.isidentifier():
        raise InputError(
            f"Argument `{name}` must have a word as its class variable `kind`, but {cls.__name__}.kind is "
            f"{shown(kind)}. Write kind: ClassVar[str] = 'my_word'."
        )
    there = known.get(kind)
    if there is not None and (there.__module__, there.__qualname__) != (cls.__module__, cls.__qualname__):
        raise InputError(
            f"Argument `{name}` must have a `kind` that is not taken, but {kind!r} is that of {there.__name__}. Choose "
            "another word."
        )


def _keys(cls: Any) -> dict[str, Key]:
    return {
        entry.name: Key(_ANYTHING, required=entry.default is MISSING and entry.default_factory is MISSING)
        for entry in fields(cls)
    }
