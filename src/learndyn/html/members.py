"""The single runs of a result, their curves panel by panel, and the sliders that choose among them.

A run is one member without a slider. The dims of a sweep, or the N of a simulation of several, are a slider each.
Replicas are averaged, and the standard error of their mean is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import type_shown
from learndyn.errors import InputError
from learndyn.origin import is_sweep
from learndyn.results import MAIN_CURVES, TIMES, is_simulation, require_attribute, time_of, words_of
from learndyn.scenarios.classification.data import DataClassification

# What is drawn below the main curve, in this order, each in a panel of its own.
BELOW = ("alignment", "R", "S", "Q", "C", "w", "theta", "eta", "u", "w_norm", "accuracy", "trace_cov")
# What is drawn beside a variable, in its panel.
BESIDE = {"eps_g": ("train_error",), "accuracy": ("test_accuracy",), "test_accuracy": ("accuracy",)}
# What comes first, whatever else there is: who learns rows of data wants to know how many are told apart, of those
# held out before all.
HEADLINES = {DataClassification.kind: ("test_accuracy", "accuracy")}
# More modes than these cannot be told apart, and weights of single inputs mean little.
MODES, LEFT_OUT = 8, ("input", "layer")
FEWEST_TIMES = 2
# Below this part of its largest value a simulation's error is a difference of nearly equal numbers.
SIMULATION_FLOOR = 1e-12


@dataclass(frozen=True)
class Members:
    """What a page shows of a result: ``panels`` are groups of names of variables, ``dims`` those with a slider."""

    result: xr.Dataset
    panels: tuple[tuple[str, ...], ...]
    dims: tuple[str, ...]

    @classmethod
    def of(cls, result: Any) -> Members:
        """The members of a result of `solve`, `simulate` or `sweep`.

        Raises
        ------
        InputError
            When it is no such result, or has nothing that changes with time.
        """
        _check(result)
        dims = [str(dim) for dim in result["status"].dims] if is_sweep(result) else []
        dims += [dim for dim in ("N",) if dim in result.dims and dim not in dims]
        sizes = {str(dim): size for dim, size in result.sizes.items()}
        along = {str(name): tuple(map(str, each.dims)) for name, each in result.data_vars.items()}
        numbers = {name: own for name, own in along.items() if result[name].dtype.kind == "f"}
        headline = HEADLINES.get(json.loads(result.attrs["scenario"])["kind"], ())
        panels = panels_of(numbers, sizes, headline)
        if not panels:
            raise InputError(
                f"Argument `result` must have a variable that changes with time, such as `eps_g`, but it has "
                f"{', '.join(along) or 'none'}. Compute it without `observables`."
            )
        kept = [name for panel in panels for name in panel]
        own = [name for name in ("status", "message", "end") if name in result and is_sweep(result)]
        return cls(_loaded(result[[*kept, *own]]), panels, tuple(dims))

    @cached_property
    def time(self) -> str:
        """The name of time."""
        return time_of(self.result)

    @cached_property
    def sample(self) -> xr.Dataset:
        """The first member, which has the dims and labels of all."""
        return self.result.isel(dict.fromkeys(self.dims, 0))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many values each slider has."""
        return tuple(self.result.sizes[dim] for dim in self.dims)

    def places(self) -> Iterator[dict[str, int]]:
        """The places of all members, the last slider fastest."""
        for place in product(*map(range, self.shape)):
            yield dict(zip(self.dims, place, strict=True))

    def curves(self) -> list[list[Any]]:
        """The curves of each panel: what to select, name and look."""
        from learndyn.plot.curves import curves_of

        return [curves_of(self.sample, names) for names in self.panels]

    def numbers(self, curves: list[list[Any]], suffix: str = "") -> np.ndarray:
        """All values as (members, curves, times); with the suffix ``_error`` their standard errors."""
        rows = []
        for curve in (each for panel in curves for each in panel):
            name = f"{curve.variable}{suffix}"
            if name in self.result:
                values = self.result[name].sel(curve.select).transpose(*self.dims, self.time).values
            else:
                values = np.full((*self.shape, self.result.sizes[self.time]), np.nan)
            rows.append(values.reshape(-1, self.result.sizes[self.time]))
        return np.stack(rows, axis=1)

    def endings(self) -> list[dict[str, str]]:
        """Status and message of each member."""
        if "status" not in self.result:
            own = {"status": str(self.result.attrs["status"]), "message": str(self.result.attrs["message"])}
            return [own for _ in self.places()]
        words = words_of(self.result["status"].attrs) | {-1: "missing"}
        status = self.result["status"].transpose(*self.dims).values.reshape(-1).tolist()
        messages = self.result["message"].transpose(*self.dims).values.reshape(-1).tolist()
        return [
            {"status": words.get(int(code), "failed"), "message": str(said)}
            for code, said in zip(status, messages, strict=True)
        ]

    def floor(self) -> float:
        """The part of its largest value below which an error is noise."""
        if is_simulation(self.result):
            return SIMULATION_FLOOR
        rtol = json.loads(self.result.attrs["options"]).get("rtol", 1e-8)
        return float(rtol) if isinstance(rtol, float) else 1e-8


