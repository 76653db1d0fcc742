"""Scenario files: a scenario is equal to its own TOML, and each mistake in a file gets one line."""

import inspect
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learndyn as ld
from file_mistakes import mistakes, reading
from learndyn.scenario_file import scenario_text
from learndyn.scenario_keys import STARTS, TABLES
from learndyn.verbs import simulate, solve

GOOD = """
title = "two units"
[scenario]
learning_rate = 0.1
[scenario.student]
units = 2
activation = "relu"
[scenario.teacher]
units = 2
activation = "relu"
[start]
Q = [[0.2, 0.0], [0.0, 0.3]]
R = [[0.0, 1e-3], [1e-3, 0.0]]
[solve]
until = 300
[simulate]
N = 1000
"""


read = pytest.fixture(reading)

# What a good file gives.


def test_a_file_is_the_same_words_as_python(read):
    case = read(GOOD)
    relu = {"units": 2, "activation": "relu"}
    assert case.scenario == ld.StudentTeacher(ld.Student(**relu), ld.Teacher(**relu), learning_rate=0.1)
    assert case.start == ld.Start(Q=[[0.2, 0], [0, 0.3]], R=[[0, 1e-3], [1e-3, 0]])
    assert case.title == "two units"
    assert case.solve == {"until": 300}
    assert case.simulate == {"until": 300, "N": 1000}


def test_whole_numbers_may_be_written_as_floats(read):
    simulate = read(GOOD.replace("N = 1000", "N = [1e3, 2000]\nreplicas = 4.0\nsave_at = 1e1")).simulate
    assert simulate == {"until": 300, "N": [1000, 2000], "replicas": 4, "save_at": 10}
    assert [type(each) for each in (*simulate["N"], simulate["replicas"])] == [int, int, int]


def test_a_single_unit_takes_numbers(read):
    case = read(
        "[scenario]\nlearning_rate=1\nstudent.units=1\nteacher={units=1, T=2}\n[start]\nQ=0.25\nR=0".replace(
            "T=2", "T=[[2]]"
        )
    )
    assert case.start == ld.Start(Q=0.25, R=0.0)
    assert case.solve is None
    assert case.simulate is None


@pytest.mark.parametrize(
    ("table", "start"),
    [
        ('kind = "random"\nseed = 3', lambda s: ld.Start.random(s, seed=3)),
        (
            'kind="random"\nQ=[0.2,0.3]\nX=1e-3\nseed=3\nat=5',
            lambda s: ld.Start.random(s, (0.2, 0.3), 1e-3, seed=3, at=5),
        ),
        ('kind = "near_symmetric"\nQ = [0.2, 0.3]', lambda s: ld.Start.near_symmetric(s, [0.2, 0.3])),
        ('kind = "near_symmetric"\nX = 0.01', lambda s: ld.Start.near_symmetric(s, X=0.01)),
        ('kind = "random_weights"\nN = 50\nseed = 1', lambda s: ld.Start.random_weights(s, 50, seed=1)),
        (
            'kind = "overlaps"\nQ = [[1, 0], [0, 1]]\nR = [[0, 0], [0, 0]]',
            lambda s: ld.Start(np.eye(2), np.zeros((2, 2))),
        ),
    ],
)
def test_each_kind_of_start(read, table, start):
    head = GOOD[: GOOD.index("[start]")]
    case = read(f"{head}[start]\n{table}\n")
    assert case.start == start(case.scenario)


def test_save_at_in_its_three_forms_is_inherited_by_the_simulation(read):
    for written, value in (
        ("[1, 10.5]", [1, 10.5]),
        ("17", 17),
        ("{logspaced = 20}", ld.logspaced(20)),
        ("{logspaced = 20, first = 0.5}", ld.logspaced(20, 0.5)),
    ):
        case = read(GOOD.replace("until = 300", f"until = 300\nsave_at = {written}"))
        assert case.solve is not None
        assert case.simulate is not None
        assert case.solve["save_at"] == case.simulate["save_at"] == value


def test_a_shorter_simulation_inherits_the_times_that_it_reaches(read):
    text = GOOD.replace("until = 300", "until = 300\nsave_at = [1, 50, 300]") + "until = 100\n"
    assert read(text).simulate == {"N": 1000, "until": 100, "save_at": [1, 50]}


