r"""
A unit too many: K = 3 learns M = 2
===================================

The rule can be represented in more than one way. ReLU units solve this by sharing: two students become collinear with
one teacher unit, and the proportion is a matter of the start (slides 43 and 44).
"""

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(3, "relu"), ld.Teacher(2, "relu"), learning_rate=1.0, dynamics="gradient_flow"
)
start = ld.Start(Q=np.diag([0.2, 0.3, 0.25]), R=[[1e-3, 0], [0, 0], [0, 0]])
theory = ld.solve(scenario, start, until=120, rtol=1e-10, atol=1e-14)
theory.R[-1].round(3).values.tolist()

# %%

ld.figures.draw("2018-relu-k3-m2-order-parameters")

# %%

ld.figures.draw("2018-relu-k3-m2-generalisation-error")

# %%
# Two erf units cannot add up to one, so that the third unit has to vanish (slides 45 and 46).

ld.figures.draw("2018-erf-k3-m2-order-parameters")

# %%

ld.figures.draw("2018-erf-k3-m2-generalisation-error")
