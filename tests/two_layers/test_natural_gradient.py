"""Natural gradient descent: the inverse of the full Fisher information, and a plateau that it leaves sooner."""

import numpy as np
import pytest
from literal import joint, root

import learndyn as ld

Q, R, T = [[0.7, 0.15], [0.15, 0.5]], [[0.3, -0.2], [0.1, 0.25]], [[1.0, 0.2], [0.2, 0.8]]


@pytest.mark.parametrize("activation", ["erf", "relu"])
def test_step_is_the_gradient_times_the_inverse_of_the_full_information(activation):
    # A has (K N)^2 entries and is averaged over inputs, as is the gradient; N = 5 leaves one direction beyond all
    # vectors. 5 standard errors of 30 batches for 7 numbers: false alarm below 1e-4.
    s = ld.StudentTeacher(
        ld.Student(2, activation),
        ld.Teacher(2, activation, T=T),
        0.9,
        rule="natural_gradient",
        dynamics="gradient_flow",
    )
    drift = ld.drift(s, ld.Start(Q, R))
    W = np.zeros((4, 5))
    W[:, :4] = root(joint(np.array(Q), np.array(R), np.array(T)))
    J, B = W[:2], W[2:]
    act, rng, found = ld.activation(activation), np.random.default_rng(3), []
    for _ in range(30):
        xi = rng.standard_normal((100_000, 5))
        x, y = xi @ J.T, xi @ B.T
        slope = act.dg(x)
        delta = slope * (act.g(y).sum(1) - act.g(x).sum(1))[:, None]
        steps = (slope[:, :, None] * xi[:, None, :]).reshape(len(xi), -1)
        step = np.linalg.solve(steps.T @ steps, (delta.T @ xi).reshape(-1)).reshape(2, 5)
        found.append(0.9 * np.concatenate([(step @ B.T).ravel(), (step @ J.T + J @ step.T).ravel()]))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(30)
    theory = np.concatenate([drift.R.values.ravel(), drift.Q.values.ravel()])
    assert (np.abs(theory - mean) <= 5 * error).all()


def test_noise_of_the_step_is_preconditioned():
    # Beyond the span of J the step is a^-1 delta: its square is a^-1 <delta delta^T> a^-1.
    s = ld.StudentTeacher(ld.Student(2), ld.Teacher(2, T=T), 0.9, rule="natural_gradient")
    square = (ld.drift(s, ld.Start(Q, R)).Q - ld.drift(s.replace(dynamics="gradient_flow"), ld.Start(Q, R)).Q).values
    gradient = s.replace(rule="gradient")
    plain = (
        ld.drift(gradient, ld.Start(Q, R)).Q - ld.drift(gradient.replace(dynamics="gradient_flow"), ld.Start(Q, R)).Q
    ).values
    q = np.array(Q)
    # <g_i' g_k'> of erf units [Saad & Solla 1995].
    a = 2 / np.pi / np.sqrt(np.outer(1 + np.diag(q), 1 + np.diag(q)) - q**2)
    np.testing.assert_allclose(a @ square @ a, plain, rtol=0, atol=1e-9)


def test_natural_gradient_leaves_the_plateau_sooner():
    s = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), 0.3)
    start = ld.Start([[0.2, 0.0], [0.0, 0.3]], [[1e-3, 0.0], [0.0, 1e-3]])
    plain = ld.solve(s, start, until=200)
    natural = ld.solve(s.replace(rule="natural_gradient", learning_rate=0.05), start, until=200)
    assert natural.attrs["status"] == "ok"
    assert natural.eps_g[-1] < 1e-3 < plain.eps_g[-1]
