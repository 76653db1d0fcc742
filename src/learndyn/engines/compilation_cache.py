"""Where compiled equations are kept between processes: the command line asks for it, in Python it is opt-in.

The directory is process-global in JAX, so it is set by the program that owns the process and never by `ld.solve`.
Processes share it: a file is replaced as a whole, so that none reads half of one, also after one was killed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

VARIABLE = "LEARNDYN_CACHE_DIR"


def enable(directory: str | os.PathLike[str] | None = None) -> Path | None:
    """Keep compiled programs on disk, so that the next process need not compile them again.

    Parameters
    ----------
    directory
        Where to; when not given, the environment variable ``LEARNDYN_CACHE_DIR``, else the user's cache directory. A
        directory that cannot be made or written to is no error: programs are then compiled anew in each process.

    Returns
    -------
    pathlib.Path or None
        The directory in use, ``None`` without one. A directory that the user has set for JAX itself stays.

    Examples
    --------
    >>> import tempfile
    >>> from learndyn.engines import compilation_cache
    >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     compilation_cache.enable(folder)
    """
    import jax

    from learndyn.engines import programs

    usable = _usable(Path(directory) if directory is not None else default_directory())
    if usable is None:
        return None
    programs.keep_in(usable / "programs")
    _replace_whole_files()
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        jax.config.update("jax_compilation_cache_dir", str(usable / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return usable


def _replace_whole_files() -> None:
    """JAX writes its files in place and never again: one that is killed meanwhile would leave half a file for good.

    Where another version of JAX is made differently, it is left as it is.
    """
    from learndyn.engines import programs

    try:
        from jax._src.lru_cache import _CACHE_SUFFIX, LRUCache

        in_place = LRUCache.put
    except (ImportError, AttributeError):
        return

    def put(self: Any, key: str, value: bytes) -> None:
        if self.eviction_enabled or "://" in str(self.path) or not key:
            in_place(self, key, value)  # under a lock of its own, or not on a disk
            return
        # JAX comes here when there is no file, or one that it could not read.
        programs.store(Path(self.path) / f"{key}{_CACHE_SUFFIX}", value)

    if in_place.__module__ != __name__:
        LRUCache.put = put


def default_directory() -> Path:
    """``LEARNDYN_CACHE_DIR``, or learndyn's folder in the user's cache directory."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    if sys.platform == "darwin":
        return Path("~/Library/Caches/learndyn").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "learndyn"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "learndyn"


def _usable(directory: Path) -> Path | None:
    """The part of the directory that belongs to this kind of CPU, if it can be written to."""
    folder = directory / f"{platform.machine() or 'machine'}-{cpu_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def cpu_digest() -> str:
    """A hash of what the CPU can do: a home directory may be shared by machines that cannot run each other's code."""
    text = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        text += next((line for line in lines if line.startswith(("flags", "Features"))), "")
    except OSError:
        pass
    return hashlib.sha256(text.encode()).hexdigest()[:8]
