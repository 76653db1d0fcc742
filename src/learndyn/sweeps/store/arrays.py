"""The arrays of a store, in Zarr format 3: made with their labels, written block by block, opened as one dataset.

Why format 3: it holds text of any length, and what has not been computed is read as it is (-1 among whole numbers),
where format 2 has readers take such a fill for missing and turn whole numbers into fractions. Metadata is consolidated,
so that a reader need not list the store. Numbers are compressed by Blosc (LZ4, bytes shuffled: 2 GB/s, curves to about
0.8 of their length, where Zstandard at 0.1 to 0.7 GB/s comes to 0.85), text by Zstandard.

A block of an array is one chunk of the plan, whole in the array's own dims unless it is larger than `LARGEST` bytes.
Blocks lie side by side (`eps_g/c.3.0.0`): with the folders that are Zarr's default each would have some of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import warnings
from collections.abc import Callable, Iterable
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np
import xarray as xr

from learndyn.results import LONG, LongText
from learndyn.sweeps.plan import Plan, Variable
from learndyn.sweeps.store.place import LocalPlace, Place

ROOT = "zarr.json"
# Bytes of a block that is kept in one piece, not compressed.
LARGEST = 100_000_000


def own_blocks(plan: Plan, variable: Variable) -> tuple[int, ...]:
    """How many values of each dim of its own a block of a variable has: all, unless that is too much."""
    itemsize = 8 if variable.dtype == "str" else np.dtype(variable.dtype).itemsize
    sizes, room = list(variable.shape), LARGEST // (prod(plan.chunk) * itemsize)
    for i, size in enumerate(sizes):
        rest = prod(sizes[i + 1 :])
        if size * rest <= room:
            break
        sizes[i] = ceil(size / ceil(size / max(1, room // rest)))  # of nearly equal lengths
    return tuple(sizes)


def keys_of(plan: Plan) -> Callable[[int], list[str]]:
    """A function from a chunk to its files."""
    parts = []
    for variable in plan.variables:
        blocks = own_blocks(plan, variable)
        counts = [ceil(size / step) for size, step in zip(variable.shape, blocks, strict=True)]
        ends = ["".join(f".{i}" for i in own) for own in product(*map(range, counts))]
        parts.append((f"{variable.name}/c.", ends))

    def keys(number: int) -> list[str]:
        at = ".".join(map(str, np.unravel_index(number, plan.grid)))
        return [f"{begin}{at}{end}" for begin, ends in parts for end in ends]

    return keys


def empty_store(plan: Plan) -> dict[str, bytes]:
    """The files of a store with all labels and nothing computed, by key; `ROOT` is the last."""
    import zarr
    from zarr.storage import MemoryStore

    held: dict[str, Any] = {}
    memory = MemoryStore(held)
    labels = xr.Dataset(coords={name: _label(*entry) for name, entry in plan.coordinates.items()}, attrs=plan.attrs)
    whole = {name: {"chunks": entry.shape} for name, entry in labels.variables.items() if entry.ndim}
    labels.to_zarr(memory, zarr_format=3, consolidated=False, encoding=whole)
    for variable in plan.variables:
        zarr.create_array(
            memory,
            name=variable.name,
            shape=plan.shape + variable.shape,
            chunks=plan.chunk + own_blocks(plan, variable),
            dtype=str if variable.dtype == "str" else variable.dtype,
            fill_value=variable.fill,
            compressors=_compressor(variable),
            chunk_key_encoding={"name": "default", "separator": "."},
            dimension_names=plan.dims + variable.dims,
            attributes=variable.attrs,
            zarr_format=3,
        )
    with warnings.catch_warnings():
        # What it warns of: other readers may not know of consolidated metadata. They then read the arrays' own.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        zarr.consolidate_metadata(memory, zarr_format=3)
    files = {key: value.to_bytes() for key, value in held.items()}
    return files | {ROOT: files.pop(ROOT)}


def _label(dims: tuple[str, ...], values: np.ndarray, attrs: dict[str, Any]) -> xr.Variable:
    """Labels as they are stored: words have no longest length."""
    values = np.asarray(values)
    return xr.Variable(dims, values.astype(object) if values.dtype.kind == "U" else values, attrs)


def _compressor(variable: Variable) -> Any:
    from zarr.codecs import BloscCodec, ZstdCodec

    if variable.dtype == "str":
        return ZstdCodec(level=1)
    return BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")


def root_with(root: bytes, attrs: dict[str, Any]) -> bytes:
    """The root of a store with other attributes; what Zarr itself put there stays."""
    plain = json.loads(root)
    kept = {name: value for name, value in plain["attributes"].items() if name == "coordinates"}
    return json.dumps(plain | {"attributes": attrs | kept}, indent=2).encode()


class BlockWriter:
    """Writes the blocks of a plan's arrays, and knows the checksum of each file that it wrote."""

    def __init__(self, place: Place, plan: Plan) -> None:
        import zarr

        self._store, self._keys = _hashing(place), keys_of(plan)
        # A block that is all fill has its file too: a file that is lost must show.
        with zarr.config.set({"array.write_empty_chunks": True}):
            self._arrays = {
                each.name: zarr.open_array(self._store, path=each.name, mode="r+", zarr_format=3)
                for each in plan.variables
            }

    def write(self, plan: Plan, number: int, arrays: dict[str, np.ndarray]) -> tuple[dict[str, str], int]:
        """Write a chunk; SHA-256 of each of its files, and their length together."""
        block = plan.block(number)
        for variable in plan.variables:
            own = (slice(None),) * len(variable.shape)
            self._arrays[variable.name][block + own] = arrays[variable.name]
        found = {key: self._store.written.pop(key) for key in self._keys(number)}
        return {key: digest for key, (digest, _) in found.items()}, sum(size for _, size in found.values())


def _hashing(place: Place) -> Any:
    """The store of zarr, which also keeps checksum and length of each file that it is given."""
    from zarr.storage import WrapperStore

    class Hashing(WrapperStore):
        written: dict[str, tuple[str, int]]

        async def set(self, key: str, value: Any) -> None:
            data = value.to_bytes()
            self.written[key] = (hashlib.sha256(data).hexdigest(), len(data))
            if isinstance(place, LocalPlace):
                # As a whole, under a name by which `tidy` knows what a killed writer left.
                await asyncio.to_thread(place.write, key, data)
            else:
                await super().set(key, value)

    hashing = Hashing(place.zarr_store())
    hashing.written = {}
    return hashing


def opened(place: Place, names: Iterable[str]) -> xr.Dataset:
    """The whole store as a dataset, its variables in this order; values are read when they are used, labels now."""
    found = xr.open_zarr(place.zarr_store(read_only=True), chunks=None, consolidated=True, zarr_format=3)
    found = found[[name for name in names if name in found]]
    words = {
        name: (entry.dims, np.array(entry.values.tolist(), dtype=str), entry.attrs)
        for name, entry in found.coords.items()
        if entry.dtype.kind in "TO"
    }
    attrs = {
        name: LongText(value) if isinstance(value, str) and len(value) > LONG else value
        for name, value in found.attrs.items()
    }
    found = found.assign_coords(words) if words else found
    found.attrs = attrs
    return found
