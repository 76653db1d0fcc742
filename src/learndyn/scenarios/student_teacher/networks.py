"""The two networks of the scenario: hidden layers whose outputs are added with output weights.

sigma = sum_i w_i g_i(x_i + theta_i),   tau = sum_n v_n g_n(y_n + phi_n)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from learndyn.activations import Activation, activation
from learndyn.arguments import Matrix, array, count, nested, positive_semidefinite, shown, symmetric
from learndyn.errors import InputError

Names = str | tuple[str, ...]


def _name(value: str | Activation) -> str:
    name = activation(value).name
    known = activation(name)
    if isinstance(value, Activation) and value is not known:
        raise InputError(
            f"Argument `activation` must be an activation that learndyn knows by its name, but it is another one with "
            f"the name {shown(name)}. Register it under a name of its own with ld.new_activation."
        )
    return name


def activation_names_of(value: Any, units: int) -> Names:
    """One name for a layer, or a tuple with a name a unit where they differ."""
    if not isinstance(value, list | tuple):
        return _name(value)
    if len(value) != units:
        raise InputError(
            f"Argument `activation` must be one activation, or one for each of the {units} unit(s), but it has "
            f"{len(value)}. Give one name, or a name for each unit."
        )
    names = tuple(_name(entry) for entry in value)
    return names[0] if len(set(names)) == 1 else names


def unit_names(activation: Any, units: int) -> tuple[str, ...]:
    """A layer's activation as one name a unit."""
    return (activation,) * units if isinstance(activation, str) else activation


def one_a_unit(value: Any, name: str, units: int) -> tuple[float, ...]:
    """A number for each unit; a single number stands for all of them."""
    numbers = array(value, name)
    if numbers.ndim == 0:
        numbers = np.full(units, float(numbers))
    return nested(array(numbers, name, (units,), "Give one number, or one for each unit."))


@dataclass(frozen=True)
class Student:
    """The network that learns: a hidden layer whose outputs are added.

    Its output weights w and biases theta belong to its start (`Start`); whether they learn, to the scenario.

    Parameters
    ----------
    units
        Number of hidden units K, at least 1. One unit is the perceptron.
    activation
        A name (``"erf"``: g(x) = erf(x / sqrt 2), ``"relu"``, ``"tanh"``, ...; `ld.activation` says which there are),
        an `Activation`, or a list of them, one a unit.

    Raises
    ------
    InputError
        When ``units`` is not a positive whole number or the activation is unknown.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Student(units=2, activation="relu")
    Student(units=2, activation='relu')
    >>> ld.Student(units=2, activation=["relu", "erf"]).activation
    ('relu', 'erf')
    """

    units: int
    activation: str | Activation | Any = "erf"

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", count(self.units, "units"))
        object.__setattr__(self, "activation", activation_names_of(self.activation, self.units))

    @property
    def unit_activations(self) -> tuple[str, ...]:
        """The name of the activation of each unit."""
        return unit_names(self.activation, self.units)


@dataclass(frozen=True)
class Teacher:
    """The network that is to be learned: a hidden layer whose outputs are added.

    Parameters
    ----------
    units
        Number of hidden units M, at least 1.
    activation
        As for `Student`; may also be ``"step"`` or ``"sign"``.
    T
        Overlaps B B^T of the teacher's weight vectors, shape (M, M), positive semidefinite; the identity when not
        given. A graded teacher has a diagonal T, correlated teacher units have off-diagonal entries. A number will
        do for M = 1.
    output_weights
        v, one a unit (or one number for all); ones when not given.
    biases
        phi, one a unit (or one number for all); none when not given.

    Raises
    ------
    InputError
        When T has another shape, is not symmetric or not positive semidefinite; when there is not one weight or bias
        for each unit.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.Teacher(units=2, activation="erf", T=[[1, 0], [0, 4]]).T
    ((1.0, 0.0), (0.0, 4.0))
    >>> ld.Teacher(2, "relu", output_weights=[1.2, 3]).output_weights
    (1.2, 3.0)
    """

    units: int
    activation: str | Activation | Any = "erf"
    T: Matrix | Any = None
    output_weights: tuple[float, ...] | Any = None
    biases: tuple[float, ...] | Any = None

    def __post_init__(self) -> None:
        M = count(self.units, "units")
        object.__setattr__(self, "units", M)
        object.__setattr__(self, "activation", activation_names_of(self.activation, M))
        T = np.eye(M) if self.T is None else array(self.T, "T")
        T = T.reshape(1, 1) if M == 1 and T.ndim == 0 else T
        T = array(T, "T", (M, M), f"Give one row for each of the {M} unit(s).")
        T = symmetric(T, "T")
        positive_semidefinite(T, "T", "Give the overlaps B_n . B_m of the teacher's weight vectors.")
        object.__setattr__(self, "T", nested(T))
        for name in ("output_weights", "biases"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, one_a_unit(getattr(self, name), name, M))

    @property
    def unit_activations(self) -> tuple[str, ...]:
        """The name of the activation of each unit."""
        return unit_names(self.activation, self.units)

    def replace(self, **changes: Any) -> Teacher:
        """A changed copy; where T is the identity, it is that of the new number of units."""
        if "units" in changes and np.array_equal(np.array(self.T), np.eye(self.units)):
            changes = {"T": None, **changes}
        return replace(self, **changes)

    @classmethod
    def from_weights(cls, B: Any, activation: str | Activation = "erf", **more: Any) -> Teacher:
        """A teacher with the overlaps of given weight vectors ``B``, shape (M, N); further arguments as for itself."""
        B = array(B, "B")
        if B.ndim != 2:
            raise InputError(
                f"Argument `B` must have shape (M, N), but it has shape {B.shape}. Give one row for each teacher unit."
            )
        return cls(len(B), activation, B @ B.T, **more)
