"""Steps end at knots: learning rates that jump or have corners, against closed forms, split runs and DOP853."""

import itertools
from dataclasses import replace
from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import learndyn as ld
from learndyn.engines import theory
from learndyn.engines.knots import FEWEST, pieces
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Flow
from learndyn.schedules import (
    Exponential,
    PiecewiseConstant,
    PiecewiseLinear,
    PowerLaw,
    Schedule,
    WarmUp,
    knots_of,
    rate,
)

TIGHT = {"rtol": 1e-12, "atol": 1e-14}


@cache
def scheduled(activation, key, with_knots=True):
    """The flow of the perceptron with a schedule of this key for its learning rate, values["rate"] its numbers."""
    flow = ld.StudentTeacher(ld.Student(1, activation), ld.Teacher(1, activation), 1.0).flow()

    def drift(at, z, values):
        return flow.drift(at, z, {**values, "learning_rate": rate(key, at, values["rate"], jax_namespace())})

    knots = (lambda values: knots_of(key, values["rate"])) if with_knots else None
    return Flow(("scheduled", activation, key, with_knots), drift, flow.size, knots=knots)


def run(schedule, times, activation="linear", start=(0.0, 0.25), at=0.0, with_knots=True, **options):
    """R and Q of the perceptron from the start, at the times."""
    flow = scheduled(activation, schedule.key(), with_knots)
    scenario = ld.StudentTeacher(ld.Student(1, activation), ld.Teacher(1, activation), 1.0)
    values = {**scenario.values(), "rate": schedule.numbers()}
    options = {"limit": 1e6, "max_steps": 100_000, **TIGHT, **options}
    return theory.integrate(flow, np.array(start), values, np.asarray(times, float), at, **options)


def linear_solution(schedule, times, start=(0.0, 0.25), at=0.0):
    """R and Q of the linear perceptron: 1 - R decays with eta, E = 1 - 2 R + Q with 2 eta - eta^2."""
    knots = np.array(schedule.knots())
    first, second = [0.0], [0.0]
    edges = [at, *times]
    for a, b in itertools.pairwise(edges):
        inner = np.unique([a, *knots[(knots > a) & (knots < b)], b])
        for power, integral in ((1, first), (2, second)):
            # At the ends of a piece the rate is that of its inside.
            ends = itertools.pairwise(inner)
            parts = [
                quad(lambda t: float(schedule(t)) ** power, lo, hi, epsabs=1e-14, epsrel=1e-13)[0]  # noqa: B023
                for lo, hi in ends
            ]
            integral.append(integral[-1] + sum(parts))
    first, second = np.array(first[1:]), np.array(second[1:])
    R = 1 - (1 - start[0]) * np.exp(-first)
    E = (1 - 2 * start[0] + start[1]) * np.exp(second - 2 * first)
    return np.stack([R, E - 1 + 2 * R], axis=-1)


def rounded(alpha, xp):
    return 0.2 + 0.3 * xp.maximum(alpha - 7.5, 0.0) / (1 + alpha)


SCHEDULES = [
    PowerLaw(0.8, 5.0),
    PowerLaw(0.8, 5.0, 0.6),
    Exponential(0.8, 5.0),
    Exponential(0.8, 5.0, floor=0.05),
    PiecewiseConstant([0.9, 0.1, 0.0, 0.6], [2.0, 1 / 0.3, 11.7]),
    PiecewiseLinear([0.0, 0.9, 0.1], [1.0, 3.3, 12.0]),
    WarmUp(4.0, 0.7),
    WarmUp(4.0, PiecewiseConstant([0.9, 0.1], [9.0])),
    Schedule.of(rounded, knots=[7.5]),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.kind)
def test_the_linear_perceptron_follows_its_closed_form(schedule):
    # Rows at the knots, on both sides of them, and between. At rtol 1e-12 a step: some hundred steps at most.
    knots = np.array(schedule.knots())
    knots = knots[(knots > 0) & (knots < 20)]
    times = np.unique([0, 0.7, 5, 13, 20, *knots, *(knots - 1e-3), *(knots + 1e-3)])
    got = run(schedule, times)
    assert got.status == "ok"
    assert got.steps < 400
    np.testing.assert_allclose(got.states, linear_solution(schedule, times), rtol=0, atol=got.steps * 1e-12 + 1e-12)


def test_annealing_with_one_over_alpha_in_closed_form():
    # eta = eta0 / (1 + alpha / alpha0): 1 - R = (1 + alpha / alpha0)^(-eta0 alpha0).
    eta0, alpha0, times = 0.6, 7.0, np.array([1.0, 10.0, 100.0, 1000.0])
    got = run(PowerLaw(eta0, alpha0), times)
    R = 1 - (1 + times / alpha0) ** (-eta0 * alpha0)
    np.testing.assert_allclose(got.states[:, 0], R, rtol=0, atol=1e-10)
    E = 1.25 * (1 + times / alpha0) ** (-2 * eta0 * alpha0) * np.exp(eta0**2 * times / (1 + times / alpha0))
    np.testing.assert_allclose(1 - 2 * R + got.states[:, 1], E, rtol=0, atol=1e-10)


