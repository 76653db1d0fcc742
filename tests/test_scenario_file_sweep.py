"""The table [sweep] of scenario files: the arguments of ld.sweep, one line for each mistake, and back to text."""

import inspect
import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import learndyn as ld
from file_mistakes import mistakes, reading
from learndyn.scenario_file import scenario_text
from learndyn.scenario_keys import ENGINES, TABLES
from learndyn.scenario_sweep import spaced
from learndyn.sweeps.engines import ENGINES as OF_SWEEPS
from learndyn.sweeps.sweep import planned

GOOD = """
[scenario]
learning_rate = 0.1
student.units = 2
teacher.units = 2
[start]
kind = "near_symmetric"
Q = 0.2
[solve]
until = 30
rtol = 1e-6
[simulate]
N = 100
save_at = 4
threads = 1
checkpoint = "state"
[sweep]
observables = ["eps_g"]
chunk = 5
[sweep.over]
learning_rate = {from = 0.1, to = 10, points = 3, spacing = "log"}
"start.X" = [1e-3, 1e-6]
"""
BEFORE_SWEEP = GOOD[: GOOD.index("[sweep]")]


read = pytest.fixture(reading)


def test_unknown_names_are_told_with_the_other_mistakes(read):
    known = "must be a field of the scenario, of the start or an option of the engine: "
    bad = GOOD.replace("until = 30", "untill = 30").replace("\nlearning_rate = {", "\nlearning_rates = {")
    lines = mistakes(read, bad.replace("start.X", "start.Z"))
    assert any(line.startswith(f"[sweep] Parameter `learning_rates` of `over` {known}") for line in lines)
    assert any(line.startswith("[sweep] Z of Start.near_symmetric must be Q, X, at") for line in lines)
    assert any(line.startswith("[solve] untill") for line in lines)
    # Without a scenario, by the fields of its kind.
    lines = mistakes(read, bad.replace("student.units = 2", "[student]\nunits = 2", 1))
    assert any(line.startswith(f"[sweep] Parameter `learning_rates` of `over` {known}") for line in lines)
    assert not any("`start.X`" in line or "`learning_rate`" in line for line in lines)


# What a good file gives.


def test_a_file_gives_the_arguments_of_sweep(read):
    case = read(GOOD)
    assert case.sweep == {
        "engine": "solve",
        "over": {"learning_rate": [0.1, 1.0, 10.0], "start.X": [1e-3, 1e-6]},
        "observables": ["eps_g"],
        "chunk": 5,
        "until": 30,
        "rtol": 1e-6,
    }
    assert isinstance(case.sweep_start, ld.StartRecipe)
    assert case.sweep_start.to_plain() == {"kind": "near_symmetric", "Q": 0.2}
    assert case.start == ld.Start.near_symmetric(case.scenario, Q=0.2)
    # The other runs of the file are as without a sweep.
    assert case.simulate == {"until": 30, "N": 100, "save_at": 4, "threads": 1, "checkpoint": "state"}
    without = read(BEFORE_SWEEP)
    assert (without.sweep, without.sweep_start) == (None, None)
    assert (without.start, without.solve, without.simulate) == (case.start, case.solve, case.simulate)


def test_the_options_are_those_of_the_engine_that_is_asked_for(read):
    case = read(GOOD.replace("[sweep]", '[sweep]\nengine = "simulate"'))
    options = {key: value for key, value in case.sweep.items() if key not in ("over", "observables", "chunk")}
    # A store takes the place of a checkpoint.
    assert options == {"engine": "simulate", "until": 30, "N": 100, "save_at": 4, "threads": 1}


