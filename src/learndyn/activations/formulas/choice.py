"""The formulas of all averages that a network needs, as definitions: by the activations of its units.

What has no formula here is left to numbers: averages with biases (bivariate normal laws) or by quadrature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import sympy as sp

from learndyn.activations.averages.selection import has_closed_pairs, is_closed
from learndyn.activations.formulas import classical, mixtures
from learndyn.activations.formulas.classical import C, i, k, q, r
from learndyn.activations.registry import activation
from learndyn.formulas.nodes import Mean, field, written
from learndyn.formulas.system import Definition

# A formula of more terms is not printed.
MOST_TERMS = 12
WITH_BIASES = "in closed form by the bivariate normal law"
QUADRATURE = "by quadrature"


class Network:
    """The averages of a network: the activation of each unit, students first, and whether there are biases."""

    def __init__(self, names: tuple[str, ...], K: int, biased: bool) -> None:
        self.names, self.K, self.biased = names, K, biased
        self.single = names[0] if len(set(names)) == 1 else None

    @property
    def classical(self) -> str | None:
        """The one activation of all units, where the literature has its averages."""
        return self.single if self.single in classical.CLASSICAL and not self.biased else None

    def definitions(self, kinds: Iterable[str], t: Any, to: Callable[[Any], Any]) -> list[Definition]:
        """Definitions of "three", "first", "outputs", "both", "four" and what they need.

        ``t`` is the Gaussian variable of "three", ``to(a)`` its covariance with z_a.
        """
        kinds, found = set(kinds), []
        if "three" in kinds:
            found += self._three(t, to)
        for kind in ("first", "outputs", "both", "slope"):
            if kind in kinds:
                found += self._pairs(kind)
        if "four" in kinds:
            found += self._fours()
        if self.classical == "relu" and not any("rho" in str(definition.head) for definition in found):
            found += classical.correlations()
        return found

    def _three(self, t: Any, to: Callable[[Any], Any]) -> list[Definition]:
        head = Mean(field("dg", i), t, field("g", q))
        if self.classical:
            return [Definition(head, classical.three(self.classical, to))]
        with written():
            stein = to(i) * Mean(field("ddg", i), field("g", q)) + to(q) * Mean(field("dg", i), field("dg", q))
        return [Definition(head, stein), *self._pairs("along"), *self._pairs("slopes")]

    def _pairs(self, kind: str) -> list[Definition]:
        """One formula for each two different activations."""
        head = HEADS[kind]
        if self.classical and kind in ("outputs", "both", "slope"):
            return [Definition(head, getattr(classical, kind)(self.classical))]
        firsts, seconds = self._choices(kind)
        if self.biased:
            known = has_closed_pairs(tuple(dict.fromkeys(self.names)), self.K, True)
            return [Definition(head, None, WITH_BIASES if known else QUADRATURE)]
        found = []
        for first, second in product(firsts, seconds):
            body = self._formula(kind, first, second)
            note = self._note((first, second), kind)
            if body is None:
                note = ", ".join(filter(None, [note, QUADRATURE]))
            when = self._when((first, second) if kind != "slope" else (second,))
            found.append(Definition(head, body, note, when, ordered=True))
        return found

    def _choices(self, kind: str) -> tuple[list[str], list[str]]:
        students, units = (list(dict.fromkeys(names)) for names in (self.names[: self.K], self.names))
        if kind == "outputs":
            return units, units
        if kind == "slope":
            return ["linear"], list(dict.fromkeys(self.names[self.K :]))
        return students, students if kind == "both" else units

    def _formula(self, kind: str, first: str, second: str) -> Any:
        pair = mixtures.pair(first, second)
        part = {"slopes": "both", "slope": "both"}.get(kind, kind)
        if pair is None or part not in pair:
            return None
        one, other = (q, r) if kind == "outputs" else (i, k) if kind == "both" else (i, q)
        if kind == "slope":
            one = other = q
        entries = {"s11": C(one, one), "s12": C(one, other), "s22": C(other, other)}
        body = pair[part]
        return body.xreplace({symbol: entries[symbol.name] for symbol in body.free_symbols})

    def _note(self, names: tuple[str, ...], kind: str) -> str:
        if self.single:
            return ""
        letters = {"outputs": "qr", "both": "ik"}.get(kind, "iq")
        if kind == "slope":
            return f"for {names[-1]}"
        return f"for g_{letters[0]} = {names[0]}, g_{letters[1]} = {names[1]}"

    def _when(self, names: tuple[str, ...]) -> Callable[[tuple[int, ...]], bool] | None:
        if self.single:
            return None
        return lambda places: tuple(self.names[place - 1] for place in places) == names

    def _fours(self) -> list[Definition]:
        if self.classical:
            return classical.fours(self.classical, self.K > 1 and len(self.names) > 3)
        head, n = HEADS["four"], self.names
        coefficients = activation(self.single).coefficients if self.single else ()
        if self.single and coefficients and not self.biased:
            from learndyn.activations.polynomial_averages import derivative

            order = (i, k, q, r)
            table = [[C(a, b) if order.index(a) <= order.index(b) else C(b, a) for b in order] for a in order]
            slope = derivative(coefficients)
            body = mixtures.wick((slope, slope, coefficients, coefficients), table)
            if len(sp.Add.make_args(body)) <= MOST_TERMS:
                return [Definition(head, body, ordered=True)]
            return [Definition(head, None, "a polynomial of the covariances, by Wick's theorem")]
        closed = is_closed(n, self.K, self.biased)
        words = "in closed form by orthant probabilities" if closed else QUADRATURE
        return [Definition(head, None, words)]


HEADS = {
    "along": Mean(field("ddg", i), field("g", q)),
    "slopes": Mean(field("dg", i), field("dg", q)),
    "first": Mean(field("dg", i), field("g", q)),
    "outputs": Mean(field("g", q), field("g", r)),
    "both": Mean(field("dg", i), field("dg", k)),
    "slope": Mean(field("dg", q)),
    "four": Mean(field("dg", i), field("dg", k), field("g", q), field("g", r)),
}
