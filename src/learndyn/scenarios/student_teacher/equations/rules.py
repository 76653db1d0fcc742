"""What the averages of the modulation are: gradient descent with all options, Hebb, perceptron, AdaTron, a user's rule.

With c = (-w, v) over all units z = (x, y), and under dropout p^nu, nu the number of different students in a term,

    <delta_i t>       = w_i sum_q c_q <g_i' t g_q>
    <delta_i delta_k> = w_i w_k (sum_qr c_q c_r <g_i' g_k' g_q g_r> + s^2 <g_i' g_k'>) / b
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from learndyn.activations.formulas.choice import HEADS, Network
from learndyn.formulas.nodes import Different, Mean, call, entry, field, plus, times, total, written
from learndyn.formulas.system import Definition
from learndyn.scenarios.student_teacher.equations import letters
from learndyn.scenarios.student_teacher.equations.arrangements import Arrangement, C
from learndyn.scenarios.student_teacher.equations.letters import F, K, M, b, i, k, m, n, q, r

UNITS = K + M
T = field("t")


def rule_definitions(structure: Any, arrangement: Arrangement) -> list[Definition]:
    """The averages of the scenario's rule, and of its output."""
    if letters.descends(structure):
        return _gradient(structure, arrangement)
    network = Network(structure.activations, structure.K, structure.has_means)
    if structure.rule == "hebb":
        found = _hebb(structure, arrangement)
    elif structure.rule in ("perceptron", "adatron"):
        found = _signs(structure, arrangement)
    else:
        found = _own(structure)
    outputs = network.definitions(["outputs"], T, lambda a: Mean(T, field("z", a)))
    heads = [definition.head for definition in found]
    return [*found, *(definition for definition in outputs if definition.head not in heads)]


def dropped(structure: Any, *units: Any) -> Any:
    """p^nu, None without dropout."""
    if not structure.dropout:
        return None
    with written():
        return letters.keep ** Different(*units)


def _gradient(structure: Any, arrangement: Arrangement) -> list[Definition]:
    network = Network(structure.activations, structure.K, structure.has_means)
    t = T if arrangement.general else field("z", b)
    kinds = ["three", "outputs"]

    def covariance(unit: Any) -> Any:
        return Mean(T, field("z", unit)) if arrangement.general else C(unit, b)

    found = [_response(structure, t)]
    if structure.learned_biases or structure.shifted:
        kinds.append("first")
        with written():
            drops = dropped(structure, i, q)
            first = total(q, UNITS, times(entry("c", q), drops, Mean(field("dg", i), field("g", q))))
            found.append(Definition(Mean(field("delta", i)), times(letters.w(structure, i), first)))
    if structure.dynamics == "sgd":
        kinds.append("four")
        found.append(_gradient_square(structure))
        if structure.noisy:
            kinds.append("both")
    if structure.rule == "natural_gradient":
        kinds.append("both")
        found += _information(structure)
    if structure.output_rule == "N":
        found.append(_output_force(structure))
    if structure.adaptive:
        found.append(_training_error(structure))
    averages = network.definitions(kinds, t, covariance)
    if network.classical is None:
        averages = [d for d in averages if d.head != HEADS["both"]]
    return found + averages


def _response(structure: Any, t: Any) -> Definition:
    """<delta_i t>."""
    with written():
        three = Mean(field("dg", i), t, field("g", q))
        summed = total(q, UNITS, times(entry("c", q), dropped(structure, i, q), three))
        return Definition(Mean(field("delta", i), t), times(letters.w(structure, i), summed))


def _gradient_square(structure: Any) -> Definition:
    """<delta_i delta_k>."""
    with written():
        drops = dropped(structure, i, k, q, r)
        term = times(entry("c", q), entry("c", r), drops, HEADS["four"])
        body = total(q, UNITS, total(r, UNITS, term))
        if structure.noisy:
            body = body + times(letters.noise**2, dropped(structure, i, k), HEADS["both"])
        weights = [letters.w(structure, unit) for unit in (i, k)]
        if structure.batched:
            weights.append(1 / letters.batch)
        return Definition(Mean(field("delta", i), field("delta", k)), times(*weights, body))


def _output_force(structure: Any) -> Definition:
    """<(tau - sigma) g_i>."""
    with written():
        term = times(entry("c", q), dropped(structure, i, q), Mean(field("g", i), field("g", q)))
        return Definition(Mean(field("error"), field("g", i)), total(q, UNITS, term))


def _training_error(structure: Any) -> Definition:
    """The mean error that the learner sees."""
    with written():
        term = times(entry("c", q), entry("c", r), dropped(structure, q, r), HEADS["outputs"])
        noise = sp.Rational(1, 2) * letters.noise**2 if structure.noisy else None
        body = plus(sp.Rational(1, 2) * total(q, UNITS, total(r, UNITS, term)), noise)
        return Definition(Mean(field("squared")), body)


