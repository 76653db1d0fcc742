"""The test vectors of data/nonlinear_perceptron.json, and two classes of inputs as the rules take them."""

import json
from functools import cache

from learndyn.scenarios.classification.rules.base import ClassInput
from reference_data import DATA


@cache
def _all():
    entries = json.loads((DATA / "nonlinear_perceptron.json").read_text())["entries"]
    return {entry["id"]: entry for entry in entries}


def vector(number):
    """The entry with this number, such as "001": inputs, outputs, tolerance."""
    found = _all()[number]
    return found["inputs"], found["outputs"], found["tolerance"]


def two_classes(means, covariances, prior=0.5):
    """Dense classes +1 and -1, of concrete or traced arrays (2, n) and (2, n, n); enter float64 before."""
    import jax.numpy as jnp

    found = []
    for y, mean, Sigma in zip((1.0, -1.0), jnp.asarray(means), jnp.asarray(covariances), strict=True):
        found.append(
            ClassInput(
                y=y,
                prior=jnp.asarray(prior if y > 0 else 1.0 - prior),
                mean=mean,
                times=lambda w, Sigma=Sigma: Sigma @ w,
                matrix=lambda Sigma=Sigma: Sigma,
                spectrum=lambda Sigma=Sigma: tuple(jnp.linalg.eigh(Sigma)),
            )
        )
    return found
