"""Pictures of sweeps: what is drawn is what the sweep holds, and what did not end well is seen."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.mathtext import MathTextParser

import learndyn as ld
from learndyn.plot.curves import label_of
from learndyn.plot.parameters import label, valued
from linear_sweep import CODES, linear_sweep

RATES = np.geomspace(0.05, 3.2, 7)
NOISES = [0.0, 0.1, 0.2, 0.4]
TIMES = np.linspace(0.0, 20.0, 21)


@pytest.fixture
def sweep():
    return linear_sweep({"learning_rate": RATES, "label_noise": NOISES}, TIMES, endings={(0, 1): "refused"})


def meshes(ax):
    """Numbers of all meshes as drawn, masked where nothing is, from below to the top."""
    return [each.get_array() for each in ax.collections if isinstance(each, QuadMesh)]


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def color_bar(ax):
    return ax.figure.axes[1]


def test_a_heat_map_shows_the_numbers_at_a_time(sweep):
    ax = ld.plot.heat_map(sweep, x="learning_rate", y="label_noise", at=3.4, log=False)
    numbers, flat = meshes(ax)
    expected = sweep.eps_g.sel(alpha=3.0).transpose("label_noise", "learning_rate").values
    np.testing.assert_array_equal(numbers.filled(np.nan), expected)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"$\eta$", "$s$")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "linear")
    assert color_bar(ax).get_ylabel() == r"$\epsilon_g$ at $\alpha=3$"
    # Refused: nothing to draw, so grey. Diverged later: the number, with a pattern on it.
    np.testing.assert_array_equal(~np.ma.getmaskarray(flat), (sweep.status == CODES["refused"]).T)
    assert names(ax) == ["diverged", "refused"]
    patterns = [each for each in ax.collections if isinstance(each, PolyCollection)]
    assert [each.get_hatch() for each in patterns] == ["//////", "+++"]
    # Diverged has the last rate, with each noise: a rectangle in each row.
    assert [len(each.get_paths()) for each in patterns] == [len(NOISES), 1]


def test_cells_are_where_their_values_are(sweep):
    ax = ld.plot.heat_map(sweep, x="learning_rate", y="label_noise")
    mesh = next(each for each in ax.collections if isinstance(each, QuadMesh))
    corners = mesh.get_coordinates()
    x, y = corners[0, :, 0], corners[:, 0, 1]
    # Borders are half way, of rates in the logarithm; rounding is 1e-15 of a value.
    np.testing.assert_allclose(np.sqrt(x[1:] * x[:-1]), RATES, rtol=1e-13)
    np.testing.assert_allclose(y[1:-1], [0.05, 0.15, 0.3], rtol=1e-13)


def test_values_in_any_order_and_axes_exchanged(sweep):
    mixed = sweep.isel(learning_rate=[3, 0, 6, 1, 5, 2, 4])
    one, other = (meshes(ld.plot.heat_map(each, "label_noise", "learning_rate", log=False)) for each in (sweep, mixed))
    np.testing.assert_array_equal(one[0].filled(-1), other[0].filled(-1))
    np.testing.assert_array_equal(one[0].filled(np.nan), sweep.eps_g.isel(alpha=-1).values)


def test_the_last_time_and_the_logarithm_are_the_defaults(sweep):
    ax = ld.plot.heat_map(sweep, "learning_rate", "label_noise")
    numbers = meshes(ax)[0]
    last = sweep.eps_g.isel(alpha=-1).transpose("label_noise", "learning_rate").values
    # Noise is what is below rtol times the first value, 1e-8 / 2; that has the lowest colour.
    noise = last <= 0.5e-8
    assert noise.any()
    np.testing.assert_array_equal(numbers.filled(np.nan)[~noise], last[~noise])
    mesh = next(each for each in ax.collections if isinstance(each, QuadMesh))
    assert isinstance(mesh.norm, LogNorm)
    np.testing.assert_array_equal(numbers.filled(np.nan)[noise], mesh.norm.vmin)
    assert mesh.norm.vmin == 1e-8 * 0.5
    assert mesh.colorbar.extend == "min"


def test_time_may_be_an_axis(sweep):
    ax = ld.plot.heat_map(sweep, "alpha", "learning_rate", label_noise=0.4, log=False)
    numbers, flat = meshes(ax)
    expected = sweep.eps_g.sel(label_noise=0.4)
    np.testing.assert_array_equal(numbers.filled(np.nan), expected.values)
    np.testing.assert_array_equal(~np.ma.getmaskarray(flat), np.isnan(expected))
    assert (names(ax), ax.get_xlabel()) == (["diverged"], r"$\alpha$")
    assert color_bar(ax).get_ylabel() == r"$\epsilon_g$"


@pytest.mark.parametrize("word", [word for word in CODES if word not in ("ok", "diverged")])
def test_nothing_is_silently_blank(word):
    sweep = linear_sweep({"learning_rate": [0.5, 1.0], "seed": [1, 2, 3]}, TIMES, endings={(0, 2): word})
    sweep.eps_g[1, 0] = np.nan  # ended well, without a number
    ax = ld.plot.heat_map(sweep, "seed", "learning_rate")
    shown, told = meshes(ax)[0], meshes(ax)[1:]
    assert len(names(ax)) == 2
    assert names(ax)[-1] == "no value"
    drawn = [~np.ma.getmaskarray(each) for each in (shown, *told)]
    np.testing.assert_array_equal(np.sum(drawn, axis=0), 1)
    assert drawn[1][0, 2]
    assert drawn[2][1, 0]
    assert ax.get_xticks().tolist() == [1, 2, 3]


def test_a_sweep_that_ended_badly_everywhere_has_no_colour_bar():
    bad = linear_sweep({"learning_rate": [0.5], "seed": [1]}, TIMES, endings={(0, 0): "failed"})
    ax = ld.plot.heat_map(bad, "seed", "learning_rate")
    assert names(ax) == ["failed"]
    assert len(ax.figure.axes) == 1


def test_among_many_cells_a_flat_colour_stands_for_a_pattern(sweep, monkeypatch):
    monkeypatch.setattr("learndyn.plot.plane.CELLS", sweep.status.size - 1)
    ax = ld.plot.heat_map(sweep, "learning_rate", "label_noise", at=3)
    assert not [each for each in ax.collections if isinstance(each, PolyCollection)]
    flat = [~np.ma.getmaskarray(each) for each in meshes(ax)[1:]]
    for word, drawn in zip(["diverged", "refused"], flat, strict=True):
        np.testing.assert_array_equal(drawn, (sweep.status == CODES[word]).T)
    assert names(ax) == ["diverged", "refused"]


def test_words_are_ticks_and_other_dims_are_chosen():
    over = {"activation": ["relu", "erf"], "K": [1, 2, 4], "seed": range(2), "learning_rate": [0.1, 0.25]}
    sweep = linear_sweep(over, TIMES)
    ax = ld.plot.heat_map(sweep, "activation", "K", seed=1, learning_rate=0.2501)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["relu", "erf"]
    assert (ax.get_yticks().tolist(), ax.get_yscale(), ax.get_ylabel()) == ([1, 2, 4], "log", "$K$")
    (numbers,) = meshes(ax)
    np.testing.assert_array_equal(numbers, sweep.eps_g.isel(seed=1, learning_rate=1, alpha=-1).T)
    assert ax.get_legend() is None


def test_own_dims_are_chosen_and_replicas_averaged():
    sweep = linear_sweep({"learning_rate": [0.1, 0.2], "start.X": [1e-3, 1e-2, 1e-1]}, TIMES)
    rng = np.random.default_rng(1)
    R = xr.DataArray(
        rng.normal(size=(2, 3, 4, 21, 2, 2)),
        dims=("learning_rate", "start.X", "replica", "alpha", "student", "teacher"),
    )
    sweep = sweep.assign(R=R).assign_coords(student=[1, 2], teacher=[1, 2])
    ax = ld.plot.heat_map(sweep, "start.X", "learning_rate", "R", at=0, student=1, teacher=2)
    (numbers,) = meshes(ax)
    np.testing.assert_allclose(numbers, R[:, :, :, 0, 0, 1].mean("replica"), rtol=1e-13)
    assert (ax.get_xlabel(), color_bar(ax).get_ylabel()) == ("$X$", r"$R_{12}$ at $\alpha=0$")
    ax = ld.plot.heat_map(sweep, "student", "teacher", "R", learning_rate=0.2, **{"start.X": 0.01})
    np.testing.assert_allclose(meshes(ax)[0], R[1, 1, :, -1].mean("replica").T, rtol=1e-13)
    # A replica that was lost leaves no mean of the others.
    sweep.R[0, 0, 0] = np.nan
    ax = ld.plot.heat_map(sweep, "start.X", "learning_rate", "R", student=1, teacher=2)
    assert names(ax) == ["no value"]
    assert np.ma.getmaskarray(meshes(ax)[0])[0, 0]


def members(count):
    rng = np.random.default_rng(2)
    rates, noises = np.exp(rng.uniform(np.log(0.05), np.log(1.9), count)), rng.uniform(0.0, 0.5, count)
    over = {"learning_rate": ("member", rates), "label_noise": ("member", noises)}
    return linear_sweep(over, TIMES, endings={(4,): "refused"})


def test_parameters_along_one_dim_are_points():
    sweep = members(30)
    ax = ld.plot.heat_map(sweep, "learning_rate", "label_noise", log=True)
    numbers, flat = (each for each in ax.collections if isinstance(each, PathCollection))
    ok = sweep.where(sweep.status == 0, drop=True)
    np.testing.assert_array_equal(numbers.get_offsets(), np.transpose([ok.learning_rate, ok.label_noise]))
    np.testing.assert_array_equal(numbers.get_array(), ok.eps_g.isel(alpha=-1))
    np.testing.assert_array_equal(flat.get_offsets(), [[sweep.learning_rate[4], sweep.label_noise[4]]])
    assert (names(ax), ax.get_xscale()) == (["refused"], "log")


def test_a_family_is_a_line_for_each_value(sweep):
    ax = ld.plot.family(sweep, "learning_rate", label_noise=0.1)
    lines, points = ax.get_lines()[: len(RATES)], ax.get_lines()[len(RATES) :]
    for rate, line in zip(RATES, lines, strict=True):
        curve = sweep.eps_g.sel(learning_rate=rate, label_noise=0.1).values
        np.testing.assert_array_equal(line.get_xdata(), TIMES)
        np.testing.assert_array_equal(line.get_ydata(), curve)
    # The refused one is told, the diverged one has a marker at its last number.
    last = sweep.isel(learning_rate=6).sel(label_noise=0.1)
    assert 0.0 < last.end < TIMES[-1]
    expected = [(float(last.end), float(last.eps_g.sel(alpha=last.end)))]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in points] == expected
    assert names(ax) == ["no line: 1 refused", "diverged"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == (r"$\alpha$", r"$\epsilon_g$ (log scale)", "log")
    bar = color_bar(ax)
    assert (bar.get_ylabel(), bar.get_yscale()) == (r"$\eta$", "log")
    assert len({tuple(line.get_color()) for line in lines}) == len(RATES)


def test_few_values_and_words_have_a_legend(sweep):
    ax = ld.plot.family(sweep.isel(learning_rate=[3, 4]), "learning_rate", label_noise=0.0)
    assert names(ax) == [r"$\eta=0.4$", r"$\eta=0.8$"]
    assert len(ax.figure.axes) == 1
    words = linear_sweep({"activation": list("abcdefghi"), "K": [1]}, TIMES)
    ax = ld.plot.family(words, "activation")
    assert names(ax) == list("abcdefghi")
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.get_lines()}) == 9


def test_many_lines_are_thinned_from_the_smallest_to_the_largest():
    sweep = members(10_000)
    ax = ld.plot.family(sweep, "learning_rate")
    ends = [line.get_ydata()[1] for line in ax.get_lines()]
    order = np.argsort(sweep.learning_rate.values)
    chosen = order[np.rint(np.linspace(0, 9_999, 60)).astype(int)]
    np.testing.assert_array_equal(ends, sweep.eps_g.isel(alpha=1).values[chosen])


def test_noise_is_left_out_of_a_logarithmic_family():
    sweep = linear_sweep({"learning_rate": [0.5, 1.0]}, TIMES)
    ax = ld.plot.family(sweep, "learning_rate")
    first = ax.get_lines()[1].get_ydata()
    exact = sweep.eps_g.sel(learning_rate=1.0).values
    np.testing.assert_array_equal(first, np.where(exact > 1e-8 * 0.5, exact, np.nan))
    assert np.isnan(first).any()
    assert ax.get_xlim() == (0.0, 20.0)


def test_only_the_error_is_drawn_in_its_logarithm():
    sweep = linear_sweep({"learning_rate": [0.5, 1.0]}, TIMES)
    sweep["length"] = sweep.eps_g
    assert ld.plot.family(sweep, "learning_rate").get_yscale() == "log"
    ax = ld.plot.family(sweep, "learning_rate", "length")
    assert (ax.get_yscale(), ax.get_ylabel()) == ("linear", "$|J|$")


def test_a_member_of_a_sweep_is_a_run(sweep):
    single = [sweep.isel(learning_rate=1, label_noise=place) for place in (0, 1)]
    ax = ld.plot.learning_curve(*single)
    assert names(ax) == [rf"theory, $N\to\infty$, $\eta=0.1$, $s={noise}$" for noise in ("0", "0.1")]


@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_saved_text_stays_text(sweep, tmp_path, ending):
    path = ld.plot.save(ld.plot.heat_map(sweep, "learning_rate", "label_noise"), tmp_path / f"map.{ending}")
    assert path.stat().st_size > 0
    if ending == "svg":
        assert ">diverged</text>" in path.read_text()


MAP = {"x": "learning_rate", "y": "label_noise"}


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda s: ld.plot.heat_map(s.eps_g, **MAP), r"must be a result of ld\.sweep, but it is a DataArray"),
        (lambda s: ld.plot.heat_map(s[["eps_g"]], **MAP), r"must be a result of ld\.sweep, but it is another dataset"),
        (lambda s: ld.plot.heat_map(s, **MAP, value="eps_q"), "`value` must be .*Did you mean 'eps_g'"),
        (lambda s: ld.plot.heat_map(s, **MAP, value="message"), "`value` must be"),
        (lambda s: ld.plot.heat_map(s, "learning_rat", "label_noise"), "`x` must be .*Did you mean 'learning_rate'"),
        (lambda s: ld.plot.heat_map(s, "label_noise", "label_noise"), "`x` and `y` must be different parameters"),
        (lambda s: ld.plot.heat_map(s, **MAP, at=21), "`at` must be a time of the sweep, 0 to 20, but it is 21"),
        (lambda s: ld.plot.heat_map(s, **MAP, at="end"), "`at` must be a finite number"),
        (lambda s: ld.plot.heat_map(s, **MAP, alpha=3), "`alpha` must be left out, because `at` chooses the time"),
        (lambda s: ld.plot.heat_map(s, **MAP, value="end", at=1), "`at` must be left out, because `end` has no time"),
        (lambda s: ld.plot.heat_map(s, "alpha", "label_noise", at=1), "`at` must be left out, because time is an axis"),
        (lambda s: ld.plot.heat_map(s, **MAP, learning_rate=1), "`learning_rate` must be left out"),
        (
            lambda s: ld.plot.heat_map(s, "alpha", "label_noise", learning_rat=1),
            "`learning_rat` must be a parameter .*Did you mean",
        ),
        (lambda s: ld.plot.heat_map(s, "alpha", "label_noise"), r"`learning_rate` must say .* Add learning_rate=0\.05"),
        (lambda s: ld.plot.heat_map(s, "alpha", "label_noise", learning_rate=7), "must be one of .*but it is 7"),
        (lambda s: ld.plot.heat_map(s.assign(eps_g=0 * s.eps_g), **MAP, log=True), "`log` must be False"),
        (lambda s: ld.plot.family(s, "learning_rate"), r"must say which of 0, 0\.1, 0\.2, 0\.4 to draw"),
        (lambda s: ld.plot.family(s, "learning_rate", "end"), "`value` must be a variable that goes along time"),
        (lambda s: ld.plot.family(s, "learning_rate", alpha=3), "`alpha` must be left out, because the picture goes"),
        (lambda s: ld.plot.phase_diagram(s), "`x` must be .*but it is None"),
        (lambda s: ld.plot.phase_diagram(s, **MAP, threshold=0), "`threshold` must be a finite number above 0"),
        (lambda s: ld.plot.phase_diagram(s.isel(alpha=1), **MAP), "must be a sweep of whole runs"),
        (lambda s: ld.plot.phase_diagram(s.drop_vars("eps_g"), **MAP), "`value` must be"),
        (lambda s: ld.plot.learning_curve(s), "one is a sweep along learning_rate, label_noise"),
    ],
)
def test_what_is_refused(sweep, draw, message):
    with pytest.raises(ld.InputError, match=message):
        draw(sweep)
    assert plt.get_fignums() == []


def test_members_are_chosen_by_what_they_share():
    over = {"learning_rate": ("member", [0.1, 0.2, 0.2]), "seed": ("member", [1, 1, 2]), "K": [1, 2, 3]}
    sweep = linear_sweep(over, TIMES)
    with pytest.raises(
        ld.InputError, match='`member` must say which of 0, 1, 2 to draw or by "learning_rate" or "seed"'
    ):
        ld.plot.family(sweep, "K")
    with pytest.raises(ld.InputError, match="`member` must say which of"):
        ld.plot.family(sweep, "K", learning_rate=0.2)
    lines = ld.plot.family(sweep, "K", learning_rate=0.2, seed=2).get_lines()
    assert len(lines) == 3
    with pytest.raises(ld.InputError, match="`seed` must have different values along its dim"):
        ld.plot.heat_map(sweep, "seed", "K")


def test_numbers_in_a_legend_look_alike():
    assert valued("start.X", [0.25, 0.1, 3]) == ["$X=0.25$", "$X=0.1$", "$X=3$"]
    assert valued("start.X", [1e-6, -2.5e-6, 0.1, 0.0]) == [
        "$X=10^{-6}$", r"$X=-2.5\times 10^{-6}$", "$X=10^{-1}$", "$X=0$",
    ]  # fmt: skip
    curves = linear_sweep({"learning_rate": [1e-5, 1e-4, 0.5]}, TIMES)
    legend = ld.plot.family(curves, "learning_rate").get_legend()
    labels = [r"$\eta=10^{-5}$", r"$\eta=10^{-4}$", r"$\eta=5\times 10^{-1}$"]
    assert [text.get_text() for text in legend.get_texts()] == labels
    members = [curves.isel(learning_rate=place) for place in (0, 1)]
    legend = ld.plot.learning_curve(*members).get_legend()
    assert [text.get_text().split(", ")[-1] for text in legend.get_texts()] == labels[:2]


NAMES = {
    "eps_g": r"$\epsilon_g$", "test_accuracy": "test accuracy", "accuracy": "accuracy", "w_norm": "$|w|$", "R": "$R$",
    "train_error": "train error", "own_cosine": "own cosine", "theta": r"$\theta$", "eta": r"$\eta$", "u": "$u$",
    "R_space": "R space", "imbalance_1": "imbalance 1", "W_1": "$W_1$", "R_12": "$R_{12}$", "my_own_$": r"my own \$",
}  # fmt: skip


def test_names_of_variables_are_symbols_or_words():
    assert {name: label_of(name) for name in NAMES} == NAMES
    assert [label_of(name, "12") for name in ("R", "test_error", "W_1")] == [
        "$R_{12}$", r"$\mathrm{test\ error}_{12}$", "$W_{1,12}$",
    ]  # fmt: skip
    assert label("start.output_weights[1,2]") == r"$\mathrm{output\ weights}_{12}$"
    # They can be drawn.
    for name in NAMES:
        MathTextParser("path").parse(label_of(name))
        MathTextParser("path").parse(label_of(name, "12"))


def test_pictures_of_sweeps_call_variables_by_these_names(sweep):
    named = sweep.rename(eps_g="test_accuracy")
    assert ld.plot.family(named, "learning_rate", "test_accuracy", label_noise=0).get_ylabel() == "test accuracy"
