"""The command line: parse, call, print. What takes time to import is imported inside the commands.

Exit codes: 0 done; 2 input that cannot be used (one sentence on stderr); 3 a run that ended early (what it has is
written); 130 interrupted (what was kept is written).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from learndyn.errors import InputError, LearndynWarning

if TYPE_CHECKING:
    from learndyn.scenario_file import ScenarioFile

BAD_INPUT, ENDED_EARLY, INTERRUPTED = 2, 3, 130
PICTURES = (".png", ".pdf", ".svg", ".eps")
# A matrix of hundreds of inputs is one line of a scenario file.
LONG_LINE = 2_000


class _Commands(TyperGroup):
    """The commands, with what goes wrong on purpose turned into a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except InputError as error:
            sentence, code = str(error), BAD_INPUT
        except OSError as error:
            sentence, code = f"{error.filename or 'A file'}: {error.strerror or error}.", BAD_INPUT
        except MemoryError:
            sentence, code = "This needs more memory than there is: ask for fewer units, points or replicas.", BAD_INPUT
        except KeyboardInterrupt:
            sentence, code = "Interrupted; nothing more was written.", INTERRUPTED
        typer.echo(sentence, err=True)
        raise typer.Exit(code)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Entry point of the command `learndyn`."""
    try:
        app(prog_name="learndyn")
    except SystemExit as end:
        if "jax" not in sys.modules:
            raise
        # Taking JAX down with the interpreter lasts a quarter of a second and is of no use to a process that ends.
        with suppress(BrokenPipeError):
            sys.stdout.flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))


def _version(wanted: bool) -> None:
    if wanted:
        from learndyn import __version__

        typer.echo(f"learndyn {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """How a neural network learns, as a whole: theory, simulation and picture from one scenario file."""


# run


@app.command()
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
    _announce(f"{case.title or file}", quiet)
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
        raise InputError(f"Option --seed must be a whole number of at least 0, but it is {given['seed']}.")
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
        if plot.suffix.lower() not in PICTURES:
            raise InputError(f"Option --plot must end in {', '.join(PICTURES)}, but it is {plot}.")
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


@contextmanager
def _whole_imports() -> Iterator[None]:
    """Ctrl-C waits for the end of an import: inside of jaxlib's it would abort the process with a C++ traceback."""
    if threading.current_thread() is not threading.main_thread():  # signals arrive elsewhere
        yield
        return
    interrupted = []
    previous = signal.signal(signal.SIGINT, lambda *_: interrupted.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if interrupted:
        raise KeyboardInterrupt


@contextmanager
def _running(file: Path, table: str, silent: type[Warning] = LearndynWarning) -> Iterator[None]:
    """A run that ends early says so in its status, not in the warning `silent`; others are a line on stderr at once.

    What a verb refuses gets its place in the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("default", LearndynWarning)
        warnings.simplefilter("ignore", silent)
        warnings.showwarning = _told(warnings.showwarning)
        with _in_table(file, table):
            yield


def _told(others: Any) -> Any:
    """Shows a warning of learndyn as its sentence, above a progress bar; `others` shows the rest."""

    def show(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, LearndynWarning):
            others(message, category, *place, **more)
            return
        from tqdm import tqdm

        tqdm.write(str(message), file=sys.stderr)

    return show


@contextmanager
def _in_table(file: Path, table: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{file}: [{table}] {error}") from None


def _check_simulation(file: Path, case: ScenarioFile, options: dict[str, Any]) -> None:
    """Refuse a simulation before theory has run for nothing."""
    with _whole_imports():
        if options.get("method") == "diffusion":
            import_module("learndyn.engines.diffusion")
        from learndyn.verbs.simulation import check_simulation

    with _in_table(file, "simulate"):
        check_simulation(case.scenario, case.start, **options)


def _solve(file: Path, case: ScenarioFile, simulation: dict[str, Any] | None, quiet: bool) -> Any:
    """Theory; at the times of the simulation, rounded to whole updates as there, so that both have the same rows."""
    with _whole_imports():
        from learndyn.engines import compilation_cache, theory  # noqa: F401
        from learndyn.verbs import solve

    assert case.solve is not None
    options = dict(case.solve)
    if simulation is not None:
        options |= _common_times(case, simulation)
    compilation_cache.enable()
    _announce("Theory: compiling the equations and integrating them ...", quiet)
    with _running(file, "solve"):
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
    _announce(f"Simulation: {options.get('replicas', 1)} replicas at {size}; Ctrl-C keeps what is done ...", quiet)
    with _whole_imports():
        import_module(f"learndyn.engines.{options.get('method', 'weights' if own else 'overlaps')}")
        from learndyn.verbs import simulate
        from learndyn.verbs.simulation import EndedEarly

    with _running(file, "simulate", silent=EndedEarly):
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
            _wrote(name, places[name], quiet)
    if "picture" in places:
        _draw(theory, simulation, places["picture"])
        _wrote("picture", places["picture"], quiet)


def _draw(theory: Any, simulation: Any, path: Path) -> None:
    from learndyn.results import main_curve

    plot = _plotting()
    shown = simulation if simulation is not None and simulation[main_curve(simulation)].size else None
    plot.save(plot.overview(theory, shown), path)


def _plotting() -> Any:
    """`learndyn.plot`, drawing to files only: no display is needed."""
    import matplotlib

    matplotlib.use("Agg")
    from learndyn import plot

    return plot


def _exit_code(theory: Any, simulation: Any, interrupted: bool) -> int:
    if interrupted:
        return INTERRUPTED
    ended = [result.attrs["status"] for result in (theory, simulation) if result is not None]
    return ENDED_EARLY if any(status != "ok" for status in ended) else 0


# show


@app.command()
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


# figure


class Format(str, Enum):  # noqa: UP042 - typer takes the values of a str enumeration as choices
    """Formats of a picture."""

    pdf = "pdf"
    png = "png"
    svg = "svg"


@app.command()
def figure(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A figure; --list names them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Draw every figure.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Name the figures.")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder; made if it is missing.")] = Path("."),
    format_: Annotated[Format, typer.Option("--format", help="Format of the pictures.")] = Format.pdf,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Run the simulations anew instead of using the stored ones.")
    ] = False,
) -> None:
    """Redraw figures of the source documents, with the numbers that they stand for."""
    if (name is not None) + all_ + list_ != 1:
        raise InputError("Give one of: the NAME of a figure, --list, --all.")
    _plotting()
    from learndyn import figures

    names = figures.names()
    if list_:
        width = max(map(len, names), default=0)
        typer.echo("\n".join(f"{each:<{width}}  {figures.describe(each)}" for each in names))
        return
    if name is not None and name not in names:
        from learndyn.arguments import did_you_mean

        raise InputError(
            f"There is no figure {name!r}.{did_you_mean(name, names)} `learndyn figure --list` names them."
        )
    output.mkdir(parents=True, exist_ok=True)
    from learndyn.engines import compilation_cache

    compilation_cache.enable()
    for each in names if name is None else [name]:
        # Names such as schmid2024/2c have a folder of their own.
        path = output / f"{each}.{format_.value}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _one_figure(each, path, recompute)


def _one_figure(name: str, path: Path, recompute: bool) -> None:
    from learndyn import figures
    from learndyn.files import check_writable

    check_writable(path)
    _announce(f"{name} ...", quiet=False)
    drawn = figures.draw(name, recompute=recompute)
    _plotting().save(drawn.figure, path)
    typer.echo(f"{name}: {drawn.caption}")
    for label, number in drawn.numbers.items():
        typer.echo(f"    {label} = {number:.6g}")
    _wrote("picture", path, quiet=False)


def _announce(phase: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(phase, err=True)


def _wrote(what: str, path: Path, quiet: bool) -> None:
    if not quiet:
        typer.echo(f"Wrote the {what}: {path}")
