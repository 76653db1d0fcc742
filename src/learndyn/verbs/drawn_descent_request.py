"""What is asked of a simulation by gradient descent on drawn objectives: checked before it runs, then labelled."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count, number
from learndyn.errors import InputError
from learndyn.options import save_times
from learndyn.results import _labelled, attributes
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain
from learndyn.verbs.simulation_request import MOST_UPDATES, _asked_times, _file, _kind_of_cpu, _versions

METHODS = ["weights"]


@dataclass(frozen=True)
class DrawnDescentRequest:
    """What the user asks for; `checked` makes one, `run` fulfils it."""

    scenario: Any
    start: Any
    process: Any
    until: float
    times: np.ndarray
    asked_times: Any  # as they were asked for, in the words of an option
    sizes: list[int]
    replicas: int
    threads: int | None
    checkpoint: Any
    checkpoint_every: float
    seed: int
    progress: Any

    method = METHODS[0]

    @classmethod
    def checked(
        cls, *, scenario: Any, start: Any, until: Any, N: Any, method: Any, save_at: Any, replicas: Any, threads: Any,
        tolerance: Any, record_weights: Any, checkpoint: Any, checkpoint_every: Any, seed: Any, progress: Any,
    ) -> DrawnDescentRequest:  # fmt: skip
        """All that can be refused before anything runs."""
        start = scenario.as_start(start)
        if method is not None:
            choice(method, "method", METHODS)
        for name, value, reason in (
            ("tolerance", tolerance, "this scenario is simulated by its weights, which is exact"),
            ("record_weights", record_weights, "every replica draws a sample and a rule of its own"),
        ):
            if value is not None and value is not False:
                raise InputError(f"Argument `{name}` must be left out here, but it is {value!r}: {reason}.")
        if N is None or np.ndim(N):
            raise InputError(
                f"Argument `N` must be one whole number here, the number of inputs n, but it is {N!r}. Write N=200, "
                "and call once for each N."
            )
        process, size = scenario.drawn_descent(start), count(N, "N")
        process.cost(size)  # refuses sizes that are too small
        request = cls(
            scenario=scenario,
            start=start,
            process=process,
            until=number(until, "until"),
            times=save_times(save_at, start.at, until),
            asked_times=_asked_times(save_at),
            sizes=[size],
            replicas=count(replicas, "replicas"),
            threads=None if threads is None else count(threads, "threads"),
            checkpoint=None if checkpoint is None else _file(checkpoint),
            checkpoint_every=number(checkpoint_every, "checkpoint_every", minimum=0.0),
            seed=secrets.randbits(63) if seed is None else count(seed, "seed", 0),
            progress=progress,
        )
        request._check_steps()
        return request

    def steps(self) -> np.ndarray:
        """Steps at the rows."""
        return np.unique(np.rint((self.times - self.start.at) / self.process.learning_rate).astype(np.int64))

    def _check_steps(self) -> None:
        rate = self.process.learning_rate
        steps = np.rint((self.until - self.start.at) / rate)
        if not 1 <= steps <= MOST_UPDATES:
            raise InputError(
                f"Argument `until` must be one step (the learning rate, {rate:g}) or more after the start, and at most "
                f"{MOST_UPDATES:.0e} steps, but it is {self.until:g}: {steps:g} steps. Choose another `until`, or "
                "another `learning_rate` of the scenario."
            )

    def too_large(self) -> InputError:
        """The error for a sample that does not fit into memory."""
        return InputError(
            f"Argument `N` must leave room in memory for a sample in each thread, but it is {self.sizes[0]}. Use a "
            "smaller N, or threads=1."
        )

    def run(self, N: int) -> xr.Dataset:
        """The labelled result, at most one row a step."""
        from learndyn.engines.drawn_descent import run_drawn_descents

        at, rate = self.start.at, self.process.learning_rate
        run = run_drawn_descents(
            self.process, N, self.steps(), replicas=self.replicas, threads=self.threads, seed=self.seed,
            progress=self.progress, checkpoint=self._checkpoint(), at=at, time_name=self.scenario.time_name,
        )  # fmt: skip
        result = _labelled(self.scenario, run.record, at + rate * run.steps, run.replicas)
        times = {} if self.asked_times is None else {"save_at": self.asked_times}
        made = {"learning_rate": rate, "updates": int(run.steps[-1]) if run.steps.size else 0}
        result.attrs = attributes(
            self.scenario, self.start, engine=self.method, status=run.status, message=run.message,
            options={"until": self.until, "N": N, "replicas": self.replicas, **made, **times},
            timings={"trace": 0.0, **run.timings}, seed=self.seed,
        )  # fmt: skip
        return result

    def _checkpoint(self) -> Any:
        if self.checkpoint is None:
            return None
        from learndyn.engines.checkpoint import Checkpoint

        identity = {
            "method": "drawn_descent",
            "scenario": json.dumps(scenario_to_plain(self.scenario)),
            "start": json.dumps(start_to_plain(self.start)),
            "versions": _versions(self.method),
            "kind of CPU": _kind_of_cpu(),
        }
        return Checkpoint(self.checkpoint, identity, self.checkpoint_every)
