"""Activations from text, as "x / (1 + abs(x))": one formula for theory and simulation, its derivative included."""

from __future__ import annotations

import numpy as np

from learndyn.activations.base import Activation, Formula
from learndyn.activations.expressions.code import function_of
from learndyn.activations.expressions.derivative import derivative
from learndyn.activations.expressions.grammar import parse
from learndyn.activations.expressions.places import GRID, kinks_and_jumps
from learndyn.activations.expressions.polynomials import coefficients_of
from learndyn.activations.expressions.simplify import without_value
from learndyn.activations.expressions.tree import X, walk, written
from learndyn.activations.polynomial import HIGHEST_DEGREE, closed_forms
from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY


def make(text: str) -> Activation:
    """The activation that an expression says; its name is the expression in one spelling."""
    formula = parse(text)
    name = written(formula)
    if not any(isinstance(part, X) for part in walk(formula)):
        raise InputError(
            f"Argument `activation` must depend on x, but {shown(text)} does not. Write a function of x, such as 0.1 * "
            "x."
        )
    bad = without_value(formula)
    if bad is not None:
        raise InputError(
            f"Argument `activation` must be finite for all x, but {shown(text)} contains {written(bad)}, which is no "
            "finite number. Choose other numbers."
        )
    g, dg = function_of(formula, "g"), function_of(derivative(formula), "dg")
    for part, function in (("the expression", g), ("the derivative of the expression", dg)):
        check_finite(function, f"{part} {name!r}")
    kinks, jumps = kinks_and_jumps(formula)
    functions: dict[str, Formula] = {"g": g, "dg": dg}
    coefficients = coefficients_of(formula, HIGHEST_DEGREE)
    if coefficients:
        functions |= closed_forms(coefficients)
    return Activation(name, name, functions, kinks, jumps, coefficients)


def check_finite(function: Formula, what: str) -> None:
    """Refuse a function that is not a finite number everywhere on [-30, 30]."""
    with np.errstate(all="ignore"):
        values = np.asarray(function(GRID, NUMPY), dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        at = bad[np.argmin(np.abs(GRID[bad]))]
        raise InputError(
            f"Argument `activation` must be finite for all x, but {what} is {values[at]} at x = {GRID[at]:g}. "
            "Choose a function that is finite there, with a finite derivative."
        )
