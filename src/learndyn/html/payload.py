"""All that a page shows, as data that JSON can hold; the numbers of its curves as float32 in base64.

title, line         text above the picture
time                name of the time, times
sliders             for each dim: name, text of each value, whether they are words
panels              for each: name of its axis, whether it can be logarithmic, its curves with name and look
values, errors      (members, curves, times), little-endian float32, NaN where there is nothing; errors may be null
members             for each: status, message, plateaus
overlay             a simulation of the same scenario, drawn as markers; null where there is none
scenario, source    the scenario file, or the Python call where no file holds the scenario; and which of the two it is
versions            what computed it
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError
from learndyn.html import symbols
from learndyn.html.marks import marks_of
from learndyn.html.members import Members
from learndyn.html.python_call import python_call
from learndyn.origin import is_sweep, scenario_file_of
from learndyn.results import is_simulation, scenario_of, size_of
from learndyn.scenario_mistakes import IN_PYTHON

# Bytes of a page: what opens without a wait, and can be sent by mail.
LARGEST = 25_000_000
# A number takes four bytes, written with 64 signs.
BYTES_A_NUMBER = 4 * 4 / 3
# A page is not made smaller than this.
FEW_POINTS = 20
# Panels of these may be drawn with a logarithmic axis; they are, where the first curve spans more than this factor.
POSITIVE, WIDE = ("eps_g", "loss", "train_error"), 100.0


def payload(result: xr.Dataset, simulation: xr.Dataset | None, *, title: str | None, spectrum: bool) -> dict[str, Any]:
    """The data of a page."""
    members = Members.of(result)
    curves = members.curves()
    count = sum(map(len, curves))
    refuse_too_large(int(np.prod(members.shape)), members.result.sizes[members.time], count)
    values = members.numbers(curves)
    errors = members.numbers(curves, "_error")
    marks = marks_of(members, result, spectrum=spectrum)
    overlay = None if simulation is None else _overlay(members, curves, simulation)
    source, scenario = _source(result, title)
    return {
        "title": title or _title(members),
        "time": {"name": symbols.rich(_label(members.time)), "times": members.result[members.time].values.tolist()},
        "sliders": [_slider(members, dim) for dim in members.dims],
        "panels": _panels(members, curves, values),
        "values": _encoded(values),
        "errors": _encoded(errors) if np.isfinite(errors).any() else None,
        "engine": _engine(result),
        "floor": members.floor(),
        "members": [
            {**ending, "plateaus": [_told(mark) for mark in own]}
            for ending, own in zip(members.endings(), marks, strict=True)
        ],
        "overlay": overlay,
        "source": source,
        "scenario": scenario,
        "versions": json.loads(result.attrs["versions"]),
    }


def refuse_too_large(members: int, times: int, curves: int) -> None:
    """Refuse a page of which the numbers alone are too large; said before they are computed, where that is known."""
    size = members * times * curves * BYTES_A_NUMBER
    if size <= LARGEST:
        return
    points = int(times * LARGEST / size)
    if points >= FEW_POINTS:
        smaller = f"Ask for at most {points} times (--points {points}, or save_at={points}), or sweep fewer values."
    else:
        smaller = f"Sweep fewer values: at most {int(members * LARGEST / size)} runs of so many times."
    raise InputError(
        f"A page must be at most {LARGEST / 1e6:.0f} MB, but {members} runs x {curves} curves x {times} times take "
        f"{size / 1e6:.0f} MB. {smaller}"
    )


def _encoded(values: np.ndarray) -> str:
    with np.errstate(over="ignore"):  # a diverging run may leave the range of float32: infinity is not drawn
        return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


def _label(name: str) -> str:
    from learndyn.plot.parameters import label

    return label(name)


def _slider(members: Members, dim: str) -> dict[str, Any]:
    """A slider: the parameters that go along a dim, and the text of each place."""
    over = json.loads(members.result.attrs["options"]).get("over", {})
    names = [name for name, own in over.items() if own == dim and name in members.result.coords] or [dim]
    columns = [members.result[name].values.tolist() for name in names]
    texts: list[symbols.Rich] = []
    for row in zip(*columns, strict=True):
        pieces: symbols.Rich = []
        for name, value in zip(names, row, strict=True):
            before = [] if len(names) == 1 else [*symbols.rich(_label(name)), [" = ", ""]]
            pieces += [*([[", ", ""]] if pieces else []), *before, *symbols.value(value)]
        texts.append(pieces)
    words = isinstance(columns[0][0], str | bool)
    known = dim if len(names) > 1 else names[0]
    name = dim.replace("_", " ") if len(names) > 1 else known.removeprefix("start.").replace("_", " ")
    symbol = [] if len(names) > 1 else symbols.rich(_label(known))
    if symbols.plain(symbol) == name:
        symbol = []
    return {"name": name, "symbol": symbol, "texts": texts, "words": words}


def _panels(members: Members, curves: list[list[Any]], values: np.ndarray) -> list[dict[str, Any]]:
    from learndyn.plot.curves import symbol

    panels, first = [], 0
    for names, own in zip(members.panels, curves, strict=True):
        positive = all(name in POSITIVE for name in names)
        axis = symbols.rich(", ".join(symbol(members.sample, name) for name in names))
        entries = [
            {"name": symbols.rich(curve.label), "color": curve.color, "dash": _dash(curve.style)} for curve in own
        ]
        log = positive and _is_wide(values[:, first], members.floor())
        words = " ".join(str(members.result[name].attrs.get("long_name", name)) for name in names[:1])
        panels.append({"axis": axis, "words": words, "positive": positive, "log": log, "curves": entries})
        first += len(own)
    return panels


def _is_wide(values: np.ndarray, floor: float) -> bool:
    """Whether some member spans so large a factor that only a logarithmic axis shows all of it."""
    largest = np.nanmax(np.where(np.isfinite(values), values, 0.0), axis=1, keepdims=True, initial=0.0)
    resolved = np.where(values > floor * largest, values, np.nan)
    smallest = np.nanmin(np.where(np.isfinite(resolved), resolved, np.inf), axis=1, initial=np.inf)
    return bool((largest[:, 0] > WIDE * smallest).any())


def _dash(style: Any) -> str:
    """Matplotlib's style of a line as SVG has it; both in units of the width."""
    return "" if isinstance(style, str) else " ".join(f"{2 * part:g}" for part in style[1])


