"""Each activation passes the public conformance test, which fails for activations that are wrong."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.activations import activation_names
from learndyn.gaussian.namespaces import NUMPY
from learndyn.testing import averages

# Of each kind: by name, with numbers, from text (smooth; with a kink; a polynomial; with a jump).
NAMES = [
    *activation_names(),
    "leaky_relu(-0.3)",
    "polynomial(0.1, 1, 0, -0.1)",
    "tanh(x)^2 * x",
    "maximum(x, 0.2 * x - 0.1)",
    "x / (1 + abs(x))",
    "(x^2 - 1) / 2",
    "where(x > 0.5, x, 0.1)",
]


@pytest.mark.parametrize("name", NAMES)
def test_activations_conform(name):
    act = ld.activation(name)
    report = ld.testing.check_activation(name)
    assert (report.name, report.kinks, report.jumps) == (act.name, act.kinks, act.jumps)
    assert all(check.error <= check.allowed for check in report.checks)
    checked = {check.name.removesuffix(" against quadrature") for check in report.checks}
    assert {"I2"} if act.teacher_only else {"I2", "I3", "I4"} <= checked
    assert {"g' compiled for lanes against NumPy", "g in JAX against NumPy"} <= checked
    assert "I2 against quadrature  " in str(report)


def test_an_activation_known_to_theory_alone_conforms():
    act = ld.new_activation("arcsinh_for_theory", lambda x, xp: xp.where(xp.floor(x) < 1e3, xp.arcsinh(x), 0.0))
    names = [check.name for check in ld.testing.check_activation(act).checks]
    assert "g' in JAX against NumPy" in names
    assert not any("compiled" in name for name in names)


def test_the_seed_decides():
    first, again, other = (ld.testing.check_activation("step", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.checks != other.checks


def changed(name, part, change):
    """An activation with one of its functions f replaced by change(f, ...)."""
    act = ld.activation(name)
    functions = {**act.functions, part: lambda *a: change(act.functions[part], *a)}
    return ld.Activation(name, "", functions, act.kinks, act.jumps)


def steeper(x, xp):
    return 1.001 * xp.maximum(x, 0.0)


def step(x, xp):
    return xp.where(x > 0.0, 1.0, 0.0)


def shifted(x, xp):
    return xp.where(x > 0.5, 1.0, 0.0)


def shifted_g(x, xp):
    return xp.maximum(x - 0.5, 0.0)


def jump(x, xp):
    return xp.where(x > 0.5, x, 0.0)


@pytest.mark.parametrize(
    ("changes", "kinks", "jumps", "message"),
    [
        ({"g": steeper}, (0.0,), (), "g' against differences of g: the error is 0.001,"),
        ({"dg": step}, (0.0,), (), "g' at a kink against the mean of both sides: the error is 0.5"),
        ({}, (), (), "g' jumps at x = 0, which `kinks` does not declare."),
        ({}, (0.5,), (), "g' jumps at x = 0, which `kinks` does not declare."),
        ({}, (0.0, 1.0), (), "`kinks` declares x = 1, but g' does not jump there."),
        ({}, (0.0,), ((1.0, 0.5),), "`jumps` declares x = 1, but g does not jump there."),
        ({"g": jump, "dg": shifted}, (0.5,), (), "g jumps at x = 0.5, which `jumps` does not declare."),
        ({"g": jump, "dg": shifted}, (0.5,), ((0.5, 0.6),), "height of the jump at 0.5: the error is 0.1,"),
        ({"g": shifted_g, "dg": shifted}, (0.5 + 1e-8,), (), "g' jumps at x = 0.5, which `kinks` does not declare."),
    ],
)
def test_a_wrong_function_is_found(changes, kinks, jumps, message):
    wrong = ld.Activation("wrong", "", {**ld.activation("relu").functions, **changes}, kinks, jumps)
    with pytest.raises(AssertionError, match="Activation 'wrong': ") as caught:
        ld.testing.check_activation(wrong)
    assert message in str(caught.value)


def times(factor):
    return lambda f, *a: factor * f(*a)


def asymmetric(f, s11, s12, s22, xp):
    return f(s11, s12, s22 + 1e-6, xp)


def quadratic_in_v(f, C, xp):
    return f(C, xp) + 1e-9 * C[..., 1, 1]


def other_pair(f, C, xp):
    return C[..., 1, 3]


def c_alone(f, C, xp):
    return f(C, xp) + 1e-6 * (C[..., 0, 2] + C[..., 1, 2])


def none_for_constants(f, C, xp):
    # Right for generic covariances; at s_uu = 0 theta(u) = 1/2.
    return xp.where(C[..., 0, 0] > 0, f(C, xp), 0.0)


def wrong_in_numpy(f, C, c, K, xp):
    return f(C, c, K, xp) + 1e-8 * (xp is NUMPY)


def wrong_in_jax(f, C, c, K, xp):
    return f(C, c, K, xp) + 1e-8 * (xp is not NUMPY)


def wrong_for_three(f, C, c, K, xp):
    return f(C, c, K, xp) * (1 + 1e-6 * (K > 2))


@pytest.mark.parametrize(
    ("name", "part", "change", "message"),
    [
        ("erf", "I2", asymmetric, "I2 symmetric"),
        ("erf", "I2", times(1 + 1e-8), "I2 against quadrature"),
        ("linear", "I3", quadratic_in_v, "I3 linear in v"),
        ("erf", "I3", times(1 + 1e-8), "I3 against quadrature"),
        ("linear", "I4", other_pair, "I4 symmetric in (a, b)"),
        ("linear", "I4", c_alone, "I4 symmetric in (c, d)"),
        ("erf", "I4", times(1 + 1e-7), "I4 against quadrature"),
        ("relu", "I3", none_for_constants, "I3 against Monte Carlo, singular"),
        ("linear", "gradient_sum", wrong_in_numpy, "gradient_sum in NumPy, K=1"),
        ("linear", "gradient_sum", wrong_in_jax, "gradient_sum in JAX, K=1"),
        ("linear", "square_sum", wrong_for_three, "square_sum in JAX, K=3"),
        ("linear", "square_sum", times(float("nan")), "square_sum in JAX, K=1 M=1: the error is nan"),
        ("linear", "diffusion", times(1 + 1e-8), "diffusion against quadrature, eta=0.3"),
        ("polynomial(0, 1, 0.5)", "I2", times(1 + 1e-8), "I2 against quadrature"),
        ("polynomial(0, 1, 0.5)", "I4", times(1 + 1e-7), "I4 against quadrature"),
    ],
)
def test_a_wrong_average_is_found(name, part, change, message):
    with pytest.raises(AssertionError) as caught:
        ld.testing.check_activation(changed(name, part, change))
    assert message in str(caught.value)


def sech_squared(x, xp):
    return 1.00000001 * (1.0 - xp.tanh(x) ** 2)


def off_in_jax(x, xp):
    return xp.tanh(x) * (1.0 if xp is NUMPY else 1.0 + 1e-12)


def slope_off_in_jax(x, xp):
    return (1.0 - xp.tanh(x) ** 2) * (1.0 if xp is NUMPY else 1.0 + 1e-12)


@pytest.mark.parametrize(
    ("part", "function", "message"),
    [
        ("dg", sech_squared, "g' against differences of g: the error is 1e-08"),
        ("g", off_in_jax, "g in JAX against NumPy: the error is 1e-12"),
        ("dg", slope_off_in_jax, "g' in JAX against NumPy: the error is 1e-12"),
    ],
)
def test_a_form_that_is_off_is_found(part, function, message):
    wrong = ld.Activation("tanh", "", {**ld.activation("tanh").functions, part: function})
    with pytest.raises(AssertionError) as caught:
        ld.testing.check_activation(wrong)
    assert message in str(caught.value)


def tanh_off(x, xp):
    return xp.tanh(x) * (1.0 + 1e-12)


@pytest.mark.parametrize(("part", "name"), [("g", "g"), ("dg", "g'")])
def test_a_kernel_that_is_off_is_found(part, name, monkeypatch):
    """As if compiled steps ran another function than theory."""
    from learndyn.activations import compiled

    right = ld.activation("tanh")
    wrong = ld.Activation("tanh", "", {**right.functions, part: tanh_off})
    tag = compiled.ActivationTag
    monkeypatch.setattr(compiled, "ActivationTag", lambda act, **options: tag(wrong, **options))
    with pytest.raises(AssertionError, match=f"{name} compiled for numbers against NumPy: the error is"):
        ld.testing.check_activation(right)


def square(x, xp):
    return xp.sqrt(x**4)


def slope_of_square(x, xp):
    return 2.0 * x


def test_automatic_differentiation_that_fails_is_found():
    """Right everywhere, but 0/0 at 0 for those who differentiate it."""
    wrong = ld.Activation("wrong", "", {"g": square, "dg": slope_of_square})
    with pytest.raises(AssertionError, match="g' against automatic differentiation: the error is nan"):
        ld.testing.check_activation(wrong)


@pytest.mark.parametrize(
    "factors",
    [
        (np.tanh, np.tanh),
        (lambda x: np.maximum(x, 0.0), np.tanh),
        (lambda x: 1.0 * (x > 0), lambda x: x, lambda x: np.maximum(x, 0)),
    ],
)
def test_the_quadrature_of_the_test_itself(factors):
    """Against SciPy's adaptive integration over each variable, to the accuracy that the test counts on."""
    from scipy.integrate import nquad
    from scipy.stats import multivariate_normal

    C = averages.covariance(np.random.default_rng(1), len(factors), ld.activation("relu"))
    density = multivariate_normal(cov=C).pdf

    def integrand(*z):
        return float(np.prod([f(np.float64(x)) for f, x in zip(factors, z, strict=True)]) * density(z))

    if len(factors) > 2:
        # theta(u) v max(w, 0) in closed form [Straat 2018, p. 29].
        wanted = float(ld.activation("relu").I3(C))
        accuracy = 1e-10
    else:
        options = {"points": [0.0], "limit": 200, "epsabs": 1e-11, "epsrel": 0}
        wanted = nquad(integrand, [(-12, 12)] * len(factors), opts=options)[0]
        accuracy = 24 * 1e-11 * 2
    assert averages.expectation(factors, C, (0.0,), 32) == pytest.approx(wanted, abs=accuracy)
