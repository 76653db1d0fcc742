"""The averages that gradient descent needs: F_i = delta_i = w_i g_i'(x_i + theta_i) (tau - sigma), with all options.

With c = (-w, v) over all units and <g_i' z g_q> by Stein's lemma (`activations.averages.base`),

    <delta_i z>       = w_i sum_q c_q <g_i' z g_q>
    <delta_i>         = w_i sum_q c_q <g_i' g_q>
    <delta_i delta_k> = w_i w_k [sum_pq c_p c_q <g_i' g_k' g_p g_q> + s^2 <g_i' g_k'>] / b

for label noise of standard deviation s and minibatches of b examples. Dropout with keep probability p multiplies each
term by p to the power of the number of different student units in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.activations.averages.tables import Averages, averages_of
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.geometry.base import Parts, Units
from learndyn.scenarios.student_teacher.structure import Structure


def network_averages(structure: Structure) -> Averages:
    """The averages of the scenario's units."""
    return averages_of(structure.activations, structure.K, structure.has_means, structure.samples, structure.reach)


def biases(structure: Structure, units: Units, parts: Parts, values: Parts, xp: Any) -> Any:
    """Means of the arguments of the activations, (..., n): theta and phi, and the input's; None: there are none."""
    if not structure.biased:
        return units.shift
    theta = parts["theta"]
    own = xp.concatenate([theta, xp.broadcast_to(values["phi"], (*theta.shape[:-1], structure.M))], axis=-1)
    return own if units.shift is None else own + units.shift


def coefficients(structure: Structure, w: Any, values: Parts, xp: Any) -> Any:
    """c = (-w, v), (..., n); a constant where all are one."""
    if w is None:
        return np.concatenate([-np.ones(structure.K), np.ones(structure.M)])
    return xp.concatenate([-w, xp.broadcast_to(values["v"], (*w.shape[:-1], structure.M))], axis=-1)


def dropout_factors(structure: Structure, keep: Any, xp: Any) -> Any:
    """p^(number of different student units among i, q), (K, n)."""
    K, n = structure.K, structure.n
    power = 1 + (np.arange(n) < K) - np.eye(K, n, dtype=int)
    return xp.where(power == 1, keep, keep * keep)


class GradientMoments:
    """Averages of delta at one state (`geometry.base.Moments`), and what the second layer and the biases need."""

    def __init__(self, structure: Structure, units: Units, m: Any, w: Any, values: Parts, xp: Any) -> None:
        self._s, self._C, self._m, self._w, self._values, self._xp = structure, units.C, m, w, values, xp
        self._averages = network_averages(structure)
        self._c = coefficients(structure, w, values, xp)
        self._slopes: Any = None

    def on_units(self) -> Any:
        """<delta_i (z_b - <z_b>)>, (K, n)."""
        sums = self._averages.gradient_sum
        if sums is None or self._s.dropout:
            return self.on(self._C)
        return self._weighted(sums(self._C, self._c, self._s.K, self._xp))

    def on(self, targets: Any) -> Any:
        """<delta_i t> by Stein's lemma: <t x_i> <g_i'' e> + sum_q c_q <g_i' g_q'> <t z_q>."""
        xp, K = self._xp, self._s.K
        along, both, _ = self._summed_slopes()
        scale = xp.root(xp.diagonal(self._C)[:K])
        found = xp.ratio(targets[:K], scale[:, None]) * along[:, None] + xp.product(both, targets)
        return self._weighted(found)

    def mean(self) -> Any:
        """<delta_i>, (K,)."""
        return self._weighted(self._summed_slopes()[2])

    def square(self) -> Any:
        """<delta_i delta_k>, i <= k, over the size of a minibatch; None for the gradient flow."""
        s, xp = self._s, self._xp
        if s.dynamics != "sgd":
            return None
        square = self._dropped_square() if s.dropout else self._averages.square_sum(self._C, self._m, self._c, xp)
        if s.noisy:
            square = square + self._noise()
        if self._w is not None:
            i, k = state.upper(s.K)
            square = square * (self._w[i] * self._w[k])
        return square / self._values["batch_size"] if s.batched else square

    def outputs(self) -> Any:
        """<(tau - sigma) m_i g_i>, (K,): what moves the output weights."""
        return (self._masked(self._c) * self._gram()[: self._s.K]).sum(-1)

    def information(self) -> tuple[Any, Any]:
        """The Fisher information w_i w_k <g_i' g_k'>, (K, K), and w_i w_k <g_i' g_k' x_p x_q>, order (i, p, k, q)."""
        xp, places = self._xp, state.places(self._s.K)
        beyond = self._averages.derivatives(self._C, self._m, xp)[places]
        inside = self._averages.student_moments(self._C, self._m, xp)[places]  # (i, k, p, q)
        if self._w is not None:
            weight = self._w[:, None] * self._w
            beyond, inside = beyond * weight, inside * weight[:, :, None, None]
        return beyond, xp.swapaxes(inside, 1, 2)

    def least_squares(self) -> Any:
        """The output weights at which `outputs` less the decay vanishes; `second_layer` explains it."""
        from learndyn.scenarios.student_teacher.second_layer import least_squares

        s, values, K = self._s, self._values, self._s.K
        gram = self._gram()[..., :K, :] * self._masked(np.ones((K, s.n)))
        matrix = gram[..., :K]
        if s.output_decays:
            matrix = matrix + values["output_weight_decay"] * np.eye(K)
        target = (gram[..., K:] * values["v"]).sum(-1)
        return least_squares(matrix, target, self._w, self._xp)

    def _gram(self) -> Any:
        return self._averages.outputs(self._C, self._m, self._xp)

    def _weighted(self, signal: Any) -> Any:
        if self._w is None:
            return signal
        return signal * (self._w if signal.ndim == 1 else self._w[:, None])

    def _masked(self, c: Any) -> Any:
        """c_q times the factors of dropout, (K, n) or (n,)."""
        return c * dropout_factors(self._s, self._values["dropout_keep"], self._xp) if self._s.dropout else c

    def _summed_slopes(self) -> tuple[Any, Any, Any]:
        """sum_q c_q sqrt(Q_ii) <g_i'' g_q>, c_q <g_i' g_q'>, sum_q c_q <g_i' g_q>."""
        if self._slopes is None:
            slopes = self._averages.slopes(self._C, self._m, self._xp)
            c = self._masked(self._c)
            self._slopes = (c * slopes.along).sum(-1), c * slopes.both, (c * slopes.first).sum(-1)
        return self._slopes

    def _noise(self) -> Any:
        """s^2 <g_i' g_k'>."""
        s, K = self._values["label_noise"] ** 2, self._s.K
        found = s * self._averages.derivatives(self._C, self._m, self._xp)
        if not self._s.dropout:
            return found
        i, k = state.upper(K)
        keep = self._values["dropout_keep"]
        return found * self._xp.where(i == k, keep, keep * keep)

    def _dropped_square(self) -> Any:
        """sum_pq c_p c_q p^(different students among i, k, p, q) <g_i' g_k' g_p g_q>."""
        K, n = self._s.K, self._s.n
        i, k = (index[:, None, None] for index in state.upper(K))
        p, q = np.arange(n)[:, None], np.arange(n)
        new_p = (p < K) & (p != i) & (p != k)
        new_q = (q < K) & (q != i) & (q != k) & (q != p)
        power = 1 + (i != k) + new_p + new_q
        table = self._averages.square_table(self._C, self._m, self._xp)
        return (table * self._values["dropout_keep"] ** power * self._c[:, None] * self._c).sum((-2, -1))
