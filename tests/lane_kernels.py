"""Kernels that apply functions of lanes, or of numbers, to whole arrays, for the tests."""

import numba
import numpy as np

from learndyn.lanes.types import LANES, load, store


def on_numbers(function):
    """A function of an array of numbers from a function of one number in kernels."""

    @numba.njit(error_model="numpy")
    def kernel(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def apply(x):
        x = np.asarray(x, dtype=float)
        out = np.empty(x.size)
        kernel(x.reshape(-1), out)
        return out.reshape(x.shape)

    return apply


def elementwise(function, results=1):
    """A function of an array of numbers from a function of lanes; a tuple of arrays when it has two results."""

    @numba.njit(error_model="numpy")
    def one(x, out):
        for row in range(x.shape[0]):
            store(out, row, function(load(x, row)))

    @numba.njit(error_model="numpy")
    def two(x, first, second):
        for row in range(x.shape[0]):
            a, b = function(load(x, row))
            store(first, row, a)
            store(second, row, b)

    def apply(x):
        x = np.asarray(x, dtype=float)
        rows = np.resize(x, (-(-x.size // LANES), LANES))  # repeats numbers to fill the last row
        outs = [np.empty_like(rows) for _ in range(results)]
        (one if results == 1 else two)(rows, *outs)
        outs = [out.reshape(-1)[: x.size].reshape(x.shape) for out in outs]
        return outs[0] if results == 1 else tuple(outs)

    return apply
