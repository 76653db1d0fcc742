"""The verb `escape_time`: how long learning stays near an unstable fixed point, predicted and measured.

    dz/dalpha = J (z - z*) near z*,   c = L (z - z*),   dc/dalpha = A c:   |exp(A t) c(0)| = threshold

with L the projection on what grows. With a single direction of rate lambda, t = ln(threshold / |c(0)|) / lambda.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis.fixed_points import MAX_STEPS as SEARCH_STEPS
from learndyn.analysis.fixed_points import TOLERANCE, NoFixedPointError, search
from learndyn.analysis.linearisation import LocalFlow
from learndyn.analysis.points import Point
from learndyn.arguments import number
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import tolerances
from learndyn.results import attributes
from learndyn.scenarios.base import checked_scenario
from learndyn.verbs.theory import DIVERGENCE, MAX_STEPS

# Rows in which a run is looked through, and in which the interval of the escape is.
ROWS, FINE = 401, 101
# A run is made longer by a factor 2 so many times before it counts as one that never becomes slow, or never escapes.
DOUBLINGS = 12
PATIENCE = 6
# A projection below this part of the state is rounding.
ROUNDING = 1e-14
# How much faster learning must become again after it was slow near a fixed point: the speed on a short plateau rises
# little more.
FASTER = 1.5


def escape_time(
    scenario: Any,
    start: Any,
    point: Any = None,
    *,
    threshold: float = 0.1,
    rtol: float = 1e-10,
    atol: float = 1e-14,
) -> xr.Dataset:
    """How long learning stays near an unstable fixed point: predicted from the linearised flow, and measured.

    Learning has escaped when the part of z - z* along the unstable directions, |L (z - z*)|, reaches the threshold. L
    projects on them along all other directions; lengths are those of the flat state (R, and each Q_ik once).

    Parameters
    ----------
    scenario
        Any scenario with a drift that does not depend on time.
    start
        An `ld.Start`, or one row of a result.
    point
        The fixed point z*: a result of `ld.find_fixed_point`, or a start or row near it. ``None``: the one near which
        the run from `start` first becomes slow.
    threshold
        Size of the deviation that counts as escaped, above 0.
    rtol, atol
        As for `solve`. Small deviations at the start are followed with atol below them.

    Returns
    -------
    xarray.Dataset
        Times since the start: ``measured``; ``predicted`` from the linearised flow at z* alone, by the projection of
        the start; ``refined``, the same from where the run comes closest to z*, at the time ``approach`` and the
        ``distance`` |z - z*|. Also ``projection``, |L (z - z*)| at the start, and ``rates`` (mode), the real parts of
        the eigenvalues that grow.

    Raises
    ------
    InputError
        When there is no such fixed point, it is stable, or the start has no part along its unstable directions.

    Notes
    -----
    ``predicted`` holds for a start near z*. From further away a part of the deviation grows or shrinks before the run
    is near: it then differs from ``measured`` by a time that does not depend on a small asymmetry X, so that both grow
    as ln(1/X) / lambda. ``refined`` is right up to what is of second order in ``distance`` and the threshold.
    ``measured`` is where the run's continuous extension crosses the threshold, to about 1e-6; a run that does not
    within 64 times ``predicted`` or 1 / lambda has NaN there, and gives a `LearndynWarning`.
    Reference: Straat (2018) p. 34-38; Saad & Solla (1995) Phys. Rev. E 52, 4225.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0, dynamics="gradient_flow")
    >>> escape = ld.escape_time(scenario, ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-4))
    >>> round(float(escape.measured), 3), round(float(escape.rates[0]), 6)
    (125.411, 0.06575)
    """
    scenario = checked_scenario(scenario)
    threshold = number(threshold, "threshold", above=0.0)
    rtol, atol = tolerances(rtol, atol)
    start = scenario.as_start(start)
    run = _Run(scenario, start.at, scenario.initial_state(start), rtol, atol)
    saddle = _slow_point(run) if point is None else _given_point(scenario, point)
    begin = saddle.project(run.state)
    size = float(np.linalg.norm(begin))
    if size <= ROUNDING * (1.0 + float(np.linalg.norm(run.state))):
        raise InputError(
            "Argument `start` must have a part along the unstable directions of the fixed point, but its projection is "
            f"{size:.2g}: it never leaves. Break the symmetry, as ld.Start.near_symmetric(scenario, X=1e-3) does."
        )
    predicted = saddle.time_to(begin, threshold)
    measured, approach, closest = _measure(run, saddle, threshold, predicted)
    found = {
        "measured": measured,
        "predicted": predicted,
        "refined": approach + saddle.time_to(saddle.project(closest), threshold),
        "approach": approach,
        "distance": float(np.linalg.norm((closest - saddle.state)[saddle.free])),
        "projection": size,
    }
    return _labelled(scenario, start, found, saddle, {"threshold": threshold, "rtol": rtol, "atol": atol})


def growing(J: np.ndarray, zero: float) -> tuple[np.ndarray, np.ndarray]:
    """L (m, n) and A (m, m) of the m eigenvalues whose real part is above `zero`: L J = A L, and L r = 0 on the rest.

    J = Z [[A, B], [0, D]] Z^T gives L = [1, Y] Z^T with A Y - Y D = B. |L r| = |r| in the space that grows.
    """
    from scipy.linalg import schur, solve_sylvester

    found: Any = schur(J, output="real", sort=lambda real, imaginary=0.0: real > zero)
    T, Z, m = found
    A, B, D = T[:m, :m], T[:m, m:], T[m:, m:]
    Y = solve_sylvester(A, -D, B) if m < len(J) else np.zeros((m, 0))
    return np.concatenate([np.eye(m), Y], axis=1) @ Z.T, A


@dataclass(frozen=True)
class _Saddle:
    """An unstable fixed point: c = L (z - z*) of the coordinates that can change, and A with dc/dalpha = A c."""

    state: np.ndarray
    free: np.ndarray
    L: np.ndarray
    A: np.ndarray
    rates: np.ndarray

    @classmethod
    def of(cls, scenario: Any, point: Point) -> _Saddle | None:
        """The saddle at this fixed point; None where nothing grows."""
        local, spectrum = LocalFlow.of(scenario, point.state), point.spectrum
        if spectrum.unstable == 0:
            return None
        L, A = growing(local.free_at(point.state)[1], spectrum.zero)
        return cls(point.state, local.free, L, A, spectrum.rates[: spectrum.unstable])

    def project(self, states: np.ndarray) -> np.ndarray:
        """c of states (..., n)."""
        return (states - self.state)[..., self.free] @ self.L.T

    def time_to(self, c: np.ndarray, threshold: float) -> float:
        """When |exp(A t) c| reaches the threshold, 0 if it has."""
        from scipy.linalg import expm
        from scipy.optimize import brentq

        def ahead(t: float) -> float:
            # What grows is taken out: no overflow.
            return float(np.log(np.linalg.norm(expm((self.A - fastest) * t) @ c) / threshold) + rate * t)

        rate = float(self.rates[0])
        fastest = rate * np.eye(len(c))
        if ahead(0.0) >= 0.0:
            return 0.0
        end = -ahead(0.0) / rate
        while ahead(end) < 0.0:
            end = 2.0 * end
        root: Any = brentq(ahead, 0.0, end, xtol=1e-12)
        return float(root)


class _Run:
    """Runs from one start."""

    def __init__(self, scenario: Any, at: float, state: np.ndarray, rtol: float, atol: float) -> None:
        self.scenario, self.at, self.state, self.rtol, self.atol = scenario, at, state, rtol, atol

    def states(self, times: np.ndarray) -> np.ndarray:
        """States at times since the start, (times reached, n)."""
        from learndyn.engines.theory import integrate

        reach = self.scenario.reach(self.state[None], self.at)
        while True:
            run = integrate(
                self.scenario.flow(reach=reach), self.state, self.scenario.values(), self.at + times, self.at,
                rtol=self.rtol, atol=self.atol, limit=DIVERGENCE * self.scenario.scale(self.state), max_steps=MAX_STEPS,
            )  # fmt: skip
            if run.status == "interrupted":
                raise KeyboardInterrupt
            needed = None if reach is None else self.scenario.reach(run.states, run.times)
            if reach is None or needed is None or needed <= reach:
                return run.states[: len(times)]
            reach = needed


def _given_point(scenario: Any, point: Any) -> _Saddle:
    state = scenario.initial_state(scenario.as_start(point))
    found, _ = search(LocalFlow.of(scenario, state), state, TOLERANCE, SEARCH_STEPS)
    saddle = _Saddle.of(scenario, found)
    if saddle is None:
        raise InputError(
            f"Argument `point` must be an unstable fixed point, but the one there is {found.spectrum.kind}: learning "
            "does not escape from it. Give a start or a row near the plateau."
        )
    return saddle


def _slow_point(run: _Run) -> _Saddle:
    """The unstable fixed point near which the run first becomes slow, and then fast again."""
    local = LocalFlow.of(run.scenario, run.state)
    length = 1.0 / max(1e-12, float(np.abs(local.at(run.state)[0]).max()))
    for _ in range(DOUBLINGS):
        length *= 2.0
        states = run.states(np.linspace(0.0, length, ROWS))
        speed = np.array([np.linalg.norm(local.at(state)[0]) for state in states])
        for row in range(len(speed) - 1):
            slow = speed[row] <= speed[max(row - 1, 0)] and speed[row] <= speed[row + 1]
            if not slow or speed[row:].max() < FASTER * speed[row]:
                continue
            try:
                found, _ = search(local, states[row], TOLERANCE, SEARCH_STEPS)
            except NoFixedPointError:
                continue
            saddle = _Saddle.of(run.scenario, found)
            if saddle is not None:
                return saddle
    raise InputError(
        "Argument `point` must be given here: the run from `start` does not become slow near an unstable fixed point "
        f"and fast again within {length:.3g} units of time. Give a start or a row near the fixed point."
    )


def _measure(run: _Run, saddle: _Saddle, threshold: float, predicted: float) -> tuple[float, float, np.ndarray]:
    """When the run escapes (NaN if it does not), when it comes closest before, and the state there."""
    length = max(predicted, 1.0 / float(saddle.rates[0]))
    longest = 2.0**PATIENCE * length
    while True:
        times = np.linspace(0.0, length, ROWS)
        states = run.states(times)
        away = np.linalg.norm(saddle.project(states), axis=-1)
        near = np.linalg.norm((states - saddle.state)[:, saddle.free], axis=-1)
        closest = int(np.argmin(near))
        out = np.nonzero(away[closest:] >= threshold)[0]
        if out.size:
            row = closest + int(out[0])
            measured = _crossing(run, saddle, threshold, times[max(row - 1, 0)], times[row])
            return measured, float(times[closest]), states[closest]
        if len(states) < ROWS or length >= longest:
            break
        length *= 2.0
    warnings.warn(
        f"The run does not escape within {times[len(states) - 1]:.4g} units of time: the part along the unstable "
        f"directions reaches {away.max():.3g} at most, of {threshold:g}. Give a smaller threshold, or another point.",
        LearndynWarning,
        stacklevel=3,
    )
    return np.nan, float(times[closest]), states[closest]


def _crossing(run: _Run, saddle: _Saddle, threshold: float, before: float, after: float) -> float:
    """The time between two at which the deviation reaches the threshold, linear in its logarithm."""
    if before == after:
        return before
    times = np.linspace(before, after, FINE)
    away = np.log(np.linalg.norm(saddle.project(run.states(times)), axis=-1) / threshold)
    row = max(1, int(np.argmax(away >= 0.0)))
    part = away[row - 1] / (away[row - 1] - away[row])
    return float(times[row - 1] + part * (times[row] - times[row - 1]))


def _labelled(scenario: Any, start: Any, found: dict[str, float], saddle: _Saddle, options: dict[str, Any]) -> Any:
    units = scenario.time.units
    texts = {
        "measured": "time from the start to the escape, along the flow",
        "predicted": "time from the start to the escape, by the linearised flow from the start on",
        "refined": "time from the start to the escape, by the linearised flow from the closest approach on",
        "approach": "time from the start to the closest approach to the fixed point",
        "distance": "distance to the fixed point there",
        "projection": "part of the start along the unstable directions",
    }
    lengths = ("distance", "projection")
    variables = {
        name: xr.Variable((), value, {"long_name": texts[name], "units": "1" if name in lengths else units})
        for name, value in found.items()
    }
    rates = {"long_name": "real parts of the eigenvalues that grow", "units": f"1 / ({units})"}
    variables["rates"] = xr.Variable(("mode",), saddle.rates, rates)
    escaped = np.isfinite(found["measured"])
    attrs = attributes(
        scenario, start, status="ok" if escaped else "not_escaped",
        message="The run escapes."
        if escaped
        else "The run does not escape. Give a smaller threshold, or another point.",
        options={"quantity": "escape time", **options},
    )  # fmt: skip
    return xr.Dataset(variables, {"mode": np.arange(1, len(saddle.rates) + 1)}, attrs)
