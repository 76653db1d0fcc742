"""`learndyn run`: theory and simulation of a scenario file, compared, printed, written and drawn."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from learndyn.cli.common import (
    ENDED_EARLY,
    INTERRUPTED,
    announce,
    check_picture,
    in_table,
    plotting,
    running,
    whole_imports,
    wrote,
)
from learndyn.errors import InputError

if TYPE_CHECKING:
    from learndyn.scenario_file import ScenarioFile


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The scenario file; see examples/.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write the result, such as result.nc; the simulation: result-simulation.nc."
        ),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the run: .png, .pdf, .svg or .eps.")] = None,
    simulate: Annotated[bool, typer.Option(help="Run the simulation that the file asks for.")] = True,
    seed: Annotated[int | None, typer.Option(help="Seed of the simulation instead of the file's.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Keep the simulation's state here; the same command goes on from it.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but problems.")] = False,
) -> None:
    """Solve the scenario of a file, simulate it if the file asks, and compare the two."""
    from learndyn.scenario_file import read_scenario_file

    case = read_scenario_file(file, require=("start", "solve"))
    options = _simulation_options(file, case, simulate, {"seed": seed, "checkpoint": checkpoint})
    places = _places(file, output, plot, options)
    if options is not None:
        _check_simulation(file, case, options)
    announce(f"{case.title or file}", quiet)
    theory = _solve(file, case, options, quiet)
    simulation, interrupted = None, theory.attrs["status"] == "interrupted"
    theory_is_saved = False
    if options is not None and theory.attrs["status"] == "ok":
        if "theory" in places:
            from learndyn.results import save

            # Written before the long part begins: no way of ending it loses what is done.
            save(theory, places["theory"])
            theory_is_saved = True
        try:
            simulation = _simulate(file, case, options, quiet)
            interrupted = simulation.attrs["status"] == "interrupted"
        except KeyboardInterrupt:
            interrupted = True
    if not quiet:
        _print_run(theory, simulation, skipped=options is not None and simulation is None)
    _write(places, theory, simulation, quiet, theory_is_saved=theory_is_saved)
    code = _exit_code(theory, simulation, interrupted)
    if code and quiet:
        from learndyn.summary import status

        typer.echo(status(theory if theory.attrs["status"] != "ok" or simulation is None else simulation), err=True)
    raise typer.Exit(code)


def _simulation_options(file: Path, case: ScenarioFile, wanted: bool, given: dict[str, Any]) -> dict[str, Any] | None:
    """The options of the file's simulation, and those of the command line instead of the file's."""
    given = {name: value for name, value in given.items() if value is not None}
    if case.simulate is None and given:
        name = next(iter(given))
        raise InputError(f"{file}: --{name} is for the simulation, but the file has no [simulate]. Leave it out.")
    if case.simulate is None or not wanted:
        return None
    if given.get("seed", 0) < 0:
        raise InputError(
            f"Option --seed must be a whole number of at least 0, but it is {given['seed']}. Write --seed 1."
        )
    return case.simulate | given


def _places(file: Path, output: Path | None, plot: Path | None, simulation: dict[str, Any] | None) -> dict[str, Path]:
    """Where results and the checkpoint go; refused before anything runs when they could not be written."""
    from learndyn.files import check_writable

    places: dict[str, Path] = {}
    if output is not None:
        places["theory"] = check_writable(output)
        if simulation is not None:
            places["simulation"] = output.with_name(f"{output.stem}-simulation{output.suffix}")
    if plot is not None:
        check_picture(plot)
        places["picture"] = plot
    if simulation is not None and "checkpoint" in simulation:
        places["checkpoint"] = Path(simulation["checkpoint"])
    named = [file, *places.values()]
    if len({path.resolve() for path in named}) < len(named):
        raise InputError(
            "Options -o, --plot and --checkpoint must name other files than the scenario file and each other, but all "
            f"files together are {', '.join(map(str, named))}. Choose other names."
        )
    for path in places.values():
        check_writable(path)
    return places


def _check_simulation(file: Path, case: ScenarioFile, options: dict[str, Any]) -> None:
    """Refuse a simulation before theory has run for nothing."""
    with whole_imports():
        if options.get("method") == "diffusion":
            import_module("learndyn.engines.diffusion")
        from learndyn.verbs.simulation import check_simulation

    with in_table(file, "simulate"):
        check_simulation(case.scenario, case.start, **options)


def _solve(file: Path, case: ScenarioFile, simulation: dict[str, Any] | None, quiet: bool) -> Any:
    """Theory; at the times of the simulation, rounded to whole updates as there, so that both have the same rows."""
    with whole_imports():
        from learndyn.engines import compilation_cache, theory  # noqa: F401
        from learndyn.verbs import solve

    assert case.solve is not None
    options = dict(case.solve)
    if simulation is not None:
        options |= _common_times(case, simulation)
    compilation_cache.enable()
    announce("Theory: compiling the equations and integrating them ...", quiet)
    with running(file, "solve"):
        return solve(case.scenario, case.start, **options, progress=False if quiet else None)


def _common_times(case: ScenarioFile, simulation: dict[str, Any]) -> dict[str, Any]:
    """`until` and `save_at` of a theory that has every row of the simulation."""
    import numpy as np

    from learndyn.options import save_times

    assert case.solve is not None
    assert case.start is not None
    at = case.start.at
    own = save_times(case.solve.get("save_at"), at, case.solve["until"])
    asked = save_times(simulation.get("save_at"), at, simulation["until"])
    if _has_own_inputs(case):
        eta = case.scenario.learning_rate
        common = at + np.unique(np.rint((asked - at) / eta)) * eta
    elif isinstance(simulation["N"], list) or simulation.get("method") == "diffusion":
        # Several N round differently, and a diffusion does not round: they keep the times that were asked for.
        common = asked
    else:
        common = at + np.unique(np.rint((asked - at) * simulation["N"])) / simulation["N"]
    if not np.array_equal(own, asked):
        common = np.union1d(own, common)
    # Rounding to whole updates may reach past `until` by half an update.
    return {"save_at": common, "until": max(case.solve["until"], float(common[-1]))}


def _has_own_inputs(case: ScenarioFile) -> bool:
    """Whether the number of inputs is the scenario's own, so that [simulate] needs no N."""
    from learndyn.scenario_keys import SIMULATIONS_OF

    return case.scenario.kind in SIMULATIONS_OF


