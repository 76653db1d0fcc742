"""Make sigmoid_vectors.json: averages of the perceptron's activations over h ~ N(m, v), to 17 digits.

learndyn has closed forms with Owen's T function, and trapezoidal sums. Here mpmath's tanh-sinh rule integrates

    int dt pdf(t) F(m + sqrt(v) t)

with 25 digits, split where F changes (h = 0, +-1, +-2, +-4, ...) and where pdf does.

Run from the root of the repository; it takes some minutes:

    .venv/bin/python tests/data/make_sigmoid_vectors.py
"""

import json
from pathlib import Path

import mpmath
from mpmath import erfc, exp, log, log1p, mp, mpf, npdf, pi, quad, sqrt

MEANS = [0.0, 0.3, -4.0, 12.0, -25.0]
VARIANCES = [0.0, 1e-12, 0.05, 1.0, 9.0, 400.0, 1e5]
SPLITS_IN_T = [-13, -8, -4, -2, -1, 0, 1, 2, 4, 8, 13]
SPLITS_IN_H = [sign * 2**power for power in range(8) for sign in (-1, 1)] + [0]


def shifted_erf():
    """phi, its slope, -log phi."""
    u = sqrt(pi / 8)
    return (
        lambda h: erfc(-u * h / sqrt(2)) / 2,
        lambda h: u * npdf(u * h),
        lambda h: -log(erfc(-u * h / sqrt(2)) / 2),
    )


def logistic():
    """phi, its slope, -log phi."""
    return (
        lambda h: 1 / (1 + exp(-h)),
        lambda h: 1 / ((1 + exp(-h)) * (1 + exp(h))),
        lambda h: log1p(exp(-h)) if h > 0 else log1p(exp(h)) - h,
    )


def integrands(phi, slope, cross_entropy):
    return {
        "mean": phi,
        "square": lambda h: phi(h) ** 2,
        "product": lambda h: phi(h) * phi(-h),
        "skew": lambda h: phi(h) * phi(-h) * (phi(h) - phi(-h)),
        "with_slope": lambda h: phi(h) * slope(h),
        "square_with_slope": lambda h: (phi(h) * slope(h)) ** 2,
        "cross_entropy": cross_entropy,
    }


def average(F, m, v):
    m, root = mpf(m), sqrt(mpf(v))
    if root == 0:
        return F(m)
    turns = ((h - m) / root for h in SPLITS_IN_H)
    splits = {mpf(t) for t in SPLITS_IN_T} | {t for t in turns if abs(t) < 13}
    value, error = quad(lambda t: npdf(t) * F(m + root * t), sorted(splits), error=True)
    assert error < mpf(10) ** -19 * max(1, abs(value)), (m, v, error)
    return value


def main():
    mp.dps = 25
    rows = [
        [activation.__name__, name, m, v, float(average(F, m, v))]
        for activation in (shifted_erf, logistic)
        for name, F in integrands(*activation()).items()
        for m in MEANS
        for v in VARIANCES
    ]
    note = "[activation, what, m, v, average over h ~ N(m, v)], made by make_sigmoid_vectors.py with mpmath "
    lines = ",\n".join(json.dumps(row) for row in rows)
    path = Path(__file__).with_name("sigmoid_vectors.json")
    path.write_text(f'{{"note": {json.dumps(note + mpmath.__version__)},\n"vectors": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
