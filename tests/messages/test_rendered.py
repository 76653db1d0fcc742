"""Sentences as a user reads them: with the values filled in, short whatever the argument is."""

import re

import numpy as np
import pytest

import learndyn as ld
from learndyn.arguments import LONGEST, count, did_you_mean, number, shown
from learndyn.errors import first_line

perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
start = ld.Start(Q=0.25, R=0.0)
two_classes = ld.GaussianClassification(means=[1.0, 0.0], covariances=0.25, rule="supervised")
modes = ld.LinearModes([1.0, 0.5])
network = ld.DeepLinear(np.eye(2), hidden=[2])
sample = ld.FiniteSample(aspect=0.5)
sites = ld.SiteSymmetric(2, "erf", learning_rate=0.1)
flow = ld.UpdateRule(2, mean=lambda w: -w)

# By subject: a call, and the sentence that refuses it.
REFUSED = {
    "number": (
        lambda: ld.Student(0),
        "Argument `units` must be a whole number of at least 1, but it is 0. Give a number such as 1.",
    ),
    "rate": (
        lambda: perceptron.replace(learning_rate=-1),
        "Argument `learning_rate` must be a finite number above 0, but it is -1. Make it larger.",
    ),
    "text": (
        lambda: perceptron.replace(label_noise="0.1"),
        "Argument `label_noise` must be a finite number of at least 0, but it is '0.1'. Give a number, without quotes.",
    ),
    "not a number": (
        lambda: perceptron.replace(weight_decay=float("nan")),
        "Argument `weight_decay` must be a finite number of at least 0, but it is nan. Check how it was computed.",
    ),
    "choice": (
        lambda: perceptron.replace(dynamics="sdg"),
        "Argument `dynamics` must be \"sgd\" or \"gradient_flow\", but it is 'sdg'. Did you mean 'sgd'?",
    ),
    "far choice": (
        lambda: perceptron.replace(dynamics=7),
        'Argument `dynamics` must be "sgd" or "gradient_flow", but it is 7. Choose one of these.',
    ),
    "activation": (lambda: ld.Student(2, "tanhh"), "or an expression in x, but it is 'tanhh'. Did you mean 'tanh'?"),
    "expression": (
        lambda: ld.Student(2, "x +"),
        "but 'x +' lacks a number, x or a function at its end. Write, for example, ",
    ),
    "shape": (
        lambda: ld.Start(Q=np.eye(2), R=np.zeros((3, 2))),
        "Argument `R` must have shape (K, M) with K = 2 as in Q, but it has shape (3, 2). Give R_in = J_i . B_n",
    ),
    "covariance": (
        lambda: ld.Start(Q=[[1.0, 2.0], [2.0, 1.0]], R=np.zeros((2, 2))),
        "Argument `Q` must be positive semidefinite, but its smallest eigenvalue is -1. Check it: Q_ik = J_i . J_k",
    ),
    "too long overlap": (
        lambda: ld.solve(perceptron, ld.Start(Q=0.25, R=0.9), until=1),
        "|R_11| = 0.9 (student 1, teacher 1) exceeds 0.5. Make R_11 smaller",
    ),
    "swapped overlaps": (
        lambda: ld.solve(perceptron, ld.Start(Q=0.01, R=0.2), until=1),
        "|R_11| = 0.2 (student 1, teacher 1) exceeds 0.1. Make R_11 smaller or Q_11 larger. Or are R and Q swapped?",
    ),
    "activation elsewhere": (lambda: ld.Student(2, "Sigmoid"), "Did you mean 'logistic'?"),
    "no end": (
        lambda: ld.solve(perceptron, start),
        "Argument `until` must be given, the time at which the run ends, but it is missing. Write until=100.",
    ),
    "no end of a simulation": (lambda: ld.simulate(modes, 0.1), "Argument `until` must be given"),
    "field": (lambda: perceptron.replace(learningrate=1), "Did you mean 'learning_rate'?"),
    "until": (
        lambda: ld.solve(perceptron, start, until=-1),
        "Argument `until` must be later than the start, which is at 0, but it is -1. Give a larger",
    ),
    "save_at": (
        lambda: ld.solve(perceptron, start, until=1, save_at=[2.0]),
        "but it runs from 2 to 2. Leave out the times beyond.",
    ),
    "size": (
        lambda: ld.simulate(perceptron, start, until=1, N=1),
        "Argument `N` must be at least K + M = 2, but it is 1. Use a larger N",
    ),
    "missing size": (lambda: ld.simulate(perceptron, start, until=1), "Argument `N` must be given"),
    "method": (lambda: ld.simulate(perceptron, start, until=1, N=9, method="weight"), "Did you mean 'weights'?"),
    "verb": (lambda: ld.fluctuations(modes, 0.1, until=1), "but it is a LinearModes. Use ld.StudentTeacher"),
    "classes": (
        lambda: two_classes.replace(prior=1.5),
        "Argument `prior` must be a number between 0 and 1, but it is 1.5. Write prior=0.5",
    ),
    "means": (
        lambda: ld.GaussianClassification(means=np.zeros((3, 2)), covariances=0.1, rule="supervised"),
        "but it has shape (3, 2). Give one row for each class.",
    ),
    "rule": (lambda: two_classes.replace(rule="reinforced"), "Did you mean 'reinforce'?"),
    "modes": (lambda: ld.solve(modes, [1.0, 2.0, 3.0], until=1), "`u`"),
    "network": (lambda: ld.solve(network, [np.eye(3), np.eye(3)], until=1), "Give the first layer first."),
    "sample": (lambda: ld.solve(sample, "x", until=1), "Write ld.RandomWeights(0.0)."),
    "sites": (lambda: ld.solve(sites, "x", until=1), "Write ld.SymmetricStart(R=..., S=..., Q=..., C=...)."),
    "update rule": (lambda: ld.moment_flow(flow, "x", until=1), "Argument `start` must be"),
    "schedule": (
        lambda: ld.schedules.PiecewiseLinear([0.1, 0.2], [2.0, 1.0]),
        "Argument `times` must be a list of increasing times",
    ),
    "tasks": (
        lambda: ld.TaskSequence([], switch=10),
        "Argument `tasks` must be a list of scenarios, at least one, but it is []. Write",
    ),
    "sweep": (
        lambda: ld.sweep(perceptron, start, over={}, until=1),
        "must be a dict of parameters and their values, but it is {}. Write over={'learning_rate': [",
    ),
    "swept name": (
        lambda: ld.sweep(perceptron, start, over={"learning_rat": [1]}, until=1),
        "Did you mean 'learning_rate'?",
    ),
    "fixed point": (lambda: ld.stability(perceptron, start), "Find one near it with ld.find_fixed_point"),
    "flow field": (
        lambda: ld.flow_field(perceptron, start, x=("R_11", [0, 1]), y=("R_11", [0, 1])),
        "Argument `y` must be another number",
    ),
    "phase diagram": (
        lambda: ld.phase_diagram(perceptron, start, 1, x="eta", y=("K", [1])),
        "Argument `x` must be a name and values",
    ),
    "plateaus": (lambda: ld.plateaus("curve"), "but it is a str. Pass the result as the verb gave it."),
    "figure": (lambda: ld.figures.describe("no such"), "but it is 'no such'. See ld.figures.names()."),
    "picture": (
        lambda: ld.plot.save(None, "picture.doc"),
        "must end in .pdf, .svg, .png or .eps, but it is 'picture.doc'.",
    ),
    "result": (
        lambda: ld.load("missing.nc"),
        "Argument `path` must be a result file, but missing.nc does not exist. Check the name.",
    ),
    "saving": (lambda: ld.save("x", "x.nc"), "but it is a str. Save the whole dataset."),
    "scenario file": (
        lambda: ld.read_scenario_file("missing.toml"),
        "File missing.toml does not exist. Check the name",
    ),
    "data": (lambda: ld.datasets.read_idx("missing"), "missing"),
    "mnist": (lambda: ld.datasets.load_mnist("missing"), "Run `scripts/get_mnist.sh FOLDER`"),
    "store": (
        lambda: ld.open_sweep("missing.zarr"),
        "missing.zarr cannot be opened: there is nothing. Correct the path.",
    ),
}

