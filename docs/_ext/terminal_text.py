"""Docstrings as they are read in a terminal, made into reStructuredText that shows the same."""

from __future__ import annotations

import re

# Sections of a numpydoc docstring in which text is indented below the name that it describes.
LISTS = {"Parameters", "Returns", "Raises", "Attributes", "Warns", "Yields", "Other Parameters", "Keyword Arguments"}
UNDERLINE = re.compile(r"^-{3,}$")
# What is in backticks, which stays; the first bar of |x|; the underscore of mu_+, which would be a reference.
MARKS = re.compile(r"(``.*?``|`[^`]*`)|(?<![\\\w])\|(?=\S)|(?<=\w)_(?=\W|$)")


def escaped(line: str) -> str:
    """A line of prose in which bars and underscores are what they are."""
    return MARKS.sub(lambda match: match[1] or f"\\{match[0]}", line)


def literal_blocks(lines: list[str]) -> list[str]:
    """The lines of a docstring, with its indented blocks marked as literal and bars and underscores escaped."""
    found: list[str] = []
    section, literal, example = "", False, False
    for number, line in enumerate(lines):
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if line and not line.startswith(" ") and UNDERLINE.match(after):
            section = line.strip()
        indented, new = line.startswith("    "), not (found and found[-1])
        if new:
            example = line.lstrip().startswith(">>>")
        if literal and line and not indented:
            literal = False
        if not literal and not example and indented and new and section not in LISTS:
            literal = True
            found += [".. code-block:: text", ""]
        found.append(line if literal or example else escaped(line))
    return found
