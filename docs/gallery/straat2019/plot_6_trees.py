r"""
Trees have no plateau
=====================

In a tree each hidden unit sees inputs of its own (``connectivity="tree"``). Nothing has to be shared out among the
units, R and Q stay diagonal, and there is no plateau.
"""

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1, connectivity="tree"
)
theory = ld.solve(scenario, ld.Start(Q=np.diag([0.2, 0.3]), R=np.zeros((2, 2))), until=120)
float(theory.eps_g[-1])

# %%

ld.figures.draw("2019-tree")
