"""Fixed steps: their order, their ends, and derivatives of where they end against differences and the solver."""

import json
from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest

import learndyn as ld
from differences import central
from learndyn.engines.fixed_steps import STAGES, final_error, make_grid, tableau
from learndyn.gaussian.namespaces import jax_namespace

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "learning_rates.json").read_text())
LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
# On the plateau at alpha = 10, leaving it at alpha = 100.
COMMITTEE = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0)
PLATEAU = ld.Start.near_symmetric(COMMITTEE, Q=[0.2, 0.3], X=1e-3)
UNTIL, PIECES = 100.0, 200
EDGES = np.linspace(0.0, UNTIL, PIECES + 1)


def outcome(scenario, start, grid, rates, state=None):
    """The run with a rate (steps,) for each step."""
    start = scenario.as_start(start)
    state = scenario.initial_state(start) if state is None else state
    error = scenario.error_function(jax_namespace())
    controls = {"learning_rate": np.repeat(np.asarray(rates, dtype=float)[:, None], STAGES, axis=1)}
    return final_error(scenario.flow(), error, state, scenario.values(), controls, grid)


@cache
def plateau_grid():
    return make_grid(0.0, UNTIL, EDGES[1:-1], 0.25)


def piece_of_step(grid, edges):
    return np.clip(np.searchsorted(edges, grid.middles, side="right") - 1, 0, len(edges) - 2)


def plateau(numbers, state=None):
    grid = plateau_grid()
    return outcome(COMMITTEE, PLATEAU, grid, np.asarray(numbers)[piece_of_step(grid, EDGES)], state)


def gradient_of_pieces(found):
    by_step = found.gradient["learning_rate"].sum(1)
    return np.bincount(piece_of_step(plateau_grid(), EDGES), by_step, minlength=PIECES)


# ---- Steps


def test_the_method_is_of_order_five():
    """Order conditions of the quadrature, sum b c^k = 1 / (k + 1), and of the longest chain, b A^k 1 = 1 / (k + 1)!."""
    a, b, c = tableau()
    factorial = 1.0
    np.testing.assert_allclose(a.sum(1), c, rtol=0, atol=1e-13)  # coefficients are printed to 15 digits
    for k in range(5):
        factorial *= k + 1
        assert b @ c**k == pytest.approx(1 / (k + 1), abs=1e-13)
        assert b @ np.linalg.matrix_power(a, k) @ np.ones(STAGES) == pytest.approx(1 / factorial, abs=1e-13)


def test_steps_of_a_linear_flow_are_powers_of_the_methods_polynomial():
    """dR/dalpha = eta (1 - R): n steps of length h leave 1 - R = P(-eta h)^n, P(x) = sum_k x^k b A^(k-1) 1."""
    eta, h = 0.6, 0.5
    grid = make_grid(0.0, 3.0, [], h)
    found = outcome(LINEAR, ld.Start(Q=0.25, R=0.0), grid, np.full(len(grid.lengths), eta))
    a, b, _ = tableau()
    P = 1.0 + sum((-eta * h) ** (k + 1) * b @ np.linalg.matrix_power(a, k) @ np.ones(STAGES) for k in range(STAGES))
    assert found.states[-1][0] == pytest.approx(1.0 - P**6, abs=1e-14)


def test_halved_steps_leave_a_32nd_of_the_error_or_less():
    """E = exp((eta^2 - 2 eta) alpha) E(0), eps_g = E / 2; the next order changes the factor by h or so."""
    exact = 0.5 * 1.25 * np.exp((0.6**2 - 2 * 0.6) * 3.0)
    errors = []
    for step in (0.5, 0.25, 0.125):
        grid = make_grid(0.0, 3.0, [], step)
        found = outcome(LINEAR, ld.Start(Q=0.25, R=0.0), grid, np.full(len(grid.lengths), 0.6))
        errors.append(abs(found.error - exact))
    assert errors[1] < errors[0] / 32 * (1 + 0.5)
    assert errors[2] < errors[1] / 32 * (1 + 0.25)


def test_steps_end_just_before_each_knot_and_begin_at_it():
    grid = make_grid(1.0, 9.0, [4.0, 2.5, 9.0, 0.5], 1.0)
    assert grid.lengths.sum() == pytest.approx(8.0, abs=1e-12)
    assert grid.lengths.max() <= 1.0
    begins = grid.times[:, 0]
    for knot in (2.5, 4.0):
        (step,) = np.flatnonzero(begins == knot)
        assert grid.ends[step - 1] == np.nextafter(knot, 0.0)
    assert (grid.times[0, 0], grid.ends[-1]) == (1.0, 9.0)
    assert (np.diff(grid.times, axis=1) >= 0.0).all()
    assert len(grid.lengths) % 32 == 0
    assert grid.lengths[-1] == 0.0


