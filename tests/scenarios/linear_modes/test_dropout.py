"""How long a mode takes under dropout: the formula, its bound, and simulated masks."""

import numpy as np
import pytest

import learndyn as ld
from linear_networks import vectors

S, KEEP, EPSILON = 1.0, 0.6, 0.01


def kept_steps(rate):
    """Steps of gradient descent, none of them dropped, from u = eps to s - eps: w <- w + rate w (s - w^2)."""
    w, steps = np.sqrt(EPSILON), 0
    while w * w < S - EPSILON:
        w, steps = w + rate * w * (S - w * w), steps + 1
    return steps


def test_the_numbers_of_the_slide():
    for case in vectors("dropout"):
        modes = ld.LinearModes(case["s"], dropout_keep=case["p"], time_scale=case["tau"])
        np.testing.assert_allclose(modes.dropout_time(case["eps"]), case["out"]["expected_t"], rtol=case["tolerance"])
        np.testing.assert_allclose(modes.dropout_bound(case["eps"]), case["out"]["bound"], rtol=case["tolerance"])


def test_the_mean_time_is_the_time_of_the_mean_flow():
    modes = ld.LinearModes([1.0, 2.5], [1.0, 0.4], weight_decay=0.1, dropout_keep=0.3, time_scale=1.7)
    last = (0.3 * modes.s.values - 0.1) / (0.3 * modes.beta.values)
    np.testing.assert_allclose(modes.dropout_time(0.01), modes.time_to(0.01, last - 0.01), rtol=1e-12)


def test_simulated_masks_stay_below_the_bound():
    # 2000 paths at a rate of 1e-3, each mask drawn: the mean, less four standard errors, below the bound (an event of
    # 3e-5 for a mean at the bound); and the mean where the negative binomial law has it, within four (6e-5).
    rate, paths, rng = 1e-3, 2000, np.random.default_rng(11)
    w, steps = np.full(paths, np.sqrt(EPSILON)), np.zeros(paths)
    learning = np.ones(paths, dtype=bool)
    while learning.any():
        kept = learning & (rng.random(paths) < KEEP)
        w[kept] += rate * w[kept] * (S - w[kept] ** 2)
        steps[learning] += 1
        learning &= w * w < S - EPSILON
    times = rate * steps
    mean, error = times.mean(), times.std(ddof=1) / np.sqrt(paths)
    modes = ld.LinearModes(S, dropout_keep=KEEP)
    bound = modes.dropout_bound(EPSILON)[0]
    assert mean - 4 * error < bound
    # A bound lower by 1 % would not pass.
    assert mean - 4 * error > 0.99 * bound
    k = kept_steps(rate)
    assert abs(mean - rate * k / KEEP) < 4 * error
    assert times.var(ddof=1) == pytest.approx(rate**2 * k * (1 - KEEP) / KEEP**2, rel=4 * np.sqrt(2 / paths))


def test_the_mean_comes_to_the_formula_as_the_rate_goes_to_zero():
    # Explicit steps of dw/dt = f = w (s - w^2) take rate * k = t + (rate / 2) ln(f_end / f_start) + O(rate^2), and at
    # most one step more to be past the end.
    exact = ld.LinearModes(S, dropout_keep=KEEP).dropout_time(EPSILON)[0]
    first = np.log(np.sqrt(S - EPSILON) * EPSILON / (np.sqrt(EPSILON) * (S - EPSILON))) / 2
    for rate in (1e-2, 1e-3, 1e-4):
        late = (rate * kept_steps(rate) - KEEP * exact) / rate - first
        assert -10 * rate <= late <= 1 + 10 * rate


def test_how_tight_the_bound_is():
    modes = ld.LinearModes([0.5, 3.0], dropout_keep=KEEP)
    gap = modes.dropout_bound(EPSILON) - modes.dropout_time(EPSILON)
    np.testing.assert_allclose(gap, -np.log1p(-EPSILON / modes.s.values) / (KEEP * modes.s.values), rtol=1e-10)


def test_refused():
    sentence = r"`epsilon` must be below half of every mode's final strength, but it is 0\.3"
    with pytest.raises(ld.InputError, match=sentence):
        ld.LinearModes(0.5).dropout_time(0.3)
    with pytest.raises(ld.InputError, match="Make it smaller, or leave out modes that die"):
        ld.LinearModes([1.0, 0.2], weight_decay=0.3).dropout_bound(0.01)
    with pytest.raises(ld.InputError, match="must have two layers for the time under dropout, but it has 3"):
        ld.LinearModes(0.5, depth=3).dropout_time(0.01)
