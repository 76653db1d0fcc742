"""Each activation passes the public conformance test, which fails for activations that are wrong."""

import pytest

import learndyn as ld
from learndyn.activations import activation_names
from learndyn.gaussian.namespaces import NUMPY

CLOSED_FORMS = [name for name in activation_names() if ld.activation(name).functions.get("square_sum")]


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_activations_conform(name):
    report = ld.testing.check_activation(name)
    assert report.name == name
    assert report.kinks == ((0.0,) if name == "relu" else ())
    assert all(check.error <= check.allowed for check in report.checks)
    assert "I4 against quadrature" in str(report)


def test_the_seed_decides():
    first, again, other = (ld.testing.check_activation("linear", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first.checks != other.checks


def changed(name, part, change):
    """An activation with one of its functions f replaced by change(f, ...)."""
    functions = ld.activation(name).functions
    return ld.Activation(name, "", {**functions, part: lambda *a: change(functions[part], *a)})


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
    ("functions", "message"),
    [
        ({"g": steeper}, "g' against differences of g: the error is 0.001,"),
        ({"g": jump, "dg": shifted}, "continuity of g at its kinks: the error is 0.5"),
        ({"dg": step}, "g' at a kink against the mean of both sides: the error is 0.5"),
    ],
)
def test_a_wrong_function_is_found(functions, message):
    wrong = ld.Activation("wrong", "", {**ld.activation("relu").functions, **functions})
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
    ],
)
def test_a_wrong_average_is_found(name, part, change, message):
    with pytest.raises(AssertionError) as caught:
        ld.testing.check_activation(changed(name, part, change))
    assert message in str(caught.value)
