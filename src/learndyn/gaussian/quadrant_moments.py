"""Moments M_ab = <x^a y^b theta(x) theta(y)> of two Gaussian variables with unit variances and correlation r.

By integration by parts in x, with rbar = sqrt(1 - r^2), P = 1/4 + asin(r) / (2 pi), and the mirror image in y,

    M_11 = r P + rbar / (2 pi)           M_40 = 3 M_20 + r rbar^3 / pi
    M_20 = P + r rbar / (2 pi)           M_31 = 2 M_11 + r M_20
                                         M_22 = M_20 + 2 r M_11

The last terms of M_11, M_20 and M_40 come from the border of the quadrant.
"""

from __future__ import annotations

from math import pi
from typing import Any


def quadrant_moments(r: Any, rbar: Any, arc: Any) -> tuple[list[Any], list[Any]]:
    """[M_20, M_11, M_02] and [M_40, M_31, M_22, M_13, M_04] from r, sqrt(1 - r^2) and asin(r)."""
    P = 0.25 + arc / (2 * pi)
    M_11 = r * P + rbar / (2 * pi)
    M_20 = P + r * rbar / (2 * pi)
    M_40 = 3.0 * M_20 + r * rbar**3 / pi
    M_31 = 2.0 * M_11 + r * M_20
    M_22 = M_20 + 2.0 * r * M_11
    return [M_20, M_11, M_20], [M_40, M_31, M_22, M_31, M_40]
