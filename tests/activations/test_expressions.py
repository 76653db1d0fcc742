"""Activations written as text: reading, writing, derivatives, kinks, and the three forms that a formula runs in."""

import jax
import mpmath
import numba
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import learndyn as ld
from learndyn.activations.compiled import ActivationTag, dg, g
from learndyn.activations.expressions.code import function_of
from learndyn.activations.expressions.derivative import derivative
from learndyn.activations.expressions.grammar import FUNCTIONS, parse
from learndyn.activations.expressions.simplify import simplify, without_value
from learndyn.activations.expressions.tree import (
    COMPARISONS,
    ONE_ARGUMENT,
    TWO_ARGUMENTS,
    Binary,
    Call,
    Comparison,
    Negative,
    Number,
    Power,
    Where,
    X,
    written,
)
from learndyn.gaussian.namespaces import NUMPY, jax_namespace
from learndyn.lanes.types import LANES, get, put

X_ = X()
leaves = st.one_of(st.just(X_), st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.25, 1e-7]).map(Number))


def branches(part):
    comparison = st.builds(Comparison, st.sampled_from(COMPARISONS), part, part)
    return st.one_of(
        st.builds(Binary, st.sampled_from("+-*/"), part, part),
        st.builds(Negative, part),
        st.builds(Power, part, st.sampled_from([2.0, 3.0, -1.0, 0.5])),
        st.builds(lambda f, a: Call(f, (a,)), st.sampled_from(ONE_ARGUMENT), part),
        st.builds(lambda f, a, b: Call(f, (a, b)), st.sampled_from(TWO_ARGUMENTS), part, part),
        st.builds(Where, comparison, part, part),
    )


formulas = st.recursive(leaves, branches, max_leaves=8)
POINTS = np.array([-2.7, -1.3, -0.41, 0.23, 0.77, 1.9])


def values(formula, points=POINTS):
    with np.errstate(all="ignore"):
        return np.asarray(function_of(formula, "f")(points, NUMPY))


@given(formula=formulas)
def test_what_is_written_is_read_as_the_same_formula(formula):
    assert parse(written(formula)) == formula


@given(formula=formulas)
def test_simplification_changes_no_value(formula):
    """Up to rounding, and where the operations of the formula are defined: 0 * (1/0) becomes 0."""
    assume(without_value(formula) is None)
    plain, simple = evaluate(formula, POINTS), values(simplify(formula))
    finite = np.isfinite(plain)
    np.testing.assert_allclose(simple[finite], plain[finite], rtol=1e-14, atol=1e-300)


def evaluate(formula, x):
    """A formula's value by walking through it: what the generated code is held against."""
    with np.errstate(all="ignore"):
        match formula:
            case X():
                return x
            case Number(value):
                return np.full_like(x, value)
            case Negative(a):
                return -evaluate(a, x)
            case Binary(operator, a, b):
                operation = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[operator]
                return operation(evaluate(a, x), evaluate(b, x))
            case Power(a, exponent):
                return evaluate(a, x) ** exponent
            case Call(function, arguments):
                return getattr(NUMPY, function)(*(evaluate(a, x) for a in arguments))
            case Where(Comparison(operator, a, b), yes, no):
                comparison = {">": np.greater, "<": np.less, ">=": np.greater_equal, "<=": np.less_equal}[operator]
                return np.where(comparison(evaluate(a, x), evaluate(b, x)), evaluate(yes, x), evaluate(no, x))


def smooth_at(formula, x, h):
    """Whether no part of the formula switches, and all are finite, between x - h and x + h."""
    from learndyn.activations.expressions.places import _switch
    from learndyn.activations.expressions.tree import walk

    near = x + h * np.linspace(-1, 1, 9)
    parts = [evaluate(part, near) for part in walk(formula)]
    switches = [evaluate(s, near) for part in walk(formula) if (s := _switch(part)) is not None]
    return all(np.isfinite(p).all() and np.abs(p).max() < 1e3 for p in parts) and all(
        np.abs(s).min() > 0 and np.ptp(np.sign(s)) == 0 for s in switches
    )