def _information(structure: Any) -> list[Definition]:
    """a_ik and G_(ij)(kl), with which the step of natural gradient descent is solved."""
    j, l = letters.j, letters.l
    weights = [letters.w(structure, unit) for unit in (i, k)]
    inside = Mean(field("dg", i), field("dg", k), field("x", j), field("x", l))
    with written():
        return [
            Definition(entry("a", i, k), times(*weights, HEADS["both"])),
            Definition(entry("G", i, j, k, l), times(*weights, inside)),
        ]


def _hebb(structure: Any, arrangement: Arrangement) -> list[Definition]:
    """F_i = tau."""
    network = Network(structure.activations, structure.K, structure.has_means)
    unit_n, unit_m, v = K + n, K + m, "v" if structure.weighted else None

    def weight(index: Any) -> Any:
        return entry(v, index) if v else None

    with written():
        t = T if arrangement.general else field("z", b)
        to = Mean(t, field("y", n)) if arrangement.general else C(unit_n, b)
        along = total(n, M, times(weight(n), Mean(field("dg", unit_n)), to))
        found = [Definition(Mean(field("F", i), t), along)]
        if structure.shifted:
            found.append(Definition(Mean(field("F", i)), total(n, M, times(weight(n), Mean(field("g", unit_n))))))
            found.append(Definition(Mean(field("g", q)), None, "by the normal law of z_q"))
        if structure.dynamics == "sgd":
            outputs = Mean(field("g", unit_n), field("g", unit_m))
            body = total(n, M, total(m, M, times(weight(n), weight(m), outputs)))
            body = plus(body, letters.noise**2 if structure.noisy else None)
            found.append(Definition(Mean(field("F", i), field("F", k)), times(*_batch(structure), body)))
    return found + network.definitions(["slope"], T, lambda a: C(a, b))


def _batch(structure: Any) -> list[Any]:
    with written():
        return [1 / letters.batch] if structure.batched else []


def _signs(structure: Any, arrangement: Arrangement) -> list[Definition]:
    """One unit that learns from the sign of another, on mistakes alone; phi is the angle between J and B."""
    Q, R, teacher = C(1, 1), C(1, 2), C(2, 2)
    angle = sp.Symbol("varphi")
    with written():
        if structure.rule == "perceptron":
            on_x = -sp.sqrt(Q / (2 * sp.pi)) * (1 - sp.cos(angle))
            on_y, square = sp.sqrt(teacher / (2 * sp.pi)) * (1 - sp.cos(angle)), angle / sp.pi
        else:
            square = Q / sp.pi * (angle - sp.sin(angle) * sp.cos(angle))
            on_x = -Q / sp.pi * (angle - sp.sin(angle) * sp.cos(angle))
            on_y = sp.sqrt(Q * teacher) / sp.pi * (sp.sin(angle) - angle * sp.cos(angle))
        one = sp.Integer(1)
        found = [
            Definition(Mean(field("F", i), field("x", k)), on_x),
            Definition(Mean(field("F", i), field("y", n)), on_y),
            Definition(entry("angle"), sp.acos(R / sp.sqrt(Q * teacher)), shown=False),
        ]
        if arrangement.general:
            found.append(_in_plane(Q, R, teacher))
        if structure.dynamics == "sgd":
            found.append(Definition(Mean(field("F", i), field("F", k)), times(*_batch(structure), square)))
    del one
    return found


def _in_plane(Q: Any, R: Any, teacher: Any) -> Definition:
    """<F t> of a variable t of the plane of x and y."""
    x, y = field("x", 1), field("y", 1)
    with written():
        to_x, to_y, Delta = Mean(T, x), Mean(T, y), Q * teacher - R**2
        on_x = (teacher * to_x - R * to_y) / Delta * Mean(field("F", i), x)
        on_y = (Q * to_y - R * to_x) / Delta * Mean(field("F", i), y)
        return Definition(Mean(field("F", i), T), on_x + on_y)


def _own(structure: Any) -> list[Definition]:
    """A rule of the user's own: F_i = f(x_i, sigma, tau), averaged over all units."""
    note = "by quadrature over z"
    found = [Definition(Mean(field("F", i), T), None, note)]
    if structure.shifted or structure.has_means:
        found.append(Definition(Mean(field("F", i)), None, note))
    if structure.dynamics == "sgd":
        found.append(Definition(Mean(field("F", i), field("F", k)), None, note))
    return found


def error_formula(structure: Any) -> Any:
    """eps_g."""
    with written():
        c = "c_bar" if structure.dropout else "c"
        term = times(entry(c, q), entry(c, r), HEADS["outputs"])
        return sp.Rational(1, 2) * total(q, UNITS, total(r, UNITS, term))


__all__ = ["F", "call", "dropped", "error_formula", "rule_definitions"]
