"""Quasi-random standard normals, in independent sets: Sobol's points, scrambled anew for each set."""

from __future__ import annotations

from typing import Any

import numpy as np


def quasi_normals(normals: int, sets: int, points: int, seed: int, *, directions: bool) -> np.ndarray:
    """Points (sets, points, normals); with `directions`, all of length sqrt(normals)."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    rngs = np.random.default_rng(seed).spawn(sets)
    sobol: Any = qmc.Sobol  # `seed` is `rng` from SciPy 1.15 on, and works under both names
    uniform = np.array([sobol(normals, seed=rng).random(points) for rng in rngs])
    # A scrambled coordinate may be 0, which would be an infinite normal.
    u = ndtri(np.clip(uniform, 1e-16, 1.0 - 1e-16))
    return u * (np.sqrt(normals) / np.linalg.norm(u, axis=-1, keepdims=True)) if directions else u
