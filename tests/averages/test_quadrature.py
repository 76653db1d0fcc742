"""Averages by quadrature of smooth activations, against other rules, closed forms, Monte Carlo, and Stein."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from scipy.special import erf, ndtri

from differences import central, one_sided
from learndyn.activations import Activation
from learndyn.activations.averages.quadrature import (
    error_estimate,
    joint_square,
    joint_table,
    pair_error_estimate,
    quadrature_fours,
    quadrature_pair,
    square_table,
)
from learndyn.activations.averages.quadrature_last import direct_moments, tabulated_moments
from learndyn.activations.averages.quadrature_namespace import quick
from learndyn.activations.averages.quadrature_traits import traits
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from quadrature_units import UNITS

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "quadrature_vectors.json").read_text())
# What is promised: of pairs up to standard deviations of 3, of four units where they are of order one.
ACCURACY = 1e-8
ROUNDING = 1e-13
FALSE_ALARM = 1e-6


def covariance(rng, n, sigma=1.0):
    A = rng.standard_normal((n, 2 * n))
    C = A @ A.T
    scale = sigma / np.sqrt(np.diagonal(C))
    return C * scale[:, None] * scale


def in_jax(function, *arguments):
    with jax.enable_x64(True):
        program = jax.jit(lambda *a: function(*a, jax_namespace()))
        return jax.tree.map(
            np.asarray, program(*(None if a is None else np.asarray(a, dtype=float) for a in arguments))
        )


def units(names):
    return tuple(UNITS[name] for name in names)


# ---- Pairs


PAIRS = [
    ("tanh", "tanh", 0.8, 0.3, 1.1, 0.0, 0.0),
    ("tanh", "tanh", 9.0, -6.0, 8.5, 0.0, 0.0),
    ("tanh", "logistic", 0.5, -0.2, 1.4, 0.3, -0.6),
    ("logistic", "tanh", 1.4, 1.0, 1.0, -0.4, 0.8),
    ("softplus", "gelu", 0.9, 0.5, 0.6, 0.2, -0.3),
    ("gelu", "softplus", 4.0, -1.5, 2.0, 0.0, 0.0),
    ("gelu", "gelu", 9.0, 6.0, 9.0, 0.5, 0.5),
    ("sine", "tanh", 2.0, 1.1, 1.5, 0.4, 0.0),
]


@pytest.mark.parametrize("case", PAIRS, ids=lambda case: "-".join(map(str, case)))
def test_pairs_against_gauss_legendre(case):
    first, second, *s, m1, m2 = case
    outputs, slopes = quadrature_pair(UNITS[first], UNITS[second])
    means = (None, None) if m1 == m2 == 0.0 else (m1, m2)
    found = [outputs(*s, *means, NUMPY), *slopes(*s, *means, NUMPY)]
    exact = gauss_legendre(UNITS[first], UNITS[second], *s, m1, m2)
    scale = max(1.0, np.abs(exact).max())
    assert np.abs(np.array(found) - exact).max() < ACCURACY * scale


def gauss_legendre(first, second, s11, s12, s22, m1, m2):
    """<g1 g2>, sqrt(s11) <g1'' g2>, <g1' g2'>, <g1' g2>: 20 nodes in each of 24 panels, u given v; g'' by JAX."""
    x, w = np.polynomial.legendre.leggauss(20)
    ends = np.linspace(-9, 9, 25)
    n = (ends[:-1, None] + 0.375 * (1 + x)).reshape(-1)
    w = np.tile(0.375 * w, 24) * np.exp(-0.5 * n * n) / np.sqrt(2 * np.pi)
    v = m2 + np.sqrt(s22) * n[:, None]
    u = m1 + s12 / np.sqrt(s22) * n[:, None] + np.sqrt(s11 - s12**2 / s22) * n
    with jax.enable_x64(True):
        second_derivative = jax.vmap(jax.grad(lambda x: first.functions["dg"](x, jax_namespace())))
        ddg = np.asarray(second_derivative(u.reshape(-1))).reshape(u.shape)
    factors = ((first.g(u), second.g(v)), (np.sqrt(s11) * ddg, second.g(v)), (first.dg(u), second.dg(v)))
    return np.array([w @ (a * b) @ w for a, b in (*factors, (first.dg(u), second.g(v)))])


