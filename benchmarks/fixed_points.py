"""Rows of `make bench` for fixed points: a search with its spectrum, a branch, a critical learning rate."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np

import learndyn as ld
from solve import committee, seconds
from table import Row, show


def by_hand(scenario: ld.StudentTeacher, start: ld.Start) -> Any:
    """What a script does with `ld.functional`: SciPy's root finder, differences, and numpy.linalg.eig."""
    import jax
    from scipy.optimize import root

    f = ld.functional.drift(scenario)
    with jax.enable_x64(True):
        state, values = np.asarray(ld.functional.state(scenario, start)), ld.functional.values(scenario)

        def drift(z: np.ndarray) -> np.ndarray:
            return np.asarray(f(z, values))

        point: Any = root(drift, state, method="hybr", tol=1e-12)
        J = np.array([(drift(point.x + h) - drift(point.x - h)) / 2e-5 for h in 1e-5 * np.eye(len(state))]).T
    return np.linalg.eig(J)


def rows() -> list[Row]:
    """Fixed points with their spectra; each against what a script would do with the same drift."""
    found = []
    for activation in ("erf", "relu"):
        scenario = committee(3, activation, 0.1)
        start = ld.Start(Q=np.full((3, 3), 0.2) + 0.4 * np.eye(3), R=np.full((3, 3), 0.3))

        def ours(scenario: Any = scenario, start: Any = start) -> Any:
            return ld.find_fixed_point(scenario, start)

        def script(scenario: Any = scenario, start: Any = start) -> Any:
            return by_hand(scenario, start)

        ours()
        script()
        own, peer = [], []
        for _ in range(5):
            own.append(seconds(ours, 1))
            peer.append(seconds(script, 1))
        value, floor = median(own), median(peer)
        name = f"find_fixed_point with its spectrum, {activation} K=M=3, once compiled"
        found.append(Row(name, 1e3 * value, "ms", "root finder and differences", floor / value, "<= 50 ms"))
    scenario = committee(2, "relu", 0.1)
    ld.critical_learning_rate(scenario)
    found.append(
        Row(
            "critical_learning_rate, relu K=M=2, once compiled",
            seconds(lambda: ld.critical_learning_rate(scenario), 3),
            "s",
        )
    )
    return found


if __name__ == "__main__":
    show(rows())
