"""Rows of `make bench` for the explorer: from a change of a number to the first curves and numbers that the page gets.

Where a curve takes long the page gets a draft of it first, as in `learndyn.explore.page`, and the row is of that.
"""

from __future__ import annotations

from itertools import cycle
from statistics import median
from typing import Any

import learndyn as ld
from learndyn.explore import numbers
from learndyn.explore.charts import Charts
from learndyn.explore.compute import PROGRAMS, theory
from learndyn.explore.setup import Setup
from solve import seconds
from table import Row, show

# What the page promises of closed forms, once their equations are compiled.
TARGET = "<= 100 ms"
REPEATS = 15


def change_row(name: str, setup: Setup, rates: tuple[float, ...]) -> Row:
    """A change of the learning rate, beside the bare verb at the same numbers."""
    charts = Charts(setup.family, "alpha", log_time=False)
    for rate in rates:
        theory(setup.changed(learning_rate=rate))
    at = cycle(rates)
    peer_at = cycle(rates)

    def ours() -> None:
        changed = setup.changed(learning_rate=next(at))
        found = theory(changed, draft=PROGRAMS.slow(changed))
        charts.show(found, None)
        numbers.cards(found, None)

    def peer() -> None:
        ld.solve(setup.scenario.replace(learning_rate=next(peer_at)), setup.start, **setup.options)

    own, bare = [], []
    for _ in range(REPEATS):
        own.append(seconds(ours, 1))
        bare.append(seconds(peer, 1))
    value: float = median(own)
    kind = ", draft" if PROGRAMS.slow(setup) else ""
    return Row(
        f"a change in the explorer, {name}, warm{kind}", 1e3 * value, "ms", "ld.solve", value / median(bare), TARGET
    )


def rows() -> list[Row]:
    """Changes of the cases that the page begins with, and of larger ones."""
    default = Setup.default()
    cases: list[tuple[str, dict[str, Any], tuple[float, ...]]] = [
        ("erf K=M=2", {}, (0.4, 0.5, 0.6)),
        ("erf K=M=3", {"K": 3, "M": 3}, (0.4, 0.5, 0.6)),
        ("relu K=M=2", {"activation": "relu"}, (0.1, 0.15, 0.2)),
        ("relu K=M=3", {"activation": "relu", "K": 3, "M": 3}, (0.1, 0.15, 0.2)),
    ]
    return [change_row(name, default.changed(**changes), rates) for name, changes, rates in cases]


if __name__ == "__main__":
    show(rows())
