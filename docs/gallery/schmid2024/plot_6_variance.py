r"""
Figure 4: the variance between networks
=======================================

Networks that begin differently become alike: the total variance of the weights by ``ld.moment_flow``, for which mean
and covariance drive each other. The more noise on the inputs, the faster it falls.
"""

import numpy as np

import learndyn as ld

mu = np.sqrt([0.5, 0.5])
task = ld.GaussianClassification(mu, 0.25, ld.Reinforce(), weight_decay=0.1)
flow = ld.moment_flow(task, ld.GaussianWeights(mu * [1, -1], 0.1), until=20, save_at=[0, 5, 20])
flow.trace_cov.values.round(4)

# %%

ld.figures.draw("schmid2024/4a")

# %%

ld.figures.draw("schmid2024/4b")
