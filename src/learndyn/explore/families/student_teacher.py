"""A student that learns from a teacher, on the page."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from learndyn.activations.registry import activation_names
from learndyn.arguments import count, shown
from learndyn.errors import InputError
from learndyn.explore.controls import Control, Group, Values, matrix_of, numbers_of, text_of
from learndyn.explore.families.base import Family, Kept, interval, kept_fields
from learndyn.scenarios.student_teacher.networks import Student, Teacher
from learndyn.scenarios.student_teacher.scenario import StudentTeacher
from learndyn.scenarios.student_teacher.start import Start

SAME = "as the student"
# So many units fit on a slider; more of them may be typed.
MOST_UNITS = 8
# So many units K + M can be compiled in about half a minute and then answer in some seconds: those of `QUICK`,
# others, and those whose averages of four units are quadratures.
QUICK = ("erf", "linear")
MOST_QUICK, MOST_TOGETHER, MOST_BY_QUADRATURE = 32, 16, 4
# Up to so many products K M the critical rate takes about a second.
CHEAP = 9
# Activations of teachers alone, and those with which learning takes seconds to compute.
TEACHERS = ("step", "sign")
_SHOWN = (
    "student", "teacher", "learning_rate", "dynamics", "output_learning_rate", "output_time_scale", "label_noise",
    "weight_decay", "dropout_keep", "batch_size",
)  # fmt: skip


def _starts(*kinds: str) -> Any:
    return lambda values: values["start"] in kinds


def _learned(values: Values) -> bool:
    return values["output_learning_rate"] > 0.0


def _choices(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name.replace("_", " ")) for name in names)


def _groups() -> tuple[Group, ...]:
    students = _choices(*(name for name in activation_names() if name not in TEACHERS))
    units: dict[str, Any] = {"low": 1, "high": MOST_UNITS, "step": 1}
    return (
        Group("Networks", (
            Control("K", "Student units K", "count", 2, **units, arguments=("units", "student")),
            Control("M", "Teacher units M", "count", 2, **units, arguments=("teacher", "T")),
            Control("activation", "Activation", "choice", "erf", choices=students),
            Control(
                "teacher_activation", "Activation of the teacher", "choice", SAME,
                choices=((SAME, SAME), *students, *_choices(*TEACHERS)),
            ),
        )),
        Group("Learning", (
            Control("learning_rate", "Learning rate η", "log", 0.5, low=0.01, high=10.0),
            Control(
                "dynamics", "Dynamics", "choice", "sgd",
                choices=(("sgd", "with the η² term (SGD)"), ("gradient_flow", "gradient flow (small η)")),
            ),
            Control("until", "Until α =", "log", 500.0, low=1.0, high=1e5),
        )),
        Group("Start", (
            Control(
                "start", "Overlaps", "choice", "near_symmetric",
                choices=(("near_symmetric", "nearly symmetric"), ("random", "random"), ("overlaps", "given numbers")),
            ),
            Control(
                "lengths", "Squared lengths Qᵢᵢ", "range", (0.2, 0.3), high=2.0, step=0.01, arguments=("Q",),
                visible=_starts("near_symmetric", "random"),
                help="Nearly symmetric: from the first unit to the last. Random: drawn between the two.",
            ),
            Control(
                "X", "Initial overlap X", "log", 1e-4, low=1e-12, high=1.0, arguments=("R",),
                visible=_starts("near_symmetric", "random"),
                help="Nearly symmetric: Rᵢᵢ = X. Random: all other overlaps are drawn from [0, X].",
            ),
            Control(
                "start_seed", "Seed", "count", 1, low=0, high=100, step=1, arguments=("seed",),
                visible=_starts("random"),
            ),
            Control("R", "R, a row for each student unit", "matrix", "0, 0\n0, 0", visible=_starts("overlaps")),
            Control("Q", "Q, a row for each student unit", "matrix", "0.2, 0\n0, 0.3", visible=_starts("overlaps")),
        )),
        Group("Second layer", (
            Control(
                "output_weights", "Output weights v of the teacher", "text", "",
                help="One number for each unit, such as 1.2, -3. Left empty: all are 1.",
            ),
            Control(
                "output_learning_rate", "Learning rate η_w", "number", 0.0, high=2.0,
                help="Of the student's output weights. 0: they stay at 1.",
            ),
            Control(
                "output_time_scale", "Their time", "choice", "N", visible=_learned,
                choices=(("N", "as the first layer"), ("fast", "fast: at their best at all times")),
            ),
        ), open=False),
        Group("Noise and regularisation", (
            Control("label_noise", "Label noise", "number", 0.0),
            Control("weight_decay", "Weight decay λ", "number", 0.0, high=0.5, step=0.001),
            Control("dropout_keep", "Units kept by dropout p", "number", 1.0, low=0.05, step=0.05),
            Control("batch_size", "Examples an update", "count", 1, low=1, high=64, step=1),
        ), open=False),
    )  # fmt: skip


class StudentAndTeacher(Family):
    """`learndyn.StudentTeacher`."""

    kind: ClassVar[str] = StudentTeacher.kind
    title: ClassVar[str] = "Student and teacher"
    until: ClassVar[float] = 500.0
    main: ClassVar[str] = "eps_g"
    panels: ClassVar[tuple[tuple[str, str], ...]] = (
        ("R", "Student and teacher: R"),
        ("Q", "Student and student: Q"),
        ("w", "Output weights"),
    )
    replaced: ClassVar[dict[str, tuple[str, ...]]] = {
        "learning_rate": ("learning_rate",),
        "output_learning_rate": ("output_learning_rate",),
        "student.activation": ("activation",),
        "teacher.activation": ("teacher_activation",),
    }

    def __init__(self) -> None:
        self.groups = _groups()

    def scenario(self, values: Values, kept: Kept) -> Any:
        """The student and its teacher."""
        K, M, teacher = count(values["K"], "K"), count(values["M"], "M"), values["teacher_activation"]
        weights = numbers_of(values["output_weights"], "output_weights")
        fields = dict(kept)
        parts = {part: fields.pop(part, {}) for part in ("student", "teacher")}
        named = {name: fields.pop(name, values[name]) for name in ("learning_rate", "output_learning_rate")}
        named["output_learning_rate"] = named["output_learning_rate"] or None
        for name in ("dynamics", "label_noise", "weight_decay", "dropout_keep", "batch_size"):
            named[name] = values[name]
        if named["output_learning_rate"] is not None:
            named["output_time_scale"] = values["output_time_scale"]
        own = {"activation": values["activation"], **parts["student"]}
        theirs = {"activation": own["activation"] if teacher == SAME else teacher, **parts["teacher"]}
        if weights:
            theirs["output_weights"] = weights
        scenario = StudentTeacher(Student(K, **own), Teacher(M, **theirs), **named, **fields)
        _refuse_large(scenario)
        return scenario

    def start(self, scenario: Any, values: Values, kept: Kept) -> Any:
        """The overlaps with which it begins."""
        low, high = values["lengths"]
        if values["start"] == "near_symmetric":
            _refuse_X(scenario, low, high, values["X"])
            return Start.near_symmetric(scenario, np.linspace(low, high, scenario.K), values["X"])
        if values["start"] == "random":
            return Start.random(scenario, (low, high), values["X"], seed=values["start_seed"])
        Q, R = matrix_of(values["Q"], "Q"), matrix_of(values["R"], "R")
        return scenario.as_start(Start(Q, R, **kept))

    def values_of(self, scenario: Any, start: Any) -> tuple[Values, dict[str, Kept]]:
        """The start by its numbers, whatever it was made by."""
        student, teacher = scenario.student, scenario.teacher
        values = self.defaults() | {"K": scenario.K, "M": scenario.M}
        kept: dict[str, Kept] = {"scenario": kept_fields(scenario, _SHOWN), "start": {}}
        parts: dict[str, Kept] = {"student": {}, "teacher": {}}
        known = {name for name, _ in self.controls["activation"].choices}
        if student.activation in known:
            values["activation"] = student.activation
        else:
            parts["student"]["activation"] = student.activation
        if teacher.activation in known | set(TEACHERS):
            values["teacher_activation"] = SAME if teacher.activation == student.activation else teacher.activation
        else:
            parts["teacher"]["activation"] = teacher.activation
        if not np.array_equal(scenario.T, np.eye(scenario.M)):
            parts["teacher"]["T"] = teacher.T
        if teacher.biases is not None:
            parts["teacher"]["biases"] = teacher.biases
        if teacher.output_weights is not None:
            values["output_weights"] = text_of(teacher.output_weights)
        for name in ("learning_rate", "output_learning_rate"):
            rate = getattr(scenario, name)
            if rate is None or isinstance(rate, float):
                values[name] = rate or 0.0
            else:
                kept["scenario"][name] = rate
        for name in ("dynamics", "output_time_scale", "label_noise", "weight_decay", "dropout_keep", "batch_size"):
            values[name] = getattr(scenario, name)
        kept["scenario"] |= {part: fields for part, fields in parts.items() if fields}
        if start is not None:
            values |= {"start": "overlaps", "Q": text_of(start.Q), "R": text_of(start.R)}
            values |= _nearly_symmetric(scenario, start)
            kept["start"] = kept_fields(start, ("Q", "R"))
        return values, kept

    def changed(self, name: str, values: Values) -> Values:
        """Given overlaps get rows and columns for new units, and lose those of units that are gone."""
        K, M = values["K"], values["M"]
        if not (isinstance(K, int) and isinstance(M, int) and min(K, M) > 0 and K + M <= MOST_QUICK):
            return values  # refused when the scenario is made
        if name == "start" and values["start"] == "overlaps":
            # Numbers to begin with: those that the two other starts would have had.
            low, high = values["lengths"]
            Q = np.diag(np.linspace(low, high, values["K"]))
            return values | {"Q": text_of(Q), "R": text_of(values["X"] * np.eye(values["K"], values["M"]))}
        if name not in ("K", "M"):
            return values
        try:
            R, Q = matrix_of(values["R"], "R"), matrix_of(values["Q"], "Q")
        except InputError:
            return values
        return values | {
            "R": text_of(_resized(np.array(R), (K, M), 0.0)),
            "Q": text_of(_resized(np.array(Q), (K, K), float(np.mean(np.diagonal(Q))))),
        }

    def plane(self, scenario: Any, paths: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
        """R and Q of a perceptron: from nothing learned to all, and wherever the run goes."""
        length = float(np.sqrt(scenario.T[0, 0]))
        found = {}
        for name, path in paths.items():
            if name.startswith("R"):
                found[name] = interval(path, 0.0, length)
            else:
                found[name] = (0.0, interval(path, 0.0, length**2)[1])
        return found

    def has_critical_rate(self, scenario: Any) -> bool:
        """Of small networks whose averages have closed forms."""
        structure = scenario.structure
        by_quadrature = structure.pairs_by_quadrature or structure.fours_by_quadrature
        return scenario.K * scenario.M <= CHEAP and not by_quadrature


def _refuse_large(scenario: Any) -> None:
    """Refuse what would keep the page waiting for minutes."""
    structure, units = scenario.structure, scenario.K + scenario.M
    if structure.fours_by_quadrature:
        most, why = MOST_BY_QUADRATURE, "averages of more units with this activation take minutes"
        step = "Use fewer units or gradient flow here, or ld.solve with samples=4096 in Python."
    else:
        quick = set(structure.activations) <= set(QUICK)
        most, why = MOST_QUICK if quick else MOST_TOGETHER, "larger networks take minutes"
        step = "Use fewer units here, or ld.solve in Python; ld.SiteSymmetric is for large symmetric ones."
    if units > most:
        raise InputError(
            f"Argument `K` must be such that K + M is at most {most} in the explorer, but it is {units}: {why}. {step}"
        )


def _refuse_X(scenario: Any, low: float, high: float, X: float) -> None:
    """Refuse an overlap that is longer than its two vectors allow, in terms of the two controls."""
    units = min(scenario.K, scenario.M)
    lengths = np.linspace(low, high, scenario.K)[:units] * np.diagonal(scenario.T)[:units]
    most = float(np.sqrt(lengths.min()))
    if abs(X) > most:
        raise InputError(
            f"Argument `X` must be at most {most:.3g} with these squared lengths, but it is {shown(X)}. Use a smaller "
            "X, or larger lengths."
        )


def _nearly_symmetric(scenario: Any, start: Start) -> Values:
    """The two controls of a nearly symmetric start, where it is one to the last digit."""
    low, high, X = start.Q[0][0], start.Q[-1][-1], start.R[0][0]
    if not (0.0 <= low <= high and X > 0.0):
        return {}
    made = Start.near_symmetric(scenario, np.linspace(low, high, scenario.K), X)
    if (start.Q, start.R, start.at) != (made.Q, made.R, 0.0) or start.w != made.w or start.theta != made.theta:
        return {}
    return {"start": "near_symmetric", "lengths": (low, high), "X": X} if start.more == made.more else {}


def _resized(old: np.ndarray, shape: tuple[int, int], diagonal: float) -> np.ndarray:
    """A matrix with rows and columns cut off, or added with zeros and `diagonal`."""
    if old.ndim != 2:
        raise InputError(f"Argument `R` must be rows of numbers, but it is {shown(old)}. Write 0, 0; 0, 0.")
    new = diagonal * np.eye(*shape)
    rows, columns = min(shape[0], old.shape[0]), min(shape[1], old.shape[1])
    new[:rows, :columns] = old[:rows, :columns]
    return new
