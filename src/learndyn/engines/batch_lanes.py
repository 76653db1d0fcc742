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
from math import prod
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from learndyn.engines.integrator import begin_anew_at_knots, may_go_on, runge_kutta
from learndyn.engines.unrolled import unrolled
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


@dataclass(frozen=True)
class Form:
    """What a program is made for: states of `n` numbers, `knots` stops and as many resumes, values of these shapes.

    A member is a column of numbers (`given`): its state, the time it begins at, the end and the full length of its
    first step, the ``numbers`` of `integrator.advance`, and its values one after another.
    """

    n: int
    knots: int
    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    def numbers(self, given: Any) -> Any:
        """The numbers of the columns."""
        return given[self.n + 3 : self.n + 8 + 2 * self.knots]

    def values(self, given: Any) -> dict[str, Any]:
        """The values of the columns by name."""
        found, first = {}, self.n + 8 + 2 * self.knots
        for name, shape in self.shapes:
            found[name] = given[first : first + prod(shape)].reshape(*shape, given.shape[-1])
            first += prod(shape)
        return found

    def carry(self, given: Any) -> dict[str, Any]:
        """What members begin with; see `theory.first_carry`."""
        ones, none = jnp.ones(given.shape[-1]), jnp.zeros(given.shape[-1], dtype=int)
        begin, end, length = given[self.n : self.n + 3]
        carry = {"state": given[: self.n], "time": begin, "next": end, "steps": none, "tries": none}
        carry |= {"fsal": (none == 0, jnp.zeros((self.n, len(ones)))), "control": (ones, ones, none > 0)}
        return carry | ({"length": length} if self.knots else {})


def empty_lanes(form: Form, given: Any) -> dict[str, Any]:
    """Lanes without members, which stand still: like the ``given`` ones, but nobody's."""
    lanes, stages = given.shape[-1], len(_coefficients()[1])
    step = {"span": (2, lanes), "y0": (form.n, lanes), "k": (stages, form.n, lanes)}
    return {
        "carry": jax.tree.map(np.asarray, form.carry(given)),
        "given": given,
        "task": np.stack([np.full(lanes, -1), np.zeros(lanes, dtype=int)]),
        "step": {name: np.zeros(shape) for name, shape in step.items()} | {"hit": np.zeros(lanes, dtype=bool)},
    }


@lru_cache(maxsize=256)
def drift_of_lanes(flow: Flow, form: Form, lanes: int) -> tuple[Callable[..., Any], bool]:
    """The drift of lanes, which are the last axis of everything, and whether it is written out number by number."""
    whole = jax.jit(partial(unrolled, flow.drift))
    one = partial(jax.ShapeDtypeStruct, dtype=float)
    arguments = one((lanes,)), one((form.n, lanes)), {name: one((*shape, lanes)) for name, shape in form.shapes}
    if jax.eval_shape(whole, *arguments) is None:
        return each(flow.drift), False
    return whole, True


