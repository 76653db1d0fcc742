"""Activations of users: functions registered under names, in theory and in compiled steps."""

import subprocess
import sys

import jax
import numba
import numpy as np
import pytest

import learndyn as ld
from learndyn.activations import registry
from learndyn.activations.compiled import ActivationTag, dg, g
from learndyn.gaussian.namespaces import jax_namespace

WIDTH = 3.0


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    """Each test registers on its own."""
    monkeypatch.setattr(registry, "_USERS", {})


@numba.njit(error_model="numpy")
def both(tag, x):
    return g(tag, x), dg(tag, x)


def scaled(x):
    return WIDTH * x


def wide(x, xp):
    return xp.tanh(scaled(x)) / WIDTH


def d_wide(x, xp):
    return 1.0 - xp.tanh(scaled(x)) ** 2


def soft_hard(x, xp):
    return xp.where(x > 1.0, 1.0, xp.where(x < -1.0, -1.0, x)) + 0.1 * x


def test_a_function_is_known_by_its_name_everywhere():
    act = ld.new_activation("wide", wide)
    assert act.formula == "tanh(3 * x) / 3"
    assert ld.activation("wide") is act
    assert "wide" in ld.activations.activation_names()
    assert ld.Student(2, "wide").activation == "wide"
    assert ld.Student(2, act) == ld.Student(2, "wide")
    x = np.array([-1.0, 0.0, 0.4])
    np.testing.assert_allclose(act.dg(x), 1 / np.cosh(3 * x) ** 2, rtol=1e-12)
    value, slope = both(ActivationTag(act), 0.4)  # with a function and a constant from outside
    assert value == pytest.approx(np.tanh(1.2) / 3, rel=1e-15)
    assert slope == pytest.approx(1 / np.cosh(1.2) ** 2, rel=1e-14)


def test_a_clipped_function_is_noted_down():
    act = ld.new_activation("hard_tanh", lambda x, xp: xp.clip(x, -1, 1))
    assert act.formula == "minimum(maximum(x, -1), 1)"
    assert act.kinks == (-1.0, 1.0)
    value, slope = both(ActivationTag(act), -1.5)
    assert (value, slope) == (-1.0, 0.0)


def test_a_derivative_of_ones_own_is_taken():
    act = ld.new_activation("wide", wide, d_wide)
    assert act.functions["dg"] is d_wide


def test_kinks_and_jumps_are_found_or_declared():
    assert ld.new_activation("found", soft_hard).kinks == (-1.0, 1.0)
    assert ld.new_activation("declared", soft_hard, kinks=[1.0]).kinks == (1.0,)
    jumping = ld.new_activation("jumping", lambda x, xp: xp.where(x > 0.25, x, 0.0))
    assert (jumping.jumps, jumping.teacher_only) == (((0.25, 0.25),), True)
    assert ld.new_activation("told", lambda x, xp: xp.tanh(x), jumps=[(1, 2)]).jumps == ((1.0, 2.0),)


def conditions(x, xp):
    """0 outside (-2, 1), x inside; and 5 more at one and the other end."""
    inside = (x > -2.0) & (x < 1.0)
    return xp.where(inside, x, 0.0) + 5.0 * ~((x <= 3.0) & ~(x < -3.0)) * x + xp.where((x > 4.0) | (x < -4.0), 1.0, 0.0)


def test_conditions_are_noted_down():
    act = ld.new_activation("conditions", conditions)
    x = np.array([-5.0, -3.5, -2.5, -1.0, 0.5, 2.0, 3.5, 5.0])
    slopes = [5.0, 5.0, 0.0, 1.0, 1.0, 0.0, 5.0, 5.0]
    np.testing.assert_array_equal(act.dg(x), slopes)
    assert [both(ActivationTag(act), point) for point in x] == list(zip(conditions(x, np), slopes, strict=True))
    assert [place for place, _ in act.jumps] == [-4.0, -3.0, -2.0, 1.0, 3.0, 4.0]


def without_a_formula(x, xp):
    # `floor` is no function of formulas.
    return xp.where(x > 0.5, xp.arcsinh(x), xp.arcsinh(x) + 0.0 * xp.floor(x))


