"""A scenario, a start or a schedule at a glance: what is on, as a small table for notebooks, and in words."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from html import escape
from numbers import Real
from typing import Any

import numpy as np

# The update in one line, by the kind of a scenario.
UPDATES = {
    "student_teacher": "J<sub>i</sub> ← J<sub>i</sub> + (η/N) δ<sub>i</sub> ξ",
    "site_symmetric": "J<sub>i</sub> ← J<sub>i</sub> + (η/N) δ<sub>i</sub> ξ, all sites alike",
    "gaussian_classification": "w ← w + η s(w·x, y) x",
    "data_classification": "w ← w + η s(w·x, y) x, (x, y) a row",
    "linear_modes": "τ dw<sub>l</sub>/dt = p (s − βu) u / w<sub>l</sub> − λ w<sub>l</sub>",
    "deep_linear": "τ dW<sub>l</sub>/dt = −∂(loss)/∂W<sub>l</sub>",
    "finite_sample": "dw/dt = X (y − Xᵀw) / p − γ w",
    "update_rule": "w ← w + η f(w, x)",
}
LONGEST, MOST = 120, 12
# A matrix in brackets.
MATRIX = "border-left:1px solid;border-right:1px solid;border-radius:4px;margin:2px 0;display:inline-table"
CELL = "text-align:left;vertical-align:top"


def card(shown: Any) -> str:
    """The table: its name, the update rule, and every field that is not at its default."""
    head = f"<b>{escape(type(shown).__name__)}</b>"
    update = UPDATES.get(getattr(shown, "kind", ""))
    if update:
        head += f" &nbsp; <i>{update}</i>"
    rows = "".join(
        f"<tr><td style='{CELL}'>{escape(name)}</td><td style='{CELL}'>{_html(value)}</td></tr>"
        for name, value in _on(shown)
    )
    return f"<div>{head}<table>{rows}</table></div>"


def words(shown: Any) -> str:
    """The same in one line: "StudentTeacher: student: units = 2, activation = erf; learning_rate = 0.5"."""
    parts = [
        f"{name}: {_text(value)}" if is_dataclass(value) else f"{name} = {_text(value)}" for name, value in _on(shown)
    ]
    return f"{type(shown).__name__}: {'; '.join(parts)}"


def _on(shown: Any) -> list[tuple[str, Any]]:
    """Fields that say something: those without a default, and those that are not at it."""
    if not is_dataclass(shown):
        return [("", repr(shown))]
    required = [entry.name for entry in fields(shown) if entry.default is MISSING]
    # Beside another with the same required fields: a default may be filled in, as the overlaps of teachers are.
    try:
        plain = type(shown)(**{name: getattr(shown, name) for name in required})
    except (TypeError, ValueError):
        plain = None
    found = []
    for entry in fields(shown):
        value = getattr(shown, entry.name)
        default = entry.default if plain is None else getattr(plain, entry.name)
        if entry.name in required or not _same(value, default):
            found.append((entry.name, value))
    return found


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(np.array_equal(value, default) or value is default)


def _is_matrix(value: Any) -> bool:
    rows = isinstance(value, tuple) and value and all(isinstance(row, tuple) and row for row in value)
    return bool(rows) and all(isinstance(entry, Real) for row in value for entry in row)


def _html(value: Any) -> str:
    """A value as HTML: a matrix in rows."""
    if not _is_matrix(value) or len(_text(value)) > LONGEST:
        return escape(_cut(_text(value)))
    rows = "".join(
        "<tr>" + "".join(f"<td style='text-align:right;padding:0 6px'>{_text(entry)}</td>" for entry in row) + "</tr>"
        for row in value
    )
    return f"<table style='{MATRIX}'>{rows}</table>"


def _text(value: Any) -> str:
    """A value in one line."""
    if is_dataclass(value) and not isinstance(value, type):
        found = ", ".join(f"{name} = {_text(each)}" for name, each in _on(value))
        inner = f"{type(value).__name__}({found})"
        # The two networks are named by their fields.
        return found if type(value).__name__ in ("Student", "Teacher") else inner
    if isinstance(value, bool) or not isinstance(value, Real | tuple | str):
        return " ".join(repr(value).split())
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        rest = f", … {len(value)} in all" if len(value) > MOST else ""
        return f"[{', '.join(map(_text, value[:MOST]))}{rest}]"
    return f"{value:.6g}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
