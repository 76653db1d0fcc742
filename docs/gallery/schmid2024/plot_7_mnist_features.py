r"""
Figure 5: Gabor features of MNIST
=================================

Does a theory of Gaussian classes hold for real inputs? A perceptron learns the digits 0 and 1 of MNIST from 1440
Gabor features of each image; the theory knows the mean and the covariance of each class and nothing else.

The curves are read from results that come with the package; ``learndyn figure schmid2024/5b --recompute`` makes them
anew from the four files of MNIST (``LEARNDYN_MNIST`` names their folder). In short they are

.. code-block:: python

    training = ld.datasets.load_mnist(folder, [0, 1])
    X, y = training.classes(1, 0)
    features = ld.datasets.gabor_features(X, training.shape)
    task = ld.DataClassification(features, y, ld.Supervised(), weight_decay=1.0, center="midpoint")
    begin = ld.GaussianWeights(np.random.default_rng(2024).standard_normal(task.n))
    sgd = ld.simulate(task, begin, until=12.665, replicas=10, seed=2024)  # an update takes the time 0.001
    theory = ld.solve(task.gaussian(), begin, until=12.665)
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

[
    round(accuracy.numbers[f"test_accuracy_{model}_max"], 4)
    for model in ("paper", "logistic", "images")
]

# %%
# The alignment of the weights with the mean of a class goes on growing after the task is learned.

ld.figures.draw("schmid2024/5c")
