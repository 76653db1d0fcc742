"""The plan of a sweep: which scenarios it has, in which chunks, the arrays of its result, and a hash of each chunk.

A plan is data and can be sent to another process. The hash of a chunk is that of all that fixes its bits: what all
members have alike, and the values of the swept parameters in the chunk.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Variable:
    """An array of the result: its own dims and sizes, which come after the dims of the sweep; what it is."""

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str  # of NumPy; "str" for text
    attrs: dict[str, Any]

    @property
    def fill(self) -> Any:
        """What stands where nothing has been computed."""
        return "" if self.dtype == "str" else np.nan if np.dtype(self.dtype).kind == "f" else -1

    def empty(self, shape: tuple[int, ...]) -> np.ndarray:
        """An array of so many members, with nothing in it."""
        return np.full(shape + self.shape, self.fill, dtype=object if self.dtype == "str" else self.dtype)


@dataclass(frozen=True)
class Plan:
    """A sweep as data.

    ``work`` knows how to compute (`learndyn.sweeps.members.Work`); ``dims`` and ``shape`` are those of the sweep;
    ``chunk`` is the number of values of each dim that are computed together; ``coordinates`` are the labels of all
    dims, as (dims, values, attributes); ``identity`` is what fixes the bits of every member, and ``attrs`` what the
    result says of itself, both in values that JSON can hold.
    """

    work: Any
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    variables: tuple[Variable, ...]
    coordinates: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]
    identity: dict[str, Any]
    attrs: dict[str, Any]

    @property
    def members(self) -> int:
        """How many scenarios."""
        return prod(self.shape)

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """How many chunks along each dim."""
        return tuple(-(-size // step) for size, step in zip(self.shape, self.chunk, strict=True))

    def __len__(self) -> int:
        return prod(self.grid)

    def block(self, number: int) -> tuple[slice, ...]:
        """The places of a chunk along each dim."""
        at = np.unravel_index(number, self.grid)
        return tuple(
            slice(int(i) * step, min((int(i) + 1) * step, size))
            for i, step, size in zip(at, self.chunk, self.shape, strict=True)
        )

    def block_shape(self, number: int) -> tuple[int, ...]:
        """How many values of each dim a chunk has."""
        return tuple(part.stop - part.start for part in self.block(number))

    def chunk_members(self, number: int) -> int:
        """How many scenarios a chunk has."""
        return prod(self.block_shape(number))

    @cached_property
    def digest(self) -> str:
        """A hash of the whole plan; chunks of another size are the same plan."""
        swept = {name: self.work.axes.digest(name) for name in self.work.axes.names}
        return _hash([self.identity, swept, self.dims, self.shape])

    def chunk_digest(self, number: int) -> str:
        """A hash of all that fixes the bits of a chunk."""
        return _hash([self._shared, self.work.axes.plain(self.block(number))])

    @cached_property
    def _shared(self) -> str:
        return _hash([self.identity, [(v.name, v.dims, v.shape, v.dtype) for v in self.variables]])


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
