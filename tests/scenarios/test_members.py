"""Members of a sweep: starts and scenarios that are made cheaply, and states of many that are read off in one call."""

import dataclasses
import pickle

import numpy as np
import pytest

import learndyn as ld
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios import base
from learndyn.scenarios.student_teacher import observables

T = [[1.3, 0.4, -0.5], [0.4, 0.9, 0.1], [-0.5, 0.1, 0.7]]
NUMBERS = {
    "learning_rate": 0.3, "output_learning_rate": 0.2, "bias_learning_rate": 0.1, "label_noise": 0.5,
    "weight_decay": 0.01, "output_weight_decay": 0.02, "dropout_keep": 0.9, "batch_size": 4,
}  # fmt: skip


def scenario(K=2, M=2, activation="erf", **options):
    teacher = {name: options.pop(name) for name in ("T", "output_weights", "biases") if name in options}
    options = {"learning_rate": 0.5, **options}
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation, **teacher), **options)


@pytest.mark.parametrize(("K", "M"), [(1, 1), (2, 2), (3, 2), (2, 4), (9, 9)])
@pytest.mark.parametrize("X", [0.0, 1e-310, 1e-12, 1e-3])
def test_a_seed_draws_the_numbers_that_it_has_always_drawn(K, M, X):
    start = ld.Start.random(scenario(K, M), Q=(0.1, 0.5), X=X, seed=5, at=2.0)
    rng = np.random.default_rng(5)
    R = rng.uniform(0.0, X, (K, M))
    above = np.triu(rng.uniform(0.0, X, (K, K)), 1)
    Q = above + above.T + np.diag(rng.uniform(0.1, 0.5, K))
    np.testing.assert_array_equal(start.R, R)
    np.testing.assert_array_equal(start.Q, Q)
    assert start == ld.Start(Q, R, at=2.0)
    assert all(type(x) is float for row in (*start.Q, *start.R) for x in row)


@pytest.mark.parametrize("X", [0.9, 30.0, 1e76])
def test_a_random_start_is_refused_as_one_by_hand_is(X):
    s = scenario()
    for seed in range(5):
        rng = np.random.default_rng(seed)
        R = rng.uniform(0.0, X, (2, 2))
        above = np.triu(rng.uniform(0.0, X, (2, 2)), 1)
        Q = above + above.T + np.diag(rng.uniform(0.1, 0.5, 2))
        with pytest.raises(ld.InputError) as by_hand:
            s.as_start(ld.Start(Q, R))
        with pytest.raises(ld.InputError) as drawn:
            ld.Start.random(s, X=X, seed=seed)
        assert str(drawn.value) == str(by_hand.value)


def test_what_is_possible_for_one_teacher_is_not_for_another():
    start = ld.Start(Q=1.0, R=0.9)
    one, weak = scenario(1, 1), scenario(1, 1, T=0.5)
    assert one.as_start(start) == one.as_start(one.as_start(start)) == start
    with pytest.raises(ld.InputError, match=r"must satisfy \|R_in\| <= sqrt"):
        weak.as_start(start)
    with pytest.raises(ld.InputError, match=r"must satisfy \|R_in\| <= sqrt"):
        weak.initial_state(start)
    np.testing.assert_array_equal(one.initial_state(start), [0.9, 1.0])


def test_a_start_is_completed_for_each_scenario_anew():
    start = ld.Start(Q=np.eye(2), R=np.zeros((2, 2)))
    weighted, inert, plain = scenario(output_learning_rate=0.1), scenario(rule=ld.Momentum(1.0)), scenario()
    for _ in range(2):
        assert weighted.as_start(start).w == (1.0, 1.0)
        assert dict(inert.as_start(start).more).keys() == {"RV", "QJV", "QV"}
        assert plain.as_start(start) == start
        assert len(weighted.initial_state(start)) == 9
        assert len(plain.initial_state(start)) == 7
    # What it became is no part of it.
    assert vars(pickle.loads(pickle.dumps(start))).keys() == {entry.name for entry in dataclasses.fields(start)}
    assert dataclasses.replace(weighted.as_start(start), Q=2 * np.eye(2)).Q == ((2.0, 0.0), (0.0, 2.0))


def test_equal_starts_keep_their_own_bits():
    s, plus, minus = scenario(1, 1), ld.Start(Q=1.0, R=0.0), ld.Start(Q=1.0, R=-0.0)
    assert plus == minus
    for start in (plus, minus, plus):
        assert s.initial_state(start).tobytes() == np.array([start.R[0][0], 1.0]).tobytes()


