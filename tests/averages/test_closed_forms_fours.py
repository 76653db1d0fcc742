"""Closed forms of four units: published values, grids for copies of two units, Monte Carlo, two derivations."""

import json
from itertools import product

import jax
import numpy as np
import pytest

import learndyn as ld
from gaussian_grids import dg, g, plane
from learndyn.activations.averages.closed_forms import fours
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from reference_data import DATA

# What the closed forms state, at the standard deviations of one that are used here; singular covariances to half the
# digits of float64.
GENERIC, SINGULAR = 1e-10, 1e-8
LEAKY = "leaky_relu(0.3)"
WITH_BIASES = [
    ("relu", "relu", "relu", "relu"),
    ("relu", "erf", "erf", "relu"),
    (LEAKY, "relu", LEAKY, "step"),
    ("relu", "linear", "linear", "sign"),
    ("erf", "linear", LEAKY, "erf"),
    ("sine", "linear", "sine", "linear"),
    ("sine", "sine", "sine", "sine"),
    ("linear", "sine", "linear", "linear"),
]
WITHOUT = [
    *WITH_BIASES,
    (LEAKY, LEAKY, LEAKY, LEAKY),
    ("relu", "relu", "erf", "erf"),
    ("relu", "relu", "relu", "erf"),
    ("relu", LEAKY, "step", "relu"),
    ("linear", "relu", "relu", "relu"),
    ("erf", "erf", "relu", "sign"),
    ("erf", "erf", "erf", "erf"),
]


def covariances(rng, count, spread=6):
    A = rng.standard_normal((count, 4, spread))
    return A @ np.swapaxes(A, 1, 2) / spread


def copies(rng, count, biased):
    """Covariances and biases of (u, v, u, v), and those of u, v."""
    A = rng.standard_normal((count, 2, 3))
    C = A @ np.swapaxes(A, 1, 2) / 3
    m = rng.standard_normal((count, 2)) if biased else np.zeros((count, 2))
    index = np.array([0, 1, 0, 1])
    return C, m, C[:, index][:, :, index], m[:, index]


def of_two_units(names, C, m):
    """<g1'(u) g3(u) g2'(v) g4(v)> on a grid with the kinks on its lines."""
    u, v, weight = plane(C[0, 0], C[0, 1], C[1, 1], *m)
    left = dg(names[0], u + m[0]) * g(names[2], u + m[0])
    return (weight * left * dg(names[1], v + m[1]) * g(names[3], v + m[1])).sum()


@pytest.mark.parametrize(("names", "biased"), [*product(WITH_BIASES, [True]), *product(WITHOUT, [False])])
def test_copies_of_two_units_agree_with_quadrature(names, biased):
    rng = np.random.default_rng(1)
    C, m, C4, m4 = copies(rng, 12, biased)
    correlation = C[:, 0, 1] / np.sqrt(C[:, 0, 0] * C[:, 1, 1])
    keep = np.abs(correlation) < 0.9  # as far as the grid is right to rounding
    assert keep.sum() >= 6
    values = fours(names, biased)(C4, m4 if biased else None, NUMPY)
    for row in np.flatnonzero(keep):
        assert abs(values[row] - of_two_units(names, C[row], m[row])) <= SINGULAR, (names, row)


@pytest.mark.parametrize("names", WITH_BIASES)
def test_zero_biases_agree_with_the_form_without(names):
    # For units other than sines these are two derivations: moments of positive parts and steps, and of signs.
    C = covariances(np.random.default_rng(2), 40)
    with_biases = fours(names, True)(C, np.zeros((40, 4)), NUMPY)
    # Up to eight moments make an average, each right to GENERIC times standard deviations below two.
    scale = 4.0 if "sine" not in names else 1.0
    assert np.abs(with_biases - fours(names, False)(C, None, NUMPY)).max() <= 8 * GENERIC * scale


@pytest.mark.parametrize("name", ["erf", "relu", "linear"])
def test_four_equal_activations_agree_with_their_own_file(name):
    C = covariances(np.random.default_rng(3), 40)
    difference = fours((name,) * 4, False)(C, None, NUMPY) - ld.activation(name).I4(C)
    assert np.abs(difference).max() <= 1e-13