def test_pairs_of_erf_and_linear_units_against_closed_forms():
    rng = np.random.default_rng(1)
    sigma = rng.uniform(0.1, 3.0, (2, 40))
    s11, s22 = sigma**2
    s12 = rng.uniform(-1, 1, 40) * sigma[0] * sigma[1]
    C = np.empty((40, 3, 3))
    # <g1'(u) u g2(v)> = s11 <g1'' g2> + s12 <g1' g2'>, and <g1'(u) v g2(v)> = s12 <g1'' g2> + s22 <g1' g2'>.
    for name in ("erf", "linear"):
        outputs, slopes = quadrature_pair(UNITS[name], UNITS[name])
        along, both, first = slopes(s11, s12, s22, None, None, NUMPY)
        exact = UNITS[name].functions["I2"](s11, s12, s22, NUMPY)
        assert np.abs(outputs(s11, s12, s22, None, None, NUMPY) - exact).max() < ACCURACY
        assert (first == 0.0).all()
        for v, value in (
            ((s11, s11, s12), sigma[0] * along + s12 * both),
            ((s12, s22, s22), s12 / sigma[0] * along + s22 * both),
        ):
            C[:, 0, 0], C[:, 0, 2], C[:, 2, 2], C[:, 1, 1] = s11, s12, s22, v[1]
            C[:, 0, 1], C[:, 1, 2] = v[0], v[2]
            exact = UNITS[name].functions["I3"](C, NUMPY)
            assert np.abs(value - exact).max() < 9 * ACCURACY


@pytest.mark.parametrize("m", [None, (0.3, -0.8)])
def test_polynomials_are_exact(m):
    # <(u^3 - 3 u + 1/2)(v^3 - 3 v + 1/2)> at unit variances, Hermite polynomials: 6 rho^3 + 1/4.
    outputs, slopes = quadrature_pair(UNITS["cubic"], UNITS["cubic"])
    rho = np.linspace(-1, 1, 9)
    assert np.abs(outputs(1.0, rho, 1.0, None, None, NUMPY) - 6 * rho**3 - 0.25).max() < ROUNDING
    # All of them against Gauss-Hermite with more nodes than any degree needs, in coordinates of the other unit.
    n, w = np.polynomial.hermite_e.hermegauss(12)
    w = w / w.sum()
    m1, m2 = m or (0.0, 0.0)
    g, dg = UNITS["cubic"].g, UNITS["cubic"].dg
    v = m2 + 1.3 * n[:, None]
    u = m1 + 0.5 / 1.3 * n[:, None] + np.sqrt(0.8 - 0.25 / 1.69) * n
    weight = w[:, None] * w
    exact = [(weight * f).sum() for f in (g(u) * g(v), 6 * u * g(v) * np.sqrt(0.8), dg(u) * dg(v), dg(u) * g(v))]
    found = [f(0.8, 0.5, 1.69, *(m or (None, None)), NUMPY) for f in (outputs, slopes)]
    assert np.abs(np.array([found[0], *found[1]]) - exact).max() < 1e2 * ROUNDING


@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_pairs_of_duplicates_and_constants(name):
    # v = u, v = -u, v constant, u constant: averages of one variable.
    g, dg = UNITS[name].g, UNITS[name].dg
    outputs, slopes = quadrature_pair(UNITS[name], UNITS[name])
    x, w = np.polynomial.legendre.leggauss(200)
    x, w = 9 * x, 9 * w * np.exp(-0.5 * (9 * x) ** 2) / np.sqrt(2 * np.pi)
    for (s11, s12, s22), u, v in (
        ((1.7, 1.7, 1.7), np.sqrt(1.7) * x, np.sqrt(1.7) * x),
        ((1.7, -1.7, 1.7), np.sqrt(1.7) * x, -np.sqrt(1.7) * x),
        ((1.7, 0.0, 0.0), np.sqrt(1.7) * x, 0 * x),
        ((0.0, 0.0, 1.7), 0 * x, np.sqrt(1.7) * x),
        ((0.0, 0.0, 0.0), 0 * x, 0 * x),
    ):
        for m in ((None, None), (0.4, -0.7)):
            a, b = u + (m[0] or 0.0), v + (m[1] or 0.0)
            exact = [(w * f).sum() for f in (g(a) * g(b), dg(a) * dg(b), dg(a) * g(b))]
            # <u g' g> = s11 <g'' g> + s12 <g' g'>
            along = ((w * x * dg(a) * g(b)).sum() - s12 / np.sqrt(s11) * exact[1]) if s11 else 0.0
            found = slopes(s11, s12, s22, *m, NUMPY)
            values = [outputs(s11, s12, s22, *m, NUMPY), found.both, found.first, found.along]
            assert np.abs(np.array(values) - [*exact, along]).max() < 1e-12


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-8, 1e-12])
def test_nearly_equal_units(distance):
    # Smooth in 1 - rho: the difference to rho = 1 is its slope, - s <g' g'>, times 1 - rho, up to (1 - rho)^2.
    outputs, slopes = quadrature_pair(UNITS["tanh"], UNITS["tanh"])
    at = outputs(1.5, 1.5 * np.array([1.0, 1.0 - distance]), 1.5, None, None, NUMPY)
    both = slopes(1.5, 1.5, 1.5, None, None, NUMPY).both
    assert abs(at[1] - at[0] + 1.5 * distance * both) < 4 * distance**2 + ROUNDING


