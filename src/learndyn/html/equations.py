"""The equations of a page's scenario, as a picture within the page and as LaTeX below it."""

from __future__ import annotations

import re
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from learndyn.errors import InputError
from learndyn.origin import is_sweep
from learndyn.results import scenario_of

SWEPT = "Numbers are those of the scenario; what is swept takes the values of the sliders."


def equations_of(result: Any) -> str:
    """HTML with the equations of a result's scenario; nothing where they cannot be written."""
    from learndyn.verbs.equations import equations

    try:
        written = equations(scenario_of(result))
        picture = _picture(written)
    except InputError:  # a scenario without equations, or of functions that no result holds
        return ""
    note = f'<p class="note">{SWEPT}</p>' if is_sweep(result) else ""
    return (
        f'<details class="equations"><summary>Equations</summary>{note}{picture}'
        f"<pre>{escape(written.latex)}</pre></details>"
    )


def _picture(written: Any) -> str:
    """The picture as an element of HTML: no head of a file, and no record of who drew it."""
    with tempfile.TemporaryDirectory() as folder:
        text = written.save(Path(folder) / "equations.svg").read_text(encoding="utf-8")
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Names of namespaces are no addresses to ask, and HTML needs none of them.
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    return text.replace("<svg", '<svg role="img" aria-label="the equations; their LaTeX stands below"', 1)
