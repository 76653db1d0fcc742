"""The compiled loop of the diffusion engine: deterministic steps with injections of noise between them.

    dz = [F(z) + c(z) / N] d alpha + N^(-1/2) Sigma(z)^(1/2) dW,      Sigma = Cov(b), b = N times one exact increment

    c = (i) - 1/2 (dF/d alpha + (F . grad) F)       (i): from the fluctuating length of the input (`Noise.length_term`)

To first order in 1 / N the mean and the covariance of z are integrals over the times s at which c and Sigma are added,
transported from there by the deterministic flow. An interval of length h therefore takes its noise at the two Gauss
nodes, h / 2 each, and the flow F between them by Tsitouras' method of order 5(4). The error of the integrals is
O(h^4), for the price of the midpoint rule; what the rule leaves out is O(h / N^2).

An injection needs no matrix: for independent draws b, b' of the exact increment at z,

    sqrt(h / 2N) sum_j (b_j - b'_j) / sqrt(2m),   j = 1 ... m

has mean 0, covariance Sigma h / 2N exactly and no third moment, for any N and also where Sigma is singular. The same
pairs tell the engine how large the noise is, so that the error of the flow is held to a fraction of it.

Lanes are replicas side by side; each keeps its own time, interval and step. What a lane computes depends on nothing
in the other lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from learndyn.scenarios.size_correction import size_correction

RUNNING, DONE, DIVERGED, STUCK = range(4)
# Gauss's two nodes in the unit interval.
NODES = (0.5 - sqrt(3.0) / 6.0, 0.5 + sqrt(3.0) / 6.0)
# Two Gauss nodes integrate exp(-2 rate s) over h with the relative error (2 rate h)^4 / 4320; a deviation has half.
DEVIATION_ERROR = 2.0**4 / (2.0 * 4320.0)
# The estimate of the noise must follow it when it dies out with the error: a quarter in an interval.
FORGET = 0.5
# An injection may miss the fastest direction: the largest rate met is forgotten slowly.
SLACKEN = 0.98
# The rate may rise within an interval, and it takes some injections to meet the fastest direction.
CAUTION, STRETCH = 0.5, 2.0
SMALLEST_STEP = 1e-13
# A component without noise of its own is held to this part of the strongest one's.
QUIET = 1e-6
ROUNDING = 8.0 * float(np.finfo(float).eps)
# A shorter injection, relative to the state, says nothing about rates: the drift's rounding errors would dominate.
AUDIBLE = 1000.0 * float(np.finfo(float).eps)
TINY = 1e-200
# The error of a step over what it may be grows as step^(5 - 1/2).
SAFETY, SHRINK, GROW, ORDER = 0.9, 0.2, 8.0, 4.5
# What a lane is on its way to: 0 and 1, the nodes of its interval; 2, the row at its end.
ROW = 2


@dataclass(frozen=True)
class Model:
    """What the loop asks of a scenario: parts of its `Flow` and its `Noise` (`learndyn.scenarios.base`)."""

    drift: Callable[[Any, Any, Any], Any]  # (time, state, values)
    length_term: Callable[[Any, Any, Any], Any]  # (time, state, values)
    increments: Callable[[Any, Any, Any], Any]  # (state, values, normals)
    size: Callable[[Any], Any]


def advance(
    model: Model, carry: dict[str, Any], normals: Any, windows: Any, values: dict[str, Any], numbers: Any
) -> tuple[dict[str, Any], Any]:
    """Move every lane through its normals, or to its last row; the lanes, and the rows that they have reached.

    ``normals`` (lanes, injections, pairs, 2, u); ``windows`` (lanes, rows): the times of the rows from the lane's next
    one on, infinity after the last; ``numbers`` = (N, limit of the size); ``carry`` as `first_carry` makes it. The
    rows that a lane reaches stand first in its part of the array that is handed back.
    """
    lanes, injections = normals.shape[:2]
    every = jnp.arange(lanes)
    capacity = windows.shape[1] - 1
    before = carry["rows"]
    # At the start nothing is known of the noise.
    unheard = ~(carry["scale"] > 0.0).any(-1, keepdims=True)
    heard = _variance(_differences(model, carry["state"], normals[:, 0], values))
    carry = carry | {"scale": jnp.where(unheard, heard, carry["scale"])}
    flow = jax.vmap(model.drift, (0, 0, None))

    def awake(loop: Any) -> Any:
        carry, _, used = loop
        return (carry["status"] == RUNNING) & (used < injections)

    def micro_step(loop: Any) -> Any:
        old, rows, used = loop
        moving = awake(loop)
        new, arrived = _flow_step(flow, old, values, numbers)
        injecting, recording = arrived & (old["phase"] < ROW), arrived & (old["phase"] == ROW)
        u = normals[every, jnp.minimum(used, injections - 1)]
        new = _inject(model, new, injecting, u, values, numbers)
        # Where nothing is recorded the place lies beyond the buffer, and nothing is written.
        place = jnp.where(moving & recording, old["rows"] - before, capacity)
        rows = rows.at[every, place].set(new["state"], mode="drop")
        new["rows"] = old["rows"] + recording
        new["row"] = windows[every, jnp.minimum(new["rows"] - before, capacity)]
        new = _next_target(new, arrived)
        new["status"] = _status(model, new, numbers[1])
        kept = jax.tree.map(lambda a, b: jnp.where(moving.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)
        return kept, rows, used + (moving & injecting)

    rows = jnp.zeros((lanes, capacity, carry["state"].shape[1]))
    loop = (carry, rows, jnp.zeros(lanes, dtype=int))
    carry, rows, _ = jax.lax.while_loop(lambda loop: awake(loop).any(), micro_step, loop)
    return carry, rows


def first_carry(
    state: np.ndarray,
    at: float,
    row: float,
    *,
    first: float,
    tolerance: np.ndarray,
    loudness: float,
    asleep: np.ndarray,
) -> dict[str, np.ndarray]:
    """Lanes that start from one state at time ``at`` and have their first row after it at time ``row``.

    ``first`` is the length of the first interval, if the row leaves room for it; ``tolerance`` (lanes,) is the error of
    a step over its noise; noise and correction are multiplied with ``loudness``; lanes that are ``asleep`` (lanes,) do
    nothing.
    """
    lanes = len(tolerance)
    end = row if at + first >= row else at + first
    numbers = {"time": at, "begin": at, "end": end, "row": row, "step": end - at}
    numbers |= {"kick": 0.0, "rate": 0.0, "worst": 0.0, "loudness": loudness}
    carry = {name: np.full(lanes, value, dtype=float) for name, value in numbers.items()}
    carry |= {name: np.zeros(lanes, dtype=np.int64) for name in ("phase", "rows", "tries")}
    return carry | {
        "state": np.tile(state, (lanes, 1)),
        "slope": np.zeros((lanes, len(state))),
        "scale": np.zeros((lanes, len(state))),
        "tolerance": np.array(tolerance, dtype=float),
        "status": np.where(asleep, DONE, RUNNING),
    }


def _flow_step(flow: Any, carry: dict[str, Any], values: Any, numbers: Any) -> tuple[dict[str, Any], Any]:
    """One step of the flow towards the lane's target, if its error is small beside the noise; which lanes arrived."""
    begin, end = carry["begin"], carry["end"]
    node = begin + jnp.asarray(NODES)[jnp.minimum(carry["phase"], 1)] * (end - begin)
    target = jnp.where(carry["phase"] == ROW, end, node)
    left = target - carry["time"]
    # Two equal steps rather than a long and a tiny one.
    step = jnp.where(left <= carry["step"], left, jnp.minimum(carry["step"], 0.5 * left))
    state, error, first, last = _runge_kutta(flow, carry["time"], carry["state"], step, values)
    noise = jnp.maximum(carry["scale"], QUIET * carry["scale"].max(-1, keepdims=True))
    allowed = carry["tolerance"][:, None] * jnp.sqrt(step[:, None] * noise / numbers[0])
    allowed += ROUNDING * jnp.abs(carry["state"]).max(-1, keepdims=True) + TINY
    ratio = (jnp.abs(error) / allowed).max(-1)
    ratio = jnp.where(jnp.isfinite(ratio), ratio, jnp.inf)
    accepted = ratio <= 1.0
    arrived = accepted & (step == left)
    factor = jnp.clip(SAFETY * jnp.maximum(ratio, TINY) ** (-1.0 / ORDER), SHRINK, GROW)
    # A step that was cut short says nothing against a longer one.
    longest = jnp.where(factor >= GROW, carry["step"], 0.0)
    # What the last injection did to the drift, over its length: the rate at which noise decays, or grows.
    audible = carry["kick"] > AUDIBLE * _norm(carry["state"])
    rate = jnp.where(audible, _norm(first - carry["slope"]) / (carry["kick"] + TINY), 0.0)
    rate = jnp.where(carry["kick"] > 0.0, jnp.maximum(rate, SLACKEN * carry["rate"]), carry["rate"])
    new = carry | {
        "state": jnp.where(accepted[:, None], state, carry["state"]),
        "time": jnp.where(arrived, target, carry["time"] + jnp.where(accepted, step, 0.0)),
        "step": jnp.maximum(step * factor, longest),
        "slope": last,
        "kick": jnp.zeros_like(rate),
        "rate": rate,
        "worst": jnp.maximum(carry["worst"], DEVIATION_ERROR * (rate * (end - begin)) ** 4),
        "tries": carry["tries"] + 1,
    }
    return new, arrived


