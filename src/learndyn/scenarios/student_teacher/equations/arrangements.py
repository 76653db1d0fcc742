"""How each order parameter changes, from averages of the modulation F: one function for each arrangement of vectors.

    dR_in/dalpha = eta <F_i y_n> - eta lambda R_in
    dQ_ik/dalpha = eta (<F_i x_k> + <F_k x_i>) - 2 eta lambda Q_ik + eta^2 <F_i F_k>

Written from the update rule, apart from `geometry`, which computes with the same equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from learndyn.formulas.nodes import Mean, entry, field, minus, plus, times, total, written
from learndyn.formulas.system import Definition, Equation
from learndyn.scenarios.student_teacher.equations import letters
from learndyn.scenarios.student_teacher.equations.letters import F, a, b, damping, decay, eta, i, j, k, l, m, n, p, q


@dataclass(frozen=True)
class Arrangement:
    """What an arrangement says: its equations, the laws of its variables, and the variable t of <g_i' t g_q>."""

    equations: tuple[Equation, ...]
    definitions: tuple[Definition, ...]
    # A unit z_b, with covariances C, or any t with its own covariances.
    general: bool = False


def C(first: Any, second: Any) -> Any:
    """<z_a z_b>."""
    return entry("C", first, second)


def arrangement_of(structure: Any) -> Arrangement:
    """The arrangement that the scenario has."""
    if structure.rule == "momentum":
        return inertia(structure)
    if structure.rule == "natural_gradient":
        return natural(structure)
    if structure.tree:
        return tree(structure)
    if structure.spectrum:
        return spectrum(structure)
    if structure.shifted:
        return shifted(structure)
    if structure.motion not in (None, "random_walk"):
        return moving(structure)
    return full(structure)


def _decay(structure: Any, times_: int, body: Any) -> Any:
    """- times eta lambda body."""
    if not structure.decays:
        return None
    return minus(times(sp.Integer(2) if times_ == 2 else None, eta, decay, body))


def _square(structure: Any, first: Any, second: Any, *factors: Any) -> Any:
    """eta^2 ... <F_i F_k>, None in a gradient flow."""
    if structure.dynamics != "sgd":
        return None
    with written():
        return times(eta**2, *factors, letters.square(structure, first, second))


def _pairwise(structure: Any, first: Any, second: Any) -> Any:
    """eta (<F_i x_k> + <F_k x_i>)."""
    with written():
        return eta * plus(Mean(F(structure, i), second), Mean(F(structure, k), first))


def _laws(structure: Any, *more: Definition) -> tuple[Definition, ...]:
    """<x_i x_k> = Q_ik, <x_i y_n> = R_in, <y_n y_m> = T_nm."""
    x, y = "xf" if structure.shifted else "x", "yf" if structure.shifted else "y"
    return (
        Definition(C(a, b), Mean(field("z", a), field("z", b)), shown=False),
        Definition(Mean(field(x, i), field(x, k)), entry("Q", i, k)),
        Definition(Mean(field(x, i), field(y, n)), entry("R", i, n)),
        Definition(Mean(field(y, n), field(y, m)), entry("T", n, m)),
        *more,
    )


def full(structure: Any) -> Arrangement:
    """Every unit sees the whole input; the teacher may make a random walk of rate d."""
    K, M, walks = structure.K, structure.M, structure.motion == "random_walk"
    with written():
        walk_R = -letters.walk * entry("R", i, n) if walks else None
        found = [
            Equation(
                "R", entry("R", i, n), (i, n), (K, M),
                plus(eta * Mean(F(structure, i), field("y", n)), _decay(structure, 1, entry("R", i, n)), walk_R),
            ),
            Equation(
                "Q", entry("Q", i, k), (i, k), (K, K),
                plus(_pairwise(structure, field("x", i), field("x", k)), _decay(structure, 2, entry("Q", i, k)),
                     _square(structure, i, k)),
                symmetric=True,
            ),
        ]  # fmt: skip
        if walks and M > 1:
            moved = -2 * letters.walk * entry("T", n, m)
            note = "for n and m that differ; T_nn stays"
            found.append(Equation("T", entry("T", n, m), (n, m), (M, M), moved * entry("unlike", n, m), True, note))
    return Arrangement(tuple(found), _laws(structure))


