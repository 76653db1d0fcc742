"""The flow of the moments as the engines take it, and which of its drifts is which.

Nothing here imports JAX before a drift is asked for: scenarios are data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from learndyn.scenarios.base import Flow
from learndyn.scenarios.moments.base import Form, MeanUpdate

# The coefficient of C : dd <f> in the mean [Schmid & Murray 2024, equation 10].
SECOND = 0.5


def drift(
    update: MeanUpdate, n: int, rank: int | None = None, order: int = 2, finite_rate: bool = False, *,
    second: float = SECOND,
) -> Callable[[Any, Any, dict[str, Any]], Any]:  # fmt: skip
    """``drift(time, flat, values)`` of the moments of n weights, in JAX.

    With order 2 and without terms of order eta the state is m, L (`Form` "factor"), and `rank` may be None: it then
    follows from the length of the state. With ``finite_rate`` the state is m, C ("matrix"), and the learning rate is
    ``values["learning_rate"]``; with order 3 it is m, C, S ("cumulants"). ``second`` is the coefficient of C : dd <f>.
    """
    from learndyn.scenarios.moments import expansion, third

    if order == 3:
        return third.cumulant_drift(update, n)
    if finite_rate:
        return expansion.matrix_drift(update, n, second)
    return expansion.factor_drift(update, n, rank, second)


@cache
def make_flow(update: MeanUpdate, form: Form, *, second: float = SECOND, shapes: tuple[Any, ...] = ()) -> Flow:
    """The flow of moments that lie as `form` says; "matrix" has the terms of order eta, "cumulants" is of order 3.

    ``shapes`` are those of the values that it is to be used with.
    """
    order, finite_rate = (3 if form.kind == "cumulants" else 2), form.kind == "matrix"
    n, pairs = form.n, form.n * (form.n + 1) // 2

    def size(states: Any) -> Any:
        """|m|^2 + trace C + |S|^(2/3), a squared length: it grows without bound exactly when a moment does."""
        if form.kind == "factor":
            return (states**2).sum(-1)
        found = (states[..., :n] ** 2).sum(-1) + abs(states[..., n + _diagonal(n)]).sum(-1)
        return found if form.kind == "matrix" else found + (states[..., n + pairs :] ** 2).sum(-1) ** (1 / 3)

    key = ("moments", update.key, form, second, shapes)
    found = drift(update, n, form.rank, order, finite_rate, second=second)
    # Long vectors are worth a slower compilation.
    return Flow(key, found, size, quick=n + pairs <= 64 and not update.work)


def _diagonal(n: int) -> Any:
    """Places of C_ii among C_ij, i <= j."""
    import numpy as np

    i, j = np.triu_indices(n)
    return np.flatnonzero(i == j)
