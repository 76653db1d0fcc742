"""Where the bytes of a store lie: a folder of this machine, or anything that fsspec knows, with the same few verbs.

place_of       from a path or URL to its place
LocalPlace     a folder; a file is replaced as a whole, or not at all
RemotePlace    a prefix of objects
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from learndyn.arguments import shown
from learndyn.errors import InputError, first_line
from learndyn.extras import require

# Bytes of a file that are read at a time.
PIECE = 1 << 20
# The name of a file while it is written.
LEFT = re.compile(r"\..+\.part-[0-9a-f]{12}")


class LocalPlace:
    """A folder of this machine, or one that it mounts."""

    is_local = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.location, self.storage_options = folder, None

    def __str__(self) -> str:
        return str(self.folder)

    def zarr_store(self, *, read_only: bool = False) -> Any:
        """What zarr reads and writes with."""
        from zarr.storage import LocalStore

        return LocalStore(self.folder, read_only=read_only)

    def read(self, key: str) -> bytes | None:
        """The bytes of a file; None when there is none."""
        try:
            return (self.folder / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, key: str, data: bytes) -> None:
        """Put a file in its place as a whole; an OSError leaves the one before."""
        path = self.folder / key
        temporary = path.with_name(f".{path.name}.part-{uuid4().hex[:12]}")
        try:
            try:
                temporary.write_bytes(data)
            except FileNotFoundError:
                if not self.folder.is_dir():
                    raise  # somebody took the store away
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(data)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def digest(self, key: str) -> str | None:
        """SHA-256 of a file, read piece by piece; None when it is not there or cannot be read."""
        try:
            with open(f"{self.folder}/{key}", "rb", buffering=0) as file:
                if os.fstat(file.fileno()).st_size <= PIECE:
                    return hashlib.sha256(file.read()).hexdigest()
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return None

    def names(self, key: str = "") -> Iterator[str]:
        """What lies in a folder; nothing when there is none."""
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.folder / key) as entries:
            for entry in entries:
                yield entry.name

    def exists(self) -> bool:
        """Whether there is anything at the place."""
        return self.folder.exists() or self.folder.is_symlink()

    def remove(self, key: str) -> None:
        """Take a file away, or a folder with all that is in it."""
        path = self.folder / key
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Take away what writers left that were killed in the middle of a file."""
        for folder, _, names in os.walk(self.folder):
            for name in filter(LEFT.fullmatch, names):
                with suppress(OSError):
                    os.unlink(os.path.join(folder, name))

    def refusal(self) -> str:
        """Why no store can be made or opened here, as the end of a sentence; nothing when it can."""
        parent = self.folder.parent
        if self.exists() and not self.folder.is_dir():
            return "it is no folder. Choose another name"
        if not parent.is_dir():
            what = "is no folder" if parent.exists() else "does not exist"
            return f"the folder {parent} {what}. Make it first, or choose another"
        folder = self.folder if self.exists() else parent
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"the folder {folder} is not writable. Choose another"
        return ""


class RemotePlace:
    """A prefix of a file system that fsspec knows."""

    is_local = False

    def __init__(self, location: str, storage_options: dict[str, Any], system: Any, root: str) -> None:
        self.location, self.storage_options = location, storage_options
        self._system, self._root = system, root.rstrip("/")

    def __str__(self) -> str:
        return self.location

    def zarr_store(self, *, read_only: bool = False) -> Any:
        """What zarr reads and writes with."""
        from zarr.storage import FsspecStore

        return FsspecStore.from_url(self.location, storage_options=dict(self.storage_options), read_only=read_only)

    def read(self, key: str) -> bytes | None:
        """The bytes of an object; None when there is none."""
        try:
            return self._system.cat_file(f"{self._root}/{key}")
        except (FileNotFoundError, IsADirectoryError):
            return None

    def write(self, key: str, data: bytes) -> None:
        """Put an object in its place."""
        path = f"{self._root}/{key}"
        self._system.makedirs(path.rpartition("/")[0], exist_ok=True)
        self._system.pipe_file(path, data)

    def digest(self, key: str) -> str | None:
        """SHA-256 of an object, read piece by piece; None when it is not there or cannot be read."""
        try:
            with self._system.open(f"{self._root}/{key}", "rb", block_size=PIECE) as file:
                found = hashlib.sha256()
                while piece := file.read(PIECE):
                    found.update(piece)
                return found.hexdigest()
        except OSError:
            return None

    def names(self, key: str = "") -> Iterator[str]:
        """What lies below a prefix; nothing when there is none."""
        folder = f"{self._root}/{key}".rstrip("/")
        self._system.invalidate_cache(folder)  # other processes write here
        with suppress(FileNotFoundError, NotADirectoryError):
            for path in self._system.ls(folder, detail=False):
                if path.rstrip("/") != folder:  # some list a folder in itself
                    yield path.rstrip("/").rpartition("/")[2]

    def exists(self) -> bool:
        """Whether there is anything at the place."""
        self._system.invalidate_cache(self._root)
        return self._system.exists(self._root)

    def remove(self, key: str) -> None:
        """Take an object away, or all with this prefix."""
        with suppress(FileNotFoundError):
            self._system.rm(f"{self._root}/{key}".rstrip("/"), recursive=True)

    def tidy(self) -> None:
        """Nothing: objects come to be as a whole."""

    def refusal(self) -> str:
        """Why no store can be made or opened here, as the end of a sentence; nothing when it can."""
        return "it is no folder. Choose another name" if self._system.isfile(self._root) else ""


Place = LocalPlace | RemotePlace


def place_of(location: Any, storage_options: dict[str, Any] | None = None) -> Place:
    """The place that a path or a URL of fsspec names.

    Raises
    ------
    InputError
        When it is neither, or the package for this kind of URL is missing.
    """
    if not isinstance(location, str | os.PathLike) or isinstance(location, bytes) or not os.fspath(location):
        raise InputError(
            f"Argument `store` must be a path or a URL, but it is {shown(location)}. Write store='sweep.zarr'."
        )
    require("sweep", "A store of a sweep")
    text = os.fspath(location)
    if storage_options is not None and not isinstance(storage_options, dict):
        raise InputError(
            "Argument `storage_options` must be a dict of options of fsspec, but it is "
            f"{shown(storage_options)}. Leave it out for a local path."
        )
    if isinstance(location, str) and ("://" in location or "::" in location):
        return _remote(location, storage_options or {})
    return LocalPlace(Path(os.path.abspath(text)))


def _remote(location: str, storage_options: dict[str, Any]) -> Place:
    from fsspec.core import url_to_fs
    from fsspec.implementations.local import LocalFileSystem

    try:
        system, root = url_to_fs(location, **storage_options)
    except ImportError as error:
        raise InputError(
            f"Store {location} needs a package that is not installed: {first_line(error)}. Install it."
        ) from None
    except Exception as error:  # every file system has errors of its own
        raise InputError(
            f"Store {location} cannot be reached: {one_line(error)}. Correct the URL, or `storage_options`."
        ) from None
    if isinstance(system, LocalFileSystem):
        return LocalPlace(Path(os.path.abspath(root)))
    return RemotePlace(location, storage_options, system, root)


def one_line(error: Exception) -> str:
    """An error of a library in a sentence."""
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
