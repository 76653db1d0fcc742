"""Schedules: values against independent definitions, plain forms, knots, and no second compilation."""

import itertools
import json
import math
import tomllib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

import learndyn as ld
from learndyn import schedules
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.schedules import (
    Constant,
    Exponential,
    PiecewiseConstant,
    PiecewiseLinear,
    PowerLaw,
    Schedule,
    WarmUp,
    as_schedule,
    knots_of,
    rate,
    schedule_of,
)


def cosine(alpha, xp):
    return 0.3 + 0.2 * xp.cos(alpha / 7.0)


FUNCTION = Schedule.of(cosine)
ALL = [
    Constant(0.5),
    PowerLaw(0.5, alpha0=30, exponent=0.7),
    PowerLaw(2.0, alpha0=3),
    Exponential(0.5, alpha0=20),
    Exponential(0.5, alpha0=20, floor=0.01),
    PiecewiseConstant([0.5, 0.0, 0.2], [10, 50.5]),
    PiecewiseConstant([0.5], []),
    PiecewiseLinear([0.1, 0.5, 0.0], [10, 20, 100]),
    WarmUp(10, 0.5),
    WarmUp(10, PowerLaw(0.5, 30)),
    WarmUp(10, PiecewiseConstant([0.7, 0.5, 0.1], [4, 60])),
    WarmUp(5, PiecewiseLinear([0.1, 0.5], [3, 20])),
    FUNCTION,
    WarmUp(10, FUNCTION),
]
IDS = [f"{index}-{schedule.kind}" for index, schedule in enumerate(ALL)]
WRITABLE = [schedule for schedule in ALL if "function" not in str(schedule)]
TIMES = np.concatenate([np.linspace(0, 150, 301), [1e3]])


def by_hand(schedule, a):
    """The rate at one time, from the definition, in plain Python."""
    if isinstance(schedule, float):
        return schedule
    if isinstance(schedule, Constant):
        return schedule.eta0
    if isinstance(schedule, PowerLaw):
        return schedule.eta0 / math.pow(1 + a / schedule.alpha0, schedule.exponent)
    if isinstance(schedule, Exponential):
        return max(schedule.eta0 * math.exp(-a / schedule.alpha0), schedule.floor)
    if isinstance(schedule, PiecewiseConstant):
        return schedule.rates[sum(time <= a for time in schedule.times)]
    if isinstance(schedule, PiecewiseLinear):
        points = list(zip(schedule.times, schedule.rates, strict=True))
        for (t0, r0), (t1, r1) in itertools.pairwise(points):
            if t0 <= a <= t1:
                return (r0 * (t1 - a) + r1 * (a - t0)) / (t1 - t0)
        return schedule.rates[0] if a < schedule.times[0] else schedule.rates[-1]
    if isinstance(schedule, WarmUp):
        follows = by_hand(schedule.then, max(a, schedule.time))
        return follows * a / schedule.time if a < schedule.time else follows
    return 0.3 + 0.2 * math.cos(a / 7)


@pytest.mark.parametrize("schedule", ALL, ids=IDS)
def test_the_rate_follows_its_definition(schedule):
    wanted = [by_hand(schedule, a) for a in TIMES.tolist()]
    rates = schedule(TIMES)
    # A power is right to its exponent's logarithm, at most 10, in units in the last place.
    np.testing.assert_allclose(rates, wanted, rtol=1e-14, atol=0)
    assert rates.shape == TIMES.shape
    assert rates.dtype == np.float64
    assert schedule(TIMES[:6].reshape(2, 3)).shape == (2, 3)
    assert schedule(3).shape == ()
    assert (rates >= 0).all()


@pytest.mark.parametrize("schedule", ALL, ids=IDS)
def test_jax_gives_the_same_rate(schedule):
    with jax.enable_x64(True):
        program = jax.jit(lambda alpha, numbers: schedule.values(alpha, jax_namespace(), numbers))
        rates = [float(program(np.float64(a), schedule.numbers())) for a in TIMES]
    # A phase of 1e3 / 7 is right to a unit in its last place, 3e-14.
    np.testing.assert_allclose(
        rates, schedule(TIMES), rtol=1e-14, atol=0.2 * 3e-14 if "function" in str(schedule) else 0
    )


