"""Moments of four variables with means: against vectors by another method, their zero-mean limits, exact cases."""

import json
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtr

import learndyn as ld
from differences import central
from learndyn.activations.averages.closed_forms import pair
from learndyn.gaussian.moments_with_means import moment_with_means
from learndyn.gaussian.namespaces import NUMPY
from learndyn.gaussian.orthant import PAIRS, orthant_4
from reference_data import DATA

KINDS = ("P4", "F1", "F2")
# What is stated. A distance eps from the singular covariances enters as 1e-16 / eps through rounded correlations: 1e-11
# at 1e-5; of singular ones float64 determines half the digits.
GENERIC, NEAR, SINGULAR = 1e-10, 1e-9, 1e-8
LANES = 128


@pytest.fixture(scope="module")
def evaluate():
    """Values of a kind for r (6, n) and h (4, n), with one compiled program a kind."""
    programs = {kind: jax.jit(lambda r, h, kind=kind: moment_with_means(kind, r, h)) for kind in KINDS}

    def values(kind, r, h):
        n = r.shape[1]
        assert n <= LANES
        with jax.enable_x64(True):
            padded = np.pad(r, ((0, 0), (0, LANES - n))), np.pad(h, ((0, 0), (0, LANES - n)))
            return np.asarray(programs[kind](*padded))[:n]

    return values


def pairs_of(matrices):
    return np.array([matrices[:, i, j] for i, j in PAIRS])


def random_correlations(rng, count, ridge=0.0):
    A = rng.standard_normal((count, 4, 6))
    C = A @ np.swapaxes(A, 1, 2) / 6 + ridge * np.eye(4)
    scale = np.sqrt(np.diagonal(C, axis1=1, axis2=2))
    return C / scale[:, :, None] / scale[:, None, :]


def size(h):
    """What a moment is of the order of, and its error with it."""
    return np.prod(1.0 + np.abs(h[2:]), axis=0)


@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_quadrature_of_the_plane(kind, evaluate):
    vectors = json.loads((DATA / "biased_orthant_vectors.json").read_text())["vectors"]
    assert len({v["kind"] for v in vectors}) == 10
    assert {v["eps"] for v in vectors} == {1.0, 1e-2, 1e-5, 0.0}
    r, h = np.array([v["r"] for v in vectors]).T, np.array([v["h"] for v in vectors]).T
    error = np.abs(evaluate(kind, r, h) - [v[kind] for v in vectors])
    allowed = np.array([{1.0: GENERIC, 0.0: SINGULAR}.get(v["eps"], NEAR) for v in vectors]) * size(h)
    bad = ~(error <= allowed)
    assert not bad.any(), [(vectors[n]["kind"], vectors[n]["eps"], error[n]) for n in np.flatnonzero(bad)]


def test_zero_means(evaluate):
    rng = np.random.default_rng(1)
    C = random_correlations(rng, 60)
    r, h = pairs_of(C), np.zeros((4, 60))
    with jax.enable_x64(True):
        P4 = np.asarray(jax.jit(orthant_4)(r))[0]
    # The same angles from another factor of r, and the same quadrature for P4: rounding over the smallest pivots.
    assert np.abs(evaluate("P4", r, h) - P4).max() <= 1e-12
    assert np.abs(evaluate("F2", r, h) - ld.activation("relu").I4(C)).max() <= 1e-12


def test_independent_variables_and_far_ones(evaluate):
    rng = np.random.default_rng(2)
    h = 1.5 * rng.standard_normal((4, 50))
    h[1, :10], h[0, 10:20] = 40.0, -40.0
    density = np.exp(-h * h / 2) / np.sqrt(2 * np.pi)
    cdf, positive = ndtr(h), h * ndtr(h) + density
    r = np.zeros((6, 50))
    exact = {
        "P4": cdf.prod(0),
        "F1": cdf[0] * cdf[1] * positive[2] * cdf[3],
        "F2": cdf[0] * cdf[1] * positive[2] * positive[3],
    }
    for kind in KINDS:
        assert (np.abs(evaluate(kind, r, h) - exact[kind]) <= GENERIC * size(h)).all()


