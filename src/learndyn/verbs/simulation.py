"""The verb of finite size: simulate, by one of three methods."""

from __future__ import annotations

import inspect
import json
import warnings
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import LearndynWarning
from learndyn.results import with_observables
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.task_sequence.sequence import TaskSequence, refuse_for_tasks
from learndyn.verbs.drawn_descent_request import DrawnDescentRequest
from learndyn.verbs.gradient_request import GradientRequest
from learndyn.verbs.sample_request import SampleRequest
from learndyn.verbs.simulation_request import Request

# Options that have one value for each N.
PER_SIZE = ("N", "mean_step_error", "std_step_error", "steps")


class EndedEarly(LearndynWarning):
    """A simulation ended early: the warning repeats the message of its result."""


def simulate(
    scenario: Any,
    start: Any,
    until: float | None = None,
    *,
    N: Any = None,
    replicas: int = 1,
    method: str | None = None,
    save_at: Any = None,
    threads: int | None = None,
    tolerance: float | None = None,
    record_weights: bool | None = None,
    checkpoint: Any = None,
    checkpoint_every: float = 60.0,
    observables: dict[str, Any] | None = None,
    seed: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """The learning curve at finite N: gradient descent on real weight vectors and random inputs, in law.

        J_i <- J_i + (eta / N) delta_i xi,   xi ~ N(0, I_N),   delta_i = w_i g'(x_i) (tau - sigma)

    For Gaussian inputs the order parameters follow a closed random process at every N >= K + M, which needs no weight
    vector: with C = [[Q, R], [R^T, T]], (x, y) ~ N(0, C) and |xi|^2 = (x, y) C^+ (x, y)^T + chi^2_{N - rank C},

        R <- R + (eta / N) delta y^T,   Q <- Q + (eta / N) (delta x^T + x delta^T) + (eta / N)^2 |xi|^2 delta delta^T

    The perceptrons of `ld.GaussianClassification` and `ld.DataClassification` make their own updates, at their learning
    rate eta, on inputs drawn from the two classes, or on the rows of the data in an order drawn for each epoch:

        w <- w + eta (s x - lambda w),   s by the rule,   t = eta * updates

    The students of `ld.FiniteSample` descend on the whole of a sample, which every replica draws anew, with its rule:

        W_l <- W_l - eta (d train / dW_l + gamma W_l),   n = N inputs, p = N / a examples,   t = eta * steps

    The linear networks of `ld.DeepLinear`, and the modes of `ld.LinearModes`, descend at their learning rate from one
    start, by the expected gradient or by what is drawn in each step:

        W_l <- W_l + (eta / tau) (minus the gradient of the objective),   t = eta * steps

    Parameters
    ----------
    scenario
        An `ld.StudentTeacher` with ``dynamics="sgd"``; or an `ld.GaussianClassification` or `ld.DataClassification`;
        an `ld.FiniteSample`, an `ld.DeepLinear` or an `ld.LinearModes`;
        or an `ld.TaskSequence`, which has a method, N, replicas, threads, seed and the rows of each task as `save_at`.
    start
        An `ld.Start`, or one row of an earlier result; of a perceptron n weights or an `ld.GaussianWeights`, from which
        every replica draws its own.
    until
        The time alpha = updates / N at which to end; of a perceptron t = eta * updates. A task sequence needs
        it where times of switching are given, and else is not given it.
    N
        Input dimension, a whole number of at least K + M; or several, for the dependence on size in one call. Of a
        perceptron and of a linear network it is given by the scenario: leave it out.
    replicas
        Number of independent runs, for each N. 1 where nothing is drawn: linear networks along the expected gradient.
    method
        ``None``: ``"overlaps"``, for perceptrons ``"weights"``, the only one that they have.
        ``"overlaps"``: the process above, exact in law, O(K (K + M)) an update, for any N. ``"weights"``: the descent
        itself on drawn weight vectors, which start with exactly the overlaps of the start; O(N (K + M)) an update.
        ``"diffusion"``: the stochastic differential equation with the drift and the diffusion of that process, for
        large N; its steps do not depend on N. Of linear networks ``None`` is ``"descent"``: the expected gradient, of
        modes with the masks of `dropout_keep`; ``"samples"``, for `ld.DeepLinear`: `batch_size` examples a step, x ~
        N(0, E[x x^T]) with the input noise, and y as the best linear map has it from the clean x.
    save_at
        As for `solve`; times are rounded to whole updates (not for ``"diffusion"``). Theory at the very same times:
        ``ld.solve(..., save_at=runs.alpha)``, or ``runs.t``; else arithmetic of both keeps the times that they share.
    threads
        Threads over which the replicas are spread; ``None``: all cores. The result does not depend on it.
    tolerance
        For ``"diffusion"``: the largest relative error that its steps may make in the standard deviations; ``None``:
        0.001; at most 0.1. ``attrs["options"]`` tells the error as it was estimated.
    record_weights
        For ``"weights"``: also return the weight vectors, ``J`` and ``B``; ``None``: no. Of a perceptron, ``w``;
        ``None``: where that is at most 2e7 numbers.
    checkpoint
        A file in which the run keeps, every ``checkpoint_every`` seconds and at Ctrl-C, what it needs to go on. The
        same call then goes on from there, to the bits of a run that was never interrupted; at the end the file is
        removed. For a single N.
    checkpoint_every
        Seconds between two checkpoints.
    observables
        User observables: name -> function of the dataset.
    seed
        A whole number; the same seed and the same number of replicas give the same bits on one kind of CPU. (The first
        replicas of a larger number agree with them, one or two replicas only up to rounding.) ``None`` draws one;
        ``attrs["seed"]`` tells it.
    progress
        Show a progress bar; ``None``: on a terminal, for runs over a second.

    Returns
    -------
    xarray.Dataset
        As for `solve`, with the dim ``replica`` first; `ld.mean_and_error` averages over it. With several N, the dim
        ``N`` comes before, ``alpha`` holds the times that were asked for and ``updates`` (N, alpha) the updates that
        were made. Ctrl-C keeps what is done: ``attrs["status"]`` is then ``"interrupted"``. Of a perceptron
        ``alignment``, ``w_norm``, ``accuracy`` and ``loss`` (replica, t) are those of each replica's own weights, and
        ``test_accuracy`` that on held-out rows.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    ``"overlaps"`` and ``"weights"`` are exact for every N and have every option of the scenario; ``"diffusion"`` is for
    soft committee machines without options. Their results agree in law, not run by run. Time on one core
    at K = M = 2: about 25 ns (ReLU) or 40 ns (erf) an update and replica for ``"overlaps"`` where 8 replicas or more
    run, 5 ns times N for ``"weights"``. Memory: O(K^2 + K M) and O(N (K + M)) for each running replica. The first call
    for an activation compiles for about 5 s, which is kept on disk; for ``"overlaps"``, one or two replicas and larger
    numbers are two programs.

    A perceptron's update takes, at n = 784, some 2.5 us (isotropic or diagonal covariance), 3 us (with a factor of rank
    20 beside), 25 us (dense) or 0.5 us (rows of data): 2 ns a normal, 0.03 ns for each entry of a factor, 0.5 ns a
    weight. A rule with a baseline subtracts a running mean of the reward over some 100 updates, which begins at 0.

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
    >>> task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised(), learning_rate=0.01)
    >>> dict(ld.simulate(task, [0.0, 1.0], until=5, replicas=4, save_at=6).alignment.sizes)
    {'replica': 4, 't': 6}
    >>> modes = ld.LinearModes([3.0, 1.0], learning_rate=0.01)
    >>> ld.simulate(modes, 0.01, until=2, save_at=[2.0]).u.values.round(3).tolist()
    [[[2.995, 0.352]]]
    """
    if isinstance(scenario, TaskSequence):
        from learndyn.verbs.tasks import simulate_tasks

        refuse_for_tasks(
            tolerance=tolerance, record_weights=record_weights, checkpoint=checkpoint, observables=observables
        )
        return simulate_tasks(
            scenario, start, until, request_of, N=N, replicas=replicas, method=method, save_at=save_at, threads=threads,
            seed=seed,
        )  # fmt: skip
    request = request_of(
        scenario=scenario, start=start, until=until, N=N, replicas=replicas, method=method, save_at=save_at,
        threads=threads, tolerance=tolerance, record_weights=record_weights, checkpoint=checkpoint,
        checkpoint_every=checkpoint_every, seed=seed, progress=progress,
    )  # fmt: skip
    caution = scenario.caution() if hasattr(scenario, "caution") else ""
    if caution:
        warnings.warn(caution, LearndynWarning, stacklevel=2)
    many = request.many_updates()
    if many:
        warnings.warn(many, LearndynWarning, stacklevel=2)
    try:
        if isinstance(request, Request) and request.several:
            result = _scaling(request)
        else:
            result = request.run(request.sizes[0])
    except MemoryError:
        raise request.too_large() from None
    if result.attrs["status"] != "ok":
        warnings.warn(result.attrs["message"], EndedEarly, stacklevel=2)
    return result if observables is None else with_observables(result, observables)


def request_of(scenario: Any, **arguments: Any) -> Request | SampleRequest | DrawnDescentRequest | GradientRequest:
    """All that can be refused before anything runs, by the kind of scenario."""
    scenario = checked_scenario(scenario)
    if hasattr(scenario, "descent"):
        return GradientRequest.checked(scenario=scenario, **arguments)
    if hasattr(scenario, "drawn_descent"):
        return DrawnDescentRequest.checked(scenario=scenario, **arguments)
    if hasattr(scenario, "sample_process"):
        return SampleRequest.checked(scenario=scenario, **arguments)
    return Request.checked(scenario=scenario, **arguments)


def check_simulation(scenario: Any, start: Any, until: float, **options: Any) -> None:
    """Refuse what `simulate` refuses of the same arguments before it runs, and run nothing.

    Parameters
    ----------
    scenario, start, until, **options
        As for `simulate`.

    Raises
    ------
    InputError
        As `simulate` does. What only the run can find (a checkpoint of another run, say) is left to it.

    Examples
    --------
    >>> import learndyn as ld
    >>> from learndyn.verbs.simulation import check_simulation
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> check_simulation(perceptron, ld.Start(Q=0.25, R=0.0), 2, N=9, replicas=0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    learndyn.errors.InputError: Argument `replicas` must be a whole number of at least 1, but it is 0. ...
    """
    given = inspect.signature(simulate).bind(scenario, start, until, **options)
    given.apply_defaults()
    del given.arguments["observables"]
    request_of(**given.arguments)


# ---- Several N


def _scaling(request: Request) -> xr.Dataset:
    """The results for several N below each other, at the rows that all of them have."""
    runs: list[xr.Dataset] = []
    sizes = request.sizes
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


def _at_asked_times(request: Request, N: int) -> xr.Dataset:
    """The run of one N with a row for each time that was asked for, also where two of them are one update."""
    result = request.run(N)
    if request.method == "diffusion":
        return result
    time = request.scenario.time_name
    updates, place = np.unique(request.updates(N), return_inverse=True)
    place = place[place < result.sizes[time]]
    rows = result.isel({time: place}).assign_coords({time: (time, request.times[: len(place)], result[time].attrs)})
    counted = {"long_name": "updates made", "units": "1"}
    return rows.assign(updates=xr.Variable((time,), updates[place], counted))


def _stack(request: Request, sizes: list[int], runs: list[xr.Dataset], status: str) -> xr.Dataset:
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
        return f"Interrupted: the runs of N = {', '.join(map(str, kept))} are kept. Run the others again."
    ended = [(N, run.attrs) for N, run in zip(kept, runs, strict=True) if run.attrs["status"] != "ok"]
    return " ".join(f"N = {N}: {attrs['message']}" for N, attrs in ended)