@given(formula=formulas)
def test_derivatives_are_those_of_differences_and_of_automatic_differentiation(formula):
    assume(without_value(formula) is None)
    h, slope = 1e-4, derivative(formula)
    points = [x for x in POINTS if smooth_at(formula, x, 2 * h)]
    assume(points)
    x = np.array(points)

    def quotient(h):
        f = [values(formula, x + k * h) for k in (-2, -1, 1, 2)]
        return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h)

    found = values(slope, x)
    fine, coarse = quotient(h / 2), quotient(h)
    finite = np.isfinite(found)
    # The error of order 4 that halving shows, and rounding of numbers up to 1e3 over h.
    doubt = np.abs(fine - coarse) + 1e3 * 2.0**-50 / h
    assert np.all(np.abs(found - fine)[finite] <= 2 * doubt[finite] + 1e-9 * np.abs(found[finite]))
    with jax.enable_x64(True):
        f = function_of(formula, "f")
        automatic = np.array([float(jax.grad(lambda z: f(z, jax_namespace()))(float(point))) for point in x])
    both = np.isfinite(found) & np.isfinite(automatic)
    np.testing.assert_allclose(found[both], automatic[both], rtol=1e-9, atol=1e-9)


@numba.njit(error_model="numpy")
def run(tag, x, out, slopes):
    for i in range(x.shape[0]):
        put(out, i, g(tag, get(x, i)))
        put(slopes, i, dg(tag, get(x, i)))


# Between them these contain every function and operator of the grammar.
EXAMPLES = [
    "x / (1 + abs(x))",
    "tanh(x)^2 * x - 0.5*sinh(x/4)",
    "log1p(exp(-abs(x))) + max(x, 0)",
    "erf(x) * cosh(x / 5) + arctan(x)^3",
    "sqrt(1 + x^2) - log(2 + sin(x))",
    "cos(x) * expm1(-x^2) / pi + (1 + x^2)^-0.75",
    "where(x > 0.5, x, where(x <= -0.5, -1, 2*x^3)) + min(x, 1) * sign(x - 0.25)",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_formula_gives_the_same_numbers_in_numpy_jax_and_kernels(text):
    act = ld.activation(text)
    x = np.random.default_rng(1).uniform(-5, 5, 16 * LANES)
    wanted = np.array([evaluate(parse(text), x), evaluate(derivative(parse(text)), x)])
    found = [np.array([act.g(x), act.dg(x)])]
    with jax.enable_x64(True):
        parts = (act.functions["g"], act.functions["dg"])
        found.append(np.array([f(jax.numpy.asarray(x), jax_namespace()) for f in parts]))
    for points in (x, x.reshape(-1, LANES)):
        out, slopes = np.empty_like(points), np.empty_like(points)
        run(ActivationTag(act), points, out, slopes)
        found.append(np.array([out.ravel(), slopes.ravel()]))
    # Up to ten functions of 2 units each, of terms up to 100.
    for values_found in found:
        np.testing.assert_allclose(values_found, wanted, rtol=0, atol=10 * 2 * 100 * 2.0**-52)


def test_the_examples_contain_every_function():
    used = {part.function for text in EXAMPLES for part in parts_of(parse(text)) if isinstance(part, Call)}
    assert used == {*ONE_ARGUMENT, *TWO_ARGUMENTS}
    assert {*used, "clip", "where"} == set(FUNCTIONS)  # clip is read as two others


def parts_of(formula):
    yield formula
    for part in formula.parts():
        yield from parts_of(part)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3*x^2", 14.0),
        ("-x^2", -4.0),
        ("(-x)^2", 4.0),
        ("x^-1", 0.5),
        ("x^2^0.5 - x^(2^0.5)", 0.0),
        ("x**3", 8.0),
        ("8/x/2", 2.0),
        ("8 - x - 2", 4.0),
        ("8 - (x - 2)", 8.0),
        ("+x--x", 4.0),
        ("1.5e1*x + .5", 30.5),
        ("max(x, 3) + min(x, 3)*maximum(x,0)", 7.0),
        ("where(x >= 2, 1, 0) + where(x > 2, 10, 0) + where(x <= 2, 100, 0) + where(x < 2, 1000, 0)", 101.0),
        (" x\n*\tpi ", 2 * np.pi),
        ("clip(x, -1, 1) + 10*clip(-x, -1, 1) + 100*clip(x, 1, 3) + 1000*clip(x, 1, 1)", 1191.0),
    ],
)
def test_the_meaning_of_an_expression(text, value):
    # (Not by way of an activation, whose derivative must be finite.)
    assert float(values(parse(text), np.array([2.0]))[0]) == pytest.approx(value, rel=1e-15, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x +", "lacks a number, x or a function at its end."),
        ("x + * 2", "lacks a number, x or a function where '*' stands (character 5)."),
        ("x)", "lacks an operator where ')' stands (character 2)."),
        ("(x", "lacks ')' at its end."),
        ("x y", "lacks an operator where 'y' stands"),
        ("2x", "lacks an operator where 'x' stands (character 2)."),
        ("relu(x)", "contains 'relu', which is neither x nor a function."),
        ("tanhh(x)", "Did you mean 'tanh'?"),
        ("x + y", "contains 'y'"),
        ("x.real", "lacks an operator where '.' stands"),
        ("__import__(x)", "contains '__import__'"),
        ("sin x", "lacks '(' where 'x' stands"),
        ("maximum(x)", "lacks ',' where ')' stands"),
        ("sin(x, 1)", "lacks ')' where ',' stands"),
        ("where(x, 1, 2)", "lacks a comparison (>, <, >= or <=) where ',' stands"),
        ("clip(-1, 1, x)", "lacks numbers low <= high as the limits of clip(x, low, high) where 'x' stands"),
        ("clip(x, 1, -1)", "lacks numbers low <= high as the limits of clip(x, low, high) where '1' stands"),
        ("clip(x, 1)", "lacks ',' where ')' stands"),
        ("x > 0", "lacks an operator where '>' stands"),
        ("x^x", "lacks an exponent without x"),
        ("3", "must depend on x, but '3' does not"),
        ("x" + " + x" * 200, "must be an expression of at most 500 characters, but it has 801"),
        ("(" * 31 + "x" + ")" * 31, "nested at most 30 deep"),
        ("-" * 31 + "x", "nested at most 30 deep"),
        ("x + 1/0", "contains 1 / 0, which is no finite number"),
        ("x * (-2)^0.5", "contains (-2)^0.5, which is no finite"),
        ("sin(x)/x", "the expression 'sin(x) / x' is nan at x = 0"),
        ("sqrt(abs(x))", "the derivative of the expression 'sqrt(abs(x))' is"),
        ("exp(x^2)", "the expression 'exp(x^2)' is inf at x = "),
    ],
)
def test_what_is_no_expression_is_refused(text, message):
    with pytest.raises(ld.InputError) as caught:
        ld.activation(text)
    assert message in str(caught.value)


