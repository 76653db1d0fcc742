"""Averages by quadrature of activations with kinks and jumps, against closed forms, other rules and Monte Carlo."""

import jax
import numpy as np
import pytest
from scipy.special import ndtri

from differences import central
from learndyn.activations.averages.quadrature import joint_square, joint_table, quadrature_pair, square_table
from learndyn.activations.averages.quadrature_pieces import linear_pieces, piecewise_moments
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from quadrature_units import UNITS

ACCURACY = 1e-8
ROUNDING = 1e-13
FALSE_ALARM = 1e-6
# Correlations of every distance from +-1, and the border.
RHO = np.array([0.0, 0.3, -0.7, *(1 - 10.0 ** -np.arange(1, 13)), *(-1 + 10.0 ** -np.arange(1, 13)), 1.0, -1.0])


def covariance(rng, n, sigma=1.0):
    A = rng.standard_normal((n, 2 * n))
    C = A @ A.T
    scale = sigma / np.sqrt(np.diagonal(C))
    return C * scale[:, None] * scale


def perfect(K, distance):
    """K students x = y + sqrt(distance) n next to K teachers."""
    C = np.kron(np.ones((2, 2)), np.eye(K))
    C[:K, :K] += distance * np.eye(K)
    return C


def plateau(K, M, distance):
    """Students that all know the mean of the teachers alone, and a little of their own."""
    R = np.full((K, M), 0.5)
    return np.block([[np.full((K, K), M / 4) + distance * np.eye(K), R], [R.T, np.eye(M)]])


# ---- Pairs


@pytest.mark.parametrize("s22", [0.01, 0.6, 9.0])
def test_relu_pairs_against_the_closed_form(s22):
    s11 = 1.7
    s12 = RHO * np.sqrt(s11 * s22)
    outputs, slopes = quadrature_pair(UNITS["relu"], UNITS["relu"])
    relu = UNITS["relu"].functions
    exact = relu["I2"](s11, s12, s22, NUMPY)
    scale = np.sqrt(s11 * s22)
    assert np.abs(outputs(s11, s12, s22, None, None, NUMPY) - exact).max() < ACCURACY * scale
    along, both, first = slopes(s11, s12, s22, None, None, NUMPY)
    # <theta(u) z v theta(v)> = s_zu / sqrt(s11) along + s_zv both: z = u and z = v.
    for s_zu, s_zv in ((s11, s12), (s12, s22)):
        C = np.empty((len(RHO), 3, 3))
        C[:, 0, 0], C[:, 2, 2], C[:, 0, 2], C[:, 0, 1], C[:, 1, 2], C[:, 1, 1] = s11, s22, s12, s_zu, s_zv, 1.0
        found = s_zu / np.sqrt(s11) * along + s_zv * both
        assert np.abs(found - relu["I3"](C, NUMPY)).max() < ACCURACY * max(1.0, s22)
    # <theta(u) v theta(v)> = (sigma2 + s12 / sigma1) / (2 sqrt(2 pi)).
    assert np.abs(first - (np.sqrt(s22) + s12 / np.sqrt(s11)) / np.sqrt(8 * np.pi)).max() < ACCURACY * max(1.0, s22)


@pytest.mark.parametrize("rho", [-0.8, 0.0, 0.5, 0.99, 1 - 1e-6])
def test_relu_with_erf_and_step_against_closed_forms(rho):
    s11, s22 = 1.3, 0.8
    s12 = rho * np.sqrt(s11 * s22)
    outputs, slopes = quadrature_pair(UNITS["relu"], UNITS["erf"])
    # <u_+ erf(v / sqrt 2)> = s12 / sqrt(2 pi (1 + s22)); <theta(u) z erf> = s_zv / sqrt(2 pi (1 + s22)): along = 0.
    factor = 1 / np.sqrt(2 * np.pi * (1 + s22))
    assert abs(outputs(s11, s12, s22, None, None, NUMPY) - s12 * factor) < ACCURACY
    along, both, _ = slopes(s11, s12, s22, None, None, NUMPY)
    assert abs(along) < ACCURACY
    assert abs(both - factor) < ACCURACY
    # <theta(u) theta(v)> = 1/4 + asin(rho) / (2 pi); <delta(u) theta(v)> = phi(0) / 2, <theta(u) delta(v)> likewise.
    outputs, slopes = quadrature_pair(UNITS["relu"], UNITS["step"])
    along, both, first = slopes(s11, s12, s22, None, None, NUMPY)
    assert abs(first - 0.25 - np.arcsin(rho) / (2 * np.pi)) < ACCURACY
    assert abs(along - 0.5 / np.sqrt(2 * np.pi)) < ACCURACY
    assert abs(both - 0.5 / np.sqrt(2 * np.pi * s22)) < ACCURACY
    # <u_+ theta(v)> = (sigma1 + s12 / sigma2) / (2 sqrt(2 pi)).
    exact = (np.sqrt(s11) + s12 / np.sqrt(s22)) / np.sqrt(8 * np.pi)
    assert abs(outputs(s11, s12, s22, None, None, NUMPY) - exact) < ACCURACY


