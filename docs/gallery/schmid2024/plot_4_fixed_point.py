r"""
Figure 2, e: how long the weights become
========================================

Learning ends where the push of the examples and weight decay balance: for classes without noise where
:math:`1-\phi(W)=\lambda W` (SL) or :math:`2\phi(W)\phi(-W)=\lambda W` (RL).
"""

import learndyn as ld

task = ld.GaussianClassification([1.0, 0.0], 0.0, ld.Supervised(), weight_decay=0.01)
point = ld.find_fixed_point(task, [3.0, 0.0])
float(point.w_norm), point.attrs["kind"]

# %%

ld.figures.draw("schmid2024/2e")
