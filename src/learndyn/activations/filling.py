"""The averages I2, I3, I4 of one activation from those of pairs and fours of units, for what it lacks in closed form.

I2(u, v)        = <g(u) g(v)>
I3(u, v, w)     = <g'(u) v g(w)> = s_uv <g''(u) g(w)> + s_vw <g'(u) g'(w)>         (Stein's lemma)
I4(a, b, c, d)  = <g'(a) g'(b) g(c) g(d)>
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from learndyn.activations.base import Activation, Formula


def averages_of(activation: Activation) -> dict[str, Formula]:
    """I2, I3 and I4 with the signatures of `learndyn.activations.base`: closed forms where known, else quadrature."""
    outputs, slopes = _pair(activation)
    fours = _fours(activation)

    def I2(s11: Any, s12: Any, s22: Any, xp: Any) -> Any:
        return outputs(s11, s12, s22, None, None, xp)

    def I3(C: Any, xp: Any) -> Any:
        s_uu = C[..., 0, 0]
        slope = slopes(s_uu, C[..., 0, 2], C[..., 2, 2], None, None, xp)
        return xp.ratio(C[..., 0, 1], xp.root(s_uu)) * slope.along + C[..., 1, 2] * slope.both

    def I4(C: Any, xp: Any) -> Any:
        return fours(C, None, xp)

    return {"I2": I2, "I3": I3, "I4": I4}


def _pair(activation: Activation) -> tuple[Formula, Formula]:
    from learndyn.activations.averages.closed_forms import pair
    from learndyn.activations.averages.quadrature import quadrature_pair

    closed = pair(activation.name, activation.name, False) if _is_registered(activation) else None
    return closed or quadrature_pair(activation, activation)


def _fours(activation: Activation) -> Formula:
    from learndyn.activations.averages.closed_forms import fours
    from learndyn.activations.averages.quadrature import quadrature_fours

    closed = fours((activation.name,) * 4, False) if _is_registered(activation) else None
    return closed or quadrature_fours((activation,) * 4)


def _is_registered(activation: Activation) -> bool:
    """Whether closed forms, which go by names, are those of this activation: another one may bear the name."""
    from learndyn.activations.registry import is_registered

    return is_registered(activation)
