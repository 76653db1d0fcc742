"""`learndyn equations`."""

from typer.testing import CliRunner

from learndyn.cli import app

FILE = """
[scenario]
learning_rate = 0.1
[scenario.student]
units = 1
activation = "linear"
[scenario.teacher]
units = 1
activation = "linear"
"""


def test_latex_is_printed_or_written(tmp_path):
    (tmp_path / "p.toml").write_text(FILE)
    shown = CliRunner().invoke(app, ["equations", str(tmp_path / "p.toml"), "--explicit", "--numbers"])
    assert shown.exit_code == 0, shown.output
    assert r"\frac{dR}{d\alpha} &= 0.1 \left(" in shown.output
    target = tmp_path / "eq.tex"
    written = CliRunner().invoke(app, ["equations", str(tmp_path / "p.toml"), "-o", str(target)])
    assert written.exit_code == 0, written.output
    assert r"\begin{align}" in target.read_text()
