"""A perceptron of two weights that learns to tell two Gaussian classes apart, on the page.

The first axis is the direction between the class means, the second one crosses it; the whole flow fits in a plane.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from learndyn.errors import InputError
from learndyn.explore.controls import Control, Group, Values
from learndyn.explore.families.base import Family, Kept, interval
from learndyn.scenarios.classification.rules.registry import RULES
from learndyn.scenarios.classification.scenario import GaussianClassification
from learndyn.scenarios.gaussian_weights import GaussianWeights

_RULES = tuple((name, name.replace("_", " ")) for name in RULES)


def _groups() -> tuple[Group, ...]:
    variance: dict[str, Any] = {"high": 4.0, "step": 0.01, "arguments": ("covariances",)}
    return (
        Group("Classes", (
            Control("mu", "Half distance of the means μ", "number", 1.0, low=0.05, high=3.0, arguments=("means",)),
            Control("along", "Variance along μ", "number", 0.25, **variance),
            Control("across", "Variance across μ", "number", 0.25, **variance),
            Control("ratio", "Class −1: variances times", "log", 1.0, low=0.1, high=10.0, arguments=("covariances",)),
            Control("prior", "Share of class +1", "number", 0.5, low=0.05, high=0.95),
        )),
        Group("Learning", (
            Control("rule", "Rule", "choice", "supervised", choices=_RULES),
            Control(
                "activation", "Output", "choice", "shifted_erf",
                choices=(("shifted_erf", "shifted erf"), ("logistic", "logistic")),
            ),
            Control("weight_decay", "Weight decay λ", "number", 0.1, step=0.001),
            Control("until", "Until t =", "log", 30.0, low=0.1, high=1e4),
        )),
        Group("Start", (
            Control("w1", "Weight along μ: w₁", "number", -1.0, low=-3.0, high=3.0, arguments=("mean", "start")),
            Control("w2", "Weight across μ: w₂", "number", 1.0, low=-3.0, high=3.0),
        )),
        Group("Finite learning rate", (
            Control(
                "learning_rate", "Learning rate η of replicas", "log", 0.01, low=1e-4, high=1.0,
                help="Theory is the limit of small η; replicas make updates of this size.",
            ),
        ), open=False),
    )  # fmt: skip


class Classification(Family):
    """`learndyn.GaussianClassification` with two inputs."""

    kind: ClassVar[str] = GaussianClassification.kind
    title: ClassVar[str] = "Two Gaussian classes"
    until: ClassVar[float] = 30.0
    main: ClassVar[str] = "alignment"
    panels: ClassVar[tuple[tuple[str, str], ...]] = (("accuracy", "Accuracy"), ("w", "Weights"))
    replaced: ClassVar[dict[str, tuple[str, ...]]] = {
        "rule": ("rule",),
        "means": ("mu",),
        "covariances": ("along", "across", "ratio"),
    }

    def __init__(self) -> None:
        self.groups = _groups()

    def scenario(self, values: Values, kept: Kept) -> Any:
        """Means +-mu on the first axis, unless a file had others."""
        along, across = values["along"], values["across"]
        first: Any = along if along == across else np.array([along, across])
        second = first * values["ratio"]
        fields: dict[str, Any] = {
            "means": [values["mu"], 0.0],
            "covariances": first if values["ratio"] == 1.0 else (first, second),
            "rule": values["rule"],
        } | kept
        named = {name: values[name] for name in ("weight_decay", "activation", "learning_rate", "prior")}
        return GaussianClassification(**fields, **named)

    def start(self, scenario: Any, values: Values, kept: Kept) -> Any:
        """A point in the plane of the weights."""
        return scenario.as_start(GaussianWeights([values["w1"], values["w2"]], **kept))

    def values_of(self, scenario: Any, start: Any) -> tuple[Values, dict[str, Kept]]:
        """Means and covariances that are not of the kind that the controls set are kept."""
        if scenario.n != 2:
            raise InputError(
                f"Key `means` of [scenario] must be of two inputs for the explorer, but it is of {scenario.n}. Draw "
                "this one by learndyn run FILE.toml --plot curve.png."
            )
        values = self.defaults()
        kept: dict[str, Kept] = {"scenario": {}, "start": {}}
        for name in ("weight_decay", "activation", "learning_rate", "prior"):
            values[name] = getattr(scenario, name)
        if scenario.rule == RULES[scenario.rule.name]():
            values["rule"] = scenario.rule.name
        else:
            kept["scenario"]["rule"] = scenario.rule
        means = scenario.means.values
        if means[0, 0] > 0.0 and means[0, 1] == 0.0 and (means[1] == 0.0 - means[0]).all():
            values["mu"] = float(means[0, 0])
        else:
            kept["scenario"]["means"] = means.tolist()
        values |= _variances(scenario) or {}
        if _variances(scenario) is None:
            kept["scenario"]["covariances"] = scenario.covariances
        if start is not None:
            values |= {"w1": float(start.mean.values[0]), "w2": float(start.mean.values[1])}
            kept["start"] = {name: getattr(start, name) for name in ("cov", "at") if getattr(start, name)}
        return values, kept

    def plane(self, scenario: Any, paths: dict[str, np.ndarray]) -> dict[str, tuple[float, float]]:
        """Around the origin and the run."""
        return {name: interval(path, -1.0, 1.0) for name, path in paths.items()}


def _variances(scenario: Any) -> Values | None:
    """The three controls of the covariances, where these are diagonal and of one shape."""
    dense = [each.dense(2) for each in scenario.covariances]
    if any(each[0, 1] != 0.0 for each in dense):
        return None
    first, last = np.diagonal(dense[0]), np.diagonal(dense[-1])
    ratios = {float(b / a) for a, b in zip(first, last, strict=True) if a > 0.0} or {1.0}
    if len(ratios) > 1 or not np.array_equal(first * next(iter(ratios)), last):
        return None
    return {"along": float(first[0]), "across": float(first[1]), "ratio": next(iter(ratios))}
