"""Scenarios of every kind with every option, and a start of each, at which nothing vanishes.

Averages of four units without a printed formula come from the library itself, and take long to compile: where they
would be met, cases are gradient flows, and one case of the long run is not.
"""

import numpy as np

import learndyn as ld

Q, R = [[0.7, 0.15], [0.15, 0.5]], [[0.3, -0.2], [0.1, 0.25]]
START, W = ld.Start(Q, R), ld.Start(Q, R, w=[0.8, -1.3])
OWN = ld.Start(Q, R, w=[0.8, -1.3], theta=[0.3, -0.2])
T, V, PHI = {"T": [[1.0, 0.2], [0.2, 0.8]]}, {"output_weights": [1.2, -0.7]}, {"biases": [-0.4, 0.5]}
RATES = {"output_learning_rate": 0.6, "bias_learning_rate": 0.4}
FLOW = {"dynamics": "gradient_flow"}
SPACES = ld.Start(
    Q, R,
    more={
        "Q_space": [[[0.3, 0.1], [0.1, 0.2]], [[0.4, 0.05], [0.05, 0.3]]],
        "R_space": [[[0.2, -0.1], [0.0, 0.1]], [[0.1, -0.1], [0.1, 0.15]]],
    },
)  # fmt: skip
MOVING = {"RV": [[0.1, 0.2], [-0.1, 0.1]], "QJV": [[0.1, 0.05], [-0.05, 0.2]], "QV": [[0.4, 0.1], [0.1, 0.5]]}
BRANCHES = ld.Start(np.diag([0.5, 0.3]), np.diag([0.2, -0.3]))
ONE = ld.Start(Q=[[0.6]], R=[[0.3]])
SCHEDULES = ld.schedules


def two(student="erf", teacher=None, of_teacher=T, eta=0.9, **options):
    return ld.StudentTeacher(ld.Student(2, student), ld.Teacher(2, teacher or student, **of_teacher), eta, **options)


def one(student="erf", teacher=None, eta=0.9, **options):
    return ld.StudentTeacher(ld.Student(1, student), ld.Teacher(1, teacher or student, T=0.8), eta, **options)


