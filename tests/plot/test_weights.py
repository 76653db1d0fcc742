"""Pictures of weights: the learning curve and overview of a perceptron, flow fields, means in their bands."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import learndyn as ld

TASK = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Reinforce(baseline=False), weight_decay=0.1)
GRID = np.linspace(-2.0, 2.0, 9)


@pytest.fixture(scope="module")
def curve():
    return ld.solve(TASK, ld.GaussianWeights([0.0, 1.0], cov=0.1), 2, save_at=5)


@pytest.fixture(scope="module")
def field():
    return ld.flow_field(TASK, [0.0, 0.0], x=("w_1", GRID), y=("w_2", GRID[:7]))


def test_the_learning_curve_is_the_alignment(curve):
    ax = ld.plot.learning_curve(curve)
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), np.stack([curve.t, curve.alignment], axis=1))
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("$t$", "alignment", "linear")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [r"theory, $\eta\to0$"]


def test_curves_of_two_kinds_are_not_mixed(curve):
    perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    other = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), 1, save_at=2)
    with pytest.raises(ld.InputError, match="the variable `alignment`, but one has only R, Q"):
        ld.plot.learning_curve(curve, other)


def test_the_overview_shows_the_modes_that_can_be_told_apart():
    for m, panels in ((3, 2), (9, 1)):
        modes = ld.LinearModes(np.linspace(0.5, 2.0, m), dropout_keep=0.6, learning_rate=0.1)
        figure = ld.plot.overview(ld.solve(modes, 0.1, 5.0), ld.simulate(modes, 0.1, 5.0, replicas=3, seed=1))
        assert len(figure.axes) == panels
        named = [text.get_text() for ax in figure.axes[1:] for text in ax.get_legend().get_texts()]
        assert named == (["$u_{1}$", "$u_{2}$", "$u_{3}$"] if m == 3 else [])
        plt.close(figure)


def test_the_overview_shows_what_there_is(curve):
    figure = ld.plot.overview(curve)
    labels = ["alignment", "$|w|$", "accuracy", r"$\mathrm{tr\,Cov}(w)$"]
    assert [ax.get_ylabel() for ax in figure.axes] == labels
    assert figure.axes[0].get_title() == r"RL, $n=2$, $\lambda=0.1$, $\eta\to0$"
    fewer = ld.plot.overview(curve.drop_vars(["trace_cov", "accuracy"]))
    assert [ax.get_ylabel() for ax in fewer.axes] == ["alignment", "$|w|$"]


def test_a_flow_field_is_the_drift_at_its_points(field):
    for w_1, w_2 in ((-2.0, 1.0), (0.5, -1.5)):
        drift = ld.drift(TASK, [w_1, w_2]).w.values
        here = field.sel(w_1=w_1, w_2=w_2)
        np.testing.assert_array_equal([here.dx, here.dy], drift)
    assert field.dx.dims == ("w_2", "w_1")
    assert bool(field.possible.all())


def test_a_flow_field_of_overlaps_leaves_out_what_is_impossible():
    perceptron = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.5)
    field = ld.flow_field(perceptron, ld.Start(Q=1.0, R=0.0), x=("R_11", [-1.5, 0.0, 0.5]), y=("Q_11", [0.3, 0.5, 1.0]))
    expected = field.R_11**2 <= field.Q_11
    assert field.possible.equals(expected.transpose("Q_11", "R_11"))
    assert float(abs(field.dx.where(~field.possible, 0.0)).max()) == 0.0
    # The linear perceptron: dR = eta (T - R).
    np.testing.assert_allclose(field.dx.sel(R_11=0.5), 0.25, rtol=1e-12)
    ax = ld.plot.flow_field(field, ld.solve(perceptron, ld.Start(Q=0.5, R=0.0), 2, save_at=5))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$R_{11}$", "$Q_{11}$")


def test_streamlines_and_runs_are_drawn(field):
    runs = [ld.solve(TASK, start, 2, save_at=5) for start in ([-1.0, 1.0], [0.0, -1.0])]
    ax = ld.plot.flow_field(field, *runs)
    assert len(ax.get_lines()) == 4  # each run and the dot at its start
    np.testing.assert_array_equal(ax.get_lines()[0].get_xydata(), runs[0].w)
    assert (ax.get_xlim(), ax.get_ylim(), ax.get_aspect()) == ((-2.0, 2.0), (-2.0, 1.0), 1.0)


def test_means_lie_in_bands_of_one_standard_deviation(curve):
    ax = ld.plot.moments(curve, inputs=[2])
    (line,), (band,) = ax.get_lines(), ax.collections
    np.testing.assert_array_equal(line.get_ydata(), curve.w.sel(input=2))
    corners = band.get_paths()[0].vertices
    top = [corners[corners[:, 0] == time, 1].max() for time in curve.t.values]
    np.testing.assert_allclose(top, curve.w.sel(input=2) + np.sqrt(curve.variance.sel(input=2)), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, f: ld.plot.moments(c, inputs=[3]), "numbers of weights from 1 to 2"),
        (lambda c, f: ld.plot.moments(c.drop_vars("variance")), "began from a point"),
        (lambda c, f: ld.plot.flow_field(c), "result of ld.flow_field, but it is another dataset"),
        (lambda c, f: ld.plot.flow_field(f, c.drop_vars("w")), "runs with w_1"),
        (lambda c, f: ld.flow_field(TASK, [0, 0], x=("w_3", GRID), y=("w_2", GRID)), "number of the state, w_1, w_2"),
        (lambda c, f: ld.flow_field(TASK, [0, 0], x=("w_2", GRID), y=("w_2", GRID)), "both are 'w_2'"),
        (lambda c, f: ld.flow_field(TASK, [0, 0], x=("w_1", [1, 0]), y=("w_2", GRID)), "two or more increasing"),
    ],
)
def test_bad_input_is_one_sentence(curve, field, call, message):
    import matplotlib.pyplot as plt

    with pytest.raises(ld.InputError, match=message):
        call(curve, field)
    assert plt.get_fignums() == []


def test_an_ensemble_is_no_run():
    cloud = ld.ensemble(TASK, ld.GaussianWeights([0.0, 1.0], cov=0.1), 1, members=5, save_at=2, seed=1)
    for draw in (ld.plot.learning_curve, ld.plot.overview, ld.plot.moments):
        with pytest.raises(ld.InputError, match=r"many in its dim `member`. Choose one: result.isel\(member=0\)"):
            draw(cloud)
    assert ld.plot.learning_curve(cloud.isel(member=0)).get_ylabel() == "alignment"


def test_weights_of_a_rule_of_functions_are_drawn_by_their_length():
    rule = ld.UpdateRule(dimension=2, mean=lambda w: -w, name="decay")
    run = ld.solve(rule, [1.0, 2.0], 1, save_at=2)
    elsewhere = run.assign_attrs(scenario=run.attrs["scenario"].replace("token", "token_of_another_process"))
    for result in (run, elsewhere):
        assert ld.plot.learning_curve(result).get_ylabel() == "$|w|$"
