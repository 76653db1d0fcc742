"""One update's error signal, with each option and all together: compiled, on numbers and in lanes, against NumPy."""

from itertools import product

import numba
import numpy as np
import pytest

from learndyn.activations import activation
from learndyn.lanes.types import LANES
from learndyn.scenarios.microscopic import error_signal
from learndyn.scenarios.process import OwnNumbers, Process, Spectrum, bare
from learndyn.scenarios.student_teacher.compiled_rules import RuleTag, adatron, hebb, perceptron
from learndyn.scenarios.student_teacher.steps import luck_count, make_step

K, M, KEEP = 3, 2, 0.6
EPS = np.finfo(float).eps


@numba.njit(error_model="numpy")
def one_signal(step, x, y, own, luck, place, delta, change):
    error_signal(step, x, y, own, luck, place, delta, change)


def options():
    """Options of `make_step` by name; those that learn come with own numbers."""
    rng = np.random.default_rng(5)
    return {
        "output weights": {"w": rng.standard_normal(K), "v": rng.standard_normal(M)},
        "biases": {"theta": rng.standard_normal(K), "phi": rng.standard_normal(M)},
        "learning w": {"adaptive_w": True, "output_weight_decay": 0.3},
        "learning theta": {"adaptive_theta": True},
        "label noise": {"label_noise": 0.7},
        "dropout": {"keep": KEEP},
    }


ALONE = [(name,) for name in options()]
TOGETHER = [
    ("learning w", "learning theta"),
    ("label noise", "dropout"),
    ("output weights", "biases", "learning theta", "dropout"),
    ("output weights", "biases", "learning w", "learning theta", "label noise", "dropout"),
]


def in_numpy(student, teacher, asked, x, y, own, luck):
    """delta and the directions of the own numbers from the definition; activations one a unit."""
    at = 0
    w, theta = asked.get("w", np.ones(K)), asked.get("theta", np.zeros(K))
    if asked.get("adaptive_w"):
        w, at = own[:K], K
    if asked.get("adaptive_theta"):
        theta = own[at : at + K]
    v, phi = asked.get("v", np.ones(M)), asked.get("phi", np.zeros(M))
    noise = asked.get("label_noise", 0.0) * (luck[0] if "label_noise" in asked else 0.0)
    m = np.ones(K)
    if "keep" in asked:
        m = (luck[-K:] < 0.2533471031357997).astype(float)  # Phi(0.2533...) = 0.6
    outputs = m * np.array([activation(a).g(u) for a, u in zip(student, x + theta, strict=True)])
    slopes = m * np.array([activation(a).dg(u) for a, u in zip(student, x + theta, strict=True)])
    tau = sum(v[n] * activation(a).g(y[n] + phi[n]) for n, a in enumerate(teacher)) + noise
    error = tau - w @ outputs
    delta = w * slopes * error
    directions = []
    if asked.get("adaptive_w"):
        directions.append(error * outputs - asked.get("output_weight_decay", 0.0) * w)
    if asked.get("adaptive_theta"):
        directions.append(delta)
    return delta, np.concatenate([np.zeros(0), *directions])


def signals(step, x, y, own, luck, lanes):
    """delta, of the shape of x, and directions (LANES, E) of LANES inputs, one after another or in lanes."""
    E = own.shape[1]
    delta, change = np.empty_like(x), np.empty((LANES, E))
    if not lanes:
        for index in range(LANES):
            row = np.concatenate([np.full(2, np.nan), luck[index]])  # begins at place 2
            arrays = (own[index], change[index]) if E else (None, None)
            one_signal(step, x[index], y[index], arrays[0], row if luck.size else None, 2, delta[index], arrays[1])
        return delta, change
    x, y, own, luck, into, changed = (np.ascontiguousarray(a.T) for a in (x, y, own, luck, delta, change))
    rows = np.concatenate([np.full((2, LANES), np.nan), luck])
    arrays = (own, changed) if E else (None, None)
    one_signal(step, x, y, arrays[0], rows if luck.size else None, 2, into, arrays[1])
    return into.T, changed.T