clipped = ld.Rule("clipped_in_equations", lambda x, sigma, tau, xp: xp.tanh(tau - sigma))
STUDENTS = {
    "erf": (two(), START),
    "relu": (two("relu"), START),
    "linear": (two("linear"), START),
    "noise, batch, decay": (two("relu", label_noise=0.5, batch_size=3, weight_decay=0.2), START),
    "erf noise": (two("erf", label_noise=0.5), START),
    "gradient flow": (two("relu", label_noise=0.5, batch_size=3, **FLOW), START),
    "output weights": (two(of_teacher=T | V, output_learning_rate=0.6, output_weight_decay=0.1), W),
    "relu output weights": (two("relu", of_teacher=T | V, output_learning_rate=0.6), W),
    "fixed output weights": (two(of_teacher=T | V), W),
    "fast output weights": (
        two(of_teacher=T | V, output_learning_rate=0.01, output_time_scale="fast", output_weight_decay=0.1), W,
    ),
    "fast with dropout": (
        two(of_teacher=T | V, output_learning_rate=0.01, output_time_scale="fast", dropout_keep=0.7), W,
    ),
    "biases": (two(of_teacher=T | V | PHI, **RATES, **FLOW), OWN),
    "relu biases": (two("relu", of_teacher=T | V | PHI, **RATES, **FLOW), OWN),
    "fixed biases": (two(of_teacher=T | PHI, **FLOW), ld.Start(Q, R, theta=[0.3, -0.2])),
    "random walk": (two(teacher_drift=ld.RandomWalk(0.1), weight_decay=0.1), START),
    "rotation": (
        two(teacher_drift=ld.Rotation(0.3)),
        ld.Start(Q, R, at=1.5, more={"R_reference": [[0.3, -0.2, 0.1, 0.05], [0.1, 0.25, -0.1, 0.2]]}),
    ),
    "switch": (two("relu", teacher_drift=ld.Switch([1.0], 0.4), **FLOW), ld.Start(Q, R, at=2.0)),
    "spectrum": (two(inputs=ld.Inputs([0.5, 2.0], [0.6, 0.4]), weight_decay=0.1), SPACES),
    "mean": (two(inputs=ld.Inputs(mean_length=0.8, mean_overlap=[0.3, -0.2]), weight_decay=0.1, **FLOW),
             ld.Start(Q, R, more={"d": [0.2, -0.1]})),
    "momentum": (two(rule=ld.Momentum(0.7), weight_decay=0.3), ld.Start(Q, R, more=MOVING)),
    "natural gradient": (two(rule="natural_gradient", weight_decay=0.1, **FLOW), START),
    "tree": (two("relu", of_teacher={"T": [[1.0, 0], [0, 0.7]]}, connectivity="tree", label_noise=0.2), BRANCHES),
    "dropout": (two(dropout_keep=0.7, label_noise=0.3), START),
    "all": (
        two("erf", of_teacher=V, output_learning_rate=0.6, label_noise=0.3, weight_decay=0.1, dropout_keep=0.8,
            batch_size=2, output_weight_decay=0.05, connectivity="tree"),
        ld.Start(np.diag([0.5, 0.3]), np.diag([0.2, -0.3]), w=[0.8, -1.3]),
    ),
    "adaptive": (
        two(of_teacher=T | V, eta=ld.AdaptiveRate.murata(0.7, a=0.5, b=0.8, floor=0.05), dropout_keep=0.8,
            label_noise=0.3), W,
    ),
    "adaptive by a function": (one(eta=ld.AdaptiveRate(0.5, h=lambda e, eta, xp: 0.1 * (2 * e - eta))), ONE),
    "mixed": (two("relu", "erf", **FLOW), START),
    "unit by unit": (two(["relu", "erf"], ["erf", "linear"], of_teacher=T | V, output_learning_rate=0.3, **FLOW), W),
    "step teacher": (two("erf", "step", **FLOW), START),
    "leaky": (two("leaky_relu(0.2)", "linear", **FLOW), START),
    "sine": (two("sine", **FLOW), START),
    "polynomial": (one("polynomial(0, 1, 0.2)"), ONE),
    "cubic": (two("polynomial(0.1, 1, 0, -0.1)", **FLOW), START),
    "tanh": (two("tanh", **FLOW), START),
    "user activation": (two("x / (1 + abs(x))", "erf", **FLOW), START),
    "hebb": (two("erf", rule="hebb", label_noise=0.2, batch_size=2), START),
    "hebb of signs": (two("sign", rule="hebb", of_teacher=T | V), START),
    "perceptron": (one("sign", rule="perceptron", weight_decay=0.1), ONE),
    "adatron": (one("sign", rule="adatron", batch_size=2), ONE),
    "a moving adatron": (one("sign", rule="adatron", teacher_drift=ld.Rotation(0.1)), ld.Start(Q=0.6, R=0.3, at=1.0)),
    "user rule": (one(rule=clipped), ONE),
    "K = 1, M = 2": (ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(2, "relu"), 0.5),
                     ld.Start(0.6, [[0.3, -0.2]])),
    "K = 2, M = 1": (ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(1, "relu"), 0.5),
                     ld.Start(Q, [[0.3], [-0.2]])),
    "power law": (one(eta=SCHEDULES.PowerLaw(0.5, alpha0=10, exponent=1.5)), ld.Start(0.6, 0.3, at=3.0)),
    "exponential": (one(eta=SCHEDULES.Exponential(0.5, alpha0=10, floor=0.1)), ld.Start(0.6, 0.3, at=30.0)),
    "steps": (one(eta=SCHEDULES.PiecewiseConstant([0.5, 0.3, 0.2], [1, 5])), ld.Start(0.6, 0.3, at=1.0)),
    "lines": (one(eta=SCHEDULES.PiecewiseLinear([0.5, 0.3], [1, 5])), ld.Start(0.6, 0.3, at=2.5)),
    "warm-up": (one(eta=SCHEDULES.WarmUp(10, SCHEDULES.PowerLaw(0.5, 20))), ld.Start(0.6, 0.3, at=4.0)),
    "after a warm-up": (one(eta=SCHEDULES.WarmUp(10, SCHEDULES.PowerLaw(0.5, 20))), ld.Start(0.6, 0.3, at=14.0)),
    "a function": (one(eta=SCHEDULES.Schedule.of(lambda a, xp: 0.5 * xp.exp(-a))), ld.Start(0.6, 0.3, at=0.5)),
    "long run: mixed": (two("relu", "erf", label_noise=0.3), START),
    "long run: relu biases": (two("relu", of_teacher=T | PHI, bias_learning_rate=0.3),
                              ld.Start(Q, R, theta=[0.3, -0.2])),
    "long run: natural gradient": (two(rule="natural_gradient"), START),
    "long run: relu dropout": (two("relu", dropout_keep=0.6, label_noise=0.2), START),
}  # fmt: skip

