"""The states of many runs of theory, read off: order parameters and observables, and how each run ended.

Scenarios with one `rows_key` are read off in one call, some two thousand states at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from learndyn.scenarios.base import rows_key
from learndyn.sweeps.engines import Outcome
from learndyn.verbs.theory import verdict

# States in one call: they stay in a processor's cache.
STATES = 2048


@dataclass
class Ending:
    """How a run ended, in the words of `learndyn.engines.theory.Integration`."""

    scenario: Any
    status: str
    end: float
    steps: int
    states: Any = None
    times: Any = None


def read_off(endings: Sequence[Ending], states: np.ndarray, times: np.ndarray, tolerance: float) -> list[Outcome]:
    """What came of the runs whose ``states`` (runs, times, n) are NaN from the row on that they did not reach."""
    reached = np.isfinite(states).all(-1).cumprod(-1).sum(-1)
    found: dict[int, Outcome] = {}
    for key, places in _alike(endings, len(times)):
        if key is None:
            for place in places:
                found[place] = _alone(endings[place], states[place, : reached[place]], times, tolerance)
            continue
        scenario, own = endings[places[0]].scenario, states[places]
        possible = scenario.first_impossible_of_each(own, tolerance, times)
        with np.errstate(invalid="ignore"):
            rows = scenario.rows(own, times)
        several = {name for name, values in rows.items() if values.shape[:2] == own.shape[:2]}
        for number, place in enumerate(places):
            good = min(int(possible[number]), int(reached[place]))
            values = {name: value[number] if name in several else value for name, value in rows.items()}
            ending = endings[place]
            ending.states, ending.times = own[number, : reached[place]], times[: reached[place]]
            found[place] = _outcome(ending, values, several, tolerance, good)
    return [found[place] for place in range(len(endings))]


def _alike(endings: Sequence[Ending], rows: int) -> Iterator[tuple[Any, list[int]]]:
    """Places of runs that can be read off together, in groups that are not too large."""
    groups: dict[Any, list[int]] = {}
    for place, ending in enumerate(endings):
        groups.setdefault(rows_key(ending.scenario), []).append(place)
    size = max(1, STATES // rows)
    for key, places in groups.items():
        for first in range(0, len(places), size):
            yield key, places[first : first + size]


def _alone(ending: Ending, states: np.ndarray, times: np.ndarray, tolerance: float) -> Outcome:
    ending.states, ending.times = states, times[: len(states)]
    if len(states) == 0:
        return _outcome(ending, {}, set(), tolerance, 0)
    possible = ending.scenario.first_impossible(states, tolerance, ending.times)
    rows = ending.scenario.rows(states, ending.times)
    timed = {name for name, values in rows.items() if values.shape[:1] == (len(states),)}
    return _outcome(ending, rows, timed, tolerance, possible)


def _outcome(ending: Ending, values: dict[str, np.ndarray], timed: set[str], tolerance: float, good: int) -> Outcome:
    status, message, rows = verdict(ending.scenario, ending, tolerance, good)
    end = ending.end if status == ending.status else float(ending.times[rows - 1])
    kept = {name: value[:rows] if name in timed else value for name, value in values.items()}
    return Outcome(kept, status, "" if status == "ok" else message, end, {"steps": ending.steps})
