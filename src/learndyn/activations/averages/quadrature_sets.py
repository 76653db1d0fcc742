"""Averages of four units of a network of five units or more, from those of sets of three and of four units.

<g_i' g_k' g_p g_q> is an average over the different units among i, k, p, q. Four different ones are a set that is
evaluated once; up to three are read from a set of three.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from learndyn.activations.base import Activation

Function = Callable[..., Any]


def table_of_sets(activations: tuple[Activation, ...], K: int, joint_table: Function) -> Function:
    """``f(C, m, xp)`` = <g_i' g_k' g_p g_q> for i <= k, shape (K (K + 1) / 2, n, n).

    ``joint_table(activations, K)`` serves the sets: equal activations and equally many students share one program.
    """
    n = len(activations)
    groups: dict[Any, list[tuple[int, ...]]] = {}
    for size in (3, 4):
        for units in combinations(range(n), size):
            students = sum(unit < K for unit in units)
            # Of the different units i and k are students, and of three one of them may come twice.
            if students >= size - 2:
                kind = (tuple(activations[unit] for unit in units), students)
                groups.setdefault(kind, []).append(units)
    tables = [(np.array(sets), joint_table(kind, students)) for (kind, students), sets in groups.items()]
    places = _places(n, K, groups)

    def table(C: Any, m: Any, xp: Any) -> Any:
        found = []
        for sets, formula in tables:
            blocks = (C[sets[:, :, None], sets[:, None, :]], *(() if m is None else (m[sets],)))
            found.append(_of_each(formula, blocks, m is None, xp).reshape(-1))
        return xp.concatenate(found)[places]

    return table


def _of_each(formula: Function, blocks: tuple[Any, ...], unbiased: bool, xp: Any) -> Any:
    def one(block: Any) -> Any:
        return formula(block[0], None if unbiased else block[1], xp)

    return xp.batched_map(one, blocks, 1)


def _places(n: int, K: int, groups: dict[Any, list[tuple[int, ...]]]) -> np.ndarray:
    """Where <g_i' g_k' g_p g_q> stands among the flat tables of all sets, shape (pairs, n, n)."""
    where: dict[tuple[int, ...], tuple[tuple[int, ...], int, int]] = {}
    offset = 0
    for (kind, students), sets in groups.items():
        size, pairs = len(kind), students * (students + 1) // 2
        for units in sets:
            for size in range(1, 4) if len(units) == 3 else (4,):
                for members in combinations(units, size):
                    where.setdefault(members, (units, students, offset))
            offset += pairs * size * size
    pairs = list(combinations_with_replacement(range(K), 2))
    places = np.zeros((len(pairs), n, n), dtype=int)
    for number, (i, k) in enumerate(pairs):
        for p in range(n):
            for q in range(n):
                units, students, start = where[tuple(sorted({i, k, p, q}))]
                local = {unit: place for place, unit in enumerate(units)}
                pair = list(combinations_with_replacement(range(students), 2)).index((local[i], local[k]))
                places[number, p, q] = start + (pair * len(units) + local[p]) * len(units) + local[q]
    return places
