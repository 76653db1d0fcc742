"""Rules of learning inside compiled kernels: `modulate(tag, x, sigma, tau)`, on numbers and in lanes.

    hebb: F = tau,   perceptron: F = (tau - sigma) / 2,   adatron: F = -x where sigma tau < 0, else 0

and rules of one's own (`learndyn.scenarios.student_teacher.rules.Rule`); and `adapt(tag, error, eta, numbers)`, the
rule of a learning rate that adapts (`learndyn.scenarios.student_teacher.adaptive_rate`). A kernel receives a `RuleTag`,
without content, whose numba type names the rule and carries a digest of its text, as that of an activation does
(`learndyn.activations.compiled`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import NumbaError
from numba.extending import NativeValue, models, overload, register_model, typeof_impl, unbox

from learndyn.activations.compiled import SCALARS, ScalarsType, _compiled
from learndyn.activations.digest import digest_of, file_digest
from learndyn.errors import InputError
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate, Murata, murata
from learndyn.scenarios.student_teacher.rules import Momentum, Rule

Modulation = Callable[..., Any]  # (x, sigma, tau, xp); of a learning rate (error, eta, xp)

# What a tag's type stands for, by (name, digest).
_TAGGED: dict[tuple[str, str], Modulation] = {}


def hebb(x: Any, sigma: Any, tau: Any, xp: Any) -> Any:
    """The label, whatever the student says."""
    return tau


def perceptron(x: Any, sigma: Any, tau: Any, xp: Any) -> Any:
    """Rosenblatt's rule: of signs, the label on mistakes alone."""
    return 0.5 * (tau - sigma)


def adatron(x: Any, sigma: Any, tau: Any, xp: Any) -> Any:
    """On mistakes alone, by as much as is missing [Anlauf & Biehl 1989]."""
    return xp.where(sigma * tau < 0.0, -x, 0.0)


NAMED: dict[str, Modulation] = {"hebb": hebb, "perceptron": perceptron, "adatron": adatron}


class RuleTag:
    """Selects a rule in a compiled kernel; carries no data.

    Parameters
    ----------
    name
        The rule's name.
    modulation
        F_i = modulation(x_i, sigma, tau, xp).
    """

    __slots__ = ("digest", "name")

    def __init__(self, name: str, modulation: Modulation) -> None:
        text = digest_of(modulation) + file_digest(__file__)
        self.name, self.digest = name, hashlib.sha256(text.encode()).hexdigest()[:16]
        _TAGGED[self.name, self.digest] = modulation


def rule_tag(rule: str | Momentum | Rule) -> RuleTag | None:
    """The tag of a scenario's rule; None for gradient descent, with momentum or without."""
    if isinstance(rule, Momentum) or rule == "gradient":
        return None
    return RuleTag(rule.name, rule.modulation) if isinstance(rule, Rule) else RuleTag(rule, NAMED[rule])


def rate_tag(rate: AdaptiveRate) -> RuleTag:
    """The tag of a learning rate's rule; refused in a sentence where it cannot be compiled."""
    if isinstance(rate.h, Murata):
        return RuleTag(Murata.kind, murata)
    _check_compiles(rate.h.function)
    return RuleTag("adaptive", rate.h.function)


@lru_cache(maxsize=64)
def _check_compiles(h: Modulation) -> None:
    try:
        _compiled(h, {}).compile((types.float64, types.float64, ScalarsType()))
    except NumbaError as error:
        reason = str(error).strip().splitlines()
        raise InputError(
            "Argument `h` of an ld.AdaptiveRate cannot be simulated, because it cannot be compiled: "
            f"{reason[1] if len(reason) > 1 else reason[0]} "
            "Use numbers and the functions that expressions have (ld.activation)."
        ) from error


def adapt(tag: RuleTag, error: float, eta: float, numbers: np.ndarray) -> float:
    """h(error, eta) of a learning rate inside a kernel."""
    raise NotImplementedError("only inside numba kernels")


def modulate(tag: RuleTag, x: float, sigma: float, tau: float) -> float:
    """The modulation of one unit inside a kernel."""
    raise NotImplementedError("only inside numba kernels")


class RuleType(types.Opaque):
    """The numba type of a `RuleTag`: name and digest are its identity, also when pickled."""

    def __init__(self, rule: str, digest: str) -> None:
        super().__init__(f"Rule({rule}, {digest})")
        self.rule, self.digest = rule, digest


register_model(RuleType)(models.OpaqueModel)


@typeof_impl.register(RuleTag)
def _type_of_tag(tag: RuleTag, context: Any) -> RuleType:
    return RuleType(tag.name, tag.digest)


@unbox(RuleType)
def _unbox_tag(typ: Any, value: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


@overload(modulate)
def _compile_modulation(tag: Any, x: Any, sigma: Any, tau: Any) -> Any:
    if not isinstance(tag, RuleType):
        return None
    function = _compiled(_TAGGED[tag.rule, tag.digest], {})

    def implementation(tag: Any, x: Any, sigma: Any, tau: Any) -> Any:
        return function(x, sigma, tau, SCALARS)

    return implementation


@overload(adapt)
def _compile_adaptation(tag: Any, error: Any, eta: Any, numbers: Any) -> Any:
    if not isinstance(tag, RuleType):
        return None
    function = _compiled(_TAGGED[tag.rule, tag.digest], {})

    def with_numbers(tag: Any, error: Any, eta: Any, numbers: Any) -> Any:
        return function(error, eta, numbers, SCALARS)

    def without(tag: Any, error: Any, eta: Any, numbers: Any) -> Any:
        return function(error, eta, SCALARS)

    return with_numbers if tag.rule == Murata.kind else without
