"""`learndyn show`: a result as text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from learndyn.errors import InputError

# A matrix of hundreds of inputs is one line of a scenario file.
LONG_LINE = 2_000


def show(result: Annotated[Path, typer.Argument(metavar="RESULT.nc", help="A result that `run -o` wrote.")]) -> None:
    """Print a result: its scenario, start, table or findings, status and versions."""
    import json

    from learndyn import findings, results, summary
    from learndyn.results import LongText

    data = results.load(result)
    simulated = results.is_simulation(data)
    if findings.is_run(data):
        table = summary.table(None, data) if simulated else summary.table(data)
        lines = [None if simulated else summary.stand_still(data), summary.followers(data), summary.status(data)]
    else:
        table, lines = findings.report(data), []
    try:
        text = _scenario_text(data)
    except InputError as error:
        # A scenario of functions, or of data too large to be written: the numbers are all there.
        text = f"# {error}\n"
    shortened = [str(LongText(line)) if len(line) > LONG_LINE else line for line in text.split("\n")]
    typer.echo("\n".join([f"# {result}", *shortened, table]))
    versions = json.loads(data.attrs["versions"])
    lines.append("versions: " + ", ".join(f"{name} {number}" for name, number in versions.items()))
    typer.echo("\n" + "\n".join(line for line in lines if line is not None))


def _scenario_text(data: Any) -> str:
    """The scenario, start and options of a result as a scenario file."""
    import json

    from learndyn import results
    from learndyn.scenario_file import scenario_text
    from learndyn.scenario_keys import TABLES

    table = "simulate" if results.is_simulation(data) else "solve"
    options = {key: value for key, value in json.loads(data.attrs["options"]).items() if key in TABLES[table]}
    if table == "simulate":
        options["method"] = data.attrs["engine"]
    if "seed" in data.attrs:
        options["seed"] = int(data.attrs["seed"])
    return scenario_text(
        results.scenario_of(data),
        results.start_of(data) if "start" in data.attrs else None,
        solve=options if table == "solve" else None,
        simulate=options if table == "simulate" else None,
    )
