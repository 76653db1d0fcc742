r"""
Biases are learned with the weights
===================================

A teacher with biases :math:`\varphi=(1/2,-1/2)`, and a student whose biases learn (``bias_learning_rate``) or stay at
zero. The averages then are over fields with means; for ReLU they are in closed form as well.
"""

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2, "relu"),
    ld.Teacher(2, "relu", biases=[0.5, -0.5]),
    learning_rate=0.1,
    bias_learning_rate=0.1,
)
start = ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2))
theory = ld.solve(scenario, start, until=1000)
theory.theta[-1].round(3).values.tolist()

# %%

ld.figures.draw("2019-biases")
