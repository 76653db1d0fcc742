"""What a notebook shows of a scenario, a start or a schedule: a small table of what is on, in HTML."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from html import escape
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
LONGEST = 120


def card(shown: Any) -> str:
    """The table: its name, the update rule, and every field that is not at its default."""
    head = f"<b>{escape(type(shown).__name__)}</b>"
    update = UPDATES.get(getattr(shown, "kind", ""))
    if update:
        head += f" &nbsp; <i>{update}</i>"
    cell = "<td style='text-align:left'>"
    rows = "".join(
        f"<tr>{cell}{escape(name)}</td>{cell}{escape(_value(value))}</td></tr>" for name, value in _on(shown)
    )
    return f"<div>{head}<table>{rows}</table></div>"


def _on(shown: Any) -> list[tuple[str, Any]]:
    """Fields that say something: those without a default, and those that are not at it."""
    if not is_dataclass(shown):
        return [("", repr(shown))]
    found = []
    for entry in fields(shown):
        value = getattr(shown, entry.name)
        if entry.default is MISSING or not _same(value, entry.default):
            found.append((entry.name, value))
    return found


def _same(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(np.all(value == default))


def _value(value: Any) -> str:
    """A value in one short line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