def test_keys_of_a_file_are_the_fields_of_the_classes_and_the_options_of_the_verbs():
    names = {f.name for f in fields(ld.StudentTeacher)}
    assert set(TABLES["scenario"]) == names | {"kind"}
    assert set(TABLES["scenario.student"]) == {f.name for f in fields(ld.Student)}
    assert set(TABLES["scenario.teacher"]) == {f.name for f in fields(ld.Teacher)}
    for verb in (solve, simulate):
        options = set(inspect.signature(verb).parameters) - {"scenario", "start", "progress", "observables"}
        assert set(TABLES[verb.__name__]) == options
    assert set(STARTS["overlaps"]) == {f.name for f in fields(ld.Start)}
    for kind in set(STARTS) - {"overlaps"}:
        assert set(STARTS[kind]) == set(inspect.signature(getattr(ld.Start, kind)).parameters) - {"scenario"}


# Round trip.

numbers = st.floats(-1e3, 1e3, allow_nan=False)


@st.composite
def cases(draw):
    K, M = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    B, J = rng.standard_normal((M, 6)), rng.standard_normal((K, 6))
    word = draw(st.sampled_from(["erf", "relu", "linear"]))
    teacher = ld.Teacher.from_weights(B, word) if draw(st.booleans()) else ld.Teacher(M, word)
    scenario = ld.StudentTeacher(
        ld.Student(K, word),
        teacher,
        learning_rate=draw(st.floats(1e-300, 1e300)),
        dynamics=draw(st.sampled_from(["sgd", "gradient_flow"])),
    )
    start = (
        ld.Start.from_weights(J, B)
        if teacher == ld.Teacher.from_weights(B, word)
        else ld.Start.random(scenario, seed=1)
    )
    if draw(st.booleans()):
        start = ld.Start(start.Q, start.R, at=draw(numbers))
    save_at = draw(st.sampled_from([None, 5, [start.at, start.at + 0.5], ld.logspaced(7), ld.logspaced(7, 1e-3)]))
    solve = {"until": start.at + 1.0, "rtol": 1e-6} | ({} if save_at is None else {"save_at": save_at})
    return scenario, start, solve, draw(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=40)))


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_a_file_gives_back_what_was_written(case, tmp_path_factory):
    scenario, start, solve, title = case
    path = tmp_path_factory.mktemp("round") / "case.toml"
    simulate = None if scenario.dynamics == "gradient_flow" else {"N": 1000, **solve, "seed": 2**63 - 1}
    if simulate is not None:
        del simulate["rtol"]
    assert ld.write_scenario_file(path, scenario, start, solve=solve, simulate=simulate, title=title) == path
    read = ld.read_scenario_file(path)
    assert (read.scenario, read.start, read.solve, read.simulate, read.title) == (
        scenario,
        start,
        solve,
        simulate,
        title,
    )
    again = ld.write_scenario_file(
        path.with_name("again.toml"),
        read.scenario,
        read.start,
        solve=read.solve,
        simulate=read.simulate,
        title=read.title,
    )
    assert again.read_bytes() == path.read_bytes()


def test_matrices_stand_in_rows():
    big = ld.StudentTeacher(ld.Student(9), ld.Teacher(9, T=np.diag(np.arange(1.0, 10.0) ** 3)), learning_rate=1.0)
    lines = scenario_text(big).splitlines()
    assert "    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]," in lines
    assert "Q = [[0.2, 0.0], [0.0, 0.3]]" in scenario_text(
        ld.StudentTeacher(ld.Student(2), ld.Teacher(1), learning_rate=1.0), ld.Start([[0.2, 0], [0, 0.3]], [[0], [0]])
    )


def test_numpy_values_and_rows_of_results_are_written_as_numbers(tmp_path):
    scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    start = ld.Start(Q=0.25, R=0.0)
    options = {"until": np.float64(3.0), "save_at": np.array([1.0, 2.0]), "max_steps": np.int64(10)}
    path = ld.write_scenario_file(tmp_path / "case.toml", scenario, start, solve=options)
    assert ld.read_scenario_file(path).solve == {"until": 3.0, "save_at": [1.0, 2.0], "max_steps": 10}


@pytest.mark.parametrize(
    "options", [{"until": 3.0, "observables": {}}, {"until": -1.0}, {"until": 3.0, "save_at": [1.0, object()]}]
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, options):
    scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    with pytest.raises(ld.InputError):
        ld.write_scenario_file(tmp_path / "case.toml", scenario, ld.Start(Q=0.25, R=0.0), solve=options)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    path = ld.write_scenario_file(tmp_path / "case.toml", scenario)
    old = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(ld.InputError, match="No space left on device"):
        ld.write_scenario_file(path, scenario.replace(learning_rate=2.0))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


# Mistakes: (text, what its lines say, in order).

