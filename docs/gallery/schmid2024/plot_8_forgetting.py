r"""
Figure 6: tasks one after another
=================================

A network learns task 0, then task 1, and so on, each to an alignment of 0.8. How much of task 0 is left? In theory,
for orthogonal tasks, a factor :math:`\sqrt{1-0.8^2}` a task, whatever the rule, the noise and the weight decay.
"""

# sphinx_gallery_thumbnail_number = 2

import numpy as np

import learndyn as ld

tasks = [
    ld.GaussianClassification(mu, 0.01, ld.Supervised(), weight_decay=1.0) for mu in np.eye(5)[:4]
]
sequence = ld.TaskSequence(tasks, switch=ld.Reached("alignment", 0.8, at_most=50))
run = ld.solve(sequence, ld.GaussianWeights(np.eye(5)[4]))
run.alignment_at_end.sel(measured_task=0).values.round(3)

# %%

ld.figures.draw("schmid2024/6a")

# %%
# Simulations at a finite learning rate forget somewhat faster with more noise: noise is part of what is not aligned
# with the task at hand, and leaves less room for older ones.

ld.figures.draw("schmid2024/6b")