def _runge_kutta(flow: Any, time: Any, state: Any, step: Any, values: Any) -> tuple[Any, Any, Any, Any]:
    """Tsitouras' step: the new state, the estimate of its error, and the drift at both ends.

    The stages are a loop, so that the program holds the drift once.
    """
    tableau: Any = diffrax.Tsit5().tableau
    stages = len(tableau.b_sol)
    lower, nodes = np.zeros((stages, stages)), jnp.asarray([0.0, *tableau.c])
    for i, row in enumerate(tableau.a_lower, start=1):
        lower[i, :i] = np.asarray(row)
    matrix = jnp.asarray(lower)

    def combined(weights: Any, k: Any) -> Any:
        # Written as a sum: a matrix product may order its terms by the number of lanes.
        return step[:, None] * (weights[:, None, None] * k).sum(0)

    def stage(i: Any, k: Any) -> Any:
        return k.at[i].set(flow(time + nodes[i] * step, state + combined(matrix[i], k), values))

    k = jax.lax.fori_loop(0, stages, stage, jnp.zeros((stages, *state.shape)))
    solution, error = (combined(jnp.asarray(weights), k) for weights in (tableau.b_sol, tableau.b_error))
    return state + solution, error, k[0], k[-1]


def _inject(model: Model, carry: dict[str, Any], injecting: Any, u: Any, values: Any, numbers: Any) -> dict[str, Any]:
    """The noise and the correction of half an interval, where a lane has arrived at a node."""
    half = 0.5 * (carry["end"] - carry["begin"])[:, None] / numbers[0]
    differences = _differences(model, carry["state"], u, values)
    move = jnp.sqrt(half) * differences.sum(1) / sqrt(2.0 * u.shape[1])
    # The lane has just arrived: its slope is the drift at its state.
    correction = jax.vmap(partial(size_correction, model.drift, model.length_term), (0, 0, 0, None))
    move += half * correction(carry["time"], carry["state"], carry["slope"], values)
    move = jnp.where(injecting[:, None], carry["loudness"][:, None] * move, 0.0)
    heard = jnp.where(injecting[:, None], FORGET, 0.0)
    return carry | {
        "state": carry["state"] + move,
        "kick": _norm(move),
        "scale": carry["scale"] + heard * (_variance(differences) - carry["scale"]),
    }