def conditional(f1, f2, C, kinks1, kinks2):
    """<f1(u) f2(v)>: 50 nodes a panel of v, and of u given v, split at the kinks and at every second deviation."""
    x, w = np.polynomial.legendre.leggauss(50)

    def rule(mean, deviation, kinks):
        inside = [np.clip((kink - mean) / deviation, -9.0, 9.0) for kink in kinks]
        ends = np.sort(np.stack(np.broadcast_arrays(*inside, *np.arange(-9.0, 9.5, 2.0), 0.0 * mean)), axis=0)
        half = np.diff(ends, axis=0)[..., None] / 2
        n = ends[:-1, ..., None] + half * (1 + x)
        weight = half * w * np.exp(-0.5 * n * n) / np.sqrt(2 * np.pi)
        return np.moveaxis(n, 0, -1).reshape(*mean.shape, -1), np.moveaxis(weight, 0, -1).reshape(*mean.shape, -1)

    # The layer that a kink of u leaves in v is as wide as the deviation of u given v: these correlations are moderate.
    sigma2 = np.sqrt(C[1, 1])
    n, w2 = rule(np.zeros(()), sigma2, kinks2)
    mean, deviation = C[0, 1] / sigma2 * n, np.sqrt(C[0, 0] - C[0, 1] ** 2 / C[1, 1])
    n1, w1 = rule(mean, deviation, kinks1)
    return w2 @ (f2(sigma2 * n) * (w1 * f1(mean[:, None] + deviation * n1)).sum(-1))


@pytest.mark.parametrize("names", [("hard", "hard"), ("bent", "tanh"), ("tanh", "bent"), ("bent", "hard")])
@pytest.mark.parametrize("m", [None, (0.4, -1.1)])
def test_pairs_against_nested_quadrature(names, m):
    rng = np.random.default_rng(1)
    first, second = (UNITS[name] for name in names)
    outputs, slopes = quadrature_pair(first, second)
    m1, m2 = m or (0.0, 0.0)
    kinks = [k - m1 for k in first.kinks], [k - m2 for k in second.kinks]
    for _ in range(2):
        C = covariance(rng, 2, rng.uniform(0.5, 1.5))
        s = C[0, 0], C[0, 1], C[1, 1]

        def mean(f1, f2, C=C):
            return conditional(lambda u: f1(u + m1), lambda v: f2(v + m2), C, *kinks)

        both = mean(first.dg, second.dg)
        # sqrt(s11) <g1'' g2> = <u g1' g2> / sqrt(s11) - s12 / sqrt(s11) <g1' g2'>.
        moment = mean(lambda x: (x - m1) * first.dg(x), second.g)
        exact = [(moment - s[1] * both) / np.sqrt(s[0]), both, mean(first.dg, second.g)]
        found = slopes(*s, *(m or (None, None)), NUMPY)
        assert np.abs(np.array(found) - exact).max() < ACCURACY
        value = outputs(*s, *(m or (None, None)), NUMPY)
        assert abs(value - mean(first.g, second.g)) < ACCURACY


@pytest.mark.parametrize(("names", "m"), [(("relu", "relu"), None), (("hard", "step"), (0.3, -0.5))])
def test_derivatives_of_pairs(names, m):
    outputs, slopes = quadrature_pair(*(UNITS[name] for name in names))
    means = m or (None, None)

    def value(p):
        return np.stack([outputs(*p.T, *means, NUMPY), *slopes(*p.T, *means, NUMPY)], -1)

    with jax.enable_x64(True):
        xp = jax_namespace()
        f = jax.vmap(lambda s: xp.stack([outputs(*s, *means, xp), *slopes(*s, *means, xp)]))
        tangent = jax.jit(lambda p, d: jax.jvp(f, (p,), (d,))[1])
        points = np.array([[1.0, 0.3, 1.2], [0.5, -0.4, 0.6], [2.0, 1.2, 0.9], [1.0, 0.0, 0.7]])
        along = np.array([[0.4, 0.3, -0.5], [0.2, 0.6, 0.3], [-0.7, 0.2, 0.4], [0.1, 0.8, 0.3]])
        fine, allowed = central(value, points, along, 0.01, 1e-11)
        assert (np.abs(np.asarray(tangent(points, along)) - fine) <= allowed).all()
        assert np.median(np.abs(fine)) > 1e4 * np.median(allowed)
        border = np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
        assert np.isfinite(np.asarray(tangent(border, along))).all()