CASES = [(names, False) for names in (*ALONE, *TOGETHER)] + [(names, True) for names in TOGETHER]


@pytest.mark.parametrize(("names", "lanes"), CASES, ids=str)
def test_signals_are_those_of_the_definition(names, lanes):
    asked = {key: value for name in names for key, value in options()[name].items()}
    if asked.get("adaptive_w"):
        asked.pop("w", None)
    if asked.get("adaptive_theta"):
        asked.pop("theta", None)
    step = make_step(activation("erf"), 0.1, **asked)
    rng = np.random.default_rng(1)
    E = K * (bool(asked.get("adaptive_w")) + bool(asked.get("adaptive_theta")))
    x, y, own, luck = (rng.standard_normal((LANES, n)) for n in (K, M, E, luck_count(step, K)))
    delta, change = signals(step, x, y, own, luck, lanes)
    for index in range(LANES):
        expected = in_numpy(["erf"] * K, ["erf"] * M, asked, x[index], y[index], own[index], luck[index])
        # Some 10 roundings of numbers up to 10, and erf and exp of the lanes within 4 eps.
        np.testing.assert_allclose(delta[index], expected[0], rtol=0, atol=400 * EPS)
        np.testing.assert_allclose(change[index], expected[1], rtol=0, atol=400 * EPS)
    if "dropout" in names:
        assert 0 < (delta == 0.0).sum() < delta.size  # units take part or do not


MIXED = [(("erf", "relu", "erf"), ("relu", "linear")), (("linear", "erf", "relu"), ("erf", "erf"))]


@pytest.mark.parametrize("lanes", [False, True], ids=["numbers", "lanes"])
@pytest.mark.parametrize(("student", "teacher"), MIXED)
def test_each_unit_may_have_its_own_activation(student, teacher, lanes):
    asked = options()["learning w"] | options()["biases"] | {"v": np.array([1.5, -0.5])}
    step = make_step([activation(a) for a in student], 0.1, teacher=[activation(a) for a in teacher], **asked)
    rng = np.random.default_rng(2)
    x, y, own = (rng.standard_normal((LANES, n)) for n in (K, M, K))
    delta, change = signals(step, x, y, own, np.empty((LANES, 0)), lanes)
    for index in range(LANES):
        expected = in_numpy(student, teacher, asked, x[index], y[index], own[index], np.empty(0))
        np.testing.assert_allclose(delta[index], expected[0], rtol=0, atol=400 * EPS)
        np.testing.assert_allclose(change[index], expected[1], rtol=0, atol=400 * EPS)


def own_rule(x, sigma, tau, xp):
    return xp.tanh(tau - sigma) + 0.1 * x


RULES = {
    "hebb": (hebb, lambda x, sigma, tau: tau + 0.0 * x),
    "perceptron": (perceptron, lambda x, sigma, tau: np.where(x * tau < 0, tau, 0.0)),
    "adatron": (adatron, lambda x, sigma, tau: np.where(x * tau < 0, -x, 0.0)),
    "own": (own_rule, lambda x, sigma, tau: np.tanh(tau - sigma) + 0.1 * x),
}


@pytest.mark.parametrize("lanes", [False, True], ids=["numbers", "lanes"])
@pytest.mark.parametrize("name", RULES)
def test_modulations_of_other_rules(name, lanes):
    """F(x_i + theta_i, sigma, tau); the perceptron and the AdaTron as they are meant: one unit and a sign each."""
    modulation, definition = RULES[name]
    rng = np.random.default_rng(3)
    act, units = (activation("sign"), 1) if name in ("perceptron", "adatron") else (activation("erf"), K)
    theta, v = rng.standard_normal(units), np.array([1.5, -0.5]) if units > 1 else np.ones(1)
    step = make_step(act, 0.1, theta=theta, v=v, rule=RuleTag(name, modulation))
    x, y = rng.standard_normal((LANES, units)), rng.standard_normal((LANES, len(v)))
    delta, _ = signals(step, x, y, np.empty((LANES, 0)), np.empty((LANES, 0)), lanes)
    sigma, tau = act.g(x + theta).sum(-1, keepdims=True), (act.g(y) @ v)[:, None]
    # As above; tanh of the lanes within 4 eps.
    np.testing.assert_allclose(delta, definition(x + theta, sigma, tau), rtol=0, atol=400 * EPS)
    assert len(np.unique(delta)) > 1


