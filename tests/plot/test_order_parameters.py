"""Order parameters: names, colours and styles of the curves, and the overview."""

from __future__ import annotations

import numpy as np
import pytest

import learndyn as ld
from learndyn.plot import data
from learndyn.plot.curves import curves_of


def lines_of(ax):
    return {line.get_label(): line for line in ax.get_lines() if line.get_label().startswith("$")}


def test_each_component_is_one_named_curve(theory):
    ax = ld.plot.order_parameters(theory)
    lines = lines_of(ax)
    assert list(lines) == ["$R_{11}$", "$R_{12}$", "$R_{21}$", "$R_{22}$", "$Q_{11}$", "$Q_{12}$", "$Q_{22}$"]
    np.testing.assert_array_equal(lines["$R_{12}$"].get_ydata(), theory.R.sel(student=1, teacher=2))
    np.testing.assert_array_equal(lines["$Q_{12}$"].get_ydata(), theory.Q.sel(student=1, student2=2))
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"$\alpha$", "$R_{in}$, $Q_{ik}$")


def test_colour_is_the_student_unit_and_style_the_teacher_unit(theory):
    lines = lines_of(ld.plot.order_parameters(theory))
    assert lines["$R_{11}$"].get_color() == lines["$R_{12}$"].get_color() == lines["$Q_{11}$"].get_color()
    assert lines["$R_{11}$"].get_color() != lines["$R_{21}$"].get_color()
    assert lines["$R_{11}$"].get_linestyle() == lines["$R_{21}$"].get_linestyle()
    looks = {(curve.color, str(curve.style)) for curve in curves_of(theory, ("R", "Q"))}
    assert len(looks) == len(lines)


def test_a_perceptron_needs_no_indices():
    perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), 5)
    lines = lines_of(ld.plot.order_parameters(curve))
    assert list(lines) == ["$R$", "$Q$"]
    assert lines["$R$"].get_color() != lines["$Q$"].get_color()


def test_simulations_are_markers_in_the_colour_of_their_curve(theory, simulation):
    ax = ld.plot.order_parameters(theory, simulation, names=("R",), markers=5)
    assert len(ax.containers) == 4
    lines = lines_of(ax)
    averaged = ld.mean_and_error(simulation).R.sel(student=2, teacher=1)
    markers = ax.containers[2].lines[0]
    assert markers.get_color() == lines["$R_{21}$"].get_color()
    assert len(markers.get_xdata()) == 5
    rows = np.searchsorted(simulation.alpha, markers.get_xdata())
    np.testing.assert_allclose(markers.get_ydata(), averaged.values[rows], rtol=1e-14)


def test_neighbouring_curves_have_staggered_markers(theory, simulation):
    ax = ld.plot.order_parameters(theory, simulation, names=("R",), markers=5)
    first = [container.lines[0].get_xdata()[0] for container in ax.containers]
    assert len(set(first)) == 4


def test_other_variables_have_curves_too(theory):
    assert list(lines_of(ld.plot.order_parameters(theory, names=("cosine",)))) == [
        rf"$\cos\phi_{{{i}{n}}}$" for i in (1, 2) for n in (1, 2)
    ]
    assert list(lines_of(ld.plot.order_parameters(theory, names="length"))) == ["$|J|_{1}$", "$|J|_{2}$"]


def test_many_curves_share_one_name():
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(9), learning_rate=0.1)
    curve = ld.solve(scenario, ld.Start.near_symmetric(scenario), 1, save_at=3)
    ax = ld.plot.order_parameters(curve, names=("R",))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["$R$ (18 curves)"]


def test_overview_has_three_labelled_panels(theory, simulation):
    figure = ld.plot.overview(theory, simulation)
    assert [ax.get_ylabel() for ax in figure.axes] == [r"$\epsilon_g$ (log scale)", "$R_{in}$", "$Q_{ik}$"]
    assert figure.axes[-1].get_xlabel() == r"$\alpha$"
    assert figure.axes[0].get_title() == r"erf $K=2, M=2$, $\eta=0.5$"
    expressed = theory.attrs["scenario"].replace('"erf"', '"x * exp(-x^2 / 2)"')
    assert data.title(theory.assign_attrs(scenario=expressed)) == r"x * exp(-x^2 / 2), $K=2, M=2$, $\eta=0.5$"
    assert figure.get_figwidth() == ld.plot.COLUMN
    assert len(figure.axes[1].containers) == 4


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda theory, other: ld.plot.order_parameters(theory, names=("S",)), "variable `S`"),
        (lambda theory, other: ld.plot.order_parameters(theory, other), "units of `result`"),
        (lambda theory, other: ld.plot.overview(theory, other), "units of `result`"),
        (lambda theory, other: ld.plot.overview(None), "holds None"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_picture(theory, call, message):
    import matplotlib.pyplot as plt

    perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    other = ld.simulate(perceptron, ld.Start(Q=0.25, R=0.0), 1, N=10, replicas=2, seed=1)
    with pytest.raises(ld.InputError, match=message):
        call(theory, other)
    assert plt.get_fignums() == []


def test_of_a_simulation_alone_the_mean_is_drawn(simulation):
    lines = lines_of(ld.plot.order_parameters(simulation, names=("Q",)))
    expected = simulation.Q.sel(student=1, student2=2).mean("replica")
    np.testing.assert_allclose(lines["$Q_{12}$"].get_ydata(), expected, rtol=1e-14)
