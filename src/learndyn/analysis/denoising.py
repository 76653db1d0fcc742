"""Denoising networks: noise against weight decay, and how much noise and how long a run are best for a noisy sample.

Of an autoencoder, s = beta = v. Noise of the variance sigma^2 on the inputs, or weight decay gamma:

    noise   tau du/dt = 2 u (v - (v + sigma^2) u)   to v / (v + sigma^2), at the rate 2 v
    decay   tau du/dt = 2 u (v - gamma - v u)       to 1 - gamma / v,     at the rate 2 (v - gamma)

Both have the same limit for gamma = v sigma^2 / (v + sigma^2); noise is the faster way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from learndyn.arguments import array, number, shown, type_shown
from learndyn.errors import InputError
from learndyn.results import attributes
from learndyn.scenarios.linear_modes.scenario import LinearModes

STRATEGIES = ("stopping", "noise", "both")
# Standard deviations and times that are tried before the search, over so many decades.
NOISES, NOISE_DECADES, TIMES = 61, 3.0, 400


def equivalent_weight_decay(variance: Any, input_noise: float) -> np.ndarray:
    """The weight decay that takes a linear autoencoder to the same strengths as noise on its inputs.

        gamma = v sigma^2 / (v + sigma^2)

    Parameters
    ----------
    variance
        v of each mode, above 0: a number or (m,).
    input_noise
        sigma, a standard deviation, at least 0.

    Returns
    -------
    numpy.ndarray
        gamma, of the shape of `variance`; it is another for each mode, where the noise is one for all.

    Raises
    ------
    InputError
        With one sentence that names the argument.

    References
    ----------
    Pretorius, Kroon & Kamper (2018) arXiv:1806.05413.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.equivalent_weight_decay([1.0, 3.0], input_noise=1.0).tolist()
    [0.5, 0.75]
    """
    v, noise = array(variance, "variance"), number(input_noise, "input_noise", minimum=0.0) ** 2
    if v.size == 0 or v.min() <= 0.0:
        raise InputError(
            f"Argument `variance` must hold numbers above 0, but it is {shown(variance)}. "
            "Leave out the others: without noise nothing is to be chosen."
        )
    return v * noise / (v + noise)


def optimal_denoising(sample: Any, start: Any, until: float, *, population: Any) -> xr.Dataset:
    """The noise on the inputs, and the time to stop, with the smallest error on what was not in the sample.

        min over sigma and t of   L_0 + sum_a beta_a (u_a(t, sigma) - s_a / beta_a)^2 / 2

    u learns the modes of the sample; s and beta in the error are those of the population along the same directions.

    Parameters
    ----------
    sample
        An `ld.LinearModes` that learns; what its input_noise is does not matter.
    start
        An `ld.ModeStart`, or strengths.
    until
        The latest time.
    population
        An `ld.LinearModes` with as many modes, of which ``s``, ``beta`` and ``least_loss`` count: v_a^T E[y x^T] v_a
        and v_a^T E[x x^T] v_a along the eigenvectors v_a of the sample, for an autoencoder.

    Returns
    -------
    xarray.Dataset
        ``input_noise``, the time ``t`` and ``loss`` with the dim ``strategy``: the best time without noise
        ("stopping"), the best noise at `until` ("noise"), and the best of both ("both").

    Raises
    ------
    InputError
        When the modes do not fit, or the sample's strengths have no closed form.

    Notes
    -----
    A search over 61 noises (0, and three decades around the root of the mean variance) and 400 times, then Nelder and
    Mead's from the best: sigma and t are good to about 1e-5 of themselves, the loss to 1e-10. Cost: some 0.1 s.

    Examples
    --------
    >>> import learndyn as ld
    >>> noisy = ld.LinearModes([2.5, 1.0], beta=[2.5, 1.0])        # signal of the variances 2 and 0.5, noise 0.5
    >>> clean = ld.LinearModes([2.0, 0.5], beta=[2.5, 1.0])
    >>> best = ld.optimal_denoising(noisy, 0.01, until=20, population=clean)
    >>> best.loss.values.round(4).tolist(), best.input_noise.values.round(3).tolist()
    ([0.0495, 0.0037, 0.0], [0.0, 0.878, 0.79])
    """
    begin = _checked(sample, start, population)
    end = number(until, "until", above=begin.at)
    error = _Error(sample, begin, population)
    spread = float(np.sqrt(np.mean(sample.beta.values)))
    half = 10.0 ** (NOISE_DECADES / 2.0)
    noises = np.concatenate([[0.0], spread * np.geomspace(1.0 / half, half, NOISES - 1)])
    times = begin.at + (end - begin.at) * np.linspace(0.0, 1.0, TIMES + 1)[1:]
    losses = np.array([error(noise, times) for noise in noises])
    found = {
        "stopping": _polish(error, noises[:1], times, losses[:1], begin.at, end),
        "noise": _polish(error, noises, times[-1:], losses[:, -1:], begin.at, end),
        "both": _polish(error, noises, times, losses, begin.at, end),
    }
    rows = np.array([found[name] for name in STRATEGIES])
    labels = {"input_noise": "standard deviation of the noise", "t": "time to stop", "loss": "error on the population"}
    result = xr.Dataset(
        {name: ("strategy", rows[:, k], {"long_name": labels[name], "units": "1"}) for k, name in enumerate(labels)},
        {"strategy": list(STRATEGIES)},
    )
    result.attrs = attributes(
        sample, begin, status="ok", message="The smallest losses that were found.",
        options={"quantity": "optimal_denoising", "until": end},
    )  # fmt: skip
    return result


class _Error:
    """The error on the population at a noise and times."""

    def __init__(self, sample: LinearModes, start: Any, population: LinearModes) -> None:
        self._sample, self._start, self._least = sample, start, population.least_loss
        self._best, self._beta = population.best, np.broadcast_to(population.beta.values, population.m)

    def __call__(self, noise: float, times: np.ndarray) -> np.ndarray:
        u = self._sample.replace(input_noise=float(noise)).strengths(self._start, times)
        return self._least + (self._beta * (u - self._best) ** 2).sum(-1) / 2.0


def _polish(
    error: _Error, noises: np.ndarray, times: np.ndarray, losses: np.ndarray, begin: float, end: float
) -> tuple[float, float, float]:
    """(noise, time, loss) near the best of a grid; what has one value in it is not varied."""
    from scipy.optimize import minimize

    i, j = np.unravel_index(int(np.argmin(losses)), losses.shape)
    start = np.array([noises[i], times[j]])
    free = np.array([len(noises) > 1, len(times) > 1])
    # As wide as the grid is there.
    widths = np.array([max(0.1 * noises[i], noises[min(1, len(noises) - 1)]), (end - begin) / TIMES])

    def at(free_values: np.ndarray) -> tuple[float, float]:
        point = start.copy()
        point[free] = free_values
        return abs(float(point[0])), float(np.clip(point[1], begin, end))

    def loss(free_values: np.ndarray) -> float:
        noise, time = at(free_values)
        return float(error(noise, np.array([time]))[0])

    corners = [start[free]] + [start[free] + widths[free] * axis for axis in np.eye(int(free.sum()))]
    options = {"initial_simplex": np.array(corners), "xatol": 1e-7 * (1.0 + end - begin), "fatol": 1e-15}
    best = minimize(loss, start[free], method="Nelder-Mead", options=options | {"maxiter": 600})
    noise, time = at(best.x)
    return noise, time, float(best.fun)


def _checked(sample: Any, start: Any, population: Any) -> Any:
    for name, value in (("sample", sample), ("population", population)):
        if not isinstance(value, LinearModes):
            raise InputError(
                f"Argument `{name}` must be an ld.LinearModes, but it is {type_shown(value)}. Use the modes of a "
                "network: scenario.modes()."
            )
    if population.m != sample.m:
        raise InputError(
            f"Argument `population` must have {sample.m} modes, one for each of the sample, but it has {population.m}. "
            "Give both the same modes."
        )
    return sample.as_start(start)
