"""Weight matrices to begin with: random, balanced, out of balance by one number, and decoupled.

A map W = P diag(d) Q^T is shared out over the layers as W_l = R_l diag(d^{1/D}) R_{l-1}^T with R_0 = Q, R_D = P and
orthonormal columns R_l in the hidden layers; two layers may have w_1 w_2 = d with w_2^2 - w_1^2 = c.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from learndyn.arguments import count
from learndyn.errors import InputError
from learndyn.scenarios.linear_modes.curves import weights_of


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(count(seed, "seed", 0)))


def random(widths: tuple[int, ...], scale: float, seed: int) -> list[np.ndarray]:
    """Independent normal weights."""
    rng = _generator(seed)
    pairs = pairwise(widths)
    return [scale * rng.standard_normal((after, before)) for before, after in pairs]


def _frame(width: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Orthonormal columns, uniform among all (only with this choice of signs)."""
    Q, R = np.linalg.qr(rng.standard_normal((width, columns)))
    return Q * np.sign(np.diag(R))


def balanced(widths: tuple[int, ...], scale: float, seed: int) -> list[np.ndarray]:
    """A random map in balanced layers."""
    rng = _generator(seed)
    P, d, Qt = np.linalg.svd(scale * rng.standard_normal((widths[-1], widths[0])), full_matrices=False)
    rank, depth = min(widths), len(widths) - 1
    frames = [Qt[:rank].T, *(_frame(width, rank, rng) for width in widths[1:-1]), P[:, :rank]]
    root = d[:rank] ** (1.0 / depth)
    return [(after * root) @ before.T for before, after in pairwise(frames)]


def lambda_balanced(widths: tuple[int, ...], scale: float, c: float, seed: int) -> list[np.ndarray]:
    """A random map in two layers with W_2^T W_2 - W_1 W_1^T = c 1."""
    if len(widths) != 3:
        raise InputError(
            f"Argument `scenario` must have two layers for one imbalance c, but it has {len(widths) - 1}. Use "
            "ld.LinearWeights.balanced or .random."
        )
    n, h, outputs = widths
    room, name = (outputs, "outputs") if c > 0.0 else (n, "inputs")
    if c != 0.0 and h > room:
        raise InputError(
            f"Argument `imbalance` must be {'at most' if c > 0.0 else 'at least'} 0 for {h} hidden units and {room} "
            f"{name}, but it is {c:g}: the layer to the {name} has the rank {room} at most, and can exceed the other "
            f"by c in {room} directions alone. Choose the other sign, or fewer hidden units."
        )
    rng = _generator(seed)
    P, d, Qt = np.linalg.svd(scale * rng.standard_normal((outputs, n)), full_matrices=True)
    padded = np.zeros(h)
    padded[: min(h, len(d))] = d[:h]
    w_1, w_2 = weights_of(padded, c)
    R = _frame(h, h, rng)
    lower, upper = min(h, n), min(h, outputs)
    return [(R[:, :lower] * w_1[:lower]) @ Qt[:lower], (P[:, :upper] * w_2[:upper]) @ R[:, :upper].T]


def decoupled(
    widths: tuple[int, ...], U: np.ndarray, V: np.ndarray, w: np.ndarray, seed: int | None
) -> list[np.ndarray]:
    """Modes U, V (columns) of the strengths w (D, m) that do not mix."""
    active = w.any(0)
    m, narrowest = int(active.sum()), min(widths[1:-1], default=int(active.sum()))
    if m > narrowest:
        raise InputError(
            f"Argument `u` must have at most {narrowest} strengths other than 0, as many as the narrowest hidden layer "
            f"has units, but it has {m}. Use ld.LinearWeights.balanced, whose modes share units."
        )
    rng = None if seed is None else _generator(seed)
    hidden = [np.eye(width)[:, :m] if rng is None else _frame(width, m, rng) for width in widths[1:-1]]
    frames = [V[:, active], *hidden, U[:, active]]
    strengths = w[:, active]
    pairs = pairwise(frames)
    return [(after * strengths[layer]) @ before.T for layer, (before, after) in enumerate(pairs)]
