"""The verb `ensemble`: the distribution of the weights itself, carried by many characteristics.

dp/dt = -div(p <f>):   w' = <f>(w)   and, along it,   d log p / dt = -div <f>
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import count
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times, tolerances
from learndyn.results import trajectory
from learndyn.scenarios.base import Flow, checked_scenario
from learndyn.scenarios.update_rule.sampled import RANDOMISATIONS, draws, points_of_a_copy
from learndyn.verbs.moment_flow import require_finite, rule_and_update, shapes_of
from learndyn.verbs.theory import DIVERGENCE, MAX_STEPS

# Numbers that a result may have: 4 GB while it is made.
MOST_NUMBERS = 2 * 10**8
# Larger arrays of a scenario are shared by all members: part of the program, not of its arguments.
SHARED = 256

VARIABLES = {
    "log_density": (("member",), (), "logarithm of the density p(w, t) at the member"),
    "w_mean": ((), ("input",), "mean weight"),
    "w_mean_error": ((), ("input",), "standard error of the mean weight"),
    "trace_cov": ((), (), "total variance tr Cov(w)"),
    "trace_cov_error": ((), (), "standard error of tr Cov(w)"),
    "variance": ((), ("input",), "variance of each weight"),
    "variance_error": ((), ("input",), "standard error of the variance of each weight"),
}


def ensemble(
    rule: Any,
    start: Any,
    until: float,
    *,
    members: int = 1000,
    seed: int | None = None,
    save_at: Any = None,
    density: bool = False,
    quasi_random: bool = False,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = MAX_STEPS,
    threads: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """The distribution p(w, t) of weights that learn by any rule at a small learning rate, as a cloud of its members.

        dp/dt = -div(p <f>):   each member moves along w' = <f>(w), and log p along it by d log p / dt = -div <f>

    Parameters
    ----------
    rule
        An `ld.UpdateRule`, or a scenario with a mean update, such as `ld.GaussianClassification`.
    start
        An `ld.GaussianWeights` with a covariance: members are drawn from it.
    until
        The time at which to end.
    members
        How many; a quasi-random ensemble has 8 times a power of two, at least so many.
    seed
        Of the draws; None: one is drawn and recorded.
    save_at
        As for `ld.solve`.
    density
        Carry the density along, too; the covariance of the start must then not be singular.
    quasi_random
        Members from Sobol's sequence, scrambled in 8 independent copies, each with exactly the start's mean and
        covariance: moments are far more exact.
    rtol, atol, max_steps
        As for `ld.solve`.
    threads
        How many to work with; None: all cores.
    progress
        As for `ld.solve`.

    Returns
    -------
    xarray.Dataset
        ``w`` (member, t, input), and the scenario's observables of each member; ``log_density`` (member, t) if asked
        for; moments over the members with their standard errors: ``w_mean`` (t, input), ``variance`` (t, input),
        ``trace_cov`` (t), each with ``_error``. Members that did not come to the end are NaN from there on, and
        ``attrs["failed"]`` counts them; moments are then NaN, too.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    Exact for eta to 0, whatever the width of the distribution: it holds equations (10) and (11) of `ld.moment_flow` to
    account. Variances divide by members - 1 (by members if quasi-random). Standard errors are those of independent
    members, or come from the scatter of 8 copies.
    Cost: members times a run of `ld.solve` from a point, side by side on all cores; with `density` each step takes n
    more derivatives.
    Reference: Schmid & Murray (2024) arXiv:2409.03749, equation (9), Figure 1C.

    Examples
    --------
    >>> import learndyn as ld
    >>> decay = ld.UpdateRule(2, mean=lambda w: -w)
    >>> start = ld.GaussianWeights([1.0, 0.0], cov=0.1)
    >>> cloud = ld.ensemble(decay, start, until=1, members=256, seed=1, save_at=2, density=True)
    >>> flow = ld.moment_flow(decay, start, until=1, save_at=2)
    >>> bool((abs(cloud.w_mean - flow.w) < 5 * cloud.w_mean_error).all())
    True
    """
    from learndyn.engines.batch import integrate_many
    from learndyn.engines.progress import time_bar

    scenario, _ = rule_and_update(rule)
    start = scenario.as_start(start)
    times = save_times(save_at, start.at, until)
    rtol, atol = tolerances(rtol, atol)
    members = _members(members, quasi_random)
    seed = int(np.random.SeedSequence().generate_state(1)[0]) if seed is None else count(seed, "seed", 0)
    n = start.n
    _refuse_size(members, len(times), n)
    states, log_p = _draw(start, members, seed, quasi_random, density)
    flow, values = shared_flow(scenario, n, density)
    require_finite(flow, start.at, states[0], _Numbers(values))
    limit = DIVERGENCE * (float((states[:, :n] ** 2).sum(1).max()) + 1.0)
    with time_bar(progress, 0, members, "members") as advance:
        run = integrate_many(
            flow, states, [values] * members, times, start.at, rtol=rtol, atol=atol, limits=limit,
            max_steps=count(max_steps, "max_steps"), threads=threads, on_progress=advance,
        )  # fmt: skip
    status, message = _verdict(run.status)
    if status != "ok":
        warnings.warn(message, LearndynWarning, stacklevel=2)
    options = {"quantity": "ensemble", "until": float(until), "rtol": rtol, "atol": atol, "members": members}
    options |= {"steps": int(run.steps.sum()), "quasi_random": quasi_random}
    result = trajectory(
        scenario, start, times, run.states[..., :n], replicas=np.arange(1, members + 1), seed=seed,
        engine="theory", status=status, message=message, options=options, timings=run.timings,
    )  # fmt: skip
    found = moments(run.states[..., :n], RANDOMISATIONS if quasi_random else None)
    if density:
        found["log_density"] = log_p[:, None] + run.states[..., n]
    return _with(result.rename(replica="member"), found, scenario).assign_attrs(failed=int((run.status != "ok").sum()))


class _Numbers:
    """What `require_finite` asks of a scenario."""

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        self._values = values

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that are arguments of the program."""
        return self._values


