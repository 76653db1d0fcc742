"""An engine of one's own: theory by the classical Runge-Kutta method of order 4, in equal steps, for any scenario.

    k1 = f(t, x),  k2 = f(t + h/2, x + h/2 k1),  k3 = f(t + h/2, x + h/2 k2),  k4 = f(t + h, x + h k3)
    x <- x + h/6 (k1 + 2 k2 + 2 k3 + k4)

No step depends on the state: the run is one compiled loop, and two runs of neighbouring parameters differ smoothly.
"""

import time
import warnings
from functools import lru_cache

import numpy as np

import learndyn as ld
from learndyn.extending import checked_scenario, count, number, trajectory


def solve_in_equal_steps(scenario, start, until, *, step=0.01, points=101):
    """The learning curve at `points` evenly spaced times, in steps of at most `step`."""
    scenario = checked_scenario(scenario)
    start = scenario.as_start(start)
    until, step, points = (
        number(until, "until", above=start.at),
        number(step, "step", above=0.0),
        count(points, "points", 2),
    )
    flow, values = scenario.flow(), scenario.values()
    if flow.knots is not None:
        raise ld.InputError(
            "Argument `scenario` must have a drift without jumps in time, but this one has a schedule or a motion with "
            "knots, which equal steps would miss. Use ld.solve."
        )
    times = np.linspace(start.at, until, points)
    inner = int(np.ceil((times[1] - times[0]) / step))
    begin = time.perf_counter()
    states = _program(flow)(scenario.initial_state(start), times, inner, values)
    seconds = time.perf_counter() - begin
    status, message, rows = _verdict(scenario, states, times)
    if status != "ok":
        warnings.warn(message, ld.LearndynWarning, stacklevel=2)
    return trajectory(
        scenario, start, times[:rows], states[:rows],
        engine="theory", status=status, message=message,
        options={"until": until, "method": "rk4", "step": step, "steps": inner * (points - 1)},
        timings={"run": seconds},
    )  # fmt: skip


def _verdict(scenario, states, times):
    """How the run ended, a sentence, and the rows that are kept."""
    finite = np.isfinite(states).all(axis=1)
    rows = len(states) if finite.all() else int(np.argmin(finite))
    name = scenario.time_name
    if rows < len(states):
        sentence = f"The state was not finite at {name} = {times[rows]:g}. Use a smaller step; the part before is kept."
        return "not_finite", sentence, rows
    possible = scenario.first_impossible(states, 1e-6, times)
    if possible < rows:
        sentence = f"The state stopped being possible at {name} = {times[possible]:g}. Use a smaller step."
        return "lost_positivity", sentence, max(possible, 1)
    return "ok", "The run reached its end.", rows


@lru_cache(maxsize=64)
def _program(flow):
    """The compiled loop; a flow is a key, and other numbers of the scenario, or of steps, compile nothing."""
    import jax
    import jax.numpy as jnp

    def advance(state, interval, inner, values):
        first, last = interval
        h = (last - first) / inner

        def one_step(number, x):
            t = first + number * h
            k1 = flow.drift(t, x, values)
            k2 = flow.drift(t + h / 2, x + h / 2 * k1, values)
            k3 = flow.drift(t + h / 2, x + h / 2 * k2, values)
            k4 = flow.drift(t + h, x + h * k3, values)
            return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

        return jax.lax.fori_loop(0, inner, one_step, state)

    @jax.jit
    def run(state, times, inner, values):
        def row(x, interval):
            x = advance(x, interval, inner, values)
            return x, x

        _, rows = jax.lax.scan(row, state, (times[:-1], times[1:]))
        return jnp.concatenate([state[None], rows])

    def in_float64(*arguments):
        with jax.enable_x64(True):  # outside of the compiled function
            return np.asarray(run(*arguments))

    return in_float64


if __name__ == "__main__":
    scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)
    start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-3)
    print(
        solve_in_equal_steps(scenario, start, until=300, step=0.1).eps_g[-1].item(),
        ld.solve(scenario, start, until=300).eps_g[-1].item(),
    )
