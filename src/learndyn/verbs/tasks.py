"""`solve` and `simulate` of a sequence of tasks: each from where the one before it ended.

Theory finds the end of a task as a root on the solver's continuous extension; a simulation at the first of its looks at
which the level is reached. What both give is labelled by `tasks_result`.
"""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import count, number, shown
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import tolerances
from learndyn.results import trajectory
from learndyn.scenarios.reached import Reached
from learndyn.scenarios.task_sequence.sequence import TaskSequence
from learndyn.verbs.tasks_result import Stage, dataset

# Rows of each task beside its first.
ROWS = 50


def solve_tasks(
    sequence: TaskSequence, start: Any, until: Any, save_at: Any, rtol: Any, atol: Any, max_steps: Any, progress: Any
) -> xr.Dataset:
    """`solve` of a sequence; the rows of each task are evenly spaced."""
    start = sequence.as_start(start)
    ends, points = ends_of(sequence, start.at, until), rows_of(save_at)
    rtol, atol = tolerances(rtol, atol)
    options = {"rtol": rtol, "atol": atol, "max_steps": count(max_steps, "max_steps")}
    stages: list[Stage] = []
    begin = start
    for index, scenario in enumerate(sequence.family.stages):
        end, reached = _end(sequence, index, begin, ends, options)
        run = _rows(scenario, begin, end, points, options, progress)
        stages.append(Stage.of(sequence, index, run, reached))
        if run.attrs["status"] != "ok" or index + 1 == len(sequence.tasks):
            break
        begin = sequence.family.next(index, run.isel({sequence.time_name: -1}))
    result = dataset(sequence, start, [stages], engine="theory", options=asked(until, points) | options)
    if result.attrs["status"] != "ok":
        warnings.warn(result.attrs["message"], LearndynWarning, stacklevel=3)
    return result


def ends_of(sequence: TaskSequence, at: float, until: Any) -> list[float] | None:
    """When each task ends, where that is given; None where a level decides."""
    switch, tasks = sequence.switch, len(sequence.tasks)
    if isinstance(switch, tuple):
        if until is None:
            raise InputError(
                "Argument `until` must be given where `switch` is a list of times, as the end of the last task, but it "
                "is missing. "
                "Write until=300, say."
            )
        ends = [*switch, number(until, "until")]
        for before, end in zip([at, *ends], ends, strict=False):
            if end <= before:
                raise InputError(
                    f"Argument `until`, and the times in `switch` before it, must be later than the start, which is at "
                    f"{at:g}, and increase, but they are {', '.join(f'{time:g}' for time in ends)}. "
                    "Sort them, and begin after the start."
                )
        return ends
    if until is not None:
        raise InputError(
            f"Argument `until` must be left out where `switch` says when the last task ends, but it is {shown(until)}. "
            "Write switch=[...], times at which tasks change, to end at a given time."
        )
    return None if isinstance(switch, Reached) else [at + switch * (index + 1) for index in range(tasks)]


def rows_of(save_at: Any) -> int:
    """Rows of each task beside its first."""
    if (save_at is not None and np.ndim(save_at) > 0) or isinstance(save_at, str):
        raise InputError(
            f"Argument `save_at` must be the number of rows of each task of a sequence, but it is {shown(save_at)}. "
            "Write save_at=100."
        )
    return ROWS if save_at is None else count(save_at, "save_at")


def asked(until: Any, points: int) -> dict[str, Any]:
    """The options that every result of a sequence names."""
    return {"save_at": points} if until is None else {"save_at": points, "until": float(until)}


# ---- Theory


def _end(
    sequence: TaskSequence, index: int, start: Any, ends: list[float] | None, options: dict[str, Any]
) -> tuple[float, bool]:
    """When a task ends, and whether because it has reached what it had to."""
    if ends is not None:
        return ends[index], True
    from learndyn.engines.reaching import Course, run_until_reached
    from learndyn.verbs.theory import DIVERGENCE, LOST_POSITIVITY

    rule, scenario = sequence.switch, sequence.family.stages[index]
    course = Course(scenario, start.at, scenario.initial_state(start), rule.level, rule.rising)
    last = start.at + rule.at_most
    run_until_reached(
        [course], rule.quantity, last, divergence=DIVERGENCE, lost_positivity=LOST_POSITIVITY, **options
    )  # fmt: skip
    if course.outcome == "interrupted":
        raise KeyboardInterrupt
    # Where it diverged or failed, `solve` meets the same and says so.
    return (course.end, True) if course.outcome == "reached" else (last, False)


def _rows(scenario: Any, start: Any, end: float, points: int, options: dict[str, Any], progress: Any) -> xr.Dataset:
    """The run of one task; a single row for one that ends where it begins."""
    from learndyn.verbs.theory import solve

    if end <= start.at:
        state = scenario.initial_state(start)
        return trajectory(
            scenario, start, np.array([start.at]), state[None],
            engine="theory", status="ok", message="", options={}, timings={},
        )  # fmt: skip
    with warnings.catch_warnings():
        # The result of the sequence tells, in its own words.
        warnings.simplefilter("ignore", LearndynWarning)
        return solve(scenario, start, end, save_at=np.linspace(start.at, end, points + 1), progress=progress, **options)


