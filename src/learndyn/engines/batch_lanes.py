"""The compiled loop of the batched theory engine: the steps of `integrator`, for several members side by side.

    k_s = h F(t + c_s h, y + sum_r a_sr k_r),   y' = y + sum_s b_s k_s,   error = sum_s e_s k_s       (Tsitouras)

Every operation works on all lanes at once, and no lane knows of another: what a member becomes does not depend on who
is beside it. One call is a segment of steps; a lane that has come to its end stands still until it is filled anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from learndyn.engines.integrator import begin_anew_at_knots, may_go_on, pack, runge_kutta, unpack
from learndyn.scenarios.base import Flow

# A multiple of the widest vector registers (8 numbers), so that every lane goes through the same instructions. More
# lanes cost as much each, and more of them stand still when few members are left.
LANES = 16
# A segment is long beside what the host does between two, and short beside a run: lanes stand still up to its end.
SEGMENT = 64
# A segment keeps 8 states a step and lane: its memory, in numbers.
SEGMENT_NUMBERS = 4_000_000
# Halvings of a step to find an event in it: down to rounding.
HALVINGS = 52


@dataclass(frozen=True)
class Event:
    """A member ends where ``value(time, state, values)``, a pure JAX function, falls to its level.

    ``key`` is hashable and stands for the function. It is looked at where steps end: a dip within one is not seen.
    """

    key: Hashable
    value: Callable[[Any, Any, dict[str, Any]], Any] = field(compare=False)


def segment_length(n: int) -> int:
    """How many steps a segment has for states of n numbers."""
    return int(np.clip(SEGMENT_NUMBERS // (8 * n * LANES), 4, SEGMENT))


def advance_lanes(
    flow: Flow, event: Event | None, packed: dict[str, Any], values: dict[str, Any], numbers: Any, levels: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One segment, and its steps: from ``begin`` to ``end`` (equal where none was made), with ``y0`` and the k.

    Arguments are those of `integrator.advance` with the lanes as first axis, and the level of the event in each;
    ``packed`` also says whether the event has come, ``hit``. The steps have the shape (segment, lanes, ...).
    """
    n = packed["state"].shape[-1]
    length, stages = segment_length(n), len(_coefficients()[1])
    shapes = {"begin": (), "end": (), "y0": (n,), "k": (stages, n)}
    steps = {name: jnp.zeros((length, LANES, *shape)) for name, shape in shapes.items()}

    def going(carry: Any, hit: Any) -> Any:
        def one(lane: Any, x: Any) -> Any:
            return may_go_on(flow, lane, x[0], x[3], x[5:].reshape(2, -1)[0]) & (lane["tries"] < x[4])

        return jax.vmap(one)(carry, numbers) & ~hit

    def one_step(loop: Any) -> Any:
        count, carry, hit, steps = loop
        running = going(carry, hit)
        state, error, k, slope = _stages(flow, carry, values)
        new, keep = jax.vmap(_controlled)(carry, state, error, slope, numbers)
        new = jax.tree.map(lambda a, b: _where(running, a, b), new, carry)
        if event is not None:
            low = jax.vmap(event.value)(new["time"], new["state"], values) <= levels
            hit |= running & keep & low
        row = {"begin": carry["time"], "end": new["time"], "y0": carry["state"], "k": k}
        steps = jax.tree.map(lambda rows, x: rows.at[count].set(x), steps, row)
        return count + 1, new, hit, steps

    _, carry, hit, steps = jax.lax.while_loop(
        lambda loop: (loop[0] < length) & going(loop[1], loop[2]).any(),
        one_step,
        (0, jax.vmap(unpack)(packed), packed["hit"], steps),
    )
    return jax.vmap(pack)(carry) | {"hit": hit}, steps