@pytest.mark.parametrize("biased", [False, True])
def test_pairs_in_jax_agree_with_numpy_and_come_in_any_shape(biased):
    rng = np.random.default_rng(2)
    s11, s22 = rng.uniform(0.2, 2.0, (2, 5, 7))
    s12 = rng.uniform(-1, 1, (5, 7)) * np.sqrt(s11 * s22)
    m = rng.uniform(-1, 1, (2, 5, 7)) if biased else (None, None)
    outputs, slopes = quadrature_pair(UNITS["tanh"], UNITS["logistic"])
    found = in_jax(lambda *a: (outputs(*a), *slopes(*a)), s11, s12, s22, *m)
    single = [f(s11[2, 3], s12[2, 3], s22[2, 3], *(x[2, 3] if biased else None for x in m), NUMPY)
              for f in (outputs, slopes)]  # fmt: skip
    for values, one in zip(found, [single[0], *single[1]], strict=True):
        assert values.shape == (5, 7)
        # One step serves a whole batch of pairs, so that numbers differ by what is promised.
        assert abs(values[2, 3] - one) < ACCURACY


def test_derivatives_of_pairs():
    outputs, slopes = quadrature_pair(UNITS["tanh"], UNITS["tanh"])

    def value(p):
        return np.stack([outputs(*p.T, None, None, NUMPY), *slopes(*p.T, None, None, NUMPY)[:2]], -1)

    def derivative(p, d):
        with jax.enable_x64(True):
            xp = jax_namespace()
            f = jax.vmap(lambda s: xp.stack([outputs(*s, None, None, xp), *slopes(*s, None, None, xp)[:2]]))
            return np.asarray(jax.jit(lambda p, d: jax.jvp(f, (p,), (d,))[1])(p, d))

    points = np.array([[1.0, 0.3, 1.2], [0.5, -0.4, 0.6], [2.0, 1.2, 0.9]])
    along = np.array([[0.4, 0.3, -0.5], [0.2, 0.6, 0.3], [-0.7, 0.2, 0.4]])
    fine, allowed = central(value, points, along, 0.01, 1e-11)
    assert (np.abs(derivative(points, along) - fine) <= allowed).all()
    assert np.median(np.abs(fine)) > 1e4 * np.median(allowed)
    # At the border: equal units, and units of no variance. <g' g'> is the derivative by s12 everywhere (Price).
    border = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = derivative(border, np.broadcast_to([0.0, 1.0, 0.0], border.shape))
    both = value(border)[:, 2]
    assert np.isfinite(found).all()
    assert np.abs(found[:, 0] - both).max() < 1e-7  # rounding over the smallest standard deviation, 1e-8


# ---- Four units


@pytest.mark.parametrize("vector", VECTORS["squares"], ids=lambda v: "-".join(v["units"]))
def test_squares_against_nested_gauss_legendre(vector):
    f = joint_square(units(vector["units"]), vector["K"])
    C, c = np.array(vector["C"]), np.array(vector["c"])
    m = None if vector["m"] is None else np.array(vector["m"])
    assert vector["agreement"] < ACCURACY / 10
    assert np.abs(f(C, m, c, NUMPY) - vector["values"]).max() < ACCURACY
    assert error_estimate(units(vector["units"]), vector["K"], C, c, m).max() < ACCURACY


