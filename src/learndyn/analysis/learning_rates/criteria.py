"""What a constant learning rate can be best at: the error at a time, the time to an error, the rate of the last decay.

"error"   eps_g(until)
"time"    the first alpha at which eps_g = target
"rate"    -max Re lambda over the modes of the point where learning ends that are not neutral
"""

from __future__ import annotations

import numpy as np

from learndyn.analysis.learning_rates.problem import Problem
from learndyn.analysis.linearisation import LocalFlow

# Times at which eps_g is looked at, and how often the interval of the crossing is divided into as many parts.
LOOKS = 257
ZOOMS = 2
# A mode that is slower than the fastest one by this factor is neutral: nothing moves along it to first order.
NEUTRAL = 1e-7
# The drift, over the scale of the state, at which learning has ended; Newton's method takes over.
ENDED = 1e-7
DOUBLINGS = 16


def time_to(problem: Problem, rate: float, target: float, *, rtol: float, atol: float) -> float:
    """The first time at which eps_g falls to the target, infinity if it does not up to `until`.

    Looked for between saved rows, again between finer ones, at last by a straight line of ln eps_g: what that leaves is
    below (interval)^2 / 8 times its curvature, 10^-9 of the run.
    """
    first, last = problem.start.at, problem.until
    times, values = np.empty(0), np.empty(0)
    for _ in range(1 + ZOOMS):
        run = problem.run({"learning_rate": rate}, np.linspace(first, last, LOOKS), rtol=rtol, atol=atol)
        errors = problem.errors(run.states, run.times, {})
        row = int(np.argmax(errors <= target))
        if not errors[row] <= target:
            return np.inf
        if row == 0:
            return float(run.times[0])
        times, values = run.times[row - 1 : row + 1], np.maximum(errors[row - 1 : row + 1], problem.floor)
        first, last = times
    share = np.log(values[0] / target) / np.log(values[0] / values[1])
    return float(times[0] + share * (times[1] - times[0]))


def decay_rate(problem: Problem, rate: float, *, rtol: float, atol: float) -> float:
    """The rate at which learning comes to its end, per unit of alpha; -infinity if it comes to none."""
    state = end_of_learning(problem, rate, rtol=rtol, atol=atol)
    if state is None:
        return -np.inf
    _, J = LocalFlow.of(problem.scenario, state, learning_rate=rate).free_at(state)
    modes = np.linalg.eigvals(J).real
    moving = modes[np.abs(modes) > NEUTRAL * np.abs(modes).max()]
    return float(-moving.max()) if len(moving) else -np.inf


def end_of_learning(problem: Problem, rate: float, *, rtol: float, atol: float) -> np.ndarray | None:
    """The state at which learning with a constant rate ends; None where it does not end, or diverges.

    The flow, until little moves; then Newton's method, which is no longer led astray from there.
    """
    state, at, span = problem.state, problem.start.at, 32.0 / max(rate, 1e-3)
    scale = problem.scenario.scale(state)
    for _ in range(DOUBLINGS):
        run = problem.run({"learning_rate": rate}, [at + span], rtol=rtol, atol=atol)
        if run.status != "ok":
            return None
        state = run.states[-1]
        local = LocalFlow.of(problem.scenario, state, learning_rate=rate)
        if np.abs(local.at(state)[0]).max() <= ENDED * scale * rate:
            return _newton(local, state)
        span *= 2.0
    return None


def _newton(local: LocalFlow, state: np.ndarray) -> np.ndarray:
    """Steps of Newton's method as long as they make the drift smaller; none along neutral directions."""
    free = local.free
    F, J = local.free_at(state)
    for _ in range(20):
        step, *_ = np.linalg.lstsq(J, -F, rcond=NEUTRAL)
        moved = state.copy()
        moved[free] += step
        F_moved, J_moved = local.free_at(moved)
        if not np.abs(F_moved).max() < np.abs(F).max():
            break
        state, F, J = moved, F_moved, J_moved
    return state