def panels_of(
    along: dict[str, tuple[str, ...]], sizes: dict[str, int], headline: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], ...]:
    """The panels that variables with these dims give: the headline or the main curve first, then what lies under it."""
    drawn = [
        name
        for name, dims in along.items()
        if any(time in dims for time in TIMES)
        and not name.endswith("_error")
        and not any(dim in LEFT_OUT for dim in dims)
        and not ("mode" in dims and sizes["mode"] > MODES)
    ]
    main = next((name for name in (*headline, *MAIN_CURVES) if name in drawn), None)
    panels: list[tuple[str, ...]] = []
    for name in ([] if main is None else [main]) + [name for name in BELOW if name in drawn]:
        if not any(name in panel for panel in panels):
            panels.append((name, *(other for other in BESIDE.get(name, ()) if other in drawn)))
    return tuple(panels or [(name,) for name in drawn])


def _check(result: Any) -> None:
    """Refuse what is no run in time and no sweep."""
    if not isinstance(result, xr.Dataset):
        raise InputError(
            f"Argument `result` must be a result of ld.solve, ld.simulate or ld.sweep, but it is "
            f"{type_shown(result)}. Compute it first, as in ld.solve(scenario, start, until=100)."
        )
    for name in ("scenario", "options"):
        require_attribute(result, name)
    quantity = json.loads(result.attrs["options"]).get("quantity")
    if quantity not in (None, "sweep") or "measured_task" in result.dims:
        what = quantity.replace("_", " ") if quantity else "sequence of tasks"
        raise InputError(
            f"Argument `result` must be a run of a single task or a sweep of such runs, but it is a {what}. "
            "Pass a result of ld.solve, ld.simulate or ld.sweep."
        )
    if result.sizes[time_of(result)] < FEWEST_TIMES:
        raise InputError(
            f"Argument `result` must have at least {FEWEST_TIMES} times to show a curve, but it has "
            f"{result.sizes[time_of(result)]}. Ask for more with save_at."
        )


def _loaded(result: xr.Dataset) -> xr.Dataset:
    """The values in memory; of replicas their mean and, of two at least, its standard error."""
    result = result.load()
    if "replica" not in result.dims:
        return result
    replicas = result.sizes["replica"]
    found = {}
    for name, each in result.data_vars.items():
        if "replica" not in each.dims:
            found[name] = each
            continue
        # A mean over the replicas that were left would be that of other runs: NaN stays.
        found[name] = each.mean("replica", skipna=False, keep_attrs=True)
        if replicas > 1 and each.dtype.kind == "f":
            found[f"{name}_error"] = each.std("replica", ddof=1, skipna=False) / np.sqrt(replicas)
    return xr.Dataset(found, attrs=result.attrs)
