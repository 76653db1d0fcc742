"""Rules as data: by name, as dicts, refused in a sentence; and what sets them apart in compiled kernels."""

import pickle

import jax
import numpy as np
import pytest
from numba import typeof

from learndyn.activations.digest import file_digest
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.classification.rules import compiled
from learndyn.scenarios.classification.rules.base import Projections, projections
from learndyn.scenarios.classification.rules.compiled import MODULATIONS, ModulationTag
from learndyn.scenarios.classification.rules.passive_aggressive import PassiveAggressive
from learndyn.scenarios.classification.rules.perceptron import Perceptron
from learndyn.scenarios.classification.rules.registry import RULES, rule_from_plain, rule_of, rule_to_plain
from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.sigmoids import ACTIVATIONS
from learndyn.scenarios.classification.rules.squared_error import SquaredError
from learndyn.scenarios.classification.rules.supervised import Supervised
from nonlinear_perceptron import two_classes

ALL = [
    Supervised(),
    Reinforce(),
    Reinforce(baseline=False),
    Perceptron(),
    SquaredError(),
    SquaredError(linear=True),
    PassiveAggressive(margin=2.5),
]


@pytest.mark.parametrize("rule", ALL, ids=repr)
def test_there_and_back(rule):
    plain = rule_to_plain(rule)
    assert plain["kind"] == rule.name
    assert rule_from_plain(plain) == rule_of(plain) == rule_of(rule) == rule
    copy = pickle.loads(pickle.dumps(rule))
    assert copy == rule
    assert hash(copy) == hash(rule)
    assert rule.label


def test_every_rule_is_known_by_its_name():
    assert {type(rule) for rule in ALL} == set(RULES.values())
    for name, kind in RULES.items():
        assert rule_of(name) == kind()


def test_rules_that_compute_differently_have_other_keys():
    assert len({rule.key() for rule in ALL}) == len(ALL)
    assert PassiveAggressive(1.0).key() == PassiveAggressive(2.0).key()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rule_of("superviced"), "Did you mean 'supervised'?"),
        (lambda: rule_of(None), "Argument `rule` must be a learning rule such as ld.Supervised()"),
        (lambda: rule_of(Supervised), "Argument `rule` must be a learning rule"),
        (lambda: rule_of({"kind": "hinge"}), "Key `rule.kind` must be"),
        (lambda: rule_of({"baseline": True}), "Key `rule.kind` must be"),
        (lambda: rule_of({"kind": "reinforce", "base_line": True}), "Did you mean 'baseline'?"),
        (lambda: rule_of({"kind": "supervised", "margin": 1.0}), "no further keys"),
        (
            lambda: rule_of({"kind": "reinforce", "baseline": 1}),
            "Argument `baseline` must be True or False, but it is 1.",
        ),
        (lambda: rule_of({"kind": "squared_error", "linear": "yes"}), "Argument `linear` must be True or False"),
        (lambda: PassiveAggressive(margin=0.0), "Argument `margin` must be a finite number above 0"),
    ],
)
def test_refused_in_a_sentence(call, words):
    with pytest.raises(InputError) as refusal:
        call()
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_kernels_tell_rules_and_texts_apart():
    tags = [ModulationTag(rule, activation) for rule in ALL for activation in ACTIVATIONS]
    assert {tag.rule for tag in tags} == set(MODULATIONS)
    # A baseline is a number that kernels are given: with and without it is one program.
    assert len({str(typeof(tag)) for tag in tags}) == 2 * len(MODULATIONS)
    # numba's cache watches the kernel's own file alone: an edit of the rules' text must make another type.
    assert {tag.digest for tag in tags} == {file_digest(compiled.__file__)[:16]}
    assert all(tag.digest in str(typeof(tag)) for tag in tags)
    assert [tag.rule for tag in tags if tag.random] == ["reinforce"] * 4
    assert [tag.rule for tag in tags if tag.divides] == ["passive_aggressive"] * 2
    assert [tag.compares for tag in tags].count(True) == 2
    assert ModulationTag(PassiveAggressive(2.5), "logistic").numbers.tolist() == [2.5]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_baseline_raises_the_variance_where_most_answers_are_right(activation):
    """Without input noise <s^2> is 1 + 3 b^2 times that without baseline, and least at minus the expected reward."""
    m = np.linspace(0.1, 3.0, 9)
    rule = Reinforce()
    expected = -rule.mean_loss(m, 0.0, 1.0, activation, {})
    assert (expected > 0.0).all()

    def square(reward):
        return rule.square_response(m, np.zeros(9), 1.0, reward, activation, {}, NUMPY)

    assert np.allclose(square(expected), (1.0 + 3.0 * expected**2) * square(0.0), rtol=1e-12)
    least = square(-expected)
    for shift in (-0.01, 0.01):
        assert (square(-expected + shift) > least).all()


def test_the_expected_reward_couples_the_classes():
    means, covariances = np.array([[1.0, 0.2], [-0.3, 0.4]]), np.array([np.eye(2), 0.5 * np.eye(2)])
    w = np.array([0.7, -0.2])
    with jax.enable_x64(True):
        seen = jax.jit(lambda w: projections(w, two_classes(means, covariances, 0.3)))(w)
    seen = Projections(*map(np.asarray, seen))
    found = Reinforce().expected_reward(seen, "logistic", NUMPY)
    m, v = means @ w, np.einsum("i,aij,j->a", w, covariances, w)
    losses = [Reinforce().mean_loss(m[i], v[i], y, "logistic", {}) for i, y in enumerate((1.0, -1.0))]
    assert found == pytest.approx(-(0.3 * losses[0] + 0.7 * losses[1]), rel=1e-13)
    assert Reinforce(baseline=False).expected_reward(seen, "logistic", NUMPY) == 0.0
