"""Writing files whole or not at all: to a temporary name beside the place, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from learndyn.errors import InputError


def check_writable(path: str | os.PathLike[str]) -> Path:
    """The path, once it is clear that a file can be written there: better refused before a long run than after it."""
    path = Path(path)
    folder = path.parent
    if path.is_dir():
        raise InputError(f"File {path} cannot be written: it is a folder. Add a file name.")
    if path.exists() and not path.is_file():
        # The final renaming would put a plain file in the place of /dev/null.
        raise InputError(f"File {path} cannot be written: it is a device or a pipe. Choose the name of a plain file.")
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(
            f"File {path} cannot be written: the folder {folder} {what}. Make it first, or choose another."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"File {path} cannot be written: the folder {folder} is not writable. Choose another.")
    return path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path with the same ending; it becomes `path` when the block ends well and vanishes when it does not.

    Raises
    ------
    InputError
        When the folder is missing or cannot be written to, or the disk is full.
    """
    path = check_writable(path)
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.part-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes private files; give this one the rights that any new file has.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise InputError(f"File {path} cannot be written: {reason}. Choose another place.") from error
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