def relu_drift(eta, z):
    """The ReLU perceptron at T = 1 [Straat 2018, p. 17]."""
    R, Q = z
    s = np.sqrt(max(Q - R * R, 0.0))  # a trial step may leave the possible overlaps
    A = np.arctan2(R, s)
    dR = eta * (0.25 - R / 2 + A / (2 * np.pi) + R * s / (2 * np.pi * Q))
    square = 0.25 - R / 2 + Q / 2 + (R / Q - 2) * s / (2 * np.pi) + (1 - 2 * R) * A / (2 * np.pi)
    return np.array([dR, eta * (R / 2 - Q + s / np.pi + R * A / np.pi) + eta**2 * square])


@pytest.mark.parametrize(
    "schedule",
    [
        WarmUp(8.0, 1.2),
        WarmUp(8.0, PiecewiseConstant([0.9, 0.3], [20.0])),
        PiecewiseLinear([0.1, 1.0, 0.2], [3, 9, 30]),
    ],
    ids=["warm-up", "warm-up and a drop", "broken line"],
)
def test_relu_against_a_run_split_by_hand(schedule):
    # Two integrators of other orders, each at its tightest: a few 1e-13 a step, some hundred steps.
    edges = [0.0, *[knot for knot in schedule.knots() if 0 < knot < 40], 40.0]
    z, rows = np.array([0.0, 0.25]), []
    for lo, hi in itertools.pairwise(edges):

        def slope(t, z, end=hi):
            return relu_drift(float(schedule(min(t, np.nextafter(end, 0)))), z)

        piece = solve_ivp(slope, (lo, hi), z, method="DOP853", rtol=1e-13, atol=1e-15)
        z = piece.y[:, -1]
        rows.append(z)
    got = run(schedule, edges[1:], "relu")
    np.testing.assert_allclose(got.states, rows, rtol=0, atol=1e-10)


def test_a_jump_is_two_runs_one_after_the_other():
    # The perceptron, and a committee with eta^2 terms; ld.solve itself at a constant rate.
    schedule = PiecewiseConstant([1.5, 0.4], [1e2 / 7])
    times = np.array([5.0, 1e2 / 7, 20.0, 40.0])
    scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), 1.5)
    first = ld.solve(scenario, ld.Start(Q=0.25, R=0.0), until=times[1], save_at=times[:2], **TIGHT)
    second = ld.solve(
        scenario.replace(learning_rate=0.4), first.isel(alpha=-1), until=40, save_at=times[2:], **TIGHT
    )  # fmt: skip
    wanted = [np.concatenate([run[name].values.ravel() for run in (first, second)]) for name in ("R", "Q")]
    got = run(schedule, times, "relu")
    np.testing.assert_allclose(got.states, np.stack(wanted, axis=-1), rtol=0, atol=1e-10)
    # It is the steps at the knot that do it: the slope from before the jump misleads the first step after it.
    assert got.steps < run(schedule, times, "relu", with_knots=False).steps


def test_a_continued_run_continues_its_schedule():
    schedule = WarmUp(4.0, PiecewiseConstant([0.9, 0.1, 0.5], [9.0, 14.0]))
    whole = run(schedule, [3.0, 9.0, 12.0, 20.0])
    for row, at in enumerate((3.0, 9.0, 12.0)):
        rest = run(schedule, [20.0], start=whole.states[row], at=at)
        np.testing.assert_allclose(rest.states[-1], whole.states[-1], rtol=0, atol=1e-11)


def test_nothing_happens_while_the_rate_is_zero():
    schedule = PiecewiseConstant([0.7, 0.0, 0.7], [3.0, 1003.0])
    got = run(schedule, [3.0, 10.0, 500.0, 1003.0, 1006.0])
    # A step ends at the float before a knot: 4e-16 late at 3.
    np.testing.assert_allclose(got.states[1:4], np.repeat(got.states[:1], 3, axis=0), rtol=0, atol=1e-15)
    np.testing.assert_allclose(got.states[-1], run(PowerLaw(0.7, 1, 0), [6.0]).states[-1], rtol=0, atol=1e-11)


def test_the_state_is_continuous_at_a_jump():
    knot = 1e2 / 7
    times = [np.nextafter(np.nextafter(knot, 0), 0), np.nextafter(knot, 0), knot, np.nextafter(knot, 99), 20.0]
    rows = run(PiecewiseConstant([1.5, 0.1], [knot]), times, "relu").states
    # Slopes are below 1, times differ by 2e-15.
    assert np.abs(np.diff(rows[:4], axis=0)).max() < 1e-14


