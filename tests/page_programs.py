"""The programs of a page in docs: its blocks of Python, run in one namespace, with the output that the page shows.

A block ```python is run; where a block ```text follows it with nothing but blank lines between, that is its output, in
which ... stands for anything (and runs of blanks for each other), as in doctest.
"""

import contextlib
import doctest
import io
import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n*^```text\n(.*?)^```\n)?", re.M | re.S)


def programs(page):
    """(line, program, output or None) of each block of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [(text[: found.start()].count("\n") + 2, found[1], found[2]) for found in _BLOCK.finditer(text)]


def differences(page, only=None):
    """Run a page, or its first blocks, and tell where it shows another output than it has."""
    checker, names, wrong = doctest.OutputChecker(), {"__name__": "page"}, []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for line, program, shown in programs(page)[:only]:
        printed = io.StringIO()
        # Lines count from the top of the page, so that a traceback leads there.
        code = compile("\n" * (line - 1) + program, str(DOCS / page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        if shown is not None and not checker.check_output(shown, printed.getvalue(), flags):
            wrong.append(f"{page}:{line} shows\n{shown}but gives\n{printed.getvalue()}")
        elif shown is None and printed.getvalue():
            wrong.append(f"{page}:{line} prints what the page does not show:\n{printed.getvalue()}")
    return wrong
