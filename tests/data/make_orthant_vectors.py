"""Make orthant_vectors.json: orthant moments of four Gaussian variables to 17 digits, by a method of its own.

    P4       = P(a, b, c, d > 0)
    I4(ab|cd) = <theta(a) theta(b) c theta(c) d theta(d)>

learndyn integrates by parts and follows Plackett's identity. Here the plane of (c, d) is taken in polar coordinates,
c = rho cos(phi), d = rho sin(phi + asin r_cd). Given c and d, (a, b) is Gaussian with mean rho (m_a, m_b)(phi) in
units of its standard deviations and correlation r, so that

    I4 = 1/(2 pi) int dphi cos(phi) sin(phi + asin r_cd) int_0^inf drho rho^3 exp(-rho^2/2) Phi_2(rho m_a, rho m_b; r)

(P4 has neither the cosine nor the sine, and rho for rho^3). One integration by parts leaves Gaussian integrals of one
Phi over rho, which are elementary:

    int_0^inf phi(t) Phi(k t) dt      = 1/4 + atan(k) / (2 pi)
    int_0^inf t^2 phi(t) Phi(k t) dt  = 1/4 + atan(k) / (2 pi) + k / (2 pi (1 + k^2))

What remains is one integral over an angle, done by mpmath's tanh-sinh rule with as many digits as the covariance
needs, split where the integrand turns from one limit to the other: at the zeros of m_a, m_b, m_a - r m_b, m_b - r m_a.

The covariances are made exactly, from short decimals, and only then rounded to float64: what is tested is the answer
for the covariance that is meant. Exactly singular ones are the limit of 1e-40 of the identity mixed in, which moves
the averages by about 1e-20.

Run from the root of the repository; it takes two minutes:

    .venv/bin/python tests/data/make_orthant_vectors.py
"""

import json
from itertools import combinations
from pathlib import Path

import mpmath
import numpy as np
from mpmath import atan, atan2, cos, matrix, mp, mpf, pi, quad, sin, sqrt

SEED = 20180704
PAIRS = list(combinations(range(4), 2))
# Conditional variances are as small as 1e-72 (nested ones) beside one, and enter through differences; the integrand
# itself is smooth between its borders, and what lies within 1e-40 of them does not count.
SETUP_DIGITS, DIGITS = 250, 40


def radial(m_a, m_b, n_a, n_b, both, power):
    """int_0^inf drho rho^power exp(-rho^2/2) Phi_2(rho m_a, rho m_b; r) for power 1 and 3.

    n_a = (m_b - r m_a) / sqrt(1 - r^2), n_b = (m_a - r m_b) / sqrt(1 - r^2); both = Phi_2(0, 0; r).
    """
    total = both if power == 1 else 2 * both
    for m, n in ((m_a, n_a), (m_b, n_b)):
        s = sqrt(1 + m * m)
        k = n / s
        half = mpf(1) / 4 + atan(k) / (2 * pi)
        if power == 1:
            total += m / s * half
        else:
            total += m * (2 * half / s + (half + k / (2 * pi * (1 + k * k))) / s**3)
    return total


def moment(C, roles, power):
    """I4 (power 3) or P4 (power 1) for unit variances; roles = (a, b, c, d)."""
    a, b, c, d = roles
    with mp.workdps(SETUP_DIGITS):
        chi = mpmath.asin(C[c, d])
        D = (1 - C[c, d]) * (1 + C[c, d])

        def given(u):
            return (C[u, c] - C[u, d] * C[c, d]) / D, (C[u, d] - C[u, c] * C[c, d]) / D

        def left(u, v):
            return C[u, v] - given(u)[0] * C[v, c] - given(u)[1] * C[v, d]

        def on_the_circle(u):
            # The mean of u / (its deviation) as (x, y) in x cos(phi) + y sin(phi).
            on_c, on_d = given(u)
            deviation = sqrt(left(u, u))
            return (on_c + on_d * sin(chi)) / deviation, on_d * cos(chi) / deviation

        r = left(a, b) / sqrt(left(a, a) * left(b, b))
        q = sqrt(1 - r * r)
        m_a, m_b = on_the_circle(a), on_the_circle(b)
        n_a = [(y - r * x) / q for x, y in zip(m_a, m_b, strict=True)]
        n_b = [(x - r * y) / q for x, y in zip(m_a, m_b, strict=True)]
        both = mpf(1) / 4 + mpmath.asin(r) / (2 * pi)
        borders = {-chi, pi / 2}
        for x, y in (m_a, m_b, n_a, n_b):
            zero = atan2(-x, y)
            borders |= {zero + k * pi for k in range(-2, 3) if -chi < zero + k * pi < pi / 2}

    def integrand(angle):
        x, y = cos(angle), sin(angle)
        forms = [form[0] * x + form[1] * y for form in (m_a, m_b, n_a, n_b)]
        weight = x * sin(angle + chi) if power == 3 else 1
        return weight * radial(*forms, both, power)

    value, error = quad(integrand, sorted(borders), error=True)
    assert error < mpf(10) ** -17, (roles, error)
    return value / (2 * pi)


