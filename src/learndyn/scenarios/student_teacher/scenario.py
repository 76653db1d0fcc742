"""A student network learns from a teacher network: the data of the scenario, validated, without an engine in it.

    sigma = sum_i g(x_i), x = J xi          student, K hidden units
    tau   = sum_n g(y_n), y = B xi          teacher, M hidden units
    J_i  <- J_i + (eta / N) delta_i xi,     delta_i = g'(x_i) (tau - sigma),  xi ~ N(0, I_N)

Order parameters: Q = J J^T, R = J B^T; T = B B^T is given. Time: alpha = updates / N.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from learndyn.activations import Activation, activation
from learndyn.activations.averages.selection import REACHES
from learndyn.arguments import choice, count, number, shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.base import Flow, Landmarks, Noise, Quantity, fields_alone, replaced
from learndyn.scenarios.shown import Shown
from learndyn.scenarios.student_teacher import compatibility, numbers, observables, positivity, state
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate, rate_of
from learndyn.scenarios.student_teacher.flow import make_flow
from learndyn.scenarios.student_teacher.frame import Frame
from learndyn.scenarios.student_teacher.geometry import arrangement_of
from learndyn.scenarios.student_teacher.inputs import Inputs
from learndyn.scenarios.student_teacher.layout import Layout
from learndyn.scenarios.student_teacher.motion import Lessons, RandomWalk, Rotation, Switch, form_of
from learndyn.scenarios.student_teacher.networks import Student, Teacher
from learndyn.scenarios.student_teacher.rules import Momentum, rule_of
from learndyn.scenarios.student_teacher.start import Start
from learndyn.scenarios.student_teacher.structure import Structure
from learndyn.schedules import Schedule

DYNAMICS = ["sgd", "gradient_flow"]
TIME_SCALES = ["N", "fast"]
CONNECTIVITIES = ["full", "tree"]
# A quadrature's error grows by a tenth of itself or so in this much of its reach.
REACH_SLACK = 0.01
# Fields that files and results leave out where they have their default, which switches them off.
OPTIONS = (
    "rule", "output_learning_rate", "output_time_scale", "bias_learning_rate", "label_noise", "weight_decay",
    "output_weight_decay", "dropout_keep", "batch_size", "teacher_drift", "inputs", "connectivity",
)  # fmt: skip


@dataclass(frozen=True)
class StudentTeacher(Shown):
    """A student that learns on-line from a teacher: perceptrons, soft committee machines, two-layer networks, trees.

        sigma = sum_i w_i g(x_i + theta_i),  tau = sum_n v_n g(y_n + phi_n) + noise,
        delta_i = w_i g'(x_i + theta_i) (tau - sigma)
        J_i <- (1 - eta lambda / N) J_i + (eta / N) delta_i xi

    The equations, for N to infinity and alpha = updates / N [Straat 2018, p. 13 and 28-31; Saad & Solla 1995]:

        dR_in/dalpha    = eta <delta_i y_n> - eta lambda R_in
        dQ_ik/dalpha    = eta (<delta_i x_k> + <delta_k x_i>) - 2 eta lambda Q_ik + eta^2 <delta_i delta_k> / b
        dw_i/dalpha     = eta_w (<(tau - sigma) g(x_i)> - lambda_w w_i)
        dtheta_i/dalpha = eta_theta <delta_i>

    Parameters
    ----------
    student, teacher
        `Student` and `Teacher`; any K and M, and any activations, unit by unit.
    learning_rate
        eta, a number above 0, a schedule (`ld.schedules`), or an `ld.AdaptiveRate`, which joins the state.
    dynamics
        ``"sgd"``: the full equations. ``"gradient_flow"``: the eta^2 terms dropped, the limit of small learning rates
        at fixed eta alpha (alpha and eta stay in the equations; `simulate` refuses it, since no finite step follows
        it). Label noise and batch size then change nothing.
    rule
        ``"gradient"``: F_i = delta_i. Others put another modulation F_i in its place: ``"hebb"``, ``"perceptron"``,
        ``"adatron"``, ``"natural_gradient"``, an `ld.Momentum`, or an `ld.Rule` of your own.
    output_learning_rate
        eta_w of the output weights w, a number or a schedule; ``None``: they are fixed.
    output_time_scale
        ``"N"``: w_i gains (eta_w / N) ... an update. ``"fast"``: without 1 / N [Straat & Biehl 2019]; `solve` then
        takes N to infinity and eta_w to 0 after it: w has its least-squares value at all times.
    bias_learning_rate
        eta_theta of the biases theta, a number or a schedule; ``None``: they are fixed.
    label_noise
        Standard deviation s of Gaussian noise on the label.
    weight_decay, output_weight_decay
        lambda of the first layer and lambda_w of the output weights, inside the update that eta scales.
    dropout_keep
        Probability p with which a hidden unit of the student takes part in an update; eps_g is that of the student
        with output weights p w.
    batch_size
        Examples b an update; alpha counts updates / N.
    teacher_drift
        How the teacher moves: `ld.RandomWalk`, `ld.Rotation`, `ld.Switch`; ``None``: it does not.
    inputs
        `ld.Inputs` with a spectrum or a mean; ``None``: standard normal inputs.
    connectivity
        ``"full"``; ``"tree"``: each hidden unit sees its own part of the input, K = M, and N is the dimension of one.

    Raises
    ------
    InputError
        With one sentence that names the argument, also for options that do not go together.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)
    >>> scenario.replace(learning_rate=0.5).learning_rate
    0.5
    >>> two_layers = ld.StudentTeacher(
    ...     ld.Student(2, "erf"), ld.Teacher(2, "erf", output_weights=[1.2, -3]), 0.5, output_learning_rate=0.1
    ... )
    >>> ld.solve(two_layers, ld.Start.random(two_layers, X=1e-3, seed=1), until=1000).w.isel(alpha=-1).shape
    (2,)
    """

    kind: ClassVar[str] = "student_teacher"
    time_name: ClassVar[str] = "alpha"
    gaussian_inputs: ClassVar[bool] = True
    time: ClassVar[Quantity] = Quantity((), "learning time: number of updates / N", "updates / N")

    student: Student
    teacher: Teacher
    learning_rate: float | Any
    dynamics: str = "sgd"
    _: KW_ONLY
    rule: str | Any = "gradient"
    output_learning_rate: float | Any = None
    output_time_scale: str = "N"
    bias_learning_rate: float | Any = None
    label_noise: float = 0.0
    weight_decay: float = 0.0
    output_weight_decay: float = 0.0
    dropout_keep: float = 1.0
    batch_size: int = 1
    teacher_drift: RandomWalk | Rotation | Switch | Lessons | None = None
    inputs: Inputs | None = None
    connectivity: str = "full"

    def __post_init__(self) -> None:
        for name, kind in (("student", Student), ("teacher", Teacher)):
            if not isinstance(getattr(self, name), kind):
                raise InputError(
                    f"Argument `{name}` must be an ld.{kind.__name__}, but it is {shown(getattr(self, name))}. "
                    f"Write {name}=ld.{kind.__name__}(units=2, activation='erf')."
                )
        self._check_numbers()
        _check_kind(self.teacher_drift, "teacher_drift", (RandomWalk, Rotation, Switch), (Lessons,))
        _check_kind(self.inputs, "inputs", (Inputs,))
        object.__setattr__(self, "rule", rule_of(self.rule))
        choice(self.dynamics, "dynamics", DYNAMICS)
        choice(self.output_time_scale, "output_time_scale", TIME_SCALES)
        choice(self.connectivity, "connectivity", CONNECTIVITIES)
        compatibility.check_together(self)

    def _check_numbers(self) -> None:
        checked: dict[str, Any] = {"learning_rate": rate_of(self.learning_rate, "learning_rate")}
        for name in ("output_learning_rate", "bias_learning_rate"):
            value = getattr(self, name)
            checked[name] = None if value is None else rate_of(value, name)
        for name in ("label_noise", "weight_decay", "output_weight_decay"):
            checked[name] = number(getattr(self, name), name, minimum=0.0)
        keep = checked["dropout_keep"] = number(self.dropout_keep, "dropout_keep", above=0.0)
        if keep > 1.0:
            raise InputError(
                f"Argument `dropout_keep` must be a probability, above 0 and at most 1, but it is {keep:g}. "
                "Write dropout_keep=0.8."
            )
        checked["batch_size"] = count(self.batch_size, "batch_size")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def replace(self, **changes: Any) -> StudentTeacher:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
        >>> perceptron.replace(dynamics="gradient_flow").dynamics
        'gradient_flow'
        """
        return numbers.with_numbers(self, changes) or replaced(self, changes)

    @property
    def K(self) -> int:
        """Number of student units."""
        return self.student.units

    @property
    def M(self) -> int:
        """Number of teacher units."""
        return self.teacher.units

    @property
    def activation(self) -> Activation:
        """The activation of all units, where they have one and the same."""
        names = set(self.structure.activations)
        if len(names) > 1:
            raise InputError(
                f"Argument `scenario` must have one activation for this, but it has {', '.join(sorted(names))}. "
                "Use the same activation for all units."
            )
        return activation(names.pop())

    @property
    def rule_name(self) -> str:
        """The rule in one word."""
        rule = self.rule
        return rule if isinstance(rule, str) else rule.kind if isinstance(rule, Momentum) else rule.name

    def shown(self, name: str) -> str:
        """A field with its value, as in a sentence."""
        return f"{name}={getattr(self, name)!r}"

    @property
    def T(self) -> np.ndarray:
        """Overlaps of the teacher, shape (M, M), read-only."""
        return self.frame.T

    @property
    def structure(self) -> Structure:
        """What decides the shape of the computation."""
        return self.frame.structure

    @property
    def layout(self) -> Layout:
        """The blocks of the flat state."""
        return self.frame.layout

    @cached_property
    def frame(self) -> Frame:
        """What this scenario shares with its copies that have other numbers."""
        return Frame(self._structure(), np.array(self.teacher.T))

    def _structure(self) -> Structure:
        teacher, inputs, drift = self.teacher, self.inputs, self.teacher_drift
        learned = self.output_learning_rate is not None
        rates = (self.learning_rate, self.output_learning_rate, self.bias_learning_rate)
        flow = self.dynamics == "gradient_flow"
        return Structure(
            K=self.K,
            M=self.M,
            activations=self.student.unit_activations + teacher.unit_activations,
            dynamics=self.dynamics,
            rule=self.rule_name,
            weighted=learned or teacher.output_weights is not None,
            output_rule=self.output_time_scale if learned else None,
            biased=self.bias_learning_rate is not None or teacher.biases is not None,
            learned_biases=self.bias_learning_rate is not None,
            noisy=self.label_noise > 0.0 and not flow,
            decays=self.weight_decay > 0.0,
            output_decays=self.output_weight_decay > 0.0,
            dropout=self.dropout_keep < 1.0,
            batched=self.batch_size > 1 and not flow,
            tree=self.connectivity == "tree",
            spectrum=0 if inputs is None or inputs.plain or inputs.mean_length > 0.0 else len(inputs.eigenvalues),
            shifted=inputs is not None and inputs.mean_length > 0.0,
            motion=form_of(drift),
            schedules=tuple(rate.key() if isinstance(rate, Schedule) else None for rate in rates),
            adaptive=self.learning_rate.key() if isinstance(self.learning_rate, AdaptiveRate) else None,
        )

    def __getstate__(self) -> dict[str, Any]:
        return fields_alone(self)

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def as_start(self, start: Any) -> Start:
        """The start, checked against this scenario and with all that it needs; a row of an earlier result will do."""
        return Start.of(start, self).completed(self)

    def covariance(self, start: Start) -> np.ndarray:
        """Covariance of the pre-activations (x, y) at a start: [[Q, R], [R^T, T]] for standard inputs."""
        parts = self.layout.unpack(self.initial_state(start))
        return arrangement_of(self.structure).units(parts, self.values(), start.at, NUMPY).C

    def initial_state(self, start: Start) -> np.ndarray:
        """The flat state: R row by row, then the upper triangle of Q, then what options add."""
        return self.layout.pack(start.completed(self).parts(self))

    @property
    def state_length(self) -> int:
        """Length of the flat state."""
        return self.layout.length

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again: those of the options that are on."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        return numbers.values_of(self)

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The order-parameter equations in JAX; with averages of four units from so many sample points, or by
        quadratures that hold up to the standard deviation ``reach``.
        """
        structure = self._with(samples, reach)
        return self.frame.flow if structure is self.structure else make_flow(structure)

    def _with(self, samples: int | None, reach: float | None) -> Structure:
        if samples is None and (reach is None or reach == self.structure.reach):
            return self.structure
        return replace(self.structure, samples=samples, reach=self.structure.reach if reach is None else reach)

    def reach(self, states: np.ndarray, times: Any = 0.0) -> float | None:
        """The reach that quadratures need for flat states (rows, n); None where there are no quadratures."""
        if not (self.structure.pairs_by_quadrature or self.structure.fours_by_quadrature) or len(states) == 0:
            return None
        times = np.broadcast_to(np.asarray(times, dtype=float), len(states))
        C = arrangement_of(self.structure).units(self.layout.unpack(states), self.values(), times, NUMPY).C
        largest = float(np.sqrt(np.diagonal(C, axis1=-2, axis2=-1).max()))
        return next((reach for reach in REACHES if largest <= reach * (1.0 + REACH_SLACK)), REACHES[-1])

    def noise(self) -> Noise:
        """What makes single runs differ at finite N, in JAX; refused for the gradient flow and for options."""
        self._require_steps("fluctuate")
        self.require_plain("fluctuations")
        from learndyn.scenarios.student_teacher.noise import make_noise

        return make_noise(self.K, self.M, self.activation)

    def require_plain(self, what: str) -> None:
        """Refuse what is known for soft committee machines without options only."""
        if not self.structure.plain:
            raise InputError(
                f"Argument `scenario` must be a soft committee machine without options for {what}: what fluctuates is "
                "known for constant learning rates, the activations erf, relu and linear, and output weights of 1. "
                "Use ld.simulate with method='overlaps', which has the options."
            )

    def _require_steps(self, what: str) -> None:
        if self.dynamics == "gradient_flow":
            raise InputError(
                f"Argument `scenario` must have dynamics='sgd' to {what}, but it has 'gradient_flow', which is the "
                "limit of a vanishing learning rate. Use scenario.replace(dynamics='sgd') with a small learning_rate."
            )

    def process(self, start: Any) -> Any:
        """What is repeated at finite N, from a start (`learndyn.scenarios.process.Process`)."""
        self._require_steps("be simulated")
        if self.rule_name == "natural_gradient":
            raise InputError(
                "Argument `rule` 'natural_gradient' is for ld.solve: each of its updates inverts the Fisher "
                "information of the weights of the moment, blocks of N x N numbers, which no simulation here forms. "
                "Use rule='gradient', or ld.solve."
            )
        from learndyn.scenarios.student_teacher.process import make_process

        return make_process(self, self.as_start(start))

    def step(self) -> Any:
        """One microscopic update without options, compiled by numba; refused for the gradient flow."""
        self._require_steps("be simulated")
        from learndyn.scenarios.student_teacher.steps import make_step

        return make_step(self.activation, self.learning_rate)

    def quantities(self) -> dict[str, Quantity]:
        """Order parameters and observables with their dims."""
        return self.frame.quantities

    def coordinates(self) -> dict[str, np.ndarray]:
        """Units are numbered from 1, as in the papers: R.sel(student=1, teacher=1) is R_11."""
        student, teacher = np.arange(1, self.K + 1), np.arange(1, self.M + 1)
        found = {"student": student, "student2": student, "teacher": teacher, "teacher2": teacher}
        if self.structure.spectrum:
            found["space"] = np.arange(1, self.structure.spectrum + 1)
        if "R_reference" in self.frame.quantities:
            found["reference"] = np.arange(1, len(self.values()["T"]) + 1)
        return found

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Order parameters and observables of flat states (..., state) at ``times``, which broadcast to (...)."""
        if self.structure.plain:
            return self.frame.plain_rows.rows(states)
        times = np.broadcast_to(np.asarray(times, dtype=float), states.shape[:-1])
        if times.size == 1 and not self.structure.pairs_by_quadrature:
            return observables.rows_of_one(self.structure, states, self.values(), times)
        structure = self._with(None, self.reach(states.reshape(-1, states.shape[-1]), times.reshape(-1)))
        return observables.rows_of(structure, states, self.values(), times)

    def rows_key(self) -> Hashable:
        """Scenarios with equal keys may be labelled in one call; None: averages are quadratures, whose last bits do not
        keep from one batch to another.
        """
        s = self.structure
        if s.pairs_by_quadrature:
            return None
        if s.plain:
            return (s.K, s.activations, self.teacher.T)
        used = {name: value for name, value in self.values().items() if name not in numbers.NOT_IN_ROWS}
        return (s, tuple((name, value.shape, value.tobytes()) for name, value in used.items()))

    def error_function(self, xp: Any) -> Any:
        """eps_g(flat state, values, at=0.0) with the namespace `xp`."""
        structure, layout = self.structure, self.layout

        def eps_g(flat: Any, values: dict[str, Any], at: Any = 0.0) -> Any:
            parts = layout.unpack(flat)
            if structure.plain:
                name = structure.activations[0]
                return observables.generalisation_error(parts["R"], parts["Q"], values["T"], activation(name), xp)
            return observables.error_at(structure, parts, values, at, xp)

        return eps_g

    def observable(self, name: str, xp: Any) -> Any:
        """An observable(flat state, values, at=0.0) with the namespace `xp`: "eps_g"."""
        choice(name, "quantity", ["eps_g"])
        return self.error_function(xp)

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """The numbers of the state in full, by name, of flat states (..., state): R, Q, and what options add."""
        return observables.labelled_blocks(self.structure, states)

    def drift_errors(self, states: np.ndarray, times: np.ndarray, samples: int | None = None) -> np.ndarray:
        """Largest error of dQ_ik/dalpha that quadrature or sampling makes at flat states (rows, n), shape (rows,)."""
        from learndyn.scenarios.student_teacher.accuracy import drift_errors

        return drift_errors(self._with(samples, self.reach(states, times)), states, self.values(), times)

    def landmarks(self) -> Landmarks:
        """Symmetries, the solution, edges, and where to look."""
        from learndyn.scenarios.student_teacher.landmarks import landmarks_of

        return landmarks_of(self)

    def inward(self, state: np.ndarray) -> np.ndarray | None:
        """A direction from the edge into the possible states where derivatives are limits from there; else None."""
        from learndyn.scenarios.student_teacher.landmarks import inward

        return inward(self, state)

    def parameter_names(self) -> list[str]:
        """R_11, R_12, ..., Q_11, Q_12, ...: the numbers of the flat state, in its order."""
        return self.layout.names

    def pack(self, record: dict[str, np.ndarray], start: Start) -> np.ndarray:
        """Flat states of what a simulation has recorded, by name; numbers that do not learn are those of the start."""
        lead = record["R"].shape[:2]
        fixed = {
            name: np.broadcast_to(part, (*lead, *part.shape))
            for name, part in start.parts(self).items() if name not in record
        }  # fmt: skip
        single = {"eta": record["eta"][..., 0]} if "eta" in record else {}
        return self.layout.pack({**fixed, **record, **single})

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """Number of leading states (rows of (times, n)) whose overlaps are a covariance, up to a relative tolerance."""
        return positivity.first_impossible(self._covariances(states, times), tolerance)

    def first_impossible_of_each(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> np.ndarray:
        """The same for each of many members, states (members, times, n), whose `rows_key` is that of this scenario.

        From its first row with NaN on a member has no possible states.
        """
        times = np.broadcast_to(np.asarray(times, dtype=float), states.shape[:-1]).reshape(-1)
        C = self._covariances(states.reshape(-1, states.shape[-1]), times)
        return positivity.first_impossible_of_each(C.reshape(states.shape[:-1] + C.shape[1:]), tolerance)

    def _covariances(self, states: np.ndarray, times: Any) -> np.ndarray:
        """Covariances of all units at flat states (rows, n)."""
        if self.structure.plain:
            return state.covariance(states, self.K, self.M, self.T)
        parts, times = self.layout.unpack(states), np.broadcast_to(np.asarray(times, dtype=float), len(states))
        return arrangement_of(self.structure).units(parts, self.values(), times, NUMPY).C

    def scale(self, flat: Any) -> float:
        """The squared length that is natural here: that of a state (as in `Flow.size`) plus trace T."""
        size, v = float(self.frame.flow.size(flat)), self.values().get("v")
        return size + self.frame.trace + (0.0 if v is None else float(np.sum(v**2)))


def _check_kind(value: Any, name: str, kinds: tuple[Any, ...], internal: tuple[Any, ...] = ()) -> None:
    if value is not None and not isinstance(value, kinds + internal):
        words = ", ".join(f"ld.{kind.__name__}" for kind in kinds)
        raise InputError(
            f"Argument `{name}` must be one of {words}, or None, but it is {shown(value)}. Choose one of these."
        )