@pytest.mark.parametrize(("K", "n"), [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (1, 4), (2, 4), (3, 4), (4, 4)])
@pytest.mark.parametrize("biased", [False, True])
def test_sums_and_tables_of_erf_units_against_the_closed_form(K, n, biased):
    rng = np.random.default_rng(10 * K + n)
    C, c = covariance(rng, n, 1.2), rng.uniform(-1, 1, n)
    m = np.zeros(n) if biased else None
    erf = UNITS["erf"]
    exact = erf.functions["square_sum"](C, c, K, NUMPY)
    table = joint_table((erf,) * n, K)(C, m, NUMPY)
    assert np.abs(joint_square((erf,) * n, K)(C, m, c, NUMPY) - exact).max() < ACCURACY
    assert table.shape == (K * (K + 1) // 2, n, n)
    assert np.abs(table @ c @ c - exact).max() < ACCURACY


@pytest.mark.parametrize(("K", "M"), [(1, 4), (2, 3), (3, 3), (4, 1)])
def test_larger_networks_of_erf_units_against_the_closed_form(K, M):
    rng = np.random.default_rng(K)
    n = K + M
    C, erf = covariance(rng, n), UNITS["erf"]
    table = square_table((erf,) * n, K)(C, None, NUMPY)
    i, k, p, q = (x.reshape(-1) for x in np.indices((K, K, n, n)))
    keep = i <= k
    sets = np.stack([i, k, p, q], -1)[keep]
    exact = erf.functions["I4"](C[sets[:, :, None], sets[:, None, :]], NUMPY)
    assert np.abs(table.reshape(-1) - exact).max() < 1e-6


def test_units_of_a_larger_network_keep_their_activations_and_biases():
    rng = np.random.default_rng(3)
    names, K = ("tanh", "gelu", "logistic", "tanh", "softplus"), 3
    C, m, c = covariance(rng, 5, 0.8), rng.uniform(-0.5, 0.5, 5), rng.uniform(-1, 1, 5)
    table = square_table(units(names), K)(C, m, NUMPY)
    # Units 0, 2, 3, 4 as a network of their own: K = 2.
    part = [0, 2, 3, 4]
    alone = joint_table(units(names[u] for u in part), 2)(C[np.ix_(part, part)], m[part], NUMPY)
    pairs = [0, 2, 5]  # (0, 0), (0, 2), (2, 2)
    assert np.abs(table[pairs][:, part][:, :, part] - alone).max() < 1e-6
    assert np.abs(table - np.swapaxes(table, 1, 2)).max() < ROUNDING
    # The whole sum by Monte Carlo.
    samples = 400_000
    z = m + rng.standard_normal((samples, 5)) @ np.linalg.cholesky(C).T
    acts = units(names)
    e2 = sum(c[k] * acts[k].g(z[:, k]) for k in range(5)) ** 2
    threshold = -ndtri(FALSE_ALARM / 12)
    for (i, k), row in zip([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)], table, strict=True):
        draws = acts[i].dg(z[:, i]) * acts[k].dg(z[:, k]) * e2
        assert abs(draws.mean() - row @ c @ c) < threshold * draws.std() / np.sqrt(samples)


def test_fours_of_stacked_covariances():
    rng = np.random.default_rng(4)
    C = np.array([[covariance(rng, 4) for _ in range(2)] for _ in range(3)])
    fours = quadrature_fours((UNITS["erf"],) * 4)
    exact = UNITS["erf"].functions["I4"](C, NUMPY)
    assert np.abs(fours(C, None, NUMPY) - exact).max() < ACCURACY
    assert np.abs(in_jax(fours, C, np.zeros((3, 2, 4))) - exact).max() < ACCURACY


SPECIALISED = np.kron(np.ones((2, 2)), np.array([[1.0, 0.2], [0.2, 0.8]]))


def test_a_perfect_student_has_no_error():
    f = joint_square((UNITS["tanh"],) * 4, 2)
    c = np.array([-1.0, -1.0, 1.0, 1.0])
    assert np.abs(f(SPECIALISED, None, c, NUMPY)).max() < 1e-14
    assert np.abs(in_jax(f, SPECIALISED, None, c)).max() < 1e-14


