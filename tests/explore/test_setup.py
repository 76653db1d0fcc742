"""The values on the page stand for a scenario, and files, programs and refusals come back to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import learndyn as ld
from learndyn.explore.controls import argument_of, matrix_of, numbers_of, text_of
from learndyn.explore.families import FAMILIES
from learndyn.explore.setup import ROWS, Setup, read_setup
from learndyn.explore.text import python_of, toml_of

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
FILES = sorted(EXAMPLES.glob("*.toml"))


def _kind(path: Path) -> str:
    return ld.read_scenario_file(path).scenario.kind


KNOWN = [path for path in FILES if _kind(path) in FAMILIES and ld.read_scenario_file(path).start is not None]
OTHERS = [path for path in FILES if _kind(path) not in FAMILIES]


def full_setups() -> list[Setup]:
    """Setups with every option that a control or a file can give."""
    drift = ld.StudentTeacher(
        ld.Student(2, ["erf", "relu"]), ld.Teacher(2, "relu", output_weights=[1.2, -3.0], T=[[1.0, 0.1], [0.1, 2.0]]),
        ld.schedules.PowerLaw(0.5, alpha0=100), output_learning_rate=0.1, label_noise=0.1, weight_decay=1e-3,
        teacher_drift=ld.RandomWalk(0.001),
    )  # fmt: skip
    momentum = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), 0.3, rule=ld.Momentum(0.9))
    task = ld.GaussianClassification([[1.0, 0.2], [-1.0, 0.5]], (0.25, [[0.3, 0.1], [0.1, 0.4]]), ld.Reinforce(), 0.1)
    modes = ld.LinearModes([3.0, 1.0], beta=[1.0, 0.5], depth=3, weight_decay=0.01, time_scale=2.0)
    return [
        Setup.of(drift, ld.Start([[0.2, 0.01], [0.01, 1 / 3]], [[1e-3, 0.0], [0.0, 1e-3]], w=[0.1, 0.2]), 12.5),
        Setup.of(momentum, ld.Start(0.25, 0.1, at=2.0), 20.0),
        Setup.of(task, ld.GaussianWeights([0.1, 1 / 3], cov=0.1), 7.0),
        Setup.of(modes, ld.ModeStart(u=[0.01, 0.02]), 5.0),
        Setup.of(modes.replace(depth=2), ld.ModeStart(strengths=[[0.1, 0.2], [0.3, 0.4]], at=1.0), 5.0),
    ]


# From a scenario to the controls and back.


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.stem)
def test_the_controls_of_a_file_give_its_scenario_to_the_last_digit(path: Path) -> None:
    case, setup = ld.read_scenario_file(path), read_setup(path)
    assert setup.scenario == case.scenario
    assert setup.start == case.scenario.as_start(case.start)
    assert case.solve is None or setup.options["until"] == case.solve["until"]


def test_some_examples_are_known_and_some_are_not() -> None:
    assert {_kind(path) for path in KNOWN} == set(FAMILIES)
    assert len(OTHERS) >= 2


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_a_kind_without_controls_is_refused_in_a_sentence(path: Path) -> None:
    with pytest.raises(ld.InputError, match=r"Key `kind` of \[scenario\] must be one of .*Draw this one by"):
        read_setup(path)


@pytest.mark.parametrize("number", range(5))
def test_what_no_control_shows_is_kept(number: int) -> None:
    setup = full_setups()[number]
    again = Setup.of(setup.scenario, setup.start, setup.values["until"])
    assert again.scenario == setup.scenario
    assert again.start == setup.start
    assert setup.kept_words()


def test_the_first_drift_of_the_list_keeps_its_fields() -> None:
    drift = full_setups()[0]
    assert isinstance(drift.scenario.learning_rate, ld.schedules.PowerLaw)
    assert drift.scenario.teacher_drift == ld.RandomWalk(0.001)
    assert drift.scenario.student.unit_activations == ("erf", "relu")
    assert drift.changed(weight_decay=0.2).scenario == drift.scenario.replace(weight_decay=0.2)


def test_a_nearly_symmetric_start_is_shown_by_its_two_controls() -> None:
    scenario = ld.StudentTeacher(ld.Student(3), ld.Teacher(2), 0.1)
    start = ld.Start.near_symmetric(scenario, Q=np.linspace(0.2, 0.4, 3), X=1e-5)
    values = Setup.of(scenario, start).values
    assert (values["start"], values["lengths"], values["X"]) == ("near_symmetric", (0.2, 0.4), 1e-5)
    uneven = ld.Start.near_symmetric(scenario, Q=[0.2, 0.21, 0.4], X=1e-5)
    assert Setup.of(scenario, uneven).values["start"] == "overlaps"


def test_a_saved_result_is_a_beginning(tmp_path: Path) -> None:
    scenario, start = ld.LinearModes([2.0, 1.0], weight_decay=0.1), ld.ModeStart(u=0.05)
    result = ld.solve(scenario, start, until=3.5, save_at=5)
    setup = read_setup(ld.save(result, tmp_path / "result.nc"))
    assert (setup.scenario, setup.start, setup.options["until"]) == (scenario, start, 3.5)


@pytest.mark.parametrize("text", ["", "[scenario]\nkind = 3\n", "x"])
def test_a_bad_file_is_told_with_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ld.InputError, match=r"bad\.toml"):
        read_setup(path)


# From the controls to text and back.


def setups() -> list[Setup]:
    """One of each family, the full ones, and one with a logarithmic axis."""
    plain = [Setup.default(kind) for kind in FAMILIES]
    return [*plain, *full_setups(), Setup(plain[0].family, plain[0].values | {"start": "random"}, log_time=True)]


@pytest.mark.parametrize("number", range(9))
def test_the_file_of_a_setup_gives_its_curve(number: int, tmp_path: Path) -> None:
    setup = setups()[number]
    path = tmp_path / "scenario.toml"
    path.write_text(toml_of(setup))
    case = ld.read_scenario_file(path)
    assert (case.scenario, case.start, case.solve) == (setup.scenario, setup.start, setup.options)
    assert read_setup(path).scenario == setup.scenario


@pytest.mark.parametrize("number", range(9))
def test_the_program_of_a_setup_gives_its_curve(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program runs, up to the verbs, which are asked for what `Setup` would ask them."""
    setup = setups()[number]
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(ld, "solve", lambda scenario, start, **options: asked.append((scenario, start, options)))
    monkeypatch.setattr(ld, "simulate", lambda scenario, start, **options: asked.append((scenario, start, options)))
    monkeypatch.setattr(ld.plot, "save", lambda picture, path: None)
    monkeypatch.setattr(ld.plot, "overview", lambda *results: None)
    exec(python_of(setup, {"until": 3.0, "replicas": 2, "seed": 1}), {})
    (scenario, start, options), (again, _, simulation) = asked
    assert scenario == again == setup.scenario
    assert setup.scenario.as_start(start) == setup.start
    assert options == setup.options
    assert simulation == {"until": 3.0, "replicas": 2, "seed": 1}


