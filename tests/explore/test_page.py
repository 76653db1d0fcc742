"""What goes wrong in an event of the page is said on the page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import learndyn as ld


def test_no_event_ends_in_the_terminal_alone() -> None:
    pytest.importorskip("bokeh")
    from learndyn.explore.page import Page

    said: list[tuple[str, str]] = []
    page: Any = SimpleNamespace(_say=lambda kind, sentence: said.append((kind, sentence)))

    def act(error: Exception) -> None:
        raise error

    safe = Page._safe(page, act)
    safe(IndexError("out of bounds"))
    safe(ld.InputError("Argument `K` is bad."))
    assert said == [("warn", "This failed: IndexError: out of bounds"), ("warn", "Argument `K` is bad.")]