def _members(members: Any, quasi_random: bool) -> int:
    members = count(members, "members", 2)
    if not quasi_random:
        return members
    return RANDOMISATIONS * points_of_a_copy(members)


def _refuse_size(members: int, times: int, n: int) -> None:
    if members * times * n > MOST_NUMBERS:
        raise InputError(
            f"Argument `members` must be at most {MOST_NUMBERS // (times * n)} for {times} times and {n} weights (a "
            f"result has {MOST_NUMBERS:.0e} numbers at most), but it is {members}. Ask for fewer times with save_at."
        )


def _draw(start: Any, members: int, seed: int, quasi_random: bool, density: bool) -> tuple[np.ndarray, np.ndarray]:
    """The members' first states (members, n), with a last number 0 if there is a density, and log p of each."""
    n, L = start.n, start.factor()
    rank = L.shape[1]
    if rank == 0:
        raise InputError(
            "Argument `start` must have a covariance for an ensemble, but it is a point. Write "
            "ld.GaussianWeights(mean, cov=0.1), or use ld.solve."
        )
    if density and rank < n:
        raise InputError(
            f"Argument `density` must be False for a start whose covariance is singular, but it is True: the "
            f"distribution fills {rank} of {n} dimensions. Add a small variance to all weights."
        )
    if quasi_random:
        z = draws(rank, 0, members, seed)[0].reshape(members, rank)
    else:
        z = np.random.Generator(np.random.SFC64(seed)).standard_normal((members, rank))
    states = start.mean.values + z @ L.T
    if not density:
        return states, np.zeros(members)
    log_p = -0.5 * (z**2).sum(1) - 0.5 * n * np.log(2.0 * np.pi) - np.linalg.slogdet(L)[1]
    return np.concatenate([states, np.zeros((members, 1))], axis=1), log_p


