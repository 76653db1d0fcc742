"""The verb `moment_flow`: mean and covariance of weights that learn by any rule.

dm/dt = <f> + (1/2) sum_kl C_kl d_k d_l <f>,    dC/dt = A C + C A^T,    A_ik = d_k <f_i>
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count, shown
from learndyn.errors import InputError, LearndynWarning
from learndyn.options import save_times, tolerances
from learndyn.results import trajectory, with_observables
from learndyn.scenarios.base import checked_scenario
from learndyn.scenarios.moments import Form, make_flow
from learndyn.verbs.theory import DIVERGENCE, LOST_POSITIVITY, MAX_STEPS, verdict

# Third cumulants are n^3 numbers, and each step takes n^3 third derivatives.
MOST_WEIGHTS_THIRD = 24
# With up to so many numbers the covariance of all rows is part of the result unasked.
MOST_COVARIANCES = 10**7
RECORDS = ["Cov", "S"]

VARIABLES = {
    "trace_cov": ((), "total variance tr Cov(w)"),
    "variance": (("input",), "variance of each weight"),
    "Cov": (("input", "input2"), "covariance of the weights"),
    "S": (("input", "input2", "input3"), "third cumulants of the weights"),
    "w_error": (("input",), "standard error of the mean weight that the sampled average makes"),
    "trace_cov_error": ((), "standard error of tr Cov(w) that the sampled average makes"),
}


def moment_flow(
    rule: Any,
    start: Any,
    until: float,
    *,
    order: int = 2,
    finite_rate: bool = False,
    save_at: Any = None,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    max_steps: int = MAX_STEPS,
    record: Any = None,
    observables: dict[str, Any] | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Mean and covariance of the weights under any learning rule w <- w + eta f(w; x, y, noise), in time t.

        dm/dt = <f> + (1/2) sum_kl C_kl d_k d_l <f>,   dC/dt = A C + C A^T,   A_ik = d_k <f_i>,   t = eta * updates

    at w = m: the moments of p(w, t) while it is narrow. <f> averages over all that one update draws.

    Parameters
    ----------
    rule
        An `ld.UpdateRule`, or a scenario with a mean update, such as `ld.GaussianClassification`.
    start
        An `ld.GaussianWeights`, n weights (a point), or one row of a result.
    until
        The time at which to end.
    order
        2: mean and covariance. 3: third cumulants too, for up to 24 weights; all terms to the order eps^2 where
        C = O(eps), of a start that is Gaussian.
    finite_rate
        Terms of first order in the rule's learning rate eta, with order 2 alone: eta Cov_L(f) in dC/dt, which is what
        one update scatters, and the drift <f> - (eta/2) (<f> . d) <f>, for steps of length eta overtake the flow.
    save_at, rtol, atol, max_steps
        As for `ld.solve`.
    record
        ``"Cov"``, ``"S"``, a list of them, or ``[]``: what to record of many numbers. None: Cov, unless times and
        weights make more than 10^7 numbers.
    observables
        User observables: name -> function of the dataset.
    progress
        As for `ld.solve`.

    Returns
    -------
    xarray.Dataset
        ``w`` (t, input), the mean; ``trace_cov`` (t), ``variance`` (t, input), ``Cov`` (t, input, input2), with order 3
        ``S`` (t, input, input2, input3) if asked for; the scenario's observables at the mean weights. Of a sampled
        average ``w_error`` and ``trace_cov_error``: standard errors over the independent randomisations of its inputs.
        ``attrs["status"]`` as for `ld.solve`; "lost_positivity" where the covariance has got a negative variance.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step.

    Notes
    -----
    Valid for small eta and a narrow distribution: what is neglected is of the third order in w - m, with order 3 of the
    fifth; a rule with a kink has no second derivatives there. With ``finite_rate`` what is left out is O(eta^2),
    in a covariance that is O(eta) from a point. `ld.ensemble` shows the distribution itself.
    Without it and at order 2, C = L L^T with dL/dt = A L: a covariance of rank r stays so, and costs r products of A
    and of the second derivative with a vector; memory is about 150 n r numbers. With ``finite_rate`` rank n. Order 3
    costs n^3 / 6 third derivatives a right-hand side. n = 1440 with dense covariances of the inputs and rank 10 takes
    2 s to t = 20 on two cores. `docs/theory/moment-flow.md` has derivations and measured accuracy.
    Reference: Schmid & Murray (2024) arXiv:2409.03749, equations (1)-(11).

    Examples
    --------
    >>> import learndyn as ld
    >>> decay = ld.UpdateRule(2, mean=lambda w: -w)
    >>> flow = ld.moment_flow(decay, ld.GaussianWeights([1.0, 0.0], cov=0.1), until=1, save_at=2)
    >>> flow.w.values[-1].round(6).tolist(), round(float(flow.trace_cov[-1]), 6)
    ([0.367879, 0.0], 0.027067)
    """
    from learndyn.engines.progress import time_bar
    from learndyn.engines.theory import integrate

    scenario, update = rule_and_update(rule)
    start = scenario.as_start(start)
    times = save_times(save_at, start.at, until)
    rtol, atol = tolerances(rtol, atol)
    form = _form(scenario, update, start, order, finite_rate)
    state = form.pack(start.mean.values, start.factor())
    flow = make_flow(update, form, shapes=shapes_of(scenario.values()))
    require_finite(flow, start.at, state, scenario)
    with time_bar(progress, start.at, float(times[-1]), scenario.time_name) as advance:
        run = integrate(
            flow, state, scenario.values(), times, start.at,
            rtol=rtol, atol=atol, limit=DIVERGENCE * (float(flow.size(state)) + 1.0),
            max_steps=count(max_steps, "max_steps"), on_progress=advance,
        )  # fmt: skip
    status, message, rows = _verdict(scenario, form, run, max(LOST_POSITIVITY, rtol))
    if status != "ok":
        warnings.warn(message, LearndynWarning, stacklevel=2)
    states, times = run.states[:rows], run.times[:rows]
    options = {"until": float(until), "rtol": rtol, "atol": atol, "steps": run.steps, "order": form_order(form)}
    options["finite_rate"] = form.kind == "matrix"
    result = trajectory(
        scenario, start, times, form.mean(states),
        engine="theory", status=status, message=message, options=options, timings=run.timings,
    )  # fmt: skip
    found = _moments(form, states, _records(record, form, rows))
    if status == "ok" and getattr(scenario, "update", None) is not None:
        found |= _errors(scenario, flow, form, state, times, (rtol, atol, start.at, max_steps))
    result = _with(result, found, scenario)
    return result if observables is None else with_observables(result, observables)


