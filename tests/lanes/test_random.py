"""Random numbers in lanes: the words of SFC64, normals and chi-square numbers made of them, and their laws.

Seeds are fixed. FALSE_ALARM is the probability that a right program fails one of the tests of laws; each test shares it
among its comparisons (Bonferroni).
"""

import math

import mpmath
import numba
import numpy as np
import pytest
from scipy import special, stats

from learndyn.engines.streams import generator_state, stream
from learndyn.lanes import random
from learndyn.lanes.random import draw, draw_alone
from learndyn.lanes.types import LANES, load, store

FALSE_ALARM = 1e-6
FREEDOMS = [1, 2, 3, 5, 20, 1000, 10_000_000]
DRAWS = 25_000  # 200 000 numbers in all lanes
COUNT = DRAWS * LANES


def words(seed=1):
    """States of two streams a lane, as `draw` wants them."""
    states = [
        [generator_state(stream(seed, "overlaps", 10, lane, part))[:4] for part in (0, 1)] for lane in range(LANES)
    ]
    return np.ascontiguousarray(np.array(states).reshape(LANES, 8).T)


def drawn(freedom, pairs=2, place=2, draws=DRAWS, state=None):
    out = np.empty((draws, 2 * pairs, LANES))
    draw(words() if state is None else state, pairs, place, freedom, out)
    return out


# ---- Words and what is made of them


@numba.njit
def advance(state, out):
    a, b, c, counter = load(state, 0), load(state, 1), load(state, 2), load(state, 3)
    for row in range(out.shape[0]):
        bits, a, b, c, counter = random.next_bits(a, b, c, counter)
        store(out, row, bits)


def test_words_are_those_of_numpy():
    out = np.empty((100, LANES), dtype=np.uint64)
    advance(words(), out)
    for lane in range(LANES):
        np.testing.assert_array_equal(out[:, lane], stream(1, "overlaps", 10, lane).bit_generator.random_raw(100))


def test_words_wrap_around():
    state = np.full((4, LANES), 2**64 - 1, dtype=np.uint64)
    out = np.empty((20, LANES), dtype=np.uint64)
    bits = np.random.SFC64(0)
    bits.state = {
        "bit_generator": "SFC64", "state": {"state": state[:, 0].copy()}, "has_uint32": 0, "uinteger": 0,
    }  # fmt: skip
    advance(state, out)
    np.testing.assert_array_equal(out[:, 0], bits.random_raw(20))


def test_a_draw_follows_from_its_words():
    """Box and Muller's pairs, Marsaglia and Tsang's number wherever the cheap bound alone keeps it."""
    pairs, place, freedom, draws = 3, 4, 50, 200
    out = drawn(freedom, pairs, place, draws)
    for lane in range(LANES):
        raw = stream(1, "overlaps", 10, lane).bit_generator.random_raw(draws * (2 * pairs + 1)).reshape(draws, -1)
        first, second = raw[:, 0 : 2 * pairs : 2], raw[:, 1 : 2 * pairs : 2]
        radius = np.sqrt(-2.0 * np.log(1.0 - (first >> np.uint64(12)) * 2.0**-52))
        angle = ((second >> np.uint64(12)) * 2.0**-52 - 0.5) * (np.pi / 2)
        cosine = np.cos(angle) * np.where(second & np.uint64(2), -1.0, 1.0)
        swapped = (second & np.uint64(1)) == 1
        x = radius * np.where(swapped, np.sin(angle), cosine)
        y = radius * np.where(swapped, cosine, np.sin(angle))
        normals = np.stack([x, y], axis=-1).reshape(draws, 2 * pairs)
        others = [column for column in range(2 * pairs) if column != place]
        # log, root, product and sine, each within 2 units, here and there.
        np.testing.assert_allclose(out[:, others, lane], normals[:, others], rtol=16 * 2.0**-52, atol=0)
        d = freedom / 2 - 1 / 3
        number = normals[:, place]
        sure = (1.0 - (raw[:, -1] >> np.uint64(12)) * 2.0**-52) < 0.98 * (1.0 - 0.0331 * number**4)
        assert sure.mean() > 0.8
        chi_square = 2 * d * (1 + number / np.sqrt(9 * d)) ** 3
        np.testing.assert_allclose(out[sure, place, lane], chi_square[sure], rtol=64 * 2.0**-52, atol=0)


