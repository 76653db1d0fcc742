"""The numbers of a scenario: those that may change without compiling again, and copies with other ones."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate
from learndyn.scenarios.student_teacher.motion import COMBINATIONS, RandomWalk
from learndyn.scenarios.student_teacher.networks import one_a_unit
from learndyn.scenarios.student_teacher.rules import Momentum
from learndyn.schedules import Schedule

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher

# Fields that are allowed, and whose option is on, for all numbers above 0 and below this.
WITHIN = {
    "learning_rate": inf,
    "output_learning_rate": inf,
    "bias_learning_rate": inf,
    "label_noise": inf,
    "weight_decay": inf,
    "output_weight_decay": inf,
    "dropout_keep": 1.0,
}
# Values that say how states move, and nothing of what is read off them.
NOT_IN_ROWS = (
    "learning_rate", "output_learning_rate", "bias_learning_rate", "label_noise", "weight_decay", "batch_size",
    "teacher_drift", "damping",
)  # fmt: skip


def values_of(scenario: StudentTeacher) -> dict[str, np.ndarray]:
    """The numbers of the options that are on."""
    s = scenario.structure
    found: dict[str, Any] = {"learning_rate": as_numbers(scenario.learning_rate), "T": scenario.T}
    if s.plain:
        return found
    if isinstance(scenario.teacher_drift, COMBINATIONS):
        found["T"] = scenario.teacher_drift.overlaps(scenario.T)
    numbers = {
        "output_learning_rate": (s.output_rule == "N", scenario.output_learning_rate),
        "bias_learning_rate": (s.learned_biases, scenario.bias_learning_rate),
        "label_noise": (s.noisy, scenario.label_noise),
        "weight_decay": (s.decays, scenario.weight_decay),
        "output_weight_decay": (s.output_decays, scenario.output_weight_decay),
        "dropout_keep": (s.dropout, scenario.dropout_keep),
        "batch_size": (s.batched, float(scenario.batch_size)),
        "v": (s.weighted, scenario.teacher.output_weights or (1.0,) * scenario.M),
        "phi": (s.biased, scenario.teacher.biases or (0.0,) * scenario.M),
        "teacher_drift": (s.motion == RandomWalk.kind, getattr(scenario.teacher_drift, "rate", None)),
        "damping": (s.rule == Momentum.kind, getattr(scenario.rule, "damping", None)),
    }
    found |= {name: as_numbers(value) for name, (on, value) in numbers.items() if on}
    inputs = scenario.inputs
    if s.spectrum and inputs is not None:
        found |= {"eigenvalues": as_numbers(inputs.eigenvalues), "shares": as_numbers(inputs.shares)}
    if s.shifted and inputs is not None:
        overlap = one_a_unit(inputs.mean_overlap, "mean_overlap", scenario.M)
        found |= {"mean_overlap": as_numbers(overlap), "mean_square": as_numbers(inputs.mean_length**2)}
    return found


def as_numbers(value: Any) -> np.ndarray:
    """A rate or a number as an array."""
    return value.numbers() if isinstance(value, Schedule | AdaptiveRate) else np.asarray(value, dtype=float)


def with_numbers(scenario: StudentTeacher, changes: dict[str, Any]) -> StudentTeacher | None:
    """A copy with other numbers that are allowed for sure and switch no option on or off; None: look at it in full.

    It shares the scenario's frame, and no check has to be made again: none looks at the size of such a number.
    """
    numbers = {}
    for name, value in changes.items():
        old = getattr(scenario, name) if name in WITHIN else None
        if not (isinstance(value, float) and isinstance(old, float) and 0.0 < value < WITHIN[name] > old > 0.0):
            return None
        numbers[name] = float(value)
    copy = object.__new__(type(scenario))
    found = {**scenario.__dict__, "frame": scenario.frame, **numbers}
    if "_values" in found:
        found["_values"] = {
            name: as_numbers(numbers[name]) if name in numbers else value for name, value in found["_values"].items()
        }
    copy.__dict__.update(found)
    return copy