# ---- Units that are linear in pieces


def test_moments_of_units_that_are_linear_in_pieces():
    mean, deviation = np.array([-2.0, 0.1, 0.9, 1.0, 3.0]), np.array([1.0, 0.3, 2.0, 0.0, 0.0])
    x, w = np.polynomial.legendre.leggauss(60)
    for name in ("relu", "hard", "linear"):
        unit = UNITS[name]
        found = piecewise_moments(unit, True)(mean, deviation, NUMPY)
        for place, (mu, sigma) in enumerate(zip(mean, deviation, strict=True)):
            ends = np.array([-9.0, *(np.clip((k - mu) / max(sigma, 1e-9), -9, 9) for k in unit.kinks), 9.0])
            n = (ends[:-1, None] + np.diff(ends)[:, None] * (1 + x) / 2).reshape(-1)
            weight = (np.diff(ends)[:, None] * w / 2).reshape(-1) * np.exp(-0.5 * n * n) / np.sqrt(2 * np.pi)
            if sigma == 0.0:
                # A kink that is met exactly is the limit of small deviations, as for g' itself: the mean of both sides.
                n, weight = np.array([-1e-9, 1e-9]), np.array([0.5, 0.5])
                sigma = 1.0
            g, dg = unit.g(mu + sigma * n), unit.dg(mu + sigma * n)
            exact = [[(weight * dg**a * g**b).sum() for b in range(3)] for a in range(3)]
            values = [[np.broadcast_to(part, mean.shape)[place] for part in row] for row in found]
            assert np.abs(np.array(values) - exact).max() < 1e-8
    assert linear_pieces(UNITS["tanh"]) is None
    assert linear_pieces(UNITS["bent"]) is None


# ---- Four units


def relu_square(C, c, K):
    with jax.enable_x64(True):
        f = UNITS["relu"].functions["square_sum"]
        return np.asarray(f(jax.numpy.asarray(C), jax.numpy.asarray(c), K, jax_namespace()))


@pytest.mark.parametrize(("K", "n"), [(1, 1), (1, 2), (2, 2), (1, 3), (2, 3)])
def test_up_to_three_relu_units_against_the_closed_form(K, n):
    rng = np.random.default_rng(n)
    relu, c = (UNITS["relu"],) * n, rng.uniform(-1, 1, n)
    f, table = joint_square(relu, K), joint_table(relu, K)
    cases = [covariance(rng, n) for _ in range(2)]
    if n - K == 1:
        cases += [plateau(K, 1, distance) for distance in (1e-2, 1e-6, 0.0)]
    if (K, n) == (1, 2):
        cases += [perfect(1, distance) for distance in (1e-2, 1e-5, 1e-9, 1e-12, 0.0)]
    for C in cases:
        exact = relu_square(C, c, K)
        assert np.abs(f(C, None, c, NUMPY) - exact).max() < ACCURACY
    assert np.abs(f(cases[0], np.zeros(n), c, NUMPY) - relu_square(cases[0], c, K)).max() < ACCURACY
    assert np.abs(table(cases[0], None, NUMPY) @ c @ c - relu_square(cases[0], c, K)).max() < ACCURACY


def test_four_relu_units_against_the_closed_form():
    rng = np.random.default_rng(4)
    relu, c = (UNITS["relu"],) * 4, np.array([-1.0, -1.0, 1.0, 1.0])
    cases = [covariance(rng, 4), perfect(2, 1e-3), perfect(2, 0.0), plateau(2, 2, 1e-2), plateau(2, 2, 0.0)]
    f = joint_square(relu, 2, nodes=12)
    with jax.enable_x64(True):
        program = jax.jit(lambda C: f(C, None, c, jax_namespace()))
        found = [np.asarray(program(C)) for C in cases]
    exact = [relu_square(C, c, 2) for C in cases]
    assert np.abs(np.subtract(found, exact)).max() < 1e-6


