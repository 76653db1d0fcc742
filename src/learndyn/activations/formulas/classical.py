"""Averages of erf, ReLU and linear units without biases, as Saad & Solla (1995) and Straat (2018) write them.

three(i, q, to)   <g_i' t g_q> for a Gaussian variable t with the covariances ``to(a)`` = <t z_a>
outputs(q, r)     <g_q g_r>
both(i, k)        <g_i' g_k'>
first(i, q)       <g_i' g_q>
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from learndyn.formulas.nodes import Mean, entry, field, symbols, written
from learndyn.formulas.system import Definition

i, k, q, r, a, b = symbols("i k q r a b")
To = Callable[[Any], Any]
CLASSICAL = ("erf", "relu", "linear")


def C(first: Any, second: Any) -> Any:
    """<z_a z_b>."""
    return entry("C", first, second)


def rho(first: Any, second: Any) -> Any:
    """The correlation."""
    return entry("rho", first, second)


def rho_bar(first: Any, second: Any) -> Any:
    """sqrt(1 - rho^2)."""
    return entry("rho_bar", first, second)


def three(name: str, to: To) -> Any:
    """<g_i' t g_q>."""
    with written():
        if name == "linear":
            return to(q)
        if name == "erf":
            tilted = to(q) - to(i) * C(i, q) / (1 + C(i, i))
            return 2 * tilted / (sp.pi * sp.sqrt((1 + C(i, i)) * (1 + C(q, q)) - C(i, q) ** 2))
        along = to(i) * sp.sqrt(C(i, i) * C(q, q) - C(i, q) ** 2) / (2 * sp.pi * C(i, i))
        return along + to(q) * (sp.Rational(1, 4) + sp.asin(rho(i, q)) / (2 * sp.pi))


def outputs(name: str) -> Any:
    """<g_q g_r>."""
    with written():
        if name == "linear":
            return C(q, r)
        if name == "erf":
            return 2 / sp.pi * sp.asin(C(q, r) / sp.sqrt((1 + C(q, q)) * (1 + C(r, r))))
        root = sp.sqrt(C(q, q) * C(r, r) - C(q, r) ** 2)
        return C(q, r) / 4 + (root + C(q, r) * sp.asin(rho(q, r))) / (2 * sp.pi)


def both(name: str) -> Any:
    """<g_i' g_k'>."""
    with written():
        if name == "linear":
            return sp.Integer(1)
        if name == "erf":
            return 2 / (sp.pi * sp.sqrt((1 + C(i, i)) * (1 + C(k, k)) - C(i, k) ** 2))
        return sp.Rational(1, 4) + sp.asin(rho(i, k)) / (2 * sp.pi)


def slope(name: str) -> Any:
    """<g_q'> of a single unit."""
    with written():
        if name == "linear":
            return sp.Integer(1)
        if name == "relu":
            return sp.Rational(1, 2)
        return sp.sqrt(2 / sp.pi) / sp.sqrt((1 if name == "erf" else 0) + C(q, q))


def correlations() -> list[Definition]:
    """rho and rho_bar."""
    with written():
        found = C(a, b) / sp.sqrt(C(a, a) * C(b, b))
        return [Definition(rho(a, b), found), Definition(rho_bar(a, b), sp.sqrt(1 - rho(a, b) ** 2), shown=False)]


def fours(name: str, four_different: bool) -> list[Definition]:
    """<g_i' g_k' g_q g_r> and what it is written with; the note says for which units a formula holds."""
    head = Mean(field("dg", i), field("dg", k), field("g", q), field("g", r))
    if name == "linear":
        return [Definition(head, C(q, r))]
    return _erf_fours(head) if name == "erf" else _relu_fours(head, four_different)


def _erf_fours(head: Any) -> list[Definition]:
    """The weight g_i' g_k' is a Gaussian factor that tilts the covariance C into D."""

    def D(first: Any, second: Any) -> Any:
        return entry("D", i, k, first, second)

    with written():
        Lambda = entry("Lambda", i, k)
        fours = 4 / (sp.pi**2 * sp.sqrt(Lambda)) * sp.asin(D(q, r) / sp.sqrt((1 + D(q, q)) * (1 + D(r, r))))
        from_i = C(i, q) * ((1 + C(k, k)) * C(i, r) - C(i, k) * C(k, r))
        from_k = C(k, q) * ((1 + C(i, i)) * C(k, r) - C(i, k) * C(i, r))
        return [
            Definition(head, fours),
            Definition(D(q, r), C(q, r) - (from_i + from_k) / Lambda),
            Definition(Lambda, (1 + C(i, i)) * (1 + C(k, k)) - C(i, k) ** 2),
        ]


