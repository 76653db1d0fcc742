"""Vectors of `LANES` numbers inside compiled kernels: a numba type `Lanes` with the operators of a number.

A loop over replicas that the compiler should vectorise by itself stays scalar as soon as it calls a function such as
erf, or stores to one of several arrays. Here a vector is a value: ``a * b + c`` on three of them is one instruction
each where registers are as wide, and two or four where they are not. `Bits` are the same lanes as unsigned integers,
`Mask` the outcome of a comparison in each lane.

    load(array, row), store(array, row, value)    rows of a contiguous array whose last axis has LANES entries
    get(x, i), put(x, i, value)                   the same, or plain numbers of a vector: one source serves both
    select(mask, a, b), all_lanes(mask)           choices; functions: `learndyn.lanes.functions`

Every operation is elementwise: what happens in a lane does not depend on the other lanes, to the last bit. Products and
sums may be fused (one rounding instead of two), nothing is assumed about NaN and infinity.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _typed_intrinsic
from numba.extending import lower_builtin, models, register_model, type_callable

# The decorator's own annotation shows type checkers the arguments of the template.
intrinsic: Any = _typed_intrinsic

LANES = 8
FLAGS = ("contract", "nsz")

_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_INTEGERS = ir.VectorType(ir.IntType(64), LANES)
_BOOLEANS = ir.VectorType(ir.IntType(1), LANES)


class LanesType(types.Type):
    """The numba type of `LANES` float64 numbers."""

    def __init__(self) -> None:
        super().__init__("Lanes")


class BitsType(types.Type):
    """The numba type of `LANES` unsigned integers of 64 bits."""

    def __init__(self) -> None:
        super().__init__("Bits")


class MaskType(types.Type):
    """The numba type of `LANES` truth values."""

    def __init__(self) -> None:
        super().__init__("Mask")


lanes_type, bits_type, mask_type = LanesType(), BitsType(), MaskType()
_VECTORS = {LanesType: _DOUBLES, BitsType: _INTEGERS, MaskType: _BOOLEANS}


def _register(cls: type, vector: Any) -> None:
    class Model(models.PrimitiveModel):
        def __init__(self, dmm: Any, fe_type: Any) -> None:
            super().__init__(dmm, fe_type, vector)

    register_model(cls)(Model)


for _cls, _model in _VECTORS.items():
    _register(_cls, _model)


def is_lanes(typ: Any) -> bool:
    """Whether a numba type is that of lanes of numbers."""
    return isinstance(typ, LanesType)


def _is_number(typ: Any) -> bool:
    return isinstance(types.unliteral(typ), types.Number)


def _vector(context: Any, builder: Any, typ: Any, value: Any, wanted: Any = lanes_type) -> Any:
    """A value as a vector: plain numbers are repeated in all lanes."""
    if type(typ) in _VECTORS:
        return value
    wide, plain = (_DOUBLES, types.float64) if isinstance(wanted, LanesType) else (_INTEGERS, types.uint64)
    number = context.cast(builder, value, typ, plain)
    undefined = ir.Constant(wide, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


# ---- Operators


def _operator(symbols: tuple[Any, ...], of: Any, emit: Callable[..., Any], result: Any = None) -> None:
    """Define an operator between two vectors of type `of`, or a vector and a number.

    Typed and lowered directly: an `overload` would be compiled as a function for each combination of types, which made
    up most of the time that a kernel takes to compile.
    """

    def typer(context: Any) -> Any:
        def result_type(a, b):
            known = [isinstance(typ, type(of)) for typ in (a, b)]
            numbers = [k or _is_number(typ) for k, typ in zip(known, (a, b), strict=True)]
            return (result or of) if any(known) and all(numbers) else None

        return result_type

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, y = (_vector(context, builder, t, v, of) for t, v in zip(signature.args, args, strict=True))
        return emit(builder, x, y)

    for symbol in symbols:
        type_callable(symbol)(typer)
        for pair in ((type(of), type(of)), (type(of), types.Number), (types.Number, type(of))):
            lower_builtin(symbol, *pair)(lower)


def _arithmetic(name: str) -> Callable[..., Any]:
    return lambda builder, x, y: getattr(builder, name)(x, y, flags=FLAGS)


def _compare(symbol: str) -> Callable[..., Any]:
    return lambda builder, x, y: builder.fcmp_ordered(symbol, x, y)


_operator((operator.add, operator.iadd), lanes_type, _arithmetic("fadd"))
_operator((operator.sub, operator.isub), lanes_type, _arithmetic("fsub"))
_operator((operator.mul, operator.imul), lanes_type, _arithmetic("fmul"))
_operator((operator.truediv, operator.itruediv), lanes_type, _arithmetic("fdiv"))
_operator((operator.gt,), lanes_type, _compare(">"), mask_type)
_operator((operator.ge,), lanes_type, _compare(">="), mask_type)
_operator((operator.lt,), lanes_type, _compare("<"), mask_type)
_operator((operator.le,), lanes_type, _compare("<="), mask_type)
_operator((operator.eq,), lanes_type, _compare("=="), mask_type)
_operator((operator.ne,), lanes_type, lambda builder, x, y: builder.fcmp_unordered("!=", x, y), mask_type)
_operator((operator.add,), bits_type, lambda builder, x, y: builder.add(x, y))
_operator((operator.sub,), bits_type, lambda builder, x, y: builder.sub(x, y))
_operator((operator.and_,), bits_type, lambda builder, x, y: builder.and_(x, y))
_operator((operator.or_,), bits_type, lambda builder, x, y: builder.or_(x, y))
_operator((operator.xor,), bits_type, lambda builder, x, y: builder.xor(x, y))
_operator((operator.lshift,), bits_type, lambda builder, x, y: builder.shl(x, y))
_operator((operator.rshift,), bits_type, lambda builder, x, y: builder.lshr(x, y))
_operator((operator.eq,), bits_type, lambda builder, x, y: builder.icmp_unsigned("==", x, y), mask_type)
_operator((operator.and_,), mask_type, lambda builder, x, y: builder.and_(x, y))
_operator((operator.or_,), mask_type, lambda builder, x, y: builder.or_(x, y))


def _unary(symbol: Any, of: Any, emit: Callable[..., Any]) -> None:
    """Define an operator, or a builtin function, of one vector of type `of`."""

    def typer(context: Any) -> Any:
        def result_type(a):
            return of if isinstance(a, type(of)) else None

        return result_type

    type_callable(symbol)(typer)
    lower_builtin(symbol, type(of))(lambda context, builder, signature, args: emit(builder, args[0]))


_unary(operator.neg, lanes_type, lambda builder, x: builder.fneg(x))
_unary(operator.pos, lanes_type, lambda builder, x: x)
_unary(operator.invert, mask_type, lambda builder, x: builder.not_(x))
_unary(abs, lanes_type, lambda builder, x: _call(builder, "fabs", x))


def _times_mask(builder: Any, mask: Any, x: Any) -> Any:
    return builder.fmul(builder.uitofp(mask, _DOUBLES), x)


@type_callable(operator.mul)
def _type_masked(context: Any) -> Any:
    def result_type(a, b):
        masks = [isinstance(typ, MaskType) for typ in (a, b)]
        return lanes_type if sum(masks) == 1 and (is_lanes(a) or is_lanes(b)) else None

    return result_type


@lower_builtin(operator.mul, MaskType, LanesType)
def _masked(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return _times_mask(builder, *args)


@lower_builtin(operator.mul, LanesType, MaskType)
def _masked_from_the_right(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    return _times_mask(builder, args[1], args[0])


# ---- Functions of single instructions


def _call(builder: Any, name: str, *args: Any) -> Any:
    """Call the elementwise LLVM intrinsic of this name."""
    function = ir.FunctionType(_DOUBLES, [_DOUBLES] * len(args))
    called = cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.v{LANES}f64")
    return builder.call(called, list(args))


def _llvm(name: str, arguments: int) -> Any:
    """The elementwise LLVM intrinsic of this name as a function of kernels."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _call(builder, name, *args)

    if arguments == 1:
        return intrinsic(lambda typing, x: (lanes_type(x), codegen))
    return intrinsic(lambda typing, x, y: (lanes_type(x, y), codegen))


