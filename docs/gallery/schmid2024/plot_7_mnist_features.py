r"""
Figure 5: Gabor features of MNIST
=================================

Does a theory of Gaussian classes hold for real inputs? A perceptron learns the digits 0 and 1 of MNIST from 1440 Gabor
features of each image; the theory knows the mean and the covariance of each class and nothing else.

The curves are read from results that come with the package; ``learndyn figure schmid2024/5b --recompute`` makes them
anew from the four files of MNIST (``LEARNDYN_MNIST`` names their folder).
"""

# sphinx_gallery_thumbnail_number = 2

import learndyn as ld

ld.figures.draw("schmid2024/5a")

# %%

accuracy = ld.figures.draw("schmid2024/5b")
accuracy

# %%
# The largest distance from the mean of the runs: of the theory of the paper, with the logistic function, and of the
# flow on the images themselves.

[round(accuracy.numbers[f"test_accuracy_{model}_max"], 4) for model in ("paper", "logistic", "images")]

# %%
# The alignment of the weights with the mean of a class goes on growing after the task is learned.

ld.figures.draw("schmid2024/5c")