def test_rates_satisfy_their_own_equations():
    # d eta / d alpha = -p eta / (alpha0 + alpha), and -eta / alpha0: slopes by automatic differentiation.
    def slope(schedule, a):
        with jax.enable_x64(True):
            return float(jax.grad(lambda alpha: schedule.values(alpha, jax_namespace(), schedule.numbers()))(a))

    for a in (0.0, 3.0, 1e3):
        power, falling = PowerLaw(0.5, 30, 0.7), Exponential(0.5, 400)
        assert slope(power, a) == pytest.approx(-0.7 * float(power(a)) / (30 + a), rel=1e-13)
        assert slope(falling, a) == pytest.approx(-float(falling(a)) / 400, rel=1e-13)
        rise = WarmUp(10, 0.5)
        assert slope(rise, a) == (pytest.approx(0.05, rel=1e-15) if 0 < a < 10 else 0.025 if a == 0.0 else 0.0)


# ---- Knots


def test_knots_of_each_kind():
    assert Constant(0.5).knots() == PowerLaw(0.5, 30).knots() == Exponential(0.5, 20).knots() == FUNCTION.knots() == ()
    assert Exponential(0.5, 20, floor=0.05).knots() == pytest.approx((20 * math.log(10),), rel=1e-15)
    assert PiecewiseConstant([0.5, 0.0, 0.2], [10, 50.5]).knots() == (10.0, 50.5)
    assert PiecewiseLinear([0.1, 0.5, 0.0], [10, 20, 100]).knots() == (10.0, 20.0, 100.0)
    # What happens within the rise happens to a rate that is not followed there.
    assert WarmUp(10, PiecewiseConstant([0.7, 0.5, 0.1], [4, 60])).knots() == (0.0, 10.0, 60.0)
    assert WarmUp(5, WarmUp(10, 0.5)).knots() == (0.0, 5.0, 10.0)
    assert Schedule.of(cosine, knots=[3, 4.5]).knots() == (3.0, 4.5)
    assert WarmUp(4, Schedule.of(cosine, knots=[3, 4.5])).knots() == (0.0, 4.0, 4.5)


@pytest.mark.parametrize("schedule", ALL, ids=IDS)
def test_the_rate_is_smooth_between_its_knots_alone(schedule):
    # Third differences over h are h^3 eta''' (at most 10 eta_max / 3^3 here: the shortest time scale is 3); at a jump
    # or a corner they are of the order of the jump, or of h times the change of slope.
    h = 1e-3
    middle = np.linspace(0.25, 120.25, 1201)
    knots = np.array(schedule.knots())
    far = np.ones(len(middle), bool) if len(knots) == 0 else np.abs(middle[:, None] - knots).min(1) > 2 * h
    third = sum(w * schedule(middle + s * h) for w, s in ((-1, -1.5), (3, -0.5), (-3, 0.5), (1, 1.5)))
    assert np.abs(third[far]).max() <= 10 * h**3
    for knot in knots[(knots > 0.2) & (knots < 120)]:
        third = [w * schedule(knot + (s + 0.1) * h) for w, s in ((-1, -1.5), (3, -0.5), (-3, 0.5), (1, 1.5))]
        # The smallest change of slope in the list is 1e-3 or so (the end of a rise into a power law: 0.04).
        assert abs(sum(third)) > 1e-4 * h


def test_the_new_rate_holds_at_a_jump():
    jump = PiecewiseConstant([0.5, 0.1], [100])
    assert jump([np.nextafter(100, 0), 100.0, np.nextafter(100, 200)]).tolist() == [0.5, 0.1, 0.1]
    # Also within a rise and with times that are no round numbers: knots are compared as they were given.
    for time in (0.1 + 0.2, 1 / 3, 1e5 / 7):
        after = WarmUp(0.05, PiecewiseConstant([0.5, 0.1], [time]))
        assert after.knots()[-1] == time
        assert after([np.nextafter(time, 0), time]).tolist() == [0.5, 0.1]


