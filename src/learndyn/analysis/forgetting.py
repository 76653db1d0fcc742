"""The verb `forgetting_curve`: what is left of one task after each of the tasks that follow it, and how fast it goes.

a(k) = limit + amplitude exp(-decay k),   k = number of tasks trained since
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, count, number
from learndyn.errors import InputError
from learndyn.results import attributes, scenario_of, start_of

# Levels to which a quantity goes when all is forgotten; others are fitted.
FORGOTTEN = {"alignment": 0.0}


def forgetting_curve(
    result: xr.Dataset,
    task: int = 0,
    *,
    quantity: str | None = None,
    limit: float | None = None,
    bootstrap: int = 400,
    seed: int = 0,
) -> xr.Dataset:
    """What is left of one task after each of the tasks that follow it, with the decay constant of an exponential.

        a(k) = limit + amplitude exp(-decay k),   k = 0, 1, ...: tasks trained since

    Parameters
    ----------
    result
        What `solve` or `simulate` gave for an `ld.TaskSequence`.
    task
        The task that is forgotten.
    quantity
        ``"alignment"`` (default) or ``"accuracy"``; ``"eps_g"`` for teachers.
    limit
        The value when all is forgotten. ``None``: 0 for alignment; fitted for other quantities.
    bootstrap
        The standard errors of the fit are the spread of it over so many draws of the replicas with replacement.
    seed
        Of those draws.

    Returns
    -------
    xarray.Dataset
        ``value`` (later_tasks): the mean over replicas; ``error``: its standard error; ``fit``: the exponential;
        ``decay``, per task, ``amplitude`` and ``limit``; with replicas ``decay_error`` and ``amplitude_error``.
        ``misfit``, the largest distance of value and fit, says how exponential the curve is.

    Raises
    ------
    InputError
        When too few tasks follow: two numbers are fitted to three values at least, three to four.

    Notes
    -----
    Least squares, weighted by the standard errors where there are replicas. Values of different k come from the same
    replicas and are correlated: the bootstrap takes whole replicas, so that its errors hold all the same.
    Reference: Schmid & Murray (2024) arXiv:2409.03749, Fig. 6B.

    Examples
    --------
    >>> import learndyn as ld, numpy as np
    >>> tasks = [ld.GaussianClassification(mu, 0.25, ld.Supervised(), 1.0) for mu in np.eye(5)[:4]]
    >>> sequence = ld.TaskSequence(tasks, ld.Reached("alignment", 0.8, at_most=10))
    >>> curve = ld.forgetting_curve(ld.solve(sequence, ld.GaussianWeights([0.0, 0.0, 0.0, 0.0, 1.0])))
    >>> float(curve.decay.round(4)), float(-np.log(0.6).round(4))  # orthogonal tasks, each to 80 %
    (0.5108, 0.5108)
    """
    name = _quantity(result, quantity)
    table = result[f"{name}_at_end"]
    task = count(task, "task", 0)
    if task >= table.sizes["task"]:
        raise InputError(
            f"Argument `task` must be one of the tasks 0 to {table.sizes['task'] - 1} that were trained, but it is "
            f"{task}. Choose one of these."
        )
    later = table.sel(measured_task=task).isel(task=slice(task, None))
    values = later.transpose("replica", "task").values if "replica" in later.dims else later.values[None]
    limit = FORGOTTEN.get(name) if limit is None else number(limit, "limit")
    needed = 3 if limit is not None else 4
    if values.shape[1] < needed:
        raise InputError(
            f"Argument `result` must have {needed - 1} tasks or more after task {task} for the fit, but it has "
            f"{values.shape[1] - 1}. Train more tasks{', or give the limit' if limit is None else ''}."
        )
    fitted = _fit_with_errors(values, limit, count(bootstrap, "bootstrap", 2), count(seed, "seed", 0))
    options = {"quantity": "forgetting_curve", "of": name, "task": task, "bootstrap": bootstrap, "bootstrap_seed": seed}
    return _dataset(result, name, values, fitted, options)


def _quantity(result: Any, quantity: str | None) -> str:
    """The quantity, the main one of the result where none is named."""
    known = [
        str(name).removesuffix("_at_end") for name in getattr(result, "data_vars", ()) if str(name).endswith("_at_end")
    ]
    if not known:
        raise InputError(
            "Argument `result` must be a result of ld.solve or ld.simulate for an ld.TaskSequence, but it has no "
            "variable `alignment_at_end` or `eps_g_at_end`. Pass the whole result."
        )
    main = next((name for name in ("alignment", "eps_g") if name in known), known[0])
    return main if quantity is None else choice(quantity, "quantity", known)


def _exponential(k: np.ndarray, amplitude: float, decay: float, limit: float) -> np.ndarray:
    return limit + amplitude * np.exp(-decay * k)


def _fit(mean: np.ndarray, error: np.ndarray | None, limit: float | None) -> np.ndarray:
    """Amplitude, decay and limit by weighted least squares."""
    from scipy.optimize import curve_fit

    k = np.arange(len(mean))
    # A first guess: the last value is the limit, or near it, and the first step tells the decay.
    last = mean[-1] if limit is None else limit
    steps = (mean[:2] - last) / (1.0 if mean[0] == last else mean[0] - last)
    rate = float(-np.log(np.clip(steps[1], 1e-3, 0.999)))
    if limit is None:
        found, _ = curve_fit(_exponential, k, mean, (mean[0] - last, rate, last), sigma=error, maxfev=20_000)
        return found
    found, _ = curve_fit(
        lambda k, amplitude, decay: _exponential(k, amplitude, decay, limit),
        k, mean, (mean[0] - last, rate), sigma=error, maxfev=20_000,
    )  # fmt: skip
    return np.array([*found, limit])


def _fit_with_errors(values: np.ndarray, limit: float | None, draws: int, seed: int) -> tuple[np.ndarray, Any]:
    """The fit to the mean of ``values`` (replicas, k), and its standard errors; None for a single replica."""
    replicas = len(values)
    if replicas == 1:
        return _fit(values[0], None, limit), None
    error = _standard_error(values)
    # A value that all replicas share (the level at which they switch) is held by the smallest other error.
    error = np.where(error > 0.0, error, error[error > 0.0].min()) if (error > 0.0).any() else None
    rng = np.random.Generator(np.random.SFC64(seed))
    spread = [_fit(values[rng.integers(replicas, size=replicas)].mean(0), error, limit) for _ in range(draws)]
    return _fit(values.mean(0), error, limit), np.std(spread, axis=0, ddof=1)


def _standard_error(values: np.ndarray) -> np.ndarray:
    return values.std(0, ddof=1) / np.sqrt(len(values))


def _dataset(
    result: xr.Dataset, name: str, values: np.ndarray, fitted: tuple[np.ndarray, Any], options: dict[str, Any]
) -> xr.Dataset:
    (amplitude, decay, limit), errors = fitted
    k, mean = np.arange(values.shape[1]), values.mean(0)
    fit = _exponential(k, amplitude, decay, limit)
    texts = {
        "value": (("later_tasks",), mean, f"{name} on a task after later ones"),
        "fit": (("later_tasks",), fit, "limit + amplitude exp(-decay later_tasks)"),
        "decay": ((), decay, "decay constant per task"),
        "amplitude": ((), amplitude, "amplitude of the exponential"),
        "limit": ((), limit, "what is left at last"),
        "misfit": ((), np.abs(mean - fit).max(), "largest distance of value and fit"),
    }
    if errors is not None:
        texts["error"] = (("later_tasks",), _standard_error(values), "standard error of value")
        texts["decay_error"] = ((), errors[1], "standard error of decay")
        texts["amplitude_error"] = ((), errors[0], "standard error of amplitude")
    variables = {
        key: xr.Variable(dims, value, {"long_name": text, "units": "1"}) for key, (dims, value, text) in texts.items()
    }
    axis = xr.Variable(("later_tasks",), k, {"long_name": "tasks trained since", "units": "1"})
    seed = result.attrs.get("seed")
    attrs = attributes(
        scenario_of(result), start_of(result), engine=result.attrs["engine"], status=result.attrs["status"],
        message=result.attrs["message"], options={**json.loads(result.attrs["options"]), **options},
        seed=None if seed is None else int(seed),
    )  # fmt: skip
    return xr.Dataset(variables, {"later_tasks": axis}, attrs)
