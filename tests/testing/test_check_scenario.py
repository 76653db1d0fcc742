"""`check_scenario` on the scenarios of the library, and on one with mistakes."""

import dataclasses
import re

import numpy as np
import pytest

import learndyn as ld


def case(name):
    two = ld.StudentTeacher(
        ld.Student(2), ld.Teacher(2, output_weights=[1.0, 2.0]), ld.schedules.PowerLaw(0.5, alpha0=10.0),
        label_noise=0.2, weight_decay=0.1, output_learning_rate=0.2, teacher_drift=ld.RandomWalk(0.1),
    )  # fmt: skip
    relu = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(1, "relu"), 0.3, dynamics="gradient_flow")
    return {
        "two layers": (two, ld.Start.near_symmetric(two, X=0.1)),
        "gradient flow": (relu, ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[0.1], [0.05]])),
        "alike": (ld.SiteSymmetric(10, learning_rate=0.1), ld.SymmetricStart(0.1, 0.0, 0.3, 0.0)),
        "classes": (ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised()), ld.GaussianWeights([0.0, 1.0])),
        "deep": (ld.DeepLinear([[1.0, 0.2], [0.0, 0.5]], hidden=2), ld.LinearWeights(np.eye(2) / 9, np.eye(2) / 5)),
        "sample": (ld.FiniteSample(0.5), ld.RandomWeights(0.1)),
    }[name]


@pytest.mark.parametrize("name", ["two layers", "gradient flow", "alike", "classes", "deep", "sample"])
def test_the_scenarios_of_the_library_conform(name):
    scenario, start = case(name)
    report = ld.testing.check_scenario(scenario, start, seed=1)
    assert report.kind == scenario.kind
    assert (report.left_out == ()) == (name == "two layers")


@dataclasses.dataclass(frozen=True)
class Mistaken(ld.LinearModes):
    """Linear modes with one mistake, by name."""

    mistake: str = "none"

    def to_plain(self):
        return {**super().to_plain(), **({"depth": 7} if self.mistake == "plain" else {})}

    def rows(self, states, times=0.0):
        found = super().rows(states, times)
        if self.mistake == "names":
            found["more"] = found["loss"]
        if self.mistake == "shape":
            found["loss"] = found["u"]
        return found

    def first_impossible(self, states, tolerance, times=0.0):
        return 0 if self.mistake == "impossible" else len(states)

    def scale(self, state):
        return np.nan if self.mistake == "scale" else super().scale(state)

    def initial_state(self, start):
        return super().initial_state(start).astype("float32" if self.mistake == "state" else float)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("plain", "must equal itself after JSON"),
        ("names", "but it also gives"),
        ("shape", "`rows` must give 'loss' the shape"),
        ("impossible", "`first_impossible` of the start must be 3, not 0"),
        ("scale", "`scale` must be positive"),
        ("state", "but it has .* float32"),
    ],
)
def test_mistakes_are_found(mistake, sentence):
    from learndyn.testing import scenarios

    # The kind is that of LinearModes, so that a plain copy is one.
    scenario, start = Mistaken([3.0, 1.0], mistake=mistake), ld.ModeStart(u=0.01)
    parts = {
        "plain": lambda: scenarios._as_data(
            "the scenario", scenario, scenarios.scenario_to_plain, lambda plain: Mistaken(**_without_kind(plain))
        ),
        "scale": lambda: scenarios._theory(scenario, start, 1.0, []),
    }.get(mistake, lambda: scenarios._labels(scenario, start))
    # The first one ends the check: what comes after may rest on it.
    wrong = next(text for _, error, allowed, *text in parts() if not error <= allowed)
    assert re.search(sentence, wrong[0])


def _without_kind(plain):
    return {name: value for name, value in plain.items() if name != "kind"}