# ---- Data


@pytest.mark.parametrize("schedule", WRITABLE, ids=str)
def test_a_schedule_is_its_plain_form(schedule):
    plain = schedule.to_plain()
    assert json.loads(json.dumps(plain)) == plain
    assert tomllib.loads(tomli_w.dumps({"learning_rate": plain}))["learning_rate"] == plain
    again = Schedule.from_plain(plain)
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert as_schedule(schedule_of(plain, "learning_rate")) == schedule
    assert schedules.to_plain(schedule) == plain
    assert eval(repr(schedule)) == schedule  # the names are imported above


@given(
    rates=st.lists(st.floats(0, 10), min_size=1, max_size=6),
    gaps=st.lists(st.floats(1e-3, 100), min_size=5, max_size=5),
    time=st.floats(1e-3, 300),
)
def test_any_schedule_survives_a_file(rates, gaps, time):
    times = np.cumsum(gaps)
    for schedule in (
        PiecewiseConstant(rates, times[: len(rates) - 1]),
        PiecewiseLinear([*rates, 0.0][:5], times[: len([*rates, 0.0][:5])]),
        WarmUp(time, PiecewiseConstant(rates, times[: len(rates) - 1])),
    ):
        plain = tomllib.loads(tomli_w.dumps(schedule.to_plain()))
        assert Schedule.from_plain(plain) == schedule
        alpha = np.sort(np.concatenate([times, np.nextafter(times, 0), [0.0, time]]))
        got = schedule(alpha)
        assert (got >= 0).all()
        assert got.max() <= max(rates) * (1 + 1e-15)


def test_different_schedules_are_different():
    assert len({*ALL, *[as_schedule(schedule_of(s, "eta")) for s in ALL]}) == len(ALL)
    assert PowerLaw(0.5, 30) != PowerLaw(0.5, 31)
    assert PowerLaw(1, 30) == PowerLaw(1.0, np.float64(30), 1)
    with pytest.raises(AttributeError):
        PowerLaw(0.5, 30).eta0 = 1.0


def test_functions_are_equal_by_identity(tmp_path):
    def other(alpha, xp):
        return 0.3 + 0.2 * xp.cos(alpha / 7.0)

    assert Schedule.of(cosine) == FUNCTION != Schedule.of(other)
    assert Schedule.of(cosine).key() == FUNCTION.key() != Schedule.of(other).key()
    assert hash(Schedule.of(cosine)) == hash(FUNCTION)
    assert Schedule.of(cosine, knots=[1.0]) != FUNCTION
    # Traced programs are kept on disk by the text of their key: an address may come back in another process.
    assert repr(Schedule.of(cosine).key()) != repr(FUNCTION.key())
    # A result of this process finds the function again; a file refuses it, within another schedule too.
    plain = FUNCTION.to_plain()
    assert Schedule.from_plain(plain) == FUNCTION
    with pytest.raises(ld.InputError, match="Python function of another process"):
        Schedule.from_plain(plain | {"token": "unknown"})
    for schedule in (FUNCTION, ld.schedules.WarmUp(3.0, FUNCTION)):
        scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), schedule)
        with pytest.raises(ld.InputError, match="cannot be written to a file"):
            ld.write_scenario_file(tmp_path / "file.toml", scenario)
        assert not list(tmp_path.iterdir())


def test_what_a_scenario_keeps():
    assert schedule_of(1, "eta") == 1.0
    assert type(schedule_of(1, "eta")) is float
    assert type(schedule_of(Constant(1), "eta")) is float
    assert schedule_of({"kind": "constant", "eta0": 0.5}, "eta") == 0.5
    assert schedule_of(0, "eta", zero=True) == 0.0
    assert schedule_of(PowerLaw(1, 2), "eta") == PowerLaw(1, 2)
    assert as_schedule(0.5) == Constant(0.5)
    assert schedules.to_plain(0.5) == 0.5


