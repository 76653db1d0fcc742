"""A checkpoint: what a simulation needs to go on after Ctrl-C, a crash or a lost machine, in one file.

The file is a NumPy archive (.npz, no pickled objects) that is replaced as a whole, so that one that can be read is
always there. It holds

- an identity: everything that fixes the bits of the run (scenario, start, N, seed, rows, versions, ...) as JSON. A run
  goes on from a file only when the identities agree, and then ends with the bits of a run that was never cut;
- the arrays of the units that have begun, by name: those of one name lie one after another in one long array, because
  an archive with some arrays for each of 10 000 replicas would take seconds to write and to read.

What a unit is, and when a checkpoint is taken: `learndyn.engines.driver`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812 - an exception, named like one

import numpy as np

from learndyn.arguments import number
from learndyn.engines.differences import differences
from learndyn.errors import InputError
from learndyn.files import check_writable, replacing

Snapshot = Mapping[str, np.ndarray]
FORMAT = 1
HEADER = "learndyn_checkpoint"
ZIP = b"PK\x03\x04"  # the first bytes of an archive


@dataclass(frozen=True)
class Checkpoint:
    """Where a run keeps what it needs to go on, and whose file that is.

    Parameters
    ----------
    path
        The file, usually with the ending ``.npz``. It is made while the run goes on, and removed when the run has come
        to its end.
    identity
        Everything that fixes the bits of the run, by name; values that JSON can hold. An engine adds what it knows.
    every
        Seconds between two checkpoints, not negative; one is also taken at Ctrl-C.

    Raises
    ------
    InputError
        When `every` is no such number, or no file can be written at `path`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from learndyn.engines.checkpoint import Checkpoint
    >>> with TemporaryDirectory() as folder:
    ...     first = Checkpoint(f"{folder}/run.npz", {"N": 100, "seed": 1})
    ...     first.write({0: {"W": np.ones((2, 3))}})
    ...     print(Checkpoint(f"{folder}/run.npz", {"N": 100, "seed": 1}).read()[0]["W"].shape)
    (2, 3)
    """

    path: Path
    identity: dict[str, Any] = field(default_factory=dict)
    every: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", check_writable(self.path))
        object.__setattr__(self, "every", number(self.every, "every", minimum=0.0))

    def including(self, **entries: Any) -> Checkpoint:
        """The same file, with more entries in the identity."""
        return replace(self, identity=self.identity | entries)

    def write(self, snapshots: Mapping[int, Snapshot]) -> None:
        """Put the snapshots of the units, by their place in the run, into the file.

        Raises
        ------
        InputError
            When the file cannot be written; the one before is then still there.
        """
        header = json.dumps({"format": FORMAT, "identity": self.identity})
        with replacing(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **{HEADER: np.array(header)}, **_packed(snapshots))

    def read(self) -> dict[int, Snapshot]:
        """The snapshots in the file; none when there is no file.

        Raises
        ------
        InputError
            When the file is no checkpoint, is damaged, or belongs to another run; it is left as it is.
        """
        if not self.path.exists():
            return {}
        try:
            if not _is_archive(self.path):
                raise self.refusal("it is no checkpoint of learndyn")
            header, arrays = _load(self.path)
            snapshots = _unpacked(arrays) if header["format"] == FORMAT else {}
            theirs = dict(header["identity"])
        except InputError:
            raise
        except OSError as error:
            raise self.refusal(f"it cannot be read ({error.strerror or error})") from None
        except _UNREADABLE:
            raise self.refusal("it is no checkpoint of learndyn, or is damaged") from None
        if header["format"] != FORMAT:
            raise self.refusal("it was written by another version of learndyn")
        told = differences(theirs, json.loads(json.dumps(self.identity)))
        if told:
            raise self.refusal(f"it belongs to another run, which differs in {told}")
        return snapshots

    def remove(self) -> None:
        """Take the file away: the run has come to its end."""
        self.path.unlink(missing_ok=True)

    def refusal(self, reason: str) -> InputError:
        """The error for a file that a run cannot go on from."""
        return InputError(
            f"Checkpoint {self.path} cannot be used: {reason}. Choose another file, or remove this one to begin anew."
        )


_UNREADABLE = (EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, BadZipFile, ZlibError)


def fingerprint(values: np.ndarray) -> str:
    """Shape and digest of an array, for an identity: short where the array may be long."""
    values = np.ascontiguousarray(values)
    digest = hashlib.sha256(values.tobytes()).hexdigest()[:16]
    return f"{values.dtype} {values.shape} {digest}"


def _is_archive(path: Path) -> bool:
    """Whether the file begins as a zip archive: of any other NumPy would say how to unpickle it."""
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def _load(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        header = json.loads(archive[HEADER].item())
        return header, {name: archive[name] for name in archive.files if name != HEADER}


def _packed(snapshots: Mapping[int, Snapshot]) -> dict[str, np.ndarray]:
    """For each name: the units that have it, the shapes of their arrays, and all values in a row."""
    packed = {}
    for name in sorted({name for snapshot in snapshots.values() for name in snapshot}):
        units = [unit for unit in sorted(snapshots) if name in snapshots[unit]]
        arrays = [np.asarray(snapshots[unit][name]) for unit in units]
        packed[f"{name}.units"] = np.array(units, dtype=np.int64)
        packed[f"{name}.shapes"] = np.array([array.shape for array in arrays], dtype=np.int64)
        packed[f"{name}.values"] = np.concatenate([array.reshape(-1) for array in arrays])
    return packed


def _unpacked(packed: Mapping[str, np.ndarray]) -> dict[int, Snapshot]:
    """The inverse of `_packed`; every array owns its memory, so that none keeps all others alive."""
    snapshots: dict[int, dict[str, np.ndarray]] = {}
    for name in (entry.removesuffix(".units") for entry in packed if entry.endswith(".units")):
        values, begin = packed[f"{name}.values"], 0
        for unit, shape in zip(packed[f"{name}.units"].tolist(), packed[f"{name}.shapes"], strict=True):
            end = begin + int(np.prod(shape))
            snapshots.setdefault(unit, {})[name] = values[begin:end].reshape(shape).copy()
            begin = end
    return dict(snapshots)