@pytest.mark.parametrize("name", list(NUMBERS))
def test_a_copy_with_another_number_is_like_a_new_scenario(name):
    s = scenario(3, 3, T=T, **NUMBERS)
    s.values()
    for value in (0.7, np.float64(0.25), 3):
        if name == "dropout_keep" and value == 3:
            continue
        value = 3 if name == "batch_size" else value
        copy, new = s.replace(**{name: value}), scenario(3, 3, T=T, **{**NUMBERS, name: value})
        assert copy == new
        assert hash(copy) == hash(new)
        assert type(getattr(copy, name)) is type(getattr(s, name))
        assert copy.structure == new.structure == s.structure
        assert copy.values().keys() == new.values().keys()
        for key, entry in new.values().items():
            np.testing.assert_array_equal(copy.values()[key], entry)
        assert copy.flow() is s.flow()
        assert pickle.loads(pickle.dumps(copy)) == new
        # The original has kept its own.
        assert s == scenario(3, 3, T=T, **NUMBERS)
        assert s.values()[name] == NUMBERS[name]


OFF = {"label_noise": 0.0, "weight_decay": 0.0, "dropout_keep": 1.0, "batch_size": 1, "bias_learning_rate": None}


@pytest.mark.parametrize("name", [*OFF, "learning_rate"])
def test_a_number_that_switches_an_option_changes_the_structure(name):
    on = scenario(**NUMBERS)
    off = {**OFF, "learning_rate": ld.schedules.PowerLaw(0.5, 100.0)}[name]
    switched = on.replace(**{name: off})
    assert switched.structure != on.structure
    assert switched.structure == scenario(**{**NUMBERS, name: off}).structure
    back = switched.replace(**{name: NUMBERS[name]})
    assert back == on
    assert back.structure == on.structure


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "0.5", None, True])
def test_a_bad_number_is_refused_as_in_a_new_scenario(value):
    with pytest.raises(ld.InputError) as new:
        scenario(learning_rate=value)
    with pytest.raises(ld.InputError) as changed:
        scenario().replace(learning_rate=value)
    assert str(changed.value) == str(new.value)


CASES = {
    "perceptron": scenario(1, 1),
    "erf": scenario(2, 2),
    "erf_many": scenario(5, 4),
    "relu": scenario(3, 3, "relu", T=T),
    "linear": scenario(3, 2, "linear"),
    "weighted": scenario(3, 3, output_learning_rate=0.1, output_weights=[1.0, -2.0, 0.5]),
    "fast": scenario(2, 3, output_learning_rate=0.1, output_time_scale="fast", label_noise=0.3),
    "biased": scenario(2, 2, bias_learning_rate=0.1, biases=[0.1, -0.2]),
    "dropout": scenario(4, 4, "relu", dropout_keep=0.8, weight_decay=0.1, batch_size=3),
    "walk": scenario(3, 3, teacher_drift=ld.RandomWalk(0.1)),
    "rotation": scenario(3, 3, teacher_drift=ld.Rotation(0.1)),
    "momentum": scenario(3, 3, rule=ld.Momentum(2.0)),
    "tree": scenario(3, 3, connectivity="tree"),
    "spectrum": scenario(3, 2, inputs=ld.Inputs(eigenvalues=[0.5, 1.5], shares=[0.5, 0.5])),
    "mean": scenario(2, 2, inputs=ld.Inputs(mean_length=0.5, mean_overlap=0.1)),
}


def states_of(s, members=6, times=5):
    """States (members, times, n) between pairs of possible ones."""
    rng = np.random.default_rng(3)

    def one():
        R = 0.2 * np.diag(rng.random(max(s.K, s.M)))[: s.K, : s.M]
        return s.initial_state(ld.Start(np.diag(rng.uniform(0.5, 1.5, s.K)), R))

    pairs = [(one(), one()) for _ in range(members)]
    return np.array([a + (b - a) * rng.random((times, 1)) for a, b in pairs])


