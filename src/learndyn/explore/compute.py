"""What the explorer computes of a setup: theory at once, then what it says of plateaus, rates and the plane."""

from __future__ import annotations

import json
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError, LearndynWarning
from learndyn.explore.curves import Drawn, drawn
from learndyn.explore.setup import Setup
from learndyn.results import time_of

# Where a curve of the default tolerance takes longer than this, a draft of a looser one is shown first.
DRAFT_ABOVE = 0.05
DRAFT: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-6}
# Fixed points that are looked for: two plateaus are more than most curves have.
MOST_POINTS = 2
GRID = 19
KEPT_RATES = 64
# A curve may take about so many seconds: so many steps are taken, by what a step takes. The first run of a program
# takes few steps, to measure them.
MOST_SECONDS = 10.0
PROBE, FEWEST_STEPS, MOST_STEPS = 16, 64, 100_000
# The search for a fixed point of more numbers than these takes minutes, and what is asked next would wait for it.
MOST_SEARCHED = 120
# A plateau that lasts to the end is none where a squared length has grown by so much from its beginning.
GROWN = 2.0


@dataclass(frozen=True)
class PlateauFound:
    """A plateau of the curve."""

    entry: float
    exit: float
    height: float
    left: bool


@dataclass(frozen=True)
class Theory:
    """A curve and what can be read off it."""

    setup: Setup
    result: xr.Dataset
    drawn: Drawn
    plateaus: list[PlateauFound]
    seconds: float
    draft: bool = False
    first: bool = False

    @property
    def ended_early(self) -> str:
        """Why the run ended early, or nothing."""
        if self.result.attrs["status"] != "max_steps":
            return "" if self.result.attrs["status"] == "ok" else self.result.attrs["message"]
        end, steps = float(self.result[time_of(self.result)][-1]), json.loads(self.result.attrs["options"])["steps"]
        return (
            f"Drawn up to {end:.4g} only: the explorer stops after some seconds, here {steps} steps. "
            "Choose an earlier end, or let ld.solve run longer in Python."
        )


@dataclass(frozen=True)
class Spectrum:
    """A fixed point near a plateau or the end of the run: its rates, largest first, and why there is none."""

    where: str
    kind: str = ""
    height: float = np.nan
    rates: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()
    directions: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Field:
    """The flow field of a state of two numbers, and the path of the run in it."""

    names: tuple[str, str]
    x: np.ndarray
    y: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    possible: np.ndarray
    path: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Details:
    """What takes longer than the curve; None: not asked for, or not there yet."""

    setup: Setup
    spectra: tuple[Spectrum, ...] | None = None
    critical_rate: float | None = None
    critical_rate_missing: str = ""
    field: Field | None = None


class Programs:
    """How long curves and their steps take whose equations are compiled, by program; empty: not compiled here."""

    def __init__(self) -> None:
        self._seconds: dict[Any, float] = {}
        self._a_step: dict[Any, float] = {}

    def known(self, setup: Setup) -> bool:
        """Whether the equations are compiled."""
        return setup.program in self._seconds

    def slow(self, setup: Setup) -> bool:
        """Whether a draft should come first."""
        return self._seconds.get(setup.program, 0.0) > DRAFT_ABOVE

    def note(self, setup: Setup, seconds: float) -> None:
        """Remember the time of a run; the first one compiles and says nothing."""
        self._seconds[setup.program] = seconds if self.known(setup) else 0.0

    def note_steps(self, setup: Setup, result: xr.Dataset) -> None:
        """Remember what a step takes: the least that was seen, on a busy machine."""
        steps = json.loads(result.attrs["options"]).get("steps")
        seconds = json.loads(result.attrs["timings"]).get("run")
        if steps is not None and seconds is not None:
            self._a_step[setup.program] = min(seconds / max(steps, 1), self._a_step.get(setup.program, np.inf))

    def most_steps(self, setup: Setup) -> int:
        """The steps that fit into the time of a curve; few where none has been measured."""
        a_step = self._a_step.get(setup.program)
        if a_step is None:
            return PROBE
        return int(np.clip(MOST_SECONDS / max(a_step, 1e-9), FEWEST_STEPS, MOST_STEPS))


