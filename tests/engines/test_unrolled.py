"""Functions written out number by number: the same as jax.vmap of them, and None where they cannot be."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import learndyn as ld
from learndyn.engines.unrolled import MOST, unrolled
from learndyn.gaussian import jax_functions

LANES = 8
PLACES = np.array([[0, 2], [1, 1], [3, 0]])
# Every operation that it knows how to move, sum or call.
FUNCTIONS = {
    "arithmetic": lambda x, A: jnp.where(x > 0.2, jnp.exp(x) * 2.0 - 1, -x / 3) + A[0, 0],
    "gathers": lambda x, A: x[PLACES] + A[:, 1:3][np.array([2, 0, 1])],
    "rows and columns": lambda x, A: A[np.array([3, 1]), np.array([0, 2])] * A[1, :2],
    "moves": lambda x, A: jnp.concatenate([A.T[::2].reshape(-1), x[::-1], jnp.squeeze(A[2:3, 1:2]).reshape(1)]),
    "stacks": lambda x, A: jnp.stack([x, A[0]], axis=1) + jnp.stack(jnp.split(x, 2))[0, 1],
    "constants": lambda x, A: jnp.concatenate([x, np.arange(3.0)]) * jnp.linspace(1.0, 2.0, 7),
    "nothing of the lanes": lambda x, A: jnp.eye(2),
    "sums": lambda x, A: jnp.stack([A.sum(), A.sum(0)[1], A.max(), A.min(1)[0], x.prod()]),
    "products": lambda x, A: (A @ A[:, :3]) @ jnp.ones((3, 2)) + (A @ x)[:, None],
    "stacks of products": lambda x, A: jnp.einsum("bij,bjk->bik", jnp.stack([A, 2 * A]), jnp.stack([A.T, A])),
    "the diagonal": lambda x, A: jnp.diagonal(A) + jnp.trace(A),
    "special functions": lambda x, A: jax_functions.arcsine(A) + jax_functions.angle(x, x * x) + jax_functions.root(x),
    "trees": lambda x, A: {"a": (x[0], A[1]), "b": x > 0.1},
}


def vmapped(function):
    return jax.vmap(function, in_axes=-1, out_axes=-1)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_vmap(name):
    rng = np.random.default_rng(1)
    x, A = rng.uniform(-0.9, 0.9, (4, LANES)), rng.uniform(-0.9, 0.9, (4, 4, LANES))
    with jax.enable_x64(True):
        found = jax.jit(partial(unrolled, FUNCTIONS[name]))(x, A)
        expected = vmapped(FUNCTIONS[name])(x, A)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype
        # Another order of at most 16 terms below 10.
        np.testing.assert_allclose(a, b, rtol=0, atol=16 * 10 * np.finfo(float).eps)


def test_a_drift_is_written_out():
    # Two groups of lanes hold the same members: the same bits, whatever is beside them.
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.7)
    states = np.array([scenario.initial_state(ld.Start.random(scenario, seed=seed)) for seed in range(LANES)]).T
    states = np.concatenate([states, states[:, ::-1]], axis=1)
    values = {name: np.stack([np.asarray(x, float)] * 2 * LANES, -1) for name, x in scenario.values().items()}
    drift = scenario.flow().drift
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(partial(unrolled, drift))(np.zeros(2 * LANES), states, values))
        expected = vmapped(drift)(np.zeros(2 * LANES), states, values)
    # Some 50 terms of order 1.
    np.testing.assert_allclose(found, expected, rtol=0, atol=100 * np.finfo(float).eps)
    np.testing.assert_array_equal(found[:, :LANES], found[:, : LANES - 1 : -1])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jax.lax.fori_loop(0, 3, lambda _, y: jnp.sin(y), x),
        lambda x: jnp.sort(x),
        lambda x: x[jnp.argmax(x)],
        lambda x: jnp.outer(x, x) @ jnp.ones((4, MOST)),
    ],
    ids=["loop", "sort", "a place that lanes do not share", "too long"],
)
def test_what_cannot_be_written_out(function):
    with jax.enable_x64(True):
        assert unrolled(function, np.ones((4, LANES))) is None
