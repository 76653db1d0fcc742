"""The batched theory engine: one flow from many starts and with many numbers, on all cores.

Members run in lanes side by side (`batch_lanes`), a group of lanes in each thread; a lane whose member has come to its
end is filled with the next one, so that a member that takes many steps keeps no other waiting. What a member becomes
depends on nothing but itself: it has the same bits for any number of threads, and in any company.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from threading import Lock
from typing import Any

import jax
import numpy as np

from learndyn.engines.batch_lanes import LANES, Event, advance_lanes, interpolate, locate
from learndyn.engines.driver import thread_count
from learndyn.engines.programs import compile_program, shapes_of
from learndyn.engines.theory import first_carry, knots_of, status_of
from learndyn.scenarios.base import Flow

# Saved rows are interpolated so many at a time.
ROWS = 256
# Seconds between two looks at progress.
LOOK = 0.1


@dataclass(frozen=True)
class BatchIntegration:
    """What came of the members of a batch.

    ``states`` (members, times, n) holds NaN where a member did not come; ``last`` (members, n) is its state at ``end``.
    ``status`` is that of `theory.Integration`, or "event"; "interrupted" also for members that had not begun.
    """

    times: np.ndarray
    states: np.ndarray
    last: np.ndarray
    status: np.ndarray
    end: np.ndarray
    steps: np.ndarray
    timings: dict[str, float]


def integrate_many(
    flow: Flow,
    states: np.ndarray,
    values: Sequence[Mapping[str, np.ndarray]],
    times: np.ndarray,
    at: float = 0.0,
    *,
    rtol: float,
    atol: float,
    limits: np.ndarray | float,
    max_steps: int,
    event: Event | None = None,
    level: float = 0.0,
    threads: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> BatchIntegration:
    """Integrate each of the ``states`` (members, n) with its ``values`` from the time `at` through increasing `times`.

    The arrays of ``values`` have one shape for all members. ``limits`` bounds ``flow.size``, for all or for each. With
    an ``event`` a member ends where its value falls to `level`. ``on_progress`` is told how many members are done.
    Ctrl-C keeps what is done.
    """
    run = _Run(flow, np.asarray(states, dtype=float), values, np.asarray(times, dtype=float), at)
    run.numbers = _numbers(flow, values, at, run.times[-1], (rtol, atol), limits, max_steps)
    run.event, run.level = event, level
    groups = [_Group(run) for _ in range(thread_count(-(-len(run.states) // LANES), threads))]
    with jax.enable_x64(True):
        run.compile(groups[0])
    clock = time.perf_counter()
    _run_groups(run, groups, on_progress)
    run.timings["run"] = time.perf_counter() - clock
    return BatchIntegration(run.times, run.rows, run.last, run.status, run.end, run.steps, run.timings)


def _numbers(
    flow: Flow,
    values: Sequence[Mapping[str, np.ndarray]],
    at: float,
    until: float,
    tolerances: tuple[float, float],
    limits: np.ndarray | float,
    max_steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Where each member begins, and its ``numbers`` as `integrator.advance` takes them, (members, 5 + knots)."""
    begins, knots = zip(*(knots_of(flow, dict(each), at, until) for each in values), strict=True)
    longest = max(map(len, knots)) // 2
    numbers = np.full((len(values), 5 + 2 * longest), np.inf)
    numbers[:, 0], numbers[:, 1:3], numbers[:, 3], numbers[:, 4] = until, tolerances, limits, max_steps
    for row, own in zip(numbers, knots, strict=True):
        # Stops, then resumes, each padded with infinity.
        for order, half in enumerate(np.split(own, 2)):
            row[5 + order * longest :][: len(half)] = half
    return np.array(begins), numbers


def _run_groups(run: _Run, groups: list[_Group], on_progress: Callable[[float], None] | None) -> None:
    with ThreadPoolExecutor(len(groups)) as pool:
        futures = [pool.submit(group.work) for group in groups]
        try:
            pending = True
            while pending:
                done, pending = wait(futures, timeout=LOOK)
                if any(future.exception() for future in done):
                    run.stop.set()
                if on_progress is not None:
                    on_progress(float(run.done))
        except KeyboardInterrupt:
            run.stop.set()
    for future in futures:
        future.result()


class _Run:
    """What the groups of lanes share: the members, who is next, and what came of them."""

    numbers: tuple[np.ndarray, np.ndarray]
    event: Event | None
    level: float

    def __init__(self, flow: Flow, states: np.ndarray, values: Any, times: np.ndarray, at: float) -> None:
        members, n = states.shape
        self.flow, self.states, self.values, self.times = flow, states, values, times
        self.rows = np.full((members, len(times), n), np.nan)
        self.last, self.end = states.copy(), np.full(members, at)
        self.status = np.full(members, "interrupted", dtype="<U11")
        self.steps = np.zeros(members, dtype=int)
        self.timings = {"trace": 0.0, "compile": 0.0, "run": 0.0}
        self.stop, self.done = Flag(), 0
        self._next, self._lock = 0, Lock()

    def take(self) -> int | None:
        """The next member that nobody has begun."""
        with self._lock:
            if self._next == len(self.states):
                return None
            self._next += 1
            return self._next - 1

    def finished(self) -> None:
        """One member has come to its end."""
        with self._lock:
            self.done += 1

    def compile(self, group: _Group) -> None:
        """The program for lanes like these, traced and compiled once a process."""
        arguments = group.arguments()
        key = (self.flow, self.event, self.states.shape[1], shapes_of(arguments[1]), arguments[2].shape[1])
        if key not in _programs:
            _programs[key] = compile_program(
                "batch",
                (self.flow.key, self.event and self.event.key, LANES),
                lambda: partial(advance_lanes, self.flow, self.event),
                arguments,
                self.timings,
                small=False,
            )
        self.advance = _programs[key]