# ---- Compilation


def test_other_numbers_never_trace_again():
    traced = []

    def program(key):
        def evaluate(alpha, numbers):
            traced.append(key)
            return rate(key, alpha, numbers, jax_namespace())

        return jax.jit(evaluate)

    pairs = [
        (PowerLaw(0.5, 30), PowerLaw(1.0, 7, 2)),
        (Exponential(0.5, 20, 0.1), Exponential(0.7, 2, 0.2)),
        (PiecewiseConstant([1, 2], [3]), PiecewiseConstant([2, 0], [5])),
        (PiecewiseLinear([1, 2], [3, 4]), PiecewiseLinear([2, 0], [5, 9])),
        (WarmUp(3, PiecewiseConstant([1, 2], [3])), WarmUp(4, PiecewiseConstant([2, 0], [5]))),
    ]
    for one, two in pairs:
        assert one.key() == two.key()
        with jax.enable_x64(True):
            f = program(one.key())
            for schedule in (one, two):
                got = [float(f(np.float64(a), schedule.numbers())) for a in (0.0, 4.5, 20.0)]
                np.testing.assert_allclose(got, schedule([0.0, 4.5, 20.0]), rtol=1e-14)
    assert len(traced) == len(pairs)
    # What changes the shape of the computation changes the key; the knots come from the numbers alone.
    assert Exponential(0.5, 20).key() != Exponential(0.5, 20, 0.1).key()
    assert PiecewiseConstant([1, 2], [3]).key() != PiecewiseConstant([1, 2, 3], [3, 4]).key()
    assert knots_of(pairs[2][0].key(), np.array([1.0, 2.0, 77.0])).tolist() == [77.0]


def test_the_derivative_in_the_numbers():
    # The second source: differences. The rate is linear or smooth in each number away from the knots.
    for schedule in (
        PowerLaw(0.5, 30, 0.7),
        Exponential(0.5, 20, 0.01),
        PiecewiseLinear([0.1, 0.5, 0.2], [10, 20, 90]),
    ):
        numbers, h = schedule.numbers(), 1e-5
        with jax.enable_x64(True):
            slope = jax.grad(lambda x, s=schedule: s.values(33.0, jax_namespace(), x))(jnp.asarray(numbers))
        for j in range(len(numbers)):
            step = h * np.eye(len(numbers))[j]
            up, down = (schedule.values(33.0, np, numbers + s * step) for s in (1, -1))
            # h^2 times a third derivative of at most 1, and rounding over h.
            assert float(slope[j]) == pytest.approx((up - down) / (2 * h), abs=1e-10)


