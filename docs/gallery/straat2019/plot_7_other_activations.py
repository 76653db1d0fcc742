r"""
Students of another kind than their teacher
===========================================

Student and teacher may have different activations; what cannot be represented remains as an error. Two ReLU units
with w = 1 are never negative and cannot follow an odd function. With output weights of both signs they become linear,
:math:`g(x)-g(-x)=x`; with biases they bend at both ends.
"""

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2, "relu"), ld.Teacher(1, "erf"), learning_rate=0.1, output_learning_rate=0.1
)
start = ld.Start(Q=np.diag([0.3, 0.25]), R=[[0.1], [-0.1]], w=[1.0, -1.0])
theory = ld.solve(scenario, start, until=1000)
float(theory.eps_g[-1]), theory.w[-1].round(2).values.tolist()

# %%

ld.figures.draw("2019-relu-learns-erf")

# %%
# And the other way round: without biases two erf units are odd, and take no more than the odd part of a ReLU unit.

ld.figures.draw("2019-erf-learns-relu")