_programs: dict[Any, Any] = {}
_interpolate = jax.jit(interpolate)
_locate = jax.jit(locate, static_argnums=0)


class _Group:
    """Lanes side by side, each with a member or none."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.members: list[int | None] = [None] * LANES
        begins, numbers = run.numbers
        # A lane without a member stands still: it is at its end.
        self.numbers = np.repeat(numbers[:1], LANES, axis=0)
        self.numbers[:, 0] = begins[0]
        first = self._begun(0)
        self.carry = {name: np.stack([array] * LANES) for name, array in first.items()}
        self.values = {name: np.stack([np.asarray(x, dtype=float)] * LANES) for name, x in run.values[0].items()}

    def _begun(self, member: int) -> dict[str, np.ndarray]:
        begins, numbers = self.run.numbers
        stops = np.split(numbers[member, 5:], 2)[0]
        carry = first_carry(self.run.states[member], begins[member], numbers[member, 0], stops)
        return carry | {"hit": np.array(False)}

    def arguments(self) -> tuple[Any, ...]:
        """What `advance_lanes` takes."""
        return self.carry, self.values, self.numbers, np.full(LANES, self.run.level)

    def work(self) -> None:
        """Take members until there are no more."""
        with jax.enable_x64(True):
            while not self.run.stop.is_set():
                self._fill()
                if all(member is None for member in self.members):
                    return
                tries = self.carry["counts"][:, 1]
                carry, steps = self.run.advance(*self.arguments())
                self.carry = {name: np.array(array) for name, array in carry.items()}
                self._record({name: np.asarray(array) for name, array in steps.items()}, tries)

    def _fill(self) -> None:
        for lane, member in enumerate(self.members):
            if member is not None or (new := self.run.take()) is None:
                continue
            self.members[lane] = new
            for name, array in self._begun(new).items():
                self.carry[name][lane] = array
            for name, array in self.run.values[new].items():
                self.values[name][lane] = array
            self.numbers[lane] = self.run.numbers[1][new]
            begin = self.carry["clock"][lane, 0]
            self.run.rows[new, : np.searchsorted(self.run.times, begin, side="right")] = self.run.states[new]

    def _record(self, steps: dict[str, np.ndarray], tries_before: np.ndarray) -> None:
        """Save the rows that this segment reached, and what came of members that are at their end."""
        clock, state = self.carry["clock"], self.carry["state"]
        hit = self.carry["hit"] & np.array([member is not None for member in self.members])
        if hit.any():
            self._cut_at_events(steps, hit)
        self._save_rows(steps, clock[:, 0])
        for lane, member in enumerate(self.members):
            if member is None:
                continue
            run, counts = self.run, self.carry["counts"][lane]
            status = "event" if hit[lane] else self._status(lane)
            if status == "running" and counts[1] == tries_before[lane]:
                # The program has no way on, though it looks as if there were one: an error in learndyn, not a loop.
                status = "not_finite"
            run.end[member], run.last[member], run.steps[member] = clock[lane, 0], state[lane], counts[0]
            if status != "running":
                run.status[member] = status
                self.members[lane] = None
                run.finished()

    def _status(self, lane: int) -> str:
        numbers = self.numbers[lane]
        ends = {float(numbers[0]), *numbers[5:].tolist()}
        carry = {"state": self.carry["state"][lane]}
        tries = int(self.carry["counts"][lane, 1])
        return status_of(carry, self.carry["clock"][lane], tries, ends, numbers, self.run.flow)

    def _cut_at_events(self, steps: dict[str, np.ndarray], hit: np.ndarray) -> None:
        """Let the lanes with an event end where it came."""
        lanes = np.arange(LANES)
        made = steps["end"] > steps["begin"]
        # The last step that a lane made in this segment.
        step = len(made) - 1 - np.argmax(made[::-1], axis=0)
        pieces = [steps[name][step, lanes] for name in ("begin", "end", "y0", "k")]
        moment, state = (np.asarray(x) for x in _locate(self.run.event, *pieces, self.values, self.arguments()[3]))
        self.carry["clock"][hit, 0], self.carry["state"][hit] = moment[hit], state[hit]

    def _save_rows(self, steps: dict[str, np.ndarray], reached: np.ndarray) -> None:
        times, members = self.run.times, self.members
        first, last = (np.searchsorted(times, steps[name], side="right") for name in ("begin", "end"))
        count = np.where(steps["end"] > steps["begin"], last - first, 0)
        step, lane = (np.repeat(index, count[count > 0]) for index in np.nonzero(count))
        if len(step) == 0:
            return
        # Of each step the times within it, one after another.
        offsets = np.concatenate([np.arange(c) for c in count[count > 0]])
        row = first[step, lane] + offsets
        # Nothing is kept after an event.
        kept = (times[row] <= reached[lane]) & np.array([members[x] is not None for x in lane])
        step, lane, row = step[kept], lane[kept], row[kept]
        for begin in range(0, len(step), ROWS):
            part = slice(begin, begin + ROWS)
            padding = np.resize(np.arange(len(step))[part], ROWS)
            pieces = [steps[name][step[padding], lane[padding]] for name in ("begin", "end", "y0", "k")]
            found = np.asarray(_interpolate(*pieces, times[row[padding]]))[: len(step[part])]
            self.run.rows[[members[x] for x in lane[part]], row[part]] = found