def _simulate(file: Path, case: ScenarioFile, options: dict[str, Any], quiet: bool) -> Any:
    own = _has_own_inputs(case)
    size = f"learning_rate = {case.scenario.learning_rate:g}" if own else f"N = {options['N']}"
    announce(f"Simulation: {options.get('replicas', 1)} replicas at {size}; Ctrl-C keeps what is done ...", quiet)
    with whole_imports():
        import_module(f"learndyn.engines.{options.get('method', 'weights' if own else 'overlaps')}")
        from learndyn.verbs import simulate
        from learndyn.verbs.simulation import EndedEarly

    with running(file, "simulate", silent=EndedEarly):
        return simulate(case.scenario, case.start, **options, progress=False if quiet else None)


def _print_run(theory: Any, simulation: Any, *, skipped: bool) -> None:
    from learndyn import summary
    from learndyn.results import time_of

    has_rows = simulation is not None and len(simulation[time_of(simulation)]) > 0
    shown = simulation if has_rows else None
    lines: list[str | None] = ["", summary.table(theory, shown), ""]
    if shown is not None:
        lines += [summary.note_on_z(theory, shown), summary.strays(theory, shown)]
    lines += [summary.stand_still(theory), summary.followers(theory), summary.status(theory)]
    if simulation is not None:
        lines.append(summary.status(simulation))
    elif skipped:
        reason = "it was interrupted before its first row" if theory.attrs["status"] == "ok" else "theory ended early"
        lines.append(f"There is no simulation: {reason}.")
    typer.echo("\n".join(line for line in lines if line is not None))


def _write(places: dict[str, Path], theory: Any, simulation: Any, quiet: bool, *, theory_is_saved: bool) -> None:
    from learndyn.results import save

    for name, result in (("theory", theory), ("simulation", simulation)):
        if name in places and result is not None:
            if name != "theory" or not theory_is_saved:
                save(result, places[name])
            wrote(name, places[name], quiet)
    if "picture" in places:
        _draw(theory, simulation, places["picture"])
        wrote("picture", places["picture"], quiet)


def _draw(theory: Any, simulation: Any, path: Path) -> None:
    from learndyn.results import main_curve

    plot = plotting()
    shown = simulation if simulation is not None and simulation[main_curve(simulation)].size else None
    plot.save(plot.overview(theory, shown), path)


def _exit_code(theory: Any, simulation: Any, interrupted: bool) -> int:
    if interrupted:
        return INTERRUPTED
    ended = [result.attrs["status"] for result in (theory, simulation) if result is not None]
    return ENDED_EARLY if any(status != "ok" for status in ended) else 0
