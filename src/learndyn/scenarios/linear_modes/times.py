"""The time at which a mode reaches a strength, in closed form: the inverse of `curves`, and any depth.

    depth D, balanced      tau du/dt = D |u|^{2 - 2/D} (s - beta u)

Times are in units of tau, from u0 to u; infinity where the mode never gets there. All arguments broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.scenarios.linear_modes.curves import ends


def _told(time: np.ndarray, on_the_way: Any, there: Any) -> np.ndarray:
    return np.where(there, 0.0, np.where(on_the_way, time, np.inf))


def one_layer(u0: Any, u: Any, s: Any, beta: Any, decay: Any) -> np.ndarray:
    """t = ln[(s - b u0) / (s - b u)] / b,  b = beta + lambda."""
    b = np.asarray(beta + decay, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        time = np.log1p(b * (u - u0) / (s - b * u)) / b
    return _told(time, (u - u0) * (s - b * u) > 0.0, u == u0)


def balanced(u0: Any, u: Any, s: Any, beta: Any, decay: Any) -> np.ndarray:
    """t = ln[|u| (a - beta |u0|) / (|u0| (a - beta |u|))] / (2 a),  a = sign(u0) s - lambda."""
    from_, to, a = np.abs(u0), np.abs(u), np.sign(u0) * s - decay
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (to - from_) / (from_ * (a - beta * to))
        # ln(1 + a ratio) / a, whose limit at a = 0 is the ratio.
        time = np.where(a == 0.0, ratio, np.log1p(a * ratio) / np.where(a == 0.0, 1.0, a)) / 2.0
    on_the_way = ((to - from_) * (a - beta * to) > 0.0) & (u0 * np.asarray(u) > 0.0)
    return _told(time, on_the_way, u == u0)


def unbalanced(u0: Any, u: Any, c: Any, s: Any, beta: Any) -> np.ndarray:
    """t = ln y / (2 f),  (S + kappa) y^2 - 2 (kappa + 2 f P) y - (S - kappa) = 0,  P = (u - u0) / (s - beta u).

    Letters as in `curves.unbalanced`. The same as t(theta) of Saxe, McClelland & Ganguli (2014), sinh theta = 2 u / c,
    without the loss of digits where c is small.
    """
    u0 = np.asarray(u0, dtype=float)
    f, plus, minus = ends(u0, c, s, beta)
    with np.errstate(divide="ignore", invalid="ignore"):
        P = (u - u0) / (s - beta * u)
        middle = (plus - minus) / 2.0 + 2.0 * f * P
        root = np.sqrt(middle * middle + plus * minus)
        y = np.where(middle >= 0.0, (middle + root) / plus, minus / (root - middle))
        time = np.where(f > 0.0, np.log(y) / (2.0 * f), P / plus)
    moves = (c != 0.0) | (u0 != 0.0)
    return _told(time, ((u - u0) * (s - beta * u) > 0.0) & moves, u == u0)


def deep(u0: Any, u: Any, s: Any, beta: Any, depth: int) -> np.ndarray:
    """Balanced, D >= 3, no decay: t = [A(|u|) - A(|u0|)] / D with a = sign(u0) s, p = 1 - 2 / D, and

        A(v) = -v^{-p} 2F1(1, -p; 1 - p; beta v / a) / (a p)                            below a / beta
        A(v) =  v^{-p-1} 2F1(1, p + 1; p + 2; a / (beta v)) / (beta (p + 1))            above it, or with a = 0

    from the geometric series of 1 / (a - beta v).
    """
    from scipy.special import hyp2f1

    p, from_, to, a = 1.0 - 2.0 / depth, np.abs(u0), np.abs(u), np.sign(u0) * s
    below = a - beta * from_ > 0.0
    below = below | (a < 0.0)

    def A(v: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            low = -(v**-p) * hyp2f1(1.0, -p, 1.0 - p, np.where(below, beta * v / a, 0.0)) / (a * p)
            high = v ** (-p - 1.0) * hyp2f1(1.0, p + 1.0, p + 2.0, np.where(below, 0.0, a / (beta * v)))
            return np.where(below, low, high / (beta * (p + 1.0)))

    with np.errstate(invalid="ignore"):
        time = (A(to) - A(from_)) / depth
    on_the_way = ((to - from_) * (a - beta * to) > 0.0) & (u0 * np.asarray(u) > 0.0)
    return _told(time, on_the_way, u == u0)
