"""A store that holds a sweep: results stream to it chunk by chunk, from any process, and it knows which are finished.

    open_store   make it, or open one that was made by the same plan
    Store        what the client has: it alone, as long as it is open
    Writer       what a worker has
    open_sweep   the results, for a user

It is a Zarr store that every reader of Zarr reads (`arrays`), in a folder or anywhere that fsspec reaches
(`place`), with a folder of its own:

    .learndyn/plan.json    what the sweep is, and its chunks (`making`)
    .learndyn/chunks/      a record of each finished chunk (`records`)
    .learndyn/lock         one client at a time (`lock`)

A chunk is finished when its record is there, is that of the plan, and all checksums in it hold. So a process may be
killed at any moment, and a file may be lost or damaged: the chunk is computed again, and the others stay.
"""

from __future__ import annotations

import errno
import socket
import threading
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError, LearndynWarning
from learndyn.results import versions, words_of
from learndyn.sweeps.estimate import size as bytes_in_words
from learndyn.sweeps.plan import Plan
from learndyn.sweeps.store.arrays import ROOT, BlockWriter, keys_of, opened, root_with
from learndyn.sweeps.store.lock import lock_of
from learndyn.sweeps.store.making import header_of, is_sweep, make, one_sentence, refuse_other, same_plan, unmake
from learndyn.sweeps.store.place import Place, one_line, place_of
from learndyn.sweeps.store.records import Record, checked, key_of, numbers_of, record_of, records

# Failures that a summary tells.
MOST_FAILURES = 10
# Records whose bytes say what a chunk takes.
SOME = 20
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR)


def open_store(
    location: Any, plan: Plan, *, storage_options: dict[str, Any] | None = None, resume: bool = False
) -> Store:
    """Make a store for a plan, or open the one that this plan made.

    Parameters
    ----------
    location
        A local path, or any URL that fsspec knows (``"s3://..."``, ``"memory://..."``). Its parent must be there.
    plan
        The sweep. The chunks of a store that is there already stay: ``Store.plan`` is the plan with them.
    storage_options
        Options of fsspec.
    resume
        Demand that the store is there to go on from.

    Returns
    -------
    Store
        Open for this client alone; to be closed, or used as a context manager.

    Raises
    ------
    InputError
        When the store belongs to another plan, there is something else at the place, another client has the store, or
        nothing can be written there. What was there is then as it was.

    Notes
    -----
    Cost: some 10 ms for each array of the result.
    """
    place = place_of(location, storage_options)
    with one_sentence(place):
        refuse_other(place, resume)
        was_there, lock = place.exists(), lock_of(place)
        try:
            lock.acquire()
            if is_sweep(place):
                plan = same_plan(place, plan)
            else:
                make(place, plan)
        except BaseException as error:
            if (lock.is_held or (isinstance(error, OSError) and not was_there)) and not is_sweep(place):
                unmake(place, was_there)
            lock.release()
            raise
    return Store(place, plan, lock)


def open_sweep(location: Any, storage_options: dict[str, Any] | None = None) -> xr.Dataset:
    """The results in a store of `sweep`, finished or not.

    Parameters
    ----------
    location
        The store: a local path, or any URL that fsspec knows.
    storage_options
        Options of fsspec.

    Returns
    -------
    xarray.Dataset
        As `sweep` returns it; values are read when they are used. Of a store that is not finished, ``attrs["status"]``
        is ``"interrupted"`` and ``attrs["message"]`` says how many chunks are there; the others are NaN, and -1 in
        ``status``.

    Raises
    ------
    InputError
        When there is no store of a sweep.

    Examples
    --------
    >>> import learndyn as ld, tempfile
    >>> from learndyn.sweeps.store import open_sweep
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = ld.sweep(
    ...         perceptron, ld.Start(Q=0.25, R=0.0), over={"learning_rate": [0.5, 1.0]}, until=1, save_at=[0, 1],
    ...         store=f"{folder}/sweep.zarr",
    ...     )
    ...     found = open_sweep(f"{folder}/sweep.zarr").load()
    >>> found.attrs["status"], dict(found.eps_g.sizes)
    ('ok', {'learning_rate': 2, 'alpha': 2})
    """
    place = place_of(location, storage_options)
    with one_sentence(place):
        header = header_of(place)
        chunks, names = header["chunks"], header["description"]["variables"]
        there = sum(number < chunks for number in numbers_of(place))
    try:
        found = opened(place, names)
    except Exception as error:  # zarr and xarray have many
        raise InputError(
            f"Store {place} cannot be read: {one_line(error)}. Give the same ld.sweep(...) again, which mends it."
        ) from None
    if place.is_local and (lost := _lost(place, header, there)):
        warnings.warn(
            f"Store {place} has lost {lost} of its files: what was in them is NaN, whatever `status` says. Give the "
            "same ld.sweep(...) again, which mends it.",
            LearndynWarning,
            stacklevel=2,
        )
    if there < chunks and found.attrs.get("status") != "incomplete":
        found.attrs["status"] = "interrupted"
    if there < chunks:
        found.attrs["message"] = f"{there} of {chunks} chunks are there. Give the same ld.sweep(...) again to go on."
    elif not found.attrs.get("message"):
        found.attrs |= {"status": "ok", "message": f"All {chunks} chunks are there."}
    return found