def test_exact_copies(evaluate):
    # Equal rows of the covariance: the average of the units that are left, up to the shift by the least pivot.
    rng = np.random.default_rng(3)
    rho, m = np.tanh(rng.standard_normal(40)), rng.standard_normal((2, 40))
    means = (1.0, rho, 1.0, m[0], m[1], NUMPY)
    both, theta, step = (
        pair(*names, True)[0](*means) for names in (("relu", "relu"), ("step", "relu"), ("step", "step"))
    )
    positive = m[0] * ndtr(m[0]) + np.exp(-(m[0] ** 2) / 2) / np.sqrt(2 * np.pi)
    square = (m[0] ** 2 + 1) * ndtr(m[0]) + m[0] * np.exp(-(m[0] ** 2) / 2) / np.sqrt(2 * np.pi)
    cases = {
        (0, 1, 0, 1): {"P4": step, "F2": both},
        (0, 0, 0, 1): {"P4": step, "F2": both},
        (0, 0, 1, 0): {"F1": theta, "F2": both},
        (0, 0, 0, 0): {"P4": ndtr(m[0]), "F1": positive, "F2": square},
    }
    correlation = np.array([[np.ones(40), rho], [rho, np.ones(40)]])
    for units, wanted in cases.items():
        index = np.array(units)
        r = np.array([correlation[index[i], index[j]] for i, j in PAIRS])
        for kind, value in wanted.items():
            error = np.abs(evaluate(kind, r, m[index]) - value)
            assert (error <= 1e-9 * size(m[index])).all(), (units, kind, error.max())


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives(kind):
    rng = np.random.default_rng(4)
    points = np.concatenate([pairs_of(random_correlations(rng, 15, ridge=0.5)), rng.standard_normal((4, 15))]).T
    # The natural start: all correlations zero.
    points = np.concatenate([points, np.concatenate([np.zeros((1, 6)), [[0.3, -0.2, 0.0, 0.5]]], axis=1)])
    along = rng.standard_normal(points.shape)
    along /= np.linalg.norm(along, axis=1, keepdims=True)

    def value(x):
        return moment_with_means(kind, x.T[:6], x.T[6:])

    with jax.enable_x64(True):
        both = jax.jit(lambda x, d: jax.jvp(value, (x,), (d,)))
        step = np.full(len(points), 0.02)
        fine, allowed = central(lambda x: np.asarray(both(x, along)[0]), points, along, step, GENERIC)
        slope = np.asarray(both(points, along)[1])
    assert (np.abs(slope - fine) <= allowed).all()
    assert np.median(np.abs(fine)) > 1e4 * np.median(allowed)


def test_derivatives_are_finite_on_the_closed_set():
    rows = []
    for copies in [(0, 0, 0, 0), (0, 1, 0, 1), (0, 0, 1, 2), (0, 1, 2, 2), (0, 1, 2, 3)]:
        for sign in (1.0, -1.0):
            r = [sign * (copies[i] == copies[j]) for i, j in combinations(range(4), 2)]
            rows += [[*r, *h] for h in ([0.0] * 4, [0.5] * 4, [0.5, -0.5, 0.2, 0.0], [40.0, 0.0, -40.0, 1.0])]
    points = np.array([row for row in rows if np.linalg.eigvalsh(matrix(row[:6]))[0] > -1e-12])
    assert len(points) >= 24
    for kind in KINDS:

        def value(x, kind=kind):
            return moment_with_means(kind, x[:6, None], x[6:, None])[0]

        with jax.enable_x64(True):
            slopes = jax.jit(jax.vmap(jax.jacfwd(value)))(jnp.asarray(points))
        assert np.isfinite(slopes).all()


def matrix(r):
    full = np.eye(4)
    for (i, j), value in zip(PAIRS, r, strict=True):
        full[i, j] = full[j, i] = value
    return full
