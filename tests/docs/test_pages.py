"""The guides say the truth: their programs run, and give the output that the pages show."""

import re

import pytest

from page_programs import DOCS, differences, programs

PAGES = ["getting-started.md", "which-engine.md", "which-learning-rate.md", "sharp-bits.md"]
EXTENDING = ["extending/index.md", "extending/activation.md", "extending/scenario.md", "extending/engine.md"]
# The quick run takes the beginnings of the longer pages, which thorough.py holds.
BEGINNINGS = {"getting-started.md": 4, "which-engine.md": 2}


@pytest.mark.parametrize("page", PAGES)
def test_the_whole_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not differences(page)


@pytest.mark.parametrize("page", BEGINNINGS)
def test_its_beginning(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(programs(page)) > BEGINNINGS[page]
    assert not differences(page, BEGINNINGS[page])


def test_another_output_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("page_programs.DOCS", tmp_path)
    wrong, silent = "```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", "```python\nprint(2)\n```\n"
    (tmp_path / "page.md").write_text(f"# A\n\n{wrong}\n{silent}")
    first, second = differences("page.md")
    assert first == "page.md:4 shows\n3\nbut gives\n2\n"
    assert second.startswith("page.md:12 prints what the page does not show")


@pytest.mark.parametrize("page", PAGES + EXTENDING)
def test_links_and_pictures_are_there(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", text):
        path = (DOCS / page).parent / target if target else DOCS / page
        assert path.is_file(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
            assert heading in [re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in headings], heading


@pytest.mark.parametrize("page", PAGES + EXTENDING)
def test_the_code_that_a_page_includes_is_there(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for file, options in re.findall(r"```\{literalinclude\} (\S+)\n((?::.*\n)*)", text):
        code = ((DOCS / page).parent / file).read_text(encoding="utf-8")
        for mark in re.findall(r'^:(?:start-at|end-before|start-after|end-at): "(.*)"$', options, re.M):
            assert code.count(mark) >= 1, (file, mark)
