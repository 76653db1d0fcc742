"""Polynomials g(x) = c_0 + c_1 x + c_2 x^2 + ...; the averages are polynomials of the covariance and exact."""

from __future__ import annotations

from typing import Any

from learndyn.activations.base import Activation
from learndyn.activations.naming import named, shortest
from learndyn.activations.polynomial_averages import derivative, polynomial_fours, polynomial_pair, trimmed
from learndyn.arguments import shown
from learndyn.errors import InputError

# Beyond, the average of four units has more than 10^5 terms, and its value is mostly the far tail.
HIGHEST_DEGREE = 9


def make(*coefficients: float) -> Activation:
    """The polynomial with these coefficients, from the constant on, by the name ``polynomial(c0, c1, ...)``."""
    c = trimmed(tuple(float(number) for number in coefficients))
    check_degree(len(c) - 1, named("polynomial", *c))
    slopes = derivative(c)

    def g(x: Any, xp: Any) -> Any:
        return horner(c, x)

    def dg(x: Any, xp: Any) -> Any:
        return horner(slopes, x)

    functions = {"g": g, "dg": dg, **closed_forms(c)}
    return Activation(named("polynomial", *c), _formula(c), functions, coefficients=c)


def check_degree(degree: int, name: str) -> None:
    """Refuse a degree that is too high for exact averages."""
    if degree > HIGHEST_DEGREE:
        raise InputError(
            f"Argument `activation` must be a polynomial of degree {HIGHEST_DEGREE} at most, but {shown(name)} has "
            f"degree {degree}. Choose a function that grows more slowly."
        )


def horner(coefficients: tuple[float, ...], x: Any) -> Any:
    """c_0 + x (c_1 + x (c_2 + ...)), of the shape of x also where it is constant."""
    value = 0.0 * x + coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def closed_forms(c: tuple[float, ...]) -> dict[str, Any]:
    """I2, I3 and I4 of the polynomial with coefficients c."""
    outputs, slopes = polynomial_pair(c, c)
    fours = polynomial_fours((c,) * 4)

    def I2(s11: Any, s12: Any, s22: Any, xp: Any) -> Any:
        return outputs(s11, s12, s22, None, None, xp)

    def I3(C: Any, xp: Any) -> Any:
        s_uu = C[..., 0, 0]
        slope = slopes(s_uu, C[..., 0, 2], C[..., 2, 2], None, None, xp)
        return xp.ratio(C[..., 0, 1], xp.root(s_uu)) * slope.along + C[..., 1, 2] * slope.both

    def I4(C: Any, xp: Any) -> Any:
        return fours(C, None, xp)

    return {"I2": I2, "I3": I3, "I4": I4}


def _formula(c: tuple[float, ...]) -> str:
    powers = ["", " x", *(f" x^{k}" for k in range(2, len(c)))]
    terms = [shortest(a) + power for a, power in zip(c, powers, strict=False) if a] or ["0"]
    return " + ".join(terms).replace("+ -", "- ")
