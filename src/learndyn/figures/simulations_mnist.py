"""Theory and gradient descent on the digits 0 and 1 of MNIST, for the figures of Schmid & Murray (2024), 5 and 7.

What the paper leaves out is as in the notebook that its authors published: the 12 665 training images, one epoch, all
runs from one start w(0) ~ N(0, 1), inputs shifted so that the class means are +-mu, and both classes equally likely in
the theory. Making these data needs the four files of MNIST, in the folder that the environment variable LEARNDYN_MNIST
names, and six minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.errors import InputError
from learndyn.extras import require

ETA, DECAY = 1e-3, 1.0
SHUFFLES, SEED = 10, 2024
EPOCH = 12_665
# Every 50 updates, and at the end of the epoch.
TIMES = ETA * np.array([*range(0, EPOCH, 50), EPOCH])
# Images in the embedding.
SHOWN = 5000

# The theories, each with one difference to the one before it: what they have that the paper's has not.
MODELS = {
    "paper": "Gaussian classes, equally likely, phi the shifted error function: equation (15)",
    "fractions": "with the classes as frequent as they are",
    "logistic": "and with the logistic phi",
    "images": "and with the images themselves in place of Gaussian classes",
}


def folder() -> str:
    """Where the files of MNIST are."""
    named = os.environ.get("LEARNDYN_MNIST")
    if not named:
        raise InputError(
            "Making these data anew needs the files of MNIST, but the environment variable LEARNDYN_MNIST is not set. "
            "Fetch them by scripts/get_mnist.sh FOLDER and set LEARNDYN_MNIST=FOLDER."
        )
    return named


def task(inputs: str) -> ld.DataClassification:
    """Ones (+1) and zeros (-1), "raw" pixels or "gabor" features; the test images are held out."""
    training, test = (ld.datasets.load_mnist(folder(), [0, 1], split) for split in ("train", "test"))
    (X, y), (X_test, y_test) = training.classes(1, 0), test.classes(1, 0)
    if inputs == "gabor":
        X, X_test = (ld.datasets.gabor_features(rows, training.shape) for rows in (X, X_test))
    rule = ld.Supervised()
    return ld.DataClassification(X, y, rule, DECAY, learning_rate=ETA, test=(X_test, y_test), center="midpoint")


def theories(data: ld.DataClassification) -> dict[str, Any]:
    """The scenarios of `MODELS`."""
    logistic = data.gaussian()
    fractions = logistic.replace(activation="shifted_erf")
    return {
        "paper": fractions.replace(prior=0.5),
        "fractions": fractions,
        "logistic": logistic,
        "images": data,
    }


def comparison(inputs: str) -> xr.Dataset:
    """Alignment and test accuracy along an epoch: ten shuffles of gradient descent, and each theory.

    The accuracy of a theory of Gaussian classes is that on Gaussian classes; `on_images` is the fraction of the test
    images that its weights classify right.
    """
    data = task(inputs)
    start = ld.GaussianWeights(np.random.default_rng(SEED).standard_normal(data.n))
    runs = ld.simulate(data, start, TIMES[-1], replicas=SHUFFLES, save_at=TIMES, seed=SEED, record_weights=True)
    found: dict[str, Any] = {name: runs[name] for name in ("alignment", "test_accuracy", "w_norm")}
    found["trace_cov"] = runs.w.var("replica", ddof=1).sum("input")
    curves: dict[str, list[np.ndarray]] = {"theory_alignment": [], "theory_test_accuracy": [], "on_images": []}
    for scenario in theories(data).values():
        theory = ld.solve(scenario, start, TIMES[-1], save_at=TIMES)
        on_images = data.of_weights(theory.w.values)["test_accuracy"]
        curves["theory_alignment"].append(theory.alignment.values)
        curves["theory_test_accuracy"].append(on_images if scenario is data else theory.accuracy.values)
        curves["on_images"].append(on_images)
    found |= {name: (("model", "t"), np.stack(values)) for name, values in curves.items()}
    return xr.Dataset(found, {"model": list(MODELS)}, runs.attrs)


def embedding(data: ld.DataClassification) -> xr.Dataset:
    """The first images in two dimensions, by t-distributed stochastic neighbour embedding."""
    require("data", "The embedding of figure schmid2024/5a")
    from sklearn.manifold import TSNE

    places = TSNE(random_state=SEED).fit_transform(data.X.values[:SHOWN])
    return xr.Dataset(
        {
            "place": (("image", "axis"), places.astype(np.float32)),
            "digit": ("image", (data.y.values[:SHOWN] > 0).astype(np.int8)),
        }
    )


def gabor() -> xr.Dataset:
    """The comparison on Gabor features, with the embedding."""
    return comparison("gabor").merge(embedding(task("gabor")), combine_attrs="override")


DATA: dict[str, Callable[[], xr.Dataset]] = {"mnist-raw": lambda: comparison("raw"), "mnist-gabor": gabor}
