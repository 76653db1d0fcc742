"""What a result was computed from: as the text of a scenario file, and as the arguments of `ld.sweep`."""

from __future__ import annotations

import json
from typing import Any

from learndyn import results
from learndyn.options import save_times
from learndyn.results import TIMES
from learndyn.scenario_file import scenario_text
from learndyn.scenario_keys import TABLES
from learndyn.scenarios.start_recipe import StartRecipe


def is_sweep(result: Any) -> bool:
    """Whether it is a result of `ld.sweep`."""
    return json.loads(result.attrs.get("options", "{}")).get("quantity") == "sweep"


def scenario_file_of(result: Any, title: str | None = None) -> str:
    """The scenario, start and options of a result as a scenario file.

    Raises
    ------
    InputError
        When a file cannot hold the scenario: it has functions, or data too large to be written.
    """
    if is_sweep(result):
        return scenario_text(
            results.scenario_of(result), start_of_sweep(result), sweep=arguments_of_sweep(result), title=title
        )
    table, options = arguments_of_run(result)
    return scenario_text(
        results.scenario_of(result),
        results.start_of(result) if "start" in result.attrs else None,
        solve=options if table == "solve" else None,
        simulate=options if table == "simulate" else None,
        title=title,
    )


def arguments_of_run(result: Any) -> tuple[str, dict[str, Any]]:
    """The verb of a run, and its arguments beside scenario and start."""
    verb = "simulate" if results.is_simulation(result) else "solve"
    options = {key: value for key, value in json.loads(result.attrs["options"]).items() if key in TABLES[verb]}
    if verb == "simulate":
        options["method"] = result.attrs["engine"]
    if "seed" in result.attrs:
        options["seed"] = int(result.attrs["seed"])
    return verb, options


def start_of_sweep(sweep: Any) -> Any:
    """The start of a sweep, or how its starts are made."""
    import learndyn

    if "start" in sweep.attrs:
        return results.start_of(sweep)
    plain = json.loads(sweep.attrs["start_recipe"])
    owner, _, name = plain.pop("kind").rpartition(".")
    return StartRecipe(getattr(getattr(learndyn, owner or "Start"), name), **plain)


def arguments_of_sweep(sweep: Any) -> dict[str, Any]:
    """The arguments of `ld.sweep` beside scenario and start."""
    from learndyn.sweeps.engines import engine_of
    from learndyn.sweeps.planning import OWN

    options = json.loads(sweep.attrs["options"])
    engine, over = options["engine"], options["over"]
    own = {*OWN, *engine_of(engine).COUNTS}
    times = next((sweep[time].values for time in TIMES if time in sweep.dims), None)
    return {
        "engine": engine,
        "observables": [str(name) for name in sweep.data_vars if name not in own],
        "over": {name: sweep[name].values if name == dim else sweep[name] for name, dim in over.items()},
        **{key: value for key, value in options.items() if key in TABLES[engine] and key not in over},
        **({} if times is None else {"save_at": saved_at(times, options["until"])}),
    }


def saved_at(times: Any, until: float) -> Any:
    """The argument `save_at` that gives these times: a number of points, where they are even."""
    listed = times.tolist()
    even = len(listed) > 1 and save_times(len(listed), listed[0], until).tolist() == listed
    return len(listed) if even else listed
