"""The programs in examples/ run at small sizes and leave the pictures and results that they speak of."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import learndyn as ld

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "plateau_study": ["theory.nc", "saddle.nc", "length.png", "length.pdf", "exits.png", "exits.pdf"],
    "optimal_schedule": ["best.nc", "runs.nc", "best.toml", "schedule.png", "schedule.pdf"],
    "new_activation": ["theory.nc", "runs.nc", "activations.png", "activations.pdf"],
    "mnist_learning_curve": ["runs.nc", "flow.nc", "theory.nc", "learning_curve.png", "weights.png"],
    "cluster_sweep": ["rates.png", "rates.pdf"],
}


def source(name):
    return (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "cluster_sweep"])
def test_it_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LEARNDYN_QUICK", "1")
    monkeypatch.setenv("LEARNDYN_FOLDER", str(tmp_path))
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"))
    for file in PROGRAMS[name]:
        assert (tmp_path / file).stat().st_size > 0
    assert capsys.readouterr().out.rstrip().endswith(f"in {tmp_path}.")


def test_the_sweep_goes_on(tmp_path):
    """Its workers import it, so that it runs as a script; a second call leaves what is computed as it is."""
    environment = {**os.environ, "LEARNDYN_QUICK": "1", "LEARNDYN_FOLDER": str(tmp_path)}
    script = [sys.executable, "-W", "error::UserWarning", str(ROOT / "examples" / "cluster_sweep.py")]
    written = []
    for _ in range(2):
        said = subprocess.run(script, env=environment, capture_output=True, text=True, check=True, timeout=300)
        assert "All 40 scenarios were run: 40 ok." in said.stdout
        chunks = sorted((tmp_path / "sweep.zarr" / "eps_g").glob("c.*"))
        written.append({path: path.stat().st_mtime_ns for path in chunks if path.is_file()})
    assert written[0] == written[1] != {}
    for file in PROGRAMS["cluster_sweep"]:
        assert (tmp_path / file).stat().st_size > 0
    assert ld.open_sweep(str(tmp_path / "sweep.zarr")).eps_g.shape == (5, 8, 61)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_it_names_is_there(name):
    """All names of the library that a program uses: `ld.solve`, `ld.Start.random`, `ld.plot.paper`."""
    used = re.findall(r"\bld\.(\w+)(?:\.(\w+))?", source(name))
    assert len(used) > 5
    for first, second in used:
        thing = getattr(ld, first)
        assert not second or hasattr(thing, second), f"ld.{first}.{second}"


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_and_the_head_tell_the_same(name):
    page, text = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8"), source(name)
    assert text.startswith("# %% [markdown]\n# # ")
    row = re.search(rf"^\| `{name}\.py` \|.*\| (.*) \|$", page, re.MULTILINE).group(1)
    for constant in re.findall(r"`([A-Za-z_]+)`", row):
        assert re.search(rf"^(def {constant}\(|(\w+, )*{constant}(, \w+)* = )", text, re.MULTILINE), constant
    assert f'"LEARNDYN_FOLDER", "build/{name}"' in text


def test_every_program_is_listed():
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(PROGRAMS)
