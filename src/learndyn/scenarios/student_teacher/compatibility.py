"""Which options of a scenario go together; the others are refused in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from learndyn.activations import activation
from learndyn.arguments import positive_semidefinite, shown
from learndyn.errors import InputError
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate
from learndyn.scenarios.student_teacher.inputs import Inputs
from learndyn.scenarios.student_teacher.networks import one_a_unit
from learndyn.scenarios.student_teacher.rules import Rule

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher


def check_together(scenario: StudentTeacher) -> None:
    """Refuse options that do not go together."""
    _check_arrangements(scenario)
    _check_rule(scenario)
    if isinstance(scenario.learning_rate, AdaptiveRate) and scenario.dynamics == "gradient_flow":
        raise InputError(
            "Argument `learning_rate` must be a number or a schedule for dynamics='gradient_flow', the limit of a "
            "vanishing learning rate, but it is an ld.AdaptiveRate, by which the size of the rate matters. "
            "Use dynamics='sgd'."
        )
    _check_second_layer(scenario)
    if scenario.connectivity == "tree":
        _check_tree(scenario)
    if scenario.inputs is not None and scenario.inputs.mean_length > 0.0:
        _check_mean(scenario.inputs, scenario.T)


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
    if scenario.rule_name in ("gradient", "momentum", "natural_gradient"):
        for name in scenario.student.unit_activations:
            if activation(name).teacher_only:
                raise InputError(
                    f"Argument `activation` of a student must have a derivative to learn by, but that of {shown(name)} "
                    "is "
                    "zero almost everywhere: it is for teachers, and for the rules 'hebb', 'perceptron' and 'adatron'. "
                    'Try "erf" or "tanh".'
                )
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
                f"Argument `{name}` goes with rule='gradient' or momentum, but the rule is "
                f"{shown(scenario.rule_name)}, "
                "which says how the first layer learns and nothing else. Leave one of them out."
            )
    if scenario.rule_name in ("perceptron", "adatron"):
        _check_sign_rule(scenario)
    elif scenario.rule_name != "hebb":
        _check_quadrature(scenario)


def _check_sign_rule(scenario: StudentTeacher) -> None:
    activations = set(scenario.student.unit_activations + scenario.teacher.unit_activations)
    if (scenario.K, scenario.M) != (1, 1) or activations != {"sign"}:
        raise InputError(
            f"Argument `rule` {shown(scenario.rule_name)} is for one student and one teacher unit with the activation "
            f"'sign', but there are {scenario.K} and {scenario.M} with {', '.join(sorted(activations))}. "
            "Use rule='gradient' or rule='hebb', or an ld.Rule of your own."
        )
    options = {
        "label_noise": scenario.label_noise > 0.0,
        "output_weights": scenario.teacher.output_weights is not None,
        "biases": scenario.teacher.biases is not None,
        "inputs": scenario.inputs is not None and scenario.inputs.mean_length > 0.0,
    }
    for name, on in options.items():
        if on:
            raise InputError(
                f"Argument `{name}` does not go with rule {shown(scenario.rule_name)}, whose labels are the signs of y "
                "alone. Leave out one of them."
            )


def _check_quadrature(scenario: StudentTeacher) -> None:
    rule, n = scenario.rule, scenario.K + scenario.M
    if not isinstance(rule, Rule):
        return
    if n > (2 if rule.kinked else 4):
        raise InputError(
            f"Argument `rule` {shown(rule.name)} needs a quadrature over all {n} units, and that is known for at most "
            f"{2 if rule.kinked else 4} where the modulation is {'kinked' if rule.kinked else 'smooth'}. "
            "Use fewer units, or ld.simulate with method='overlaps'."
        )
    if scenario.label_noise > 0.0:
        raise InputError(
            f"Argument `label_noise` does not go with a rule of your own, {shown(rule.name)}, whose averages are taken "
            "over the pre-activations alone. Leave out one of them."
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


def _check_mean(inputs: Inputs, T: np.ndarray) -> None:
    e = np.array(one_a_unit(inputs.mean_overlap, "mean_overlap", len(T)))
    joint = np.block([[T, e[:, None]], [e[None], np.array([[inputs.mean_length**2]])]])
    positive_semidefinite(
        joint,
        "mean_overlap",
        f"Make it smaller: it holds the overlaps B_n . mu with a mean of length {inputs.mean_length:g}.",
    )


def _check_tree(scenario: StudentTeacher) -> None:
    if scenario.K != scenario.M:
        raise InputError(
            f"Argument `connectivity` 'tree' needs as many student as teacher units, but there are {scenario.K} and "
            f"{scenario.M}: branch i of the input belongs to student unit i and teacher unit i. "
            "Give both as many units."
        )
    if (scenario.T != 0.0).sum() > (scenario.T.diagonal() != 0.0).sum():
        raise InputError(
            "Argument `T` of the teacher must be diagonal for connectivity='tree', but it is not: units of "
            "different branches see different inputs and have no overlap. Set its other entries to 0."
        )
