r"""
Figure 2, a and b: flow fields
==============================

Without noise the flow of the weights lies in a plane. Supervised learning (SL) moves wrong weights fastest;
reinforcement learning (RL) hardly moves them, since a network that is sure of a wrong answer does not explore: weight
decay has to make it less sure first.
"""

import numpy as np

import learndyn as ld

task = ld.GaussianClassification([1.0, 0.0], 0.0, ld.Reinforce(), weight_decay=0.1)
grid = np.linspace(-3.0, 3.0, 31)
field = ld.flow_field(task, [0.0, 0.0], x=("w_1", grid), y=("w_2", grid))
dict(field.sizes)

# %%

ld.figures.draw("schmid2024/2a")

# %%

ld.figures.draw("schmid2024/2b")