def _differences(model: Model, state: Any, u: Any, values: Any) -> Any:
    """b - b' for each pair of draws, shape (lanes, pairs, n)."""
    lanes, pairs, _, width = u.shape
    b = model.increments(state[:, None], values, u.reshape(lanes, 2 * pairs, width))
    return b[:, ::2] - b[:, 1::2]


def _variance(differences: Any) -> Any:
    """The diagonal of Sigma, estimated from the pairs; shape (lanes, n)."""
    return 0.5 * (differences**2).mean(1)


def _next_target(carry: dict[str, Any], arrived: Any) -> dict[str, Any]:
    """The next node; after the second one the row, if the interval ends at it; else a new interval."""
    phase = carry["phase"]
    # A recorded row is never the lane's next row: an interval that ended at it has a successor.
    over = arrived & ((phase == ROW) | ((phase == ROW - 1) & (carry["end"] != carry["row"])))
    begin = carry["end"]
    left = carry["row"] - begin
    steady = CAUTION * (carry["tolerance"] / DEVIATION_ERROR) ** 0.25 / jnp.maximum(carry["rate"], TINY)
    longest = jnp.minimum(carry["step"] / (NODES[1] - NODES[0]), steady)
    longest = jnp.minimum(longest, STRETCH * (carry["end"] - carry["begin"]))
    # Equal intervals up to the row; the last one ends at it exactly. Where a whole number of them fits, rounding must
    # not decide whether there is one more.
    parts = jnp.ceil(left / longest * (1.0 - 1e-6))
    end = jnp.where(parts <= 1.0, carry["row"], begin + left / parts)
    return carry | {
        "phase": jnp.where(over, 0, phase + arrived),
        "begin": jnp.where(over, begin, carry["begin"]),
        "end": jnp.where(over, end, carry["end"]),
    }


def _status(model: Model, carry: dict[str, Any], limit: Any) -> Any:
    grown = ~(jax.vmap(model.size)(carry["state"]) <= limit)  # also when NaN
    stuck = ~(carry["step"] > SMALLEST_STEP * jnp.maximum(1.0, jnp.abs(carry["time"])))
    ended = jnp.where(jnp.isinf(carry["row"]), DONE, RUNNING)
    return jnp.where(grown, DIVERGED, jnp.where(stuck & (ended == RUNNING), STUCK, ended))


def _norm(vectors: Any) -> Any:
    return jnp.sqrt((vectors**2).sum(-1))
