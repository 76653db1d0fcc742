"""The diffusion engine: the order parameters at large N as a stochastic differential equation, with exact coefficients.

    dz = [F(z) + c(z) / N] d alpha + N^(-1/2) Sigma(z)^(1/2) dW

F is the drift, c / N its exact correction and Sigma the covariance of one exact increment, so that mean and covariance
of z are those of the exact process up to O(1 / N^2). The cost does not grow with N.

The steps are in `learndyn.engines.diffusion_steps`; here are the rows, the random streams and what is said about the
error of the steps. Replicas go side by side in groups of a fixed number of lanes, always the same lane for the same
replica, because a compiled program of another width may round differently. Replica r draws its normals from its own
stream (`learndyn.engines.streams`) in the order of its injections. Same scenario, times, seed and kind of CPU or
GPU: the same bits, for any number of threads and replicas and any chunk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import jax
import numpy as np

from learndyn.arguments import number
from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.driver import EarlyStop, Outcome, Progress, run_replicas
from learndyn.engines.programs import compile_program
from learndyn.engines.streams import generator_from, generator_state, stream
from learndyn.errors import InputError

LANES, LANES_ON_GPU = 32, 1024
# Draws of the increment in an injection: PAIRS differences of two. Their sum has an excess kurtosis 2 PAIRS times
# smaller than an increment, so that already a few injections are as good as Gaussian.
PAIRS = 16
# Injections in one call of the compiled program, and the most normals that a call is given.
INJECTIONS, MOST_NORMALS = 64, 4_000_000
CHUNK = 4
# The first interval is short, to meet the rates at which noise decays, but not so short that the noise of few updates
# takes a singular start (a student of length 0, say) out of the possible states.
FIRST_UPDATES, FIRST_INTERVAL = 1000.0, (1e-3, 0.1)
SMALLEST_N = 1000
DEFAULT_TOLERANCE, LARGEST_TOLERANCE = 1e-3, 0.1
GROWTH_LIMIT = 1e6  # learning has diverged when the size of the state exceeds this multiple of its natural scale
# Overlaps may leave the closed set of covariances by the error of a step, relative to the scale.
LOST_POSITIVITY = 1e-6
# The pilot's fine lane: its step error over that of the replicas. Noise of this relative size tells its lanes the
# rates at which noise decays, as in the replicas, and moves them by as small a part of a standard deviation.
FINER, WHISPER = 1e-2, 1e-4
# Smaller standard deviations, relative to the state, are made of rounding errors.
ROUNDING = 1000.0 * float(np.finfo(float).eps)
# The lane's status, beside those of `diffusion_steps`.
LOST = 4


@dataclass(frozen=True)
class DiffusionRun:
    """The states that a run recorded.

    ``states`` has shape (replicas, rows, n), ``times`` (rows,). ``replicas`` are the numbers of the replicas that are
    kept. ``status`` is ``"ok"``, ``"interrupted"``, ``"diverged"``, ``"lost_positivity"`` or ``"not_finite"``; except
    for the first, rows or replicas are missing, as ``message`` says. ``errors`` states the error of the steps:

    - ``"tolerance"``: what was asked for;
    - ``"mean_step_error"``: error of the deterministic steps over the standard deviation among replicas, the largest
      of all rows and order parameters, measured on the path without noise against steps with a hundredth of their
      error; None when no row has a standard deviation well above rounding to compare with;
    - ``"std_step_error"``: relative error of the standard deviations, estimated from the fastest rate at which noise
      was seen to decay or grow, the largest of all intervals and replicas;
    - ``"steps"``: deterministic steps of a replica, on average.

    ``timings`` holds seconds: ``"trace"``, ``"compile"`` and ``"run"``.
    """

    times: np.ndarray
    states: np.ndarray
    replicas: np.ndarray
    status: str
    message: str
    errors: dict[str, float | None]
    timings: dict[str, float]


def require_limits(N: int, tolerance: float) -> float:
    """The tolerance, refused where it or N is outside of what the diffusion serves."""
    if N < SMALLEST_N:
        raise InputError(
            f"Argument `N` must be at least {SMALLEST_N} for method='diffusion', which leaves out terms of order "
            f"1 / N^2, but it is {N}. Use method='overlaps', which is exact for every N."
        )
    tolerance = number(tolerance, "tolerance", above=0.0)
    if tolerance > LARGEST_TOLERANCE:
        raise InputError(
            f"Argument `tolerance` must be above 0 and at most {LARGEST_TOLERANCE:g}, but it is {tolerance:g}. Leave "
            f"it out ({DEFAULT_TOLERANCE:g})."
        )
    return tolerance


def run_diffusion(
    scenario: Any,
    start: Any,
    N: int,
    times: np.ndarray,
    *,
    replicas: int = 1,
    seed: int,
    threads: int | None = None,
    chunk: int | None = None,
    progress: Progress = None,
    checkpoint: Checkpoint | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
) -> DiffusionRun:
    """Simulate the order parameters as a diffusion and record them.

    Parameters
    ----------
    scenario
        A scenario with ``flow`` and ``noise``.
    start
        A start that the scenario has checked; every replica starts there.
    N
        Input dimension, at least 1000.
    times
        Times of the rows, increasing, none before the start; met exactly.
    replicas
        Number of independent runs.
    seed
        A non-negative integer.
    threads
        Groups of replicas that run at the same time; None: as many as this process has cores.
    chunk
        Calls of the compiled program (64 injections each) between two looks at Ctrl-C; None: 4. Does not change the
        result.
    progress, checkpoint
        As in `learndyn.engines.driver.run_replicas`.
    tolerance
        Above 0 and at most 0.1. The error of a deterministic step is held below this part of the noise of the same
        step, and the relative error of the standard deviations, as estimated, below this number.

    Returns
    -------
    DiffusionRun
        With status ``"diverged"``, and the rows before, when the size of a state exceeded 1e6 times its natural scale
        or became NaN; ``"lost_positivity"`` when a row was no possible state by more than 1e-6 of its scale;
        ``"not_finite"`` when the drift changed too fast to follow.

    Raises
    ------
    InputError
        When N or the tolerance is out of range, or the scenario has no diffusion.
    KeyboardInterrupt
        When interrupted before any row was recorded.

    Notes
    -----
    Valid for N >> K + M, and Gaussian only after some tens of injections or many updates. A row is tested for being a
    possible state; the times between rows are not. Cost: alpha = 100 at any N from 1e7 on, 100 replicas with 201 rows,
    on one core: 0.4 s (K = M = 1), 2 s (erf, K = M = 2), 5 s (relu, K = M = 2), 30 s (erf, K = M = 4); the first call
    compiles for 2 to 5 s. Up to 32 replicas cost as much as one.
    """
    tolerance = require_limits(N, tolerance)
    plan, timings = _make_plan(scenario, start, int(N), np.array(times, dtype=float), seed, tolerance, chunk)
    begin = perf_counter()
    lanes = plan.lanes
    shape = (max(replicas, lanes), plan.times.size, plan.state.size)
    states = np.full(shape, np.nan)  # a row that was not reached stays NaN, and is never handed out
    units = [
        _Group(plan, range(first, min(first + lanes, replicas)), states[first : first + lanes])
        for first in range(0, replicas, lanes)
    ]
    mean_error = _pilot(plan)
    if checkpoint is not None:
        checkpoint = checkpoint.including(**plan.identity(replicas))
    updates = max(1, plan.updates(plan.times[-1]))
    outcome = run_replicas(units, updates=updates, threads=threads, progress=progress, checkpoint=checkpoint)
    timings["run"] = perf_counter() - begin
    kept = states[outcome.kept, : outcome.rows]
    return DiffusionRun(
        times=plan.times[: outcome.rows],
        states=kept,
        replicas=outcome.kept,
        status=outcome.status,
        message=_message(outcome, plan),
        errors=_errors(plan, units, outcome, mean_error, states[:lanes]),
        timings=timings,
    )


@dataclass(frozen=True)
class _Plan:
    """What all replicas of a run share."""

    scenario: Any
    program: Any
    values: dict[str, np.ndarray]
    state: np.ndarray
    at: float
    N: int
    times: np.ndarray
    seed: int
    tolerance: float
    chunk: int
    limit: float
    normals: tuple[int, ...]  # shape of the normals of one lane in one call
    lanes: int  # of a group

    @property
    def first(self) -> int:
        """1 where the start itself is a row, else 0."""
        return int(self.times.size > 0 and self.times[0] <= self.at)

    def identity(self, replicas: int) -> dict[str, Any]:
        """What fixes the bits, beside the scenario, for a checkpoint."""
        return {
            "engine": "diffusion",
            "start": [self.at, *self.state.tolist()],
            "N": self.N,
            "times": self.times.tolist(),
            "replicas": replicas,
            "seed": self.seed,
            "tolerance": self.tolerance,
        }

    def updates(self, time: Any) -> int:
        """Updates made at a time."""
        return round((float(time) - self.at) * self.N)

    def windows(self, rows: np.ndarray) -> np.ndarray:
        """The next times to record, for lanes that have recorded ``rows`` after the start; infinity after the last."""
        size = self.normals[0] // 2 + 2
        ahead = np.append(self.times[self.first :], np.full(size, np.inf))
        return ahead[rows[:, None] + np.arange(size)]

    def first_carry(self, tolerance: np.ndarray, loudness: float, awake: int) -> dict[str, np.ndarray]:
        """Lanes at the start, the first ``awake`` of them awake."""
        from learndyn.engines.diffusion_steps import first_carry

        row = float(self.windows(np.zeros(1, dtype=int))[0, 0])
        asleep = (np.arange(self.lanes) >= awake) | np.isinf(row)
        row = row if np.isfinite(row) else self.at + 1.0
        return first_carry(
            self.state, self.at, row, first=float(np.clip(FIRST_UPDATES / self.N, *FIRST_INTERVAL)),
            tolerance=tolerance, loudness=loudness, asleep=asleep,
        )  # fmt: skip

    def advance(
        self, carry: dict[str, np.ndarray], streams: list[np.random.Generator]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """One call of the program: each lane that runs uses up its normals or comes to its end."""
        normals = np.zeros((self.lanes, *self.normals))
        for lane in np.flatnonzero(carry["status"] == 0):
            streams[lane].standard_normal(out=normals[lane])
        numbers = np.array([self.N, self.limit])
        with jax.enable_x64(True):
            carry, rows = self.program(carry, normals, self.windows(carry["rows"]), self.values, numbers)
            return {name: np.array(array) for name, array in carry.items()}, np.asarray(rows)


_programs: dict[Any, Any] = {}


def _make_plan(
    scenario: Any, start: Any, N: int, times: np.ndarray, seed: int, tolerance: float, chunk: int | None
) -> tuple[_Plan, dict[str, float]]:
    """The plan with its compiled program, and the seconds that the compilation took."""
    if not hasattr(scenario, "noise"):
        raise InputError(
            "Argument `scenario` must say how its runs fluctuate for method='diffusion', but "
            f"{type(scenario).__name__} does not. Use another method."
        )
    state, values = scenario.initial_state(start), scenario.values()
    width, lanes = scenario.noise().normals, LANES_ON_GPU if jax.default_backend() == "gpu" else LANES
    injections = int(np.clip(MOST_NORMALS // (lanes * PAIRS * 2 * width), 8, INJECTIONS))
    plan = partial(
        _Plan, scenario, values=values, state=state, at=float(start.at), N=N, times=times, seed=seed,
        tolerance=tolerance, chunk=CHUNK if chunk is None else chunk, limit=GROWTH_LIMIT * scenario.scale(state),
        normals=(injections, PAIRS, 2, width), lanes=lanes,
    )  # fmt: skip
    timings = {"trace": 0.0, "compile": 0.0}
    return plan(program=_compiled(scenario, plan(program=None), timings)), timings


def _compiled(scenario: Any, plan: _Plan, timings: dict[str, float]) -> Any:
    """The program for this kind of scenario, traced and compiled once a process."""
    key = (scenario.flow().key, scenario.noise().key, plan.normals, plan.lanes, frozenset(plan.values))
    if key not in _programs:
        carry = plan.first_carry(np.full(plan.lanes, plan.tolerance), 1.0, plan.lanes)
        normals, windows = np.zeros((plan.lanes, *plan.normals)), plan.windows(carry["rows"])
        arguments = (carry, normals, windows, plan.values, np.array([plan.N, plan.limit]))
        with jax.enable_x64(True):
            _programs[key] = compile_program(
                "diffusion", key[:2], lambda: _segment(scenario), arguments, timings, small=True
            )
    return _programs[key]


def _segment(scenario: Any) -> Any:
    from learndyn.engines.diffusion_steps import Model, advance

    flow, noise = scenario.flow(), scenario.noise()
    return partial(advance, Model(flow.drift, noise.length_term, noise.increments, flow.size))


class _Group:
    """Replicas in the lanes of one program: a unit of the driver (`learndyn.engines.driver.Unit`).

    In the first group all lanes run, also those that nobody asked for: the spread among them is what the error of the
    steps is compared with, whatever the number of replicas.
    """

    def __init__(self, plan: _Plan, numbers: range, states: np.ndarray) -> None:
        self.numbers = numbers
        self.position = 0
        self.rows = 0
        self.finished = False
        self.early_stop: EarlyStop | None = None
        self.worst, self.steps = 0.0, 0.0
        self._plan, self._states = plan, states
        self._carry: dict[str, np.ndarray] | None = None
        self._streams: list[np.random.Generator] = []

    def advance(self) -> None:
        """One chunk."""
        if self._carry is None:
            self._begin()
        for _ in range(self._plan.chunk):
            if not self.finished:
                self._call()
        if self.finished:
            self._streams = []

    def _begin(self) -> None:
        plan, lanes = self._plan, len(self._states)
        first = self.numbers[0]
        self._streams = [stream(plan.seed, "diffusion", plan.N, first + lane) for lane in range(lanes)]
        self._carry = plan.first_carry(np.full(plan.lanes, plan.tolerance), 1.0, lanes)
        self._states[:, : plan.first] = plan.state
        self._settle()

    def _call(self) -> None:
        assert self._carry is not None
        plan, before = self._plan, self._carry["rows"]
        self._carry, rows = plan.advance(self._carry, self._streams)
        for lane, states in enumerate(self._states):
            begin, end = before[lane] + plan.first, self._carry["rows"][lane] + plan.first
            good = plan.scenario.first_impossible(rows[lane, : end - begin], LOST_POSITIVITY) if end > begin else 0
            states[begin : begin + good] = rows[lane, :good]
            if good < end - begin:
                self._carry["status"][lane], self._carry["time"][lane] = LOST, plan.times[begin + good]
                self._carry["rows"][lane] = before[lane] + good
        self._settle()

    def _settle(self) -> None:
        """Where the group stands: the driver's attributes, from the lanes that were asked for."""
        assert self._carry is not None
        plan, mine = self._plan, slice(len(self.numbers))
        status, time = self._carry["status"][mine], self._carry["time"][mine]
        running, stopped = status == 0, status > 1
        self.rows = plan.first + int(self._carry["rows"][mine].min())
        self.position = plan.updates(time[running].min() if running.any() else plan.times[-1])
        self.worst, self.steps = float(self._carry["worst"][mine].max()), float(self._carry["tries"][mine].mean())
        if stopped.any():
            lane = int(np.flatnonzero(stopped)[np.argmin(time[stopped])])
            if not (running & (time <= time[lane])).any():
                self.position, self.finished = plan.updates(time[lane]), True
                self.early_stop = _early_stop(int(status[lane]), float(time[lane]), self.numbers[lane])
        elif not (self._carry["status"] == 0).any():
            self.finished = True

    def snapshot(self) -> dict[str, np.ndarray]:
        """The lanes, their random states and the rows so far."""
        assert self._carry is not None
        lanes = {f"carry {name}": array.copy() for name, array in self._carry.items()}
        states = np.array([generator_state(rng) for rng in self._streams]).reshape(-1, 6)
        return lanes | {"streams": states, "states": self._states.copy()}

    def restore(self, snapshot: Mapping[str, np.ndarray]) -> None:
        """Go on where a snapshot was taken."""
        prefix = "carry "
        self._carry = {
            name.removeprefix(prefix): array.copy() for name, array in snapshot.items() if name.startswith(prefix)
        }
        self._streams = [generator_from(state) for state in snapshot["streams"]]
        self._states[:] = snapshot["states"]
        mine = slice(len(self.numbers))
        self.worst, self.steps = float(self._carry["worst"][mine].max()), float(self._carry["tries"][mine].mean())


