"""Activations inside compiled simulation steps: `g(tag, x)` and `dg(tag, x)` for use in numba kernels.

A kernel receives an `ActivationTag`, a value without content whose numba type names the activation. The kernel is
compiled once for each activation, with the text of its g and g' inlined, and kept in numba's disk cache. (A closure
over g would never be cached, and a function passed as a value is called through a pointer.)

numba's cache watches the kernel's own file only. The type of a tag therefore carries a digest of all the text that the
kernel takes from elsewhere: the activation's file, this file, and the file of the step that uses it. Editing one of
them makes a new type, hence a new entry in the cache, never a stale kernel.

For developers: an activation whose file defines `g(x, xp)` and `dg(x, xp)` needs nothing more to run here, as long as
it asks `xp` only for `pi` and for the functions registered at the end of this file.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.core.imputils import lower_constant
from numba.extending import (
    NativeValue,
    models,
    overload,
    overload_attribute,
    overload_method,
    register_model,
    typeof_impl,
    unbox,
)

from learndyn.activations.base import Activation

# What a tag's type stands for, by (name, digest). The entry is there whenever a kernel is compiled, because the value
# that selects the kernel is a tag; a kernel that comes from the disk cache does not need it.
_TAGGED: dict[tuple[str, str], Activation] = {}


class ActivationTag:
    """Selects an activation in a compiled kernel; carries no data.

    Parameters
    ----------
    activation
        The activation that `g(tag, x)` and `dg(tag, x)` evaluate.
    source_files
        Further files whose text ends up in the kernel but which numba does not watch (a step passes its own
        ``__file__``).
    """

    __slots__ = ("digest", "name")

    def __init__(self, activation: Activation, *source_files: str) -> None:
        texts = [activation.digest, *(file_digest(path) for path in (__file__, *source_files))]
        self.name = activation.name
        self.digest = hashlib.sha256("".join(texts).encode()).hexdigest()[:16]
        _TAGGED[self.name, self.digest] = activation

    def __repr__(self) -> str:
        return f"ActivationTag({self.name!r}, {self.digest})"


@lru_cache(maxsize=64)
def file_digest(path: str) -> str:
    """SHA-256 of a file's bytes (a module is read once: its functions do not change after import either)."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def g(tag: ActivationTag, x: float) -> float:
    """The activation function inside a kernel."""
    raise NotImplementedError("only inside numba kernels; use Activation.g")


def dg(tag: ActivationTag, x: float) -> float:
    """The derivative g' inside a kernel."""
    raise NotImplementedError("only inside numba kernels; use Activation.dg")


class ActivationType(types.Opaque):
    """The numba type of an `ActivationTag`: name and digest are its identity, also when pickled."""

    def __init__(self, activation: str, digest: str) -> None:
        super().__init__(f"Activation({activation}, {digest})")
        self.activation = activation
        self.digest = digest


class ScalarsType(types.Opaque):
    """The numba type of the scalar namespace `SCALARS` that a compiled g and g' receive as `xp`."""

    def __init__(self) -> None:
        super().__init__("learndyn.Scalars")


class Scalars:
    """The namespace `xp` for scalars: has a meaning inside kernels only."""


SCALARS = Scalars()
register_model(ActivationType)(models.OpaqueModel)
register_model(ScalarsType)(models.OpaqueModel)


@typeof_impl.register(ActivationTag)
def _type_of_tag(tag: ActivationTag, context: Any) -> ActivationType:
    return ActivationType(tag.name, tag.digest)


@typeof_impl.register(Scalars)
def _type_of_scalars(scalars: Scalars, context: Any) -> ScalarsType:
    return ScalarsType()


@unbox(ActivationType)
def _unbox_tag(typ: Any, value: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


@lower_constant(ScalarsType)
def _constant_scalars(context: Any, builder: Any, typ: Any, value: Any) -> Any:
    return context.get_dummy_value()


@overload(g)
def _compile_g(tag: Any, x: Any) -> Any:
    return _compile(tag, "g")


@overload(dg)
def _compile_dg(tag: Any, x: Any) -> Any:
    return _compile(tag, "dg")


def _compile(tag: Any, part: str) -> Any:
    """The implementation of g or dg for a tag's type: the activation's plain function with `xp` = SCALARS."""
    if not isinstance(tag, ActivationType):
        return None
    function = njit(_TAGGED[tag.activation, tag.digest].functions[part])

    def implementation(tag: Any, x: Any) -> Any:
        return function(x, SCALARS)

    return implementation


# ---- What `xp` offers. Elementwise meanings are those of NumPy. (numba wants the same annotations on a template and on
# its implementation; a lambda has none, hence none here.)


@overload_attribute(ScalarsType, "pi")
def _pi(xp):
    return lambda xp: math.pi


def _offer(name: str, function: Any) -> None:
    """Make a function of one number, known to numba, a method of `xp`."""

    def method(xp, x):
        return lambda xp, x: function(x)

    overload_method(ScalarsType, name)(method)


@njit
def _sign(x):
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return 0.0 * x  # 0, and NaN for NaN


for _function in (
    math.erf,
    math.exp,
    math.expm1,
    math.log,
    math.log1p,
    math.sqrt,
    math.sin,
    math.cos,
    math.tanh,
):
    _offer(_function.__name__, _function)
_offer("abs", abs)
_offer("sign", _sign)


@overload_method(ScalarsType, "maximum")
def _maximum(xp, x, y):
    return lambda xp, x, y: x if x >= y or x != x else y  # x != x: NaN stays


@overload_method(ScalarsType, "minimum")
def _minimum(xp, x, y):
    return lambda xp, x, y: x if x <= y or x != x else y


@overload_method(ScalarsType, "where")
def _where(xp, condition, x, y):
    return lambda xp, condition, x, y: x if condition else y
