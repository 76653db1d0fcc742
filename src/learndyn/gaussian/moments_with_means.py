"""Moments of four Gaussian variables of unit variances with means h, X = z + h: one integral each, with derivatives.

    "P4" = <theta(A) theta(B) theta(C) theta(D)>
    "F1" = <theta(A) theta(B) C_+ theta(D)>
    "F2" = <theta(A) theta(B) C_+ D_+>

Integrating by parts, with the probabilities P3_i, Phi2_ij of `orthant_with_means`, phi_i = phi(h_i), the density
e_ij = exp(-(h_i^2 + k_ij^2) / 2) / (2 pi), and rbar = sqrt(1 - r^2),

    F1 = h_c P4 + phi_c P3_c + sum_i r_ci phi_i P3_i                       i = a, b, d
    F2 = (h_c h_d + r_cd) P4 + h_d phi_c P3_c + h_c phi_d P3_d
         + sum_i [h_c r_di + r_ci (h_d - r_id h_i)] phi_i P3_i             i = a, b
         + rbar_cd e_cd Phi2_cd + r_ad rbar_ac e_ac Phi2_ac + r_bd rbar_bc e_bc Phi2_bc
         + r_ac rbar_ad e_ad Phi2_ad + r_bc rbar_bd e_bd Phi2_bd + N_ab e_ab Phi2_ab

with N_ab of `orthant_moments`: no conditional variance is left in a denominator. Derivatives are lower averages,
dF/dh_i = <d_i (...)> and dF/dr_ij = <d_i d_j (...)>, of the same probabilities: a delta function gives a variable up,

    phi_i <theta_j theta_k D_+ | i> = (h_d - r_id h_i) phi_i P3_i + rbar_id e_id Phi2_id
                                      + sum_j (r_dj - r_id r_ij) / rbar_ij e_ij Phi2_ij
    e_ij <theta_k D_+ | i, j>, e_ij <C_+ D_+ | i, j>                       averages of two variables

All are finite but dF/dr_ab, which is proportional to 1 / rbar_ab.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from learndyn.gaussian.jax_functions import JAX, ratio, root
from learndyn.gaussian.normal import cdf, pdf, positive_part
from learndyn.gaussian.orthant import PAIRS, pair_number
from learndyn.gaussian.orthant_moments import mixed_product
from learndyn.gaussian.orthant_with_means import OTHERS, Parts, orthant_parts

# Units closer than this count as this far apart in 1 / rbar.
CLOSEST = 1e-8


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def moment_with_means(kind: str, r: jax.Array, h: jax.Array) -> jax.Array:
    """The moment "P4", "F1" or "F2" at unit variances.

    Parameters
    ----------
    kind
        Which moment.
    r
        Correlations, shape (6, rows), in the order ab, ac, ad, bc, bd, cd.
    h
        Means, shape (4, rows), in [-40, 40].

    Returns
    -------
    jax.Array
        Shape (rows,). Within 1e-10 on generic correlations, 1e-9 at a distance of 1e-5 from singular ones, and 1e-8 on
        singular ones (measured: 5e-12, 8e-11, 1e-9), times (1 + |h_c|) (1 + |h_d|).

    Notes
    -----
    About 8000 exponentials and 2000 error functions a row. The first derivative is exact; a second one is not offered.
    """
    return _value(kind, r, h, orthant_parts(r, h))


@moment_with_means.defjvp
def _moment_jvp(kind: str, primals: Any, tangents: Any) -> Any:
    (r, h), (dr, dh) = primals, tangents
    p = orthant_parts(r, h)
    by_r, by_h = _gradient(kind, r, h, p)
    tangent = sum(slope * dr[n] for n, slope in enumerate(by_r)) + sum(slope * dh[n] for n, slope in enumerate(by_h))
    return _value(kind, r, h, p), tangent


def _value(kind: str, r: Any, h: Any, p: Parts) -> Any:
    if kind == "P4":
        return p.P4
    border, corner = pdf(h, JAX) * p.P3, p.density * p.Phi2
    ab, ac, ad, bc, bd, cd = r
    a, b, c, d = h
    if kind == "F1":
        return c * p.P4 + border[2] + ac * border[0] + bc * border[1] + cd * border[3]
    total = (c * d + cd) * p.P4 + d * border[2] + c * border[3]
    total = total + (c * ad + ac * (d - ad * a)) * border[0] + (c * bd + bc * (d - bd * b)) * border[1]
    projections = jnp.stack([ad, ac, bd, bc])
    coefficients = [mixed_product(ab, ac, ad, bc, bd)[None], p.bar[1:5] * projections, p.bar[5:]]
    return total + (jnp.concatenate(coefficients) * corner).sum(0)


def _gradient(kind: str, r: Any, h: Any, p: Parts) -> tuple[list[Any], list[Any]]:
    """Derivatives with respect to the six correlations and the four means."""
    lower = _Lower(r, h, p)
    if kind == "P4":
        return [lower.corner[n] * lower.inverse[n] for n in range(6)], list(lower.border)
    c, d = 2, 3
    if kind == "F1":
        by_r = []
        for n, (i, j) in enumerate(PAIRS):
            if c in (i, j):
                by_r.append(lower.border[i + j - c])
            else:
                by_r.append(lower.given_two(i, j, c) * lower.inverse[n])
        return by_r, [p.P4 if i == c else lower.given_one(i, c) for i in range(4)]
    by_r = [lower.both_given_two() * lower.inverse[0]]
    by_r += [lower.given_one(0, d), lower.given_one(0, c), lower.given_one(1, d), lower.given_one(1, c), p.P4]
    by_h = [lower.both_given_one(0), lower.both_given_one(1)]
    return by_r, [*by_h, lower.rectified(d), lower.rectified(c)]


class _Lower:
    """Averages in which one or two of the variables are held at zero, with the density of that."""

    def __init__(self, r: Any, h: Any, p: Parts) -> None:
        self.r, self.h, self.p = r, h, p
        self.border, self.corner = pdf(h, JAX) * p.P3, p.density * p.Phi2
        self.inverse = 1.0 / jnp.maximum(p.bar, CLOSEST)

    def _bar(self, i: int, j: int) -> Any:
        return self.p.bar[pair_number(i, j)]

    def covariance(self, i: int, j: int, k: int) -> Any:
        """Of j and k, given i."""
        return self.r[pair_number(j, k)] - self.r[pair_number(i, j)] * self.r[pair_number(i, k)]

    def coefficient(self, i: int, j: int, k: int) -> Any:
        """The covariance of j and k given i, over rbar_ij; at most rbar_ik."""
        bound = self._bar(i, k)
        return jnp.clip(ratio(self.covariance(i, j, k), self._bar(i, j)), -bound, bound)

    def rectified(self, c: int) -> Any:
        """<C_+ of one variable, theta of the others>."""
        along = sum(self.r[pair_number(c, i)] * self.border[i] for i in range(4) if i != c)
        return self.h[c] * self.p.P4 + self.border[c] + along

    def given_one(self, i: int, d: int) -> Any:
        """phi_i <D_+ theta theta | i>."""
        total = (self.h[d] - self.r[pair_number(i, d)] * self.h[i]) * self.border[i]
        total = total + self._bar(i, d) * self.corner[pair_number(i, d)]
        others = (j for j in range(4) if j not in (i, d))
        return total + sum(self.coefficient(i, j, d) * self.corner[pair_number(i, j)] for j in others)

    def given_two(self, i: int, j: int, d: int) -> Any:
        """e_ij <D_+ theta_k | i, j>."""
        n = pair_number(i, j)
        q = list(OTHERS[n]).index(d)
        k = OTHERS[n][1 - q]
        u, v = self.p.u[n], self.p.v
        border = pdf(u[q], JAX) * cdf(v[k], JAX) + self.p.partial[n] * pdf(u[1 - q], JAX) * cdf(v[d], JAX)
        return self.p.density[n] * self.p.left[n, q] * (u[q] * self.p.Phi2[n] + border)

    def both_given_one(self, a: int) -> Any:
        """phi_a <C_+ D_+ theta_b | a> for a = 0, 1 and b the other of them."""
        b, c, d = 1 - a, 2, 3
        mean = self.h[c] - self.r[pair_number(a, c)] * self.h[a]
        total = mean * self.given_one(a, d) + self.covariance(a, c, d) * self.border[a]
        total = total + self.coefficient(a, b, c) * self.given_two(a, b, d)
        return total + self._bar(a, c) * self.given_two(a, c, d)

    def both_given_two(self) -> Any:
        """e_ab <C_+ D_+ | a, b>."""
        c, d = self.p.u[0]
        rho = self.p.partial[0]
        # <theta_c D_+> in units of its standard deviation; then <C_+ D_+> as in `pairs_with_biases`.
        scale = self.p.density[0] * self.p.left[0, 0]
        rest = rho * self.p.Phi2[0] + pdf(c, JAX) * positive_part(d - rho * c, root((1 - rho) * (1 + rho)), JAX)
        return scale * (ratio(c * self.given_two(0, 1, 3), self.p.density[0]) + self.p.left[0, 1] * rest)
