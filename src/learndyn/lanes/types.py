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
from numba.extending import models, overload, register_model

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
    """Define an operator between two vectors of type `of`, or a vector and a number."""

    @intrinsic
    def apply(typing: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            x, y = (_vector(context, builder, t, v, of) for t, v in zip(signature.args, args, strict=True))
            return emit(builder, x, y)

        return (result or of)(types.unliteral(a), types.unliteral(b)), codegen

    def template(a, b):
        known = [isinstance(typ, type(of)) for typ in (a, b)]
        if any(known) and all(k or _is_number(typ) for k, typ in zip(known, (a, b), strict=True)):
            return lambda a, b: apply(a, b)
        return None

    for symbol in symbols:
        overload(symbol)(template)


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


@intrinsic
def _negative(typing: Any, a: Any) -> Any:
    return lanes_type(a), lambda context, builder, signature, args: builder.fneg(args[0])


@overload(operator.neg)
def _neg(a):
    return (lambda a: _negative(a)) if is_lanes(a) else None


# ---- Functions of single instructions


def _llvm(name: str, arguments: int) -> Any:
    """The elementwise LLVM intrinsic of this name."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = ir.FunctionType(_DOUBLES, [_DOUBLES] * arguments)
        called = cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.v{LANES}f64")
        return builder.call(called, list(args))

    if arguments == 1:
        return intrinsic(lambda typing, x: (lanes_type(x), codegen))
    return intrinsic(lambda typing, x, y: (lanes_type(x, y), codegen))


sqrt = _llvm("sqrt", 1)
absolute = _llvm("fabs", 1)
copysign = _llvm("copysign", 2)


@intrinsic
def _select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b = (_vector(context, builder, t, v) for t, v in zip(signature.args[1:], args[1:], strict=True))
        return builder.select(args[0], a, b)

    return lanes_type(mask, types.unliteral(a), types.unliteral(b)), codegen


def select(mask: Any, a: Any, b: Any) -> Any:
    """``a`` where the mask is true, else ``b``; lanes, or one number; in kernels only."""
    raise NotImplementedError("only inside numba kernels")


@overload(select)
def _select_either(mask, a, b):
    if isinstance(mask, MaskType):
        return lambda mask, a, b: _select(mask, a, b)
    return lambda mask, a, b: a if mask else b


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


@intrinsic
def load(typing: Any, array: Any, row: Any) -> Any:
    """A row of a C-contiguous float64 or uint64 array whose last axis has LANES entries; rows are counted flat."""
    content = _content(array)
    vector = _VECTORS[type(content)]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        loaded = builder.load(_pointer(context, builder, signature, args, vector))
        loaded.align = 8
        return loaded

    return content(array, types.unliteral(row)), codegen


@intrinsic
def store(typing: Any, array: Any, row: Any, value: Any) -> Any:
    """Write a row, see `load`; a number is written in all lanes."""
    content = _content(array)
    vector = _VECTORS[type(content)]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = _vector(context, builder, signature.args[2], args[2], content)
        stored = builder.store(value, _pointer(context, builder, signature, args, vector))
        stored.align = 8
        return context.get_dummy_value()

    return types.void(array, types.unliteral(row), types.unliteral(value)), codegen


def get(x: Any, i: int) -> Any:
    """Entry i of a vector, or row i of a (rows, LANES) array as lanes; in kernels only."""
    raise NotImplementedError("only inside numba kernels")


def put(x: Any, i: int, value: Any) -> None:
    """Write entry i of a vector, or row i of a (rows, LANES) array; in kernels only."""
    raise NotImplementedError("only inside numba kernels")


@overload(get)
def _get(x, i):
    if x.ndim == 1:
        return lambda x, i: x[i]
    return lambda x, i: load(x, i)


@overload(put)
def _put(x, i, value):
    if x.ndim == 1:

        def write(x, i, value):
            x[i] = value

        return write
    return lambda x, i, value: store(x, i, value)