SITES, SITE = ld.SiteSymmetric, ld.SymmetricStart(R=0.3, S=0.05, Q=0.5, C=0.1)
COV, POINT = [[0.5, 0.1], [0.1, 0.3]], ld.GaussianWeights([0.3, -0.5])
MEANS = [[1.0, 0.2], [-0.5, 0.4]]
_rng = np.random.default_rng(1)
X = _rng.standard_normal((20, 2))
Y = np.where(X[:, 0] + 0.3 * _rng.standard_normal(20) > 0, 1, -1)


def classes(rule, **options):
    return ld.GaussianClassification(MEANS, (COV, 0.25), rule, 0.1, prior=0.3, **options)


def rows(rule, **options):
    return ld.DataClassification(X, Y, rule, 0.1, **options)


RULES = {
    "supervised": ld.Supervised(), "reinforce": ld.Reinforce(), "without a baseline": ld.Reinforce(baseline=False),
    "rosenblatt": ld.Perceptron(), "squared error": ld.SquaredError(), "adaline": ld.SquaredError(linear=True),
    "passive-aggressive": ld.PassiveAggressive(0.5),
}  # fmt: skip
_deep = ld.DeepLinear([[2.0, 0.3], [0, 1.0], [1, 1]], [1.0, 0.5], (3, 2), weight_decay=0.1, input_noise=0.3)
_flat = ld.DeepLinear([[2.0, 0.3], [0, 1.0]], hidden=(), time_scale=2.0)
OTHERS = {
    "sites": (SITES(5, "erf", 0.3, label_noise=0.2, weight_decay=0.1), SITE),
    "relu sites": (SITES(5, "relu", 0.3), SITE),
    "one site": (SITES(1, "erf", 0.3), ld.SymmetricStart(R=0.3, S=0.0, Q=0.5, C=0.0)),
    "two sites": (SITES(2, "erf", 0.3), SITE),
    "three sites": (SITES(3, "erf", SCHEDULES.PowerLaw(0.3, 10)), SITE),
    "tanh sites": (SITES(6, "tanh", 0.3, **FLOW), SITE),
    **{f"classes: {name}": (classes(rule), POINT) for name, rule in RULES.items()},
    "classes: logistic": (classes(ld.Supervised(), activation="logistic"), POINT),
    **{f"rows: {name}": (rows(rule), POINT) for name, rule in RULES.items()},
    "modes": (
        ld.LinearModes([3.0, 1.0], [1.0, 0.5], 3, weight_decay=0.1, dropout_keep=0.8, input_noise=0.2, least_loss=0.1,
                       time_scale=2.0),
        ld.ModeStart(u=0.1),
    ),
    "plain modes": (ld.LinearModes([3.0, 1.0]), ld.ModeStart(u=0.1)),
    "matrices": (_deep, ld.LinearWeights.balanced(_deep, scale=0.5, seed=1)),
    "one matrix": (_flat, ld.LinearWeights.balanced(_flat, scale=0.5, seed=1)),
    "sample": (ld.FiniteSample(0.5, label_noise=0.3, weight_decay=0.1), ld.RandomWeights(0.2)),
    "deep sample": (ld.FiniteSample(2.0, label_noise=0.3, depth=3), ld.RandomWeights(0.2)),
    "update rule": (ld.UpdateRule(2, mean=lambda w: -(w**3)), POINT),
    "tasks": (ld.TaskSequence([classes(ld.Supervised()), classes(ld.Reinforce())], 3.0), POINT),
    "tasks of teachers": (ld.TaskSequence([two(), two(eta=0.2)], switch=3.0, overlap=0.3), START),
}  # fmt: skip
CASES = STUDENTS | OTHERS
