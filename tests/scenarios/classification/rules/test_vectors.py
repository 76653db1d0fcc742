"""Mean updates against independent evaluations of the source's equations."""

from functools import cache

import jax
import numpy as np
import pytest

from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.supervised import Supervised
from nonlinear_perceptron import two_classes, vector

RULES = {"SL": Supervised(), "RL": Reinforce()}


@cache
def program(label):
    """<f>(w, means, covariances), without weight decay."""
    return jax.jit(
        lambda w, means, covariances: RULES[label].mean_update(w, two_classes(means, covariances), "shifted_erf", {})
    )


@pytest.mark.parametrize("number", ["001", "002", "003", "004"])
@pytest.mark.parametrize("label", ["SL", "RL"])
def test_general_covariances(number, label):
    """Equations (15) and (20)."""
    inputs, outputs, tolerance = vector(number)
    n = len(inputs["w"])
    w, means, covariances = np.zeros(4), np.zeros((2, 4)), np.zeros((2, 4, 4))
    w[:n] = inputs["w"]
    means[:, :n] = inputs["mu_plus"], inputs["mu_minus"]
    covariances[:, :n, :n] = inputs["Sigma_plus"], inputs["Sigma_minus"]
    with jax.enable_x64(True):
        update = np.asarray(program(label)(w, means, covariances))
    assert np.abs(update[:n] - outputs[f"f_{label}"]).max() <= tolerance
    assert (update[n:] == 0.0).all()
