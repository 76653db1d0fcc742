"""Averages of the errors delta of one or two units: sums over the orbits of the sites, with their multiplicities.

Site s is the pair of units (x_s, y_s). The error is a sum over sites that are all alike,

    e = sum_s e_s,   e_s = g(y_s) - g(x_s),   delta_s = g'(x_s) e,

so that K is a number in these averages and no length. Seen from site 1 the units q fall into the orbits x_1, y_1, the
other x and the other y. Stein's lemma, with c = -1 for x, +1 for y, and n_q units in the orbit of q:

    <delta_1 z> = <z x_1> sum_q n_q c_q <g_1'' g_q> + sum_q c_q <g_1' g_q'> sum_{u in orbit of q} <z u>

In <delta_1^2> the weight is w = g'(x_1)^2, and n = K - 1 other sites are alike; in <delta_1 delta_2> it is
w = g'(x_1) g'(x_2), and n = K - 2. With f the part of e of the sites in w, and s, t any two of the others,

    <w e^2> = <w f^2> + 2 n <w f e_s> + n <w e_s^2> + n (n - 1) <w e_s e_t>
            = <w (f + n m)^2> - (n^2 / r - n) <w (e_s - e_t)^2> / 2,   m = mean of e_s over r of the others:

squares of sums over four sites at most, which is what activations know in closed form. What they do not know is summed
orbit by orbit (`orbits`).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from learndyn.activations.averages.base import Slopes
from learndyn.activations.averages.tables import Averages, averages_of
from learndyn.scenarios.site_symmetric.orbits import orbit_sums
from learndyn.scenarios.site_symmetric.overlaps import covariance, signs, unpack
from learndyn.scenarios.site_symmetric.structure import MOST_SITES, Structure


class SiteMoments:
    """The averages at one flat state; K may be traced."""

    def __init__(self, structure: Structure, flat: Any, K: Any, xp: Any) -> None:
        self._s, self._flat, self._K, self._xp = structure, flat, K, xp

    def on_units(self) -> Any:
        """<delta_1 z> for z = x_1, x_2, y_1, y_2 (x_1, y_1 of a single unit)."""
        xp, near = self._xp, self._s.near
        R, S, Q, C = unpack(self._flat, near)
        one, zero = xp.ones_like(R), xp.zeros_like(R)
        QC, RS, T = (self._of_orbits(*pair) for pair in ((Q, C), (R, S), (one, zero)))
        # Overlaps of z, row, with all units of an orbit, column.
        sums = xp.stack([xp.stack(row) for row in _joined(QC, RS, T)])
        sizes = xp.stack([one, (self._K - 1.0) * one][:near] * 2)
        c, slopes = signs(near), self._slopes
        along = (c * sizes * slopes.along).sum()
        return xp.ratio(sums[:, 0], xp.root(Q)) * along + (sums * (c * slopes.both)).sum(-1)

    def square(self) -> Any:
        """<delta_1^2> and <delta_1 delta_2> (the first alone of a single unit)."""
        s, xp = self._s, self._xp
        if s.sites > 2 and s.fours_by_quadrature:
            return orbit_sums(s, self._flat, self._K, xp)
        C, c = covariance(self._flat, s.near, s.sites, xp), signs(s.sites)
        square_sum = averages_of(s.units(s.sites), s.near, False, None, s.reach).square_sum
        if s.sites < MOST_SITES:
            return square_sum(C, None, c, xp)[: s.near]
        import jax

        # Only what depends on c is computed three times.
        sums = jax.vmap(lambda weights: square_sum(C, None, c * xp.concatenate([weights, weights]), xp))(
            self.site_weights()
        )
        return combined(sums, self._K, xp)

    def site_weights(self) -> Any:
        """The weights of e_1, ..., e_4 in three sums: f + n m for site 1, the same for sites 1 and 2, and e_s - e_t."""
        xp = self._xp
        one = xp.ones_like(self._flat[..., 0])
        third, half = (self._K - 1.0) / 3.0 * one, (self._K - 2.0) / 2.0 * one
        rows = [[one, third, third, third], [one, one, half, half], [0.0 * one, 0.0 * one, one, -one]]
        return xp.stack([xp.stack(row) for row in rows])

    def derivatives(self) -> Any:
        """<g_1'^2> and <g_1' g_2'> (the first alone of a single unit)."""
        return self._slopes.both[: self._s.near]

    @cached_property
    def _slopes(self) -> Slopes:
        """The slopes of x_1 with each of x_1, x_2, y_1, y_2."""
        near = self._s.near
        averages = averages_of(self._s.units(near), 1, False, None, self._s.reach)
        found = averages.slopes(covariance(self._flat, near, near, self._xp), None, self._xp)
        return Slopes(*(part[0] for part in found))

    def _of_orbits(self, same: Any, other: Any) -> list[list[Any]]:
        """Row z, column q: the sum of the overlaps of the unit z of site 1 (or 2) with the orbit of q."""
        n = self._K - 1.0
        if self._s.near == 1:
            return [[same]]
        return [[same, n * other], [other, same + (n - 1.0) * other]]


def _joined(QC: list[list[Any]], RS: list[list[Any]], T: list[list[Any]]) -> list[list[Any]]:
    """[[QC, RS], [RS, T]]."""
    above = [a + b for a, b in zip(QC, RS, strict=True)]
    below = [a + b for a, b in zip(RS, T, strict=True)]
    return above + below


def combined(sums: Any, K: Any, xp: Any) -> Any:
    """<delta_1^2> and <delta_1 delta_2> from the sums with `SiteMoments.site_weights` (rows) of the pairs 11, 12."""

    def excess(n: Any, r: float) -> Any:
        return 0.5 * (n * n / r - n)

    same = sums[0, 0] - excess(K - 1.0, 3.0) * sums[2, 0]
    other = sums[1, 1] - excess(K - 2.0, 2.0) * sums[2, 1]
    return xp.stack([same, other])


def error(structure: Structure, flat: Any, K: Any, xp: Any) -> Any:
    """eps_g = <e^2> / 2 = K <e_1^2> / 2 + K (K - 1) <e_1 e_2> / 2 of flat states (..., n).

    A difference of nearly equal numbers: its absolute error is about 1e-16 K^2 times the largest <g g>.
    """
    near = structure.near
    averages: Averages = averages_of(structure.units(near), near, False, None, structure.reach)
    C = covariance(flat, near, near, xp)
    # x_s x_s', x_s y_s', y_s y_s' of the same site, and of two.
    x, y = 0, near
    rows, columns = np.array([(x, x), (x, y), (y, y), (x, x + 1), (x, y + 1), (y, y + 1)][: 3 * near]).T
    found = averages.outputs_of(rows, columns, C, None, xp)
    same = found[..., 0] - 2.0 * found[..., 1] + found[..., 2]
    if near == 1:
        return 0.5 * K * same
    other = found[..., 3] - 2.0 * found[..., 4] + found[..., 5]
    return 0.5 * K * (same + (K - 1.0) * other)
