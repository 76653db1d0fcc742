"""The verb of finite size: simulate, by one of three methods."""

from __future__ import annotations

import json
import secrets
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count, number
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times
from learndyn.results import trajectory, versions, with_observables
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.plain import scenario_to_plain, start_to_plain

METHODS = ["overlaps", "weights", "diffusion"]
# Updates are counted in integers of 64 bits.
MOST_UPDATES = 10**18
# Options that have one value for each N.
PER_SIZE = ("N", "mean_step_error", "std_step_error", "steps")
# Beyond, N and N - 1 are the same number in floating point.
LARGEST_N = 2**53


def simulate(
    scenario: Any,
    start: Any,
    until: float,
    *,
    N: Any,
    replicas: int = 1,
    method: str = "overlaps",
    save_at: Any = None,
    threads: int | None = None,
    tolerance: float | None = None,
    record_weights: bool = False,
    checkpoint: Any = None,
    checkpoint_every: float = 60.0,
    observables: dict[str, Any] | None = None,
    seed: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """The learning curve at finite N: gradient descent on real weight vectors and random inputs, in law.

        J_i <- J_i + (eta / N) delta_i xi,   xi ~ N(0, I_N),   delta_i = g'(x_i) (tau - sigma)

    For Gaussian inputs the order parameters follow a closed random process at every N >= K + M, which needs no weight
    vector: with C = [[Q, R], [R^T, T]], (x, y) ~ N(0, C) and |xi|^2 = (x, y) C^+ (x, y)^T + chi^2_{N - rank C},

        R <- R + (eta / N) delta y^T,   Q <- Q + (eta / N) (delta x^T + x delta^T) + (eta / N)^2 |xi|^2 delta delta^T

    Parameters
    ----------
    scenario
        An `ld.StudentTeacher` with ``dynamics="sgd"``.
    start
        An `ld.Start`, or one row of an earlier result.
    until
        The time alpha = updates / N at which to end.
    N
        Input dimension, a whole number of at least K + M; or several, for the dependence on size in one call.
    replicas
        Number of independent runs, for each N.
    method
        ``"overlaps"``: the process above, exact in law, O(K (K + M)) an update, for any N. ``"weights"``: the descent
        itself on drawn weight vectors, which start with exactly the overlaps of the start; O(N (K + M)) an update.
        ``"diffusion"``: the stochastic differential equation with the drift and the diffusion of that process, for
        large N; its steps do not depend on N.
    save_at
        As for `solve`; times are rounded to whole updates (not for ``"diffusion"``).
    threads
        Threads over which the replicas are spread; ``None``: all cores. The result does not depend on it.
    tolerance
        For ``"diffusion"``: the largest relative error that its steps may make in the standard deviations; ``None``:
        0.001; at most 0.1. ``attrs["options"]`` tells the error as it was estimated.
    record_weights
        For ``"weights"``: also return the weight vectors, ``J`` and ``B``.
    checkpoint
        A file in which the run keeps, every ``checkpoint_every`` seconds and at Ctrl-C, what it needs to go on. The
        same call then goes on from there, to the bits of a run that was never interrupted; at the end the file is
        removed. For a single N.
    checkpoint_every
        Seconds between two checkpoints.
    observables
        User observables: name -> function of the dataset.
    seed
        A whole number; the same seed gives the same bits. ``None`` draws one; ``attrs["seed"]`` tells it.
    progress
        Show a progress bar; ``None``: on a terminal, for runs over a second.

    Returns
    -------
    xarray.Dataset
        As for `solve`, with the dim ``replica`` first; `ld.mean_and_error` averages over it. With several N, the dim
        ``N`` comes before, ``alpha`` holds the times that were asked for and ``updates`` (N, alpha) the updates that
        were made. Ctrl-C keeps what is done: ``attrs["status"]`` is then ``"interrupted"``.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    ``"overlaps"`` and ``"weights"`` are exact for every N; their results agree in law, not run by run. Time on one core
    at K = M = 2: about 20 ns (ReLU) or 30 ns (erf) an update and replica for ``"overlaps"`` where 8 replicas or more
    run, 5 ns times N for ``"weights"``. Memory: O(K^2 + K M) and O(N (K + M)) for each running replica.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> runs = ld.simulate(perceptron, ld.Start(Q=0.25, R=0.0), until=2, N=100, replicas=3, seed=1)
    >>> dict(runs.eps_g.sizes)
    {'replica': 3, 'alpha': 201}
    >>> sizes = ld.simulate(perceptron, ld.Start(Q=0.25, R=0.0), until=2, N=[10**3, 10**4], replicas=50, save_at=[2])
    >>> spread = sizes.R.std("replica")  # falls as 1 / sqrt(N)
    >>> dict(spread.sizes)
    {'N': 2, 'alpha': 1, 'student': 1, 'teacher': 1}
    """
    scenario = checked_scenario(scenario)
    start = scenario.as_start(start)
    choice(method, "method", METHODS)
    _check_method(scenario, method, tolerance, record_weights)
    sizes = _sizes(N, scenario)
    several = _is_several(N)
    if several and (checkpoint is not None or record_weights):
        name = "record_weights" if checkpoint is None else "checkpoint"
        raise InputError(f"Argument `{name}` is for a single N, but `N` has {len(sizes)} values. Run them one by one.")
    request = _Request(
        scenario=scenario,
        start=start,
        until=float(number(until, "until")),
        times=save_times(save_at, start.at, until),
        replicas=count(replicas, "replicas"),
        method=method,
        threads=None if threads is None else count(threads, "threads"),
        tolerance=tolerance,
        record_weights=bool(record_weights),
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        seed=secrets.randbits(63) if seed is None else count(seed, "seed", 0),
        progress=progress,
    )
    if method != "diffusion":
        for size in sizes:
            _check_updates(request, size)
    result = _scaling(request, sizes) if several else request.run(sizes[0])
    if result.attrs["status"] != "ok":
        warnings.warn(result.attrs["message"], LearndynWarning, stacklevel=2)
    return with_observables(result, observables) if observables else result


@dataclass(frozen=True)
class _Request:
    """What the user asks for, checked; `run` fulfils it for one N."""

    scenario: Any
    start: Any
    until: float
    times: np.ndarray
    replicas: int
    method: str
    threads: int | None
    tolerance: float | None
    record_weights: bool
    checkpoint: Any
    checkpoint_every: float
    seed: int
    progress: Any

    def run(self, N: int) -> xr.Dataset:
        """The labelled result for one N; at most at one row an update."""
        common: dict[str, Any] = {
            "replicas": self.replicas,
            "seed": self.seed,
            "threads": self.threads,
            "progress": self.progress,
            "checkpoint": self._checkpoint(),
        }
        if self.method == "diffusion":
            return self._diffusion(N, common)
        at = self.start.at
        steps = np.unique(np.rint((self.times - at) * N).astype(np.int64))
        step, C = self.scenario.step(), self.scenario.covariance(self.start)
        if self.method == "weights":
            from learndyn.engines.weights import run_weights

            run = run_weights(step, C, self.scenario.K, N, steps, record_weights=self.record_weights, **common)
        else:
            from learndyn.engines.overlaps import run_overlaps

            run = run_overlaps(step, C, self.scenario.K, N, steps, **common)
        result = self._label(run, N, at + run.steps / N, self.scenario.pack(run.R, run.Q), {})
        return result if run.J is None or run.B is None else _with_weights(result, run.J, run.B)

    def _diffusion(self, N: int, common: dict[str, Any]) -> xr.Dataset:
        from learndyn.engines.diffusion import run_diffusion

        options = {} if self.tolerance is None else {"tolerance": number(self.tolerance, "tolerance", above=0.0)}
        run = run_diffusion(self.scenario, self.start, N, self.times, **options, **common)
        return self._label(run, N, run.times, run.states, run.errors)

    def _label(self, run: Any, N: int, times: np.ndarray, states: np.ndarray, more: dict[str, Any]) -> xr.Dataset:
        return trajectory(
            self.scenario, self.start, times, states,
            engine=self.method, status=run.status, message=run.message,
            options={"until": self.until, "N": N, "replicas": self.replicas, **more},
            timings={"trace": 0.0, **run.timings}, seed=self.seed, replicas=run.replicas,
        )  # fmt: skip

    def _checkpoint(self) -> Any:
        if self.checkpoint is None:
            return None
        from learndyn.engines.checkpoint import Checkpoint

        identity = {
            "method": self.method,
            "scenario": json.dumps(scenario_to_plain(self.scenario)),
            "start": json.dumps(start_to_plain(self.start)),
            "versions": versions(),
        }
        return Checkpoint(self.checkpoint, identity, self.checkpoint_every)


def _check_method(scenario: Any, method: str, tolerance: float | None, record_weights: bool) -> None:
    """Refuse what this method does not offer."""
    if method != "weights" and not scenario.gaussian_inputs:
        raise InputError(
            f"Argument `method` must be 'weights' for a scenario whose inputs are data, but it is {method!r}: the "
            "order parameters are a process of their own for Gaussian inputs only. Use method='weights'."
        )
    if tolerance is not None and method != "diffusion":
        raise InputError(
            f"Argument `tolerance` is for method='diffusion', but the method is {method!r}, which is exact. "
            "Leave it out."
        )
    if record_weights and method != "weights":
        raise InputError(
            f"Argument `record_weights` is for method='weights', but the method is {method!r}, which has no weight "
            "vectors. Use method='weights'."
        )


def _sizes(N: Any, scenario: Any) -> list[int]:
    """The input dimensions, checked before anything runs."""
    from learndyn.engines.simulation import require_room

    values = list(N) if _is_several(N) else [N]
    if not values:
        raise InputError("Argument `N` must be a whole number, or several, but it is empty. Write N=1000.")
    sizes = [count(value, "N") for value in values]
    for size in sizes:
        require_room(scenario.K + scenario.M, size)
        if size > LARGEST_N:
            raise InputError(
                f"Argument `N` must be at most {LARGEST_N:.1e}, but it is {size:.3e}. Use ld.solve for N to infinity."
            )
    if len(set(sizes)) < len(sizes):
        raise InputError(f"Argument `N` must hold different numbers, but it is {N!r}. Leave out what is there twice.")
    return sizes


def _is_several(N: Any) -> bool:
    return isinstance(N, list | tuple | range) or (isinstance(N, np.ndarray) and N.ndim > 0)


def _check_updates(request: _Request, N: int) -> None:
    updates = np.rint((request.until - request.start.at) * N)
    if not 1 <= updates <= MOST_UPDATES:
        raise InputError(
            f"Argument `until` must be one update (1 / N = {1 / N:g}) or more after the start, and at most "
            f"{MOST_UPDATES:.0e} updates, but it is {request.until:g}: {updates:g} updates. "
            "Choose another `until` or `N`, or method='diffusion' for a large N."
        )


def _with_weights(result: xr.Dataset, J: np.ndarray, B: np.ndarray) -> xr.Dataset:
    """The result with the weight vectors that were recorded."""
    rows = ("replica", result["eps_g"].dims[1], "student", "input")
    return result.assign(
        J=xr.Variable(rows, J, {"long_name": "student weight vectors J_i", "units": "1"}),
        B=xr.Variable(("replica", "teacher", "input"), B, {"long_name": "teacher weight vectors B_n", "units": "1"}),
    ).assign_coords(input=np.arange(1, J.shape[-1] + 1))


# ---- Several N


def _scaling(request: _Request, sizes: list[int]) -> xr.Dataset:
    """The results for several N below each other, at the rows that all of them have."""
    runs: list[xr.Dataset] = []
    for N in sizes:
        try:
            runs.append(_at_asked_times(request, N))
        except KeyboardInterrupt:
            if not runs:
                raise
            return _stack(request, sizes, runs, "interrupted")
        if runs[-1].attrs["status"] == "interrupted":
            # It lacks replicas or rows, unless it is all there is.
            return _stack(request, sizes, runs[:-1] or runs, "interrupted")
    endings = [run.attrs["status"] for run in runs if run.attrs["status"] != "ok"]
    return _stack(request, sizes, runs, endings[0] if endings else "ok")


def _at_asked_times(request: _Request, N: int) -> xr.Dataset:
    """The run of one N with a row for each time that was asked for, also where two of them are one update."""
    result = request.run(N)
    if request.method == "diffusion":
        return result
    time = request.scenario.time_name
    updates, place = np.unique(
        np.rint((request.times - request.start.at) * N).astype(np.int64), return_inverse=True
    )  # fmt: skip
    place = place[place < result.sizes[time]]
    rows = result.isel({time: place}).assign_coords({time: (time, request.times[: len(place)], result[time].attrs)})
    counted = {"long_name": "updates made", "units": "1"}
    return rows.assign(updates=xr.Variable((time,), updates[place], counted))


def _stack(request: _Request, sizes: list[int], runs: list[xr.Dataset], status: str) -> xr.Dataset:
    time, kept = request.scenario.time_name, sizes[: len(runs)]
    rows = min(run.sizes[time] for run in runs)
    constant = [name for name, variable in runs[0].data_vars.items() if time not in variable.dims]
    result = xr.concat(
        [run.isel({time: slice(rows)}).drop_vars(constant) for run in runs],
        dim=xr.Variable("N", kept, {"long_name": "input dimension"}),
        data_vars="all", coords="minimal", compat="override", join="override", combine_attrs="override",
    )  # fmt: skip
    result = result.assign({name: runs[0][name] for name in constant})[list(runs[0].data_vars)]
    options = [json.loads(run.attrs["options"]) for run in runs]
    timings = [json.loads(run.attrs["timings"]) for run in runs]
    result.attrs = runs[0].attrs | {
        "status": status,
        "message": _message(kept, runs, status),
        "options": json.dumps(
            {key: [o[key] for o in options] if key in PER_SIZE else options[0][key] for key in options[0]}
        ),
        "timings": json.dumps({key: sum(timing[key] for timing in timings) for key in timings[0]}),
    }
    return result


def _message(kept: list[int], runs: list[xr.Dataset], status: str) -> str:
    if status == "ok":
        return runs[0].attrs["message"]
    if status == "interrupted":
        return f"Interrupted: the runs of N = {', '.join(map(str, kept))} are kept."
    ended = [(N, run.attrs) for N, run in zip(kept, runs, strict=True) if run.attrs["status"] != "ok"]
    return " ".join(f"N = {N}: {attrs['message']}" for N, attrs in ended)
