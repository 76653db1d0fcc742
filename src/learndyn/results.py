"""The labelled result of a run: its schema, its provenance, and saving and loading.

A result is an `xarray.Dataset`. Variables: the scenario's order parameters and observables (`R`, `Q`, `T`, `eps_g`,
...). Dims: the time (`alpha`), the units (`student`, `student2`, `teacher`, `teacher2`, numbered from 1), for a
simulation `replica`, and `N` where it was made for several. One variable is the run's main curve (`main_curve`).
Attributes, all of them strings or numbers so that every file format takes them:

    scenario, start, options, versions, timings    JSON
    engine      "theory", or the method of a simulation: "overlaps", "weights", "diffusion"
    status      "ok", "diverged", "interrupted", ...; message says where and why
    seed        of a simulation
    schema      number of this schema

An attribute of more than `LONG` characters, such as a scenario with a covariance of hundreds of inputs, is a
`LongText`, which prints in short; in a file it is a variable of its own: netCDF takes attributes of 64 kB at most.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import shown, type_shown
from learndyn.errors import InputError, first_line
from learndyn.files import replacing
from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain, start_from_plain, start_to_plain

SCHEMA = 1
# How many sets of labels are kept for the next result with the same ones.
FRAMES = 16
# Attributes longer than this are variables in a file.
LONG = 30_000
IN_FILE, CHARACTERS = "attribute_", "characters"
# What a run is about, the first of these that it has.
MAIN_CURVES = ("eps_g", "alignment", "w_norm", "loss")
TIMES = ("alpha", "t")
PACKAGES = ("learndyn", "numpy", "scipy", "jax", "jaxlib", "diffrax", "numba", "xarray")


class LongText(str):
    """A text that prints as its first characters and its length; all else sees the whole of it."""

    SHOWN = 60

    def __str__(self) -> str:
        return f"{self[: self.SHOWN]}... ({len(self)} characters)"

    def __repr__(self) -> str:
        return f"<{self}>"


def _text(value: Any) -> str:
    """JSON, in short print where it is long."""
    text = json.dumps(value)
    return LongText(text) if len(text) > LONG else text


@lru_cache(maxsize=4)
def _scenario_text(scenario: Any) -> str:
    """The scenario as text; of two million numbers it takes as long as a run, and many runs have the same scenario."""
    return _text(scenario_to_plain(scenario))


@cache
def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of packages, those of learndyn and all that it computes with, looked up once a process."""
    found = {}
    for package in packages:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def trajectory(
    scenario: Any,
    start: Any,
    times: np.ndarray,
    states: np.ndarray,
    *,
    engine: str,
    status: str,
    message: str,
    options: dict[str, Any],
    timings: dict[str, float],
    seed: int | None = None,
    replicas: np.ndarray | None = None,
    observables: dict[str, Any] | None = None,
) -> xr.Dataset:
    """The dataset of flat states of shape (times, n), or (replicas, times, n) from a simulation of these replicas."""
    result = labelled(scenario, scenario.rows(states, times), times, replicas)
    result.attrs = attributes(
        scenario, start, engine=engine, status=status, message=message, options=options, timings=timings, seed=seed
    )
    return result if observables is None else with_observables(result, observables)


