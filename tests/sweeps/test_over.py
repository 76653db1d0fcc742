"""What a sweep goes over: values, dims, and the names of what they change."""

from typing import Any

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from learndyn.sweeps.axes import axes_of
from learndyn.sweeps.planning import work_of

TWO = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)
APART = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[0.01, 0.0], [0.0, 0.0]])
NEAR: Any = ld.StartRecipe(ld.Start.near_symmetric, Q=0.2)


def member(over, place=(0,), start: Any = APART, scenario=TWO, engine="solve", **options):
    return work_of(scenario, start, over, engine, 10.0, 3, options).member(place)


def test_each_list_is_a_dim():
    axes = axes_of({"learning_rate": [0.1, 0.2], "start.X": np.array([1e-3]), "student.activation": ["erf", "relu"]})
    assert axes.sizes == {"learning_rate": 2, "start.X": 1, "student.activation": 2}
    assert axes.at((1, 0, 1)) == {"learning_rate": 0.2, "start.X": 1e-3, "student.activation": "relu"}


def test_values_that_share_a_dim_go_along_it_together():
    rates = xr.DataArray([0.1, 0.2, 0.1], dims="member")
    axes = axes_of({"learning_rate": rates, "label_noise": xr.DataArray([0.0, 1.0, 2.0], dims="member"), "K": [1, 2]})
    assert axes.sizes == {"member": 3, "K": 2}
    assert axes.at((2, 1)) == {"learning_rate": 0.1, "label_noise": 2.0, "K": 2}


def test_whole_numbers_stay_whole():
    (parameter,) = axes_of({"K": range(1, 4)}).parameters
    assert [type(parameter.values[place].item()) for place in range(3)] == [int] * 3


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({}, "`over` must be a dict of parameters and their values"),
        ([("learning_rate", [1.0])], "`over` must be a dict of parameters and their values"),
        ({"learning_rate": []}, "must have a list of values for `learning_rate`"),
        ({"learning_rate": 0.1}, "must have a list of values for `learning_rate`, but it has 0.1"),
        ({"learning_rate": [0.1, "fast"]}, "all of one kind"),
        ({"learning_rate": [0.1, True]}, "all of one kind"),
        ({"start.Q": [np.eye(2)]}, "Sweep the numbers of arrays and objects"),
        ({"learning_rate": [0.1, np.nan]}, "finite values of `learning_rate`"),
        ({"learning_rate": [0.1, 0.2, 0.1]}, "different values of `learning_rate`"),
        ({3: [0.1]}, "names of parameters as keys, but one is 3"),
        ({"learning_rate": xr.DataArray(np.ones((2, 2)), dims=("a", "b"))}, "values with one dim"),
        (
            {"learning_rate": xr.DataArray([0.1, 0.2], dims="m"), "label_noise": xr.DataArray([0.1], dims="m")},
            "as many values of `label_noise` as of `learning_rate` along their dim 'm', but there are 1 and 2",
        ),
        (
            {"label_noise": [0.1, 0.2], "learning_rate": xr.DataArray([0.1, 0.2], dims="label_noise")},
            "a dim with a name of its own, but 'label_noise' is a parameter",
        ),
    ],
)
def test_bad_values_are_refused(over, sentence):
    with pytest.raises(ld.InputError, match=sentence.replace("(", r"\(")):
        axes_of(over)


def test_fields_of_the_scenario():
    found = member({"learning_rate": [0.5], "label_noise": [0.25], "weight_decay": [0.125]}, (0, 0, 0)).scenario
    assert found == TWO.replace(learning_rate=0.5, label_noise=0.25, weight_decay=0.125)


def test_fields_of_parts_and_of_schedules():
    assert member({"teacher.activation": ["relu"]}).scenario.teacher.activation == "relu"
    three = member({"units": [3]}, start=NEAR).scenario
    assert (three.K, three.M) == (3, 3)
    mixed = member({"K": [3], "M": [1]}, (0, 0), start=NEAR).scenario
    assert (mixed.K, mixed.M) == (3, 1)
    assert {member({"activation": ["relu"]}).scenario.student.activation} == {"relu"}
    decaying = TWO.replace(learning_rate=ld.schedules.Exponential(1.0, 0.5))
    assert member({"learning_rate.eta0": [3.0]}, scenario=decaying).scenario.learning_rate.eta0 == 3.0


