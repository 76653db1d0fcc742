"""`learndyn sweep` and `learndyn show` of its stores: what they write, print and refuse."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from command_line import learndyn, refused
from learndyn.cli.common import keep_interrupt
from learndyn.engines import compilation_cache
from learndyn.sweeps.store import open_sweep
from learndyn.sweeps.sweep import planned

THEORY = """
title = "perceptrons"
[scenario]
learning_rate = 0.5
student.units = 1
teacher.units = 1
[start]
kind = "near_symmetric"
Q = 0.25
[solve]
until = 2
save_at = 3
[sweep.over]
learning_rate = {from = 0.5, to = 1.5, points = 3}
"start.X" = [0.0, 0.1]
"""
SIMULATION = THEORY.replace(
    "[sweep.over]",
    """[simulate]
N = 20
seed = 7
[sweep]
engine = "simulate"
observables = ["eps_g"]
chunk = 2
together = [["N", "start.X"]]
[sweep.over]
N = [20, 30]""",
)
# The overlap of a unit with Q = 0.25 is at most 0.5.
REFUSED = THEORY.replace("[0.0, 0.1]", "[0.0, 0.6]")
FILES = {"theory": THEORY, "simulation": SIMULATION, "refused": REFUSED, "cube": f"{THEORY}rtol = [1e-6, 1e-8]\n"}
FILES["line"] = THEORY.replace("[0.0, 0.1]", "[0.1]")
PERCEPTRON = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=0.5)
RECIPE = ld.StartRecipe(ld.Start.near_symmetric, Q=0.25)


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    """The cache directory is global to the process: other tests are not to see it."""
    monkeypatch.setattr(compilation_cache, "enable", lambda: None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with scenario files."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# What is computed.


def test_a_file_gives_the_dataset_of_the_same_call(folder):
    done = learndyn("sweep", "theory.toml", "-o", "out.zarr")
    over = {"learning_rate": [0.5, 1.0, 1.5], "start.X": [0.0, 0.1]}
    xr.testing.assert_equal(open_sweep("out.zarr").load(), ld.sweep(PERCEPTRON, RECIPE, over, until=2, save_at=3))
    assert "\nlearning_rate       3 values: 0.5, 1, 1.5\nstart.X " in done.stdout
    assert "\nok  6\n\nsweep: ok. All 6 scenarios were run: 6 ok.\n" in done.stdout
    assert "ld.open_sweep('out.zarr') opens it" in done.stdout
    assert done.stderr.splitlines()[0] == "perceptrons"
    assert "Sweep: 6 scenarios in 1 chunk" in done.stderr
    assert "6 of 6 scenarios (100 %)" in done.stderr


def test_a_file_gives_the_simulations_of_the_same_call(folder):
    learndyn("sweep", "simulation.toml", "-o", "out.zarr", "-q")
    over = {
        "N": xr.DataArray([20, 30], dims="member"),
        "learning_rate": [0.5, 1.0, 1.5],
        "start.X": xr.DataArray([0.0, 0.1], dims="member"),
    }
    options = {"engine": "simulate", "seed": 7, "observables": ["eps_g"], "until": 2, "save_at": 3}
    xr.testing.assert_equal(open_sweep("out.zarr").load(), ld.sweep(PERCEPTRON, RECIPE, over, **options))


def test_the_same_command_goes_on(folder):
    learndyn("sweep", "simulation.toml", "-o", "out.zarr", "-q")
    whole = open_sweep("out.zarr").load()
    records = sorted((folder / "out.zarr/.learndyn/chunks").rglob("*.json"))
    assert len(records) == 4
    for lost, options in ((records[1:3], []), (records[:1], ["--resume"]), ([], [])):
        for path in lost:
            path.unlink()
        shown = learndyn("show", "out.zarr").stdout
        assert ("sweep: interrupted." in shown) == bool(lost)
        done = learndyn("sweep", "simulation.toml", "-o", "out.zarr", *options)
        assert "The store out.zarr is there: what is finished in it stays." in done.stderr
        assert ("chunks are there already" in done.stderr) == bool(lost)
        xr.testing.assert_identical(open_sweep("out.zarr").load(), whole)


def test_one_scenario_that_is_refused_does_not_lose_the_rest(folder):
    done = learndyn("sweep", "refused.toml", "-o", "out.zarr", code=3)
    found = open_sweep("out.zarr").load()
    assert found.status.values.tolist() == [[0, 5], [0, 5], [0, 5]]
    assert np.isfinite(found.eps_g.sel({"start.X": 0.0})).all()
    assert re.search(r"^ +ok  3\nrefused  3\n", done.stdout, re.MULTILINE)
    assert "    learning_rate = 0.5, start.X = 0.6: refused. Argument `R` of the start must satisfy" in done.stdout
    assert "sweep: ok. All 6 scenarios were run: 3 ok, 3 refused." in done.stdout
    quiet = learndyn("sweep", "refused.toml", "-o", "again.zarr", "-q", code=3)
    assert quiet.stdout == ""
    assert quiet.stderr == "sweep: ok. All 6 scenarios were run: 3 ok, 3 refused.\n"


def test_quietly_nothing_is_printed(folder):
    assert learndyn("sweep", "theory.toml", "-o", "out.zarr", "-q").output == ""


def test_the_estimate_runs_nothing(folder):
    for options in ([], ["-o", "out.zarr"]):
        done = learndyn("sweep", "theory.toml", "--estimate", *options)
        assert done.stdout.startswith("Sweep: 6 scenarios in 1 chunk of up to 6; results ")
        assert not (folder / "out.zarr").exists()


def test_where_to_compute_is_handed_on(folder, monkeypatch):
    seen = {}

    def computed(plan, **options):
        seen.update(options, chunks=len(plan))
        raise ld.InputError("Argument `client` must answer. Leave `workers` out.")

    monkeypatch.setattr("learndyn.sweeps.sweep.computed", computed)
    said = learndyn("sweep", "theory.toml", "-o", "memory://c.zarr", "--scheduler", "tcp://a:1", "-q", code=2).stderr
    assert said == "Option --scheduler must answer. Leave --workers out.\n"
    assert (seen["client"], seen["workers"], seen["store"]) == ("tcp://a:1", None, "memory://c.zarr")
    learndyn("sweep", "theory.toml", "-o", "out.zarr", "--workers", "2", "--resume", code=2)
    assert (seen["client"], seen["workers"], seen["resume"], seen["progress"]) == (None, 2, True, "auto")


# Pictures.


@pytest.mark.parametrize(
    ("file", "function", "names", "others"),
    [
        ("theory", "heat_map", ("learning_rate", "start.X"), {}),
        ("cube", "heat_map", ("learning_rate", "start.X"), {"rtol": 1e-6}),
        ("simulation", "heat_map", ("N", "learning_rate"), {}),
        ("line", "family", ("learning_rate",), {"start.X": 0.1}),
    ],
)
def test_the_picture_suits_the_dims(folder, monkeypatch, file, function, names, others):
    drawn, real = [], getattr(ld.plot, function)

    def recorded(*arguments, **options):
        drawn.append((arguments[1:], options))
        return real(*arguments, **options)

    monkeypatch.setattr(ld.plot, function, recorded)
    done = learndyn("sweep", f"{file}.toml", "-o", "out.zarr", "--plot", "out.png")
    assert drawn == [((*names, "eps_g"), others)]
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert "Wrote the picture: out.png" in done.stdout
    assert ("It is for " in done.stdout) == bool(others)


# Show.


@pytest.mark.parametrize("file", ["theory", "simulation"])
def test_what_show_prints_is_the_file_of_the_sweep(folder, file):
    learndyn("sweep", f"{file}.toml", "-o", "out.zarr", "-q")
    text = learndyn("show", "out.zarr").stdout
    (folder / "again.toml").write_text(text[: re.search(r"^\w+ +\d+ values: ", text, re.MULTILINE).start()])
    plans = []
    for name in (f"{file}.toml", "again.toml"):
        case = ld.read_scenario_file(name, require=("start", "sweep"))
        plans.append(planned(case.scenario, case.sweep_start, **case.sweep))
    assert plans[0].digest == plans[1].digest
    for part in ("learning_rate", "sweep: ok. All", "versions: learndyn"):
        assert part in text


def test_show_tells_a_sweep_that_is_saved_as_one_result(folder):
    made = ld.sweep(PERCEPTRON, ld.Start(Q=0.25, R=0.0), {"learning_rate": np.geomspace(0.1, 1, 9)}, until=1, save_at=2)
    ld.save(made, "out.nc")
    text = learndyn("show", "out.nc").stdout
    assert 'learning_rate = {from = 0.1, to = 1.0, points = 9, spacing = "log"}' in text
    assert "9 values: 0.1 to 1, evenly spaced in the logarithm\n" in text
    assert "sweep: ok. All 9 scenarios were run: 9 ok." in text


# Bad input: a sentence, exit code 2, nothing on disk. (What is found in a file: test_scenario_file_sweep.py.)


def over(line, sweep=""):
    return THEORY[: THEORY.index("[sweep.over]")] + f"{sweep}\n[sweep.over]\n{line}\n"


BAD_FILES = {
    "unknown parameter": (over("learning_rat = [1]"), "[sweep] Parameter `learning_rat` of `over` must be"),
    "text for a list": (over('learning_rate = "fast"'), "[sweep.over] learning_rate must be a list of numbers"),
    "text for numbers": (over('learning_rate = ["fast"]'), "[sweep] "),
    "parameter in two groups": (
        over("K = [1]\nM = [1]", '[sweep]\ntogether = [["K", "M"], ["K"]]'),
        '[sweep] together must have each parameter once, but it has "K" twice.',
    ),
    "unequal lengths together": (
        over("K = [1]\nM = [1, 2]", '[sweep]\ntogether = [["K", "M"]]'),
        "[sweep] together must have parameters with equally many values, but K has 1 and M has 2.",
    ),
    "no N": (over("K = [1]", '[simulate]\n[sweep]\nengine = "simulate"'), "[simulate] N is missing"),
    "unknown observable": (over("K = [1]", '[sweep]\nobservables = ["eps"]'), "[sweep] Argument `observables` must"),
    "no seed": (over("K = [1]").replace('"near_symmetric"\nQ = 0.25', '"random"'), "[start] seed is missing"),
    "no sweep": (THEORY[: THEORY.index("[sweep.over]")], "the table [sweep] is missing: add it."),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused(folder, name):
    text, sentence = BAD_FILES[name]
    (folder / "bad.toml").write_text(text)
    said = refused("sweep", "bad.toml", "-o", "out.zarr", "-q")
    assert "\n" not in said
    assert said.startswith(f"bad.toml: {sentence}")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Option -o must name the store of the results, but it is missing. Add -o sweep.zarr, or --estimate"),
        (["-o", "out.zarr", "--resume"], "Option --resume needs a store to go on from, but there is none at out.zarr."),
        (["-o", "theory.toml"], "Store theory.toml cannot be made or opened"),
        (["-o", "nowhere/out.zarr"], "Store nowhere/out.zarr cannot be made or opened"),
        (["-o", "out.zarr", "--workers", "0"], "Option --workers must be a whole number of at least 1, but it is 0."),
        (["-o", "out.zarr", "--workers", "2", "--scheduler", "x"], "Options --scheduler and --workers must not"),
        (["-o", "out.zarr", "--plot", "out.bmp"], "Option --plot must end in .png, .pdf, .svg, .eps"),
        (["-o", "out.zarr", "--plot", "nowhere/out.png"], "File nowhere/out.png cannot be written"),
        (["-o", "out.png", "--plot", "out.png"], "Option --plot must name a file of its own"),
    ],
)
def test_bad_options_are_refused(folder, options, sentence):
    said = refused("sweep", "theory.toml", "-q", *options).replace(f"{folder}/", "")
    assert said.startswith(sentence)
    assert "\n" not in said


def test_a_store_of_another_plan_is_refused(folder):
    learndyn("sweep", "theory.toml", "-o", "out.zarr", "-q")
    assert "belongs to another sweep" in refused("sweep", "refused.toml", "-o", "out.zarr", "-q")


def test_a_folder_that_is_no_sweep_is_not_shown(folder):
    (folder / "empty").mkdir()
    assert f"Store {folder / 'empty'} cannot be opened" in refused("show", "empty")


def test_help_lists_it():
    assert re.search(r"^ +sweep +Run the many scenarios of a file", learndyn("--help").stdout, re.MULTILINE)
    for option in ("--output", "--resume", "--scheduler", "--workers", "--plot", "--estimate", "--quiet"):
        assert option in learndyn("sweep", "--help").stdout


# Ctrl-C, in a real process.


def test_ctrl_c_keeps_what_is_done(folder):
    text = SIMULATION.replace("{from = 0.5, to = 1.5, points = 3}", "{from = 0.5, to = 1.5, points = 1000}")
    (folder / "long.toml").write_text(text.replace("until = 2", "until = 2000").replace("chunk = 2", "chunk = 1"))
    # A test run in the background hands down that Ctrl-C is ignored.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from learndyn.cli import main; main()"
    )
    environment = os.environ | {"LEARNDYN_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-c", script, "sweep", "long.toml", "-o", "out.zarr"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        chunks = Path("out.zarr/.learndyn/chunks")
        while process.poll() is None and not any(chunks.rglob("*.json")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert stderr.endswith("Interrupted; the same command goes on.\n")
    counts = dict(re.findall(r"^ *(ok|missing)  (\d+)$", stdout, re.MULTILINE))
    assert int(counts["ok"]) >= 1
    assert int(counts["missing"]) >= 1
    assert int(counts["ok"]) + int(counts["missing"]) == 2000
    assert "sweep: interrupted." in stdout


def test_an_interrupt_that_python_would_ignore_comes_later(monkeypatch):
    """Such as one in JAX's callback of the garbage collector: it was lost, and its traceback shown."""

    class Deaf:
        def __del__(self):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "unraisablehook", keep_interrupt)
    Deaf()
    with pytest.raises(KeyboardInterrupt):
        time.sleep(30)
