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

from learndyn.engines.programs import compile_program
from learndyn.scenarios.base import Flow

FIRST_STEP = 1e-3
# Up to this many order parameters a program is compiled for a quick start.
SMALL_STATE = 20
SMALLEST_STEP = 1e-13


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

    status: "ok", "diverged" (the size passed the limit), "not_finite" (the drift gave NaN or infinity, or the step
    size went to zero), "max_steps" or "interrupted".
    """
    timings = {"trace": 0.0, "compile": 0.0, "run": 0.0}
    until = float(times[-1])
    rows = np.empty((len(times), len(state)))
    done = int(np.searchsorted(times, at, side="right"))
    rows[:done] = state
    status, carry = "running", _first_carry(state, at, until)
    padded = np.full(_bucket(len(times)), until)
    padded[: len(times)] = times
    numbers = {"rtol": np.float64(rtol), "atol": np.float64(atol), "limit": np.float64(limit)}
    numbers["max_steps"] = np.int64(max_steps)
    with jax.enable_x64(True):
        advance = _compiled(
            flow, len(state), len(padded), frozenset(values), timings, carry, padded, np.float64(until), values, numbers
        )
        clock = time.perf_counter()
        while status == "running":
            try:
                before = float(carry["time"])
                carry, interpolated = advance(carry, padded, np.float64(until), values, numbers)
                reached = float(carry["time"])
                last = int(np.searchsorted(times, reached, side="right"))
                rows[done:last] = np.asarray(interpolated)[done:last]
                done = max(done, last)
                status = _status(carry, before, reached, until, limit, flow, max_steps)
                if on_progress is not None:
                    on_progress(reached)
            except KeyboardInterrupt:
                status = "interrupted"
        timings["run"] = time.perf_counter() - clock
        end = float(carry["time"])
        if status != "ok" and (done == 0 or times[done - 1] < end):
            # The last good state is kept too: it says how far the run came.
            times = np.concatenate([times[:done], [end]])
            rows = np.concatenate([rows[:done], np.asarray(carry["state"])[None]])
            done += 1
    return Integration(times[:done], rows[:done], status, end, int(carry["steps"]), timings)


def _status(carry: Any, before: float, reached: float, until: float, limit: float, flow: Flow, max_steps: int) -> str:
    if reached >= until:
        return "ok"
    size = float(flow.size(np.asarray(carry["state"])))
    if size > limit:
        return "diverged"
    step = float(carry["next"]) - reached
    if not np.isfinite(step) or step <= SMALLEST_STEP * max(1.0, abs(reached)):
        return "not_finite"
    if int(carry["tries"]) >= max_steps:
        return "max_steps"
    return "running"


def _bucket(points: int) -> int:
    """Saved times are padded to a power of two: another number of points rarely compiles again."""
    return max(64, 1 << (points - 1).bit_length())


def _first_carry(state: np.ndarray, at: float, until: float) -> dict[str, Any]:
    one = np.float64(1.0)
    return {
        "state": np.asarray(state, dtype=float),
        "time": np.float64(at),
        "next": np.float64(at + min(FIRST_STEP, until - at)),
        "fsal": (np.bool_(True), np.zeros(len(state))),
        "control": (one, one, np.bool_(False)),
        "steps": np.int64(0),
        "tries": np.int64(0),
    }


_programs: dict[Any, Any] = {}


def _compiled(flow: Flow, n: int, points: int, names: Any, timings: dict[str, float], *arguments: Any) -> Any:
    """The program for this flow and these shapes, traced and compiled once a process."""
    key = (flow, n, points, names)
    if key not in _programs:
        _programs[key] = compile_program("theory", flow.key, lambda: _segment(flow), arguments, timings, small=n <= SMALL_STATE)
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
