"""Schmid & Murray (2024), Figures 5 and 7: the theory of Gaussian classes held against the digits 0 and 1 of MNIST.

`simulations_mnist` says how the stored curves were made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.simulations_mnist import EPOCH, ETA, MODELS, SHOWN, SHUFFLES

Loader = Callable[[str], xr.Dataset]

INPUTS = {"gabor": "1440 Gabor features", "raw": "784 pixels"}
# The theories that the pictures show, each against the mean of the runs.
SHOWN_MODELS = {"paper": "theory (15)", "logistic": r"theory, logistic $\phi$", "images": "flow on the images"}
LOOKS = {"paper": (0, "-"), "logistic": (2, "--"), "images": (3, ":")}
LABELS = {"test_accuracy": "test accuracy", "alignment": r"alignment of $w$ and $\mu$"}
# After how many samples numbers are told.
TOLD = (0, 1000, 2000, 4000, 6000, EPOCH)
SETTINGS = (
    f"eta = {ETA}, lambda = 1, logistic output, supervised learning on the 12 665 training images, each once, in "
    f"{SHUFFLES} orders; inputs shifted so that the class means are +-mu. The paper does not say where learning "
    "starts: as in the authors' notebook all runs start from one w with components N(0, 1), not the same one."
)


def deviations(data: xr.Dataset) -> dict[str, float]:
    """Largest and mean |theory - mean over the runs| for each theory; runs and theories after some samples."""
    numbers: dict[str, float] = {}
    for name in LABELS:
        mean = data[name].mean("replica")
        for place, time in enumerate(data.t.values):
            if round(time / ETA) in TOLD:
                numbers |= _told(data.isel(t=place), name, round(time / ETA))
        for model in MODELS:
            theory = data[f"theory_{name}"].sel(model=model)
            apart = np.abs(theory - mean)
            numbers |= {f"{name}_{model}_max": float(apart.max()), f"{name}_{model}_mean": float(apart.mean())}
    return numbers


def _told(row: xr.Dataset, name: str, samples: int) -> dict[str, float]:
    """Runs, with their standard deviation, and theories at one time."""
    runs = row[name]
    found = {f"{name}({samples})": float(runs.mean()), f"{name}_std({samples})": float(runs.std(ddof=1))}
    theories = row[f"theory_{name}"]
    return found | {f"{name}_{model}({samples})": float(theories.sel(model=model)) for model in MODELS}


def _picture(data: xr.Dataset, name: str) -> Any:
    """Runs and theories above; below the theories less the mean of the runs, and how much a single run differs."""
    picture, (ax, rest) = panels(2, size=(ld.plot.COLUMN, 3.3), sharex=True, height_ratios=(1.3, 1.0))
    updates, mean, spread = data.t / ETA, data[name].mean("replica"), data[name].std("replica", ddof=1)
    color = ld.plot.PALETTE[1]
    ax.fill_between(updates, mean - spread, mean + spread, color=color, alpha=0.35, linewidth=0)
    ax.plot(updates, mean, color=color, label=f"SGD, {SHUFFLES} shuffles")
    rest.fill_between(updates, -spread, spread, color=color, alpha=0.35, linewidth=0)
    for model, label in SHOWN_MODELS.items():
        order, line = LOOKS[model]
        theory = data[f"theory_{name}"].sel(model=model)
        look = {"color": ld.plot.PALETTE[order], "linestyle": line, "linewidth": 1.0}
        ax.plot(updates, theory, label=label, **look)
        rest.plot(updates, theory - mean, **look)
    rest.axhline(0.0, color="0.6", linewidth=0.6, zorder=0.5)
    ax.set(ylabel=LABELS[name], xlim=(0, EPOCH))
    rest.set(xlabel="samples", ylabel=r"theory $-$ SGD")
    ax.legend(loc="lower right")
    picture.align_ylabels()
    return picture


def _agreement(numbers: dict[str, float], name: str) -> str:
    """The deviations in words."""

    def apart(model: str) -> str:
        return f"{numbers[f'{name}_{model}_max']:.4f} at most and {numbers[f'{name}_{model}_mean']:.4f} on average"

    return (
        f"From the mean of the runs the theory (15) is {apart('paper')} away; with the logistic phi, and the classes "
        f"as frequent as they are, {apart('logistic')}; the flow for eta to 0 on the images {apart('images')}."
    )


def _compared(simulation: Loader, inputs: str, name: str, what: str) -> Figure:
    data = simulation(f"mnist-{inputs}")
    numbers = deviations(data)
    return Figure(
        _picture(data, name),
        numbers,
        f"{what} of a perceptron that learns {INPUTS[inputs]} of the digits 0 and 1 of MNIST, against the theory of "
        "Gaussian classes with the means and covariances of the images; below, theory less the mean of the runs, with "
        f"one standard deviation of the runs as a band. {SETTINGS} {_agreement(numbers, name)}",
    )


@figure("schmid2024/5a", "digits 0 and 1 of MNIST, Gabor features embedded in the plane", simulated=True)
def embedding(simulation: Loader) -> Figure:
    """Two clouds: the classes are nearly separable."""
    data = simulation("mnist-gabor")
    picture, ax = panels(size=(ld.plot.COLUMN, 2.6))
    places, digits = data.place.values, data.digit.values
    for digit in (0, 1):
        ax.plot(*places[digits == digit].T, ".", color=ld.plot.PALETTE[digit], markersize=1.2, label=f"digit {digit}")
    ax.set(xlabel="t-SNE, first coordinate", ylabel="second coordinate", xticks=[], yticks=[])
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, markerscale=6, borderaxespad=0.2)
    return Figure(
        picture,
        {
            "images": float(len(digits)),
            "ones": float((digits == 1).mean()),
            "neighbours": _same_neighbour(places, digits),
        },
        f"The first {SHOWN} of the digits 0 and 1 in the training images of MNIST: their 1440 Gabor features, embedded "
        "in the plane by t-SNE (scikit-learn, its default settings). An illustration: nothing is computed from it.",
    )


def _same_neighbour(places: np.ndarray, digits: np.ndarray) -> float:
    """Fraction of the images whose nearest neighbour in the plane is of their class."""
    from scipy.spatial import KDTree

    nearest = np.asarray(KDTree(places).query(places, k=2)[1])[:, 1]  # the first is the image itself
    return float((digits[nearest] == digits).mean())


@figure("schmid2024/5b", "test accuracy on Gabor features of MNIST, theory and gradient descent", simulated=True)
def gabor_accuracy(simulation: Loader) -> Figure:
    """The theory knows two moments of each class, and that is nearly all."""
    return _compared(simulation, "gabor", "test_accuracy", "Accuracy on the 2115 test images")


@figure("schmid2024/5c", "alignment on Gabor features of MNIST, theory and gradient descent", simulated=True)
def gabor_alignment(simulation: Loader) -> Figure:
    """It goes on after the task is learned; what the theory misses, and why."""
    return _compared(simulation, "gabor", "alignment", "Alignment with the mean of digit 1")


@figure("schmid2024/7a", "test accuracy on the pixels of MNIST, theory and gradient descent", simulated=True)
def raw_accuracy(simulation: Loader) -> Figure:
    """The same without a filter bank."""
    return _compared(simulation, "raw", "test_accuracy", "Accuracy on the 2115 test images")


@figure("schmid2024/7b", "alignment on the pixels of MNIST, theory and gradient descent", simulated=True)
def raw_alignment(simulation: Loader) -> Figure:
    """The same without a filter bank."""
    return _compared(simulation, "raw", "alignment", "Alignment with the mean of digit 1")
