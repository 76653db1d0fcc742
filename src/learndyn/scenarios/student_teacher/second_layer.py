"""The output weights of the student: how they follow the first layer on each time scale.

    "N":     w_i <- w_i + (eta_w / N) (tau - sigma) g_i    dw_i/dalpha = eta_w <(tau - sigma) g_i>  [Goldt et al. 2019]
    "fast":  w_i <- w_i + eta_w (tau - sigma) g_i          w is slaved to the first layer       [Straat & Biehl 2019]

For "fast", N goes to infinity first and eta_w to zero then: w is at its least-squares value, G w = h v with
G_ij = <g_i g_j>, h_in = <g_i g_n>. Where G is singular (units that have become equal, as on the plateau of erf units),
the part of w in its null space never changes: it is that of the start.
"""

from __future__ import annotations

from typing import Any

# Eigenvalues of G below this fraction of the largest one are rounding.
NULL = 1e-12


def least_squares(G: Any, target: Any, w: Any, xp: Any) -> Any:
    """w + G^+ (target - G w): the solution nearest to ``w``.

    Its derivative is that at a G of constant rank, (dw) = G^+ (d target - dG w).
    """
    inverse = xp.stop_gradient(_pseudo_inverse(xp.stop_gradient(G), xp))
    solution = xp.stop_gradient(w + _apply(inverse, target - _apply(G, w)))
    return solution + _apply(inverse, target - _apply(G, solution))


def _apply(A: Any, v: Any) -> Any:
    return (A * v[..., None, :]).sum(-1)


def _pseudo_inverse(G: Any, xp: Any) -> Any:
    values, vectors = xp.linalg.eigh(G)
    good = values > NULL * values[..., -1:]
    inverse = xp.where(good, xp.ratio(1.0, values), 0.0)
    return (vectors * inverse[..., None, :]) @ xp.swapaxes(vectors, -1, -2)
