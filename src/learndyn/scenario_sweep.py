"""The table [sweep] of a scenario file: what is swept over, and back to text.

    [sweep]
    engine = "simulate"                     or "solve", which is meant when it is left out
    observables = ["eps_g"]                 variables to keep; all when left out
    chunk = 500                             scenarios that are computed and stored together
    together = [["label_noise", "seed"]]    parameters that go along one dim, value by value
    [sweep.over]
    learning_rate = {from = 0.1, to = 3.0, points = 50, spacing = "log"}
    K = {from = 1, to = 8}                  whole numbers: all of them
    label_noise = [0.0, 0.1, 0.2]
    seed = [1, 2, 3]
    "start.X" = [1e-3, 1e-6]                names with a dot or brackets stand in quotes

Parameters that go together have a dim `member`; those of a second group `member2`, and so on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.arguments import did_you_mean
from learndyn.scenario_keys import RANGE, TABLES, VALUES, Key
from learndyn.scenario_mistakes import Mistakes

# Values of one parameter.
MOST = 10_000_000
# Longer lists are written as a range, where that gives the same numbers.
LISTED = 8
# A number this near to a whole one is that one: what a logarithm leaves of it.
ROUNDING = 1e-12
# Options that all scenarios have alike: `ld.sweep` refuses a sweep over them, with the names that there are.
OF_ALL = ("until", "save_at")
# Options of a simulation that a store takes the place of.
OF_ONE_RUN = ("checkpoint", "checkpoint_every")


# Reading.


def read_sweep(plain: dict[str, Any], mistakes: Mistakes) -> dict[str, Any] | None:
    """The keyword arguments that [sweep] has for `ld.sweep`; None where it has mistakes."""
    before = len(mistakes.lines)
    mistakes.check(plain, "sweep", TABLES["sweep"])
    over = plain.get("over")
    if isinstance(over, dict):
        values = {name: _values(name, given, mistakes) for name, given in over.items()}
        if not values:
            mistakes.add("sweep.over", "has no parameter: add one, such as learning_rate = [0.1, 1.0]")
        if len(mistakes.lines) == before:
            dims = _dims(plain.get("together", []), values, mistakes)
            if len(mistakes.lines) == before:
                own = {key: plain[key] for key in ("observables", "chunk") if key in plain}
                return {"over": _labelled(values, dims), "engine": plain.get("engine", "solve"), **own}
    return None


def _values(name: str, given: Any, mistakes: Mistakes) -> Any:
    """The values of a parameter; None where they have mistakes."""
    if not mistakes.check({name: given}, "sweep.over", {name: Key(VALUES)}):
        return None
    if isinstance(given, list):
        return given
    if not set(given) & set(RANGE):
        inner = next(iter(given), "X")
        mistakes.add(
            "sweep.over",
            f"{name} must be {VALUES.allowed}, but it is a table. A name with a dot stands in quotes: "
            f'"{name}.{inner}" = [...]',
        )
        return None
    table = f"sweep.over.{name}"
    return _range(given, table, mistakes) if mistakes.check(given, table, RANGE) else None


def _range(given: dict[str, Any], table: str, mistakes: Mistakes) -> list[int] | list[float] | None:
    first, last, points, spacing = given["from"], given["to"], given.get("points"), given.get("spacing", "linear")
    whole = isinstance(first, int) and isinstance(last, int)
    if last <= first:
        mistakes.add(table, f"to must be above from = {first}, but it is {last}. Exchange the two.")
    elif points is None and (not whole or spacing == "log"):
        mistakes.add(table, f"points is missing: add {RANGE['points'].kind.allowed}, such as points = 50")
    elif spacing == "log" and first <= 0:
        mistakes.add(table, f'from must be above 0 for spacing = "log", but it is {first}. Make it larger.')
    elif (points or last - first + 1) > MOST:
        mistakes.add(
            table, f"a parameter has at most {MOST} values, but these are {points or last - first + 1}. Ask for fewer."
        )
    else:
        return spaced(first, last, None if points is None else int(points), spacing)
    return None


def spaced(first: Any, last: Any, points: int | None, spacing: str) -> list[int] | list[float]:
    """Numbers from the first to the last; whole ones where both are whole and all between them are."""
    if points is None:
        return list(range(first, last + 1))
    values = (np.geomspace if spacing == "log" else np.linspace)(first, last, points)
    values[0], values[-1] = first, last
    whole = np.rint(values)
    if isinstance(first, int) and isinstance(last, int) and np.allclose(values, whole, rtol=ROUNDING, atol=0.0):
        return whole.astype(np.int64).tolist()
    return values.tolist()


def _dims(together: list[list[str]], values: dict[str, Any], mistakes: Mistakes) -> dict[str, str]:
    """The dim of each parameter that goes along one with others."""
    dims: dict[str, str] = {}
    for number, group in enumerate(together, 1):
        dim = "member" if number == 1 else f"member{number}"
        for name in group:
            if name not in values:
                hint = did_you_mean(name, list(values))
                mistakes.add(
                    "sweep",
                    f'together must have names of parameters in [sweep.over], {", ".join(values)}, but it has "{name}".'
                    f"{hint}",
                )
            elif name in dims:
                mistakes.add(
                    "sweep", f'together must have each parameter once, but it has "{name}" twice. Leave one out.'
                )
            elif len(values[name]) != len(values.get(group[0], values[name])):
                mistakes.add(
                    "sweep",
                    f"together must have parameters with equally many values, but {group[0]} has "
                    f"{len(values[group[0]])} and {name} has {len(values[name])}. Give as many of both.",
                )
            dims.setdefault(name, dim)
    return dims


def _labelled(values: dict[str, Any], dims: dict[str, str]) -> dict[str, Any]:
    """The argument `over` of `ld.sweep`."""
    if not dims:
        return values
    import xarray as xr  # takes half a second, and few files need it

    return {name: xr.DataArray(each, dims=dims[name]) if name in dims else each for name, each in values.items()}


def run_options(engine: str, run: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The options in [solve] or [simulate] that a sweep takes: those that it does not sweep."""
    options = {key: value for key, value in run.items() if (key not in over or key in OF_ALL) and key not in OF_ONE_RUN}
    if engine == "simulate" and options.get("record_weights") is False:
        del options["record_weights"]
    return options


