"""The equations of any scenario; each kind states its own in its folder."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from learndyn.arguments import shown
from learndyn.errors import InputError

# Kind of scenario -> where its system is stated: a function of the scenario.
HOMES = {
    "student_teacher": "student_teacher.equations.whole.system_of",
    "site_symmetric": "site_symmetric.equations.system_of",
    "gaussian_classification": "classification.equations.system_of",
    "data_classification": "classification.equations.system_of_data",
    "linear_modes": "linear_modes.equations.system_of",
    "deep_linear": "deep_linear.equations.system_of",
    "finite_sample": "finite_sample.equations.system_of",
    "task_sequence": "task_sequence.equations.system_of",
    "update_rule": "update_rule.equations.system_of",
}
# Systems of more units are not written out component by component.
MOST_UNITS = 4


def system_of(scenario: Any, explicit: bool = False) -> Any:
    """The system of a scenario (`learndyn.formulas.system.System`); refused in a sentence where there is none."""
    kind = getattr(scenario, "kind", None)
    if isinstance(scenario, type) or kind not in HOMES:
        raise InputError(
            f"Argument `scenario` must be a scenario with equations of motion, but it is {shown(scenario)}. "
            "Write ld.equations(ld.StudentTeacher(...))."
        )
    module, _, function = HOMES[kind].rpartition(".")
    system = getattr(import_module(f"learndyn.scenarios.{module}"), function)(scenario)
    if explicit:
        _require_small(scenario, system)
    return system


def _require_small(scenario: Any, system: Any) -> None:
    if system.symbolic is None:
        raise InputError(
            f"Argument `explicit` must be False for an ld.{type(scenario).__name__}, whose equations are written for "
            "vectors or for each mode, but it is True. Leave it out."
        )
    units = scenario.K + scenario.M
    if units > MOST_UNITS:
        raise InputError(
            f"Argument `explicit` must be False for more than {MOST_UNITS} units, but there are {units}, and each "
            "equation would fill pages. Leave it out, or use fewer units."
        )
