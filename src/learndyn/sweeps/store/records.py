"""The record of a finished chunk: what a store knows of it, and whether it is still so.

A record is a small JSON file in `.learndyn/chunks/` of the store, written as a whole when all arrays of the chunk are
there. It has

    number, digest   which chunk, and the hash of all that fixes its bits (`Plan.chunk_digest`)
    files            SHA-256 of each file of the chunk, as it lies in the store
    bytes            length of these files together
    counts           members by code of status
    failures         the first members that did not end well: place, code, message
    info             what its maker says: seconds, versions, kind of CPU, ...
    checksum         SHA-256 of all of the above
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np

from learndyn.sweeps.plan import Plan
from learndyn.sweeps.store.place import Place

FOLDER = ".learndyn/chunks"
# Failures that a record tells; characters of the message of each.
MOST_FAILURES, LONGEST = 3, 500
# Records that are looked at together.
BATCH = 512


@dataclass(frozen=True)
class Record:
    """What a store knows of a finished chunk; the fields are those of the file."""

    number: int
    digest: str
    files: dict[str, str]
    bytes: int
    counts: dict[str, int]
    failures: list[list[Any]]
    info: dict[str, Any]

    @property
    def seconds(self) -> float:
        """How long it took to compute, as far as its maker said."""
        return float(self.info.get("seconds", 0.0))

    def encoded(self) -> bytes:
        """The record as the bytes of its file."""
        plain = asdict(self)
        return _json(plain | {"checksum": _checksum(plain)})

    @classmethod
    def decoded(cls, data: bytes) -> Record:
        """The record of these bytes; a ValueError when they are not as they were written."""
        plain = json.loads(data)
        if not isinstance(plain, dict) or plain.pop("checksum", None) != _checksum(plain):
            raise ValueError("the checksum of the record does not hold")
        return cls(**plain)


def record_of(
    plan: Plan, number: int, arrays: dict[str, np.ndarray], files: dict[str, str], size: int, info: dict[str, Any]
) -> Record:
    """The record of a chunk whose arrays have been written to these files."""
    status = np.asarray(arrays["status"])
    codes, numbers = np.unique(status, return_counts=True)
    corner = [part.start for part in plan.block(number)]
    failures = []
    for place in np.argwhere(status != 0)[:MOST_FAILURES].tolist():
        at = [begin + step for begin, step in zip(corner, place, strict=True)]
        message = str(arrays["message"][tuple(place)]) if "message" in arrays else ""
        failures.append([at, int(status[tuple(place)]), message[:LONGEST]])
    counts = {str(code): int(count) for code, count in zip(codes.tolist(), numbers.tolist(), strict=True)}
    info = json.loads(json.dumps(info))  # as it will be read: names of entries are words
    return Record(number, plan.chunk_digest(number), files, size, counts, failures, info)


def key_of(number: int) -> str:
    """Where the record of a chunk lies."""
    return f"{FOLDER}/{number:08d}.json"


def numbers_of(place: Place) -> Iterator[int]:
    """The chunks that have a record, in no order."""
    for name in place.names(FOLDER):
        stem, dot, ending = name.partition(".")
        if dot and ending == "json" and stem.isdecimal():
            yield int(stem)


def read_record(place: Place, number: int) -> Record | None:
    """The record of a chunk; None when it is damaged or not there."""
    data = place.read(key_of(number))
    try:
        record = None if data is None else Record.decoded(data)
    except (ValueError, TypeError, RecursionError):
        return None
    return record if record is not None and record.number == number else None


def records(place: Place, numbers: Iterator[int]) -> Iterator[tuple[int, Record | None]]:
    """The records of these chunks, some at a time on several threads."""
    yield from _in_batches(lambda number: read_record(place, number), numbers)


def checked(place: Place, plan: Plan, keys: Any, *, verify: bool) -> Iterator[tuple[int, bool | None]]:
    """Each chunk that has a record: True where it holds, None where it is another plan's, False where it is damaged.

    ``keys(number)`` are the files that a chunk must have; ``verify`` reads them too.
    """

    def check(number: int) -> bool | None:
        record = read_record(place, number)
        if record is None:
            return False
        if record.digest != plan.chunk_digest(number):
            return None
        if record.files.keys() != set(keys(number)):
            return False
        return not verify or all(place.digest(key) == digest for key, digest in record.files.items())

    yield from _in_batches(check, (number for number in numbers_of(place) if number < len(plan)))


def _in_batches(work: Any, numbers: Iterator[int]) -> Iterator[tuple[int, Any]]:
    """Reading and hashing let go of Python's lock; batches bound what waits."""
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        while batch := list(islice(numbers, BATCH)):
            yield from zip(batch, threads.map(work, batch), strict=True)


def _json(plain: dict[str, Any]) -> bytes:
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def _checksum(plain: dict[str, Any]) -> str:
    return hashlib.sha256(_json(plain)).hexdigest()
