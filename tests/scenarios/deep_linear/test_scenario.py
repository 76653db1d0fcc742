"""Tasks, starts and files of linear networks, and what is refused."""

import pickle
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest

import learndyn as ld
from learndyn.scenario_file import scenario_text
from learndyn.scenario_keys import SCENARIOS, STARTS_OF
from learndyn.scenarios.deep_linear import scenario
from learndyn.scenarios.deep_linear.tasks import ITEM_PROPERTIES, ITEMS, PROPERTIES
from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain, start_from_plain, start_to_plain
from linear_networks import product

TASK = ld.DeepLinear([[1.0, 0.2, 0.0], [0.0, 0.5, -0.3]], [1.0, 0.5, 2.0], (3, 2), weight_decay=0.1, input_noise=0.2)


# Tasks.


def test_items_and_properties():
    assert (len(PROPERTIES), len(ITEMS)) == np.shape(ITEM_PROPERTIES)
    has = {item: {PROPERTIES[p] for p in range(5) if ITEM_PROPERTIES[p][i]} for i, item in enumerate(ITEMS)}
    assert has == {
        "canary": {"flies", "moves"}, "salmon": {"scales", "moves"}, "oak": {"bark"}, "rose": {"petals"}
    }  # fmt: skip


def test_data():
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    task = ld.DeepLinear.of_data(X, Y)
    np.testing.assert_allclose(task.correlation.values, Y.T @ X / 20, rtol=1e-14)
    np.testing.assert_allclose(task.inputs.dense(3), X.T @ X / 20, rtol=1e-14)
    residual = Y - X @ np.linalg.solve(X.T @ X, X.T @ Y)
    assert task.least_loss == pytest.approx((residual**2).sum() / 40, rel=1e-12)
    # Fewer rows than inputs: the averages have directions without variance, and no correlation along them.
    few = ld.DeepLinear.of_data(X[:2], Y[:2])
    assert few.least_loss == pytest.approx(0.0, abs=1e-15)
    assert few.known_modes is None or len(few.known_modes.s) <= 2


@pytest.mark.parametrize(
    ("make", "widths"),
    [
        (lambda: ld.DeepLinear.items(), (4, 4, 5)),
        (lambda: ld.DeepLinear.items(hidden=()), (4, 5)),
        (lambda: ld.DeepLinear.items(hidden=2), (4, 2, 5)),
        (lambda: ld.DeepLinear.scalar(2.0, -1.0), (1, 1, 1)),
        (lambda: ld.DeepLinear.autoencoder(np.eye(3), 2), (3, 2, 3)),
        (lambda: TASK, (3, 3, 2, 2)),
    ],
)
def test_widths(make, widths):
    task = make()
    assert (task.widths, task.depth) == (widths, len(widths) - 1)
    assert task.state_length == len(task.parameter_names()) == sum(a * b for a, b in pairwise(widths))


# Starts.


@pytest.mark.parametrize("hidden", [2, (4, 3), ()])
def test_balanced_starts(hidden):
    task = TASK.replace(hidden=hidden)
    layers = ld.LinearWeights.balanced(task, 0.1, seed=1).matrices()
    for before, after in pairwise(layers):
        np.testing.assert_allclose(after.T @ after, before @ before.T, rtol=0, atol=1e-15)
    # Wide enough, the map is the drawn one: entries of the standard deviation 0.1.
    assert np.abs(product(layers)).max() < 0.1 * 5


def test_decoupled_starts():
    task = ld.DeepLinear.autoencoder([2.0, 1.0, 0.5], (4, 2))
    start = ld.LinearWeights.decoupled(task, [0.2, 0.0, -0.1], seed=3)
    modes = task.known_modes
    expected = (modes.U * [0.2, 0.0, -0.1]) @ modes.V.T
    np.testing.assert_allclose(product(start.matrices()), expected, rtol=0, atol=1e-15)
    with pytest.raises(ld.InputError, match="`u` must have at most 2 strengths other than 0, as many as the narrowest"):
        ld.LinearWeights.decoupled(task, 0.1)


def test_a_start_is_what_it_was_given_for():
    first, second = (ld.LinearWeights.random(TASK, 0.1, seed=seed) for seed in (1, 2))
    assert first == ld.LinearWeights.random(TASK, 0.1, seed=1)
    assert first != second
    assert TASK.as_start(tuple(first.matrices())) == first


# Files.


@pytest.mark.parametrize(
    "task", [TASK, ld.DeepLinear.items(), ld.DeepLinear(np.eye(20), np.eye(20)), TASK.replace(hidden=())]
)
def test_the_plain_form_comes_back(task):
    assert scenario_from_plain(scenario_to_plain(task)) == task == pickle.loads(pickle.dumps(task))
    assert hash(scenario_from_plain(scenario_to_plain(task))) == hash(task)


def test_files(tmp_path):
    start = ld.LinearWeights.random(TASK, 0.1, seed=1, at=2.0)
    assert start_from_plain(start_to_plain(start)) == start
    path = tmp_path / "network.toml"
    path.write_text(scenario_text(TASK, start, solve={"until": 5}))
    case = ld.read_scenario_file(path)
    assert (case.scenario, case.start) == (TASK, start)
    assert set(SCENARIOS["deep_linear"]) == {f.name for f in fields(TASK)} | {"kind"}
    assert set(STARTS_OF["deep_linear"]) == {f.name for f in fields(start)} | {"kind"}


