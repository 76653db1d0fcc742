r"""
How long learning takes under dropout
=====================================

A mode that is kept with the probability p in each step learns for a fraction p of the time. Its mean learning time
has the bound :math:`\tau\ln(s/\epsilon)/sp` of the slide, and a closed form a little below it.
"""

import learndyn as ld

modes = ld.LinearModes(1.0, dropout_keep=0.6)
float(modes.dropout_time(0.01)[0]), float(modes.dropout_bound(0.01)[0])

# %%

ld.figures.draw("pretorius2017/dropout-bound")
