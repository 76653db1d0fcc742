"""What the pictures read off a result: its time axis, its mean and standard error, its name in a legend."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import shown, type_shown
from learndyn.errors import InputError
from learndyn.plot.members import is_sweep, sweep_dims
from learndyn.plot.parameters import decimal, valued
from learndyn.results import (
    TIMES,
    by_size,
    is_simulation,
    main_curve,
    mean_and_error,
    require_attribute,
    scenario_of,
    size_of,
    time_of,
)

# Below this part of its largest value eps_g is a difference of nearly equal numbers: noise, not drawn on log axes.
SIMULATION_FLOOR = 1e-12
# Members of an ensemble, tasks of a sequence: not what replicas are, of which a mean is drawn.
MANY = ("member", "measured_task")


def scenario(result: xr.Dataset) -> Any:
    """The scenario of a result; None where it holds no more than its name, as that of a user's function does.

    None too for a member of a sweep, whose scenario is the one of which numbers were changed.
    """
    require_attribute(result, "scenario")
    if is_sweep(result):
        return None
    try:
        return scenario_of(result)
    except InputError:
        return None


def check_results(results: tuple[Any, ...], name: str, needed: tuple[str, ...] | None = ()) -> tuple[xr.Dataset, ...]:
    """The results, one for each N; refused when one is none, or lacks the variables that are to be drawn.

    Those are the first one's main curve when none are named; with None there are none.
    """
    if not results:
        raise InputError(
            f"Argument `{name}` must hold at least one result of ld.solve or ld.simulate, but it is empty. Add one."
        )
    for result in results:
        if not isinstance(result, xr.Dataset):
            raise InputError(
                f"Argument `{name}` must hold results of ld.solve or ld.simulate, but it holds "
                f"{type_shown(result)}. Pass the dataset itself: ld.plot.learning_curve(result)."
            )
        needed = (main_curve(result),) if needed == () else needed
        missing = [variable for variable in needed or () if variable not in result.data_vars]
        if missing:
            raise InputError(
                f"Argument `{name}` must hold results with the variable `{missing[0]}`, but one has only "
                f"{', '.join(map(str, result.data_vars))}. Leave this one out, or choose another variable."
            )
        require_attribute(result, "scenario")
        if not any(time in result.dims for time in TIMES):
            raise InputError(
                f"Argument `{name}` must hold whole runs, but one is a single row. Pass the result before .sel(...)."
            )
        if dims := sweep_dims(result):
            raise InputError(
                f"Argument `{name}` must hold single runs, but one is a sweep along {', '.join(dims)}. Draw it by "
                f"ld.plot.family(result, along={shown(dims[0])}), or choose one: "
                f"result.isel({{{shown(dims[0])}: 0, ...}})."
            )
        for dim in MANY:
            if dim in result.dims:
                raise InputError(
                    f"Argument `{name}` must hold single runs, but one has many in its dim `{dim}`. Choose one: "
                    f"result.isel({dim}=0)."
                )
    return tuple(single for result in results for single in by_size(result))


def in_units_of_the_rate(results: tuple[xr.Dataset, ...]) -> bool:
    """Whether time is to be drawn as eta alpha: where a gradient flow is among the results, at constant rates."""
    scenarios = [scenario(result) for result in results]
    flows = any(getattr(each, "dynamics", None) == "gradient_flow" for each in scenarios)
    return flows and all(isinstance(each.learning_rate, float) for each in scenarios)


def times(result: xr.Dataset, scaled: bool) -> np.ndarray:
    """The times of a result; eta alpha when `scaled`."""
    values = result[time_of(result)].values
    return values * scenario(result).learning_rate if scaled else values


def time_label(result: xr.Dataset, scaled: bool) -> str:
    """The label of the time axis in the field's notation."""
    if scaled:
        return r"$\eta\alpha$"
    name = time_of(result)
    return r"$\alpha$" if name == "alpha" else f"${name}$"


def mean_with_error(result: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray | None]:
    """A variable averaged over replicas, with the standard error of the mean where it is known."""
    if "replica" not in result.dims:
        error = f"{name}_error"  # from ld.mean_and_error
        return result[name], result[error] if is_simulation(result) and error in result else None
    if result.sizes["replica"] == 1:
        return result[name].isel(replica=0), None
    averaged = mean_and_error(result[[name]])
    return averaged[name], averaged[f"{name}_error"]