@pytest.mark.parametrize("freedom", [0, 1, 2, 1000])
def test_draws_may_be_asked_for_in_parts(freedom):
    whole, state = drawn(freedom, draws=50), words()
    parts = [drawn(freedom, draws=count, state=state) for count in (17, 1, 32)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("freedom", [0, 1, 2, 5, 1000])
def test_one_replica_alone_draws_the_same_numbers(freedom):
    """To the last bit, also those that its second stream settles; in parts that do not fill the lanes."""
    pairs, place = 2, 2
    lanes, state = drawn(freedom, pairs, place, draws=1003), words()
    bits, numbers = np.empty((2 * pairs + 1, LANES), dtype=np.uint64), np.empty((2 * pairs, LANES))
    for lane in (0, 5):
        own, out = np.ascontiguousarray(state[:, lane : lane + 1]), np.empty((1003, 2 * pairs))
        for part in (out[:1], out[1:17], out[17:]):
            draw_alone(own, pairs, place, freedom, part, bits, numbers)
        np.testing.assert_array_equal(out, lanes[:, :, lane])


def test_without_freedom_the_number_is_zero():
    out = drawn(0, draws=100)
    assert np.all(out[:, 2] == 0.0)
    np.testing.assert_array_equal(out[:, [0, 1, 3]], drawn(1, draws=100)[:, [0, 1, 3]])


def test_a_lane_does_not_depend_on_the_others():
    """With 2 degrees of freedom a lane in ten (0.0331 <x^4>) has to be settled alone, from its second stream."""
    before, state = drawn(2, draws=500), words()
    state[:, [lane for lane in range(LANES) if lane != 3]] = words(seed=2)[:, : LANES - 1]
    after = drawn(2, draws=500, state=state)
    np.testing.assert_array_equal(after[:, :, 3], before[:, :, 3])
    assert np.all(after[:, :, :3] != before[:, :, :3])


# ---- The laws


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_law_of_chi_square_numbers(freedom):
    law = stats.chi2(freedom)
    assert stats.kstest(drawn(freedom)[:, 2].ravel(), law.cdf).pvalue > FALSE_ALARM / len(FREEDOMS)


def test_law_of_normals():
    out = drawn(1000, draws=4 * DRAWS)[:, [0, 1, 3]]
    for column in range(3):
        assert stats.kstest(out[:, column].ravel(), special.ndtr).pvalue > FALSE_ALARM / 3


def test_normals_reach_into_the_tail():
    """Beyond 4: probability 6.3e-5, so 152 of 2.4 million are expected; Poisson, both sides."""
    out = np.abs(drawn(1000, draws=4 * DRAWS)[:, [0, 1, 3]])
    expected = out.size * 2 * special.ndtr(-4.0)
    found = int((out > 4.0).sum())
    assert min(stats.poisson.cdf(found, expected), stats.poisson.sf(found - 1, expected)) > FALSE_ALARM / 2


def standard_moments(cumulants):
    """Moments 1 ... n about the mean, from the cumulants: m_n = sum_k C(n - 1, k - 1) kappa_k m_{n-k}."""
    moments = [1.0]
    for n in range(1, len(cumulants) + 1):
        moments.append(sum(math.comb(n - 1, k - 1) * cumulants[k - 1] * moments[n - k] for k in range(1, n + 1)))
    return moments


@pytest.mark.parametrize("freedom", [*FREEDOMS, math.inf])
def test_moments(freedom):
    """Mean to fourth moment of chi-square numbers and, for the limit of infinite freedom, of normals.

    The cumulants of chi-square are 2^(k-1) (k-1)! nu. Standard errors follow from the exact moments up to the eighth.
    """
    if freedom == math.inf:
        numbers, cumulants = drawn(1000)[:, :2].ravel(), [0.0, 1.0] + [0.0] * 6
    else:
        numbers = (drawn(freedom)[:, 2].ravel() - freedom) / math.sqrt(2 * freedom)
        cumulants = [0.0, 1.0] + [math.factorial(k - 1) * (2 / freedom) ** (k / 2 - 1) for k in range(3, 9)]
    moments = standard_moments(cumulants)
    z = [
        ((numbers**k).mean() - moments[k]) / math.sqrt((moments[2 * k] - moments[k] ** 2) / numbers.size)
        for k in (1, 2, 3, 4)
    ]
    assert np.abs(z).max() < stats.norm.isf(FALSE_ALARM / (2 * 4 * (len(FREEDOMS) + 1))), z


@pytest.mark.parametrize("freedom", [2, 1000])
def test_numbers_are_uncorrelated(freedom):
    """In one draw, between successive draws and between lanes; the numbers, and how far they lie from their means.

    Correlations of independent numbers have the standard error 1 / sqrt(n).
    """
    out = drawn(freedom, draws=4 * DRAWS)
    out[:, 2] = special.ndtri(stats.chi2(freedom).cdf(out[:, 2]))  # a normal, as the others
    within = np.concatenate([out[:-1], out[1:]], axis=1).transpose(1, 0, 2).reshape(8, -1)
    within = within[:, ::2]  # every second draw, so that the pairs do not overlap
    between = out.transpose(2, 0, 1).reshape(LANES, -1)
    worst, comparisons = 0.0, 0
    for table in (within, between):
        for numbers in (table, (table**2 - 1) / math.sqrt(2)):
            z = numbers @ numbers.T / math.sqrt(numbers.shape[1])
            above = np.triu_indices(len(z), 1)
            worst = max(worst, np.abs(z[above]).max())
            comparisons += above[0].size
    assert worst < stats.norm.isf(FALSE_ALARM / (2 * 2 * comparisons))


# ---- The bound that decides nearly always


@numba.njit
def bound(x, y, u, slope, out):
    for row in range(x.shape[0]):
        kept = random._surely_kept(load(x, row), load(y, row), load(u, row), slope)
        for lane in range(LANES):
            out[row, lane] = random.in_lane(kept, lane)


@pytest.mark.parametrize("freedom", [freedom for freedom in FREEDOMS if freedom > 1])
def test_the_bound_never_keeps_what_the_exact_rule_rejects(freedom):
    """On a dense grid of x, with the uniform numbers next to the bound's own edge, against 40 digits."""
    _, scale, slope = random._rule(freedom)
    x = np.concatenate([np.linspace(-8.5, 8.5, 681), 0.25 / scale * np.array([-1.0, 1.0, -1.0000001, 1.0000001])])
    x = x[np.abs(x) <= 8.5]
    steepness = np.where(np.abs(x * scale) <= 0.25, slope, 0.0331)
    edge = 1.0 - steepness * x**4
    edge = edge[:, None] - 2.0**-52 * np.arange(-2, 4)
    u = np.concatenate([edge, np.broadcast_to([2.0**-52, 0.5, 1.0], (x.size, 3))], axis=1)
    u = np.clip(u, 2.0**-52, 1.0)
    points = np.broadcast_to(x[:, None], u.shape)
    rows = -(-u.size // LANES)
    kept = np.empty((rows, LANES), dtype=bool)
    grids = [np.resize(np.ascontiguousarray(a), (rows, LANES)) for a in (points, points * scale, u)]
    bound(*grids, slope, kept)
    kept = kept.reshape(-1)[: u.size].reshape(u.shape)
    assert kept.mean() > 0.1
    with mpmath.workdps(40):
        exact_d = mpmath.mpf(freedom) / 2 - mpmath.mpf(1) / 3
        for point, uniforms, sure in zip(x, u, kept, strict=True):
            if not sure.any():
                continue
            root = 1 + mpmath.mpf(float(point)) / mpmath.sqrt(9 * exact_d)
            assert root > 0
            limit = mpmath.mpf(float(point)) ** 2 / 2 + exact_d * (1 - root**3 + 3 * mpmath.log(root))
            assert mpmath.log(mpmath.mpf(float(uniforms[sure].max()))) < limit