def _relu_fours(head: Any, four_different: bool) -> list[Definition]:
    """By how many different units there are: powers of steps are steps, so that some of the four may be left out."""
    free = Mean(field("dg", i), field("g", q), field("g", r))
    return [
        Definition(
            head, free, "for i = k or k = q, with i and k, q and r exchanged too",
            when=lambda n: n[0] == n[1] or n[1] in n[2:],
        ),
        Definition(
            head, Mean(field("dg", k), field("g", q), field("g", r)), when=lambda n: n[0] in n[2:], shown=False
        ),
        _relu_three(free),
        *(_relu_square(head)),
        *(_relu_four(head) if four_different else []),
        Definition(entry("P", i, q, r), _third(i, q, r)),
        *correlations(),
    ]  # fmt: skip


def _third(*units: Any) -> Any:
    """P(three variables > 0)."""
    first, second, last = units
    with written():
        arcs = sp.asin(rho(first, second)) + sp.asin(rho(first, last)) + sp.asin(rho(second, last))
        return sp.Rational(1, 8) + arcs / (4 * sp.pi)


def _relu_three(head: Any) -> Definition:
    with written():
        border = rho_bar(q, r) + rho(i, r) * rho_bar(i, q) + rho(i, q) * rho_bar(i, r)
        scale = sp.sqrt(C(q, q) * C(r, r))
        return Definition(head, scale * (rho(q, r) * entry("P", i, q, r) + border / (4 * sp.pi)))


def _relu_square(head: Any) -> list[Definition]:
    """q = r, which differs from i and k."""
    with written():
        mixed = 2 * rho(i, q) * rho(k, q) - rho(i, k) * (rho(i, q) ** 2 + rho(k, q) ** 2)
        border = rho(i, q) * rho_bar(i, q) + rho(k, q) * rho_bar(k, q) + mixed / rho_bar(i, k)
        body = C(q, q) * (entry("P", i, k, q) + border / (4 * sp.pi))
        return [Definition(head, body, "for q = r, not i or k", when=lambda n: n[2] == n[3])]


def _relu_four(head: Any) -> list[Definition]:
    """Four different units: the orthant probability P_4 and angles, [Straat 2018] in the form of `orthant_moments`."""

    def angle(first: Any, second: Any) -> Any:
        """P(the other two > 0 | these two = 0)."""
        return entry("pi_ab", first, second, *(u for u in (i, k, q, r) if u not in (first, second)))

    with written():
        mixed = rho(i, q) * (rho(k, r) - rho(i, k) * rho(i, r)) + rho(k, q) * (rho(i, r) - rho(i, k) * rho(k, r))
        border = (
            rho_bar(q, r) * angle(q, r) + rho(i, r) * rho_bar(i, q) * angle(i, q)
            + rho(k, r) * rho_bar(k, q) * angle(k, q) + rho(i, q) * rho_bar(i, r) * angle(i, r)
            + rho(k, q) * rho_bar(k, r) * angle(k, r) + mixed / rho_bar(i, k) * angle(i, k)
        )  # fmt: skip
        P4 = Mean(field("step", i), field("step", k), field("step", q), field("step", r))
        body = sp.sqrt(C(q, q) * C(r, r)) * (rho(q, r) * P4 + border / (2 * sp.pi))
        c, d = symbols("c d")
        cd, cc, dd = (entry("minor", a, b, *pair) for pair in ((c, d), (c, c), (d, d)))
        conditional = sp.Rational(1, 4) + sp.asin(cd / sp.sqrt(cc * dd)) / (2 * sp.pi)
        return [
            Definition(head, body, "for four different units"),
            Definition(entry("pi_ab", a, b, c, d), conditional),
            _minor(),
            Definition(P4, None, "an orthant probability"),
        ]


def _minor() -> Definition:
    """Covariance of c and d given a = b = 0, times 1 - rho_ab^2."""
    c, d = symbols("c d")
    with written():
        crossed = rho(a, c) * rho(b, d) + rho(b, c) * rho(a, d)
        body = (1 - rho(a, b) ** 2) * rho(c, d) - rho(a, c) * rho(a, d) - rho(b, c) * rho(b, d) + rho(a, b) * crossed
        return Definition(entry("minor", a, b, c, d), body)