def test_what_is_swept_may_be_left_out_or_stand_there(read):
    text = (
        GOOD.replace('"near_symmetric"', '"random"')
        .replace("Q = 0.2", "")
        .replace("[sweep]", '[sweep]\nengine = "simulate"')
    )
    text += 'N = [10, 20]\n"start.seed" = {from = 1, to = 3}\n'
    for written in (text, text.replace("N = 100\n", "")):
        case = read(written)
        assert case.sweep["over"]["N"] == [10, 20]
        assert "N" not in {key: value for key, value in case.sweep.items() if key != "over"}
        assert case.sweep["over"]["start.seed"] == [1, 2, 3]
        assert case.start is None
        assert case.sweep_start.to_plain() == {"kind": "random"}
    # For a single run they must be there.
    assert mistakes(read, text.replace("N = 100\n", ""), require=("start", "solve")) == [
        "[start] seed is missing: add a whole number of at least 0, such as seed = 1",
        "[simulate] N is missing: add a whole number of at least 1, or a list of them, such as N = 1000",
    ]
    assert read(text.replace('"random"', '"random"\nseed = 4'), require=("start", "solve")).start is not None


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("[3, 1, 2]", [3, 1, 2]),
        ('["erf", "relu"]', ["erf", "relu"]),
        ("[true, false]", [True, False]),
        ("{from = 1, to = 8}", [1, 2, 3, 4, 5, 6, 7, 8]),
        ("{from = -1, to = 9, points = 3}", [-1, 4, 9]),
        ("{from = 1, to = 2, points = 3}", [1.0, 1.5, 2.0]),
        ("{from = 1.0, to = 3.0, points = 3}", [1.0, 2.0, 3.0]),
        ('{from = 10, to = 1_000_000, points = 6, spacing = "log"}', [10, 100, 1000, 10_000, 100_000, 1_000_000]),
    ],
)
def test_values_and_ranges(read, written, values):
    found = read(f"{BEFORE_SWEEP}[sweep.over]\nx = {written}\n").sweep["over"]["x"]
    assert found == values
    assert [type(each) for each in found] == [type(each) for each in values]


@given(
    ends=st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)).filter(lambda e: e[0] < e[1]),
    points=st.integers(2, 50),
    spacing=st.sampled_from(["linear", "log"]),
)
def test_ranges_begin_and_end_as_they_say_and_are_even(ends, points, spacing):
    values = np.array(spaced(*ends, points, spacing))
    assert (len(values), values[0], values[-1]) == (points, *ends)
    steps = np.diff(np.log(values) if spacing == "log" else values)
    # Values are rounded in the last place of the largest, and so are logarithms, which are 14 at most; each step has
    # two of them, and each may be rounded twice.
    largest = 14.0 if spacing == "log" else ends[1]
    np.testing.assert_allclose(steps, steps.mean(), rtol=0, atol=8 * np.finfo(float).eps * largest)


def test_parameters_that_go_together_have_a_dim(read):
    over = '[sweep]\ntogether = [["learning_rate", "start.X"], ["label_noise", "rtol"]]\n[sweep.over]\n'
    over += "learning_rate = [0.1, 0.2, 0.3]\nlabel_noise = [0.0, 0.1]\nK = [2]\nrtol = [1e-6, 1e-7]\n"
    found = read(f'{BEFORE_SWEEP}{over}"start.X" = {{from = 1, to = 3}}\n').sweep["over"]
    assert list(found) == ["learning_rate", "label_noise", "K", "rtol", "start.X"]
    assert found["K"] == [2]
    for name, dim, values in (
        ("learning_rate", "member", [0.1, 0.2, 0.3]),
        ("start.X", "member", [1, 2, 3]),
        ("label_noise", "member2", [0.0, 0.1]),
        ("rtol", "member2", [1e-6, 1e-7]),
    ):
        xr.testing.assert_identical(found[name], xr.DataArray(values, dims=dim))


def test_other_scenarios_keep_their_starts(read):
    text = '[scenario]\nkind = "linear_modes"\ns = 3.0\n[start]\nu = 0.1\n[solve]\nuntil = 1\n'
    case = read(text + "[sweep.over]\nbeta = [1, 2]\n")
    assert case.sweep_start == case.start == ld.ModeStart(0.1)


def test_keys_are_arguments_of_sweep():
    arguments = set(inspect.signature(ld.sweep).parameters)
    assert set(TABLES["sweep"]) - {"together"} <= arguments
    assert tuple(ENGINES) == OF_SWEEPS


# Mistakes: (what stands in [sweep] and below, what its lines say, in order).

