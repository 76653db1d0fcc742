"""Where the points of refined diagrams lie: for known shapes, against the full grid; how many; what is missed."""

import numpy as np
import pytest

from learndyn.analysis.phase_refinement import UNKNOWN, halved, refine

STOPPED = 4


def refined(inside, shape, halvings):
    """Refine by a function of (rows, columns) in steps of the given grid; and its outcomes on the whole finest grid."""
    side = 2**halvings
    found = refine(shape, halvings, lambda places: inside(*places.T / side).astype(np.int8), stopped=STOPPED)
    whole = np.indices(found.asked.shape) / side
    return found, inside(*whole).astype(np.int8)


def disc(row, column, radius):
    return lambda rows, columns: np.hypot(rows - row, columns - column) < radius


def test_discs_are_those_of_the_full_grid():
    # A chord of a disc of radius 1.5 at depth s <= 1 is at least 2 s long: a cell that it enters has a corner inside.
    rng = np.random.default_rng(1)
    for _ in range(60):
        found, whole = refined(disc(*rng.uniform(2, 8, 2), rng.uniform(1.5, 6)), (10, 12), 4)
        np.testing.assert_array_equal(found.filled_outcome(), whole)
        np.testing.assert_array_equal(found.outcome[found.asked], whole[found.asked])
        assert (found.outcome[~found.asked] == UNKNOWN).all()


def test_half_planes_and_three_outcomes():
    rng = np.random.default_rng(2)
    for _ in range(40):
        a, b, c = rng.normal(size=3)

        def inside(rows, columns, a=a, b=b, c=c):
            height = a * (rows - 4) + b * (columns - 3) + c
            return (height > 0).astype(int) + (height > abs(a) + abs(b))

        found, whole = refined(inside, (9, 7), 3)
        np.testing.assert_array_equal(found.filled_outcome(), whole)


