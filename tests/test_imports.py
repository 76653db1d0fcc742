"""Heavy packages are loaded by what needs them and not before; looked up in sys.modules of a fresh process."""

import subprocess
import sys

import pytest

HEAVY = {"jax", "jaxlib", "diffrax", "equinox", "numba", "llvmlite", "matplotlib", "xarray", "pandas", "scipy", "h5py"}

HELP = """
import sys
sys.argv = ["learndyn", "--help"]
from learndyn.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
"""
READ = """
import sys
from learndyn import read_scenario_file
read_scenario_file(sys.argv[1])
"""


def loaded(code: str, *arguments: str) -> set[str]:
    """The top-level modules in a fresh process after the code has run."""
    code += "\nprint('MODULES', *sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_import_is_light():
    modules = loaded("import sys, learndyn")
    assert "learndyn" in modules
    assert not modules & (HEAVY | {"numpy", "typer"})


def test_help_is_light():
    modules = loaded(HELP)
    assert "typer" in modules
    assert not modules & (HEAVY | {"numpy", "rich"})


def test_reading_a_scenario_file_is_light(tmp_path):
    path = tmp_path / "perceptron.toml"
    path.write_text("[scenario]\nlearning_rate = 1\nstudent.units = 1\nteacher.units = 1\n")
    assert not loaded(READ, str(path)) & HEAVY


@pytest.mark.parametrize("name", ["StudentTeacher", "Start", "InputError", "read_scenario_file", "logspaced"])
def test_the_names_of_data_need_no_engine(name):
    assert not loaded(f"import sys, learndyn; learndyn.{name}") & HEAVY