def attributes(
    scenario: Any,
    start: Any,
    *,
    status: str,
    message: str,
    options: dict[str, Any],
    engine: str = "theory",
    timings: dict[str, float] | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """What every result carries. What is no run in time says with ``options["quantity"]`` what it is.

    There may be no one start: None.
    """
    found = {
        "schema": SCHEMA,
        "engine": engine,
        "status": status,
        "message": message,
        "scenario": _scenario_text(scenario),
        "options": _text(options),
        "versions": json.dumps(versions()),
        "timings": json.dumps(timings or {}),
    }
    if start is not None:
        found["start"] = _text(start_to_plain(start))
    return found if seed is None else {**found, "seed": str(seed)}


_frames: dict[Any, xr.Dataset] = {}


def labelled(scenario: Any, rows: dict[str, np.ndarray], times: np.ndarray, replicas: np.ndarray | None) -> xr.Dataset:
    """The rows of order parameters and observables at these times as a dataset, (replicas, times, ...) of a simulation.

    Labels and indexes cost as much as solving a small scenario: those of theory are kept.
    """
    if replicas is not None:
        return _dataset(scenario, rows, times, replicas)
    sizes = tuple(len(labels) for labels in scenario.coordinates().values())
    key = (scenario.kind, sizes, tuple((name, row.ndim) for name, row in rows.items()), times.tobytes())
    if key not in _frames:
        if len(_frames) >= FRAMES:
            _frames.pop(next(iter(_frames)))
        # Only labels are kept: one zero stands for all numbers.
        blank = {name: np.broadcast_to(0.0, row.shape) for name, row in rows.items()}
        _frames[key] = _dataset(scenario, blank, times, None)
    return _frames[key].copy(deep=False, data=rows)


def _dataset(scenario: Any, rows: dict[str, np.ndarray], times: np.ndarray, replicas: np.ndarray | None) -> xr.Dataset:
    lead = (scenario.time_name,) if replicas is None else ("replica", scenario.time_name)
    variables = {}
    known = scenario.quantities()
    for name in rows:
        quantity = known[name]
        constant = rows[name].ndim == len(quantity.dims)
        dims = quantity.dims if constant else lead + quantity.dims
        variables[name] = xr.Variable(dims, rows[name], {"long_name": quantity.description, "units": quantity.units})
    time = {"long_name": scenario.time.description, "units": scenario.time.units}
    coordinates = {scenario.time_name: xr.Variable((scenario.time_name,), times, time)}
    for name, labels in scenario.coordinates().items():
        coordinates[name] = xr.Variable((name,), labels)
    if replicas is not None:
        coordinates["replica"] = xr.Variable(("replica",), replicas)
    return xr.Dataset(variables, coordinates)


def main_curve(result: xr.Dataset) -> str:
    """The name of the variable that tells how far learning is: eps_g where there is one, else the alignment, ...."""
    for name in MAIN_CURVES:
        if name in result.data_vars:
            return name
    raise InputError(
        f"Argument `result` must be a run with the variable `eps_g`, `alignment`, `w_norm` or `loss`, but it "
        f"has {', '.join(map(str, result.data_vars)) or 'none'}. Pass the result as the verb gave it."
    )


def time_of(result: xr.Dataset) -> str:
    """The name of the time axis of a run."""
    for dim in TIMES:
        if dim in result.dims:
            return dim
    raise InputError("Argument `result` must be a whole run, but it is a single row. Pass the result before .sel(...).")


def with_observables(result: xr.Dataset, observables: dict[str, Any]) -> xr.Dataset:
    """Add user observables: functions of the dataset that give a DataArray or an array of its leading dims."""
    if not isinstance(observables, dict):
        raise InputError(
            "Argument `observables` must be a dict of names and functions, but it is "
            f"{type_shown(observables)}. Write observables={{'R_11': lambda d: d.R.sel(student=1, teacher=1)}}."
        )
    added = {}
    for name, function in observables.items():
        if name in result.variables or name in result.dims:
            raise InputError(
                f"Argument `observables` has the name {shown(name)}, which the result already uses. Rename it."
            )
        if not callable(function):
            raise InputError(
                f"Argument `observables` must map names to functions, but {shown(name)} maps to {shown(function)}. "
                "Write a function of the result, such as lambda d: d.R[..., 0, 0]."
            )
        value = function(result)
        if not isinstance(value, xr.DataArray):
            main = result[main_curve(result)]
            lead, shape = main.dims, main.shape
            value = np.asarray(value, dtype=float)
            if value.shape != shape:
                raise InputError(
                    f"Observable {shown(name)} must return an xarray.DataArray, or an array with dims {lead} and shape "
                    f"{shape}, but it returned shape {value.shape}. Compute with labels, as in "
                    "result.Q.sel(student=1, student2=1)."
                )
            value = xr.DataArray(value, dims=lead)
        value.attrs.setdefault("long_name", name)
        value.attrs.setdefault("units", "1")
        added[name] = value
    return result.assign(added)


def scenario_of(result: xr.Dataset) -> Any:
    """The scenario that a result was computed from.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), until=1)
    >>> ld.scenario_of(curve) == perceptron
    True
    """
    require_attribute(result, "scenario")
    text = result.attrs["scenario"]
    return _scenario_of_long_text(text) if len(text) > LONG else scenario_from_plain(json.loads(text))


# A picture asks a dozen times, and checking a covariance of hundreds of inputs takes a tenth of a second.
@lru_cache(maxsize=4)
def _scenario_of_long_text(text: str) -> Any:
    return scenario_from_plain(json.loads(text))


def start_of(result: xr.Dataset) -> Any:
    """The start of a result's run.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), until=1)
    >>> ld.start_of(curve) == ld.Start(Q=0.25, R=0.0)
    True
    """
    return start_from_plain(_attribute(result, "start"))


def words_of(attrs: Mapping[Any, Any]) -> dict[int, str]:
    """The word of each code of a variable that says how runs ended, by its attributes."""
    codes = attrs.get("flag_values", ())
    codes = np.atleast_1d(json.loads(codes) if isinstance(codes, str) else codes).tolist()
    return dict(zip(codes, str(attrs.get("flag_meanings", "")).split(), strict=True))


def logarithmic(values: np.ndarray) -> bool:
    """Whether increasing values of a coordinate, three at least, are spaced more evenly in their logarithm."""
    return bool(values[0] > 0.0) and len(values) > 2 and _unevenness(np.log(values)) < _unevenness(values)


def _unevenness(values: np.ndarray) -> float:
    steps = np.diff(values)
    return float(steps.std() / steps.mean())


def is_simulation(result: xr.Dataset) -> bool:
    """Whether a result comes from a simulation, also when its replicas are averaged or one of them is chosen."""
    return result.attrs.get("engine") != "theory"


def _attribute(result: xr.Dataset, name: str) -> Any:
    require_attribute(result, name)
    return json.loads(result.attrs[name])


def require_attribute(result: xr.Dataset, name: str) -> None:
    """Refuse a dataset without an attribute that every result has."""
    if name not in getattr(result, "attrs", ()):
        raise InputError(
            f"Argument `result` must be a result of learndyn, but it has no attribute `{name}`. "
            "Arithmetic in xarray drops attributes: use xr.set_options(keep_attrs=True), or the original result."
        )


def size_of(result: xr.Dataset) -> Any:
    """The input dimension of a simulation: a number, or a list where it holds several."""
    if "N" in result.coords:
        return result["N"].values.tolist()
    return _attribute(result, "options")["N"]


def by_size(result: xr.Dataset) -> list[xr.Dataset]:
    """One result for each N of a simulation of several; otherwise the result itself."""
    if "N" not in result.dims:
        return [result]
    options = _attribute(result, "options")
    return [
        result.sel(N=N).assign_attrs(options=json.dumps(options | {"N": N})) for N in result.indexes["N"].tolist()
    ]  # fmt: skip


def mean_and_error(result: xr.Dataset) -> xr.Dataset:
    """Mean over replicas, and its standard error as ``<name>_error``.

    The standard error is the standard deviation (ddof = 1) over sqrt(replicas); it needs two replicas at least.

    Parameters
    ----------
    result
        A simulation, with the dim ``replica``.

    Returns
    -------
    xarray.Dataset
        Each variable averaged, each with its ``_error``; the attributes are kept.

    Raises
    ------
    InputError
        When there is no dim ``replica`` or only one replica.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> runs = ld.simulate(perceptron, ld.Start(Q=0.25, R=0.0), until=1, N=100, replicas=4, seed=1)
    >>> "eps_g_error" in ld.mean_and_error(runs)
    True
    """
    if "replica" not in result.dims:
        raise InputError(
            "Argument `result` must have the dim `replica`, but it has none: it is not a simulation. "
            "Pass a result of ld.simulate."
        )
    replicas = result.sizes["replica"]
    if replicas < 2:
        raise InputError(
            "Argument `result` must have at least 2 replicas for a standard error, but it has 1. "
            "Simulate more: replicas=10."
        )
    averaged = {}
    for name, variable in result.data_vars.items():
        if "replica" not in variable.dims:
            averaged[name] = variable
            continue
        averaged[name] = variable.mean("replica", keep_attrs=True)
        error = variable.std("replica", ddof=1) / np.sqrt(replicas)
        error.attrs = {
            "long_name": f"standard error of the mean of {name}",
            "units": variable.attrs.get("units", "1"),
        }
        averaged[f"{name}_error"] = error
    return xr.Dataset(averaged, attrs=result.attrs)


def save(result: xr.Dataset, path: str | os.PathLike[str]) -> Path:
    """Save a result as netCDF; `load` gives it back unchanged.

    The file is written beside its place under a temporary name and then renamed: an interrupted save leaves the old
    file as it was.

    Parameters
    ----------
    result
        A result of `solve` or `simulate`.
    path
        Where to; the ending ``.nc`` is usual.

    Returns
    -------
    pathlib.Path
        The path of the file.

    Raises
    ------
    InputError
        When it is no result, or the folder does not exist or cannot be written to.

    Examples
    --------
    >>> import learndyn as ld, tempfile, pathlib
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> curve = ld.solve(perceptron, ld.Start(Q=0.25, R=0.0), until=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = ld.save(curve, pathlib.Path(folder) / "curve.nc")
    ...     ld.load(path).identical(curve)
    True
    """
    if not isinstance(result, xr.Dataset):
        raise InputError(
            f"Argument `result` must be a result of ld.solve or ld.simulate, but it is {type_shown(result)}. "
            "Save the whole dataset."
        )
    for name in ("schema", "scenario"):
        require_attribute(result, name)
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"Argument `path` must lie in an existing folder, but {path.parent} is none. Make it first.")
    if path.is_dir():
        raise InputError(f"Argument `path` must be a file, but {path} is a folder. Add a file name, such as result.nc.")
    with replacing(path) as temporary:
        _long_attributes_as_variables(result).to_netcdf(temporary, engine="h5netcdf")
    return path