@pytest.mark.parametrize(("middle", "steps"), [(72, 3), (73, 1)])
def test_an_arm_narrower_than_a_cell_is_followed(middle, steps):
    # From a half plane across five cells, where it ends, between the columns of the given grid and, of one step, those
    # of all but the finest.
    def inside(rows, columns):
        return (rows < 3.4) | ((rows < 8.6) & (np.abs(16 * columns - middle) <= steps // 2))

    found, whole = refined(inside, (12, 9), 4)
    assert whole.any(1).sum() == int(8.6 * 16) + 1
    assert whole[8 * 16].sum() == steps
    np.testing.assert_array_equal(found.filled_outcome(), whole)


def test_an_island_between_the_points_is_missed():
    found, whole = refined(disc(4.5, 4.5, 0.6), (9, 9), 4)
    assert whole.any()
    assert found.asked.sum() == 81
    assert not found.filled_outcome().any()


def test_points_grow_as_the_boundary():
    # A circle of radius rho meets a line of a grid twice at most: 2 (2 rho 2^l + 1) lines of either direction after l
    # halvings, so at most 4 (2 rho 2^l + 1) cells lie on it; with the eight around each, which balance may split, and
    # five new points a cell, the levels add up to 9 x 5 x 4 (2 rho 2^r + r).
    rho, points = 4.6, []
    for r in range(7):
        found, whole = refined(disc(5.3, 5.6, rho), (12, 12), r)
        np.testing.assert_array_equal(found.filled_outcome(), whole)
        points.append(int(found.asked.sum()))
        assert points[-1] <= 144 + 180 * (2 * rho * 2**r + r)
    # New points double with each level, but for a few where the circle touches a line; those of a full grid grow by 4.
    assert points[6] - points[5] < 2.2 * (points[5] - points[4])


def test_cells_cover_the_grid_once_and_neighbours_differ_by_one_halving():
    found, _ = refined(disc(3.3, 2.6, 2.2), (8, 7), 5)
    sides = np.zeros(np.array(found.asked.shape) - 1, dtype=int)
    for side, cells in found.cells.items():
        for row, column in cells:
            assert (sides[row : row + side, column : column + side] == 0).all()
            sides[row : row + side, column : column + side] = side
            assert found.asked[row : row + side + 1 : side, column : column + side + 1 : side].all()
    assert (sides > 0).all()
    for a, b in ((sides[1:], sides[:-1]), (sides[:, 1:], sides[:, :-1])):
        assert (np.maximum(a, b) <= 2 * np.minimum(a, b)).all()
    assert set(np.unique(sides)) == {1, 2, 4, 8, 16, 32}


def test_points_of_a_round_come_once_and_in_order():
    rounds = []

    def run(places):
        rounds.append(places)
        return (np.hypot(*(places / 8 - 3.3).T) < 2.2).astype(np.int8)

    found = refine((8, 8), 3, run, stopped=STOPPED)
    for places in rounds:
        assert [tuple(place) for place in places] == sorted({tuple(place) for place in places})
    together = np.concatenate(rounds)
    assert len(np.unique(together, axis=0)) == len(together) == found.asked.sum()


def test_values_between_are_interpolated():
    side = 8
    found, whole = refined(disc(3.3, 4.6, 2.8), (9, 9), 3)
    rows, columns = np.indices(whole.shape) / side

    # What is linear in both, or is so in its logarithm, is met to rounding: sums of four numbers below 100.
    exact = {"log": np.exp(0.3 * rows - 0.2 * columns + 0.05 * rows * columns), "linear": rows * columns - 7 * columns}
    for values in exact.values():
        given = np.where(found.computed, values, np.nan)
        np.testing.assert_allclose(found.filled(given), values, atol=1e-12, rtol=1e-13)
    # NaN outside, as times are, spoils nothing inside; a constant stays what it is, to the bit.
    times = found.filled(np.where(found.computed & (whole == 1), 1e-3, np.nan))
    np.testing.assert_array_equal(times, np.where(whole == 1, 1e-3, np.nan))
    # Between the least and the largest corner, whatever is there.
    wild = np.where(found.computed, np.random.default_rng(3).normal(size=whole.shape), np.nan)
    filled = found.filled(wild)
    for size, cells in found.cells.items():
        for row, column in cells:
            corners = wild[row : row + size + 1 : size, column : column + size + 1 : size]
            block = filled[row + 1 : row + size, column + 1 : column + size]
            assert ((block >= corners.min()) & (block <= corners.max())).all()


def test_on_a_shared_side_the_smaller_cell_counts():
    # Two cells of 4 steps; the right one is split for its upper right corner, down to single steps there.
    found = refine((2, 3), 2, lambda places: (places == (0, 8)).all(1).astype(np.int8), stopped=STOPPED)
    assert found.cells[4].tolist() == [[0, 0]]
    values = np.where(found.computed, 0.0, np.nan)
    values[[0, 2, 4], 4] = -1.0, -3.0, -10.0
    assert found.filled(values)[:, 4].tolist() == [-1.0, -2.0, -3.0, -6.5, -10.0]


def test_infinite_values_are_no_warning():
    found = refine((2, 2), 2, lambda places: np.zeros(len(places), np.int8), stopped=STOPPED)
    assert not np.isfinite(found.filled(np.where(found.asked, np.inf, np.nan))).any()


@pytest.mark.parametrize("how", ["raised", "outcomes"])
def test_what_is_done_before_an_interruption_is_kept(how):
    inside, rounds = disc(3.3, 4.6, 2.8), []

    def run(places):
        rounds.append(len(places))
        outcome = inside(*places.T / 16).astype(np.int8)
        if len(rounds) == 3:
            if how == "raised":
                raise KeyboardInterrupt
            outcome[5:] = STOPPED
        return outcome

    found = refine((9, 9), 4, run, stopped=STOPPED)
    _, whole = refined(inside, (9, 9), 4)
    assert len(rounds) == 3
    assert found.computed.sum() == sum(rounds[:2]) + (0 if how == "raised" else 5)
    outcome = found.filled_outcome()
    known = outcome != STOPPED
    np.testing.assert_array_equal(outcome[known], whole[known])
    # Unknown are cells that were split in the second or third round: half cells on the boundary, of a diagonal of 0.71,
    # and whole ones beside them, 1.42.
    far = np.abs(np.hypot(*(np.indices(whole.shape) / 16 - np.array([3.3, 4.6])[:, None, None])) - 2.8) > 2.13
    assert known[far].all()
    assert not known.all()
    assert np.isnan(found.filled(np.where(found.computed, 1.0, np.nan))[~known]).all()


def test_an_interruption_before_anything_is_done_goes_on():
    def run(places):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refine((3, 3), 2, run, stopped=STOPPED)


def test_values_are_halved_evenly_or_in_their_logarithm():
    assert halved(np.array([0.0, 1.0, 3.0]), 2).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0]
    given = np.geomspace(1e-8, 1e-1, 8)
    fine = halved(given, 3)
    assert fine[::8].tolist() == given.tolist()
    # An error of a rounding of a logarithm of at most 18.4, 2e-15.
    np.testing.assert_allclose(fine, np.geomspace(1e-8, 1e-1, 57), rtol=1e-14)
    # Those of fewer halvings are among those of more, and nothing is halved no times.
    assert halved(given, 2).tolist() == fine[::2].tolist()
    assert halved(given, 0).tolist() == given.tolist()
    # Of two values nobody can tell.
    assert halved(np.array([1.0, 100.0]), 1).tolist() == [1.0, 50.5, 100.0]
    assert halved(np.array([2.0]), 0).tolist() == [2.0]
