"""Results of a sweep in this process's memory: what a store is to a sweep that is not kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.results import words_of
from learndyn.sweeps.done import Done
from learndyn.sweeps.plan import Plan


class Memory:
    """The arrays of a plan, filled chunk by chunk."""

    writer = None

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._arrays = {variable.name: variable.empty(plan.shape) for variable in plan.variables}

    def take(self, done: Done) -> None:
        """Put a chunk in its place."""
        if done.arrays is not None:
            block = self.plan.block(done.number)
            for name, values in done.arrays.items():
                self._arrays[name][block] = values

    def dataset(self, attrs: dict[str, Any]) -> xr.Dataset:
        """The labelled result."""
        variables = {
            each.name: xr.Variable((*self.plan.dims, *each.dims), self._values(each.name), each.attrs)
            for each in self.plan.variables
        }
        coordinates = {name: xr.Variable(*entry) for name, entry in self.plan.coordinates.items()}
        return xr.Dataset(variables, coordinates, self.plan.attrs | attrs)

    def _values(self, name: str) -> np.ndarray:
        values = self._arrays[name]
        return values.astype(str) if values.dtype == object else values

    def counts(self) -> dict[str, int]:
        """How many members ended in each way."""
        attrs = next(each.attrs for each in self.plan.variables if each.name == "status")
        words, (codes, numbers) = words_of(attrs), np.unique(self._arrays["status"], return_counts=True)
        return {words[int(code)]: int(number) for code, number in zip(codes, numbers, strict=True)}
