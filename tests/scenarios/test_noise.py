"""The diffusion matrix D = Cov(b): closed forms, quadrature, and Monte Carlo from single increments."""

from functools import cache

import jax
import mpmath
import numpy as np
import pytest
from scipy import stats

import learndyn as ld
from drift_programs import random_state, random_teacher
from learndyn.activations import activation
from learndyn.activations.kinks import find_kinks
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.increments import make_increments
from learndyn.scenarios.student_teacher.noise import make_noise
from learndyn.scenarios.student_teacher.perceptron_quadrature import NODES, make_perceptron_diffusion

EPS = np.finfo(float).eps


def perceptron_states():
    """(R, Q, T, eta) with short and long students, all angles, and both ends of them."""
    rng = np.random.default_rng(6)
    lengths = [(1e-4, 1.0), (0.25, 1.0), (1.0, 1.0), (1.0, 0.1), (4.0, 9.0), (25.0, 1.0)]
    return [
        (rho * np.sqrt(Q * T), Q, T, eta)
        for Q, T in lengths
        for rho in (-1.0, -0.9, 0.0, rng.uniform(), 0.99, 1 - 1e-6, 1.0)
        for eta in (0.1, 1.5)
    ]


@cache
def quadrature(name, nodes=NODES):
    act = activation(name)
    return jax.jit(make_perceptron_diffusion(act, jax_namespace(), find_kinks(act), nodes))


def evaluated(function, R, Q, T, eta):
    with jax.enable_x64(True):
        return np.asarray(function(np.array([R, Q]), {"learning_rate": np.asarray(eta), "T": np.array([[T]])}))


@pytest.mark.parametrize("name", ["linear", "relu", "erf"])
def test_closed_forms_of_the_perceptron_agree_with_quadrature(name):
    noise = make_noise(1, 1, activation(name))
    assert noise.source == "closed form"
    program = jax.jit(noise.covariance)
    for case in perceptron_states():
        _, Q, T, eta = case
        found, wanted = evaluated(program, *case), evaluated(quadrature(name), *case)
        # Both are differences of fourth moments of this size, known to some 10 roundings, for erf to 16 orthant
        # probabilities' 1e-10 times the (2 / pi)^2 of four slopes; the quadrature is right to 1e-10 of D, and to 1e-9
        # where y nearly follows x and bends with it (see the next test).
        moments = np.sqrt([eta**2 * (T + Q) * T, eta**2 * (1 + eta) ** 2 * (T + Q) ** 2])
        allowed = 1e-9 * np.abs(wanted) + 100 * EPS * np.outer(moments, moments)
        allowed = allowed + (1e-9 * (eta + eta**2) ** 2 if name == "erf" else 0.0)
        np.testing.assert_array_less(np.abs(found - wanted), allowed)
        assert np.linalg.eigvalsh(found)[0] >= -allowed.sum()


@pytest.mark.parametrize("name", ["linear", "relu", "erf"])
def test_the_quadrature_has_converged(name):
    for case in perceptron_states():
        D, finer = evaluated(quadrature(name), *case), evaluated(quadrature(name, 2 * NODES), *case)
        # What is promised: 1e-10 of the scale of D. Where y follows x up to a thousandth, the mean over y given x bends
        # within that thousandth of the kink, which the nodes for x resolve less well: 1e-9.
        corner = name == "relu" and 0.999 < case[0] / np.sqrt(case[1] * case[2]) < 1.0
        allowed = (1e-9 if corner else 1e-10) * np.trace(finer)
        assert np.abs(D - finer).max() <= allowed + 100 * EPS * case[3] ** 2 * (case[1] + case[2]) ** 2


