"""What differs between two descriptions of runs, in words: why a checkpoint or a store belongs to another run."""

from __future__ import annotations

import json
from typing import Any

LONGEST = 40  # characters of a value in a message
MOST_TOLD = 4  # differences in a message


def differences(theirs: dict[str, Any], mine: dict[str, Any]) -> str:
    """'`N` (100 there, 200 here), `seed` (...)', or nothing; values that JSON can hold.

    Examples
    --------
    >>> from learndyn.engines.differences import differences
    >>> differences({"student": {"units": 2}, "seed": 1}, {"student": {"units": 3}, "seed": 1})
    '`student.units` (2 there, 3 here)'
    """
    absent = "absent"
    theirs, mine = _flat(theirs), _flat(mine)
    names = [name for name in sorted(theirs | mine) if theirs.get(name, absent) != mine.get(name, absent)]
    told = [
        f"`{name}` ({_short(theirs.get(name, absent))} there, {_short(mine.get(name, absent))} here)"
        for name in names[:MOST_TOLD]
    ]
    more = len(names) - MOST_TOLD
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def _flat(entries: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"student": {"units": 2}} as {"student.units": 2}, so that a message names the entry itself."""
    flat = {}
    for name, value in entries.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
