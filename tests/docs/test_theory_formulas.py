"""Formulas of docs/theory written out by hand: every mark has a test; the averages of one to four units."""

from collections import Counter
from itertools import pairwise

import numpy as np
from scipy.integrate import quad
from scipy.special import erf, ndtr
from scipy.stats import multivariate_normal

import learndyn as ld
from learndyn.activations.averages import pairs, pairs_with_biases
from learndyn.activations.averages.units import unit
from learndyn.gaussian.namespaces import NUMPY
from theory_formulas import ROUNDING, Nodes, formula, marked, names_above_tests

PI = np.pi
# In the order of `learndyn.gaussian.orthant`.
PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
# A covariance of four generic variables, by hand: no correlation is near 1.
C4 = np.array([[1.0, 0.3, 0.4, -0.2], [0.3, 0.8, 0.1, 0.25], [0.4, 0.1, 1.3, 0.35], [-0.2, 0.25, 0.35, 0.7]])
S = np.sqrt(np.diag(C4))
r4 = C4 / S / S[:, None]
bar = np.sqrt(1.0 - r4**2 + np.eye(4))
ORTHANT = 1e-9  # ten times the accuracy that the page states for generic correlations


def test_every_mark_has_one_test_and_every_test_a_mark():
    marks, tests = Counter(name for name, _ in marked()), Counter(names_above_tests())
    assert len(marks) > 100
    assert marks == tests, f"marks without a test {marks - tests}, tests without a mark {tests - marks}"


def D(i, j):
    return C4[i, i] * C4[j, j] - C4[i, j] ** 2


