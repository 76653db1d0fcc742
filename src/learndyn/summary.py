"""A result in a few lines of text: its table, how the run ended, where it stood still, and who follows whom.

z = (mean of the simulation - theory) / standard error of that mean
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from learndyn.results import is_simulation, main_curve, mean_and_error, scenario_of, size_of, time_of

ROWS = 11
# Of more rows not all are searched for plateaus: it takes the square of their number.
SEARCHED = 5000
LARGE_Z = 4.0
FEW_REPLICAS = 5
LISTED_UNITS = 10
# What a main curve is to become.
GOALS = {"eps_g": 0.0, "alignment": 1.0}


def _mean_and_error(simulation: Any) -> tuple[np.ndarray, np.ndarray]:
    """The main curve averaged over replicas, and its standard error (NaN for one replica)."""
    name = main_curve(simulation)
    if simulation.sizes.get("replica", 1) > 1:
        simulation = mean_and_error(simulation[[name]])
    values, error = simulation[name].values.reshape(-1), f"{name}_error"
    return values, simulation[error].values if error in simulation else np.full_like(values, np.nan)


def table(theory: Any = None, simulation: Any = None) -> str:
    """About 11 rows of time, the main curve in theory and in simulation with its standard error, and z.

    Theory and simulation are compared where both have a row; a row is empty where one has none. A simulation of several
    N has a table of its own: one row an N, at the last time.
    """
    if simulation is not None and "N" in simulation.dims:
        return _scaling(theory, simulation)
    columns = _columns(theory, simulation)
    shown: Any = theory if theory is not None else simulation
    curve = main_curve(shown)
    # The head of each column, and the format of its numbers.
    heads = {"time": (f"{time_of(shown):>10}", "10.6g")}
    if theory is not None:
        heads["theory"] = (f"{f'{curve} theory':>14}", "14.6e")
    if simulation is not None:
        heads |= {"mean": (f"{f'{curve} simulation':>16}", "16.6e"), "error": (f"{'+- std. error':>14}", "14.1e")}
    if theory is not None and simulation is not None:
        heads["z"] = (f"{'z':>8}", "+8.1f")
    lines = ["  ".join(head for head, _ in heads.values())]
    for row in range(len(columns["time"])):
        cells = [f"{_cell(columns[name][row], form):>{len(head)}}" for name, (head, form) in heads.items()]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def _scaling(theory: Any, simulation: Any) -> str:
    """At the last time, for each N: the mean of the main curve, its deviation, and both as they scale with N."""
    time, curve = time_of(simulation), main_curve(simulation)
    if simulation.sizes[time] == 0:
        return "The simulation has no row."
    last = simulation.isel({time: -1})
    at = float(last[time])
    limit = _at(np.array([at]), theory[time].values, theory[curve].values)[0] if theory is not None else np.nan
    mean = last[curve].mean("replica").values
    std = last[curve].std("replica", ddof=1).values if simulation.sizes["replica"] > 1 else np.full(len(mean), np.nan)
    error = std / math.sqrt(simulation.sizes["replica"])
    head = (f"{'N':>8}", f"{curve} at {time}={at:g}", "+- std. error", "std sqrt(N)", "(mean - theory) N", "+-")
    lines = ["  ".join(f"{word:>{len(word) + 2}}" for word in head)]
    for index, N in enumerate(last["N"].values.tolist()):
        values = (mean[index], error[index], std[index] * math.sqrt(N), (mean[index] - limit) * N, error[index] * N)
        cells = [f"{N:>{len(head[0]) + 2}}"]
        cells += [_cell(value, f"{len(word) + 2}.4g") for value, word in zip(values, head[1:], strict=True)]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def _cell(value: float, form: str) -> str:
    width = int(form.lstrip("+").split(".")[0])
    return f"{value:>{form}}" if np.isfinite(value) else f"{'-':>{width}}"


def _columns(theory: Any, simulation: Any) -> dict[str, np.ndarray]:
    """The chosen rows; NaN where there is nothing to show."""
    rows: dict[str, np.ndarray] = {}
    simulated = simulation[time_of(simulation)].values if simulation is not None else np.empty(0)
    solved = theory[time_of(theory)].values if theory is not None else np.empty(0)
    times = _spread(simulated if len(simulated) else solved)
    if len(solved) and len(times) and solved[-1] > times[-1]:
        times = np.append(times, solved[-1])
    rows["time"] = times
    if theory is not None:
        rows["theory"] = _at(times, solved, theory[main_curve(theory)].values)
    if simulation is not None:
        mean, error = _mean_and_error(simulation)
        rows["mean"], rows["error"] = _at(times, simulated, mean), _at(times, simulated, error)
        if theory is not None:
            # At the start all replicas are the same up to rounding: there is no spread to compare with.
            spread = rows["error"] > 1e-9 * np.abs(rows["mean"])
            error = np.where(spread, rows["error"], np.nan)
            rows["z"] = (rows["mean"] - rows["theory"]) / error
    return rows


def _spread(times: np.ndarray) -> np.ndarray:
    return times[np.unique(np.linspace(0, len(times) - 1, ROWS).round().astype(int))] if len(times) else times


def _at(times: np.ndarray, axis: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The values at these times, NaN where the axis does not have one."""
    found = np.full(len(times), np.nan)
    if len(axis):
        # The nearest: rounding may have put it on either side.
        place = np.abs(axis[:, None] - times).argmin(0)
        same = np.isclose(axis[place], times, rtol=1e-12, atol=0.0)
        found[same] = values[place[same]]
    return found


