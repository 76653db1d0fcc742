"""Where to put points on a grid of two parameters: cells are halved where outcomes differ, and nowhere else.

    halved        the values of an axis, with points between them
    refine        rounds of points, from the coarse grid to the finest one along the boundary
    Refinement    what was found, and what follows from it on the finest grid

A cell is a square with corners on the finest grid: its first corner (row, column), and its side in steps of that grid.
A cell is split in four while outcomes differ on its rim, where the points of smaller neighbours count, or while a
neighbour is more than one halving smaller (a balanced quadtree). So a boundary that leaves a cell through a side with a
point on it is followed into the neighbour, and the points are as many as the boundary is long: c 2^r.

Bisection of our own, and not the learners of the package `adaptive`, which is well kept: these place triangles by
differences of real numbers. An outcome is no number (what lies between "learned" and "diverged" is not "not learned"),
their points lie on no grid, so that a refined diagram could not be compared with a full one, and they are placed one
after another by estimates of those before, while a batch wants all points of a level at once. Around a circle a
quarter of 2000 points of `Learner2D` came within two finest steps of it, and half of those here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from learndyn.results import logarithmic

# The outcome of a point of which nothing is known.
UNKNOWN = -1
# Corners of a cell, and the points that halving adds, in halves of its side.
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
MIDDLES = np.array([[0, 1], [1, 0], [1, 1], [1, 2], [2, 1]])


def halved(values: np.ndarray, halvings: int) -> np.ndarray:
    """The increasing `values`, kept to the bit, with 2^halvings - 1 between each two.

    Evenly between them, in the logarithm where the values themselves are spaced more evenly in it.
    """
    log = logarithmic(values)
    at = np.log(values) if log else values
    # Whole numbers over powers of two are exact: the values of fewer halvings are among those of more.
    parts = np.arange(2**halvings) / 2**halvings
    found = at[:-1, None] + parts * np.diff(at)[:, None]
    found = np.exp(found) if log else found
    found[:, 0] = values[:-1]
    return np.append(found.ravel(), values[-1])


def refine(
    shape: tuple[int, int], halvings: int, run: Callable[[np.ndarray], np.ndarray], *, stopped: int
) -> Refinement:
    """The outcomes on a grid of `shape` points, and between them where they differ.

    ``run`` is given places (points, 2) on the finest grid, (row, column) in rising order, and returns their outcomes,
    numbers of 0 and more; ``stopped`` among them ends it, as Ctrl-C after the first round does.
    """
    found = Refinement(shape, halvings, stopped)
    new = np.argwhere(found.asked)
    while len(new):
        at = tuple(new.T)
        try:
            found.outcome[at] = run(new)
        except KeyboardInterrupt:
            if len(new) == found.asked.sum():
                raise
            found.outcome[at] = stopped
        new = new[:0] if (found.outcome[at] == stopped).any() else found.split()
    return found


@dataclass
class Refinement:
    """A quadtree over a grid: its cells, by side, and the outcomes of the points that were run.

    ``asked`` says which points of the finest grid these are, the corners of all cells; ``outcome`` is `UNKNOWN` at all
    others.
    """

    shape: tuple[int, int]
    halvings: int
    stopped: int
    asked: np.ndarray = field(init=False)
    outcome: np.ndarray = field(init=False)
    cells: dict[int, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        side = 2**self.halvings
        rows, columns = ((size - 1) * side + 1 for size in self.shape)
        self.asked = np.zeros((rows, columns), dtype=bool)
        self.asked[::side, ::side] = True
        self.outcome = np.full((rows, columns), UNKNOWN, dtype=np.int8)
        self.cells = {side: side * np.argwhere(np.ones((self.shape[0] - 1, self.shape[1] - 1)))}
        self.cells |= {2**level: np.empty((0, 2), dtype=int) for level in range(self.halvings)}

    def split(self) -> np.ndarray:
        """Split the cells that have to be; the new corners (points, 2), in rising order."""
        known = self.asked.copy()
        self._split_where(self._differs)
        # Splitting a cell may leave its neighbours too large, and theirs.
        while self._split_where(self._has_small_neighbour):
            pass
        return np.argwhere(self.asked & ~known)

    def _split_where(self, must: Callable[[np.ndarray, int], np.ndarray]) -> bool:
        """Split the cells of which `must` says so; whether there were any."""
        some = False
        # The smallest first: nothing is known yet of cells that are made here.
        for side in sorted(self.cells)[1:]:
            cells, half = self.cells[side], side // 2
            chosen = must(cells, side)
            if not chosen.any():
                continue
            some = True
            parts = (cells[chosen, None] + half * CORNERS).reshape(-1, 2)
            self.cells[side], self.cells[half] = cells[~chosen], np.concatenate([self.cells[half], parts])
            self.asked[tuple((cells[chosen, None] + half * MIDDLES).reshape(-1, 2).T)] = True
        return some

    def _differs(self, cells: np.ndarray, side: int) -> np.ndarray:
        """Whether outcomes differ on the rim."""
        seen = self.outcome[_on_rims(cells, side, np.arange(side))]
        known = (seen != UNKNOWN) & (seen != self.stopped)
        return seen.max(1, initial=UNKNOWN, where=known) > seen.min(1, initial=127, where=known)

    def _has_small_neighbour(self, cells: np.ndarray, side: int) -> np.ndarray:
        """Whether a neighbour is smaller than a half: then it has a corner at a quarter of a side."""
        if side < 4:
            return np.zeros(len(cells), dtype=bool)
        return np.any(self.asked[_on_rims(cells, side, np.array([side // 4, 3 * side // 4]))], axis=1)

    @property
    def computed(self) -> np.ndarray:
        """Which points were run to their end."""
        return np.asarray(self.asked & (self.outcome != self.stopped))

    def filled_outcome(self) -> np.ndarray:
        """The outcome of all points: that of the rim within a cell, ``stopped`` in one that was still to be split."""
        found = np.where(self.asked, self.outcome, np.int8(self.stopped))
        for side, cells in self._decided():
            found[_within(cells, side)] = self.outcome[tuple(cells.T)][:, None, None]
        return np.where(self.computed, self.outcome, found)

    def filled(self, values: np.ndarray) -> np.ndarray:
        """Values that the computed points have, and what lies between them: linear along both sides of a cell.

        In the logarithm where all four corners are positive; never beyond the corners. On a side that two cells share
        the smaller one counts. NaN where a corner is; unchanged in cells that were still to be split.
        """
        found = values.copy()
        for side, cells in self._decided():
            corners = values[tuple((cells[:, None] + side * CORNERS).transpose(2, 0, 1))]
            low, high = (f(axis=1)[:, None, None] for f in (corners.min, corners.max))
            log = (corners > 0.0).all(1)
            corners[log] = np.log(corners[log])
            part = np.arange(side + 1) / side
            weights = [np.multiply.outer(y, x) for y in (1 - part, part) for x in (1 - part, part)]
            block = np.zeros((len(cells), side + 1, side + 1))
            with np.errstate(invalid="ignore"):  # infinity times 0
                for corner, weight in zip(corners.T, weights, strict=True):
                    block += corner[:, None, None] * weight
            block[log] = np.exp(block[log])
            found[_within(cells, side)] = np.clip(block, low, high)
        return np.where(self.computed, values, found)

    def _decided(self) -> list[tuple[int, np.ndarray]]:
        """Cells with points between their corners, which were run, and one outcome on their rim; the largest first."""
        found = []
        for side in sorted(self.cells, reverse=True)[:-1]:
            cells = self.cells[side]
            corners = self.computed[tuple((cells[:, None] + side * CORNERS).transpose(2, 0, 1))]
            found.append((side, cells[corners.all(1) & ~self._differs(cells, side)]))
        return found


def _on_rims(cells: np.ndarray, side: int, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places at so many steps along each of the four sides, for each cell: rows and columns (cells, places)."""
    none, all_of_it = np.zeros_like(steps), np.full_like(steps, side)
    rows = np.concatenate([none, steps, all_of_it, side - steps])
    columns = np.concatenate([steps, all_of_it, side - steps, none])
    return cells[:, :1] + rows, cells[:, 1:] + columns


def _within(cells: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """All places of each cell, its rim too: rows (cells, places, 1) and columns (cells, 1, places)."""
    steps = np.arange(side + 1)
    return (cells[:, :1] + steps)[:, :, None], (cells[:, 1:] + steps)[:, None, :]
