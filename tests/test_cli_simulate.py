"""The command line with a simulation: its times and ends, its checkpoint, and what is refused before theory runs."""

import os
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

import learndyn as ld
from command_line import BOTH, learndyn, numbers, refused
from learndyn import verbs
from learndyn.engines import compilation_cache


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    """The cache directory is global to the process: other tests are not to see it."""
    monkeypatch.setattr(compilation_cache, "enable", lambda: None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with the scenario file both.toml."""
    (tmp_path / "both.toml").write_text(BOTH)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# run


def test_run_keeps_the_times_of_theory_when_the_simulation_has_its_own(folder):
    (folder / "both.toml").write_text(BOTH + "until = 1\nsave_at = [0.5, 1.0]\n")
    done = learndyn("run", "both.toml", "-o", "out.nc")
    theory, simulation = ld.load("out.nc"), ld.load("out-simulation.nc")
    assert simulation.alpha.values.tolist() == [0.5, 1.0]
    assert set(np.linspace(0, 3.03, 16)) | {0.5, 1.0} == set(theory.alpha.values)
    assert numbers(done.stdout)[:, 0].tolist() == [0.5, 1.0, 3.03]


def test_an_interrupted_simulation_is_written(folder, monkeypatch):
    from learndyn import verbs

    def interrupted(*arguments, real=verbs.simulate, **options):
        kept = real(*arguments, **options).isel(alpha=slice(0, 4))
        return kept.assign_attrs(status="interrupted", message="Interrupted.")

    monkeypatch.setattr(verbs, "simulate", interrupted)
    done = learndyn("run", "both.toml", "-o", "out.nc", code=130)
    assert "simulation (overlaps): interrupted at alpha = 0.6" in done.stdout
    assert len(ld.load("out-simulation.nc").alpha) == 4


def test_a_simulation_interrupted_before_its_first_row_leaves_theory(folder, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("learndyn.verbs.simulate", interrupted)
    done = learndyn("run", "both.toml", "-o", "out.nc", code=130)
    assert "interrupted before its first row" in done.stdout
    assert ld.load("out.nc").attrs["status"] == "ok"
    assert not (folder / "out-simulation.nc").exists()


def test_ctrl_c_in_a_real_process(folder):
    (folder / "long.toml").write_text(BOTH.replace("until = 3.03", "until = 1e6"))
    # A test run in the background hands down that Ctrl-C is ignored.
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from learndyn.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "run", "long.toml", "-o", "out.nc"]
    environment = os.environ | {"LEARNDYN_CACHE_DIR": str(folder / "cache")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        assert any(line.startswith("Simulation:") for line in process.stderr)
        code = None
        while code is None:
            process.send_signal(signal.SIGINT)
            try:
                code = process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                continue
        error = process.stderr.read()
    assert code == 130
    assert "Traceback" not in error
    assert ld.load("out.nc").attrs["status"] == "ok"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_run_without_the_simulation_and_with_another_seed(folder):
    learndyn("run", "both.toml", "--no-simulate", "-o", "alone.nc")
    assert not (folder / "alone-simulation.nc").exists()
    learndyn("run", "both.toml", "--seed", 2, "-o", "two.nc")
    learndyn("run", "both.toml", "-o", "one.nc")
    one, two = ld.load("one-simulation.nc"), ld.load("two-simulation.nc")
    assert (one.attrs["seed"], two.attrs["seed"]) == ("1", "2")
    assert not np.array_equal(one.R, two.R)


# Warnings


def warning(monkeypatch, *told, status="ok"):
    """Let ld.simulate give these warnings, as the driver does, and end with its own where the status is not ok."""
    from learndyn.verbs.simulation import EndedEarly

    def simulate(*arguments, real=verbs.simulate, **options):
        for text in told:
            warnings.warn(text, ld.LearndynWarning, stacklevel=2)
        result = real(*arguments, **options)
        if status != "ok":
            warnings.warn("Cut short.", EndedEarly, stacklevel=2)
            result = result.assign_attrs(status=status, message="Cut short.")
        return result

    monkeypatch.setattr(verbs, "simulate", simulate)


@pytest.mark.parametrize("quiet", [[], ["-q"]])
def test_a_checkpoint_that_is_not_written_is_told(folder, monkeypatch, quiet):
    sentence = "No checkpoint was written. File run.npz cannot be written: No space left. Choose another place."
    warning(monkeypatch, sentence)
    done = learndyn("run", "both.toml", *quiet)
    assert done.stderr.splitlines().count(sentence) == 1
    assert not quiet or done.output.strip() == sentence


def test_an_early_end_is_told_once(folder, monkeypatch):
    warning(monkeypatch, status="diverged")
    assert learndyn("run", "both.toml", code=3).output.count("Cut short.") == 1


def test_other_warnings_stay_what_they_are(folder, monkeypatch):
    def simulate(*_, **__):
        warnings.warn("of another package", DeprecationWarning, stacklevel=2)

    monkeypatch.setattr(verbs, "simulate", simulate)
    with pytest.raises(AssertionError, match="of another package"):
        learndyn("run", "both.toml")


# Places and checkpoints


def test_the_checkpoint_is_gone_at_the_end(folder):
    learndyn("run", "both.toml", "--checkpoint", "run.npz", "-o", "out.nc")
    assert not (folder / "run.npz").exists()
    assert ld.load("out-simulation.nc").attrs["status"] == "ok"


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "w.nc", "--checkpoint", "w.nc"],
        ["-o", "w.nc", "--checkpoint", "w-simulation.nc"],
        ["--plot", "w.png", "--checkpoint", "w.png"],
        ["--checkpoint", "both.toml"],
        ["-o", "w.nc", "--checkpoint", "../{folder}/w.nc"],
        ["-o", "w.png", "--plot", "w-simulation.png"],
    ],
)
def test_no_file_has_two_uses(folder, arguments):
    said = refused("run", "both.toml", *(argument.format(folder=folder.name) for argument in arguments))
    assert "must name other files than the scenario file and each other" in said
    assert "\n" not in said


def test_a_checkpoint_of_the_file_clashes_too(folder):
    (folder / "both.toml").write_text(BOTH + 'checkpoint = "w.nc"\n')
    assert "must name other files" in refused("run", "both.toml", "-o", "w.nc")
    learndyn("run", "both.toml", "--no-simulate", "-o", "w.nc", "-q")


# What is refused before theory runs

EARLY = {
    "two equal sizes": ("N = 50", "N = [50, 50]", "N` must hold different numbers"),
    "a small diffusion": ("seed = 1", 'seed = 1\nmethod = "diffusion"', "N` must be at least 1000"),
    "a small diffusion of several": (
        "N = 50",
        'method = "diffusion"\nN = [1000000, 50]',
        "N` must be at least 1000",
    ),
    "a tolerance without steps": ("seed = 1", "seed = 1\ntolerance = 0.01", "tolerance` is for method='diffusion'"),
    "weights of no vectors": ("seed = 1", "seed = 1\nrecord_weights = true", "record_weights` is for method='weights'"),
    "a checkpoint of several": ("N = 50", 'N = [50, 60]\ncheckpoint = "run.npz"', "checkpoint` is for a single N"),
    "too many replicas": ("replicas = 3", "replicas = 1000000000000", "replicas` must leave room in memory"),
    "too many updates": ("N = 50", "N = 9000000000000000", "until` must be one update"),
}


@pytest.fixture
def no_theory(monkeypatch):
    def solve(*_, **__):
        raise AssertionError("theory has run")

    monkeypatch.setattr(verbs, "solve", solve)


@pytest.mark.parametrize("name", EARLY)
def test_a_bad_simulation_is_refused_before_theory_runs(folder, no_theory, name):
    old, new, sentence = EARLY[name]
    text = BOTH.replace(old, new)
    assert text != BOTH
    (folder / "both.toml").write_text(text.replace("3.03", "3000") if name == "too many updates" else text)
    said = refused("run", "both.toml", "-o", "out.nc")
    assert said.startswith("both.toml: [simulate] Argument `")
    assert sentence in said
    assert "\n" not in said


def test_a_checkpoint_that_cannot_be_written_is_refused_before_theory_runs(folder, no_theory):
    assert "the folder nowhere does not exist" in refused("run", "both.toml", "--checkpoint", "nowhere/run.npz")


# show


RUNS = {
    "overlaps": "save_at = 7",
    "weights": 'method = "weights"\nrecord_weights = true\nsave_at = [0.5, 1.5, 3]',
    "diffusion": 'method = "diffusion"\ntolerance = 0.01\nsave_at = {logspaced = 3, first = 0.5}',
    "several": "save_at = {logspaced = 3}",
}


@pytest.mark.parametrize("name", RUNS)
def test_what_show_prints_of_a_simulation_makes_it_again(folder, name):
    N = {"diffusion": "2000", "several": "[50, 60]"}.get(name, "50")
    (folder / "both.toml").write_text(BOTH.replace("N = 50", f"N = {N}\n{RUNS[name]}"))
    learndyn("run", "both.toml", "-o", "out.nc", "-q")
    shown = learndyn("show", "out-simulation.nc").stdout
    shown = shown[shown.index("[scenario]") :]
    (folder / "again.toml").write_text(re.split(r"\n +(?:alpha|N) ", shown)[0])
    case = ld.read_scenario_file("again.toml")
    assert case.simulate is not None
    again, first = ld.simulate(case.scenario, case.start, **case.simulate), ld.load("out-simulation.nc")
    assert again.equals(first)
    assert again.attrs["engine"] == first.attrs["engine"]


def test_an_old_result_of_weight_vectors_is_shown_with_its_method(folder):
    """Results of before there was a choice of methods name only their engine."""
    case = ld.read_scenario_file("both.toml")
    runs = ld.simulate(case.scenario, case.start, 1.0, N=50, seed=1, method="weights", save_at=3)
    ld.save(runs.assign_attrs(options='{"until": 1.0, "N": 50, "replicas": 1}'), "old.nc")
    assert 'method = "weights"' in learndyn("show", "old.nc").stdout
