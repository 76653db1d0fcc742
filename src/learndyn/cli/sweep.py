"""`learndyn sweep`: all scenarios that [sweep] of a scenario file asks for, into a store that the same command goes on
with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
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
    telling,
    whole_imports,
    wrote,
)
from learndyn.errors import InputError

if TYPE_CHECKING:
    from learndyn.scenario_file import ScenarioFile

GOES_ON = "Interrupted; the same command goes on."
# Arguments of `ld.sweep` and what they are called here.
OPTIONS = {"store": "-o", "resume": "--resume", "client": "--scheduler", "workers": "--workers"}


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="A scenario file with [sweep]; see examples/.")],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="STORE", help="The Zarr store, such as sweep.zarr, or a URL."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Demand that the store is there to go on from.")] = False,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Compute on this Dask cluster: tcp://...")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Compute in so many processes of this machine.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the sweep: .png, .pdf, .svg or .eps.")] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Say what the sweep takes, and run nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but problems.")] = False,
) -> None:
    """Run the many scenarios of a file into a store; the same command goes on where it ended."""
    from learndyn.scenario_file import read_scenario_file

    case = read_scenario_file(file, require=("start", "sweep"))
    _check_options(file, output, scheduler, workers, plot, estimate)
    announce(f"{case.title or file}", quiet)
    where = {"client": scheduler, "workers": workers}
    try:
        plan = _plan(file, case, where)
        if estimate:
            typer.echo(_estimate(plan, output, case, where))
            return
        assert output is not None
        result = _run(case, plan, output, where, resume, quiet)
    except KeyboardInterrupt:
        typer.echo(GOES_ON, err=True)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(_tell(result, output, plot, quiet))


def _check_options(
    file: Path, output: str | None, scheduler: str | None, workers: int | None, plot: Path | None, estimate: bool
) -> None:
    """Refuse what needs no plan to be refused."""
    from learndyn.files import check_writable

    if output is None and not estimate:
        raise InputError(
            "Option -o must name the store of the results, but it is missing. Add -o sweep.zarr, or --estimate to see "
            "what the sweep takes."
        )
    if scheduler is not None and workers is not None:
        raise InputError(
            "Options --scheduler and --workers must not stand together, because a cluster has workers of its own. "
            "Leave one out."
        )
    if workers is not None and workers < 1:
        raise InputError(
            f"Option --workers must be a whole number of at least 1, but it is {workers}. Write --workers 2."
        )
    if plot is not None:
        check_picture(plot)
        check_writable(plot)
        if plot.resolve() in (file.resolve(), Path(output or "").resolve()):
            raise InputError(f"Option --plot must name a file of its own, but it is {plot}. Choose another name.")


def _plan(file: Path, case: ScenarioFile, where: dict[str, Any]) -> Any:
    """The plan; what is refused of it has its place in the file."""
    with whole_imports():
        from learndyn.engines import compilation_cache
        from learndyn.sweeps.sweep import planned

    compilation_cache.enable()
    assert case.sweep is not None
    options = {key: value for key, value in case.sweep.items() if key != "threads"}
    with in_table(file, "sweep"):
        return planned(case.scenario, case.sweep_start, **options, **where)


def _estimate(plan: Any, output: str | None, case: ScenarioFile, where: dict[str, Any]) -> str:
    """What the whole sweep takes, whatever of it is there already."""
    from learndyn.sweeps.estimate import estimate, refuse_too_large
    from learndyn.sweeps.sweep import cores_of

    assert case.sweep is not None
    refuse_too_large(plan, set(), store=output or "sweep.zarr", workers=where["workers"])
    cores = cores_of(where["client"], where["workers"], case.sweep.get("threads"))
    return estimate(plan, set(), cores=cores, pilot=True, smallest=1).sentence()


def _run(
    case: ScenarioFile, plan: Any, output: str, where: dict[str, Any], resume: bool, quiet: bool
) -> Any:  # fmt: skip
    from learndyn.sweeps.store.making import is_sweep
    from learndyn.sweeps.store.place import place_of
    from learndyn.sweeps.sweep import EndedEarly, computed

    assert case.sweep is not None
    with telling(silent=EndedEarly), _as_options():
        if is_sweep(place_of(output)):
            announce(f"The store {output} is there: what is finished in it stays.", quiet)
        return computed(
            plan, store=output, resume=resume, threads=case.sweep.get("threads"),
            progress=False if quiet else "auto", **where,
        )  # fmt: skip


@contextmanager
def _as_options() -> Iterator[None]:
    """Arguments of `ld.sweep` are called by the names of the options."""
    try:
        yield
    except InputError as error:
        said = re.sub(r"^Argument `(\w+)`", lambda match: f"Option {OPTIONS.get(match[1], match[1])}", str(error))
        raise InputError(re.sub(r"`(\w+)`", lambda match: OPTIONS.get(match[1], match[0]), said)) from None


def _tell(result: Any, output: str, plot: Path | None, quiet: bool) -> int:
    """Print how the sweep ended, draw it, and give the exit code."""
    from learndyn.sweeps.report import bad, report

    status = result.attrs["status"]
    if status == "interrupted":
        code = INTERRUPTED
    else:
        code = ENDED_EARLY if status != "ok" or bad(result) else 0
    if not quiet:
        typer.echo(f"\n{report(result)}")
        typer.echo(f"Wrote the store: {output}; ld.open_sweep({output!r}) opens it.")
    elif code:
        typer.echo(f"sweep: {status}. {result.attrs['message']}", err=True)
    if code == INTERRUPTED:
        typer.echo(GOES_ON, err=True)
    if plot is not None and code != INTERRUPTED:
        _draw(result, plot, quiet)
    return code


def _draw(result: Any, path: Path, quiet: bool) -> None:
    """The main curve: over two parameters as colours, along one as a family of curves; all others at their first value.

    Of more than two dims the longest are drawn.
    """
    from learndyn.results import TIMES
    from learndyn.sweeps.report import parameters

    plot = plotting()
    first: dict[str, str] = {}
    for name, dim in parameters(result).items():
        first.setdefault(dim, name)
    value = next((name for name in ("eps_g", "alignment") if name in result), str(next(iter(result.data_vars))))
    drawn = sorted((dim for dim in first if result.sizes[dim] > 1), key=lambda dim: -result.sizes[dim])[:2]
    drawn = drawn or list(first)[:1]
    names = [name for dim, name in first.items() if dim in drawn]
    others = {name: result[name].values[0].item() for dim, name in first.items() if dim not in drawn}
    own = {dim: result[dim].values[0].item() for dim in result[value].dims if dim not in (*first, *TIMES, "replica")}
    if len(names) == 2:
        ax = plot.heat_map(result, *names, value, **others, **own)
    else:
        ax = plot.family(result, names[0], value, **others, **own)
    plot.save(ax, path)
    wrote("picture", path, quiet)
    if others and not quiet:
        typer.echo(f"It is for {', '.join(f'{name} = {value}' for name, value in others.items())}.")