def test_entries_of_matrices_count_from_one_and_keep_symmetry():
    found = member({"start.Q[1,2]": [0.05], "start.R[2,1]": [-0.25]}, (0, 0)).start
    assert np.array(found.Q).tolist() == [[0.2, 0.05], [0.05, 0.3]]
    assert np.array(found.R).tolist() == [[0.01, 0.0], [-0.25, 0.0]]


def test_arguments_of_a_recipe_and_the_time_of_a_start():
    assert member({"start.X": [1e-5]}, start=NEAR).start == ld.Start.near_symmetric(TWO, 0.2, 1e-5)
    random = ld.StartRecipe(ld.Start.random, Q=(0.1, 0.5), X=1e-3)
    assert member({"start.seed": [7]}, start=random).start == ld.Start.random(TWO, (0.1, 0.5), 1e-3, seed=7)
    assert member({"start.at": [2.0]}).start.at == 2.0


def test_options_of_the_engine():
    assert member({"rtol": [1e-6]}).options["rtol"] == 1e-6
    assert member({"N": [50], "seed": [3]}, (0, 0), engine="simulate", replicas=2).options == {
        "N": 50, "replicas": 2, "method": None, "tolerance": None, "seed": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("over", "start", "options", "sentence"),
    [
        ({"learning_rte": [0.1]}, APART, {}, "learning_rte.*Did you mean 'learning_rate'"),
        ({"student.unit": [1]}, APART, {}, "student has units, activation.*Did you mean 'units'"),
        ({"learning_rate.initial": [1]}, APART, {}, "learning_rate has no fields"),
        ({"start.Y": [0.1]}, APART, {}, "must lead to a field, but start has Q, R"),
        ({"start.Y": [0.1]}, NEAR, {}, "of Start.near_symmetric must be Q, X, at"),
        ({"1x": [0.1]}, APART, {}, "must be a name such as"),
        ({"rtol": [1e-6]}, APART, {"rtol": 1e-8}, "`rtol` must be left out, because `over` sweeps it"),
        ({"K": [2], "student.units": [2]}, NEAR, {}, "must name each number once, but 'K' and 'student.units'"),
        ({"learning_rate": [1.0]}, ld.StartRecipe(ld.Start.random), {}, "must have a seed"),
        ({"learning_rate": [1.0]}, lambda scenario: APART, {}, "it is a function. Write ld.StartRecipe"),
        ({"learning_rate": [1.0]}, APART, {"N": 3}, "`N` of a sweep must be an option of its engine 'solve'"),
    ],
)
def test_what_changes_nothing_is_refused(over, start, options, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        work_of(TWO, start, over, "solve", 10.0, 3, options)


def test_recipes_need_all_that_their_maker_needs():
    deep = ld.DeepLinear([[1.0, 0.3], [0.2, 2.0]], hidden=2)
    recipe = ld.StartRecipe(ld.LinearWeights.random, seed=1)
    with pytest.raises(ld.InputError, match=r"`scale` of LinearWeights.random must be given.*sweep 'start.scale'"):
        work_of(deep, recipe, {"start.seed": [1, 2]}, "solve", 10.0, 3, {})
    assert work_of(deep, recipe, {"start.scale": [0.1]}, "solve", 10.0, 3, {}).member((0,)).start.weights


def test_names_that_the_result_has_are_refused_with_what_helps():
    deep = ld.DeepLinear([[1.0, 0.3], [0.2, 2.0]], hidden=2)
    recipe: Any = ld.StartRecipe(ld.LinearWeights.random, seed=1, scale=0.1)
    with pytest.raises(ld.InputError, match=r"'hidden', which the result has.*Keep `observables` without"):
        ld.sweep(deep, recipe, {"hidden": [2, 3]}, until=1, save_at=2)
    found = ld.sweep(deep, recipe, {"hidden": [2, 3]}, until=1, save_at=2, observables=["loss"])
    assert found.loss.dims == ("hidden", "t")


def test_recipes_need_a_maker_of_starts():
    with pytest.raises(ld.InputError, match="a class method that makes a start for a scenario"):
        ld.StartRecipe(ld.Start.from_weights)
    with pytest.raises(ld.InputError, match="`make` must be"):
        ld.StartRecipe("random")