LARGE = np.arange(1e6).reshape(1000, 1000)
LONG = [[float(i) for i in range(300)]] * 300
# Calls that get it where a number, a word or a small array belongs.
TAKES = {
    "rate": lambda big: perceptron.replace(learning_rate=big),
    "noise": lambda big: perceptron.replace(label_noise=big),
    "dynamics": lambda big: perceptron.replace(dynamics=big),
    "rule": lambda big: perceptron.replace(rule=big),
    "student": lambda big: ld.StudentTeacher(big, ld.Teacher(1), learning_rate=1.0),
    "units": lambda big: ld.Student(big),
    "activation": lambda big: ld.Student(1, big),
    "T": lambda big: ld.Teacher(1, T=big),
    "output weights": lambda big: ld.Teacher(2, output_weights=big),
    "Q": lambda big: ld.Start(Q=big, R=0.0),
    "R": lambda big: ld.Start(Q=0.25, R=big),
    "random Q": lambda big: ld.Start.random(perceptron, Q=big, seed=1),
    "start": lambda big: ld.solve(perceptron, big, until=1),
    "scenario": lambda big: ld.solve(big, start, until=1),
    "until": lambda big: ld.solve(perceptron, start, until=big),
    "rtol": lambda big: ld.solve(perceptron, start, until=1, rtol=big),
    "save_at": lambda big: ld.solve(perceptron, start, until=1, save_at=big),
    "observables": lambda big: ld.solve(perceptron, start, until=1, observables=big),
    "N": lambda big: ld.simulate(perceptron, start, until=1, N=big),
    "replicas": lambda big: ld.simulate(perceptron, start, until=1, N=9, replicas=big),
    "method": lambda big: ld.simulate(perceptron, start, until=1, N=9, method=big),
    "means": lambda big: two_classes.replace(means=big),
    "prior": lambda big: two_classes.replace(prior=big),
    "class rule": lambda big: two_classes.replace(rule=big),
    "weights": lambda big: ld.GaussianWeights(mean=big),
    "s": lambda big: ld.LinearModes(big),
    "mode start": lambda big: ld.solve(modes, big, until=1),
    "sample start": lambda big: ld.solve(sample, big, until=1),
    "site start": lambda big: ld.solve(sites, big, until=1),
    "mean": lambda big: ld.UpdateRule(2, mean=big),
    "schedule": lambda big: ld.schedules.PiecewiseLinear([0.1, 0.2], big),
    "rates": lambda big: ld.schedules.PiecewiseLinear(big, [1, 2]),
    "tasks": lambda big: ld.TaskSequence(big, switch=10),
    "over": lambda big: ld.sweep(perceptron, start, over=big, until=1),
    "swept": lambda big: ld.sweep(perceptron, start, over={"learning_rate": big}, until=1),
    "point": lambda big: ld.stability(perceptron, big),
    "trajectory": lambda big: ld.plateaus(big),
    "figure": lambda big: ld.plot.learning_curve(big),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_sentence_holds_the_value_and_the_next_step(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, sentence = REFUSED[case]
    with pytest.raises(ld.InputError, match=re.escape(sentence)):
        call()


@pytest.mark.parametrize("case", TAKES)
@pytest.mark.parametrize("big", [LARGE, LONG], ids=["array", "list"])
def test_a_large_value_makes_no_long_sentence(case, big):
    with pytest.raises(ld.InputError) as caught:
        TAKES[case](big)
    assert len(str(caught.value)) <= 420
    assert "\n" not in str(caught.value)


def test_values_are_shown_in_one_short_line():
    assert shown("abc") == "'abc'"
    assert shown(np.array([1, 2])) == "array([1, 2])"
    assert shown(LARGE) == "an array of shape (1000, 1000)"
    assert shown(np.array([[1.0], [2.0]])) == "array([[1.], [2.]])"
    assert len(shown(list(range(1000)))) == LONGEST
    assert shown(10**5000) == "a huge number"


@pytest.mark.parametrize(
    ("value", "step"),
    [
        ("2", "Give a number, without quotes."), (None, "Give one number."), ([1.0, 2.0], "Give one number."),
        (float("inf"), "Check how it was computed."), (10**400, "Check how it was computed."), (1.0, "Make it larger."),
    ],
)  # fmt: skip
def test_the_next_step_fits_what_is_wrong(value, step):
    with pytest.raises(ld.InputError, match=re.escape(step)):
        number(value, "x", above=1.0)


def test_counts_get_an_example():
    with pytest.raises(ld.InputError, match=r"at least 0, but it is -1\. Give a number such as 1\."):
        count(-1, "seed", minimum=0)


def test_suggestions_or_else_the_choice():
    assert did_you_mean("relo", ["relu", "erf"]) == " Did you mean 'relu'?"
    assert did_you_mean("x", ["relu", "erf"]) == " Choose one of these."
    assert did_you_mean("x", ["relu"], "") == ""


def refuse_everything(alpha, xp):
    raise ValueError


def test_errors_of_others_become_a_part_of_a_sentence():
    assert first_line(ValueError("no such thing.\nTraceback ...")) == "no such thing"
    assert first_line(ValueError()) == "ValueError"
    assert len(first_line(ValueError("x" * 1000))) < 200
    with pytest.raises(ld.InputError, match=r"but it failed: ValueError\. Write function\(alpha, xp\) with xp\.exp"):
        ld.schedules.Schedule.of(refuse_everything)
