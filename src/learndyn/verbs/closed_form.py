"""Theory as a formula in time: when `solve` takes it, and the run it gives.

A scenario that has closed forms has ``closed_form(start)``: a function from times (rows,) to flat states (rows, n), or
None where the start is not covered, and ``closed_forms``, which says in words what is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import choice, number
from learndyn.errors import InputError
from learndyn.results import trajectory
from learndyn.scenarios.methods import THEORIES

Curve = Callable[[np.ndarray], np.ndarray]


def closed_form(scenario: Any, start: Any, method: str | None, samples: int | None) -> Curve | None:
    """The formula to take, or None to integrate; refused where it is asked for and there is none."""
    if method is not None:
        choice(method, "method", THEORIES)
    if method == "ode" or samples is not None:
        return None
    known = hasattr(scenario, "closed_form")
    curve = None
    if known:
        with one_thread():
            curve = scenario.closed_form(start)
    if curve is None and method == "closed_form":
        covered = f"covers {scenario.closed_forms}" if known else f"an ld.{type(scenario).__name__} does not have"
        raise InputError(
            f'Argument `method` must be "ode" or None for this start, but it is "closed_form", which {covered}. Leave '
            "it out: the flow is then integrated."
        )
    return curve


def in_closed_form(
    scenario: Any, start: Any, curve: Curve, times: np.ndarray, until: Any, observables: dict[str, Any] | None
) -> xr.Dataset:
    """The run of a formula at these times."""
    clock = time.perf_counter()
    with one_thread():
        states = curve(times)
        return trajectory(
            scenario, start, times, states,
            engine="theory", status="ok", message="The run reached its end.",
            options={"until": number(until, "until"), "method": "closed_form"},
            timings={"trace": 0.0, "compile": 0.0, "run": time.perf_counter() - clock}, observables=observables,
        )  # fmt: skip


def one_thread() -> Any:
    """Products of small matrices on one thread: several that wait for one another cost more than they spare."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")
