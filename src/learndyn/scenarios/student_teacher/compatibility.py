"""Which options of a scenario go together; the others are refused in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from learndyn.errors import InputError

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher


def check_together(scenario: StudentTeacher) -> None:
    """Refuse options that do not go together."""
    _check_arrangements(scenario)
    _check_rule(scenario)
    _check_second_layer(scenario)
    if scenario.connectivity == "tree":
        _check_tree(scenario)


def _check_arrangements(scenario: StudentTeacher) -> None:
    """Each of these options changes which overlaps make the state; theory knows one at a time."""
    given = {
        "rule": scenario.rule_name in ("momentum", "natural_gradient"),
        "teacher_drift": scenario.teacher_drift is not None,
        "inputs": scenario.inputs is not None and not scenario.inputs.plain,
        "connectivity": scenario.connectivity == "tree",
    }
    names = [name for name, on in given.items() if on]
    if len(names) > 1:
        raise InputError(
            f"Arguments `{names[0]}` and `{names[1]}` cannot be combined yet: each of {scenario.shown(names[0])} and "
            f"{scenario.shown(names[1])} brings order parameters of its own, and their equations are known one at a "
            "time. Leave out one of them."
        )


def _check_rule(scenario: StudentTeacher) -> None:
    if scenario.rule_name in ("gradient", "momentum"):
        return
    refused = {
        "output_learning_rate": scenario.output_learning_rate is not None,
        "bias_learning_rate": scenario.bias_learning_rate is not None,
        "dropout_keep": scenario.dropout_keep < 1.0,
    }
    for name, on in refused.items():
        if on:
            raise InputError(
                f"Argument `{name}` goes with rule='gradient' or momentum, but the rule is {scenario.rule_name!r}, "
                "which says how the first layer learns and nothing else. Leave one of them out."
            )
    if scenario.rule_name in ("perceptron", "adatron") and (scenario.K, scenario.M) != (1, 1):
        raise InputError(
            f"Argument `rule` {scenario.rule_name!r} is for one student and one teacher unit, but there are "
            f"{scenario.K} and {scenario.M}. Use rule='gradient' or rule='hebb', or an ld.Rule of your own."
        )


def _check_second_layer(scenario: StudentTeacher) -> None:
    if scenario.output_time_scale == "fast" and scenario.output_learning_rate is None:
        raise InputError(
            "Argument `output_time_scale` 'fast' needs output weights that learn, but `output_learning_rate` is not "
            "given. Add output_learning_rate=0.01 (theory takes its limit 0, simulations use it)."
        )
    if scenario.output_weight_decay > 0.0 and scenario.output_learning_rate is None:
        raise InputError(
            "Argument `output_weight_decay` needs output weights that learn, but `output_learning_rate` is not given. "
            "Add output_learning_rate=0.1, or leave out the decay."
        )


def _check_tree(scenario: StudentTeacher) -> None:
    if scenario.K != scenario.M:
        raise InputError(
            f"Argument `connectivity` 'tree' needs as many student as teacher units, but there are {scenario.K} and "
            f"{scenario.M}: branch i of the input belongs to student unit i and teacher unit i."
        )
    if (scenario.T != 0.0).sum() > (scenario.T.diagonal() != 0.0).sum():
        raise InputError(
            "Argument `T` of the teacher must be diagonal for connectivity='tree': units of different branches see "
            "different inputs and have no overlap. Set its other entries to 0."
        )
