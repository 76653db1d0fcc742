"""The theory engine: a scenario's flow, integrated by diffrax with error control, to the saved times.

The loop over steps is compiled (`integrator`); it runs in segments of a fixed number of steps, and between two
segments the host looks at progress, interrupts and the state.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from learndyn.engines.knots import pieces
from learndyn.engines.programs import compile_program, shapes_of
from learndyn.errors import InputError
from learndyn.scenarios.base import Flow

FIRST_STEP = 1e-3
# Up to this many order parameters a program is compiled for a quick start.
SMALL_STATE = 20
SMALLEST_STEP = 1e-13
# A length is as good as 0 at 1e-6 of its natural scale, the limit of squared lengths being 1e6 of that; and where the
# steps that go past zero and back are within the tolerance, which is at some 10 to 100 atol (measured).
LEAST_OF_LIMIT, LEAST_OF_ATOL = 1e-9, 100.0


@dataclass(frozen=True)
class Integration:
    """What came of an integration: the rows reached, where and why it ended, and what it cost."""

    times: np.ndarray
    states: np.ndarray
    status: str
    end: float
    steps: int
    timings: dict[str, float]


def integrate(
    flow: Flow,
    state: np.ndarray,
    values: dict[str, np.ndarray],
    times: np.ndarray,
    at: float,
    *,
    rtol: float,
    atol: float,
    limit: float,
    max_steps: int,
    on_progress: Callable[[float], None] | None = None,
) -> Integration:
    """Integrate from the state at time `at` through the increasing `times`; `limit` bounds ``flow.size``.

    Steps end at the flow's knots and begin anew there.

    status: "ok", "diverged" (the size passed the limit), "not_finite" (the drift gave NaN or infinity, the step size
    went to zero, or the flow ends there), "max_steps" or "interrupted".
    """
    if flow.refused:
        raise InputError(flow.refused)
    timings = {"trace": 0.0, "compile": 0.0, "run": 0.0}
    until = float(times[-1])
    begin, knots = knots_of(flow, values, at, until)
    rows = np.empty((len(times), len(state)))
    done = int(np.searchsorted(times, begin, side="right"))
    rows[:done] = state
    status, carry = "running", first_carry(state, begin, until, knots)
    padded = np.full(_bucket(len(times)), until)
    padded[: len(times)] = times
    numbers = np.array([until, rtol, atol, limit, max_steps, *knots])
    ends = {until, *knots}
    tries = 0
    with jax.enable_x64(True):
        advance = _compiled(flow, timings, carry, padded, values, numbers)
        clock = time.perf_counter()
        while status == "running":
            try:
                carry, interpolated = advance(carry, padded, values, numbers)
                clock_now, before, tries = np.asarray(carry["clock"]), tries, int(np.asarray(carry["counts"])[1])
                last = int(np.searchsorted(times, clock_now[0], side="right"))
                rows[done:last] = np.asarray(interpolated)[done:last]
                done = max(done, last)
                status = status_of(carry, clock_now, tries, ends, numbers, flow, values)
                if status == "running" and tries == before:
                    # The program has no way on, though it looks as if there were one: an error in learndyn, not a loop.
                    status = "not_finite"
                if on_progress is not None:
                    on_progress(float(clock_now[0]))
            except KeyboardInterrupt:
                status = "interrupted"
        timings["run"] = time.perf_counter() - clock
        # From the carry alone: an interrupt may come between two lines of the loop.
        end, steps = float(np.asarray(carry["clock"])[0]), int(np.asarray(carry["counts"])[0])
        if status != "ok" and (done == 0 or (times[done - 1] < end and not _ended(flow, carry, numbers, values))):
            # The last good state is kept too: it says how far the run came. That at the end of a flow is mostly noise.
            times = np.concatenate([times[:done], [end]])
            rows = np.concatenate([rows[:done], np.asarray(carry["state"])[None]])
            done += 1
    return Integration(times[:done], rows[:done], status, end, steps, timings)


def knots_of(flow: Flow, values: dict[str, np.ndarray], at: float, until: float) -> tuple[float, np.ndarray]:
    """The time to begin at, and the knots as `advance` takes them: stops, then resumes; empty where there are none."""
    knots = () if flow.knots is None else flow.knots(values)
    if np.size(knots) == 0:
        return at, np.empty(0)
    begin, stops, resumes = pieces(knots, at, until, SMALLEST_STEP)
    return begin, np.concatenate([stops, resumes])


def status_of(
    carry: Any, clock: np.ndarray, tries: int, ends: set[float], numbers: np.ndarray, flow: Flow, values: Any
) -> str:
    """How a run has ended, or "running"; `ends` are times at which a step may be short."""
    reached, end_of_next = clock[:2]
    until, _, _, limit, max_steps = numbers[:5]
    if reached >= until:
        return "ok"
    if float(flow.size(np.asarray(carry["state"]))) > limit:
        return "diverged"
    step = end_of_next - reached
    too_small = step <= SMALLEST_STEP * max(1.0, abs(reached)) and end_of_next not in ends
    if not np.isfinite(step) or too_small or _ended(flow, carry, numbers, values):
        return "not_finite"
    return "max_steps" if tries >= max_steps else "running"


def as_good_as_zero(limit: Any, atol: Any) -> Any:
    """The length below which a state is at zero, by the limit of its size and the tolerance."""
    return LEAST_OF_LIMIT * limit**0.5 + LEAST_OF_ATOL * atol


def _ended(flow: Flow, carry: Any, numbers: np.ndarray, values: dict[str, np.ndarray]) -> bool:
    """Whether a run is where its flow ends; before the first step the slope is not known."""
    if flow.ends is None or np.asarray(carry["counts"])[2] == 1:
        return False
    state, slope = (np.asarray(carry[name]) for name in ("state", "slope"))
    return bool(flow.ends(state, slope, values, as_good_as_zero(numbers[3], numbers[2])))


def _bucket(points: int) -> int:
    """Saved times are padded to a power of two: another number of points rarely compiles again."""
    return max(64, 1 << (points - 1).bit_length())


def first_carry(state: np.ndarray, at: float, until: float, knots: np.ndarray) -> dict[str, np.ndarray]:
    """What the first segment starts from. Few arrays: each costs some microseconds at every call.

    ``clock`` = (time, end of the next step, two numbers of the step-size control), ``counts`` = (accepted steps, tries,
    whether the next step is the first), ``slope`` = the drift at ``state``, known from the last stage of a step. With
    knots, ``clock`` ends with the length that the next step would have if it did not have to stop.
    """
    length = min(FIRST_STEP, until - at)
    clock = [at, at + length, 1.0, 1.0]
    if len(knots):
        clock = [at, min(at + length, knots[0]), 1.0, 1.0, length]
    return {
        "state": np.array(state, dtype=float),
        "slope": np.zeros(len(state)),
        "clock": np.array(clock),
        "counts": np.array([0, 0, 1]),
    }


_programs: dict[Any, Any] = {}


def _compiled(flow: Flow, timings: dict[str, float], *arguments: Any) -> Any:
    """The program for this flow and arguments of these shapes, traced and compiled once a process."""
    carry, padded, values, numbers = arguments
    n = len(carry["state"])
    key = (flow, n, len(padded), shapes_of(values), len(numbers))
    if key not in _programs:
        _programs[key] = compile_program(
            "theory",
            flow.key,
            lambda: _segment(flow),
            arguments,
            timings,
            small=n <= SMALL_STATE if flow.quick is None else flow.quick,
        )
    return _programs[key]


def _segment(flow: Flow) -> Any:
    from learndyn.engines.integrator import advance

    return partial(advance, flow)


def drift_at(flow: Flow, at: float, state: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray:
    """The drift at one state."""
    with jax.enable_x64(True):
        return np.asarray(_drift(flow, np.float64(at), np.asarray(state, dtype=float), values))


@partial(jax.jit, static_argnums=0)
def _drift(flow: Flow, at: Any, state: Any, values: dict[str, Any]) -> Any:
    return flow.drift(at, state, values)