sqrt = _llvm("sqrt", 1)
absolute = _llvm("fabs", 1)
copysign = _llvm("copysign", 2)


@intrinsic
def select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """``a`` where the mask is true, else ``b``: lanes or a number each; or of two numbers, for one truth value."""
    vector = isinstance(mask, MaskType)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        mask, *values = args
        if vector:
            a, b = (_vector(context, builder, t, v) for t, v in zip(signature.args[1:], values, strict=True))
        else:
            a, b = (
                context.cast(builder, v, t, types.float64) for t, v in zip(signature.args[1:], values, strict=True)
            )  # fmt: skip
        return builder.select(mask, a, b)

    return (lanes_type if vector else types.float64)(mask, types.unliteral(a), types.unliteral(b)), codegen


@intrinsic
def all_lanes(typing: Any, mask: Any) -> Any:
    """Whether the mask is true in all lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("==", word, ir.Constant(word.type, 2**LANES - 1))

    return types.boolean(mask), codegen


@intrinsic
def in_lane(typing: Any, mask: Any, lane: Any) -> Any:
    """The truth value of one lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], args[1])

    return types.boolean(mask, types.unliteral(lane)), codegen


@intrinsic
def lane_of(typing: Any, x: Any, lane: Any) -> Any:
    """The number in one lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], args[1])

    return types.float64(x, types.unliteral(lane)), codegen


@intrinsic
def with_lane(typing: Any, x: Any, lane: Any, value: Any) -> Any:
    """The lanes with another number in one of them."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.cast(builder, args[2], signature.args[2], types.float64)
        return builder.insert_element(args[0], number, args[1])

    return lanes_type(x, types.unliteral(lane), types.unliteral(value)), codegen


