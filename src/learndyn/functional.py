"""The pure functions underneath, for use inside jax.grad, jax.jit and jax.vmap.

The public verbs take and return concrete values. Whoever wants derivatives takes these instead, in float64:

>>> import jax, learndyn as ld
>>> scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
>>> f = ld.functional.drift(scenario)
>>> with jax.enable_x64(True):
...     state, values = ld.functional.state(scenario, ld.Start(Q=0.25, R=0.0)), ld.functional.values(scenario)
...     slope = jax.jacfwd(f)(state, values)
>>> slope.shape
(2, 2)

The state is flat: R row by row, then the upper triangle of Q row by row, each Q_ik once, then what options add, such as
w (``scenario.parameter_names()``); for weights that learn classes w, then, from a start with a covariance, a factor L
(n, r) of it row by row. Derivatives are finite on the closed set of possible overlaps; where learning is
perfect they are the one-sided ones (`learndyn.gaussian.namespaces`). Quadratures hold up to standard deviations of 1.5.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.arguments import did_you_mean, shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Flow, checked_scenario
from learndyn.scenarios.offers import require

__all__ = ["drift", "eps_g", "final_eps_g", "observable", "state", "values"]


def _float64() -> None:
    if jnp.asarray(0.0).dtype != jnp.float64:
        raise InputError(
            "learndyn.functional needs float64, but JAX computes in float32 here. Write `with jax.enable_x64(True):` "
            "around the call, or set jax.config.update('jax_enable_x64', True)."
        )


def _check(state: Any, length: int, *, factors: bool = False) -> None:
    _float64()
    found = jnp.shape(state)[-1:]
    if found != (length,) and not (factors and found and found[0] > 0 and found[0] % length == 0):
        raise InputError(
            f"Argument `state` must have {length} numbers, but it has shape {jnp.shape(state)}. "
            "Take it from learndyn.functional.state(scenario, start)."
        )


def state(scenario: Any, start: Any) -> jax.Array:
    """The flat state of a start, as a float64 array.

    Parameters
    ----------
    scenario
        Any scenario.
    start
        A start of this scenario, or a row of a result.

    Returns
    -------
    jax.Array
        (n,), in the order of ``scenario.parameter_names()`` where the scenario has them.

    Examples
    --------
    >>> import jax, learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> with jax.enable_x64(True):
    ...     ld.functional.state(perceptron, ld.Start(Q=0.25, R=0.0)).tolist()
    [0.0, 0.25]
    """
    _float64()
    return jnp.asarray(scenario.initial_state(scenario.as_start(start)))


def values(scenario: Any) -> dict[str, jax.Array]:
    """The numbers of the scenario that may be traced: ``learning_rate``, ``T``, and those of the options that are on.

    Parameters
    ----------
    scenario
        Any scenario.

    Returns
    -------
    dict
        Arrays in float64, by name.

    Examples
    --------
    >>> import jax, learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> with jax.enable_x64(True):
    ...     sorted(ld.functional.values(perceptron))
    ['T', 'learning_rate']
    """
    _float64()
    return {name: jnp.asarray(value) for name, value in scenario.values().items()}


def drift(scenario: Any) -> Callable[..., jax.Array]:
    """The drift as a pure function ``f(state, values, at=0.0)`` of flat arrays, compiled at its first call.

    Parameters
    ----------
    scenario
        Any scenario; its numbers are not looked at, the function takes those of `values`.

    Returns
    -------
    callable
        ``f(state, values, at=0.0)``: the derivative of the state by time, (n,).

    Examples
    --------
    >>> import jax, learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
    >>> with jax.enable_x64(True):
    ...     f = ld.functional.drift(perceptron)
    ...     start = ld.functional.state(perceptron, ld.Start(Q=0.25, R=0.0))
    ...     round(float(f(start, ld.functional.values(perceptron))[0]), 6)
    0.025
    """
    return _drift(checked_scenario(scenario).flow(), scenario.state_length, _has_factors(scenario))


def _has_factors(scenario: Any) -> bool:
    """Whether a state may go on with a factor of a covariance."""
    return hasattr(scenario, "mean_update")


@lru_cache(maxsize=64)
def _drift(flow: Flow, length: int, factors: bool) -> Callable[..., jax.Array]:
    @jax.jit
    def f(state: Any, values: dict[str, Any], at: Any = 0.0) -> jax.Array:
        _check(state, length, factors=factors)
        return flow.drift(at, state, values)

    return f


def eps_g(scenario: Any) -> Callable[..., jax.Array]:
    """The generalisation error as a pure function ``eps_g(state, values, at=0.0)`` of flat arrays.

    Not clipped at zero, so that its derivative holds up to the perfect solution.

    Parameters
    ----------
    scenario
        A scenario with a teacher.

    Returns
    -------
    callable
        ``eps_g(state, values, at=0.0)``: a number.

    Examples
    --------
    >>> import jax, learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
    >>> with jax.enable_x64(True):
    ...     error = ld.functional.eps_g(perceptron)
    ...     start = ld.functional.state(perceptron, ld.Start(Q=0.25, R=0.0))
    ...     round(float(error(start, ld.functional.values(perceptron))), 6)
    0.232923
    """
    require(checked_scenario(scenario), "error_function", "functional.eps_g")
    error, length = scenario.error_function(jax_namespace()), scenario.state_length

    @jax.jit
    def f(state: Any, values: dict[str, Any], at: Any = 0.0) -> jax.Array:
        _check(state, length)
        return error(state, values, at)

    return f


def observable(scenario: Any, name: str) -> Callable[..., jax.Array]:
    """An observable as a pure function ``f(state, values, at=0.0)`` of flat arrays.

    Parameters
    ----------
    scenario
        Any scenario that has the observable.
    name
        ``"alignment"``, ``"w_norm"`` or ``"accuracy"`` of weights that learn classes; ``"eps_g"`` of a network with a
        teacher.

    Returns
    -------
    callable
        ``f(state, values, at=0.0)``: a number.

    Examples
    --------
    >>> import jax, learndyn as ld
    >>> task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised())
    >>> alignment = ld.functional.observable(task, "alignment")
    >>> with jax.enable_x64(True):
    ...     state, values = ld.functional.state(task, [3.0, 4.0]), ld.functional.values(task)
    ...     slope = jax.grad(alignment)(state, values)
    >>> [round(float(part), 6) for part in slope]
    [0.128, -0.096]
    """
    require(checked_scenario(scenario), "observable", "functional.observable")
    function, length = scenario.observable(name, jax_namespace()), scenario.state_length
    factors = _has_factors(scenario)

    @jax.jit
    def f(state: Any, values: dict[str, Any], at: Any = 0.0) -> jax.Array:
        _check(state, length, factors=factors)
        return function(state, values, at)

    return f


def final_eps_g(
    scenario: Any, until: float, times: Any = (), *, at: float = 0.0, control: str = "learning_rate", step: float = 0.25
) -> Callable[..., jax.Array]:
    """The error eps_g at the time `until` as a pure function of the numbers of a piecewise constant control.

    Runge-Kutta steps of order 5 end at each of the times; derivatives are those of the steps, exact to rounding. What
    the steps are off the flow, `solve` with the same schedule tells.

    Parameters
    ----------
    scenario
        A scenario with a teacher.
    until
        The time at which eps_g counts, after `times`.
    times
        The increasing times at which the control jumps.
    at
        The time of the start.
    control
        The name of a single number among `values`, such as ``"learning_rate"``.
    step
        Largest length of a step, above 0.

    Returns
    -------
    callable
        ``f(state, values, numbers)``: a number; ``numbers`` (len(times) + 1,) take the place of ``values[control]``,
        one on each piece.

    Raises
    ------
    InputError
        When the times do not increase, or the control is no single number of the scenario.

    Examples
    --------
    >>> import jax, learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    >>> with jax.enable_x64(True):
    ...     error = ld.functional.final_eps_g(perceptron, until=2.0, times=[1.0])
    ...     start = ld.functional.state(perceptron, ld.Start(Q=1.0, R=0.0))
    ...     numbers = jax.numpy.array([1.0, 1.0])
    ...     slope = jax.grad(error, argnums=2)(start, ld.functional.values(perceptron), numbers)
    >>> all(abs(part) < 1e-4 for part in slope.tolist())  # a rate of one is the best
    True
    """
    from learndyn.engines.fixed_steps import STAGES, make_grid, march

    scenario = checked_scenario(scenario)
    require(scenario, "error_function", "functional.final_eps_g")
    known = [name for name, value in scenario.values().items() if np.ndim(value) == 0]
    if control not in known:
        raise InputError(
            f"Argument `control` must be a single number of the scenario, {', '.join(known)}, but it is "
            f"{shown(control)}.{did_you_mean(control, known)}"
        )
    edges = np.asarray(times, dtype=float)
    if edges.ndim != 1 or (np.diff([at, *edges, until]) <= 0.0).any() or not step > 0.0:
        raise InputError(
            f"Argument `times` must increase from at = {at:g} to until = {until:g}, with a step above 0, but it is "
            f"{shown(times)}. Write times=[10, 20]."
        )
    flow, error, length = scenario.flow(), scenario.error_function(jax_namespace()), scenario.state_length
    own = () if flow.knots is None else flow.knots(scenario.values())
    grid = make_grid(at, until, np.concatenate([edges, own]), step)
    piece = np.searchsorted(edges, grid.middles, side="right")

    @jax.jit
    def f(state: Any, values: dict[str, Any], numbers: Any) -> jax.Array:
        _check(state, length)
        controls = {control: jnp.repeat(jnp.asarray(numbers)[piece][:, None], STAGES, axis=1)}
        states = march(flow, state, values, controls, grid)
        return error(states[-1], {**values, control: controls[control][-1, -1]}, until)

    return f