# Writing.


def sweep_to_plain(sweep: dict[str, Any]) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """The table [sweep] without [sweep.over], the name of its engine, and the options for that engine's table."""
    over, engine = sweep["over"], sweep.get("engine", "solve")
    plain: dict[str, Any] = {"engine": engine}
    for key in ("observables", "chunk"):
        if sweep.get(key) is not None:
            plain[key] = list(sweep[key]) if isinstance(sweep[key], list | tuple) else sweep[key]
    groups: dict[str, list[str]] = {}
    for name, values in over.items():
        if hasattr(values, "dims"):
            groups.setdefault(str(values.dims[0]), []).append(name)
    if groups:
        plain["together"] = list(groups.values())
    own = {"over", "engine", "observables", "chunk"}
    return plain, engine, {key: value for key, value in sweep.items() if key not in own}


def over_text(over: dict[str, Any]) -> str:
    """The table [sweep.over], a line for each parameter: their order is that of the dims."""
    import tomli_w

    lines = []
    for name, values in over.items():
        key, plain = tomli_w.dumps({name: 0}).removesuffix(" = 0\n"), _values_to_plain(values)
        if isinstance(plain, dict):
            inner = ", ".join(tomli_w.dumps({word: value}).strip() for word, value in plain.items())
            lines.append(f"{key} = {{{inner}}}\n")
        else:
            lines.append(tomli_w.dumps({name: plain}))
    return "\n[sweep.over]\n" + "".join(lines)


def _values_to_plain(values: Any) -> Any:
    """A list, or the range that gives just these numbers."""
    given = getattr(values, "values", values)
    listed = given.tolist() if hasattr(given, "tolist") else list(given)
    first, last = listed[0], listed[-1]
    if len(listed) <= LISTED or isinstance(first, str | bool) or not first < last:
        return listed
    if {type(each) for each in listed} == {int} and listed == list(range(first, last + 1)):
        return {"from": first, "to": last}
    for spacing in ("linear", "log") if first > 0 else ("linear",):
        if _is_same(spaced(first, last, len(listed), spacing), listed):
            return {"from": first, "to": last, "points": len(listed), "spacing": spacing}
    return listed


def _is_same(made: list[Any], listed: list[Any]) -> bool:
    return made == listed and {type(each) for each in made} == {type(each) for each in listed}
