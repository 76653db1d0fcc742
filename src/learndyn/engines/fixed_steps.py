"""Fixed steps through a flow whose numbers u change with time, and the exact derivatives of where they end.

    z' = z + h sum_i b_i k_i,   k_i = F(t + c_i h, z + h sum_j a_ij k_j, u(t + c_i h))       [Tsitouras 2011, order 5]

Steps end at every jump, and the loop over them is differentiated in reverse as it is: the derivative of the map, exact
to rounding. (Steps of adapted length have no error control for their derivatives: on a plateau these are wrong by
factors where the states are right to ten digits.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.engines.knots import pieces
from learndyn.engines.programs import compile_program
from learndyn.engines.theory import SMALL_STATE, SMALLEST_STEP
from learndyn.scenarios.base import Flow

STAGES = 6
# Numbers of steps are filled up to a multiple of this by steps of length zero: others rarely compile again.
BUCKET = 32


@dataclass(frozen=True)
class Grid:
    """The steps: their lengths (steps,) and the times of their stages (steps, stages); the last ones may be empty."""

    lengths: np.ndarray
    times: np.ndarray

    @property
    def ends(self) -> np.ndarray:
        """Where each step ends, (steps,)."""
        return self.times[:, -1]

    @property
    def begins(self) -> np.ndarray:
        """Where steps that are not empty begin, and the end."""
        return np.unique(self.times[:, 0])

    @property
    def middles(self) -> np.ndarray:
        """A time inside each step, (steps,)."""
        return self.times[:, 0] + 0.5 * self.lengths


@cache
def tableau() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a (stages, stages), b (stages,) and c (stages,) of the method."""
    import diffrax

    known: Any = diffrax.Tsit5().tableau
    a = np.zeros((STAGES, STAGES))
    for row, entries in enumerate(known.a_lower[: STAGES - 1], start=1):
        a[row, :row] = entries
    return a, np.asarray(known.b_sol[:STAGES]), np.concatenate([[0.0], known.c[: STAGES - 1]])


def make_grid(at: float, until: float, knots: Any, largest: float) -> Grid:
    """Steps of at most `largest` from `at` to `until` that end just before each knot and begin anew at it."""
    knots = np.asarray(knots, dtype=float)
    begin, stops, resumes = pieces(knots[knots < until], at, until, SMALLEST_STEP)
    inside = np.isfinite(stops)
    lengths, times = [], []
    ends = [*stops[inside], until]
    for first, last in zip([begin, *resumes[inside]], ends, strict=True):
        count = int(np.ceil((last - first) / largest * (1.0 - 1e-12)))
        edges = np.linspace(first, last, max(count, 1) + 1)
        lengths.append(np.diff(edges))
        # c ends with 1: the last stage stays on this side of a jump.
        times.append(edges[:-1, None] + tableau()[2] * np.diff(edges)[:, None])
        times[-1][:, -1] = edges[1:]
    h, t = np.concatenate(lengths), np.concatenate(times)
    # One empty step at least: its costate is the gradient of the error at the end.
    empty = BUCKET - len(h) % BUCKET
    return Grid(np.concatenate([h, np.zeros(empty)]), np.concatenate([t, np.full((empty, STAGES), t[-1, -1])]))


def march(
    flow: Flow, state: Any, values: dict[str, Any], controls: dict[str, Any], grid: Grid, pushes: Any = 0.0
) -> Any:
    """The states before each step and after the last one, (steps + 1, n); pure JAX.

    ``controls``: numbers of the drift by name, each (steps, stages), instead of those in ``values``. ``pushes``
    (steps, n) are added to the state before each step: derivatives by them are the costate.
    """
    a, b, _ = tableau()

    steps, n = len(grid.lengths), state.shape[0]
    # In reverse the drift is computed again: quicker than to keep all that is between its beginning and its end.
    drift = jax.checkpoint(flow.drift, prevent_cse=False)

    def stage(carry: Any, row: Any) -> Any:
        z, slopes = carry
        number, inside, finish, length, time, now, push = row
        z = z + push
        slopes = slopes.at[number].set(drift(time, z + length * (inside @ slopes), {**values, **now}))
        return (z + length * (finish @ slopes), slopes), z

    # One loop over the stages of all steps: with six of them written out, six drifts would be compiled, and six more in
    # reverse. Only the last stage of a step moves the state.
    finish = np.zeros((STAGES, STAGES))
    finish[-1] = b
    number, inside, finish = (
        np.tile(part, (steps,) + (1,) * (part.ndim - 1)) for part in (np.arange(STAGES), a, finish)
    )
    pushes = jnp.zeros((steps, STAGES, n)).at[:, 0].set(pushes).reshape(-1, n)
    flat = {name: part.reshape(-1) for name, part in controls.items()}
    rows = (number, inside, finish, jnp.repeat(grid.lengths, STAGES), grid.times.reshape(-1), flat, pushes)
    (last, _), places = jax.lax.scan(stage, (state, jnp.zeros((STAGES, n))), rows)
    return jnp.concatenate([places[::STAGES], last[None]])


@dataclass(frozen=True)
class Outcome:
    """The error at the end, the states before each step and after the last one, and derivatives of the error."""

    error: float
    states: np.ndarray  # (steps + 1, n)
    gradient: dict[str, np.ndarray]  # by the controls, (steps, stages)
    costate: np.ndarray  # by the states before each step, (steps, n)


_programs: dict[Any, Any] = {}


def final_error(
    flow: Flow,
    error: Callable[..., Any],
    state: np.ndarray,
    values: dict[str, np.ndarray],
    controls: dict[str, np.ndarray],
    grid: Grid,
) -> Outcome:
    """``error(state, values, time)`` after the last step, with its exact derivatives.

    ``error`` belongs to the flow: another one with the same flow and names of numbers is not looked at.
    """
    pushes = np.zeros((len(grid.lengths), len(state)))
    arguments = (controls, pushes, state, values, grid.lengths, grid.times)
    key = (flow, pushes.shape, frozenset(values), frozenset(controls))
    with jax.enable_x64(True):
        if key not in _programs:
            small = len(state) <= SMALL_STATE if flow.quick is None else flow.quick
            program_key = (flow.key, "final_error")
            _programs[key] = compile_program(
                "fixed_steps", program_key, lambda: _differentiated(flow, error), arguments, {}, small=small
            )
        (value, states), (gradient, costate) = _programs[key](*arguments)
        found = {name: np.asarray(part) for name, part in gradient.items()}
        return Outcome(float(value), np.asarray(states), found, np.asarray(costate))


def _differentiated(flow: Flow, error: Callable[..., Any]) -> Any:
    def run(controls: Any, pushes: Any, state: Any, values: Any, lengths: Any, times: Any) -> Any:
        states = march(flow, state, values, controls, Grid(lengths, times), pushes)
        last = {name: part[-1, -1] for name, part in controls.items()}
        return error(states[-1], {**values, **last}, times[-1, -1]), states

    return jax.value_and_grad(run, argnums=(0, 1), has_aux=True)
