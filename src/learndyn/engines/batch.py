"""The batched theory engine: one flow from many starts and with many numbers, on all cores or on a GPU.

Members run in lanes side by side (`batch_lanes`), a group of lanes in each thread; a lane whose member has come to its
end takes the next one, so that a member that takes many steps keeps no other waiting. What a member becomes depends on
nothing but itself: on one kind of device it has the same bits for any number of threads, and in any company. Kinds of
devices (processors with other vector units, a GPU) may differ in the last bits.
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

from learndyn.engines.batch_lanes import ENDINGS, Event, Form, advance_lanes, drift_of_lanes, empty_lanes
from learndyn.engines.driver import thread_count
from learndyn.engines.programs import compile_program
from learndyn.engines.theory import FIRST_STEP, knots_of
from learndyn.errors import InputError
from learndyn.scenarios.base import Flow

# Lanes of a group, a multiple of the widest vector registers (8 numbers), so that every lane goes through the same
# instructions. With more of them each operation of a short state costs less beside the call that begins it, until XLA
# cuts it into pieces for a thread pool of its own, which is far slower. A GPU has room for many more.
LANES, LANES_OF_LONG_STATES, LANES_ON_GPU = 32, 16, 4096
LONG_STATE = 20
# Members that wait in the queue of a group, as many as its lanes or as have so many numbers together.
QUEUE_NUMBERS = 4_000_000
# The times to save are padded to a power of two: another number of them rarely compiles again.
FEWEST_TIMES = 64
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
    values: Sequence[Mapping[str, np.ndarray]] | Mapping[str, np.ndarray],
    times: np.ndarray,
    at: float = 0.0,
    *,
    rtol: float,
    atol: float,
    limits: np.ndarray | float,
    max_steps: int,
    event: Event | None = None,
    level: float = 0.0,
    expected: np.ndarray | None = None,
    threads: int | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> BatchIntegration:
    """Integrate each of the ``states`` (members, n) with its ``values`` from the time `at` through increasing `times`.

    ``values`` is a mapping for each member, with arrays of one shape for all of them, or one mapping of arrays whose
    first axis is the members. ``limits`` bounds ``flow.size``, for all or for each. With an ``event`` a member ends
    where its value falls to `level`. Members of which more steps are ``expected`` (any measure of them) begin earlier:
    at the end few lanes then wait for others. ``on_progress`` is told how many members are done. Ctrl-C keeps what is
    done.
    """
    if flow.refused:
        raise InputError(flow.refused)
    run = _Run(flow, np.asarray(states, dtype=float), _stacked(values), np.asarray(times, dtype=float), at, expected)
    run.enter_numbers(values, (rtol, atol), limits, max_steps)
    run.event, run.level = event, level
    with jax.enable_x64(True):
        groups = [_Group(run) for _ in range(thread_count(-(-len(run.states) // run.lanes), threads))]
        run.compile(groups[0])
    clock = time.perf_counter()
    _run_groups(run, groups, on_progress)
    run.timings["run"] = time.perf_counter() - clock
    return BatchIntegration(run.times, run.rows, run.last, run.status, run.end, run.steps, run.timings)


def lane_count(n: int) -> int:
    """Lanes of a group for states of n numbers, on the device that JAX computes on."""
    if jax.default_backend() == "gpu":
        return LANES_ON_GPU
    return LANES if n <= LONG_STATE else LANES_OF_LONG_STATES


def _stacked(values: Sequence[Mapping[str, np.ndarray]] | Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The values with the members as last axis."""
    if not isinstance(values, Mapping):
        values = {name: np.array([one[name] for one in values], dtype=float) for name in values[0]}
    return {name: np.moveaxis(np.asarray(array, dtype=float), 0, -1) for name, array in values.items()}


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

    event: Event | None
    level: float
    form: Form
    given: np.ndarray
    first_row: np.ndarray

    def __init__(
        self, flow: Flow, states: np.ndarray, values: dict[str, np.ndarray], times: np.ndarray, at: float,
        expected: np.ndarray | None,
    ) -> None:  # fmt: skip
        members, n = states.shape
        self.flow, self.states, self.values, self.times, self.at = flow, states, values, times, at
        self.padded = np.full(max(FEWEST_TIMES, 1 << len(times).bit_length()), np.inf)
        self.padded[: len(times)] = times
        self.order = np.arange(members) if expected is None else np.argsort(-np.asarray(expected), kind="stable")
        self.lanes = lane_count(n)
        # The host's arrays of a group must stay small, whatever the values.
        numbers = 2 * n + sum(array[..., 0].size for array in values.values())
        self.queue = int(np.clip(QUEUE_NUMBERS // numbers, 4, self.lanes))
        self.rows = np.full((members, len(times), n), np.nan)
        self.last, self.end = states.copy(), np.full(members, at)
        self.status = np.full(members, "interrupted", dtype="<U11")
        self.steps = np.zeros(members, dtype=int)
        self.timings = {"trace": 0.0, "compile": 0.0, "run": 0.0}
        self.stop, self.done = Flag(), 0
        self._next, self._lock = 0, Lock()

    def enter_numbers(
        self, values: Any, tolerances: tuple[float, float], limits: np.ndarray | float, max_steps: int
    ) -> None:
        """Where each member begins, its ``numbers`` as `integrator.advance` takes them, (5 + knots, members)."""
        members, until = len(self.states), self.times[-1]
        begins, knots, half = np.full(members, self.at), (), 0
        if self.flow.knots is not None:
            own = [self._values_of(values, member) for member in range(members)]
            begins, knots = zip(*(knots_of(self.flow, one, self.at, until) for one in own), strict=True)
            begins, half = np.array(begins), max(map(len, knots)) // 2
        numbers = np.full((5 + 2 * half, members), np.inf)
        numbers[0], numbers[3], numbers[4] = until, limits, max_steps
        numbers[1], numbers[2] = tolerances
        for member, one in enumerate(knots):
            # Stops, then resumes, each padded with infinity.
            for first, part in zip((5, 5 + half), np.split(one, 2), strict=True):
                numbers[first : first + len(part), member] = part
        length = np.minimum(FIRST_STEP, until - begins)
        ends = np.minimum(begins + length, numbers[5]) if half else begins + length
        columns = [array.reshape(-1, members) for array in self.values.values()]
        self.given = np.concatenate([self.states.T, [begins, ends, length], numbers, *columns])
        shapes = tuple((name, array.shape[:-1]) for name, array in self.values.items())
        self.form = Form(self.states.shape[1], half, shapes)
        self.first_row = np.searchsorted(self.times, begins, side="right")
        for row in range(self.first_row.max(initial=0)):
            there = self.first_row > row
            self.rows[there, row] = self.states[there]

    @staticmethod
    def _values_of(values: Any, member: int) -> dict[str, np.ndarray]:
        if isinstance(values, Mapping):
            return {name: np.asarray(array)[member] for name, array in values.items()}
        return dict(values[member])

    def take(self, most: int) -> np.ndarray:
        """The next members that nobody has begun."""
        with self._lock:
            members = self.order[self._next : self._next + most]
            self._next += len(members)
            return members

    def has_more(self) -> bool:
        """Whether there are members that nobody has begun."""
        return self._next < len(self.order)

    def finished(self, members: int) -> None:
        """So many more members have come to their end."""
        with self._lock:
            self.done += members

    def compile(self, group: _Group) -> None:
        """The program for lanes like these, traced and compiled once a process."""
        arguments = group.arguments()
        key = (self.flow, self.event, self.form, len(self.padded), self.lanes, self.queue)
        if key not in _programs:
            _programs[key] = compile_program(
                "batch",
                (self.flow.key, self.event and self.event.key, self.form, self.lanes, self.queue),
                lambda: partial(advance_lanes, self.flow, self.event, self.form),
                arguments,
                self.timings,
                small=drift_of_lanes(self.flow, self.form, self.lanes)[1],
                wide=True,
            )
        self.advance = _programs[key]


_programs: dict[Any, Any] = {}


class _Group:
    """Lanes side by side, each with a member or none."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.queued = np.empty(0, dtype=int)
        self.lanes = empty_lanes(run.form, run.given[:, np.zeros(run.lanes, dtype=int)])

    def arguments(self) -> tuple[Any, ...]:
        """What `advance_lanes` takes."""
        run = self.run
        members = np.resize(self.queued if len(self.queued) else 0, run.queue)
        queue = {"given": run.given[:, members], "task": np.stack([members, run.first_row[members]])}
        return self.lanes, queue, np.array([len(self.queued), run.has_more()]), run.padded, np.float64(run.level)

    def work(self) -> None:
        """Take members until there are no more."""
        run = self.run
        with jax.enable_x64(True):
            while not run.stop.is_set():
                self.queued = np.concatenate([self.queued, run.take(run.queue - len(self.queued))])
                if len(self.queued) == 0 and (np.asarray(self.lanes["task"])[0] < 0).all():
                    return
                self.lanes, taken, saved, ended = run.advance(*self.arguments())
                self.queued = self.queued[int(taken) :]
                self._record(saved, ended)
            self._interrupt()

    def _record(self, saved: dict[str, Any], ended: dict[str, Any]) -> None:
        """Save the rows that this segment passed, and what came of members that are at their end."""
        run, rows, ends = self.run, int(saved["count"]), int(ended["count"])
        member, row = np.moveaxis(np.asarray(saved["task"])[:rows], 1, 0)
        found = member >= 0
        run.rows[member[found], row[found]] = np.moveaxis(np.asarray(saved["row"])[:rows], 1, -1)[found]
        member, why, steps = np.moveaxis(np.asarray(ended["task"])[:ends], 1, 0)
        found = member >= 0
        members = member[found]
        run.status[members], run.steps[members] = np.array(ENDINGS)[why[found]], steps[found]
        end = np.moveaxis(np.asarray(ended["end"])[:ends], 1, -1)[found]
        run.last[members], run.end[members] = end[:, :-1], end[:, -1]
        run.finished(len(members))

    def _interrupt(self) -> None:
        """Note how far the members came that are under way."""
        run, carry, members = self.run, self.lanes["carry"], np.asarray(self.lanes["task"])[0]
        lanes = members >= 0
        members = members[lanes]
        run.end[members], run.steps[members] = (
            np.asarray(carry["time"])[lanes],
            np.asarray(carry["steps"])[lanes],
        )
        run.last[members] = np.asarray(carry["state"])[:, lanes].T
