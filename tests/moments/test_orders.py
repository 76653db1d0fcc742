"""The moment equations of order 2 and 3 against exact moments: what they are off by falls with the width as it should.

A flow w(t) = g(e^{Dt} g^{-1}(w(0))) with polynomials g and their inverse g^{-1} is known in closed form, and so are its
moments: expectations over w(0) ~ N(m, eps V) by Gauss-Hermite quadrature, exact for polynomials up to degree 39; their
third powers have degree 36.
"""

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss

import learndyn as ld

DECAYS = np.array([-1.0, -0.3, 0.2])
MEAN = np.array([0.5, -0.4, 0.3])
ROOT = np.array([[1.0, 0.0, 0.0], [0.4, 0.8, 0.0], [-0.3, 0.5, 0.7]])


def g(z, xp):
    """With mixed terms, and y, which is no Gaussian, in a third power: its third cumulant counts."""
    x, y, u = z[..., 0], z[..., 1], z[..., 2]
    return xp.stack([x, y + 0.5 * x**2 - 0.2 * x**4, u + 0.4 * x * y + 0.3 * y**3], axis=-1)


def inverse(w, xp):
    x = w[..., 0]
    y = w[..., 1] - 0.5 * x**2 + 0.2 * x**4
    return xp.stack([x, y, w[..., 2] - 0.4 * x * y - 0.3 * y**3], axis=-1)


def mean_update(w):
    import jax
    import jax.numpy as jnp

    z = inverse(w, jnp)
    return jax.jvp(lambda z: g(z, jnp), (z,), (DECAYS * z,))[1]


RULE = ld.UpdateRule(3, mean=mean_update)


def exact(eps, t):
    """Mean, covariance and third cumulants of w(t)."""
    nodes, weights = hermegauss(20)
    z = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    p = np.einsum("i,j,k->ijk", weights, weights, weights).ravel() / (2 * np.pi) ** 1.5
    w = g(inverse(MEAN + np.sqrt(eps) * z @ ROOT.T, np) * np.exp(DECAYS * t), np)
    mean = p @ w
    x = w - mean
    return mean, np.einsum("a,ai,aj->ij", p, x, x), np.einsum("a,ai,aj,ak->ijk", p, x, x, x)


def found(eps, t, order):
    start = ld.GaussianWeights(MEAN, cov=eps * ROOT @ ROOT.T)
    record = ["Cov", "S"] if order == 3 else ["Cov"]
    flow = ld.moment_flow(RULE, start, t, order=order, save_at=2, rtol=1e-11, atol=1e-14, record=record)
    row = flow.isel(t=-1)
    return (row.w.values, row.Cov.values, *([row.S.values] if order == 3 else []))


# What is left out is at most of order eps^2 with two moments and eps^3 with three, in each of them.
@pytest.mark.parametrize(("order", "power"), [(2, 2), (3, 3)])
def test_the_error_falls_with_the_width(order, power):
    t, widths = 0.7, (0.02, 0.01)
    errors = [
        [np.abs(a - b).max() for a, b in zip(found(eps, t, order), exact(eps, t), strict=False)] for eps in widths
    ]
    for wide, narrow in zip(*errors, strict=True):
        # At least this power, so nearer to it than to the one below; and far above what the solver is off by.
        assert np.log2(wide / narrow) > power - 0.5
        assert narrow > 1e-10


def test_third_cumulants_are_symmetric():
    S = found(0.02, 0.7, 3)[2]
    assert np.abs(S).max() > 1e-6
    for order in ((0, 2, 1), (1, 0, 2), (2, 1, 0)):
        assert np.array_equal(S, S.transpose(order))
