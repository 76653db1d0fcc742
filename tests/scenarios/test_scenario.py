"""The data of a scenario: canonical values, equality, changed copies, and what is refused, in one sentence each."""

import copy
import json
import pickle

import jax
import numpy as np
import pytest

import learndyn as ld
from learndyn.scenarios.base import Scenario
from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain, start_from_plain, start_to_plain


def scenario(**changes):
    options = {"student": ld.Student(2), "teacher": ld.Teacher(2), "learning_rate": 0.5, **changes}
    return ld.StudentTeacher(**options)


def test_numbers_are_canonical():
    plain = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf", [[1.0, 0.0], [0.0, 4.0]]), 1.0)
    other = ld.StudentTeacher(
        student=ld.Student(units=np.int64(2), activation=ld.activation("erf")),
        teacher=ld.Teacher(units=2.0, activation="erf", T=np.array([[1, 0], [0, 4]])),
        learning_rate=np.float32(1),
        dynamics="sgd",
    )
    assert plain == other
    assert hash(plain) == hash(other)
    assert {plain: "found"}[other] == "found"
    assert type(other.learning_rate) is float
    assert type(other.teacher.units) is int
    assert other.teacher.T == ((1.0, 0.0), (0.0, 4.0))
    assert repr(plain) == repr(other)


def test_scenarios_differ_where_their_values_do():
    base = scenario()
    others = [
        scenario(learning_rate=0.4),
        scenario(dynamics="gradient_flow"),
        scenario(student=ld.Student(3)),
        scenario(teacher=ld.Teacher(2, T=[[1, 0.1], [0.1, 1]])),
        scenario(student=ld.Student(2, "relu"), teacher=ld.Teacher(2, "relu")),
    ]
    assert len({base, *others}) == 6


def test_the_teacher_is_the_identity_unless_it_is_given():
    np.testing.assert_array_equal(scenario(teacher=ld.Teacher(3)).T, np.eye(3))
    assert ld.Teacher(1, T=2) == ld.Teacher(1, T=[[2.0]])
    B = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]])
    np.testing.assert_array_equal(np.array(ld.Teacher.from_weights(B, "relu").T), [[5.0, 2.0], [2.0, 2.0]])


def test_a_scenario_cannot_be_changed_in_place():
    s = scenario()
    with pytest.raises(AttributeError):
        s.learning_rate = 1.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        s.T[0, 0] = 2.0


def test_replace_gives_a_checked_copy():
    s = scenario()
    changed = s.replace(learning_rate=1, dynamics="gradient_flow")
    assert (changed.learning_rate, changed.dynamics, s.learning_rate, s.dynamics) == (1.0, "gradient_flow", 0.5, "sgd")
    assert s.replace() == s
    with pytest.raises(ld.InputError, match=r"`learning_rate` must be a finite number above 0, but it is -1"):
        s.replace(learning_rate=-1)
    with pytest.raises(ld.InputError, match=r"`learning_rates` of replace must be .* Did you mean 'learning_rate'\?"):
        s.replace(learning_rates=1)


def test_a_scenario_is_data():
    s = scenario()
    _ = s.T  # cached
    assert isinstance(s, Scenario)
    assert pickle.loads(pickle.dumps(s)) == s
    assert copy.deepcopy(s) == s
    for x in (s, scenario(teacher=ld.Teacher(2, T=[[1, 0.1], [0.1, 1]]), dynamics="gradient_flow")):
        assert scenario_from_plain(json.loads(json.dumps(scenario_to_plain(x)))) == x
    start = ld.Start(Q=[[0.2, 0.1], [0.1, 0.3]], R=[[0.1, 0.0], [0.0, 1 / 3]], at=2)
    assert start_from_plain(json.loads(json.dumps(start_to_plain(start)))) == start