def close(found, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def line(f, *kinks):
    """An integral over the normal density."""
    edges = [-10.0, *sorted(kinks), 10.0]
    ends = pairwise(edges)
    return sum(
        quad(lambda u: np.exp(-u * u / 2) / np.sqrt(2 * PI) * f(u), a, b, epsabs=1e-12, epsrel=1e-12)[0]
        for a, b in ends
    )


# ---- Tools


@formula("price")
def test_price():
    def cubic_mean(C):
        nodes = Nodes(C)
        return nodes(nodes.z[:, 0] ** 3 * nodes.z[:, 1] ** 3)

    C, h = C4[:2, :2], 1e-4
    off, diagonal = np.array([[0.0, h], [h, 0.0]]), np.array([[h, 0.0], [0.0, 0.0]])
    z, nodes = Nodes(C).z, Nodes(C)
    # Central differences of a polynomial with derivatives of order 10: h^2 of them.
    close((cubic_mean(C + off) - cubic_mean(C - off)) / (2 * h), nodes(9 * z[:, 0] ** 2 * z[:, 1] ** 2), 1e-6)
    by_variance = nodes(0.5 * 6 * z[:, 0] * z[:, 1] ** 3)
    close((cubic_mean(C + diagonal) - cubic_mean(C - diagonal)) / (2 * h), by_variance, 1e-6)


@formula("stein", "stein-i3")
def test_stein():
    act, nodes = ld.activation("polynomial(0.2, 1, -0.3, 0.4)"), Nodes(C4[:3, :3])
    u, v, w = nodes.z.T
    bent = -0.6 + 2.4 * u
    both = C4[0, 1] * nodes(bent * act.g(w)) + C4[1, 2] * nodes(act.dg(u) * act.dg(w))
    close(nodes(act.dg(u) * v * act.g(w)), both)
    close(act.I3(C4[:3, :3]), both)


@formula("conditioning")
def test_conditioning():
    # theta(u - h) - theta(u + h) over 2 h is the delta function for h -> 0; <v_+^2> given u = 0 is half its variance.
    s = C4[1, 1] - C4[0, 1] ** 2 / C4[0, 0]
    expected = s / 2.0 / np.sqrt(2 * PI * C4[0, 0])
    h = 1e-3
    slope, left = C4[0, 1] / C4[0, 0], np.sqrt(s)

    def second_moment(u):
        return line(lambda n: max(slope * u + left * n, 0.0) ** 2, -slope * u / left)

    found = quad(lambda u: np.exp(-u * u / 2 / C4[0, 0]) * second_moment(u), -h, h)[0] / np.sqrt(2 * PI * C4[0, 0])
    close(found / (2 * h), expected, 1e-5)  # h^2


# ---- ReLU


@formula("quadrant")
def test_quadrant():
    by_hand = 0.25 + np.arcsin(r4[0, 1]) / (2 * PI)
    close(multivariate_normal.cdf([0, 0], cov=C4[:2, :2]), by_hand, 1e-8)
    relu = unit("relu")
    close(pairs.slopes(relu, relu, C4[0, 0], C4[0, 1], C4[1, 1], NUMPY).both, by_hand)


def relu_I2(s11, s12, s22):
    root = np.sqrt(s11 * s22 - s12**2)
    return s12 / 4 + (root + s12 * np.arcsin(s12 / np.sqrt(s11 * s22))) / (2 * PI)


@formula("relu-i2")
def test_relu_two_units():
    close(ld.activation("relu").I2(C4[:2, :2]), relu_I2(C4[0, 0], C4[0, 1], C4[1, 1]))


@formula("relu-i2-variance")
def test_relu_derivative_by_variance():
    h = 1e-5
    slope = (relu_I2(1 + h, 0.3, 0.8) - relu_I2(1 - h, 0.3, 0.8)) / (2 * h)
    close(slope, np.sqrt(D(0, 1)) / (4 * PI), 1e-9)  # h^2, and rounding over h


@formula("relu-i3")
def test_relu_three_units():
    first = C4[0, 1] * np.sqrt(D(0, 2)) / (2 * PI * C4[0, 0])
    close(ld.activation("relu").I3(C4[:3, :3]), first + C4[1, 2] * (0.25 + np.arcsin(r4[0, 2]) / (2 * PI)))


def octant(a, b, c):
    return 0.125 + np.arcsin([r4[a, b], r4[a, c], r4[b, c]]).sum() / (4 * PI)


@formula("octant")
def test_octant():
    # Given the first, an octant is an integral of the quadrant probability of the other two with means.
    given = r4[1:3, 1:3] - np.outer(r4[0, 1:3], r4[0, 1:3])
    u, weight = np.polynomial.legendre.leggauss(40)
    u, weight = 4.5 * (u + 1), 4.5 * weight
    quadrants = [multivariate_normal.cdf(r4[0, 1:3] * x, cov=given) for x in u]
    close(weight @ (np.exp(-u * u / 2) / np.sqrt(2 * PI) * quadrants), octant(0, 1, 2), 1e-8)


def mixed_product(a, b, c, d):
    """N_ab(c, d), the first form."""
    through_a = r4[a, c] * (r4[b, d] - r4[a, b] * r4[a, d])
    return (through_a + r4[b, c] * (r4[a, d] - r4[a, b] * r4[b, d])) / bar[a, b]


@formula("relu-i4-coinciding")
def test_relu_four_with_coincidences():
    I4 = ld.activation("relu").I4
    a, b, p, q = 0, 1, 2, 3

    def at(*rows):
        return float(I4(C4[np.ix_(rows, rows)]))

    # The library dispatches by index within networks; `I4` itself meets a singular matrix, which it knows to 1e-8.
    close(at(p, p, p, p), C4[p, p] / 2, 1e-7)
    pair = r4[p, q] * octant(a, p, q)
    pair += (bar[p, q] + r4[a, q] * bar[a, p] + r4[a, p] * bar[a, q]) / (4 * PI)
    close(at(a, a, p, q), S[p] * S[q] * pair, 1e-7)
    square = octant(a, b, p) + (r4[a, p] * bar[a, p] + r4[b, p] * bar[b, p] + mixed_product(a, b, p, p)) / (4 * PI)
    close(at(a, b, p, p), C4[p, p] * square, 1e-7)


# ---- ReLU, four units


def adjugate(r):
    return np.linalg.det(r) * np.linalg.inv(r)


def pi_given_others(i, j, r=r4):
    k, m = (x for x in range(4) if x not in (i, j))
    angle = np.arctan2(-adjugate(r)[i, j], np.sqrt((1 - r[k, m] ** 2) * np.linalg.det(r)))
    return 0.25 + angle / (2 * PI)


def orthant(r=r4):
    """P4 by the integral of the page, variable 3 switched on."""

    def integrand(t):
        path = r.copy()
        path[3, :3] = path[:3, 3] = t * r[3, :3]
        parts = 0.0
        for j, (k, m) in enumerate(((1, 2), (0, 2), (0, 1))):
            root = 1 - (t * r[3, j]) ** 2
            angle = np.arctan2(-adjugate(path)[k, m], np.sqrt(root * np.linalg.det(path)))
            parts += r[3, j] / (2 * PI * np.sqrt(root)) * (0.25 + angle / (2 * PI))
        return parts

    three = 0.125 + np.arcsin([r[0, 1], r[0, 2], r[1, 2]]).sum() / (4 * PI)
    return 0.5 * three + quad(integrand, 0.0, 1.0, epsabs=1e-12, epsrel=1e-12)[0]


def relu_I4():
    p = {pair: pi_given_others(*pair) for pair in PAIRS}
    a, b, c, d = range(4)
    bracket = bar[c, d] * p[a, b] + r4[a, d] * bar[a, c] * p[b, d] + r4[b, d] * bar[b, c] * p[a, d]
    bracket += r4[a, c] * bar[a, d] * p[b, c] + r4[b, c] * bar[b, d] * p[a, c]
    return r4[c, d] * orthant() + (bracket + mixed_product(a, b, c, d) * p[c, d]) / (2 * PI)


def delta_average(a, b, c, d):
    """<delta_a theta_b theta_c d_+>."""
    given = r4 - np.outer(r4[a], r4[a])
    terms = given[b, d] / bar[a, b] * pi_given_others(c, d) + given[c, d] / bar[a, c] * pi_given_others(b, d)
    return (terms + bar[a, d] * pi_given_others(b, c)) / (2 * PI)


@formula("relu-i4-first", "relu-i4", "mixed-product")
def test_relu_four_different_units():
    first = r4[2, 3] * orthant() + r4[0, 2] * delta_average(0, 1, 2, 3)
    first += r4[1, 2] * delta_average(1, 0, 2, 3) + delta_average(2, 0, 1, 3)
    close(first, relu_I4())
    close(ld.activation("relu").I4(C4), S[2] * S[3] * relu_I4(), ORTHANT)
    plus = np.sqrt((1 - r4[0, 1]) / (1 + r4[0, 1])) * (r4[0, 2] + r4[1, 2]) * (r4[0, 3] + r4[1, 3])
    minus = np.sqrt((1 + r4[0, 1]) / (1 - r4[0, 1])) * (r4[0, 2] - r4[1, 2]) * (r4[0, 3] - r4[1, 3])
    close(mixed_product(0, 1, 2, 3), 0.5 * (plus - minus))


@formula("jacobi-angle", "orthant")
def test_orthant_and_conditional_probabilities():
    import jax

    from learndyn.gaussian.orthant import orthant_4

    with jax.enable_x64(True):
        found = jax.jit(orthant_4)(np.array([r4[i, j] for i, j in PAIRS]))
    close(found, [orthant(), *(pi_given_others(i, j) for i, j in PAIRS)], ORTHANT)


@formula("plackett", "relu-i4-derivatives")
def test_derivatives_of_four_units():
    def moved(i, j, h):
        r = r4.copy()
        r[i, j] = r[j, i] = r4[i, j] + h
        return r

    h = 1e-4

    def slope(f, i, j):
        return (f(moved(i, j, h)) - f(moved(i, j, -h))) / (2 * h)

    close(slope(orthant, 0, 2), pi_given_others(1, 3) / (2 * PI * bar[0, 2]), 1e-7)  # h^2

    def I4(r):
        return float(ld.activation("relu").I4(r))

    # Rounding and the accuracy of the orthant over h, and h^2.
    close(slope(I4, 2, 3), orthant(), 1e-5)
    close(slope(I4, 0, 2), delta_average(0, 1, 2, 3), 1e-5)
    s, omega = -adjugate(r4)[2, 3], np.sqrt((1 - r4[0, 1] ** 2) * np.linalg.det(r4))
    close(slope(I4, 0, 1), (s * pi_given_others(2, 3) + omega / (2 * PI)) / (2 * PI * bar[0, 1] ** 3), 1e-5)


# ---- erf


@formula("erf-i2", "erf-i3", "erf-i4")
def test_erf():
    act, one = ld.activation("erf"), 1.0 + np.diag(C4)
    close(act.I2(C4[:2, :2]), 2 / PI * np.arcsin(C4[0, 1] / np.sqrt(one[0] * one[1])))
    L3 = one[0] * one[2] - C4[0, 2] ** 2
    close(act.I3(C4[:3, :3]), 2 / PI / np.sqrt(L3) * (C4[1, 2] - C4[0, 1] * C4[0, 2] / one[0]))
    L4 = one[0] * one[1] - C4[0, 1] ** 2

    def tilted(p, q):
        parts = one[1] * C4[0, p] * C4[0, q] + one[0] * C4[1, p] * C4[1, q]
        return C4[p, q] - (parts - C4[0, 1] * (C4[0, p] * C4[1, q] + C4[1, p] * C4[0, q])) / L4

    correlation = tilted(2, 3) / np.sqrt((1 + tilted(2, 2)) * (1 + tilted(3, 3)))
    close(act.I4(C4), 4 / PI**2 / np.sqrt(L4) * np.arcsin(correlation))


@formula("erf-tilt")
def test_tilt():
    # For f = v^2: the left side by quadrature over u, v given u.
    rest = C4[1, 1] - C4[0, 1] ** 2 / C4[0, 0]
    slope = C4[0, 1] / C4[0, 0]
    found = line(lambda u: np.sqrt(2 / PI) * np.exp(-u * u / 2) * (rest + (slope * u) ** 2))  # s11 = 1
    close(found, np.sqrt(2 / (PI * 2)) * (C4[1, 1] - C4[0, 1] ** 2 / 2))


@formula("slopes-product")
def test_products_of_slopes():
    one = 1.0 + np.diag(C4)
    for name, expected in (
        ("erf", 2 / PI / np.sqrt(one[0] * one[1] - C4[0, 1] ** 2)),
        ("relu", 0.25 + np.arcsin(r4[0, 1]) / (2 * PI)),
    ):
        both = pairs.slopes(unit(name), unit(name), C4[0, 0], C4[0, 1], C4[1, 1], NUMPY).both
        close(both, expected)


# ---- Others


@formula("wick")
def test_wick():
    # g = x^2: two pairings at most; and one of four units against its nodes.
    close(ld.activation("polynomial(0, 0, 1)").I2(C4[:2, :2]), C4[0, 0] * C4[1, 1] + 2 * C4[0, 1] ** 2)
    act, nodes = ld.activation("polynomial(0.1, 1, 0.5)"), Nodes(C4)
    a, b, c, d = nodes.z.T
    close(act.I4(C4), nodes(act.dg(a) * act.dg(b) * act.g(c) * act.g(d)))


@formula("sine-i2", "sine-i3")
def test_sine():
    act = ld.activation("sine")
    damping = np.exp(-0.5 * (C4[0, 0] + C4[1, 1]))
    close(act.I2(C4[:2, :2]), damping * np.sinh(C4[0, 1]))
    both = pairs_of_sines()
    close(both, damping * np.cosh(C4[0, 1]))
    s13, damping = C4[0, 2], np.exp(-0.5 * (C4[0, 0] + C4[2, 2]))
    close(act.I3(C4[:3, :3]), damping * (C4[1, 2] * np.cosh(s13) - C4[0, 1] * np.sinh(s13)))


def pairs_of_sines():
    from learndyn.activations.averages import sine

    return sine.slopes("sine", "sine", C4[0, 0], C4[0, 1], C4[1, 1], None, None, NUMPY).both


@formula("signs-and-moduli")
def test_signs_and_moduli():
    modulus, sign, linear = unit("relu")._replace(linear=0.0, modulus=1.0), unit("sign"), unit("linear")
    entries = (C4[0, 0], C4[0, 1], C4[1, 1], NUMPY)
    arc = np.arcsin(r4[0, 1])
    close(pairs.outputs(modulus, modulus, *entries), 2 / PI * (np.sqrt(D(0, 1)) + C4[0, 1] * arc))
    close(pairs.outputs(linear, sign, *entries), np.sqrt(2 / PI) * C4[0, 1] / np.sqrt(C4[1, 1]))
    close(pairs.outputs(sign, sign, *entries), 2 / PI * arc)
    constant = unit("linear")._replace(constant=1.0, linear=0.0)
    close(pairs.outputs(modulus, constant, *entries), np.sqrt(2 / PI * C4[0, 0]))


@formula("mixed-relu-erf")
def test_relu_beside_erf():
    found = pairs.outputs(unit("relu"), unit("erf"), C4[0, 0], C4[0, 1], C4[1, 1], NUMPY)
    close(found, C4[0, 1] / np.sqrt(2 * PI * (1 + C4[1, 1])))
    # erf given u: <erf(v / sqrt 2)> = erf(mean / sqrt(2 (1 + rest)))
    rest = C4[1, 1] - C4[0, 1] ** 2
    close(found, line(lambda u: max(u, 0) * erf(C4[0, 1] * u / np.sqrt(2 * (1 + rest))), 0.0))


@formula("relu-biased", "relu-biased-i2")
def test_biased_relu():
    m1, m2, s11, s12, s22 = 0.4, -0.3, C4[0, 0], C4[0, 1], C4[1, 1]
    relu = unit("relu")

    def pdf(x):
        return np.exp(-x * x / 2) / np.sqrt(2 * PI)

    rho = r4[0, 1]
    h1, h2 = m1 / np.sqrt(s11), m2 / np.sqrt(s22)
    h21, h12 = (h2 - rho * h1) / bar[0, 1], (h1 - rho * h2) / bar[0, 1]
    both = multivariate_normal.cdf([h1, h2], cov=[[1, rho], [rho, 1]])
    first = m2 * both + np.sqrt(s22) * (pdf(h2) * ndtr(h12) + rho * pdf(h1) * ndtr(h21))
    found = pairs_with_biases.slopes(relu, relu, s11, s12, s22, m1, m2, NUMPY).first
    close(found, first, 1e-8)  # of SciPy's bivariate distribution
    mean, left = m2 - s12 / s11 * m1, np.sqrt(D(0, 1) / s11)
    delta = pdf(h1) / np.sqrt(s11) * (mean * ndtr(mean / left) + left * pdf(mean / left))
    found = pairs_with_biases.outputs(relu, relu, s11, s12, s22, m1, m2, NUMPY)
    close(found, m1 * first + s12 * both + s11 * delta, 1e-8)
