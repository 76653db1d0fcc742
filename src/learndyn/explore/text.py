"""A setup as text: a scenario file, and a Python program; both give the very curve of the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.explore.controls import short
from learndyn.explore.setup import Setup
from learndyn.options import LogSpaced
from learndyn.scenario_file import scenario_text
from learndyn.scenarios.plain import FIELD_TABLES, PARTS, scenario_to_plain, start_to_plain

WIDTH = 110


def toml_of(setup: Setup, simulation: dict[str, Any] | None = None) -> str:
    """The scenario file of a setup, with [simulate] where replicas have been run."""
    return scenario_text(
        setup.scenario, setup.start, solve=setup.options, simulate=simulation, title=setup.title or "From the explorer"
    )


def python_of(setup: Setup, simulation: dict[str, Any] | None = None) -> str:
    """A program that solves the setup, simulates it where replicas have been run, and draws both."""
    options = ", ".join(f"{name}={_option(value)}" for name, value in setup.options.items())
    lines = [
        f'"""{setup.title or "A scenario"}, from learndyn explore."""',
        "",
        *(["import numpy as np", ""] if "np." in _scenario(setup) + _start(setup) else []),
        "import learndyn as ld",
        "",
        f"scenario = {_scenario(setup)}",
        f"start = {_start(setup)}",
        f"theory = ld.solve(scenario, start, {options})",
    ]
    shown = "theory"
    if simulation is not None:
        given = ", ".join(f"{name}={_option(value)}" for name, value in simulation.items())
        lines.append(f"runs = ld.simulate(scenario, start, {given})")
        shown = "theory, runs"
    lines += ["print(theory)", f'ld.plot.save(ld.plot.overview({shown}), "curve.pdf")', ""]
    return "\n".join(lines)


def _option(value: Any) -> str:
    if isinstance(value, LogSpaced):
        return (
            f"ld.logspaced({value.points})" if value.first is None else f"ld.logspaced({value.points}, {value.first})"
        )
    return short(value) if isinstance(value, float) else repr(value)


def _scenario(setup: Setup) -> str:
    """The scenario as a call, written from what a scenario file would hold."""
    plain = scenario_to_plain(setup.scenario)
    kind = type(setup.scenario)
    words = {}
    for name, value in plain.items():
        if name == "kind" or value == getattr(kind, name, _NOTHING):
            continue
        words[name] = _field(name, value, getattr(setup.scenario, name))
    return _call(f"ld.{kind.__name__}", words)


_NOTHING = object()


def _field(name: str, plain: Any, value: Any) -> str:
    if name in PARTS:
        kind = PARTS[name]
        words = {key: _number(each) for key, each in plain.items() if each != getattr(kind, key, _NOTHING)}
        return _call(f"ld.{kind.__name__}", words)
    if name in FIELD_TABLES and isinstance(plain, dict):
        return _call(f"ld.{type(value).__name__}", {k: _number(v) for k, v in plain.items() if k != "kind"})
    if isinstance(plain, dict) and name != "rule":
        schedules = "" if type(value).__name__ == "AdaptiveRate" else "schedules."
        return _call(f"ld.{schedules}{type(value).__name__}", {k: _number(v) for k, v in plain.items() if k != "kind"})
    if name == "rule" and isinstance(plain, dict):
        return _call(f"ld.{type(value).__name__}", {k: _number(v) for k, v in plain.items() if k != "kind"})
    return _number(plain)


def _start(setup: Setup) -> str:
    plain = start_to_plain(setup.start)
    kind = type(setup.start)
    words = {
        name: _number(value)
        for name, value in plain.items()
        if name != "kind" and value is not None and value != getattr(kind, name, _NOTHING)
    }
    return _call(f"ld.{kind.__name__}", words)


def _number(value: Any) -> str:
    """A plain value as Python source."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return short(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_number, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_number(key)}: {_number(each)}" for key, each in value.items()) + "}"
    return repr(value).replace("'", '"') if isinstance(value, str) else repr(value)


def _call(name: str, words: dict[str, str]) -> str:
    """A call with its arguments by name; on lines of their own where one line is too short."""
    inner = ", ".join(f"{key}={value}" for key, value in words.items())
    if len(name) + len(inner) < WIDTH - 20:
        return f"{name}({inner})"
    return f"{name}(\n" + "".join(f"    {key}={value},\n" for key, value in words.items()) + ")"