def refusals():
    eye = np.eye(2)
    yield lambda: ld.Student(0), "`units` must be a whole number of at least 1, but it is 0"
    yield lambda: ld.Student(1.5), "`units` must be a whole number of at least 1, but it is 1.5"
    yield lambda: ld.Student(True), "`units` must be a whole number of at least 1, but it is True"
    yield lambda: ld.Student("2"), "`units` must be a whole number of at least 1, but it is '2'"
    yield lambda: ld.Student(2, "tanhh"), "but it is 'tanhh'. Did you mean 'tanh'?"
    yield lambda: ld.Student(2, None), "but it is None. Try"
    own = ld.Activation("mine", "x", ld.activation("erf").functions)
    yield lambda: ld.Student(2, own), "but it is 'mine'"
    yield lambda: ld.Teacher(2, T=np.eye(3)), "`T` must have shape (2, 2), but it has shape (3, 3)"
    yield lambda: ld.Teacher(2, T=1.0), "`T` must have shape (2, 2), but it has shape ()"
    yield lambda: ld.Teacher(2, T=[[1, 0.5], [0.4, 1]]), "`T` must be symmetric, but T and its transpose differ by 0.1"
    yield (
        lambda: ld.Teacher(2, T=[[1, 2], [2, 1]]),
        "`T` must be positive semidefinite, but its smallest",
    )
    yield lambda: ld.Teacher(2, T=[[1, np.nan], [0, 1]]), "`T` must be finite, but it contains NaN or infinity"
    yield lambda: ld.Teacher(2, T=[["1", "0"], ["0", "1"]]), "`T` must be an array of numbers"
    yield lambda: ld.Teacher(2, T=[[1], [0, 1]]), "`T` must be an array of numbers, rows of equal length"
    yield lambda: ld.Teacher.from_weights([1.0, 2.0]), "`B` must have shape (M, N), but it has shape (2,)"
    yield lambda: scenario(learning_rate=0), "`learning_rate` must be a finite number above 0, but it is 0"
    yield lambda: scenario(learning_rate=np.inf), "`learning_rate` must be a finite number above 0, but it is inf"
    yield lambda: scenario(learning_rate="0.1"), "`learning_rate` must be a finite number above 0, but it is '0.1'"
    yield lambda: scenario(learning_rate=None), "`learning_rate` must be a finite number above 0, but it is None"
    yield lambda: scenario(learning_rate=True), "`learning_rate` must be a finite number above 0, but it is True"
    yield lambda: scenario(learning_rate=[0.1, 0.2]), "`learning_rate` must be a finite number above 0, but it is [0.1"
    yield lambda: scenario(dynamics="SGD"), '`dynamics` must be "sgd" or "gradient_flow", but it is \'SGD\''
    yield lambda: scenario(student=2), "`student` must be an ld.Student, but it is 2"
    yield lambda: scenario(teacher=ld.Student(2)), "`teacher` must be an ld.Teacher, but it is Student("
    yield lambda: ld.Student(2, ["relu", "erf", "erf"]), "one for each of the 2 unit(s), but it has 3"
    yield lambda: scenario(student=ld.Student(2, "sign")), "derivative to learn by, but that of 'sign' is zero"
    yield lambda: ld.Start(Q=[1.0], R=[[0.0]]), "`Q` must have shape (K, K), but it has shape (1,)"
    yield lambda: ld.Start(Q=[[1, 0]], R=[[0.0]]), "`Q` must have shape (K, K), but it has shape (1, 2)"
    yield lambda: ld.Start(Q=[[]], R=[[]]), "`Q` must have shape (K, K)"
    yield (
        lambda: ld.Start(Q=eye, R=[[0.0, 0.0]]),
        "`R` must have shape (K, M) with K = 2 as in Q, but it has",
    )
    yield lambda: ld.Start(Q=eye, R=0.0), "`R` must have shape (K, M) with K = 2 as in Q"
    yield (
        lambda: ld.Start(Q=[[1, 2], [2, 1]], R=eye),
        "`Q` must be positive semidefinite, but its smallest",
    )
    yield lambda: ld.Start(Q=[[1, 0], [0.1, 1]], R=eye), "`Q` must be symmetric, but Q and its transpose differ by 0.1"
    yield lambda: ld.Start(Q=-0.1, R=0.0), "`Q` must be positive semidefinite, but its smallest eigenvalue is -0.1"
    yield lambda: ld.Start(Q="0.25", R=0.0), "`Q` must be an array of numbers, rows of equal length, but it is '0.25'"
    yield lambda: ld.Start(Q=0.25, R=np.inf), "`R` must be finite, but it contains NaN or infinity"
    yield lambda: ld.Start(Q=0.25, R=0.0, at="now"), "`at` must be a finite number, but it is 'now'"
    three = ld.Start(Q=np.eye(3), R=np.zeros((3, 2)))
    yield lambda: scenario().as_start(three), "`Q` of the start must have shape (2, 2), but it has shape (3, 3)"
    wide = ld.Start(Q=eye, R=np.zeros((2, 3)))
    yield lambda: scenario().as_start(wide), "`R` of the start must have shape (2, 2), but it has shape (2, 3)"
    large = ld.Start(Q=eye, R=[[0.0, 1.5], [0.0, 0.0]])
    yield (
        lambda: scenario().as_start(large),
        "|R_12| = 1.5 (student 1, teacher 2) exceeds 1. Make R_12 smaller or Q_11 larger.",
    )
    joint = ld.Start(Q=eye, R=[[0.9, 0.9], [0.0, 0.0]])
    yield lambda: scenario().as_start(joint), "`R` must be positive semidefinite, but its smallest eigenvalue is -0.27"
    yield (
        lambda: scenario().as_start({"Q": eye}),
        "`start` must be an ld.Start or one row of a result",
    )
    yield lambda: ld.Start.random(scenario(), Q=(0.5, 0.1)), "`Q` must be an interval (low, high) with 0 < low <= high"
    yield lambda: ld.Start.random(scenario(), Q=0.5), "`Q` must have shape (2,), but it has shape ()"
    yield lambda: ld.Start.random(scenario(), X=-1), "`X` must be a finite number of at least 0, but it is -1"
    yield lambda: ld.Start.random(scenario(), X=5.0, seed=1), "must be positive semidefinite"
    yield lambda: ld.Start.random(scenario(), seed=-1), "`seed` must be a whole number of at least 0, but it is -1"
    yield lambda: ld.Start.random(scenario(), seed="a"), "`seed` must be a whole number of at least 0, but it is 'a'"
    yield lambda: ld.Start.near_symmetric(scenario(), Q=[1, 2, 3]), "`Q` must have shape (2,), but it has shape (3,)"
    yield lambda: ld.Start.near_symmetric(scenario(), X=2.0), "|R_11| = 2 (student 1, teacher 1) exceeds 0.447"
    yield lambda: ld.Start.from_weights(np.ones((2, 3)), np.ones((2, 4))), "have (2, 3) and (2, 4)"
    yield lambda: ld.Start.random_weights(scenario(), N=3), "`N` must be a whole number of at least 4, but it is 3"
    yield lambda: ld.Start.random_weights(scenario(), N=9, Q=0), "`Q` must be a finite number above 0, but it is 0"
    yield lambda: ld.Start.random_weights(scenario(), N=9, seed=0.5), "`seed` must be a whole number of at least 0"