def test_published_averages():
    vectors = [v for v in json.loads((DATA / "biased_averages.json").read_text())["vectors"] if len(v["slopes"]) == 2]
    assert len(vectors) == 5
    for v in vectors:
        average = fours((*v["slopes"], *v["functions"]), True)
        assert abs(average(np.array(v["covariance"]), np.array(v["mean"]), NUMPY) - v["value"]) <= v["tolerance"]


@pytest.mark.parametrize("biased", [False, True])
def test_monte_carlo(biased):
    # Some 60 comparisons at 4.75 standard errors: a false alarm in about 1 of 8000 choices of the seed.
    rng = np.random.default_rng(4)
    C = covariances(rng, 3)
    m = rng.standard_normal((3, 4)) if biased else np.zeros((3, 4))
    n = 200_000
    for row in range(3):
        z = rng.standard_normal((n, 4)) @ np.linalg.cholesky(C[row]).T + m[row]
        for names in WITH_BIASES if biased else WITHOUT:
            value = fours(names, biased)(C, m if biased else None, NUMPY)[row]
            sample = dg(names[0], z[:, 0]) * dg(names[1], z[:, 1]) * g(names[2], z[:, 2]) * g(names[3], z[:, 3])
            assert abs(sample.mean() - value) <= 4.75 * sample.std() / np.sqrt(n), (names, row)


def test_constant_units():
    # Units without variance are at their biases.
    C = np.zeros((2, 4, 4))
    m = np.array([[0.5, 0.2, 2.0, 3.0], [0.5, -0.2, 2.0, 3.0]])
    assert np.abs(fours(("relu",) * 4, True)(C, m, NUMPY) - [6.0, 0.0]).max() <= GENERIC * 6
    C[:, 3, 3] = 1e-8
    assert np.abs(fours(("relu", "relu", "relu", "erf"), True)(C, 0.0 * m + 1.0, NUMPY) - 0.6826894921).max() <= 1e-8


def test_leading_axes():
    C = covariances(np.random.default_rng(5), 6).reshape(2, 3, 4, 4)
    for names in (("relu",) * 4, ("sine",) * 4):
        values = fours(names, False)(C, None, NUMPY)
        assert values.shape == (2, 3)
        assert values[1, 2] == fours(names, False)(C[1, 2], None, NUMPY)


@pytest.mark.parametrize(
    ("names", "biased"), [(WITH_BIASES[0], True), (WITH_BIASES[1], True), (WITHOUT[10], False), (WITHOUT[11], False)]
)
def test_derivatives(names, biased):
    JAX = jax_namespace()
    average = fours(names, biased)
    rng = np.random.default_rng(6)
    C = covariances(rng, 8, 12) + 0.3 * np.eye(4)
    m = rng.standard_normal((8, 4))
    D = rng.standard_normal((8, 4, 4))
    D, e = D + np.swapaxes(D, 1, 2), rng.standard_normal((8, 4))

    def along(step):
        return average(C + step * D, m + step * e if biased else None, JAX)

    h = 0.01
    with jax.enable_x64(True):
        both = jax.jit(lambda s: jax.jvp(along, (s,), (1.0,)))
        at = {k: np.asarray(both(k * h)[0]) for k in (-4, -2, -1, 1, 2, 4)}
        slope = np.asarray(both(0.0)[1])
        # Copies, no variance, R = 0: finite.
        index = np.array([0, 1, 0, 1])
        singular = np.concatenate([C[:2][:, index][:, :, index], np.zeros((1, 4, 4)), np.eye(4)[None]])
        biases = np.concatenate([m[:2, index], np.zeros((1, 4)), m[:1]])
        jacobian = jax.jit(jax.jacfwd(lambda C, m: average(C, m if biased else None, JAX), argnums=(0, 1)))
        slopes = jacobian(singular, biases)
    fine = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)
    coarse = (8 * (at[2] - at[-2]) - (at[4] - at[-4])) / (24 * h)
    # As in `differences.central`.
    assert (np.abs(slope - fine) <= 2 * np.abs(coarse - fine) / 15 + 1.5 * 1e-10 / h).all()
    assert all(np.isfinite(part).all() for part in slopes)


def test_what_has_no_closed_form():
    assert fours(("tanh", "relu", "relu", "relu"), False) is None
    assert fours(("step", "relu", "relu", "relu"), False) is None
    assert fours(("sine", "relu", "relu", "relu"), True) is None