@pytest.mark.parametrize(
    ("names", "K"),
    [(("tanh", "bent", "relu"), 2), (("hard", "tanh", "step"), 2), (("relu", "tanh", "linear"), 1), (("bent",) * 2, 1)],
)
def test_mixed_units_against_monte_carlo(names, K):
    rng = np.random.default_rng(len(names))
    n = len(names)
    units = tuple(UNITS[name] for name in names)
    C, m, c = covariance(rng, n), rng.uniform(-0.5, 0.5, n), rng.uniform(-1, 1, n)
    found = joint_square(units, K, nodes=14)(C, m, c, NUMPY)
    samples = 400_000
    z = m + rng.standard_normal((samples, n)) @ np.linalg.cholesky(C).T
    e2 = sum(c[k] * units[k].g(z[:, k]) for k in range(n)) ** 2
    threshold = -ndtri(FALSE_ALARM / 12)
    for value, i, k in zip(found, *np.triu_indices(K), strict=True):
        draws = units[i].dg(z[:, i]) * units[k].dg(z[:, k]) * e2
        assert abs(draws.mean() - value) < threshold * draws.std() / np.sqrt(samples) + ACCURACY


@pytest.mark.parametrize("names", [("relu", "relu", "tanh", "tanh"), ("tanh", "bent", "step", "tanh")])
def test_four_mixed_units_against_monte_carlo(names):
    rng = np.random.default_rng(3)
    acts = tuple(UNITS[name] for name in names)
    C, m, c = covariance(rng, 4), rng.uniform(-0.5, 0.5, 4), rng.uniform(-1, 1, 4)
    f = joint_square(acts, 2, nodes=12)
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(lambda C, m, c: f(C, m, c, jax_namespace()))(C, m, c))
    samples = 400_000
    z = m + rng.standard_normal((samples, 4)) @ np.linalg.cholesky(C).T
    e2 = sum(c[k] * acts[k].g(z[:, k]) for k in range(4)) ** 2
    threshold = -ndtri(FALSE_ALARM / 12)
    for value, (i, k) in zip(found, ((0, 0), (0, 1), (1, 1)), strict=True):
        draws = acts[i].dg(z[:, i]) * acts[k].dg(z[:, k]) * e2
        assert abs(draws.mean() - value) < threshold * draws.std() / np.sqrt(samples)


def test_orders_of_units_agree():
    # Units with kinks are integrated first, wherever they stand: exchange of two students, and of two teachers.
    rng = np.random.default_rng(5)
    names = ("tanh", "bent", "relu")
    C, m = covariance(rng, 3), rng.uniform(-0.5, 0.5, 3)
    table = joint_table(tuple(UNITS[name] for name in names), 2, nodes=16)(C, m, NUMPY)
    swap = [1, 0, 2]
    other = joint_table(tuple(UNITS[names[k]] for k in swap), 2, nodes=16)(C[np.ix_(swap, swap)], m[swap], NUMPY)
    assert np.abs(other[[2, 1, 0]][:, swap][:, :, swap] - table).max() < ROUNDING * 10


def test_larger_networks_take_sets_of_units():
    rng = np.random.default_rng(6)
    relu, c = (UNITS["relu"],) * 5, rng.uniform(-1, 1, 5)
    C = covariance(rng, 5)
    # One student: sets of three units at most.
    table = square_table(relu, 1)(C, None, NUMPY)
    assert np.abs(table @ c @ c - relu_square(C, c, 1)).max() < 10 * ACCURACY


def test_derivatives_of_squares():
    rng = np.random.default_rng(7)
    f, c = joint_square((UNITS["relu"],) * 3, 2), np.array([-1.0, -0.7, 1.2])
    points = np.array([covariance(rng, 3), np.diag([0.3, 0.5, 1.0])])
    D = rng.standard_normal((2, 3, 3))
    D = (D + np.swapaxes(D, 1, 2)) / 6
    with jax.enable_x64(True):
        xp = jax_namespace()
        tangent = jax.jit(lambda C, D: jax.jvp(lambda C: f(C, None, c, xp), (C,), (D,))[1])
        found = np.array([np.asarray(tangent(C, d)) for C, d in zip(points, D, strict=True)])
        fine, allowed = central(lambda p: np.array([relu_square(C, c, 2) for C in p]), points, D, 0.01, 1e-10)
        assert (np.abs(found - fine) <= allowed + ACCURACY).all()
        # Equal units, and a student without length: finite.
        singular = [plateau(2, 1, 0.0), np.diag([0.0, 1.0, 1.0])]
        assert all(np.isfinite(np.asarray(tangent(C, D[0]))).all() for C in singular)
