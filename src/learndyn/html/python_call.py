"""The Python that computes a result, for scenarios that no file holds; for rows of data a stand-in with their digest.

Rows may be those of patients, and a page is passed on: it holds none of them.
"""

from __future__ import annotations

import json
from typing import Any

from learndyn.errors import InputError
from learndyn.origin import arguments_of_run, arguments_of_sweep, is_sweep, saved_at
from learndyn.results import time_of
from learndyn.scenario_mistakes import IN_PYTHON
from learndyn.scenarios.arrays import FrozenArray, from_plain
from learndyn.scenarios.classification.data import DataClassification
from learndyn.scenarios.classification.rules.registry import RULES
from learndyn.scenarios.plain import KINDS, PARTS, STARTS

# Signs of a digest that are told, and of a line.
DIGEST, LINE = 12, 100
OF_ROWS = (
    "# No scenario file holds rows of data, and this page holds none. With your own rows in the place of those in",
    "# angle brackets, shifted by `center` already, this computes the page again. scenario.X.digest, scenario.y.digest",
    "# tell whether yours are the same.",
)


class _Code(str):
    """Text that stands in a call as it is, without quotes."""


def python_call(result: Any) -> str:
    """The lines of Python from the data to the result."""
    plain = json.loads(result.attrs["scenario"])
    kind = plain.pop("kind")
    lines = ["import learndyn as ld", ""]
    if kind == DataClassification.kind:
        lines += [*OF_ROWS, *_named_rows(plain), ""]
    over = json.loads(result.attrs["options"]).get("over", {})
    lines.append(f"scenario = {_call(_class_of(kind), [], _scenario(kind, plain, over))}")
    if (start := _start(result)) is not None:
        lines.append(f"start = {start}")
    given = [_Code("scenario"), *([_Code("start")] if start is not None else [])]
    verb, arguments = ("sweep", _swept(result)) if is_sweep(result) else _run(result)
    lines.append(f"result = {_call(f'ld.{verb}', given, arguments)}")
    if "xr." in lines[-1]:
        lines.insert(1, "import xarray as xr")
    return "\n".join(lines) + "\n"


def _class_of(kind: str) -> str:
    return f"ld.{IN_PYTHON.get(kind) or getattr(KINDS.get(kind), '__name__', kind)}"


def _named_rows(plain: dict[str, Any]) -> list[str]:
    """The lines that name rows and labels, which are left out of the plain scenario."""
    tables = {"": plain, "_test": plain.get("test") or {}}
    lines = []
    for suffix, table in tables.items():
        for name in ("X", "y"):
            if name in table:
                lines.append(f"{name}{suffix} = {_stand_in(table[name])}")
                table[name] = _Code(f"{name}{suffix}")
    if tables["_test"]:
        plain["test"] = _Code("(X_test, y_test)")
    return lines


def _stand_in(plain: Any) -> str:
    """Shape and digest of an array, whatever its plain form keeps of it."""
    if isinstance(plain, dict) and "sha256" in plain:
        shape, digest = plain["shape"], plain["sha256"]
    else:
        array = FrozenArray(from_plain(plain, "X"))
        shape, digest = array.shape, array.digest
    return f"<{' x '.join(map(str, shape))}, sha256 {digest[:DIGEST]}>"


def _scenario(kind: str, plain: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the scenario; numbers that are swept, and need not be given, are left to the sweep."""
    made = DataClassification if kind == DataClassification.kind else KINDS.get(kind)
    # A field with a default is an attribute of its class.
    found = {name: value for name, value in plain.items() if not (name in over and hasattr(made, name))}
    for name, part in PARTS.items():
        if isinstance(found.get(name), dict):
            found[name] = _Code(_call(f"ld.{part.__name__}", [], found[name]))
    return {name: value for name, value in found.items() if name != "token"}


def _start(result: Any) -> str | None:
    """The start, or the recipe of starts."""
    if "start" in result.attrs:
        plain = json.loads(result.attrs["start"])
        return _call(f"ld.{STARTS[plain.pop('kind')].__name__ if 'kind' in plain else 'Start'}", [], plain)
    if "start_recipe" not in result.attrs:
        return None
    plain = json.loads(result.attrs["start_recipe"])
    owner, _, name = plain.pop("kind").rpartition(".")
    return _call("ld.StartRecipe", [_Code(f"ld.{owner or 'Start'}.{name}")], plain)


def _run(result: Any) -> tuple[str, dict[str, Any]]:
    """The verb of a run and its arguments; times that are no even grid are those of the solver, or stand there."""
    verb, arguments = arguments_of_run(result)
    if "save_at" not in arguments:
        times = saved_at(result[time_of(result)].values, arguments["until"])
        arguments |= {"save_at": times} if isinstance(times, int) else {}
    return verb, arguments


def _swept(result: Any) -> dict[str, Any]:
    """The arguments of a sweep; parameters that go along one dim as arrays of xarray."""
    arguments = arguments_of_sweep(result)
    over = {
        name: _Code(f"xr.DataArray({_text(values.values.tolist())}, dims={_text(str(values.dims[0]))})")
        if hasattr(values, "dims")
        else values.tolist()
        for name, values in arguments["over"].items()
    }
    return {"over": over, **{name: value for name, value in arguments.items() if name != "over"}}


def _call(name: str, given: list[Any], arguments: dict[str, Any]) -> str:
    """A call, in one line where it fits."""
    parts = [*map(_text, given), *(f"{key}={_text(value)}" for key, value in arguments.items())]
    line = f"{name}({', '.join(parts)})"
    return line if len(line) <= LINE else f"{name}(\n    " + ",\n    ".join(parts) + ",\n)"


def _text(value: Any) -> str:
    """A plain value as Python."""
    if isinstance(value, _Code):
        return value[:]
    if isinstance(value, dict):
        return _table(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _table(value: dict[str, Any]) -> str:
    """A dict: a function, a large array, a learning rule, or what else has a name for each entry."""
    if "token" in value:
        return "<a function>"
    if "shape" in value:
        try:
            return _stand_in(value)
        except InputError:
            return "<an array>"
    if value.get("kind") in RULES:
        rest = {name: each for name, each in value.items() if name != "kind"}
        return _call(f"ld.{RULES[value['kind']].__name__}", [], rest)
    return "{" + ", ".join(f"{_text(name)}: {_text(each)}" for name, each in value.items()) + "}"
