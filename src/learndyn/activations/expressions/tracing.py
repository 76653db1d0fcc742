"""The formula of a Python function g(x, xp): call it with the variable of a formula and a namespace that notes down."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from learndyn.activations.expressions.tree import ONE_ARGUMENT, TWO_ARGUMENTS, Call, Node, X, choose, clipped, node
from learndyn.activations.expressions.tree import condition as as_condition


def formula_of(g: Callable[[Any, Any], Any]) -> Node | None:
    """What g computes; None when it does something that a formula cannot say (``if``, other libraries)."""
    try:
        return node(g(X(), _Noting()))
    except Exception:
        # Whatever g did with the variable, it was not meant for it.
        return None


class _Noting:
    """The namespace `xp` whose functions give formulas."""

    pi = math.pi

    def __getattr__(self, name: str) -> Callable[..., Node]:
        if name in ONE_ARGUMENT:
            return lambda a: Call(name, (node(a),))
        if name in TWO_ARGUMENTS:
            return lambda a, b: Call(name, (node(a), node(b)))
        raise AttributeError(name)

    @staticmethod
    def clip(a: Any, low: Any, high: Any) -> Node:
        return clipped(node(a), node(low), node(high))

    @staticmethod
    def where(condition: Any, yes: Any, no: Any) -> Node:
        return choose(as_condition(condition), node(yes), node(no))