@pytest.mark.parametrize("name", list(CASES))
def test_states_have_the_same_rows_in_any_company(name):
    s = CASES[name]
    states, times = states_of(s), np.linspace(0.0, 4.0, 5)
    members = [s.replace(learning_rate=eta) for eta in (0.1, 0.5, 1.0, 1.5, 2.0, 2.5)]
    assert {base.rows_key(member) for member in members} == {base.rows_key(s)} != {None}
    # A member that came to an end early.
    states[2, 3:] = np.nan
    together = members[4].rows(states, times)
    for number, member in enumerate(members):
        alone = member.rows(states[number], times)
        single = [member.rows(states[number, k : k + 1], times[k : k + 1]) for k in range(5)]
        bare = [member.rows(states[number, k], times[k]) for k in range(5)]
        for key, quantity in s.quantities().items():
            lead = together[key].ndim - len(quantity.dims)
            own = together[key][number] if lead else together[key]
            assert own.tobytes() == alone[key].tobytes(), key
            if lead:
                assert own.tobytes() == b"".join(row[key].tobytes() for row in single), key
                assert own.tobytes() == b"".join(np.asarray(row[key]).tobytes() for row in bare), key
    assert np.isfinite(together["eps_g"][2, :3]).all()
    assert np.isnan(together["eps_g"][2, 3:]).all()


@pytest.mark.parametrize("name", ["perceptron", "erf", "erf_many", "relu", "linear"])
def test_rows_of_plain_scenarios_are_those_of_the_formula(name):
    s = CASES[name]
    states, K, M = states_of(s), s.K, s.M
    parts = s.layout.unpack(states)
    eps_g = observables.generalisation_error(parts["R"], parts["Q"], s.T, s.activation, NUMPY)
    found, wanted = s.rows(states), observables.rows(parts["R"], parts["Q"], s.T, eps_g)
    for key, entry in wanted.items():
        # Only sums may be rounded otherwise: (K + M)^2 terms of size 2 at most.
        atol = 2.0 * 2.3e-16 * (K + M) ** 2 if key == "eps_g" else 0.0
        np.testing.assert_allclose(found[key], entry, rtol=0.0, atol=atol, strict=True, err_msg=key)


def test_a_student_without_length_has_rows():
    for K, M in ((1, 1), (2, 2), (3, 3)):
        found = scenario(K, M).rows(np.zeros((2, K * M + K * (K + 1) // 2)))
        assert not found["cosine"].any()
        assert not found["specialisation"].any()
    assert scenario().rows(np.empty((0, 7)))["Q"].shape == (0, 2, 2)


def test_keys_tell_apart_what_rows_depend_on():
    keys = {name: base.rows_key(s) for name, s in CASES.items()}
    assert len(set(keys.values())) == len(CASES)
    assert base.rows_key(scenario(3, 3, T=T)) != base.rows_key(scenario(3, 3))
    assert base.rows_key(scenario(dropout_keep=0.8)) != base.rows_key(scenario(dropout_keep=0.9))
    weights = [base.rows_key(scenario(output_weights=v)) for v in ([1.0, 2.0], [1.0, 2.5])]
    assert weights[0] != weights[1]
    # Quadratures over many states at once are rounded otherwise; a scenario need not have a key.
    assert base.rows_key(scenario(activation="tanh")) is None
    assert base.rows_key(object()) is None


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("bad", [False, True])
def test_members_become_impossible_where_each_alone_does(name, bad):
    s = CASES[name]
    states, times = states_of(s), np.linspace(0.0, 4.0, 5)
    Q = np.arange(s.state_length)[s.layout.slices["Q"]]
    if bad:
        states[1, 2:, Q[0]], states[5, 0, Q[0]] = -9.0, -9.0
    found = s.first_impossible_of_each(states, 1e-6, times)
    assert found.tolist() == [s.first_impossible(own, 1e-6, times) for own in states]
    assert found.tolist() == ([5, 2, 5, 5, 5, 0] if bad else [5] * 6)
    # From its first NaN on a member has no states.
    states[3, 4, Q[0]] = states[1, 1, 0] = np.nan
    assert s.first_impossible_of_each(states, 1e-6, times).tolist() == (
        [5, 1, 5, 4, 5, 0] if bad else [5, 1, 5, 4, 5, 5]
    )


def test_the_tolerance_says_how_far_overlaps_may_be_from_possible():
    # K = M = 1, Q = T = 1, R = 1 + x: the smaller eigenvalue is -x, the trace 2.
    states = np.array([[[1.0 + x, 1.0]] for x in (-1e-3, 0.9e-6, 1.1e-6, 1.9e-6, 2.1e-6)])
    s = CASES["perceptron"]
    assert s.first_impossible_of_each(states, 1e-6).tolist() == [1, 1, 1, 1, 0]
    assert s.first_impossible_of_each(states, 0.5e-6).tolist() == [1, 1, 0, 0, 0]
    assert s.first_impossible(states[:, 0], 1e-6) == 4
