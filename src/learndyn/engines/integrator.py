"""The compiled loop of the theory engine: diffrax's steps, step-size control and continuous extension.

One call is a segment of a fixed number of steps. The loop ends on its own at the end of the run, when the segment is
full, at the largest number of steps, when the state's size passes the limit, and when the step size vanishes or is
not finite. At a knot (`learndyn.engines.knots`) a step ends, and the slope is computed anew for the next one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from learndyn.engines.theory import SMALLEST_STEP, as_good_as_zero
from learndyn.scenarios.base import Flow

SEGMENT_STEPS = 256
# The continuous extension keeps 9 states a step (7 stages and both ends): the memory of a segment, in numbers.
SEGMENT_NUMBERS = 2_000_000
# Rejected steps count as well: a segment comes to an end even if no step is ever accepted.
SEGMENT_TRIES = 4096


@lru_cache(maxsize=1)
def runge_kutta() -> diffrax.AbstractERK:
    """The method of all steps."""
    return diffrax.Tsit5()


def unpack(packed: dict[str, Any]) -> dict[str, Any]:
    """The packed carry by name."""
    time, end, last_error, error_before, *length = packed["clock"]
    steps, tries, first = packed["counts"]
    return {
        **({"length": length[0]} if length else {}),
        "state": packed["state"],
        "time": time,
        "next": end,
        "fsal": (first == 1, packed["slope"]),
        "control": (last_error, error_before, jnp.asarray(False)),
        "steps": steps,
        "tries": tries,
    }


def pack(carry: dict[str, Any]) -> dict[str, Any]:
    """The carry in the few arrays of `theory.first_carry`."""
    first, slope = carry["fsal"]
    length = [carry["length"]] if "length" in carry else []
    return {
        "state": carry["state"],
        "slope": slope,
        "clock": jnp.stack([carry["time"], carry["next"], *carry["control"][:2], *length]),
        "counts": jnp.stack([carry["steps"], carry["tries"], first.astype(carry["steps"].dtype)]),
    }


def begin_anew_at_knots(
    carry: dict[str, Any], new: dict[str, Any], length: Any, keep: Any, stops: Any, resumes: Any, until: Any
) -> dict[str, Any]:
    """What is new after a step, if there are knots: it may have come to one, and the next may have to stop at one.

    A step that is short only because a knot is near says little about the next one: at a knot the length comes back
    that the step would have had.
    """
    passed = (resumes <= carry["time"]).sum()
    arrived = keep & (carry["next"] == stops[passed])
    length = jnp.where(arrived, jnp.maximum(length, carry["length"]), length)
    time = jnp.where(arrived, resumes[passed], new["time"])
    stop = jnp.minimum(stops[passed + arrived], until)
    first, slope = new["fsal"]
    return {"time": time, "next": jnp.minimum(time + length, stop), "length": length, "fsal": (first | arrived, slope)}


def may_go_on(flow: Flow, carry: dict[str, Any], numbers: Any, values: dict[str, Any]) -> Any:
    """Whether there is another step to make: before the end, with a step size and a state that are fit for it."""
    until, _, atol, limit = numbers[:4]
    stops = numbers[5:].reshape(2, -1)[0]
    step = carry["next"] - carry["time"]
    fine = (step > SMALLEST_STEP * jnp.maximum(1.0, jnp.abs(carry["time"]))) & jnp.isfinite(step)
    fine |= carry["next"] == until  # what is left to the end may be a rounding error
    if len(stops):
        fine |= (carry["next"] == stops).any()
    if flow.ends is not None:
        first, slope = carry["fsal"]
        # Before the first step the slope is not known.
        fine &= first | ~flow.ends(carry["state"], slope, values, as_good_as_zero(limit, atol))
    return (carry["time"] < until) & fine & (flow.size(carry["state"]) <= limit)


def advance(
    flow: Flow, packed: dict[str, Any], saved: Any, values: dict[str, Any], numbers: Any
) -> tuple[dict[str, Any], Any]:
    """One segment: steps up to `until`, to the end of the segment, or to the first bad state; and the saved rows.

    ``numbers`` = (until, rtol, atol, limit of the size, largest number of tries, and of the knots, where there are
    any, the stops and the resumes).
    """
    carry = unpack(packed)
    until, rtol, atol, _, max_steps = numbers[:5]
    stops, resumes = numbers[5:].reshape(2, -1)
    solver = runge_kutta()
    term = diffrax.ODETerm(flow.drift)
    controller = diffrax.PIDController(rtol=rtol, atol=atol)
    order: Any = solver.error_order(term)
    n = carry["state"].shape[0]
    capacity = int(np.clip(SEGMENT_NUMBERS // (9 * n), 16, SEGMENT_STEPS))
    # What a step of an explicit Runge-Kutta method hands to its continuous extension.
    dense = {"y0": jnp.zeros((capacity, n)), "y1": jnp.zeros((capacity, n))}
    tableau: Any = solver.tableau
    dense["k"] = jnp.zeros((capacity, tableau.num_stages, n))
    ends = jnp.full(capacity + 1, jnp.inf).at[0].set(carry["time"])
    last_try = jnp.minimum(carry["tries"] + SEGMENT_TRIES, max_steps)

    def going_on(loop: Any) -> Any:
        carry, _, _, count = loop
        return may_go_on(flow, carry, numbers, values) & (count < capacity) & (carry["tries"] < last_try)

    def one_step(loop: Any) -> Any:
        carry, dense, ends, count = loop
        state, error, extension, fsal, _ = solver.step(
            term, carry["time"], carry["next"], carry["state"], values, carry["fsal"], False
        )
        # NaN is a rejected step: as an error it would make the next step size NaN as well.
        error = jnp.where(jnp.isnan(error), jnp.inf, error)
        keep, start, end, _, control, _ = controller.adapt_step_size(
            carry["time"], carry["next"], carry["state"], state, values, error, order, carry["control"]
        )
        dense = jax.tree.map(lambda buffer, row: buffer.at[count].set(row), dense, extension)
        new = {
            "state": jnp.where(keep, state, carry["state"]),
            "time": start,
            "next": jnp.minimum(end, until),
            "fsal": jax.tree.map(lambda a, b: jnp.where(keep, a, b), fsal, carry["fsal"]),
            "control": control,
            "steps": carry["steps"] + keep,
            "tries": carry["tries"] + 1,
        }
        if len(stops):
            new |= begin_anew_at_knots(carry, new, end - start, keep, stops, resumes, until)
        ends = ends.at[count + 1].set(jnp.where(keep, new["time"], jnp.inf))
        return new, dense, ends, count + keep

    carry, dense, ends, count = jax.lax.while_loop(going_on, one_step, (carry, dense, ends, 0))

    def interpolate(moment: Any) -> Any:
        step = jnp.clip(jnp.searchsorted(ends, moment, side="left") - 1, 0, jnp.maximum(count - 1, 0))
        piece = jax.tree.map(lambda buffer: buffer[step], dense)
        return solver.interpolation_cls(t0=ends[step], t1=ends[step + 1], **piece).evaluate(moment)

    return pack(carry), jax.vmap(interpolate)(saved)
