"""What is asked of gradient descent on a linear network: checked before anything runs, then run and labelled."""

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
from learndyn.results import trajectory
from learndyn.scenarios.methods import DESCENTS
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain
from learndyn.verbs.sample_request import _digests
from learndyn.verbs.simulation_request import MOST_UPDATES, _asked_times, _file, _kind_of_cpu, _versions


@dataclass(frozen=True)
class GradientRequest:
    """What the user asks for; `checked` makes one, `run` fulfils it."""

    scenario: Any
    start: Any
    until: float
    times: np.ndarray
    asked_times: Any  # as they were asked for, in the words of an option
    replicas: int
    method: str
    threads: int | None
    checkpoint: Any
    checkpoint_every: float
    seed: int
    progress: Any

    @classmethod
    def checked(
        cls, *, scenario: Any, start: Any, until: Any, N: Any, method: Any, save_at: Any, replicas: Any, threads: Any,
        tolerance: Any, record_weights: Any, checkpoint: Any, checkpoint_every: Any, seed: Any, progress: Any,
    ) -> GradientRequest:  # fmt: skip
        """All that can be refused before anything runs."""
        start, known = scenario.as_start(start), DESCENTS[scenario.kind]
        for name, value, reason in (
            ("N", N, "the scenario says how many inputs or modes there are"),
            ("tolerance", tolerance, "it is for method='diffusion'"),
            ("record_weights", record_weights, "all weights of a linear network are recorded"),
        ):
            if value is not None:
                raise InputError(f"Argument `{name}` must be left out here, but it is {value!r}: {reason}.")
        request = cls(
            scenario=scenario,
            start=start,
            until=number(until, "until"),
            times=save_times(save_at, start.at, until),
            asked_times=_asked_times(save_at),
            replicas=count(replicas, "replicas"),
            method=known[0] if method is None else choice(method, "method", known),
            threads=None if threads is None else count(threads, "threads"),
            checkpoint=None if checkpoint is None else _file(checkpoint),
            checkpoint_every=number(checkpoint_every, "checkpoint_every", minimum=0.0),
            seed=secrets.randbits(63) if seed is None else count(seed, "seed", 0),
            progress=progress,
        )
        request._check_updates()
        request._check_replicas()
        request.check_room()
        return request

    @property
    def sizes(self) -> list[int]:
        """The length of the state alone."""
        return [self.scenario.state_length]

    def steps(self) -> np.ndarray:
        """Updates at the rows."""
        return np.unique(np.rint((self.times - self.start.at) / self.scenario.learning_rate).astype(np.int64))

    def _numbers(self) -> int:
        return self.replicas * self.steps().size * self.scenario.state_length

    def _check_updates(self) -> None:
        rate = self.scenario.learning_rate
        updates = np.rint((self.until - self.start.at) / rate)
        if not 1 <= updates <= MOST_UPDATES:
            raise InputError(
                f"Argument `until` must be one update (the learning rate, {rate:g}) or more after the start, and at "
                f"most {MOST_UPDATES:.0e} updates, but it is {self.until:g}: {updates:g} updates. Choose another "
                "`until`, or another `learning_rate` of the scenario."
            )

    def _check_replicas(self) -> None:
        if self.replicas == 1 or self._descent().random:
            return
        how = "dropout_keep below 1" if self.scenario.kind == "linear_modes" else "method='samples'"
        raise InputError(
            f"Argument `replicas` must be 1 where nothing is drawn, but it is {self.replicas}: descent along the "
            f"expected gradient is the same in every run. Leave it out, or use {how}."
        )

    def check_room(self) -> None:
        """Refuse what no memory can hold, by asking for it; what is not written to costs nothing."""
        try:
            np.empty(3 * self._numbers())  # states, and as much again in what is read off them
        except (MemoryError, ValueError):
            raise self.too_large() from None

    def too_large(self) -> InputError:
        """The error for a result that does not fit into memory."""
        return InputError(
            f"Argument `replicas` must leave room in memory, but {self.replicas} replicas of {self.steps().size} rows "
            f"take {24e-9 * self._numbers():.3g} GB. Ask for fewer replicas, or fewer times in `save_at`."
        )

    def _descent(self) -> Any:
        if self.scenario.kind == "linear_modes":
            from learndyn.scenarios.linear_modes.descent import descent_of as of_modes

            return of_modes(self.scenario, self.start)
        from learndyn.scenarios.deep_linear.descent import descent_of as of_matrices

        return of_matrices(self.scenario, self.start, self.method)

    def run(self, N: int) -> xr.Dataset:
        """The labelled result, at most one row an update."""
        from learndyn.engines.descent import run_descent

        at, rate = self.start.at, self.scenario.learning_rate
        run = run_descent(
            self._descent(), self.steps(), replicas=self.replicas, threads=self.threads, seed=self.seed,
            progress=self.progress, checkpoint=self._checkpoint(), at=at, time_name=self.scenario.time_name,
        )  # fmt: skip
        made = {"learning_rate": rate, "updates": int(run.steps[-1]) if run.steps.size else 0}
        times = {} if self.asked_times is None else {"save_at": self.asked_times}
        options = {"until": self.until, "replicas": self.replicas} | made | times
        return trajectory(
            self.scenario, self.start, at + rate * run.steps, run.record["states"], engine=self.method,
            status=run.status, message=run.message, options=options, timings={"trace": 0.0, **run.timings},
            seed=self.seed, replicas=run.replicas,
        )  # fmt: skip

    def _checkpoint(self) -> Any:
        if self.checkpoint is None:
            return None
        from learndyn.engines.checkpoint import Checkpoint

        identity = {
            "method": self.method,
            "scenario": json.dumps(_digests(scenario_to_plain(self.scenario))),
            "start": json.dumps(_digests(start_to_plain(self.start))),
            "versions": _versions(self.method),
            "kind of CPU": _kind_of_cpu(),
        }
        return Checkpoint(self.checkpoint, identity, self.checkpoint_every)
