"""Phase diagrams of sweeps: outcomes and times are those of curves that are known."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh

import learndyn as ld
from learndyn.plot.phase_diagram import times_reached
from linear_sweep import BEGIN, linear_sweep

RATES, NOISES = [0.01, 0.5, 1.0, 2.5], [0.0, 0.6]
TIMES = np.linspace(0.0, 20.0, 41)
LEVEL = 0.05


@pytest.fixture
def sweep():
    return linear_sweep({"learning_rate": RATES, "label_noise": NOISES}, TIMES, endings={(0, 1): "max_steps"})


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_every_outcome_and_the_times(sweep):
    ax = ld.plot.phase_diagram(sweep, "learning_rate", "label_noise", threshold=LEVEL)
    times, *flat = [each.get_array() for each in ax.collections if isinstance(each, QuadMesh)]
    # Without noise eps_g falls as exp(-eta (2 - eta) alpha): log-linear, so that the time is exact but for rounding,
    # 1e-16 of 20. With noise it ends at eta s^2 / (2 (2 - eta)): 0.06 and 0.18 here, above the threshold.
    exact = [np.log(BEGIN / LEVEL) / (rate * (2.0 - rate)) for rate in (0.5, 1.0)]
    np.testing.assert_allclose(times[0, 1:3], exact, rtol=1e-13)
    words = [["not learned", "learned", "learned", "diverged"], ["failed", "not learned", "not learned", "diverged"]]
    assert names(ax) == ["not learned", "diverged", "failed"]
    np.testing.assert_array_equal(~np.ma.getmaskarray(times), np.array(words) == "learned")
    for word, mesh in zip(names(ax), flat, strict=True):
        np.testing.assert_array_equal(~np.ma.getmaskarray(mesh), np.array(words) == word)
    assert ax.figure.axes[1].get_ylabel() == r"$\alpha$ at which $\epsilon_g=0.05$"
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"$\eta$", "$s$")


def test_what_was_not_run_and_the_threshold_by_default():
    over = {"learning_rate": [1.0, 1.5], "seed": [1, 2], "K": [3]}
    sweep = linear_sweep(over, TIMES, endings={(0, 0, 0): "missing", (1, 1, 0): "interrupted"})
    ax = ld.plot.phase_diagram(sweep, "learning_rate", "seed")
    times, flat = [each.get_array() for each in ax.collections if isinstance(each, QuadMesh)]
    assert names(ax) == ["not run"]
    np.testing.assert_array_equal(~np.ma.getmaskarray(flat), [[True, False], [False, True]])
    np.testing.assert_allclose(times[1, 0], np.log(BEGIN / 1e-3), rtol=1e-13)


def test_learned_before_it_diverged_is_learned():
    sweep = linear_sweep({"learning_rate": [1.0, 2.5], "seed": [1]}, TIMES)
    sweep.eps_g[1, 0, 3] = LEVEL
    times = ld.plot.phase_diagram(sweep, "seed", "learning_rate", threshold=LEVEL).collections[0].get_array()
    assert times[1, 0] == TIMES[3]


def test_parameters_along_one_dim_are_points():
    over = {"learning_rate": ("member", [0.01, 0.5, 2.5]), "label_noise": ("member", [0.0, 0.0, 0.1])}
    sweep = linear_sweep(over, TIMES)
    ax = ld.plot.phase_diagram(sweep, "learning_rate", "label_noise", threshold=LEVEL)
    learned, *flat = (each.get_offsets().tolist() for each in ax.collections if isinstance(each, PathCollection))
    assert learned == [[0.5, 0.0]]
    assert dict(zip(names(ax), flat, strict=True)) == {"not learned": [[0.01, 0.0]], "diverged": [[2.5, 0.1]]}


@pytest.mark.parametrize(
    ("curve", "time"),
    [
        ([1.0, 0.1, 0.01], 1.5),  # half way in the logarithm from 0.1 to 0.01: 10^-1.5
        ([0.02, 0.5, 0.01], 0.0),  # from the beginning
        ([1.0, 10**-1.5, 0.01], 1.0),  # on a saved row
        ([1.0, 0.5, -0.5], 1.0 + (0.5 - 10**-1.5)),  # below 0 the line is one in eps_g itself
        ([1.0, 0.5, 0.0], 1.0 + (0.5 - 10**-1.5) / 0.5),
        ([np.nan, np.nan, 0.01], 2.0),  # nothing known before
        ([1.0, 0.5, np.nan], np.nan),
        ([np.nan] * 3, np.nan),
        ([1.0, 0.01, 0.5], 0.75),  # the first time, though it rises again
    ],
)
def test_the_first_time_at_or_below_the_threshold(curve, time):
    found = times_reached(np.array([0.0, 1.0, 2.0]), np.array([[curve]]), 10**-1.5)
    np.testing.assert_allclose(found, [[time]], rtol=1e-14)


def test_a_diagram_has_its_own_axes_and_a_sweep_may_be_drawn_like_it():
    scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    start = ld.Start(Q=1.0, R=0.5)
    x, y = ("learning_rate", RATES), ("label_noise", NOISES)
    diagram = ld.phase_diagram(scenario, start, 20.0, x=x, y=y, threshold=LEVEL)
    with pytest.raises(ld.InputError, match=r"`threshold` must be left out for a result of ld\.phase_diagram"):
        ld.plot.phase_diagram(diagram, threshold=LEVEL)
    sweep = ld.sweep(scenario, start, over=dict([x, y]), until=20.0, save_at=41, observables=["eps_g"])
    own = ld.plot.phase_diagram(diagram).collections
    found = ld.plot.phase_diagram(sweep, *MAP, threshold=LEVEL).collections
    assert len(found) == len(own)
    for one, other in zip(own, found, strict=True):
        mask = np.ma.getmaskarray(one.get_array())
        np.testing.assert_array_equal(mask, np.ma.getmaskarray(other.get_array()))
    # Both are exact to the solver's rtol, 1e-8, in eps_g: that over the slope of ln eps_g, 0.75, in time; a hundred
    # times that for errors that add up over the run.
    times, others = (each[0].get_array().compressed() for each in (own, found))
    np.testing.assert_allclose(times, others, rtol=0.0, atol=100 * 1e-8 / 0.75)


MAP = ("learning_rate", "label_noise")
