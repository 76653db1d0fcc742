"""What an engine asks of a scenario; an engine knows nothing else about it.

For developers: a scenario is a frozen dataclass that implements `Scenario`. Its `flow()` is what the theory engine
integrates, its `step()` what the simulation engines repeat. Everything else (solve, simulate, save, plot, the command
line) then works with it. With `noise()`, `parameter_names()` and `error_function()` it has `ld.fluctuations` too, with
`parameter_names()` all that looks for fixed points; `landmarks()` helps there. With `rows_key()` and
`first_impossible_of_each()` sweeps read off the states of many scenarios in one call (`rows_key`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from learndyn.arguments import shown
from learndyn.calls import meant_by
from learndyn.errors import InputError


@dataclass(frozen=True)
class Quantity:
    """A labelled quantity of a result: its dims after time, and what it is."""

    dims: tuple[str, ...]
    description: str
    units: str = "1"


@dataclass(frozen=True)
class Flow:
    """The deterministic flow d state / d time = drift(time, state, values), with N to infinity.

    ``drift`` is a pure JAX function of time, a flat float64 state and a dict of float64 arrays; ``key`` is hashable and
    stands for everything that changes the shape of the computation (units, activation, which options are on).

    A drift that jumps or has a corner at some times has ``knots(values)``, in NumPy: those times, in any order, as many
    for all values. At a jump the drift is that of the side after it.

    ``frozen`` are the places of the state that never change: given numbers that the state carries along.

    ``ends(state, slope, values, least)`` says whether the flow ends at a state with this drift, where a length of
    ``least`` is as good as 0; it is made of operators alone, for NumPy and JAX. Of a drift that no solver follows,
    ``refused`` is the sentence to refuse an integration with.
    """

    key: Hashable
    drift: Callable[[Any, Any, dict[str, Any]], Any]
    # A positive measure of the state that grows without bound exactly when learning diverges.
    size: Callable[[Any], Any]
    # Whether to compile for a quick start rather than for speed; None: where the state is short.
    quick: bool | None = None
    # None: there are none, and the compiled program does not ask.
    knots: Callable[[dict[str, Any]], Any] | None = None
    frozen: tuple[int, ...] = ()
    # None: it ends nowhere.
    ends: Callable[[Any, Any, dict[str, Any], Any], Any] | None = None
    refused: str = ""


@dataclass(frozen=True)
class Closeness:
    """How near states (rows, n) are to a point where the drift has no second derivatives; see `Noise.closeness`."""

    distance: np.ndarray  # squared distance of the two closest units over their mean squared length, (rows,)
    sine: np.ndarray  # smallest squared sine of an angle between two units, (rows,)
    units: list[str]  # the two closest units of each row, in words


@dataclass(frozen=True)
class Noise:
    """What makes single runs differ at finite N, to leading order; all functions are pure JAX.

    ``increments(state, values, normals)`` is what one update adds to the state, times N, for standard normals of shape
    (..., normals): its mean is the drift, its covariance the diffusion matrix ``covariance(state, values)``, None where
    it has to be averaged; ``source`` says how it is known. ``length_term(time, state, values)`` is the 1 / N part of
    the mean of exact increments, which comes from the fluctuating length of the input. With ``quadratic``,
    increments(r u) = r^2 increments(u). ``closeness(states)``, in NumPy, says how near flat states (rows, n) are to a
    point where the drift has no second derivatives; None where there is no such point.
    """

    key: Hashable
    increments: Callable[[Any, dict[str, Any], Any], Any]
    normals: int
    quadratic: bool
    covariance: Callable[[Any, dict[str, Any]], Any] | None
    source: str
    length_term: Callable[[Any, Any, dict[str, Any]], Any]
    closeness: Callable[[np.ndarray], Closeness] | None = None


@dataclass(frozen=True)
class Landmarks:
    """What a scenario knows of its state space; a scenario need not have it, and its ``landmarks()`` gives it.

    ``permutations`` (count, n) tell where each number of a flat state comes from under an exchange of units that
    changes nothing else, the identity first. ``solution`` is the start at which nothing is left to learn, or None.
    ``edge(state)`` is a sentence where derivatives of the drift are one-sided, ``tip(state)`` one where it has none at
    all, else they are empty. ``scattered(count, seed)`` are starts all over the possible states.
    """

    permutations: np.ndarray
    solution: Any
    edge: Callable[[np.ndarray], str]
    tip: Callable[[np.ndarray], str]
    scattered: Callable[[int, int], list[Any]]


@runtime_checkable
class Scenario(Protocol):
    """What learns what, and how: data without any engine in it."""

    kind: str
    time: Quantity
    time_name: str
    gaussian_inputs: bool  # only then do the order parameters follow a process of their own at finite N

    def as_start(self, start: Any) -> Any:
        """The start, checked against this scenario; accepts a row of a result."""
        ...

    def initial_state(self, start: Any) -> np.ndarray:
        """The flat state of a start."""
        ...

    @property
    def state_length(self) -> int:
        """Length of the flat state."""
        ...

    def values(self) -> dict[str, np.ndarray]:
        """The numbers of the scenario that may change without compiling again."""
        ...

    def flow(self) -> Flow:
        """The theory (imports jax)."""
        ...

    def quantities(self) -> dict[str, Quantity]:
        """Name, dims and meaning of all that `rows` returns."""
        ...

    def coordinates(self) -> dict[str, np.ndarray]:
        """The labels 1, 2, ... of the dims that `quantities` names."""
        ...

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Order parameters and observables of flat states of shape (..., n), at times that broadcast to (...)."""
        ...

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """The order parameters alone, by name, of flat states of shape (..., n)."""
        ...

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """Number of leading states that are possible (a covariance, say), up to a relative tolerance."""
        ...

    def scale(self, state: Any) -> float:
        """The size (as in `Flow.size`) that a state naturally has; far beyond it the run has diverged."""
        ...


