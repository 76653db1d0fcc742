"""What a worker of a Dask cluster does for a sweep: it is given the plan once, and then computes chunks by number.

    Chunks          the plan on a worker: Dask hands it to every worker, also to those that join or are started again
    compute_chunk   the task
    versions        of what fixes the bits of a result, to be compared with the client's

Each task computes on one thread. The engines enter float64 themselves, in the thread that a task runs in.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from distributed import get_worker
from distributed.diagnostics.plugin import WorkerPlugin

from learndyn.errors import InputError
from learndyn.sweeps.done import Done, done_with
from learndyn.sweeps.plan import Plan

PACKAGES = ("numpy", "scipy", "jax", "jaxlib", "diffrax", "numba")
# XLA makes as many threads as this says; --xla_cpu_multi_thread_eigen=false leaves it as many as there are cores.
XLA_THREADS = "NPROC"


@dataclass
class Chunks(WorkerPlugin):
    """A plan on a worker, where its results go, and what computes them; ``client`` names the client's process."""

    plan: Plan
    writer: Any
    run: Callable[..., dict[str, np.ndarray]] | None
    client: tuple[str, int]

    def prepare(self) -> None:
        """Make the process one that only computes; the client's own, where it is its own cluster, is left as it is."""
        if self.client != this_process():
            _prepare()


def compute_chunk(sweep: str, number: int) -> Done:
    """One chunk of the sweep of this name; an error that nobody expected is told in the result.

    Raises
    ------
    InputError
        When the store cannot take more: this ends the sweep.
    """
    share: Any = get_worker().plugins[sweep]
    begin = perf_counter()
    try:
        share.prepare()
        with _one_thread():
            arrays = (share.run or _run_chunk())(share.plan, number, threads=1)
    except Exception as error:
        return Done(number, perf_counter() - begin, 0, error=told(number, error))
    try:
        return done_with(share.plan, number, arrays, share.writer, perf_counter() - begin)
    except InputError:
        raise
    except Exception as error:
        return Done(number, perf_counter() - begin, 0, error=told(number, error, "written"))


def _run_chunk() -> Callable[..., dict[str, np.ndarray]]:
    """Imported by the first task: a worker starts without the engines."""
    from learndyn.sweeps.chunk import run_chunk

    return run_chunk


def told(number: int, error: Exception, what: str = "computed") -> str:
    """'Chunk 3 could not be computed: ValueError: ... (chunk.py, line 33).'"""
    places = traceback.extract_tb(error.__traceback__)
    at = f" ({Path(places[-1].filename).name}, line {places[-1].lineno})" if places else ""
    text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".:")
    return f"Chunk {number} could not be {what}: {text}{at}."


def this_process() -> tuple[str, int]:
    """Machine and process."""
    return socket.gethostname(), os.getpid()


@cache
def _prepare() -> None:
    """One thread for JAX, read when JAX first computes, and compiled programs shared with other processes."""
    os.environ[XLA_THREADS] = "1"
    from learndyn.engines import compilation_cache

    compilation_cache.enable()


def _one_thread() -> AbstractContextManager[Any]:
    """Matrix products on one thread: workers share the cores."""
    return _libraries().limit(limits=1)


@cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - has a BLAS of its own, which must be there to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def versions() -> dict[str, str]:
    """Versions of Python, of learndyn with its source, and of the packages that compute; "none": missing."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    found["learndyn"] = f"{_version('learndyn')} (source {source_digest()})"
    return found | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


@cache
def source_digest() -> str:
    """A hash of learndyn's source: two checkouts of one version may differ."""
    root = Path(sys.modules["learndyn"].__file__ or "").parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()[:8]