def rule_and_update(value: Any) -> tuple[Any, Any]:
    """A scenario with a mean update, and that; refused in a sentence where there is none."""
    if not hasattr(value, "mean_update"):
        remedy = (
            "Use scenario.gaussian()" if hasattr(value, "gaussian") else "Write ld.UpdateRule(2, mean=lambda w: -w)"
        )
        raise InputError(
            "Argument `rule` must be an ld.UpdateRule, or a scenario with a mean update such as "
            f"ld.GaussianClassification, but it is {_named(value)}. {remedy}, say."
        )
    scenario = checked_scenario(value)
    return scenario, scenario.mean_update()


def shapes_of(values: dict[str, np.ndarray]) -> tuple[Any, ...]:
    """The shapes of a scenario's numbers, on which its compiled programs depend."""
    return tuple((name, np.shape(value)) for name, value in sorted(values.items()))


def _named(value: Any) -> str:
    return f"an ld.{type(value).__name__}" if hasattr(value, "time_name") else repr(value)


def _form(scenario: Any, update: Any, start: Any, order: Any, finite_rate: Any) -> Form:
    """How the moments lie in the state."""
    n = start.n
    if order not in (2, 3):
        raise InputError(f"Argument `order` must be 2 or 3, but it is {shown(order)}. Choose one.")
    if not isinstance(finite_rate, bool):
        raise InputError(
            f"Argument `finite_rate` must be True or False, but it is {shown(finite_rate)}. Leave it out for False."
        )
    if order == 3:
        if finite_rate:
            raise InputError(
                "Argument `order` must be 2 with finite_rate=True, but it is 3: third cumulants that single updates "
                "scatter are not in the equations. Leave one of them out."
            )
        if n > MOST_WEIGHTS_THIRD:
            raise InputError(
                f"Argument `order` must be 2 for more than {MOST_WEIGHTS_THIRD} weights, but it is 3 for {n}: third "
                "cumulants are n^3 numbers. Use ld.ensemble."
            )
        return Form(n, "cumulants")
    if finite_rate:
        if update.covariance is None:
            raise InputError(
                "Argument `finite_rate` must be False for a rule whose scatter Cov_L(f) is not known, but it is True. "
                "Give ld.UpdateRule(..., covariance=...), or `update` and `inputs`. Leave it out."
            )
        return Form(n, "matrix")
    return Form(n, rank=start.factor().shape[1])


