"""The verbs `find_fixed_point`, `fixed_points` and `stability`: where learning stands still, and how it leaves.

    F(z*) = 0,    d(z - z*)/dalpha = J (z - z*)

The root is found by MINPACK (SciPy) with the exact Jacobian: by the Levenberg-Marquardt method, which converges also to
degenerate points, as on a plateau; where that ends in a minimum of |F| above zero, by Powell's hybrid method. Both need
no other compiled program than that of the Jacobian.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis import points
from learndyn.analysis.linearisation import LocalFlow
from learndyn.analysis.points import Point, point_at
from learndyn.arguments import count, number, type_shown
from learndyn.errors import InputError
from learndyn.scenarios.base import Landmarks, checked_scenario

# A fixed point stands still to within this, relative to |J| (1 + |z|).
TOLERANCE = 1e-10
MAX_STEPS = 400
# A Newton step longer than this, relative to 1 + |z|, from where the search ended: it has not converged, however small
# the drift is (far out it may be small everywhere). Degenerate roots are known to the root of the rounding error.
UNSETTLED = 1e-5
# Order parameters may be impossible by the error of the point.
IMPOSSIBLE = 1e-7
# Points nearer than this, relative to 1 + |z|, are one; degenerate ones are found less exactly.
SAME = 1e-5
SAME_DEGENERATE = 1e-3


def find_fixed_point(
    scenario: Any, start: Any, *, tolerance: float = TOLERANCE, max_steps: int = MAX_STEPS
) -> xr.Dataset:
    """The fixed point of the order parameters near a start, with its stability: F(z*) = 0.

    Parameters
    ----------
    scenario
        Any scenario with a drift that does not depend on time.
    start
        Where to look: a start of the scenario, or one row of an earlier result, such as a row on a plateau.
    tolerance
        The largest component of the drift that passes for zero, relative to |J| (1 + |z|).
    max_steps
        Give up after so many evaluations.

    Returns
    -------
    xarray.Dataset
        The order parameters and observables at the point, as a row of `solve` without a time, so that it can be a start
        itself; and of the linearised flow ``eigenvalues`` (mode), their real parts, largest first; ``frequencies``, the
        imaginary parts, where there are any; ``eigenvectors`` (parameter, mode) of length 1; ``multiplicity`` (mode),
        and ``direction`` (mode), the eigenvector in words. Attributes: ``kind`` ("attractive", "marginal", "repelling",
        "saddle with n unstable directions"), ``unstable``, ``marginal`` (numbers of modes), ``residual``, ``distance``
        (of one more Newton step), ``steps``, and a ``note`` where derivatives are one-sided.

    Raises
    ------
    InputError
        When there is no fixed point near the start, the search does not converge, ends outside of the possible order
        parameters, or the drift depends on time.

    Notes
    -----
    Eigenvalues are per unit of alpha; with ``dynamics="gradient_flow"`` and learning rate 1, per unit of eta alpha.
    Over the coordinates that can change, each Q_ik once. Numbers within 1e-6 of the largest count as zero.
    On a continuous family of fixed points, any one of them is found. The result is the root to which the
    Levenberg-Marquardt method comes, not always the nearest.
    Cost once compiled: 10 to 40 evaluations of drift and Jacobian, some milliseconds for K = M = 3.
    Reference: Straat (2018) p. 35-38.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(
    ...     ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0, dynamics="gradient_flow"
    ... )
    >>> symmetric = ld.Start(Q=[[0.35, 0.3], [0.3, 0.35]], R=[[0.4, 0.4], [0.4, 0.4]])
    >>> plateau = ld.find_fixed_point(scenario, symmetric)
    >>> plateau.attrs["kind"], round(float(plateau.R[0, 0]), 4), round(float(plateau.eigenvalues[0]), 4)
    ('saddle with 1 unstable direction', 0.4082, 0.0657)
    """
    scenario = checked_scenario(scenario)
    tolerance = number(tolerance, "tolerance", above=0.0)
    start = scenario.as_start(start)
    state = scenario.initial_state(start)
    point, steps = search(LocalFlow.of(scenario, state), state, tolerance, count(max_steps, "max_steps"))
    options = {"quantity": "fixed point", "tolerance": tolerance, "steps": steps}
    return points.one(_with_notes(scenario, points.labelled(scenario, start, [point], options))).assign_attrs(
        steps=steps
    )


def stability(scenario: Any, point: Any, *, tolerance: float = 1e-6) -> xr.Dataset:
    """The linearised flow at a fixed point that is known already.

    Parameters
    ----------
    scenario
        Any scenario with a drift that does not depend on time.
    point
        The fixed point: a start, or a row of a result.
    tolerance
        The largest component of the drift that passes for zero, relative to |J| (1 + |z|).

    Returns
    -------
    xarray.Dataset
        As `find_fixed_point`, at the point as given.

    Raises
    ------
    InputError
        When learning does not stand still there.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
    >>> ld.stability(perceptron, ld.Start(Q=1.0, R=1.0)).eigenvalues.values.round(6).tolist()
    [-0.25, -0.375]
    """
    scenario = checked_scenario(scenario)
    tolerance = number(tolerance, "tolerance", above=0.0)
    start = scenario.as_start(point)
    state = scenario.initial_state(start)
    local = LocalFlow.of(scenario, state)
    F, J = local.free_at(state)
    _require_finite(F, J)
    if points.residual(F) > tolerance * _rate(J, state):
        raise InputError(
            f"Argument `point` must be a fixed point, but the drift there is {points.residual(F):.3g}. "
            "Find one near it with ld.find_fixed_point(scenario, point)."
        )
    options = {"quantity": "stability", "tolerance": tolerance}
    return points.one(_with_notes(scenario, points.labelled(scenario, start, [point_at(local, state)], options)))


def fixed_points(
    scenario: Any, starts: Any = 64, *, seed: int = 0, tolerance: float = TOLERANCE, max_steps: int = MAX_STEPS
) -> xr.Dataset:
    """The fixed points that a search from many starts finds, each once.

    Parameters
    ----------
    scenario
        Any scenario with a drift that does not depend on time.
    starts
        How many random starts, or a list of starts and rows, or a result of `solve`, each row of which is a start.
        Random ones are the perfect solution, if there is one, and the overlaps of random weights, every other with few
        inputs, where overlaps are of order one, and with a million inputs.
    seed
        Seed of the random starts.
    tolerance, max_steps
        As for `find_fixed_point`.

    Returns
    -------
    xarray.Dataset
        As `find_fixed_point`, with the dim ``point``, sorted by eps_g, then by the order parameters; ``kind``,
        ``unstable``, ``marginal``, ``residual``, ``distance`` are variables, and ``starts`` (how many led there),
        ``first`` (the first of them) and ``how`` in words. Points that differ by an exchange of units are one.
        ``attrs["failed"]`` counts starts that led to none.

    Raises
    ------
    InputError
        When nothing is found at all.

    Notes
    -----
    A search of this kind can miss points; more starts, or rows of a run that passes near one, find more. Of a
    continuous family of fixed points (``marginal`` above 0) each start may give another member.
    Exchanges of units are compared up to 50 000 of them (K = M = 5), beyond that those of the student alone.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=2.1)
    >>> found = ld.fixed_points(perceptron, 32)
    >>> found.R.values.ravel().round(4).tolist(), found.kind.values.tolist()
    ([1.0, 0.986, 0.558], ['saddle with 1 unstable direction', 'attractive', 'saddle with 1 unstable direction'])
    """
    scenario = checked_scenario(scenario)
    tolerance, max_steps = number(tolerance, "tolerance", above=0.0), count(max_steps, "max_steps")
    chosen, random = _starts(scenario, starts, seed)
    exchanges = landmarks_of(scenario).permutations
    found: list[tuple[Point, list[int], int]] = []
    refusals = []
    for index, start in enumerate(chosen):
        state = scenario.initial_state(start)
        try:
            point, steps = search(LocalFlow.of(scenario, state), state, tolerance, max_steps)
        except NoFixedPointError as error:
            refusals.append(str(error))
            continue
        for known, indices, _ in found:
            if _same(point, known, exchanges):
                indices.append(index)
                break
        else:
            found.append((point, [index], steps))
    if not found:
        raise InputError(
            f"Argument `starts` led to no fixed point: none of {len(chosen)} did. Give starts "
            f"nearer to one. Of the first: {refusals[0]}"
        )
    options = {"quantity": "fixed points", "tolerance": tolerance, "starts": len(chosen)}
    options |= {"seed": seed} if random else {}
    result = _with_notes(scenario, points.labelled(scenario, chosen[found[0][1][0]], [p for p, *_ in found], options))
    return _sorted(result.assign(_how(found)), scenario).assign_attrs(failed=len(refusals))


class NoFixedPointError(InputError):
    """No fixed point near a start."""


def search(local: LocalFlow, state: np.ndarray, tolerance: float, max_steps: int) -> tuple[Point, int]:
    """The fixed point to which the search from `state` comes, and how many evaluations it took; refused if none."""
    from scipy.optimize import root

    scenario, free = local.scenario, local.free
    steps = 0

    def at(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nonlocal steps
        steps += 1
        full = state.copy()
        full[free] = z
        return local.free_at(full)

    _require_finite(*at(state[free]))
    methods = {
        "lm": {"xtol": 1e-15, "ftol": 1e-15, "gtol": 0.0, "maxiter": max_steps},
        "hybr": {"xtol": 1e-14, "maxfev": max_steps},
    }
    full, refusal = state, ""
    for method, options in methods.items():
        full = state.copy()
        with np.errstate(all="ignore"):
            full[free] = np.asarray(root(at, state[free], jac=True, method=method, options=options).x)
        why = _why_not(scenario, *at(full[free]), full, tolerance, steps)
        refusal = refusal or why
        if not why:
            break
    else:
        raise NoFixedPointError(refusal)
    needed = scenario.reach(full[None])
    if needed is not None and local.flow is not scenario.flow(None, needed):
        # Quadratures that the search has outgrown: again, with those of the place where it ended.
        return search(LocalFlow.of(scenario, full), full, tolerance, max_steps)
    return point_at(local, full), steps


def _require_finite(F: np.ndarray, J: np.ndarray) -> None:
    if not np.isfinite(F).all() or not np.isfinite(J).all():
        raise NoFixedPointError(
            "Argument `start` must be a state where the drift and its derivatives are finite, but here they are not. "
            "Give the units a length above 0, or look at ld.drift(scenario, start)."
        )


def _why_not(scenario: Any, F: np.ndarray, J: np.ndarray, state: np.ndarray, tolerance: float, steps: int) -> str:
    """Why this is no fixed point; empty if it is one."""
    size = 1.0 + float(np.abs(state).max(initial=0.0))
    finite = np.isfinite(F).all() and np.isfinite(J).all()
    still = finite and points.residual(F) <= tolerance * _rate(J, state)
    if not still or points.newton_step(F, J) > UNSETTLED * size:
        return (
            f"No fixed point was found near argument `start`: after {steps} evaluations the largest component of the "
            f"drift is {points.residual(F):.3g}. Give a start nearer to one, such as a row of ld.solve where learning "
            "stands still, or try many with ld.fixed_points."
        )
    if scenario.first_impossible(state[None], IMPOSSIBLE) == 0:
        return (
            "No fixed point was found near argument `start`: the search ended where no weight vectors have such "
            "overlaps. Give a start nearer to one, such as a row of ld.solve where learning stands still."
        )
    tip = landmarks_of(scenario).tip(state)
    return f"No fixed point was found near argument `start`: the search ended where {tip}. Start elsewhere." * bool(tip)


def _rate(J: np.ndarray, state: np.ndarray) -> float:
    """How fast order parameters change where learning does not stand still."""
    return float(np.abs(J).max(initial=0.0)) * (1.0 + float(np.abs(state).max(initial=0.0)))


def landmarks_of(scenario: Any) -> Landmarks:
    """What the scenario knows of its state space; next to nothing where it does not say."""
    if hasattr(scenario, "landmarks"):
        return scenario.landmarks()
    identity = np.arange(scenario.state_length)[None]
    return Landmarks(identity, None, lambda state: "", lambda state: "", lambda count, seed: [])


def solution_of(scenario: Any, name: str, remedy: str) -> Any:
    """The perfect solution, which stands for the argument `name` where none is given; refused where there is none."""
    solution = landmarks_of(scenario).solution
    if solution is None:
        raise InputError(
            f"Argument `{name}` must be given for this scenario: its student cannot equal its teacher, so that no "
            f"perfect solution can be taken instead. {remedy}"
        )
    return solution


def _starts(scenario: Any, starts: Any, seed: int) -> tuple[list[Any], bool]:
    """The starts, and whether they are random."""
    if isinstance(starts, xr.Dataset):
        name = scenario.time_name
        rows = [starts.isel({name: row}) for row in range(starts.sizes[name])] if name in starts.dims else [starts]
        return [scenario.as_start(row) for row in rows], False
    if isinstance(starts, list | tuple):
        if not starts:
            raise InputError(
                "Argument `starts` must hold at least one start, but it is empty. Add one, or leave out `starts`."
            )
        return [scenario.as_start(start) for start in starts], False
    chosen = landmarks_of(scenario).scattered(count(starts, "starts"), count(seed, "seed", 0))
    if not chosen:
        raise InputError(
            f"Argument `starts` must be a list of starts for {type_shown(scenario)}, which draws none by itself. "
            "Give starts=[...]."
        )
    return chosen, True


def _same(point: Point, known: Point, exchanges: np.ndarray) -> bool:
    size = 1.0 + float(np.abs(known.state).max(initial=0.0))
    near = SAME_DEGENERATE if point.spectrum.marginal and known.spectrum.marginal else SAME
    return bool((np.abs(point.state[exchanges] - known.state).max(axis=1) <= near * size).any())


def _how(found: list[tuple[Point, list[int], int]]) -> dict[str, xr.Variable]:
    words = [
        f"from start {indices[0]}, {steps} evaluations"
        + (f"; {len(indices) - 1} more led here" if len(indices) > 1 else "")
        for _, indices, steps in found
    ]
    return {
        "starts": xr.Variable(("point",), np.array([len(indices) for _, indices, _ in found])),
        "first": xr.Variable(("point",), np.array([indices[0] for _, indices, _ in found])),
        "how": xr.Variable(("point",), np.array(words)),
    }


def _sorted(result: xr.Dataset, scenario: Any) -> xr.Dataset:
    """By eps_g, equal ones by their order parameters, largest first."""
    names = scenario.order_parameters(np.zeros((1, scenario.state_length)))
    columns = [result[name].transpose("point", ...) for name in names if "point" in result[name].dims]
    numbers = np.concatenate([column.values.reshape(result.sizes["point"], -1) for column in columns], axis=1)
    first = result["eps_g"].values if "eps_g" in result else np.zeros(len(numbers))
    return result.isel(point=np.lexsort([*(-numbers.T[::-1]).round(9), first.round(9)]))


def _with_notes(scenario: Any, result: xr.Dataset) -> xr.Dataset:
    """Say where derivatives are one-sided."""
    edge = landmarks_of(scenario).edge
    rows = [result.isel(point=place) for place in range(result.sizes["point"])]
    notes = [edge(scenario.initial_state(scenario.as_start(row))) for row in rows]
    return result.assign(note=("point", np.array(notes))) if any(notes) else result
