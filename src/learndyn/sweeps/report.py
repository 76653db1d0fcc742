"""A sweep in a few lines of text: what it goes over, how its scenarios ended, and the first that did not end well."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from learndyn.results import words_of

# Values, failures and characters of a message that are told.
VALUES, FAILURES, LONGEST = 6, 5, 300
BAD = ("refused", "failed")
# Members of which the status is held at a time.
AT_A_TIME = 1_000_000
# Steps that differ by less are told as equal.
EVEN = 1e-9


def report(sweep: Any) -> str:
    """All of it; of a dataset that `sweep` gave, or that is in a store."""
    counts, failures = _endings(sweep)
    width = max(map(len, counts), default=0)
    lines = [*axes(sweep), "", *(f"{word:>{width}}  {number}" for word, number in counts.items())]
    if failures:
        lines += ["", "Did not end well:" if len(failures) <= FAILURES else "The first that did not end well:"]
        lines += [f"    {_told(sweep, place, word)}" for place, word in failures[:FAILURES]]
    return "\n".join([*lines, "", f"sweep: {sweep.attrs['status']}. {sweep.attrs['message']}"])


def bad(sweep: Any) -> bool:
    """Whether some members were refused or failed: something else than an outcome of learning."""
    counts, _ = _endings(sweep)
    return any(word in counts for word in BAD)


def parameters(sweep: Any) -> dict[str, str]:
    """The dim along which each parameter goes."""
    return json.loads(sweep.attrs["options"])["over"]


def axes(sweep: Any) -> list[str]:
    """A line for each parameter: its values, and the dim that it shares with others."""
    over = parameters(sweep)
    shared = {dim for dim in over.values() if list(over.values()).count(dim) > 1}
    width = max(map(len, over))
    lines = []
    for name, dim in over.items():
        values = sweep[name].values
        along = f", along {dim}" if dim in shared or dim != name else ""
        word = "value" if len(values) == 1 else "values"
        lines.append(f"{name:<{width}}  {len(values):>6} {word}: {_values(values)}{along}")
    return lines


def _values(values: np.ndarray) -> str:
    if len(values) <= VALUES:
        return ", ".join(map(_text, values.tolist()))
    if values.dtype.kind not in "iuf":
        return f"{_text(values[0])}, {_text(values[1])}, ..., {_text(values[-1])}"
    return f"{_text(values[0].item())} to {_text(values[-1].item())}{_spacing(values.astype(float))}"


def _spacing(values: np.ndarray) -> str:
    if _is_even(values):
        return ", evenly spaced"
    return ", evenly spaced in the logarithm" if (values > 0).all() and _is_even(np.log(values)) else ""


def _is_even(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return bool(np.ptp(steps) <= EVEN * np.abs(values).max())


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _endings(sweep: Any) -> tuple[dict[str, int], list[tuple[tuple[int, ...], str]]]:
    """How many members ended in each way; places and words of the first that did not end well, one more than is told.

    What is missing did not end at all.
    """
    status = sweep["status"]
    words = words_of(status.attrs)
    found = dict.fromkeys(words, 0)
    failures: list[tuple[tuple[int, ...], str]] = []
    first = status.dims[0]
    rows = max(1, AT_A_TIME * status.shape[0] // max(status.size, 1))
    for begin in range(0, status.shape[0], rows):
        part = status.isel({first: slice(begin, begin + rows)}).values
        for code, number in zip(*np.unique(part, return_counts=True), strict=True):
            found[int(code)] += int(number)
        if len(failures) <= FAILURES:
            places = np.argwhere(part > 0)[: FAILURES + 1 - len(failures)]
            failures += [((begin + row, *rest), words[int(part[row, *rest])]) for row, *rest in places.tolist()]
    return {words[code].replace("_", " "): number for code, number in found.items() if number}, failures


def _told(sweep: Any, place: tuple[int, ...], word: str) -> str:
    """'learning_rate = 3, seed = 1: diverged. Q grows without bound ...'"""
    at = dict(zip(sweep["status"].dims, place, strict=True))
    names = [f"{name} = {_text(sweep[name].values[at[dim]].item())}" for name, dim in parameters(sweep).items()]
    message = str(sweep["message"].isel(at).values)
    short = message if len(message) <= LONGEST else f"{message[:LONGEST]}..."
    return f"{', '.join(names)}: {word.replace('_', ' ')}. {short}"
