"""Make pair_vectors.json: averages of two units with biases on nearly singular covariances, to 17 digits.

learndyn writes these averages in terms of the bivariate normal distribution. Here one variable is integrated out in
closed form and the other by mpmath's tanh-sinh rule with 40 digits,

    <f(X1) g2(X2)> = int dz phi(z) f(m1 + sigma1 z) G2(m2 + rho sigma2 z, sigma2 rbar),   G2(m, s) = <g2(N(m, s^2))>

for f = g1, g1', z g1', split at the kink of g1 and around that of g2, which G2 rounds off within rbar / rho. Then

    <g1' z g2> and <g1' v g2>, v = rho sigma2 z + ...,

are two linear combinations of what learndyn calls `along` and `both`. The entries s11, s12, s22 of the covariance are
float64 numbers taken as exact (s12 between them, so that s11 s22 > s12^2 without rounding).

Run from the root of the repository; it takes two minutes:

    .venv/bin/python tests/data/make_pair_vectors.py
"""

import json
from pathlib import Path

import mpmath
from mpmath import erf, exp, mp, mpf, ncdf, npdf, pi, quad, sqrt

TAIL = 13
S11 = 1.5
RBARS = [0.3, 1e-2, 1e-4, 1e-6]


def g(name, x):
    return max(x, mpf(0)) if name == "relu" else erf(x / sqrt(2))


def dg(name, x):
    return mpf(x > 0) if name == "relu" else sqrt(2 / pi) * exp(-x * x / 2)


def smoothed(name, m, s):
    """<g2> for N(m, s^2), and its derivative in m."""
    if name == "relu":
        return (m * ncdf(m / s) + s * npdf(m / s), ncdf(m / s))
    total = sqrt(1 + s * s)
    return erf(m / total / sqrt(2)), 2 * npdf(m / total) / total


def averages(first, second, s11, s12, s22, m1, m2):
    s11, s12, s22, m1, m2 = map(mpf, (s11, s12, s22, m1, m2))
    sigma1, slope, left = sqrt(s11), s12 / sqrt(s11), sqrt(s22 - s12 * s12 / s11)
    splits = {mpf(-TAIL), mpf(TAIL), -m1 / sigma1}
    splits |= {-m2 / slope + width * left / abs(slope) for width in (-9, -3, -1, 0, 1, 3, 9)}
    inside = sorted(z for z in splits if abs(z) <= TAIL)

    def integral(f):
        value, error = quad(lambda z: npdf(z) * f(z, m1 + sigma1 * z), inside, error=True)
        assert error < mpf(10) ** -18, (first, second, error)
        return float(value)

    def moved(z):
        return m2 + slope * z

    return {
        "g1 g2": integral(lambda z, x: g(first, x) * smoothed(second, moved(z), left)[0]),
        "g1' g2": integral(lambda z, x: dg(first, x) * smoothed(second, moved(z), left)[0]),
        "g1' u g2": integral(lambda z, x: dg(first, x) * sigma1 * z * smoothed(second, moved(z), left)[0]),
        "g1' g2'": integral(lambda z, x: dg(first, x) * smoothed(second, moved(z), left)[1]),
    }


def main():
    mp.dps = 40
    rows = []
    for rbar in RBARS:
        for sign in (1, -1):
            for m1, m2 in ((0.3, 0.3 + 0.7 * rbar), (-0.6, 0.5)):
                s22 = 1.5
                s12 = sign * float(sqrt((1 - mpf(rbar)) * (1 + mpf(rbar))) * mpf(S11))
                for first, second in (("relu", "relu"), ("relu", "erf"), ("erf", "relu"), ("erf", "erf")):
                    inputs = [S11, s12, s22, m1, sign * m2]
                    rows.append({"names": [first, second], "rbar": rbar, "inputs": inputs})
                    rows[-1] |= averages(first, second, *inputs)
    note = f"Averages of two units, [s11, s12, s22, m1, m2], by make_pair_vectors.py with mpmath {mpmath.__version__}."
    lines = ",\n".join(json.dumps(row) for row in rows)
    path = Path(__file__).with_name("pair_vectors.json")
    path.write_text(f'{{"note": {json.dumps(note)},\n"vectors": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