OVER = "[sweep.over]\nlearning_rate = [0.1, 0.2]\n"
MISTAKES = {
    "nothing to sweep": ("[sweep]\nchunk = 3\n", ["the table [sweep.over] is missing: add it."]),
    "no parameter": ("[sweep.over]\n", ["[sweep.over] has no parameter: add one ... learning_rate = [0.1, 1.0]"]),
    "misspelt keys": (
        f'[sweep]\nengin = "solve"\nobservable = ["R"]\n{OVER}',
        ["[sweep] engin = ... 'engine'", "[sweep] observable = ... 'observables'"],
    ),
    "wrong types": (
        f'[sweep]\nengine = "solv"\nobservables = "eps_g"\nchunk = 0\ntogether = ["x"]\n{OVER}',
        [
            '[sweep] engine must be "solve" or "simulate", but it is "solv". Did you mean \'solve\'',
            '[sweep] observables must be a list of names in quotes, but it is "eps_g".',
            "[sweep] chunk must be a whole number of at least 1, or a list of them, but it is 0.",
            "[sweep] together must be a list of lists of names in quotes",
        ],
    ),
    "text for a list": (
        '[sweep.over]\nlearning_rate = "fast"\n',
        ['[sweep.over] learning_rate must be a list of numbers, of words ... but it is "fast".'],
    ),
    "values of several kinds": (
        '[sweep.over]\nx = [0.1, "a"]\ny = []\nz = [1, true]\nR = [[1.0], [2.0]]\n',
        [f"[sweep.over] {name} must be a list of numbers" for name in ("x", "y", "z", "R")],
    ),
    "a number": ("[sweep.over]\nK = 3\n", ["[sweep.over] K must be a list ... but it is 3."]),
    "a dot without quotes": (
        "[sweep.over]\nstart.X = [0.1]\n",
        ['[sweep.over] start must be a list ... but it is a table. ... quotes: "start.X" = [...]'],
    ),
    "keys of a range": (
        "[sweep.over]\nx = {frm = 1, to = 2, points = 1, spacing = 3}\n",
        [
            "[sweep.over.x] frm = 1 is an unknown key ... 'from'",
            "[sweep.over.x] points must be a whole number of at least 2, but it is 1.",
            '[sweep.over.x] spacing must be "linear" or "log", but it is 3.',
        ],
    ),
    "ranges": (
        "[sweep.over]\na = {from = 3, to = 1}\nb = {from = 0.1, to = 1}\n"
        'c = {from = 1, to = 9, spacing = "log"}\nd = {from = 0, to = 9, points = 3, spacing = "log"}\n'
        "e = {from = 1, to = 10_000_001}\n",
        [
            "[sweep.over.a] to must be above from = 3, but it is 1.",
            "[sweep.over.b] points is missing: add a whole number of at least 2, such as points = 50",
            "[sweep.over.c] points is missing",
            '[sweep.over.d] from must be above 0 for spacing = "log", but it is 0.',
            "[sweep.over.e] a parameter has at most 10000000 values, but these are 10000001.",
        ],
    ),
    "together": (
        '[sweep]\nengine = "simulate"\ntogether = [["learning_rate", "seeds"], ["seed", "learning_rate", "K"]]\n'
        f"{OVER}seed = [1, 2]\nK = [1, 2, 3]\n",
        [
            "[sweep] together must have names of parameters in [sweep.over] ... it has \"seeds\". Did you mean 'seed'",
            '[sweep] together must have each parameter once, but it has "learning_rate" twice.',
            "[sweep] together must have parameters with equally many values, but seed has 2 and K has 3.",
        ],
    ),
    "value instead of table": ("sweep = 3\n", ["sweep must be a table, but it is 3."]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_line(read, name):
    text, expected = MISTAKES[name]
    written = text + BEFORE_SWEEP if text.startswith("sweep =") else BEFORE_SWEEP + text
    lines = mistakes(read, written)
    assert len(lines) == len(expected), lines
    for line, wanted in zip(lines, expected, strict=True):
        first, *others = wanted.split(" ... ")
        assert line.startswith(first)
        assert all(other in line for other in others)


def test_mistakes_of_all_tables_are_told_together(read):
    text = GOOD.replace("until = 30", 'until = "x"').replace("Q = 0.2", "q = 0.2").replace("chunk = 5", "chunk = []")
    assert [re.sub(r"\].*", "", line) for line in mistakes(read, text)] == ["[start", "[solve", "[sweep"]


def test_an_engine_needs_its_table(read):
    text = GOOD[: GOOD.index("[solve]")] + "[sweep.over]\nK = [1, 2]\n"
    assert mistakes(read, text) == [
        'the table [solve] is missing: a sweep with engine = "solve" takes its time and its options from it. Add it.'
    ]
    text = text.replace("[sweep.over]", '[simulate]\nuntil = 3\n[sweep]\nengine = "simulate"\n[sweep.over]')
    assert mistakes(read, text) == [
        "[simulate] N is missing: add a whole number of at least 1, or a list of them, such as N = 1000"
    ]
    assert mistakes(read, BEFORE_SWEEP, require=("sweep",)) == ["the table [sweep] is missing: add it."]


# Back to text.

VALUES = st.one_of(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12, unique=True),
    st.lists(st.integers(-5, 2**62), min_size=1, max_size=12, unique=True),
    st.lists(st.sampled_from(["erf", "relu", "linear"]), min_size=1, max_size=3, unique=True),
    st.just([True, False]),
    st.builds(
        spaced, st.integers(1, 9), st.integers(10, 10**6), st.integers(2, 30), st.sampled_from(["linear", "log"])
    ),
    st.builds(
        spaced, st.floats(1e-6, 1.0), st.floats(2.0, 1e6), st.integers(2, 30), st.sampled_from(["linear", "log"])
    ),
)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=4), engine=st.sampled_from(ENGINES))
def test_a_file_gives_back_what_was_written(values, engine, tmp_path_factory):
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.1)
    recipe = ld.StartRecipe(ld.Start.random, X=1e-3, seed=4)
    names = ["learning_rate", "start.X", "start.R[1,2]", "x"]
    sweep = {"engine": engine, "over": dict(zip(names, values, strict=False)), "until": 3.0, "save_at": ld.logspaced(4)}
    sweep |= {"observables": ["eps_g", "R"], "chunk": [2, 3]} | ({"N": 50} if engine == "simulate" else {"rtol": 1e-6})
    path = tmp_path_factory.mktemp("round") / "case.toml"
    case = ld.read_scenario_file(ld.write_scenario_file(path, scenario, recipe, sweep=sweep))
    assert case.sweep == sweep
    assert list(case.sweep["over"]) == list(sweep["over"])
    for name, found in case.sweep["over"].items():
        assert [type(each) for each in found] == [type(each) for each in sweep["over"][name]]
    assert case.sweep_start.to_plain() == recipe.to_plain()
    again = ld.write_scenario_file(path.with_name("b"), case.scenario, case.sweep_start, sweep=case.sweep)
    assert again.read_bytes() == path.read_bytes()


