"""The drift of a scenario and its Jacobian as functions of a flat NumPy state; one compiled program for each shape."""

from functools import cache

import jax
import numpy as np

from learndyn.scenarios.student_teacher.state import pack


def drift_of(scenario):
    """z -> drift, for a state or a batch of them."""
    return _in_float64(_program(scenario.flow(), False), scenario)


def jacobian_of(scenario):
    """z -> d drift / d state, for a state or a batch of them."""
    return _in_float64(_program(scenario.flow(), True), scenario)


@cache
def _program(flow, derivative):
    function = jax.jacfwd(flow.drift, argnums=1) if derivative else flow.drift
    return jax.jit(jax.vmap(function, in_axes=(None, 0, None)))


LANES = 16


def _in_float64(program, scenario):
    def evaluate(z):
        rows = np.atleast_2d(np.asarray(z, dtype=float))
        padded = np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % LANES, axis=0)])
        with jax.enable_x64(True):
            parts = [
                np.asarray(program(0.0, part, scenario.values())) for part in padded.reshape(-1, LANES, rows.shape[1])
            ]
        values = np.concatenate(parts)[: len(rows)]
        return values if np.ndim(z) == 2 else values[0]

    return evaluate


def state_of_weights(J):
    """The state of students J (K, M), given in an orthonormal basis of the teacher's span, T = 1."""
    J = np.asarray(J, dtype=float)
    return pack(J, J @ J.T)


def random_state(K, M, T, rng):
    """A state inside the set of possible overlaps: students with a part of their own outside the teacher's span."""
    values, vectors = np.linalg.eigh(T)
    frame = vectors * np.sqrt(np.maximum(values, 0.0))
    inside = 0.7 * rng.standard_normal((K, M))
    outside = 0.5 * rng.standard_normal((K, K + 2))
    return pack(inside @ frame.T, inside @ inside.T + outside @ outside.T)


def random_teacher(M, rng):
    """A teacher with unequal lengths and correlated units."""
    B = rng.standard_normal((M, M + 2)) / np.sqrt(M + 2) + 0.3 * np.eye(M, M + 2)
    return B @ B.T
