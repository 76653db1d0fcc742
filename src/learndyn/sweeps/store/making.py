"""How a store of a sweep is made, recognised, and held to its plan.

`.learndyn/plan.json` makes a folder the store of a sweep. It is written last, so that a folder with `.learndyn` but
without it and without records is one that was left half-made, and is made again. It has

    digest, chunks, chunk   hash of the plan, number of chunks, members of a chunk along each dim
    description             what the sweep is, to tell what differs from another one
    files                   SHA-256 of each file that was made with the store, but for the root, whose attributes change
    checksum                SHA-256 of all of the above
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from learndyn.engines.differences import differences
from learndyn.errors import InputError, LearndynError
from learndyn.sweeps.plan import Plan
from learndyn.sweeps.store.arrays import ROOT, empty_store
from learndyn.sweeps.store.place import Place, one_line
from learndyn.sweeps.store.records import numbers_of

OWN, PLAN = ".learndyn", ".learndyn/plan.json"
FORMAT = 1
# Values of a swept parameter that are told one by one.
TOLD_VALUES = 4
# Names in a folder that are told.
TOLD_NAMES = 3


@contextmanager
def one_sentence(place: Place) -> Iterator[None]:
    """What goes wrong with a place, of its file system or of zarr, as an InputError."""
    try:
        yield
    except LearndynError:
        raise
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise InputError(f"Store {place} cannot be made or opened: {reason}. Choose another place.") from None
    except Exception as error:
        if place.is_local:
            raise
        # Every file system of fsspec has errors of its own.
        raise InputError(
            f"Store {place} cannot be reached: {one_line(error)}. Correct the URL, or `storage_options`."
        ) from None


def is_sweep(place: Place) -> bool:
    """Whether there is a store of a sweep."""
    return place.read(PLAN) is not None


def refuse_other(place: Place, resume: bool) -> None:
    """Refuse a place where no store can be made or opened; nothing is touched."""
    reason = place.refusal()
    if reason:
        raise InputError(f"Store {place} cannot be made or opened: {reason}.")
    if is_sweep(place):
        return
    names = sorted(place.names())
    if names and (OWN not in names or any(True for _ in numbers_of(place))):
        told = ", ".join(names[:TOLD_NAMES]) + (", ..." if len(names) > TOLD_NAMES else "")
        what = f"its plan ({PLAN}) is lost" if OWN in names else f"it is no sweep, but holds {told}"
        raise InputError(f"Store {place} cannot be used: {what}. Choose another name.")
    if resume:
        raise InputError(
            f"Argument `resume` needs a store to go on from, but there is none at {place}. Correct the path, or leave "
            "`resume` out to begin."
        )


def make(place: Place, plan: Plan) -> None:
    """Make a store with all labels and nothing computed, where there is nothing or a half-made one."""
    _remove_arrays(place)
    files = empty_store(plan)
    for key, data in files.items():
        place.write(key, data)
    header = {
        "format": FORMAT,
        "digest": plan.digest,
        "chunks": len(plan),
        "chunk": list(plan.chunk),
        "description": _description(plan),
        "files": {key: hashlib.sha256(data).hexdigest() for key, data in files.items() if key != ROOT},
    }
    place.write(PLAN, json.dumps(header | {"checksum": _checksum(header)}, indent=1).encode())


def unmake(place: Place, was_there: bool) -> None:
    """Take away what `make` left when it could not end; an empty folder that was there stays."""
    with suppress(Exception):  # the reason why it could not end matters more
        _remove_arrays(place)
        place.remove(OWN)
        if not was_there:
            place.remove("")


def _remove_arrays(place: Place) -> None:
    for name in list(place.names()):
        if name == ROOT or (name != OWN and place.read(f"{name}/{ROOT}") is not None):
            place.remove(name)


def header_of(place: Place) -> dict[str, Any]:
    """What `.learndyn/plan.json` says."""
    data = place.read(PLAN)
    if data is None:
        what = "there is no sweep" if place.exists() else "there is nothing"
        raise InputError(f"Store {place} cannot be opened: {what}. Correct the path.")
    header = {}
    with suppress(ValueError, KeyError, AttributeError, TypeError):
        found = json.loads(data)
        header = found if found.pop("checksum") == _checksum(found) else {}
    if not header:
        raise InputError(f"Store {place} cannot be opened: its plan ({PLAN}) is damaged. Choose another store.")
    if header["format"] != FORMAT:
        raise InputError(f"Store {place} cannot be opened: another version of learndyn made it. Choose another store.")
    return header


def same_plan(place: Place, plan: Plan) -> Plan:
    """The plan with the chunks of the store, once it is clear that it made the store; damaged labels are mended."""
    header = header_of(place)
    mine = json.loads(json.dumps(_description(plan)))
    told = differences(header["description"], mine)
    if header["digest"] != plan.digest or told:
        if not told and list(header["description"]["over"]) != list(mine["over"]):
            told = f"the order of its parameters ({', '.join(header['description']['over'])} there)"
        raise InputError(
            f"Store {place} belongs to another sweep, which differs in {told or 'its values'}. Choose another store, "
            "or remove this one to begin anew."
        )
    plan = replace(plan, chunk=tuple(header["chunk"]))
    _mend(place, plan, header["files"])
    return plan


def _mend(place: Place, plan: Plan, files: dict[str, str]) -> None:
    """Write labels and descriptions of arrays again that are lost or damaged."""
    damaged = [key for key, digest in files.items() if place.digest(key) != digest]
    if not _is_root(place.read(ROOT)):
        damaged.append(ROOT)
    if not damaged:
        return
    anew = empty_store(plan)
    for key in damaged:
        data = anew.get(key, b"")
        if key != ROOT and hashlib.sha256(data).hexdigest() != files[key]:
            raise InputError(
                f"Store {place} is damaged in {key}, and other versions of its libraries made it than are installed. "
                "Install those, or choose another store."
            )
        place.write(key, data)


def _is_root(data: bytes | None) -> bool:
    try:
        return "metadata" in json.loads(data or b"{}").get("consolidated_metadata", {})
    except (ValueError, AttributeError, TypeError):
        return False


def _description(plan: Plan) -> dict[str, Any]:
    """What the sweep is, entry by entry."""
    over = {name: [*plan.work.axes.digest(name), _values(plan, name)] for name in plan.work.axes.names}
    return {
        **plan.identity,
        "over": {name: f"{values} ({dim}, {digest})" for name, (dim, digest, values) in over.items()},
        "variables": {each.name: f"{each.dtype} {each.dims} {each.shape}" for each in plan.variables},
    }


def _values(plan: Plan, name: str) -> str:
    """The values of a swept parameter in short."""
    if name not in plan.coordinates:
        return "values"
    values = np.asarray(plan.coordinates[name][1]).tolist()
    if len(values) <= TOLD_VALUES:
        return ", ".join(map(str, values))
    return f"{len(values)}: {values[0]} ... {values[-1]}"


def _checksum(header: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()
