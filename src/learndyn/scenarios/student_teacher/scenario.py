"""A student network learns from a teacher network: the data of the scenario, validated, without an engine in it.

    sigma = sum_i g(x_i), x = J xi          student, K hidden units
    tau   = sum_n g(y_n), y = B xi          teacher, M hidden units
    J_i  <- J_i + (eta / N) delta_i xi,     delta_i = g'(x_i) (tau - sigma),  xi ~ N(0, I_N)

Order parameters: Q = J J^T, R = J B^T; T = B B^T is given. Time: alpha = updates / N.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from learndyn.activations import Activation, activation
from learndyn.arguments import (
    Matrix,
    array,
    choice,
    count,
    did_you_mean,
    nested,
    number,
    positive_semidefinite,
    symmetric,
)
from learndyn.errors import InputError
from learndyn.scenarios.base import Flow, Noise, Quantity
from learndyn.scenarios.student_teacher import observables, state
from learndyn.scenarios.student_teacher.start import Start

DYNAMICS = ["sgd", "gradient_flow"]


def _activation_name(value: str | Activation) -> str:
    name = activation(value).name
    known = activation(name)
    if isinstance(value, Activation) and value is not known:
        raise InputError(
            f"Argument `activation` must be an activation that learndyn knows by its name, but it is another one with "
            f"the name {name!r}. Give it a name of its own in learndyn.activations.registry."
        )
    return name


@lru_cache(maxsize=256)
def _check_start(start: Start, K: int, M: int, teacher: Teacher) -> None:
    """Refuse a start that is impossible for this teacher; what has passed is not looked at again."""
    start.check(K, M, np.array(teacher.T))


@dataclass(frozen=True)
class Student:
    """The network that learns: a hidden layer whose outputs are added.

    Parameters
    ----------
    units
        Number of hidden units K, at least 1. One unit is the perceptron.
    activation
        ``"erf"`` (g(x) = erf(x / sqrt 2)), ``"relu"`` or ``"linear"``; or a registered `Activation`, whose
        name is kept.

    Raises
    ------
    InputError
        When ``units`` is not a positive whole number or the activation is unknown.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Student(units=2, activation="relu")
    Student(units=2, activation='relu')
    """

    units: int
    activation: str | Activation = "erf"

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", count(self.units, "units"))
        object.__setattr__(self, "activation", _activation_name(self.activation))


@dataclass(frozen=True)
class Teacher:
    """The network that is to be learned: a hidden layer whose outputs are added.

    Parameters
    ----------
    units
        Number of hidden units M, at least 1.
    activation
        As for `Student`.
    T
        Overlaps B B^T of the teacher's weight vectors, shape (M, M), positive semidefinite; the identity when not
        given. A graded teacher has a diagonal T, correlated teacher units have off-diagonal entries. A number will
        do for M = 1.

    Raises
    ------
    InputError
        When T has another shape, is not symmetric or not positive semidefinite.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Teacher(units=2, activation="erf", T=[[1, 0], [0, 4]]).T
    ((1.0, 0.0), (0.0, 4.0))
    """

    units: int
    activation: str | Activation = "erf"
    T: Matrix | Any = None

    def __post_init__(self) -> None:
        M = count(self.units, "units")
        object.__setattr__(self, "units", M)
        object.__setattr__(self, "activation", _activation_name(self.activation))
        T = np.eye(M) if self.T is None else array(self.T, "T")
        T = T.reshape(1, 1) if M == 1 and T.ndim == 0 else T
        T = array(T, "T", (M, M), f"The teacher has {M} unit(s).")
        T = symmetric(T, "T")
        positive_semidefinite(T, "T", "T holds the overlaps B_n . B_m of the teacher's weight vectors.")
        object.__setattr__(self, "T", nested(T))

    @classmethod
    def from_weights(cls, B: Any, activation: str | Activation = "erf") -> Teacher:
        """A teacher with the overlaps of given weight vectors ``B``, shape (M, N)."""
        B = array(B, "B")
        if B.ndim != 2:
            raise InputError(f"Argument `B` must have shape (M, N), but it has shape {B.shape}.")
        return cls(len(B), activation, B @ B.T)


@dataclass(frozen=True)
class StudentTeacher:
    """A student that learns on-line from a teacher: perceptron (one unit) or soft committee machine.

    The equations, for N to infinity and alpha = updates / N [Straat 2018, p. 13 and 28-31; Saad & Solla 1995]:

        dR_in/dalpha = eta <delta_i y_n>
        dQ_ik/dalpha = eta (<delta_i x_k> + <delta_k x_i>) + eta^2 <delta_i delta_k>

    Parameters
    ----------
    student, teacher
        `Student` and `Teacher`; any K and M. Both must have the same activation.
    learning_rate
        eta, a number above 0.
    dynamics
        ``"sgd"``: one example a step, the full equations. ``"gradient_flow"``: the eta^2 term dropped, the limit of
        small learning rates at fixed eta alpha (alpha and eta stay in the equations; `simulate` refuses it, since no
        finite step follows it).

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)
    >>> scenario.replace(learning_rate=0.5).learning_rate
    0.5
    """

    kind: ClassVar[str] = "student_teacher"
    time_name: ClassVar[str] = "alpha"
    gaussian_inputs: ClassVar[bool] = True
    time: ClassVar[Quantity] = Quantity((), "learning time: number of updates / N", "updates / N")

    student: Student
    teacher: Teacher
    learning_rate: float
    dynamics: str = "sgd"

    def __post_init__(self) -> None:
        for name, kind in (("student", Student), ("teacher", Teacher)):
            if not isinstance(getattr(self, name), kind):
                raise InputError(
                    f"Argument `{name}` must be an ld.{kind.__name__}, but it is {getattr(self, name)!r}. "
                    f"Write {name}=ld.{kind.__name__}(units=2, activation='erf')."
                )
        object.__setattr__(self, "learning_rate", number(self.learning_rate, "learning_rate", above=0.0))
        choice(self.dynamics, "dynamics", DYNAMICS)
        if self.student.activation != self.teacher.activation:
            raise InputError(
                "Arguments `student` and `teacher` must have the same activation, but they have "
                f"{self.student.activation!r} and {self.teacher.activation!r}. Averages across two activations are "
                "not available yet."
            )

    def replace(self, **changes: Any) -> StudentTeacher:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
        >>> perceptron.replace(dynamics="gradient_flow").dynamics
        'gradient_flow'
        """
        names = [entry.name for entry in fields(self)]
        for name in changes:
            if name not in names:
                raise InputError(
                    f"Argument `{name}` of replace must be a field of the scenario: {', '.join(names)}."
                    f"{did_you_mean(name, names)}"
                )
        return replace(self, **changes)

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
        """The activation of both networks."""
        return activation(self.student.activation)

    @cached_property
    def T(self) -> np.ndarray:
        """Overlaps of the teacher, shape (M, M), read-only."""
        T = np.array(self.teacher.T)
        T.flags.writeable = False
        return T

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "T"}

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def as_start(self, start: Any) -> Start:
        """The start, checked against this scenario; a row of an earlier result will do."""
        start = Start.of(start)
        _check_start(start, self.K, self.M, self.teacher)
        return start

    def covariance(self, start: Start) -> np.ndarray:
        """[[Q, R], [R^T, T]] of a start."""
        return state.covariance(self.initial_state(start), self.K, self.M, self.T)

    def initial_state(self, start: Start) -> np.ndarray:
        """R row by row, then the upper triangle of Q."""
        return state.pack(np.array(start.R), np.array(start.Q))

    @property
    def state_length(self) -> int:
        """Length of the flat state."""
        return self.K * self.M + self.K * (self.K + 1) // 2

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again."""
        return {"learning_rate": np.asarray(self.learning_rate), "T": self.T}

    def flow(self) -> Flow:
        """The order-parameter equations in JAX."""
        from learndyn.scenarios.student_teacher.flow import make_flow

        return make_flow(self.K, self.M, self.activation, self.dynamics)

    def noise(self) -> Noise:
        """What makes single runs differ at finite N, in JAX; refused for the gradient flow."""
        if self.dynamics == "gradient_flow":
            raise InputError(
                "Argument `scenario` must have dynamics='sgd' to fluctuate, but it has 'gradient_flow', which is the "
                "limit of a vanishing learning rate. Use scenario.replace(dynamics='sgd') with a small learning_rate."
            )
        from learndyn.scenarios.student_teacher.noise import make_noise

        return make_noise(self.K, self.M, self.activation)

    def step(self) -> Any:
        """One microscopic update, compiled by numba; refused for the gradient flow."""
        if self.dynamics == "gradient_flow":
            raise InputError(
                "Argument `scenario` must have dynamics='sgd' to be simulated, but it has 'gradient_flow', which is "
                "the limit of a vanishing learning rate. Use scenario.replace(dynamics='sgd') with a small "
                "learning_rate."
            )
        from learndyn.scenarios.student_teacher.steps import make_step

        return make_step(self.activation, self.learning_rate)

    def quantities(self) -> dict[str, Quantity]:
        """Order parameters and observables with their dims."""
        return observables.QUANTITIES

    def coordinates(self) -> dict[str, np.ndarray]:
        """Units are numbered from 1, as in the papers: R.sel(student=1, teacher=1) is R_11."""
        student, teacher = np.arange(1, self.K + 1), np.arange(1, self.M + 1)
        return {"student": student, "student2": student, "teacher": teacher, "teacher2": teacher}

    def rows(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """Order parameters and observables of flat states, shape (..., state)."""
        R, Q = state.unpack(states, self.K, self.M)
        return observables.rows(R, Q, self.T, self.activation)

    def error_function(self, xp: Any) -> Any:
        """eps_g(flat state, values) with the namespace `xp`."""
        K, M, activation = self.K, self.M, self.activation

        def eps_g(flat: Any, values: dict[str, Any]) -> Any:
            R, Q = state.unpack(flat, K, M)
            return observables.generalisation_error(R, Q, values["T"], activation, xp)

        return eps_g

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """R and Q of flat states, shape (..., state)."""
        R, Q = state.unpack(states, self.K, self.M)
        return {"R": R, "Q": Q}

    def parameter_names(self) -> list[str]:
        """R_11, R_12, ..., Q_11, Q_12, ...: the numbers of the flat state, in its order."""
        comma = "," if max(self.K, self.M) > 9 else ""
        i, k = state.upper(self.K)
        R = [f"R_{a}{comma}{b}" for a in range(1, self.K + 1) for b in range(1, self.M + 1)]
        return R + [f"Q_{a}{comma}{b}" for a, b in zip(i + 1, k + 1, strict=True)]

    def pack(self, R: np.ndarray, Q: np.ndarray) -> np.ndarray:
        """Flat states of R (..., K, M) and Q (..., K, K)."""
        return state.pack(R, Q)

    def first_impossible(self, states: np.ndarray, tolerance: float) -> int:
        """Number of leading states (rows of (times, n)) whose overlaps are a covariance, up to a relative tolerance."""
        C = state.covariance(states, self.K, self.M, self.T)
        diagonal = np.arange(self.K + self.M)
        C[:, diagonal, diagonal] += tolerance * (1e-300 + C[:, diagonal, diagonal].sum(-1))[:, None]
        try:
            np.linalg.cholesky(C)
        except np.linalg.LinAlgError:
            bad = np.linalg.eigvalsh(C)[:, 0] <= 0.0
            return int(np.argmax(bad)) if bad.any() else len(states)
        return len(states)

    def scale(self, flat: Any) -> float:
        """The squared length that is natural here: trace Q of a state plus trace T."""
        return float(state.squared_length(self.K, self.M, flat)) + float(np.trace(self.T))