def weights(kind, eps, rng):
    """Four vectors, as exact decimals, whose overlaps are the covariance."""
    A = matrix(np.round(rng.standard_normal((4, 4)), 3).tolist())
    E = matrix(np.round(rng.standard_normal((4, 4)), 3).tolist())
    rows = range(4)

    def near(target, source, sign, distance):
        for j in rows:
            A[target, j] = sign * A[source, j] + distance * E[target, j]

    if kind == "equal pair":
        near(1, 0, 1, eps)
    elif kind == "opposite pair":
        near(1, 0, -1, eps)
    elif kind == "two equal pairs":
        near(2, 0, 1, eps)
        near(3, 1, 1, eps)
    elif kind == "equal and opposite pair":
        near(2, 0, 1, eps)
        near(3, 1, -1, eps)
    elif kind == "specialised":
        A = mpmath.diag([1, 1, 1, 1])
        near(2, 0, 1, eps)
        near(3, 1, 1, eps)
    elif kind == "three equal":
        near(1, 0, 1, eps)
        near(2, 0, 1, eps)
    elif kind == "nested":
        near(1, 0, 1, eps)
        near(2, 0, -1, eps**2)
    elif kind == "rank 3":
        for j in rows:
            A[3, j] = mpf("0.3") * A[0, j] - mpf("0.7") * A[1, j] + mpf("0.45") * A[2, j] + eps * E[3, j]
    elif kind == "rank 2":
        for i in rows:
            A[i, 2], A[i, 3] = eps * A[i, 2], eps * A[i, 3]
    elif kind == "rank 1":
        for i in rows:
            for j in range(1, 4):
                A[i, j] = eps * A[i, j]
    elif kind == "hierarchical":
        for i in rows:
            for j in rows:
                A[i, j] = eps**j * A[i, j]
    else:
        assert kind == "generic"
    return A


def correlations(A, mixed_in):
    C = A * A.T
    length = [sqrt(C[i, i]) for i in range(4)]
    return matrix(4, 4) + matrix(
        [[mpf(1) if i == j else C[i, j] / (length[i] * length[j]) * (1 - mixed_in) for j in range(4)] for i in range(4)]
    )


def vector(kind, eps, rng):
    with mp.workdps(SETUP_DIGITS):
        A = weights(kind, eps, rng)
        exact = correlations(A, 0)
        C = exact if eps > 0 else correlations(A, mpf(10) ** -40)
    splits = {}
    for c, d in PAIRS:
        a, b = (x for x in range(4) if x not in (c, d))
        splits[f"{a}{b}{c}{d}"] = float(moment(C, (a, b, c, d), 3))
    return {
        "kind": kind,
        "eps": float(eps),
        "r": [float(exact[i, j]) for i, j in PAIRS],
        "P4": float(moment(C, (0, 1, 2, 3), 1)),
        "I4": splits,
    }


def main():
    mp.dps = DIGITS
    rng = np.random.default_rng(SEED)
    kinds = ["equal pair", "opposite pair", "two equal pairs", "equal and opposite pair", "specialised"]
    kinds += ["three equal", "nested", "rank 3", "rank 2", "rank 1", "hierarchical"]
    wanted = [("generic", "1")] * 12
    wanted += [(kind, eps) for kind in kinds for eps in ("1e-1", "1e-2", "1e-4", "1e-6", "1e-8", "1e-10", "1e-12")]
    wanted += [(kind, "0") for kind in kinds if kind not in ("nested", "hierarchical")]
    vectors = []
    for kind, eps in wanted:
        with mp.workdps(SETUP_DIGITS):
            distance = mpf(eps)
        vectors.append(vector(kind, distance, rng))
        print(kind, eps, vectors[-1]["I4"]["0123"], flush=True)
    note = (
        "Orthant moments for unit variances, made by make_orthant_vectors.py with mpmath "
        f"{mpmath.__version__}, numpy {np.__version__} (seed {SEED}). r: correlations 01, 02, 03, 12, 13, 23, rounded "
        "to float64; I4['abcd'] = <theta(a) theta(b) c theta(c) d theta(d)>; eps: distance from the exactly singular "
        "covariance, 0 for that itself. P4 and I4 are for the covariance before rounding."
    )
    lines = ",\n".join(json.dumps(v) for v in vectors)
    path = Path(__file__).with_name("orthant_vectors.json")
    path.write_text(f'{{"note": {json.dumps(note)},\n"vectors": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
