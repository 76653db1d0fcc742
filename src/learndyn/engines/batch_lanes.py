"""The compiled loop of the batched theory engine: the steps of `integrator`, for several members side by side.

    k_s = h F(t + c_s h, y + sum_r a_sr k_r),   y' = y + sum_s b_s k_s,   error = sum_s e_s k_s       (Tsitouras)

Every operation works on all lanes at once, and no lane knows of another: what a member becomes does not depend on who
is beside it. The lanes are the last axis of every array, so that neighbours in memory do the same. One call is a
segment of steps. A lane whose member has come to its end takes the next one of a queue, within the compiled program;
the rows of the saved times, and what members ended as, are written into logs that the host reads after the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from learndyn.engines.integrator import begin_anew_at_knots, may_go_on, pack, runge_kutta, unpack
from learndyn.scenarios.base import Flow

# A segment is long beside what the host does between two, and short beside the patience of who presses Ctrl-C.
SEGMENT = 256
# Rows of the logs: of saved times a few a step, of members that end one at most in a step.
SAVES, ENDS = 1024, 256
# What a segment keeps, in numbers.
SEGMENT_NUMBERS = 4_000_000
# Halvings of a step to find an event in it: down to rounding.
HALVINGS = 52
# How a member ended, by number.
ENDINGS = ("ok", "diverged", "not_finite", "max_steps", "event")


@dataclass(frozen=True)
class Event:
    """A member ends where ``value(time, state, values)``, a pure JAX function, falls to its level.

    ``key`` is hashable and stands for the function. It is looked at where steps end: a dip within one is not seen.
    """

    key: Hashable
    value: Callable[[Any, Any, dict[str, Any]], Any] = field(compare=False)


def each(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of one lane for all of them, the lanes last."""
    return jax.vmap(function, in_axes=-1, out_axes=-1)


