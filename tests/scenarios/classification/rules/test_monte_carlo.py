"""First and second moments of every rule's update against means over drawn inputs, by the code of simulations.

Classes of different covariances, not diagonal, and different probabilities. Of each case 4 + 10 numbers are compared,
154 in all, and two rewards: with 5 standard errors each, one choice of the seed in 10000 gives a false alarm.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.classification.rules.base import projections
from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
from learndyn.scenarios.classification.rules.perceptron import Perceptron
from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.sigmoids import ACTIVATIONS
from learndyn.scenarios.classification.rules.squared_error import SquaredError
from learndyn.scenarios.classification.rules.supervised import Supervised
from nonlinear_perceptron import two_classes
from rule_kernels import updates

n, DRAWS, PRIOR, BOUND = 4, 400_000, 0.3, 5.0
RULES = [Supervised(), Reinforce(), Reinforce(baseline=False), SquaredError()]
WITHOUT_ACTIVATION = [Perceptron(), SquaredError(linear=True), PassiveAggressive(margin=0.8)]
CASES = [(rule, activation) for activation in ACTIVATIONS for rule in RULES]
CASES += [(rule, "logistic") for rule in WITHOUT_ACTIVATION]


@cache
def problem():
    rng = np.random.default_rng(1)
    means, roots = 0.7 * rng.standard_normal((2, n)), 0.6 * rng.standard_normal((2, n, n))
    w = rng.standard_normal(n)
    y = np.where(rng.random(DRAWS) < PRIOR, 1.0, -1.0)
    each = np.where(y > 0.0, 0, 1)
    x = means[each] + np.einsum("aij,aj->ai", roots[each], rng.standard_normal((DRAWS, n)))
    return means, roots @ roots.transpose(0, 2, 1), w, x, y, rng.random(DRAWS)


def distances(found, samples):
    """In standard errors."""
    return np.abs(found - samples.mean(0)) / (samples.std(0) / np.sqrt(len(samples)))


def moments(rule, activation, means, covariances, w, prior):
    """<f>, <f f^T> and the expected reward."""
    with jax.enable_x64(True):
        classes, numbers = two_classes(means, covariances, prior), rule.numbers()

        @jax.jit
        def both(w):
            reward = rule.expected_reward(projections(w, classes), activation, jax_namespace())
            first = rule.mean_update(w, classes, activation, numbers)
            return first, rule.second_moment(w, classes, activation, numbers), reward

        first, second, reward = both(jnp.array(w))
        return np.asarray(first), np.asarray(second), float(reward)


@pytest.mark.parametrize(("rule", "activation"), CASES, ids=lambda value: str(value))
def test_moments_of_an_update(rule, activation):
    means, covariances, w, x, y, uniform = problem()
    first, second, expected = moments(rule, activation, means, covariances, w, PRIOR)
    f, rewards = updates(rule, activation, w, x, y, uniform, expected)
    assert distances(first, f).max() <= BOUND
    rows, columns = np.triu_indices(n)
    assert distances(second[rows, columns], f[:, rows] * f[:, columns]).max() <= BOUND
    assert np.array_equal(second, second.T)
    if rule == Reinforce():
        assert distances(expected, rewards) <= BOUND
        assert set(np.unique(rewards)) == {-1.0, 1.0}
    else:
        assert expected == 0.0


def test_a_slightly_wrong_average_is_seen():
    # The two activations differ by at most 0.018.
    means, covariances, w, x, y, uniform = problem()
    first, *_ = moments(Reinforce(baseline=False), "shifted_erf", means, covariances, w, PRIOR)
    f, _ = updates(Reinforce(baseline=False), "logistic", w, x, y, uniform)
    assert distances(first, f).max() > 2 * BOUND
