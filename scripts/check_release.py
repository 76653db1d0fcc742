"""Build the release, and try it where nothing of this project is: in an empty environment of each Python that is there.

1. the source distribution from the checkout, and the wheel from the unpacked source distribution, into dist/
2. for each Python: a new environment with the wheel alone, as `pip install learndyn` makes it; every public name is
   loaded, a scenario file run, a figure drawn, and what needs an extra is refused in a sentence
3. there, with the extras: a sweep into a store, a page without Python; then some tests, against what is installed

    python scripts/check_release.py [--python python3.12 ...] [--no-tests]

Packages are those of constraints.txt. What fails ends it with an exit code of 1 and the output of what failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
DIST = HOME / "dist"
SUPPORTED = ("3.11", "3.12", "3.13")
EXTRAS = "data,explore,sweep"
# A few files of each layer, a minute together.
TESTS = (
    "test_imports.py",
    "test_extras.py",
    "test_scenario_file.py",
    "test_functional.py",
    "test_results.py",
    "verbs/test_accuracy.py",
    "gaussian",
)

SMOKE = """
import warnings
warnings.simplefilter("error")
import learndyn as ld
assert ld.__version__ == "{version}", ld.__version__
for name in ld.__all__:
    getattr(ld, name)
scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)
start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-3)
theory = ld.solve(scenario, start, until=5)
runs = ld.simulate(scenario, start, until=5, N=1000, replicas=4, seed=1)
assert theory.attrs["status"] == runs.attrs["status"] == "ok"
near = ld.sweep(scenario, start, over={{"learning_rate": [0.1, 0.2]}}, until=1, observables=["eps_g"])
assert (near.status == 0).all()
try:
    ld.sweep(scenario, start, over={{"learning_rate": [0.1]}}, until=1, store="s.zarr")
except ld.InputError as error:
    assert "learndyn[sweep]" in str(error), error
else:
    raise SystemExit("a store was made without its extra")
"""


@dataclass
class Interpreter:
    """A Python of this machine."""

    version: str
    command: str
    environment: dict[str, str] = field(default_factory=dict)


def run(*command: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """The output of a command; one that fails ends the check."""
    outside = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=outside | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def build() -> tuple[Path, Path]:
    """The source distribution, and the wheel that it gives."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "hatchling", "build", "-d", DIST, "-t", "sdist", cwd=HOME)
    (source,) = DIST.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        run(sys.executable, "-m", "hatchling", "build", "-d", DIST, "-t", "wheel", cwd=unpacked)
    (wheel,) = DIST.glob("*.whl")
    return source, wheel


def interpreters(wanted: list[str]) -> list[Interpreter]:
    """The Pythons that are there: those that are wanted, or one of each supported version."""
    if wanted:
        return [Interpreter(_version(command) or command, command) for command in wanted]
    found = []
    for version in SUPPORTED:
        command = f"python{version}"
        if _version(command) == version:
            found.append(Interpreter(version, command))
        elif shutil.which("pyenv") and (names := _of_pyenv(version)):
            found.append(Interpreter(version, command, {"PYENV_VERSION": names[-1]}))
        else:
            print(f"  Python {version} is not here: not tried", flush=True)
    return found


def _version(command: str) -> str | None:
    ask = [command, "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _of_pyenv(version: str) -> list[str]:
    return [name for name in run("pyenv", "versions", "--bare").split() if name.startswith(f"{version}.")]


def try_out(python: Interpreter, source: Path, wheel: Path, *, tests: bool) -> None:
    """Install and use a wheel in an empty environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {"NUMBA_CACHE_DIR": str(folder / "numba"), "MPLBACKEND": "agg"}
        run(python.command, "-m", "venv", folder / "env", environment=python.environment)
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        (unpacked,) = (path for path in folder.iterdir() if path.name.startswith("learndyn-"))
        inside, command = folder / "env/bin/python", folder / "env/bin/learndyn"
        work = folder / "work"
        work.mkdir()

        def here(*parts: str | Path) -> str:
            return run(*parts, cwd=work, environment=environment)

        def install(*what: str) -> None:
            pip = (inside, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")
            here(*pip, "-c", HOME / "constraints.txt", *what)
            here(inside, "-m", "pip", "--disable-pip-version-check", "check")

        install(str(wheel))
        version = wheel.name.split("-")[1]
        here(inside, "-c", SMOKE.format(version=version))
        here(command, "run", unpacked / "examples/demo.toml", "--plot", "demo.png", "-o", "demo.nc")
        here(command, "show", "demo.nc")
        here(command, "figure", "2018-relu-k2-m2-order-parameters", "-o", "figures")
        assert (work / "demo.png").stat().st_size > 10_000
        install(f"{wheel}[{EXTRAS}]")
        here(command, "sweep", unpacked / "examples/sweep.toml", "-o", "sweep.zarr", "--workers", "2")
        here(command, "show", "sweep.zarr")
        if tests:
            install("pytest", "pytest-xdist", "hypothesis", "mpmath", "playwright")
            files = [unpacked / "tests" / test for test in TESTS]
            told = here(inside, "-m", "pytest", "-q", "-n", "2", "-c", unpacked / "pyproject.toml", *files)
            print(f"  Python {python.version}: {told.splitlines()[-1]}", flush=True)


def main() -> None:
    """Build and try."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", action="append", default=[], help="a Python to try it with; may be repeated")
    parser.add_argument("--no-tests", action="store_true", help="leave out the tests")
    options = parser.parse_args()
    source, wheel = build()
    for path in (source, wheel):
        print(f"  {path.relative_to(HOME)}: {path.stat().st_size / 1e6:.2f} MB", flush=True)
    for python in interpreters(options.python):
        begin = time.monotonic()
        try_out(python, source, wheel, tests=not options.no_tests)
        print(f"  Python {python.version}: installed and tried in {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    main()
