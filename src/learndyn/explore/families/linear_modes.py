"""The modes of a deep linear network, on the page."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from learndyn.errors import InputError
from learndyn.explore.controls import Control, Group, Values, numbers_of, text_of
from learndyn.explore.families.base import Family, Kept, interval
from learndyn.scenarios.linear_modes.scenario import LinearModes
from learndyn.scenarios.linear_modes.start import ModeStart

_NUMBERS = ("depth", "weight_decay", "dropout_keep", "input_noise", "learning_rate")
MOST_MODES = 64


def _groups() -> tuple[Group, ...]:
    return (
        Group("Task", (
            Control("s", "Singular values s", "text", "3, 1, 0.3", help="One for each mode, with commas between them."),
            Control("beta", "Variances β of the inputs", "text", "1", help="One for all modes, or one for each."),
        )),
        Group("Network", (
            Control("depth", "Layers D", "count", 2, low=1, high=8, step=1),
            Control("weight_decay", "Weight decay λ", "number", 0.0, step=0.001),
            Control("dropout_keep", "Modes kept by dropout p", "number", 1.0, low=0.05, step=0.05),
            Control("input_noise", "Input noise σ", "number", 0.0, high=2.0),
        )),
        Group("Start", (
            Control("u", "Initial strength u", "log", 0.01, low=1e-8, high=1.0),
            Control(
                "imbalance", "Imbalance w₂² − w₁²", "number", 0.0, low=-2.0, high=2.0,
                visible=lambda values: values["depth"] == 2,
            ),
            Control("until", "Until t =", "log", 20.0, low=0.1, high=1e5),
        )),
        Group("Finite learning rate", (
            Control(
                "learning_rate", "Learning rate η of replicas", "log", 0.01, low=1e-4, high=1.0,
                help="Theory is the limit of small η; replicas make steps of this size.",
            ),
        ), open=False),
    )  # fmt: skip


class Modes(Family):
    """`learndyn.LinearModes`."""

    kind: ClassVar[str] = LinearModes.kind
    title: ClassVar[str] = "Linear network"
    until: ClassVar[float] = 20.0
    main: ClassVar[str] = "loss"
    panels: ClassVar[tuple[tuple[str, str], ...]] = (("u", "Strength of each mode"),)
    replaced: ClassVar[dict[str, tuple[str, ...]]] = {
        "strengths": ("u", "imbalance", "depth"),
        "u": ("u",),
        "imbalance": ("imbalance",),
    }

    def __init__(self) -> None:
        self.groups = _groups()

    def scenario(self, values: Values, kept: Kept) -> Any:
        """The modes."""
        s = numbers_of(values["s"], "s")
        beta = numbers_of(values["beta"], "beta")
        if not s or len(s) > MOST_MODES:
            raise InputError(
                f"Argument `s` must have 1 to {MOST_MODES} singular values for the explorer, but it has {len(s)}. "
                "Write 3, 1, 0.3."
            )
        return LinearModes(s, beta[0] if len(beta) == 1 else beta, **{name: values[name] for name in _NUMBERS}, **kept)

    def start(self, scenario: Any, values: Values, kept: Kept) -> Any:
        """One strength for all modes, unless a file had others."""
        if "strengths" in kept:
            return scenario.as_start(ModeStart(**kept))
        imbalance = values["imbalance"] if scenario.depth == 2 else 0.0
        return scenario.as_start(ModeStart(**({"u": values["u"], "imbalance": imbalance} | kept)))

    def values_of(self, scenario: Any, start: Any) -> tuple[Values, dict[str, Kept]]:
        """Strengths that differ from mode to mode are kept."""
        if scenario.m > MOST_MODES:
            raise InputError(
                f"Key `s` of [scenario] must have at most {MOST_MODES} modes for the explorer, but it has "
                f"{scenario.m}. Draw this one by learndyn run FILE.toml --plot curve.png."
            )
        values = self.defaults() | {"s": text_of(scenario.s.values)}
        values["beta"] = text_of(np.atleast_1d(scenario.beta.values))
        values |= {name: getattr(scenario, name) for name in _NUMBERS}
        others = {"least_loss": 0.0, "time_scale": 1.0}
        kept: dict[str, Kept] = {
            "scenario": {
                name: getattr(scenario, name) for name, off in others.items() if getattr(scenario, name) != off
            },
            "start": {},
        }
        if start is not None:
            kept["start"] = {"at": start.at} if start.at else {}
            if start.strengths is not None:
                kept["start"]["strengths"] = start.strengths.values
            for name in ("u", "imbalance") if start.strengths is None else ():
                numbers = np.unique(np.asarray(getattr(start, name)))
                if len(numbers) == 1:
                    values[name] = float(numbers[0])
                else:
                    kept["start"][name] = np.asarray(getattr(start, name))
        return values, kept

    def has_spectrum(self) -> bool:
        """Layers can be traded for each other: the solution is a curve of points."""
        return False

    def plane(self, scenario: Any, paths: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
        """Both layers of the one mode: from zero to the solution."""
        best = float(np.abs(scenario.best).max()) ** 0.5
        return {name: interval(path, 0.0, best) for name, path in paths.items()}