def test_ranges_arrays_and_groups_are_written_in_their_order():
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.1)
    over = {
        "K": range(1, 10),
        "learning_rate": xr.DataArray(np.geomspace(0.1, 3.0, 50), dims="pair"),
        "activation": np.array(["erf", "relu"]),
        "start.X": xr.DataArray(np.linspace(0.0, 1.0, 50), dims="pair"),
    }
    text = scenario_text(scenario, ld.StartRecipe(ld.Start.near_symmetric), sweep={"over": over, "until": 3.0})
    assert text.endswith(
        """
[solve]
until = 3.0

[sweep]
engine = "solve"
together = [
    [
        "learning_rate",
        "start.X",
    ],
]

[sweep.over]
K = {from = 1, to = 9}
learning_rate = {from = 0.1, to = 3.0, points = 50, spacing = "log"}
activation = [
    "erf",
    "relu",
]
"start.X" = {from = 0.0, to = 1.0, points = 50, spacing = "linear"}
"""
    )


def test_what_is_read_back_is_the_same_plan(tmp_path):
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.1)
    recipe = ld.StartRecipe(ld.Start.random, X=1e-3)
    over = {"learning_rate": [0.1, 0.2], "start.seed": [1, 2, 3]}
    sweep = {"over": over, "until": 3.0, "observables": ["R", "eps_g"]}
    case = ld.read_scenario_file(ld.write_scenario_file(tmp_path / "a.toml", scenario, recipe, sweep=sweep))
    assert planned(case.scenario, case.sweep_start, **case.sweep).digest == planned(scenario, recipe, **sweep).digest
