"""The verb `plateaus`: where a learning curve stays nearly level before it falls on.

A plateau of height h: eps_g falls from (1 + tolerance) h to h, and on to (1 - tolerance) h, several times more slowly
than it falls by the same factors just before and just after.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import number, type_shown
from learndyn.errors import InputError, LearndynWarning
from learndyn.results import is_simulation, scenario_of

FEWEST = 8
# Below this part of its largest value eps_g of a simulation is a difference of nearly equal numbers.
SIMULATION_FLOOR = 1e-12
# Smoothing leaves noise of this part of the tolerance in ln eps_g.
QUIET = 0.25
# A simulation whose smoothing would take this part of its rows is too noisy.
LONGEST_WINDOW = 0.1
TOLERANCE, STEEPER = 0.1, 3.0


def plateaus(result: xr.Dataset, *, tolerance: float = TOLERANCE, steeper: float = STEEPER) -> xr.Dataset:
    """Where a learning curve stays nearly level: entry, exit, height and length of its plateaus.

    A plateau of height h is where eps_g needs ``steeper`` times longer to fall from (1 + tolerance) h to h than it
    needed for the fall by that factor before, and from h to (1 - tolerance) h than for the fall by that factor after.
    It is entered where eps_g comes below (1 + tolerance) h and left where it comes below (1 - tolerance) h. Of all such
    heights, the one counts that is reached longest after the entry and before the exit.

    Parameters
    ----------
    result
        A result of `ld.solve` or `ld.simulate`, with replicas or averaged over them; or an `ld.sweep` of them.
    tolerance
        How far eps_g may be off the height, as a part of it: above 0, below 1.
    steeper
        How many times faster eps_g falls before and after, above 1. At 3 a plateau is longer than about four times
        the time in which the deviation from it grows by a factor e.

    Returns
    -------
    xarray.Dataset
        With the dim ``plateau``, in the order of time (and one replica after the other): ``entry``, ``exit``,
        ``length`` = exit - entry, ``height``, ``left``, and ``resolution``, the time between two saved rows (and the
        window of the smoothing) at entry and exit, which they may be off by. With replicas also the coordinate
        ``replica``, with several N ``N``, of a sweep its parameters. A plateau that the run begins on has its entry at
        the start. One that it ends on, or a residual error that it settles at, has ``left`` False, and its exit is the
        last time. The final decay to zero is no plateau. Where there is none, the dim is empty. ``attrs["curves"]``
        says how many curves (replicas, sizes N) were looked at, ``attrs["without"]`` how many of them have none; where
        some have and some have not, ``attrs["message"]`` says so, and a `LearndynWarning` is given.

    Raises
    ------
    InputError
        When it is no result, has too few rows, or is too noisy.

    Notes
    -----
    Between rows ln eps_g is taken as linear in time. Rows of a simulation are averaged in ln eps_g over as many rows
    as bring their noise (estimated from second differences) below a quarter of the tolerance. Plateaus that are
    shorter than the rows' distance are not seen: ask for more rows with `save_at`.
    Cost: some 20 us a row.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5)
    >>> curve = ld.solve(scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-6), until=1000)
    >>> found = ld.plateaus(curve)
    >>> [round(float(found[name][0]), 3) for name in ("entry", "exit", "height")]
    [9.954, 422.747, 0.015]
    """
    tolerance, steeper = number(tolerance, "tolerance", above=0.0), number(steeper, "steeper", above=1.0)
    if tolerance >= 1.0:
        raise InputError(
            f"Argument `tolerance` must be below 1, but it is {tolerance:g}: eps_g is not negative. Use 0.1."
        )
    eps_g, time_name = _checked(result)
    times = result[time_name].values
    lead = [str(dim) for dim in eps_g.dims if dim != time_name]
    floor = floor_of(result)
    found: list[tuple[tuple[Any, ...], Plateau]] = []
    windows = []
    without = 0
    for place in product(*(result[dim].values.tolist() for dim in lead)):
        values = eps_g.sel(dict(zip(lead, place, strict=True))).values
        rows = _rows_above(values, floor)
        curve = _Curve.of(times[:rows], values[:rows], tolerance, noisy=is_simulation(result))
        windows.append(curve.window)
        here = _find(curve, tolerance, steeper, ends=rows == len(values))
        without += not here
        found += [(place, plateau) for plateau in here]
    kind = "replicas" if "replica" in lead else "curves"
    told = {
        "message": _message(len(found), without, len(windows), kind, steeper),
        "curves": len(windows),
        "without": without,
    }
    if 0 < without < len(windows):
        warnings.warn(told["message"], LearndynWarning, stacklevel=2)
    options = {"quantity": "plateaus", "tolerance": tolerance, "steeper": steeper, "window": max(windows, default=1)}
    return _dataset(result, lead, found, {**told, "options": json.dumps(options)})


def _message(found: int, without: int, curves: int, kind: str, steeper: float) -> str:
    """How many there are, and which part of the curves has none."""
    many = f"{found} plateau{'' if found == 1 else 's'}"
    if not 0 < without < curves:
        return f"{many} in {curves} curve{'' if curves == 1 else 's'}."
    return (
        f"{without} of {curves} {kind} have no plateau that can be resolved: none on which eps_g falls {steeper:g} "
        f"times more slowly than before and after. The others have {many}. Count with attrs['without'], lower "
        f"`steeper`{', or use a larger N' if kind == 'replicas' else ''}."
    )


def plateaus_of_curve(times: np.ndarray, values: np.ndarray, floor: float) -> list[Plateau]:
    """The plateaus of a curve of theory that falls towards zero, as `plateaus` finds those of eps_g by default.

    Rows from the first one on that is below ``floor`` times the largest value are left out.
    """
    if len(times) < FEWEST:
        return []
    rows = _rows_above(values, floor)
    curve = _Curve.of(times[:rows], values[:rows], TOLERANCE, noisy=False)
    return _find(curve, TOLERANCE, STEEPER, ends=rows == len(values))


@dataclass(frozen=True)
class Plateau:
    """One plateau."""

    entry: float
    exit: float
    height: float
    left: bool
    resolution: float


def _checked(result: Any) -> tuple[xr.DataArray, str]:
    """eps_g and the name of time, of a result that can have plateaus."""
    if not isinstance(result, xr.Dataset) or "eps_g" not in result or "scenario" not in result.attrs:
        raise InputError(
            "Argument `result` must be a result of ld.solve or ld.simulate with its `eps_g`, but it is "
            f"{'another dataset' if isinstance(result, xr.Dataset) else type_shown(result)}. "
            "Pass the result as the verb gave it."
        )
    name = scenario_of(result).time_name
    rows = result.sizes.get(name, 1)
    if rows < FEWEST or name not in result["eps_g"].dims:
        raise InputError(
            f"Argument `result` must have at least {FEWEST} rows to show a plateau, but it has {rows}. "
            "Ask for more with save_at."
        )
    return result["eps_g"], name


def floor_of(result: xr.Dataset) -> float:
    """Below this part of its largest value eps_g of a result is a rounding error."""
    return SIMULATION_FLOOR if is_simulation(result) else json.loads(result.attrs["options"]).get("rtol", 1e-8)


def _rows_above(values: np.ndarray, floor: float) -> int:
    """The number of leading rows in which a curve is a number and no rounding error."""
    bad = ~(values > floor * np.nanmax(values, initial=0.0))
    return int(np.argmax(bad)) if bad.any() else len(values)


@dataclass(frozen=True)
class _Curve:
    """ln eps_g as a function of time, linear between rows, after averaging over `window` rows."""

    t: np.ndarray
    u: np.ndarray
    window: int

    @classmethod
    def of(cls, times: np.ndarray, values: np.ndarray, tolerance: float, *, noisy: bool) -> _Curve:
        u = np.log(values)
        if not noisy or len(u) < FEWEST:
            return cls(times, u, 1)
        # Second differences of white noise have six times its variance.
        noise = 1.4826 * float(np.median(np.abs(np.diff(u, 2)))) / np.sqrt(6.0)
        half = int(np.ceil(((noise / (QUIET * tolerance)) ** 2 - 1.0) / 2.0)) if noise > QUIET * tolerance else 0
        window = 2 * half + 1
        if window > max(1.0, LONGEST_WINDOW * len(u)):
            raise InputError(
                f"Argument `result` must be less noisy to show plateaus: ln eps_g scatters by {noise:.2g} from row "
                f"to row, beside a tolerance of {tolerance:g}. Average over replicas with ld.mean_and_error, use a "
                "larger tolerance or N, or save more rows."
            )
        total = np.concatenate([[0.0], np.cumsum(u)])
        rows = np.arange(len(u))
        # At the ends the window shrinks on both sides.
        reach = np.minimum(half, np.minimum(rows, rows[::-1]))
        return cls(times, (total[rows + reach + 1] - total[rows - reach]) / (2 * reach + 1), window)

    def leaves(self, row: int, below: float, above: float, step: int) -> tuple[float, float, int]:
        """When the curve leaves [below, above], going from a row inside in the direction of `step`.

        Time, the level at which it leaves (NaN if it does not before the end), and the first row outside.
        """
        ahead = self.u[row:] if step > 0 else self.u[row::-1]
        outside = (ahead < below) | (ahead > above)
        if not outside.any():
            return float(self.t[-1 if step > 0 else 0]), np.nan, row + step * len(ahead)
        j = row + step * int(np.argmax(outside))
        level = below if self.u[j] < below else above
        return self._crossing(j - step, j, level), level, j

    def _crossing(self, inside: int, outside: int, level: float) -> float:
        u, t = self.u, self.t
        part = (level - u[inside]) / (u[outside] - u[inside])
        return float(t[inside] + part * (t[outside] - t[inside]))

    def duration(self, moment: float, outside: int, level: float, width: float, step: int) -> float:
        """How long it takes from `level` at `moment` to a fall by `width` (a rise, going back), from a row outside.

        Where the run ends (or begins) before, at the mean speed up to there; infinity where there is none.
        """
        goal = level - step * width
        ahead = self.u[outside:] if step > 0 else self.u[outside::-1]
        there = (ahead <= goal) if step > 0 else (ahead >= goal)
        if there.any():
            j = outside + step * int(np.argmax(there))
            before = j - step
            # The row before may be the one inside, at which the curve is still on this side of `level`.
            return abs(self._crossing(before, j, goal) - moment)
        last = -1 if step > 0 else 0
        way = step * (level - float(self.u[last]))
        return abs(float(self.t[last]) - moment) * width / way if way > 0.0 else np.inf

    def spacing(self, row: int, step: int) -> float:
        """The time between a row and the one before it in the direction, and half a window."""
        neighbour = min(max(row - step, 0), len(self.t) - 1)
        gap = abs(float(self.t[row] - self.t[neighbour]))
        return gap * (1.0 + (self.window - 1) / 2.0)


def _find(curve: _Curve, tolerance: float, steeper: float, *, ends: bool) -> list[Plateau]:
    """The plateaus of one curve; ``ends``: the run ends with it, and not the digits of eps_g."""
    n = len(curve.t)
    if n < 3:
        return []
    down, up = -np.log1p(-tolerance), np.log1p(tolerance)
    stays = [_stay(curve, row, down, up) for row in range(n)]
    candidates = sorted(range(n), key=lambda row: max(stays[row][0] - curve.t[row], curve.t[row] - stays[row][1]))
    if ends:
        # What the run ends on has no far end: its centre is where the curve is flattest.
        first = max(stays[-1][3] + 1, 0)
        last = first + int(np.argmin(np.abs(np.gradient(curve.u, curve.t)[first:])))
        candidates = [last, n - 1, *candidates]
    found: list[Plateau] = []
    for row in [0, *candidates]:
        entry, exit_, left, before, after = stays[row]
        if any(entry < other.exit and other.entry < exit_ for other in found):
            continue
        if _level_enough(curve, row, stays[row], (down, up), steeper, ends=ends):
            gaps = [curve.spacing(j, s) for j, s, there in ((before, -1, before >= 0), (after, 1, after < n)) if there]
            height = float(np.exp(curve.u[row]))
            found.append(Plateau(entry, exit_, height, left, max(gaps, default=0.0)))
    return sorted(found, key=lambda plateau: plateau.entry)


def _stay(curve: _Curve, row: int, down: float, up: float) -> tuple[float, float, bool, int, int]:
    """How long the curve stays near a row: entry, exit, whether it leaves, and the rows outside on both sides."""
    below, above = curve.u[row] - down, curve.u[row] + up
    entry, _, before = curve.leaves(row, below, above, -1)
    exit_, level, after = curve.leaves(row, below, above, +1)
    return entry, exit_, bool(np.isfinite(level)), before, after


def _level_enough(
    curve: _Curve, row: int, stay: Any, widths: tuple[float, float], steeper: float, *, ends: bool
) -> bool:
    """Whether the curve falls faster by `steeper` before the stay around a row, and after it."""
    entry, exit_, left, before, after = stay
    (down, up), u, t = widths, curve.u[row], float(curve.t[row])
    if before < 0 and not left:
        return False
    if before < 0 and row > 0:
        # The run begins on it: the stay counts from there, at the height of the start.
        return False
    if before >= 0 and (curve.u[before] < u or curve.duration(entry, before, u + up, up, -1) * steeper > t - entry):
        return False
    if not left:
        return ends
    return bool(curve.u[after] < u) and curve.duration(exit_, after, u - down, down, +1) * steeper <= exit_ - t


def _dataset(result: xr.Dataset, lead: list[str], found: list[Any], own: dict[str, Any]) -> xr.Dataset:
    units = scenario_of(result).time.units
    texts = {
        "entry": ("time at which eps_g comes near the height", units),
        "exit": ("time at which eps_g leaves the height; the last time where it does not", units),
        "length": ("exit - entry", units),
        "height": ("eps_g on the plateau", "1"),
        "left": ("whether eps_g leaves the height before the end", "1"),
        "resolution": ("what entry and exit may be off by: the time between saved rows there", units),
    }
    columns: dict[str, np.ndarray] = {
        name: np.array([getattr(plateau, name) for _, plateau in found], dtype=bool if name == "left" else float)
        for name in texts
        if name != "length"
    }
    columns["length"] = columns["exit"] - columns["entry"]
    variables = {
        name: xr.Variable(("plateau",), columns[name], {"long_name": text, "units": unit})
        for name, (text, unit) in texts.items()
    }
    coordinates: dict[str, Any] = {"plateau": np.arange(1, len(found) + 1)}
    for order, dim in enumerate(lead):
        labels = np.array([place[order] for place, _ in found], dtype=result[dim].dtype)
        coordinates[dim] = ("plateau", labels)
    return xr.Dataset(variables, coordinates, {**result.attrs, **own})
