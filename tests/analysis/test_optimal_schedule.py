"""The best schedules against closed forms, independent programs, Pontryagin's condition, and brute force."""

import json
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import learndyn as ld
from learndyn.analysis.learning_rates.controls import checked_bounds
from perceptrons_by_hand import erf_pieces, linear_optimum, linear_run

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "learning_rates.json").read_text())
START = ld.Start(Q=0.25, R=0.0)
E0 = 1.25
NOISE = 0.5
FORMS = ["piecewise_constant", "piecewise_linear", "spline"]
LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.5, label_noise=NOISE)
RELU = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
ERF = ld.StudentTeacher(ld.Student(1, "erf"), ld.Teacher(1, "erf"), learning_rate=1.0, label_noise=NOISE)


@cache
def linear_result(form):
    return ld.optimal_schedule(LINEAR, START, 6.0, knots=12, form=form)


@cache
def relu_result(form, knots):
    return ld.optimal_schedule(RELU, START, 5.0, knots=knots, form=form, tolerance=1e-8, largest_step=0.125)


@cache
def long_result():
    return ld.optimal_schedule(LINEAR, START, 60.0, knots=31, form="piecewise_linear", largest_step=0.5, accuracy=1e-5)


def halving():
    """How far 41 points are off 21, at these: three times the error of the 41, which is of second order."""
    fine, coarse = (relu_result("piecewise_linear", knots).numbers.values[0] for knots in (41, 21))
    return np.abs(fine[::2] - coarse)


# ---- Closed forms: the linear perceptron


@pytest.mark.parametrize("form", FORMS)
def test_the_linear_perceptron_with_noise_lies_between_two_bounds(form):
    """No schedule beats the closed form, and the best of a family beats each of it: the one through the closed form."""
    result = linear_result(form)
    E, _ = linear_optimum(6.0, E0, NOISE)
    places = result.knot.values + (0.25 if form == "piecewise_constant" else 0.0)
    through = linear_optimum(places, E0, NOISE)[1]
    if form == "piecewise_constant":
        by_hand = linear_run(lambda alpha: through[min(int(alpha / 0.5), 11)], 6.0, E0, NOISE, steps=1200)
    elif form == "piecewise_linear":
        by_hand = linear_run(lambda alpha: np.interp(alpha, places, through), 6.0, E0, NOISE)
    else:
        by_hand = linear_run(lambda alpha: 0.4, 6.0, E0, NOISE)  # a constant is a spline
    assert 0.5 * E - 1e-10 <= result.eps_g_final <= 0.5 * by_hand
    assert result.attrs["status"] == "ok"


def test_the_rate_of_the_linear_perceptron_with_noise_falls_as_one_over_alpha():
    result = long_result()
    late = (result.knot >= 20) & (result.knot <= 56)
    alpha, rate = result.knot.values[late], result.numbers.values[0][late]
    # Straight lines over h = 2 through 1 / alpha are off by up to (h / alpha)^2 / 4 of it.
    np.testing.assert_allclose(rate, linear_optimum(alpha, E0, NOISE)[1], rtol=0.25 * (2 / 20) ** 2)
    slope = np.polyfit(np.log(alpha), np.log(rate), 1)[0]
    exact = np.polyfit(np.log(alpha), np.log(linear_optimum(alpha, E0, NOISE)[1]), 1)[0]
    assert slope == pytest.approx(exact, abs=0.01)
    assert abs(slope + 1.0) < 0.1


def test_without_noise_a_rate_of_one_is_best_all_the_time():
    result = ld.optimal_schedule(LINEAR.replace(label_noise=0.0), START, 4.0, knots=4)
    np.testing.assert_allclose(result.numbers.values, 1.0, rtol=0, atol=1e-4)
    assert result.eps_g_final == pytest.approx(0.5 * linear_optimum(4.0, E0, 0.0)[0], rel=1e-7)


# ---- Independent programs: the relu perceptron