def test_a_program_runs_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    setup = Setup.default("linear_modes").changed(until=5.0)
    told: dict[str, object] = {"print": lambda result: None}
    exec(python_of(setup), told)
    assert told["theory"].sizes["t"] == ROWS  # type: ignore[attr-defined]
    assert (tmp_path / "curve.pdf").read_bytes().startswith(b"%PDF")


def test_text_keeps_every_digit() -> None:
    rows = [[1 / 3, -2e-17], [1e300, 0.1]]
    assert matrix_of(text_of(rows), "Q") == rows
    assert numbers_of(text_of([1 / 3, -4.0]), "v") == [1 / 3, -4.0]


@pytest.mark.parametrize("text", ["1, x", "1; 1, 2", "", ";"])
def test_text_that_is_no_matrix_is_refused(text: str) -> None:
    with pytest.raises(ld.InputError) as refused:
        matrix_of(text, "Q")
    assert argument_of(str(refused.value)) == "Q"


# Controls.


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_defaults_stand_within_their_limits(kind: str) -> None:
    for control in FAMILIES[kind].controls.values():
        if control.kind in ("number", "log", "count"):
            assert control.low <= control.default <= control.high, control.name
        if control.kind == "choice":
            assert control.default in dict(control.choices)


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_choice_is_a_scenario(kind: str) -> None:
    setup = Setup.default(kind)
    for control in setup.family.controls.values():
        for word, _ in control.choices:
            changed = setup.changed(**{control.name: word})
            assert changed.start is not None, word


