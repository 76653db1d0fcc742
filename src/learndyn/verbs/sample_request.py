"""What is asked of the simulation of a perceptron: checked before anything runs, then run and labelled."""

from __future__ import annotations

import hashlib
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
# Weights are kept without being asked for up to so many numbers.
MOST_WEIGHTS = 2 * 10**7


@dataclass(frozen=True)
class SampleRequest:
    """What the user asks for; `checked` makes one, `run` fulfils it."""

    scenario: Any
    start: Any
    until: float
    times: np.ndarray
    asked_times: Any  # as they were asked for, in the words of an option
    replicas: int
    threads: int | None
    record_weights: bool
    asked_weights: bool | None
    checkpoint: Any
    checkpoint_every: float
    seed: int
    progress: Any

    @classmethod
    def checked(
        cls, *, scenario: Any, start: Any, until: Any, N: Any, method: Any, save_at: Any, replicas: Any, threads: Any,
        tolerance: Any, record_weights: Any, checkpoint: Any, checkpoint_every: Any, seed: Any, progress: Any,
    ) -> SampleRequest:  # fmt: skip
        """All that can be refused before anything runs."""
        start = scenario.as_start(start)
        if method is not None:
            choice(method, "method", METHODS)
        if N is not None and (np.ndim(N) or scenario.n != N):
            raise InputError(
                f"Argument `N` must be {scenario.n} here, the number of inputs of the scenario, but it is {N!r}. Leave "
                "it out."
            )
        if tolerance is not None:
            raise InputError(
                "Argument `tolerance` is for method='diffusion', but this scenario is simulated by its weights, which "
                "is exact. Leave it out."
            )
        times, replicas = save_times(save_at, start.at, until), count(replicas, "replicas")
        request = cls(
            scenario=scenario,
            start=start,
            until=number(until, "until"),
            times=times,
            asked_times=_asked_times(save_at),
            replicas=replicas,
            threads=None if threads is None else count(threads, "threads"),
            record_weights=bool(record_weights),
            asked_weights=record_weights,
            checkpoint=None if checkpoint is None else _file(checkpoint),
            checkpoint_every=number(checkpoint_every, "checkpoint_every", minimum=0.0),
            seed=secrets.randbits(63) if seed is None else count(seed, "seed", 0),
            progress=progress,
        )
        request._check_updates()
        if record_weights is None:
            object.__setattr__(request, "record_weights", request._numbers(True) <= MOST_WEIGHTS)
        request.check_room()
        return request

    @property
    def sizes(self) -> list[int]:
        """The number of inputs alone."""
        return [self.scenario.n]

    @property
    def method(self) -> str:
        """There is one."""
        return METHODS[0]

    def steps(self) -> np.ndarray:
        """Updates at the rows."""
        return np.unique(np.rint((self.times - self.start.at) / self.scenario.learning_rate).astype(np.int64))

    def _numbers(self, weights: bool) -> int:
        """How many numbers the rows and replicas hold; some ten observables."""
        return self.replicas * self.steps().size * (self.scenario.n if weights else 10)

    def _check_updates(self) -> None:
        rate = self.scenario.learning_rate
        updates = np.rint((self.until - self.start.at) / rate)
        if not 1 <= updates <= MOST_UPDATES:
            raise InputError(
                f"Argument `until` must be one update (the learning rate, {rate:g}) or more after the start, and at "
                f"most {MOST_UPDATES:.0e} updates, but it is {self.until:g}: {updates:g} updates. Choose another "
                "`until`, or another `learning_rate` of the scenario."
            )

    def check_room(self) -> None:
        """Refuse what no memory can hold, by asking for it; what is not written to costs nothing."""
        try:
            np.empty(self._numbers(self.record_weights))
        except (MemoryError, ValueError):
            raise self.too_large() from None

    def too_large(self) -> InputError:
        """The error for a result that does not fit into memory."""
        return InputError(
            f"Argument `replicas` must leave room in memory, but {self.replicas} replicas of {self.steps().size} rows "
            f"take {8e-9 * self._numbers(self.record_weights):.3g} GB. Ask for fewer replicas, fewer times in "
            "`save_at`, or record_weights=False."
        )

    def run(self, N: int) -> xr.Dataset:
        """The labelled result, at most one row an update."""
        from learndyn.engines.samples import run_samples
        from learndyn.scenarios.classification.process import process_of

        at, rate = self.start.at, self.scenario.learning_rate
        run = run_samples(
            process_of(self.scenario, self.start), self.steps(), replicas=self.replicas, threads=self.threads,
            record_weights=self.record_weights, seed=self.seed, progress=self.progress, checkpoint=self._checkpoint(),
            at=at, time_name=self.scenario.time_name,
        )  # fmt: skip
        result = _labelled(self.scenario, run.record, at + rate * run.steps, run.replicas)
        used = {dim for variable in result.data_vars.values() for dim in variable.dims}
        result = result.drop_vars([name for name in result.coords if name not in used])
        result.attrs = attributes(
            self.scenario, self.start, engine=self.method, status=run.status, message=run.message,
            options=self._options(N, run.steps), timings={"trace": 0.0, **run.timings}, seed=self.seed,
        )  # fmt: skip
        return result

    def _options(self, N: int, steps: np.ndarray) -> dict[str, Any]:
        """What the result says of how it was made."""
        made = {"learning_rate": self.scenario.learning_rate, "updates": int(steps[-1]) if steps.size else 0}
        times = {} if self.asked_times is None else {"save_at": self.asked_times}
        weights = {} if self.asked_weights is None else {"record_weights": self.record_weights}
        return {"until": self.until, "N": N, "replicas": self.replicas, **made, **times, **weights}

    def _checkpoint(self) -> Any:
        if self.checkpoint is None:
            return None
        from learndyn.engines.checkpoint import Checkpoint

        identity = {
            "method": self.method,
            "scenario": _digests(scenario_to_plain(self.scenario)),
            "start": _digests(start_to_plain(self.start)),
            "versions": _versions(self.method),
            "kind of CPU": _kind_of_cpu(),
        }
        return Checkpoint(self.checkpoint, identity, self.checkpoint_every)


def _digests(plain: dict[str, Any]) -> dict[str, str]:
    """Each field as JSON, or its digest where that is long."""
    texts = {name: json.dumps(value) for name, value in plain.items()}
    return {
        name: text if len(text) <= 64 else f"sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"
        for name, text in texts.items()
    }
