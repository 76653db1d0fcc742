"""`learndyn show`: a result as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from learndyn.cli.common import called
from learndyn.errors import InputError

# A matrix of hundreds of inputs is one line of a scenario file.
LONG_LINE = 2_000


def show(
    result: Annotated[
        str, typer.Argument(metavar="RESULT", help="A result that `run -o` wrote, or a store that `sweep -o` wrote.")
    ],
) -> None:
    """Print a result: its scenario, start, table or findings, status and versions; of a sweep what it goes over."""
    from learndyn import results
    from learndyn.origin import scenario_file_of
    from learndyn.results import LongText

    if "://" in result or Path(result).is_dir():
        from learndyn.sweeps.store import open_sweep

        data = open_sweep(result)
    else:
        with called("path", "Argument RESULT"):
            data = results.load(Path(result))
    try:
        text = scenario_file_of(data)
    except InputError as error:
        # A scenario of functions, or of data too large to be written: the numbers are all there.
        text = f"# {error}\n"
    shortened = [str(LongText(line)) if len(line) > LONG_LINE else line for line in text.split("\n")]
    table, lines = _told(data)
    typer.echo("\n".join([f"# {result}", *shortened, table]))
    versions = json.loads(data.attrs["versions"])
    lines.append("versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()))
    typer.echo("\n" + "\n".join(line for line in lines if line is not None))


def _told(data: Any) -> tuple[str, list[str | None]]:
    """A table, and lines below it."""
    from learndyn import findings, results, summary
    from learndyn.origin import is_sweep

    if is_sweep(data):
        from learndyn.sweeps.report import report

        return report(data), []
    if not findings.is_run(data):
        return findings.report(data), []
    if results.is_simulation(data):
        return summary.table(None, data), [summary.followers(data), summary.status(data)]
    return summary.table(data), [summary.stand_still(data), summary.followers(data), summary.status(data)]
