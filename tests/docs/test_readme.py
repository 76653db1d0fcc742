"""The README says the truth: its programs run, its commands and links are there."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import learndyn as ld

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("blocks", [1, 2])
def test_its_programs_run(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    assert len(programs) == 2
    # The schedule takes 7 s or more: smaller here, the same calls, and fewer replicas.
    names = {}
    for program in programs[:blocks]:
        exec(program.replace("N=10**4, replicas=16", "N=10**3, replicas=2").replace("until=40", "until=2"), names)
    assert (tmp_path / "curve.pdf").stat().st_size > 5000
    plt.close("all")
    assert names["theory"].attrs["status"] == "ok"
    assert ld.plateaus(names["theory"]).left.values.tolist() == [True]
    assert blocks == 1 or names["plateau"].attrs["kind"] == "saddle"


def test_its_picture_has_the_plateau_of_its_caption():
    demo = ld.read_scenario_file(ROOT / "examples/demo.toml")
    assert "a plateau" in TEXT
    theory = ld.solve(demo.scenario, demo.start, **demo.solve)
    found = ld.plateaus(theory)
    assert found.left.values.tolist() == [True]
    assert 90 < float(found.length[0]) < 110
    # The five lines are the same with the names of the teacher units exchanged.
    assert "X=0.01" in TEXT
    five = ld.Start.near_symmetric(demo.scenario, Q=[0.2, 0.3], X=0.01)
    assert float(ld.solve(demo.scenario, five, 300).eps_g[-1]) == pytest.approx(float(theory.eps_g[-1]), rel=1e-4)


def test_its_commands_are_there():
    from typer.main import get_command

    from learndyn.cli import app

    shown = {line.split()[1] for line in TEXT.splitlines() if line.startswith("learndyn ")}
    assert shown <= set(get_command(app).commands)
    assert "explore" in shown
    for file in re.findall(r"examples/\S+\.toml", TEXT):
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", TEXT))))
def test_its_links_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_it_tells_the_version():
    assert f"{{{ld.__version__}}}" in TEXT.replace(" ", "")
