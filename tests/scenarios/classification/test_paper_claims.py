"""What Schmid & Murray (2024) claim of the nonlinear perceptron, each claim as it is true: (24), (25), (27), (43).

Where the paper errs, the test says so: the sign in (25) and its claim for reinforcement learning, the factor in (27),
and a fixed point of reinforcement learning without weight decay, which does not exist.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfc, erfcx, ndtr

import learndyn as ld
from isotropic_perceptron import U, d_phi, phi
from nonlinear_perceptron import vector

RULES = {"SL": ld.Supervised(), "RL": ld.Reinforce()}
POINTS = 400


def points(seed):
    """(w_1, w_2) with the alignment below 1, w_1 above 0."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(0.05, 4.0, POINTS), rng.uniform(0.05, 4.0, POINTS)], axis=1)


def along(covariance, rule):
    """d/dt ln alignment at points (m, 2), mu = e_1, as a JAX function of them and of the numbers of the covariance."""
    task = ld.GaussianClassification([1.0, 0.0], covariance, RULES[rule])
    drift, alignment = ld.functional.drift(task), ld.functional.observable(task, "alignment")

    def rate(w, values):
        slope = jax.grad(lambda w: jax.numpy.log(alignment(w, values)))(w)
        return slope @ drift(w, values)

    return rate, task


def derivative(rule, direction, W):
    """Of d/dt ln alignment, with respect to variances (2,) along `direction`, at the points W."""
    start = [0.0, 0.0] if direction == (1.0, 1.0) else [1.0, 1.0]
    rate, task = along(start, rule)
    with jax.enable_x64(True):
        values = ld.functional.values(task)

        def one(w):
            def of_size(size):
                moved = values["diagonal_0"] + size * jax.numpy.array(direction)
                return rate(w, {**values, "diagonal_0": moved})

            return jax.jvp(of_size, (0.0,), (1.0,))[1]

        return np.asarray(jax.vmap(one)(jax.numpy.asarray(W)))


def test_noise_makes_supervised_learning_faster():
    """(24): d/dt ln alignment = g + sigma^2 h^2, with h^2 > 0 for SL."""
    W = points(24)
    found = derivative("SL", (1.0, 1.0), W)
    assert (found > 0.0).all()
    # d/dt ln alignment = (1/p - p/q) (1 - Phi(z)), and dz/d sigma^2 = -z U^2 q / 2 at sigma = 0.
    p, q = W[:, 0], (W**2).sum(1)
    z = U * p
    expected = (1 / p - p / q) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * z * U**2 * q / 2
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_noise_may_do_either_to_reinforcement_learning():
    """The paper: indeterminate. Both signs occur."""
    found = derivative("RL", (1.0, 1.0), points(25))
    assert found.min() < -1e-3
    assert found.max() > 1e-3


def test_noise_along_the_direction_to_be_learned_slows_supervised_learning_down():
    """(25) prints g + epsilon h^2; the coefficient of epsilon is strictly negative, as the text below it says."""
    W = points(26)
    found = derivative("SL", (1.0, -1.0), W)
    assert (found < 0.0).all()
    # Central differences of the rate itself, epsilon = +-1e-4: a third derivative of order 1 over 6 times 1e-8.
    rate, task = along([1.0, 1.0], "SL")
    with jax.enable_x64(True):
        values = ld.functional.values(task)
        ends = []
        for epsilon in (1e-4, -1e-4):
            shifted = {**values, "diagonal_0": jax.numpy.array([1.0 + epsilon, 1.0 - epsilon])}
            ends.append(np.asarray(jax.vmap(lambda w, shifted=shifted: rate(w, shifted))(jax.numpy.asarray(W))))
    np.testing.assert_allclose(found, (ends[0] - ends[1]) / 2e-4, rtol=1e-6, atol=1e-7)


def test_anisotropy_may_do_either_to_reinforcement_learning():
    """(25) claims one sign for both rules; for RL both occur."""
    found = derivative("RL", (1.0, -1.0), points(27))
    assert found.min() < -1e-2
    assert found.max() > 1e-2


@pytest.mark.parametrize("rule", RULES)
def test_the_total_variance_falls_with_one_half(rule):
    """(27) with the factor 1/2 in the place of the printed 1/4: from an ensemble, and from the drift of a factor."""
    inputs, outputs, tolerance = vector("024")
    w, mu, C, decay = (np.array(inputs[name]) for name in ("w", "mu", "Cov", "lam"))
    task = ld.GaussianClassification(mu, 0.0, RULES[rule], float(decay))
    start = ld.GaussianWeights(w, C)
    with jax.enable_x64(True):
        state = ld.functional.state(task, start)
        flat = np.asarray(ld.functional.drift(task)(state, ld.functional.values(task)))
    L, dL = start.factor(), flat[2:].reshape(2, -1)
    found = 2 * float((L * dL).sum())
    assert found == pytest.approx(outputs[rule], abs=tolerance)
    a = float(mu @ w)
    pull = 0.5 * np.exp(-np.pi * a**2 / 16) if rule == "SL" else -4 * d_phi(a) * (1 - 2 * phi(a))
    assert found == pytest.approx(-pull * mu @ C @ mu - 2 * decay * np.trace(C), abs=1e-12)


