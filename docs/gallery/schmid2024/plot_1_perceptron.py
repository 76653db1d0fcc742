r"""
Figure 1: a perceptron and two classes
======================================

A perceptron answers :math:`\hat y=\phi(w\cdot x)`. Its inputs come from two Gaussian classes with the means
:math:`\pm\mu`. For the shifted error function all averages over the inputs have closed forms; it is within 0.018 of
the logistic function.
"""

# sphinx_gallery_thumbnail_number = 3

import learndyn as ld

ld.figures.draw("schmid2024/1a")

# %%

ld.figures.draw("schmid2024/1b")

# %%
# Not one network is followed but a distribution of them: ``ld.moment_flow`` gives the mean and the covariance of the
# weights, ``ld.ensemble`` the distribution itself.

task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised(), weight_decay=0.1)
begin = ld.GaussianWeights([-1.2, 1.6], 0.12)
moments = ld.moment_flow(task, begin, until=20)
moments.w[-1].values.round(3), moments.trace_cov[-1].item()

# %%

ld.figures.draw("schmid2024/1c")
