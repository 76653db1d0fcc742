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
    # N = 10^5 and 16 replicas take 20 s, and the schedule 7: smaller here, the same calls.
    names = {}
    for program in programs[:blocks]:
        exec(program.replace("N=10**5, replicas=16", "N=10**3, replicas=2").replace("until=40", "until=2"), names)
    assert (tmp_path / "curve.pdf").stat().st_size > 5000
    plt.close("all")
    assert names["theory"].attrs["status"] == "ok"
    assert blocks == 1 or names["plateau"].attrs["kind"] == "saddle"


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
