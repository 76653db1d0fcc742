"""What an analysis found, in a few lines of text: numbers by name, and a table along each of its dims.

For results that are not runs: fixed points, branches, plateaus, escape times, learning rates, phase diagrams.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

# Rows and columns of a table.
ROWS, WIDTH = 20, 118
# Single numbers beside the variables: attributes of fixed points.
NUMBERS = ("kind", "unstable", "marginal", "residual", "distance", "event")
# What only a program asks for.
LEFT_OUT = ("residual", "distance", "note", "how", "first")


def is_run(result: Any) -> bool:
    """Whether a result is a run with a time, as `solve`, `simulate` and `fluctuations` give it, of a single task."""
    if "measured_task" in result.dims:
        return False
    quantity = json.loads(result.attrs.get("options", "{}")).get("quantity", "fluctuations")
    return quantity == "fluctuations"


def report(result: Any) -> str:
    """All that was found: single numbers, tables, and the message."""
    if "measured_task" in result.dims:
        return f"{_tasks(result)}\n\ntasks: {result.attrs['status']}. {result.attrs['message']}"
    quantity = json.loads(result.attrs["options"])["quantity"].replace("_", " ")
    singles = [f"{name} = {_text(result[name].item())}" for name in result.data_vars if not result[name].dims]
    singles += [f"{name}: {result.attrs[name]}" for name in NUMBERS if name in result.attrs]
    singles += [_matrix(result, name) for name in ("R", "Q") if name in result and "point" not in result.dims]
    tables = [_table(result, dim) for dim in result.dims]
    parts = ["\n".join(singles), *tables, _counts(result), result.attrs.get("note", "")]
    ending = f"{quantity}: {result.attrs['status']}. {result.attrs['message']}"
    return "\n\n".join([part for part in parts if part] + [ending])


def _tasks(result: Any) -> str:
    """When each of the tasks of an `ld.TaskSequence` ended, and what was known of every task then."""
    measured = next(str(name) for name in result.data_vars if str(name).endswith("_at_end"))
    told = [name for name in ("begin", "end", "reached") if name in result]
    ends = result[[*told, measured]]
    replicas = ends.sizes.get("replica")
    if replicas is not None:
        ends = ends.mean("replica")
    columns = {"task": ends["task"].values} | {name: ends[name].values for name in told}
    for task in ends["measured_task"].values:
        columns[f"on task {task}"] = ends[measured].sel(measured_task=task).values
    of = "" if replicas is None else f", means over {replicas} replicas"
    return f"{measured}{of}:\n" + _aligned(columns, np.arange(len(columns["task"])))


def _table(result: Any, dim: Any) -> str:
    """The variables along one dim alone, and the first of those that have another one too, row by row."""
    if not result.sizes[dim]:
        return f"No {dim}."
    columns = {str(dim): result[dim].values if dim in result.coords else np.arange(result.sizes[dim])}
    for name, variable in {**result.coords, **result.data_vars}.items():
        if name not in (dim, *LEFT_OUT) and variable.dims == (dim,):
            columns[str(name)] = variable.values
    if "eigenvalues" in result and result["eigenvalues"].dims == (dim, "mode") and result.sizes["mode"]:
        columns["largest eigenvalue"] = result["eigenvalues"].isel(mode=0).values
    if len(columns) == 1:
        return ""
    return _aligned(columns, np.unique(np.linspace(0, result.sizes[dim] - 1, ROWS).round().astype(int)))


def _aligned(columns: dict[str, np.ndarray], chosen: np.ndarray) -> str:
    cells = [[name, *(_text(values[row]) for row in chosen)] for name, values in columns.items()]
    widths = [max(map(len, column)) for column in cells]
    rows = list(zip(*cells, strict=True))
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in rows]
    return "\n".join(line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..." for line in lines)


def _matrix(result: Any, name: str) -> str:
    return f"{name} = " + np.array2string(result[name].values, precision=6, separator=", ", prefix=f"{name} = ")


def _counts(result: Any) -> str:
    """How often each outcome of a phase diagram came."""
    if "outcome" not in result:
        return ""
    meanings = str(result["outcome"].attrs["flag_meanings"]).split()
    flags = np.atleast_1d(result["outcome"].attrs["flag_values"])
    points = result["outcome"].values
    counts = [f"{int((points == flag).sum())} {name}" for flag, name in zip(flags, meanings, strict=True)]
    return "Points: " + ", ".join(counts).replace("_", " ") + "."


def _text(value: Any) -> str:
    if isinstance(value, str | bool | np.bool_):
        return str(value)
    return f"{value:.6g}"
