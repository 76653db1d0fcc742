"""Calls of public names with arguments that do not fit: one sentence, and nothing else changed by it."""

import inspect
import pickle
import warnings

import pytest

import learndyn as ld

CALLED = [
    name for name in ld.__all__
    if not inspect.ismodule(thing := getattr(ld, name))
    and not (isinstance(thing, type) and issubclass(thing, BaseException))
    and name not in ("StartRecipe", "sweep")  # they take further names, which they check themselves
]  # fmt: skip
PAIR = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
START = ld.Start(Q=0.25, R=0.0)


@pytest.mark.parametrize("name", CALLED)
def test_an_unknown_name_is_refused_with_those_that_there_are(name):
    call = getattr(ld, name)
    with pytest.raises(
        ld.InputError, match=rf"^Argument `never_heard_of` is unknown to ld\.{name}\. Use .*\.$"
    ) as told:
        call(never_heard_of=1)
    assert isinstance(told.value, TypeError)
    for parameter in inspect.signature(call).parameters.values():
        if parameter.kind is not parameter.VAR_POSITIONAL:
            assert f"`{parameter.name}`" in str(told.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ld.StudentTeacher(PAIR.student, PAIR.teacher, eta=0.5), "`learning_rate`"),
        (lambda: ld.StudentTeacher(PAIR.student, PAIR.teacher, lr=0.5), "`learning_rate`"),
        (lambda: ld.StudentTeacher(PAIR.student, PAIR.teacher, learning_rat=0.5), "`learning_rate`"),
        (lambda: ld.Student(K=2), "`units`"),
        (lambda: ld.Student(2, act="relu"), "`activation`"),
        (lambda: ld.Teacher(M=2), "`units`"),
        (lambda: ld.solve(PAIR, START, t_max=3), "`until`"),
        (lambda: ld.simulate(PAIR, START, 3, n=100), "`N`"),
        (lambda: ld.simulate(PAIR, START, 3, N=100, n_replicas=4), "`replicas`"),
        (lambda: ld.Start(q=0.25, R=0.0), "`Q`"),
        (lambda: ld.Start.near_symmetric(PAIR, q=0.25), "`Q`"),
    ],
)
def test_what_is_meant_is_guessed(call, said):
    with pytest.raises(ld.InputError, match=rf"Did you mean {said}\? It takes"):
        call()


def test_what_is_to_be_replaced_is_guessed():
    with pytest.raises(ld.InputError, match=r"^Argument `lr` of replace must be .* Did you mean 'learning_rate'\?$"):
        PAIR.replace(lr=0.1)


def test_what_is_missing_or_too_much_is_said():
    with pytest.raises(
        ld.InputError, match=r"^Argument `teacher` of ld\.StudentTeacher must be given, but it is missin"
    ):
        ld.StudentTeacher(PAIR.student)
    with pytest.raises(
        ld.InputError, match=r"^Arguments `scenario`, `start`, `until` must be .* but 4 are given\. Write"
    ):
        ld.solve(PAIR, START, 3, 100)


def test_errors_within_a_call_are_those_of_python():
    with pytest.raises(TypeError, match="is not a number") as told:
        ld.solve(PAIR, START, 1, save_at=2, observables={"x": lambda _: _fails()})
    assert not isinstance(told.value, ld.InputError)


def test_names_stay_what_they_were():
    assert pickle.loads(pickle.dumps(ld.solve)) is ld.solve
    assert pickle.loads(pickle.dumps(ld.Start.random)) == ld.Start.random
    assert list(inspect.signature(ld.Student).parameters) == ["units", "activation"]
    assert "def solve(" in inspect.getsource(ld.solve)


def test_a_warning_points_at_the_line_of_the_call():
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        ld.solve(PAIR.replace(learning_rate=20.0), START, until=500)
    assert given[0].filename == __file__


def _fails():
    raise TypeError("this is not a number")