def test_another_text_of_a_rule_is_another_type():
    first, second = RuleTag("own", own_rule), RuleTag("own", lambda x, sigma, tau, xp: tau)
    assert numba.typeof(first) != numba.typeof(second)
    assert numba.typeof(first) == numba.typeof(RuleTag("own", own_rule))


def test_the_program_depends_on_which_activations_there_are_not_on_who_has_them():
    erf, relu = activation("erf"), activation("relu")
    types = [numba.typeof(make_step(students, 0.1, teacher=erf)) for students in ([erf, relu], [erf, relu, relu, erf])]
    assert types[0] == types[1]
    assert numba.typeof(make_step([erf, erf], 0.1)) == numba.typeof(make_step(erf, 0.3))


def test_numbers_that_change_compile_nothing():
    relu = activation("relu")
    first = make_step(relu, 0.1, v=[1.0], label_noise=0.1, keep=0.5)
    second = make_step(relu, 0.2, v=[2.0, 3.0], label_noise=2, keep=0.9)
    assert numba.typeof(first) == numba.typeof(second)
    assert numba.typeof(first) != numba.typeof(make_step(relu, 0.1))


def test_luck_is_counted():
    relu = activation("relu")
    options = product((None, 1), (None, 0.5))
    counts = {(s, p): luck_count(make_step(relu, 0.1, label_noise=s, keep=p), 5) for s, p in options}
    assert counts == {(None, None): 0, (1, None): 1, (None, 0.5): 5, (1, 0.5): 6}


# ---- The process: shapes and counts


def process(**changes):
    shape = {"K": 3, "M": 2, "C": np.eye(5), "rates": np.array([0.1])} | changes
    return Process(step=make_step(activation("relu"), 0.1), **shape)


def test_what_is_recorded():
    assert bare(make_step(activation("relu"), 0.1), np.eye(5), 3).record_shapes() == {"R": (3, 2), "Q": (3, 3)}
    own = (OwnNumbers("w", np.ones(3), fast=True), OwnNumbers("theta", np.zeros(3)))
    plain = process(own=own)
    assert plain.plain
    assert plain.record_shapes() == {"R": (3, 2), "Q": (3, 3), "w": (3,), "theta": (3,)}
    assert plain.fast.tolist() == [True] * 3 + [False] * 3
    assert [plain.own_part(index).name for index in (0, 2, 3, 5)] == ["w", "w", "theta", "theta"]
    moving = process(C=np.eye(9), damping=1.0, teacher_drift=0.1, mean=True)
    assert (moving.plain, moving.references) == (False, 2)
    state = {"R": (3, 2), "Q": (3, 3), "RV": (3, 2), "QJV": (3, 3), "QV": (3, 3)}
    assert moving.record_shapes() == state | {"T": (2, 2), "d": (3,), "dV": (3,), "e": (2,)}
    spectrum = process(C=np.stack([np.eye(5)] * 4), spectrum=Spectrum(np.arange(1, 5.0), np.full(4, 0.25)))
    assert spectrum.record_shapes() == {"R": (4, 3, 2), "Q": (4, 3, 3)}
    tree = process(M=3, C=np.stack([np.eye(2)] * 3), tree=True, teacher_drift=0.1)
    assert tree.record_shapes() == {"R": (3,), "Q": (3,)}


def test_dimensions_of_sectors_add_up():
    spectrum = Spectrum(np.array([1.0, 2.0, 3.0]), np.array([1 / 3, 1 / 3, 1 / 3]))
    for N in (3, 10, 100, 1001):
        dimensions = spectrum.dimensions(N)
        assert dimensions.sum() == N
        assert np.abs(dimensions - N / 3).max() <= 1
