"""What is asked of the simulation of a perceptron: checked before anything runs, then run and labelled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, shown
from learndyn.errors import InputError
from learndyn.results import attributes, labelled
from learndyn.verbs.request_parts import RateRequest

METHODS = ["weights"]
# Weights are kept without being asked for up to so many numbers.
MOST_WEIGHTS = 2 * 10**7


@dataclass(frozen=True)
class SampleRequest(RateRequest):
    """What the user asks for; `checked` makes one, `run` fulfils it."""

    record_weights: bool
    asked_weights: bool | None

    @classmethod
    def checked(
        cls, *, scenario: Any, start: Any, N: Any, method: Any, tolerance: Any, record_weights: Any, **common: Any
    ) -> SampleRequest:
        """All that can be refused before anything runs."""
        start = scenario.as_start(start)
        if method is not None:
            choice(method, "method", METHODS)
        if N is not None and (np.ndim(N) or scenario.n != N):
            raise InputError(
                f"Argument `N` must be {scenario.n} here, the number of inputs of the scenario, but it is {shown(N)}. "
                "Leave it out."
            )
        if tolerance is not None:
            raise InputError(
                "Argument `tolerance` is for method='diffusion', but this scenario is simulated by its weights, which "
                "is exact. Leave it out."
            )
        request = cls.common(
            scenario=scenario, start=start, learning_rate=scenario.learning_rate, method=METHODS[0],
            sizes=[scenario.n], record_weights=bool(record_weights), asked_weights=record_weights, **common,
        )  # fmt: skip
        if record_weights is None:
            request = replace(request, record_weights=request._numbers(True) <= MOST_WEIGHTS)
        request.check_room()
        return request

    def _numbers(self, weights: bool) -> int:
        """How many numbers the rows and replicas hold; some ten observables."""
        return self.replicas * self.steps().size * (self.scenario.n if weights else 10)

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

        process = self.scenario.sample_process(self.start)
        run = run_samples(process, self.steps(), record_weights=self.record_weights, **self.engine_options())
        result = labelled(self.scenario, run.record, self.clock(run.steps), run.replicas)
        used = {dim for variable in result.data_vars.values() for dim in variable.dims}
        result = result.drop_vars([name for name in result.coords if name not in used])
        label = self.label(run, N=N)
        if self.asked_weights is not None:
            label["options"]["record_weights"] = self.record_weights
        result.attrs = attributes(self.scenario, self.start, **label)
        return result