# ---- Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PowerLaw(0, 30), "`eta0` must be a finite number above 0, but it is 0."),
        (lambda: PowerLaw(0.5, -1), "`alpha0` must be a finite number above 0, but it is -1."),
        (lambda: PowerLaw(0.5, 30, -1), "`exponent` must be a finite number of at least 0, but it is -1."),
        (lambda: Constant(-0.5), "`eta0` must be a finite number of at least 0, but it is -0.5."),
        (lambda: Exponential(0.5, 20, 0.6), "`floor` must be at most eta0 = 0.5, but it is 0.6."),
        (lambda: PiecewiseConstant([0.5, 0.1], [100, 200]), "`rates` must have one rate more than there are times, 3"),
        (
            lambda: PiecewiseConstant([0.5, -0.1], [100]),
            "`rates` must be a finite number of at least 0, but it is -0.1",
        ),
        (lambda: PiecewiseConstant([1, 2, 3], [200, 100]), "`times` must be a list of increasing times, but it is"),
        (lambda: PiecewiseConstant([1, 2, 3], [100, 100]), "`times` must be a list of increasing times, but it is"),
        (lambda: PiecewiseLinear([1, 2, 3], [100, 200]), "`rates` must have one rate for each of the 2 time(s), but"),
        (lambda: PiecewiseLinear([], []), "`rates` must be a list of rates, but it is []."),
        (lambda: PiecewiseLinear([1], [2]), "`rates` must have at least two rates, but it is (1.0,)."),
        (lambda: PiecewiseLinear(0.5, [1]), "`rates` must be a list of rates, but it is 0.5."),
        (lambda: WarmUp(0, 0.5), "`time` must be a finite number above 0, but it is 0."),
        (lambda: WarmUp(10, 0), "`then` must be a finite number above 0, but it is 0."),
        (lambda: WarmUp(10, cosine), "`then` must be a number or a schedule, but it is a function."),
        (lambda: schedule_of(0, "eta_w"), "`eta_w` must be a finite number above 0, but it is 0."),
        (lambda: schedule_of("fast", "eta_w"), "`eta_w` must be a finite number above 0, but it is 'fast'."),
        (lambda: schedule_of({"kind": "power_law", "eta0": 0, "alpha0": 1}, "eta_w"), "`eta_w.eta0` must be a finite"),
        (lambda: Schedule.of(0.5), "`function` must be a function of alpha and xp, but it is 0.5."),
        (lambda: Schedule.of(lambda alpha: 0.5), "`function` of a schedule must be elementwise in alpha"),
        (lambda: Schedule.of(lambda alpha, xp: math.exp(-alpha)), "with xp.exp instead of math.exp"),
        (lambda: Schedule.of(lambda alpha, xp: 1.0 if alpha > 1 else 0.5), "xp.where instead of if."),
        (lambda: Schedule.of(lambda alpha, xp: [1.0, 2.0, 3.0]), "`function` must give one rate for each time"),
        (lambda: Schedule.of(cosine, knots=[2, 1]), "`knots` must be a list of increasing times, but it is [2, 1]."),
        (
            lambda: PowerLaw(0.5, 30)(-31),
            "`alpha` must be a time at which the schedule gives a finite rate of at least 0",
        ),
        (lambda: Schedule.of(lambda alpha, xp: 1 - alpha)([0, 3]), "at 3 it gives -2."),
        (lambda: PowerLaw(0.5, 30)(np.nan), "`alpha` must be finite"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(make, message):
    with pytest.raises(ld.InputError) as caught:
        make()
    assert message in str(caught.value)
    assert str(caught.value).startswith("Argument `")


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({}, 'Key `eta.kind` must be "constant", "exponential", '),
        ({"kind": "function"}, "but it is 'function'."),
        ({"kind": "powerlaw", "eta0": 1}, "Did you mean 'power_law'?"),
        ({"kind": ["power_law"]}, "but it is ['power_law']."),
        ({"kind": "power_law", "eta": 1}, "Key `eta.eta` is unknown; allowed are eta0, alpha0, exponent."),
        ({"kind": "power_law", "eta0": 1}, "Key `eta.alpha0` is missing: add it to the schedule."),
        ({"kind": "power_law", "eta0": 1, "alpha0": -1}, "Argument `eta.alpha0` must be a finite number above 0"),
        (
            {"kind": "warm_up", "time": 1, "then": {"kind": "power_law"}},
            "Key `eta.then.eta0` is missing: add it to the schedule.",
        ),
    ],
)
def test_a_bad_table_is_refused_in_a_sentence(plain, message):
    with pytest.raises(ld.InputError) as caught:
        schedule_of(plain, "eta")
    assert message in str(caught.value)


def test_a_function_that_jax_cannot_trace_is_refused_in_a_sentence():
    # In NumPy np.exp is as good as xp.exp: only the tracing finds out.
    falling = Schedule.of(lambda alpha, xp: np.exp(-np.asarray(alpha)))
    assert float(falling(0)) == 1.0
    with pytest.raises(ld.InputError, match=r"with xp\.exp instead of math\.exp or np\.exp"):
        jax.jit(lambda alpha: falling.values(alpha, jax_namespace(), falling.numbers()))(1.0)
