"""What is asked of gradient descent on a linear network: checked before anything runs, then run and labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice
from learndyn.errors import InputError
from learndyn.results import trajectory
from learndyn.scenarios.methods import DESCENTS
from learndyn.verbs.request_parts import RateRequest, refuse_unless_left_out


@dataclass(frozen=True)
class GradientRequest(RateRequest):
    """What the user asks for; `checked` makes one, `run` fulfils it."""

    @classmethod
    def checked(
        cls, *, scenario: Any, start: Any, N: Any, method: Any, tolerance: Any, record_weights: Any, **common: Any
    ) -> GradientRequest:
        """All that can be refused before anything runs."""
        start, known = scenario.as_start(start), DESCENTS[scenario.kind]
        refuse_unless_left_out(
            N=(N, "the scenario says how many inputs or modes there are"),
            tolerance=(tolerance, "it is for method='diffusion'"),
            record_weights=(record_weights, "all weights of a linear network are recorded"),
        )
        method = known[0] if method is None else choice(method, "method", known)
        rate, sizes = scenario.learning_rate, [scenario.state_length]
        request = cls.common(
            scenario=scenario, start=start, learning_rate=rate, method=method, sizes=sizes, **common
        )  # fmt: skip
        request._check_replicas()
        request.check_room()
        return request

    def _numbers(self) -> int:
        return self.replicas * self.steps().size * self.scenario.state_length

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
        return self.scenario.descent(self.start, self.method)

    def run(self, N: int) -> xr.Dataset:
        """The labelled result, at most one row an update."""
        from learndyn.engines.descent import run_descent

        run = run_descent(self._descent(), self.steps(), **self.engine_options())
        times, states = self.clock(run.steps), run.record["states"]
        return trajectory(self.scenario, self.start, times, states, replicas=run.replicas, **self.label(run))
