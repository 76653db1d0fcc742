"""A function of few numbers, written out number by number for lanes side by side.

``jax.vmap`` gives every array of a function a further axis. For the equations of a few order parameters these arrays
are tiny, and XLA's code for their gathers, concatenations and sums goes from number to number: none of it uses vector
registers. Here the function is traced for one lane, and each number in it becomes an array of its own, with one entry
for each lane: what moves numbers disappears, and all arithmetic that is left works on whole lanes.

`unrolled` takes the function, `_Writer` writes it out; `_ELEMENTWISE`, `_SUMS` and `_MOVES` are the operations that it
knows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

# Operations of one lane up to which a function is written out: beyond, it takes long to compile, and arrays are no
# longer tiny.
MOST = 4000

_ELEMENTWISE = frozenset(
    {"abs", "acos", "add", "and", "asin", "atan", "atan2", "bitcast_convert_type", "clamp", "convert_element_type"}
    | {"copysign", "cos", "cosh", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt"}
    | {
        "integer_pow",
        "is_finite",
        "le",
        "log",
        "log1p",
        "logistic",
        "lt",
        "max",
        "min",
        "mul",
        "ne",
        "neg",
        "nextafter",
    }
    | {"not", "or", "pow", "rsqrt", "select_n", "shift_left", "shift_right_arithmetic", "shift_right_logical", "sign"}
    | {"sin", "sinh", "sqrt", "square", "stop_gradient", "sub", "tan", "tanh", "xor"}
)
_SUMS: dict[str, Callable[[Any, Any], Any]] = {
    "reduce_sum": jnp.add,
    "reduce_max": jnp.maximum,
    "reduce_min": jnp.minimum,
    "reduce_prod": jnp.multiply,
    "reduce_and": jnp.logical_and,
    "reduce_or": jnp.logical_or,
}
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}


class _UnknownError(Exception):
    """The function has an operation that is not known here, or too many."""


def unrolled(function: Callable[..., Any], *arguments: Any) -> Any | None:
    """``function`` of lanes, which are the last axis of all ``arguments`` and of the result.

    The function takes and returns arrays, or trees of them. None where it cannot be written out: it has a loop, say, or
    too many operations.
    """
    leaves, tree = jax.tree.flatten(arguments)
    lanes = leaves[0].shape[-1]
    if sum(leaf[..., 0].size for leaf in leaves) > MOST:
        return None
    one = [jax.ShapeDtypeStruct(leaf.shape[:-1], leaf.dtype) for leaf in leaves]
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*jax.tree.unflatten(tree, one))
    writer = _Writer(lanes)
    try:
        found = writer.write(closed.jaxpr, closed.consts, [_apart(leaf) for leaf in leaves])
    except _UnknownError:
        return None
    return jax.tree.unflatten(jax.tree.structure(shape), [writer.together(numbers) for numbers in found])


def _apart(leaf: Any) -> np.ndarray:
    """Each number of an array as one of its own."""
    flat = leaf.reshape(-1, leaf.shape[-1])
    return _array(leaf.shape[:-1], [flat[place] for place in range(len(flat))])


def _array(shape: Any, numbers: Any) -> np.ndarray:
    """An array of objects, also where it has no axes."""
    flat = np.empty(len(numbers), dtype=object)
    for place, number in enumerate(numbers):
        flat[place] = number
    return flat.reshape(shape)


class _Writer:
    """Writes out traced programs. What is the same in all lanes stays a plain array; all else has dtype object."""

    def __init__(self, lanes: int) -> None:
        self._lanes, self._left = lanes, MOST
        self._functions: dict[int, Any] = {}

    def write(self, jaxpr: Any, constants: Any, arguments: list[Any]) -> list[Any]:
        """The results of a program."""
        known = dict(zip(jaxpr.constvars, constants, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))

        def read(variable: Any) -> Any:
            return variable.val if isinstance(variable, core.Literal) else known[variable]

        for equation in jaxpr.eqns:
            known |= zip(equation.outvars, self._equation(equation, [read(x) for x in equation.invars]), strict=True)
        return [read(variable) for variable in jaxpr.outvars]

    def together(self, numbers: Any) -> Any:
        """An array of all lanes, which are its last axis."""
        if not _varies(numbers):
            return jnp.broadcast_to(jnp.asarray(numbers)[..., None], (*np.shape(numbers), self._lanes))
        return jnp.stack([self._lane(x) for x in numbers.reshape(-1)]).reshape(*numbers.shape, self._lanes)

    def _lane(self, number: Any) -> Any:
        return number if jnp.ndim(number) else jnp.full(self._lanes, number)

    def _equation(self, equation: Any, inputs: list[Any]) -> list[Any]:
        primitive, name, parameters = equation.primitive, equation.primitive.name, equation.params
        if name in _CALLS:
            inner = parameters[_CALLS[name]]
            if _is_elementwise(inner):
                return [self._function(inner, inputs)]
            return self.write(inner.jaxpr, inner.consts, inputs)
        if name == "platform_index":
            return [_platform(parameters["platforms"])]
        if name == "cond" and not _varies(inputs[0]):
            branch = parameters["branches"][int(inputs[0])]
            return self.write(branch.jaxpr, branch.consts, inputs[1:])
        if not any(map(_varies, inputs)):
            return _computed(primitive, parameters, list(map(np.asarray, inputs)))
        if name == "gather" and not _varies(inputs[1]):
            return [_gathered(inputs[0], np.asarray(inputs[1]), parameters)]
        if name in _MOVES:
            return _MOVES[name](parameters, *(x if _varies(x) else _plain(x) for x in inputs))
        if name in _ELEMENTWISE:
            return [self._elementwise(primitive, parameters, inputs, equation.outvars[0].aval.shape)]
        if name in _SUMS:
            return [self._reduced(inputs[0], parameters["axes"], _SUMS[name])]
        if name == "dot_general":
            return [self._product(*inputs, *parameters["dimension_numbers"])]
        raise _UnknownError(name)

    def _spend(self, operations: int) -> None:
        self._left -= operations
        if self._left < 0:
            raise _UnknownError("too many operations")

    def _elementwise(self, primitive: Any, parameters: dict[str, Any], inputs: list[Any], shape: Any) -> np.ndarray:
        rows = self._rows(inputs, shape)
        self._spend(len(rows))
        return _array(shape, [primitive.bind(*row, **parameters) for row in rows])

    def _rows(self, inputs: list[Any], shape: Any) -> list[tuple[Any, ...]]:
        """The arguments of each number of the result."""
        flat = [np.broadcast_to(x if _varies(x) else _plain(x), shape).reshape(-1) for x in inputs]
        return [tuple(map(self._lane, row)) for row in zip(*flat, strict=True)]

    def _function(self, inner: Any, inputs: list[Any]) -> np.ndarray:
        """A call of an elementwise function: it is traced once, and called for each number."""
        if id(inner) not in self._functions:
            self._functions[id(inner)] = (jax.jit(partial(_of_one_number, inner.jaxpr)), inner)
        function, _ = self._functions[id(inner)]
        shape = inner.jaxpr.outvars[0].aval.shape
        rows = self._rows(inputs, shape)
        self._spend(len(rows) * len(inner.jaxpr.eqns))
        return _array(shape, [function(*row) for row in rows])

    def _reduced(self, array: Any, axes: tuple[int, ...], add: Callable[[Any, Any], Any]) -> np.ndarray:
        kept = [axis for axis in range(array.ndim) if axis not in axes]
        shape = tuple(array.shape[axis] for axis in kept)
        rows = array.transpose(*kept, *axes).reshape(int(np.prod(shape)), -1)
        self._spend(rows.size)
        return _array(shape, [reduce(add, row) for row in rows])

    def _product(self, a: Any, b: Any, contracted: Any, batch: Any) -> np.ndarray:
        """A product of matrices, or of stacks of them, as sums."""
        (a_sum, b_sum), (a_batch, b_batch) = contracted, batch
        a, b = (x if _varies(x) else _plain(x) for x in (a, b))
        a_rest = [axis for axis in range(a.ndim) if axis not in (*a_sum, *a_batch)]
        b_rest = [axis for axis in range(b.ndim) if axis not in (*b_sum, *b_batch)]
        shape = tuple(x.shape[axis] for x, axes in ((a, a_batch), (a, a_rest), (b, b_rest)) for axis in axes)
        length = int(np.prod([a.shape[axis] for axis in a_sum]))
        stacks = int(np.prod([a.shape[axis] for axis in a_batch]))
        a = a.transpose(*a_batch, *a_rest, *a_sum).reshape(stacks, -1, 1, length)
        b = b.transpose(*b_batch, *b_rest, *b_sum).reshape(stacks, 1, -1, length)
        self._spend(2 * a.shape[1] * b.size)
        both = np.broadcast_arrays(a, b)
        rows = [x * y for x, y in zip(*(x.reshape(-1) for x in both), strict=True)]
        return self._reduced(_array(both[0].shape, rows), (3,), jnp.add).reshape(shape)


def _is_elementwise(closed: Any) -> bool:
    """Whether a program does the same with each number of its arguments, which have one shape or are single numbers."""
    jaxpr = closed.jaxpr
    if closed.consts or len(jaxpr.outvars) != 1 or not jaxpr.eqns:
        return False
    shape = jaxpr.outvars[0].aval.shape
    variables = [x for equation in jaxpr.eqns for x in (*equation.invars, *equation.outvars)]
    if any(x.aval.shape not in ((), shape) for x in (*jaxpr.invars, *variables)):
        return False
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in _CALLS:
            if not _is_elementwise(equation.params[_CALLS[name]]):
                return False
        elif name not in _ELEMENTWISE and name != "broadcast_in_dim":
            return False
    return True


def _of_one_number(jaxpr: Any, *numbers: Any) -> Any:
    """An elementwise program for one number of each argument, of all lanes."""
    known = dict(zip(jaxpr.invars, numbers, strict=True))
    lanes = numbers[0].shape
    for equation in jaxpr.eqns:
        inputs = [x.val if isinstance(x, core.Literal) else known[x] for x in equation.invars]
        name, found = equation.primitive.name, inputs[0]
        if name in _CALLS:
            found = _of_one_number(equation.params[_CALLS[name]].jaxpr, *(jnp.broadcast_to(x, lanes) for x in inputs))
        elif name != "broadcast_in_dim":
            found = equation.primitive.bind(*(jnp.broadcast_to(x, lanes) for x in inputs), **equation.params)
        known[equation.outvars[0]] = found
    return known[jaxpr.outvars[0]]


# What moves numbers: the operation's parameters, and arrays of anything.
_MOVES: dict[str, Callable[..., list[np.ndarray]]] = {
    "broadcast_in_dim": lambda p, x: [_broadcast(x, p["shape"], p["broadcast_dimensions"])],
    "concatenate": lambda p, *arrays: [np.concatenate(arrays, p["dimension"])],
    "copy": lambda p, x: [x],
    "reshape": lambda p, x: [x.reshape(p["new_sizes"])],
    "rev": lambda p, x: [np.flip(x, p["dimensions"])],
    "slice": lambda p, x: [x[tuple(map(slice, p["start_indices"], p["limit_indices"], p["strides"] or [1] * x.ndim))]],
    "split": lambda p, x: np.split(x, np.cumsum(p["sizes"])[:-1], p["axis"]),
    "stack": lambda p, *arrays: [np.stack(arrays, p["axis"])],
    "squeeze": lambda p, x: [np.squeeze(x, p["dimensions"])],
    "transpose": lambda p, x: [np.transpose(x, p["permutation"])],
}
# What indices are made of, in NumPy: XLA would compile a program for each.
_CONSTANTS: dict[str, Callable[..., Any]] = {
    "add": lambda p, x, y: x + y,
    "convert_element_type": lambda p, x: x.astype(p["new_dtype"]),
    "eq": lambda p, x, y: x == y,
    "iota": lambda p: _iota(p["shape"], p["dimension"], p["dtype"]),
    "lt": lambda p, x, y: x < y,
    "mul": lambda p, x, y: x * y,
    "select_n": lambda p, which, *cases: np.choose(which.astype(int), cases),
    "sub": lambda p, x, y: x - y,
}


def _broadcast(x: np.ndarray, shape: Any, dimensions: Any) -> np.ndarray:
    """Let the axes of x be these of a larger array."""
    sizes = [1] * len(shape)
    for size, dimension in zip(x.shape, dimensions, strict=True):
        sizes[dimension] = size
    return np.broadcast_to(x.reshape(sizes), shape)


def _iota(shape: Any, dimension: int, dtype: Any) -> np.ndarray:
    sizes = [size if axis == dimension else 1 for axis, size in enumerate(shape)]
    return np.broadcast_to(np.arange(shape[dimension], dtype=dtype).reshape(sizes), shape)


def _gathered(x: np.ndarray, indices: np.ndarray, parameters: dict[str, Any]) -> np.ndarray:
    """The numbers at constant indices within the array."""
    numbers, sizes = parameters["dimension_numbers"], parameters["slice_sizes"]
    starts = np.zeros((*indices.shape[:-1], x.ndim), dtype=int)
    starts[..., list(numbers.start_index_map)] = indices
    if numbers.operand_batching_dims or (starts < 0).any() or (starts + np.array(sizes) > x.shape).any():
        raise _UnknownError("gather")
    # The places of all slices, the gathered axes first; then the axes of a slice go where they belong.
    window = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1)
    places = starts.reshape(*indices.shape[:-1], *[1] * x.ndim, x.ndim) + window
    found = x[tuple(np.moveaxis(places, -1, 0))]
    first = indices.ndim - 1
    found = found.reshape(*found.shape[:first], *np.delete(sizes, numbers.collapsed_slice_dims).astype(int).tolist())
    return np.moveaxis(found, range(first, found.ndim), numbers.offset_dims)


def _computed(primitive: Any, parameters: dict[str, Any], inputs: list[np.ndarray]) -> list[Any]:
    """The operation on numbers that are known now."""
    name = primitive.name
    if name in _MOVES:
        return _MOVES[name](parameters, *inputs)
    if name in _CONSTANTS:
        return [np.asarray(_CONSTANTS[name](parameters, *inputs))]
    if name == "gather":
        return [_gathered(inputs[0], inputs[1], parameters)]
    with jax.ensure_compile_time_eval():
        found = primitive.bind(*map(jnp.asarray, inputs), **parameters)
    return [np.asarray(x) for x in (found if primitive.multiple_results else [found])]


def _platform(platforms: Any) -> np.ndarray:
    """Which of the groups of platforms this process computes on; None stands for all others."""
    here = {"gpu": {"gpu", "cuda", "rocm"}}.get(jax.default_backend(), {jax.default_backend()})
    return np.array(next(place for place, names in enumerate(platforms) if names is None or here & set(names)))


def _varies(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == object


def _plain(array: Any) -> np.ndarray:
    """A concrete array, its numbers as NumPy scalars of their own type."""
    concrete = np.asarray(array)
    return _array(concrete.shape, list(concrete.reshape(-1)))
