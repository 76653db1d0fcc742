"""`learndyn export-html`: a scenario file, a result or a store of a sweep as one HTML file that needs no Python."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from learndyn.cli.common import ENDED_EARLY, announce, called, telling, whole_imports, wrote
from learndyn.errors import InputError


def export_html(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A scenario file, a result of `run -o`, or a store of `sweep -o`.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page; by default SOURCE's name with .html, in this folder."),
    ] = None,
    points: Annotated[
        int | None, typer.Option(help="How many times each curve has, instead of the file's save_at.")
    ] = None,
    simulation: Annotated[
        Path | None, typer.Option(help="A saved simulation to draw as markers on a saved result.")
    ] = None,
    simulate: Annotated[bool, typer.Option(help="Run the simulation that a scenario file asks for.")] = True,
    spectrum: Annotated[bool, typer.Option(help="Find the eigenvalues at each plateau.")] = True,
    equations: Annotated[bool, typer.Option(help="Add the equations of the scenario.")] = True,
    large: Annotated[bool, typer.Option("--large", help="Begin with large text, for a projector.")] = False,
    title: Annotated[str | None, typer.Option(help="The heading, instead of the file's title.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but problems.")] = False,
) -> None:
    """Write a page for a talk or a class: one HTML file with sliders for what the scenario file sweeps."""
    path = _path(source, output)
    result, beside, named = _read(source, points, simulation, simulate, quiet)
    with whole_imports():
        from learndyn.html import export_html as export

    export(
        result, path, simulation=beside, title=title or named, large=large, spectrum=spectrum, equations=equations
    )  # fmt: skip
    wrote("page", path, quiet)
    if not quiet:
        typer.echo(f"{path.stat().st_size / 1e6:.2f} MB; it needs no other file and no network: open it in a browser.")
    if any(_ended_early(each) for each in (result, beside) if each is not None):
        raise typer.Exit(ENDED_EARLY)


def _ended_early(result: Any) -> bool:
    """Whether a run ended early, or some runs of a sweep could not be run; the page tells which."""
    from learndyn.origin import is_sweep
    from learndyn.sweeps.report import bad

    return result.attrs["status"] != "ok" or (is_sweep(result) and bad(result))


def _path(source: str, output: Path | None) -> Path:
    """Where the page goes: beside the source unless it is said."""
    from learndyn.html.export import checked_path

    path = output if output is not None else Path(f"{Path(source.rstrip('/')).stem}.html")
    with called("path", "Option -o"):
        checked_path(path)
    if path.resolve() == Path(source).resolve():
        raise InputError(f"Option -o must name another file than the source, but both are {path}. Choose another name.")
    return path


def _read(source: str, points: int | None, simulation: Path | None, simulate: bool, quiet: bool) -> tuple[Any, ...]:
    """The result, a simulation beside it, and a title."""
    if source.endswith(".toml"):
        return _run(Path(source), points, simulation, simulate, quiet)
    if points is not None:
        raise InputError(
            f"Option --points must be left out, because {source} has its times already. Compute it with other save_at."
        )
    from learndyn.results import load

    beside = None
    if simulation is not None:
        with called("path", "Option --simulation"):
            beside = load(simulation)
    if "://" in source or Path(source).is_dir():
        from learndyn.sweeps.store import open_sweep

        return open_sweep(source), beside, None
    with called("path", "Argument SOURCE"):
        return load(Path(source)), beside, None


def _run(file: Path, points: int | None, simulation: Path | None, simulate: bool, quiet: bool) -> tuple[Any, ...]:
    """What a scenario file asks for; nothing is written of a run that was interrupted."""
    if simulation is not None:
        raise InputError(
            "Option --simulation must be left out with a scenario file, which has its own in [simulate]. Leave it out."
        )
    with whole_imports():
        from learndyn.engines import compilation_cache
        from learndyn.html.from_file import run_file
        from learndyn.scenario_file import read_scenario_file

    read_scenario_file(file)  # refused before anything is announced
    compilation_cache.enable()
    announce(f"{file}: computing what the page shows ...", quiet)
    with telling():
        try:
            ran = run_file(file, points=points, simulate=simulate, progress=False if quiet else None)
        except InputError as error:
            said = str(error).replace("Argument `points`", "Option --points")
            raise InputError(said if said.startswith(str(file)) else f"{file}: {said}") from None
    for each in (ran.result, ran.simulation):
        if each is not None and each.attrs["status"] == "interrupted":
            raise KeyboardInterrupt
    return ran.result, ran.simulation, ran.title