def note_on_z(theory: Any, simulation: Any) -> str | None:
    """One sentence where |z| is large: it is a comparison with a limit."""
    if "N" in simulation.dims:
        return None
    z = _columns(theory, simulation)["z"]
    largest = float(np.nanmax(np.abs(z))) if np.isfinite(z).any() else 0.0
    if largest < LARGE_Z:
        return None
    replicas = simulation.sizes.get("replica", FEW_REPLICAS)
    if _in_the_limit_of_the_rate(simulation):
        reason = (
            f"theory is for a learning rate to 0, so z also measures the finite learning_rate = "
            f"{scenario_of(simulation).learning_rate:g}, which shifts means by O(learning_rate); it falls with it."
        )
    else:
        reason = (
            f"theory is for N to infinity, so z also measures the finite N = {size_of(simulation)}, which shifts means "
            "by O(1/N) and makes replicas leave a plateau at other times; it falls as N grows."
        )
    return f"|z| reaches {largest:.0f}: {reason}" + (
        f" A standard error from {replicas} replicas is itself uncertain." if replicas < FEW_REPLICAS else ""
    )


def _in_the_limit_of_the_rate(result: Any) -> bool:
    """Whether the theory of this result's scenario is that of a vanishing learning rate, at any number of inputs."""
    return main_curve(result) != "eps_g"


def status(result: Any) -> str:
    """How the run ended, and what it cost."""
    options, timings = json.loads(result.attrs["options"]), json.loads(result.attrs["timings"])
    preparing = sum(timings.get(part, 0.0) for part in ("trace", "compile"))
    cost = f"compiling {_seconds(preparing)}, running {_seconds(timings.get('run', 0.0))}"
    engine = result.attrs["engine"]
    if is_simulation(result):
        engine = f"simulation ({engine})"
        kept = result.sizes.get("replica", "mean or one")
        if _in_the_limit_of_the_rate(result):
            size = f"learning_rate = {scenario_of(result).learning_rate:g}"
        else:
            size = f"N = {size_of(result)}"
        how = f"{kept} of {options['replicas']} replicas at {size}, seed {result.attrs['seed']}"
    else:
        how = f"{options['steps']} steps of the solver" if "steps" in options else "in closed form"
    return f"{engine}: {result.attrs['status']}{_where(result)}. {result.attrs['message']} ({how}; {cost})"


def _where(result: Any) -> str:
    times = result[time_of(result)].values
    return f" at {time_of(result)} = {times[-1]:.6g}" if len(times) else ""


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.1 else f"{1000 * value:.0f} ms"


def stand_still(result: Any) -> str | None:
    """The plateaus of eps_g, a line for each, as `ld.plateaus` finds them.

    Of an alignment, which is to become 1, the distance 1 - alignment takes the place of eps_g. What has no goal has no
    plateau.
    """
    from learndyn.analysis.plateaus import TOLERANCE, floor_of, plateaus_of_curve

    name, curve = time_of(result), main_curve(result)
    if curve not in GOALS or result[curve].ndim > 1:
        return None
    said = curve if GOALS[curve] == 0.0 else f"{GOALS[curve]:g} - {curve}"
    distance = np.abs(GOALS[curve] - result[curve].values)
    rows = slice(None, None, 1 + len(distance) // SEARCHED)
    lines = [
        f"{'Plateau' if each.left else 'Level to the end'}: {said} stays within {TOLERANCE:.0%} of {each.height:.4g} "
        f"from {name} = {each.entry:.4g} to {each.exit:.4g}."
        for each in plateaus_of_curve(result[name].values[rows], distance[rows], floor_of(result))
    ]
    return "\n".join(lines) or None


def followers(result: Any) -> str | None:
    """For each student unit the teacher unit that it is closest to in the last row, and since when."""
    if "cosine" not in result or result.sizes["student"] > LISTED_UNITS or "replica" in result.dims:
        return None
    name, times = time_of(result), result[time_of(result)].values
    cosine = result["cosine"].transpose(..., "student", "teacher").values
    specialisation = result["specialisation"].transpose(..., "student").values
    parts = []
    for unit in range(cosine.shape[1]):
        nearest = int(np.argmax(np.abs(cosine[-1, unit])))
        part = f"{unit + 1} -> {nearest + 1} (cosine {cosine[-1, unit, nearest]:.4f}"
        apart = specialisation[:, unit] > 0.5
        if cosine.shape[2] > 1 and apart[-1]:
            since = len(apart) - int(np.argmin(apart[::-1])) if not apart.all() else 0
            part += f", specialised since {name} = {times[since]:.4g}"
        parts.append(part + ")")
    return "Closest teacher unit at the end: " + "; ".join(parts) + "."


def strays(theory: Any, simulation: Any) -> str | None:
    """How many replicas specialised to other teacher units than theory: at finite N, chance has a say in it."""
    if "cosine" not in simulation or not simulation["cosine"].size or "N" in simulation.dims:
        return None
    last = float(simulation[time_of(simulation)].values[-1])
    row = theory.sel({time_of(theory): last}, method="nearest")
    settled = row["specialisation"].values > 0.5
    expected = np.abs(row["cosine"].transpose("student", "teacher").values).argmax(-1)
    cosine = simulation["cosine"].isel({time_of(simulation): -1}).transpose("replica", "student", "teacher").values
    other = (np.abs(cosine).argmax(-1) != expected)[:, settled].any(-1)
    if cosine.shape[-1] < 2 or not other.any():
        return None
    return (
        f"In {other.sum()} of {len(other)} replicas student units took other teacher units than in theory, by chance: "
        "eps_g does not notice, but a mean of R or Q over replicas mixes the cases."
    )
