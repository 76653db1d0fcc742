"""Pages of names that are no more are removed: autosummary writes a page for each name, and never takes one away."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def remove(app: Any) -> None:
    """Remove the pages in api/generated whose name stands in no table of docs/api."""
    folder = Path(app.srcdir) / "api"
    named = {line.strip() for page in folder.glob("*.rst") for line in page.read_text(encoding="utf-8").splitlines()}
    modules = {line.split("::")[1].strip() for line in named if line.startswith((".. currentmodule::", ".. module::"))}
    for page in (folder / "generated").glob("*.rst"):
        module, _, name = page.stem.rpartition(".")
        if name not in named or module not in modules:
            page.unlink()


def setup(app: Any) -> dict[str, Any]:
    """Look before autosummary does, whose priority is 500."""
    app.connect("builder-inited", remove, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
