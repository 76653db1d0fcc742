"""Points of the flow as labelled results: the order parameters, and the flow around them.

A point is a row without a time: every verb takes it as a start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.analysis.linearisation import LocalFlow, free_places
from learndyn.analysis.spectrum import Spectrum, spectrum_of
from learndyn.results import trajectory

VARIABLES = {
    "eigenvalues": "real part of the eigenvalues of the linearised flow",
    "frequencies": "imaginary part of the eigenvalues of the linearised flow",
    "eigenvectors": "directions of the linearised flow, of length 1",
    "multiplicity": "number of modes with the same eigenvalue",
    "direction": "the direction in words",
}


@dataclass(frozen=True)
class Point:
    """A state where the drift vanishes to within `residual`, and the spectrum there.

    ``residual`` is the largest |F_i|; ``distance`` how far a Newton step moves, which is about how far the point is off
    where its Jacobian is regular.
    """

    state: np.ndarray
    residual: float
    distance: float
    spectrum: Spectrum


def point_at(local: LocalFlow, state: np.ndarray) -> Point:
    """The point at this state, with its spectrum. The Jacobian must be finite."""
    F, J = local.free_at(state)
    return Point(state, residual(F), newton_step(F, J), spectrum_of(J))


def residual(F: np.ndarray) -> float:
    """The largest |F_i|."""
    return float(np.abs(F).max(initial=0.0))


def newton_step(F: np.ndarray, J: np.ndarray) -> float:
    """Length of the shortest step to where the linearised drift vanishes or is smallest."""
    if not np.isfinite(J).all() or not np.isfinite(F).all():
        return float("inf")
    return float(np.linalg.norm(np.linalg.lstsq(J, -F, rcond=1e-10)[0], np.inf)) if len(F) else 0.0


def labelled(scenario: Any, start: Any, points: list[Point], options: dict[str, Any]) -> xr.Dataset:
    """The points as one dataset with the dim ``point``."""
    states = np.array([point.state for point in points]).reshape(len(points), scenario.state_length)
    name = scenario.time_name
    result = trajectory(
        scenario, start, np.arange(len(points), dtype=float), states,
        engine="theory", status="ok", message="The points stand still to within their residual.", options=options,
        timings={},
    )  # fmt: skip
    result = result.rename({name: "point"}).drop_vars("point")
    # The modes of a linear network are not those of the flow near the point.
    result = result.rename({dim: f"own_{dim}" for dim in ("mode", "parameter") if dim in result.dims})
    names = [scenario.parameter_names()[place] for place in free_places(scenario, scenario.flow())]
    return result.assign(_variables(points, names)).assign_coords(
        parameter=("parameter", np.array(names)), mode=("mode", np.arange(1, len(names) + 1))
    )


def one(result: xr.Dataset) -> xr.Dataset:
    """The only point of a dataset, without the dim; what it is goes into the attributes."""
    row = result.isel(point=0)
    what = {name: row[name].item() for name in ("kind", "unstable", "marginal", "residual", "distance")}
    note = {"note": row["note"].item()} if "note" in row else {}
    row = row.drop_vars([*what, *note])
    return row.assign_attrs({**what, **{name: text for name, text in note.items() if text}})


def _variables(points: list[Point], names: list[str]) -> dict[str, xr.Variable]:
    spectra = [point.spectrum for point in points]
    n = len(names)
    columns: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        "eigenvalues": (("mode",), np.array([s.rates for s in spectra]).reshape(-1, n)),
        "eigenvectors": (("parameter", "mode"), np.array([s.vectors for s in spectra]).reshape(-1, n, n)),
        "multiplicity": (("mode",), np.array([s.multiplicity for s in spectra], dtype=int).reshape(-1, n)),
        "direction": (("mode",), np.array([s.directions(names) for s in spectra], dtype=str).reshape(-1, n)),
    }
    if any(s.frequencies.any() for s in spectra):
        columns["frequencies"] = (("mode",), np.array([s.frequencies for s in spectra]))
    found = {
        name: xr.Variable(("point", *dims), value, {"long_name": VARIABLES[name], "units": "1"})
        for name, (dims, value) in columns.items()
    }
    singles = {
        "kind": ("attractive, marginal, repelling or a saddle", np.array([s.kind for s in spectra], dtype=str)),
        "unstable": ("number of directions that grow", np.array([s.unstable for s in spectra], dtype=int)),
        "marginal": ("number of directions that stand still", np.array([s.marginal for s in spectra], dtype=int)),
        "residual": ("largest component of the drift", np.array([point.residual for point in points])),
        "distance": ("length of one more Newton step", np.array([point.distance for point in points])),
    }
    for name, (text, value) in singles.items():
        found[name] = xr.Variable(("point",), value, {"long_name": text, "units": "1"})
    return found