@pytest.mark.parametrize("distance", [1e-2, 1e-5, 1e-8, 1e-12])
def test_a_nearly_perfect_student(distance):
    # x = y + eps n with independent n: <g' g' e^2> = eps^2 sum_p <g_i' g_k' g_p'^2> + O(eps^4).
    C = SPECIALISED.copy()
    C[:2, :2] += distance * np.eye(2)
    c = np.array([-1.0, -1.0, 1.0, 1.0])
    found = joint_square((UNITS["tanh"],) * 4, 2)(C, None, c, NUMPY)
    x, w = np.polynomial.hermite_e.hermegauss(120)
    w = w / w.sum()
    L = np.linalg.cholesky(SPECIALISED[:2, :2])
    dg = [UNITS["tanh"].dg(z) for z in (L[0, 0] * x[:, None], L[1, 0] * x[:, None] + L[1, 1] * x)]
    weight = w[:, None] * w * (dg[0] ** 2 + dg[1] ** 2)
    leading = distance * np.array([(weight * dg[i] * dg[k]).sum() for i, k in ((0, 0), (0, 1), (1, 1))])
    # The next order: fourth derivatives of products of tanh are below 30. Gauss-Hermite here: 1e-9 of the leading one.
    assert np.abs(found - leading).max() < 30 * distance**2 + 1e-8 * distance + 1e-14


def test_derivatives_of_squares():
    rng = np.random.default_rng(6)
    f, c = joint_square((UNITS["tanh"],) * 4, 2), np.array([-1.0, -0.7, 1.2, 1.0])
    with jax.enable_x64(True):
        xp = jax_namespace()
        program = jax.jit(jax.vmap(lambda C: f(C, None, c, xp)))
        tangent = jax.jit(jax.vmap(lambda C, D: jax.jvp(lambda C: f(C, None, c, xp), (C,), (D,))[1]))
        points = np.array([covariance(rng, 4) for _ in range(2)])
        D = rng.standard_normal((2, 4, 4))
        D = (D + np.swapaxes(D, 1, 2)) / 4
        fine, allowed = central(lambda p: np.asarray(program(p)), points, D, 0.004, 1e-9)
        assert (np.abs(np.asarray(tangent(points, D)) - fine) <= allowed).all()
        assert np.median(np.abs(fine)) > 1e3 * np.median(allowed)
        # At the perfect student, into the interior.
        inwards = np.array([covariance(rng, 4)] * 2)
        singular = np.array([SPECIALISED] * 2)
        found = np.asarray(tangent(singular, inwards))[0]
        fine, allowed = one_sided(lambda p: np.asarray(program(p[None].repeat(2, 0)))[0], SPECIALISED, inwards[0])
    assert (np.abs(found - fine) <= allowed + 1e-7).all()


def test_squares_of_polynomials_are_exact():
    # Against Gauss-Hermite with more nodes than any degree needs, in coordinates of a factor in the other order.
    rng = np.random.default_rng(8)
    acts, C, m = units(("cubic", "linear", "cubic")), covariance(rng, 3), rng.uniform(-1, 1, 3)
    c = rng.uniform(-1, 1, 3)
    n, w = np.polynomial.hermite_e.hermegauss(12)
    w = w / w.sum()
    grid = np.stack([x.reshape(-1) for x in np.meshgrid(n, n, n, indexing="ij")])
    weight = (w[:, None, None] * w[:, None] * w).reshape(-1)
    z = m[:, None] + (np.linalg.cholesky(C[::-1, ::-1]) @ grid)[::-1]
    e2 = sum(c[k] * acts[k].g(z[k]) for k in range(3)) ** 2
    exact = [(weight * acts[i].dg(z[i]) * acts[k].dg(z[k]) * e2).sum() for i, k in ((0, 0), (0, 1), (1, 1))]
    found = joint_square(acts, 2)(C, m, c, NUMPY)
    assert np.abs(found / exact - 1).max() < 1e3 * ROUNDING


def test_moments_from_a_table_agree_with_direct_sums():
    mean = np.concatenate([np.linspace(-9.0, 9.0, 1001), [0.0, 9.0, -9.0]])
    for name in ("tanh", "gelu", "softplus", "sine"):
        unit = UNITS[name]
        for deviation in (1e-8, 0.3, 1.2):
            direct = direct_moments(unit, True, (traits(unit),), deviation, NUMPY)(mean)
            table = tabulated_moments(unit, True, 0.0, 9.0, deviation, NUMPY)(mean)
            scale = np.abs(direct).max()
            assert np.abs(np.subtract(table, direct)).max() < 1e-10 * scale
    # The first moment of erf, of unit variance in all: erf(mean / sqrt(2 (1 + deviation^2))).
    found = tabulated_moments(UNITS["erf"], False, 0.0, 9.0, 0.8, NUMPY)(mean)[0][1]
    assert np.abs(found - erf(mean / np.sqrt(2 * 1.64))).max() < 1e-11


