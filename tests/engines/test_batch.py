"""Batches of the theory: against closed forms and single runs, events, every ending, the same bits in any company."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import learndyn as ld
from learndyn.engines.batch import LANES, integrate_many
from learndyn.engines.batch_lanes import Event
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Flow

TIGHT = {"rtol": 1e-12, "atol": 1e-14, "limits": 1e6, "max_steps": 100_000}
LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
START = ld.Start(Q=0.25, R=0.0)


def low_error(scenario):
    error = scenario.error_function(jax_namespace())
    return Event(("eps_g", scenario.flow().key), lambda at, z, values: error(z, values, at))


def linear(rates, times, start=START, **options):
    """The linear perceptron at several learning rates."""
    states = np.tile(LINEAR.initial_state(start), (len(rates), 1))
    values = [LINEAR.replace(learning_rate=rate).values() for rate in rates]
    return integrate_many(LINEAR.flow(), states, values, np.asarray(times, float), **{**TIGHT, **options})


def linear_solution(rates, times):
    """1 - R decays with eta from 1, E = 1 - 2 R + Q with 2 eta - eta^2 from 1.25."""
    eta, t = np.asarray(rates)[:, None], np.asarray(times)
    R = 1 - np.exp(-eta * t)
    return np.stack([R, 1.25 * np.exp(-(2 * eta - eta**2) * t) - 1 + 2 * R], axis=-1)


def test_members_follow_the_closed_form():
    # More members than lanes in two groups, so that lanes are filled again. Errors: 1e-12 a step, as in a single run.
    rates, times = np.linspace(0.02, 1.9, 3 * LANES + 5), [0.0, 0.3, 2.0, 2.0 + 1e-9, 30.0]
    run = linear(rates, times)
    assert (run.status == "ok").all()
    assert (run.end == 30.0).all()
    np.testing.assert_allclose(run.states, linear_solution(rates, times), rtol=0, atol=1e-11)
    np.testing.assert_array_equal(run.states[:, -1], run.last)


def test_many_saved_rows_cost_no_accuracy():
    # The continuous extension is of order 4, as is the embedded method whose difference is held to 1e-12 a step: its
    # error is of that size, whatever the place within the step.
    times = np.linspace(0.0, 2.0, 2001)
    run = linear([0.5, 1.0], times)
    np.testing.assert_allclose(run.states, linear_solution([0.5, 1.0], times), rtol=0, atol=1e-11)


def committee(eta, X):
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=eta)
    return scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=X)


ETAS, XS = np.linspace(0.2, 1.5, 20), 10.0 ** -np.linspace(1, 6, 20)


def committees(members, **options):
    cases = [committee(ETAS[i], XS[i]) for i in members]
    states = np.array([scenario.initial_state(start) for scenario, start in cases])
    options = {"rtol": 1e-8, "atol": 1e-10, "limits": 1e6, "max_steps": 100_000, **options}
    flow = cases[0][0].flow()
    return integrate_many(flow, states, [s.values() for s, _ in cases], np.array([10.0, 100.0]), **options)


def test_a_member_is_the_single_run():
    # The same method and error control, so the same steps up to rounding: 1e-16 each, which the plateau's unstable
    # direction lets grow by exp(0.07 * 100) < 1100 at most, over some 100 steps.
    run = committees(range(20))
    for member in (0, 7, 19):
        scenario, start = committee(ETAS[member], XS[member])
        single = ld.solve(scenario, start, 100, save_at=[10, 100])
        states = scenario.layout.pack({"R": single.R.values, "Q": single.Q.values})
        np.testing.assert_allclose(run.states[member], states, rtol=0, atol=1e-10)


def test_bits_do_not_depend_on_threads_or_company():
    every = committees(range(20), threads=1)
    for threads, members in ((2, range(20)), (1, [19, 3]), (2, [*range(19, -1, -1)])):
        other = committees(members, threads=threads)
        for name in ("states", "last", "end", "steps", "status"):
            np.testing.assert_array_equal(getattr(other, name), getattr(every, name)[list(members)])


def test_neither_the_order_of_beginning_nor_the_form_of_values_matters():
    members = [*range(20), *range(20)] * 3
    every = committees(members, threads=1)
    scenario, _ = committee(0.2, 0.1)
    shared = {name: np.repeat(np.asarray(x)[None], len(members), 0) for name, x in scenario.values().items()}
    shared["learning_rate"] = ETAS[members]
    states = np.array([scenario.initial_state(committee(ETAS[m], XS[m])[1]) for m in members])
    options = {"rtol": 1e-8, "atol": 1e-10, "limits": 1e6, "max_steps": 100_000, "expected": every.steps}
    other = integrate_many(scenario.flow(), states, shared, np.array([10.0, 100.0]), **options)
    for name in ("states", "last", "end", "steps", "status"):
        np.testing.assert_array_equal(getattr(other, name), getattr(every, name))


def test_members_of_which_more_steps_are_expected_begin_earlier():
    def stop(done):
        if done >= LANES:
            raise KeyboardInterrupt

    # The last members begin first. Neighbours take equally many steps, so that few have overtaken another: at most
    # those in the lanes, and as many once more where there is a difference.
    rates = np.linspace(0.1, 1.9, 20_000)
    run = linear(rates, [20.0], threads=1, on_progress=stop, expected=np.arange(20_000))
    ended = run.status == "ok"
    assert LANES <= ended.sum() < 20_000
    assert ended[: np.flatnonzero(~ended)[-1]].sum() <= 2 * LANES


# ---- Endings


def test_an_event_comes_when_the_closed_form_says():
    # eps_g = E / 2 = 0.625 exp(-(2 eta - eta^2) t) falls to the level at t. An error of 1e-12 in E shifts that by
    # 1e-12 / (level (2 eta - eta^2)) < 1e-8.
    rates, level = np.array([0.05, 0.5, 1.0, 1.7]), 1e-3
    run = linear(rates, [0.1, 5.0, 200.0], event=low_error(LINEAR), level=level)
    times = np.log(0.625 / level) / (2 * rates - rates**2)
    assert (run.status == "event").all()
    np.testing.assert_allclose(run.end, times, rtol=0, atol=1e-8)
    np.testing.assert_allclose(run.last, [linear_solution([r], [t])[0, 0] for r, t in zip(rates, times, strict=True)],
                               rtol=0, atol=1e-8)  # fmt: skip
    # Rows up to the event are kept, and none after it.
    np.testing.assert_array_equal(np.isfinite(run.states[:, :, 0]), run.times <= run.end[:, None])


def test_an_event_that_has_come_or_never_comes():
    run = linear([1.0], [5.0], event=low_error(LINEAR), level=1.0)
    assert (run.status[0], run.end[0]) == ("event", 0.0)
    run = linear([1.0], [5.0], event=low_error(LINEAR), level=0.0)
    assert (run.status[0], run.end[0]) == ("ok", 5.0)


def test_members_end_on_their_own():
    # At eta = 2.5, E grows with eta^2 - 2 eta = 1.25: Q = 1e6 (the limit) at t = ln(1e6 / 1.25) / 1.25 up to a step.
    run = linear([0.5, 2.5, 1.0], [1.0, 40.0])
    assert run.status.tolist() == ["ok", "diverged", "ok"]
    assert 0.0 < run.end[1] - np.log(1e6 / 1.25) / 1.25 < 1.0
    assert run.last[1, 1] > 1e6
    assert np.isfinite(run.states[1, 0]).all()
    assert np.isnan(run.states[1, 1]).all()
    np.testing.assert_allclose(run.states[[0, 2]], linear_solution([0.5, 1.0], [1.0, 40.0]), rtol=0, atol=1e-11)


def test_max_steps_counts_tries():
    run = linear([0.5, 1.0], [40.0], max_steps=10)
    assert run.status.tolist() == ["max_steps", "max_steps"]
    assert (run.steps <= 10).all()
    assert (run.end < 40.0).all()


def broken(name, drift):
    return Flow(("test", "batch", name), drift, lambda z: abs(z).sum(-1))


def test_a_drift_that_is_not_finite_ends_its_member_alone():
    flow = broken("nan", lambda at, z, values: jnp.where(at > values["wall"], jnp.nan, -z))
    walls = [{"wall": np.array(x)} for x in (1.0, 9.0)]
    run = integrate_many(flow, np.ones((2, 1)), walls, np.array([0.5, 3.0]), **{**TIGHT, "rtol": 1e-8})
    assert run.status.tolist() == ["not_finite", "ok"]
    assert run.end[0] == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(run.states[1, :, 0], np.exp([-0.5, -3.0]), rtol=0, atol=1e-7)
    assert np.isnan(run.states[0, 1])


def test_steps_end_at_the_knots_of_each_member():
    # z' = 1 before the member's own time, 2 after it: exact, if no step crosses it.
    def drift(at, z, values):
        return jnp.where(at < values["jump"], 1.0, 2.0) + 0.0 * z

    flow = replace(broken("jump", drift), knots=lambda values: [values["jump"]])
    jumps = np.array([0.3, 1.7, 99.0])
    run = integrate_many(flow, np.zeros((3, 1)), [{"jump": x} for x in jumps], np.array([1.0, 4.0]), **TIGHT)
    exact = run.times + np.maximum(run.times - jumps[:, None], 0.0)
    np.testing.assert_allclose(run.states[:, :, 0], exact, rtol=0, atol=1e-13)
    assert run.steps.max() < 40


def test_an_error_in_one_thread_is_raised(monkeypatch):
    from learndyn.engines import batch

    def fail(*_):
        raise RuntimeError("lane")

    monkeypatch.setattr(batch._Group, "_record", fail)
    with pytest.raises(RuntimeError, match="lane"):
        linear(np.linspace(0.1, 1.0, 40), [5.0], threads=2)


def test_an_interruption_keeps_what_is_done():
    def stop(done):
        if done >= LANES:
            raise KeyboardInterrupt

    # Enough members to be under way when progress is first looked at.
    rates = np.linspace(0.1, 1.9, 20_000)
    run = linear(rates, [20.0], threads=1, on_progress=stop)
    done = run.status == "ok"
    assert done.sum() >= LANES
    assert set(run.status[~done]) == {"interrupted"}
    np.testing.assert_allclose(run.states[done], linear_solution(rates[done], [20.0]), rtol=0, atol=1e-11)
    assert np.isnan(run.states[~done]).all()