def test_without_a_formula_theory_differentiates_and_simulation_refuses():
    act = ld.new_activation("no_formula", without_a_formula)
    x = np.array([-3.0, 0.0, 0.7])
    np.testing.assert_allclose(act.dg(x), 1 / np.sqrt(1 + x * x), rtol=1e-14)
    with jax.enable_x64(True):
        in_jax = jax.jit(lambda x: act.functions["dg"](x, jax_namespace()))(x)
    np.testing.assert_allclose(in_jax, act.dg(x), rtol=1e-15)
    with pytest.raises(ld.InputError, match=r"'no_formula' cannot be simulated, .* Give `dg` to ld.new_activation"):
        ActivationTag(act)
    assert not jax.config.jax_enable_x64


def test_places_without_a_formula_are_found_from_values():
    def g(x, xp):
        return xp.where(xp.floor(x) < 2.0, xp.abs(x), x + 0.5)

    act = ld.new_activation("no_formula_2", g)
    assert act.kinks == (0.0,)
    # Heights: differences of values at 1e-9 from the place, whose slopes cancel.
    np.testing.assert_allclose(act.jumps, [(2.0, 0.5)], rtol=1e-14)


def test_what_cannot_be_compiled_is_refused_before_a_kernel_is_made():
    act = ld.new_activation("no_formula_3", without_a_formula, lambda x, xp: 1 / xp.sqrt(1 + x * x))
    with pytest.raises(ld.InputError, match="its g cannot be compiled: Unknown attribute 'arcsinh'"):
        ActivationTag(act)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relu", wide), "must be a name of your own, but 'relu' is one of learndyn's"),
        (("polynomial", wide), "is one of learndyn's"),
        (("tanh", wide), "is one of learndyn's"),
        (("x", wide), "is one of learndyn's"),
        (("sin", wide), "is one of learndyn's"),
        (("my relu", wide), "must be a name of letters, digits and _, but it is 'my relu'"),
        (("2x", wide), "must be a name of letters"),
        ((3, wide), "must be a name of letters, digits and _, but it is 3"),
        (("mine", "tanh"), "Argument `g` must be a function of (x, xp), but it is 'tanh'"),
        (("mine", abs), "Argument `g` must be a function of (x, xp) for arrays x, but it raised TypeError"),
        (("mine", lambda x, xp: x if x > 0 else 0.0), "but it raised ValueError"),
        (("mine", lambda x, xp: 1.0), "must give an array of the shape of x, (7681,), but it gives one of shape ()"),
        (("mine", lambda x, xp: xp.sqrt(x)), "`g` is nan at x = -"),
        (("mine", lambda x, xp: xp.sqrt(xp.abs(x))), "Argument `activation` must be finite for all x, but `g` is"),
        (("mine", wide, lambda x, xp: 1.0 / x), "`dg` is inf at x = 0"),
        (("mine", wide, 1.0), "Argument `dg` must be a function of (x, xp), but it is 1.0"),
    ],
)
def test_what_is_no_activation_is_refused(arguments, message):
    with pytest.raises(ld.InputError) as caught:
        ld.new_activation(*arguments)
    assert message in str(caught.value)
    assert "mine" not in ld.activations.activation_names()


@pytest.mark.parametrize("places", [{"kinks": [[1.0]]}, {"kinks": ["a"]}, {"jumps": [1.0]}, {"jumps": [(1.0, np.inf)]}])
def test_places_that_are_none_are_refused(places):
    with pytest.raises(ld.InputError, match=rf"Argument `{next(iter(places))}` must"):
        ld.new_activation("mine", wide, **places)


def test_a_name_stands_for_one_activation():
    first = ld.new_activation("mine", lambda x, xp: xp.tanh(2.0 * x))
    assert ld.new_activation("mine", lambda x, xp: xp.tanh(2.0 * x)) is first
    for other in ({"g": lambda x, xp: xp.tanh(3.0 * x)}, {"g": lambda x, xp: xp.tanh(2.0 * x), "kinks": [1.0]}):
        with pytest.raises(ld.InputError, match=r"'mine' names another activation already, tanh\(2 \* x\)"):
            ld.new_activation("mine", **other)


def test_a_function_typed_into_a_session_has_no_file_and_works():
    """As in a notebook: standard input is no file that could be read again."""
    code = """
import learndyn as ld
from learndyn.activations.compiled import ActivationTag
C = 2.0
def g(x, xp):
    return xp.tanh(C * x)
print(ActivationTag(ld.new_activation("typed", g)).name)
"""
    done = subprocess.run([sys.executable, "-"], input=code, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "typed\n"
