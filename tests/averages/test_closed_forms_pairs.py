"""Closed forms of pairs: against quadrature on grids, mpmath, published values, Monte Carlo, difference quotients."""

import json
from itertools import product

import jax
import numpy as np
import pytest
from scipy.special import erf

import learndyn as ld
from differences import central
from gaussian_grids import g, pair_averages
from learndyn.activations.averages.closed_forms import pair
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from reference_data import DATA

JAX = jax_namespace()
NAMES = ("erf", "relu", "linear", "leaky_relu(0.3)", "step", "sign")
PAIRS = [*product(NAMES, NAMES), ("sine", "sine"), ("sine", "linear"), ("linear", "sine")]
# Correlations of up to 0.9 and standard deviations of up to 1.5: with 40 nodes a panel of at most 5 standard
# deviations, on which a Gaussian of relative width sqrt(1 - 0.9^2) lies, the rule is right to rounding, 1e-13 of a
# hundred thousand terms of size one.
GRID = 2e-13
POINTS = [
    (1.0, 0.0, 1.0, 0.3, -0.4),
    (0.5, 0.3, 2.0, -1.2, 0.7),
    (2.0, -1.1, 0.8, 0.9, 1.5),
    (0.6, 0.5, 0.55, 0.2, 0.25),
    (1.0, -0.85, 0.9, 0.0, -1.0),
]


def inputs(point, biased):
    s11, s12, s22, m1, m2 = map(np.float64, point)
    return (s11, s12, s22, m1, m2) if biased else (s11, s12, s22, None, None)


def rebuilt(slopes, s11, s12, s22):
    """<g1' g2>, <g1' u g2>, <g1' v g2> by Stein's lemma."""
    along = slopes.along / np.sqrt(s11)
    return slopes.first, s11 * along + s12 * slopes.both, s12 * along + s22 * slopes.both


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_agrees_with_quadrature(first, second, biased):
    outputs, slopes = pair(first, second, biased)
    assert (slopes is None) == (first in ("step", "sign"))
    for point in POINTS:
        s11, s12, s22, m1, m2 = point if biased else (*point[:3], 0.0, 0.0)
        wanted = pair_averages(first, second, s11, s12, s22, m1, m2)
        arguments = inputs(point, biased)
        assert abs(outputs(*arguments, NUMPY) - wanted[0]) <= GRID
        if slopes is not None:
            got = rebuilt(slopes(*arguments, NUMPY), s11, s12, s22)
            assert np.abs(np.subtract(got, wanted[1:])).max() <= GRID


def every_average(s11, s12, s22, m1, m2, xp, names):
    """All averages of all these pairs, stacked along the last axis: one program for all of them."""
    values = []
    for first, second in names:
        for formula in pair(first, second, m1 is not None):
            if formula is not None:
                result = formula(s11, s12, s22, m1, m2, xp)
                values += list(result) if isinstance(result, tuple) else [result]
    return xp.stack(xp.broadcast_arrays(*values), axis=-1)


def test_jax_agrees_with_numpy_and_zero_biases_with_none():
    s, (m1, m2) = np.array(POINTS).T[:3], np.array(POINTS).T[3:]
    rounding = 1e-14
    plain = every_average(*s, m1, m2, NUMPY, PAIRS), every_average(*s, None, None, NUMPY, PAIRS)
    with jax.enable_x64(True):
        traced = jax.jit(lambda: (every_average(*s, m1, m2, JAX, PAIRS), every_average(*s, None, None, JAX, PAIRS)))()
    for one, other in zip(plain, traced, strict=True):
        np.testing.assert_allclose(np.asarray(other), one, rtol=0, atol=rounding)
    zeros = every_average(*s, 0.0 * m1, 0.0 * m2, NUMPY, PAIRS)
    np.testing.assert_allclose(zeros, plain[1], rtol=0, atol=rounding)


@pytest.mark.parametrize("name", ["erf", "relu", "linear"])
def test_equal_units_without_biases_agree_with_their_own_files(name):
    act = ld.activation(name)
    outputs, slopes = pair(name, name, False)
    rng = np.random.default_rng(1)
    A = rng.standard_normal((30, 3, 4))
    C = A @ np.swapaxes(A, 1, 2)  # the order of I3: u, v, w
    arguments = (C[:, 0, 0], C[:, 0, 2], C[:, 2, 2], None, None, NUMPY)
    scale = np.abs(C).max()
    pairs = C[:, ::2, ::2]
    assert np.abs(outputs(*arguments) - act.I2(pairs)).max() <= 1e-14 * scale
    s = slopes(*arguments)
    stein = C[:, 0, 1] * s.along / np.sqrt(C[:, 0, 0]) + C[:, 1, 2] * s.both
    assert np.abs(stein - act.I3(C)).max() <= 1e-14 * scale


def test_nearly_singular_covariances_agree_with_mpmath():
    vectors = json.loads((DATA / "pair_vectors.json").read_text())["vectors"]
    assert {v["rbar"] for v in vectors} == {0.3, 1e-2, 1e-4, 1e-6}
    eps = np.finfo(float).eps
    for vector in vectors:
        outputs, slopes = pair(*vector["names"], True)
        arguments = tuple(map(np.float64, vector["inputs"]))
        s11, s12, s22 = arguments[:3]
        got = slopes(*arguments, NUMPY)
        first, with_u, _ = rebuilt(got, s11, s12, s22)
        # D = s11 s22 - s12^2 is off by rounding, and so rbar by eps / rbar; the averages move no faster than rbar, but
        # <g1' g2'> of two kinks depends on differences of the biases over rbar, which are off by eps / rbar, too.
        allowed = 4 * eps * s11 / vector["rbar"]
        values = {"g1 g2": outputs(*arguments, NUMPY), "g1' g2": first, "g1' u g2": with_u, "g1' g2'": got.both}
        for name, value in values.items():
            assert abs(value - vector[name]) <= allowed + 2e-15, (vector, name)