def test_results_keep_scenario_and_start(tmp_path):
    task = ld.DeepLinear.items()
    start = ld.LinearWeights.balanced(task, 0.01, seed=1)
    run = ld.load(ld.save(ld.solve(task, start, 2.0, save_at=3), tmp_path / "run.nc"))
    assert (ld.scenario_of(run), ld.start_of(run)) == (task, start)


def test_large_matrices_are_left_out_of_long_runs(monkeypatch):
    monkeypatch.setattr(scenario, "MOST_NUMBERS", 32)  # two rows of a hidden layer of four
    task = ld.DeepLinear.items()
    three = task.rows(np.zeros((3, task.state_length)))
    assert set(task.rows(np.zeros((2, task.state_length)))) - set(three) == {"imbalance"}
    assert {"W", "W_1", "W_2", "loss"} <= set(three)


def test_rows_do_not_depend_on_how_many_are_computed_at_once(monkeypatch):
    task = ld.DeepLinear.autoencoder([2.0, 1.0, 0.5], 2)
    states = np.random.default_rng(1).standard_normal((2, 5, task.state_length))
    whole = task.rows(states)
    monkeypatch.setattr(scenario, "AT_ONCE", 3 * task.state_length)
    pieces = task.rows(states)
    for name, value in whole.items():
        assert value.shape[:2] == (2, 5)
        np.testing.assert_allclose(pieces[name], value, rtol=1e-14, atol=1e-14)


# Refused.


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ld.DeepLinear([1.0]), "`correlation` must have shape .outputs, inputs., but it has shape"),
        (lambda: ld.DeepLinear([[np.nan]]), "`correlation` must be finite"),
        (lambda: ld.DeepLinear(np.eye(2), [1.0, 2.0, 3.0]), "`inputs` must be a covariance of 2 inputs"),
        (
            lambda: ld.DeepLinear(np.eye(2), [1.0, 0.0]),
            "`inputs` must be invertible wherever `correlation` is not zero",
        ),
        (lambda: ld.DeepLinear(np.eye(2), np.ones((2, 2))), "has an eigenvalue 0 along which E.y x.T. is 0.707"),
        (lambda: ld.DeepLinear(np.eye(2), hidden=0), "`hidden` must be a whole number of at least 1, but it is 0"),
        (lambda: ld.DeepLinear(np.eye(2), hidden=(2, 1.5)), "`hidden` must be a whole number"),
        (lambda: ld.DeepLinear(np.eye(2), input_noise=-1.0), "`input_noise` must be a finite number of at least 0"),
        (
            lambda: ld.DeepLinear.autoencoder(1.0),
            "`covariance` must say how many inputs there are, but it is one variance",
        ),
        (lambda: ld.DeepLinear.of_data(np.ones((3, 2)), np.ones((2, 1))), "`Y` must have as many rows as `X`, 3"),
        (lambda: ld.DeepLinear.of_data(np.ones(3), np.ones((3, 1))), "`X` must have shape .rows, columns."),
        (lambda: ld.LinearWeights(), "`W1` of ld.LinearWeights must be a matrix, but there is none"),
        (lambda: ld.LinearWeights([[1.0]], [1.0]), "`W2` must be a matrix, but it has shape"),
        (
            lambda: ld.LinearWeights([[1.0]], [[1.0, 2.0]]),
            "`W2` must have as many columns as W1 has rows, 1, but it has",
        ),
        (lambda: ld.LinearWeights([[np.inf]]), "`W1` must be finite"),
        (lambda: TASK.as_start(ld.LinearWeights(np.eye(3))), "must have matrices of the shapes .3, 3., .2, 3., .2, 2."),
        (lambda: TASK.as_start(0.1), "must be an ld.LinearWeights, matrices .W1, W2, .... or one row of a result"),
        (lambda: ld.LinearWeights.lambda_balanced(TASK, 0.1, 1.0, seed=1), "must have two layers for one imbalance c"),
        (
            lambda: ld.LinearWeights.random(ld.DeepLinear.items().modes(), 0.1, seed=1),
            "`scenario` must be an ld.DeepLinear, but it is a LinearModes",
        ),
        (
            lambda: ld.LinearWeights.lambda_balanced(TASK.replace(hidden=3), 0.1, 1.0, seed=1),
            "`imbalance` must be at most 0 for 3 hidden units and 2 outputs, but it is 1",
        ),
        (
            lambda: ld.LinearWeights.lambda_balanced(TASK.replace(hidden=4), 0.1, -1.0, seed=1),
            "`imbalance` must be at least 0 for 4 hidden units and 3 inputs, but it is -1",
        ),
        (
            lambda: ld.solve(TASK, ld.LinearWeights.random(TASK, 0.1, seed=1), 1.0, samples=9),
            "`samples` must be left out",
        ),
    ],
)
def test_refused(make, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        make()
