"""Each activation against its definition in mpmath: values and derivatives, tails included, and in JAX."""

import subprocess
import sys

import jax
import mpmath
import numpy as np
import pytest

import learndyn as ld
from learndyn.gaussian.namespaces import jax_namespace

EPSILON = 2.0**-52


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def leaky(x):
    return x if x > 0 else x / 5


# Name -> its definition, and the error allowed in units of 2^-52: relative, and absolute times (1 + |x|).
# Each is one or two functions good to 1.5, and a few products and sums of terms of one sign; 1 + erf cancels in gelu,
# and so do the terms of the derivatives of gelu and silu where these vanish.
DEFINITIONS = {
    "erf": (lambda x: mpmath.erf(x / mpmath.sqrt(2)), 4, 0),
    "relu": (lambda x: max(x, mpmath.mpf(0)), 0, 0),
    "linear": (lambda x: x, 0, 0),
    "tanh": (mpmath.tanh, 3, 0),
    "logistic": (sigmoid, 4, 0),
    "silu": (lambda x: x * sigmoid(x), 5, 0),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), 4, 0),
    "gelu": (lambda x: x * mpmath.ncdf(x), 4, 2),
    "sine": (mpmath.sin, 2, 0),
    "leaky_relu(0.2)": (leaky, 2, 0),
    "polynomial(0.5, -1, 0, 0.25)": (lambda x: mpmath.mpf(1) / 2 - x + x**3 / 4, 0, 20),
    "step": (lambda x: mpmath.mpf(x > 0), 0, 0),
    "sign": (mpmath.sign, 0, 0),
}
SLOPES = {
    "erf": (lambda x: mpmath.sqrt(2 / mpmath.pi) * mpmath.exp(-x * x / 2), 4, 0),
    "tanh": (lambda x: mpmath.sech(x) ** 2, 8, 0),
    "logistic": (lambda x: sigmoid(x) * sigmoid(-x), 8, 0),
    "silu": (lambda x: sigmoid(x) + x * sigmoid(x) * sigmoid(-x), 8, 4),
    "softplus": (sigmoid, 4, 0),
    "gelu": (lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x), 4, 4),
    "sine": (mpmath.cos, 2, 0),
    "leaky_relu(0.2)": (lambda x: 1 if x > 0 else mpmath.mpf(1) / 5, 1, 0),
    "polynomial(0.5, -1, 0, 0.25)": (lambda x: -1 + 3 * x * x / 4, 0, 4),
    "step": (lambda x: 0, 0, 0),
    "sign": (lambda x: 0, 0, 0),
}
# exp(-x^2 / 2) of a rounded square, and 2 x in an exponent: x^2 and |x| units of relative error.
POINTS = np.concatenate([np.random.default_rng(8).uniform(-6, 6, 200), [-20.0, -3.0, -1e-9, 1e-9, 0.5, 3.0, 20.0]])


def assert_close(values, x, definition):
    exact, relative, absolute = definition
    with mpmath.workdps(40):
        wanted = [exact(mpmath.mpf(float(point))) for point in x]
        errors = np.array([float(abs(mpmath.mpf(float(v)) - w)) for v, w in zip(values, wanted, strict=True)])
    size = np.abs(np.array(wanted, dtype=float))
    amplified = relative * (1 + x * x / 2) if relative else 0.0
    assert np.all(errors <= EPSILON * (amplified * size + absolute * (1 + np.abs(x)) ** (3 if relative == 0 else 1)))


def in_jax(function, x):
    with jax.enable_x64(True):
        return np.asarray(function(jax.numpy.asarray(x), jax_namespace()))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_values_are_those_of_the_definition(name):
    act = ld.activation(name)
    assert_close(act.g(POINTS), POINTS, DEFINITIONS[name])
    assert_close(in_jax(act.functions["g"], POINTS), POINTS, DEFINITIONS[name])


@pytest.mark.parametrize("name", SLOPES)
def test_derivatives_are_those_of_the_definition(name):
    act = ld.activation(name)
    assert_close(act.dg(POINTS), POINTS, SLOPES[name])
    assert_close(in_jax(act.functions["dg"], POINTS), POINTS, SLOPES[name])


def test_every_activation_of_the_package_is_defined_here():
    # In a process of its own: other tests register activations, which live as long as theirs.
    names = "import learndyn as ld; print(*ld.activations.activation_names())"
    found = subprocess.run([sys.executable, "-c", names], capture_output=True, text=True, check=True).stdout.split()
    assert "erf" in found
    assert set(found) <= {name.split("(")[0] for name in DEFINITIONS}


