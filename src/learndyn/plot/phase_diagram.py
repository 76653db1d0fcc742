"""The phase diagram: the time to learn as a colour, and flat colours for what was not learned."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError
from learndyn.plot.axes import makes_axes

# Parameters that have a letter in the papers.
_SYMBOLS = {
    "learning_rate": r"$\eta$", "output_learning_rate": r"$\eta_w$", "bias_learning_rate": r"$\eta_\theta$",
    "label_noise": "$s$", "weight_decay": r"$\lambda$", "output_weight_decay": r"$\lambda_w$", "dropout_keep": "$p$",
    "batch_size": "$b$",
}  # fmt: skip
_FLAT = {"not_learned": "0.85", "diverged": "#D55E00", "failed": "#CC79A7", "interrupted": "white"}
_WORDS = {"not_learned": "not learned", "diverged": "diverged", "failed": "failed", "interrupted": "not run"}


@makes_axes
def phase_diagram(result: xr.Dataset, *, ax: Any = None) -> Any:
    """Draw a phase diagram: where learning succeeded, the time that it took, and what happened elsewhere.

    Parameters
    ----------
    result
        A result of `ld.phase_diagram`.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.

    Returns
    -------
    matplotlib.axes.Axes
        An axis is logarithmic where the values of its parameter are spaced more evenly in their logarithm.

    Raises
    ------
    InputError
        When it is no phase diagram.

    Examples
    --------
    >>> import learndyn as ld
    >>> scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    >>> diagram = ld.phase_diagram(
    ...     scenario, ld.Start(Q=0.25, R=0.0), until=20, x=("learning_rate", [0.5, 1.0, 1.5]),
    ...     y=("label_noise", [0.0, 0.1]),
    ... )
    >>> ld.plot.phase_diagram(diagram).get_xlabel()
    '$\\\\eta$'
    """
    from matplotlib.colors import ListedColormap, LogNorm, Normalize
    from matplotlib.patches import Patch

    x_name, y_name = _parameters(result)
    x, y = (_edges(result[name].values) for name in (x_name, y_name))
    for name, (_, scale) in ((x_name, x), (y_name, y)):
        (ax.set_xscale if name == x_name else ax.set_yscale)(scale)
    outcome = result["outcome"].transpose(y_name, x_name)
    time = result["time"].transpose(y_name, x_name).values
    seen = time[np.isfinite(time)]
    if seen.size:
        wide = seen.min() > 0.0 and seen.max() > 10.0 * seen.min()
        norm = (LogNorm if wide else Normalize)(seen.min(), seen.max())
        mesh = ax.pcolormesh(x[0], y[0], np.ma.masked_invalid(time), cmap="viridis_r", norm=norm, rasterized=True)
        threshold = json.loads(result.attrs["options"])["threshold"]
        ax.figure.colorbar(mesh, ax=ax, label=rf"$\alpha$ at which $\epsilon_g={threshold:g}$")
    handles = []
    for code, name in zip(outcome.attrs["flag_values"], outcome.attrs["flag_meanings"].split(), strict=True):
        where = outcome.values == code
        if name in _FLAT and where.any():
            color = ListedColormap([_FLAT[name]])
            ax.pcolormesh(x[0], y[0], np.ma.masked_where(~where, where), cmap=color, rasterized=True)
            handles.append(Patch(facecolor=_FLAT[name], edgecolor="0.5", linewidth=0.5, label=_WORDS[name]))
    ax.set_xlabel(_SYMBOLS.get(x_name, x_name if len(x_name) > 1 else f"${x_name}$"))
    ax.set_ylabel(_SYMBOLS.get(y_name, y_name if len(y_name) > 1 else f"${y_name}$"))
    if handles:
        ax.legend(handles=handles, frameon=True, framealpha=0.9, edgecolor="none")
    return ax


def _parameters(result: Any) -> tuple[str, str]:
    options = json.loads(result.attrs.get("options", "{}")) if isinstance(result, xr.Dataset) else {}
    if options.get("quantity") != "phase_diagram":
        raise InputError(
            "Argument `result` must be a result of ld.phase_diagram, but it is "
            f"{'another dataset' if isinstance(result, xr.Dataset) else f'a {type(result).__name__}'}. "
            "Use ld.plot.learning_curve for runs."
        )
    return options["x"], options["y"]


def _edges(values: np.ndarray) -> tuple[np.ndarray, str]:
    """The borders of the cells around the values, and the scale of their axis."""
    if len(values) == 1:
        return values[0] + np.array([-0.5, 0.5]), "linear"
    log = bool(values[0] > 0.0) and len(values) > 2 and _unevenness(np.log(values)) < _unevenness(values)
    at = np.log(values) if log else values
    inner = (at[1:] + at[:-1]) / 2
    edges = np.concatenate([[2 * at[0] - inner[0]], inner, [2 * at[-1] - inner[-1]]])
    return (np.exp(edges), "log") if log else (edges, "linear")


def _unevenness(values: np.ndarray) -> float:
    steps = np.diff(values)
    return float(steps.std() / steps.mean())