def tree(structure: Any) -> Arrangement:
    """Unit i sees branch i of the input alone."""
    K = structure.K
    with written():
        dR = plus(eta * Mean(F(structure, i), field("y", i)), _decay(structure, 1, entry("R", i)))
        dQ = plus(2 * eta * Mean(F(structure, i), field("x", i)), _decay(structure, 2, entry("Q", i)),
                  _square(structure, i, i))  # fmt: skip

    def alike(places: tuple[int, ...]) -> bool:
        return places[0] == places[1]

    zero = sp.Integer(0)
    laws = (
        Definition(C(a, b), Mean(field("z", a), field("z", b)), shown=False),
        Definition(Mean(field("x", i), field("x", k)), entry("Q", i), "for i = k, else 0", alike),
        Definition(Mean(field("x", i), field("x", k)), zero, shown=False),
        Definition(Mean(field("x", i), field("y", n)), entry("R", i), "for i = n, else 0", alike),
        Definition(Mean(field("x", i), field("y", n)), zero, shown=False),
        Definition(Mean(field("y", n), field("y", m)), entry("T", n, m)),
    )
    equations = (Equation("R", entry("R", i), (i,), (K,), dR), Equation("Q", entry("Q", i), (i,), (K,), dQ))
    return Arrangement(equations, laws)


def spectrum(structure: Any) -> Arrangement:
    """Overlaps within each eigenspace l of the inputs, of variance lambda_l and share s_l."""
    K, M, L = structure.K, structure.M, structure.spectrum
    variance, share = entry("lambda", l), entry("c_share", l)
    with written():
        dR = plus(eta * Mean(F(structure, i), field("ys", l, n)), _decay(structure, 1, entry("R_space", l, i, n)))
        dQ = plus(
            _pairwise(structure, field("xs", l, i), field("xs", l, k)), _decay(structure, 2, entry("Q_space", l, i, k)),
            _square(structure, i, k, variance, share),
        )  # fmt: skip
        laws = (
            Definition(C(a, b), Mean(field("z", a), field("z", b)), shown=False),
            Definition(Mean(field("xs", l, i), field("x", k)), variance * entry("Q_space", l, i, k)),
            Definition(Mean(field("xs", l, i), field("y", n)), variance * entry("R_space", l, i, n)),
            Definition(Mean(field("ys", l, n), field("x", i)), variance * entry("R_space", l, i, n)),
            Definition(Mean(field("ys", l, n), field("y", m)), variance * share * entry("T", n, m)),
            Definition(Mean(field("x", i), field("x", k)), total(l, L, Mean(field("xs", l, i), field("x", k)))),
            Definition(Mean(field("x", i), field("y", n)), total(l, L, Mean(field("xs", l, i), field("y", n)))),
            Definition(Mean(field("y", n), field("y", m)), total(l, L, Mean(field("ys", l, n), field("y", m)))),
        )
    equations = (
        Equation("R_space", entry("R_space", l, i, n), (l, i, n), (L, K, M), dR),
        Equation("Q_space", entry("Q_space", l, i, k), (l, i, k), (L, K, K), dQ, symmetric=True),
    )
    return Arrangement(equations, laws, general=True)


def shifted(structure: Any) -> Arrangement:
    """Inputs with a mean mu: x = d + fluctuation, y = e + fluctuation."""
    K, M = structure.K, structure.M
    d, e, force = entry("d", i), entry("e", n), F(structure, i)

    def whole(first: Any, fluctuation: Any, own: Any) -> Any:
        return Mean(first, fluctuation) + Mean(first) * own

    with written():
        dR = eta * (Mean(force, field("yf", n)) + Mean(force) * e)
        pair = whole(force, field("xf", k), entry("d", k)) + whole(F(structure, k), field("xf", i), d)
        dQ = plus(eta * pair, _decay(structure, 2, entry("Q", i, k)), _square(structure, i, k))
        dd = eta * (Mean(force, field("mf")) + Mean(force) * sp.Symbol("mu_square"))
        dR, dd = plus(dR, _decay(structure, 1, entry("R", i, n))), plus(dd, _decay(structure, 1, d))
    laws = _laws(
        structure,
        Definition(Mean(field("xf", i), field("mf")), d),
        Definition(Mean(field("yf", n), field("mf")), e),
    )
    equations = (
        Equation("R", entry("R", i, n), (i, n), (K, M), dR),
        Equation("Q", entry("Q", i, k), (i, k), (K, K), dQ, symmetric=True),
        Equation("d", d, (i,), (K,), dd),
    )
    return Arrangement(equations, laws, general=True)


