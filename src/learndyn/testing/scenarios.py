"""The conformance test of a scenario: what engines, files and results rely on, and its update against its drift."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np

from learndyn.errors import InputError
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.plain import (
    KINDS,
    scenario_from_plain,
    scenario_to_plain,
    start_from_plain,
    start_to_plain,
)
from learndyn.testing.report import Check, ScenarioReport

# Name, error, allowed error; and, where the numbers do not say it, what is wrong and what to do.
Comparison = tuple[str, float, float] | tuple[str, float, float, str]

FALSE_ALARM = 1e-6
# One update from the start, so many times, at a size at which its terms of order 1 / N do not count.
UPDATES, LARGE_N = 4096, 10**6
# Overlaps against weights, at a size at which they do.
REPLICAS, SMALL_N = 256, 50
# A state that becomes a row, and the row a start: copies of floats.
ACCURACY_COPY = 1e-12


def check_scenario(scenario: Any, start: Any, *, until: float = 1.0, seed: int = 0) -> ScenarioReport:
    """Check that a scenario is what engines, results and files take it for, and that its update averages to its drift.

    - It is data: hashable, equal to its copy by pickle, by JSON, and by a scenario file where its kind is registered;
      and so is its start.
    - What ``rows`` gives has a name in ``quantities``, with the dims that ``coordinates`` labels, and so have the
      ``order_parameters``; ``state_length`` and ``parameter_names`` (where there are any) fit ``initial_state``.
    - The start is possible, the drift there is finite in float64, and the scenario's scale is at least the flow's size.
    - `ld.solve` reaches ``until``, and its last row is a start that gives its state back.
    - Where it has a ``process``: the mean of single updates at large N, times N, is the drift.
    - Where that has Gaussian inputs: ``"overlaps"`` and ``"weights"`` have the same means at small N.

    Parameters
    ----------
    scenario
        Any scenario, of learndyn or of one's own; one with all options on says most.
    start
        A start for it, inside the set of what is possible.
    until
        How long theory runs, and simulation at small N.
    seed
        Of the simulations: the same seed is the same check.

    Returns
    -------
    ScenarioReport
        The measured error and the allowed one of each comparison; print it for a table.

    Raises
    ------
    AssertionError
        One sentence that names the first part that is wrong, and what to do.

    Notes
    -----
    A correct scenario fails the statistical part of one call with probability 1e-6 over seeds. Cost: some 10 s, nearly
    all of it compilation, which numba keeps on disk.

    Examples
    --------
    >>> import learndyn as ld
    >>> modes = ld.LinearModes([3.0, 1.0])
    >>> report = ld.testing.check_scenario(modes, ld.ModeStart(u=0.01))
    >>> report.kind, report.left_out
    ('linear_modes', ('single updates against the drift: there is no process',))
    """
    scenario = checked_scenario(scenario)
    start = scenario.as_start(start)
    checks, left_out = [], []
    for name, error, allowed, *sentence in _comparisons(scenario, start, until, seed, left_out):
        # Not `error > allowed`: that would let NaN pass.
        if not error <= allowed:
            default = f"{name}: the error is {error:.3g}, but at most {allowed:.3g} is allowed."
            raise AssertionError(f"Scenario {scenario.kind!r}: {sentence[0] if sentence else default}")
        checks.append(Check(name, float(error), float(allowed)))
    return ScenarioReport(scenario.kind, seed, tuple(checks), tuple(left_out))


def _comparisons(scenario: Any, start: Any, until: float, seed: int, left_out: list[str]) -> Iterator[Comparison]:
    yield from _as_data("the scenario", scenario, scenario_to_plain, scenario_from_plain)
    yield from _as_data("the start", start, start_to_plain, start_from_plain)
    yield from _in_a_file(scenario, start, left_out)
    yield from _labels(scenario, start)
    yield from _theory(scenario, start, until, left_out)
    yield from _simulations(scenario, start, until, seed, left_out)


def _right(name: str, right: bool, sentence: str) -> Comparison:
    """A statement as a comparison: an error of nothing, or of everything."""
    return name, 0.0 if right else np.inf, 0.0, sentence


def _as_data(what: str, value: Any, to_plain: Any, from_plain: Any) -> Iterator[Comparison]:
    try:
        hash(value)
        hashable = True
    except TypeError:
        hashable = False
    yield _right(f"{what} is hashable", hashable, f"{what} must be hashable. Hold numbers and tuples, not arrays.")
    same = pickle.loads(pickle.dumps(value)) == value
    yield _right(f"{what} by pickle", same, f"{what} must equal its copy by pickle. Define __getstate__ or __eq__.")
    again = from_plain(json.loads(json.dumps(to_plain(value))))
    yield _right(
        f"{what} by JSON",
        again == value,
        f"{what} must equal itself after JSON, but {again!r} is not {value!r}. Convert lists to tuples when built.",
    )


def _in_a_file(scenario: Any, start: Any, left_out: list[str]) -> Iterator[Comparison]:
    from learndyn.scenario_file import _parse, scenario_text

    if scenario.kind not in KINDS:
        left_out.append("a scenario file: the kind is not registered")
        return
    try:
        text = scenario_text(scenario, start)
    except InputError as error:
        left_out.append(f"a scenario file: {error}")
        return
    found = _parse(text, "the scenario's file")
    right = found.scenario == scenario and found.start == start
    yield _right("scenario and start by a scenario file", right, "scenario and start must equal themselves in a file.")


def _labels(scenario: Any, start: Any) -> Iterator[Comparison]:
    state = np.asarray(scenario.initial_state(start))
    right = state.shape == (scenario.state_length,) and state.dtype == float
    yield _right(
        "length of the state",
        right,
        f"`initial_state` must have shape ({scenario.state_length},) and float64, but it has {state.shape} and "
        f"{state.dtype}.",
    )
    if hasattr(scenario, "parameter_names"):
        count = len(scenario.parameter_names())
        sentence = f"`parameter_names` must name the {len(state)} numbers of the state, but it names {count}."
        yield _right("names of the state", count == len(state), sentence)
    quantities, coordinates = scenario.quantities(), scenario.coordinates()
    states, times = np.stack([state] * 3), np.full(3, start.at)
    rows = scenario.rows(states, times)
    unnamed = sorted(set(rows) - set(quantities))
    sentence = f"`rows` must give what `quantities` names, but it also gives {unnamed}. Add a Quantity for each."
    yield _right("names of the rows", not unnamed, sentence)
    yield _right(
        "names of the order parameters",
        set(scenario.order_parameters(states)) <= set(quantities),
        "`order_parameters` must give some of what `quantities` names. Use the same names.",
    )
    for name in rows:
        shape = tuple(len(coordinates[dim]) for dim in quantities[name].dims)
        found = np.shape(rows[name])
        sentence = f"`rows` must give {name!r} the shape {(3, *shape)}, or {shape} where it is constant, not {found}."
        yield _right(f"shape of {name}", found in ((3, *shape), shape), sentence)
    possible = scenario.first_impossible(states, 1e-9, times)
    yield _right("the start is possible", possible == 3, f"`first_impossible` of the start must be 3, not {possible}.")


def _theory(scenario: Any, start: Any, until: float, left_out: list[str]) -> Iterator[Comparison]:
    from learndyn.engines.theory import drift_at
    from learndyn.verbs import solve

    state = scenario.initial_state(start)
    flow = scenario.flow()
    drift = drift_at(flow, start.at, state, scenario.values())
    right = drift.shape == state.shape and drift.dtype == float and bool(np.isfinite(drift).all())
    yield _right("the drift is finite", right, f"the drift must be {len(state)} finite float64, but it is {drift}.")
    size, scale = float(flow.size(state)), float(scenario.scale(state))
    sentence = f"`scale` must be positive and at least the flow's size, {size:g}, but it is {scale:g}."
    yield _right("size and scale", 0.0 <= size <= scale and scale > 0.0, sentence)
    result = solve(scenario, start, start.at + until, save_at=3)
    sentence = f"the theory ended early: {result.attrs['message']}"
    yield _right("theory reaches its end", result.attrs["status"] == "ok", sentence)
    last = result.isel({scenario.time_name: -1})
    try:
        again = scenario.initial_state(scenario.as_start(last))
    except InputError as error:
        left_out.append(f"a row as a start: {error}")
        return
    found = {name: value for name, value in scenario.order_parameters(again).items() if name in last}
    error = max((np.abs(value - last[name].values).max(initial=0.0) for name, value in found.items()), default=0.0)
    yield "a row as a start", float(error), ACCURACY_COPY * max(1.0, scale)


def _simulations(scenario: Any, start: Any, until: float, seed: int, left_out: list[str]) -> Iterator[Comparison]:
    if not hasattr(scenario, "process"):
        left_out.append("single updates against the drift: there is no process")
        return
    try:
        process = scenario.process(start)
    except InputError as error:
        left_out.append(f"single updates against the drift: {error}")
        return
    state = scenario.initial_state(start)
    comparisons = 2 * len(state)
    if not scenario.gaussian_inputs or process.fast.any():
        left_out.append("single updates against the drift: they are not of order 1 / N on Gaussian inputs")
    else:
        yield from _single_updates(scenario, start, process, seed, comparisons)
    yield from _two_engines(scenario, start, process, until, seed, comparisons)


def _single_updates(scenario: Any, start: Any, process: Any, seed: int, comparisons: int) -> Iterator[Comparison]:
    from learndyn.engines.overlaps import run_overlaps
    from learndyn.engines.theory import drift_at

    state = scenario.initial_state(start)
    run = run_overlaps(process, LARGE_N, np.array([1]), replicas=UPDATES, seed=seed, at=start.at)
    changes = LARGE_N * (scenario.pack(run.record, start)[:, 0] - state)
    drift = drift_at(scenario.flow(), start.at, state, scenario.values())
    spread = changes.std(axis=0, ddof=1) / np.sqrt(UPDATES)
    # What is left at this size: the terms of order 1 / N, and rounding of the state.
    least = (1.0 + np.abs(changes).max(axis=0)) * (10.0 / LARGE_N) + LARGE_N * 1e-15 * (1.0 + np.abs(state))
    yield from _scores("single updates against the drift", changes.mean(axis=0) - drift, spread, least, comparisons)


def _two_engines(
    scenario: Any, start: Any, process: Any, until: float, seed: int, comparisons: int
) -> Iterator[Comparison]:
    if not scenario.gaussian_inputs:
        return
    from learndyn.engines.overlaps import run_overlaps
    from learndyn.engines.weights import run_weights

    N = max(SMALL_N, 4 * process.rows)
    steps = np.array([max(1, round(until * N))])
    means, errors = [], []
    for run, apart in ((run_overlaps, 1), (run_weights, 2)):
        found = run(process, N, steps, replicas=REPLICAS, seed=seed + apart, at=start.at)
        states = scenario.pack(found.record, start)[:, -1]
        means.append(states.mean(axis=0))
        errors.append(states.var(axis=0, ddof=1) / REPLICAS)
    least = 1e-9 * (1.0 + np.abs(means[0]))
    yield from _scores(
        f"overlaps against weights at N = {N}", means[0] - means[1], np.sqrt(errors[0] + errors[1]), least, comparisons
    )


def _scores(
    name: str, difference: np.ndarray, spread: np.ndarray, least: np.ndarray, comparisons: int
) -> Iterator[Comparison]:
    """The largest deviation in standard errors, beyond what is no matter of chance."""
    from scipy.stats import t

    threshold = float(t.isf(FALSE_ALARM / (2 * comparisons), REPLICAS - 1))
    beyond = np.maximum(np.abs(difference) - least, 0.0)
    scores = np.where(beyond > 0.0, beyond / np.maximum(spread, 1e-300), 0.0)
    worst = int(np.argmax(np.where(np.isfinite(difference), scores, np.inf)))
    score = float(scores[worst]) if np.isfinite(difference).all() else np.nan
    sentence = (
        f"{name}: number {worst + 1} of the state is {score:.1f} standard errors off (allowed {threshold:.1f}): "
        f"{difference[worst]:.3g} +- {spread[worst]:.1g}. Derive the drift from the update again."
    )
    yield f"{name} (standard errors)", score, threshold, sentence
