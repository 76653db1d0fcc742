"""Mean updates against independent evaluations of the source's equations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.supervised import Supervised
from nonlinear_perceptron import two_classes, vector

RULES = {"SL": Supervised(), "RL": Reinforce()}


@pytest.mark.parametrize("number", ["001", "002", "003", "004"])
@pytest.mark.parametrize("label", ["SL", "RL"])
def test_general_covariances(number, label):
    inputs, outputs, tolerance = vector(number)
    with jax.enable_x64(True):
        means = [inputs["mu_plus"], inputs["mu_minus"]]
        classes = two_classes(np.array(means), np.array([inputs["Sigma_plus"], inputs["Sigma_minus"]]))
        update = RULES[label].mean_update(jnp.array(inputs["w"]), classes, "shifted_erf", {})
    assert np.abs(np.asarray(update) - outputs[f"f_{label}"]).max() <= tolerance
