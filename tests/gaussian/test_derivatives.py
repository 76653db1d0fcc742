"""Derivatives of the orthant moments against difference quotients of order 4."""

import jax
import numpy as np
import pytest

from differences import central
from learndyn.gaussian.orthant import PAIRS, orthant_4
from learndyn.gaussian.orthant_moments import four_point_moments, four_point_tables

ACCURACY = 1e-10  # of the moments themselves, on generic covariances


def correlations(rng, count, n):
    """Correlation matrices with eigenvalues above 0.3: a step of 0.02 stays well inside."""
    A = rng.standard_normal((count, n, 2 * n))
    C = A @ np.swapaxes(A, 1, 2) / (2 * n) + 0.5 * np.eye(n)
    scale = np.sqrt(np.diagonal(C, axis1=1, axis2=2))
    return C / scale[:, :, None] / scale[:, None, :]


def directions(rng, count, n):
    D = rng.standard_normal((count, n, n))
    D = (D + np.swapaxes(D, 1, 2)) * (1 - np.eye(n))
    return D / np.linalg.norm(D, axis=(1, 2), keepdims=True)


def check(value, derivative, points, along):
    fine, allowed = central(value, points, along, 0.005, ACCURACY)
    assert (np.abs(derivative(points, along) - fine) <= allowed).all()
    # The comparison means something: derivatives are far larger than what is allowed.
    assert np.median(np.abs(fine)) > 1e4 * np.median(allowed)


@pytest.mark.parametrize(("K", "n"), [(2, 4), (3, 5)])
def test_tangent_of_the_four_point_moments(K, n):
    rng = np.random.default_rng(5)
    tables = four_point_tables(K, n)
    program = jax.jit(jax.vmap(lambda r: four_point_moments(r, tables)))
    tangent = jax.jit(jax.vmap(lambda r, d: jax.jvp(lambda r: four_point_moments(r, tables), (r,), (d,))[1]))
    points, along = correlations(rng, 16, n), directions(rng, 16, n)
    with jax.enable_x64(True):
        check(lambda p: np.asarray(program(p)), lambda p, d: np.asarray(tangent(p, d)), points, along)
        # The natural start, R = 0 and diagonal Q: plain autodiff through a factorisation is NaN here.
        identity = np.broadcast_to(np.eye(n), points.shape)
        check(lambda p: np.asarray(program(p)), lambda p, d: np.asarray(tangent(p, d)), identity, along)


def test_tangent_of_the_orthant_probabilities():
    rng = np.random.default_rng(6)
    program = jax.jit(orthant_4)
    tangent = jax.jit(lambda r, d: jax.jvp(orthant_4, (r,), (d,))[1])

    def pairs(matrices):
        return np.array([matrices[:, i, j] for i, j in PAIRS])

    points, along = pairs(correlations(rng, 64, 4)), pairs(directions(rng, 64, 4))
    with jax.enable_x64(True):
        check(lambda p: np.asarray(program(p)), lambda p, d: np.asarray(tangent(p, d)), points, along)


def test_tables_hold_every_choice_of_four_different_units_once():
    tables = four_point_tables(3, 5)
    wanted = {
        (a, b, c, d)
        for a in range(3) for b in range(a + 1, 3) for c in range(5) for d in range(c + 1, 5)
        if len({a, b, c, d}) == 4
    }  # fmt: skip
    assert set(tables.rows) == wanted
    assert len(tables.rows) == len(wanted)
    for row, number, pairs in zip(tables.rows, tables.row_set, tables.row_pairs, strict=True):
        a, b, c, d = row
        members = tables.sets[number]
        roles = [(a, b), (a, c), (a, d), (b, c), (b, d), (c, d)]
        for role, pair in zip(roles, pairs, strict=True):
            assert tuple(members[x] for x in PAIRS[pair]) == tuple(sorted(role))
