"""The mistakes of a scenario file: one line for each, with the table, the key, the value and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from learndyn.arguments import did_you_mean, or_list
from learndyn.errors import InputError
from learndyn.scenario_keys import START_KIND, STARTS, TABLE, TABLES, Key, Kind
from learndyn.scenarios.classification.data import DataClassification
from learndyn.scenarios.plain import KINDS
from learndyn.scenarios.task_sequence.sequence import TaskSequence
from learndyn.scenarios.update_rule.scenario import UpdateRule

# Scenarios of rows, functions or other scenarios have results, but no files.
IN_PYTHON = {cls.kind: cls.__name__ for cls in (DataClassification, TaskSequence, UpdateRule)}


class Mistakes:
    """The mistakes of one file, one line each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str] = []

    def add(self, table: str, sentence: str) -> None:
        """Note one mistake."""
        place = f"[{table}] " if table else ""
        self.lines.append(f"{self.name}: {place}{sentence}")

    @contextmanager
    def of(self, table: str) -> Iterator[None]:
        """Note what a constructor refuses, with the table in front of its sentence."""
        try:
            yield
        except InputError as error:
            self.add(table, re.sub(r"^Argument `(\w+)`", r"\1", str(error)))

    def check(self, plain: Any, table: str, keys: dict[str, Key]) -> bool:
        """Note unknown keys, missing keys and values of the wrong kind; whether the table is free of them."""
        before = len(self.lines)
        guesses = set()
        for key, value in plain.items():
            if key not in keys:
                guesses.add(self._unknown(key, value, table, keys))
            elif not keys[key].kind.accepts(value):
                self._wrong(key, value, table, keys[key].kind)
        for key, entry in keys.items():
            # A key that was only misspelt is one mistake, not two.
            if entry.required and key not in plain and key not in guesses:
                self._missing(key, table, entry.kind)
        return len(self.lines) == before

    def check_kind(self, kind: Any) -> None:
        """Note a kind of scenario that files do not have."""
        name = IN_PYTHON.get(kind) if isinstance(kind, str) else None
        if name is None:
            self._wrong("kind", kind, "scenario", TABLES["scenario"]["kind"].kind)
        else:
            self.add(
                "scenario",
                f'kind must be {or_list(sorted(KINDS))}, but it is "{kind}", which no file holds: write ld.{name} in '
                "Python.",
            )

    def _wrong(self, key: str, value: Any, table: str, kind: Kind) -> None:
        if kind.words:
            hint = did_you_mean(value, list(kind.words))
        else:
            hint = f" Write {key} = {kind.example}." if kind.example else f" Correct {key}."
        self.add(table, f"{key} must be {kind.allowed}, but it is {_shown(value)}.{hint}")

    def _unknown(self, key: str, value: Any, table: str, keys: dict[str, Key]) -> str | None:
        close = get_close_matches(key, list(keys), n=1, cutoff=0.5) or [k for k in keys if k.lower() == key.lower()]
        homes = [home for home, others in TABLES.items() if home and key in others and home != table]
        kinds = [kind for kind, others in STARTS.items() if key in others] if keys.get("kind") == START_KIND else []
        if kinds:
            hint = f" It belongs to kind = {or_list(kinds)}."
        elif homes:
            hint = f" It belongs in [{homes[0]}]."
        else:
            hint = f" Did you mean {close[0]!r}?" if close else " Leave it out, or choose one of these."
        allowed = ", ".join(keys)
        if not table and isinstance(value, dict):
            self.add("", f"[{key}] is an unknown table; allowed are {allowed}.{hint}")
        else:
            self.add(table, f"{key} = {_shown(value)} is an unknown key; allowed are {allowed}.{hint}")
        return None if homes or not close else close[0]

    def _missing(self, key: str, table: str, kind: Kind) -> None:
        if kind is TABLE:
            self.add("", f"the table [{f'{table}.{key}'.lstrip('.')}] is missing: add it.")
        else:
            self.add(table, f"{key} is missing: add {kind.allowed}, such as {key} = {kind.example}")

    def report(self) -> None:
        """Raise them all, if there are any."""
        if self.lines:
            raise InputError("\n".join(self.lines))


def _shown(value: Any) -> str:
    """A value as it stands in the file, shortened."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value) if not _is_huge(value) else "a huge number"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_huge(value: Any) -> bool:
    """Python refuses to print integers of thousands of digits."""
    return isinstance(value, int) and value.bit_length() > 1000
