"""What an average of two or four units is, whoever computes it.

A *pair* of activations g1, g2 has two formulas, elementwise in arrays that broadcast; (u, v) is Gaussian with mean zero
and covariance [[s11, s12], [s12, s22]], m1 and m2 are the biases, both None where there are none:

    outputs(s11, s12, s22, m1, m2, xp)   <g1(u + m1) g2(v + m2)>
    slopes(s11, s12, s22, m1, m2, xp)    `Slopes`

Averages with a further Gaussian variable z follow from the slopes by Stein's lemma,

    <g1'(u + m1) z g2(v + m2)> = <z u> <g1'' g2> + <z v> <g1' g2'>.

*Four* activations have one formula; C is of shape (..., 4, 4), m of shape (..., 4) or None:

    fours(C, m, xp)                      <g1'(a + m1) g2'(b + m2) g3(c + m3) g4(d + m4)>

`xp` is a namespace (`learndyn.gaussian.namespaces`): NumPy or JAX.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Slopes(NamedTuple):
    """The averages of a pair with derivatives of its first unit; g'' and g' are meant as distributions."""

    along: Any  # sqrt(s11) <g1'' g2>: finite, also where s11 = 0
    both: Any  # <g1' g2'>
    first: Any  # <g1' g2>
