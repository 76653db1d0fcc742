# %% [markdown]
# # How a perceptron learns two digits, and what a Gaussian theory of the images says
#
# Three readings of one task: gradient descent on the images, the flow on the images for small learning rates, and the
# theory that knows nothing of the images but the means and covariances of the two classes. docs/real-data.md tells how
# good it is.
#
# The four files of MNIST are read from a folder (`scripts/get_mnist.sh FOLDER` fetches them). Without them the 8 x 8
# digits of scikit-learn take their place.
#
# Run it as a script, or cell by cell (`# %%`). It takes some minutes with MNIST; with LEARNDYN_QUICK=1 some seconds.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

# What to change first.
DIGITS = (1, 0)  # class +1, class -1
MNIST = Path(os.environ.get("LEARNDYN_MNIST", "build/mnist"))
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1.0
REPLICAS = 10
UNTIL = 10.0  # eta times updates
TIMES = ld.logspaced(101, first=0.01)  # most of the accuracy comes early

QUICK = bool(os.environ.get("LEARNDYN_QUICK"))  # small sizes, to see that it runs
FOLDER = Path(os.environ.get("LEARNDYN_FOLDER", "build/mnist_learning_curve"))  # for pictures and results
if QUICK:
    MNIST, REPLICAS, UNTIL = Path("no MNIST"), 3, 1.0
FOLDER.mkdir(parents=True, exist_ok=True)

# %% The images.
if MNIST.is_dir():
    training = ld.datasets.load_mnist(MNIST, DIGITS)
    test = ld.datasets.load_mnist(MNIST, DIGITS, split="test")
else:
    print(f"There is no folder {MNIST} with MNIST: the digits of scikit-learn, 8 x 8 pixels, take its place.")
    training, test = ld.datasets.load_digits(DIGITS).split(0.25, seed=1)
print(f"{training}; for the test {test}.")

# %% The task, and one start for all.
task = ld.DataClassification(
    *training.classes(*DIGITS), ld.Supervised(), weight_decay=WEIGHT_DECAY, learning_rate=LEARNING_RATE,
    test=test.classes(*DIGITS), center="midpoint",
)  # fmt: skip
start = ld.GaussianWeights.random(task.n, seed=1)

# %% Descent on the images in random order; the flow on them; the theory of two moments.
runs = ld.simulate(task, start, until=UNTIL, save_at=TIMES, replicas=REPLICAS, seed=1)
flow = ld.solve(task, start, until=UNTIL, save_at=TIMES)
theory = ld.solve(task.gaussian(), start, until=UNTIL, save_at=TIMES)
for name, result in (("runs", runs), ("flow", flow), ("theory", theory)):
    ld.save(result, FOLDER / f"{name}.nc")

# %% In numbers.
mean = runs.mean("replica")
for name, curve in (("descent on images", mean), ("flow on images", flow)):
    print(f"{name:>22}: test accuracy {float(curve.test_accuracy[-1]):.4f}, alignment {float(curve.alignment[-1]):.4f}")
print(f"{'theory of two moments':>22}: {'':>5}accuracy {float(theory.accuracy[-1]):.4f}, "
      f"alignment {float(theory.alignment[-1]):.4f}")  # fmt: skip

# %% The picture.
with ld.plot.paper():
    figure, axes = plt.subplots(2, 1, figsize=(3.4, 4.2), sharex=True)
    for ax, name, label in ((axes[0], "test_accuracy", "test accuracy"), (axes[1], "alignment", "alignment")):
        ax.plot(mean.t, mean[name], color="black", label=f"descent on images, {REPLICAS} runs")
        spread = runs[name].std("replica", ddof=1)
        ax.fill_between(mean.t, mean[name] - spread, mean[name] + spread, color="black", alpha=0.2, linewidth=0)
        ax.plot(flow.t, flow[name], label="flow on images")
        ax.plot(theory.t, theory["accuracy" if name == "test_accuracy" else name], "--", label="theory of two moments")
        ax.set_ylabel(label)
        ax.set_xscale("log")
        ax.set_xlim(0.01, UNTIL)
    axes[0].legend()
    axes[1].set_xlabel(r"$t=\eta\,\times$ updates (log scale)")
    figure.savefig(FOLDER / "learning_curve.pdf")
    figure.savefig(FOLDER / "learning_curve.png")

# %% What the weights look like.
with ld.plot.paper():
    figure, axes = plt.subplots(1, 2, figsize=(3.4, 1.9))
    shape = training.shape
    for ax, w, label in zip(axes, (mean.w[-1], theory.w[-1]), ("descent", "theory"), strict=True):
        largest = float(np.abs(w).max())
        ax.imshow(w.values.reshape(shape), cmap="RdBu_r", vmin=-largest, vmax=largest)
        ax.set_title(label)
        ax.set_axis_off()
    figure.savefig(FOLDER / "weights.png")
print(f"Pictures and results are in {FOLDER}.")
