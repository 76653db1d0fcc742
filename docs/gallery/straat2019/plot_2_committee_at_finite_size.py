r"""
A committee of ten thousand inputs
==================================

ReLU units, K = M = 2, with the :math:`\eta^2` term: the theory and twenty runs of the exact process of the order
parameters at N = 10 000. Before the plateau and after it they agree; in between each run leaves at a time of its own,
since the noise of a run, of order :math:`1/\sqrt N`, is larger than the asymmetry of the start.
"""

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)
start = ld.Start(Q=0.2 * np.eye(2), R=1e-3 * np.eye(2))
run = ld.simulate(scenario, start, until=100, N=10_000, replicas=1, save_at=[0, 50, 100], seed=1)
run.eps_g.values.ravel()

# %%

drawn = ld.figures.draw("2019-relu-k2-m2-order-parameters")
drawn

# %%
# When the theory leaves the plateau, and the first and the median run.

[round(drawn.numbers[name]) for name in ("leaves", "first", "median")]