MISTAKES = {
    "unknown key": (
        GOOD.replace("learning_rate", "learning_rat"),
        ["[scenario] learning_rat = 0.1 is an unknown key; allowed are ... Did you mean 'learning_rate'"],
    ),
    "a key of other starts": (
        GOOD.replace("[solve]", "X = 1e-3\n[solve]"),
        ['[start] X = 0.001 is an unknown key; allowed are ... It belongs to kind = "random" or "near_symmetric".'],
    ),
    "three unknown keys": (
        GOOD.replace("learning_rate", "learnign_rate").replace("until", "untli").replace("N =", "n ="),
        [
            "[scenario] learnign_rate ... 'learning_rate'",
            "[solve] untli = 300 ... 'until'",
            "[simulate] n = 1000 ... 'N'",
        ],
    ),
    "unknown table": (GOOD.replace("[solve]", "[sovle]"), ["[sovle] is an unknown table ... 'solve'"]),
    "key in the wrong table": (
        GOOD.replace("units = 2\n", "units = 2\nlearning_rate = 0.2\n", 1),
        ["[scenario.student] learning_rate = 0.2 is an unknown key ... belongs in [scenario]"],
    ),
    "wrong types": (
        GOOD.replace("0.1", '"fast"').replace("units = 2", "units = 2.5", 1).replace("1000", "true"),
        [
            '[scenario] learning_rate must be a number above 0, or a table of a schedule, but it is "fast".',
            "[scenario.student] units must be a whole number of at least 1, but it is 2.5.",
            "[simulate] N must be a whole number of at least 1, or a list of them, but it is true.",
        ],
    ),
    "table instead of value": (
        GOOD.replace("until = 300", "until = {a = 1}"),
        ["[solve] until must be a number, but it is a table."],
    ),
    "value instead of table": (
        'scenario = "erf"\n[solve]\nuntil = 3',
        ['scenario must be a table, but it is "erf".'],
    ),
    "missing keys and tables": (
        "[scenario]\n[scenario.student]\n",
        [
            "the table [scenario.teacher] is missing",
            "[scenario] learning_rate is missing: add a number above 0, or a table ... learning_rate = 0.1",
            "[scenario.student] units is missing",
        ],
    ),
    "empty file": ("", ["the table [scenario] is missing"]),
    "unknown activation": (
        GOOD.replace('"relu"', '"rleu"', 1),
        ["[scenario.student] activation must be ... but it is 'rleu'. Did you mean 'relu'"],
    ),
    "three activations for two units": (
        GOOD.replace('"relu"', '["erf", "relu", "relu"]', 1),
        ["[scenario.student] activation must be ... one for each of the 2 unit(s), but it has 3"],
    ),
    "unknown drift": (
        GOOD + '[scenario.teacher_drift]\nkind = "random_wlk"\nrate = 0.1\n',
        ["[scenario.teacher_drift] Key ... 'random_walk' ... Did you mean 'random_walk'"],
    ),
    "unknown kind": (
        GOOD.replace("[scenario]", '[scenario]\nkind = "tree"', 1),
        ['[scenario] kind must be ... "gaussian_classification", ... "site_symmetric"'],
    ),
    "unknown kind with its own tables": (
        '[scenario]\nkind = "gaussian_clasification"\nmeans = [1.0, 0.0]\n[start]\nkind = "gaussian_weights"\n'
        "[simulate]\nreplicas = 0\n",
        ["[scenario] kind must be ... \"gaussian_clasification\". Did you mean 'gaussian_classification'"],
    ),
    "kind of scenarios that files do not hold": (
        '[scenario]\nkind = "data_classification"\nX = [[1.0]]\ny = [1]\n',
        ['[scenario] kind must be ... "data_classification", which no file holds: write ld.DataClassification in'],
    ),
    "unknown start": (
        GOOD.replace("[start]", '[start]\nkind = "randm"'),
        ['[start] kind must be ... "random" ... , but it is "randm". Did you mean \'random\''],
    ),
    "random start without seed": (
        GOOD[: GOOD.index("[start]")] + '[start]\nkind = "random"\n',
        ["[start] seed is missing"],
    ),
    "negative learning rate": (GOOD.replace("0.1", "-0.1"), ["[scenario] learning_rate must be ... above 0 ... -0.1"]),
    "infinite learning rate": (GOOD.replace("0.1", "inf"), ["[scenario] learning_rate must be ... above 0 ... inf"]),
    "negative time": (GOOD.replace("300", "-300"), ["[solve] until must be later than the start"]),
    "times out of order": (
        GOOD.replace("300", "300\nsave_at = [3, 2, 1]"),
        ["[solve] save_at must increase"],
    ),
    "times beyond the end": (GOOD.replace("300", "300\nsave_at = [1, 400]"), ["[solve] save_at must lie between"]),
    "Q not positive semidefinite": (
        GOOD.replace("[[0.2, 0.0], [0.0, 0.3]]", "[[0.2, 0.5], [0.5, 0.3]]"),
        ["[start] Q must be positive semidefinite, but its smallest eigenvalue is -0.25"],
    ),
    "Q not symmetric": (
        GOOD.replace("[[0.2, 0.0], [0.0, 0.3]]", "[[0.2, 0.1], [0.0, 0.3]]"),
        ["[start] Q must be symmetric"],
    ),
    "ragged Q": (GOOD.replace("[[0.2, 0.0], [0.0, 0.3]]", "[[0.2, 0.0], [0.3]]"), ["[start] Q must be a matrix"]),
    "Q of the wrong shape": (
        GOOD.replace("[[0.2, 0.0], [0.0, 0.3]]", "[[0.2]]"),
        ["[start] R must have shape (K, M) with K = 1"],
    ),
    "start for other units": (GOOD.replace("units = 2", "units = 3", 1), ["[start] Q of the start must have shape"]),
    "impossible R": (GOOD.replace("1e-3, 0.0]]", "1.5, 0.0]]"), ["[start] R of the start must satisfy"]),
    "T not positive semidefinite": (
        GOOD.replace("[start]", "T = [[1, 2], [2, 1]]\n[start]").replace('"relu"\nT', '"relu"\nT'),
        ["[scenario.teacher] T must be positive semidefinite"],
    ),
    "N too small": (GOOD.replace("N = 1000", "N = 3"), ["[simulate] N must be at least K + M = 4"]),
    "gradient flow simulated": (
        GOOD.replace("0.1", '0.1\ndynamics = "gradient_flow"'),
        ['[simulate] needs dynamics = "sgd"'],
    ),
    "tolerances": (
        GOOD.replace("until = 300", "until = 300\nrtol = 0\natol = -1"),
        ["[solve] rtol must be a number of at least 1e-13", "[solve] atol must be a number above 0"],
    ),
    "unknown key of logspaced": (
        GOOD.replace("until = 300", "until = 300\nsave_at = {logspacd = 3}"),
        ["[solve.save_at] logspacd = 3 is an unknown key ... 'logspaced'"],
    ),
    "a number too large to be a float": (GOOD.replace("300", "1" + "0" * 400), ["[solve] until must be a number"]),
    "faults in every table": (
        GOOD.replace('"two units"', "3")
        .replace("0.1", "[]")
        .replace("Q =", "q =")
        .replace("300", '"x"')
        .replace("1000", "0"),
        [
            "title must be text in quotes, but it is 3.",
            "[scenario] learning_rate must",
            "[start] q = ... is an unknown key ... 'Q'",
            '[solve] until must be a number, but it is "x".',
            "[simulate] N must",
        ],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_line(read, name):
    text, expected = MISTAKES[name]
    lines = mistakes(read, text)
    assert len(lines) == len(expected), lines
    for line, wanted in zip(lines, expected, strict=True):
        first, *others = wanted.split(" ... ")
        assert line.startswith(first)
        assert all(other in line for other in others)


@pytest.mark.parametrize(
    ("text", "place", "shown"),
    [
        ("[scenario]\nactivation = relu\n", "line 2, column 14", "activation = relu"),
        ("[scenario]\nx = .5\n", "line 2, column 5", "x = .5"),
        ("[scenario\n", "line 1", "[scenario"),
        ("a = 1\na = 2\n", "line 2", "a = 2"),
        ('title = "open\n', "line 1", 'title = "open'),
        ("x = [1, 2\n", "not valid TOML", ""),
        ("x = " + "[" * 5000, "not a scenario file", ""),
        ("x = " + "1" * 5000, "not a scenario file", ""),
    ],
)
def test_invalid_toml_names_the_line(read, text, place, shown):
    (line,) = mistakes(read, text)
    assert place in line
    assert shown in line


@pytest.mark.parametrize("table", ["start", "solve", "simulate"])
def test_tables_that_are_asked_for_must_be_there(read, table):
    text = GOOD[: GOOD.index("[start]")]
    assert mistakes(read, text, require=(table,)) == [f"the table [{table}] is missing: add it."]


def test_files_that_cannot_be_read(tmp_path):
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, reason in (
        (tmp_path / "missing.toml", "does not exist"),
        (tmp_path, "is a folder"),
        (binary, "not text in UTF-8"),
        (binary / "below.toml", "Not a directory"),
    ):
        with pytest.raises(ld.InputError, match=reason):
            ld.read_scenario_file(path)