def test_published_averages():
    vectors = json.loads((DATA / "biased_averages.json").read_text())["vectors"]
    vectors = [v for v in vectors if len(v["slopes"]) <= 1]
    assert len(vectors) == 15
    for v in vectors:
        outputs, slopes = pair(*v["slopes"], *v["functions"], True)
        C, m = np.array(v["covariance"]), np.array(v["mean"])
        arguments = (C[0, 0], C[0, 1], C[1, 1], m[0], m[1], NUMPY)
        if not v["slopes"]:
            value = outputs(*arguments)
        elif not v["raw"]:
            value = slopes(*arguments).first
        else:
            s = slopes(*arguments)
            value = C[2, 0] * s.along / np.sqrt(C[0, 0]) + C[2, 1] * s.both
        assert abs(value - v["value"]) <= v["tolerance"]


def test_monte_carlo():
    # 39 comparisons at 4.5 standard errors: a false alarm in about 1 of 4000 choices of the seed.
    rng = np.random.default_rng(7)
    n = 100_000
    for number, (first, second) in enumerate(PAIRS):
        s11, s12, s22, m1, m2 = POINTS[number % len(POINTS)]
        u, w = rng.standard_normal((2, n))
        v = s12 / np.sqrt(s11) * u + np.sqrt(s22 - s12**2 / s11) * w
        sample = g(first, np.sqrt(s11) * u + m1) * g(second, v + m2)
        value = pair(first, second, True)[0](*inputs(POINTS[number % len(POINTS)], True), NUMPY)
        assert abs(sample.mean() - value) <= 4.5 * sample.std() / np.sqrt(n)


@pytest.mark.parametrize("biased", [False, True])
def test_equal_units_and_constant_ones(biased):
    # The same unit twice: an average of one variable. A unit of no variance: the activation at its bias.
    z, w = np.polynomial.hermite_e.hermegauss(100)
    w = w / w.sum()
    s, m = 0.49, 0.35 if biased else 0.0
    means = (m, m) if biased else (None, None)
    outputs, slopes = pair("erf", "erf", biased)
    single = w @ erf((m + np.sqrt(s) * z) / np.sqrt(2)) ** 2
    assert abs(outputs(s, s, s, *means, NUMPY) - single) <= 1e-13
    half = (1.0 + erf(m / np.sqrt(2 * s))) / 2
    density = np.exp(-m * m / (2 * s)) / np.sqrt(2 * np.pi * s)
    for first, second, exact in (
        ("relu", "relu", (m * m + s) * half + m * s * density),
        ("relu", "step", m * half + s * density),
    ):
        value = pair(first, second, biased)[0](s, s, s, *means, NUMPY)
        assert abs(value - exact) <= 1e-14
    assert abs(pair("relu", "relu", biased)[1](s, s, s, *means, NUMPY).both - half) <= 1e-14
    for first, second in product(("erf", "relu", "leaky_relu(0.3)"), NAMES):
        outputs, slopes = pair(first, second, biased)
        own = g(first, np.array(m)) if biased else 0.0
        other = pair("linear", second, biased)[1](s, 0.0, s, *means, NUMPY).first
        assert abs(outputs(0.0, 0.0, s, *means, NUMPY) - own * other) <= 1e-14
        assert np.isfinite(np.array(slopes(0.0, 0.0, s, *means, NUMPY))).all()
        assert np.isfinite(np.array(slopes(0.0, 0.0, 0.0, *means, NUMPY))).all()


# A leaky unit is a combination of others: these pairs reach every line of the formulas.
DIFFERENTIATED = [*product(("erf", "relu", "linear"), ("erf", "relu", "linear", "step")), ("step", "step"), *PAIRS[-3:]]


def test_derivatives():
    rng = np.random.default_rng(11)
    points = np.array(POINTS)
    along = rng.standard_normal(points.shape)

    def all_of(p):
        return every_average(*p.T, JAX, DIFFERENTIATED)

    with jax.enable_x64(True):
        both = jax.jit(lambda p, d: jax.jvp(all_of, (p,), (d,)))
        step = np.full(len(points), 1e-3)
        fine, allowed = central(lambda p: np.asarray(both(p, along)[0]), points, along, step, 1e-15)
        slope = np.asarray(both(points, along)[1])
    assert (np.abs(slope - fine) <= allowed).all()
    assert np.median(np.abs(fine)) > 1e4 * np.median(allowed)


def test_derivatives_are_finite_on_the_closed_set():
    singular = np.array([
        [s11, s12, s22, m1, m2]
        for s11, s12, s22 in [(1, 0, 1), (1, 1, 1), (2, -2, 2), (0, 0, 1), (1, 0, 0), (0, 0, 0), (1, 1 - 1e-12, 1)]
        for m1, m2 in [(0, 0), (0.5, 0.5), (0.5, -0.5), (0, 1), (1, 0)]
    ], dtype=float)  # fmt: skip

    def biased(p):
        return every_average(*p, JAX, DIFFERENTIATED)

    def without(p):
        return every_average(*p[:3], None, None, JAX, DIFFERENTIATED)

    for function in (biased, without):

        def twice(p, f=function):
            value = f(p)
            return value, value

        with jax.enable_x64(True):
            slope, value = jax.jit(jax.vmap(jax.jacfwd(twice, has_aux=True)))(singular)
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()


def test_what_has_no_closed_form():
    assert pair("tanh", "erf", False) is None
    assert pair("sine", "erf", True) is None
    assert pair("leaky_relu(x)", "erf", True) is None
    assert pair("polynomial(1, 2)", "linear", False) is None