def rows_key(scenario: Any) -> Hashable:
    """What scenarios have alike whose states may be labelled in one call; None: each scenario labels its own.

    For scenarios with equal keys, ``rows(states, times)`` of any of them, with states (members, times, n), gives each
    member what its own scenario gives it alone, bit by bit; what is constant, without the leading axes. And
    ``first_impossible_of_each(states, tolerance, times)`` gives the ``first_impossible`` of each member, (members,);
    rows from the first NaN on do not count. Some two thousand states at a time stay in a processor's cache.
    """
    own = getattr(scenario, "rows_key", None)
    return None if own is None else own()


_known_types: set[type] = set()


def checked_scenario(value: Any) -> Any:
    """The value, refused in a sentence unless it is a scenario."""
    # Looking a protocol up costs more than a step of the solver: once a type.
    if type(value) not in _known_types:
        if isinstance(value, type) or not isinstance(value, Scenario):
            raise InputError(
                f"Argument `scenario` must be a scenario such as ld.StudentTeacher(...), but it is {shown(value)}. "
                "Build one first."
            )
        _known_types.add(type(value))
    return value


def replaced(scenario: Any, changes: dict[str, Any]) -> Any:
    """A copy of a scenario, a dataclass, with other fields, checked like a new one."""
    names = [entry.name for entry in fields(scenario)]
    for name in changes:
        if name not in names:
            meant = meant_by(name, names)
            hint = f"Did you mean '{meant}'?" if meant else "Choose one of these."
            raise InputError(
                f"Argument `{name}` of replace must be a field of the scenario: {', '.join(names)}. {hint}"
            )
    return replace(scenario, **changes)


def with_options(scenario: Any, plain: dict[str, Any], *apart: str) -> dict[str, Any]:
    """``plain`` and all fields of a scenario, a dataclass, that are on and neither in it nor ``apart``."""
    found = dict(plain)
    for entry in fields(scenario):
        value = getattr(scenario, entry.name)
        if entry.name not in found and entry.name not in apart and value != entry.default:
            found[entry.name] = value
    return found


def fields_alone(scenario: Any) -> dict[str, Any]:
    """The state of a dataclass to copy or send along: its fields, and nothing that is derived from them."""
    return {entry.name: scenario.__dict__[entry.name] for entry in fields(scenario)}