# ---- Simulation


def simulate_tasks(
    sequence: TaskSequence,
    start: Any,
    until: Any,
    request: Callable[..., Any],
    *,
    N: Any,
    replicas: Any,
    method: Any,
    save_at: Any,
    threads: Any,
    seed: Any,
) -> xr.Dataset:
    """`simulate` of a sequence: every replica runs its tasks one after another.

    ``request(**arguments of simulate)`` is a checked request for one replica of one task; each has a stream of its own.
    """
    start = sequence.as_start(start)
    ends, points, replicas = ends_of(sequence, start.at, until), rows_of(save_at), count(replicas, "replicas")
    threads = None if threads is None else count(threads, "threads")
    seed = secrets.randbits(63) if seed is None else count(seed, "seed", 0)
    if np.ndim(N) > 0:
        raise InputError(
            f"Argument `N` must be a single number for an ld.TaskSequence, but it is {shown(N)}. Run each N by itself."
        )
    fixed = {"N": N, "method": method, "replicas": 1, "threads": 1, "progress": False, "tolerance": None}
    # The weights of a perceptron are its state; those of other students are more than that.
    fixed |= {"record_weights": not sequence.family.names_size, "checkpoint": None, "checkpoint_every": 60.0}
    stop = Event()

    def one_task(index: int, begin: Any, stream: int) -> Any:
        end, looks = _looks(sequence, index, begin.at, ends, points)
        scenario = sequence.family.stages[index]
        return request(scenario=scenario, start=begin, until=end, save_at=looks, seed=stream, **fixed)

    def replica(number: int) -> list[Stage]:
        stages: list[Stage] = []
        begin = start
        for index in range(len(sequence.tasks)):
            if stop.is_set():
                break
            wanted = one_task(index, begin, _seed(seed, number, index))
            made, reached = _cut(sequence, wanted.run(size).isel(replica=0), points)
            stages.append(Stage.of(sequence, index, made, reached))
            if made.attrs["status"] != "ok" or index + 1 == len(sequence.tasks):
                break
            begin = sequence.family.next(index, made.isel({sequence.time_name: -1}))
        return stages

    first = one_task(0, start, 0)
    size = first.sizes[0]
    done, interrupted = _over_threads(replica, replicas, threads, stop)
    options = asked(until, points) | {"N": size, "replicas": replicas}
    result = dataset(
        sequence, start, done, engine=first.method, options=options, seed=seed, interrupted=interrupted,
        own_times=ends is None,
    )  # fmt: skip
    if result.attrs["status"] != "ok":
        warnings.warn(result.attrs["message"], LearndynWarning, stacklevel=3)
    return result


def _looks(
    sequence: TaskSequence, index: int, at: float, ends: list[float] | None, points: int
) -> tuple[float, np.ndarray]:
    """The end of a task at the latest, and the times at which it is looked at."""
    rule = sequence.switch
    if ends is None:
        return at + rule.at_most, np.linspace(at, at + rule.at_most, rule.looks + 1)
    return ends[index], np.linspace(at, ends[index], points + 1)


def _cut(sequence: TaskSequence, run: xr.Dataset, points: int) -> tuple[xr.Dataset, bool]:
    """A run up to the first look at which the level is reached, and only the rows that a result keeps."""
    last, reached = run.sizes[sequence.time_name] - 1, True
    if isinstance(sequence.switch, Reached):
        values = run[sequence.switch.quantity].values
        there = values >= sequence.switch.level if sequence.switch.rising else values <= sequence.switch.level
        reached = bool(there.any())
        last = int(np.argmax(there)) if reached else last
        if reached:
            # It is no matter what became of it later.
            run = run.assign_attrs(status="ok")
    kept = np.rint(np.linspace(0, last, points + 1)).astype(int)
    return run.isel({sequence.time_name: kept}), reached


def _seed(seed: int, replica: int, task: int) -> int:
    """The seed of one task of one replica."""
    return int(np.random.SeedSequence(seed, spawn_key=(replica, task)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _over_threads(
    replica: Callable[[int], list[Stage]], replicas: int, threads: Any, stop: Event
) -> tuple[list[list[Stage]], bool]:
    """What came of each replica that ran, in their order, and whether Ctrl-C stopped them."""
    # The first compiles what all need.
    done, interrupted = {0: replica(0)}, False
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        futures: dict[int, Future[list[Stage]]] = {n: pool.submit(replica, n) for n in range(1, replicas)}
        try:
            wait(futures.values(), return_when=FIRST_EXCEPTION)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            stop.set()
            for future in futures.values():
                future.cancel()
    for n, future in futures.items():
        if not future.cancelled():
            done[n] = future.result()
    return [done[n] for n in sorted(done)], interrupted