def resolved(result: xr.Dataset, values: np.ndarray) -> np.ndarray:
    """The values, NaN where they are below what the run resolves: rtol times the largest, for theory."""
    floor = SIMULATION_FLOOR if is_simulation(result) else json.loads(result.attrs["options"]).get("rtol", 1e-12)
    return np.where(values > floor * np.nanmax(values, initial=0.0), values, np.nan)


def thinned(points: int, markers: int, curve: int = 0, curves: int = 1) -> np.ndarray:
    """Indices of about `markers` of `points` rows, evenly spread; neighbouring curves are staggered."""
    if points <= markers:
        return np.arange(points)
    spacing = (points - 1) / markers
    return np.unique(np.rint(spacing * (np.arange(markers) + (curve + 0.5) / curves)).astype(int))


def legend_labels(results: tuple[xr.Dataset, ...]) -> list[str]:
    """A name for each result: engine and N, and as much of the scenario as is needed to tell them apart."""
    labels = [_engine_label(result) for result in results]
    for more in (_rate_label, _network_label, _seed_label, None):
        if len(set(labels)) == len(labels):
            break
        extra = _member_labels(results) if more is None else [more(result) for result in results]
        if len(set(extra)) > 1:
            labels = [f"{label}, {added}" if added else label for label, added in zip(labels, extra, strict=True)]
    return labels


def _engine_label(result: xr.Dataset) -> str:
    # Where inputs are few, theory is the limit of a small learning rate.
    few = main_curve(result) != "eps_g"
    if not is_simulation(result):
        return r"theory, $\eta\to0$" if few else r"theory, $N\to\infty$"
    runs = result.sizes.get("replica", 1)
    size = _rate_label(result) if few else f"$N={_whole(size_of(result))}$"
    parts = ["simulation", size, f"{runs} runs" if runs > 1 else ""]
    return ", ".join(part for part in parts if part)


def _whole(number: int) -> str:
    """1000 and 10^4 as a paper writes them."""
    exponent = len(str(number)) - 1
    return rf"10^{{{exponent}}}" if exponent >= 4 and number == 10**exponent else str(number)


def _rate_label(result: xr.Dataset) -> str:
    rate = getattr(scenario(result), "learning_rate", None)
    return rf"$\eta={decimal(rate, 6)}$" if isinstance(rate, float) else ""


def _network_label(result: xr.Dataset) -> str:
    known = scenario(result)
    student, units = getattr(known, "student", None), getattr(known, "units", None)
    if student:
        return f"{_apart(student.activation)} $K={known.K}, M={known.M}$"
    if units:
        return f"{_apart(known.activation)} $K=M={units}$"
    return _rule_label(known)


def _apart(activation: str | tuple[str, ...]) -> str:
    """An activation before numbers of units: an expression needs a comma, or K would seem to be part of it."""
    text = activation if isinstance(activation, str) else " and ".join(dict.fromkeys(activation))
    return text if text.isidentifier() else f"{text},"


def _rule_label(known: Any) -> str:
    """Rule and number of inputs of a perceptron that learns classes; the name of a user's rule."""
    label = getattr(getattr(known, "rule", None), "label", None)
    if label is None:
        return getattr(known, "name", "")
    decay = rf", $\lambda={decimal(known.weight_decay, 6)}$" if known.weight_decay else ""
    return f"{label}, $n={known.n}${decay}"


def _seed_label(result: xr.Dataset) -> str:
    return f"seed {result.attrs['seed']}" if "seed" in result.attrs else ""


def _member_labels(results: tuple[xr.Dataset, ...]) -> list[str]:
    """The parameters of each member of a sweep; the numbers of one parameter look alike in all."""
    own: list[dict[str, Any]] = []
    for result in results:
        over = json.loads(result.attrs["options"])["over"] if is_sweep(result) else {}
        own.append({name: result[name].item() for name in over if name in result.coords})
    parts: list[list[str]] = [[] for _ in results]
    for name in dict.fromkeys(name for each in own for name in each):
        places = [place for place, each in enumerate(own) if name in each]
        for place, text in zip(places, valued(name, [own[place][name] for place in places]), strict=True):
            parts[place].append(text)
    return [", ".join(each) for each in parts]


def title(result: xr.Dataset) -> str:
    """The scenario in one line."""
    flow = getattr(scenario(result), "dynamics", None) == "gradient_flow"
    flow = flow or (main_curve(result) != "eps_g" and not is_simulation(result))
    parts = [_network_label(result), r"$\eta\to0$" if flow else _rate_label(result)]
    return ", ".join(part for part in parts if part)