@lru_cache(maxsize=1)
def _coefficients() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a with a row of zeros first, c, and e. The last stage of the method is its solution, and the next first stage."""
    tableau: Any = runge_kutta().tableau
    a = np.zeros((tableau.num_stages, tableau.num_stages))
    for stage, row in enumerate(tableau.a_lower, 1):
        a[stage, : len(row)] = row
    return a, np.concatenate([[0.0], tableau.c]), np.asarray(tableau.b_error)


def _stages(flow: Flow, carry: dict[str, Any], values: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """The states after a step, their errors, the k (lanes, stages, n), and the slopes there."""
    a, c, e = (jnp.asarray(x) for x in _coefficients())
    first, slope = carry["fsal"]
    y, time, end = carry["state"], carry["time"], carry["next"]
    h = (end - time)[:, None]

    def stage(s: Any, loop: Any) -> Any:
        k, _, _ = loop
        # A sum and no matrix product: that one's instructions would depend on the lane.
        inner = y + (a[s][:, None, None] * k).sum(0)
        moment = jnp.where(c[s] == 1.0, end, time + c[s] * h[:, 0])
        f = jax.vmap(flow.drift)(moment, inner, values)
        f = jnp.where((s > 0) | first[:, None], f, slope)
        return k.at[s].set(f * h), inner, f

    k = jnp.zeros((len(c), *y.shape)).at[0].set(slope * h)
    # The first stage is known from the step before, but for a lane that begins.
    k, state, f = jax.lax.fori_loop(jnp.where(first.any(), 0, 1), len(c), stage, (k, y, slope))
    return state, (e[:, None, None] * k).sum(0), jnp.moveaxis(k, 0, 1), f


def _controlled(carry: dict[str, Any], state: Any, error: Any, slope: Any, numbers: Any) -> tuple[dict[str, Any], Any]:
    """What is carried on after a try of one lane, and whether the step is kept; as in `integrator.advance`."""
    until, rtol, atol = numbers[:3]
    stops, resumes = numbers[5:].reshape(2, -1)
    controller: Any = diffrax.PIDController(rtol=rtol, atol=atol)
    order: Any = runge_kutta().error_order(None)
    error = jnp.where(jnp.isnan(error), jnp.inf, error)
    keep, start, end, _, control, _ = controller.adapt_step_size(
        carry["time"], carry["next"], carry["state"], state, None, error, order, carry["control"]
    )  # fmt: skip
    old = carry["fsal"]
    new = carry | {
        "state": jnp.where(keep, state, carry["state"]),
        "time": start,
        "next": jnp.minimum(end, until),
        "fsal": (old[0] & ~keep, jnp.where(keep, slope, old[1])),
        "control": control,
        "steps": carry["steps"] + keep,
        "tries": carry["tries"] + 1,
    }
    if len(stops):
        new |= begin_anew_at_knots(carry, new, end - start, keep, stops, resumes, until)
    return new, keep


def _where(lanes: Any, a: Any, b: Any) -> Any:
    return jnp.where(lanes.reshape(-1, *[1] * (jnp.ndim(a) - 1)), a, b)


def interpolate(begin: Any, end: Any, y0: Any, k: Any, moment: Any) -> Any:
    """The continuous extension of a step at a time within it, for steps side by side."""

    def one(begin: Any, end: Any, y0: Any, k: Any, moment: Any) -> Any:
        # The method's extension does not need y1.
        return runge_kutta().interpolation_cls(t0=begin, t1=end, y0=y0, y1=y0, k=k).evaluate(moment)

    return jax.vmap(one)(begin, end, y0, k, moment)


def locate(event: Event, begin: Any, end: Any, y0: Any, k: Any, values: dict[str, Any], levels: Any) -> tuple[Any, Any]:
    """Where in a step the event comes, and the state there, for lanes side by side: by halving the step."""

    def reached(moment: Any) -> Any:
        return jax.vmap(event.value)(moment, interpolate(begin, end, y0, k, moment), values) <= levels

    def half(_: Any, bounds: Any) -> Any:
        low, high = bounds
        middle = 0.5 * (low + high)
        here = reached(middle)
        return jnp.where(here, low, middle), jnp.where(here, middle, high)

    # A member may begin below the level.
    high = jnp.where(reached(begin), begin, end)
    _, moment = jax.lax.fori_loop(0, HALVINGS, half, (begin, high))
    return moment, interpolate(begin, end, y0, k, moment)
