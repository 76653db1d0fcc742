"""Student and teacher of K units each whose sites are all alike: the scenario's data, without an engine in it.

    R_in = R delta_in + S (1 - delta_in),   Q_ik = Q delta_ik + C (1 - delta_ik),   T = 1,   M = K

is kept by the flow of a soft committee machine, so that four numbers are its state, exactly, at any K.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from learndyn.activations import Activation, activation
from learndyn.activations.averages.selection import REACHES
from learndyn.arguments import choice, count, number, shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.base import Flow, Landmarks, Quantity, fields_alone, replaced
from learndyn.scenarios.shown import Shown
from learndyn.scenarios.site_symmetric.flow import make_flow
from learndyn.scenarios.site_symmetric.moments import error
from learndyn.scenarios.site_symmetric.overlaps import is_possible, unpack
from learndyn.scenarios.site_symmetric.start import SymmetricStart
from learndyn.scenarios.site_symmetric.structure import MOST_SITES, Structure
from learndyn.scenarios.student_teacher.networks import Student, Teacher
from learndyn.scenarios.student_teacher.scenario import DYNAMICS, REACH_SLACK, StudentTeacher
from learndyn.schedules import Schedule, schedule_of

ORDER_PARAMETERS = {
    "R": Quantity((), "overlap R = J_i . B_i with the own teacher unit"),
    "S": Quantity((), "overlap S = J_i . B_n with each other teacher unit"),
    "Q": Quantity((), "squared length Q = J_i . J_i of a student unit"),
    "C": Quantity((), "overlap C = J_i . J_k of two student units"),
}
OBSERVABLES = {
    "eps_g": Quantity((), "generalisation error <(tau - sigma)^2> / 2"),
    "length": Quantity((), "length |J_i| = sqrt(Q)"),
    "own_cosine": Quantity((), "cosine R / sqrt(Q) with the own teacher unit, 0 for a vector of length 0"),
    "other_cosine": Quantity((), "cosine S / sqrt(Q) with each other teacher unit"),
    "specialisation": Quantity((), "largest minus second largest |cosine| over the teacher units (|cosine| if K = 1)"),
}


@dataclass(frozen=True)
class SiteSymmetric(Shown):
    """A soft committee machine that learns from one of the same size, all K sites alike: four equations for any K.

        R_in = R delta_in + S (1 - delta_in),   Q_ik = Q delta_ik + C (1 - delta_ik),   T_nm = delta_nm,   M = K

        dR/dalpha = eta <delta_1 y_1> - eta lambda R
        dS/dalpha = eta <delta_1 y_2> - eta lambda S
        dQ/dalpha = 2 eta <delta_1 x_1> - 2 eta lambda Q + eta^2 <delta_1 delta_1>
        dC/dalpha = 2 eta <delta_1 x_2> - 2 eta lambda C + eta^2 <delta_1 delta_2>

    The flow of `StudentTeacher` keeps this symmetry, so that these are its equations, with the eta^2 term, and not an
    approximation: averages over K sites are those over four, each as often as it occurs.

    Parameters
    ----------
    units
        Number of units K = M of student and teacher, at least 1. A single unit has R and Q alone.
    activation
        Of all units, as for `Student`.
    learning_rate
        eta, a number above 0 or a schedule (`ld.schedules`).
    dynamics
        ``"sgd"``: the full equations. ``"gradient_flow"``: the eta^2 terms dropped.
    label_noise
        Standard deviation s of Gaussian noise on the label.
    weight_decay
        lambda, inside the update that eta scales.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    Notes
    -----
    What breaks the symmetry is not in it: units that specialise differently, and the noise of finite N. `simulate` is
    refused; `full` gives the equivalent `StudentTeacher`. The cost does not depend on K, and all K >= 4 share one
    compiled program. Sums over K^2 pairs of sites cancel: with averages right to d, <delta_i delta_k> and eps_g are
    right to about K^2 d, where d is 1e-16 for erf and at most 1e-10 for ReLU.
    References: Saad & Solla (1995) Phys. Rev. E 52, 4225; Straat (2018) p. 40-41.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.SiteSymmetric(units=1000, activation="erf", learning_rate=1e-3)
    >>> curve = ld.solve(scenario, ld.SymmetricStart(R=1e-3, S=0.0, Q=0.25, C=0.0), until=100)
    >>> curve.attrs["status"]
    'ok'
    """

    kind: ClassVar[str] = "site_symmetric"
    time_name: ClassVar[str] = "alpha"
    gaussian_inputs: ClassVar[bool] = True
    time: ClassVar[Quantity] = StudentTeacher.time

    units: int
    activation: str | Activation | Any = "erf"
    learning_rate: float | Any = None
    dynamics: str = "sgd"
    _: KW_ONLY
    label_noise: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if self.learning_rate is None:
            raise InputError("Argument `learning_rate` must be given, but it is missing. Write learning_rate=0.1.")
        checked = {
            "units": count(self.units, "units"),
            "activation": _one_activation(self.activation),
            "learning_rate": schedule_of(self.learning_rate, "learning_rate"),
            "dynamics": choice(self.dynamics, "dynamics", DYNAMICS),
            "label_noise": number(self.label_noise, "label_noise", minimum=0.0),
            "weight_decay": number(self.weight_decay, "weight_decay", minimum=0.0),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def replace(self, **changes: Any) -> SiteSymmetric:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.SiteSymmetric(3, learning_rate=0.5).replace(units=1000).units
        1000
        """
        return replaced(self, changes)

    def full(self) -> StudentTeacher:
        """The equivalent `StudentTeacher`, with all K (K + M) order parameters.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.SiteSymmetric(3, "relu", learning_rate=0.5).full().student
        Student(units=3, activation='relu')
        """
        name = self.structure.activation
        return StudentTeacher(
            Student(self.units, name),
            Teacher(self.units, name),
            self.learning_rate,
            dynamics=self.dynamics,
            label_noise=self.label_noise,
            weight_decay=self.weight_decay,
        )

    @cached_property
    def structure(self) -> Structure:
        """What decides the shape of the computation."""
        return Structure(
            sites=min(self.units, MOST_SITES),
            activation=str(self.activation),
            dynamics=self.dynamics,
            noisy=self.label_noise > 0.0 and self.dynamics == "sgd",
            decays=self.weight_decay > 0.0,
            schedule=self.learning_rate.key() if isinstance(self.learning_rate, Schedule) else None,
        )

    def __getstate__(self) -> dict[str, Any]:
        return fields_alone(self)

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    def as_start(self, start: Any) -> SymmetricStart:
        """The start, checked against this scenario; a symmetric `ld.Start` or a row of a result will do."""
        if not isinstance(start, SymmetricStart) and hasattr(start, "Q") and np.ndim(start.Q) == 2:
            self._refuse_size(len(start.Q))
        return SymmetricStart.of(start).completed(self)

    def _refuse_size(self, K: int) -> None:
        if self.units != K:
            raise InputError(
                f"Argument `start` must be one of {self.units} unit(s), as the scenario has, but it is one of {K}. Use "
                f"scenario.replace(units={K}), or ld.SymmetricStart.of(start), which fits any number."
            )

    def initial_state(self, start: Any) -> np.ndarray:
        """The flat state (R, S, Q, C); (R, Q) of a single unit."""
        numbers = start.completed(self).numbers()
        return numbers if self.structure.near == 2 else numbers[[0, 2]]

    @property
    def state_length(self) -> int:
        """Length of the flat state."""
        return 2 * self.structure.near

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again: the number of units, from four on, among them."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        rate = self.learning_rate
        found: dict[str, Any] = {
            "learning_rate": rate.numbers() if isinstance(rate, Schedule) else rate,
            "units": float(self.units),
        }
        if self.structure.noisy:
            found["label_noise"] = self.label_noise
        if self.structure.decays:
            found["weight_decay"] = self.weight_decay
        return {name: np.asarray(value, dtype=float) for name, value in found.items()}

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The four equations in JAX, with quadratures that hold up to the standard deviation ``reach``."""
        _refuse_samples(samples)
        return make_flow(self._with(reach))

    def _with(self, reach: float | None) -> Structure:
        return self.structure if reach is None else replace(self.structure, reach=reach)

    def reach(self, states: np.ndarray, times: Any = 0.0) -> float | None:
        """The reach that quadratures need for flat states (rows, n); None where there are no quadratures."""
        if not (self.structure.pairs_by_quadrature or self.structure.fours_by_quadrature) or len(states) == 0:
            return None
        largest = float(np.sqrt(max(1.0, unpack(states, self.structure.near)[2].max())))
        return next((reach for reach in REACHES if largest <= reach * (1.0 + REACH_SLACK)), REACHES[-1])

    def quantities(self) -> dict[str, Quantity]:
        """Order parameters and observables; none has dims beside time."""
        return {name: ORDER_PARAMETERS[name] for name in self.structure.names} | OBSERVABLES

    def coordinates(self) -> dict[str, np.ndarray]:
        """No labels: the units are all alike."""
        return {}

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Order parameters and observables of flat states (..., n)."""
        structure = self._with(self.reach(states.reshape(-1, states.shape[-1])))
        R, S, Q, _ = unpack(states, structure.near)
        length = NUMPY.root(Q)
        own, other = NUMPY.ratio(R, length), NUMPY.ratio(S, length)
        ahead = np.abs(own) - np.abs(other)
        return self.order_parameters(states) | {
            # Rounding leaves it slightly below zero at the perfect solution, at times.
            "eps_g": np.maximum(error(structure, states, float(self.units), NUMPY), 0.0),
            "length": length,
            "own_cosine": own,
            "other_cosine": other,
            # From three units on no other teacher unit can be ahead alone.
            "specialisation": np.abs(ahead) if self.units < 3 else np.maximum(ahead, 0.0),
        }

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """The numbers of the state by name, of flat states (..., n)."""
        return {name: states[..., place] for place, name in enumerate(self.structure.names)}

    def parameter_names(self) -> list[str]:
        """R, S, Q, C: the numbers of the flat state, in its order."""
        return list(self.structure.names)

    def error_function(self, xp: Any) -> Any:
        """eps_g(flat state, values, at=0.0) with the namespace `xp`."""
        structure = self.structure

        def eps_g(flat: Any, values: dict[str, Any], at: Any = 0.0) -> Any:
            return error(structure, flat, values["units"], xp)

        return eps_g

    def observable(self, name: str, xp: Any) -> Any:
        """An observable(flat state, values, at=0.0) with the namespace `xp`: "eps_g"."""
        choice(name, "quantity", ["eps_g"])
        return self.error_function(xp)

    def drift_errors(self, states: np.ndarray, times: np.ndarray, samples: int | None = None) -> np.ndarray:
        """Largest error of dQ/dalpha and dC/dalpha that quadrature makes at flat states (rows, n), shape (rows,)."""
        from learndyn.scenarios.site_symmetric.accuracy import drift_errors

        _refuse_samples(samples)
        return drift_errors(self._with(self.reach(states)), states, self.values(), np.asarray(times, dtype=float))

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """Number of leading states (rows of (times, n)) whose overlaps are a covariance, up to a relative tolerance."""
        possible = is_possible(states, self.structure.near, self.units, tolerance)
        return len(states) if possible.all() else int(np.argmin(possible))

    def scale(self, state: Any) -> float:
        """The squared length that is natural here: that of a student vector (as in `Flow.size`) plus the teacher's."""
        return float(self.flow().size(state)) + 1.0

    def landmarks(self) -> Landmarks:
        """What is known of the state space (`learndyn.scenarios.base.Landmarks`)."""
        from learndyn.scenarios.site_symmetric.landmarks import landmarks_of

        return landmarks_of(self)

    def inward(self, state: np.ndarray) -> np.ndarray | None:
        """A direction from the edge into the possible states where derivatives are limits from there; else None."""
        from learndyn.scenarios.site_symmetric.landmarks import inward

        return inward(self, state)

    # What alike sites do not have.

    def process(self, start: Any) -> Any:
        """Refused: nothing at finite N keeps the sites alike."""
        raise _finite_size()

    def require_plain(self, what: str) -> None:
        """Refused, like `process`."""
        raise _finite_size()

    def noise(self) -> Any:
        """Refused, like `process`."""
        raise _finite_size()


def _one_activation(value: Any) -> str:
    if isinstance(value, list | tuple):
        raise InputError(
            f"Argument `activation` must be one activation for all units, which are alike, but it is {shown(value)}. "
            "Use ld.StudentTeacher for activations unit by unit."
        )
    (name,) = Student(1, value).unit_activations
    if activation(name).teacher_only:
        raise InputError(
            f"Argument `activation` must have a derivative to learn by, but that of {shown(name)} is zero almost "
            'everywhere. Try "erf" or "tanh".'
        )
    return name


def _refuse_samples(samples: int | None) -> None:
    if samples is not None:
        raise InputError(
            f"Argument `samples` must be left out for an ld.SiteSymmetric, whose averages take four sites at most and "
            f"need no sampling, but it is {samples}. Leave it out."
        )


def _finite_size() -> InputError:
    return InputError(
        "Argument `scenario` must be one whose units may become different, but in an ld.SiteSymmetric all sites are "
        "alike, and chance breaks that at every finite N. Use scenario.full() with start.full(scenario.units)."
    )