def test_twenty_pieces_of_the_relu_perceptron():
    vectors, result = VECTORS["until_5"], relu_result("piecewise_constant", 20)
    # Their program made steps of 1/4: eps_g is off by 2e-9, and the minimum by the root of that over its curvature.
    assert result.eps_g_final == pytest.approx(vectors["eps_g_pieces"], abs=5e-9)
    np.testing.assert_allclose(result.numbers.values[0], vectors["pieces"], rtol=0, atol=1e-3)
    assert result.constant.item() == pytest.approx(vectors["constant"], abs=1e-3)
    assert result.eps_g_final_constant == pytest.approx(vectors["eps_g_constant"], abs=1e-8)


def test_many_points_of_the_relu_perceptron_come_to_the_continuous_optimum():
    vectors = VECTORS["continuous"]
    result = relu_result("piecewise_linear", 41)
    assert vectors["eps_g"] - 1e-9 < result.eps_g_final < relu_result("piecewise_constant", 20).eps_g_final
    rates = np.interp(np.arange(6.0), result.knot.values, result.numbers.values[0])
    # The vectors are known to 1e-4, and half as many points say what straight lines are off by.
    assert (np.abs(rates - vectors["eta"]) < 1e-4 + halving()[::4]).all()


def test_what_is_left_of_the_best_schedule_is_best_for_what_is_left():
    """Bellman's principle, from a row in the middle of a run; both are placed to the root of 1e-11 over eps_g."""
    whole = relu_result("piecewise_constant", 20)
    middle = whole.sel(alpha=2.5, method="nearest", tolerance=1e-12)
    rest = ld.optimal_schedule(RELU, middle, 5.0, knots=10, tolerance=1e-8, largest_step=0.0625)
    assert rest.alpha[0].item() == rest.knot[0].item() == 2.5
    np.testing.assert_allclose(rest.numbers.values[0], whole.numbers.values[0, 10:], rtol=0, atol=1e-4)
    assert rest.eps_g_final == pytest.approx(whole.eps_g_final, abs=1e-10)


def test_pontryagins_condition():
    """eta = -p f1 / (2 p f2) with the costate p, F = eta f1 + eta^2 f2, to second order in the distance of points."""
    result = relu_result("piecewise_linear", 41)
    expected = []
    for row in range(result.sizes["alpha"]):
        start = result.isel(alpha=row)
        one, two = (
            np.array([ld.drift(RELU.replace(learning_rate=eta), start)[name].item() for name in ("R", "Q")])
            for eta in (1.0, 2.0)
        )
        f2 = 0.5 * two - one
        p = start.costate.values
        expected.append(-(p @ (one - f2)) / (2 * p @ f2))
    at = np.interp(np.linspace(0, 5, 21), result.alpha, np.abs(result.learning_rate.values - expected))
    assert (at <= halving()).all()


# ---- Brute force: the erf perceptron with noise


def test_three_pieces_of_the_erf_perceptron_against_a_grid():
    result = ld.optimal_schedule(ERF, START, 6.0, knots=3)
    found = result.numbers.values[0]
    axis = np.linspace(0.2, 2.0, 10)
    grid = np.array(list(product(axis, repeat=3)))
    errors = erf_pieces(grid, 6.0, 0.0, 0.25, NOISE, steps=20)
    # Classical steps of 0.1: 1e-6 of eps_g.
    assert result.eps_g_final <= errors.min() * (1 + 1e-6)
    assert result.eps_g_final == pytest.approx(float(erf_pieces(found, 6.0, 0.0, 0.25, NOISE)), rel=1e-7)
    around = [found + 1e-3 * np.eye(3)[j] * sign for j in range(3) for sign in (-1, 1)]
    assert (erf_pieces(np.array(around), 6.0, 0.0, 0.25, NOISE) > float(erf_pieces(found, 6.0, 0.0, 0.25, NOISE))).all()
    assert np.abs(grid[np.argmin(errors)] - found).max() <= 0.2


