"""Rows of `make bench` for the analysis: what is looked for with the theory, and how long it takes."""

from __future__ import annotations

import time

import numpy as np
import xarray as xr

import learndyn as ld
from solve import committee, seconds
from table import Row, show


def phase_rows() -> list[Row]:
    """A phase diagram of 100 x 100 points, and what single runs of its points would take on one core."""
    scenario, until = committee(2, "erf", 1.0), 1000.0
    rates, X = np.linspace(0.1, 3.0, 100), np.logspace(-8, -1, 100)

    def start(eta: float, x: float) -> ld.Start:
        return ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=x)

    def diagram(every: int) -> None:
        x, y = ("learning_rate", rates[::every]), ("X", X[::every])
        ld.phase_diagram(scenario, start, until, x=x, y=y, progress=False)

    def single() -> None:
        for eta in rates[::20]:
            changed = scenario.replace(learning_rate=float(eta))
            for x in X[::20]:
                found = ld.solve(changed, start(eta, x), until, save_at=501, progress=False)
                low = found.eps_g.values <= 1e-3
                assert low.any() or found.attrs["status"] == "ok"

    clock = time.perf_counter()
    diagram(50)
    first = time.perf_counter() - clock
    single()
    whole, one_by_one = seconds(lambda: diagram(1), 1), seconds(single, 3) * 400
    return [
        Row("phase diagram, 100 x 100, erf K=M=2, alpha 1000", whole, "s", target="<= 60 s"),
        Row("  its points by ld.solve, one after another", one_by_one, "s", "the diagram", one_by_one / whole),
        Row("  four points, with the compilation", first, "s"),
    ]


def refined_rows() -> list[Row]:
    """A phase diagram with points along its boundary alone, beside the full grid of the same resolution, in turns."""
    scenario, until, r = committee(2, "erf", 1.0), 250.0, 3

    def diagram(rates: np.ndarray, X: np.ndarray, refine: int) -> tuple[float, xr.Dataset]:
        def start(eta: float, x: float) -> ld.Start:
            return ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=x)

        clock = time.perf_counter()
        x, y = ("learning_rate", rates), ("X", X)
        found = ld.phase_diagram(scenario, start, until, x=x, y=y, refine=refine, progress=False)
        return time.perf_counter() - clock, found

    few = (np.linspace(0.1, 3.5, 13), np.logspace(-8, -1, 11))
    _, fine = diagram(*few, r)
    all_of_it = (fine.learning_rate.values, fine.X.values)
    times = np.empty((3, 2))
    for turn in times:
        turn[0], fine = diagram(*few, r)
        turn[1], full = diagram(*all_of_it, 0)
    assert (fine.outcome == full.outcome).all()
    learned = (full.outcome == 1) & ~fine.computed
    between = float(abs(fine.time / full.time - 1).where(learned).max())
    points, (refined, whole) = int(fine.computed.sum()), np.median(times, axis=0)
    return [
        Row("phase diagram, 97 x 81, erf K=M=2, alpha 250, refine=3", refined, "s"),
        Row("  the same without refine", whole, "s", "refined", whole / refined),
        Row("  points that were run", points, "", "the full grid", full.outcome.size / points),
        Row("  times between them: largest relative error", between, ""),
    ]


def rows() -> list[Row]:
    """All rows of this file."""
    return phase_rows() + refined_rows()


if __name__ == "__main__":
    show(rows())
