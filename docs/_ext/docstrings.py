"""What pages make of docstrings and code spans: equations as they stand, links to names, members for users.

Docstrings are written to be read in a terminal. Three things help them onto a page:

- an indented block of a summary is an equation or a table, and stays as it is, letter by letter;
- |x| is an absolute value and no substitution;
- of a class, those members are shown that a user calls, not what engines ask of it.

And in every page a code span such as `ld.solve` is a link to what it names.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.transforms import SphinxTransform
from terminal_text import literal_blocks

import learndyn as ld

# A public name, with arguments or without: ld.solve, ld.plot.family(...). What begins with learndyn. is a module.
NAME = re.compile(r"^ld\.([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)(?:\(.*\))?$")
# What is a link in short, too: classes, and the two verbs that every page speaks of.
SHORT = re.compile(r"^([A-Z]\w*|solve|simulate)(?:\(.*\))?$")
# Members that users call and whose docstrings have no section of their own, by class.
MEMBERS: dict[str, set[str]] = {
    "StudentTeacher": {"K", "M", "T", "activation"},
    "Activation": {"from_module", "homogeneous", "odd", "teacher_only"},
    "Covariance": {"dense", "size", "trace"},
    "GaussianClassification": {"n", "direction"},
    "DataClassification": {"n", "direction", "gaussian"},
    "DeepLinear": {"depth", "widths", "modes", "white"},
    "LinearModes": {"m", "best", "dropout_bound", "dropout_time", "strengths", "kernel_growth", "time_to"},
    "FiniteSample": {"best_ridge", "final", "slope"},
    "Inputs": {"power_law"},
    "SiteSymmetric": {"full"},
    "SymmetricStart": {"full", "of"},
    "Start": {"of"},
    "Teacher": {"from_weights", "replace"},
    "UpdateRule": {"n"},
    "TaskSequence": {"cosines"},
}


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Hook of autodoc: the docstring of a thing, before numpydoc reads it."""
    lines[:] = literal_blocks(lines)


def skip(app: Any, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Hook of autodoc: whether a member of a class stays off the page. None: as autodoc has it."""
    if what != "class" or skipped or name.startswith("_"):
        return None
    function = thing.fget if isinstance(thing, property) else getattr(thing, "func", getattr(thing, "__func__", thing))
    owner = getattr(function, "__qualname__", "").split(".")[0]
    if owner not in ld.__all__:
        return None
    return not ("Examples\n" in (inspect.getdoc(function) or "") or name in MEMBERS.get(owner, ()))


def target_of(text: str) -> str | None:
    """The full name that a code span names, or None."""
    if match := NAME.match(text):
        return f"learndyn.{match[1]}"
    match = SHORT.match(text)
    return f"learndyn.{match[1]}" if match and match[1] in ld.__all__ else None


class Names(SphinxTransform):
    """Code spans that name something of the library become links to it."""

    default_priority = 5

    def apply(self, **kwargs: Any) -> None:
        """Wrap the spans of this document."""
        for span in list(self.document.findall(nodes.literal)):
            target = target_of(span.astext())
            if target is None or isinstance(span.parent, nodes.reference | pending_xref | nodes.title):
                continue
            link = pending_xref(
                "", refdomain="py", reftype="obj", reftarget=target, refexplicit=True, refdoc=self.env.docname
            )
            span.replace_self(link)
            link += span


def setup(app: Any) -> dict[str, Any]:
    """Tell Sphinx about all of it."""
    # Before numpydoc, whose priority is 500.
    app.connect("autodoc-process-docstring", process, priority=400)
    app.connect("autodoc-skip-member", skip)
    app.add_transform(Names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