def _long_attributes_as_variables(result: xr.Dataset) -> xr.Dataset:
    """The result with each long attribute as the bytes of a variable, compressed."""
    moved = {name: text for name, text in result.attrs.items() if isinstance(text, str) and len(text) > LONG}
    if not moved:
        return result
    found = result.drop_attrs(deep=False).assign_attrs({k: v for k, v in result.attrs.items() if k not in moved})
    for name, text in moved.items():
        # encode() of the plain text: the bytes of a subclass are the same.
        values = np.frombuffer(text.encode(), dtype=np.uint8)
        variable = xr.Variable((f"{CHARACTERS}_{name}",), values, encoding={"zlib": True, "complevel": 4})
        found[f"{IN_FILE}{name}"] = variable
    return found


def _with_long_attributes(found: xr.Dataset) -> xr.Dataset:
    """The inverse of `_long_attributes_as_variables`."""
    names = [str(name) for name in found.data_vars if found[name].dims == (f"{CHARACTERS}_{_moved(name)}",)]
    texts = {_moved(name): LongText(found[name].values.tobytes().decode()) for name in names}
    return found.drop_vars(names).assign_attrs(texts) if names else found


def _moved(name: Any) -> str:
    return str(name).removeprefix(IN_FILE)


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Load a result that `save` wrote.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    xarray.Dataset
        The result with all of its attributes.

    Raises
    ------
    InputError
        When the file is missing, truncated, or no result of learndyn.

    Examples
    --------
    See `save`.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"Argument `path` must be a result file, but {path} {what}. Check the name.")
    try:
        result = _with_long_attributes(xr.load_dataset(path, engine="h5netcdf"))
    except Exception as error:
        raise InputError(
            f"File {path} cannot be read as a result: it is truncated or no netCDF file ({first_line(error)}). "
            "Run the scenario again to make it anew."
        ) from None
    if "schema" not in result.attrs or "scenario" not in result.attrs:
        raise InputError(
            f"File {path} is netCDF, but no result of learndyn: the attributes `schema`, `scenario` are missing. "
            "Give a file that ld.save wrote."
        )
    if int(result.attrs["schema"]) > SCHEMA:
        raise InputError(
            f"File {path} was written by a newer learndyn (schema {result.attrs['schema']}). Update learndyn."
        )
    result.attrs["schema"] = int(result.attrs["schema"])
    return result
