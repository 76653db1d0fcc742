"""One update of a scenario as a plain function, compiled into the simulation engines: the step of an extension.

A kernel receives an `UpdateTag`, without content, whose numba type carries a digest of the function and of all that it
calls, as that of an activation does (`learndyn.activations.compiled`): who edits the function gets a new kernel, never
an old one from numba's cache on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.core.errors import NumbaError
from numba.extending import NativeValue, models, overload, register_model, typeof_impl, unbox

from learndyn.activations import compiled
from learndyn.activations.compiled import LANES_FILES, SCALARS, ScalarsType, _compiled
from learndyn.activations.digest import digest_of, file_digest
from learndyn.arguments import array, shown
from learndyn.errors import InputError
from learndyn.scenarios.microscopic import error_signal

__all__ = ["Update", "update"]

Function = Callable[..., None]

# What a tag's type stands for, by its digest.
_TAGGED: dict[str, Function] = {}


class UpdateTag:
    """Selects an update in a compiled kernel; carries no data."""

    __slots__ = ("digest", "name")

    def __init__(self, function: Function) -> None:
        files = (__file__, str(compiled.__file__), *LANES_FILES)
        text = digest_of(function) + "".join(map(file_digest, files))
        self.name, self.digest = function.__name__, hashlib.sha256(text.encode()).hexdigest()[:16]
        _TAGGED[self.digest] = function


class Update(NamedTuple):
    """The step of a `Process`: which function makes an update, and the numbers that it reads; `update` makes it."""

    tag: UpdateTag
    numbers: np.ndarray


def update(function: Function, numbers: Any = ()) -> Update:
    """The step of a `Process`, from a function that writes what one input does to the student.

        function(numbers, x, y, own, luck, place, delta, change, xp)

    writes the modulation F_i of J_i <- J_i + (eta / N) F_i xi into ``delta`` and, where the student has numbers of its
    own that learn, their directions into ``change``. It is compiled, for one replica and for several at a time: entries
    are read with ``get(x, i)`` and written with ``put(delta, i, value)`` (`learndyn.extending`), functions are those of
    ``xp``, as for an activation, and choices are ``xp.where(condition, a, b)``, never ``if``.

    Parameters
    ----------
    function
        A function of a module, with the arguments above. ``x`` (K,) and ``y`` (M,) are the projections of the input on
        the vectors of student and teacher; ``own`` (E,) the own numbers, or None; the standard normals of this input
        are ``get(luck, place)``, ``get(luck, place + 1)``, ..., as many as `Process.luck` says, ``luck`` is None where
        there are none; ``change`` is None like ``own``.
    numbers
        What the function reads as ``numbers[0]``, ``numbers[1]``, ...: floats, shape (n,). Other numbers need no
        compilation.

    Returns
    -------
    Update
        For `Process.step`.

    Raises
    ------
    InputError
        When the function cannot be compiled, or the numbers are not finite.

    Examples
    --------
    The least mean squares of a linear unit, with label noise:

    >>> from learndyn.extending import get, put, update
    >>> def least_mean_squares(numbers, x, y, own, luck, place, delta, change, xp):
    ...     put(delta, 0, get(y, 0) - get(x, 0) + numbers[0] * get(luck, place))
    >>> update(least_mean_squares, [0.1]).numbers
    array([0.1])
    """
    if not callable(function) or not hasattr(function, "__code__"):
        raise InputError(
            f"Argument `function` must be a function of Python, but it is {shown(function)}. Define it with `def`, at "
            "the top of a module."
        )
    values = array(numbers, "numbers")
    if values.ndim != 1:
        raise InputError(f"Argument `numbers` must be a list of floats, but it has shape {values.shape}. Flatten it.")
    _check_compiles(function)
    return Update(UpdateTag(function), values)


@lru_cache(maxsize=64)
def _check_compiles(function: Function) -> None:
    """Refuse in a sentence what numba would refuse from deep inside an engine."""
    row = types.Array(types.float64, 1, "C")
    try:
        _compiled(function, {}).compile((row, row, row, row, row, types.int64, row, row, ScalarsType()))
    except NumbaError as error:
        reason = [line for line in str(error).strip().splitlines() if line.strip()]
        raise InputError(
            f"Argument `function` must be one that numba can compile, but {function.__name__} is not: "
            f"{reason[1] if len(reason) > 1 else reason[0]} Use get, put, arithmetic and the functions of xp."
        ) from error


class UpdateType(types.Opaque):
    """The numba type of an `UpdateTag`: the digest is its identity, also when pickled."""

    def __init__(self, function: str, digest: str) -> None:
        super().__init__(f"Update({function}, {digest})")
        self.digest = digest


register_model(UpdateType)(models.OpaqueModel)


@typeof_impl.register(UpdateTag)
def _type_of_tag(tag: UpdateTag, context: Any) -> UpdateType:
    return UpdateType(tag.name, tag.digest)


@unbox(UpdateType)
def _unbox_tag(typ: Any, value: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


@overload(error_signal, jit_options={"forceinline": True})
def _update_error_signal(step, x, y, own, luck, place, delta, change):
    if not (isinstance(step, types.NamedTuple) and step.instance_class is Update):
        return None
    function = _compiled(_TAGGED[step.types[0].digest], {})

    def implementation(step, x, y, own, luck, place, delta, change):
        function(step.numbers, x, y, own, luck, place, delta, change, SCALARS)

    return implementation
