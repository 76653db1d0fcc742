r"""
Other schemes on a plateau
==========================

Does another scheme leave the plateau sooner? Momentum, a falling learning rate and natural gradient descent, each at
many rates. Natural gradient descent multiplies the step by the inverse of the Fisher information, which for Gaussian
inputs is a function of R and Q alone.
"""

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2), ld.Teacher(2), learning_rate=0.15, rule="natural_gradient"
)
start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-3)
theory = ld.solve(scenario, start, until=90)
float(theory.eps_g[-1])

# %%
# The learning curves, and when the error falls below 0.005.

ld.figures.draw("2018-schemes")
