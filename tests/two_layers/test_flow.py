"""Every option's flow against one update written out with weight vectors and averaged over drawn inputs.

200 000 inputs a case on fixed seeds; each number of the state must lie within 5 standard errors. With some 250 numbers
and 40 batches (Student's t, 39 degrees of freedom: 1.3e-5 each) the false-alarm rate of the module is 0.3 %.
"""

import numpy as np
import pytest
from literal import Update

import learndyn as ld

Z = 5.0
Q, R = [[0.7, 0.15], [0.15, 0.5]], [[0.3, -0.2], [0.1, 0.25]]
START = ld.Start(Q, R)
OWN = ld.Start(Q, R, w=[0.8, -1.3], theta=[0.3, -0.2])
W = ld.Start(Q, R, w=[0.8, -1.3])
TEACHER = {"T": [[1.0, 0.2], [0.2, 0.8]]}
V = {"output_weights": [1.2, -0.7]}
PHI = {"biases": [-0.4, 0.5]}
RATES = {"output_learning_rate": 0.6, "bias_learning_rate": 0.4}


def scenario(student="erf", teacher=None, of_teacher=None, **options):
    of_teacher = TEACHER if of_teacher is None else of_teacher
    return ld.StudentTeacher(
        ld.Student(2, student), ld.Teacher(2, teacher or student, **of_teacher), 0.9, **options
    )  # fmt: skip


CASES = {
    "noise and batch": (scenario("relu", label_noise=0.5, batch_size=3), START),
    "decay": (scenario("relu", weight_decay=0.2), START),
    "output weights": (scenario("erf", of_teacher=TEACHER | V, output_learning_rate=0.6, output_weight_decay=0.1), W),
    "relu output weights": (scenario("relu", of_teacher=TEACHER | V, output_learning_rate=0.6), W),
    "random walk": (scenario("erf", teacher_drift=ld.RandomWalk(0.1)), START),
    "rotation": (
        scenario("erf", teacher_drift=ld.Rotation(0.3)),
        ld.Start(Q, R, at=1.5, more={"R_reference": [[0.3, -0.2, 0.1, 0.05], [0.1, 0.25, -0.1, 0.2]]}),
    ),
    "switch": (scenario("relu", teacher_drift=ld.Switch([1.0], 0.4)), ld.Start(Q, R, at=2.0)),
    "spectrum": (
        scenario("erf", inputs=ld.Inputs([0.5, 2.0, 1.0], [0.5, 0.2, 0.3]), weight_decay=0.1),
        ld.Start(
            Q, R,
            more={
                "Q_space": [[[0.3, 0.1], [0.1, 0.2]], [[0.2, 0.0], [0.0, 0.2]], [[0.2, 0.05], [0.05, 0.1]]],
                "R_space": [[[0.2, -0.1], [0.0, 0.1]], [[0.1, 0.0], [0.1, 0.05]], [[0.0, -0.05], [0.0, 0.05]]],
            },
        ),
    ),
    "momentum": (
        scenario("erf", rule=ld.Momentum(0.7), weight_decay=0.3),
        ld.Start(
            Q, R,
            more={"RV": [[0.1, 0.2], [-0.1, 0.1]], "QJV": [[0.1, 0.05], [-0.05, 0.2]], "QV": [[0.4, 0.1], [0.1, 0.5]]},
        ),
    ),
    "tree": (scenario("relu", of_teacher={"T": [[1.0, 0], [0, 0.7]]}, connectivity="tree", label_noise=0.2),
             ld.Start(np.diag([0.5, 0.3]), np.diag([0.2, -0.3]))),
    "biases": (scenario("erf", of_teacher=TEACHER | V | PHI, **RATES), OWN),
    "relu biases": (scenario("relu", of_teacher=TEACHER | V | PHI, **RATES), OWN),
    "mean": (
        scenario("erf", inputs=ld.Inputs(mean_length=0.8, mean_overlap=[0.3, -0.2])),
        ld.Start(Q, R, more={"d": [0.2, -0.1]}),
    ),
    "relu mean": (
        scenario("relu", of_teacher=TEACHER | PHI, inputs=ld.Inputs(mean_length=0.8, mean_overlap=[0.3, -0.2]),
                 bias_learning_rate=0.3),
        ld.Start(Q, R, theta=[0.1, 0.2], more={"d": [0.2, -0.1]}),
    ),
    "mixed": (scenario("relu", "erf"), START),
    "unit by unit": (scenario(["relu", "erf"], ["erf", "linear"], of_teacher=TEACHER | V, output_learning_rate=0.3), W),
    "mixed biases": (scenario(["relu", "erf"], ["erf", "relu"], of_teacher=TEACHER | PHI, bias_learning_rate=0.3),
                     ld.Start(Q, R, theta=[0.3, -0.2])),
    "step teacher": (scenario("erf", "step"), START),
    "tanh": (scenario("tanh"), START),
    "gelu learns leaky": (scenario("gelu", "leaky_relu(0.2)"), START),
    "dropout": (scenario("erf", dropout_keep=0.7, label_noise=0.3), START),
    "relu dropout": (scenario("relu", dropout_keep=0.6, of_teacher=TEACHER | V, output_learning_rate=0.5), W),
    "all": (
        scenario("erf", of_teacher=TEACHER | V | PHI, **RATES, label_noise=0.3, weight_decay=0.1, dropout_keep=0.8,
                 batch_size=2, output_weight_decay=0.05),
        OWN,
    ),
    "all, tree": (
        scenario("erf", of_teacher=V | PHI, **RATES, label_noise=0.3, weight_decay=0.1, dropout_keep=0.8,
                 batch_size=2, output_weight_decay=0.05, connectivity="tree"),
        ld.Start(np.diag([0.5, 0.3]), np.diag([0.2, -0.3]), w=[0.8, -1.3], theta=[0.3, -0.2]),
    ),
}  # fmt: skip
ADAPTIVE = ld.AdaptiveRate.murata(0.9, a=0.7, b=1.3, floor=0.1)
CASES |= {
    f"{name}, adaptive rate": (CASES[name][0].replace(learning_rate=ADAPTIVE), CASES[name][1])
    for name in ("all", "spectrum", "tree")
}


@pytest.mark.parametrize("name", CASES)
def test_flow_is_the_mean_update(name):
    s, start = CASES[name]
    layout = s.layout
    start = s.as_start(start)
    flat = s.initial_state(start)
    from learndyn.engines.theory import drift_at

    theory = layout.unpack(drift_at(s.flow(), start.at, flat, s.values()))
    for block, (mean, error) in Update(s, start, 200_000, seed=5).means().items():
        # What is no average is exact up to rounding.
        difference = np.abs(theory[block] - mean)
        assert (difference <= Z * error + 1e-12).all(), (block, difference / (error + 1e-300))
    learned = {"w", "theta"} & set(theory)
    assert set(theory) - learned == set(Update(s, start, 400, seed=5).means()) - learned
