"""The averages I2, I3, I4 of one activation from those of pairs and fours of units, for what it lacks in closed form.

I2(u, v)        = <g(u) g(v)>
I3(u, v, w)     = <g'(u) v g(w)> = s_uv <g''(u) g(w)> + s_vw <g'(u) g'(w)>         (Stein's lemma)
I4(a, b, c, d)  = <g'(a) g'(b) g(c) g(d)>
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.arguments import shown
from learndyn.errors import InputError

if TYPE_CHECKING:
    from learndyn.activations.base import Activation, Formula


def average_of(activation: Activation, part: str) -> Formula:
    """I2, I3 or I4 with the signature of `learndyn.activations.base`: in closed form where known, else quadrature."""
    if part != "I2" and activation.jumps:
        raise InputError(
            f"{part} is an average with g', which says nothing of where activation {shown(activation.name)} jumps. "
            "Use it for teachers alone, which need I2 only."
        )
    return {"I2": _I2, "I3": _I3, "I4": _I4}[part](activation)


def _I2(activation: Activation) -> Formula:
    outputs = _pair(activation)[0]

    def I2(s11: Any, s12: Any, s22: Any, xp: Any) -> Any:
        return outputs(s11, s12, s22, None, None, xp)

    return I2


def _I3(activation: Activation) -> Formula:
    slopes = _pair(activation)[1]

    def I3(C: Any, xp: Any) -> Any:
        s_uu = C[..., 0, 0]
        slope = slopes(s_uu, C[..., 0, 2], C[..., 2, 2], None, None, xp)
        return xp.ratio(C[..., 0, 1], xp.root(s_uu)) * slope.along + C[..., 1, 2] * slope.both

    return I3


def _I4(activation: Activation) -> Formula:
    fours = _fours(activation)

    def I4(C: Any, xp: Any) -> Any:
        return fours(C, None, xp)

    return I4


def _pair(activation: Activation) -> tuple[Formula, Any]:
    from learndyn.activations.averages.closed_forms import pair
    from learndyn.activations.averages.quadrature import quadrature_pair

    closed = pair(activation.name, activation.name, False) if _is_registered(activation) else None
    return closed or quadrature_pair(activation, activation)


def _fours(activation: Activation) -> Formula:
    from learndyn.activations.averages.closed_forms import fours
    from learndyn.activations.averages.quadrature import quadrature_fours

    closed = fours((activation.name,) * 4, False) if _is_registered(activation) else None
    return closed or quadrature_fours((activation,) * 4)


def row_by_row(formula: Formula, rows: np.ndarray) -> np.ndarray:
    """``formula(row, xp)`` in JAX with float64 for one row after another: a quadrature is long enough by itself."""
    import jax

    with jax.enable_x64(True):
        program = _program(formula)
        return np.array([float(program(row)) for row in rows])


@cache
def _program(formula: Formula) -> Any:
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    return jax.jit(lambda row: formula(row, jax_namespace()))


def _is_registered(activation: Activation) -> bool:
    """Whether closed forms, which go by names, are those of this activation: another one may bear the name."""
    from learndyn.activations.registry import is_registered

    return is_registered(activation)