def shared_flow(scenario: Any, n: int, density: bool) -> tuple[Flow, dict[str, np.ndarray]]:
    """The flow of one member, with the scenario's large arrays in it, and the numbers that are left."""
    scenario, update = checked_scenario(scenario), scenario.mean_update()
    values = scenario.values()
    large = {name: array for name, array in values.items() if np.size(array) > SHARED}
    digest = hashlib.sha256()
    for name, array in sorted(large.items()):
        digest.update(repr((name, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
    shared = _Shared(large, digest.hexdigest())
    return _flow(update, n, density, shared, shapes_of(values)), {k: v for k, v in values.items() if k not in large}


class _Shared:
    """Arrays that are equal if their digests are."""

    def __init__(self, arrays: dict[str, np.ndarray], digest: str) -> None:
        self.arrays, self.digest = arrays, digest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shared) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@lru_cache(maxsize=32)
def _flow(update: Any, n: int, density: bool, shared: _Shared, shapes: tuple[Any, ...]) -> Flow:
    def drift(at: Any, state: Any, values: dict[str, Any]) -> Any:
        values = {**values, **shared.arrays}
        if not density:
            return update.mean(state, values)
        return _with_divergence(lambda w: update.mean(w, values), state[:n], update)

    def size(states: Any) -> Any:
        """|w|^2."""
        return (states[..., :n] ** 2).sum(-1)

    return Flow(("ensemble", update.key, density, shared.digest, shapes), drift, size)


def _with_divergence(f: Callable[[Any], Any], w: Any, update: Any) -> Any:
    """(f, -div f) at w: a derivative along each axis."""
    import jax
    import jax.numpy as jnp

    from learndyn.scenarios.moments.expansion import over_directions

    def part(axis: Any) -> Any:
        return axis @ jax.jvp(f, (w,), (axis,))[1]

    divergence = over_directions(part, jnp.eye(len(w)), update).sum()
    return jnp.concatenate([f(w), -divergence[None]])


def moments(W: np.ndarray, copies: int | None = None) -> dict[str, np.ndarray]:
    """Mean and variances over members (members, times, n), with standard errors.

    Those of independent members: of the mean, and of the mean of (w - <w>)^2. With ``copies``, whose members follow one
    another, from their scatter.
    """
    mean = W.mean(0)
    squares = (W - mean) ** 2
    found = {"w_mean": mean, "variance": squares.mean(0), "trace_cov": squares.sum(-1).mean(0)}
    samples = {"w_mean": W, "variance": squares, "trace_cov": squares.sum(-1)}
    if copies is not None:
        parts = {name: np.array([part.mean(0) for part in np.split(x, copies)]) for name, x in samples.items()}
        return found | {f"{name}_error": x.std(0, ddof=1) / np.sqrt(copies) for name, x in parts.items()}
    unbiased = len(W) / (len(W) - 1)
    found |= {name: found[name] * unbiased for name in ("variance", "trace_cov")}
    return found | {f"{name}_error": x.std(0, ddof=1) / np.sqrt(len(W)) for name, x in samples.items()}


def _verdict(statuses: np.ndarray) -> tuple[str, str]:
    failed = statuses[statuses != "ok"]
    if not len(failed):
        return "ok", "All members reached the end."
    kinds, counts = np.unique(failed, return_counts=True)
    what = str(kinds[np.argmax(counts)])
    return what, (
        f"{len(failed)} of {len(statuses)} members did not reach the end, most of them with the status {what!r}; they "
        "are NaN from there on. Run ld.solve from the weights of one of them to see where, and why."
    )


def _with(result: xr.Dataset, found: dict[str, np.ndarray], scenario: Any) -> xr.Dataset:
    added = {}
    for name, values in found.items():
        lead, dims, text = VARIABLES[name]
        added[name] = xr.Variable((*lead, scenario.time_name, *dims), values, {"long_name": text, "units": "1"})
    return result.assign(added)
