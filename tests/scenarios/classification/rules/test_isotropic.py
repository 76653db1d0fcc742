"""What the source derives for isotropic noise and means +-mu, |mu| = 1.

Flows of p = mu . w and q = |w|^2, fixed points, and the speed of alignment.
"""

from functools import cache

import jax
import numpy as np
import pytest
from scipy.special import erf, ndtr, owens_t

from learndyn.scenarios.classification.rules.reinforce import Reinforce
from learndyn.scenarios.classification.rules.supervised import Supervised
from nonlinear_perceptron import two_classes, vector

RULES = {"SL": Supervised(), "RL": Reinforce()}
EPS = np.finfo(float).eps
U = np.sqrt(np.pi / 8)
MU = np.array([1.0, 0.0])


@cache
def program(label):
    """<f> at many w (points, 2) and variances (points, 2) along mu and across it."""

    def update(w, variances):
        means, Sigma = jax.numpy.array([MU, -MU]), jax.numpy.diag(variances)
        return RULES[label].mean_update(w, two_classes(means, [Sigma, Sigma]), "shifted_erf", {})

    return jax.jit(jax.vmap(update))


def updates(label, w, variances):
    """In blocks of 64 points, which is one program for all."""
    w = np.asarray(w, dtype=float)
    count, variances = len(w), np.broadcast_to(variances, w.shape).astype(float)
    more = [(0, -count % 64), (0, 0)]
    with jax.enable_x64(True):
        return np.asarray(program(label)(np.pad(w, more), np.pad(variances, more)))[:count]


def random_points(count):
    rng = np.random.default_rng(5)
    return 2.0 * rng.standard_normal((count, 2)), rng.uniform(0.0, 2.0, count)


def rates(label, p, q, sigma):
    """dp/dt and dq/dt as printed: equations (18) and (19), (22) and (23)."""
    V = 1.0 + (sigma * U) ** 2 * q
    z, k = U * p / np.sqrt(V), 1.0 / np.sqrt(1.0 + 2.0 * (sigma * U) ** 2 * q)
    decay = np.exp(-0.5 * z * z)
    if label == "SL":
        along = 1.0 - ndtr(z) - sigma**2 * U * p * decay / np.sqrt(2.0 * np.pi * V)
        return along, 2.0 * p * (1.0 - ndtr(z)) - sigma**2 * q * decay / (2.0 * np.sqrt(V))
    T, inner = owens_t(z, k), erf(z * k / np.sqrt(2.0))
    along = 4.0 * T - 2.0 * sigma**2 * U * p * decay * inner / np.sqrt(2.0 * np.pi * V)
    return along, 8.0 * p * T - sigma**2 * q * decay * inner / np.sqrt(V)


@pytest.mark.parametrize("label", ["SL", "RL"])
def test_flows_of_two_order_parameters(label):
    w, sigma = random_points(64)
    p, q = w @ MU, (w**2).sum(1)
    update = updates(label, w, sigma[:, None] ** 2)
    dp, dq = rates(label, p, q, sigma)
    # Some ten roundings of terms up to |p| + sigma^2 q.
    size = 1.0 + np.abs(p) + sigma**2 * q
    assert (np.abs(update @ MU - dp) <= 20 * EPS * size).all()
    assert (np.abs(2.0 * (update * w).sum(1) - dq) <= 40 * EPS * size).all()


@pytest.mark.parametrize("number", ["009", "010"])
@pytest.mark.parametrize("label", ["SL", "RL"])
def test_vectors_of_these_flows(label, number):
    inputs, outputs, tolerance = vector(number)
    p, q = inputs["p"], inputs["q"]
    w = np.array([[p, np.sqrt(q - p * p)]])
    update = updates(label, w, inputs["sigma"] ** 2)
    assert abs(update[0] @ MU - outputs[f"dp_{label}"]) <= tolerance
    assert abs(2.0 * update[0] @ w[0] - outputs[f"dq_{label}"]) <= tolerance


@pytest.mark.parametrize("number", ["013", "014", "015", "016"])
def test_supervised_learning_stops_at_a_finite_length(number):
    """Equation (43): the root lies between two lengths that differ by the tolerance, relative to it."""
    inputs, outputs, tolerance = vector(number)
    lengths = outputs["w_SL"] * (1.0 + tolerance * np.array([-1.0, 1.0]))
    update = updates("SL", lengths[:, None] * MU, inputs["sigma"] ** 2)
    assert update[0] @ MU > 0.0 > update[1] @ MU


@pytest.mark.parametrize("number", ["013", "014", "015", "016"])
def test_reinforcement_learning_never_stops(number):
    """Without weight decay d|w|/dt stays positive; the values, down to 2e-15, hold to nine digits."""
    inputs, outputs, _ = vector(number)
    aligned = outputs["RL_dpdt_at_aligned_W"]
    update = updates("RL", np.array(aligned["W"])[:, None] * MU, inputs["sigma"] ** 2)
    assert np.allclose(update @ MU, aligned["dpdt"], rtol=1e-9, atol=0.0)
    further = updates("RL", np.geomspace(30.0, 1e4, 30)[:, None] * MU, max(inputs["sigma"], 0.5) ** 2)
    assert (further @ MU > 0.0).all()


@pytest.mark.parametrize("number", ["019", "020", "021"])
@pytest.mark.parametrize("label", ["SL", "RL"])
def test_fixed_points_without_input_noise(label, number):
    inputs, outputs, tolerance = vector(number)
    lengths = outputs[f"w_{label}"] + np.array([-tolerance, tolerance])
    update = updates(label, lengths[:, None] * MU, 0.0)
    left = update @ MU - inputs["lam"] * lengths
    assert left[0] > 0.0 > left[1]


def growth(update, w):
    """d/dt log(p / sqrt q)."""
    return update @ MU / (w @ MU) - (update * w).sum(1) / (w**2).sum(1)


def learning_points(count):
    """Where alignment is positive and below 1."""
    w, sigma = random_points(4 * count)
    keep = w[:, 0] > 0.05
    assert keep.sum() >= count
    return w[keep][:count], sigma[keep][:count]


@pytest.mark.parametrize("label", ["SL", "RL"])
def test_speed_of_alignment(label):
    """Equation (24) in closed form: d/dt log(p / sqrt q) = (1/p - p/q) times 1 - Phi(z) (SL), 4 T(z, k) (RL)."""
    w, sigma = learning_points(64)
    p, q = w @ MU, (w**2).sum(1)
    z = U * p / np.sqrt(1.0 + (sigma * U) ** 2 * q)
    drive = 1.0 - ndtr(z) if label == "SL" else 4.0 * owens_t(z, 1.0 / np.sqrt(1.0 + 2.0 * (sigma * U) ** 2 * q))
    update = updates(label, w, sigma[:, None] ** 2)
    size = (1.0 + sigma**2 * q) * (1.0 + 1.0 / p)
    assert (np.abs(growth(update, w) - (1.0 / p - p / q) * drive) <= 40 * EPS * size).all()
