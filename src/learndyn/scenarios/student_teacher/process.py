"""The scenario as a microscopic process: what is repeated at finite N, from a start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.activations import activation
from learndyn.scenarios.process import OwnNumbers, Process, Spectrum
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate
from learndyn.scenarios.student_teacher.compiled_rules import rule_tag
from learndyn.scenarios.student_teacher.motion import COMBINATIONS, RandomWalk
from learndyn.scenarios.student_teacher.rules import Momentum
from learndyn.scenarios.student_teacher.start import Start
from learndyn.scenarios.student_teacher.steps import luck_count, make_step
from learndyn.schedules import Schedule

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher


def make_process(scenario: StudentTeacher, start: Start) -> Process:
    """The process of a scenario from a start that is complete for it."""
    step, own = _step(scenario, start), _own(scenario, start)
    drift, s = scenario.teacher_drift, scenario.structure
    return Process(
        step=step,
        K=scenario.K,
        M=scenario.M,
        C=_overlaps(scenario, start),
        rates=_rates(scenario),
        own=own,
        luck=luck_count(step, scenario.K),
        weight_decay=scenario.weight_decay or None,
        batch=scenario.batch_size,
        damping=scenario.rule.damping if isinstance(scenario.rule, Momentum) else None,
        teacher_drift=drift.rate if isinstance(drift, RandomWalk) else None,
        combination=_combination(drift, scenario.M) if isinstance(drift, COMBINATIONS) else None,
        spectrum=Spectrum(scenario.values()["eigenvalues"], scenario.values()["shares"]) if s.spectrum else None,
        mean=s.shifted,
        tree=s.tree,
        adaptive_rate=sum(len(part.start) for part in own) - 1 if s.adaptive else None,
    )


def _step(scenario: StudentTeacher, start: Start) -> Any:
    s, teacher = scenario.structure, scenario.teacher
    learns_w, learns_theta = s.output_rule is not None, s.learned_biases
    eta = scenario.learning_rate
    return make_step(
        [activation(name) for name in scenario.student.unit_activations],
        float(eta(start.at)) if isinstance(eta, Schedule) else 1.0 if isinstance(eta, AdaptiveRate) else eta,
        teacher=[activation(name) for name in teacher.unit_activations],
        w=None if learns_w or not s.weighted else start.w,
        v=teacher.output_weights,
        theta=None if learns_theta or not s.biased else start.theta,
        phi=teacher.biases,
        adaptive_w=learns_w,
        adaptive_theta=learns_theta,
        label_noise=scenario.label_noise or None,
        keep=scenario.dropout_keep if s.dropout else None,
        output_weight_decay=scenario.output_weight_decay or None,
        rule=rule_tag(scenario.rule),
        adaptive_rate=eta if isinstance(eta, AdaptiveRate) else None,
    )


def _own(scenario: StudentTeacher, start: Start) -> tuple[OwnNumbers, ...]:
    s, found = scenario.structure, []
    if s.output_rule is not None:
        found.append(OwnNumbers("w", np.array(start.w), s.output_rule == "fast"))
    if s.learned_biases:
        found.append(OwnNumbers("theta", np.array(start.theta)))
    if s.adaptive:
        # The last, as the step has it.
        remedy = "a rule that raises the learning rate less"
        found.append(OwnNumbers("eta", np.array([dict(start.more)["eta"]]), remedy=remedy))
    return tuple(found)


def _rates(scenario: StudentTeacher) -> np.ndarray | Callable[[np.ndarray], np.ndarray]:
    """eta, and the rate of each own number; a function of time where one of them has a schedule."""
    K = scenario.K
    adaptive = isinstance(scenario.learning_rate, AdaptiveRate)
    columns = [(1.0 if adaptive else scenario.learning_rate, 1)]
    columns += [(r, K) for r in (scenario.output_learning_rate, scenario.bias_learning_rate) if r is not None]
    columns += [(1.0, 1)] if adaptive else []
    if not any(isinstance(rate, Schedule) for rate, _ in columns):
        return np.concatenate([np.full(count, rate) for rate, count in columns])

    def rates(times: np.ndarray) -> np.ndarray:
        found = [rate(times) if isinstance(rate, Schedule) else np.full(times.shape, rate) for rate, _ in columns]
        return np.repeat(np.stack(found, axis=-1), [count for _, count in columns], axis=-1)

    return rates


def _combination(drift: Any, M: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda times: np.asarray(drift.weights(times, M))


def _overlaps(scenario: StudentTeacher, start: Start) -> np.ndarray:
    """Overlaps of all vectors at the start, in the order J, V, B (or its references), mean; one matrix a sector."""
    parts, values = start.parts(scenario), scenario.values()
    T = parts.get("T", values["T"])
    if scenario.structure.tree:
        rows = zip(parts["Q"], parts["R"], np.diag(T), strict=True)
        return np.array([[[q, r], [r, t]] for q, r, t in rows])
    if scenario.structure.spectrum:
        spaces = zip(parts["Q"], parts["R"], values["shares"], strict=True)
        return np.array([_joint(q, r, share * T) for q, r, share in spaces])
    if scenario.structure.shifted:
        teacher = _joint(T, values["mean_overlap"][:, None], values["mean_square"][None, None])
        return _joint(parts["Q"], np.concatenate([parts["R"], parts["d"][:, None]], axis=1), teacher)
    if "QV" in parts:
        students = _joint(parts["Q"], parts["QJV"], parts["QV"])
        return _joint(students, np.concatenate([parts["R"], parts["RV"]]), T)
    return _joint(parts["Q"], parts["R"], T)


def _joint(A: np.ndarray, B: np.ndarray, D: np.ndarray) -> np.ndarray:
    return np.block([[A, B], [B.T, D]])
