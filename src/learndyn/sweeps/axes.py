"""What a sweep goes over: parameters, their values, and the dims that label them.

A list of values is a dim of its own, named like the parameter. An `xarray.DataArray` with one dim is labelled by that
dim, so that several parameters can go along one dim together, value by value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import shown
from learndyn.errors import InputError

KINDS = {"b": "bool", "i": "int64", "u": "int64", "f": "float64", "U": "str"}


@dataclass(frozen=True)
class Parameter:
    """One swept parameter: its name, the dim along which it goes, its values (a read-only array of one kind)."""

    name: str
    dim: str
    values: np.ndarray

    @property
    def is_category(self) -> bool:
        """Whether its values are words or switches, of which each is a program of its own."""
        return self.values.dtype.kind in "Ub"

    @cached_property
    def digest(self) -> str:
        """A hash of the values."""
        return _digest(self.values)


@dataclass(frozen=True)
class Axes:
    """All swept parameters, and the dims of the sweep in the order in which they were first named."""

    parameters: tuple[Parameter, ...]

    @property
    def names(self) -> list[str]:
        """Names of the parameters."""
        return [parameter.name for parameter in self.parameters]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Length of each dim."""
        return {parameter.dim: len(parameter.values) for parameter in self.parameters}

    @cached_property
    def _place(self) -> dict[str, int]:
        return {dim: place for place, dim in enumerate(self.sizes)}

    def digest(self, name: str) -> list[str]:
        """The dim of a parameter and a hash of its values."""
        parameter = next(each for each in self.parameters if each.name == name)
        return [parameter.dim, parameter.digest]

    def plain(self, block: tuple[slice, ...]) -> dict[str, str]:
        """A hash of the values of each parameter in a block of the sweep."""
        return {each.name: _digest(each.values[block[self._place[each.dim]]]) for each in self.parameters}

    def at(self, place: tuple[int, ...]) -> dict[str, Any]:
        """The value of each parameter at a place, as numbers and words of Python."""
        return {each.name: each.values[place[self._place[each.dim]]].item() for each in self.parameters}

    def coordinates(self) -> dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]:
        """The labels as coordinates of a dataset."""
        return {each.name: ((each.dim,), each.values, {"long_name": each.name}) for each in self.parameters}


def axes_of(over: Any) -> Axes:
    """The axes that a user asks for: a dict of names and values."""
    if not isinstance(over, Mapping) or not over:
        raise InputError(
            f"Argument `over` must be a dict of parameters and their values, but it is {shown(over)}. "
            "Write over={'learning_rate': [0.1, 0.2, 0.5]}."
        )
    axes = Axes(tuple(_parameter(name, value) for name, value in over.items()))
    lengths: dict[str, Parameter] = {}
    for parameter in axes.parameters:
        first = lengths.setdefault(parameter.dim, parameter)
        if len(first.values) != len(parameter.values):
            raise InputError(
                f"Argument `over` must have as many values of `{parameter.name}` as of `{first.name}` along their dim "
                f"{shown(parameter.dim)}, but there are {len(parameter.values)} and {len(first.values)}. "
                "Give as many of both."
            )
        if first.name != parameter.name and parameter.dim in axes.names:
            raise InputError(
                f"Argument `over` must give parameters that go together a dim with a name of its own, but "
                f"{shown(parameter.dim)} is a parameter. Write xarray.DataArray(values, dims='member') for each of "
                "them."
            )
    return axes


def _parameter(name: Any, value: Any) -> Parameter:
    if not isinstance(name, str):
        raise InputError(
            f"Argument `over` must have names of parameters as keys, but one is {shown(name)}. "
            f"Write over={{'learning_rate': [0.1, 0.2]}}."
        )
    dim = name
    if isinstance(value, xr.DataArray):
        if value.ndim != 1:
            raise InputError(
                f"Argument `over` must have values with one dim, but `{name}` is an xarray.DataArray with the dims "
                f"{value.dims}. Give each parameter a dim, or stack them: value.stack(member=(...))."
            )
        dim, value = str(value.dims[0]), value.values
    values = _values(name, value)
    if dim == name and len(np.unique(values)) < len(values):
        raise InputError(
            f"Argument `over` must have different values of `{name}`, but {shown(value)} has one twice. Leave one out."
        )
    return Parameter(name, dim, values)


def _values(name: str, value: Any) -> np.ndarray:
    given = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(given, list | tuple | range) or len(given) == 0:
        raise InputError(
            f"Argument `over` must have a list of values for `{name}`, but it has {shown(value)}. "
            f"Write over={{'{name}': [...]}}."
        )
    kinds = {_kind(each) for each in given}
    found = np.asarray(given) if len(kinds) == 1 or kinds == {int, float} else np.empty((1, 1))
    if found.ndim != 1 or found.dtype.kind not in KINDS:
        raise InputError(
            f"Argument `over` must have numbers or words as values of `{name}`, all of one kind, but it has "
            f"{shown(value)}. Sweep the numbers of arrays and objects, as in 'start.R[1,1]'."
        )
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise InputError(f"Argument `over` must have finite values of `{name}`, but one is NaN or infinite. Remove it.")
    found = found.astype(np.int64) if found.dtype.kind == "u" else found
    found.setflags(write=False)
    return found


def _kind(value: Any) -> type:
    for kind in (bool, np.bool_, str):
        if isinstance(value, kind):
            return kind
    return int if isinstance(value, int | np.integer) else float if isinstance(value, float | np.floating) else object


def _digest(values: np.ndarray) -> str:
    if values.dtype.kind == "U":
        data = "\0".join(values.tolist()).encode()
    else:
        data = np.ascontiguousarray(values).tobytes()
    return f"{values.dtype.kind}{len(values)}:{hashlib.sha256(data).hexdigest()[:16]}"
