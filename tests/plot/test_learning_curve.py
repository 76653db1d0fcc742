"""The learning curve: what is drawn is what the results hold."""

from __future__ import annotations

import numpy as np
import pytest

import learndyn as ld


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_theory_is_a_line_through_all_points(theory):
    ax = ld.plot.learning_curve(theory, scale="linear")
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(line.get_xdata(), theory.alpha)
    np.testing.assert_array_equal(line.get_ydata(), theory.eps_g)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"$\alpha$", r"$\epsilon_g$")
    assert names(ax) == [r"theory, $N\to\infty$"]


def test_simulation_is_few_markers_with_standard_errors(theory, simulation):
    ax = ld.plot.learning_curve(theory, simulation, scale="linear", markers=7)
    (container,) = ax.containers
    markers, _, (bars,) = container.lines
    averaged = ld.mean_and_error(simulation)
    rows = np.searchsorted(simulation.alpha, markers.get_xdata())
    assert len(rows) == 7
    np.testing.assert_allclose(markers.get_ydata(), averaged.eps_g.values[rows], rtol=1e-14)
    half = np.array([np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()])
    np.testing.assert_allclose(half, averaged.eps_g_error.values[rows], rtol=1e-9)
    assert names(ax) == [r"theory, $N\to\infty$", "simulation, $N=20$, 3 runs"]


def test_an_average_is_a_simulation_with_its_errors(simulation):
    averaged = ld.mean_and_error(simulation)
    ax = ld.plot.learning_curve(averaged)
    assert names(ax) == ["simulation, $N=20$"]
    (bars,) = ax.containers[0].lines[2]
    rows = np.searchsorted(averaged.alpha, ax.containers[0].lines[0].get_xdata())
    half = np.array([np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()])
    np.testing.assert_allclose(half, averaged.eps_g_error.values[rows], rtol=1e-9)


def test_one_replica_is_a_simulation(simulation):
    assert names(ld.plot.learning_curve(simulation.sel(replica=0))) == ["simulation, $N=20$"]


def test_one_run_has_no_bars(simulation):
    ax = ld.plot.learning_curve(simulation.isel(replica=[0]))
    assert ax.containers[0].has_yerr is False
    assert names(ax) == ["simulation, $N=20$"]


def test_the_scale_follows_the_range(theory):
    assert ld.plot.learning_curve(theory).get_yscale() == "log"
    assert ld.plot.learning_curve(theory).get_ylabel() == r"$\epsilon_g$ (log scale)"
    assert ld.plot.learning_curve(theory.sel(alpha=slice(0, 20))).get_yscale() == "linear"


def test_noise_is_left_out_of_a_log_axis(theory):
    noisy = theory.assign(eps_g=theory.eps_g.where(theory.alpha < 200, 1e-17))
    ax = ld.plot.learning_curve(noisy, scale="log")
    drawn = ax.get_lines()[0].get_ydata()
    assert names(ax) == [r"theory, $N\to\infty$, to its tolerance"]
    assert names(ld.plot.learning_curve(noisy, scale="linear")) == [r"theory, $N\to\infty$"]
    assert names(ld.plot.learning_curve(noisy, scale="log", labels=["mine"])) == ["mine"]
    assert np.isnan(drawn[theory.alpha.values >= 200]).all()
    assert np.isfinite(drawn[theory.alpha.values < 200]).all()


def test_gradient_flow_is_drawn_against_eta_alpha(scenario, simulation):
    slow = ld.solve(scenario.replace(dynamics="gradient_flow"), ld.start_of(simulation), 40)
    ax = ld.plot.learning_curve(slow, simulation, scale="linear")
    assert ax.get_xlabel() == r"$\eta\alpha$"
    assert ax.get_lines()[0].get_xdata()[-1] == 20.0
    assert max(ax.containers[0].lines[0].get_xdata()) <= 10.0


def test_labels_tell_apart_what_differs(theory, scenario):
    other = ld.solve(scenario.replace(learning_rate=0.25), ld.start_of(theory), 20)
    ax = ld.plot.learning_curve(theory, other)
    assert names(ax) == [r"theory, $N\to\infty$, $\eta=0.5$", r"theory, $N\to\infty$, $\eta=0.25$"]
    assert ax.get_lines()[0].get_color() != ax.get_lines()[1].get_color()
    assert names(ld.plot.learning_curve(theory, other, labels=["fast", "slow"])) == ["fast", "slow"]


def test_another_variable(theory, simulation):
    mine = [each.assign(my_number=-each.eps_g) for each in (theory, simulation)]
    ax = ld.plot.learning_curve(*mine, value="my_number")
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), -theory.eps_g)
    assert (ax.get_ylabel(), ax.get_yscale()) == ("my number", "linear")
    low, high = ax.get_ylim()
    markers = ax.containers[0].lines[0]
    mean = simulation.eps_g.mean("replica").values[np.searchsorted(simulation.alpha, markers.get_xdata())]
    np.testing.assert_allclose(markers.get_ydata(), -mean, rtol=1e-14)
    assert low < -mean.max() < -theory.eps_g.min() < high
    with pytest.raises(ld.InputError, match='must be "eps_g" or "my_number", a variable of all results with one'):
        ld.plot.learning_curve(*mine, value="R")
    with pytest.raises(ld.InputError, match="Did you mean 'eps_g'"):
        ld.plot.learning_curve(theory, mine[1], value="epsg")
    with pytest.raises(ld.InputError, match="have none"):
        ld.plot.learning_curve(theory[["R"]], value="R")


def test_a_given_axes_is_drawn_on_and_handed_back(theory):
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert ld.plot.learning_curve(theory, ax=ax) is ax


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda theory: ld.plot.learning_curve(), "at least one result"),
        (lambda theory: ld.plot.learning_curve(1.0), "holds a float"),
        (lambda theory: ld.plot.learning_curve(theory.drop_vars("eps_g")), "variable `eps_g`"),
        (lambda theory: ld.plot.learning_curve(theory.isel(alpha=0)), "whole runs"),
        (lambda theory: ld.plot.learning_curve(theory, labels=[]), "one name for each"),
        (lambda theory: ld.plot.learning_curve(theory, scale="logarithmic"), "`scale`"),
        (lambda theory: ld.plot.learning_curve(theory, markers=0), "`markers`"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_no_picture(theory, call, message):
    import matplotlib.pyplot as plt

    with pytest.raises(ld.InputError, match=message):
        call(theory)
    assert plt.get_fignums() == []
