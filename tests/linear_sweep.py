"""A sweep of the linear perceptron made by hand, as ld.sweep labels it: its learning curves are known.

d eps_g / d alpha = -eta (2 - eta) eps_g + eta^2 s^2 / 2,    eps_g = 1/2 (Q - 2 R + 1)
"""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import xarray as xr

WORDS = "missing ok diverged not_finite max_steps lost_positivity refused failed interrupted"
CODES = {word: code - 1 for code, word in enumerate(WORDS.split())}
BEGIN = 0.5
LARGE = 1e6


def eps_g(rate, noise, times):
    """The learning curve."""
    decay, level = rate * (2.0 - rate), rate**2 * noise**2 / 2
    if decay == 0.0:
        return BEGIN + level * times
    return level / decay + (BEGIN - level / decay) * np.exp(-decay * times)


def linear_sweep(over, times, *, endings=None):
    """The sweep over rates, noises and other parameters; runs that grow too large have diverged.

    ``over`` has (dim, values) by parameter; ``endings`` has words by place, for members that never ran.
    """
    over = {name: each if isinstance(each, tuple) else (name, each) for name, each in over.items()}
    times = np.asarray(times, dtype=float)
    sizes = {dim: len(values) for dim, values in over.values()}
    shape = tuple(sizes.values())
    curves, status, end = np.full((*shape, len(times)), np.nan), np.zeros(shape, np.int8), np.full(shape, np.nan)
    for place in product(*map(range, shape)):
        at = dict(zip(sizes, place, strict=True))
        values = {name: values[at[dim]] for name, (dim, values) in over.items()}
        if word := (endings or {}).get(place):
            status[place] = CODES[word]
            continue
        curve = eps_g(values.get("learning_rate", 1.0), values.get("label_noise", 0.0), times)
        rows = int((curve < LARGE).sum())
        curves[place][:rows], end[place] = curve[:rows], times[rows - 1]
        status[place] = CODES["ok" if rows == len(times) else "diverged"]
    dims = tuple(sizes)
    flags = {"flag_values": list(CODES.values()), "flag_meanings": WORDS}
    variables = {
        "eps_g": ((*dims, "alpha"), curves),
        "status": (dims, status, flags),
        "message": (dims, np.where(status == 0, "", "It ended early.")),
        "end": (dims, end),
    }
    options = {"quantity": "sweep", "engine": "solve", "over": {n: dim for n, (dim, _) in over.items()}, "rtol": 1e-8}
    labels = {name: (dim, np.asarray(values)) for name, (dim, values) in over.items()}
    attrs = {"engine": "theory", "status": "ok", "message": "", "scenario": "{}", "options": json.dumps(options)}
    return xr.Dataset(variables, {**labels, "alpha": times}, attrs)
