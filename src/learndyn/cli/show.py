"""`learndyn show`: a result as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

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
    from learndyn.results import LongText

    if "://" in result or Path(result).is_dir():
        from learndyn.sweeps.store import open_sweep

        data = open_sweep(result)
    else:
        data = results.load(Path(result))
    try:
        text = _scenario_text(data)
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

    if _is_sweep(data):
        from learndyn.sweeps.report import report

        return report(data), []
    if not findings.is_run(data):
        return findings.report(data), []
    if results.is_simulation(data):
        return summary.table(None, data), [summary.followers(data), summary.status(data)]
    return summary.table(data), [summary.stand_still(data), summary.followers(data), summary.status(data)]


def _is_sweep(data: Any) -> bool:
    return json.loads(data.attrs.get("options", "{}")).get("quantity") == "sweep"


def _scenario_text(data: Any) -> str:
    """The scenario, start and options of a result as a scenario file."""
    from learndyn import results
    from learndyn.scenario_file import scenario_text
    from learndyn.scenario_keys import TABLES

    if _is_sweep(data):
        return scenario_text(results.scenario_of(data), _start(data), sweep=_sweep(data))
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


def _start(data: Any) -> Any:
    """The start of a sweep, or how its starts are made."""
    import learndyn
    from learndyn.results import start_of

    if "start" in data.attrs:
        return start_of(data)
    plain = json.loads(data.attrs["start_recipe"])
    owner, _, name = plain.pop("kind").rpartition(".")
    return learndyn.StartRecipe(getattr(getattr(learndyn, owner or "Start"), name), **plain)


def _sweep(data: Any) -> dict[str, Any]:
    """The arguments of `ld.sweep`."""
    from learndyn.results import TIMES
    from learndyn.scenario_keys import TABLES
    from learndyn.sweeps.engines import engine_of
    from learndyn.sweeps.planning import OWN

    options = json.loads(data.attrs["options"])
    engine, over = options["engine"], options["over"]
    own = {*OWN, *engine_of(engine).COUNTS}
    times = next((data[time].values for time in TIMES if time in data.dims), None)
    return {
        "engine": engine,
        "observables": [str(name) for name in data.data_vars if name not in own],
        "over": {name: data[name].values if name == dim else data[name] for name, dim in over.items()},
        **{key: value for key, value in options.items() if key in TABLES[engine] and key not in over},
        **({} if times is None else {"save_at": _save_at(times, options["until"])}),
    }


def _save_at(times: Any, until: float) -> Any:
    """A number of points, where that gives these times."""
    from learndyn.options import save_times

    listed = times.tolist()
    even = len(listed) > 1 and save_times(len(listed), listed[0], until).tolist() == listed
    return len(listed) if even else listed
