"""The gallery: every figure has its page, every page its title and text; some are run, and shown as they should be."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

import learndyn as ld

DOCS = Path(__file__).parents[2] / "docs"
SCRIPTS = sorted((DOCS / "gallery").rglob("*.py"))
NAMES = [script.relative_to(DOCS / "gallery").as_posix() for script in SCRIPTS]
SOURCES = {"straat2018", "straat2019", "schmid2024", "pretorius2017"}
# Pages that take no more than seconds, with compiling.
CHEAP = (
    "pretorius2017/plot_3_weight_decay.py",
    "schmid2024/plot_9_mnist_pixels.py",
    "straat2018/plot_02_activations.py",
)


def tree_of(script: Path) -> ast.Module:
    return ast.parse(script.read_text(encoding="utf-8"), script.name)


def drawn(script: Path) -> list[str]:
    """The names that a script gives to `ld.figures.draw`."""
    calls = (node for node in ast.walk(tree_of(script)) if isinstance(node, ast.Call))
    return [ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "ld.figures.draw"]


def gallery_pictures():
    spec = importlib.util.spec_from_file_location("gallery_pictures", DOCS / "gallery_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_has_its_place_in_the_gallery_and_one_only():
    assert Counter(name for script in SCRIPTS for name in drawn(script)) == Counter(ld.figures.names())


def test_figures_stand_with_their_source():
    for script in SCRIPTS:
        for name in drawn(script):
            year = {"2018": "straat2018", "2019": "straat2019", "phase": "straat2018"}
            assert script.parent.name == year.get(name.partition("-")[0], name.partition("/")[0])


def test_each_source_has_a_section_and_there_are_a_dozen_questions_of_our_own():
    sections = {folder.name for folder in (DOCS / "gallery").iterdir() if folder.is_dir()}
    assert sections == SOURCES | {"own"}
    for section in [".", *sections]:
        header = (DOCS / "gallery" / section / "GALLERY_HEADER.rst").read_text(encoding="utf-8").splitlines()
        assert len(header[0]) == len(header[1])
        assert set(header[1]) in ({"="}, {"-"})
    assert sum(script.parent.name == "own" for script in SCRIPTS) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_a_title_a_text_and_code_that_compiles(name):
    script = DOCS / "gallery" / name
    tree = tree_of(script)
    compile(tree, name, "exec")
    title, underline, *text = (ast.get_docstring(tree) or "").splitlines()
    assert underline == "=" * len(title)
    # A sentence or two, before the first code: what is asked, or what is seen.
    assert len(" ".join(text)) > 150
    assert script.name.startswith("plot_")
    assert any(ast.unparse(node) == "import learndyn as ld" for node in tree.body)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_more_than_a_figure_by_its_name(name):
    """Who reads it sees how to get there: a call of the library beside `ld.figures`."""
    calls = {
        ast.unparse(node.func) for node in ast.walk(tree_of(DOCS / "gallery" / name)) if isinstance(node, ast.Call)
    }
    own = {call for call in calls if call.startswith("ld.") and call != "ld.figures.draw"}
    # What needs the files of MNIST cannot run where the pages are made; the text has it.
    assert own or name in ("schmid2024/plot_7_mnist_features.py", "schmid2024/plot_9_mnist_pixels.py")


@pytest.mark.parametrize("name", CHEAP)
def test_a_page_runs(name, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.chdir(DOCS)  # where nothing of the tests is importable
    plt.switch_backend("agg")
    exec(compile(tree_of(DOCS / "gallery" / name), name, "exec"), {"__name__": "__main__"})


def test_the_figure_of_a_last_line_is_shown_with_its_caption_once(tmp_path):
    pytest.importorskip("sphinx_gallery")
    import matplotlib.pyplot as plt

    paths = iter([str(tmp_path / f"sphx_glr_plot_page_00{number}.png") for number in (1, 2)])
    figure = ld.figures.draw("2018-relu-and-derivative")
    variables = {"image_path_iterator": paths, "example_globals": {"___": figure}}
    module, configuration = gallery_pictures(), {"src_dir": str(tmp_path)}
    rst = module.show_figure(SimpleNamespace(), variables, configuration)
    assert "image-sg:: /sphx_glr_plot_page_001.png" in rst
    assert "/sphx_glr_plot_page_001_2_00x.png 2.00x" in rst
    assert module.escaped(figure.caption) in rst
    assert ":alt: ReLU activation g(x) = x theta(x) and its derivative" in rst
    saved = {"sphx_glr_plot_page_001.png", "sphx_glr_plot_page_001_2_00x.png"}
    assert {path.name for path in tmp_path.iterdir()} == saved
    # A later block without a value leaves the last one in place.
    assert module.show_figure(SimpleNamespace(), variables, configuration) == ""
    variables["example_globals"]["___"] = 3.0
    assert module.show_figure(SimpleNamespace(), variables, configuration) == ""
    # A figure without a caption, and one that pyplot has, which sphinx-gallery shows.
    variables["example_globals"]["___"] = figure.figure
    rst = module.show_figure(SimpleNamespace(), variables, configuration)
    assert "plot_page_002.png" in rst
    assert "caption" not in rst
    plt.switch_backend("agg")
    variables["example_globals"]["___"] = plt.figure()
    assert module.show_figure(SimpleNamespace(), variables, configuration) == ""


def test_a_caption_is_plain_text():
    publish_string = pytest.importorskip("docutils.core").publish_string
    text = r"|J - B|^2, *eta*, `x`, R_11 and v_ with <w>, [a], a: b \ c"
    parsed = publish_string(gallery_pictures().escaped(text), writer="pseudoxml").decode()
    assert text in parsed.replace("\n", "")
    assert all(f"<{markup}" not in parsed for markup in ("emphasis", "literal", "reference", "substitution", "problem"))