@pytest.mark.parametrize("name", ["tanh", "logistic", "silu", "softplus", "gelu"])
def test_nothing_overflows_far_out(name):
    act, far = ld.activation(name), np.array([-1e75, -800.0, 800.0, 1e75])
    with np.errstate(all="raise", under="ignore"):
        values, slopes = act.g(far), act.dg(far)
    left, right = {"tanh": (-1.0, 1.0), "logistic": (0.0, 1.0)}.get(name, (0.0, None))
    np.testing.assert_allclose(values, [left, left, *(far[2:] if right is None else [right] * 2)], atol=1e-300)
    np.testing.assert_array_equal(slopes, [0, 0, 0, 0] if name in ("tanh", "logistic") else [0, 0, 1, 1])


@pytest.mark.parametrize("name", ["tanh", "logistic", "silu", "softplus", "gelu", "sine"])
def test_automatic_derivatives_hold_at_zero(name):
    """Branches at 0 are taken in one way, so that derivatives of any order pass through."""
    act, order_3 = ld.activation(name), lambda x: act.functions["g"](x, jax_namespace())
    known = {
        "tanh": (1.0, 0.0, -2.0),
        "logistic": (1 / 4, 0.0, -1 / 8),
        "silu": (1 / 2, 1 / 2, 0.0),
        "softplus": (1 / 2, 1 / 4, 0.0),
        "gelu": (1 / 2, 2 / np.sqrt(2 * np.pi), 0.0),
        "sine": (1.0, 0.0, -1.0),
    }
    with jax.enable_x64(True):
        for wanted in known[name]:
            order_3 = jax.grad(order_3)
            assert float(order_3(0.0)) == pytest.approx(wanted, abs=1e-15)


def test_what_is_known_of_each_activation():
    facts = {name: ld.activation(name) for name in DEFINITIONS}
    odd = {"erf", "linear", "tanh", "sine", "sign"}
    assert {name for name, act in facts.items() if act.odd} == odd
    assert {name for name, act in facts.items() if act.teacher_only} == {"step", "sign"}
    assert {name for name, act in facts.items() if act.homogeneous} == {"relu", "linear", "leaky_relu(0.2)"}
    assert {name: act.kinks for name, act in facts.items() if act.kinks} == {"relu": (0.0,), "leaky_relu(0.2)": (0.0,)}
    assert {name: act.jumps for name, act in facts.items() if act.jumps} == {
        "step": ((0.0, 1.0),),
        "sign": ((0.0, 2.0),),
    }


def test_at_a_jump_there_is_the_mean_of_both_sides():
    assert ld.activation("step").g([-1.0, 0.0, 1.0]).tolist() == [0.0, 0.5, 1.0]
    assert ld.activation("sign").g([-1.0, 0.0, 1.0]).tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("leaky_relu", "leaky_relu(0.01)"),
        (" leaky_relu( .20 )", "leaky_relu(0.2)"),
        ("leaky_relu(-0)", "leaky_relu(0)"),
        ("polynomial(1,2.50,0)", "polynomial(1, 2.5)"),
        ("polynomial(1e-5)", "polynomial(1e-05)"),
    ],
)
def test_numbers_in_names_have_one_spelling(text, name):
    assert ld.activation(text).name == name
    assert ld.activation(name) is ld.activation(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("leaky_relu(a)", "must name a leaky_relu by finite numbers, but it is 'leaky_relu(a)'"),
        ("leaky_relu(0.1, 0.2)", "must name a leaky_relu by finite numbers"),
        ("leaky_relu(inf)", "must name a leaky_relu by finite numbers"),
        ("polynomial", "must name a polynomial by finite numbers, but it is 'polynomial'"),
        ("polynomial()", "must name a polynomial by finite numbers"),
        ("polynomial(0,0,0,0,0,0,0,0,0,0,1)", "must be a polynomial of degree 9 at most, but"),
        ("tahn", "but it is 'tahn'. Did you mean 'tanh'?"),
        ("", "but it is ''. Try \"erf\"."),
    ],
)
def test_names_that_are_none(text, message):
    with pytest.raises(ld.InputError) as caught:
        ld.activation(text)
    assert message in str(caught.value)


def test_a_missing_closed_form_is_refused_in_a_sentence():
    functions = ld.activation("tanh").functions
    assert functions.get("square_sum") is None
    with pytest.raises(ld.InputError, match="needs square_sum in closed form, which activation 'tanh' does not have"):
        functions["square_sum"]


def test_averages_with_the_derivative_of_a_jump_are_refused():
    with pytest.raises(ld.InputError, match="I3 is an average with g', which says nothing of where activation 'sign'"):
        ld.activation("sign").I3(np.eye(3))


def test_an_activation_without_its_derivative_is_refused():
    with pytest.raises(ld.InputError, match="Activation 'half' must define g and dg, but dg is missing"):
        ld.Activation.from_module("half", "", {"g": abs})
