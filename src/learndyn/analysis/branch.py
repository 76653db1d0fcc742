"""Follow the roots of F(z, p) = 0 as p changes, by pseudo-arclength: through folds, where z is no function of p.

    predictor   u + s t,    u = (z, p),   [F_z F_p] t = 0,  |t| = 1
    corrector   Newton on   F(u) = 0,   t . (u - u_0) = s

p is measured in units of the range that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from learndyn.analysis.linearisation import LocalFlow

# Steps in u: the first, the largest over 1 + |z|, and the one at which the branch is given up.
FIRST, LARGEST, SMALLEST = 1e-2, 5e-2, 1e-8
CORRECTIONS = 12
# A corrected point moved no further than this in the last correction, relative to 1 + |u|.
SETTLED = 1e-12
# A drift of this size, relative to |J| (1 + |u|), is zero.
ROUNDING = 1e-15
# For dF/dp by central differences, in units of the range: a direction, not a result, depends on it.
DIFFERENCE = 1e-5
# Distances beside one at which a point does not settle, in units of the step: what is found there is as far off. A
# fold is known by p, which is quadratic there: to their square.
NUDGES = (0.0, 1e-9, -1e-9, 1e-8, -1e-8, 1e-7, -1e-7, 1e-6, -1e-6)
# At how many values of p a point stands still that stands all along, and to what, relative to 1 + |J|.
STANDS, STILL = 5, 1e-13
# The cosine of the largest turn of the tangent within one step.
TURN = 0.97


@dataclass(frozen=True)
class Node:
    """A point of the branch: the free numbers z and p / width, its tangent, F_z."""

    u: np.ndarray
    tangent: np.ndarray
    J: np.ndarray


class Branch:
    """The roots of one flow along one of its numbers."""

    def __init__(self, local: LocalFlow, state: np.ndarray, name: str, begin: float, end: float) -> None:
        self.local, self.state, self.name, self.width = local, state, name, abs(end - begin)
        self.free = local.free
        self.stands = self._stands(begin, end)

    def _stands(self, begin: float, end: float) -> bool:
        """Whether the point is the same for all p, as the perfect solution is at any learning rate.

        It is then not corrected: where another branch crosses it, Newton's method would change over to that one, by
        rounding alone, and see no eigenvalue cross zero.
        """
        for p in np.linspace(begin, end, STANDS):
            F, J = self.local.with_values(**{self.name: p}).free_at(self.state)
            if not np.isfinite(J).all() or np.abs(F).max(initial=0.0) > STILL * (1.0 + np.abs(J).max(initial=0.0)):
                return False
        return True

    def full(self, u: np.ndarray) -> tuple[np.ndarray, float]:
        """The whole state and p of a point u."""
        state = self.state.copy()
        state[self.free] = u[:-1]
        return state, float(u[-1] * self.width)

    def at(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F and F_z."""
        state, p = self.full(u)
        return self.local.with_values(**{self.name: p}).free_at(state)

    def _wide(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F and [F_z F_p]."""
        F, J = self.at(u)
        if self.stands:
            return F, np.column_stack([J, np.zeros(len(F))])
        step = np.zeros(len(u))
        step[-1] = min(DIFFERENCE, max(u[-1], 0.0) / 2.0) or DIFFERENCE
        slope = (self.at(u + step)[0] - self.at(u - step)[0]) / (2.0 * step[-1])
        return F, np.column_stack([J, slope])

    def node(self, u: np.ndarray, along: np.ndarray) -> Node | None:
        """The point u of the branch with its tangent, on the side of `along`; None where it has none."""
        wide = self._wide(u)[1]
        if not np.isfinite(wide).all():
            return None
        if self.stands:
            return Node(u, np.append(np.zeros(len(u) - 1), np.sign(along[-1])), wide[:, :-1])
        # Of all null directions that most along the last one: on a family of roots, stay within the branch.
        rows = np.linalg.svd(wide)
        null = rows[2][(np.append(rows[1], 0.0) <= 1e-9 * rows[1][0])]
        tangent = null.T @ (null @ along)
        length = np.linalg.norm(tangent)
        return Node(u, tangent / length, wide[:, :-1]) if length > 1e-9 else None

    def corrected(self, u: np.ndarray, normal: np.ndarray) -> np.ndarray | None:
        """The root nearest to u within the plane across `normal`; None where Newton's method does not settle."""
        if self.stands:
            return u
        target, step = normal @ u, np.zeros(len(u))
        for _ in range(CORRECTIONS):
            F, wide = self._wide(u)
            if not np.isfinite(F).all() or not np.isfinite(wide).all():
                return None
            rounding = ROUNDING * (1.0 + np.abs(wide).max()) * (1.0 + np.abs(u).max())
            if np.abs(F).max(initial=0.0) <= rounding and abs(normal @ u - target) <= rounding:
                return u  # where the Jacobian is nearly singular, a step would amplify rounding
            step = np.linalg.lstsq(np.vstack([wide, normal]), -np.append(F, normal @ u - target), rcond=1e-12)[0]
            u = u + step
            if np.abs(step).max() <= SETTLED * (1.0 + np.abs(u).max()):
                return u
        # On a degenerate branch steps only halve: good enough if the drift vanishes.
        F, J = self.at(u)
        settled = np.abs(F).max() <= 1e-13 * (1.0 + np.abs(J).max()) and np.abs(step).max() < 1e-6
        return u if settled else None

    def step(self, node: Node, s: float) -> Node | None:
        """The point at distance s along the tangent; None if there is none, or the branch turns too sharply."""
        u = self.corrected(node.u + s * node.tangent, node.tangent)
        found = None if u is None else self.node(u, node.tangent)
        return found if found is not None and found.tangent @ node.tangent > TURN else None

    def between(self, node: Node, s: float, value: Callable[[Node], float]) -> Node | None:
        """The point within distance s where `value` changes its sign."""
        from scipy.optimize import brentq

        def at(distance: float) -> Node:
            # Newton's method can hover above rounding at one distance and settle at the next one.
            for nudge in NUDGES:
                there = self.step(node, distance + nudge * s)
                if there is not None:
                    return there
            raise ArithmeticError

        def along(distance: float) -> float:
            return value(at(distance) if distance else node)

        try:
            find: Any = brentq
            root = float(find(along, 0.0, s, xtol=1e-13, rtol=1e-14))
            return at(root) if root else node
        except (ArithmeticError, ValueError):
            return None


def follow(
    branch: Branch, first: Node, low: float, high: float, possible: Callable[[np.ndarray], bool], most: int
) -> tuple[list[Node], list[float], str]:
    """The points from `first` on while p / width stays within [low, high]; the distances between them; why it ends."""
    nodes, lengths, s = [first], [], FIRST
    ended = "lost"
    while len(nodes) < most:
        node = nodes[-1]
        there = branch.step(node, s)
        if there is None or not possible(there.u):
            ended = ended if there is None else "edge"
            s /= 2.0
            if s < SMALLEST:
                return nodes, lengths, ended
            continue
        ended = "lost"
        if not low <= there.u[-1] <= high:
            end = low if there.u[-1] < low else high
            last = branch.between(node, s, lambda found, end=end: float(found.u[-1] - end))
            if last is not None and last is not node:
                nodes.append(last)
                lengths.append(float(node.tangent @ (last.u - node.u)))
            return nodes, lengths, "end"
        nodes.append(there)
        lengths.append(s)
        if len(nodes) > 3 and np.linalg.norm(there.u - first.u) < 0.5 * s and there.tangent @ first.tangent > TURN:
            return nodes, lengths, "closed"
        s = min(1.5 * s, LARGEST * (1.0 + float(np.abs(there.u[:-1]).max())))
    return nodes, lengths, "max_points"