@pytest.mark.parametrize(
    ("kind", "changes", "at"),
    [
        ("student_teacher", {"K": 0}, "K"),
        ("student_teacher", {"learning_rate": -1.0}, "learning_rate"),
        ("student_teacher", {"label_noise": -1.0}, "label_noise"),
        ("student_teacher", {"weight_decay": -1.0}, "weight_decay"),
        ("student_teacher", {"dropout_keep": 0.0}, "dropout_keep"),
        ("student_teacher", {"batch_size": 0}, "batch_size"),
        ("student_teacher", {"output_weights": "1, 2, 3"}, "output_weights"),
        ("student_teacher", {"output_weights": "one"}, "output_weights"),
        ("student_teacher", {"output_learning_rate": -0.1}, "output_learning_rate"),
        ("student_teacher", {"until": 0.0}, "until"),
        ("student_teacher", {"X": 0.9}, "X"),
        ("student_teacher", {"start": "overlaps", "Q": "1, 2; 2, 1"}, "Q"),
        ("student_teacher", {"start": "overlaps", "R": "1"}, "R"),
        ("gaussian_classification", {"mu": 0.0}, "mu"),
        ("gaussian_classification", {"along": -1.0}, "along"),
        ("gaussian_classification", {"prior": 1.0}, "prior"),
        ("gaussian_classification", {"weight_decay": -1.0}, "weight_decay"),
        ("linear_modes", {"s": ""}, "s"),
        ("linear_modes", {"s": "-1"}, "s"),
        ("linear_modes", {"beta": "1, 2"}, "beta"),
        ("linear_modes", {"depth": 0}, "depth"),
        ("linear_modes", {"dropout_keep": 2.0}, "dropout_keep"),
    ],
)
def test_a_refusal_belongs_to_its_control(kind: str, changes: dict[str, object], at: str) -> None:
    setup = Setup.default(kind)
    setup = Setup(
        setup.family, {**setup.changed(**{k: v for k, v in changes.items() if k == "start"}).values, **changes}
    )
    with pytest.raises(ld.InputError) as refused:
        _ = setup.options
    argument = argument_of(str(refused.value))
    answering = [c.name for c in setup.family.controls.values() if setup.shows(c.name) and c.answers_for(argument)]
    assert at in answering, str(refused.value)


def test_given_overlaps_follow_the_number_of_units() -> None:
    setup = Setup.default().changed(start="overlaps")
    assert setup.start == Setup.default().start
    larger = setup.changed(K=3)
    assert np.array(larger.start.R).shape == (3, 2)
    np.testing.assert_array_equal(np.array(larger.start.Q), np.diag([0.2, 0.3, 0.25]))
    smaller = larger.changed(M=1).changed(K=1)
    assert (smaller.start.Q, smaller.start.R) == (((0.2,),), ((1e-4,),))


def test_programs_are_shared_by_numbers_and_not_by_shapes() -> None:
    setup = Setup.default()
    assert setup.program == setup.changed(learning_rate=0.7).program
    assert setup.program != setup.changed(K=3).program
    assert setup.program != setup.changed(activation="relu").program
    assert setup.program != setup.changed(label_noise=0.1).program


@pytest.mark.parametrize("changes", [{"K": 0}, {"M": 0}, {"K": 2.5}, {"K": None}, {"start": "overlaps", "K": 0}])
def test_a_number_of_units_that_cannot_be_is_refused_at_its_own_control(changes: dict[str, Any]) -> None:
    with pytest.raises(ld.InputError) as refused:
        _ = Setup.default().changed(**changes).options
    assert argument_of(str(refused.value)) in changes


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"K": 500}, 32),
        ({"K": 16, "activation": "relu"}, 16),
        ({"K": 3, "activation": "tanh"}, 4),
        ({"K": 15, "activation": "tanh", "dynamics": "gradient_flow"}, 16),
    ],
)
def test_what_takes_minutes_to_compile_is_refused(changes: dict[str, Any], most: int) -> None:
    with pytest.raises(ld.InputError, match=rf"Argument `K` must be such that K \+ M is at most {most} in the expl"):
        _ = Setup.default().changed(**changes).options
    fitting = Setup.default().changed(**changes | {"K": most - 2})
    assert most == fitting.scenario.K + fitting.scenario.M


def test_an_overlap_beyond_the_lengths_is_refused_in_terms_of_the_two_controls() -> None:
    with pytest.raises(ld.InputError, match=r"Argument `X` must be at most 0\.447 with these squared lengths"):
        _ = Setup.default().changed(X=0.45).start
    assert Setup.default().changed(X=0.447).start is not None
