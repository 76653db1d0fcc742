r"""
What regularisation costs, and when it pays
===========================================

Weight decay and dropout leave an error of their own, and lower the error of noise. Where the two balance depends on
the label noise: on-line learning from fresh examples gains by them only where the noise is strong.
"""

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=0.2, label_noise=1.0
)
start = ld.Start(Q=np.eye(2), R=0.95 * np.eye(2))
cases = (scenario, scenario.replace(weight_decay=0.01), scenario.replace(dropout_keep=0.95))
[round(float(ld.solve(case, start, until=1000, save_at=[1000]).eps_g[-1]), 4) for case in cases]

# %%

ld.figures.draw("2019-regularisation")
