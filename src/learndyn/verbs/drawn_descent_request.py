"""What is asked of a simulation by gradient descent on drawn objectives: checked before it runs, then labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count, shown
from learndyn.errors import InputError
from learndyn.results import attributes, labelled
from learndyn.verbs.request_parts import RateRequest, refuse_unless_left_out

METHODS = ["weights"]


@dataclass(frozen=True)
class DrawnDescentRequest(RateRequest):
    """What the user asks for; `checked` makes one, `run` fulfils it."""

    process: Any

    @classmethod
    def checked(
        cls, *, scenario: Any, start: Any, N: Any, method: Any, tolerance: Any, record_weights: Any, **common: Any
    ) -> DrawnDescentRequest:
        """All that can be refused before anything runs."""
        start = scenario.as_start(start)
        if method is not None:
            choice(method, "method", METHODS)
        refuse_unless_left_out(
            tolerance=(tolerance, "this scenario is simulated by its weights, which is exact"),
            record_weights=(record_weights, "every replica draws a sample and a rule of its own"),
        )
        if N is None or np.ndim(N):
            raise InputError(
                f"Argument `N` must be one whole number here, the number of inputs n, but it is {shown(N)}. Write "
                "N=200, and call once for each N."
            )
        process, size = scenario.drawn_descent(start), count(N, "N")
        process.cost(size)  # refuses sizes that are too small
        return cls.common(
            scenario=scenario, start=start, learning_rate=process.learning_rate, method=METHODS[0], sizes=[size],
            process=process, **common,
        )  # fmt: skip

    def too_large(self) -> InputError:
        """The error for a sample that does not fit into memory."""
        return InputError(
            f"Argument `N` must leave room in memory for a sample in each thread, but it is {self.sizes[0]}. Use a "
            "smaller N, or threads=1."
        )

    def run(self, N: int) -> xr.Dataset:
        """The labelled result, at most one row a step."""
        from learndyn.engines.drawn_descent import run_drawn_descents

        run = run_drawn_descents(self.process, N, self.steps(), **self.engine_options())
        result = labelled(self.scenario, run.record, self.clock(run.steps), run.replicas)
        result.attrs = attributes(self.scenario, self.start, **self.label(run, N=N))
        return result