def moving(structure: Any) -> Arrangement:
    """The teacher is a combination of fixed vectors, y_n = sum_p A_np(alpha) e_p."""
    K, P = structure.K, structure.motion.references(structure.M)
    R = entry("R", i, p)
    with written():
        dR = plus(eta * Mean(F(structure, i), field("e", p)), _decay(structure, 1, R))
        dQ = plus(_pairwise(structure, field("x", i), field("x", k)), _decay(structure, 2, entry("Q", i, k)),
                  _square(structure, i, k))  # fmt: skip
        laws = (
            Definition(C(a, b), Mean(field("z", a), field("z", b)), shown=False),
            Definition(Mean(field("x", i), field("x", k)), entry("Q", i, k)),
            Definition(Mean(field("x", i), field("e", p)), R),
            Definition(Mean(field("y", n), field("e", p)), total(q, P, entry("A", n, q) * entry("T", q, p))),
            Definition(Mean(field("x", i), field("y", n)), total(p, P, entry("A", n, p) * R)),
            Definition(
                Mean(field("y", n), field("y", m)),
                total(p, P, entry("A", m, p) * Mean(field("y", n), field("e", p))),
            ),
        )
    equations = (
        Equation("R_reference", R, (i, p), (K, P), dR),
        Equation("Q", entry("Q", i, k), (i, k), (K, K), dQ, symmetric=True),
    )
    return Arrangement(equations, laws, general=True)


def inertia(structure: Any) -> Arrangement:
    """Velocities V_i with friction gamma, u = V xi."""
    K, M = structure.K, structure.M
    RV, QJV, QV = entry("RV", i, n), entry("QJV", i, k), entry("QV", i, k)
    with written():
        crossed = entry("QJV", i, k) + entry("QJV", k, i)
        dRV = plus(-damping * RV, eta * Mean(F(structure, i), field("y", n)), _decay(structure, 1, entry("R", i, n)))
        dQJV = plus(
            QV - damping * QJV, eta * Mean(F(structure, k), field("x", i)), _decay(structure, 1, entry("Q", i, k))
        )
        dQV = plus(
            -2 * damping * QV, _pairwise(structure, field("u", i), field("u", k)),
            minus(times(eta, decay, crossed)) if structure.decays else None, _square(structure, i, k),
        )  # fmt: skip
    laws = _laws(
        structure,
        Definition(Mean(field("u", k), field("x", i)), entry("QJV", i, k)),
        Definition(Mean(field("u", k), field("y", n)), entry("RV", k, n)),
    )
    equations = (
        Equation("R", entry("R", i, n), (i, n), (K, M), RV),
        Equation("Q", entry("Q", i, k), (i, k), (K, K), crossed, symmetric=True),
        Equation("RV", RV, (i, n), (K, M), dRV),
        Equation("QJV", QJV, (i, k), (K, K), dQJV),
        Equation("QV", QV, (i, k), (K, K), dQV, symmetric=True),
    )
    return Arrangement(equations, laws, general=True)


def natural(structure: Any) -> Arrangement:
    """Steps along the inverse of the Fisher information."""
    K, M = structure.K, structure.M
    X, inverse, of_Q = entry("X", i, j), entry("a_inverse", i, k), entry("Q_inverse", j, l)
    left = Mean(F(structure, k), field("y", n))
    with written():
        inside = total(j, K, total(l, K, Mean(F(structure, k), field("x", j)) * of_Q * entry("R", l, n)))
        beyond = total(k, K, inverse * (left - inside))
        dR = plus(eta * (total(j, K, X * entry("R", j, n)) + beyond), _decay(structure, 1, entry("R", i, n)))
        spread = None
        if structure.dynamics == "sgd":
            step = entry("a_inverse", i, j) * letters.square(structure, j, l) * entry("a_inverse", l, k)
            spread = eta**2 * total(j, K, total(l, K, step))
        along = eta * total(j, K, X * entry("Q", j, k) + entry("X", k, j) * entry("Q", j, i))
        dQ = plus(along, _decay(structure, 2, entry("Q", i, k)), spread)
    equations = (
        Equation("R", entry("R", i, n), (i, n), (K, M), dR),
        Equation("Q", entry("Q", i, k), (i, k), (K, K), dQ, symmetric=True),
    )
    return Arrangement(equations, _laws(structure))