def form_order(form: Form) -> int:
    """The order of the moments that the state holds."""
    return 3 if form.kind == "cumulants" else 2


def require_finite(flow: Any, at: float, state: np.ndarray, scenario: Any) -> None:
    """Refuse a start at which the rule gives no finite numbers."""
    from learndyn.engines.theory import drift_at

    if not np.isfinite(drift_at(flow, at, state, scenario.values())).all():
        raise InputError(
            "Argument `start` must be a point where the mean update and its derivatives are finite, but they are not "
            "there. Check the rule for a division by 0, or the root or logarithm of 0; or move the start."
        )


TOO_WIDE = (
    "the distribution is too wide or too skew for equations that end with third cumulants. Use order=2, a narrower "
    "start, or ld.ensemble."
)


def _verdict(scenario: Any, form: Form, run: Any, tolerance: float) -> tuple[str, str, int]:
    """Status, sentence and number of good rows."""
    status, message, rows = verdict(scenario, run, tolerance)
    third = form.kind == "cumulants"
    good = _positive_rows(form, run.states[:rows], tolerance)
    if good < rows:
        why = TOO_WIDE if third else "the tolerance is too loose for this run. Ask for a smaller rtol and atol."
        time = f"{scenario.time_name} = {run.times[good]:.6g}"
        return "lost_positivity", f"The covariance got a negative eigenvalue at {time}: {why}", max(good, 1)
    if third and status in ("diverged", "not_finite"):
        message = f"The moments grew without bound at {scenario.time_name} = {run.end:.6g}: {TOO_WIDE}"
    if third and status == "max_steps":
        message = f"{message} If more steps do not help, {TOO_WIDE}"
    return status, message, rows


def _positive_rows(form: Form, states: np.ndarray, tolerance: float) -> int:
    """Number of leading rows whose covariance has no negative eigenvalue, up to a part of the largest trace."""
    if form.kind == "factor" or len(states) == 0:
        return len(states)
    slack = (tolerance * float(form.variance(states).sum(-1).max()) + 1e-300) * np.eye(form.n)
    for row, state in enumerate(states):
        try:
            # Cheaper than eigenvalues, and fails where one is negative.
            np.linalg.cholesky(form.covariance(state) + slack)
        except np.linalg.LinAlgError:
            return row
    return len(states)


def _records(record: Any, form: Form, rows: int) -> list[str]:
    if record is None:
        return ["Cov"] if rows * form.n**2 <= MOST_COVARIANCES else []
    chosen = [choice(name, "record", RECORDS) for name in ([record] if isinstance(record, str) else list(record))]
    if "S" in chosen and form.kind != "cumulants":
        raise InputError("Argument `record` must not ask for S unless order=3, but it does. Write order=3.")
    return chosen


def _moments(form: Form, states: np.ndarray, records: list[str]) -> dict[str, np.ndarray]:
    variance = form.variance(states)
    found = {"trace_cov": variance.sum(-1), "variance": variance}
    if "Cov" in records:
        found["Cov"] = form.covariance(states)
    if "S" in records:
        found["S"] = form.third_cumulants(states)
    return found


def _errors(
    scenario: Any, flow: Any, form: Form, state: np.ndarray, times: np.ndarray, options: tuple[float, float, float, int]
) -> dict[str, np.ndarray]:
    """Standard errors of the moments: the same run by each independent part of the sampled average."""
    from learndyn.engines.batch import integrate_many

    rtol, atol, at, max_steps = options
    values = scenario.copies()
    run = integrate_many(
        flow, np.repeat(state[None], len(values), axis=0), values, times, at,
        rtol=rtol, atol=atol, limits=DIVERGENCE * (float(flow.size(state)) + 1.0), max_steps=max_steps,
    )  # fmt: skip
    copies = {"w": form.mean(run.states), "trace_cov": form.variance(run.states).sum(-1)}
    return {f"{name}_error": each.std(0, ddof=1) / np.sqrt(len(values)) for name, each in copies.items()}


def _with(result: xr.Dataset, found: dict[str, np.ndarray], scenario: Any) -> xr.Dataset:
    """The result with these variables, labelled."""
    added = {}
    for name, values in found.items():
        dims, text = VARIABLES[name]
        added[name] = xr.Variable((scenario.time_name, *dims), values, {"long_name": text, "units": "1"})
    return result.assign(added)