def test_the_quadrature_of_erf_agrees_with_mpmath():
    R, Q, T, eta = 0.4, 0.7, 1.3, 0.8
    g = lambda x: mpmath.erf(x / mpmath.sqrt(2))  # noqa: E731
    dg = lambda x: mpmath.sqrt(2 / mpmath.pi) * mpmath.exp(-x * x / 2)  # noqa: E731
    slope = R / mpmath.sqrt(Q)
    rest = mpmath.sqrt(T - slope**2)
    # Trapezia in 30 digits with spacing 1/5: the Gaussian's transform at 2 pi 5 is e^-493, with g'^4 (variance 1/3.8,
    # the narrowest factor) still e^-120; 1e-16 is left beyond 8.6.
    moments = dict.fromkeys(("1", "2", "11", "12", "22"), mpmath.mpf(0))
    with mpmath.workdps(30):
        h = mpmath.mpf(1) / 5
        grid = [h * k for k in range(-43, 44)]
        weight = [h * mpmath.exp(-n * n / 2) / mpmath.sqrt(2 * mpmath.pi) for n in grid]
        for n_1, w_1 in zip(grid, weight, strict=True):
            x = mpmath.sqrt(Q) * n_1
            g_x, dg_x = g(x), dg(x)
            for n_2, w_2 in zip(grid, weight, strict=True):
                y = slope * n_1 + rest * n_2
                delta = dg_x * (g(y) - g_x)
                b = {"1": eta * delta * y, "2": 2 * eta * delta * x + eta**2 * delta**2}
                for key in moments:
                    moments[key] += w_1 * w_2 * mpmath.fprod(b[index] for index in key)
    wanted = [[moments[a + b] - moments[a] * moments[b] for b in ("1", "2")] for a in ("1",)]
    wanted = [wanted[0], [wanted[0][1], moments["22"] - moments["2"] ** 2]]
    found = evaluated(quadrature("erf"), R, Q, T, eta)
    np.testing.assert_allclose(found, np.array(wanted, dtype=float), rtol=0, atol=1e-13)


@pytest.mark.parametrize(("name", "K", "M"), [("linear", 3, 2), ("relu", 1, 1), ("erf", 2, 2), ("erf", 3, 1)])
def test_the_diffusion_is_the_covariance_of_the_increments(name, K, M):
    rng = np.random.default_rng([K, M, 7])
    T = random_teacher(M, rng)
    scenario = ld.StudentTeacher(ld.Student(K, name), ld.Teacher(M, name, T), 0.7)
    flat = random_state(K, M, T, rng)
    with jax.enable_x64(True):
        D = np.asarray(jax.jit(scenario.noise().covariance)(flat, scenario.values()))
    drift = ld.drift(scenario, ld.Start(*state.unpack(flat, K, M)[::-1]))
    F = state.pack(drift.R.values, drift.Q.values)
    increments = make_increments(scenario.K, scenario.M, scenario.activation, NUMPY)
    batches = []
    for _ in range(20):
        b = increments(flat, scenario.values(), rng.standard_normal((40_000, K + M))) - F
        batches.append(b.T @ b / len(b))
    batches = np.array(batches)
    z = (batches.mean(0) - D) / (batches.std(0, ddof=1) / np.sqrt(20))
    # Student's t with 19 degrees; four cases of up to 144 comparisons: 1e-6 for the false alarm of all together.
    assert np.abs(z).max() < stats.t.isf(1e-6 / (2 * 4 * 144), 19)


@pytest.mark.parametrize("name", ["linear", "relu", "erf"])
def test_a_perfect_student_does_not_fluctuate(name):
    allowed = 100 * EPS * 1.2**2 * (1 + 1.2) ** 2 * 2.6**2 + (1e-8 if name == "erf" else 0.0)
    for function in (jax.jit(make_noise(1, 1, activation(name)).covariance), quadrature(name)):
        assert np.abs(evaluated(function, 1.3, 1.3, 1.3, 1.2)).max() <= allowed


def test_how_the_diffusion_is_known():
    sources = {
        (name, K, M): make_noise(K, M, activation(name)).source
        for name in ("linear", "relu", "erf")
        for K, M in ((1, 1), (2, 2), (4, 4))
    }
    assert {key for key, source in sources.items() if source == "closed form"} == {
        ("linear", 1, 1), ("linear", 2, 2), ("linear", 4, 4), ("relu", 1, 1), ("erf", 1, 1), ("erf", 2, 2)
    }  # fmt: skip
    assert set(sources.values()) == {"closed form", "quasi-random averages"}
    functions = dict(activation("relu").functions)
    del functions["diffusion"]
    unknown = ld.Activation("relu without its diffusion", "", functions)
    noise = make_noise(1, 1, unknown)
    assert noise.source == "quadrature"
    case = (0.4, 0.7, 1.3, 0.8)
    np.testing.assert_array_equal(evaluated(jax.jit(noise.covariance), *case), evaluated(quadrature("relu"), *case))


def test_homogeneous_activations_are_found():
    assert [activation(name).homogeneous for name in ("linear", "relu", "erf")] == [True, True, False]
