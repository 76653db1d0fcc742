"""The flat state of the theory as named blocks of numbers; an option adds its blocks after R and Q.

A symmetric block keeps its upper triangle row by row, each entry once: evolving both Q_ik and Q_ki would let an
antisymmetric, unphysical mode grow at large learning rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from learndyn.scenarios.student_teacher import state


@dataclass(frozen=True)
class Block:
    """One named block: its shape, and whether its last two axes are symmetric.

    ``symbol`` and ``axes`` name its entries: 'R' and ('student', 'teacher') give R_11, R_12, ...
    """

    name: str
    shape: tuple[int, ...]
    symmetric: bool = False

    @cached_property
    def size(self) -> int:
        """How many numbers the full block has."""
        return prod(self.shape)

    @cached_property
    def places(self) -> np.ndarray:
        """Where each entry stands among the numbers that are kept; of the block's shape."""
        if not self.symmetric:
            return np.arange(self.size).reshape(self.shape)
        lead, (rows, columns) = self.shape[:-2], self.shape[-2:]
        size = rows * (columns + 1) // 2
        count = prod(lead)
        return (size * np.arange(count)[:, None, None] + state.places(rows)).reshape(self.shape)

    @cached_property
    def kept(self) -> np.ndarray:
        """Flat indices, in the full block, of the numbers that are kept, in order."""
        kept = np.full(self.length, -1)
        # The first of equal places in row order is the one of the upper triangle.
        flat = self.places.reshape(-1)
        kept[flat[::-1]] = np.arange(flat.size)[::-1]
        return kept

    @cached_property
    def length(self) -> int:
        """How many numbers are kept."""
        return int(self.places.max()) + 1

    def names(self) -> list[str]:
        """R_11, R_12, ...: the numbers that are kept, in order; a single number has no index."""
        if not self.shape:
            return [self.name]
        comma = "," if max(self.shape) > 9 else ""
        indices = np.stack(np.unravel_index(self.kept, self.shape), axis=-1) + 1
        return [f"{self.name}_{comma.join(map(str, index))}" for index in indices]


@dataclass(frozen=True)
class Layout:
    """Named blocks one after another."""

    blocks: tuple[Block, ...]

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where each block stands in the flat state."""
        edges = np.cumsum([0, *(block.length for block in self.blocks)]).tolist()
        return {b.name: slice(edges[index], edges[index + 1]) for index, b in enumerate(self.blocks)}

    @cached_property
    def length(self) -> int:
        """Length of the flat state."""
        return sum(block.length for block in self.blocks)

    @cached_property
    def names(self) -> list[str]:
        """Names of all numbers, in order."""
        return [name for block in self.blocks for name in block.names()]

    def unpack(self, flat: Any) -> dict[str, Any]:
        """The blocks in full, of arrays (..., length), in NumPy or JAX."""
        return {
            block.name: flat[..., self.slices[block.name]][..., block.places.reshape(-1)].reshape(
                (*flat.shape[:-1], *block.shape)
            )
            for block in self.blocks
        }

    def pack(self, parts: dict[str, Any], xp: Any = np) -> Any:
        """The flat state of blocks in full, with the same leading axes."""
        rows = []
        for block in self.blocks:
            part = xp.asarray(parts[block.name])
            lead = part.shape[: part.ndim - len(block.shape)]
            flat = part.reshape(*lead, block.size)
            rows.append(flat[..., block.kept] if block.symmetric else flat)
        return xp.concatenate(rows, axis=-1)