def test_other_times_and_rates_never_compile_again():
    run(PiecewiseConstant([0.5, 0.1], [3.0]), [20.0])
    before = dict(theory._programs)
    for schedule in (PiecewiseConstant([0.7, 0.3], [5.5]), PiecewiseConstant([0.7, 0.0], [1e9])):
        assert run(schedule, [20.0]).timings["compile"] == 0.0
    assert theory._programs == before


# z' = -z with knots at which nothing happens.
DECAY = Flow(("test", "decay"), lambda at, z, values: -z, lambda z: abs(z).sum(-1), knots=lambda x: x["knots"])


def decay(knots, until, at=0.0, flow=DECAY, **changes):
    options = {"rtol": 1e-10, "atol": 1e-12, "limit": 1e6, "max_steps": 10**6, **changes}
    values = {"knots": np.full(2000, np.inf)}  # a flow has as many knots for all values
    values["knots"][: len(knots)] = knots
    return theory.integrate(flow, np.ones(1), values, np.linspace(at, until, 7)[1:], at, **options)


def test_a_knot_costs_a_step_or_two():
    none = decay([], 20.0)
    for count in (1, 7, 40):
        some = decay(np.linspace(1, 19, count), 20.0)
        assert some.status == "ok"
        np.testing.assert_allclose(some.states[:, 0], np.exp(-some.times), rtol=0, atol=1e-8)
        # The step that ends at the knot and the one that begins there share what would have been one.
        assert none.steps <= some.steps <= none.steps + 2 * count


def test_more_knots_than_a_segment_has_steps():
    got = decay(np.arange(1, 2001) / 100, 25.0)
    assert got.status == "ok"
    assert got.steps >= 2000
    np.testing.assert_allclose(got.states[:, 0], np.exp(-got.times), rtol=0, atol=got.steps * 1e-10)


@pytest.mark.parametrize("until", [0.3, 0.1 + 0.2, np.nextafter(0.3, 0), 0.7, 1e5])
def test_knots_a_rounding_error_apart(until):
    # 0.1 + 0.2 is the float after 0.3; no step fits between the two, nor between a knot and an end beside it.
    jump = [0.3, 0.1 + 0.2, np.nextafter(0.7, 0), 0.7, np.nextafter(0.7, 1)]
    for at in (0.0, np.nextafter(0.3, 0), 0.3):
        if until > at:
            got = decay(jump, until, at)
            assert got.status == "ok"
            assert got.end == until
            np.testing.assert_allclose(got.states[:, 0], np.exp(at - got.times), rtol=0, atol=1e-8)


def test_pieces():
    inf = [np.inf] * FEWEST
    start, stops, resumes = pieces([5.0, 2.0, 2.0, -1.0, 0.0, 11.0, np.inf, np.nan], 0.0, 10.0, 1e-13)
    assert start == 0.0
    assert stops.tolist() == [np.nextafter(2.0, 0), np.nextafter(5.0, 0), *inf[2:]]
    assert resumes.tolist() == [2.0, 5.0, *inf[2:]]
    # A knot at the end counts, since the last stage must be of the side before it; one beside the start is the start.
    start, stops, resumes = pieces([1e-14, 10.0], 0.0, 10.0, 1e-13)
    assert (start, stops[0], resumes[0]) == (1e-14, np.nextafter(10.0, 0), 10.0)
    start, stops, resumes = pieces([3.0, 3.0 + 1e-13, 3.0 + 2e-13], 0.0, 10.0, 1e-13)
    assert (start, stops[0], resumes[0], resumes[1]) == (0.0, np.nextafter(3.0, 0), 3.0 + 2e-13, np.inf)
    # At least one infinity at the end.
    assert [len(pieces(np.arange(1, n + 1), 0, 99, 1e-13)[1]) for n in (0, 7, 8, 15, 16)] == [8, 8, 16, 16, 32]


def test_a_run_can_diverge_or_fail_between_knots():
    # z = 1 / (2 - t) from t = 1 on.
    grows = replace(DECAY, key=("test", "grows"), drift=lambda at, z, values: jnp.where(at < 1.0, 0.0, z * z))
    got = decay([1.0, 2.5], 3.0, flow=grows, rtol=1e-8)
    assert got.status == "diverged"
    assert got.end == pytest.approx(2.0, abs=1e-5)
    stops = replace(DECAY, key=("test", "stops"), drift=lambda at, z, values: jnp.where(at < 1.0, -z, jnp.nan))
    got = decay([1.0, 2.5], 3.0, flow=stops)
    assert (got.status, got.end) == ("not_finite", 1.0)
    assert got.states[-1, 0] == pytest.approx(np.exp(-1), abs=1e-8)
