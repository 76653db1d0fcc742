r"""
A hierarchy is learned from its top
===================================

Items with properties: a canary flies, a salmon has scales, both move. The singular vectors of the correlation between
items and properties are the distinctions that there are to be learned.
"""

# sphinx_gallery_thumbnail_number = 2

import learndyn as ld

task = ld.DeepLinear.items()
task.modes().s.values.round(4)

# %%

ld.figures.draw("pretorius2017/items-and-properties")

# %%
# Each mode is learned at a time near :math:`\ln(s/u_0)/2s`, the strong ones first: broad distinctions before fine
# ones. The closed form holds for decoupled weights; small random weights find the same path.

ld.figures.draw("pretorius2017/modes")
