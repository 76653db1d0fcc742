"""The verb `phase_boundary`: the curve between two outcomes of a phase diagram.

Where two neighbours of the grid differ, the boundary passes between them: a point halfway, to half their distance.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis.phase_diagram import OUTCOMES
from learndyn.arguments import choice, shown, type_shown
from learndyn.errors import InputError


def phase_boundary(diagram: xr.Dataset, first: str = "learned", second: str | None = None) -> xr.Dataset:
    """Where one outcome of a phase diagram ends and another begins, as points with their uncertainty.

    Parameters
    ----------
    diagram
        A result of `ld.phase_diagram`, refined or not.
    first, second
        Two outcomes: ``"learned"``, ``"not_learned"``, ``"diverged"``, ``"failed"`` or ``"interrupted"``;
        ``second=None`` is any other than the first.

    Returns
    -------
    xarray.Dataset
        Along the dim ``point``, rising in x and then in y: both parameters by their names, each with ``<name>_error``.
        A point lies halfway between two neighbours of the grid, along x or y, that have these outcomes; the error is
        half their distance, and 0 for the parameter that they share. No points where the outcomes never meet.

    Raises
    ------
    InputError
        When it is no phase diagram, or there is no such outcome, or both are the same.

    Notes
    -----
    The boundary passes within the error of each point, up to the solver's tolerance; two boundaries between neighbours
    are seen as one, or as none. It takes no computing.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    >>> diagram = ld.phase_diagram(
    ...     scenario, ld.Start(Q=0.25, R=0.0), until=20, x=("learning_rate", [0.5, 1.0, 2.5]), y=("label_noise", [0.0]),
    ... )
    >>> boundary = ld.phase_boundary(diagram, "learned", "diverged")
    >>> boundary.learning_rate.values.tolist(), boundary.learning_rate_error.values.tolist()
    ([1.75], [0.75])
    """
    x, y = _parameters(diagram)
    choice(first, "first", list(OUTCOMES))
    if second is not None and choice(second, "second", list(OUTCOMES)) == first:
        raise InputError(
            f"Arguments `first` and `second` must be two outcomes, but both are {shown(first)}. Change one."
        )
    outcome = diagram["outcome"].transpose(y, x).values
    is_first = outcome == OUTCOMES.index(first)
    is_second = ~is_first if second is None else outcome == OUTCOMES.index(second)
    parts: dict[str, list[Any]] = {x: [], y: []}
    for axis in (0, 1):
        meet = _neighbours(is_first, is_second, axis) | _neighbours(is_second, is_first, axis)
        for name, at, further in zip((y, x), np.nonzero(meet), (1 - axis, axis), strict=True):
            low, high = diagram[name].values[at], diagram[name].values[at + further]
            parts[name].append([low + (high - low) / 2, (high - low) / 2])
    found = {name: np.hstack(both) for name, both in parts.items()}
    order = np.lexsort([found[y][0], found[x][0]])
    variables: dict[str, Any] = {}
    for name, (at, error) in found.items():
        variables[name] = ("point", at[order], {"long_name": f"{name} where the outcomes meet"})
        variables[f"{name}_error"] = ("point", error[order], {"long_name": f"half the distance of values of {name}"})
    options = json.loads(diagram.attrs["options"])
    options |= {"quantity": "phase_boundary", "first": first, "second": second}
    return xr.Dataset(variables, attrs=diagram.attrs | {"options": json.dumps(options)})


def _neighbours(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
    """Where `a` holds and `b` one further along the axis."""
    return a[:-1] & b[1:] if axis == 0 else a[:, :-1] & b[:, 1:]


def _parameters(diagram: Any) -> tuple[str, str]:
    options = json.loads(diagram.attrs.get("options", "{}")) if isinstance(diagram, xr.Dataset) else {}
    if options.get("quantity") != "phase_diagram":
        kind = "another dataset" if isinstance(diagram, xr.Dataset) else type_shown(diagram)
        raise InputError(
            f"Argument `diagram` must be a result of ld.phase_diagram, but it is {kind}. "
            "Compute one first, with refine=4 for a fine boundary."
        )
    return options["x"], options["y"]