def test_the_largest_expressions_are_read():
    assert ld.activation("(" * 29 + "x" + ")" * 29).name == "x"
    many = ld.activation("*".join(["tanh(x)"] * 60))
    assert float(many.dg(1.0)) == pytest.approx(60 * np.tanh(1.0) ** 59 / np.cosh(1.0) ** 2, rel=60 * 4 * 2.0**-52)


def test_an_expression_has_one_name():
    spellings = ["x/(1+abs(x))", "x / (1 + abs(x))", " x/( 1.0+abs( x ) )"]
    assert len({id(ld.activation(text)) for text in spellings}) == 1
    act = ld.activation(spellings[0])
    assert act.name == spellings[1]
    assert ld.Student(2, spellings[2]).activation == spellings[1]
    assert act.digest != ld.activation("x / (2 + abs(x))").digest


@pytest.mark.parametrize(
    ("text", "kinks", "jumps"),
    [
        ("abs(x)", (0.0,), ()),
        ("tanh(x)", (), ()),
        ("abs(x)^2 + x", (), ()),  # smooth all the same
        ("max(x, 0.25) + min(x, -1)", (-1.0, 0.25), ()),
        ("clip(x, -1, 2)", (-1.0, 2.0), ()),
        ("abs(x^2 - 2)", (-np.sqrt(2), np.sqrt(2)), ()),
        ("x*abs(x)", (0.0,), ()),  # a kink of g'
        ("x + sign(x - 0.5)", (), ((0.5, 2.0),)),
        ("where(x > 0.1, x^2 + 1, sin(x))", (0.1,), ((0.1, 1.01 - np.sin(0.1)),)),
        ("where(x > 40, 0, tanh(x))", (), ()),  # too far out to matter
        ("abs(sin(x))", tuple(np.pi * np.arange(-9, 10)), ()),
    ],
)
def test_kinks_and_jumps_are_found(text, kinks, jumps):
    act = ld.activation(text)
    # Bisection ends within rounding of x; heights carry that of values on both sides, 1e-15, times 4.
    np.testing.assert_allclose(act.kinks, kinks, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(np.ravel(act.jumps), np.ravel(jumps), rtol=0, atol=1e-13)
    assert act.teacher_only == bool(jumps)


def test_the_tails_of_a_formula_are_its_own():
    """An expression is evaluated as it is written: against 30 digits, to the rounding of its few operations."""
    act = ld.activation("x / (1 + exp(-x))")
    for x in (-30.0, -1.0, 0.0, 2.0, 30.0):
        exact = mpmath.mpf(x) / (1 + mpmath.exp(-mpmath.mpf(x)))
        assert float(act.g(x)) == pytest.approx(float(exact), rel=4 * 2.0**-52, abs=0)
