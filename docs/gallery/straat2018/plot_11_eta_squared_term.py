r"""
The term of order eta squared
=============================

A step of finite size lengthens the weights: :math:`dQ/d\alpha` has a term
:math:`\eta^2\langle\delta_i\delta_k\rangle`, which the slides drop and name for future research. Without it
(``dynamics="gradient_flow"``) all learning rates give one curve against :math:`\eta\alpha`; with it
(``dynamics="sgd"``, the default) a larger rate needs fewer examples, raises the plateau, and pays in
:math:`\eta\alpha`. For ReLU units the average has a closed form.
"""

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.5)
start = ld.Start(Q=0.25, R=0.0)
with_term = ld.solve(scenario, start, until=8)
without = ld.solve(scenario.replace(dynamics="gradient_flow"), start, until=8)
float(with_term.eps_g[-1]), float(without.eps_g[-1])

# %%

ld.figures.draw("2018-eta-squared-term")