def test_the_rate_of_the_erf_perceptron_with_noise_falls_as_one_over_alpha():
    """Near the solution E = Q - R^2, what the noise of N - 1 directions leaves, obeys the linear perceptron's equation

    dE/dalpha = a (-2 eta E + eta^2 s^2), a = <g'^2> = 2 / (sqrt(3) pi), eps_g = a E / 2,

    so that eta = E / s^2 = 1 / (a alpha) and eps_g = s^2 / (2 alpha) at last, up to parts of order E, and up to an
    offset of alpha of the order of the time in which the rule is learned, 1 / (eta a / 3) for R.
    """
    until, a = 60.0, 2 / (np.sqrt(3) * np.pi)
    result = ld.optimal_schedule(ERF, START, until, knots=16, form="piecewise_linear", largest_step=1.0, accuracy=1e-5)
    end = result.isel(alpha=-1)
    E, eta = end.Q.item() - end.R.item() ** 2, end.learning_rate.item()
    offset = 3 / a / until
    assert eta == pytest.approx(E / NOISE**2, rel=3 * E)
    assert eta == pytest.approx(1 / (a * until), rel=offset)
    assert end.eps_g.item() == pytest.approx(NOISE**2 / (2 * until), rel=offset)
    late = result.knot.values >= until / 2
    slope = np.polyfit(np.log(result.knot.values[late]), np.log(result.numbers.values[0][late]), 1)[0]
    assert slope == pytest.approx(-1.0, abs=offset)


# ---- Other controls


def regularised(weight_decay=0.1, dropout_keep=0.5):
    return ld.StudentTeacher(
        ld.Student(1, "linear"), ld.Teacher(1, "linear"), 0.6,
        label_noise=1.0, weight_decay=weight_decay, dropout_keep=dropout_keep,
    )  # fmt: skip


def test_two_numbers_of_other_controls_against_a_search_by_solve():
    result = ld.optimal_schedule(regularised(), START, 3.0, ("weight_decay", "dropout_keep"), knots=1)

    def error(x):
        changed = regularised(*np.clip(x, 1e-9, 0.999999))
        return ld.solve(changed, START, 3.0, save_at=[3.0], rtol=1e-12, atol=1e-15).eps_g[-1].item()

    expected: Any = minimize(error, [0.2, 0.6], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-12})
    assert result.eps_g_final == pytest.approx(expected.fun, rel=1e-8)
    np.testing.assert_allclose(result.numbers.values[:, 0], expected.x, rtol=0, atol=1e-3)
    assert result.eps_g[-1].item() == result.eps_g_final
    # These are no schedules of a scenario: it comes back as it was.
    assert ld.scenario_of(result) == regularised()
    assert result.weight_decay.sizes == result.dropout_keep.sizes == {"alpha": result.sizes["alpha"]}


def test_what_does_not_fluctuate_is_bounded_by_default():
    scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), 0.5, output_learning_rate=0.2, weight_decay=0.1)
    bounds = checked_bounds({"weight_decay": (0, 0.5)}, ("output_learning_rate", "weight_decay"), scenario)
    assert bounds == {"output_learning_rate": (0.0, 2.0), "weight_decay": (0.0, 0.5)}
    assert checked_bounds(None, ("learning_rate",), scenario) == {"learning_rate": (0.0, np.inf)}


# ---- What a result says


