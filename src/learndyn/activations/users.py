"""Activations of one's own: a Python function g(x, xp), registered under a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from learndyn.activations.base import OPTIONAL, Activation, Formula
from learndyn.activations.expression import check_finite
from learndyn.activations.expressions.code import function_of
from learndyn.activations.expressions.derivative import derivative
from learndyn.activations.expressions.grammar import FUNCTIONS
from learndyn.activations.expressions.places import GRID, kinks_and_jumps
from learndyn.activations.expressions.polynomials import coefficients_of
from learndyn.activations.expressions.tracing import formula_of
from learndyn.activations.expressions.tree import Node, written
from learndyn.activations.kinks import find_jumps, find_kinks
from learndyn.activations.polynomial import HIGHEST_DEGREE, closed_forms
from learndyn.activations.registry import registered, reserved_names
from learndyn.activations.sums import gradient_sum_of, square_sum_of
from learndyn.arguments import array, did_you_mean, shown
from learndyn.errors import InputError, first_line
from learndyn.gaussian.namespaces import NUMPY

# A formula that was noted down from g is g when it gives the same numbers; both round.
ACCURACY_OF_FORMULA = 1e-9


def new_activation(
    name: str,
    g: Callable[[Any, Any], Any],
    dg: Callable[[Any, Any], Any] | None = None,
    *,
    kinks: Sequence[float] | None = None,
    jumps: Sequence[tuple[float, float]] | None = None,
    averages: Mapping[str, Callable[..., Any]] | None = None,
) -> Activation:
    """Register an activation of one's own: theory and simulation then know it by its name.

    Averages over Gaussian inputs are by quadrature, which is split at the kinks and jumps; or in closed form, where
    these are given.

    Parameters
    ----------
    name
        A name that is not taken: letters, digits and ``_``. A second call with the same name and the same functions
        gives the same activation.
    g
        The function, elementwise: ``g(x, xp)``. It computes with ``xp``, which is NumPy, JAX, or the scalar functions
        of a compiled simulation step: ``xp.exp(x)``, ``xp.where(x > 0, x, 0.0)``; no ``np``, no ``if x > 0``. Compiled
        steps know the functions that an expression may have (`activation`), and constants and functions that g takes
        from outside.
    dg
        Its derivative, in the same way; at a kink the mean of both sides. When not given it is derived from g: from
        its formula, which is noted down as g computes; else by automatic differentiation, which serves theory, not
        simulation.
    kinks
        Where g' jumps. When not given they are found: from the formula on [-30, 30], else from values on [-10, 10].
    jumps
        Where g itself jumps, and by how much, ``(place, height)``. Found when not given, as kinks are. An activation
        that jumps is for teachers.
    averages
        Closed forms by name: ``"I2"``, a function of (s11, s12, s22, xp); ``"I3"`` and ``"I4"``, of (C, xp) with C of
        shape (..., 3, 3) and (..., 4, 4); what they mean says `learndyn.Activation`. A network of such units alone,
        without biases, output weights or the like, then needs no quadrature; I3 and I4 are added up over the units, or
        give ``"gradient_sum"`` and ``"square_sum"`` where there is a faster way (`learndyn.activations.base`).

    Returns
    -------
    Activation
        `learndyn.testing.check_activation` measures whether all of it fits together.

    Raises
    ------
    InputError
        When the name is taken by another activation or is no name; when g or dg cannot be called with (x, xp), or gives
        no finite numbers of the shape of x on [-30, 30].

    Notes
    -----
    A scenario stores the name alone: to load its results elsewhere, register the activation there first, or give the
    function as an expression (`activation`), which needs no registration.

    Examples
    --------
    >>> import learndyn as ld
    >>> swish = ld.new_activation("swish_2", lambda x, xp: x / (1 + xp.exp(-2 * x)))
    >>> swish.formula
    'x / (1 + exp(-2 * x))'
    >>> round(float(swish.dg(0.0)), 15), swish.kinks
    (0.5, ())
    >>> ld.Student(units=2, activation="swish_2").activation
    'swish_2'
    """
    _check_name(name)
    _check_function(g, "g")
    formula = _formula(g)
    functions: dict[str, Formula] = {"g": g, "dg": _derivative(g, formula) if dg is None else dg}
    _check_function(functions["dg"], "dg" if dg is not None else "g")
    coefficients = () if formula is None else coefficients_of(formula, HIGHEST_DEGREE)
    if coefficients:
        functions |= closed_forms(coefficients)
    text = f"{getattr(g, '__name__', 'g')}(x)" if formula is None else written(formula)
    bare = Activation(name, text, functions)
    places = _places(bare, formula, kinks, jumps)
    return registered(Activation(name, text, functions | _closed_forms(averages), *places, coefficients))


def _closed_forms(averages: Any) -> dict[str, Formula]:
    """The closed forms that are given, and the sums that follow from them."""
    found: dict[str, Formula] = dict(averages or {})
    for part, function in found.items():
        if part not in OPTIONAL or not callable(function):
            raise InputError(
                f"Argument `averages` must hold functions by the names {', '.join(OPTIONAL)}, but it has "
                f"{shown(part)}: {shown(function)}.{did_you_mean(part, list(OPTIONAL), ' Leave it out.')}"
            )
    for sum_name, part, make in (("gradient_sum", "I3", gradient_sum_of), ("square_sum", "I4", square_sum_of)):
        if part in found and sum_name not in found:
            found[sum_name] = make(found[part])
    return found


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise InputError(
            f"Argument `name` must be a name of letters, digits and _, but it is {shown(name)}. "
            'Write, for example, "swish" or "hard_tanh".'
        )
    if name in reserved_names() or name in (*FUNCTIONS, "x", "pi"):
        raise InputError(
            f"Argument `name` must be a name of your own, but {shown(name)} is one of learndyn's. Change it."
        )


def _check_function(function: Any, argument: str) -> None:
    """Refuse what is no elementwise function of (x, xp) with finite values."""
    if not callable(function):
        raise InputError(
            f"Argument `{argument}` must be a function of (x, xp), but it is {shown(function)}. "
            f"Write {argument}=lambda x, xp: xp.tanh(x), say."
        )
    try:
        with np.errstate(all="ignore"):
            values = np.asarray(function(GRID, NUMPY), dtype=float)
    except Exception as error:
        raise InputError(
            f"Argument `{argument}` must be a function of (x, xp) for arrays x, but it raised "
            f"{type(error).__name__}: {first_line(error)}. Write xp.exp(x), xp.where(x > 0, ..., ...)."
        ) from error
    if values.shape != GRID.shape:
        raise InputError(
            f"Argument `{argument}` must give an array of the shape of x, {GRID.shape}, but it gives one of shape "
            f"{values.shape}. Write it elementwise, a constant as 0 * x + constant."
        )
    check_finite(function, f"`{argument}`")


def _formula(g: Formula) -> Node | None:
    """The formula of g, where it can be noted down and gives the numbers of g."""
    formula = formula_of(g)
    if formula is None:
        return None
    with np.errstate(all="ignore"):
        wanted, found = (np.asarray(f(GRID, NUMPY)) for f in (g, function_of(formula, "g")))
    same = np.allclose(found, wanted, rtol=ACCURACY_OF_FORMULA, atol=ACCURACY_OF_FORMULA)
    return formula if same else None


def _derivative(g: Formula, formula: Node | None) -> Formula:
    if formula is not None:
        return function_of(derivative(formula), "dg")

    def dg(x: Any, xp: Any) -> Any:
        return _differentiated(g, x, xp)

    dg.only_in_theory = True  # type: ignore[attr-defined]
    return dg


def _differentiated(g: Formula, x: Any, xp: Any) -> Any:
    """g' by automatic differentiation in JAX; for NumPy too."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    def slope(z: Any) -> Any:
        return jax.jvp(lambda point: g(point, jax_namespace()), (z,), (jax.numpy.ones_like(z),))[1]

    if xp is not NUMPY:
        return slope(x)
    with jax.ensure_compile_time_eval(), jax.enable_x64(True):
        return np.asarray(slope(jax.numpy.asarray(x)))


def _places(
    bare: Activation, formula: Node | None, kinks: Any, jumps: Any
) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
    """Kinks and jumps as declared, else as found."""
    if formula is not None:
        found_kinks, found_jumps = kinks_and_jumps(formula)
    else:
        found_jumps = tuple((place, _height(bare, place)) for place in find_jumps(bare))
        found_kinks = tuple(place for place in find_kinks(bare) if place not in dict(found_jumps))
    if kinks is not None:
        found_kinks = tuple(sorted(float(place) for place in array(list(kinks), "kinks", (len(kinks),))))
    if jumps is not None:
        hint = "Give pairs (place, height)."
        pairs = array(list(jumps), "jumps", (len(jumps), 2), hint) if len(jumps) else np.empty((0, 2))
        found_jumps = tuple(sorted((float(place), float(height)) for place, height in pairs))
    return found_kinks, found_jumps


def _height(act: Activation, place: float, side: float = 1e-9) -> float:
    """g on the right less g on the left, with what its slope adds taken off."""
    near, far = (float(act.g(place + times * side) - act.g(place - times * side)) for times in (1, 2))
    return round(2 * near - far, 12)
