"""`learndyn export-html`: what it runs, reads, writes and refuses."""

import json
import re

import pytest

import learndyn as ld
from command_line import BOTH, DIVERGING, THEORY, learndyn, refused
from learndyn.engines import compilation_cache

SWEEP = THEORY.replace(
    "save_at = 16\n", "save_at = 16\n[sweep]\nobservables = ['eps_g']\n[sweep.over]\nlabel_noise = [0, 0.1]\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder to work in, with scenario files; the cache directory is global to the process: it stays as it is."""
    monkeypatch.setattr(compilation_cache, "enable", lambda: None)
    for name, text in {"theory": THEORY, "both": BOTH, "diverging": DIVERGING, "sweep": SWEEP}.items():
        (tmp_path / f"{name}.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1))


def test_a_scenario_file_with_its_simulation(folder):
    done = learndyn("export-html", "both.toml", "-o", "page.html", "--large", "--no-equations")
    assert done.stdout.startswith("Wrote the page: page.html\n0.0")
    data = data_of(folder / "page.html")
    assert (data["title"], len(data["time"]["times"])) == ("a perceptron", 16)
    assert data["overlay"]["engine"].startswith("simulation, N = 50, mean of 3 replicas")
    learndyn("export-html", "both.toml", "--no-simulate", "--points", "9", "--title", "Mine", "--no-equations", "-q")
    data = data_of(folder / "both.html")
    assert (data["title"], data["overlay"], len(data["time"]["times"])) == ("Mine", None, 9)


def test_a_sweep_shows_more_than_its_file_keeps(folder):
    assert learndyn("export-html", "sweep.toml", "--no-equations").stdout.startswith("Wrote the page: sweep.html\n")
    data = data_of(folder / "sweep.html")
    assert len(data["panels"]) == 3
    assert [each["status"] for each in data["members"]] == ["ok", "ok"]
    text = (folder / "sweep.html").read_text(encoding="utf-8")
    assert "label_noise = [" in text
    learndyn("sweep", "sweep.toml", "-o", "sweep.zarr", "-q")
    learndyn("export-html", "sweep.zarr", "-o", "store.html", "--no-equations", "-q")
    stored = data_of(folder / "store.html")
    assert [panel["words"] for panel in stored["panels"]] == [data["panels"][0]["words"]]


def test_a_saved_run_with_its_simulation(folder, theory, runs):
    ld.save(theory, "run.nc")
    ld.save(runs, "runs.nc")
    learndyn("export-html", "run.nc", "--simulation", "runs.nc", "--no-equations", "-q")
    assert data_of(folder / "run.html")["overlay"] is not None


def test_a_run_that_ends_early_is_written_and_told(folder):
    learndyn("export-html", "diverging.toml", "--no-equations", "-q", code=3)
    (member,) = data_of(folder / "diverging.html")["members"]
    assert member["status"] == "diverged"
    assert member["message"]


CASES = {
    "no page": (["theory.toml", "-o", "page.nc"], "Option -o must end in .html, but it is page.nc."),
    "no source": (["none.nc"], "Argument SOURCE must be a result file, but none.nc does not exist."),
    "points of a result": (
        ["run.nc", "--points", "9"],
        "Option --points must be left out, because run.nc has its times",
    ),
    "points": (["theory.toml", "--points", "1"], "theory.toml: Option --points must be a whole number of at least 2"),
    "simulation of a file": (["theory.toml", "--simulation", "a.nc"], "Option --simulation must be left out with"),
    "too large": (
        ["sweep.toml", "--points", "900000"],
        "sweep.toml: A page must be at most 25 MB, but 2 runs x 3 curves",
    ),
}


def test_a_file_that_is_missing_is_refused_before_anything_is_announced():
    assert refused("export-html", "none.toml").startswith("File none.toml does not exist.")


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused(case):
    arguments, sentence = CASES[case]
    assert refused("export-html", *arguments, "-q").startswith(sentence)