@pytest.mark.parametrize("form", FORMS)
def test_solve_with_the_schedule_gives_the_curve(form):
    result = linear_result(form)
    curve = ld.solve(ld.scenario_of(result), START, 6.0, save_at=result.alpha.values, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(curve.eps_g, result.eps_g, rtol=0, atol=1e-10)
    assert result.integration_error <= 1e-6 * result.eps_g_final
    # The schedule of the scenario and the controls of the result: equal but for the straight lines of a spline.
    schedule = ld.scenario_of(result).learning_rate(result.alpha.values)
    np.testing.assert_allclose(schedule, result.learning_rate, rtol=0, atol=result.sampling_error + 1e-14)
    assert (result.sampling_error > 0) == (form == "spline")


def test_a_result_is_saved_and_loaded(tmp_path):
    result = linear_result("piecewise_linear")
    assert ld.load(ld.save(result, tmp_path / "best.nc")).identical(result)


def test_the_gradient_vanishes_inside_and_points_outward_at_bounds():
    free = linear_result("piecewise_constant")
    assert free.gradient_norm < 1e-6
    held = ld.optimal_schedule(LINEAR, START, 6.0, knots=12, bounds=(0.3, 0.5))
    numbers, gradient = held.numbers.values[0], held.gradient.values[0]
    assert numbers.min() >= 0.3
    assert numbers.max() <= 0.5
    assert (gradient[numbers == 0.5] < 0).all()
    assert (gradient[numbers == 0.3] > 0).all()
    assert 0 < (numbers == 0.5).sum() < 12
    assert held.eps_g_final > free.eps_g_final


def test_a_descent_that_is_cut_short_warns_and_can_go_on():
    with pytest.warns(ld.LearndynWarning, match="Raise max_iterations, or give the result as `first`"):
        short = ld.optimal_schedule(LINEAR, START, 6.0, knots=12, max_iterations=1)
    assert short.attrs["status"] == "max_iterations"
    on = ld.optimal_schedule(LINEAR, START, 6.0, knots=12, first=short.numbers.values[0])
    assert on.eps_g_final == pytest.approx(linear_result("piecewise_constant").eps_g_final, rel=1e-9)
    assert (
        ld.optimal_schedule(LINEAR, START, 6.0, knots=12, first=ld.schedules.PowerLaw(0.9, 2)).attrs["status"] == "ok"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"controls": ("learnin_rate",)}, "one is 'learnin_rate'. Did you mean 'learning_rate'?"),
        ({"controls": ("bias_learning_rate",)}, "bias_learning_rate is off. Switch it on with"),
        ({"controls": ()}, "Argument `controls` must name one or more numbers of the scenario, each once"),
        ({"controls": ("learning_rate", "learning_rate")}, "each once"),
        ({"bounds": (1, 0.5)}, "1 is not below 0.5. Exchange the two."),
        ({"bounds": {"weight_decay": (0, 1)}}, "Argument `bounds` must be for learning_rate"),
        ({"until": 0.0}, "Argument `until` must be later than the start, which is at 0, but it is 0."),
        ({"knots": 0}, "Argument `knots` must be a whole number of at least 1, but it is 0."),
        ({"form": "spline", "knots": 3}, "Argument `knots` must be a whole number of at least 4"),
        ({"form": "step"}, "Argument `form` must be"),
        ({"first": [0.1, 0.2]}, "Argument `first` must have shape (64,), but it has shape (2,)."),
        ({"first": {"dropout_keep": 1.0}}, "Argument `first` must be for learning_rate"),
        ({"largest_step": -1}, "Argument `largest_step` must be a finite number above 0, but it is -1."),
        ({"bounds": (30, 40), "until": 500.0}, "it diverges with every constant control that was tried"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(arguments, message):
    given = {"scenario": LINEAR, "start": START, "until": 6.0, **arguments}
    with pytest.raises(ld.InputError) as caught:
        ld.optimal_schedule(**given)
    assert message in str(caught.value)


def test_bounds_of_several_controls_are_a_dict():
    with pytest.raises(ld.InputError, match=r"Argument `bounds` must be a dict by control where there are several"):
        ld.optimal_schedule(regularised(), START, 3.0, ("learning_rate", "weight_decay"), bounds=(0, 1))


def test_dropout_stays_a_probability():
    with pytest.raises(ld.InputError, match=r"Argument `bounds` of dropout_keep must lie above 0 and at most at 1"):
        ld.optimal_schedule(regularised(), START, 3.0, "dropout_keep", bounds=(0.5, 1.5))


def test_an_adaptive_rate_is_no_number_to_choose():
    adaptive = RELU.replace(learning_rate=ld.AdaptiveRate.murata(1.0, 2.0, 6.0))
    with pytest.raises(ld.InputError, match=r"Argument `(scenario|controls)` must"):
        ld.optimal_schedule(adaptive, START, 3.0)
