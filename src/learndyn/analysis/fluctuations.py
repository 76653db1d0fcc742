"""The verb `fluctuations`: how far single runs of N inputs scatter about the theory, and how far their mean is off it.

N Cov(z) -> P,    N (<z> - z) -> m        for N to infinity, along dz/dt = F(z)
"""

from __future__ import annotations

import secrets
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import array, count, positive_semidefinite, symmetric, type_shown
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times, tolerances
from learndyn.results import trajectory
from learndyn.scenarios.base import Noise, checked_scenario
from learndyn.verbs.theory import DIVERGENCE, LOST_POSITIVITY, verdict

# Runs take some 100 steps; a step of a large network costs milliseconds.
MAX_STEPS = 20_000
# Units of a squared distance below this part of their squared length: the terms of order 1 / N grow as its inverse
# root, and hold for N far above its inverse only.
COINCIDE = 1e-4
# Rows whose generalisation error is differentiated at once.
LANES = 64


def fluctuations(
    scenario: Any,
    start: Any,
    until: float,
    *,
    save_at: Any = None,
    rtol: float = 1e-6,
    atol: float = 1e-10,
    covariance: Any = None,
    shift: Any = None,
    points: int = 1024,
    scrambles: int = 8,
    max_steps: int = MAX_STEPS,
    seed: int | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """The leading fluctuations at finite N, and the 1/N shift of the mean, along the deterministic path.

        dP/dalpha = J P + P J^T + D                          P = N Cov,          J = dF/dz, D = Cov(b)
        dm/dalpha = J m + P : grad^2 F / 2 + c               m = N (<z> - z),    c = (i) - (F . grad) F / 2

    with z the order parameters R and Q, F their drift, b what one update adds to them times N, and (i) the part of the
    mean that comes from the fluctuating length of the input, eta^2 <(|xi|^2 - N) delta_i delta_k> for Q_ik.

    Parameters
    ----------
    scenario
        An `ld.StudentTeacher` with ``dynamics="sgd"``.
    start
        An `ld.Start`, or one row of an earlier result. All runs begin there; see `covariance` and `shift`.
    until
        The time alpha at which to end.
    save_at
        As for `solve`.
    rtol, atol
        Relative and absolute tolerance of one step, for z, P and m: rtol at least 1e-13, atol above 0. A standard
        deviation that falls to zero ends at a floor: about 1e-5 with these values; about sqrt(atol) for a smaller atol,
        but not below 3e-6, because D is known to 1e-10 and rounding.
    covariance
        N times the covariance of the order parameters at the start, (n, n) in the order R row by row, then the upper
        triangle of Q; zero when not given, as for `simulate`, which starts with exact overlaps.
    shift
        N times what the mean of the order parameters is off `start`, (n,) in the same order; zero when not given. To
        continue from a row of an earlier result, pass both (see Examples).
    points, scrambles
        Where D has to be averaged over quasi-random inputs: their number, a power of two, and the number of
        independent scramblings, at least 2.
    max_steps
        As for `solve`, but fewer.
    seed
        Of the scramblings; ``None`` draws one; ``attrs["seed"]`` tells it.
    progress
        As for `solve`.

    Returns
    -------
    xarray.Dataset
        What `solve` gives (``R``, ``Q``, ``eps_g``, ...), and with the same dims ``R_std``, ``Q_std``, ``eps_g_std``:
        standard deviations times sqrt(N); ``R_shift``, ``Q_shift``, ``eps_g_shift``: mean minus theory, times N. Also
        ``covariance`` (alpha, parameter, parameter2) = P, labelled by ``"R_11"``, ``"Q_12"``, .... Where D is averaged,
        each has its ``..._error``, the standard error over the scramblings. The options tell how D was found.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    Valid while sqrt(P / N) is small beside the scale on which F bends; not so late on a plateau that is left by
    chance, where P grows as exp(2 lambda alpha). Units with a kink that nearly coincide (ReLU): valid for N far above
    the inverse of d = |J_i - J_k|^2 over their mean squared length. A start with d below 1e-4 is refused, and a path
    that comes there later, or parallel to within rtol, gives a `LearndynWarning`.
    D is in closed form for linear units, the ReLU perceptron and erf networks of up to six units, by quadrature to
    1e-10 for other perceptrons, else an average over Sobol points; for ReLU networks over directions alone, with the
    exact <|u|^4>.
    Cost, for 40 to 90 steps: perceptrons some milliseconds, erf K = M = 2 0.15 s, ReLU K = M = 2 by 8 x 1024 averages
    0.4 s, with an error of 0.2 percent in the standard deviations. The first call compiles: 3 s, ReLU networks 10 s.
    References: van Kampen, Stochastic Processes in Physics and Chemistry, ch. X; Straat (2018) p. 11-19.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.5)
    >>> spread = ld.fluctuations(perceptron, ld.Start(Q=0.25, R=0.0), until=4, save_at=[2, 4])
    >>> [round(float(x), 4) for x in spread.R_std.sel(student=1, teacher=1)]
    [0.4212, 0.2401]

    The error bar of single runs at N = 10000, and the next piece of the same path:

    >>> row = spread.isel(alpha=-1)
    >>> round(row.R_std.item() / 10000**0.5, 6)
    0.002401
    >>> shift = [row.R_shift.item(), row.Q_shift.item()]
    >>> more = ld.fluctuations(perceptron, row, until=6, covariance=row.covariance.values, shift=shift)
    """
    from learndyn.analysis.linear_noise import Layout, linear_noise
    from learndyn.analysis.quasi_normals import quasi_normals
    from learndyn.engines.progress import time_bar
    from learndyn.engines.theory import integrate

    scenario = checked_scenario(scenario)
    start = scenario.as_start(start)
    noise = _noise(scenario)
    times = save_times(save_at, start.at, until)
    rtol, atol = tolerances(rtol, atol)
    points, scrambles = _power_of_two(points), count(scrambles, "scrambles", 2)
    options: dict[str, Any] = {"quantity": "fluctuations", "until": float(until), "rtol": rtol, "atol": atol}
    options |= {"diffusion": noise.source, "covariance": covariance is not None, "shift": shift is not None}
    z, n, values = scenario.initial_state(start), scenario.state_length, scenario.values()
    _refuse_coinciding(noise, z)
    P = np.zeros((n, n)) if covariance is None else _covariance(covariance, n)
    m = np.zeros(n) if shift is None else array(shift, "shift", (n,), "Give R row by row, then Q_ik with i <= k.")
    if noise.covariance is None:
        seed = secrets.randbits(63) if seed is None else count(seed, "seed", 0)
        normals = quasi_normals(noise.normals, scrambles, points, seed, directions=noise.quadratic)
        values = values | {"normals": normals}
        options |= {"points": points, "scrambles": scrambles}
        layout = Layout(n, scrambles)
    else:
        seed, points, layout = None, 0, Layout(n, 0)
    # The error control takes the mean of squares over all numbers, also over those that it does not see.
    seen = np.sqrt(layout.active / layout.length)
    with time_bar(progress, start.at, float(times[-1]), scenario.time_name) as advance:
        run = integrate(
            linear_noise(scenario.flow(), noise, layout, points), layout.first(z, P, m), values, times, start.at,
            rtol=seen * rtol, atol=seen * atol, limit=DIVERGENCE * scenario.scale(z),
            max_steps=count(max_steps, "max_steps"), on_progress=advance,
        )  # fmt: skip
    states, P, m = layout.split(run.states)
    status, message, rows = verdict(scenario, replace(run, states=states), max(LOST_POSITIVITY, rtol))
    near = _coinciding_later(scenario, noise, run.times[:rows], states[:rows], start.at, rtol)
    if status != "ok" or near:
        message = f"{message} {near}".strip() if status != "ok" else near
        warnings.warn(message, LearndynWarning, stacklevel=2)
    result = trajectory(
        scenario, start, run.times[:rows], states[:rows],
        engine="theory", status=status, message=message, options={**options, "steps": run.steps},
        timings=run.timings, seed=seed,
    )  # fmt: skip
    return result.assign(_variables(scenario, states[:rows], P[:, :rows], m[:, :rows])).assign_coords(_labels(scenario))


def _noise(scenario: Any) -> Noise:
    if not hasattr(scenario, "noise"):
        raise InputError(
            f"Argument `scenario` must be one whose fluctuations are known, but it is {type_shown(scenario)}. "
            "Use ld.StudentTeacher, or ld.simulate with several replicas."
        )
    return scenario.noise()


def _power_of_two(points: Any) -> int:
    points = count(points, "points", 0)
    if points < 2 or points & (points - 1):
        better = 1 << points.bit_length() if points > 2 else 1024
        raise InputError(f"Argument `points` must be a power of two, at least 2, but it is {points}. Use {better}.")
    return points


def _refuse_coinciding(noise: Noise, z: np.ndarray) -> None:
    if noise.closeness is None:
        return
    close = noise.closeness(z[None])
    if close.distance[0] < COINCIDE:
        raise InputError(
            f"Argument `start` must keep units apart whose activation has a kink, but {close.units[0]} coincide: the "
            f"square of their distance is {close.distance[0]:.2g} of their squared length, and below {COINCIDE:g} the "
            "expansion in 1 / N fails. Move them apart, or use ld.simulate with method='overlaps', your N and several "
            "replicas."
        )


def _coinciding_later(
    scenario: Any, noise: Noise, times: np.ndarray, states: np.ndarray, at: float, rtol: float
) -> str:
    """A sentence if units come too close after the start; at the start they may be parallel, for they part at once."""
    if noise.closeness is None:
        return ""
    close = noise.closeness(states)
    bad = (times > at) & ((close.distance < COINCIDE) | (close.sine < rtol))
    if not bad.any():
        return ""
    row = int(np.argmax(bad))
    return (
        f"From {scenario.time_name} = {times[row]:.6g} on two student units are parallel to within what the expansion "
        f"in 1 / N bears (closest are {close.units[row]}): do not rely on the standard deviations and shifts there. "
        "Compare with ld.simulate, method='overlaps' and several replicas."
    )


def _covariance(value: Any, n: int) -> np.ndarray:
    hint = "Give N times the covariance of the order parameters at the start: R row by row, then Q_ik with i <= k."
    value = symmetric(array(value, "covariance", (n, n), hint), "covariance")
    positive_semidefinite(value, "covariance", hint)
    return value


# ---- Labelling


def _labels(scenario: Any) -> dict[str, Any]:
    names = np.array(scenario.parameter_names())
    return {"parameter": ("parameter", names), "parameter2": ("parameter2", names)}


def _variables(scenario: Any, states: np.ndarray, P: np.ndarray, m: np.ndarray) -> dict[str, xr.Variable]:
    """Standard deviations, shifts and covariance of z (times, n), P (sets, times, n, n) and m (sets, times, n)."""
    gradient, hessian = _error_derivatives(scenario, states)
    along = np.einsum("ti,stij,tj->st", gradient, P, gradient)
    bent = np.einsum("ti,sti->st", gradient, m) + 0.5 * np.einsum("stij,tij->st", P, hessian)
    lead = (scenario.time_name,)
    units = scenario.quantities()
    found: dict[str, xr.Variable] = {}

    def add(name: str, dims: tuple[str, ...], value_and_error: Any, text: str, unit: str) -> None:
        value, error = value_and_error
        found[name] = xr.Variable(lead + dims, value, {"long_name": text, "units": unit})
        if len(P) > 1:
            label = {"long_name": f"standard error of {name} over the scramblings", "units": unit}
            found[f"{name}_error"] = xr.Variable(lead + dims, error, label)

    std, std_error = _root(np.diagonal(P, axis1=-2, axis2=-1))
    shift, shift_error = _mean(m)
    parts = [scenario.order_parameters(x) for x in (std, std_error, shift, shift_error)]
    for name in parts[0]:
        dims, unit = units[name].dims, units[name].units
        values = [part[name] for part in parts]
        add(f"{name}_std", dims, values[:2], f"standard deviation of {name} times sqrt(N)", unit)
        add(f"{name}_shift", dims, values[2:], f"mean of {name} minus its limit, times N", unit)
    add("eps_g_std", (), _root(along), "standard deviation of eps_g times sqrt(N)", "1")
    add("eps_g_shift", (), _mean(bent), "mean of eps_g minus its limit, times N", "1")
    text = "covariance of the order parameters times N"
    add("covariance", ("parameter", "parameter2"), _mean(P), text, "1")
    return found


def _mean(sets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the sets, and its standard error (zero for a single, exact one)."""
    spread = sets.std(0, ddof=1) if len(sets) > 1 else np.zeros(sets.shape[1:])
    return sets.mean(0), spread / np.sqrt(len(sets))


def _root(sets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Root of the mean of variances, and its standard error. Rounding leaves a variance below zero at times."""
    mean, error = _mean(sets)
    root = np.sqrt(np.maximum(mean, 0.0))
    return root, np.divide(0.5 * error, root, out=np.zeros_like(root), where=root > 0.0)


def _error_derivatives(scenario: Any, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (times, n) and Hessian (times, n, n) of the generalisation error."""
    import jax

    # No rows at all, when learning diverged before the first one, are one lane of nothing.
    padded = np.concatenate([states, np.ones((-len(states) % LANES, states.shape[1]))])
    parts = []
    with jax.enable_x64(True):
        program = _error_program(scenario)
        for lanes in padded.reshape(-1, LANES, states.shape[1]):
            parts.append([np.asarray(x) for x in program(lanes, scenario.values())])
    n = states.shape[1]
    gradient = np.concatenate([np.empty((0, n)), *(part[0] for part in parts)])
    hessian = np.concatenate([np.empty((0, n, n)), *(part[1] for part in parts)])
    return gradient[: len(states)], hessian[: len(states)]


_programs: dict[Any, Any] = {}


def _error_program(scenario: Any) -> Any:
    """Gradient and Hessian for lanes of states, compiled once for scenarios with one error function."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    key = (scenario.kind, scenario.flow().key, scenario.noise().key)
    if key not in _programs:
        error = scenario.error_function(jax_namespace())

        def both(z: Any, values: Any) -> Any:
            return jax.jacfwd(error)(z, values), jax.hessian(error)(z, values)

        _programs[key] = jax.jit(jax.vmap(both, in_axes=(0, None)))
    return _programs[key]
