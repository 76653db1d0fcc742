"""Mean and spread of the weights: each mean as a line in a band of one standard deviation.

<w_i>(t) +- sqrt(Cov_ii(t))
"""

from __future__ import annotations

from typing import Any

import xarray as xr

from learndyn.errors import InputError
from learndyn.plot import data
from learndyn.plot.axes import makes_axes
from learndyn.plot.style import PALETTE
from learndyn.results import time_of

MOST_WEIGHTS = 7


@makes_axes
def moments(result: xr.Dataset, *, inputs: list[int] | None = None, ax: Any = None) -> Any:
    """Draw the mean of each weight against time, in a band of one standard deviation to both sides.

    Parameters
    ----------
    result
        A result with the mean ``w`` and its ``variance``: of `ld.moment_flow`, or of `ld.solve` from a start with a
        covariance; or a simulation with replicas that recorded ``w``, whose mean and standard deviation are drawn.
    inputs
        Which weights, numbered from 1; the first seven when not given.
    ax
        A matplotlib Axes to draw on; a new one, in the look of `ld.plot.paper`, when not given.

    Returns
    -------
    matplotlib.axes.Axes
        With one line for each weight drawn.

    Raises
    ------
    InputError
        When the result has no variances, or no such weight.

    Examples
    --------
    >>> import learndyn as ld
    >>> task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised(), weight_decay=0.1)
    >>> curve = ld.solve(task, ld.GaussianWeights([0.0, 1.0], cov=0.1), until=10)
    >>> [text.get_text() for text in ld.plot.moments(curve).get_legend().get_texts()]
    ['$w_{1}$', '$w_{2}$']
    """
    (result,) = data.check_results((result,), "result", ("w",))
    mean, deviation = _mean_and_deviation(result)
    known = result["input"].values.tolist()
    chosen = known[:MOST_WEIGHTS] if inputs is None else list(inputs)
    missing = [each for each in chosen if each not in known]
    if missing or not chosen:
        raise InputError(
            f"Argument `inputs` must hold numbers of weights from {known[0]} to {known[-1]}, but it is {inputs}. "
            "Choose among these."
        )
    time = result[time_of(result)].values
    for order, number in enumerate(chosen):
        color = PALETTE[order % len(PALETTE)]
        middle, half = mean.sel(input=number).values, deviation.sel(input=number).values
        ax.fill_between(time, middle - half, middle + half, color=color, alpha=0.2, linewidth=0)
        ax.plot(time, middle, color=color, label=f"$w_{{{number}}}$")
    ax.set_xlabel(data.time_label(result, False))
    ax.set_ylabel("$w_i$")
    ax.margins(x=0.0)
    ax.legend()
    return ax


def _mean_and_deviation(result: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    if "replica" in result.dims and result.sizes["replica"] > 1:
        return result["w"].mean("replica"), result["w"].std("replica", ddof=1)
    if "variance" not in result:
        raise InputError(
            "Argument `result` must have the variances of the weights, but it began from a point. Give a start with a "
            "covariance: ld.GaussianWeights(mean, cov=0.1)."
        )
    return result["w"], result["variance"] ** 0.5
