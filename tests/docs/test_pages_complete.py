"""The documentation is whole: every public name has a page, every page is in a toctree, every link leads somewhere."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import learndyn as ld

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MODULES = [name for name in ld.__all__ if inspect.ismodule(getattr(ld, name))]
# Written by a build, or read by sphinx-gallery: no pages of their own.
MADE = ("_generated", "_ext", "_static", "_templates", "api/generated", "auto_gallery", "gallery", "extending/code")
AUTOSUMMARY = re.compile(r"^\.\. autosummary::\n((?:   .*\n|\n)+)", re.MULTILINE)
MODULE = re.compile(r"^\.\. (?:current)?module:: (\S+)$", re.MULTILINE)
LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()\s]*\))?)(?:\s+\"[^\"]*\")?\)")


def pages():
    """Every page, as its path below docs without the ending."""
    found = [path.relative_to(DOCS) for ending in ("md", "rst") for path in DOCS.rglob(f"*.{ending}")]
    return sorted(path.with_suffix("").as_posix() for path in found if not path.as_posix().startswith(MADE))


def source(page):
    path = DOCS / f"{page}.md"
    return (path if path.exists() else DOCS / f"{page}.rst").read_text(encoding="utf-8")


def documented(text):
    """The full names in the autosummary tables of a page."""
    found = []
    for table in AUTOSUMMARY.finditer(text):
        module = [match.group(1) for match in MODULE.finditer(text[: table.start()])][-1]
        lines = [line.strip() for line in table.group(1).splitlines()]
        found += [f"{module}.{line}" for line in lines if line and not line.startswith(":")]
    return found


def all_documented():
    return [name for page in pages() if page.startswith("api/") for name in documented(source(page))]


@pytest.mark.parametrize("module", ["learndyn", "learndyn.extending", *(f"learndyn.{name}" for name in MODULES)])
def test_every_public_name_has_a_page(module):
    names, home = all_documented(), importlib.import_module(module)
    # A name that the library itself has too, such as ld.activation, has its page there.
    of_library = {id(inspect.unwrap(getattr(ld, name))) for name in ld.__all__}
    missing = [
        name
        for name in home.__all__
        if f"{module}.{name}" not in names
        and not (module == "learndyn" and name in MODULES and f".. module:: {module}.{name}" in source(f"api/{name}"))
        and not (module != "learndyn" and id(inspect.unwrap(getattr(home, name))) in of_library)
    ]
    assert not missing, f"{module} has names without a page: {missing}. Add them to a table in docs/api/."


def test_documented_names_exist_and_stand_once():
    names = all_documented()
    assert len(names) == len(set(names))
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), f"docs/api names {name}, which is not there"


def entries(text):
    """The pages that the toctrees of a text name."""
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"^\.\. toctree::\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    named = [re.sub(r"^.*<(.*)>$", r"\1", line) for line in lines if line and not line.startswith(":")]
    return [re.sub(r"\.(md|rst)$", "", line) for line in named]


def reached(page, seen):
    """All pages that can be reached from one through toctrees, it included."""
    seen.add(page)
    for entry in entries(source(page)):
        below = Path(page).parent / entry if not entry.startswith("/") else Path(entry[1:])
        target = below.as_posix()
        if target.startswith("auto_gallery"):
            continue
        assert target in pages(), f"docs/{page} has {entry!r} in a toctree, but there is no such page"
        if target not in seen:
            reached(target, seen)
    return seen


def test_every_page_is_in_a_toctree():
    missing = set(pages()) - reached("index", set())
    assert not missing, f"pages that no toctree names: {sorted(missing)}"


def test_toctrees_are_read():
    assert {"api/scenarios", "theory/index", "glossary"} <= reached("index", set())


def markdown_files():
    """All Markdown files of the project."""
    folders = [ROOT / name for name in ("benchmarks", "docs", "examples", "src", "tests")]
    found = [*ROOT.glob("*.md"), *(path for folder in folders for path in folder.rglob("*.md"))]
    made = tuple(f"docs/{name}/" for name in ("_generated", "api/generated", "auto_gallery"))
    return sorted(path for path in found if not path.relative_to(ROOT).as_posix().startswith(made))


def anchors(path):
    """The anchors of the headings of a Markdown file, as a git host and MyST make them."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", without_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", re.sub(r"[*`]", "", heading).lower()).replace(" ", "-") for heading in headings]
    return {*slugs, *re.findall(r"^\(([\w-]+)\)=$", path.read_text(encoding="utf-8"), re.MULTILINE)}


def without_code(text):
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1`*\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    text = without_code(path.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if re.match(r"^(https?|mailto):", target):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), f"{path.relative_to(ROOT)} links to {target}, which is not there"
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place), f"{path.relative_to(ROOT)} links to {target}, but there is no such heading"


def test_links_say_what_they_lead_to():
    """In words: the name of a file says little to who reads the pages."""
    pages = [path for path in markdown_files() if DOCS in path.parents]
    texts = {path.name: without_code(path.read_text(encoding="utf-8")) for path in pages}
    shown = {name: re.findall(r"\[[\w./-]*\.md\]\(", text) for name, text in texts.items()}
    assert not {name: links for name, links in shown.items() if links}
    assert len(pages) > 30


def test_links_are_read():
    assert LINK.findall("[a](b.md) ![c](d.png) [e [f]](g.md#h)") == ["b.md", "d.png", "g.md#h"]
    assert any(LINK.findall(path.read_text(encoding="utf-8")) for path in markdown_files())


def test_the_version_to_cite_is_this_one():
    assert f"version = {{{ld.__version__}}}" in source("citing")
