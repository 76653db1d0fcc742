"""The attributes of what this package returns: those of every result, so that it can be saved and says its scenario."""

from __future__ import annotations

import json
from typing import Any

from learndyn.results import SCHEMA, versions
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain


def record(
    scenario: Any, start: Any, *, quantity: str, status: str, message: str, options: dict[str, Any]
) -> dict[str, Any]:
    """Attributes, all of them numbers or strings."""
    return {
        "schema": SCHEMA,
        "engine": "theory",
        "status": status,
        "message": message,
        "scenario": json.dumps(scenario_to_plain(scenario)),
        "start": json.dumps(start_to_plain(start)),
        "options": json.dumps({"quantity": quantity, **options}),
        "versions": json.dumps(versions()),
        "timings": "{}",
    }
