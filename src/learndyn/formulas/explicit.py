"""Small systems written out: every component by itself, with sums carried out and averages inserted."""

from __future__ import annotations

from itertools import product
from typing import Any

import sympy as sp

from learndyn.formulas.nodes import written
from learndyn.formulas.system import System
from learndyn.formulas.walker import Walker

# Powers of these stand in front of a bracket, in this order.
IN_FRONT = ("eta", "eta_w", "eta_theta")


def components(system: System) -> list[tuple[Any, Any]]:
    """(left side, right side) of each number of the state."""
    assert system.symbolic is not None
    walker = Walker(system, system.symbolic(), symbolic=True)
    found = []
    for equation in system.equations:
        values, left = walker.block(equation), equation.left
        for place in product(*map(range, equation.sizes)):
            if equation.symmetric and place[-1] < place[-2]:
                continue
            env = {symbol: index + 1 for symbol, index in zip(equation.indices, place, strict=True)}
            value = values[place] if equation.sizes else values
            found.append((walker(left, env) if left.args else left, tidy(value)))
    return [(left, body) for left, body in found if not (left.is_Number or (body == 0 and left.is_Number))]


def written_out(system: System, expr: Any) -> Any:
    """A formula with all averages inserted."""
    assert system.symbolic is not None
    return tidy(Walker(system, system.symbolic(), symbolic=True)(expr, {}))


def tidy(expr: Any) -> Any:
    """Terms gathered by the power of the learning rate: eta (...) + eta^2 (...)."""
    expr, parts = _opaque(sp.sympify(expr).replace(sp.Abs, _of_its_sign))
    expanded = sp.expand(expr)
    rates = sorted((symbol for symbol in expanded.free_symbols if symbol.name in IN_FRONT), key=str)
    gathered = sp.collect(expanded, rates, evaluate=False) if rates else {sp.Integer(1): expanded}
    found = [(factor, _collected(gathered[factor], parts)) for factor in sorted(gathered, key=_order)]
    with written():
        terms = [body if factor == 1 else factor * body for factor, body in found]
        return terms[0] if len(terms) == 1 else sp.Add(*terms)


def _of_its_sign(variance: Any) -> Any:
    """What a root of a square leaves is a variance of one sign: that at lengths of 1 and overlaps of 0."""
    at = variance.subs({symbol: 1 if symbol.is_positive else 0 for symbol in variance.free_symbols})
    return variance if at > 0 else -variance


def _opaque(expr: Any) -> tuple[Any, dict[Any, Any]]:
    """The formula with a letter for each root and function in it: rational in all letters."""
    letters: dict[Any, Any] = {}

    def replaced(part: Any) -> Any:
        root = part.is_Pow and not part.exp.is_Integer
        if root or isinstance(part, sp.Function):
            return letters.setdefault(part, sp.Dummy())
        return part.func(*map(replaced, part.args)) if part.args else part

    return replaced(expr), {letter: part for part, letter in letters.items()}


def _collected(expr: Any, parts: dict[Any, Any]) -> Any:
    """The formula by its roots and functions, each with what stands in front of it."""
    fronts: dict[Any, Any] = {}
    for term in sp.Add.make_args(expr.xreplace(parts)):
        factors = sp.Mul.make_args(term)
        opaque = sp.Mul(*(factor for factor in factors if _is_opaque(factor)))
        plain = sp.Mul(*(factor for factor in factors if not _is_opaque(factor)))
        fronts[opaque] = fronts.get(opaque, 0) + plain
    found = []
    for opaque, front in fronts.items():
        fraction = sp.denom(sp.together(front)).free_symbols or opaque != 1
        found.append((sp.factor(front) if fraction else front) * opaque)
    return sp.Add(*found)


def _is_opaque(factor: Any) -> bool:
    base = factor.base if factor.is_Pow and factor.exp.is_Integer else factor
    return (base.is_Pow and bool(base.free_symbols)) or isinstance(base, sp.Function)


def _order(factor: Any) -> tuple[int, str]:
    """Lower powers first; what has no rate in front last."""
    degree = sp.Poly(factor, *factor.free_symbols).total_degree() if factor.free_symbols else 9
    return degree, str(factor)
