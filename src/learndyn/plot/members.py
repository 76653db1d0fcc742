"""What the pictures read off a sweep: its dims, the part of it to be drawn, and how its members ended.

checked     the dataset, refused unless it is a sweep that has the variable
dim_of      the dim along which a parameter goes
chosen      the part that values of other parameters single out, with no other dims left
symbol      of a variable, with the units that are chosen
endings     how each member ended, in words
resolution  below which part of its largest value eps_g is noise
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import did_you_mean, or_list, shown, type_shown
from learndyn.errors import InputError
from learndyn.plot.curves import label_of
from learndyn.results import TIMES, words_of

# A value asked for may be written with two digits.
NEAR = 0.01
LISTED = 6


def checked(result: Any, value: str) -> xr.Dataset:
    """The sweep with no more than the variable and how its members ended."""
    if not is_sweep(result):
        kind = "another dataset" if isinstance(result, xr.Dataset) else type_shown(result)
        raise InputError(
            f"Argument `result` must be a result of ld.sweep, but it is {kind}. Use ld.plot.learning_curve for runs."
        )
    known = [str(name) for name, each in result.data_vars.items() if each.dtype.kind in "iuf" and name != "status"]
    if value not in known:
        raise InputError(
            f"Argument `value` must be {or_list(known)}, a variable of the sweep, but it is {shown(value)}."
            f"{did_you_mean(value, known)}"
        )
    return result[list(dict.fromkeys([value, "status"]))]


def is_sweep(result: Any) -> bool:
    """Whether it is a dataset that says how each of its members ended."""
    return isinstance(result, xr.Dataset) and "status" in result and "flag_meanings" in result["status"].attrs


def sweep_dims(result: xr.Dataset) -> list[str]:
    """The dims of a sweep that are those of its parameters; none of another dataset."""
    return [str(dim) for dim in result["status"].dims] if is_sweep(result) else []


def time_dim(result: xr.Dataset, value: str) -> str | None:
    """The time along which a variable goes; None where it has none."""
    return next((dim for dim in TIMES if dim in result[value].dims), None)


def dim_of(result: xr.Dataset, value: str, name: Any, argument: str) -> str:
    """The dim of a variable that a parameter, or a dim, labels."""
    dims = [str(dim) for dim in result[value].dims]
    if name in dims:
        return str(name)
    labels = {str(key): str(each.dims[0]) for key, each in result.coords.items() if each.ndim == 1}
    if labels.get(name) in dims:
        return labels[name]
    known = list(dict.fromkeys([*dims, *(key for key, dim in labels.items() if dim in dims)]))
    raise InputError(
        f"Argument `{argument}` must be {or_list(known) if known else 'a dim'}, along which `{value}` goes, but it is "
        f"{shown(name)}.{did_you_mean(name, known)}"
    )


def labels_of(result: xr.Dataset, name: str) -> np.ndarray:
    """The values of a parameter, or of a dim; those of a dim without labels are 0, 1, 2, ...."""
    return result[name].values if name in result.coords else np.arange(result.sizes[name])


def chosen(result: xr.Dataset, value: str, axes: dict[str, Any], where: dict[str, Any]) -> xr.Dataset:
    """The part of a sweep in which all parameters but those of `axes` have the values of `where`.

    ``axes`` are the parameters along which the picture goes, by the names of the arguments that ask for them; replicas
    are averaged.
    """
    names = tuple(axes.values())
    kept = {dim_of(result, value, name, argument) for argument, name in axes.items()}
    if len(set(names)) < len(names):
        both = " and ".join(f"`{argument}`" for argument in axes)
        raise InputError(f"Arguments {both} must be different parameters, but both are {shown(names[-1])}. Change one.")
    for name, wanted in where.items():
        dim = _dim_to_choose(result, value, name, names)
        places = _places(labels_of(result, name), wanted, name)
        # A dim of its own is singled out; along a dim that parameters share, several members may have a value.
        result = result.isel({dim: places if dim != name else int(places[0])})
    if "replica" in result[value].dims and "replica" not in kept:
        # A mean over the replicas that were left would be that of other runs.
        means = {
            name: each.mean("replica", skipna=False, keep_attrs=True)
            for name, each in result.data_vars.items()
            if "replica" in each.dims
        }
        result = result.drop_dims("replica").assign(means)
    single = [dim for dim, size in result.sizes.items() if size == 1 and dim not in kept]
    result = result.squeeze(single)
    _refuse_others(result, value, kept, names)
    return result


def _dim_to_choose(result: xr.Dataset, value: str, name: str, names: tuple[str, ...]) -> str:
    """The dim along which a parameter of `where` goes, which must not be one of the picture."""
    if name in names or name in TIMES:
        why = "the picture goes along it" if name in names else "`at` chooses the time"
        raise InputError(f"Argument `{name}` must be left out, because {why}. Leave it out.")
    dims = list(dict.fromkeys([*result["status"].dims, *result[value].dims]))
    labels = {key: each.dims[0] for key, each in result.coords.items() if each.ndim == 1}
    known = [str(each) for each in dict.fromkeys([*dims, *labels]) if each not in (*names, *TIMES)]
    if name not in known:
        raise InputError(
            f"Argument `{name}` must be a parameter or a dim of the sweep that is still to be chosen, "
            f"{or_list(known) if known else 'of which there is none'}.{did_you_mean(name, known)}"
        )
    return str(name if name in dims else labels[name])


def _places(labels: np.ndarray, wanted: Any, name: str) -> np.ndarray:
    """Where a parameter has a value: the same word or whole number, the nearest number within a hundredth."""
    if labels.dtype.kind == "f" and isinstance(wanted, int | float | np.number):
        distance = np.abs(labels - wanted)
        spread = float(np.ptp(labels))
        if distance.min(initial=np.inf) <= NEAR * abs(float(wanted)) + 1e-9 * spread:
            return np.flatnonzero(distance == distance.min())
    elif np.ndim(wanted) == 0:
        places = np.flatnonzero(labels == wanted)
        if len(places):
            return places
    raise InputError(
        f"Argument `{name}` must be one of {_listed(labels)}, but it is {shown(wanted)}. Choose one of these."
    )


def _refuse_others(result: xr.Dataset, value: str, kept: set[str], names: tuple[str, ...]) -> None:
    """Refuse what still has other dims than those of the picture."""
    time = time_dim(result, value)
    for dim in dict.fromkeys([*result[value].dims, *result["status"].dims]):
        name = str(dim)
        if name in kept or name == time:
            continue
        along = [str(key) for key, each in result.coords.items() if each.dims == (dim,) and key != dim]
        labels = labels_of(result, name)
        first = labels[0].item()
        also = f" or by {or_list(along)}" if along else ""
        call = f"{name}={first!r}" if name.isidentifier() else f"**{{{name!r}: {first!r}}}"
        raise InputError(
            f"Argument `{name}` must say which of {_listed(labels)} to draw{also}, but it is not given, and the "
            f"picture has {or_list(list(names))} only. Add {call}."
        )


def _listed(values: np.ndarray) -> str:
    """Values as a sentence shows them: the first few and the last."""
    found = [repr(each) if isinstance(each, str) else f"{each:.6g}" for each in np.unique(values).tolist()]
    return ", ".join(found if len(found) <= LISTED + 1 else [*found[:LISTED], "...", found[-1]])


def symbol(result: xr.Dataset, value: str, where: dict[str, Any]) -> str:
    """The symbol of a variable, with the numbers of units where all are chosen: $R_{12}$."""
    own = [str(dim) for dim in result[value].dims if dim not in (*sweep_dims(result), *TIMES, "replica")]
    numbers = [str(where[dim]) for dim in own if dim in where]
    if not numbers or len(numbers) < len(own):
        return label_of(value)
    return label_of(value, ("" if max(map(len, numbers)) == 1 else ",").join(numbers))


def endings(result: xr.Dataset) -> xr.DataArray:
    """How each member ended, in the words of the engine: "ok", "diverged", ...."""
    status = result["status"]
    known = words_of(status.attrs) | {-1: "missing"}
    found, inverse = np.unique(status.values, return_inverse=True)
    names = np.array([known.get(int(code), "failed") for code in found], dtype=object)
    return status.copy(data=np.asarray(names[inverse], dtype=object).reshape(status.shape))


def resolution(result: xr.Dataset) -> float:
    """The part of its largest value below which a difference of nearly equal numbers, eps_g, is noise."""
    options = json.loads(result.attrs.get("options", "{}"))
    rtol = options.get("rtol", 1e-8)
    return 1e-12 if result.attrs.get("engine") != "theory" or not isinstance(rtol, float) else rtol
