r"""
A scalar network and its loss surface
=====================================

The smallest deep network, :math:`\hat y=w_2w_1x`, has a saddle at zero and a valley of solutions :math:`w_2w_1=1`.
Gradient flow keeps :math:`w_2^2-w_1^2`; steps of a finite size do not.
"""

import learndyn as ld

task = ld.DeepLinear.scalar(1.0, 1.0, learning_rate=0.1)
start = ld.LinearWeights([[-1.3]], [[1.55]])
flow = ld.solve(task, start, until=12)
descent = ld.simulate(task, start, until=12)
float(flow.u[-1, 0]), float(descent.u[0, -1, 0])

# %%

ld.figures.draw("pretorius2017/loss-surface")

# %%
# The product :math:`u=w_2w_1` has a closed form, a sigmoid in time. Descent is behind it by an amount proportional to
# the learning rate.

ld.figures.draw("pretorius2017/scalar-dynamics")
