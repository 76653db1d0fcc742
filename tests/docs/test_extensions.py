"""What the documentation makes of docstrings and of the command line (docs/_ext), without building it."""

import importlib.util
from pathlib import Path

import pytest
import typer.main

from learndyn.cli import app

EXTENSIONS = Path(__file__).resolve().parents[2] / "docs" / "_ext"


def extension(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", EXTENSIONS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["One.", "", "    a = b", "", "Two."], ["One.", "", ".. code-block:: text", "", "    a = b", "", "Two."]),
        (["Of |x| and |y z|."], [r"Of \|x| and \|y z|."]),
        (["One.", "", "    |x| = 1"], ["One.", "", ".. code-block:: text", "", "    |x| = 1"]),
        (["Parameters", "----------", "x", "    One.", "", "    Two."],) * 2,
        (["Examples", "--------", ">>> [a | b]", "    indented", "", "Then |x|:", "", ">>> 1"],
         ["Examples", "--------", ">>> [a | b]", "    indented", "", r"Then \|x|:", "", ">>> 1"]),
        (["A ``a|b``, `w_` and 2|x"],) * 2,
        (["(mu_+ - mu_-) of w_1"], [r"(mu\_+ - mu\_-) of w_1"]),
    ],
)  # fmt: skip
def test_equations_stay_as_they_stand(lines, expected):
    assert extension("terminal_text").literal_blocks(lines) == expected


def test_the_reference_has_every_command_and_option():
    text = extension("command_line").reference()
    commands = typer.main.get_command(app).commands
    assert {"run", "sweep", "show", "figure"} <= set(commands)
    for name, command in commands.items():
        section = text.split(f"## learndyn {name}\n")[1].split("\n## ")[0]
        for entry in command.params:
            for option in [*entry.opts, *entry.secondary_opts]:
                assert entry.param_type_name == "argument" or f"`{option}`" in section
