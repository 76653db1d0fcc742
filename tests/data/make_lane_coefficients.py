"""Print the coefficients of erf in learndyn.lanes.functions: Chebyshev series, summed to powers, with 60 digits.

    small:  erf(x) / x             in t = x^2                 for 0 <= x <= 1,  degree 12
    large:  exp(x^2) erfc(x)       in s = (x - 3) / (x + 3)   for 1 <= x <= 6,  degree 15

A Chebyshev series cut off is within a small factor of the best polynomial of its degree. The map of the large part
takes the half line to (-1, 1), so that a function that falls off like 1 / x becomes smooth. Powers are summed in the
variable of the series, u in [-1, 1], and then moved to t or s; this loses some ten digits, hence the 60.

Run from the root of the repository; it takes two seconds:

    .venv/bin/python tests/data/make_lane_coefficients.py
"""

from mpmath import binomial, cos, erf, erfc, exp, mp, mpf, pi, sqrt

DIGITS = 60
OVERSAMPLING = 4  # points of the quadrature for a coefficient, per coefficient


def chebyshev_series(f, low, high, count):
    """The first `count` coefficients of f on [low, high], by the quadrature of Gauss and Chebyshev."""
    points = OVERSAMPLING * count
    angles = [pi * (k + mpf(1) / 2) / points for k in range(points)]
    values = [f((low + high) / 2 + (high - low) / 2 * cos(angle)) for angle in angles]
    series = [
        2 * sum(value * cos(j * angle) for value, angle in zip(values, angles, strict=True)) / points
        for j in range(count)
    ]
    series[0] /= 2
    return series


def powers(series, low, high):
    """The same polynomial in powers of the variable on [low, high]."""
    count = len(series)
    polynomials = [[mpf(1)], [mpf(0), mpf(1)]]  # T_0, T_1, and T_j = 2 u T_{j-1} - T_{j-2}
    while len(polynomials) < count:
        last, before = polynomials[-1], polynomials[-2]
        polynomials.append(
            [2 * a - b for a, b in zip([0, *last], [*before, 0, 0], strict=True)],
        )
    in_u = [sum(c * p[j] for c, p in zip(series, polynomials, strict=True) if j < len(p)) for j in range(count)]
    slope, shift = 2 / (high - low), -(high + low) / (high - low)
    return [sum(in_u[i] * binomial(i, j) * slope**j * shift ** (i - j) for i in range(j, count)) for j in range(count)]


def small(count=13):
    """Coefficients for |x| < 1."""

    def f(t):
        return erf(sqrt(t)) / sqrt(t)

    return powers(chebyshev_series(f, mpf(0), mpf(1), count), mpf(0), mpf(1))


def large(count=16):
    """Coefficients for 1 <= |x| <= 6."""

    def f(s):
        x = 3 * (1 + s) / (1 - s)
        return erfc(x) * exp(x * x)

    low, high = -mpf(1) / 2, mpf(1) / 3
    return powers(chebyshev_series(f, low, high, count), low, high)


def coefficients():
    """(ERF, ERFCX), rounded to float64."""
    with mp.workdps(DIGITS):
        return tuple(float(c) for c in small()), tuple(float(c) for c in large())


if __name__ == "__main__":
    for name, values in zip(("ERF", "ERFCX"), coefficients(), strict=True):
        print(f"{name} = {values}")
