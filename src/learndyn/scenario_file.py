"""Scenario files: TOML to a scenario with its start and its runs, and back; one sentence for each mistake in a file.

    title = "..."
    [scenario]            kind, student, teacher, learning_rate, dynamics: the words of ld.StudentTeacher; or
                          kind = "gaussian_classification" and the words of ld.GaussianClassification
    [start]               Q, R, at; or kind = "random", "near_symmetric", "random_weights" and their arguments; or
                          kind = "gaussian_weights" and mean, cov, at
    [solve]               until, save_at, rtol, atol, max_steps: the words of ld.solve
    [simulate]            N (or several), replicas, seed, method, tolerance, threads, checkpoint, and until and
                          save_at where they differ from [solve]
    [sweep]               engine, observables, chunk, together, and [sweep.over]: see `learndyn.scenario_sweep`

Reading has two passes, so that all mistakes are reported together: keys and types of every table first, then the
objects, whose own sentences get the name of the table in front.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from learndyn.entry_points import load_extensions
from learndyn.errors import InputError, first_line
from learndyn.files import replacing
from learndyn.options import LogSpaced, save_times
from learndyn.scenario_keys import (
    SCENARIOS,
    SIMULATIONS_OF,
    START_KIND,
    STARTS,
    STARTS_OF,
    TABLES,
    Key,
)
from learndyn.scenario_mistakes import Mistakes
from learndyn.scenario_sweep import over_text, read_sweep, run_options, sweep_to_plain
from learndyn.scenarios.plain import (
    FIELD_TABLES,
    KINDS,
    PARTS,
    scenario_to_plain,
    start_from_plain,
    start_to_plain,
    table_from_plain,
)
from learndyn.scenarios.site_symmetric.scenario import SiteSymmetric
from learndyn.scenarios.start_recipe import StartRecipe
from learndyn.scenarios.student_teacher.scenario import StudentTeacher
from learndyn.scenarios.student_teacher.start import Start
from learndyn.scenarios.targets import target_of
from learndyn.schedules import refuse_functions


@dataclass(frozen=True)
class ScenarioFile:
    """What a scenario file holds; tables that it does not have are ``None``.

    ``ld.solve(file.scenario, file.start, **file.solve)`` runs it, and so does `ld.simulate` with ``file.simulate``, in
    which `until` and `save_at` have been filled in from [solve].
    ``ld.sweep(file.scenario, file.sweep_start, **file.sweep)`` runs the sweep: there are its parameters, and what it
    needs of [solve] or [simulate]. Its start is an `ld.StartRecipe` where [start] has a kind that is made for a
    scenario.
    """

    scenario: Any
    start: Any = None
    solve: dict[str, Any] | None = None
    simulate: dict[str, Any] | None = None
    title: str | None = None
    sweep: dict[str, Any] | None = None
    sweep_start: Any = None


# Reading.


def read_scenario_file(path: str | os.PathLike[str], *, require: tuple[str, ...] = ()) -> ScenarioFile:
    """Read a scenario file; all of its mistakes are reported together, one line each.

    Parameters
    ----------
    path
        The TOML file; its tables are listed at the head of `learndyn.scenario_file`, and ``examples/`` has some.
    require
        Tables that the file must have beyond [scenario]: ``"start"``, ``"solve"``, ``"simulate"``, ``"sweep"``. What
        is swept may be left out of [start] and [simulate], unless one of these is asked for without ``"sweep"``.

    Returns
    -------
    ScenarioFile
        ``scenario``, ``start``, ``solve``, ``simulate`` and ``sweep`` (dicts of options), ``sweep_start``, ``title``.

    Raises
    ------
    InputError
        One line for each mistake: the file, the table and key, the value, what is allowed.

    Examples
    --------
    >>> import learndyn as ld, tempfile, pathlib
    >>> scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = ld.write_scenario_file(pathlib.Path(folder) / "perceptron.toml", scenario, ld.Start(Q=0.25, R=0.0))
    ...     ld.read_scenario_file(path).scenario == scenario
    True
    """
    return _parse(_text(Path(path)), str(path), require)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"File {path} does not exist. Check the name, or see examples/ for scenario files.") from None
    except IsADirectoryError:
        raise InputError(f"File {path} is a folder, not a scenario file. Add a file name.") from None
    except UnicodeDecodeError:
        raise InputError(f"File {path} is no scenario file: it is not text in UTF-8. Save it as such.") from None
    except OSError as error:
        raise InputError(f"File {path} cannot be read: {error.strerror}. Check its permissions.") from None


def _parse(text: str, name: str, require: tuple[str, ...] = ()) -> ScenarioFile:
    plain = _toml(text, name)
    mistakes = Mistakes(name)
    keys = {key: Key(entry.kind, entry.required or key in require) for key, entry in TABLES[""].items()}
    mistakes.check(plain, "", keys)
    names = ("scenario", "start", "solve", "simulate", "sweep")
    tables = {key: plain[key] for key in names if isinstance(plain.get(key), dict)}
    swept = _swept(tables, require)
    scenario = _scenario(tables["scenario"], mistakes) if "scenario" in tables else None
    kind = tables.get("scenario", {}).get("kind")
    start, recipe = _start(tables["start"], scenario, kind, swept, mistakes) if "start" in tables else (None, None)
    at = _begin(start, recipe) if "start" in tables else 0.0
    solve = _solve(tables["solve"], at, mistakes) if "solve" in tables else None
    known = _optional(SIMULATIONS_OF.get(str(kind), TABLES["simulate"]), swept)
    if "simulate" in tables and _is_known(kind):
        simulate = _simulate(tables["simulate"], known, solve, scenario, at, mistakes)
    else:
        simulate = None
    sweep = _sweep(tables, {"solve": solve, "simulate": simulate}, mistakes) if "sweep" in tables else None
    if mistakes.lines and swept:
        # Else the plan of the sweep refuses them, with all that it knows.
        _check_swept(swept, tables, scenario, recipe or start, mistakes)
    mistakes.report()
    return ScenarioFile(
        scenario, start, solve, simulate, plain.get("title"), sweep, None if sweep is None else recipe or start
    )


def _swept(tables: dict[str, Any], require: tuple[str, ...]) -> set[str]:
    """What is swept, and so may be missing elsewhere; nothing, where the file is read for a single run."""
    over = tables.get("sweep", {}).get("over")
    return set(over) if isinstance(over, dict) and ("sweep" in require or not require) else set()


def _optional(keys: dict[str, Key], swept: set[str], table: str = "") -> dict[str, Key]:
    return {name: Key(entry.kind, entry.required and table + name not in swept) for name, entry in keys.items()}


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        place = re.search(r" \(at line (\d+), column (\d+)\)$", reason)
        if place is None:
            raise InputError(f"{name}: not valid TOML: {reason}. Compare it with those in examples/.") from None
        line = text.splitlines()[int(place[1]) - 1].strip()
        raise InputError(
            f"{name}: line {place[1]}, column {place[2]}: not valid TOML: {reason[: place.start()]}, in `{line[:80]}`. "
            "Give quotes to text, a digit before the dot to numbers, and each key once to its table."
        ) from None
    except (RecursionError, ValueError) as error:
        raise InputError(
            f"{name}: not a scenario file: {first_line(error)}. Compare it with those in examples/."
        ) from None


def _scenario(plain: dict[str, Any], mistakes: Mistakes) -> Any:
    if _has_own_tables(plain.get("kind")):
        return _scenario_without_parts(plain, mistakes)
    if not _is_known(plain.get("kind")):
        # Of an unknown kind no key is known; the kind itself is then the one mistake to report.
        mistakes.check_kind(plain["kind"])
        return None
    good = mistakes.check(plain, "scenario", TABLES["scenario"])
    built: dict[str, Any] = {}
    for part, cls in PARTS.items():
        table = f"scenario.{part}"
        if isinstance(plain.get(part), dict) and mistakes.check(plain[part], table, TABLES[table]):
            with mistakes.of(table):
                built[part] = cls(**plain[part])
    words = {key: value for key, value in plain.items() if key != "kind"}
    for name in FIELD_TABLES:
        if isinstance(plain.get(name), dict):
            before = len(mistakes.lines)
            with mistakes.of(f"scenario.{name}"):
                words[name] = table_from_plain(name, plain[name])
            good = good and len(mistakes.lines) == before
    if good and len(built) == len(PARTS):
        with mistakes.of("scenario"):
            return KINDS[plain.get("kind", next(iter(KINDS)))](**{**words, **built})
    return None


def _is_known(kind: Any) -> bool:
    return kind is None or (isinstance(kind, str) and kind in KINDS)


def _has_own_tables(kind: Any) -> bool:
    if isinstance(kind, str) and kind not in KINDS:
        load_extensions()
    return isinstance(kind, str) and kind in SCENARIOS


def _scenario_without_parts(plain: dict[str, Any], mistakes: Mistakes) -> Any:
    if mistakes.check(plain, "scenario", SCENARIOS[plain["kind"]]):
        with mistakes.of("scenario"):
            return KINDS[plain["kind"]](**{key: value for key, value in plain.items() if key != "kind"})
    return None


def _start(
    plain: dict[str, Any], scenario: Any, scenario_kind: Any, swept: set[str], mistakes: Mistakes
) -> tuple[Any, StartRecipe | None]:
    """The start, and how it is made where that depends on the scenario."""
    if not _is_known(scenario_kind):
        return None, None
    if _has_own_tables(scenario_kind):
        keys = STARTS_OF[scenario_kind]
        if not mistakes.check(plain, "start", keys):
            return None, None
        with mistakes.of("start"):
            own = start_from_plain({**plain, "kind": keys["kind"].kind.words[0]})
            return scenario.as_start(own) if scenario else own, None
        return None, None
    kind = plain.get("kind", "overlaps")
    # Of an unknown kind no key is known; the kind itself is then the one mistake to report.
    known = STARTS[kind] if kind in list(STARTS) else {}
    keys = known if kind == "overlaps" else _optional(known, swept, "start.")
    if not mistakes.check(plain if known else {"kind": kind}, "start", {"kind": START_KIND, **keys}):
        return None, None
    words = {key: value for key, value in plain.items() if key != "kind"}
    if kind == "overlaps":
        with mistakes.of("start"):
            start = Start(**words)
            return scenario.as_start(start) if scenario else start, None
        return None, None
    recipe = StartRecipe(getattr(Start, kind), **words)
    if scenario is not None and all(name in words for name, entry in known.items() if entry.required):
        with mistakes.of("start"):
            return scenario.as_start(recipe.made(scenario, {})), recipe
    return None, recipe


def _begin(start: Any, recipe: StartRecipe | None) -> float | None:
    """The time of the start; None where it has mistakes."""
    if start is not None:
        return start.at
    return None if recipe is None else recipe.arguments.get("at", 0.0)


def _solve(plain: dict[str, Any], at: float | None, mistakes: Mistakes) -> dict[str, Any] | None:
    options = _run_options(plain, "solve", TABLES["solve"], mistakes)
    return options if options is not None and _has_good_times(options, "solve", at, mistakes) else None


def _simulate(
    plain: dict[str, Any], known: dict[str, Key], solve: dict[str, Any] | None, scenario: Any, at: float | None,
    mistakes: Mistakes,
) -> dict[str, Any] | None:  # fmt: skip
    options = _run_options(plain, "simulate", known, mistakes)
    if options is None:
        return None
    if isinstance(scenario, SiteSymmetric):
        mistakes.add(
            "simulate",
            f'is not for kind = "{scenario.kind}": at every finite N chance makes the sites different. Leave out '
            "[simulate], or describe student and teacher as two networks.",
        )
    if isinstance(scenario, StudentTeacher) and "N" in options:
        sizes = options["N"] if isinstance(options["N"], list) else [options["N"]]
        _check_simulation(scenario, int(min(sizes)), mistakes)
    if "until" not in options and solve is None:
        # A bad [solve] has its own lines already; a missing one leaves the end of the simulation open.
        if not mistakes.lines:
            mistakes.add("simulate", "until is missing, and there is no [solve] to take it from: add until = 300")
        return None
    inherited = {} if solve is None else {key: solve[key] for key in ("until", "save_at") if key in solve}
    options = {**inherited, **options}
    if "save_at" not in plain and isinstance(options.get("save_at"), list):
        options["save_at"] = [time for time in options["save_at"] if time <= options["until"]] or [options["until"]]
    return options if _has_good_times(options, "simulate", at, mistakes) else None


def _check_simulation(scenario: StudentTeacher, N: int, mistakes: Mistakes) -> None:
    """What `ld.simulate` refuses, found before theory has run for nothing."""
    vectors = scenario.K + scenario.M
    if vectors > N and scenario.connectivity == "full":
        mistakes.add(
            "simulate",
            f"N must be at least K + M = {vectors}, the number of weight vectors, but it is {N}. Use a larger N.",
        )
    if scenario.dynamics == "gradient_flow":
        mistakes.add(
            "simulate",
            'needs dynamics = "sgd" in [scenario]: "gradient_flow" is the limit of a vanishing learning rate, which no '
            "finite step follows. Leave out [simulate], or change the dynamics.",
        )


def _sweep(tables: dict[str, Any], runs: dict[str, Any], mistakes: Mistakes) -> dict[str, Any] | None:
    """The keyword arguments of `ld.sweep`."""
    sweep = read_sweep(tables["sweep"], mistakes)
    if sweep is None:
        return None
    engine = sweep["engine"]
    if engine not in tables:
        mistakes.add(
            "",
            f'the table [{engine}] is missing: a sweep with engine = "{engine}" takes its time and its options from '
            "it. Add it.",
        )
    # A bad [solve] or [simulate] has its own lines already.
    return None if runs[engine] is None else sweep | run_options(engine, runs[engine], sweep["over"])


def _check_swept(swept: set[str], tables: dict[str, Any], scenario: Any, start: Any, mistakes: Mistakes) -> None:
    """Note the names that mean nothing; where the scenario has mistakes of its own, by the fields of its kind."""
    kind = tables.get("scenario", {}).get("kind")
    owner = KINDS.get(next(iter(KINDS)) if kind is None else str(kind)) if scenario is None else scenario
    options = list(TABLES.get(str(tables["sweep"].get("engine", "solve")), ()))
    for name in sorted(swept) if owner is not None else ():
        told = any(f"[sweep.over.{name}] " in line or f"[sweep.over] {name} " in line for line in mistakes.lines)
        if told or (name.startswith("start.") and (start is None or scenario is None)):
            continue
        with mistakes.of("sweep"):
            target_of(name if scenario is not None else name.split(".")[0].split("[")[0], owner, start, options)


def _run_options(plain: dict[str, Any], table: str, known: dict[str, Key], mistakes: Mistakes) -> dict[str, Any] | None:
    if not mistakes.check(plain, table, known):
        return None
    options = {name: _whole(value) if known[name].kind.is_whole else value for name, value in plain.items()}
    spaced = options.get("save_at")
    if isinstance(spaced, float):  # a number of points
        options["save_at"] = int(spaced)
    if isinstance(spaced, dict):
        if not mistakes.check(spaced, f"{table}.save_at", TABLES["save_at"]):
            return None
        options["save_at"] = LogSpaced(int(spaced["logspaced"]), spaced.get("first"))
    return options


def _whole(value: Any) -> Any:
    """Whole numbers that are written as 1e4, in a list or alone."""
    return list(map(_whole, value)) if isinstance(value, list) else int(value)


def _has_good_times(options: dict[str, Any], table: str, at: float | None, mistakes: Mistakes) -> bool:
    before = len(mistakes.lines)
    if at is not None:
        with mistakes.of(table):
            save_times(options.get("save_at"), at, options["until"])
    return len(mistakes.lines) == before


# Writing.


def write_scenario_file(
    path: str | os.PathLike[str],
    scenario: Any,
    start: Any = None,
    *,
    solve: dict[str, Any] | None = None,
    simulate: dict[str, Any] | None = None,
    sweep: dict[str, Any] | None = None,
    title: str | None = None,
) -> Path:
    """Write a scenario file that `read_scenario_file` gives back unchanged.

    The file appears whole or not at all: it is written under a temporary name and then renamed.

    Parameters
    ----------
    path
        Where to; the ending ``.toml`` is usual.
    scenario, start
        The scenario, and where it begins: an `ld.Start` or a row of a result, written as its exact overlaps; for a
        sweep also an `ld.StartRecipe`.
    solve, simulate
        Options of `ld.solve` and `ld.simulate`, `until` among them.
    sweep
        Keyword arguments of `ld.sweep`: `over`, and what else it needs; `until` and options of the engine go to [solve]
        or [simulate]. A dim of several parameters is read back as `member`.
    title
        A line of text.

    Returns
    -------
    pathlib.Path
        The path of the file.

    Raises
    ------
    InputError
        When an option could not be read back, or the file cannot be written.

    Examples
    --------
    See `read_scenario_file`.
    """
    text = scenario_text(scenario, start, solve=solve, simulate=simulate, sweep=sweep, title=title)
    _parse(text, str(path))
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def scenario_text(
    scenario: Any,
    start: Any = None,
    *,
    solve: dict[str, Any] | None = None,
    simulate: dict[str, Any] | None = None,
    sweep: dict[str, Any] | None = None,
    title: str | None = None,
) -> str:
    """The text of a scenario file, see `write_scenario_file`."""
    import tomli_w

    plain: dict[str, Any] = {} if title is None else {"title": title}
    plain["scenario"] = scenario_to_plain(scenario)
    refuse_functions(plain["scenario"])
    if isinstance(start, StartRecipe):
        plain["start"] = start.to_plain()
    elif start is not None:
        plain["start"] = start_to_plain(scenario.as_start(start))
    runs = {"solve": solve, "simulate": simulate}
    swept: dict[str, Any] = {}
    if sweep is not None:
        swept["sweep"], engine, options = sweep_to_plain(sweep)
        runs[engine] = {**(runs[engine] or {}), **options}
    for table, options in runs.items():
        if options is not None:
            ordered = {key: options[key] for key in (*TABLES[table], *options) if options.get(key) is not None}
            plain[table] = {key: _option_to_plain(value) for key, value in ordered.items()}
    try:
        text = tomli_w.dumps(plain | swept) + ("" if sweep is None else over_text(sweep["over"]))
    except TypeError as error:
        raise InputError(
            f"A scenario file holds numbers, text and lists, but it was given more ({first_line(error)}). Leave it out."
        ) from None
    return _compact(text)


def _compact(text: str) -> str:
    """Rows of numbers on one line, and small matrices too; arrays with text in them stay as they are."""

    def joined(array: re.Match[str]) -> str:
        line = f"[{' '.join(array[1].split())}]"
        return line if len(line) <= 100 or "[" not in line[1:] else array[0]

    rows = re.sub(r"\[\n([^\[\]\"]*?),?\n\s*\]", joined, text)
    return re.sub(r"\[\n((?:\s*\[[^\[\]\"\n]*\],?\n)*?\s*\[[^\[\]\"\n]*\]),?\n\s*\]", joined, rows)


def _option_to_plain(value: Any) -> Any:
    if isinstance(value, LogSpaced):
        return value.plain()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [_option_to_plain(x) for x in value] if isinstance(value, list | tuple) else value