def _early_stop(status: int, time: float, replica: int) -> EarlyStop:
    where = f"at alpha = {time:.6g}"
    kept = "The rows before are kept;"
    names = {
        2: ("diverged", f"diverged {where}: the squared lengths exceeded {GROWTH_LIMIT:g} times their natural scale. "
            f"{kept} try a smaller learning rate."),
        3: ("not_finite", f"stopped {where}: the drift was not finite, or changed too fast to follow. {kept} try "
            "a larger tolerance, or method='overlaps'."),
        LOST: ("lost_positivity", f"was no longer a covariance {where}: so near the edge of the possible overlaps N is "
               f"too small for a diffusion. {kept} use method='overlaps', which is exact for every N."),
    }  # fmt: skip
    return EarlyStop(*names[status], replica)


def _pilot(plan: _Plan) -> np.ndarray:
    """The error of the deterministic steps on the path without noise, shape (rows, n); NaN beyond its end.

    Two lanes go with next to no noise, one with the steps of the replicas, one with a hundredth of their error.
    """
    tolerance = np.full(plan.lanes, plan.tolerance)
    tolerance[1] *= FINER
    carry = plan.first_carry(tolerance, WHISPER, 2)
    streams = [stream(plan.seed, "diffusion", plan.N, lane, part=1) for lane in range(2)]
    paths = np.full((2, plan.times.size, plan.state.size), np.nan)
    paths[:, : plan.first] = plan.state
    while (carry["status"] == 0).any():
        before = carry["rows"] + plan.first
        carry, rows = plan.advance(carry, streams)
        for lane in range(2):
            end = carry["rows"][lane] + plan.first
            paths[lane, before[lane] : end] = rows[lane, : end - before[lane]]
    return np.abs(paths[0] - paths[1])


def _errors(
    plan: _Plan, units: list[_Group], outcome: Outcome, mean_error: np.ndarray, states: np.ndarray
) -> dict[str, float | None]:
    """What is said about the error of the steps (`DiffusionRun`)."""
    rows = slice(plan.first, outcome.rows)
    spread = states[:, rows].std(0, ddof=1)
    size = np.abs(states[:, rows]).max((0, 2))
    told = (spread > ROUNDING * size[:, None]) & np.isfinite(mean_error[rows])  # False where NaN
    ratios = mean_error[rows][told] / spread[told]
    begun = [unit for unit in units if unit.steps > 0.0]
    return {
        "tolerance": plan.tolerance,
        "mean_step_error": float(ratios.max()) if ratios.size else None,
        "std_step_error": max((unit.worst for unit in begun), default=0.0),
        "steps": float(np.mean([unit.steps for unit in begun])) if begun else 0.0,
    }


def _message(outcome: Outcome, plan: _Plan) -> str:
    if outcome.status != "interrupted" or outcome.rows == 0:
        return outcome.message
    return f"{outcome.message} The last row is at alpha = {plan.times[outcome.rows - 1]:.6g}."
