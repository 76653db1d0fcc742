r"""
Handwritten digits by two moments
=================================

How much of learning from real images is in their means and covariances? A logistic perceptron learns to tell sevens
from ones (scikit-learn's digits of 8 x 8 pixels). ``gaussian()`` is the same task with Gaussian classes of the same
two moments, whose equations know nothing else of the images.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

training, test = ld.datasets.load_digits([1, 7]).split(0.25, seed=1)
task = ld.DataClassification(
    *training.classes(7, 1),
    ld.Supervised(),
    weight_decay=0.02,
    learning_rate=0.01,
    test=test.classes(7, 1),
)

# %%
# Networks begin with different weights. ``ld.moment_flow`` follows the mean and the covariance of all of them;
# ``ld.simulate`` is gradient descent on the images, here of twenty networks drawn from the same distribution.

begin = ld.GaussianWeights(np.random.default_rng(8).normal(0.0, 0.5, 64), 0.05)
moments = ld.moment_flow(task.gaussian(), begin, until=20, save_at=101)
sgd = ld.simulate(task, begin, until=20, replicas=20, save_at=81, seed=6)

# %%
# Left, the accuracy of single networks on images that were held out, and that of the mean weights between Gaussian
# classes. Right, the weights of three pixels: networks, and theory as mean and standard deviation.

with ld.plot.paper():
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.6, 3.0))
    left.plot(
        sgd.t, sgd.test_accuracy.transpose("t", "replica"), color=ld.plot.PALETTE[5], linewidth=0.5
    )
    left.plot([], [], color=ld.plot.PALETTE[5], linewidth=0.8, label="networks, on images")
    left.plot(moments.t, moments.accuracy, color="black", linestyle="--", label="moment flow")
    left.set(xlabel="$t$", ylabel="accuracy", xlim=(0, 20), ylim=(0.3, 1.02))
    left.legend(loc="lower right")
    for order, pixel in enumerate((20, 42, 59)):
        color, place = ld.plot.PALETTE[order], {"input": pixel}
        mean, spread = moments.w.sel(place), moments.variance.sel(place) ** 0.5
        right.plot(sgd.t, sgd.w.sel(place).transpose("t", "replica"), color=color, linewidth=0.3)
        right.plot(moments.t, mean, color=color, linewidth=1.6)
        right.fill_between(
            moments.t, mean - spread, mean + spread, color=color, alpha=0.25, linewidth=0
        )
        right.annotate(
            f"pixel {pixel}",
            (19.6, float(mean[-1])),
            xytext=(0, 5),
            textcoords="offset points",
            ha="right",
        )
    right.set(xlabel="$t$", ylabel="weight", xlim=(0, 20))
plt.show()
