"""How far a linear network's tangent kernel moves: rich and lazy learning by number.

    Theta = sum_l (P_l P_l^T) (x) (R_l^T R_l),   P_l = W_D ... W_{l+1},   R_l = W_{l-1} ... W_1

(x) is the Kronecker product; Theta, of size outputs * inputs, is how a small step changes the map W. With it constant,
learning is linear in the weights: lazy. It does not depend on a rotation of hidden units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError
from learndyn.scenarios.deep_linear.observables import transposed


def kernel_change(result: Any) -> xr.Dataset:
    """How far the tangent kernel of an `ld.DeepLinear` is from where it was at the first row of a run.

    Parameters
    ----------
    result
        A run with ``W_1``, ``W_2``, ... from `ld.solve` or `ld.simulate`.

    Returns
    -------
    xarray.Dataset
        With the dims of ``loss``: ``change`` = |Theta(t) - Theta(0)| / |Theta(0)| in the Frobenius norm, infinity from
        weights of zero; ``cosine`` of the angle between the two: 1 as long as the kernel only grows.

    Raises
    ------
    InputError
        When the result has no weights, or a single row of them.

    Notes
    -----
    A lazy network has a change near 0. For decoupled modes of two layers it follows from one number, the imbalance
    beside s / beta: `ld.LinearModes.kernel_growth`. A hidden layer narrower than the outputs (c > 0) or the inputs
    (c < 0) has a kernel that lacks directions, and is not lazy at any c. Cost: a few products of matrices for each row.
    References: Jacot, Gabriel & Hongler (2018); Braun, Domine, Fitzgerald & Saxe (2022).

    Examples
    --------
    >>> import learndyn as ld
    >>> task = ld.DeepLinear.items()
    >>> for c in (0.0, -10.0):
    ...     start = ld.LinearWeights.lambda_balanced(task, scale=0.01, imbalance=c, seed=1)
    ...     print(ld.kernel_change(ld.solve(task, start, until=20)).change[-1].round(3).item())
    62.857
    0.029
    """
    if not hasattr(result, "data_vars") or "W_1" not in result or "t" not in result["W_1"].dims:
        raise InputError(
            "Argument `result` must be a run of an ld.DeepLinear with the weights W_1, W_2, ... along t, but it has "
            "none. Pass the result of ld.solve before .sel(...)."
        )
    layers = []
    while f"W_{len(layers) + 1}" in result:
        layers.append(result[f"W_{len(layers) + 1}"].values)
    lead = result["W_1"].dims[:-2]
    time = lead.index("t")
    above, below = _factors(layers)
    first = [np.take(each, [0], axis=time + 1) for each in (above, below)]
    square, start = _inner(above, below, above, below), _inner(*first, *first)
    overlap = _inner(above, below, *first)
    with np.errstate(divide="ignore", invalid="ignore"):
        # The difference of two nearly equal kernels is formed before it is squared.
        change = np.sqrt(np.maximum(_square_of_difference(above, below, *first), 0.0) / start)
        cosine = overlap / np.sqrt(square * start)
    change = np.where((start == 0.0) & (square == 0.0), 0.0, change)
    told = {
        "change": (change, "change of the tangent kernel, relative to the first row"),
        "cosine": (
            np.where(start * square > 0.0, cosine, 1.0),
            "cosine of the tangent kernel and that of the first row",
        ),
    }
    variables = {
        name: xr.Variable(lead, value, {"long_name": text, "units": "1"}) for name, (value, text) in told.items()
    }
    return xr.Dataset(variables, {name: result[name] for name in lead if name in result.coords})


def _factors(layers: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """P_l P_l^T and R_l^T R_l of all layers, (D, ..., outputs, outputs) and (D, ..., n, n)."""
    lead = layers[0].shape[:-2]
    P = np.broadcast_to(np.eye(layers[-1].shape[-2]), (*lead, *(layers[-1].shape[-2],) * 2))
    R = np.broadcast_to(np.eye(layers[0].shape[-1]), (*lead, *(layers[0].shape[-1],) * 2))
    above, below = [], []
    for layer in reversed(layers):
        above.append(P @ transposed(P))
        P = P @ layer
    for layer in layers:
        below.append(transposed(R) @ R)
        R = layer @ R
    return np.stack(above[::-1]), np.stack(below)


def _inner(above: Any, below: Any, other_above: Any, other_below: Any) -> Any:
    """<Theta, Theta'> = sum over l, k of <A_l, A'_k> <B_l, B'_k>."""
    terms = zip(above, below, strict=True)
    others = list(zip(other_above, other_below, strict=True))
    return sum(((A * C).sum((-1, -2)) * (B * D).sum((-1, -2)) for A, B in terms for C, D in others), np.float64(0.0))


def _square_of_difference(above: Any, below: Any, first_above: Any, first_below: Any) -> Any:
    """|Theta - Theta_0|^2 with Theta - Theta_0 = sum_l (A - A_0) (x) B + A_0 (x) (B - B_0)."""
    shown = np.broadcast_to(first_above, above.shape)
    left, right = np.concatenate([above - first_above, shown]), np.concatenate([below, below - first_below])
    return _inner(left, right, left, right)
