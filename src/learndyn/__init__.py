"""learndyn: the exact learning dynamics of neural networks, from one scenario.

>>> import learndyn as ld
>>> scenario = ld.StudentTeacher(ld.Student(units=2), ld.Teacher(units=2), learning_rate=0.5)
>>> start = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-3, 0.0], [0.0, 1e-3]])
>>> theory = ld.solve(scenario, start, until=200)
>>> theory.attrs["status"]
'ok'

Names are loaded on first use: the import itself is light, and JAX, numba and matplotlib are loaded by what needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from learndyn import activations, datasets, figures, functional, plot, schedules, testing
    from learndyn.activations import Activation, activation
    from learndyn.activations.users import new_activation
    from learndyn.analysis.continuation import continue_fixed_point
    from learndyn.analysis.critical import critical_learning_rate, largest_learning_rate
    from learndyn.analysis.denoising import equivalent_weight_decay, optimal_denoising
    from learndyn.analysis.distance import distance_to
    from learndyn.analysis.escape import escape_time
    from learndyn.analysis.fixed_points import find_fixed_point, fixed_points, stability
    from learndyn.analysis.flow_field import flow_field
    from learndyn.analysis.fluctuations import fluctuations
    from learndyn.analysis.forgetting import forgetting_curve
    from learndyn.analysis.generalisation import error_surface, optimal_stopping_time, optimal_weight_decay
    from learndyn.analysis.learning_rates.constant import optimal_learning_rate
    from learndyn.analysis.learning_rates.greedy import greedy_schedule
    from learndyn.analysis.learning_rates.schedule import optimal_schedule
    from learndyn.analysis.phase_boundary import phase_boundary
    from learndyn.analysis.phase_diagram import phase_diagram
    from learndyn.analysis.plateaus import plateaus
    from learndyn.analysis.reaching import time_to_reach
    from learndyn.errors import InputError, LearndynError, LearndynWarning
    from learndyn.html.export import export_html
    from learndyn.options import logspaced
    from learndyn.result_card import describe
    from learndyn.results import load, mean_and_error, save, scenario_of, start_of
    from learndyn.scenario_file import read_scenario_file, write_scenario_file
    from learndyn.scenarios.classification.data import DataClassification
    from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
    from learndyn.scenarios.classification.rules.perceptron import Perceptron
    from learndyn.scenarios.classification.rules.reinforce import Reinforce
    from learndyn.scenarios.classification.rules.squared_error import SquaredError
    from learndyn.scenarios.classification.rules.supervised import Supervised
    from learndyn.scenarios.classification.scenario import GaussianClassification
    from learndyn.scenarios.covariance import Covariance
    from learndyn.scenarios.deep_linear.kernel import kernel_change
    from learndyn.scenarios.deep_linear.scenario import DeepLinear
    from learndyn.scenarios.deep_linear.start import LinearWeights
    from learndyn.scenarios.finite_sample.scenario import FiniteSample
    from learndyn.scenarios.finite_sample.start import RandomWeights
    from learndyn.scenarios.gaussian_weights import GaussianWeights
    from learndyn.scenarios.linear_modes.scenario import LinearModes
    from learndyn.scenarios.linear_modes.start import ModeStart
    from learndyn.scenarios.reached import Reached
    from learndyn.scenarios.site_symmetric.scenario import SiteSymmetric
    from learndyn.scenarios.site_symmetric.start import SymmetricStart
    from learndyn.scenarios.start_recipe import StartRecipe
    from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate
    from learndyn.scenarios.student_teacher.inputs import Inputs
    from learndyn.scenarios.student_teacher.motion import RandomWalk, Rotation, Switch
    from learndyn.scenarios.student_teacher.networks import Student, Teacher
    from learndyn.scenarios.student_teacher.rules import Momentum, Rule
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher
    from learndyn.scenarios.student_teacher.start import Start
    from learndyn.scenarios.task_sequence.sequence import TaskSequence
    from learndyn.scenarios.update_rule.scenario import UpdateRule
    from learndyn.sweeps.store import open_sweep
    from learndyn.sweeps.sweep import sweep
    from learndyn.verbs import drift, simulate, solve
    from learndyn.verbs.accuracy import accuracy
    from learndyn.verbs.ensemble import ensemble
    from learndyn.verbs.equations import equations
    from learndyn.verbs.moment_flow import moment_flow

__version__ = "0.1.0"

_HOME = {
    "Activation": "activations",
    "AdaptiveRate": "scenarios.student_teacher.adaptive_rate",
    "Covariance": "scenarios.covariance",
    "DataClassification": "scenarios.classification.data",
    "DeepLinear": "scenarios.deep_linear.scenario",
    "FiniteSample": "scenarios.finite_sample.scenario",
    "GaussianClassification": "scenarios.classification.scenario",
    "GaussianWeights": "scenarios.gaussian_weights",
    "InputError": "errors",
    "Inputs": "scenarios.student_teacher.inputs",
    "LearndynError": "errors",
    "LearndynWarning": "errors",
    "LinearModes": "scenarios.linear_modes.scenario",
    "LinearWeights": "scenarios.deep_linear.start",
    "ModeStart": "scenarios.linear_modes.start",
    "Momentum": "scenarios.student_teacher.rules",
    "PassiveAggressive": "scenarios.classification.rules.passive_aggressive",
    "Perceptron": "scenarios.classification.rules.perceptron",
    "RandomWalk": "scenarios.student_teacher.motion",
    "RandomWeights": "scenarios.finite_sample.start",
    "Reached": "scenarios.reached",
    "Reinforce": "scenarios.classification.rules.reinforce",
    "Rotation": "scenarios.student_teacher.motion",
    "Rule": "scenarios.student_teacher.rules",
    "SiteSymmetric": "scenarios.site_symmetric.scenario",
    "SquaredError": "scenarios.classification.rules.squared_error",
    "Start": "scenarios.student_teacher.start",
    "Student": "scenarios.student_teacher.networks",
    "StudentTeacher": "scenarios.student_teacher.scenario",
    "Supervised": "scenarios.classification.rules.supervised",
    "Switch": "scenarios.student_teacher.motion",
    "SymmetricStart": "scenarios.site_symmetric.start",
    "TaskSequence": "scenarios.task_sequence.sequence",
    "Teacher": "scenarios.student_teacher.networks",
    "UpdateRule": "scenarios.update_rule.scenario",
    "accuracy": "verbs.accuracy",
    "activation": "activations",
    "continue_fixed_point": "analysis.continuation",
    "critical_learning_rate": "analysis.critical",
    "describe": "result_card",
    "distance_to": "analysis.distance",
    "drift": "verbs",
    "ensemble": "verbs.ensemble",
    "equivalent_weight_decay": "analysis.denoising",
    "export_html": "html.export",
    "error_surface": "analysis.generalisation",
    "equations": "verbs.equations",
    "escape_time": "analysis.escape",
    "find_fixed_point": "analysis.fixed_points",
    "fixed_points": "analysis.fixed_points",
    "flow_field": "analysis.flow_field",
    "fluctuations": "analysis.fluctuations",
    "forgetting_curve": "analysis.forgetting",
    "greedy_schedule": "analysis.learning_rates.greedy",
    "kernel_change": "scenarios.deep_linear.kernel",
    "largest_learning_rate": "analysis.critical",
    "load": "results",
    "logspaced": "options",
    "mean_and_error": "results",
    "moment_flow": "verbs.moment_flow",
    "open_sweep": "sweeps.store",
    "new_activation": "activations.users",
    "phase_boundary": "analysis.phase_boundary",
    "phase_diagram": "analysis.phase_diagram",
    "plateaus": "analysis.plateaus",
    "optimal_denoising": "analysis.denoising",
    "optimal_learning_rate": "analysis.learning_rates.constant",
    "optimal_schedule": "analysis.learning_rates.schedule",
    "optimal_stopping_time": "analysis.generalisation",
    "optimal_weight_decay": "analysis.generalisation",
    "read_scenario_file": "scenario_file",
    "save": "results",
    "scenario_of": "results",
    "simulate": "verbs",
    "solve": "verbs",
    "stability": "analysis.fixed_points",
    "start_of": "results",
    "StartRecipe": "scenarios.start_recipe",
    "sweep": "sweeps.sweep",
    "time_to_reach": "analysis.reaching",
    "write_scenario_file": "scenario_file",
}
_MODULES = ("activations", "datasets", "figures", "functional", "plot", "schedules", "testing")

__all__ = [
    "Activation",
    "AdaptiveRate",
    "Covariance",
    "DataClassification",
    "DeepLinear",
    "FiniteSample",
    "GaussianClassification",
    "GaussianWeights",
    "InputError",
    "Inputs",
    "LearndynError",
    "LearndynWarning",
    "LinearModes",
    "LinearWeights",
    "ModeStart",
    "Momentum",
    "PassiveAggressive",
    "Perceptron",
    "RandomWalk",
    "RandomWeights",
    "Reached",
    "Reinforce",
    "Rotation",
    "Rule",
    "SiteSymmetric",
    "SquaredError",
    "Start",
    "StartRecipe",
    "Student",
    "StudentTeacher",
    "Supervised",
    "Switch",
    "SymmetricStart",
    "TaskSequence",
    "Teacher",
    "UpdateRule",
    "accuracy",
    "activation",
    "activations",
    "continue_fixed_point",
    "critical_learning_rate",
    "datasets",
    "describe",
    "distance_to",
    "drift",
    "ensemble",
    "equations",
    "equivalent_weight_decay",
    "error_surface",
    "escape_time",
    "export_html",
    "figures",
    "find_fixed_point",
    "fixed_points",
    "flow_field",
    "fluctuations",
    "forgetting_curve",
    "functional",
    "greedy_schedule",
    "kernel_change",
    "largest_learning_rate",
    "load",
    "logspaced",
    "mean_and_error",
    "moment_flow",
    "new_activation",
    "open_sweep",
    "optimal_denoising",
    "optimal_learning_rate",
    "optimal_schedule",
    "optimal_stopping_time",
    "optimal_weight_decay",
    "phase_boundary",
    "phase_diagram",
    "plateaus",
    "plot",
    "read_scenario_file",
    "save",
    "scenario_of",
    "schedules",
    "simulate",
    "solve",
    "stability",
    "start_of",
    "sweep",
    "testing",
    "time_to_reach",
    "write_scenario_file",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from learndyn.calls import explained

        value = explained(name, getattr(import_module(f"learndyn.{_HOME[name]}"), name))
    elif name in _MODULES:
        value = import_module(f"learndyn.{name}")
    else:
        from difflib import get_close_matches

        close = get_close_matches(name, __all__, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"module 'learndyn' has no attribute {name!r}.{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
