"""All equations of a two-layer student: the system that `ld.equations` shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from learndyn.activations.registry import activation
from learndyn.formulas.nodes import Mean, call, entry, field, plus, symbols, times, total, written
from learndyn.formulas.system import Definition, Equation, Line, Meaning, System
from learndyn.formulas.walker import of_walker
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate, Murata
from learndyn.scenarios.student_teacher.equations import letters
from learndyn.scenarios.student_teacher.equations.arrangements import arrangement_of
from learndyn.scenarios.student_teacher.equations.letters import i, k, n
from learndyn.scenarios.student_teacher.equations.numbers import Averages, numbers_of, symbolic
from learndyn.scenarios.student_teacher.equations.rules import dropped, error_formula, rule_definitions
from learndyn.scenarios.student_teacher.equations.update import update_lines
from learndyn.schedules import Schedule

RATES = {"learning_rate": "eta", "output_learning_rate": "eta_w", "bias_learning_rate": "eta_theta"}


def system_of(scenario: Any) -> System:
    """The equations of a scenario."""
    s = scenario.structure
    arrangement = arrangement_of(s)
    lines, meanings, rates = _rates(scenario)
    definitions = (*rule_definitions(s, arrangement), *arrangement.definitions)
    averages = Averages(s)
    return System(
        title=_title(scenario),
        time=r"\alpha",
        update=(*update_lines(scenario), *lines),
        equations=(*arrangement.equations, *_own_equations(s)),
        definitions=_unique(definitions),
        error=(Line(r"\epsilon_g", error_formula(s)),),
        meanings=tuple(_meanings(scenario, meanings)),
        numbers=_with_angle(scenario, numbers_of(scenario, rates)),
        numeric=averages,
        symbolic=lambda: symbolic(scenario),
        units=s.K,
        layers=("xf", "yf") if s.shifted else ("x", "y"),
        sizes={"K": s.K, "M": s.M, "L": s.spectrum, "P": _references(s)},
        remarks=tuple(_remarks(s)),
    )


def _references(s: Any) -> int:
    return 0 if isinstance(s.motion, str | None) else s.motion.references(s.M)


def _unique(definitions: tuple[Definition, ...]) -> tuple[Definition, ...]:
    """Each definition once: several averages need correlations."""
    found: dict[Any, Definition] = {}
    for definition in definitions:
        found.setdefault((definition.head, definition.note, definition.body), definition)
    return tuple(found.values())


def _title(scenario: Any) -> str:
    s = scenario.structure
    students, teachers = (", ".join(dict.fromkeys(names)) for names in (s.activations[: s.K], s.activations[s.K :]))
    return f"{s.K} {students} unit{'s' * (s.K > 1)} learn{'s' * (s.K == 1)} from {s.M} {teachers} unit{'s' * (s.M > 1)}"


def _rates(scenario: Any) -> tuple[list[Line], list[Meaning], dict[str, Any]]:
    """Schedules as lines, legends, and (formula, numbers) by the name of the rate."""
    lines, meanings, rates = [], [], {}
    for field_name, name in RATES.items():
        schedule = getattr(scenario, field_name)
        if not isinstance(schedule, Schedule) or (name == "eta_w" and scenario.output_time_scale == "fast"):
            continue
        from learndyn.schedules.formulas import formula

        body, own, numbers = formula(schedule, name)
        rates[name] = (body, numbers)
        lines.append(Line(sp.latex(sp.Symbol(name)) + r"(\alpha)", body))
        meanings += own
    return lines, meanings, rates


def _own_equations(s: Any) -> list[Equation]:
    """Output weights, biases, and a rate that adapts."""
    found, K = [], s.K
    w, theta = entry("w", i), entry("theta", i)
    with written():
        if s.weighted:
            if s.output_rule == "N":
                force = Mean(field("error"), field("g", i))
                right = letters.eta_w * (force - letters.decay_w * w) if s.output_decays else letters.eta_w * force
            else:
                right = sp.Integer(0)
            if s.output_rule != "fast":
                note = "" if s.output_rule else "given numbers"
                found.append(Equation("w", w, (i,), (K,), right, note=note))
        if s.biased:
            right = letters.eta_theta * Mean(field("delta", i)) if s.learned_biases else sp.Integer(0)
            found.append(Equation("theta", theta, (i,), (K,), right, note="" if s.learned_biases else "given numbers"))
        if s.adaptive:
            found.append(Equation("eta", letters.eta, (), (), _adaptation(s)))
    return found


def _adaptation(s: Any) -> Any:
    seen = Mean(field("squared"))
    if s.adaptive[0] != Murata.kind:
        return call("h", seen, letters.eta)
    a, b, floor = symbols("a_eta b_eta epsilon_0")
    return a * letters.eta * (b * (seen - floor) - letters.eta)


def slaved_line(s: Any) -> Line:
    """The equation that w solves at all times, on the fast scale."""
    with written():
        own = times(dropped(s, i, k), Mean(field("g", i), field("g", k)), entry("w", k))
        left = plus(total(k, letters.K, own), times(letters.decay_w, entry("w", i)) if s.output_decays else None)
        term = times(entry("v", n), Mean(field("g", i), field("g", letters.K + n)))
        right = times(letters.keep if s.dropout else None, total(n, letters.M, term))
    from learndyn.formulas.printer import latex

    return Line(latex(left), right, "fixes w")


def _with_angle(scenario: Any, numbers: Any) -> Any:
    """The angle between J and B, for rules on mistakes."""
    if scenario.rule_name not in ("perceptron", "adatron"):
        return numbers
    return lambda start: numbers(start) | {"varphi": of_walker(lambda walker: walker.entry("angle", ()))}


def _meanings(scenario: Any, of_rates: list[Meaning]) -> list[Meaning]:
    """The legend: what is on, with its value."""
    s = scenario.structure
    found = [
        Meaning("K", "student units", str(s.K)), Meaning("M", "teacher units", str(s.M)),
        *(_activations(s)),
        Meaning(r"R_{in}", "overlaps J_i . B_n"), Meaning("Q_{ik}", "overlaps J_i . J_k"),
        Meaning("T_{nm}", "overlaps B_n . B_m", _matrix(scenario.values()["T"])),
        Meaning(r"z", "pre-activations of all units, (x_1 ... x_K, y_1 ... y_M), Gaussian"),
        Meaning("C_{ab}", "their covariances <z_a z_b>"),
    ]  # fmt: skip
    if letters.descends(s):
        weights = "(-w, v)" if s.weighted else "-1 for students, +1 for teachers"
        found.append(Meaning("c_q", "output weights of all units, with the sign that they have in the error", weights))
    if s.has_means and letters.descends(s):
        found.append(Meaning("g_q", "g at z_q and its bias" if s.biased else "g at z_q"))
    else:
        found.append(Meaning("g_q", "g at z_q"))
    return [*found, *_numbers_meant(scenario), *of_rates]


def _activations(s: Any) -> list[Meaning]:
    names = list(dict.fromkeys(s.activations))
    if len(names) == 1:
        return [Meaning("g(x)", "activation", activation(names[0]).formula)]
    parts = {"student": s.activations[: s.K], "teacher": s.activations[s.K :]}
    return [
        Meaning("g_i" if part == "student" else "g_n", f"activation of the {part}'s units",
                ", ".join(names if len(set(names)) > 1 else names[:1]))
        for part, names in parts.items()
    ]  # fmt: skip


def _numbers_meant(scenario: Any) -> list[Meaning]:
    """Scalars and lists of options that are on."""
    s, values = scenario.structure, scenario.values()
    known = {
        "output_learning_rate": (r"\eta_w", "learning rate of the output weights", "eta_w"),
        "bias_learning_rate": (r"\eta_\theta", "learning rate of the biases", "eta_theta"),
        "label_noise": ("s", "standard deviation of the label noise", "s"),
        "weight_decay": (r"\lambda", "weight decay", "lambda"),
        "output_weight_decay": (r"\lambda_w", "weight decay of the output weights", "lambda_w"),
        "dropout_keep": ("p", "probability that a hidden unit is kept", "p"),
        "batch_size": ("b", "examples in an update", "b"),
        "teacher_drift": ("d", "rate of the teacher's random walk", "d"),
        "damping": (r"\gamma", "friction of the velocities", "gamma"),
        "mean_square": (r"|\mu|^2", "squared length of the mean of the inputs", "mu_square"),
        "v": ("v", "output weights of the teacher", ""),
        "phi": (r"\phi", "biases of the teacher", ""),
        "eigenvalues": (r"\lambda_l", "eigenvalues of the covariance of the inputs", ""),
        "shares": ("f_l", "their shares of the dimensions", ""),
        "mean_overlap": ("e_n", "overlaps of the teacher with the mean of the inputs", ""),
    }  # fmt: skip
    found = []
    if not isinstance(scenario.learning_rate, Schedule | AdaptiveRate):
        found.append(Meaning.of(r"\eta", "learning rate", scenario.learning_rate, "eta"))
    for name, (symbol, what, letter) in known.items():
        value = values.get(name)
        if value is None or isinstance(getattr(scenario, name, None), Schedule):
            continue
        found.append(
            Meaning.of(symbol, what, float(value), letter) if letter else Meaning(symbol, what, _matrix(value))
        )
    if s.dropout:
        found.append(Meaning(r"\nu_{iq}", "number of different student units among those named"))
        found.append(Meaning(r"\bar{c}", "c with p w in the place of w"))
    return found + _motion_meant(scenario)


def _motion_meant(scenario: Any) -> list[Meaning]:
    drift, kind = scenario.teacher_drift, getattr(scenario.teacher_drift, "kind", None)
    found = []
    rate = scenario.learning_rate
    if isinstance(rate, AdaptiveRate):
        found.append(Meaning(r"\eta", "learning rate, at the start", f"{rate.initial:g}"))
    if isinstance(rate, AdaptiveRate) and isinstance(rate.h, Murata):
        for letter, name in (("a_{\\eta}", "a"), ("b_{\\eta}", "b"), (r"\epsilon_0", "floor")):
            found.append(Meaning(letter, f"`{name}` of the adaptive rate", f"{getattr(rate.h, name):g}"))
    if kind in ("rotation", "switch", "lessons"):
        found.append(
            Meaning("e_p", "E_p . xi for the fixed vectors E_p that the teacher moves among; R_ip = J_i . E_p")
        )
        found.append(Meaning("T_{qp}", "overlaps E_q . E_p"))
        found.append(Meaning("A_{np}", "weights of the teacher of the moment, B_n = sum_p A_np E_p"))
    if kind == "rotation":
        found.append(Meaning(r"\omega", "speed of the rotation", f"{drift.speed:g}"))
    if kind == "switch":
        found.append(Meaning(r"\kappa", "cosine of a teacher vector with its successor", f"{drift.overlap:g}"))
    return found


def _matrix(value: Any) -> str:
    value = np.asarray(value)
    if value.ndim == 2 and np.array_equal(value, np.eye(len(value))):
        return "identity" if len(value) > 1 else "1"
    if value.size > 36:
        return f"{' x '.join(map(str, value.shape))} numbers"
    return np.array2string(value, precision=6, separator=", ").replace("\n", "")


def _remarks(s: Any) -> list[str]:
    found = []
    if s.dynamics == "gradient_flow":
        found.append("The terms of order eta^2 are dropped: a gradient flow.")
    if s.has_means:
        found.append("Averages are over z Gaussian with the covariances C, at arguments shifted by their means.")
    return found
