r"""
Weight decay lets weak modes die
================================

Under weight decay :math:`\lambda` a mode of the singular value s grows to :math:`s-\lambda`, and dies where
:math:`s<\lambda`. What is weak in the data, noise for the most part, is left out; what is strong is learned a little
too weakly. The strength over time has a closed form.
"""

import learndyn as ld

modes = ld.LinearModes([1.0, 0.2], weight_decay=0.3)
ld.solve(modes, 0.1, until=40, method="closed_form").u[-1].values.round(4)

# %%

ld.figures.draw("pretorius2017/weight-decay")
