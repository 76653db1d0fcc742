"""The order-parameter equations of a two-layer student in JAX: averages of the modulation, put into an arrangement.

    dR_in/dalpha = eta <F_i y_n>
    dQ_ik/dalpha = eta (<F_i x_k> + <F_k x_i>) + eta^2 <F_i F_k>                     [Straat 2018, p. 13 and 28-31]
    dw_i/dalpha     = eta_w (<(tau - sigma) g_i> - lambda_w w_i)
    dtheta_i/dalpha = eta_theta <F_i>
    deta/dalpha     = h(<e>, eta), where the learning rate adapts

`geometry` says which overlaps there are, `gradient` what the averages are; an option that is off is not computed.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from learndyn import schedules
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Flow
from learndyn.scenarios.student_teacher.adaptive_rate import speed
from learndyn.scenarios.student_teacher.geometry import arrangement_of
from learndyn.scenarios.student_teacher.gradient import GradientMoments, biases
from learndyn.scenarios.student_teacher.layout import Block, Layout
from learndyn.scenarios.student_teacher.structure import Structure
from learndyn.scenarios.student_teacher.training_error import training_error

# Rates in the order of `Structure.schedules`.
RATES = ("learning_rate", "output_learning_rate", "bias_learning_rate")


@cache
def layout_of(structure: Structure) -> Layout:
    """The state: the arrangement's overlaps, then the student's own numbers."""
    K = structure.K
    own = [Block("w", (K,))] if structure.weighted else []
    own += [Block("theta", (K,))] if structure.biased else []
    own += [Block("eta", ())] if structure.adaptive else []
    return Layout((*arrangement_of(structure).blocks, *own))


@cache
def make_flow(structure: Structure) -> Flow:
    """The flow of a scenario of this structure."""
    drift = drift_function(structure, jax_namespace())
    layout = layout_of(structure)
    Q = layout.slices["Q"]
    block = next(block for block in layout.blocks if block.name == "Q")
    diagonal = _diagonal(block)

    def size(states: Any) -> Any:
        """trace Q: it grows without bound exactly when the weights do (and the squares of w and theta)."""
        return sum(
            (states[..., layout.slices[name]] ** 2).sum(-1) for name in ("w", "theta") if name in layout.slices
        ) + states[..., Q.start + diagonal].sum(-1)

    jumps = any(structure.schedules) or getattr(structure.motion, "knots", ())
    # Quadratures work on long vectors: their programs are worth a slower compilation.
    long = structure.pairs_by_quadrature or structure.fours_by_quadrature or structure.samples is not None
    quick = False if long else None
    knots = partial(_knots, structure) if jumps else None
    return Flow(structure.key, drift, size, quick, knots=knots, frozen=_frozen(structure, layout))


def _frozen(structure: Structure, layout: Layout) -> tuple[int, ...]:
    """Places of output weights and biases that do not learn; w on the fast scale is that at the start."""
    given = {"w": structure.output_rule != "N", "theta": not structure.learned_biases}
    slices = [layout.slices[name] for name in given if given[name] and name in layout.slices]
    return tuple(place for block in slices for place in range(block.start, block.stop))


def _knots(structure: Structure, values: dict[str, Any]) -> np.ndarray:
    """Times at which a rate or the teacher jumps or has a corner."""
    found = [np.asarray(getattr(structure.motion, "knots", ()), dtype=float)]
    for name, form in zip(RATES, structure.schedules, strict=True):
        if form is not None and name in values:
            found.append(schedules.knots_of(form, values[name]))
    return np.concatenate(found)


def _diagonal(block: Block) -> np.ndarray:
    """Places of the squared lengths in the block Q: (K,) in a tree, (K, K) or (L, K, K) else."""
    if len(block.shape) == 1:
        return block.places
    return np.diagonal(block.places, axis1=-2, axis2=-1).reshape(-1)


def drift_function(structure: Structure, xp: Any) -> Any:
    """drift(alpha, state, values)."""
    layout, arrangement = layout_of(structure), arrangement_of(structure)

    def drift(alpha: Any, flat: Any, values: dict[str, Any]) -> Any:
        parts = layout.unpack(flat)
        units = arrangement.units(parts, values, alpha, xp)
        moments = moments_at(structure, parts, units, values, xp)
        eta = learning_rate(structure, parts, values, alpha, xp)
        learned = arrangement.learning(parts, moments, eta, values, alpha, xp)
        if structure.decays:
            decay = arrangement.decay(parts, xp)
            learned = {name: learned[name] + values["weight_decay"] * decay[name] for name in learned}
        slopes = {name: eta * learned[name] for name in learned}
        for name, change in arrangement.motion(parts, values, alpha, xp).items():
            slopes[name] = slopes[name] + change if name in slopes else change
        slopes |= _own_slopes(structure, parts, moments, values, alpha, xp)
        if structure.adaptive:
            w = output_weights(structure, parts, units, values, xp)
            seen = training_error(structure, parts, units, w, values, xp)
            slopes["eta"] = xp.reshape(speed(structure.adaptive, seen, eta, values["learning_rate"], xp), (1,))
        return xp.concatenate([slopes[block.name] for block in layout.blocks])

    return drift


def moments_at(structure: Structure, parts: Any, units: Any, values: dict[str, Any], xp: Any) -> Any:
    """The averages of the rule at one state."""
    if structure.rule not in ("gradient", "momentum", "natural_gradient"):
        from learndyn.scenarios.student_teacher.modulation import rule_moments

        return rule_moments(structure, parts, units, values, xp)
    m = biases(structure, units, parts, values, xp)
    return GradientMoments(structure, units, m, output_weights(structure, parts, units, values, xp), values, xp)


def output_weights(structure: Structure, parts: Any, units: Any, values: dict[str, Any], xp: Any) -> Any:
    """w, (K,); on the fast time scale its least-squares value; None where all are one."""
    if not structure.weighted:
        return None
    if structure.output_rule != "fast":
        return parts["w"]
    m = biases(structure, units, parts, values, xp)
    return GradientMoments(structure, units, m, parts["w"], values, xp).least_squares()


def _own_slopes(structure: Structure, parts: Any, moments: Any, values: Any, alpha: Any, xp: Any) -> dict[str, Any]:
    """What changes the student's own numbers."""
    slopes: dict[str, Any] = {}
    if structure.weighted:
        slopes["w"] = xp.zeros(structure.K)
        if structure.output_rule == "N":
            change = moments.outputs()
            if structure.output_decays:
                change = change - values["output_weight_decay"] * parts["w"]
            slopes["w"] = rate(structure, 1, values, alpha, xp) * change
    if structure.biased:
        slopes["theta"] = xp.zeros(structure.K)
        if structure.learned_biases:
            slopes["theta"] = rate(structure, 2, values, alpha, xp) * moments.mean()
    return slopes


def learning_rate(structure: Structure, parts: Any, values: dict[str, Any], alpha: Any, xp: Any) -> Any:
    """eta of the first layer: that of the time alpha, or a number of the state."""
    if not structure.adaptive:
        return rate(structure, 0, values, alpha, xp)
    # Exactly it is never negative; the error of a solver must not turn learning round.
    return xp.where(parts["eta"] >= 0.0, parts["eta"], 0.0)


def rate(structure: Structure, which: int, values: dict[str, Any], alpha: Any, xp: Any) -> Any:
    """A learning rate at the time alpha: of the first layer, the output weights, or the biases."""
    form, numbers = structure.schedules[which], values[RATES[which]]
    return numbers if form is None else schedules.rate(form, alpha, numbers, xp)
