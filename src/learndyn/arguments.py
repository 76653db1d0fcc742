"""Checks of arguments, each with the one sentence that a refused argument gets."""

from __future__ import annotations

from difflib import get_close_matches
from math import isfinite
from typing import Any

import numpy as np

from learndyn.errors import InputError

# Products of four such numbers are finite.
LARGEST = 1e75
# Characters of a value in a sentence.
LONGEST = 100
# Entries of an array in a sentence.
MOST_ENTRIES = 8
# An n x n matrix with a Cholesky decomposition has no eigenvalue below -(n + 1) 1.2e-16 times its trace [Higham 2002,
# theorem 10.5]; up to n = 800 000 that is above minus this times the trace.
ROUNDING = 1e-10

Matrix = tuple[tuple[float, ...], ...]


def refuse_tracer(value: Any, name: str) -> None:
    """Public verbs take concrete numbers; a JAX tracer is pointed to `learndyn.functional`."""
    if type(value).__module__.startswith("jax") and "Tracer" in type(value).__name__:
        raise InputError(
            f"Argument `{name}` must be a concrete number or array, but it is a JAX tracer. "
            "Use learndyn.functional inside jax.grad, jax.jit or jax.vmap."
        )


def count(value: Any, name: str, minimum: int = 1) -> int:
    """A whole number of at least `minimum`."""
    if type(value) is int and value >= minimum:
        return value
    whole = isinstance(value, int | np.integer) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool | np.bool_) or not whole or value < minimum:
        raise InputError(
            f"Argument `{name}` must be a whole number of at least {minimum}, but it is {shown(value)}. "
            f"Give a number such as {max(minimum, 1)}{', without quotes' if isinstance(value, str) else ''}."
        )
    return int(value)


def number(value: Any, name: str, *, above: float | None = None, minimum: float | None = None) -> float:
    """A finite real number, optionally above or at least a bound."""
    # The common case first: a sweep checks millions of numbers, and the sentence of a refusal takes longest to make.
    if isinstance(value, float) and isfinite(value):
        result = float(value)
        if (above is None or result > above) and (minimum is None or result >= minimum):
            return result
    refuse_tracer(value, name)
    allowed = "a finite number"
    if above is not None:
        allowed += f" above {above:g}"
    if minimum is not None:
        allowed += f" of at least {minimum:g}"
    sentence = f"Argument `{name}` must be {allowed}, but it is {shown(value)}. {_mended(value, above, minimum)}"
    if isinstance(value, bool | np.bool_ | str) or value is None:
        raise InputError(sentence)
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(sentence) from None
    if not np.isfinite(result) or (above is not None and result <= above) or (minimum is not None and result < minimum):
        raise InputError(sentence)
    return result


def _mended(value: Any, above: float | None, minimum: float | None) -> str:
    """What to do about a value that is no such number."""
    if isinstance(value, str):
        return "Give a number, without quotes."
    try:
        finite = isfinite(value)
    except OverflowError:
        finite = False
    except (TypeError, ValueError):
        return "Give one number."
    if not finite:
        return "Check how it was computed."
    bound = above if above is not None else minimum
    return "Make it larger." if bound is not None and value <= bound else "Give one number."


def array(value: Any, name: str, shape: tuple[int, ...] | None = None, hint: str = "") -> np.ndarray:
    """A finite float64 array of the given shape."""
    refuse_tracer(value, name)
    try:
        found = np.asarray(value)
        if found.dtype.kind not in "iuf":  # no text, no booleans, no None
            raise TypeError
        # What came from a list is new already; all else is copied.
        new = isinstance(value, list | tuple) and found.dtype == float
        result = found if new else np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        refuse_tracer(error, name)  # JAX's own complaint about a tracer inside a list
        raise InputError(
            f"Argument `{name}` must be an array of numbers, rows of equal length, but it is {shown(value)}. "
            f"{hint or 'Give a list of numbers.'}"
        ) from None
    if shape is not None and result.shape != shape:
        raise InputError(
            f"Argument `{name}` must have shape {shape}, but it has shape {result.shape}. {hint or 'Reshape it.'}"
        )
    if result.size == 0 or np.abs(result).max() <= LARGEST:
        return result
    if not np.isfinite(result).all():
        raise InputError(
            f"Argument `{name}` must be finite, but it contains NaN or infinity. {hint or 'Check how it was computed.'}"
        )
    raise InputError(
        f"Argument `{name}` must not exceed {LARGEST:g} (its products must stay finite), but it contains "
        f"{np.abs(result).max():.3g}. Choose other units."
    )


