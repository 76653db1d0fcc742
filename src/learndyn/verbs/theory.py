"""The verbs of the theory, N to infinity: solve and drift."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import count, number
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times, tolerances
from learndyn.results import trajectory
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.task_sequence.sequence import TaskSequence, refuse_for_tasks
from learndyn.verbs.closed_form import closed_form, in_closed_form

# A run has diverged when its squared lengths exceed their natural scale by this factor.
DIVERGENCE = 1e6
MAX_STEPS = 1_000_000
# Overlaps may leave the closed set of covariances by the solver's error, relative to the scale: measured 0.02 to 0.14
# rtol in runs that end at the perfect solution, and this much at small rtol.
LOST_POSITIVITY = 1e-6


def solve(
    scenario: Any,
    start: Any,
    until: float | None = None,
    *,
    save_at: Any = None,
    method: str | None = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = MAX_STEPS,
    samples: int | None = None,
    observables: dict[str, Any] | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """The learning curve for N to infinity: the deterministic flow of the order parameters.

        d state / d alpha = drift(state),   state = (R_in, Q_ik with i <= k)

    integrated by an adaptive Runge-Kutta method of order 5 (Tsitouras; diffrax) in float64, whatever the user's JAX
    flags. The first call for a new shape (units, activation, dynamics) compiles; other numbers never compile again.

    Parameters
    ----------
    scenario
        An `ld.StudentTeacher`, `ld.SiteSymmetric`, `ld.GaussianClassification`, `ld.LinearModes`, `ld.DeepLinear` or
        `ld.FiniteSample`; or an `ld.TaskSequence` of classifications or students.
    start
        An `ld.Start` (an `ld.SymmetricStart`, `ld.GaussianWeights`, `ld.ModeStart`, `ld.LinearWeights`,
        `ld.RandomWeights`), or one row of an earlier result (which continues at its time).
    until
        The time alpha (or t) at which to end, later than the start. A task sequence needs it where times of switching
        are given, and else is not given it.
    save_at
        Times to save, increasing, between start and `until`; or a number of points; or ``ld.logspaced(n)``. 201
        evenly spaced points when not given.
    method
        ``"closed_form"``: a formula in time, which linear networks have for some starts (`ld.LinearModes`,
        `ld.DeepLinear`, `ld.FiniteSample`); ``"ode"``: the integration. None: the closed form where there is one.
    rtol, atol
        Relative and absolute tolerance of one step: rtol at least 1e-13, atol above 0.
    max_steps
        Give up after so many steps.
    samples
        Estimate the averages of four units, <delta_i delta_k>, from so many fixed sample points instead of computing
        them: for students of hundreds of units, and for activations without closed forms in networks of more than four
        units. `ld.accuracy` of the result tells the error.
    observables
        User observables: name -> function of the dataset (see Examples).
    progress
        Show a progress bar; ``None``: on a terminal, for runs over a second.

    Returns
    -------
    xarray.Dataset
        ``R`` (alpha, student, teacher), ``Q`` (alpha, student, student2), ``T`` (teacher, teacher2), ``eps_g``
        (alpha), ``length``, ``cosine``, ``specialisation``. Units are numbered from 1: ``R.sel(student=1, teacher=1)``
        is R_11. ``attrs["status"]`` is ``"ok"``, or says with ``attrs["message"]`` why the run ended early; the part
        up to there is kept and a `LearndynWarning` is given.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    Valid for N to infinity with K, M fixed; single replicas at finite N differ by O(1/sqrt N), means by O(1/N).
    Divergence: the squared lengths exceed a million times their natural scale (trace Q at the start + trace T).
    Cost: 9 us a step for K = M = 2 (erf), 45 us (relu). Each of the six stages of a step takes about K^2 (K + M)^2 / 4
    arcsines, and for relu an orthant probability for each set of four units with two students in it.
    Averages without a closed form are quadratures, at most 1e-8 off for up to four units of standard deviations up to 3
    and 1e-6 in larger networks; `ld.accuracy` measures it along a result.
    References: Saad & Solla (1995) Phys. Rev. E 52, 4225; Straat (2018) p. 13-32.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
    >>> curve = ld.solve(
    ...     perceptron, ld.Start(Q=0.25, R=0.0), until=200, save_at=[20, 200],
    ...     observables={"distance": lambda d: d.Q.sel(student=1, student2=1) - 2 * d.R.sel(student=1, teacher=1) + 1},
    ... )
    >>> [round(float(x), 6) for x in curve.eps_g]
    [0.080491, 0.0]
    """
    from learndyn.engines.progress import time_bar

    if isinstance(scenario, TaskSequence):
        from learndyn.verbs.tasks import solve_tasks

        refuse_for_tasks(samples=samples, observables=observables, method=method)
        return solve_tasks(scenario, start, until, save_at, rtol, atol, max_steps, progress)
    scenario = checked_scenario(scenario)
    start = scenario.as_start(start)
    times = save_times(save_at, start.at, until)
    rtol, atol = tolerances(rtol, atol)
    curve = closed_form(scenario, start, method, samples)
    if curve is not None:
        return in_closed_form(scenario, start, curve, times, until, observables)
    from learndyn.engines.theory import integrate

    state = scenario.initial_state(start)
    limit = DIVERGENCE * scenario.scale(state)
    samples = None if samples is None else count(samples, "samples", 2)
    max_steps, reach = count(max_steps, "max_steps"), scenario.reach(state[None], start.at)
    while True:
        flow = scenario.flow(samples, reach)
        # Nothing is integrated beyond the last saved time.
        with time_bar(progress, start.at, float(times[-1]), scenario.time_name) as advance:
            run = integrate(
                flow, state, scenario.values(), times, start.at,
                rtol=rtol, atol=atol, limit=limit, max_steps=max_steps, on_progress=advance,
            )  # fmt: skip
        # Quadratures that the run has outgrown: again, with finer ones.
        needed = None if reach is None or run.status == "interrupted" else scenario.reach(run.states, run.times)
        if reach is None or needed is None or needed <= reach:
            break
        reach = needed
    status, message, rows = verdict(scenario, run, max(LOST_POSITIVITY, rtol))
    if status != "ok":
        warnings.warn(message, LearndynWarning, stacklevel=2)
    return trajectory(
        scenario, start, run.times[:rows], run.states[:rows],
        engine="theory", status=status, message=message,
        options={"until": number(until, "until"), "rtol": rtol, "atol": atol, "steps": run.steps}
        | ({} if samples is None else {"samples": samples}),
        timings=run.timings, observables=observables,
    )  # fmt: skip


def verdict(scenario: Any, run: Any, tolerance: float, possible: int | None = None) -> tuple[str, str, int]:
    """Status, sentence and number of good rows of an integration; those that are ``possible``, if known."""
    name, end = scenario.time_name, f"{run.end:.6g}"
    rows = scenario.first_impossible(run.states, tolerance, run.times) if possible is None else possible
    if rows < len(run.states):
        at = f"{run.times[rows]:.6g}"
        return "lost_positivity", (
            f"The overlaps stopped being a covariance at {name} = {at}: the tolerance is too loose for this run. "
            f"Ask for a smaller rtol and atol."
        ), max(rows, 1)  # fmt: skip
    ended = scenario.end_of_flow() if hasattr(scenario, "end_of_flow") else ""
    sentences = {
        "ok": "The run reached its end.",
        "diverged": (
            f"Learning diverged at {name} = {end}: the squared lengths of the weight vectors grow without bound "
            f"(beyond {DIVERGENCE:g} times their natural scale). Use a smaller learning_rate or a smaller start; "
            "the part up to there is kept."
        ),
        "not_finite": (
            f"The drift was not finite, or changed too fast to follow, at {name} = {end}. Check the start near that "
            "state with ld.drift; the part up to there is kept."
        )
        if not ended
        else (
            f"The flow ended at {name} = {end}: {ended}, which no flow passes. Use ld.simulate to go on, whose weights "
            "stay as small as the learning rate; the part up to there is kept."
        ),
        "max_steps": (
            f"The run stopped at {name} = {end} after {run.steps} steps. Raise max_steps, or loosen rtol and atol; the "
            "part up to there is kept."
        ),
        "interrupted": f"The run was interrupted at {name} = {end}; the part up to there is kept.",
    }
    return run.status, sentences[run.status], rows


def drift(scenario: Any, start: Any) -> xr.Dataset:
    """The time derivative of every order parameter at one point: dR/dalpha and dQ/dalpha, labelled.

    Parameters
    ----------
    scenario
        An `ld.StudentTeacher` or `ld.SiteSymmetric`.
    start
        An `ld.Start`, or one row of a result.

    Returns
    -------
    xarray.Dataset
        ``R`` and ``Q`` hold dR/dalpha and dQ/dalpha, with the dims of the order parameters.

    Raises
    ------
    InputError
        When the start is not possible for the scenario, or the drift is not finite there.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
    >>> ld.drift(perceptron, ld.Start(Q=0.25, R=0.0)).R.item()
    0.025
    """
    from learndyn.engines.theory import drift_at

    scenario = checked_scenario(scenario)
    start = scenario.as_start(start)
    state = scenario.initial_state(start)
    flow = scenario.flow(reach=scenario.reach(state[None], start.at))
    derivative = drift_at(flow, start.at, state, scenario.values())
    if not np.isfinite(derivative).all():
        raise InputError(
            "Argument `start` must be a point where the drift is finite, but it is not finite here. Move the start a "
            "little inside the set of possible overlaps."
        )
    variables = {}
    for name, value in scenario.order_parameters(derivative).items():
        quantity = scenario.quantities()[name]
        label = {"long_name": f"d {name} / d {scenario.time_name}", "units": f"1 / ({scenario.time.units})"}
        variables[name] = xr.Variable(quantity.dims, value, label)
    dims = {dim for variable in variables.values() for dim in variable.dims}
    coordinates = {name: labels for name, labels in scenario.coordinates().items() if name in dims}
    return xr.Dataset(variables, coordinates, {scenario.time_name: start.at})