def _told(mark: dict[str, Any]) -> dict[str, Any]:
    return {**mark, "direction": symbols.words(mark["direction"])} if "direction" in mark else mark


def _overlay(members: Members, curves: list[list[Any]], simulation: xr.Dataset) -> dict[str, Any]:
    """The simulation at the places of the curves; refused where it is of something else."""
    other = Members.of(simulation)
    if members.dims or other.dims:
        raise InputError(
            "Argument `simulation` must be a single run, drawn on a single run, but there are several. Leave it out, "
            "or choose one: simulation.sel(N=1000)."
        )
    if not is_simulation(simulation):
        raise InputError("Argument `simulation` must be a result of ld.simulate, but it is theory. Leave it out.")
    for name in (name for panel in members.panels for name in panel):
        sizes = [
            {dim: size for dim, size in each.result[name].sizes.items() if dim != each.time}
            for each in (members, other)
            if name in each.result
        ]
        if len(sizes) == 2 and sizes[0] != sizes[1]:
            raise InputError(
                f"Argument `simulation` must have the units of `result`, but they differ in `{name}`. Simulate the "
                "same scenario."
            )
    return {
        "times": other.result[other.time].values.tolist(),
        "values": _encoded(other.numbers(curves)),
        "errors": _encoded(other.numbers(curves, "_error")),
        "engine": _engine(simulation),
    }


def _engine(result: xr.Dataset) -> str:
    """What the curves are."""
    if not is_simulation(result):
        return "theory"
    replicas = result.sizes.get("replica", 1)
    options = json.loads(result.attrs["options"])
    # What is swept is told by its slider.
    swept = {*result.dims, *(options.get("over", {}) if is_sweep(result) else {})}
    size = "" if "N" in swept or "N" not in options else f", N = {size_of(result)}"
    rate = None if "eps_g" in result else _rate(result)
    if rate is not None:  # its theory is the limit of a small one, at any N
        size = "" if "learning_rate" in swept else f", learning rate {rate:g}"
    return f"simulation{size}" + (f", mean of {replicas} replicas with its standard error" if replicas > 1 else "")


def _rate(result: xr.Dataset) -> float | None:
    """The learning rate, where it is one number and known."""
    try:
        rate = getattr(scenario_of(result), "learning_rate", None)
    except InputError:  # functions of another process, or rows of which there is the digest alone
        rate = json.loads(result.attrs["scenario"]).get("learning_rate")
    return rate if isinstance(rate, float) else None


def _title(members: Members) -> str:
    names = [str(name) for name in json.loads(members.result.attrs["options"]).get("over", members.dims)]
    return f"Learning curves over {', '.join(names)}" if names else "A learning curve"


def _source(result: xr.Dataset, title: str | None) -> tuple[str, str]:
    """What computes the result again: its name, and its text."""
    if json.loads(result.attrs["scenario"])["kind"] in IN_PYTHON:
        return "Python", python_call(result)
    try:
        return "Scenario file", scenario_file_of(result, title)
    except InputError as error:
        return "Python", f"# {error}\n{python_call(result)}"