PROGRAMS = Programs()


def theory(setup: Setup, *, draft: bool = False) -> Theory:
    """The learning curve of a setup, with its plateaus.

    Raises
    ------
    InputError
        When the setup is refused.
    """
    from learndyn.analysis.plateaus import FEWEST, plateaus

    first, began = not PROGRAMS.known(setup), perf_counter()
    result = _solved(setup, draft)
    seconds = perf_counter() - began
    if not draft:
        PROGRAMS.note(setup, seconds)
    found: list[PlateauFound] = []
    if setup.family.has_plateaus() and result.sizes[time_of(result)] >= FEWEST:
        level = plateaus(result)
        columns = (level[name].values.tolist() for name in ("entry", "exit", "height", "left"))
        found = [PlateauFound(*row) for row in zip(*columns, strict=True)]
        found = [plateau for plateau in found if plateau.left or not _grows(result, plateau.entry)]
    return Theory(setup, result, drawn(result, setup.family), found, seconds, draft, first)


def _solved(setup: Setup, draft: bool) -> xr.Dataset:
    """The run, with no more steps than take some seconds."""
    from learndyn.verbs import solve

    options = {**setup.options, **(DRAFT if draft else {}), "progress": False}
    while True:
        most = PROGRAMS.most_steps(setup)
        with warnings.catch_warnings():
            if most == PROBE:
                warnings.simplefilter("ignore", LearndynWarning)
            result = solve(setup.scenario, setup.start, **options, max_steps=most)
        PROGRAMS.note_steps(setup, result)
        if result.attrs["status"] != "max_steps" or most > PROBE:
            return result


def _grows(result: xr.Dataset, entry: float) -> bool:
    """Whether a squared length grows from some time to the end: an error may rest while the weights do not."""
    lengths = np.diagonal(result["Q"].values, axis1=-2, axis2=-1) if "Q" in result else np.ones((1, 1))
    row = int(np.searchsorted(result[time_of(result)].values, entry)) if len(lengths) > 1 else 0
    return bool(lengths[-1].max() > GROWN * max(float(lengths[row].max()), 1.0))


def details(of: Theory, tell: Callable[[Details], None], outdated: Callable[[], bool]) -> None:
    """Spectrum, flow field and critical rate, each told as soon as it is there, until there is something newer."""
    found = Details(of.setup)
    steps = (_with_field, _with_spectra, _with_critical_rate)
    for step in steps:
        if outdated():
            return
        found = step(found, of)
        tell(found)


def _with_field(found: Details, of: Theory) -> Details:
    return replace(found, field=field(of))


def _with_spectra(found: Details, of: Theory) -> Details:
    return replace(found, spectra=tuple(spectra(of)))


def _with_critical_rate(found: Details, of: Theory) -> Details:
    if not of.setup.family.has_critical_rate(of.setup.scenario):
        return replace(found, critical_rate_missing="-")
    rate, missing = critical_rate(of.setup.scenario)
    return replace(found, critical_rate=rate, critical_rate_missing=missing)


# Where learning stands still.


def spectra(of: Theory) -> list[Spectrum]:
    """The linearised flow on the plateaus that are left; where there are none, at the end of the run."""
    family, result = of.setup.family, of.result
    if not family.has_spectrum() or of.ended_early:
        return []
    if len(of.setup.scenario.initial_state(of.setup.start)) > MOST_SEARCHED:
        return [Spectrum("", missing="Not looked for here: networks of so many units take minutes.")]
    places = [plateau for plateau in of.plateaus if plateau.left][:MOST_POINTS]
    if places:
        return [
            _spectrum(of, "on the plateau", flattest(result, plateau.entry, plateau.exit), plateau.height)
            for plateau in places
        ]
    return [_spectrum(of, "where it ends", result.sizes[time_of(result)] - 1, None)]