def segment_length(n: int, lanes: int) -> int:
    """How many steps a segment has for states of n numbers."""
    return int(np.clip(SEGMENT_NUMBERS // (8 * n * lanes), 4, SEGMENT))


def advance_lanes(
    flow: Flow, event: Event | None, lanes: dict[str, Any], queue: dict[str, Any], waiting: Any, times: Any, level: Any
) -> tuple[dict[str, Any], Any, dict[str, Any], dict[str, Any]]:
    """One segment: the lanes after it, how many members it took from the queue, and the logs.

    ``lanes`` and ``queue`` hold, with the lanes or the places of the queue as last axis, ``carry``, ``values`` and
    ``numbers`` as `integrator.advance` takes them, and ``task`` = (member, next row to save), with member -1 where
    there is none; ``lanes`` also the ``step`` they made last (`no_step`). ``waiting`` = (members in the queue, whether
    there are more beyond it). ``times`` are those to save, ending with infinity.
    """
    n, count = lanes["carry"]["state"].shape
    length = segment_length(n, count)
    saves, ends = (int(np.clip(SEGMENT_NUMBERS // (n * count), 4, most)) for most in (SAVES, ENDS))
    saved = {"count": 0, "row": jnp.zeros((saves, n, count)), "task": jnp.full((saves, 2, count), -1)}
    ended = {"count": 0, "state": jnp.zeros((ends, n, count)), "time": jnp.zeros((ends, count))}
    ended["task"] = jnp.full((ends, 3, count), -1)
    start = {"steps": 0, "taken": 0, "lanes": lanes | {"carry": each(unpack)(lanes["carry"])}}

    def going_on(loop: Any) -> Any:
        segment, saved, ended = loop
        room = (saved["count"] < saves) & (ended["count"] < ends) & (segment["steps"] < length)
        left = segment["taken"] < waiting[0]
        # The host fills an empty queue before lanes stand still.
        busy = left | ((waiting[1] == 0) & (segment["lanes"]["task"][0] >= 0).any())
        return room & busy

    def body(loop: Any) -> Any:
        segment, saved, ended = loop
        lanes, saved = _saved_rows(segment["lanes"], saved, times)
        idle = ~_going(flow, lanes) & ~_due(lanes, times)
        lanes, ended, taken = _filled(flow, lanes, ended, idle, queue, segment["taken"], waiting[0])
        lanes = _stepped(flow, event, lanes, _going(flow, lanes) & ~_due(lanes, times), level)
        return {"steps": segment["steps"] + 1, "taken": taken, "lanes": lanes}, saved, ended

    segment, saved, ended = jax.lax.while_loop(going_on, body, (start, saved, ended))
    lanes = segment["lanes"]
    return lanes | {"carry": each(pack)(lanes["carry"])}, segment["taken"], saved, ended


def no_step(n: int, lanes: int) -> dict[str, Any]:
    """The last step of lanes that have made none: from and to (``span``), ``y0``, the k, and whether at the event."""
    stages = len(_coefficients()[1])
    arrays = {"span": (2, lanes), "y0": (n, lanes), "k": (stages, n, lanes)}
    return {name: np.zeros(shape) for name, shape in arrays.items()} | {"hit": np.zeros(lanes, dtype=bool)}


def _going(flow: Flow, lanes: dict[str, Any]) -> Any:
    """Which lanes have a member that has a step to make."""

    def one(carry: Any, x: Any) -> Any:
        return may_go_on(flow, carry, x[0], x[3], x[5:].reshape(2, -1)[0]) & (carry["tries"] < x[4])

    return each(one)(lanes["carry"], lanes["numbers"]) & ~lanes["step"]["hit"] & (lanes["task"][0] >= 0)


# ---- Rows to save


def _due(lanes: dict[str, Any], times: Any) -> Any:
    """Which lanes have passed a time to save."""
    member, row = lanes["task"]
    return (times[row] <= lanes["carry"]["time"]) & (member >= 0)


def _saved_rows(lanes: dict[str, Any], saved: dict[str, Any], times: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Save the rows that the last steps passed, of each lane one at a time, as far as there is room."""
    carry, step = lanes["carry"], lanes["step"]

    def one(loop: Any) -> Any:
        task, due, saved = loop
        moment = times[task[1]]
        row = jnp.where(moment == carry["time"], carry["state"], interpolate(step, moment))
        task_saved = jnp.where(due, task, -1)
        saved = {
            "count": saved["count"] + 1,
            "row": saved["row"].at[saved["count"]].set(row),
            "task": saved["task"].at[saved["count"]].set(task_saved),
        }
        task = task.at[1].add(due.astype(task.dtype))
        return task, _due(lanes | {"task": task}, times), saved

    room = len(saved["row"])
    task, _, saved = jax.lax.while_loop(
        lambda loop: loop[1].any() & (loop[2]["count"] < room), one, (lanes["task"], _due(lanes, times), saved)
    )
    return lanes | {"task": task}, saved


def _weights(begin: Any, end: Any, moment: Any) -> Any:
    """The weights of the k in the method's continuous extension: what it makes of unit vectors."""
    stages = len(_coefficients()[1])
    none: Any = jnp.zeros(stages)
    extension: Any = runge_kutta().interpolation_cls
    return extension(t0=begin, t1=end, y0=none, y1=none, k=jnp.eye(stages)).evaluate(moment)


def interpolate(step: dict[str, Any], moment: Any) -> Any:
    """The continuous extension of each lane's last step at a time within it."""
    weights = each(_weights)(*step["span"], moment)
    return step["y0"] + (weights[:, None] * step["k"]).sum(0)


# ---- Members that end, and new ones


def _filled(
    flow: Flow, lanes: dict[str, Any], ended: dict[str, Any], idle: Any, queue: dict[str, Any], taken: Any, waiting: Any
) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Note the members that have come to their end, and give the idle lanes new ones."""

    def ending(carry: Any, x: Any, hit: Any) -> Any:
        fine = may_go_on(flow, carry, x[0], x[3], x[5:].reshape(2, -1)[0])
        why = jnp.where(flow.size(carry["state"]) > x[3], 1, jnp.where(fine, 3, 2))
        return jnp.where(hit, 4, jnp.where(carry["time"] >= x[0], 0, why))

    def fill(loop: Any) -> Any:
        _, lanes, ended, taken = loop
        carry, at = lanes["carry"], ended["count"]
        why = each(ending)(carry, lanes["numbers"], lanes["step"]["hit"])
        task = jnp.stack([jnp.where(idle, lanes["task"][0], -1), why, carry["steps"]])
        ended = {
            "count": at + 1,
            "state": ended["state"].at[at].set(carry["state"]),
            "time": ended["time"].at[at].set(carry["time"]),
            "task": ended["task"].at[at].set(task),
        }
        place = taken + jnp.cumsum(idle) - 1
        new = idle & (place < waiting)
        place = jnp.where(new, place, 0)
        found = jax.tree.map(lambda x: jnp.take(x, place, axis=-1), queue)
        found["carry"] = each(unpack)(found["carry"])
        step = lanes["step"] | {"hit": lanes["step"]["hit"] & ~idle}
        vacant = lanes | {"task": lanes["task"].at[0].set(jnp.where(idle, -1, lanes["task"][0])), "step": step}
        lanes = vacant | {name: jax.tree.map(partial(jnp.where, new), found[name], vacant[name]) for name in found}
        return jnp.asarray(False), lanes, ended, taken + new.sum()

    needed = (idle & ((lanes["task"][0] >= 0) | (taken < waiting))).any()
    # A loop of at most one turn: unlike a condition it copies no log.
    _, lanes, ended, taken = jax.lax.while_loop(lambda loop: loop[0], fill, (needed, lanes, ended, taken))
    return lanes, ended, taken


# ---- Steps


def _stepped(flow: Flow, event: Event | None, lanes: dict[str, Any], running: Any, level: Any) -> dict[str, Any]:
    """The lanes after one try of a step; those that are not running stay as they are."""
    carry, values = lanes["carry"], lanes["values"]
    state, error, k, slope = _stages(flow, carry, values)
    new, keep = each(_controlled)(carry, state, error, slope, lanes["numbers"])
    made = {"span": jnp.stack([carry["time"], new["time"]]), "y0": carry["state"], "k": k}
    select = partial(jax.tree.map, lambda a, b: jnp.where(running, a, b))
    new = select(new, carry)
    step = lanes["step"] | select(made, {name: lanes["step"][name] for name in made})
    if event is not None:
        low = each(event.value)(new["time"], new["state"], values) <= level
        new, step["hit"] = _cut_at_event(event, new, step, running & keep & low, values, level)
    return lanes | {"carry": new, "step": step}


@lru_cache(maxsize=1)
def _coefficients() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a with a row of zeros first, c, and e. The last stage of the method is its solution, and the next first stage."""
    tableau: Any = runge_kutta().tableau
    a = np.zeros((tableau.num_stages, tableau.num_stages))
    for stage, row in enumerate(tableau.a_lower, 1):
        a[stage, : len(row)] = row
    return a, np.concatenate([[0.0], tableau.c]), np.asarray(tableau.b_error)


def _stages(flow: Flow, carry: dict[str, Any], values: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """The states after a step, their errors, the k (stages, n, lanes), and the slopes there."""
    a, c, e = (jnp.asarray(x) for x in _coefficients())
    first, slope = carry["fsal"]
    y, time, end = carry["state"], carry["time"], carry["next"]
    h = end - time

    def stage(s: Any, loop: Any) -> Any:
        k, _, _ = loop
        # A sum and no matrix product: that one's instructions would depend on the lane.
        inner = y + (a[s][:, None, None] * k).sum(0)
        moment = jnp.where(c[s] == 1.0, end, time + c[s] * h)
        f = each(flow.drift)(moment, inner, values)
        f = jnp.where((s > 0) | first, f, slope)
        return k.at[s].set(f * h), inner, f

    k = jnp.zeros((len(c), *y.shape)).at[0].set(slope * h)
    # The first stage is known from the step before, but for a lane that begins.
    k, state, f = jax.lax.fori_loop(jnp.where(first.any(), 0, 1), len(c), stage, (k, y, slope))
    return state, (e[:, None, None] * k).sum(0), k, f


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


def _cut_at_event(
    event: Event, carry: dict[str, Any], step: dict[str, Any], hit: Any, values: dict[str, Any], level: Any
) -> tuple[dict[str, Any], Any]:
    """Let the lanes whose last step came to the event end where it is: by halving the step."""

    def reached(moment: Any) -> Any:
        return each(event.value)(moment, interpolate(step, moment), values) <= level

    def half(_: Any, bounds: Any) -> Any:
        low, high = bounds
        middle = 0.5 * (low + high)
        here = reached(middle)
        return jnp.where(here, low, middle), jnp.where(here, middle, high)

    def cut(loop: Any) -> Any:
        _, time, state = loop
        begin, end = step["span"]
        # A member may begin below the level.
        high = jnp.where(reached(begin), begin, end)
        _, moment = jax.lax.fori_loop(0, HALVINGS, half, (begin, high))
        return jnp.asarray(False), jnp.where(hit, moment, time), jnp.where(hit, interpolate(step, moment), state)

    # A loop of at most one turn: nothing is computed where no lane is at the event.
    _, time, state = jax.lax.while_loop(lambda loop: loop[0], cut, (hit.any(), carry["time"], carry["state"]))
    return carry | {"time": time, "state": state}, step["hit"] | hit
