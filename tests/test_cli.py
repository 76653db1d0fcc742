"""The command line, mostly in this process: what it prints and writes, and one sentence for each kind of bad input."""

import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import learndyn as ld
from command_line import BOTH, DIVERGING, THEORY, learndyn, numbers, refused
from learndyn.engines import compilation_cache

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.toml"))


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    """The cache directory is global to the process: other tests are not to see it."""
    monkeypatch.setattr(compilation_cache, "enable", lambda: None)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with the scenario files theory.toml, both.toml and diverging.toml."""
    for name, text in (("theory", THEORY), ("both", BOTH), ("diverging", DIVERGING)):
        (tmp_path / f"{name}.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# run


def test_run_prints_the_curve_that_solve_gives(folder):
    done = learndyn("run", "theory.toml")
    table = numbers(done.stdout)
    case = ld.read_scenario_file("theory.toml")
    curve = ld.solve(case.scenario, case.start, until=3.03, save_at=table[:, 0])
    assert len(table) == 11
    # Six digits of alpha and seven of eps_g are printed; eps_g falls at a rate below 1.
    np.testing.assert_allclose(table[:, 1], curve.eps_g, rtol=1e-5)
    assert "theory: ok at alpha = 3.03" in done.stdout
    assert "a perceptron" in done.stderr
    assert "compiling the equations" in done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["both.toml", "diverging.toml", "theory.toml"]


def test_run_compares_theory_and_simulation_at_the_same_times(folder):
    done = learndyn("run", "both.toml", "-o", "out.nc")
    theory, simulation = ld.load("out.nc"), ld.load("out-simulation.nc")
    # 3.03 * 50 is no whole number: both have the times of whole updates, to the bit.
    assert theory.alpha.values.tolist() == simulation.alpha.values.tolist()
    assert theory.alpha.values[-1] == 152 / 50
    table = numbers(done.stdout)
    row = np.searchsorted(theory.alpha.values, table[5, 0])
    runs = simulation.eps_g.values[:, row]
    error = runs.std(ddof=1) / np.sqrt(3)
    expected = [theory.eps_g.values[row], runs.mean(), error, (runs.mean() - theory.eps_g.values[row]) / error]
    np.testing.assert_allclose(table[5, 1:4], expected[:3], rtol=0.05)
    assert abs(table[5, 4] - expected[3]) <= 0.0501
    assert "simulation (overlaps): ok" in done.stdout
    assert "seed 1" in done.stdout
    for name in ("out.nc", "out-simulation.nc"):
        assert name in done.stdout


def test_run_quietly_prints_nothing(folder):
    done = learndyn("run", "both.toml", "--quiet", "-o", "out.nc", "--plot", "out.png")
    assert done.output == ""
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("ending", "begins"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_run_draws(folder, ending, begins):
    done = learndyn("run", "theory.toml", "--plot", f"picture{ending}")
    assert (folder / f"picture{ending}").read_bytes().startswith(begins)
    assert f"Wrote the picture: picture{ending}" in done.stdout


def test_a_run_that_diverges_writes_what_it_has_and_exits_with_3(folder):
    done = learndyn("run", "diverging.toml", "-o", "out.nc", code=3)
    assert "theory: diverged at alpha" in done.stdout
    kept = ld.load("out.nc")
    assert kept.attrs["status"] == "diverged"
    assert 0 < kept.alpha.values[-1] < 1000
    (folder / "diverging.toml").write_text(DIVERGING + "[simulate]\nN = 50\n")
    done = learndyn("run", "diverging.toml", code=3)
    assert "There is no simulation: theory ended early." in done.stdout
    assert "diverged" in learndyn("run", "diverging.toml", "-q", code=3).stderr


def test_an_interrupted_theory_is_written(folder, monkeypatch):
    from learndyn import verbs

    def interrupted(*arguments, real=verbs.solve, **options):
        return real(*arguments, **options).assign_attrs(status="interrupted", message="Interrupted.")

    monkeypatch.setattr(verbs, "solve", interrupted)
    learndyn("run", "both.toml", "-o", "out.nc", code=130)
    assert (folder / "out.nc").exists()
    assert not (folder / "out-simulation.nc").exists()


# show


def test_show_tells_what_a_result_is(folder):
    learndyn("run", "both.toml", "-o", "out.nc", "-q")
    shown = learndyn("show", "out.nc").stdout
    for part in ("learning_rate = 0.5", "Q = [[0.25]]", "until = 3.04", "theory: ok", "versions: learndyn", "jax "):
        assert part in shown
    shown = learndyn("show", "out-simulation.nc").stdout
    for part in ("N = 50", "replicas = 3", "seed = 1", "simulation (overlaps): ok", "eps_g simulation"):
        assert part in shown


def test_show_takes_averages_and_single_replicas_for_simulations(folder):
    learndyn("run", "both.toml", "-o", "out.nc", "-q")
    runs = ld.load("out-simulation.nc")
    whole = learndyn("show", "out-simulation.nc").stdout
    ld.save(ld.mean_and_error(runs), "mean.nc")
    ld.save(runs.sel(replica=1), "one.nc")
    mean = learndyn("show", "mean.nc").stdout
    np.testing.assert_array_equal(numbers(mean), numbers(whole))
    for shown in (mean, learndyn("show", "one.nc").stdout):
        assert "[simulate]" in shown
        assert "eps_g simulation" in shown
    ld.save(runs.isel(replica=1, alpha=-1), "row.nc")
    assert "single row" in refused("show", "row.nc")


def test_what_show_prints_is_a_scenario_file(folder):
    learndyn("run", "both.toml", "-o", "out.nc", "-q")
    text = learndyn("show", "out.nc").stdout
    (folder / "again.toml").write_text(text[: text.index("\n     alpha")])
    case, again = ld.read_scenario_file("both.toml"), ld.read_scenario_file("again.toml")
    assert (case.scenario, case.start) == (again.scenario, again.start)


# figure


class Figures(types.ModuleType):
    """Stands for learndyn.figures: two figures, one number each."""

    drawn: list

    def names(self):
        return ["one", "two"]

    def describe(self, name):
        return f"the figure {name}"

    def draw(self, name, recompute=False):
        from matplotlib.figure import Figure

        self.drawn.append((name, recompute))
        return types.SimpleNamespace(figure=Figure(), numbers={"eta": 0.1}, caption=f"Caption of {name}.")


@pytest.fixture
def figures(monkeypatch, folder):
    module = Figures("learndyn.figures")
    module.drawn = []
    monkeypatch.setitem(sys.modules, "learndyn.figures", module)
    # Not setattr: it would ask ld for its figures, be given these, and put them back for good.
    monkeypatch.setitem(vars(ld), "figures", module)
    return module


def test_figures_are_listed(figures):
    assert learndyn("figure", "--list").stdout == "one  the figure one\ntwo  the figure two\n"


def test_a_figure_is_drawn_with_its_numbers(figures, folder):
    done = learndyn("figure", "two", "--format", "svg", "--output", "deep/er", "--recompute")
    assert figures.drawn == [("two", True)]
    assert (folder / "deep/er/two.svg").read_bytes().startswith(b"<?xml")
    assert "two: Caption of two.\n    eta = 0.1\n" in done.stdout


def test_all_figures_are_drawn(figures, folder):
    learndyn("figure", "--all")
    assert figures.drawn == [("one", False), ("two", False)]
    assert (folder / "one.pdf").read_bytes().startswith(b"%PDF")
    assert (folder / "two.pdf").exists()


@pytest.mark.parametrize("arguments", [(), ("one", "--all"), ("--all", "--list")])
def test_a_figure_is_one_of_three_things(figures, arguments):
    assert refused("figure", *arguments) == "Give one of: the NAME of a figure, --list, --all."


def test_an_unknown_figure_is_refused(figures):
    assert refused("figure", "onne").startswith("There is no figure 'onne'. Did you mean 'one'?")


def test_a_figure_that_cannot_be_written_is_refused(figures, folder):
    (folder / "file").touch()
    assert "file" in refused("figure", "one", "--output", "file")


# Bad input: a sentence, exit code 2, nothing on disk. (What is found in a file: test_scenario_file.py.)

BAD_FILES = {
    "typing errors": (
        THEORY.replace("learning_rate", "learning_rat").replace("until", "untli").replace("Q =", "Qs ="),
        ["[scenario] learning_rat", "'learning_rate'", "[start] Qs", "'Q'", "[solve] untli", "'until'"],
    ),
    "wrong types": (
        THEORY.replace("0.5", '"0.5"').replace("student.units = 1", "student.units = [1]"),
        [
            '[scenario] learning_rate must be a number above 0, or a table of a schedule, but it is "0.5".',
            "[scenario.student] units must be a whole",
        ],
    ),
    "negative times": (THEORY.replace("3.03", "-3"), ["[solve] until must be later than the start"]),
    "unsorted times": (THEORY.replace("16", "[2, 1]"), ["[solve] save_at must increase"]),
    "unknown activation": (
        THEORY.replace("student.units = 1", 'student.units = 1\nstudent.activation = "rellu"'),
        ["[scenario.student] activation must be", "'relu'"],
    ),
    "impossible R": (THEORY.replace("R = 0.0", "R = 0.6"), ["[start] R of the start must satisfy", "0.5"]),
    "negative Q": (THEORY.replace("Q = 0.25", "Q = -0.25"), ["[start] Q must be positive semidefinite", "-0.25"]),
    "wrong shape": (THEORY.replace("R = 0.0", "R = [[0.0], [0.0]]"), ["[start] R must have shape (K, M) with K = 1"]),
    "no start": (THEORY.replace("[start]\nQ = 0.25\nR = 0.0\n", ""), ["the table [start] is missing"]),
    "invalid TOML": (THEORY.replace("[solve]", "[solve"), ["line 10", "not valid TOML"]),
    "simulation of too few weights": (BOTH.replace("N = 50", "N = 1"), ["[simulate] N must be at least K + M = 2"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused(folder, name):
    text, parts = BAD_FILES[name]
    (folder / "bad.toml").write_text(text)
    lines = refused("run", "bad.toml", "-o", "out.nc", "--plot", "out.png").split("\n")
    assert all(line.startswith("bad.toml: ") for line in lines)
    assert all(part in "\n".join(lines) for part in parts)
    assert len(lines) == sum(part.startswith(("[", "the", "line")) for part in parts)


def test_what_only_a_verb_refuses_gets_its_place_in_the_file(folder, monkeypatch):
    def refusing(*_, **__):
        raise ld.InputError("Argument `x` must be y.")

    monkeypatch.setattr("learndyn.verbs.solve", refusing)
    assert refused("run", "theory.toml").endswith("theory.toml: [solve] Argument `x` must be y.")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "missing.toml"], "File missing.toml does not exist."),
        (["run", "."], "File . is a folder"),
        (["run", "theory.toml", "-o", "nowhere/out.nc"], "the folder nowhere does not exist. Make it first"),
        (["run", "theory.toml", "-o", "both.toml/out.nc"], "the folder both.toml is not a folder"),
        (["run", "theory.toml", "-o", "."], "it is a folder. Add a file name."),
        (["run", "both.toml", "-o", ""], "it is a folder. Add a file name."),
        (["run", "theory.toml", "-o", "theory.toml"], "must name other files than the scenario file"),
        (["run", "theory.toml", "-o", "a.png", "--plot", "a.png"], "must name other files"),
        (["run", "theory.toml", "--plot", "picture.bmp"], "must end in .png, .pdf, .svg, .eps"),
        (["run", "theory.toml", "--plot", "nowhere/out.png"], "the folder nowhere does not exist"),
        (["run", "theory.toml", "--seed", "1"], "the file has no [simulate]"),
        (["run", "both.toml", "--seed", "-1"], "--seed must be a whole number of at least 0, but it is -1"),
        (["show", "missing.nc"], "Argument RESULT must be a result file, but missing.nc does not exist"),
        (
            ["equations", "theory.toml", "-o", "a.docx"],
            "Option -o must end in .tex, .pdf, .png or .svg, but it is a.docx.",
        ),
        (["show", "theory.toml"], "theory.toml cannot be read as a result"),
    ],
)
def test_bad_arguments_are_refused(folder, arguments, sentence):
    said = refused(*arguments)
    assert sentence in said
    assert "\n" not in said


@pytest.mark.parametrize("arguments", [["run"], ["runn", "x"], ["run", "theory.toml", "--sed", "1"], ["show"]])
def test_misused_commands_exit_with_2(folder, arguments):
    assert learndyn(*arguments, code=2).stderr


def test_a_truncated_result_is_refused(folder):
    learndyn("run", "theory.toml", "-o", "out.nc", "-q")
    whole = (folder / "out.nc").read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        (folder / "out.nc").write_bytes(whole[:length])
        said = refused("show", "out.nc")
        assert "out.nc" in said
        assert "truncated" in said


def test_an_unwritable_folder_is_refused(folder, monkeypatch):
    # For a superuser everything is writable, so the answer of the system is replaced.
    closed = folder / "closed"
    closed.mkdir()
    monkeypatch.setattr("learndyn.files.os.access", lambda path, _: Path(path).name != "closed")
    for option, name in (("-o", "out.nc"), ("--plot", "out.png")):
        assert "closed is not writable" in refused("run", "theory.toml", option, f"closed/{name}")


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xarray.Dataset.to_netcdf", full)
    before = sorted(folder.iterdir())
    done = learndyn("run", "theory.toml", "-o", "out.nc", code=2)
    assert "No space left on device" in done.stderr
    assert sorted(folder.iterdir()) == before


def test_a_picture_that_fails_leaves_nothing_behind(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    done = learndyn("run", "theory.toml", "--plot", "out.png", code=2)
    assert "No space left on device" in done.stderr
    assert not list(folder.glob("*out*"))
    assert not list(folder.glob(".*"))


def test_too_little_memory_is_a_sentence(folder, monkeypatch):
    def greedy(*_, **__):
        raise MemoryError

    monkeypatch.setattr("learndyn.verbs.solve", greedy)
    assert "needs more memory" in learndyn("run", "theory.toml", code=2).stderr


# The rest.


def test_version_and_help():
    assert learndyn("--version").stdout == f"learndyn {ld.__version__}\n"
    for command in ([], ["run"], ["show"], ["figure"]):
        assert "Usage: " in learndyn(*command, "--help").stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_can_be_read(path):
    case = ld.read_scenario_file(path, require=("start", "solve"))
    assert case.title
    assert any(source in path.read_text() for source in ("slide", "Schmid & Murray"))


def test_there_are_ten_examples():
    assert len(EXAMPLES) >= 10


def test_programs_are_kept_between_processes(folder):
    """The second process finds what the first has compiled: it traces nothing and needs no solver."""
    code = (
        "import sys; sys.argv = ['learndyn', 'run', 'theory.toml', '-q']\n"
        "from learndyn.cli import app\n"
        "try: app()\n"
        "except SystemExit as end: assert not end.code\n"
        "print('diffrax' in sys.modules)"
    )
    environment = {**os.environ, "LEARNDYN_CACHE_DIR": str(folder / "cache")}
    said = [
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said == ["True\n", "False\n"]
    assert len(list((folder / "cache").glob("*/xla/*"))) > 0


def test_an_unusable_cache_directory_is_no_error(folder):
    environment = {**os.environ, "LEARNDYN_CACHE_DIR": str(folder / "theory.toml")}
    command = [sys.executable, "-m", "learndyn", "run", "theory.toml"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "theory: ok" in done.stdout
    assert "arning" not in done.stderr


def test_ctrl_c_waits_for_the_end_of_an_import():
    """An interrupt inside jaxlib's import would abort the process."""
    from learndyn.cli.common import whole_imports

    reached, before = [], signal.getsignal(signal.SIGINT)

    def interrupted_import() -> None:
        with whole_imports():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        interrupted_import()
    assert reached == ["the end"]
    assert signal.getsignal(signal.SIGINT) is before
