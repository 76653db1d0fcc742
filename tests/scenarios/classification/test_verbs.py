"""The tools for any scenario on a perceptron: fixed points along weight decay, none where there is none, refusals."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr

import learndyn as ld

TASK = ld.GaussianClassification([1.0, 0.0], 0.0, ld.Supervised(), 0.1)


def test_the_norm_falls_with_weight_decay_as_the_closed_equation_says():
    """At sigma = 0 the fixed point lies along mu with 1 - phi(W) = lambda W."""
    branch = ld.continue_fixed_point(TASK, "weight_decay", (0.1, 1e-3), start=[1.5, 0.0])
    lambdas = branch.weight_decay.values
    wanted = [brentq(lambda W, x=x: ndtr(-np.sqrt(np.pi / 8.0) * W) - x * W, 0, 20, xtol=1e-14) for x in lambdas]
    assert lambdas.min() < 1.1e-3
    # The corrector stops at a drift of 1e-10 of the largest slope, which is at least lambda.
    np.testing.assert_allclose(branch.w.sel(input=1), wanted, rtol=1e-6)
    np.testing.assert_allclose(branch.w_norm, wanted, rtol=1e-6)
    assert set(branch.kind.values) == {"attractive"}


def test_random_starts_lead_to_the_one_fixed_point():
    found = ld.fixed_points(TASK, 8)
    assert found.sizes["point"] == 1
    np.testing.assert_allclose(found.w[0], [1.5921089381001468, 0.0], atol=1e-8)


@pytest.mark.parametrize("start", [[1.5, 0.1], [0.0, 1.0], [5.0, 0.0]])
def test_reinforcement_without_decay_has_no_fixed_point(start: list):
    """Its drift along mu is positive at any length: far out it vanishes, but there is no point where it is zero."""
    task = ld.GaussianClassification([1.0, 0.0], 1.0, ld.Reinforce())
    with pytest.raises(ld.InputError, match="No fixed point was found"):
        ld.find_fixed_point(task, start)


def test_without_noise_and_decay_there_is_no_fixed_point_either():
    task = ld.GaussianClassification([1.0, 0.0], 0.0, ld.Supervised())
    with pytest.raises(ld.InputError, match="No fixed point was found"):
        ld.find_fixed_point(task, [5.0, 0.0])


def test_linear_modes_have_no_such_verbs_either():
    with pytest.raises(ld.InputError, match=r"for ld\.optimal_schedule, but it is an ld\.LinearModes, which has"):
        ld.optimal_schedule(ld.LinearModes([2.0, 1.0]), ld.ModeStart(0.01), until=1)


@pytest.mark.parametrize(
    ("verb", "call"),
    [
        ("accuracy", lambda: ld.accuracy(ld.solve(TASK, [0.0, 1.0], until=1))),
        ("optimal_learning_rate", lambda: ld.optimal_learning_rate(TASK, [0.0, 1.0], until=1)),
        ("optimal_schedule", lambda: ld.optimal_schedule(TASK, [0.0, 1.0], until=1)),
        ("greedy_schedule", lambda: ld.greedy_schedule(TASK, [0.0, 1.0], until=1)),
        ("largest_learning_rate", lambda: ld.largest_learning_rate(TASK, [0.0, 1.0], until=1)),
        ("critical_learning_rate", lambda: ld.critical_learning_rate(TASK, [1.6, 0.0])),
    ],
)
def test_what_a_perceptron_does_not_have_is_refused_with_what_it_has(verb: str, call):
    with pytest.raises(ld.InputError, match=r"an ld\.GaussianClassification, which has .*ld\.time_to_reach"):
        call()
