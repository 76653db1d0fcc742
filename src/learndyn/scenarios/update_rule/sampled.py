"""The mean update <f>(w) = <f(w, x)> as an average over a fixed set of inputs, with a standard error.

    <f>(w) = (1 / S) sum_s f(w, x(u_s)),    Cov_L(f) = (1 / S) sum_s f f^T - <f> <f>^T

u_s are points of Sobol's sequence, scrambled at random (Owen 1997), in `RANDOMISATIONS` independent copies: the average
over all is a smooth function of w where f is, and the scatter of the copies tells what it is off by. Normal numbers are
transformed linearly in each copy to mean 0 and covariance 1: averages of second order in them are exact.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from learndyn.errors import InputError

# Independent copies of the points: the standard error has one less degrees of freedom.
RANDOMISATIONS = 8
# Most coordinates that Sobol's sequence has in SciPy.
MOST_DRAWS = 21_201
PREFIX = "x_"


def points_of_a_copy(samples: int) -> int:
    """How many points a copy has: a power of two, at least 4."""
    return 1 << max(2, int(np.ceil(np.log2(samples / RANDOMISATIONS))))


@lru_cache(maxsize=4)
def draws(normals: int, uniforms: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard normals (copies, points, normals) and uniform numbers (copies, points, uniforms), read-only."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    count = normals + uniforms
    if count > MOST_DRAWS:
        raise InputError(
            f"Arguments `normals` and `uniforms` must be at most {MOST_DRAWS} together, but they are {count}. Give the "
            "mean update in closed form."
        )
    sobol: Any = qmc.Sobol  # `seed` is `rng` from SciPy 1.15 on, and works under both names
    copies = [
        # The centres of the cells in which the points lie: never 0, whose normal is infinite.
        sobol(count, bits=30, seed=rng).random(points_of_a_copy(samples)) + 2.0**-31
        for rng in np.random.default_rng(seed).spawn(RANDOMISATIONS)
    ]
    u = np.array(copies)
    z, rest = np.array([_standardised(copy) for copy in ndtri(u[..., :normals])]), u[..., normals:]
    for array in (z, rest):
        array.flags.writeable = False
    return z, rest


def _standardised(z: np.ndarray) -> np.ndarray:
    """The points (points, normals) moved and transformed linearly to mean 0 and covariance 1, if they are enough."""
    points, normals = z.shape
    if not 0 < normals < points:
        return z
    z = z - z.mean(0)
    return np.linalg.solve(np.linalg.cholesky(z.T @ z / points), z.T).T


def inputs_of(function: Any, z: np.ndarray, u: np.ndarray) -> tuple[dict[str, np.ndarray], Any]:
    """The inputs x of all points as arrays (copies, points, ...) by name, and how they belong together."""
    import jax

    given = tuple(array for array in (z, u) if array.shape[-1])
    x: Any = given
    if function is None:
        x = given if len(given) > 1 else x[0]
    else:
        with jax.enable_x64(True):
            x = jax.jit(jax.vmap(jax.vmap(function)))(*given)
    leaves, tree = jax.tree.flatten(x)
    found = {f"{PREFIX}{place}": np.asarray(leaf, dtype=float) for place, leaf in enumerate(leaves)}
    return found, tree


def updates(update: Any, tree: Any, w: Any, values: dict[str, Any]) -> Any:
    """f(w, x) of all points, (copies, points, n)."""
    import jax

    leaves = [values[f"{PREFIX}{place}"] for place in range(tree.num_leaves)]
    x = jax.tree.unflatten(tree, leaves)
    return jax.vmap(jax.vmap(lambda one: update(w, one)))(x)
