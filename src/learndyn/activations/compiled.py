"""Activations inside compiled simulation steps: `g(tag, x)` and `dg(tag, x)` for use in numba kernels.

x is a number, or `Lanes` of numbers (`learndyn.lanes`).

A kernel receives an `ActivationTag`, a value without content whose numba type names the activation. The kernel is
compiled once for each activation, with the text of its g and g' inlined, and kept in numba's disk cache. (A closure
over g would never be cached, and a function passed as a value is called through a pointer.)

numba's cache watches the kernel's own file only. The type of a tag therefore carries a digest of all the text that the
kernel takes from elsewhere: the activation's file, this file, those of the lanes, and the file of the step that uses
it. Editing one of them makes a new type, hence a new entry in the cache, never a stale kernel.

For developers: an activation whose file defines `g(x, xp)` and `dg(x, xp)` needs nothing more to run here, as long as
it asks `xp` only for `pi` and for the functions registered at the end of this file. A function that has no form for
lanes yet is evaluated lane by lane: right, and slow.
"""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from types import CellType, FunctionType
from typing import Any

from numba import njit, types
from numba.core.errors import NumbaError
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
from learndyn.activations.digest import file_digest, globals_of
from learndyn.activations.expressions.tracing import formula_of
from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.lanes import elementary, functions, random
from learndyn.lanes import types as lanes_types
from learndyn.lanes.types import LANES, MaskType, absolute, is_lanes, lane_of, select, with_lane

LANES_FILES = tuple(str(module.__file__) for module in (elementary, functions, random, lanes_types))

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
    with_slope
        Whether the kernel evaluates g' as well.

    Raises
    ------
    InputError
        When g' is known to JAX alone, or a user's function does what compiled code cannot do.
    """

    __slots__ = ("digest", "name")

    def __init__(self, activation: Activation, *source_files: str, with_slope: bool = True) -> None:
        if with_slope and only_in_theory(activation):
            raise InputError(
                f"Activation {shown(activation.name)} cannot be simulated, because its g' could not be derived from "
                "the text of g and is known to theory alone. Give `dg` to ld.new_activation."
            )
        _check_compiles(activation, ("g", "dg") if with_slope else ("g",))
        texts = [activation.digest, *(file_digest(path) for path in (__file__, *LANES_FILES, *source_files))]
        self.name = activation.name
        self.digest = hashlib.sha256("".join(texts).encode()).hexdigest()[:16]
        _TAGGED[self.name, self.digest] = activation

    def __repr__(self) -> str:
        return f"ActivationTag({self.name!r}, {self.digest})"


def only_in_theory(activation: Activation) -> bool:
    """Whether g' comes from automatic differentiation, which compiled steps cannot do."""
    return getattr(activation.functions["dg"], "only_in_theory", False)


@lru_cache(maxsize=64)
def _check_compiles(activation: Activation, parts: tuple[str, ...]) -> None:
    """Refuse a user's function that numba cannot compile, before a kernel is made with it."""
    for part in parts:
        function = activation.functions[part]
        if function.__module__.startswith("learndyn.") or formula_of(function) is not None:
            continue
        try:
            _compiled(function, {}).compile((types.float64, ScalarsType()))
        except NumbaError as error:
            reason = str(error).strip().splitlines()
            raise InputError(
                f"Activation {shown(activation.name)} cannot be simulated, because its {part} cannot be compiled: "
                f"{reason[1] if len(reason) > 1 else reason[0]} "
                "Use numbers and the functions that expressions have (ld.activation)."
            ) from error


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
    function = _compiled(_TAGGED[tag.activation, tag.digest].functions[part], {})

    def implementation(tag: Any, x: Any) -> Any:
        return function(x, SCALARS)

    return implementation


def _compiled(function: Any, done: dict[Any, Any]) -> Any:
    """The function for use in kernels, and with it the plain functions that it calls by name."""
    if function not in done:
        done[function] = function  # one that calls itself ends here

        def of(value: Any) -> Any:
            return _compiled(value, done) if isinstance(value, FunctionType) else value

        # A kernel from the disk cache imports the modules that its functions are of, and a user's may be gone by then.
        # What they take from it is compiled in.
        within = {**function.__globals__, **{name: of(value) for name, value in globals_of(function)}}
        within["__name__"] = __name__
        cells = tuple(CellType(of(cell.cell_contents)) for cell in function.__closure__ or ())
        copy = FunctionType(function.__code__, within, function.__name__, function.__defaults__, cells or None)
        done[function] = njit(copy)
    return done[function]


# ---- What `xp` offers. Elementwise meanings are those of NumPy. (numba wants the same annotations on a template and on
# its implementation; a lambda has none, hence none here.)


@overload_attribute(ScalarsType, "pi")
def _pi(xp):
    return lambda xp: math.pi


def _offer(name: str, function: Any, of_lanes: Any = None) -> None:
    """Make a function of one number, known to numba, a method of `xp`; and its form for lanes, where there is one."""

    def method(xp, x):
        if not is_lanes(x):
            return lambda xp, x: function(x)
        if of_lanes is not None:
            return lambda xp, x: of_lanes(x)
        return one_by_one

    def one_by_one(xp, x):
        for lane in range(LANES):
            x = with_lane(x, lane, function(lane_of(x, lane)))
        return x

    overload_method(ScalarsType, name)(method)


@njit
def _sign(x):
    if x > 0.0:
        return 1.0
    if x < 0.0:
        return -1.0
    return 0.0 * x  # 0, and NaN for NaN


@njit
def _sign_of_lanes(x):
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, 0.0 * x))


for _name, _function, _of_lanes in (
    ("erf", functions.erf, functions.erf),
    ("exp", math.exp, functions.exp),
    ("expm1", elementary.expm1, elementary.expm1),
    ("log", math.log, elementary.log),
    ("log1p", math.log1p, elementary.log1p),
    ("sqrt", math.sqrt, lanes_types.sqrt),
    ("sin", math.sin, elementary.sin),
    ("cos", math.cos, elementary.cos),
    ("tanh", elementary.tanh, elementary.tanh),
    ("sinh", math.sinh, None),
    ("cosh", math.cosh, None),
    ("arctan", math.atan, None),
):
    _offer(_name, _function, _of_lanes)
_offer("abs", abs, absolute)
_offer("sign", _sign, _sign_of_lanes)


@overload_method(ScalarsType, "maximum")
def _maximum(xp, x, y):
    if is_lanes(x):
        return lambda xp, x, y: select(x >= y, x, select(x == x, y, x))
    if is_lanes(y):
        return lambda xp, x, y: select(x >= y, x, select(x < y, y, x + y))
    return lambda xp, x, y: x if x >= y or x != x else y  # x != x: NaN stays


@overload_method(ScalarsType, "minimum")
def _minimum(xp, x, y):
    if is_lanes(x):
        return lambda xp, x, y: select(x <= y, x, select(x == x, y, x))
    if is_lanes(y):
        return lambda xp, x, y: select(x <= y, x, select(x > y, y, x + y))
    return lambda xp, x, y: x if x <= y or x != x else y


@overload_method(ScalarsType, "clip")
def _clip(xp, x, low, high):
    return lambda xp, x, low, high: xp.minimum(xp.maximum(x, low), high)


@overload_method(ScalarsType, "where")
def _where(xp, condition, x, y):
    if isinstance(condition, MaskType):
        return lambda xp, condition, x, y: select(condition, x, y)
    return lambda xp, condition, x, y: x if condition else y
