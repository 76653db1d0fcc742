"""Averages over Marchenko & Pastur's law against its moments, closed transforms and mpmath.

Sums of some hundred terms of one sign are exact to a few units of rounding: 1e-14 is 45 of them.
"""

import mpmath
import numpy as np
import pytest
from scipy.special import ive

from learndyn.scenarios.finite_sample.limits import averages
from learndyn.scenarios.finite_sample.spectrum import marchenko_pastur, of_eigenvalues

ROUNDING = 1e-14
ASPECTS = [1e-4, 0.1, 0.5, 0.9, 0.9999, 1 - 1e-8, 1.0, 1 + 1e-8, 1.01, 2.0, 10.0, 1e4]


@pytest.mark.parametrize("a", ASPECTS)
def test_moments(a):
    law = marchenko_pastur(a)
    known = [1.0, 1.0, 1 + a, 1 + 3 * a + a**2, 1 + 6 * a + 6 * a**2 + a**3]
    found = [law.weights @ law.eigenvalues**k for k in range(5)]
    assert np.allclose(found, known, rtol=ROUNDING, atol=0.0)
    assert np.isclose(law.seen, min(1.0, 1 / a), rtol=ROUNDING, atol=0.0)
    if a != 1.0:  # the mean inverse eigenvalue grows without bound at a = 1
        above = law.eigenvalues > 0.0
        inverse = law.weights[above] @ (1.0 / law.eigenvalues[above])
        # 1 - a itself is known to rounding / |1 - a|.
        gap = 1 - a if a < 1 else a * (a - 1)
        assert np.isclose(inverse * gap, 1.0, rtol=ROUNDING + 1e-16 / abs(1 - a), atol=0.0)


@pytest.mark.parametrize("t", [0.0, 0.1, 1.0, 30.0, 1e3, 1e6])
def test_decay_at_the_hard_edge(t):
    """At a = 1, <exp(-lambda t)> = exp(-2 t) (I_0(2 t) + I_1(2 t)): the law reaches 0, and the decay is algebraic."""
    law = marchenko_pastur(1.0)
    assert np.isclose(
        law.weights @ np.exp(-law.eigenvalues * t), ive(0, 2 * t) + ive(1, 2 * t), rtol=ROUNDING, atol=0.0
    )


@pytest.mark.parametrize(("a", "t"), [(0.3, 2.0), (0.99, 500.0), (1.05, 3e3), (4.0, 0.7)])
def test_noise_term_by_mpmath(a, t):
    """<(1 - exp(-lambda t))^2 / lambda> by the density as it is written, in 30 digits."""
    with mpmath.workdps(30):
        low, high = (1 - mpmath.sqrt(a)) ** 2, (1 + mpmath.sqrt(a)) ** 2

        def integrand(x):
            density = mpmath.sqrt((high - x) * (x - low)) / (2 * mpmath.pi * a * x)
            return density * mpmath.expm1(-x * t) ** 2 / x

        scales = [low, *(low + (high - low) * mpmath.mpf(10) ** -k for k in range(6, 0, -1)), high]
        expected = float(mpmath.quad(integrand, scales))
    law = marchenko_pastur(a)
    x, w = law.eigenvalues[law.eigenvalues > 0.0], law.weights[law.eigenvalues > 0.0]
    assert np.isclose(w @ (np.expm1(-x * t) ** 2 / x), expected, rtol=1e-13, atol=0.0)


@pytest.mark.parametrize("decay", [1e-6, 0.01, 1.0, 1e4])
@pytest.mark.parametrize("a", ASPECTS)
def test_transforms_are_averages(a, decay):
    law, found = marchenko_pastur(a), averages(a, decay)
    x, w = law.eigenvalues, law.weights
    expected = [w @ (x / (x + decay)), w @ (x / (x + decay) ** 2), w @ (decay / (x + decay)) ** 2]
    assert np.allclose(found[:3], expected, rtol=ROUNDING, atol=0.0)
    # Over examples: a fitted directions of inputs, and 1 - a more or fewer that nothing fits.
    above = x > 0.0
    unfitted = a * (w[above] @ (decay / (x[above] + decay)) ** 2) + max(1 - a, 0.0)
    assert np.isclose(found.unfitted, unfitted, rtol=ROUNDING, atol=0.0)


def test_drawn_eigenvalues_follow_the_law():
    """Moments of n = 400 eigenvalues: <lambda^2> = 1 + a + 1/p on average, standard deviation of order 1/n."""
    n, p, rng = 400, 800, np.random.default_rng(1)
    X = rng.standard_normal((n, p))
    law = of_eigenvalues(np.linalg.eigvalsh(X @ X.T / p))
    # Var(tr S^2) = 8 a (1 + a)^2 + 4 a^2 to leading order, here 10. Five standard deviations: false alarm 6e-7.
    assert abs(law.weights @ law.eigenvalues**2 - 1.5 - 1 / p) < 5 * np.sqrt(10) / n


def test_rounding_is_no_eigenvalue():
    """Of 60 inputs with 20 examples, 40 directions are unseen: exactly 0, though LAPACK gives 1e-16."""
    X = np.random.default_rng(2).standard_normal((60, 20))
    law = of_eigenvalues(np.linalg.eigvalsh(X @ X.T / 20))
    assert (law.eigenvalues == 0.0).sum() == 40
    assert np.isclose(law.seen, 1 / 3)