def flattest(result: xr.Dataset, entry: float, exit: float) -> int:
    """The row between two times at which the order parameters change least."""
    time = result[time_of(result)].values
    rows = np.flatnonzero((time >= entry) & (time <= exit))
    if len(rows) < 3:
        return int(np.argmin(np.abs(time - 0.5 * (entry + exit))))
    states = np.concatenate([result[name].values[rows].reshape(len(rows), -1) for name in ("R", "Q")], axis=1)
    speed = np.abs(np.gradient(states, time[rows], axis=0)).max(axis=1)
    return int(rows[np.argmin(speed)])


def _spectrum(of: Theory, where: str, row: int, height: float | None) -> Spectrum:
    from learndyn.analysis.fixed_points import find_fixed_point

    try:
        point = find_fixed_point(of.setup.scenario, of.result.isel({time_of(of.result): row}))
    except InputError as error:
        return Spectrum(where, missing=_for_the_page(str(error)))
    value = float(point[of.setup.family.main]) if of.setup.family.main in point else np.nan
    if height is not None and not np.isclose(value, height, rtol=0.5, atol=1e-6):
        return Spectrum(where, missing="The fixed point that was found from here is another one.")
    rates = point["eigenvalues"].values
    frequencies = point["frequencies"].values if "frequencies" in point else np.zeros(len(rates))
    return Spectrum(
        where, point.attrs["kind"], value, tuple(rates.tolist()), tuple(frequencies.tolist()),
        tuple(point["direction"].values.tolist()),
    )  # fmt: skip


def _for_the_page(sentence: str) -> str:
    """Why there is no fixed point: the search has its words for Python."""
    if sentence.startswith("No fixed point was found"):
        return "No fixed point was found from here: learning does not stand still near these overlaps."
    return sentence


_RATES: OrderedDict[Any, tuple[float | None, str]] = OrderedDict()


def critical_rate(scenario: Any) -> tuple[float | None, str]:
    """The learning rate above which the solution is unstable, or why there is none; the same for all rates."""
    from learndyn.analysis.critical import critical_learning_rate

    try:
        key = scenario.replace(learning_rate=1.0)
    except InputError:
        key = scenario
    if key not in _RATES:
        try:
            _RATES[key] = float(critical_learning_rate(key).learning_rate), ""
        except InputError as error:
            _RATES[key] = None, str(error)
        while len(_RATES) > KEPT_RATES:
            _RATES.popitem(last=False)
    return _RATES[key]


# The plane.


def field(of: Theory) -> Field | None:
    """The flow field, of scenarios whose state is two numbers."""
    from learndyn.analysis.flow_field import flow_field

    scenario, result = of.setup.scenario, of.result
    names = scenario.parameter_names()
    if len(names) != 2 or len(scenario.initial_state(of.setup.start)) != 2 or of.ended_early:
        return None
    paths = {name: _component(result, name) for name in names}
    limits = of.setup.family.plane(scenario, paths)
    grids = [np.linspace(*limits[name], GRID) for name in names]
    try:
        found = flow_field(scenario, of.setup.start, x=(names[0], grids[0]), y=(names[1], grids[1]))
    except InputError:
        return None
    (x, y), (dx, dy, possible) = grids, (found[name].values for name in ("dx", "dy", "possible"))
    return Field((names[0], names[1]), x, y, dx, dy, possible, (paths[names[0]], paths[names[1]]))


def _component(result: xr.Dataset, name: str) -> np.ndarray:
    """R_11 or w_2 of a run in time."""
    variable, _, index = name.partition("_")
    places = [int(digit) - 1 for digit in index.replace(",", "")]
    dims = [dim for dim in result[variable].dims if dim != time_of(result)]
    return result[variable].isel(dict(zip(dims, places, strict=True))).values