def test_traits():
    tanh, hard = traits(UNITS["tanh"]), traits(UNITS["hard"])
    assert (tanh.odd, tanh.degree, tanh.breaks) == (True, None, ())
    assert abs(tanh.growth) < 1e-12
    # Poles at pi / 2, met with the powers of k that belong to poles of order 4 and 6.
    assert 0.5 < tanh.strip_4 / (np.pi / 2) < tanh.strip_2 / (np.pi / 2) < 1.0
    assert hard.breaks == (-1.0, 1.0)
    assert (traits(UNITS["cubic"]).degree, traits(UNITS["linear"]).degree) == (3, 1)
    assert not traits(UNITS["logistic"]).odd
    assert abs(traits(UNITS["softplus"]).growth - 1.0) < 1e-6
    # Twice as steep: half the strip.
    steep = Activation("test steep", "", {"g": _steep, "dg": _steep_slope})
    assert abs(2 * traits(steep).strip_4 / tanh.strip_4 - 1.0) < 0.05


def _steep(x, xp):
    return xp.tanh(2.0 * x)


def _steep_slope(x, xp):
    return 2.0 / xp.cosh(2.0 * x) ** 2


def test_the_quick_error_function():
    x = np.concatenate([np.linspace(-7, 7, 20001), [0.0, -0.0, 1e-300, 30.0, -30.0]])
    with jax.enable_x64(True):
        quickly = quick(jax_namespace()).erf
        value, slope = jax.jvp(quickly, (jax.numpy.asarray(x),), (np.ones_like(x),))
    assert np.abs(np.asarray(value) - erf(x)).max() < 2e-15
    assert np.abs(np.asarray(slope) - 2 / np.sqrt(np.pi) * np.exp(-x * x)).max() < 2e-15
    assert quick(NUMPY) is NUMPY


def test_gradients_backwards_and_forwards_agree():
    f, c = joint_square((UNITS["tanh"],) * 3, 1), np.array([-1.0, -0.7, 1.2])
    C = covariance(np.random.default_rng(9), 3)
    with jax.enable_x64(True):
        value = lambda C: f(C, None, c, jax_namespace())[0]  # noqa: E731
        backwards, forwards = jax.jit(jax.grad(value))(C), jax.jit(jax.jacfwd(value))(C)
    assert np.abs(np.asarray(backwards) - np.asarray(forwards)).max() < ROUNDING


def test_the_estimate_of_the_error_is_one():
    # At a coarse radius the true error is known from the closed form, and the estimate is of its size.
    rng = np.random.default_rng(7)
    acts, c = (UNITS["erf"],) * 4, np.array([-1.0, -1.0, 1.0, 1.0])
    C = np.array([covariance(rng, 4, 1.5) for _ in range(3)])
    estimate = error_estimate(acts, 2, C, c, nodes=8)
    exact = np.array([UNITS["erf"].functions["square_sum"](one, c, 2, NUMPY) for one in C])
    error = np.abs([joint_square(acts, 2, 8)(one, None, c, NUMPY) for one in C] - exact)
    assert estimate.shape == (3, 3)
    assert error.max() > 1e-8
    assert (np.abs(estimate - error) < 0.2 * error + 1e-9).all()
    # tanh at standard deviations of 4: more than 1e-8, less than 1e-5, and measured.
    outputs, slopes = quadrature_pair(UNITS["tanh"], UNITS["tanh"])
    finest = quadrature_pair(UNITS["tanh"], UNITS["tanh"], nodes=160)
    s = 16.0, 15.5, 16.0
    estimate = pair_error_estimate(UNITS["tanh"], UNITS["tanh"], *s)
    pairs = zip(slopes(*s, None, None, NUMPY), finest[1](*s, None, None, NUMPY), strict=True)
    error = max(abs(outputs(*s, None, None, NUMPY) - finest[0](*s, None, None, NUMPY)), *(abs(a - b) for a, b in pairs))
    assert 1e-8 < error < 1e-5
    assert abs(estimate - error) < 0.2 * error
