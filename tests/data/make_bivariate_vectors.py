"""Make bivariate_vectors.json: P(u < h, v < k) to 17 digits, by integrating over u.

learndyn uses Owen's T function. Here v is integrated out first,

    Phi_2(h, k; rho) = int_{-inf}^h du phi(u) Phi((k - rho u) / rbar),

and mpmath's tanh-sinh rule does the rest with 40 digits, split around u = k / rho, where Phi turns from 0 to 1 within
rbar. The inputs h, k, rbar are float64 numbers and taken as exact; rho = +-sqrt(1 - rbar^2) in 40 digits.

Run from the root of the repository; it takes a minute:

    .venv/bin/python tests/data/make_bivariate_vectors.py
"""

import json
from pathlib import Path

import mpmath
from mpmath import mp, mpf, ncdf, npdf, quad, sqrt

RBARS = [1.0, 0.9, 0.5, 0.1, 1e-2, 1e-4, 1e-8, 1e-12, 0.0]


def points(rbar):
    """Pairs (h, k): zeros, both quadrants, ties, and pairs as close as rbar."""
    fixed = [(0.0, 0.0), (0.0, 0.7), (0.7, 0.0), (-0.7, 0.0), (0.0, -0.7), (1.0, 1.0), (1.0, -1.0), (-2.5, -2.5)]
    close = [(1.0, 1.0 + rbar), (-1.0, 1.0 - 2.0 * rbar), (-0.3, -0.3 - 0.5 * rbar)]
    return [*fixed, *close, (2.3, -0.4), (-3.0, -3.3), (5.0, 1e-5), (1e-9, -2e-9), (0.25, 1.75)]


def probability(h, k, rbar, sign):
    h, k, rbar = mpf(h), mpf(k), mpf(rbar)
    rho = sign * sqrt((1 - rbar) * (1 + rbar))
    if rbar == 0:
        return ncdf(min(h, k)) if sign > 0 else max(mpf(0), ncdf(h) - ncdf(-k))
    splits = {mpf(-13), h}
    if rho != 0:
        turns = (k / rho + width * rbar / abs(rho) for width in (-9, -3, -1, 0, 1, 3, 9))
        splits |= {u for u in turns if -13 < u < h}
    value, error = quad(lambda u: npdf(u) * ncdf((k - rho * u) / rbar), sorted(splits), error=True)
    assert error < mpf(10) ** -18, (h, k, rbar, error)
    return value


def main():
    mp.dps = 40
    rows = [
        [h, k, sign, rbar, float(probability(h, k, rbar, sign))]
        for rbar in RBARS
        for sign in (1, -1)
        for h, k in points(rbar)
    ]
    note = "[h, k, sign of rho, sqrt(1 - rho^2), P(u < h, v < k)], made by make_bivariate_vectors.py with mpmath "
    note += mpmath.__version__
    lines = ",\n".join(json.dumps(row) for row in rows)
    path = Path(__file__).with_name("bivariate_vectors.json")
    path.write_text(f'{{"note": {json.dumps(note)},\n"vectors": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