@pytest.mark.parametrize(("make", "message"), [pytest.param(f, m, id=m[:60]) for f, m in refusals()])
def test_bad_input_is_refused_in_a_sentence(make, message):
    with pytest.raises(ld.InputError) as caught:
        make()
    text = str(caught.value)
    assert message in text
    assert text.startswith(("Argument", "Arguments"))
    assert text.endswith((".", "?"))
    assert "\n" not in text


def test_tracers_are_refused_in_a_sentence():
    s = scenario(student=ld.Student(1), teacher=ld.Teacher(1))

    def refused(function, name):
        with pytest.raises(ld.InputError, match=rf"Argument `{name}` .* it is a JAX tracer. Use learndyn.functional"):
            jax.jit(function)(0.5)

    refused(lambda x: s.replace(learning_rate=x), "learning_rate")
    refused(lambda x: ld.Start(Q=x, R=0.0), "Q")
    refused(lambda x: ld.Start(Q=1.0, R=[[x]]), "R")
    refused(lambda x: ld.Teacher(1, T=[[x]]), "T")
    refused(lambda x: ld.solve(s, ld.Start(0.25, 0.0), until=x), "until")
    refused(lambda x: ld.solve(s, ld.Start(0.25, 0.0), until=1, save_at=x), "save_at")


def test_rounding_is_no_reason_to_refuse():
    # A singular covariance from weights: its smallest eigenvalue is zero up to rounding, of either sign.
    rng = np.random.default_rng(0)
    for _ in range(50):
        B = rng.standard_normal((3, 3))
        J = rng.standard_normal((4, 3)) @ B
        s = ld.StudentTeacher(ld.Student(4), ld.Teacher.from_weights(B), learning_rate=1.0)
        assert tuple(map(tuple, (J @ B.T).tolist())) == s.as_start(ld.Start.from_weights(J, B)).R


def test_files_with_the_wrong_types_are_refused():
    good = scenario_to_plain(scenario())
    for change, message in [
        ({"kind": "committee"}, '"site_symmetric" or "student_teacher", but it is'),
        ({"kind": ["student_teacher"]}, "Key `kind` of the scenario"),
        ({"learning_rte": 0.1}, "Key `scenario.learning_rte` is unknown"),
        ({"student": 3}, "`scenario.student` must be a table of keys and values, but it is 3"),
        ({"student": {"activation": "erf"}}, "Key `scenario.student.units` is missing"),
        ({"teacher": {"units": 2, "unit": 1}}, "Key `scenario.teacher.unit` is unknown"),
    ]:
        with pytest.raises(ld.InputError) as caught:
            scenario_from_plain({**good, **change})
        assert message in str(caught.value)