def segment_length(n: int, lanes: int) -> int:
    """How many steps a segment has for states of n numbers."""
    return int(np.clip(SEGMENT_NUMBERS // (8 * n * lanes), 4, SEGMENT))


def advance_lanes(
    flow: Flow,
    event: Event | None,
    form: Form,
    lanes: dict[str, Any],
    queue: dict[str, Any],
    waiting: Any,
    times: Any,
    level: Any,
) -> tuple[dict[str, Any], Any, dict[str, Any], dict[str, Any]]:
    """One segment: the lanes after it, how many members it took from the queue, and the logs.

    ``lanes`` and ``queue`` have the lanes or the places of the queue as last axis: ``given`` (`Form`), and ``task`` =
    (member, next row to save), with member -1 where there is none. Lanes also have the ``carry`` of `integrator`, not
    packed, and the ``step`` they made last: from and to (``span``), ``y0``, the k, and whether it came to the event.
    ``waiting`` = (members in the queue, whether there are more beyond it). ``times`` are those to save, ending with
    infinity.
    """
    n, count = lanes["carry"]["state"].shape
    length = segment_length(n, count)
    saves, ends = (int(np.clip(SEGMENT_NUMBERS // (n * count), 4, most)) for most in (SAVES, ENDS))
    saved = {"count": 0, "row": jnp.zeros((saves, n, count)), "task": jnp.full((saves, 2, count), -1)}
    ended = {"count": 0, "end": jnp.zeros((ends, n + 1, count)), "task": jnp.full((ends, 3, count), -1)}

    def going_on(loop: Any) -> Any:
        segment, saved, ended = loop
        room = (saved["count"] < saves) & (ended["count"] < ends) & (segment["steps"] < length)
        left = segment["taken"] < waiting[0]
        taken = segment["lanes"]["task"][0] >= 0
        # The host fills an empty queue before lanes stand still.
        busy = left | (taken.any() & (taken.all() | (waiting[1] == 0)))
        return room & busy

    def body(loop: Any) -> Any:
        segment, saved, ended = loop
        lanes, due, saved = _saved_rows(segment["lanes"], saved, times)
        fine, going = _going(flow, form, lanes)
        made = _stepped(flow, event, form, lanes, going & ~due, level)
        lanes, ended, taken = _filled(flow, form, made, fine, ~going & ~due, ended, queue, segment["taken"], waiting[0])
        return {"steps": segment["steps"] + 1, "taken": taken, "lanes": lanes}, saved, ended

    start = {"steps": 0, "taken": 0, "lanes": lanes}
    segment, saved, ended = jax.lax.while_loop(going_on, body, (start, saved, ended))
    return segment["lanes"], segment["taken"], saved, ended


def _going(flow: Flow, form: Form, lanes: dict[str, Any]) -> tuple[Any, Any]:
    """Which lanes are fit for another step, and which have a member that makes one."""

    def one(carry: Any, x: Any, values: Any) -> Any:
        fine = may_go_on(flow, carry, x, values)
        return fine, fine & (carry["tries"] < x[4])

    fine, more = each(one)(lanes["carry"], form.numbers(lanes["given"]), form.values(lanes["given"]))
    return fine, more & ~lanes["step"]["hit"] & (lanes["task"][0] >= 0)


def _noted(log: Any, row: Any, at: Any) -> Any:
    """The log with this row; there is room."""
    return jax.lax.dynamic_update_index_in_dim(log, row, at, 0)


# ---- Rows to save


def _saved_rows(lanes: dict[str, Any], saved: dict[str, Any], times: Any) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """Save the rows that the last steps passed, of each lane one at a time, as far as there is room; which are left."""
    carry, step, member = lanes["carry"], lanes["step"], lanes["task"][0]

    def due(row: Any) -> Any:
        return (times[row] <= carry["time"]) & (member >= 0)

    def one(loop: Any) -> Any:
        row, passed, saved = loop
        moment, at = times[row], saved["count"]
        state = jnp.where(moment == carry["time"], carry["state"], interpolate(step, moment))
        task = jnp.where(passed, jnp.stack([member, row]), -1)
        saved = {"count": at + 1, "row": _noted(saved["row"], state, at), "task": _noted(saved["task"], task, at)}
        row = row + passed
        return row, due(row), saved

    room, row = len(saved["row"]), lanes["task"][1]
    row, left, saved = jax.lax.while_loop(
        lambda loop: loop[1].any() & (loop[2]["count"] < room), one, (row, due(row), saved)
    )
    return lanes | {"task": jnp.stack([member, row])}, left, saved


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
    flow: Flow,
    form: Form,
    lanes: dict[str, Any],
    fine: Any,
    idle: Any,
    ended: dict[str, Any],
    queue: dict[str, Any],
    taken: Any,
    waiting: Any,
) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Note the members that have come to their end, and give the idle lanes new ones."""

    def fill(loop: Any) -> Any:
        _, lanes, ended, taken = loop
        carry, at, hit, numbers = lanes["carry"], ended["count"], lanes["step"]["hit"], form.numbers(lanes["given"])
        why = jnp.where(each(flow.size)(carry["state"]) > numbers[3], 1, jnp.where(fine, 3, 2))
        why = jnp.where(hit, 4, jnp.where(carry["time"] >= numbers[0], 0, why))
        task = jnp.stack([jnp.where(idle, lanes["task"][0], -1), why, carry["steps"]])
        end = jnp.concatenate([carry["state"], carry["time"][None]])
        ended = {"count": at + 1, "end": _noted(ended["end"], end, at), "task": _noted(ended["task"], task, at)}
        # Idle lanes up to each: a sum, which is a smaller program than jnp.cumsum.
        lane = jnp.arange(len(idle))
        place = taken + ((lane <= lane[:, None]) & idle).sum(1) - 1
        new = idle & (place < waiting)
        column = {name: jnp.take(array, place, axis=-1, mode="clip") for name, array in queue.items()}
        vacant = jnp.where(idle, jnp.array([[-1], [0]]), lanes["task"])
        select = partial(jax.tree.map, partial(jnp.where, new))
        begun = form.carry(column["given"])
        # What is not looked at before the first step is done need not be set.
        begun |= {"fsal": (begun["fsal"][0], carry["fsal"][1]), "control": (*begun["control"][:2], carry["control"][2])}
        lanes = {
            "carry": jax.tree.map(lambda a, b: b if a is b else jnp.where(new, a, b), begun, carry),
            "given": select(column["given"], lanes["given"]),
            "task": select(column["task"], vacant),
            "step": lanes["step"] | {"hit": hit & ~idle},
        }
        return jnp.asarray(False), lanes, ended, taken + new.sum()

    needed = (idle & ((lanes["task"][0] >= 0) | (taken < waiting))).any()
    # A loop of at most one turn: unlike a condition it copies no log.
    _, lanes, ended, taken = jax.lax.while_loop(lambda loop: loop[0], fill, (needed, lanes, ended, taken))
    return lanes, ended, taken


# ---- Steps


def _stepped(
    flow: Flow, event: Event | None, form: Form, lanes: dict[str, Any], running: Any, level: Any
) -> dict[str, Any]:
    """The lanes after one try of a step; those that are not running stay as they are."""
    carry, values = lanes["carry"], form.values(lanes["given"])
    drift, _ = drift_of_lanes(flow, form, lanes["given"].shape[-1])
    state, error, k, slope = _stages(drift, carry, values, running)
    new, keep = each(_controlled)(carry, state, error, slope, form.numbers(lanes["given"]))
    made = {"span": jnp.stack([carry["time"], new["time"]]), "y0": carry["state"], "k": k}
    select = partial(jax.tree.map, partial(jnp.where, running))
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


def _stages(drift: Any, carry: dict[str, Any], values: dict[str, Any], running: Any) -> tuple[Any, Any, Any, Any]:
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
        f = drift(moment, inner, values)
        f = jnp.where((s > 0) | first, f, slope)
        return _noted(k, f * h, s), inner, f

    k = jnp.zeros((len(c), *y.shape)).at[0].set(slope * h)
    # The first stage is known from the step before, but for a lane that begins.
    k, state, f = jax.lax.fori_loop(jnp.where((first & running).any(), 0, 1), len(c), stage, (k, y, slope))
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
