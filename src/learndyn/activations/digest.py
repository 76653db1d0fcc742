"""A digest of what a Python function computes: equal functions have equal digests, whatever file they stand in.

It covers the code and all that the code refers to: constants, default values, variables of enclosing functions, and
globals (functions among them are followed, of modules the file counts). The function itself needs no file: one that is
typed into a notebook has a digest too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np


def digest_of(function: Any) -> str:
    """SHA-256 of a function's code and of what it refers to."""
    digest = hashlib.sha256()
    for piece in _pieces(function, set()):
        digest.update(piece.encode() + b"\0")
    return digest.hexdigest()


@lru_cache(maxsize=64)
def file_digest(path: str) -> str:
    """SHA-256 of a file's bytes (a module is read once: its functions do not change after import either)."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _pieces(value: Any, seen: set[int]) -> Iterator[str]:
    value = getattr(value, "py_func", value)  # what numba compiles
    if isinstance(value, FunctionType):
        if id(value) in seen:  # a function that calls itself
            return
        seen.add(id(value))
        yield from _code(value.__code__)
        for name, content in _outside(value):
            yield name
            yield from _pieces(content, seen)
    elif isinstance(value, ModuleType):
        yield value.__name__
        path = getattr(value, "__file__", None) or ""
        yield file_digest(path) if path.endswith(".py") else path
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}"
        yield value.tobytes().hex()
    elif isinstance(value, tuple | list):
        yield type(value).__name__
        for entry in value:
            yield from _pieces(entry, seen)
        yield "end"
    else:
        # Numbers and text say what they are. An object that shows its address is another one in each process, which
        # costs a compilation and is never wrong.
        yield f"{type(value).__name__} {value!r}"


def _code(code: CodeType) -> Iterator[str]:
    """The instructions with their constants and names, those of functions inside included; no line numbers, no file."""
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, code.co_kwonlyargcount))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield f"{type(constant).__name__} {constant!r}"


def _names(code: CodeType) -> set[str]:
    inside = (c for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*(_names(c) for c in inside))


def _outside(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Name and value of all that a function takes from outside, as it is now."""
    yield "defaults", (function.__defaults__, *sorted((function.__kwdefaults__ or {}).items()))
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            yield name, None
    yield from globals_of(function)


def globals_of(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Name and value of each global that a function, or one inside it, refers to."""
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]