@intrinsic
def as_bits(typing: Any, x: Any) -> Any:
    """The 64 bits of each number, or of one."""
    result, vector = (bits_type, _INTEGERS) if is_lanes(x) else (types.uint64, ir.IntType(64))
    return result(x), lambda context, builder, signature, args: builder.bitcast(args[0], vector)


@intrinsic
def as_numbers(typing: Any, x: Any) -> Any:
    """The numbers that have these bits, or the one."""
    result, vector = (lanes_type, _DOUBLES) if isinstance(x, BitsType) else (types.float64, ir.DoubleType())
    return result(x), lambda context, builder, signature, args: builder.bitcast(args[0], vector)


# ---- Memory


def _pointer(context: Any, builder: Any, signature: Any, args: Any, vector: Any) -> Any:
    """Where row args[1] of the array args[0] begins."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    row = context.cast(builder, args[1], signature.args[1], types.intp)
    start = builder.gep(array.data, [builder.mul(row, ir.Constant(row.type, LANES))])
    return builder.bitcast(start, vector.as_pointer())


def _content(array: Any) -> Any:
    """The type of a row: numbers or bits."""
    return lanes_type if array.dtype == types.float64 else bits_type


def _load(typing: Any, array: Any, row: Any) -> Any:
    """A row of a C-contiguous float64 or uint64 array whose last axis has LANES entries; rows are counted flat."""
    content = _content(array)
    vector = _VECTORS[type(content)]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loaded = builder.load(_pointer(context, builder, signature, args, vector))
        loaded.align = 8
        return loaded

    return content(array, types.unliteral(row)), codegen


def _store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a row, see `load`; a number is written in all lanes."""
    content = _content(array)
    vector = _VECTORS[type(content)]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = _vector(context, builder, signature.args[2], args[2], content)
        stored = builder.store(value, _pointer(context, builder, signature, args, vector))
        stored.align = 8
        return context.get_dummy_value()

    return types.void(array, types.unliteral(row), types.unliteral(value)), codegen


load, store = intrinsic(_load), intrinsic(_store)


def _entry(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """Where entry args[1] of the vector args[0] is."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    index = context.cast(builder, args[1], signature.args[1], types.intp)
    return cgutils.get_item_pointer(context, builder, signature.args[0], array, [index], wraparound=False)


@intrinsic
def get(typing: Any, x: Any, i: Any) -> Any:
    """Entry i of a vector of numbers; or row i of an array whose last axis has LANES entries, as `load`."""
    if x.ndim > 1:
        return _load(typing, x, i)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_entry(context, builder, signature, args))

    return x.dtype(x, types.unliteral(i)), codegen


@intrinsic
def put(typing: Any, x: Any, i: Any, value: Any) -> Any:
    """Write entry i of a vector of numbers; or row i of an array whose last axis has LANES entries, as `store`."""
    if x.ndim > 1:
        return _store(typing, x, i, value)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.cast(builder, args[2], signature.args[2], x.dtype)
        builder.store(number, _entry(context, builder, signature, args[:2]))
        return context.get_dummy_value()

    return types.void(x, types.unliteral(i), types.unliteral(value)), codegen
