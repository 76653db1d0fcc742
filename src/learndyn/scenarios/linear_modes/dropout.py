"""How long a mode takes to be learned under dropout, and the bound of the source.

    E[t] = tau / (p s) ln((s - eps) / eps)  <=  tau / (p s) ln(s / eps)      from u = eps to u = s - eps

A mode is kept with probability p, anew at each step, and does not move in a step in which it is dropped. The way of u
through its kept steps is then always the same; only how many steps are dropped in between is drawn. If learning takes
k kept steps, it takes k / p on average, exactly, with the variance k (1 - p) / p^2 of a negative binomial law; k times
the learning rate tends to the time without dropout as the rate goes to 0. So the mean is known; the bound is larger by
tau / (p s) |ln(1 - eps / s)|, close to tau eps / (p s^2), and the spread goes to 0 with the root of the rate.

That is for one path, as the source derives it. Several hidden units that share a mode and are dropped on their own add
terms p (1 - p) to the square of the output, which act as weight decay, and the bound does not speak of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def mean_time(epsilon: Any, s: Any, beta: Any, decay: Any, keep: float, time_scale: float) -> np.ndarray:
    """E[t] from epsilon to u_inf - epsilon, u_inf = a / (p beta) with a = p s - lambda: tau / a ln(u_inf / eps - 1)."""
    a = keep * np.asarray(s) - decay
    return time_scale / a * np.log(a / (keep * beta * epsilon) - 1.0)


def bound(epsilon: Any, s: Any, beta: Any, decay: Any, keep: float, time_scale: float) -> np.ndarray:
    """tau / a ln(u_inf / eps), at least `mean_time`; tau / (p s) ln(s / eps) without decay and for beta = 1."""
    a = keep * np.asarray(s) - decay
    return time_scale / a * np.log(a / (keep * beta * epsilon))
