"""The averages of four units of large or unusual students, estimated from fixed sample points with a stated error.

    sum_pq c_p c_q <g_i' g_k' g_p g_q> = <g_i' g_k' e^2>,   e = sum_p c_p g_p(z_p + m_p),   z ~ N(0, C)

For K students this is one matrix product of the slopes g_i' e with themselves, whatever the activations: with S points
and n = K + M units it takes S n (n + K) multiplications and S (n + K) values of g and g', where the exact sums take
K^2 n^2 / 4 averages of four units.

The points are z = L u, L L^T = C, with u fixed once and for all: the estimate is a smooth function of C. u are points
of Sobol's sequence, scrambled at random (Owen 1997) and mapped to normals, in `RANDOMISATIONS` independent copies whose
scatter gives the standard error; each copy is transformed linearly so that <u u^T> = 1 exactly, and therefore all
averages of second order. Unless all units are odd, so that the average does not change with the sign of z, each point
comes with its opposite: averages of odd order are exact too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import ndtri
from scipy.stats import qmc
from threadpoolctl import threadpool_limits

from learndyn.activations.base import Activation
from learndyn.arguments import count
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY

# Independent copies of the points: the standard error has one less degrees of freedom.
RANDOMISATIONS = 8
# Numbers (points times units) that are at work at once.
BLOCK_NUMBERS = 1_000_000
EPSILON = float(np.finfo(float).eps)


def fewest_samples(n: int) -> int:
    """The smallest number of points for n units: a copy has as many points as units, not counting opposites.

    Examples
    --------
    >>> from learndyn.activations.averages.sampled import fewest_samples
    >>> fewest_samples(205)
    4096
    """
    return RANDOMISATIONS * 2 * _power_of_two(n)


def sampled_square(
    activations: Sequence[Activation], K: int, samples: int, seed: int = 0
) -> Callable[[Any, Any, Any, Any], tuple[Any, Any]]:
    """``f(C, m, c, xp)`` -> (sum_pq c_p c_q <g_i' g_k' g_p g_q>, its standard error), each for student units i <= k.

    Parameters
    ----------
    activations
        One for each of the n = K + M units, students first.
    K
        Number of student units.
    samples
        Number of points z, opposites counted; rounded up to `RANDOMISATIONS` times a power of two. At least
        `fewest_samples(n)`.
    seed
        Of the random scrambling.

    Returns
    -------
    callable
        Pure, in NumPy or JAX. C is the covariance (n, n), singular ones included, m the biases (n,) or None, c the
        coefficients (n,): -w and v. Both results have shape (K (K + 1) / 2,).

    Raises
    ------
    InputError
        When there are too few samples for so many units.

    Notes
    -----
    Accuracy: the standard error falls at least as 1 / sqrt(samples), with a common part for all pairs, that of e^2.
    Measured against exact sums with 4096 points, relative to the mean of the diagonal: 1.0 % for erf (K = 50, M = 5),
    0.9 % for erf (10, 5), 1.2 % for ReLU (10, 4). Exact second moments cost a bias of about 1 / points of a copy, a
    quarter of the standard error. Estimates are Gram matrices: positive semidefinite.
    Cost: 25 to 45 ms and 4 MB beside the points (7 MB) for K = 200, M = 5, 4096 points on two cores.
    Where C is singular the root L is only continuous: derivatives are finite there and no more.
    References: A. B. Owen (1997) Ann. Statist. 25, 1541.

    Examples
    --------
    >>> import numpy as np
    >>> from learndyn.activations import activation
    >>> from learndyn.gaussian.namespaces import NUMPY
    >>> C, c, erf = np.array([[0.5, 0.2], [0.2, 1.0]]), np.array([-1.0, 1.0]), activation("erf")
    >>> value, error = sampled_square([erf, erf], K=1, samples=4096)(C, None, c, NUMPY)
    >>> exact = erf.functions["square_sum"](C, c, 1, NUMPY)
    >>> bool(abs(value - exact)[0] < 4 * error[0] < 0.02 * exact[0])
    True
    """
    activations, n = tuple(activations), len(activations)
    odd = all(map(_is_odd, activations))
    size = _points_of_a_copy(samples, n)
    g = [activation.functions["g"] for activation in activations]
    dg = [activation.functions["dg"] for activation in activations[:K]]
    i, k = np.triu_indices(K)

    def square(C: Any, m: Any, c: Any, xp: Any) -> tuple[Any, Any]:
        mirrored = not odd or m is not None
        root = _root(C, xp)

        def one_block(block: Any) -> Any:
            z = block[0] @ root.T
            total: Any = 0.0
            for side in (z, -z) if mirrored else (z,):
                x = side if m is None else side + m
                slopes = _columns(dg, x[:, :K], xp) * (_columns(g, x, xp) @ c)[:, None]
                total = total + slopes.T @ slopes
            return total[i, k]

        blocks = _blocks(n, size // 2 if mirrored else size, seed)
        sums = xp.batched_map(one_block, (blocks,), 1)
        copies = sums.reshape(RANDOMISATIONS, -1, len(i)).sum(1) / size
        mean = copies.mean(0)
        variance = ((copies - mean) ** 2).sum(0) / (RANDOMISATIONS - 1)
        return mean, xp.sqrt(variance / RANDOMISATIONS)

    return square


def _power_of_two(least: float) -> int:
    return 1 << max(0, int(np.ceil(np.log2(least))))


def _points_of_a_copy(samples: Any, n: int) -> int:
    samples = count(samples, "samples")
    if samples < fewest_samples(n):
        raise InputError(
            f"Argument `samples` must be at least {fewest_samples(n)} for {n} units, but it is {samples}. Ask "
            f"for more: each of the {RANDOMISATIONS} copies of the points, from whose scatter the error comes, needs "
            "more points than units."
        )
    return _power_of_two(samples / RANDOMISATIONS)


def _is_odd(activation: Activation) -> bool:
    """Whether g(-x) = -g(x), digit for digit."""
    x = np.array([1e-3, 0.3, 0.7, 1.0, 2.5, 6.0])
    return bool(np.array_equal(activation.g(-x), -activation.g(x)))


@lru_cache(maxsize=8)
def _blocks(n: int, points: int, seed: int) -> np.ndarray:
    """All copies of the points u in blocks of rows, (blocks, rows, n), read-only; copy after copy."""
    copies = []
    # One thread: on a busy machine several spend most of their time waiting for one another.
    with threadpool_limits(limits=1, user_api="blas"):
        for sequence in np.random.SeedSequence(seed).spawn(RANDOMISATIONS):
            # The centres of the cells of 2^-30 in which the points lie: never 0, whose normal is infinite.
            cells = qmc.Sobol(n, bits=30, rng=np.random.default_rng(sequence)).random(points) + 2.0**-31
            u = ndtri(cells)
            copies.append(solve_triangular(np.linalg.cholesky(u.T @ u / points), u.T, lower=True).T)
    rows = min(points, _power_of_two(BLOCK_NUMBERS / n) // 2)
    blocks = np.array(copies).reshape(-1, rows, n)
    blocks.flags.writeable = False
    return blocks


def _columns(functions: list[Callable[..., Any]], z: Any, xp: Any) -> Any:
    """Each column of z through the function of its unit."""
    kinds = list(dict.fromkeys(functions))
    if len(kinds) == 1:
        return kinds[0](z, xp)
    places = [np.array([j for j, one in enumerate(functions) if one is kind]) for kind in kinds]
    found = [kind(z[:, columns], xp) for kind, columns in zip(kinds, places, strict=True)]
    return xp.concatenate(found, axis=-1)[:, np.argsort(np.concatenate(places))]


def _root(C: Any, xp: Any) -> Any:
    """A lower triangular L with L L^T = C, singular ones and those a rounding error from positive included.

    `student_teacher.increments.root_columns`, one column after another, as a loop: LAPACK's threads and those of JAX
    wait for one another on a busy machine, which takes up to a second.
    """
    n = C.shape[-1]
    scale = xp.root(xp.diagonal(C))
    inverse = xp.ratio(1.0, scale)
    r, units = xp.clip(C * inverse[:, None] * inverse, -1.0, 1.0), np.arange(n)

    def add_column(j: Any, carry: Any) -> Any:
        # What is left of the variances, and the columns so far, each a row.
        left, columns = carry
        rest = r[j] - columns[:, j] @ columns
        pivot = xp.root(xp.where(left[j] > n * EPSILON, left[j], 0.0))
        bound = xp.root(left)
        column = xp.where(units > j, xp.clip(xp.ratio(rest, pivot), -bound, bound), 0.0)
        column = xp.where(units == j, pivot, column)
        return left - column * column, _with_row(columns, j, column)

    start = xp.where(scale > 0.0, 1.0, 0.0), xp.zeros((n, n))
    return scale[:, None] * _repeat(n, add_column, start, xp)[1].T


def _repeat(times: int, body: Any, carry: Any, xp: Any) -> Any:
    """``carry = body(j, carry)`` for each j below `times`: a loop in the compiled program, too."""
    if xp is not NUMPY:
        import jax

        return jax.lax.fori_loop(0, times, body, carry)
    for j in range(times):
        carry = body(j, carry)
    return carry


def _with_row(matrix: Any, j: Any, row: Any) -> Any:
    if isinstance(matrix, np.ndarray):
        matrix[j] = row
        return matrix
    return matrix.at[j].set(row)