def shown(value: Any) -> str:
    """A value as a sentence shows it: one line, cut where it is long; of a large array its shape."""
    if isinstance(value, np.ndarray) and value.size > MOST_ENTRIES:
        return f"an array of shape {value.shape}"
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python refuses to print integers of thousands of digits
        return "a huge number"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def type_shown(value: Any) -> str:
    """The type of a value as a sentence names it: a float, an int."""
    if value is None:
        return "None"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeioAEIOU" else f"a {name}"


def symmetric(value: np.ndarray, name: str) -> np.ndarray:
    """A symmetric matrix, made exactly symmetric."""
    if value.tobytes() == value.T.tobytes():
        return value.copy()
    scale = max(1e-300, float(np.abs(value).max(initial=0.0)))
    difference = float(np.abs(value - value.T).max(initial=0.0))
    if difference > 1e-9 * scale:
        raise InputError(
            f"Argument `{name}` must be symmetric, but {name} and its transpose differ by {difference:.3g}. "
            f"Symmetrise it: ({name} + {name}.T) / 2."
        )
    return (value + value.T) / 2


def positive_semidefinite(value: np.ndarray, name: str, hint: str, tolerance: float = 1e-9) -> None:
    """Refuse a symmetric matrix with an eigenvalue below zero (beyond rounding)."""
    if value.size == 0 or (tolerance >= ROUNDING and has_cholesky(value)):
        return
    smallest = float(np.linalg.eigvalsh(value)[0])
    if smallest < -tolerance * max(1e-300, float(np.trace(value))):
        raise InputError(
            f"Argument `{name}` must be positive semidefinite, but its smallest eigenvalue is {smallest:.3g}. {hint}"
        )


def has_cholesky(value: np.ndarray) -> bool:
    """Whether a symmetric matrix has a Cholesky decomposition: then no eigenvalue is negative but by rounding.

    Several times as fast as eigenvalues. Where it breaks down the matrix may still be semidefinite.
    """
    try:
        np.linalg.cholesky(value)
    except np.linalg.LinAlgError:
        return False
    return True


def choice(value: Any, name: str, allowed: list[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in allowed:
        raise InputError(
            f"Argument `{name}` must be {or_list(allowed)}, but it is {shown(value)}.{did_you_mean(value, allowed)}"
        )
    return str(value)


def did_you_mean(value: Any, allowed: list[str], otherwise: str = " Choose one of these.") -> str:
    """' Did you mean ...?' where something is close, else what to do otherwise."""
    close = get_close_matches(str(value)[:LONGEST], allowed, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else otherwise


def or_list(words: list[str]) -> str:
    """'"a", "b" or "c"'."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]


def nested(value: Any) -> Any:
    """An array as nested tuples of floats: hashable, comparable, printable."""
    if isinstance(value, np.ndarray) and value.dtype == float:
        entries = value.tolist()
        return tuple(map(tuple, entries)) if value.ndim == 2 else _tuples(entries)
    return tuple(map(nested, value)) if np.ndim(value) else float(value)


def _tuples(entries: Any) -> Any:
    if not isinstance(entries, list):
        return entries
    return tuple(map(_tuples, entries)) if entries and isinstance(entries[0], list) else tuple(entries)
