"""Averages of two units of which one or both have kinks or jumps: panels that end where the functions break.

    u = m1 + sigma1 n1,   v = m2 + a n1 + b n2,   a = s12 / sigma1,   b^2 = s22 - a^2

n2 is split where v meets a break of g2; n1 where u meets one of g1, and where v does, which leaves a layer of width
b / |a| in n1. A jump of g2 by h at kappa adds to its slope h delta(v - kappa),

    h <g1'(u) | v = kappa> phi((kappa - m2) / sigma2) / sigma2.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

from learndyn.activations.averages.base import Slopes
from learndyn.activations.averages.quadrature_factor import RELATIVE, moved
from learndyn.activations.averages.quadrature_panels import Panels
from learndyn.activations.averages.quadrature_traits import traits
from learndyn.activations.base import Activation


def broken_pair(first: Activation, second: Activation, nodes: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """(outputs, slopes) of two activations, for arrays of one shape; `nodes` a panel."""
    breaks = traits(first).breaks, traits(second).breaks
    g1, dg1 = first.functions["g"], first.functions["dg"]
    g2, dg2 = second.functions["g"], second.functions["dg"]
    # An average of one broken function and a smooth one is smooth also where the two units coincide.
    smooth = not (breaks[0] and breaks[1])

    def rules(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> tuple[Any, ...]:
        sigma1 = xp.root(s11)
        a = xp.ratio(s12, sigma1)
        b = _rest(s11, s12, s22, smooth, xp)
        mean1, mean2 = (0.0, 0.0) if m1 is None else (m1, m2)
        panels = Panels(nodes, xp)
        own = [panels.split(xp.ratio(kappa - mean1, sigma1)) for kappa in breaks[0]]
        n1, w1 = panels.rule(own, [panels.layer(kappa - mean2 + 0.0 * a, a, b) for kappa in breaks[1]], a)
        mean = mean2 + a * n1
        n2, w2 = panels.rule([panels.split(xp.ratio(kappa - mean, b)) for kappa in breaks[1]], [], mean)
        return n1, w1, w2, mean1 + sigma1 * n1, mean + b * n2, a

    def outputs(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
        _, w1, w2, u, v, _ = rules(s11, s12, s22, m1, m2, xp)
        return (w1 * g1(u, xp) * (w2 * g2(v, xp)).sum(0)).sum(0)

    def slopes(s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Slopes:
        n1, w1, w2, u, v, a = rules(s11, s12, s22, m1, m2, xp)
        slope, value = w1 * dg1(u, xp), (w2 * g2(v, xp)).sum(0)
        both = (slope * (w2 * dg2(v, xp)).sum(0)).sum(0)
        for place, height in second.jumps:
            both = both + height * _slope_at(place, s11, s12, s22, m1, m2, xp)
        return Slopes((slope * n1 * value).sum(0) - a * both, both, (slope * value).sum(0))

    def _slope_at(place: float, s11: Any, s12: Any, s22: Any, m1: Any, m2: Any, xp: Any) -> Any:
        """<g1'(u) delta(v - place)>."""
        sigma2 = xp.root(s22)
        mean1, mean2 = (0.0, 0.0) if m1 is None else (m1, m2)
        h = xp.ratio(place - mean2 + 0.0 * sigma2, sigma2)
        density = xp.ratio(xp.exp(-0.5 * h * h) / sqrt(2.0 * pi), sigma2)
        mean = mean1 + xp.ratio(s12, sigma2) * h
        deviation = _rest(s22, s12, s11, False, xp)
        panels = Panels(nodes, xp)
        n, w = panels.rule([panels.split(xp.ratio(kappa - mean, deviation)) for kappa in breaks[0]], [], mean)
        return density * (w * dg1(mean + deviation * n, xp)).sum(0)

    return outputs, slopes


def _rest(s11: Any, s12: Any, s22: Any, smooth: bool, xp: Any) -> Any:
    """sqrt(s22 - s12^2 / s11), exactly 0 for equal variables."""
    sigma1 = xp.root(s11)
    D = s11 * s22 - s12 * s12
    b = xp.where(s11 > 0.0, xp.ratio(xp.root(D), sigma1), xp.root(s22))
    if not smooth:
        return b
    rest = s22 - xp.ratio(s12, sigma1) ** 2
    return xp.sqrt(moved(rest, xp.maximum(b * b, RELATIVE * s22 + 1e-300), xp))
