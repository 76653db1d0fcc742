"""The numbers of a scenario that may be chosen as functions of time, and the bounds within which they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.arguments import did_you_mean, number, shown
from learndyn.errors import InputError
from learndyn.schedules import Schedule

# By the name that a scenario has for it: the name among the numbers of the drift.
KEYS = {
    "learning_rate": "learning_rate",
    "output_learning_rate": "output_learning_rate",
    "bias_learning_rate": "bias_learning_rate",
    "weight_decay": "weight_decay",
    "output_weight_decay": "output_weight_decay",
    "dropout_keep": "dropout_keep",
}
# Those that a scenario takes as schedules.
RATES = ("learning_rate", "output_learning_rate", "bias_learning_rate")
# What these move does not fluctuate for N to infinity: the larger, the better, without end. Unless bounds are given,
# they may grow by a factor.
NOISELESS = ("output_learning_rate", "bias_learning_rate")
LARGEST_FACTOR = 10.0
SMALLEST_KEEP = 0.05
_ON = {"dropout_keep": 0.9, "weight_decay": 1e-3, "output_weight_decay": 1e-3}


def checked_controls(scenario: Any, controls: Any) -> tuple[str, ...]:
    """The names of the controls, each on in the scenario."""
    names = (controls,) if isinstance(controls, str) else tuple(controls)
    if not names or len(set(names)) < len(names):
        raise InputError(
            "Argument `controls` must name one or more numbers of the scenario, each once, but it is "
            f"{shown(controls)}. "
            'Write controls=("learning_rate",).'
        )
    for name in names:
        if name not in KEYS:
            raise InputError(
                f"Argument `controls` must hold some of {', '.join(KEYS)}, but one is {shown(name)}."
                f"{did_you_mean(name, list(KEYS))}"
            )
        if KEYS[name] not in scenario.values():
            raise InputError(
                f"Argument `controls` must name what is on in the scenario, but {name} is off. Switch it on with "
                f"scenario.replace({name}={_ON.get(name, 0.1):g}), or leave it out."
            )
    return names


def with_constants(scenario: Any, controls: tuple[str, ...], at: float) -> Any:
    """The scenario with numbers in place of schedules of the controls: the rate at the time `at`, or one if it is 0."""
    changes = {}
    for name in controls:
        value = getattr(scenario, name)
        if isinstance(value, Schedule):
            changes[name] = float(value(at)) or 1.0
        elif not isinstance(value, int | float):
            raise InputError(
                f"Argument `scenario` must have a number or a schedule for {name}, which is to be chosen here, but it "
                f"is {shown(value)}. Use scenario.replace({name}=0.1)."
            )
    return scenario.replace(**changes) if changes else scenario


def by_control(given: Any, controls: tuple[str, ...], argument: str, example: str) -> dict[str, Any]:
    """What an argument gives for each control: a dict, or the bare thing where there is one control."""
    if given is None:
        return {}
    first, *more = controls
    if not isinstance(given, dict):
        if more:
            raise InputError(
                f"Argument `{argument}` must be a dict by control where there are several, but it is {shown(given)}. "
                f"Write {argument}={{{shown(first)}: {example}}}."
            )
        return {first: given}
    for name in given:
        if name not in controls:
            raise InputError(
                f"Argument `{argument}` must be for {', '.join(controls)}, but it has the key {shown(name)}."
                f"{did_you_mean(name, list(controls))}"
            )
    return given


def checked_bounds(bounds: Any, controls: tuple[str, ...], scenario: Any) -> dict[str, tuple[float, float]]:
    """Least and largest value of each control; what is not given is as wide as the control allows."""
    given = by_control(bounds, controls, "bounds", "(0, 2)")
    return {name: _pair(given[name], name) if name in given else _widest(scenario, name) for name in controls}


def _widest(scenario: Any, name: str) -> tuple[float, float]:
    if name == "dropout_keep":
        return SMALLEST_KEEP, 1.0
    return 0.0, LARGEST_FACTOR * float(scenario.values()[KEYS[name]]) if name in NOISELESS else np.inf


def _pair(pair: Any, name: str) -> tuple[float, float]:
    if np.ndim(pair) != 1 or len(pair) != 2:
        raise InputError(
            f"Argument `bounds` must be a pair (least, largest) for {name}, but it is {shown(pair)}. Write (0, 2)."
        )
    low = number(pair[0], "bounds", minimum=0.0)
    high = np.inf if pair[1] is None or np.isposinf(pair[1]) else number(pair[1], "bounds", above=0.0)
    if low >= high:
        raise InputError(
            f"Argument `bounds` must be a pair (least, largest) for {name}, but {low:g} is not below {high:g}. "
            "Exchange the two."
        )
    if name == "dropout_keep" and (low <= 0.0 or high > 1.0):
        raise InputError(
            f"Argument `bounds` of dropout_keep must lie above 0 and at most at 1, but they are {low:g} and {high:g}. "
            "Write (0.1, 1)."
        )
    return low, high