def _lost(place: Place, header: dict[str, Any], finished: int) -> int:
    """How many files of so many finished chunks are not there, by their number alone."""
    return sum(
        max(0, finished - sum(name.startswith("c.") for name in place.names(variable)))
        for variable in header["description"]["variables"]
    )


@dataclass(frozen=True)
class Summary:
    """What a store holds: chunks, members by the word of their status, and the first that did not end well.

    ``failures`` are places along the dims of the sweep, the word of the status, and the message; ``seconds`` is the
    time that the finished chunks took together.
    """

    chunks: int
    finished: int
    counts: dict[str, int]
    failures: list[tuple[tuple[int, ...], str, str]]
    seconds: float


class Store:
    """A store that is open for one client; the lock is let go when it is closed."""

    def __init__(self, place: Place, plan: Plan, lock: Any) -> None:
        self.plan, self._place, self._lock = plan, place, lock
        self.writer = Writer(place.location, place.storage_options)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let other clients in."""
        self._lock.release()

    def finished(self, *, verify: bool = True) -> set[int]:
        """The chunks that are there and whole; those that are damaged are told by a LearndynWarning.

        Without ``verify`` records are read and believed; with it, every file of every chunk is read too. Memory does
        not depend on the size of the store.
        """
        found, damaged = set(), []
        for number, holds in checked(self._place, self.plan, keys_of(self.plan), verify=verify):
            if holds:
                found.add(number)
            elif holds is False:
                damaged.append(number)
        if damaged:
            self.clear(damaged)
            one = len(damaged) == 1
            warnings.warn(
                f"Store {self._place} has {len(damaged)} damaged {'chunk' if one else 'chunks'}, of {len(self.plan)}; "
                f"{'it' if one else 'they'} will be computed again.",
                LearndynWarning,
                stacklevel=4,  # where ld.sweep is called
            )
        return found

    def clear(self, numbers: Iterable[int]) -> None:
        """Forget that these chunks are finished."""
        for number in numbers:
            self._place.remove(key_of(number))

    def summary(self) -> Summary:
        """Counts, and the first failures, from the records alone."""
        words, counts, seconds, finished = _words(self.plan), Counter[int](), 0.0, 0
        failures: list[tuple[tuple[int, ...], str, str]] = []
        for number, record in records(self._place, iter(sorted(numbers_of(self._place)))):
            if record is None or number >= len(self.plan):
                continue
            finished, seconds = finished + 1, seconds + record.seconds
            counts.update({int(code): count for code, count in record.counts.items()})
            for place, code, message in record.failures[: MOST_FAILURES - len(failures)]:
                failures.append((tuple(place), words.get(code, str(code)), message))
        counts[-1] += self.plan.members - counts.total()
        told = {words.get(code, str(code)): counts[code] for code in sorted(counts) if counts[code]}
        return Summary(len(self.plan), finished, told, failures, seconds)

    def counts(self) -> dict[str, int]:
        """How many members ended in each way."""
        return self.summary().counts

    def seal(self, attrs: dict[str, Any]) -> None:
        """Write the final attributes, those of the plan and these, and tidy up."""
        root = self._place.read(ROOT)
        if root is None:
            raise InputError(f"Store {self._place} is not there any more. Give the same ld.sweep(...) again.")
        try:
            self._place.write(ROOT, root_with(root, self.plan.attrs | attrs))
        except OSError as error:
            raise _told(error, self._place, self.plan, len(root)) from None
        self._place.tidy()

    def dataset(self) -> xr.Dataset:
        """The results, labelled; values are read when they are used."""
        return opened(self._place, [each.name for each in self.plan.variables])


class Writer:
    """Writes chunks to a store from any process; it can be pickled, and needs no lock."""

    def __init__(self, location: Any, storage_options: dict[str, Any] | None = None) -> None:
        self.location, self.storage_options = location, storage_options
        self._opening, self._blocks = threading.Lock(), None

    def __reduce__(self) -> Any:
        return Writer, (self.location, self.storage_options)

    def write(self, plan: Plan, number: int, arrays: dict[str, np.ndarray], info: dict[str, Any]) -> Record:
        """Write the arrays of a chunk, and last its record, which makes it finished.

        Parameters
        ----------
        plan, number
            The plan of the store (`Store.plan`), and which chunk of it.
        arrays
            All variables of the plan, each of the shape of the block and then its own.
        info
            What the record keeps beside versions and kind of CPU, such as ``seconds``; values that JSON can hold.

        Raises
        ------
        InputError
            When the disk is full, or nothing may be written any more. Finished chunks stay.

        Notes
        -----
        Cost: about 1 ms of CPU time for each array, and compressing at about 1 GB/s; so chunks should take a tenth of
        a second at least.
        """
        _check_arrays(plan, number, arrays)
        place = place_of(self.location, self.storage_options)
        try:
            files, size = self._opened(place, plan).write(plan, number, arrays)
            record = record_of(plan, number, arrays, files, size, _machine() | info)
            place.write(key_of(number), record.encoded())
        except OSError as error:
            raise _told(error, place, plan, sum(array.nbytes for array in arrays.values())) from None
        return record

    def _opened(self, place: Place, plan: Plan) -> BlockWriter:
        """The arrays of the store, opened once."""
        with self._opening:
            if self._blocks is None:
                self._blocks = BlockWriter(place, plan)
            return self._blocks


@cache
def _machine() -> dict[str, Any]:
    """What made a chunk."""
    from learndyn.verbs.request_parts import kind_of_cpu

    return {"versions": versions(), "cpu": kind_of_cpu(), "host": socket.gethostname()}


def _words(plan: Plan) -> dict[int, str]:
    """The word of each code of `status`."""
    return words_of(next((each.attrs for each in plan.variables if each.name == "status"), {}))


def _check_arrays(plan: Plan, number: int, arrays: dict[str, np.ndarray]) -> None:
    """A chunk that is not what the plan says would be broadcast to something else."""
    for variable in plan.variables:
        shape = plan.block_shape(number) + variable.shape
        if variable.name not in arrays or np.shape(arrays[variable.name]) != shape:
            there = np.shape(arrays[variable.name]) if variable.name in arrays else "missing"
            raise ValueError(f"Array {variable.name} of chunk {number} must have shape {shape}, but it is {there}.")


def _told(error: OSError, place: Place, plan: Plan, size: int) -> Exception:
    """What a user is told when a chunk, of so many bytes before compression, cannot be written."""
    if error.errno in FULL:
        done = set(numbers_of(place))
        sizes = [record.bytes for _, record in records(place, islice(done, SOME)) if record is not None]
        left = len(plan) - len(done)
        need = bytes_in_words(left * (sum(sizes) / len(sizes) if sizes else size))
        return InputError(
            f"Store {place} is full ({error.strerror}): what is left, {left} of {len(plan)} chunks, needs about "
            f"{need}. Make room and give the same command again: it goes on from the chunks that are finished."
        )
    if error.errno in REFUSED or isinstance(error, PermissionError | FileNotFoundError):
        return InputError(
            f"Store {place} cannot be written any more: {error.strerror or error}. Mend that and give the same command "
            "again: it goes on from the chunks that are finished."
        )
    return error
