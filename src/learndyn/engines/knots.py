"""Where a drift jumps or has a corner in time: the integration stops just before each such place and begins anew at it.

A stage at the end of a step belongs to the side before the jump, the first stage of the next step to the side after it:
a step ends at the float before a knot, and the next one starts at the knot. What the state would do in between is less
than rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FEWEST = 8


def pieces(knots: Any, at: float, until: float, smallest: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Where a run from `at` to `until` begins, and its knots as ``stops`` (ends of steps) and ``resumes`` (beginnings).

    Knots that are closer than `smallest`, relative to times above 1, leave no room for a step between them and count
    as one. Both arrays are padded with infinity, at least once, to a power of two: other knots rarely compile again.
    """
    start, stops, resumes, last = at, [], [], at
    for knot in np.unique(np.asarray(knots, dtype=float)).tolist():
        if not at < knot <= until:
            continue
        if knot - last > smallest * max(1.0, abs(knot)):
            stops.append(np.nextafter(knot, -np.inf))
            resumes.append(knot)
        elif resumes:
            resumes[-1] = knot
        else:
            start = knot
        last = knot
    padding = [np.inf] * (max(FEWEST, 1 << len(stops).bit_length()) - len(stops))
    return start, np.array(stops + padding), np.array(resumes + padding)