def test_a_length_that_is_a_multiple_of_the_largest_step_needs_no_further_one():
    assert np.count_nonzero(make_grid(0.0, 0.3, [], 0.1).lengths) == 3


# ---- Derivatives


def test_vectors_of_the_relu_perceptron():
    vectors = VECTORS["gradient"]
    relu = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
    edges = np.linspace(0.0, 5.0, 11)
    with jax.enable_x64(True):
        state = ld.functional.state(relu, ld.Start(Q=0.25, R=0.0))
        error = ld.functional.final_eps_g(relu, 5.0, edges[1:-1], step=0.125)
        found, slope = jax.value_and_grad(error, argnums=2)(
            state, ld.functional.values(relu), np.array(vectors["rates"])
        )
        assert float(found) == pytest.approx(vectors["eps_g"], abs=1e-6)
        np.testing.assert_allclose(np.asarray(slope), vectors["gradient"], rtol=0, atol=1e-6)


def test_the_gradient_on_a_plateau_is_that_of_the_steps():
    """Fourth-order differences of the same steps, with the error that they state: rounding is 1e-15 in eps_g."""
    gradient = gradient_of_pieces(plateau(np.ones(PIECES)))
    rng = np.random.default_rng(3)
    directions = [np.eye(PIECES)[piece] for piece in (0, 100)] + [rng.normal(size=PIECES)]
    for along in directions:
        slope, allowed = central(lambda rates: np.array([plateau(rates).error]), np.ones(PIECES), along, 1e-2, 1e-15)
        assert abs(gradient @ along - slope) <= allowed


def test_the_gradient_on_a_plateau_is_that_of_the_flow():
    """The target: relative error at most 1e-5 against fourth-order differences of the adaptive solver at 1e-13."""
    gradient = gradient_of_pieces(plateau(np.ones(PIECES)))

    def solved(rates):
        schedule = ld.schedules.PiecewiseConstant(rates=rates, times=EDGES[1:-1])
        curve = ld.solve(
            COMMITTEE.replace(learning_rate=schedule), PLATEAU, UNTIL, save_at=[UNTIL], rtol=1e-13, atol=1e-15
        )
        return curve.eps_g.values[-1:]

    for piece in (0, 60, 150, 199):
        slope, allowed = central(solved, np.ones(PIECES), np.eye(PIECES)[piece], 2e-2, 1e-14)
        assert allowed < 1e-6 * abs(slope)  # the differences can tell
        assert abs(gradient[piece] - slope) <= 1e-5 * abs(slope)


def test_the_costate_is_the_derivative_by_the_state():
    state = COMMITTEE.initial_state(COMMITTEE.as_start(PLATEAU))
    found = plateau(np.ones(PIECES))
    along = np.random.default_rng(4).normal(size=len(state))

    def moved(states):
        return np.array([plateau(np.ones(PIECES), state=states).error])

    slope, allowed = central(moved, state, along, 1e-5, 1e-15)
    assert abs(found.costate[0] @ along - slope) <= allowed
    # The last, empty step: the gradient of the error itself.
    error = COMMITTEE.error_function(jax_namespace())
    with jax.enable_x64(True):
        expected = jax.grad(error)(found.states[-1], COMMITTEE.values())
        np.testing.assert_allclose(found.costate[-1], np.asarray(expected), rtol=1e-12, atol=1e-14)


# ---- What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"control": "T"}, "Argument `control` must be a single number of the scenario, learning_rate, but it is 'T'."),
        ({"control": "learnin_rate"}, "Did you mean 'learning_rate'?"),
        ({"times": [3.0, 2.0]}, "Argument `times` must increase from at = 0 to until = 5"),
        ({"times": [5.0]}, "Argument `times` must increase"),
        ({"step": 0.0}, "with a step above 0"),
    ],
)
def test_bad_input_of_the_pure_function_is_refused(arguments, message):
    with pytest.raises(ld.InputError) as caught:
        ld.functional.final_eps_g(LINEAR, 5.0, **arguments)
    assert message in str(caught.value)
