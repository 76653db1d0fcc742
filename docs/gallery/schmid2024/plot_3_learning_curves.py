r"""
Figure 2, c and d: learning curves
==================================

The alignment of the weights with :math:`\mu` over time, from weights that are orthogonal to it. Noise makes
supervised learning faster. The lower panels show what is left between theory and simulation, a thousand times
enlarged, and take it apart: the sigmoid function, and terms of order :math:`\eta`.
"""

import numpy as np

import learndyn as ld

n = 10
task = ld.GaussianClassification(np.eye(n)[0], 1.0, ld.Supervised(), learning_rate=1e-3)
start = ld.GaussianWeights(np.eye(n)[1])
theory = ld.solve(task, start, until=40)
float(theory.alignment.sel(t=10, method="nearest"))

# %%

ld.figures.draw("schmid2024/2c")

# %%

ld.figures.draw("schmid2024/2d")
