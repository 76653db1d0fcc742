"""Orthant moments: against vectors made with mpmath by another method, exact values, and published integrals."""

import json
from itertools import combinations, permutations

import jax
import numpy as np
import pytest

import learndyn as ld
from learndyn.gaussian.orthant import PAIRS, orthant_4
from reference_data import DATA, ids, inputs_and_outputs

# What the issue asks for unit variances: generic covariances, and singular and nearly singular ones (half of the digits
# of float64 is what a nearly singular covariance determines).
GENERIC, SINGULAR = 1e-10, 1e-8
VECTORS = json.loads((DATA / "orthant_vectors.json").read_text())["vectors"]
LANES = 64


@pytest.fixture(scope="module")
def orthant():
    """P4 and the six pi of correlation matrices (n, 4, 4), with one compiled program."""
    program = jax.jit(orthant_4)

    def evaluate(r):
        rows = np.array([r[:, i, j] for i, j in PAIRS])
        padded = np.concatenate([rows, np.zeros((6, -rows.shape[1] % LANES))], axis=1)
        with jax.enable_x64(True):
            parts = [np.asarray(program(padded[:, k : k + LANES])) for k in range(0, padded.shape[1], LANES)]
        return np.concatenate(parts, axis=1)[:, : rows.shape[1]]

    return evaluate


def correlation(r):
    matrix = np.eye(4)
    for (i, j), value in zip(combinations(range(4), 2), r, strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix


def allowed(vector):
    return GENERIC if vector["kind"] == "generic" else SINGULAR


def test_the_vectors_cover_every_kind_of_covariance():
    kinds = {vector["kind"] for vector in VECTORS}
    assert len(kinds) == 12
    assert {v["eps"] for v in VECTORS if v["kind"] == "rank 3"} == {0.0, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1e-1}


def test_moments_agree_with_mpmath():
    rows, wanted, limits, names = [], [], [], []
    for vector in VECTORS:
        for roles, value in vector["I4"].items():
            order = [int(x) for x in roles]
            rows.append(correlation(vector["r"])[np.ix_(order, order)])
            wanted.append(value)
            limits.append(allowed(vector))
            names.append((vector["kind"], vector["eps"], roles))
    error = np.abs(ld.activation("relu").I4(np.array(rows)) - wanted)
    bad = ~(error <= np.array(limits))
    assert not bad.any(), [(n, e) for n, e, b in zip(names, error, bad, strict=True) if b]


def test_orthant_probabilities_agree_with_mpmath_in_every_order_of_the_variables(orthant):
    for order in permutations(range(4)):
        rows = np.array([correlation(vector["r"])[np.ix_(order, order)] for vector in VECTORS])
        error = np.abs(orthant(rows)[0] - [vector["P4"] for vector in VECTORS])
        bad = ~(error <= np.array([allowed(vector) for vector in VECTORS]))
        assert not bad.any(), (order, [(VECTORS[k]["kind"], VECTORS[k]["eps"], error[k]) for k in np.flatnonzero(bad)])


def test_exact_orthant_probabilities(orthant):
    def equal(r):
        return np.full((4, 4), r) + (1 - r) * np.eye(4)

    # Independent: 1/16. Correlations 1/2: z_i = u_i + u_0, all positive if u_0 is not the median below: 1/5.
    # A chain of orthogonal pairs: (1/4 + asin(r)/(2 pi))^2.
    pairs = np.eye(4)
    pairs[0, 1] = pairs[1, 0] = 0.3
    pairs[2, 3] = pairs[3, 2] = -0.8
    exact = [1 / 16, 1 / 5, np.prod([0.25 + np.arcsin(r) / (2 * np.pi) for r in (0.3, -0.8)]), 1 / 2]
    error = np.abs(orthant(np.array([equal(0.0), equal(0.5), pairs, equal(1.0)]))[0] - exact)
    assert (error <= [GENERIC, GENERIC, GENERIC, SINGULAR]).all()


def test_conditional_probabilities(orthant):
    # pi_ij = P(i, j > 0 | the others = 0) = 1/4 + asin(partial correlation) / (2 pi), by solving for the covariance.
    rng = np.random.default_rng(3)
    A = rng.standard_normal((20, 4, 6))
    C = A @ np.swapaxes(A, 1, 2)
    scale = np.sqrt(np.diagonal(C, axis1=1, axis2=2))
    r = C / scale[:, :, None] / scale[:, None, :]
    parts = orthant(r)[1:]
    for number, (i, j) in enumerate(PAIRS):
        k, m = (x for x in range(4) if x not in (i, j))
        kept, given = np.ix_(range(20), (i, j), (i, j)), np.ix_(range(20), (k, m), (k, m))
        cross = r[np.ix_(range(20), (i, j), (k, m))]
        left = r[kept] - cross @ np.linalg.solve(r[given], np.swapaxes(cross, 1, 2))
        partial = left[:, 0, 1] / np.sqrt(left[:, 0, 0] * left[:, 1, 1])
        # A determinant of order 0.01 in rounding 1e-16: 1e-13 is generous, and far below GENERIC.
        np.testing.assert_allclose(parts[number], 0.25 + np.arcsin(partial) / (2 * np.pi), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ids("integrals", "I") + ids("integrals", "ReLU I4"))
def test_averages_agree_with_the_reference(name):
    inputs, outputs = inputs_and_outputs(name)
    C = np.array(inputs["cov"])
    which = {2: "I2", 3: "I3", 4: "I4"}[len(C)]
    # I2, I3 and the erf averages are elementary: rounding of some ten operations on numbers of this size.
    for kind, value in outputs.items():
        elementary = kind == "erf" or which != "I4"
        near = np.linalg.cond(C) > 1e3
        scale = np.sqrt(C[-1, -1] * C[-2, -2]) if kind == "relu" else 1.0
        error = abs(float(getattr(ld.activation(kind), which)(C)) - value)
        assert error <= (1e-14 if elementary else SINGULAR if near else GENERIC) * max(scale, 1.0)


@pytest.mark.parametrize("name", ids("integrals", "orthant"))
def test_orthant_probabilities_agree_with_the_reference(name, orthant):
    inputs, outputs = inputs_and_outputs(name)
    C = np.array(inputs["cov"])
    scale = np.sqrt(np.diagonal(C))
    assert abs(orthant((C / scale[:, None] / scale)[None])[0, 0] - outputs["P4"]) <= GENERIC
