"""Linear tasks: averages over rows of data, the best linear map, and the items and properties of the slides."""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.arguments import array
from learndyn.errors import InputError
from learndyn.scenarios.covariance import Covariance

ITEMS = ("canary", "salmon", "oak", "rose")
PROPERTIES = ("petals", "bark", "scales", "flies", "moves")
# Properties by items.
ITEM_PROPERTIES = (
    (0.0, 0.0, 0.0, 1.0),
    (0.0, 0.0, 1.0, 0.0),
    (0.0, 1.0, 0.0, 0.0),
    (1.0, 0.0, 0.0, 0.0),
    (1.0, 1.0, 0.0, 0.0),
)
# Variances below this part of the largest are zero, and correlations below this part of what they could be.
NEGLIGIBLE, CORRELATED = 1e-12, 1e-5


def averages(X: Any, Y: Any) -> tuple[np.ndarray, Covariance, float]:
    """E[y x^T], E[x x^T] and half the mean squared residual of linear regression."""
    X, Y = array(X, "X", hint="Give rows of inputs."), array(Y, "Y", hint="Give rows of outputs.")
    for name, rows in (("X", X), ("Y", Y)):
        if rows.ndim != 2 or 0 in rows.shape:
            raise InputError(
                f"Argument `{name}` must have shape (rows, columns), but it has shape {rows.shape}. "
                "Reshape it: one row an example."
            )
    if len(X) != len(Y):
        raise InputError(
            f"Argument `Y` must have as many rows as `X`, {len(X)}, one for each input, but it has {len(Y)}. "
            "Check that both come from the same examples."
        )
    inputs = X.T @ X / len(X)
    regression = np.linalg.lstsq(X, Y, rcond=None)[0]
    least = float(((Y - X @ regression) ** 2).sum() / len(X) / 2.0)
    return Y.T @ X / len(X), Covariance(matrix=(inputs + inputs.T) / 2.0), least


def best_map(correlation: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """W* = E[y x^T] E[x x^T]^+; refused where y is correlated with a direction of x that does not vary."""
    variances, directions = np.linalg.eigh(inputs)
    drive = correlation @ directions
    varies = variances > NEGLIGIBLE * max(float(variances[-1]), 0.0)
    lost = np.abs(drive[:, ~varies]).max(initial=0.0)
    if lost > CORRELATED * np.abs(drive).max(initial=0.0):
        raise InputError(
            "Argument `inputs` must be invertible wherever `correlation` is not zero, but E[x x^T] has an eigenvalue "
            f"{max(float(variances[~varies].min()), 0.0):.3g} along which E[y x^T] is {lost:.3g}: an input without "
            "variance has no correlation with an output. Use ld.DeepLinear.of_data, or leave those directions out."
        )
    return (drive[:, varies] / variances[varies]) @ directions[:, varies].T
