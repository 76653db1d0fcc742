"""`learndyn equations`: the equations of a scenario file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from learndyn.errors import InputError


def equations(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A scenario file (TOML).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write them here: .tex, .pdf, .png or .svg.")
    ] = None,
    explicit: Annotated[bool, typer.Option("--explicit", help="Write each component out (small systems).")] = False,
    numbers: Annotated[bool, typer.Option("--numbers", help="Put values in the place of symbols.")] = False,
) -> None:
    """Print the equations of a scenario in LaTeX, or write them to a file."""
    from learndyn.formulas.equations import FORMATS
    from learndyn.scenario_file import read_scenario_file
    from learndyn.verbs.equations import equations as equations_of

    if output is not None and output.suffix not in FORMATS:
        raise InputError(
            f"Option -o must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, but it is {output}. Choose one of "
            "these endings."
        )
    scenario = read_scenario_file(file).scenario
    found = equations_of(scenario, explicit=explicit, numbers=numbers)
    if output is None:
        typer.echo(found.latex)
    else:
        typer.echo(f"{found.save(output)}: {found.title}")
