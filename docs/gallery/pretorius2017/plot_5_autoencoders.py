r"""
Denoising autoencoders
======================

Noise of variance :math:`\sigma^2` on the inputs of a linear autoencoder has the limit of a weight decay of its own
for each mode, and gets there faster. Stopping early and noise are two ways to the same end; ``ld.optimal_denoising``
finds the best of both.
"""

import numpy as np

import learndyn as ld

variances = [2.0, 1.0, 0.4]
ld.equivalent_weight_decay(variances, np.sqrt(0.5)).round(3)

# %%

ld.figures.draw("pretorius2017/autoencoders")