def equation_43(W, sigma):
    """The right-hand side as printed, free of its exponential as in (44)."""
    V = 16 + 2 * np.pi * sigma**2 * W**2
    return W / 2 * erfcx(W * np.sqrt(np.pi / V)) - sigma**2 * W**2 / (4 * np.sqrt(1 + np.pi * sigma**2 * W**2 / 8))


@pytest.mark.parametrize(("number", "sigma"), [("013", 0.1), ("014", 0.5), ("015", 1.0), ("016", 2.0)])
def test_the_length_of_the_fixed_point_is_that_of_equation_43(number, sigma):
    W = brentq(equation_43, 1e-3, 1e3, args=(sigma,), xtol=1e-13, rtol=1e-14)
    inputs, outputs, tolerance = vector(number)
    assert inputs["sigma"] == sigma
    assert outputs["w_SL"] == pytest.approx(W, abs=tolerance)
    # (44) is (43) over its exponential.
    V = 16 + 2 * np.pi * sigma**2 * W**2
    printed = W / 2 * erfc(W * np.sqrt(np.pi / V)) - sigma**2 * W**2 * np.exp(-np.pi * W**2 / V) / (
        4 * np.sqrt(1 + np.pi * sigma**2 * W**2 / 8)
    )
    assert abs(printed) < 1e-12
    task = ld.GaussianClassification([1.0, 0.0], sigma**2, RULES["SL"])
    if sigma == 0.1:
        # There the drift is below 1e-20 everywhere: no search by its size, but its sign tells on which side W lies.
        below, above = (float(ld.drift(task, [W * factor, 0.0]).w[0]) for factor in (1 - 1e-6, 1 + 1e-6))
        assert below > 0.0 > above
        return
    point = ld.find_fixed_point(task, [0.9 * W, 0.1])
    # A drift of 1e-10 relative to |J| (1 + |z|).
    assert float(point.w_norm) == pytest.approx(W, abs=1e-9 * (1 + W))
    assert float(point.alignment) == pytest.approx(1.0, abs=1e-12)
    assert point.attrs["kind"] == "attractive"


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_reinforcement_learning_without_decay_has_no_fixed_point(sigma):
    """The paper claims one for lambda > 0 *or* sigma > 0. On the ray w = W mu the length grows at every W.

    dp/dt = (2 / W) E[phi(s) phi(-s) s], s ~ N(W, sigma^2 W^2): an even, positive weight times s around W > 0.
    """
    task = ld.GaussianClassification([1.0, 0.0], sigma**2, RULES["RL"])
    for W in (0.1, 1.0, 5.0, 20.0):
        drift = ld.drift(task, [W, 0.0]).w.values

        def integrand(s, W=W):
            # E over s and -s together, so that nothing cancels: the weight of s less that of -s.
            density = np.exp(-((s - W) ** 2) / (2 * (sigma * W) ** 2)) * -np.expm1(-2 * s / (sigma**2 * W))
            return ndtr(U * s) * ndtr(-U * s) * s * density

        mean = quad(integrand, 0.0, 40.0, epsabs=0.0, epsrel=1e-11, limit=400)[0]
        expected = 2 / W * mean / np.sqrt(2 * np.pi * (sigma * W) ** 2)
        # The drift is a difference of two terms below 1, and 2e-5 at the smallest: rounding of 1e-11 of it; and the
        # quadrature's 1e-11.
        assert drift[0] > 0.0
        assert drift[0] == pytest.approx(expected, rel=1e-10)
        assert drift[1] == 0.0
    # The reference, to the digits it has.
    number = {0.5: "014", 1.0: "015", 2.0: "016"}[sigma]
    known = vector(number)[1]["RL_dpdt_at_aligned_W"]
    found = [float(ld.drift(task, [W, 0.0]).w[0]) for W in known["W"]]
    assert found == pytest.approx(known["dpdt"], abs=vector(number)[2])


def test_with_decay_reinforcement_learning_has_one():
    task = ld.GaussianClassification([1.0, 0.0], 1.0, RULES["RL"], 0.01)
    point = ld.find_fixed_point(task, [2.0, 0.1])
    W = float(point.w_norm)
    without = ld.drift(task.replace(weight_decay=0.0), [W, 0.0]).w.values[0]
    assert without == pytest.approx(0.01 * W, rel=1e-8)
    assert point.attrs["kind"] == "attractive"
