"""Every sentence that a user can meet, found in the sources by their syntax trees; ``--write`` updates the list.

Found are what is raised or warned of, with the alternatives of a local name or a condition written as {this | that},
and every other text that ends as a sentence does: statuses, hints, reports, help of the command line. Left out are
docstrings, what only labels a picture or a variable, and the captions of figures.

``python tests/messages/collect.py --write`` rewrites the list beside this file: sentences that are gone leave it,
those that are there keep their kind, and new ones come in as ``unreviewed``, which the test refuses until someone
has read them and said of what kind they are (the kinds are in list.txt).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src" / "learndyn"
LIST = HERE / "list.txt"
UNREVIEWED = "unreviewed"
# Captions of figures and the words beside equations are texts of their own, and pages are tested in a browser.
WITHOUT_TEXTS = re.compile(r"^(figures|explore|html|formulas)/|(?<!cli/)equations")
# A sentence ends so; a single word or a format of numbers is none.
SENTENCE = re.compile(r"\w[^ ]* .*([.?!]|\.\.\.)[\"')]?$", re.DOTALL)
MESSAGE_CALL = re.compile(r"(Error|Warning|Exit|warn|mistakes\.add|self\.add)$")
DEEPEST = 3  # local names within local names


class Found(NamedTuple):
    """A sentence and whether it is raised or warned of."""

    text: str
    raised: bool


class Entry(NamedTuple):
    """A line of the list: the kind, the sentence and, of an internal one, the reason why no user meets it."""

    kind: str
    text: str
    reason: str = ""


def _name(function: ast.expr) -> str:
    """'mistakes.add' of a call."""
    if isinstance(function, ast.Attribute):
        return f"{_name(function.value)}.{function.attr}"
    return function.id if isinstance(function, ast.Name) else ""


class _File(ast.NodeVisitor):
    """The sentences of one file, in their order."""

    def __init__(self, texts: bool) -> None:
        self.texts = texts
        self.found: list[Found] = []
        self.assignments: list[list[ast.Assign]] = []  # of the functions around
        self.raised = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Local names are looked up in the function around them."""
        self.assignments.append([each for each in ast.walk(node) if isinstance(each, ast.Assign)])
        self.generic_visit(node)
        self.assignments.pop()

    def visit_Expr(self, node: ast.Expr) -> None:
        """Docstrings are no messages."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        """The arguments of what is raised, whatever makes it."""
        if isinstance(node.exc, ast.Call):
            self._message(node.exc)
        else:
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """A message is also made without being raised at once."""
        if MESSAGE_CALL.search(_name(node.func)):
            self._message(node)
        else:
            self.generic_visit(node)

    def _message(self, call: ast.Call) -> None:
        self.raised = True
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            self._text(argument)
        self.raised = False

    def _text(self, node: ast.expr) -> None:
        text = self.render(node, 0)
        if text is None:
            self.visit(node)
        elif len(re.sub(r"\{[^{}]*\}", "", text).split()) > 2:
            self.found.append(Found(text.strip(), raised=True))

    def generic_visit(self, node: ast.AST) -> None:
        """A text that is no part of a longer one."""
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            text = self.render(node, 0)
            if text is not None:
                if (self.texts or self.raised) and SENTENCE.search(text.strip()):
                    self.found.append(Found(text.strip(), self.raised))
                return
        super().generic_visit(node)

    def render(self, node: ast.AST, depth: int) -> str | None:
        """A text with {...} for what is filled in, or None where the expression is no text."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.JoinedStr):
            return "".join(self._part(part, depth) for part in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.render(node.left, depth), self.render(node.right, depth)
            if left is None and right is None:
                return None
            return (left or f"{{{ast.unparse(node.left)}}}") + (right or f"{{{ast.unparse(node.right)}}}")
        if isinstance(node, ast.IfExp):
            return self._either([node.body, node.orelse], depth)
        if isinstance(node, ast.Name) and depth < DEEPEST:
            return self._either(list(self._assigned(node.id)), depth + 1)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "rstrip":
            return self.render(node.func.value, depth)
        return None

    def _part(self, part: ast.expr, depth: int) -> str:
        if isinstance(part, ast.Constant):
            return str(part.value)
        assert isinstance(part, ast.FormattedValue)
        shown = self.render(part.value, depth) if isinstance(part.value, ast.IfExp | ast.Name | ast.JoinedStr) else None
        if shown is not None:
            return shown
        return f"{{{ast.unparse(part.value)}{'!r' if part.conversion == ord('r') else ''}}}"

    def _either(self, nodes: list[ast.expr], depth: int) -> str | None:
        texts = [self.render(node, depth) for node in nodes]
        known = [text for text in texts if text is not None]
        if not known or len(known) < len(texts):
            return None
        return known[0] if len(known) == 1 else f"{{{' | '.join(known)}}}"

    def _assigned(self, name: str) -> Iterator[ast.expr]:
        for node in self.assignments[-1] if self.assignments else ():
            if any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                yield node.value


def collected() -> dict[str, list[Found]]:
    """By file, its sentences, each once and in the order of the alphabet."""
    files = {}
    for path in sorted(SOURCES.rglob("*.py")):
        name = path.relative_to(SOURCES).as_posix()
        visitor = _File(texts=not WITHOUT_TEXTS.search(name))
        visitor.visit(ast.parse(path.read_text(encoding="utf-8")))
        once = {" ".join(found.text.split()): found.raised for found in visitor.found}
        if once:
            files[name] = [Found(text, once[text]) for text in sorted(once)]
    return files


def read(path: Path = LIST) -> dict[str, list[Entry]]:
    """The reviewed list."""
    files: dict[str, list[Entry]] = {}
    entries: list[Entry] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            entries = files.setdefault(line[3:], [])
        elif line.startswith("    because: "):
            entries[-1] = entries[-1]._replace(reason=line.removeprefix("    because: "))
        elif line and not line.startswith("#"):
            kind, text = line.split(": ", 1)
            entries.append(Entry(kind, text))
    return files


def head(path: Path = LIST) -> str:
    """The lines of explanation before the first file."""
    return path.read_text(encoding="utf-8").split("\n## ")[0].rstrip("\n")


def write() -> int:
    """Bring the list up to date; the number of sentences to review."""
    known = {(name, entry.text): entry for name, entries in read().items() for entry in entries}
    lines, new = [head()], 0
    for name, found in collected().items():
        lines += ["", f"## {name}"]
        for text, _ in found:
            entry = known.get((name, text), Entry(UNREVIEWED, text))
            new += entry.kind == UNREVIEWED
            lines.append(f"{entry.kind}: {text}")
            lines += [f"    because: {entry.reason}"] if entry.reason else []
    LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return new


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("Write `python tests/messages/collect.py --write`.")
    print(f"{LIST.name}: {write()} sentences are unreviewed.")
