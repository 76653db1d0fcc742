r"""
Learning in three and in a thousand dimensions
==============================================

In three dimensions one can watch the weight vector of a ReLU perceptron. Runs differ from each other, yet no update
leads away from the teacher. ``record_weights`` keeps the vectors themselves.
"""

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
start = ld.Start(Q=0.2, R=0.0)
runs = ld.simulate(
    scenario,
    start,
    until=60,
    N=3,
    replicas=4,
    save_at=181,
    seed=2019,
    method="weights",
    record_weights=True,
)
dict(runs.J.sizes)

# %%

ld.figures.draw("2019-perceptron-r3")

# %%
# With more dimensions the runs draw together about the theory, within the standard deviation that ``ld.fluctuations``
# expects.

ld.figures.draw("2019-perceptron-high-dimensions")
