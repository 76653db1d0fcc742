"""Calls of public names: arguments that do not fit get a sentence, as wrong values do, in place of Python's own.

Applied to all public names as `learndyn` loads them. A call that fits costs a fraction of a microsecond more.
"""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from functools import wraps
from typing import Any

from learndyn.errors import CallError

# `warnings` leaves frames of the import system out when it counts levels of the stack; it knows them by these words.
UNCOUNTED = "<learndyn.calls, as importlib._bootstrap>"
# What other codes and papers call an argument, and its names here; the first one that the call knows is meant.
ALIASES = {
    "eta": ("learning_rate",),
    "lr": ("learning_rate",),
    "learningrate": ("learning_rate",),
    "rate": ("learning_rate",),
    "step_size": ("learning_rate",),
    "k": ("units", "student"),
    "m": ("units", "teacher"),
    "n_units": ("units",),
    "num_units": ("units",),
    "hidden": ("units",),
    "hidden_units": ("units",),
    "n_hidden": ("units",),
    "width": ("units", "hidden"),
    "act": ("activation",),
    "g": ("activation",),
    "activation_function": ("activation",),
    "nonlinearity": ("activation",),
    "t_max": ("until",),
    "tmax": ("until",),
    "t_end": ("until",),
    "alpha_max": ("until",),
    "alphamax": ("until",),
    "t": ("until",),
    "end": ("until",),
    "stop": ("until",),
    "n": ("N",),
    "dim": ("N", "dimension"),
    "n_inputs": ("N",),
    "input_dim": ("N",),
    "n_replicas": ("replicas",),
    "num_replicas": ("replicas",),
    "runs": ("replicas",),
    "n_runs": ("replicas",),
    "repeats": ("replicas",),
    "trials": ("replicas",),
    "random_state": ("seed",),
    "random_seed": ("seed",),
    "rng": ("seed",),
    "n_jobs": ("workers", "threads"),
    "n_threads": ("threads",),
    "points": ("save_at",),
    "n_points": ("save_at",),
    "times": ("save_at",),
    "alphas": ("save_at",),
    "t_eval": ("save_at",),
    "saveat": ("save_at",),
    "tol": ("rtol", "tolerance"),
    "engine": ("method",),
    "init": ("start",),
    "initial": ("start",),
    "x0": ("start",),
    "noise": ("label_noise", "input_noise"),
    "sigma": ("label_noise",),
    "wd": ("weight_decay",),
    "l2": ("weight_decay",),
    "decay": ("weight_decay",),
    "batch": ("batch_size",),
    "drift": ("teacher_drift",),
    "v": ("output_weights",),
    "weights": ("output_weights",),
    "data": ("X",),
    "labels": ("y",),
    "target": ("y", "level"),
    "file": ("path",),
    "filename": ("path",),
}


def explained(name: str, value: Any) -> Any:
    """A public name whose wrong calls are explained: a function wrapped, a class changed in place, all else as it is.

    The wrapper of a function is found again as ``learndyn.<name>``, so that it can be pickled.
    """
    if inspect.isfunction(value):
        wrapper = _wrapped(value, name)
        wrapper.__module__, wrapper.__qualname__ = "learndyn", name
        return wrapper
    if isinstance(value, type) and not issubclass(value, BaseException):
        for key, member in list(vars(value).items()):
            if key == "__init__" and inspect.isfunction(member) and not hasattr(member, "__wrapped__"):
                type.__setattr__(value, key, _wrapped(member, name))
            elif isinstance(member, classmethod) and key[0] != "_" and not hasattr(member.__func__, "__wrapped__"):
                type.__setattr__(value, key, classmethod(_wrapped(member.__func__, f"{name}.{key}")))
    return value


def _wrapped(function: Any, name: str) -> Any:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            # What the function itself raises has a further frame.
            within = error.__traceback__ is None or error.__traceback__.tb_next is not None
            refusal = None if within else _refusal(function, name, args, kwargs)
            if refusal is None:
                raise
        raise refusal

    # Of a file of this name `warnings` passes over the frame: warnings of verbs point at the line of the user.
    found: Any = call
    found.__code__ = found.__code__.replace(co_filename=UNCOUNTED)
    return found


def _refusal(function: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> CallError | None:
    """The sentence for a call that does not fit; None where Python's own will do."""
    taken = list(inspect.signature(function).parameters.values())
    if taken and taken[0].name in ("self", "cls"):
        taken, args = taken[1:], args[1:]
    named = [each.name for each in taken if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    listed = ", ".join(f"`{each}`" for each in named)
    takes_any = any(each.kind is each.VAR_KEYWORD for each in taken)
    unknown = None if takes_any else next((key for key in kwargs if key not in named), None)
    if unknown is not None:
        meant = meant_by(unknown, [each for each in named if each not in kwargs])
        hint = f"Did you mean `{meant}`? It takes" if meant else "Use only what it takes:"
        return CallError(f"Argument `{unknown}` is unknown to ld.{name}. {hint} {listed or 'nothing'}.")
    placed = [each.name for each in taken if each.kind in (each.POSITIONAL_OR_KEYWORD, each.POSITIONAL_ONLY)]
    if len(args) > len(placed) and not any(each.kind is each.VAR_POSITIONAL for each in taken):
        alone = ", ".join(f"`{each}`" for each in placed) or "(none)"
        return CallError(
            f"Arguments {alone} must be the only ones of ld.{name} without a name, but {len(args)} are given. Write "
            f"the others as name=value; it takes {listed or 'nothing'}."
        )
    there = {*placed[: len(args)], *kwargs}
    needed = [each.name for each in taken if each.default is each.empty and each.name in named]
    missing = next((each for each in needed if each not in there), None)
    if missing is None:
        return None
    return CallError(
        f"Argument `{missing}` of ld.{name} must be given, but it is missing. Write {missing}=...; it takes {listed}."
    )


def meant_by(unknown: str, named: list[str]) -> str | None:
    """The argument that somebody means by another name."""
    plain = unknown.lower().replace(" ", "_")
    alike = {each.lower(): each for each in named}
    if plain in alike:
        return alike[plain]
    for other in ALIASES.get(plain, ()):
        if other in named:
            return other
    close = get_close_matches(plain, alike, n=1, cutoff=0.6)
    return alike[close[0]] if close else None
