"""Averages of two units by quadrature: smooth functions on a lattice, others split where they are not smooth.

u = m1 + sigma1 n1,   v = m2 + a n1 + b n2,   a = s12 / sigma1,   b^2 = s22 - a^2

sqrt(s11) <g1'' g2> = <n1 g1' g2> - a <g1' g2'>     (Stein)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from learndyn.activations.averages.base import Slopes
from learndyn.activations.averages.quadrature_factor import pivot
from learndyn.activations.averages.quadrature_namespace import quick
from learndyn.activations.averages.quadrature_rules import step, step_constant
from learndyn.activations.averages.quadrature_traits import Traits, traits
from learndyn.activations.base import Activation

# So many pairs are evaluated at once: their nodes fit into the cache.
PAIRS_AT_ONCE = 16


def smooth_pair(first: Activation, second: Activation, radius: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(outputs, slopes) of two smooth activations on a grid of (2 radius + 1)^2 nodes."""
    kinds = traits(first), traits(second)
    g1, dg1 = first.functions["g"], first.functions["dg"]
    g2, dg2 = second.functions["g"], second.functions["dg"]

    def nodes(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> tuple[Any, ...]:
        """n1 (U, 1), weights, u (U, B), v (V, U, B), a, and the ratio of sigma1 to what stands for it."""
        sigma1 = pivot(s11, s11, True, xp)
        a = s12 / sigma1
        b = pivot(s22 - a * a, s22, True, xp)
        n1, w1, n2, w2 = _grid(kinds, radius, m1 is None, s11, s22, xp)
        u, v = sigma1 * n1[:, None], a * n1[:, None] + b * n2[:, None, None]
        if m1 is not None:
            u, v = u + m1, v + m2
        return n1[:, None], w1, w2, u, v, a, xp.root(s11) / sigma1

    def outputs(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
        _, w1, w2, u, v, _, _ = nodes(s11, s12, s22, m1, m2, xp)
        return w1 @ (g1(u, xp) * xp.tensordot(w2, g2(v, xp), 1))

    def slopes(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Slopes:
        n1, w1, w2, u, v, a, part = nodes(s11, s12, s22, m1, m2, xp)
        slope, value = dg1(u, xp), xp.tensordot(w2, g2(v, xp), 1)
        both = w1 @ (slope * xp.tensordot(w2, dg2(v, xp), 1))
        along = w1 @ (slope * n1 * value) - a * both
        plain = w1 @ (slope * value)
        if m1 is None and kinds[0].odd and kinds[1].odd:
            plain = 0.0 * plain
        return Slopes(part * along, both, plain)

    return outputs, slopes


def _grid(kinds: tuple[Traits, Traits], radius: int, unbiased: bool, s11: Any, s22: Any, xp: Any) -> tuple[Any, ...]:
    """n1 (U,), w1, n2 (V,), w2: one step for all pairs of a batch, that of the steepest (`quadrature_rules`)."""
    if kinds[0].degree is not None and kinds[1].degree is not None:
        n, w = np.polynomial.hermite_e.hermegauss((kinds[0].degree + kinds[1].degree) // 2 + 2)
        w = w / w.sum()
        return n, w, n, w
    constant = step_constant(radius, kinds[0].growth + kinds[1].growth)
    steepness = xp.maximum(xp.root(s11).max() / kinds[0].strip_2, xp.root(s22).max() / kinds[1].strip_2)
    H = step(constant, steepness, 1.0, xp)
    n2 = np.arange(-radius, radius + 1.0) * H
    w2 = _normal(n2, 1.0, xp)
    if not (unbiased and kinds[0].odd and kinds[1].odd):
        return n2, w2, n2, w2
    # u and -u contribute alike to all averages that do not vanish.
    n1 = n2[radius:]
    return n1, _normal(n1, np.where(np.arange(radius + 1) > 0, 2.0, 1.0), xp), n2, w2


def _normal(n: Any, times: Any, xp: Any) -> Any:
    weight = times * xp.exp(-0.5 * n * n)
    return weight / weight.sum()


def in_batches(formula: Callable[..., Any]) -> Callable[..., Any]:
    """The formula for arrays that broadcast, PAIRS_AT_ONCE of their elements at a time."""

    def batched(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
        xp = quick(xp)
        given = [s11, s12, s22] if m1 is None else [s11, s12, s22, m1, m2]
        arrays = xp.broadcast_arrays(*(xp.asarray(x, dtype=float) for x in given))
        shape = arrays[0].shape
        kinds: list[type] = []

        def rows(parts: Any) -> Any:
            found = formula(*parts, *([None, None] if m1 is None else []), xp)
            kinds.append(type(found))
            return xp.stack(found) if isinstance(found, Slopes) else found

        if arrays[0].size <= PAIRS_AT_ONCE:
            found = rows([x.reshape(-1) for x in arrays])
        else:
            # Whole batches, the last one filled up: the axis of pairs stays the last of all.
            places = np.arange(-(-arrays[0].size // PAIRS_AT_ONCE) * PAIRS_AT_ONCE) % arrays[0].size
            blocks = tuple(x.reshape(-1)[places].reshape(-1, PAIRS_AT_ONCE) for x in arrays)
            found = xp.moveaxis(xp.batched_map(rows, blocks, 1), 0, -2)
            found = found.reshape(*found.shape[:-2], -1)[..., : arrays[0].size]
        if kinds[0] is Slopes:
            return Slopes(*(part.reshape(shape) for part in found))
        return found.reshape(shape)

    return batched
