"""The rules by name, and back from plain data; rules of further files join here."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from learndyn.arguments import did_you_mean, or_list, shown
from learndyn.errors import InputError
from learndyn.scenarios.classification.rules.base import Rule
from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
from learndyn.scenarios.classification.rules.perceptron import Perceptron
from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.squared_error import SquaredError
from learndyn.scenarios.classification.rules.supervised import Supervised

RULES: dict[str, type[Rule]] = {
    rule.name: rule for rule in (Supervised, Reinforce, Perceptron, SquaredError, PassiveAggressive)
}


def rule_of(value: Any) -> Rule:
    """A rule, the rule of a name or of a dict; refused in a sentence otherwise."""
    if isinstance(value, Rule):
        return value
    if isinstance(value, dict):
        return rule_from_plain(value)
    if isinstance(value, str) and value in RULES:
        return RULES[value]()
    if isinstance(value, type) and issubclass(value, Rule):
        raise InputError(
            f"Argument `rule` must be a learning rule, but it is the class of one. Write ld.{value.__name__}()."
        )
    raise InputError(
        f"Argument `rule` must be a learning rule such as ld.Supervised(), or {or_list(sorted(RULES))}, but it is "
        f"{shown(value)}.{did_you_mean(value, sorted(RULES))}"
    )


def rule_to_plain(rule: Rule) -> dict[str, Any]:
    """The rule as ``{"kind": name, ...}``."""
    return rule.to_plain()


def rule_from_plain(plain: dict[str, Any]) -> Rule:
    """The rule of a dict; an InputError names what is missing, unknown or wrong."""
    kind = plain.get("kind")
    if not isinstance(kind, str) or kind not in RULES:
        raise InputError(
            f"Key `rule.kind` must be {or_list(sorted(RULES))}, but it is "
            f"{shown(kind)}.{did_you_mean(kind, sorted(RULES))}"
        )
    known = [entry.name for entry in fields(RULES[kind])]
    rest = {name: value for name, value in plain.items() if name != "kind"}
    for name in rest:
        if name not in known:
            raise InputError(
                f"Key `rule.{name}` is unknown; a rule of kind {shown(kind)} has "
                f"{', '.join(known) or 'no further keys'}.{did_you_mean(name, known)}"
            )
    return RULES[kind](**rest)
