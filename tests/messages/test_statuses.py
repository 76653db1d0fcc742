"""docs/statuses.md explains every word that a run, a search or a sweep can end with."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from messages.collect import SOURCES

PAGE = Path(__file__).parents[2] / "docs" / "statuses.md"
WORD = re.compile(r"[a-z]+(_[a-z]+)*")
# Words within the code that no result has: a state of the solver, and a key of the ends of a branch, which are "ok".
WITHIN = {"running", "end", "closed", "event", "cancelled", "error"}


def words(node: ast.AST | None) -> Iterator[str]:
    """The words in an expression: of a tuple its members, of a choice both."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*words(node.body), *words(node.orelse))
    elif isinstance(node, ast.Tuple | ast.List):
        for each in node.elts:
            yield from words(each)


def is_status(target: ast.AST) -> bool:
    named = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
    return named == "status" or (isinstance(target, ast.Subscript) and list(words(target.slice)) == ["status"])


def found_in(node: ast.AST) -> Iterator[str]:
    """The words of statuses that one node of a syntax tree sets, lists or compares with."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if is_status(target):
                yield from words(node.value)
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for each, value in zip(target.elts, node.value.elts, strict=False):
                    yield from words(value) if is_status(each) else ()
            if (
                isinstance(target, ast.Name)
                and target.id in ("OUTCOMES", "STATUSES")
                and isinstance(node.value, ast.Tuple)
            ):
                yield from words(node.value)
            if isinstance(target, ast.Name) and target.id == "ENDS" and isinstance(node.value, ast.Dict):
                for key in node.value.keys:
                    yield from words(key)
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            yield from words(keyword.value) if keyword.arg == "status" else ()
        if isinstance(node.func, ast.Name) and node.func.id in ("EarlyStop", "Outcome", "_whole"):
            for each in node.args:
                yield from words(each)
    if isinstance(node, ast.FunctionDef) and re.search(r"verdict$|^status_of$", node.name):
        for each in ast.walk(node):
            if isinstance(each, ast.Return):
                yield from words(each.value.elts[0] if isinstance(each.value, ast.Tuple) else each.value)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict) and is_status(node.slice):
        for key in node.value.keys:
            yield from words(key)
    if isinstance(node, ast.Compare) and is_status(node.left):
        for each in node.comparators:
            yield from words(each)


def statuses() -> set[str]:
    """The words of all results."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES.rglob("*.py"))
    found = {word for tree in trees for node in ast.walk(tree) for word in found_in(node)}
    return {word for word in found if WORD.fullmatch(word)} - WITHIN


def explained() -> set[str]:
    """The words of the first column of each table."""
    return set(re.findall(r"^\| `(\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_every_status_is_explained_and_none_is_invented():
    assert statuses() == explained()


def test_every_bad_end_says_what_to_do():
    rows = [line.split("|")[1:-1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert all(cell.strip() for row in rows for cell in row[:2])
    silent = {row[0].strip() for row in rows if len(row) > 2 and not row[-1].strip()}
    assert silent == {"`ok`", "`reached`"}
