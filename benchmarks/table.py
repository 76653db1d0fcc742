"""The rows of `make bench` and how they are printed."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One line: what was measured, and its ratio to a peer or floor that was measured in the same run.

    A target ``>= 4 x`` asks for peer / value, a target ``<= 1.7 x`` for value / peer.
    """

    name: str
    value: float
    unit: str = ""
    peer: str = ""
    ratio: float | None = None
    target: str = ""


def show(rows: list[Row]) -> None:
    """Print the rows as a table."""
    cells = [
        (
            row.name,
            f"{row.value:.3g} {row.unit}".strip(),
            "" if row.ratio is None else f"{row.ratio:.2f} x",
            row.peer,
            row.target,
        )
        for row in rows
    ]
    cells.insert(0, ("what", "value", "ratio", "to", "target"))
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    for name, value, ratio, peer, target in cells:
        line = f"{name:<{widths[0]}}  {value:>{widths[1]}}  {ratio:>{widths[2]}}  {peer:<{widths[3]}}  {target}"
        print(line.rstrip())


def show_sizes(methods: tuple[str, ...], sizes: list[str], seconds: list[list[tuple[float, bool]]]) -> None:
    """Print seconds for each N (a line) and method (a column); extrapolated ones are marked by ~."""
    print(f"{'N':>8}" + "".join(f"{method:>14}" for method in methods))
    for size, line in zip(sizes, seconds, strict=True):
        cells = [("" if measured else "~ ") + _duration(value) for value, measured in line]
        print(f"{size:>8}" + "".join(f"{cell:>14}" for cell in cells))


def _duration(seconds: float) -> str:
    for unit, length in (("years", 3.15e7), ("days", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{1e3 * seconds:.3g} ms"
