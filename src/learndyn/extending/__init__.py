"""What scenarios, engines and packages of other people are made of: stable names, in one place.

An extension imports these and nothing else of learndyn's insides:

    Scenario, Quantity, Flow, Noise, Landmarks    what an engine asks of a scenario, and what it is answered
    Process, OwnNumbers, update, get, put         one update at finite N, compiled into the simulations
    register_scenario                             the word by which files and results know a scenario
    checked_scenario, trajectory                  the two ends of an engine: what comes in, what goes out
    array, choice, count, number                  checks of arguments, each with its sentence
    scenario_to_plain, scenario_from_plain, start_to_plain, start_from_plain
                                                  data as dicts of numbers, text and lists, and back

`learndyn.testing.check_scenario` and `learndyn.testing.check_activation` measure whether an extension is right.

Names are loaded on first use: `update`, `get` and `put` load numba, the others nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from learndyn.arguments import array, choice, count, number
    from learndyn.extending.registration import register_scenario
    from learndyn.lanes.types import get, put
    from learndyn.results import trajectory
    from learndyn.scenarios.base import Flow, Landmarks, Noise, Quantity, Scenario, checked_scenario
    from learndyn.scenarios.compiled_update import update
    from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain, start_from_plain, start_to_plain
    from learndyn.scenarios.process import OwnNumbers, Process

_HOME = {
    "arguments": ("array", "choice", "count", "number"),
    "extending.registration": ("register_scenario",),
    "lanes.types": ("get", "put"),
    "results": ("trajectory",),
    "scenarios.base": ("Flow", "Landmarks", "Noise", "Quantity", "Scenario", "checked_scenario"),
    "scenarios.compiled_update": ("update",),
    "scenarios.plain": ("scenario_from_plain", "scenario_to_plain", "start_from_plain", "start_to_plain"),
    "scenarios.process": ("OwnNumbers", "Process"),
}

__all__ = [
    "Flow",
    "Landmarks",
    "Noise",
    "OwnNumbers",
    "Process",
    "Quantity",
    "Scenario",
    "array",
    "checked_scenario",
    "choice",
    "count",
    "get",
    "number",
    "put",
    "register_scenario",
    "scenario_from_plain",
    "scenario_to_plain",
    "start_from_plain",
    "start_to_plain",
    "trajectory",
    "update",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            globals()[name] = value = getattr(import_module(f"learndyn.{module}"), name)
            return value
    raise AttributeError(f"module 'learndyn.extending' has no attribute {name!r}.")


def __dir__() -> list[str]:
    return sorted(__all__)
