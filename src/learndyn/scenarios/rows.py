"""A row of a result as a start: what every kind of start asks of it."""

from __future__ import annotations

from typing import Any

from learndyn.errors import InputError


def time_of_row(row: Any) -> float:
    """The time of a row, 0 where it has none; refused unless it holds R and Q and is one row."""
    if "Q" not in row or "R" not in row:
        raise InputError(
            "Argument `start` must hold R and Q, but this dataset has no such variables. "
            "Pass a row of a result of ld.solve, or ld.Start(Q=..., R=...)."
        )
    for dim, wanted in (("alpha", "alpha=..., method='nearest'"), ("replica", "replica=0"), ("N", "N=...")):
        if dim in row["Q"].dims:
            raise InputError(
                f"Argument `start` must be one row of a result, but it still has the dim `{dim}`. "
                f"Choose one: result.sel({wanted})."
            )
    return float(row["alpha"]) if "alpha" in row.coords else 0.0
