"""Compile a JAX program, and keep its traced form on disk when a directory is given.

JAX's own compilation cache spares the compilation of a program, but not the imports and the tracing that lead to it,
which take longer. With a directory set (the command line does this), the traced program is stored as well: a fresh
process then loads it without importing the solver.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

# XLA's older code generator for loops halves the time to compile. It is as fast for a small program, and half as fast
# for one that works on long vectors.
SMALL_PROGRAM: dict[str, Any] = {"xla_cpu_use_fusion_emitters": False}
# XLA uses half of a 512-bit register unless it is asked: on lanes side by side that costs a quarter more time.
WIDE_PROGRAM: dict[str, Any] = {"xla_cpu_prefer_vector_width": 512}
FOLDERS = ("gaussian", "activations", "schedules", "scenarios", "engines")

_directory: Path | None = None


def keep_in(directory: Path | None) -> None:
    """Keep traced programs in this directory from now on; ``None``: no longer."""
    global _directory
    _directory = directory


def compile_program(
    name: str,
    key: Hashable,
    build: Callable[[], Any],
    arguments: tuple[Any, ...],
    timings: dict[str, float],
    *,
    small: bool,
    wide: bool = False,
) -> Any:
    """The compiled program of ``build()`` for arguments like these; the seconds it took are noted in `timings`.

    `key` must name everything that the program depends on beside the shapes of the arguments and learndyn's source;
    `small` asks for a quick compilation of a program that works on short vectors, `wide` for the widest registers.
    """
    clock = time.perf_counter()
    path = _path(name, key, arguments)
    traced = _load(path, arguments)
    if traced is None:
        function = build()
        if path is not None:
            exported = jax.export.export(jax.jit(function))(*arguments)
            store(path, exported.serialize())
            function = exported.call
        traced = jax.jit(function).lower(*arguments)
    lowered = time.perf_counter()
    try:
        program = traced.compile(compiler_options=_options(small, wide))
    except jax.errors.JaxRuntimeError:
        # Another version of XLA may not know the option.
        program = traced.compile()
    timings["trace"], timings["compile"] = lowered - clock, time.perf_counter() - lowered
    return program


def _options(small: bool, wide: bool) -> dict[str, Any] | None:
    """What the compiler is asked for; it is about CPUs."""
    if jax.default_backend() != "cpu":
        return None
    return (SMALL_PROGRAM if small else {}) | (WIDE_PROGRAM if wide else {}) or None


def shapes_of(values: Mapping[str, Any]) -> Hashable:
    """Names and shapes of values: one of another shape, as n variances in the place of one, is another program."""
    return frozenset((name, np.shape(value)) for name, value in values.items())


def _path(name: str, key: Hashable, arguments: tuple[Any, ...]) -> Path | None:
    if _directory is None:
        return None
    shapes = jax.tree.map(lambda x: (x.shape, str(x.dtype)), arguments)
    versions = (jax.__version__, jax.default_backend(), _source_digest())
    digest = hashlib.sha256(repr((key, shapes, versions)).encode()).hexdigest()[:32]
    return _directory / f"{name}-{digest}.jaxexport"


@cache
def _source_digest() -> str:
    """A hash of the source that programs are made of: an edited formula never runs as an old program."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _load(path: Path | None, arguments: tuple[Any, ...]) -> Any:
    if path is None or not path.is_file():
        return None
    # A damaged file is no reason to fail: the program is traced anew.
    with contextlib.suppress(Exception):
        exported = jax.export.deserialize(bytearray(path.read_bytes()))
        return jax.jit(exported.call).lower(*arguments)
    return None


def store(path: Path, data: bytes | bytearray) -> None:
    """Write a file whole or not at all; where it cannot be written, it is not there, which is no error."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
