"""What is asked of a simulation: checked before anything runs, then run for one N and labelled."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count, number, shown
from learndyn.errors import InputError
from learndyn.options import end_time, save_times
from learndyn.results import trajectory
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.methods import METHODS
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain
from learndyn.scenarios.update_rule.scenario import UpdateRule
from learndyn.verbs.request_parts import (
    MANY_UPDATES,
    MOST_UPDATES,
    asked_times,
    checkpoint_file,
    kind_of_cpu,
    versions_of,
)

# Beyond, N and N - 1 are the same number in floating point.
LARGEST_N = 2**53


@dataclass(frozen=True)
class Request:
    """What the user asks for; `checked` makes one, `run` fulfils it for one N."""

    scenario: Any
    start: Any
    until: float
    times: np.ndarray
    asked_times: Any  # as they were asked for, in the words of an option
    sizes: list[int]
    several: bool
    replicas: int
    method: str
    threads: int | None
    tolerance: float | None
    record_weights: bool
    checkpoint: Any
    checkpoint_every: float
    seed: int
    progress: Any

    @classmethod
    def checked(
        cls, *, scenario: Any, start: Any, until: Any, N: Any, method: Any, save_at: Any, replicas: Any, threads: Any,
        tolerance: Any, record_weights: Any, checkpoint: Any, checkpoint_every: Any, seed: Any, progress: Any,
    ) -> Request:  # fmt: skip
        """All that can be refused before anything runs."""
        scenario = checked_scenario(scenario)
        start = scenario.as_start(start)
        if isinstance(scenario, UpdateRule):
            scenario.process(start)  # refused, before a size is asked for that would not help
        method = choice(METHODS[0] if method is None else method, "method", METHODS)
        if N is None:
            raise InputError(
                "Argument `N` must be given, the input dimension, a whole number or several, but it is missing. Write "
                "N=1000."
            )
        _check_method(scenario, method, tolerance, record_weights)
        sizes, several = _sizes(N, scenario, start, method), _is_several(N)
        if several and (checkpoint is not None or record_weights):
            name = "record_weights" if checkpoint is None else "checkpoint"
            raise InputError(
                f"Argument `{name}` is for a single N, but `N` has {len(sizes)} values. Run them one by one."
            )
        request = cls(
            scenario=scenario,
            start=start,
            until=end_time(until),
            times=save_times(save_at, start.at, until),
            asked_times=asked_times(save_at),
            sizes=sizes,
            several=several,
            replicas=count(replicas, "replicas"),
            method=method,
            threads=None if threads is None else count(threads, "threads"),
            tolerance=None if tolerance is None else number(tolerance, "tolerance", above=0.0),
            record_weights=bool(record_weights),
            checkpoint=None if checkpoint is None else checkpoint_file(checkpoint),
            checkpoint_every=number(checkpoint_every, "checkpoint_every", minimum=0.0),
            seed=secrets.randbits(63) if seed is None else count(seed, "seed", 0),
            progress=progress,
        )
        if method == "diffusion":
            _check_diffusion(request)
        else:
            for size in sizes:
                _check_updates(request, size)
        request.check_room()
        return request

    def rows(self, N: int) -> int:
        """Rows of the result for this N: at most one an update."""
        return len(self.times) if self.method == "diffusion" else len(self._steps(N))

    def updates(self, N: int) -> np.ndarray:
        """Whole updates at the times that were asked for; two of them may be one update."""
        return np.rint((self.times - self.start.at) * N).astype(np.int64)

    def _steps(self, N: int) -> np.ndarray:
        """Updates at the rows."""
        return np.unique(self.updates(N))

    def many_updates(self) -> str:
        """What to say of a run that takes very long; else nothing."""
        each = [(self.until - self.start.at) * N * self.replicas for N in self.sizes]
        if self.method == "diffusion" or sum(each) <= MANY_UPDATES:
            return ""
        nanoseconds = [5 * N if self.method == "weights" else 25 for N in self.sizes]
        hours = sum(n * ns for n, ns in zip(each, nanoseconds, strict=True)) / 3.6e12
        return (
            f"This simulation makes {sum(each):.3g} updates, about {hours:,.0f} hours on one core or more: `until` = "
            f"{self.until:g} is a time alpha, the number of updates divided by N. Choose a smaller `until`, fewer "
            "replicas, or method='diffusion' for a large N."
        )

    def _numbers(self, N: int) -> int:
        """How many numbers the rows and replicas of this N hold."""
        K, M, rows = self.scenario.K, self.scenario.M, self.rows(N)
        weights = N * (K * rows + M) if self.record_weights else 0
        return self.replicas * (rows * K * (K + M) + weights)

    def check_room(self) -> None:
        """Refuse what no memory can hold, by asking for it; what is not written to costs nothing."""
        try:
            np.empty(sum(map(self._numbers, self.sizes)))
        except (MemoryError, ValueError):  # more than there is; more than can be counted
            raise self.too_large() from None

    def too_large(self) -> InputError:
        """The error for a result that does not fit into memory."""
        size = 8e-9 * sum(map(self._numbers, self.sizes))
        return InputError(
            f"Argument `replicas` must leave room in memory, but {self.replicas} replicas of "
            f"{max(map(self.rows, self.sizes))} rows take {size:.3g} GB. Ask for fewer replicas, or fewer times in "
            "`save_at`."
        )

    def run(self, N: int) -> xr.Dataset:
        """The labelled result for one N; at most at one row an update."""
        common: dict[str, Any] = {
            "replicas": self.replicas,
            "seed": self.seed,
            "threads": self.threads,
            "progress": self.progress,
            "checkpoint": self._checkpoint(),
        }
        if self.method == "diffusion":
            return self._diffusion(N, common)
        at, steps = self.start.at, self._steps(N)
        process = self.scenario.process(self.start)
        common |= {"at": at, "time_name": self.scenario.time_name}
        if self.method == "weights":
            from learndyn.engines.weights import run_weights

            run = run_weights(process, N, steps, record_weights=self.record_weights, **common)
        else:
            from learndyn.engines.overlaps import run_overlaps

            run = run_overlaps(process, N, steps, **common)
        result = self._label(run, N, at + run.steps / N, self.scenario.pack(run.record, self.start), {})
        return result if run.J is None or run.B is None else _with_weights(result, run.J, run.B)

    def _diffusion(self, N: int, common: dict[str, Any]) -> xr.Dataset:
        from learndyn.engines.diffusion import run_diffusion

        options = {} if self.tolerance is None else {"tolerance": self.tolerance}
        run = run_diffusion(self.scenario, self.start, N, self.times, **options, **common)
        return self._label(run, N, run.times, run.states, run.errors)

    def _label(self, run: Any, N: int, times: np.ndarray, states: np.ndarray, more: dict[str, Any]) -> xr.Dataset:
        return trajectory(
            self.scenario, self.start, times, states,
            engine=self.method, status=run.status, message=run.message,
            options={"until": self.until, "N": N, "replicas": self.replicas, **self._asked(), **more},
            timings={"trace": 0.0, **run.timings}, seed=self.seed, replicas=run.replicas,
        )  # fmt: skip

    def _asked(self) -> dict[str, Any]:
        """Options that a result names where the user has given them."""
        times = {} if self.asked_times is None else {"save_at": self.asked_times}
        return times | ({"record_weights": True} if self.record_weights else {})

    def _checkpoint(self) -> Any:
        if self.checkpoint is None:
            return None
        from learndyn.engines.checkpoint import Checkpoint

        identity = {
            "method": self.method,
            "scenario": json.dumps(scenario_to_plain(self.scenario)),
            "start": json.dumps(start_to_plain(self.start)),
            "versions": versions_of(self.method),
            "kind of CPU": kind_of_cpu(),
        }
        return Checkpoint(self.checkpoint, identity, self.checkpoint_every)


def _check_method(scenario: Any, method: str, tolerance: float | None, record_weights: bool) -> None:
    """Refuse what this method does not offer."""
    if method != "weights" and not scenario.gaussian_inputs:
        raise InputError(
            f"Argument `method` must be 'weights' for a scenario whose inputs are data, but it is {shown(method)}: the "
            "order parameters are a process of their own for Gaussian inputs only. Use method='weights'."
        )
    if tolerance is not None and method != "diffusion":
        raise InputError(
            f"Argument `tolerance` is for method='diffusion', but the method is {shown(method)}, which is exact. "
            "Leave it out."
        )
    if record_weights and method != "weights":
        raise InputError(
            f"Argument `record_weights` is for method='weights', but the method is {shown(method)}, which has no "
            "weight vectors. Use method='weights'."
        )


def _check_diffusion(request: Request) -> None:
    """Refuse what its engine would, also of the last of several N, before the first one runs."""
    from learndyn.engines.diffusion import DEFAULT_TOLERANCE, require_limits

    require_limits(min(request.sizes), DEFAULT_TOLERANCE if request.tolerance is None else request.tolerance)


def _sizes(N: Any, scenario: Any, start: Any, method: str) -> list[int]:
    """The input dimensions, checked before anything runs."""
    from learndyn.engines.simulation import require_room, sector_dimensions

    single = N.item() if isinstance(N, np.ndarray) and N.ndim == 0 else N
    values = list(N) if _is_several(N) else [single]
    if not values:
        raise InputError("Argument `N` must be a whole number, or several, but it is empty. Write N=1000.")
    if method == "diffusion":
        scenario.require_plain("method='diffusion'")
        process = None
    else:
        process = scenario.process(start)
    sizes = [_size(value, scenario.K + scenario.M if process is None else process.rows) for value in values]
    for size in sizes:
        if process is None:
            require_room(scenario.K + scenario.M, size)
        else:
            sector_dimensions(process, size)
        if size > LARGEST_N:
            raise InputError(
                f"Argument `N` must be at most {LARGEST_N}, but it is {size}. Use ld.solve for N to infinity."
            )
    if len(set(sizes)) < len(sizes):
        raise InputError(
            f"Argument `N` must hold different numbers, but it is {shown(N)}. Leave out what is there twice."
        )
    return sizes


def _size(value: Any, fewest: int) -> int:
    """One of them; what is no positive whole number is told at once how many the scenario needs."""
    try:
        return count(value, "N")
    except InputError:
        return count(value, "N", fewest)


def _is_several(N: Any) -> bool:
    return isinstance(N, list | tuple | range) or (isinstance(N, np.ndarray) and N.ndim > 0)


def _check_updates(request: Request, N: int) -> None:
    updates = np.rint((request.until - request.start.at) * N)
    if not 1 <= updates <= MOST_UPDATES:
        raise InputError(
            f"Argument `until` must be one update (1 / N = {1 / N:g}) or more after the start, and at most "
            f"{MOST_UPDATES:.0e} updates, but it is {request.until:g}: {updates:g} updates. "
            "Choose another `until` or `N`, or method='diffusion' for a large N."
        )


def _with_weights(result: xr.Dataset, J: np.ndarray, B: np.ndarray) -> xr.Dataset:
    """The result with the weight vectors that were recorded."""
    lead = result["eps_g"].dims
    # A teacher that moves by combinations has its reference vectors here; one that walks has other vectors in each row.
    vector = "reference" if "reference" in result.coords else "teacher"
    of_teacher = (*(lead if B.ndim == 4 else lead[:1]), vector, "input")
    return result.assign(
        J=xr.Variable((*lead, "student", "input"), J, {"long_name": "student weight vectors J_i", "units": "1"}),
        B=xr.Variable(of_teacher, B, {"long_name": f"{vector} weight vectors", "units": "1"}),
    ).assign_coords(input=np.arange(1, J.shape[-1] + 1))
