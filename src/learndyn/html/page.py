"""A page as text: its data, its style and its script in one HTML document that asks for nothing from outside.

A policy in its head forbids every request, so that also what a user's text might hold can ask for none.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any

SCRIPTS = ("axis.js", "chart.js", "page.js")


def page(data: dict[str, Any], *, large: bool = False, equations: str = "") -> str:
    """The document; ``equations`` is HTML that stands below the curves."""
    source, scenario, versions = data["source"], data["scenario"], data["versions"]
    shown = {key: value for key, value in data.items() if key not in ("source", "scenario", "versions")}
    footer = ", ".join(f"{name} {number}" for name, number in versions.items())
    parts = {
        "root": ' class="large"' if large else "",
        "version": escape(versions.get("learndyn", "")),
        "title": escape(data["title"]),
        "style": _part("page.css"),
        "equations": equations,
        "source": escape(source),
        "scenario": escape(scenario),
        "footer": escape(f"Computed by {footer}."),
        "data": _json(shown),
        "script": "\n".join(map(_part, SCRIPTS)),
    }
    text = _part("page.html")
    # One pass from left to right: what a part holds is not looked through again.
    pieces = text.split("{{")
    return pieces[0] + "".join(_filled(piece, parts) for piece in pieces[1:])


def _filled(piece: str, parts: dict[str, str]) -> str:
    name, _, rest = piece.partition("}}")
    return parts[name] + rest


def _json(data: Any) -> str:
    """JSON within a script element, which `</script>` and `<!--` would end."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _part(name: str) -> str:
    return (files("learndyn.html") / name).read_text(encoding="utf-8").rstrip()
